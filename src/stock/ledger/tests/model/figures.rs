//! The model: what one key has and promises, worked out anew from what was told to it.

use std::collections::BTreeMap;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Held,
    Confirmed,
    Fulfilled,
    Released,
    Expired,
    Cancelled,
}

/// A reservation of one line.
#[derive(Clone, Debug)]
pub struct Claim {
    pub phase: Phase,
    quantity: i64,
    cancelled: i64,
    pub used: i64,
    ttl: i64,
    pub deadline: Option<i64>,
    /// The `expires_at` it was confirmed with, if it was confirmed.
    confirmed: Option<Option<i64>>,
    resolved_at: Option<i64>,
}

impl Claim {
    pub fn is_live(&self) -> bool {
        matches!(self.phase, Phase::Held | Phase::Confirmed)
    }

    pub fn left(&self) -> i64 {
        (self.quantity - self.cancelled - self.used).max(0)
    }

    fn end(&mut self, phase: Phase, now: i64) {
        self.phase = phase;
        self.resolved_at = Some(now);
    }

    /// What every change comes to: nothing left of what was used is all of it handed over.
    fn conclude(&mut self, now: i64) {
        if self.is_live() && self.left() == 0 && self.used > 0 {
            self.end(Phase::Fulfilled, now);
        }
    }

    fn unfit(&self) -> String {
        match self.phase {
            Phase::Held => "wrong_state:held".into(),
            Phase::Confirmed => "wrong_state:confirmed".into(),
            Phase::Expired => "expired".into(),
            Phase::Fulfilled => "resolved:fulfilled".into(),
            Phase::Released => "resolved:released".into(),
            Phase::Cancelled => "resolved:cancelled".into(),
        }
    }
}

/// A change of what is there, at the moment it tells of.
struct Fact {
    moment: i64,
    delta: i64,
}

pub struct Model {
    pub now: i64,
    pub stocked: bool,
    facts: Vec<Fact>,
    counted: i64,
    /// What was told when the last count was.
    told: usize,
    /// The moment it spoke of, if it was not of now.
    counted_moment: Option<i64>,
    last_count: i64,
    counted_until: i64,
    pub safety: i64,
    pub claims: BTreeMap<u128, Claim>,
}

/// What is to come of a command: its refusal, and for a movement its flags and use.
#[derive(Debug, PartialEq, Eq)]
pub struct Outcome {
    pub code: String,
    pub oversold: bool,
    pub absorbed: bool,
    pub used: Option<i64>,
}

pub fn outcome(code: impl Into<String>) -> Outcome {
    Outcome {
        code: code.into(),
        oversold: false,
        absorbed: false,
        used: None,
    }
}

pub type Called = Result<(), String>;

impl Model {
    pub fn new() -> Model {
        Model {
            now: 0,
            stocked: false,
            facts: Vec::new(),
            counted: 0,
            told: 0,
            counted_moment: None,
            last_count: i64::MIN,
            counted_until: i64::MIN,
            safety: 0,
            claims: BTreeMap::new(),
        }
    }

    pub fn on_hand(&self) -> i64 {
        // What the last count has not seen: what happened later, and what was told later, less
        // what had no effect.
        let since = self.facts.iter().enumerate().filter(|(index, fact)| {
            *index >= self.told
                || self
                    .counted_moment
                    .is_some_and(|moment| fact.moment > moment)
        });
        self.counted + since.map(|(_, fact)| fact.delta).sum::<i64>()
    }

    pub fn promised(&self, phase: Phase) -> i64 {
        let claims = self.claims.values().filter(|claim| claim.phase == phase);
        claims.map(Claim::left).sum()
    }

    pub fn free(&self) -> i64 {
        let promised = self.promised(Phase::Held) + self.promised(Phase::Confirmed);
        (self.on_hand() - promised - self.safety).max(0)
    }

    pub fn shortfall(&self) -> i64 {
        let promised = self.promised(Phase::Held) + self.promised(Phase::Confirmed);
        (promised - self.on_hand()).max(0)
    }

    /// What time alone brings about; whether that is anything.
    pub fn expire(&mut self) -> bool {
        let now = self.now;
        let mut any = false;
        for claim in self.claims.values_mut() {
            if claim.is_live() && claim.deadline.is_some_and(|deadline| deadline <= now) {
                claim.end(Phase::Expired, now);
                any = true;
            }
        }
        any
    }

    pub fn forget(&mut self) {
        let limit = self.now - 86_400;
        self.claims
            .retain(|_, claim| claim.resolved_at.is_none_or(|at| at > limit));
    }

    pub fn moves(&mut self, delta: i64, ago: Option<i64>, of: Option<u128>) -> Outcome {
        let before = self.shortfall();
        let moment = ago.map_or(self.now, |ago| self.now - ago);
        let absorbed = ago.is_some() && moment <= self.counted_until;
        let now = self.now;
        let claim = of.and_then(|id| self.claims.get_mut(&id));
        let used = claim.filter(|claim| claim.is_live()).map_or(0, |claim| {
            let used = claim.left().min(-delta);
            claim.used += used;
            claim.conclude(now);
            used
        });
        let delta = if absorbed { 0 } else { delta };
        self.facts.push(Fact { moment, delta });
        self.stocked = true;
        Outcome {
            oversold: self.shortfall() > before,
            absorbed,
            used: of.map(|_| used),
            ..outcome("nothing")
        }
    }

