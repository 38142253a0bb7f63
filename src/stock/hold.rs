//! A reservation's part at one stock key, and what the lead says of it.

use serde::{Deserialize, Serialize};

use super::key::StockKey;
use super::quantity::Quantity;
use super::time::Timestamp;

/// What a key keeps of a reservation. The lead decides what is granted; the key decides what is
/// used, and a use is never undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// The key that holds the decision.
    pub lead: StockKey,
    /// The newest word of the lead.
    pub grant: Grant,
    /// What tills used up here, over the hold's life.
    pub till_used: Quantity,
    /// A raise that waits for the lead's decision.
    pub prepared: Option<Prepared>,
}

/// What the lead's record of one revision gives a key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The lead's revision that says so.
    pub revision: u64,
    /// What the reservation may take here, over its life; zero once it is resolved.
    pub granted: Quantity,
    /// Whether it is promised to a confirmed order rather than held.
    pub committed: bool,
    /// What was handed over here through the reservation, over its life.
    pub handed_over: Quantity,
    /// How much of the tills' use the lead has recorded.
    pub acknowledged: Quantity,
    /// When it lapses: the truth at the lead, a hint elsewhere.
    pub deadline: Option<Timestamp>,
    /// Whether the reservation is resolved, so that the key may forget it.
    pub closed: bool,
}

/// A tentative raise: counted in decisions, shown to nobody. Or, if it grants no more than the
/// hold has, what the lead is about to hand over or cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// The revision that would make it real.
    pub revision: u64,
    /// What that revision would grant.
    pub granted: Quantity,
    /// Past this time the key asks the lead what became of it.
    pub before: Timestamp,
}

impl Grant {
    /// What was used of it as far as the lead knows.
    pub fn used(&self) -> Quantity {
        self.handed_over + self.acknowledged
    }

    /// Whether so much, of which a key can grant no more than `available`, is too much to ask for.
    pub fn falls_short(&self, wanted: Quantity, available: Quantity) -> bool {
        wanted > available && wanted > self.handed_over
    }

    /// Whether a key that took this word and used no more has nothing left to keep.
    pub fn is_over(&self) -> bool {
        self.closed || (self.granted.is_zero() && self.used().is_zero())
    }
}

impl Hold {
    /// A hold that nothing was granted yet.
    pub fn new(lead: StockKey) -> Hold {
        Hold {
            lead,
            grant: Grant::default(),
            till_used: Quantity::ZERO,
            prepared: None,
        }
    }

    /// What was used here, by tills and by hand-over.
    pub fn used(&self) -> Quantity {
        self.till_used + self.grant.handed_over
    }

    /// max(0, granted − used): what it still keeps from others.
    pub fn remaining(&self) -> Quantity {
        (self.grant.granted - self.used()).or_zero()
    }

    /// What a prepared raise would take on top of what remains.
    pub fn tentative(&self) -> Quantity {
        let Some(prepared) = self.prepared else {
            return Quantity::ZERO;
        };
        ((prepared.granted - self.used()).or_zero() - self.remaining()).or_zero()
    }

    /// Whether what is left here may be handed over or cancelled any moment.
    pub fn is_set_aside(&self) -> bool {
        let granted = self.prepared.map(|prepared| prepared.granted);
        granted.is_some_and(|granted| granted <= self.grant.granted)
    }

    /// Whether the lead has yet to record some of the tills' use.
    pub fn has_unreported_use(&self) -> bool {
        self.till_used > self.grant.acknowledged
    }

    /// Whether nothing is left to say about it.
    pub fn is_over(&self) -> bool {
        let empty = self.grant.closed || (self.grant.granted.is_zero() && self.used().is_zero());
        empty && self.prepared.is_none() && !self.has_unreported_use()
    }
}

impl Grant {
    /// Whether a follower that has this one must be told `newer`.
    pub(super) fn differs(&self, newer: &Grant) -> bool {
        let told = Grant {
            revision: 0,
            acknowledged: Quantity::ZERO,
            ..*self
        };
        told != Grant {
            revision: 0,
            acknowledged: Quantity::ZERO,
            ..*newer
        }
    }
}
