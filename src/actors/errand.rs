//! Work that a key owes to others, run beside its actor and repeated until it is durable there:
//! followers settle, a lead hears what tills used, a transfer arrives, a lead is asked.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{self, Either};
use tokio::sync::oneshot;

use super::call::{CallError, Deliver, Replied, Reply};
use super::directory::Directory;
use super::reply::ReplyTo;
use crate::stock::command::{Acknowledgements, Inquiry};
use crate::stock::ledger::Outgoing;
use crate::stock::{Answer, By, Command, Quantity, Reservation, ReservationId, StockKey};

/// How long a caller waits for other keys to follow, before it hears what is durable already.
const FOLLOW: Duration = Duration::from_secs(2);

/// How long to wait before work that found no room is tried again.
const AGAIN: Duration = Duration::from_millis(20);

/// How many reservations' words one message brings to a follower.
pub(super) const SETTLE_AT_ONCE_MAX: usize = 250;

/// How long to wait before work that was refused is tried again; doubled each time.
const REFUSED_FIRST: Duration = Duration::from_secs(1);
const REFUSED_MAX: Duration = Duration::from_secs(60);

/// One errand with all it needs.
pub(super) enum Work {
    /// Tell a follower what reservations grant it.
    Settle(Settling),
    /// Tell the lead what tills used.
    Report(Reporting),
    /// Let a transfer arrive.
    Deliver(Box<Outgoing>),
}

/// What a follower is to be told, of reservations that one token placed through one channel.
pub(super) struct Settling {
    pub follower: StockKey,
    pub by: By,
    pub reservations: Vec<Arc<Reservation>>,
}

/// What tills used of a hold.
pub(super) struct Reporting {
    pub id: ReservationId,
    pub follower: StockKey,
    pub lead: StockKey,
    pub till_used: Quantity,
}

/// Runs `works` of `key` once `durable` says so, answers `reply` when they are done or when that
/// takes long, and tells the key.
pub(super) async fn run(
    directory: Arc<Directory>,
    key: StockKey,
    works: Vec<Work>,
    durable: Option<oneshot::Receiver<()>>,
    reply: Option<(ReplyTo, Replied)>,
) {
    let reply = reply.map(|(who, replied)| Owed(Some(who), replied));
    if let Some(durable) = durable
        && durable.await.is_err()
    {
        return;
    }
    let tell_done = |done: Acknowledgements| {
        if !done.is_empty() {
            directory.done(&key, done);
        }
    };
    // What nobody waits for takes turns: a flood of deadlines must not take the room of others.
    let in_turn = reply.is_none();
    // Each is told when it is done: one that is never done must not keep the others.
    let works = works
        .into_iter()
        .map(|work| one(&directory, &key, work, in_turn).map(tell_done));
    let works = Box::pin(future::join_all(works));
    let slow = Box::pin(tokio::time::sleep(FOLLOW));
    let unfinished = match future::select(works, slow).await {
        Either::Left(_) => None,
        Either::Right(((), works)) => Some(works),
    };
    if let Some(owed) = reply {
        owed.answer();
    }
    if let Some(works) = unfinished {
        works.await;
    }
}

/// An answer that waits for other keys to follow. Dropped before, whoever waits for it hears that
/// the outcome is unknown: silence would mean that nothing happened.
struct Owed(Option<ReplyTo>, Replied);

impl Owed {
    fn answer(mut self) {
        if let Some(who) = self.0.take() {
            who.hear(self.1.clone());
        }
    }
}

impl Drop for Owed {
    fn drop(&mut self) {
        if let Some(who) = self.0.take() {
            who.hear(Err(CallError::OutcomeUnknown));
        }
    }
}

async fn one(
    directory: &Arc<Directory>,
    key: &StockKey,
    work: Work,
    in_turn: bool,
) -> Acknowledgements {
    match work {
        Work::Settle(settling) => {
            let _turn = if in_turn {
                Some(directory.beside.settling_turn().await)
            } else {
                None
            };
            settle(directory, settling).await
        }
        Work::Report(reporting) => {
            report(directory, key, reporting).await;
            Acknowledgements::default()
        }
        Work::Deliver(outgoing) => arrive(directory, *outgoing).await,
    }
}

