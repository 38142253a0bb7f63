//! Where the answer to a command goes: to one who waits for it alone, or among the answers of a
//! batch, whose caller is woken once, by the last. It must not know what is answered.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::call::{CallError, Replied};

/// Where an answer goes. Dropped, it says that nothing was done.
pub(super) enum ReplyTo {
    /// To one caller.
    One(oneshot::Sender<Replied>),
    /// Among those of a batch.
    Among(Among),
}

/// The place of one answer among those of a batch.
pub(super) struct Among {
    index: usize,
    batch: Arc<Mutex<Batch>>,
}

struct Batch {
    replies: Vec<Option<Replied>>,
    missing: usize,
    complete: Option<oneshot::Sender<()>>,
}

/// The answers of a batch, as they come in.
pub(super) struct Replies {
    batch: Arc<Mutex<Batch>>,
    complete: oneshot::Receiver<()>,
}

impl ReplyTo {
    /// Gives the answer. A caller that hung up is no failure: what happened is in the journal.
    pub fn hear(self, replied: Replied) {
        match self {
            ReplyTo::One(who) => drop(who.send(replied)),
            ReplyTo::Among(place) => place.batch.lock().replies[place.index] = Some(replied),
        }
    }

    /// Whether nobody waits for it any more.
    pub fn is_closed(&self) -> bool {
        match self {
            ReplyTo::One(who) => who.is_closed(),
            ReplyTo::Among(place) => {
                let batch = place.batch.lock();
                batch
                    .complete
                    .as_ref()
                    .is_none_or(oneshot::Sender::is_closed)
            }
        }
    }
}

impl Drop for Among {
    fn drop(&mut self) {
        let mut batch = self.batch.lock();
        batch.missing -= 1;
        if batch.missing == 0
            && let Some(complete) = batch.complete.take()
        {
            drop(batch);
            // The same as for one who hung up.
            complete.send(()).ok();
        }
    }
}

impl Replies {
    /// Room for `count` answers, and the place of each.
    pub fn of(count: usize) -> (Replies, impl Iterator<Item = ReplyTo>) {
        let (tell, complete) = oneshot::channel();
        let batch = Arc::new(Mutex::new(Batch {
            replies: vec![None; count],
            missing: count,
            // With nothing to wait for, it is dropped here, which tells as well.
            complete: (count > 0).then_some(tell),
        }));
        let all = batch.clone();
        let places = (0..count).map(move |index| {
            let batch = all.clone();
            ReplyTo::Among(Among { index, batch })
        });
        (Replies { batch, complete }, places)
    }

    /// Waits until each answer has come or will not come. May be dropped and called again.
    pub async fn complete(&mut self) {
        // The sender goes only with the last place, which tells.
        (&mut self.complete).await.ok();
    }

    /// The answers; what has none yet is `unanswered`.
    pub fn take(self, unanswered: &CallError) -> Vec<Replied> {
        let replies = std::mem::take(&mut self.batch.lock().replies);
        let replies = replies.into_iter();
        replies
            .map(|reply| reply.unwrap_or_else(|| Err(unanswered.clone())))
            .collect()
    }
}
