//! Who visits: a cookie that says nothing, and what the shop remembers for it. A form carries the
//! session's word, which a page of somebody else cannot know, and a key of its own, so that one
//! sent twice counts once. It must not know what is in a cart.

use std::collections::VecDeque;
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::Mutex;

/// Sessions that are remembered; past it the one that came first is forgotten.
const SESSIONS_MAX: usize = 10_000;
/// Forms of a session that are remembered, to know one that is sent again.
const KEYS_MAX: usize = 64;
/// Orders of a session that are remembered.
const ORDERS_MAX: usize = 50;

/// All who visit.
#[derive(Default)]
pub(super) struct Sessions(Mutex<IndexMap<String, Arc<Session>>>);

/// One who visits.
pub(super) struct Session {
    /// What the cookie holds.
    pub(super) id: String,
    /// What each of its forms says.
    pub(super) word: String,
    /// What the service calls the visitor.
    pub(super) customer: String,
    /// What changes. Who changes the cart holds it until the service has answered, so that two
    /// forms of one visitor are done one after the other.
    pub(super) hand: Mutex<Hand>,
}

/// What a visitor has.
#[derive(Default)]
pub(super) struct Hand {
    /// The cart's reservation.
    pub(super) cart: Option<String>,
    /// How many lines are in it.
    pub(super) lines: usize,
    /// What the next page says.
    pub(super) notice: Option<Notice>,
    /// Orders, the newest last.
    orders: VecDeque<String>,
    /// Forms that were sent, the newest last.
    sent: VecDeque<Sent>,
}

/// A form that was sent.
struct Sent {
    key: String,
    /// Where it led.
    location: String,
    /// What was said there.
    notice: Option<Notice>,
}

/// Something that is said once.
#[derive(Clone, Debug)]
pub(super) struct Notice {
    /// Whether it is good news.
    pub(super) is_good: bool,
    /// The words.
    pub(super) words: String,
}

/// A name that nobody can guess.
pub(super) fn secret() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Sessions {
    /// The session of this cookie, or a new one.
    pub(super) fn of(&self, cookie: Option<&str>) -> Arc<Session> {
        let mut sessions = self.0.lock();
        if let Some(known) = cookie.and_then(|id| sessions.get(id)) {
            return known.clone();
        }
        if sessions.len() == SESSIONS_MAX {
            sessions.shift_remove_index(0);
        }
        let session = Arc::new(Session {
            id: secret(),
            word: secret(),
            customer: format!("visitor-{:08x}", rand::random::<u32>()),
            hand: Mutex::default(),
        });
        sessions.insert(session.id.clone(), session.clone());
        session
    }
}

impl Hand {
    /// Where a form led that was sent before. What was said there is said again, as the page that
    /// said it may never have been seen, unless something newer waits to be said.
    pub(super) fn sent(&mut self, key: &str) -> Option<String> {
        let known = self.sent.iter().find(|sent| sent.key == key)?;
        if self.notice.is_none() {
            self.notice.clone_from(&known.notice);
        }
        Some(known.location.clone())
    }

    /// Remembers where a form led, and what is said there.
    pub(super) fn remember(&mut self, key: &str, location: &str) {
        if self.sent.len() == KEYS_MAX {
            self.sent.pop_front();
        }
        self.sent.push_back(Sent {
            key: key.to_owned(),
            location: location.to_owned(),
            notice: self.notice.clone(),
        });
    }

    /// Remembers an order.
    pub(super) fn add_order(&mut self, id: &str) {
        if self.orders.len() == ORDERS_MAX {
            self.orders.pop_front();
        }
        self.orders.push_back(id.to_owned());
    }

    /// Whether an order is this visitor's.
    pub(super) fn has_order(&self, id: &str) -> bool {
        self.orders.iter().any(|own| own == id)
    }

    /// Orders, the newest first.
    pub(super) fn orders(&self) -> Vec<String> {
        self.orders.iter().rev().cloned().collect()
    }

    /// Has the next page say good news.
    pub(super) fn tell(&mut self, words: impl Into<String>) {
        let (is_good, words) = (true, words.into());
        self.notice = Some(Notice { is_good, words });
    }

    /// Has the next page say what did not work.
    pub(super) fn warn(&mut self, words: impl Into<String>) {
        let (is_good, words) = (false, words.into());
        self.notice = Some(Notice { is_good, words });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_finds_its_session_and_a_strange_one_gets_a_new_one() {
        let sessions = Sessions::default();
        let first = sessions.of(None);
        assert_eq!(sessions.of(Some(&first.id)).word, first.word);
        let other = sessions.of(Some("made up"));
        assert!(other.id != first.id && other.id != "made up");
        assert_ne!(other.word, first.word);
    }

    #[test]
    fn only_so_many_visitors_are_remembered() {
        let sessions = Sessions::default();
        let first = sessions.of(None);
        for _ in 0..SESSIONS_MAX {
            sessions.of(None);
        }
        assert_eq!(sessions.0.lock().len(), SESSIONS_MAX);
        assert_ne!(sessions.of(Some(&first.id)).id, first.id);
    }

    #[test]
    fn a_form_that_is_sent_again_is_known_and_only_so_many_are_remembered() {
        let mut hand = Hand::default();
        assert_eq!(hand.sent("a"), None);
        hand.tell("done");
        hand.remember("a", "/cart");
        hand.notice = None;
        assert_eq!(hand.sent("a").unwrap(), "/cart");
        assert_eq!(hand.notice.as_ref().unwrap().words, "done");
        hand.warn("newer");
        assert_eq!(hand.sent("a").unwrap(), "/cart");
        assert_eq!(hand.notice.as_ref().unwrap().words, "newer");
        for key in 0..KEYS_MAX {
            hand.remember(&key.to_string(), "/");
        }
        assert_eq!((hand.sent("a"), hand.sent.len()), (None, KEYS_MAX));
    }

    #[test]
    fn only_so_many_orders_are_remembered_the_newest_first() {
        let mut hand = Hand::default();
        for order in 0..=ORDERS_MAX {
            hand.add_order(&order.to_string());
        }
        assert!(!hand.has_order("0") && hand.has_order("1"));
        assert_eq!(hand.orders()[0], ORDERS_MAX.to_string());
    }
}
