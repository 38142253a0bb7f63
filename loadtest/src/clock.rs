//! The only place where the tool asks what time it is, and the timer that wakes it. It must not
//! know what the time is used for.

use std::io;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Now, on the clock that latencies are measured with.
#[expect(clippy::disallowed_methods, reason = "the clock of this tool")]
pub fn now() -> Instant {
    Instant::now()
}

/// Now, on the wall; for what is written down, and to meet the server's deadlines.
#[expect(clippy::disallowed_methods, reason = "the clock of this tool")]
pub fn wall() -> Timestamp {
    Timestamp::now()
}

/// A timer of the kernel's. Tokio's wakes to the millisecond, which is longer than the answers
/// that are measured take.
pub struct Timer(AsyncFd<OwnedFd>);

impl Timer {
    /// A timer that is not set.
    ///
    /// # Errors
    /// The system has none left.
    #[expect(
        deprecated,
        reason = "what replaces it is unsafe, for descriptors that may be closed; ours is owned"
    )]
    pub fn new() -> io::Result<Timer> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Timer(AsyncFd::with_interest(timer, Interest::READABLE)?))
    }

    /// Waits until `instant`; returns at once when it has passed.
    ///
    /// # Errors
    /// The system refuses the timer.
    pub async fn until(&self, instant: Instant) -> io::Result<()> {
        let left = instant.saturating_duration_since(now());
        if left.is_zero() {
            return Ok(());
        }
        timerfd_settime(&self.0, TimerfdTimerFlags::empty(), &once(left))?;
        let mut rung = [0; 8];
        self.0
            .async_io(Interest::READABLE, |timer| {
                rustix::io::read(timer, &mut rung).map_err(io::Error::from)
            })
            .await?;
        Ok(())
    }
}

fn once(left: Duration) -> Itimerspec {
    let never = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    Itimerspec {
        it_interval: never,
        it_value: Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        },
    }
}
