//! What all pages of the shop share: head, header, notices, the fields of every form, and the
//! headers that say what a page may load. It must not know what is on a page.

use maud::{DOCTYPE, Markup, html};

use super::Shop;
use super::session::{Session, secret};

/// The shop's name.
const NAME: &str = "The clog shop";

/// The headers of every answer: scripts from the shop and from the service, the feed, forms to
/// the shop and on to Swish, and nothing else.
pub(super) fn headers(shop: &Shop) -> Vec<(&'static str, String)> {
    let (onhand, swish) = (&shop.onhand, shop.swish.url());
    let feed = onhand.replacen("http", "ws", 1);
    let policy = format!(
        "default-src 'none'; script-src 'self' {onhand}; style-src 'self'; img-src data:; \
         connect-src 'self' {feed}; form-action 'self' {swish}; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    vec![
        ("content-security-policy", policy),
        ("x-content-type-options", "nosniff".to_owned()),
        // A form says which page it comes from, but only to the shop itself.
        ("referrer-policy", "same-origin".to_owned()),
    ]
}

/// A page.
pub(super) struct Frame<'a> {
    /// The shop.
    pub(super) shop: &'a Shop,
    /// Who looks.
    pub(super) session: &'a Session,
    /// Its title.
    pub(super) title: &'a str,
    /// After how long it asks for itself again where no script does.
    pub(super) again_seconds: Option<i64>,
}

impl Frame<'_> {
    /// The page with this on it.
    pub(super) fn around(&self, main: &Markup) -> Markup {
        let component = format!("{}/web/onhand-stock.js", self.shop.onhand);
        let (notice, lines) = {
            let mut hand = self.session.hand.lock();
            (hand.notice.take(), hand.lines)
        };
        html! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    title { (self.title) " · " (NAME) }
                    link rel="icon" href="data:,";
                    link rel="stylesheet" href="/onhand.css";
                    link rel="stylesheet" href="/shop.css";
                    @if let Some(seconds) = self.again_seconds {
                        noscript { meta http-equiv="refresh" content=(seconds); }
                    }
                    script type="module" src=(component) {}
                    script type="module" src="/shop.js" {}
                }
                body.shop {
                    a.skip href="#main" { "Skip to the content" }
                    header {
                        a.brand href="/" { (NAME) }
                        nav aria-label="Shop" {
                            a href="/" { "Products" }
                            a href="/orders" { "Orders" }
                            a.cart href="/cart" {
                                "Cart"
                                @if lines > 0 { " " span.count { (lines) } }
                            }
                        }
                    }
                    main #main tabindex="-1" {
                        @if let Some(notice) = notice {
                            p.notice.good[notice.is_good].bad[!notice.is_good] role="status" {
                                (notice.words)
                            }
                        }
                        (main)
                    }
                    footer {
                        p { "A demo of " a href=(format!("{}/docs", self.shop.onhand)) { "Onhand" }
                            ". Nothing is sold here, and no money moves." }
                    }
                }
            }
        }
    }
}

/// What every form carries: the session's word and a key of its own.
pub(super) fn fields(session: &Session) -> Markup {
    html! {
        input type="hidden" name="word" value=(session.word);
        input type="hidden" name="key" value=(secret());
    }
}
