//! The word to end, for many threads: they wait for it instead of sleeping. It must not know what
//! they do.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Condvar, Mutex};

/// The word to end. A clone hears the same word.
#[derive(Clone, Default)]
pub(super) struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    /// Says it.
    pub(super) fn stop(&self) {
        let (stopped, said) = &*self.0;
        *stopped.lock() = true;
        said.notify_all();
    }

    /// Whether it was said.
    pub(super) fn is_stopped(&self) -> bool {
        *self.0.0.lock()
    }

    /// Waits so long, or until it is said; whether it was.
    pub(super) fn wait(&self, duration: Duration) -> bool {
        let (stopped, said) = &*self.0;
        let mut stopped = stopped.lock();
        said.wait_while_for(&mut stopped, |stopped| !*stopped, duration);
        *stopped
    }

    /// Waits until it is said.
    pub(super) fn wait_for_ever(&self) {
        let (stopped, said) = &*self.0;
        said.wait_while(&mut stopped.lock(), |stopped| !*stopped);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_is_woken_by_the_word_and_nobody_waits_after_it() {
        let stop = Stop::default();
        assert!(!stop.wait(Duration::ZERO) && !stop.is_stopped());
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| stop.wait(Duration::from_secs(3_600)));
            stop.stop();
            assert!(waiting.join().unwrap());
        });
        assert!(stop.wait(Duration::from_secs(3_600)) && stop.is_stopped());
        stop.wait_for_ever();
    }
}
