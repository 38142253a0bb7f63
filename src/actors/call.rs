//! What travels to an actor and back.

use std::sync::Arc;

use actix::Message;
use tokio::sync::oneshot;

use super::idempotency::Claim;
use crate::clock::Stopwatch;
use crate::stock::command::Acknowledgements;
use crate::stock::{Answer, By, Command, Level, Refusal, Reservation};
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
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Deliver {
    /// Who asks.
    pub by: By,
    /// What.
    pub command: Command,
    /// Who hears the durable answer. A caller that is gone before its turn is skipped.
    pub reply: oneshot::Sender<Replied>,
    /// Who hears what was decided before it is durable: only the one who prepares a raise.
    pub decided: Option<oneshot::Sender<Replied>>,
    /// The request's claim on its Idempotency-Key, given back if nothing comes of it.
    pub claim: Option<Claim>,
    /// Whether it is never shed.
    pub reserved: bool,
    /// How often leads were asked about holds past their hint, a number of them each time.
    pub asked: u32,
    /// Since when it waits for the actor.
    pub sent: Stopwatch,
    /// Where the time of the request that sent it is noted.
    pub timings: Option<Arc<Timings>>,
}

impl Deliver {
    /// A command from outside, shed when there is no room, and where its reply will come.
    pub fn new(by: By, command: Command) -> (Deliver, oneshot::Receiver<Replied>) {
        let (reply, replied) = oneshot::channel();
        let (decided, claim) = (None, None);
        let asked = 0;
        (
            Deliver {
                by,
                command,
                reply,
                decided,
                claim,
                reserved: false,
                asked,
                sent: Stopwatch::start(),
                timings: timings::current(),
            },
            replied,
        )
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

/// Asks an actor for what a snapshot holds.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct TakeImage {
    /// The image, and the position of the newest record in it.
    pub reply: oneshot::Sender<(Vec<u8>, crate::journal::Position)>,
}

/// Has an actor see to what is due.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Wake;

/// Tells an actor that others have done what its key owed them.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct Done(pub Acknowledgements);
