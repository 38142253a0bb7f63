//! Who changes reservations: asks all keys, prepares followers in the order of the keys, has the
//! lead commit. May be forgotten at any step.

use std::collections::{BTreeMap, BTreeSet};

use super::super::bench::{line, place};
use super::acts::{Act, Call};
use super::engine::{Why, World};
use crate::stock::command::{Idempotency, NewLine, Place, Raise};
use crate::stock::hold::Grant;
use crate::stock::{
    Answer, Change, Command, Confirmation, Quantity, Refusal, Reservation, ReservationId, State,
    StockKey, Timestamp,
};

/// How long followers wait before they ask the lead, milliseconds.
const PREPARE_MS: i64 = 5000;

/// A change on its way to its lead.
pub struct Raising {
    id: ReservationId,
    lead: StockKey,
    change: Change,
    base_revision: u64,
    needs: Vec<Need>,
    partial: bool,
    before: Timestamp,
    idempotency: Option<Idempotency>,
    /// Replies to an earlier step are not heard.
    step: u32,
    asked: BTreeMap<u32, Option<Quantity>>,
    /// The next of the needs to be prepared.
    next: usize,
    prepared: Vec<(StockKey, Quantity)>,
    uses: Vec<(StockKey, Quantity)>,
    phase: Phase,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Asking,
    Preparing,
    Committing,
}

struct Need {
    key: StockKey,
    wanted: Quantity,
    base: Grant,
}

impl World {
    /// Begins what `act` asks for.
    pub fn begin(&mut self, act: &Act) {
        if let Act::Place {
            wants,
            ttl_seconds,
            partial,
            confirm,
        } = act
        {
            let id = ReservationId(self.name());
            let placed = Place {
                id,
                ttl_ms: ttl_seconds * 1000,
                partial: *partial,
                confirm: confirm.then(Confirmation::default),
                ..place("", self.lines(wants))
            };
            let needs = needs(&placed.lines, None);
            let lead = needs.last().unwrap().key.clone();
            let change = Change::Place(Box::new(placed));
            return self.start(id, lead, 0, change, needs);
        }
        let Act::Change { nth, call } = act else {
            panic!("{act:?} changes no reservation");
        };
        let Some(known) = self.known(*nth) else {
            return;
        };
        let change = self.change(call);
        let needs = if let Change::ReplaceLines(lines) = &change
            && known.state == State::Held
        {
            needs(lines, Some(&known))
        } else if let Change::Confirm { reclaim: true, .. } = &change
            && known.state == State::Expired
        {
            reclaimed(&known)
        } else if let Change::Fulfil(parts) | Change::Cancel(parts) = &change
            && known.state == State::Confirmed
        {
            let need = |key: &StockKey| {
                let base = known.grant(key);
                let (key, wanted) = (key.clone(), base.granted);
                Need { key, wanted, base }
            };
            let keys: BTreeSet<&StockKey> = known.gives_from(parts.as_deref()).collect();
            keys.into_iter().map(need).collect()
        } else {
            Vec::new()
        };
        self.start(known.id, known.lead.clone(), known.revision, change, needs);
    }

    fn change(&self, call: &Call) -> Change {
        let part = |part: &Option<(usize, u32)>| {
            part.map(|(key, quantity)| vec![(self.keys[key].clone(), quantity.into())])
        };
        match call {
            Call::Lines(wants) => Change::ReplaceLines(self.lines(wants)),
            Call::Extend { ttl_seconds } => Change::Extend {
                ttl_ms: ttl_seconds * 1000,
            },
            Call::Confirm { until, reclaim } => Change::Confirm {
                confirmation: Confirmation {
                    expires_at: until.map(|seconds| self.now.plus_millis(seconds * 1000)),
                    ..Confirmation::default()
                },
                reclaim: *reclaim,
            },
            Call::Fulfil(some) => Change::Fulfil(part(some)),
            Call::Release => Change::Release,
            Call::Cancel(some) => Change::Cancel(part(some)),
        }
    }

    fn lines(&self, wants: &[(usize, u32)]) -> Vec<NewLine> {
        let wanted = |(key, quantity): &(usize, u32)| line(&self.keys[*key], &quantity.to_string());
        wants.iter().map(wanted).collect()
    }

    fn start(
        &mut self,
        id: ReservationId,
        lead: StockKey,
        base_revision: u64,
        change: Change,
        needs: Vec<Need>,
    ) {
        let number = self.name();
        let partial = matches!(&change, Change::Place(place) if place.partial);
        // Each raise its own limit: it is part of its name.
        let before = self
            .now
            .plus_millis(PREPARE_MS + (number >> 64) as i64 % 997);
        let idempotency = Some(Idempotency {
            key: number,
            body: number,
        });
        let takes = change.takes_stock();
        let raises = |need: &Need| need.key != lead && (!takes || need.wanted > need.base.granted);
        let prepares = needs.iter().any(raises);
        let asks = takes && prepares;
        let raising = Raising {
            id,
            lead: lead.clone(),
            change,
            base_revision,
            needs,
            partial,
            before,
            idempotency,
            step: 0,
            asked: BTreeMap::new(),
            next: 0,
            prepared: Vec::new(),
            uses: Vec::new(),
            phase: Phase::Asking,
        };
        let number = (number >> 64) as u64;
        self.raisings.insert(number, raising);
        if asks {
            self.ask_all(number);
        } else if prepares {
            let raising = self.raisings.get_mut(&number).unwrap();
            raising.phase = Phase::Preparing;
            raising.step = u32::try_from(raising.needs.len()).unwrap();
            self.prepare_next(number);
        } else {
            self.commit(number);
        }
    }

