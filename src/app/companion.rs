//! Somebody who asks the service over the wire from within its own process, as the demo does:
//! begun when the service is ready, ended before it stops. It must not know what is asked.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::AppError;
use crate::clock::Clock;

/// How long a companion may take to end. What it asks is answered in milliseconds.
const ENDING_MAX: Duration = Duration::from_secs(10);

/// Where a service that is ready can be asked.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The public listener, as in `http://127.0.0.1:8080`.
    pub public: String,
    /// The ops listener.
    pub ops: String,
    /// The service's time.
    pub clock: Clock,
}

/// A companion under way.
pub(super) struct Companion {
    end: oneshot::Sender<()>,
    task: JoinHandle<Result<(), String>>,
    outcome: Option<Result<(), String>>,
}

impl Companion {
    /// Begins what `begin` makes of the place and of the word to end.
    pub(super) fn begin<F>(
        ready: Ready,
        begin: impl FnOnce(Ready, oneshot::Receiver<()>) -> F,
    ) -> Companion
    where
        F: Future<Output = Result<(), String>> + 'static,
    {
        let (end, ending) = oneshot::channel();
        Companion {
            end,
            task: actix::spawn(begin(ready, ending)),
            outcome: None,
        }
    }

    /// Waits until it ends by itself. May be dropped and called again.
    pub(super) async fn ended(&mut self) {
        if self.outcome.is_none() {
            let outcome = (&mut self.task).await;
            self.outcome = Some(outcome.expect("a panic stops the process before this"));
        }
    }

    /// Has it end, and waits for that a bounded time.
    pub(super) async fn end(self) -> Result<(), AppError> {
        let outcome = match self.outcome {
            Some(outcome) => outcome,
            None => {
                // It may have ended by itself just now.
                self.end.send(()).ok();
                match tokio::time::timeout(ENDING_MAX, self.task).await {
                    Ok(outcome) => outcome.expect("a panic stops the process before this"),
                    Err(_) => Err(format!("did not end within {} s", ENDING_MAX.as_secs())),
                }
            }
        };
        outcome.map_err(AppError::Companion)
    }
}

/// Runs the service alone.
pub(super) async fn nobody(_: Ready, ending: oneshot::Receiver<()>) -> Result<(), String> {
    // The sender is dropped only when the service stops as well.
    ending.await.ok();
    Ok(())
}