    pub fn count(&mut self, quantity: i64, ago: Option<i64>) -> Outcome {
        let before = self.shortfall();
        let moment = ago.map_or(self.now, |ago| self.now - ago);
        let absorbed = ago.is_some() && moment < self.last_count;
        self.stocked = true;
        if !absorbed {
            self.counted = quantity;
            self.last_count = moment.max(self.last_count);
            self.told = self.facts.len();
            self.counted_moment = ago.map(|_| moment);
            if ago.is_some() {
                self.counted_until = moment.max(self.counted_until);
            }
        }
        Outcome {
            oversold: self.shortfall() > before,
            absorbed,
            ..outcome("nothing")
        }
    }

    pub fn place(
        &mut self,
        id: u128,
        quantity: i64,
        ttl: i64,
        partial: bool,
        confirm: bool,
    ) -> Called {
        if !self.stocked {
            return Err("not_stocked".into());
        }
        let free = self.free();
        if quantity > free && (!partial || free == 0) {
            return Err(format!("insufficient:{quantity}:{free}"));
        }
        let deadline = (!confirm).then_some(self.now + ttl);
        let claim = Claim {
            phase: if confirm {
                Phase::Confirmed
            } else {
                Phase::Held
            },
            quantity: quantity.min(free),
            cancelled: 0,
            used: 0,
            ttl,
            deadline,
            confirmed: confirm.then_some(None),
            resolved_at: None,
        };
        self.claims.insert(id, claim);
        Ok(())
    }

    fn claim(&mut self, id: u128) -> Result<&mut Claim, String> {
        self.claims.get_mut(&id).ok_or("not_found".into())
    }

    pub fn lines(&mut self, id: u128, quantity: i64) -> Called {
        let (now, free) = (self.now, self.free());
        let claim = self.claim(id)?;
        if claim.phase != Phase::Held {
            return Err(claim.unfit());
        }
        let most = claim.used + claim.left() + free;
        if quantity > most && quantity > claim.used {
            return Err(format!("insufficient:{quantity}:{most}"));
        }
        claim.quantity = quantity;
        claim.deadline = Some(now + claim.ttl);
        claim.conclude(now);
        Ok(())
    }

    pub fn extend(&mut self, id: u128, ttl: i64) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase != Phase::Held {
            return Err(claim.unfit());
        }
        claim.deadline = Some(now + ttl);
        Ok(())
    }

    pub fn confirm(&mut self, id: u128, until: Option<i64>, reclaim: bool) -> Called {
        let (now, free) = (self.now, self.free());
        let claim = self.claim(id)?;
        let equal = claim.confirmed == Some(until);
        match claim.phase {
            Phase::Held => {}
            Phase::Confirmed | Phase::Fulfilled if equal => return Ok(()),
            Phase::Confirmed => return Err("already_confirmed:none".into()),
            Phase::Expired if reclaim => {
                let wanted = claim.quantity - claim.cancelled;
                if wanted > claim.used + free && wanted > claim.used {
                    let most = claim.used + free;
                    return Err(format!("insufficient:{wanted}:{most}"));
                }
            }
            Phase::Expired | Phase::Fulfilled | Phase::Released | Phase::Cancelled => {
                return Err(claim.unfit());
            }
        }
        claim.phase = Phase::Confirmed;
        claim.resolved_at = None;
        claim.deadline = until;
        claim.confirmed = Some(until);
        claim.conclude(now);
        Ok(())
    }

    pub fn fulfil(&mut self, id: u128, part: Option<i64>) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase == Phase::Fulfilled && part.is_none() {
            return Ok(());
        }
        let part = due(claim, part)?;
        claim.used += part;
        claim.conclude(now);
        let (moment, delta) = (now, -part);
        self.facts.push(Fact { moment, delta });
        Ok(())
    }

    pub fn release(&mut self, id: u128) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        match claim.phase {
            Phase::Held => claim.end(Phase::Released, now),
            Phase::Released => {}
            Phase::Confirmed | Phase::Fulfilled | Phase::Expired | Phase::Cancelled => {
                return Err(claim.unfit());
            }
        }
        Ok(())
    }

    pub fn cancel(&mut self, id: u128, part: Option<i64>) -> Called {
        let now = self.now;
        let claim = self.claim(id)?;
        if claim.phase == Phase::Cancelled && part.is_none() {
            return Ok(());
        }
        claim.cancelled += due(claim, part)?;
        if claim.left() == 0 {
            claim.end(Phase::Cancelled, now);
        }
        Ok(())
    }
}

/// How much of a confirmed claim is meant.
fn due(claim: &Claim, part: Option<i64>) -> Result<i64, String> {
    let left = claim.left();
    match part {
        _ if claim.phase != Phase::Confirmed => Err(claim.unfit()),
        Some(part) if part > left => Err(format!("over_fulfilled:{part}:{left}")),
        part => Ok(part.unwrap_or(left)),
    }
}