    fn ask_all(&mut self, number: u64) {
        let raising = &self.raisings[&number];
        let asks: Vec<_> = (0..)
            .zip(&raising.needs)
            .map(|(step, need)| {
                let ask = Command::Ask {
                    reservation: raising.id,
                    base: need.base,
                    wanted: need.wanted,
                    partial: raising.partial,
                };
                (step, need.key.clone(), ask)
            })
            .collect();
        for (step, key, ask) in asks {
            self.raisings
                .get_mut(&number)
                .unwrap()
                .asked
                .insert(step, None);
            self.send(key, ask, Why::Raising(number, step), 0);
        }
    }

    /// Hears a reply; one to an earlier step, or to a raise that was given up, means nothing.
    pub fn heard(&mut self, number: u64, step: u32, reply: Result<Answer, Refusal>) {
        let Some(raising) = self.raisings.get_mut(&number) else {
            return;
        };
        match raising.phase {
            Phase::Asking => {
                let Ok(Answer::Grantable(quantity)) = reply else {
                    self.raisings.remove(&number);
                    return;
                };
                raising.asked.insert(step, Some(quantity));
                if raising.asked.values().all(Option::is_some) {
                    self.asked(number);
                }
            }
            Phase::Preparing if step == raising.step => {
                let key = raising.needs[raising.next].key.clone();
                match reply {
                    Ok(Answer::Prepared { granted, till_used }) => {
                        raising.uses.push((key.clone(), till_used));
                        raising.prepared.push((key, granted));
                        raising.next += 1;
                        self.prepare_next(number);
                    }
                    _ => {
                        raising.prepared.push((key, Quantity::ZERO));
                        self.abandon(number);
                    }
                }
            }
            Phase::Committing if step == raising.step => {
                if reply.is_err() && !self.repeats_changes {
                    self.abandon(number);
                } else {
                    self.raisings.remove(&number);
                }
            }
            Phase::Preparing | Phase::Committing => {}
        }
    }

    fn asked(&mut self, number: u64) {
        let raising = self.raisings.get_mut(&number).unwrap();
        let grantable = raising.asked.values().map(|quantity| quantity.unwrap());
        let short = raising.needs.iter().zip(grantable);
        let short = short
            .filter(|(need, grantable)| need.wanted > *grantable)
            .count();
        if short > 0 && !raising.partial {
            self.raisings.remove(&number);
            return;
        }
        raising.phase = Phase::Preparing;
        raising.step = u32::try_from(raising.needs.len()).unwrap();
        self.prepare_next(number);
    }

    fn prepare_next(&mut self, number: u64) {
        let raising = self.raisings.get_mut(&number).unwrap();
        let lead = raising.lead.clone();
        let takes = raising.change.takes_stock();
        let raises = |need: &Need| need.key != lead && (!takes || need.wanted > need.base.granted);
        let next = (raising.next..raising.needs.len()).find(|next| raises(&raising.needs[*next]));
        let Some(next) = next else {
            return self.commit(number);
        };
        raising.next = next;
        raising.step += 1;
        let need = &raising.needs[next];
        let prepare = Command::Prepare {
            reservation: raising.id,
            lead,
            base: need.base,
            granted: need.wanted,
            partial: raising.partial,
            before: raising.before,
        };
        let (key, why) = (need.key.clone(), Why::Raising(number, raising.step));
        self.send(key, prepare, why, 0);
    }

    fn commit(&mut self, number: u64) {
        // With early answers, what was prepared may not be durable; the one journal keeps order.
        let raising = self.raisings.get_mut(&number).unwrap();
        raising.phase = Phase::Committing;
        raising.step += 1;
        let raise = Raise {
            base_revision: raising.base_revision,
            prepared: raising.prepared.clone(),
            before: raising.before,
        };
        // Only a new reservation at one key is reckoned from nothing.
        let alone = raising.base_revision == 0 && raising.prepared.is_empty();
        let raise = (!raising.prepared.is_empty() || raising.change.takes_stock() && !alone)
            .then_some(raise);
        let change = Command::Change {
            reservation: raising.id,
            change: raising.change.clone(),
            raise,
            uses: raising.uses.clone(),
            idempotency: raising.idempotency,
        };
        let (lead, why) = (raising.lead.clone(), Why::Raising(number, raising.step));
        self.send(lead, change, why, 0);
    }

    /// Gives a raise up.
    fn abandon(&mut self, number: u64) {
        let raising = self.raisings.remove(&number).unwrap();
        for (key, _) in raising.prepared {
            let abandon = Command::Abandon {
                reservation: raising.id,
                revision: raising.base_revision + 1,
                before: raising.before,
            };
            self.send(key, abandon, Why::Alone, 0);
        }
    }
}

/// What lines want of each key, in the order of the keys.
fn needs(lines: &[NewLine], known: Option<&Reservation>) -> Vec<Need> {
    let mut wants: BTreeMap<StockKey, Quantity> = BTreeMap::new();
    for line in lines {
        *wants.entry(line.key.clone()).or_default() += line.quantity;
    }
    let need = |(key, wanted): (StockKey, Quantity)| {
        let base = known.map_or(Grant::default(), |known| known.grant(&key));
        Need { key, wanted, base }
    };
    wants.into_iter().map(need).collect()
}

fn reclaimed(known: &Reservation) -> Vec<Need> {
    let need = |key: &StockKey| Need {
        key: key.clone(),
        wanted: known.wanted(key),
        base: known.grant(key),
    };
    let mut needs: Vec<Need> = known.shares.iter().map(|share| need(&share.key)).collect();
    needs.sort_by(|one, other| one.key.cmp(&other.key));
    needs
}
