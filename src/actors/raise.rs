//! Taking more from stock for a reservation over several keys: prepare each follower in the order
//! of the keys, have the lead commit; where that may well fail, and where it did, all keys are
//! asked. Handing over and cancelling go the same way, but for the asking: what is at the followers
//! is set aside, so that no till uses it meanwhile.
//!
//! Until the lead is asked, whoever runs this may abandon what was prepared. From then on only
//! the lead can: a follower that hears nothing asks it. So nothing leaks, whoever dies.

use std::sync::Arc;

use futures::future;
use tokio::sync::oneshot;

use super::call::{CallError, Deliver, Replied, Reserved};
use super::directory::Directory;
use super::errand;
use super::idempotency::Claim;
use crate::stock::command::{Idempotency, Raise};
use crate::stock::hold::Grant;
use crate::stock::{
    Answer, By, Change, Command, Quantity, Refusal, ReservationId, Shortage, StockKey,
};
use crate::telemetry::metrics;

/// A change that followers have to prepare for.
pub(super) struct RaisingChange {
    pub by: By,
    pub id: ReservationId,
    pub lead: StockKey,
    /// The revision it is based on; zero for a new reservation.
    pub base_revision: u64,
    /// What is wanted of each key, the lead's included, in the order of the keys.
    pub needs: Vec<Need>,
    /// Whether less will do.
    pub partial: bool,
    pub change: Change,
    pub idempotency: Option<Idempotency>,
    pub claim: Option<Claim>,
}

/// What a reservation wants of one key over its life.
#[derive(Clone)]
pub(super) struct Need {
    pub key: StockKey,
    pub wanted: Quantity,
    /// What the lead grants so far.
    pub base: Grant,
}

/// A raise that was set aside at a follower.
struct PreparedAt {
    key: StockKey,
    granted: Quantity,
    till_used: Quantity,
    durable: oneshot::Receiver<Replied>,
}

/// Whether a key prepares for a change: a follower that gives more, or may be handed over from.
pub(super) fn prepares(need: &Need, lead: &StockKey, change: &Change) -> bool {
    let gives_more = need.wanted > need.base.granted;
    need.key != *lead && (gives_more || !change.takes_stock())
}

impl RaisingChange {
    /// Runs to its end; the caller may be gone by then.
    pub async fn run(mut self, directory: &Arc<Directory>) -> Result<Reserved, CallError> {
        let takes_stock = self.change.takes_stock();
        let is_published = takes_stock && self.is_published(directory);
        if takes_stock && !is_published {
            self.ask(directory).await?;
        }
        let raised = self.raise(directory).await;
        if is_published
            && raised.as_ref().is_err_and(is_short)
            // What was published is gone, or set aside: this names all of it.
            && let Err(all) = self.ask(directory).await
            && is_short(&all)
        {
            return Err(all);
        }
        raised
    }

    /// Whether all that is wanted is there by the published figures: then hardly any key refuses,
    /// and nobody needs to ask first.
    fn is_published(&self, directory: &Directory) -> bool {
        self.needs.iter().all(|need| {
            let more = need.wanted - need.base.granted;
            let level = directory.level(need.key.as_str());
            !more.is_positive() || level.is_some_and(|it| it.stocked && more <= it.available())
        })
    }

    /// Prepares the followers and has the lead commit.
    async fn raise(&mut self, directory: &Arc<Directory>) -> Result<Reserved, CallError> {
        let now = directory.context.clock.now();
        let before = now.plus_millis(directory.context.config.prepare_ms);
        let mut prepared = Vec::new();
        let followers = self.needs.iter();
        for need in followers.filter(|need| prepares(need, &self.lead, &self.change)) {
            fail::fail_point!("raise::before_prepare", |_| std::process::abort());
            match self.prepare(directory, need, before).await {
                Ok(one) => prepared.push(one),
                Err(error) => {
                    // One that did not answer in time may still prepare.
                    let is_unsure = matches!(error, CallError::OutcomeUnknown);
                    let unsure = is_unsure.then(|| need.key.clone());
                    let prepared = prepared.into_iter().map(|one| one.key).chain(unsure);
                    let (by, revision) = (&self.by, self.base_revision + 1);
                    abandon(directory, by, self.id, (revision, before), prepared);
                    return Err(error);
                }
            }
        }
        let mut raise = Raise {
            base_revision: self.base_revision,
            prepared: Vec::new(),
            before,
        };
        let mut uses = Vec::new();
        for one in prepared {
            one.durable
                .await
                .unwrap_or(Err(CallError::OutcomeUnknown))?;
            uses.push((one.key.clone(), one.till_used));
            raise.prepared.push((one.key, one.granted));
        }
        fail::fail_point!("raise::after_prepare", |_| std::process::abort());
        self.commit(directory, raise, uses).await
    }

