//! The page where a payment is made, or not, in whatever way one wants to see. It must not know
//! what is paid for.

use maud::{DOCTYPE, Markup, html};

use super::Asked;

/// What one may choose: its name, and its words.
const CHOICES: &[(&str, &str)] = &[
    ("pay", "Pay, and tell the shop at once"),
    ("twice", "Pay, and tell the shop twice"),
    ("wrong", "Pay one krona too little"),
    ("decline", "Decline"),
    ("late", "Pay, and tell the shop late"),
];

/// The page.
pub(super) fn page(asked: &Asked, is_answered: bool) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Pay · Pretend Swish" }
                link rel="icon" href="data:,";
                link rel="stylesheet" href="/onhand.css";
            }
            body.swish {
                main.panel {
                    p.soft { "A pretend Swish: no money moves" }
                    h1 { "SEK\u{a0}" (asked.amount) }
                    p { "To the clog shop, for order " strong { (asked.message) } }
                    @if is_answered {
                        p.notice.good { "You have answered this already." }
                        p { a.button href=(asked.back) { "Back to the shop" } }
                    } @else {
                        (form())
                    }
                }
            }
        }
    }
}

fn form() -> Markup {
    html! {
        form method="post" {
            fieldset {
                legend { "What should happen?" }
                @for (index, (name, words)) in CHOICES.iter().enumerate() {
                    label.choice {
                        input type="radio" name="choice" value=(name) checked[index == 0];
                        span { (words) }
                    }
                }
            }
            p {
                label for="seconds" { "How late, in seconds " }
                input #seconds name="seconds" type="number" min="1" max="600" value="10";
            }
            p { button.primary type="submit" { "Do it" } }
        }
    }
}
