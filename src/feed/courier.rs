//! Wakes the connections of one thread, a few at a time. So whoever tells thousands wakes a few
//! threads, and what else those threads have to do (a till's sale) gets its turn between, not
//! behind everybody who follows a hot key, or comes back after a restart. It must not know what a
//! connection is told.

use std::cell::RefCell;
use std::mem;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::{Notify, oneshot};

use super::inbox::Inbox;

/// After so many connections the other tasks of the thread have a turn.
const WOKEN_IN_A_TURN_MAX: usize = 32;

thread_local! {
    static HERE: RefCell<Option<Arc<Courier>>> = const { RefCell::new(None) };
}

/// Wakes the connections that were made on its thread after it came.
#[derive(Default)]
pub struct Courier {
    called_for: Mutex<Vec<Call>>,
    called: Notify,
}

/// Whom to wake.
enum Call {
    /// A connection that has news; called for once until it is woken.
    News(Arc<Inbox>),
    /// Who waits for a turn.
    Turn(oneshot::Sender<()>),
}

impl Courier {
    /// The courier of the thread that asks: from now on it is, and it runs on and on. A thread
    /// that has none has its connections woken directly.
    pub fn of_this_thread() -> impl Future<Output = ()> {
        let courier = Arc::<Courier>::default();
        HERE.set(Some(courier.clone()));
        async move {
            let mut to_wake = Vec::new();
            loop {
                courier.called.notified().await;
                mem::swap(&mut *courier.called_for.lock(), &mut to_wake);
                for (index, call) in to_wake.drain(..).enumerate() {
                    match call {
                        Call::News(inbox) => inbox.wake(),
                        // Who went away needs no turn.
                        Call::Turn(turn) => drop(turn.send(())),
                    }
                    if index % WOKEN_IN_A_TURN_MAX == WOKEN_IN_A_TURN_MAX - 1 {
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }

    /// The courier of this thread, if it has one.
    pub(super) fn here() -> Option<Arc<Courier>> {
        HERE.with_borrow(Clone::clone)
    }

    /// Waits for a turn of this thread: work that very many connections may ask for in the same
    /// moment is done for a few of them at a time.
    pub async fn turn() {
        if let Some(courier) = Courier::here() {
            let (turn, comes) = oneshot::channel();
            courier.add(Call::Turn(turn));
            // A courier that is gone went with its thread.
            comes.await.ok();
        }
    }

    /// Has the connection with this inbox woken.
    pub(super) fn call(&self, inbox: &Arc<Inbox>) {
        self.add(Call::News(inbox.clone()));
    }

    fn add(&self, call: Call) {
        let mut called_for = self.called_for.lock();
        called_for.push(call);
        let is_first = called_for.len() == 1;
        drop(called_for);
        if is_first {
            self.called.notify_one();
        }
    }
}
