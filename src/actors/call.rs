//! What travels to an actor and back.

use std::collections::VecDeque;
use std::sync::Arc;

use actix::Message;
use tokio::sync::oneshot;

use super::idempotency::Claim;
use super::reply::ReplyTo;
use crate::clock::Stopwatch;
use crate::journal::Position;
use crate::stock::command::Acknowledgements;
use crate::stock::ledger::Copied;
use crate::stock::{Answer, By, Command, Level, Refusal, Reservation, StockKey};
use crate::telemetry::timings::{self, Timings};

/// Why a call brought no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// A business answer.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// No room now; nothing happened.
    #[error("overloaded: nothing happened, try again")]
    Overloaded,
    /// It may or may not have happened; repeating it with the same ids is safe.
    #[error("the outcome is unknown: repeat the call with the same key or ids")]
    OutcomeUnknown,
    /// The same request is running.
    #[error("a request with this Idempotency-Key is still running")]
    IdempotencyInProgress,
}

/// A durable answer and the key's figures as of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The answer.
    pub answer: Answer,
    /// The figures.
    pub level: Level,
}

/// A reservation as a call left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reserved {
    /// At which revision.
    pub reservation: Arc<Reservation>,
    /// Whether this is the first answer again.
    pub replayed: bool,
}

/// What a caller hears.
pub type Replied = Result<Reply, CallError>;

/// A command on its way to an actor.
pub(super) struct Deliver {
    /// Who asks.
    pub by: By,
    /// What.
    pub command: Command,
    /// Who hears the durable answer. A caller that is gone before its turn is skipped.
    pub reply: ReplyTo,
    /// Who hears what was decided before it is durable: only the one who prepares a raise.
    pub decided: Option<oneshot::Sender<Replied>>,
    /// The request's claim on its Idempotency-Key, given back if nothing comes of it.
    pub claim: Option<Claim>,
    /// Whether it is never shed.
    pub reserved: bool,
    /// How often leads were asked about holds past their hint, a number of them each time.
    pub asked: u32,
    /// What the key is to do after this, in this order, unless this was shed.
    pub then: VecDeque<Deliver>,
    /// Since when it waits for the actor.
    pub sent: Stopwatch,
    /// Where the time of the request that sent it is noted.
    pub timings: Option<Arc<Timings>>,
}

impl Deliver {
    /// A command from outside, shed when there is no room, and where its reply will come.
    pub fn new(by: By, command: Command) -> (Deliver, oneshot::Receiver<Replied>) {
        let (reply, replied) = oneshot::channel();
        let deliver = Deliver::answering(ReplyTo::One(reply), by, command);
        let timings = timings::current();
        (Deliver { timings, ..deliver }, replied)
    }

    /// The same, with its answer to go to `reply`; it is not timed.
    pub fn answering(reply: ReplyTo, by: By, command: Command) -> Deliver {
        Deliver {
            by,
            command,
            reply,
            decided: None,
            claim: None,
            reserved: false,
            asked: 0,
            then: VecDeque::new(),
            sent: Stopwatch::start(),
            timings: None,
        }
    }

    /// A command that what was decided makes necessary: never shed.
    pub fn reserved(by: By, command: Command) -> (Deliver, oneshot::Receiver<Replied>) {
        let (deliver, replied) = Deliver::new(by, command);
        (
            Deliver {
                reserved: true,
                ..deliver
            },
            replied,
        )
    }
}

/// Commands for keys of one host, in this order.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliveries(pub Vec<(StockKey, Deliver)>);

/// Asks for what a snapshot holds of those of these keys that are awake.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TakeImages {
    /// The keys.
    pub keys: Vec<StockKey>,
    /// Their images.
    pub reply: oneshot::Sender<Vec<Taken>>,
}

/// What an actor gives to a snapshot.
pub(super) struct Taken {
    /// Which key.
    pub key: StockKey,
    /// Its ledger.
    pub ledger: TakenLedger,
    /// The position of the newest record in it.
    pub last: Position,
}

/// A ledger as of one moment.
pub(super) enum TakenLedger {
    /// Its image.
    Image(Vec<u8>),
    /// A copy, of one that takes long to encode: to copy is far quicker, and the key's host serves
    /// nobody meanwhile.
    Copy(Box<Copied>),
}

/// Has keys see to what is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Wake(pub Vec<StockKey>);

/// Tells a key that others have done what it owed them.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Done(pub StockKey, pub Acknowledgements);