    /// Asks all keys without taking, so that one refusal names every short one.
    async fn ask(&self, directory: &Arc<Directory>) -> Result<(), CallError> {
        let asked = self.needs.iter().map(|need| async {
            let (reservation, wanted, base) = (self.id, need.wanted, need.base);
            let ask = Command::Ask {
                reservation,
                base,
                wanted,
                partial: self.partial,
            };
            let (deliver, replied) = Deliver::new(self.by.clone(), ask);
            let reply = directory.call(&need.key, deliver, replied).await?;
            let Answer::Grantable(quantity) = reply.answer else {
                unreachable!("asked what is grantable, answered {:?}", reply.answer)
            };
            Ok::<_, CallError>(quantity)
        });
        let mut short = Vec::new();
        let mut anything = false;
        for (need, grantable) in self.needs.iter().zip(future::join_all(asked).await) {
            let available = grantable?;
            anything |= available.is_positive();
            if need.base.falls_short(need.wanted, available) {
                let (key, requested) = (need.key.clone(), need.wanted);
                short.push(Shortage {
                    key,
                    requested,
                    available,
                });
            }
        }
        if short.is_empty() || (self.partial && anything) {
            Ok(())
        } else {
            Err(Refusal::InsufficientStock(short).into())
        }
    }

    /// Sets the raise aside at one follower; hears what was decided before it is durable, so
    /// that the next follower can be asked meanwhile.
    async fn prepare(
        &self,
        directory: &Arc<Directory>,
        need: &Need,
        before: crate::stock::Timestamp,
    ) -> Result<PreparedAt, CallError> {
        let prepare = Command::Prepare {
            reservation: self.id,
            lead: self.lead.clone(),
            base: need.base,
            granted: need.wanted,
            partial: self.partial,
            before,
        };
        let (deliver, durable) = Deliver::new(self.by.clone(), prepare);
        let (decided, decision) = oneshot::channel();
        directory.send(
            &need.key,
            Deliver {
                decided: Some(decided),
                ..deliver
            },
        )?;
        let reply = match directory.reply(decision).await {
            // Nothing was decided early: the answer is the durable one.
            Err(CallError::Overloaded) => durable.await.unwrap_or(Err(CallError::Overloaded))?,
            replied => return self.prepared(need, replied?.answer, durable),
        };
        let (told, durable) = oneshot::channel();
        super::completion::hear(told, Ok(reply.clone()));
        self.prepared(need, reply.answer, durable)
    }

    fn prepared(
        &self,
        need: &Need,
        answer: Answer,
        durable: oneshot::Receiver<Replied>,
    ) -> Result<PreparedAt, CallError> {
        let Answer::Prepared { granted, till_used } = answer else {
            unreachable!("asked to prepare, answered {answer:?}")
        };
        Ok(PreparedAt {
            key: need.key.clone(),
            granted,
            till_used,
            durable,
        })
    }

    /// Has the lead decide. If it refuses, or was never asked, what was prepared is abandoned.
    async fn commit(
        &mut self,
        directory: &Arc<Directory>,
        raise: Raise,
        uses: Vec<(StockKey, Quantity)>,
    ) -> Result<Reserved, CallError> {
        let before = raise.before;
        let prepared: Vec<StockKey> = raise.prepared.iter().map(|(key, _)| key.clone()).collect();
        let command = Command::Change {
            reservation: self.id,
            change: self.change.clone(),
            raise: Some(raise),
            uses,
            idempotency: self.idempotency,
        };
        let (deliver, replied) = Deliver::new(self.by.clone(), command);
        let (id, revision) = (self.id, self.base_revision + 1);
        let replied = directory
            .call(
                &self.lead,
                Deliver {
                    claim: self.claim.take(),
                    ..deliver
                },
                replied,
            )
            .await;
        fail::fail_point!("raise::after_commit", |_| std::process::abort());
        match replied {
            Ok(reply) => Ok(reserved(reply.answer)),
            Err(CallError::OutcomeUnknown) => Err(CallError::OutcomeUnknown),
            Err(error) => {
                let prepared = prepared.into_iter();
                abandon(directory, &self.by, id, (revision, before), prepared);
                Err(error)
            }
        }
    }
}

/// Whether there is less than is wanted.
fn is_short(error: &CallError) -> bool {
    use Refusal::{InsufficientStock, NotStocked};
    matches!(error, CallError::Refused(InsufficientStock(_) | NotStocked))
}

fn abandon(
    directory: &Arc<Directory>,
    by: &By,
    reservation: ReservationId,
    (revision, before): (u64, crate::stock::Timestamp),
    prepared: impl Iterator<Item = StockKey>,
) {
    for key in prepared {
        let (directory, by) = (directory.clone(), by.clone());
        directory.clone().run_errand(async move {
            let abandon = Command::Abandon {
                reservation,
                revision,
                before,
            };
            errand::until_done(&directory, &key, by, abandon).await;
        });
    }
}

/// The reservation in an answer to a change.
pub(super) fn reserved(answer: Answer) -> Reserved {
    let Answer::Reservation {
        reservation,
        replayed,
    } = answer
    else {
        unreachable!("asked to change a reservation, answered {answer:?}")
    };
    if replayed {
        metrics().idempotent_replays_total.inc();
    }
    Reserved {
        reservation,
        replayed,
    }
}
