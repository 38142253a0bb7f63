//! What runs beside the actors, as tasks: how much of it there is, and whose turn it is. It must
//! not know what the tasks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Notify, Semaphore, SemaphorePermit};

use super::directory::Directory;

/// How many messages that nobody waits for are under way to followers: enough to keep them busy,
/// few enough to leave room in the journal's queue.
const SETTLING_AT_ONCE_MAX: usize = 64;

/// The tasks beside the actors.
pub(super) struct Beside {
    running: AtomicUsize,
    done: Notify,
    /// Turns of messages that nobody waits for.
    settling: Semaphore,
}

impl Default for Beside {
    fn default() -> Beside {
        Beside {
            running: AtomicUsize::new(0),
            done: Notify::new(),
            settling: Semaphore::new(SETTLING_AT_ONCE_MAX),
        }
    }
}

impl Beside {
    /// A turn to tell a follower what nobody waits for.
    pub async fn settling_turn(&self) -> SemaphorePermit<'_> {
        let turn = self.settling.acquire().await;
        turn.expect("it is never closed")
    }
}

impl Directory {
    /// Runs work beside an actor; `idle` waits for all of it.
    pub(super) fn run_errand(self: &Arc<Self>, work: impl Future<Output = ()> + 'static) {
        self.beside.running.fetch_add(1, Ordering::Relaxed);
        let running = Running(self.clone());
        actix::spawn(async move {
            work.await;
            drop(running);
        });
    }

    /// Waits until no work runs beside the actors.
    pub async fn idle(&self) {
        loop {
            let done = self.beside.done.notified();
            if self.beside.running.load(Ordering::Acquire) == 0 {
                return;
            }
            done.await;
        }
    }
}

/// An errand that runs, until it is done or its thread is gone.
struct Running(Arc<Directory>);

impl Drop for Running {
    fn drop(&mut self) {
        let beside = &self.0.beside;
        if beside.running.fetch_sub(1, Ordering::AcqRel) == 1 {
            beside.done.notify_waiters();
        }
    }
}
