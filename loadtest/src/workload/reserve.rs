//! Shoppers who put something into the cart: one request, one reservation of one or more lines of
//! one piece each. The same request asks the yardstick; put in other words, it asks a peer.

use std::ops::AddAssign;

use crate::connection::Answer;
use crate::keys::Keys;
use crate::load::Workload;
use crate::request::{Target, Template};
use crate::shop::{LOCATION, SKU, Shop};

/// The longest a hold may last: none expires while it is measured, and each can be counted.
pub const TTL_SECONDS: u64 = 14_400;

/// Where reservations go.
pub const RESERVATIONS: &str = "/v1/reservations";

/// Where the yardstick is.
pub const NOOP: &str = "/v1/noop";

/// The status of a request of many reservations of which not all were placed.
const SOME: u16 = 207;

/// An Idempotency-Key: a tag of the phase, and a number.
pub const KEY: &str = "lt-<13>-<10>";

/// Which keys are wanted.
pub enum Want {
    /// Everyone wants this one.
    One(u64),
    /// Any of the shop's.
    Any(Keys),
}

/// How long holds last.
pub type Ttl = Box<dyn FnMut() -> Option<u64>>;

/// A stream of reservations.
pub struct Reserve {
    template: Template,
    shop: Shop,
    want: Want,
    lines: usize,
    /// Reservations in a request.
    many: usize,
    left: u64,
    ttl: Ttl,
    /// The next Idempotency-Key, if there are any: a tag of the run and a number.
    key: Option<(u64, u64)>,
    placed: Placed,
    drawn: Vec<u64>,
    values: Vec<u64>,
}

/// What answers promised, in pieces.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placed {
    /// Held.
    pub held: u64,
    /// Asked for with an unknown outcome.
    pub unknown: u64,
}

impl AddAssign for Placed {
    fn add_assign(&mut self, more: Placed) {
        self.held += more.held;
        self.unknown += more.unknown;
    }
}

impl Reserve {
    /// Reservations of `lines` lines at `path`. With a `tag`, each has an Idempotency-Key of its
    /// own.
    pub fn new(
        target: &Target,
        path: &str,
        shop: Shop,
        want: Want,
        lines: usize,
        tag: Option<u64>,
    ) -> Reserve {
        let template = request(target, path, lines, tag.is_some());
        Reserve::by(template, shop, want, (1, lines), tag)
    }

    /// So many reservations in a request of any form, each of so many lines. It has slots for all
    /// of their keys ([`KEY`]), then for all of their lines, then for the seconds they last.
    pub fn by(
        template: Template,
        shop: Shop,
        want: Want,
        (many, lines): (usize, usize),
        tag: Option<u64>,
    ) -> Reserve {
        Reserve {
            template,
            shop,
            want,
            lines,
            many,
            left: u64::MAX,
            ttl: Box::new(|| Some(TTL_SECONDS)),
            key: tag.map(|tag| (tag, 0)),
            placed: Placed::default(),
            drawn: Vec::new(),
            values: Vec::new(),
        }
    }

    /// At most so many.
    #[must_use]
    pub fn at_most(mut self, count: u64) -> Reserve {
        self.left = count;
        self
    }

    /// Holds that last as long as `ttl` says each time; no more are placed when it says none.
    #[must_use]
    pub fn lasting(mut self, ttl: Ttl) -> Reserve {
        self.ttl = ttl;
        self
    }

    /// What answers promised so far.
    pub fn placed(&self) -> Placed {
        self.placed
    }

    fn draw(&mut self) {
        match &mut self.want {
            Want::One(key) => {
                self.drawn.clear();
                self.drawn.push(*key);
            }
            Want::Any(keys) => keys.draw_distinct(self.lines, &mut self.drawn),
        }
    }
}

/// The request of one reservation at `path`.
pub fn request(target: &Target, path: &str, lines: usize, is_keyed: bool) -> Template {
    let line = format!(r#"{{"sku":"{SKU}","location":"{LOCATION}","quantity":1}}"#);
    let all = vec![line; lines].join(",");
    let body = format!(r#"{{"lines":[{all}],"ttl_seconds":<_5>}}"#);
    let head = match is_keyed {
        true => format!("Idempotency-Key: {KEY}\r\n"),
        false => String::new(),
    };
    Template::new(target, "POST", path, &head, &body)
}

impl Workload for Reserve {
    fn kinds(&self) -> &'static [&'static str] {
        &["reserve"]
    }

    fn next(&mut self, out: &mut Vec<u8>) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        let ttl = (self.ttl)()?;
        self.left -= 1;
        self.values.clear();
        if let Some((tag, number)) = &mut self.key {
            for _ in 0..self.many {
                self.values.extend([*tag, *number]);
                *number += 1;
            }
        }
        for _ in 0..self.many {
            self.draw();
            let slots = self.drawn.iter().flat_map(|key| self.shop.slots(*key));
            self.values.extend(slots);
        }
        self.values.push(ttl);
        self.template.render(&self.values, out);
        Some(0)
    }

    fn answered(&mut self, _: usize, answer: Option<&Answer<'_>>) {
        let pieces = (self.many * self.lines) as u64;
        match answer {
            Some(answer) if answer.status == 201 => self.placed.held += pieces,
            Some(answer) if answer.status == SOME => self.placed.unknown += pieces,
            Some(answer) if !answer.is_outcome_unknown() => {}
            Some(_) | None => self.placed.unknown += pieces,
        }
    }
}
