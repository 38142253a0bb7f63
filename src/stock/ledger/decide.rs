//! The one door: every command comes through `decide`, which changes nothing.

use super::super::cause::By;
use super::super::command::{Acknowledgements, Answer, Command, Decision};
use super::super::event::Event;
use super::super::quantity::Quantity;
use super::super::refusal::Refusal;
use super::super::time::Timestamp;
use super::{Ledger, Rules};

impl Ledger {
    /// What `command` brings about at `now`. What is due before it (`due_before`) must have been
    /// recorded.
    pub fn decide(
        &self,
        by: &By,
        command: &Command,
        now: Timestamp,
        rules: &Rules,
    ) -> Result<Decision, Refusal> {
        debug_assert!(self.due_before(command, now, 1).is_empty());
        match command {
            Command::Move(movement) => self.decide_move(movement, now, rules),
            Command::SetSafetyStock(quantity) => self.decide_safety_stock(*quantity),
            Command::Stop => self.decide_stop(),
            Command::Touch => Ok(self.decide_touch(now)),
            Command::TouchReservation(_) => Ok(Decision::Nothing(Answer::Done)),
            Command::Ask {
                reservation,
                base,
                wanted,
                ..
            } => self.decide_ask(*reservation, base, *wanted, now),
            Command::Prepare {
                reservation,
                lead,
                base,
                granted,
                partial,
                before,
            } => {
                let raise = super::follower::Raising {
                    id: *reservation,
                    lead,
                    base: *base,
                    granted: *granted,
                    partial: *partial,
                    before: *before,
                };
                self.decide_prepare(&raise, now, rules)
            }
            Command::Abandon {
                reservation,
                revision,
                before,
            } => Ok(self.decide_abandon(*reservation, *revision, *before)),
            Command::Settle(words) => Ok(self.decide_settle(words)),
            Command::Change {
                reservation,
                change,
                raise,
                uses,
                idempotency,
            } => {
                let call = super::lead::Call {
                    id: *reservation,
                    by,
                    raise: raise.as_ref(),
                    uses,
                    idempotency: *idempotency,
                    now,
                };
                self.decide_change(&call, change, rules)
            }
            Command::Inquire {
                reservation,
                follower,
                prepared,
            } => Ok(self.decide_inquire(*reservation, follower, *prepared, now)),
            Command::ReportUse {
                reservation,
                follower,
                till_used,
            } => Ok(self.decide_report(*reservation, follower, *till_used, now)),
            Command::Acknowledge(done) => Ok(self.decide_acknowledge(done)),
        }
    }

    fn decide_safety_stock(&self, quantity: Quantity) -> Result<Decision, Refusal> {
        self.expect_stocked()?;
        if quantity == self.level().safety_stock {
            return Ok(Decision::Nothing(Answer::Done));
        }
        Ok(Decision::Record(
            vec![Event::SafetyStockSet(quantity)],
            Answer::Done,
        ))
    }

    fn decide_stop(&self) -> Result<Decision, Refusal> {
        self.expect_stocked()?;
        let leads_live = self
            .reservations()
            .any(|reservation| reservation.state.is_live());
        let empty = self.level().on_hand.is_zero() && self.kept.holds.is_empty() && !leads_live;
        let owes_nothing = self.errands().is_empty();
        if empty && owes_nothing {
            Ok(Decision::Record(vec![Event::Stopped], Answer::Done))
        } else {
            Err(Refusal::NotEmpty)
        }
    }

    fn decide_touch(&self, now: Timestamp) -> Decision {
        let inquiries = self.inquiries(now);
        if inquiries.is_empty() {
            Decision::Nothing(Answer::Done)
        } else {
            Decision::SettleFirst(inquiries)
        }
    }

    fn decide_acknowledge(&self, done: &Acknowledgements) -> Decision {
        let news = Acknowledgements {
            settled: done
                .settled
                .iter()
                .filter(|(id, follower, revision)| {
                    let waits = |(key, since): &(_, u64)| key == follower && since <= revision;
                    self.unsettled(*id).iter().any(waits)
                })
                .cloned()
                .collect(),
            arrived: done
                .arrived
                .iter()
                .filter(|id| self.outgoing(**id).is_some())
                .copied()
                .collect(),
        };
        if news.is_empty() {
            return Decision::Nothing(Answer::Done);
        }
        Decision::Record(vec![Event::Acknowledged(news)], Answer::Done)
    }

    pub(super) fn expect_stocked(&self) -> Result<(), Refusal> {
        if self.level().stocked {
            Ok(())
        } else {
            Err(Refusal::NotStocked)
        }
    }

    /// Refuses, unless leads could still give something back: then they are asked first.
    pub(super) fn refuse(&self, refusal: Refusal, now: Timestamp) -> Result<Decision, Refusal> {
        let inquiries = self.inquiries(now);
        if inquiries.is_empty() {
            Err(refusal)
        } else {
            Ok(Decision::SettleFirst(inquiries))
        }
    }
}