async fn settle(directory: &Arc<Directory>, settling: Settling) -> Acknowledgements {
    let Settling {
        follower,
        by,
        reservations,
    } = settling;
    let word = |one: &Arc<Reservation>| (one.id, one.grant(&follower));
    let settle = Command::Settle(reservations.iter().map(word).collect());
    fail::fail_point!("errand::before_settle", |_| std::process::abort());
    let done = until_done(directory, &follower, by, settle).await;
    fail::fail_point!("errand::after_settle", |_| std::process::abort());
    let settled = reservations.iter().filter(|_| done.is_some());
    let settled = settled.map(|one| (one.id, follower.clone(), one.revision));
    Acknowledgements {
        settled: settled.collect(),
        ..Acknowledgements::default()
    }
}

async fn report(directory: &Arc<Directory>, key: &StockKey, reporting: Reporting) {
    let Reporting {
        id,
        follower,
        lead,
        till_used,
    } = reporting;
    let told = Command::ReportUse {
        reservation: id,
        follower,
        till_used,
    };
    fail::fail_point!("errand::before_report", |_| std::process::abort());
    let Some(reply) = until_done(directory, &lead, By::onhand(), told).await else {
        return;
    };
    fail::fail_point!("errand::after_report", |_| std::process::abort());
    take_word(directory, key, id, &reply).await;
}

async fn arrive(directory: &Arc<Directory>, outgoing: Outgoing) -> Acknowledgements {
    let Outgoing { to, arrival, by } = outgoing;
    let id = arrival.id;
    fail::fail_point!("errand::before_arrival", |_| std::process::abort());
    let arrived = until_done(directory, &to, by, Command::Move(arrival))
        .await
        .map(|_| id);
    fail::fail_point!("errand::after_arrival", |_| std::process::abort());
    Acknowledgements {
        arrived: arrived.into_iter().collect(),
        ..Acknowledgements::default()
    }
}

/// Asks leads what became of holds here, takes their word, and gives `again` another turn.
pub(super) async fn inquire(
    directory: Arc<Directory>,
    key: StockKey,
    inquiries: Vec<Inquiry>,
    again: Option<Deliver>,
) {
    let (told, asking) = (&directory, &key);
    let asked = inquiries.into_iter().map(|inquiry| async move {
        let Inquiry {
            reservation,
            lead,
            prepared,
        } = inquiry;
        let follower = asking.clone();
        let question = Command::Inquire {
            reservation,
            follower,
            prepared,
        };
        if let Some(reply) = until_done(told, &lead, By::onhand(), question).await {
            take_word(told, asking, reservation, &reply).await;
        }
    });
    future::join_all(asked).await;
    if let Some(again) = again
        && let Err(error) = directory.tell(&key, again)
    {
        tracing::debug!(%key, %error, "a command's next turn");
    }
}

/// Takes a lead's word about a hold at `key`.
async fn take_word(directory: &Arc<Directory>, key: &StockKey, id: ReservationId, reply: &Reply) {
    let Answer::Grant(grant) = reply.answer else {
        unreachable!("a lead answers a follower with a grant")
    };
    let settle = Command::Settle(vec![(id, grant)]);
    until_done(directory, key, By::onhand(), settle).await;
}

/// Sends a command that must be carried out, until it is durable; none when the journal failed
/// or the actors are gone: the process is about to stop.
pub(super) async fn until_done(
    directory: &Arc<Directory>,
    key: &StockKey,
    by: By,
    command: Command,
) -> Option<Reply> {
    let mut refused = REFUSED_FIRST;
    loop {
        let (deliver, replied) = Deliver::reserved(by.clone(), command.clone());
        directory.tell(key, deliver).ok()?;
        match replied.await {
            Ok(Ok(reply)) => return Some(reply),
            Ok(Err(CallError::OutcomeUnknown)) => return None,
            Ok(Err(CallError::Refused(refusal))) => {
                tracing::error!(
                    %key, %refusal, again_in = ?refused,
                    "work owed to this key, such as a transfer that arrives, is refused there; \
                     it is repeated until the key's figures or bounds let it in: correct them"
                );
                tokio::time::sleep(refused).await;
                refused = REFUSED_MAX.min(refused * 2);
            }
            Ok(Err(CallError::Overloaded | CallError::IdempotencyInProgress)) | Err(_) => {
                tokio::time::sleep(AGAIN).await;
            }
        }
    }
}
