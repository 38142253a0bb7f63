//! The pages of a store: the screen on its wall and the till at its counter. Here are their frames;
//! what they do is in the browser's part. It must not know any stock.
//!
//! A page holds nothing that is secret, so no token is asked for it. The script on it has one of
//! its own and asks with it, as any client does.

use actix_web::HttpRequest;
use actix_web::web::Data;
use maud::{DOCTYPE, Markup, html};

use super::answer::Answered;
use super::border::Border;
use super::content::Content;
use super::names::location_in_path;
use super::problem::{Code, Problem};
use super::request::path_location;
use crate::catalogue::Location;

/// `GET /screen/{location}`: the store's products, for a wall.
pub async fn screen(request: HttpRequest, border: Data<Border>) -> Answered {
    let is_on = border.limits.screens;
    page(&request, &border, "screen", is_on, &screen_body())
}

/// `GET /till/{location}`: where a clerk sells, takes returns and hands over orders.
pub async fn till(request: HttpRequest, border: Data<Border>) -> Answered {
    let is_on = border.limits.tills;
    page(&request, &border, "till", is_on, &till_body())
}

fn page(
    request: &HttpRequest,
    border: &Border,
    kind: &str,
    is_on: bool,
    body: &Markup,
) -> Answered {
    if !is_on {
        let detail = format!(
            "{kind}s are off here: set `{kind}s = true` in section [pages] of the configuration, \
             or ONHAND_PAGES_{}S=true",
            kind.to_ascii_uppercase()
        );
        return Err(Problem::not_found(Code::NotFound, detail));
    }
    let name = path_location(request)?;
    let location = location_in_path(border, name.as_str())?;
    let page = framed(kind, &location, body).into_string();
    Ok(Content::scripted("text/html; charset=utf-8", page).answer(request))
}

/// The frame. Words are put in by the script, in the browser's language; until then nothing shows,
/// so that nothing moves.
fn framed(kind: &str, location: &Location, body: &Markup) -> Markup {
    let (id, name) = (location.location.as_str(), location.content.name.as_str());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (name) " · Onhand" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/web/onhand.css";
                link rel="stylesheet" href="/web/store.css";
                script type="module" src=(format!("/web/{kind}.js")) {}
            }
            body.(kind) data-location=(id) data-name=(name) {
                noscript { p.notice { "This page needs JavaScript." } }
                (body)
            }
        }
    }
}

fn screen_body() -> Markup {
    html! {
        header {
            h1 #place {}
            p #age role="status" {}
            time #now {}
        }
        p #banner .notice.bad role="alert" hidden {}
        main {
            table {
                thead {
                    tr {
                        th scope="col" data-word="product" {}
                        th scope="col" .number data-word="price" {}
                        th scope="col" data-word="stock" {}
                    }
                }
                tbody #rows {}
            }
            p #empty hidden data-word="empty" {}
        }
        footer {
            p #keys { kbd { "←" } " " kbd { "→" } " " span data-word="leaf" {} " "
                kbd #space {} " " span #pausing {} }
            p #turn {}
        }
        template #row {
            tr hidden {
                td .name {}
                td .number { span.figure { s {} " " span.price {} } }
                td .level { span.figure { span.dot {} " " span.text {} } }
            }
        }
    }
}

fn till_body() -> Markup {
    html! {
        header {
            h1 #place {}
            p #connection role="status" {}
            button #kept type="button" { span #kept-words {} " " kbd { "F9" } }
        }
        p #banner .notice.bad role="alert" hidden {}
        main {
            (till_find())
            (till_item())
            section.panel.latest aria-labelledby="latest-words" {
                h2 #latest-words data-word="latest" {}
                p #told role="status" {}
                ol #latest {}
            }
        }
        footer { p #keys {} }
        (till_returning())
        (till_ordering())
        (till_keeping())
    }
}

fn till_find() -> Markup {
    html! {
        section.panel.find aria-labelledby="find-words" {
            form #find role="search" autocomplete="off" {
                label #find-words for="search" data-word="find" {}
                input #search type="text" inputmode="search" autocomplete="off"
                    spellcheck="false" maxlength="200" role="combobox" aria-expanded="false"
                    aria-controls="results" aria-autocomplete="list";
            }
            p #found role="status" {}
            ul #results role="listbox" aria-labelledby="find-words" {}
            button #hand-over type="button" { (labelled("hand_over", "F8")) }
        }
    }
}

fn till_item() -> Markup {
    html! {
        section #item .panel aria-labelledby="name" hidden {
            h2 #name tabindex="-1" {}
            p #facts .soft {}
            p #prices { s #was {} " " strong #price {} }
            table {
                caption data-word="stock" {}
                tbody #levels {}
            }
            p #age .soft {}
            form #sale autocomplete="off" {
                label for="quantity" { span data-word="quantity" {} " " span #unit {} }
                input #quantity type="text" inputmode="decimal" autocomplete="off";
                p #total role="status" {}
                button.primary type="submit" { (labelled("sell", "Enter")) }
                button #return type="button" { (labelled("take_back", "F4")) }
                p #fault role="alert" {}
            }
        }
        section #nothing .panel.soft { p data-word="nothing" {} }
    }
}

fn till_returning() -> Markup {
    html! {
        dialog #returning aria-labelledby="returning-words" {
            form method="dialog" {
                h2 #returning-words {}
                fieldset {
                    legend data-word="condition" {}
                    @for condition in ["sellable", "damaged"] {
                        label {
                            input type="radio" name="condition" value=(condition)
                                checked[condition == "sellable"];
                            span data-word=(condition) {}
                        }
                    }
                }
                menu {
                    button.primary value="take" { (labelled("take_back", "Enter")) }
                    button value="" { (labelled("close", "Esc")) }
                }
            }
        }
    }
}

fn till_ordering() -> Markup {
    html! {
        dialog #ordering aria-labelledby="ordering-words" {
            form #order-form autocomplete="off" {
                h2 #ordering-words data-word="hand_over" {}
                label for="order" data-word="order" {}
                input #order type="text" autocomplete="off" spellcheck="false" maxlength="255";
                p #order-told role="status" {}
                ul #order-lines {}
                menu {
                    button.primary type="submit" { span #order-go {} " " kbd { "Enter" } }
                    button #order-close type="button" { (labelled("close", "Esc")) }
                }
            }
        }
    }
}

fn till_keeping() -> Markup {
    html! {
        dialog #keeping aria-labelledby="keeping-words" {
            h2 #keeping-words data-word="kept" {}
            p #keeping-told {}
            ol #entries tabindex="0" {}
            menu { button #keeping-close type="button" { (labelled("close", "Esc")) } }
        }
    }
}

/// A word, and the key that does the same as a press on it.
fn labelled(word: &str, key: &str) -> Markup {
    html! { span data-word=(word) {} " " kbd { (key) } }
}
