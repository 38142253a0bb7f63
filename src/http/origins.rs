//! Which web pages may ask: the one list behind the feed's check and behind CORS. A browser says
//! where a page is from; what is no browser says nothing and is not asked.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock};

use actix_cors::Cors;
use actix_web::http::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, ETAG, HeaderName, HeaderValue, IF_NONE_MATCH, RETRY_AFTER,
};

use super::gate::REQUEST_ID;

/// How long a browser may remember what it was told it may do.
const REMEMBERED_SECONDS: usize = 600;

/// So many origins that are not on the list are told to the log, each once: what a client claims
/// must not fill it.
const STRANGERS_MAX: usize = 8;

/// The list. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Origins(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    list: OnceLock<BTreeSet<String>>,
    /// Those that were not let in and are told.
    strangers: Mutex<BTreeSet<String>>,
}

impl Origins {
    /// Sets the list, once, before anybody is served.
    pub fn set(&self, origins: impl IntoIterator<Item = String>) {
        let set = self.0.list.set(origins.into_iter().collect());
        assert!(set.is_ok(), "the list of origins is set once");
    }

    /// Whether a page with this header may ask; without one it is no page.
    pub fn allow(&self, origin: Option<&HeaderValue>) -> bool {
        origin.is_none_or(|origin| self.holds(origin))
    }

    fn holds(&self, origin: &HeaderValue) -> bool {
        let origin = origin.to_str().ok();
        let list = self.0.list.get();
        list.zip(origin)
            .is_some_and(|(list, origin)| list.contains(origin))
    }

    /// An origin that was not let in, if it is to be told to the log.
    pub fn stranger(&self, origin: Option<&HeaderValue>) -> Option<String> {
        let origin = origin?.to_str().ok()?;
        let strangers = self.0.strangers.lock();
        let mut strangers = strangers.expect("whoever holds the lock does not panic");
        let is_new = strangers.len() < STRANGERS_MAX && strangers.insert(origin.to_owned());
        is_new.then(|| origin.to_owned())
    }

    /// What answers browsers that ask whether a page of another origin may.
    pub fn cors(&self) -> Cors {
        let list = self.clone();
        Cors::default()
            .allowed_origin_fn(move |origin, _| list.holds(origin))
            .allowed_methods(["GET", "HEAD", "POST"])
            .allowed_headers([
                ACCEPT,
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_NONE_MATCH,
                REQUEST_ID,
                HeaderName::from_static("last-event-id"),
            ])
            .expose_headers([ETAG, REQUEST_ID, RETRY_AFTER])
            .max_age(REMEMBERED_SECONDS)
    }
}

/// The service's own origins: its listeners' addresses, by name too where that is this machine.
pub fn own(listeners: &[(SocketAddr, bool)]) -> Vec<String> {
    let mut own = Vec::new();
    for (address, tls) in listeners {
        let scheme = if *tls { "https" } else { "http" };
        own.push(format!("{scheme}://{address}"));
        if address.ip().is_loopback() {
            own.push(format!("{scheme}://localhost:{}", address.port()));
        }
    }
    own
}

/// Whether pages of other origins on the list may ask this path: what a shop's page shows, and
/// the scripts that show it.
pub fn is_open_to_pages(path: &str) -> bool {
    let open = ["/v1/availability", "/v1/feed", "/web/"];
    open.iter().any(|start| path.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_let_in_by_its_exact_origin_and_others_that_are_no_pages_always() {
        let origins = Origins::default();
        let shop = HeaderValue::from_static("https://shop.example");
        assert!(!origins.allow(Some(&shop)), "no list lets no page in");
        origins.set(["https://shop.example".to_owned()]);
        assert!(origins.allow(Some(&shop)) && origins.allow(None));
        for other in [
            "http://shop.example",
            "https://shop.example.evil.example",
            "null",
        ] {
            assert!(
                !origins.allow(Some(&HeaderValue::from_static(other))),
                "{other}"
            );
        }
    }

    #[test]
    fn a_strange_origin_is_told_once_and_not_more_than_a_few_are() {
        let origins = Origins::default();
        let stranger = |number: usize| {
            let origin = format!("https://{number}.example");
            origins.stranger(Some(&HeaderValue::from_str(&origin).unwrap()))
        };
        assert_eq!(stranger(0), Some("https://0.example".to_owned()));
        assert_eq!(stranger(0), None);
        let told = (1..100).filter_map(stranger).count();
        assert_eq!(told, STRANGERS_MAX - 1);
        assert_eq!(origins.stranger(None), None);
    }

    #[test]
    fn the_services_own_origins_are_its_listeners() {
        let (public, ops) = (
            "127.0.0.1:8080".parse().unwrap(),
            "10.0.0.1:81".parse().unwrap(),
        );
        assert_eq!(
            own(&[(public, false), (ops, true)]),
            [
                "http://127.0.0.1:8080",
                "http://localhost:8080",
                "https://10.0.0.1:81"
            ]
        );
    }
}
