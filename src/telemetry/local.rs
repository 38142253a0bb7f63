//! What is counted so often that threads must not meet over it: each thread counts by itself and
//! adds to the shared metrics four times a second. It must not know what is counted.

use std::time::Duration;

use prometheus::local::{LocalHistogram, LocalIntCounter};
use prometheus::{Histogram, IntCounter};

use super::counting::is_counting;
use super::labels::{End, Kind, Label, Outcome, Reason, Revised};
use super::metric::By;
use super::metrics::{Metrics, metrics};

/// How long a count may be known to its thread only.
const FLUSH_EVERY: Duration = Duration::from_millis(250);

/// A metric that a thread may keep a part of.
trait Shared {
    type Local: Flush;
    fn local(&self) -> Self::Local;
}

/// A thread's part of a metric.
trait Flush {
    fn flush(&self);
}

macro_rules! kept {
    ($($shared:ident $local:ident,)*) => {$(
        impl Shared for $shared {
            type Local = $local;

            fn local(&self) -> $local {
                $shared::local(self)
            }
        }

        impl Flush for $local {
            fn flush(&self) {
                $local::flush(self);
            }
        }
    )*};
}

kept! { IntCounter LocalIntCounter, Histogram LocalHistogram, }

impl<L: Label, M: Shared> Shared for By<L, M> {
    type Local = By<L, M::Local>;

    fn local(&self) -> By<L, M::Local> {
        By::new(|word| self.of(word).local())
    }
}

impl<L: Label, M: Flush> Flush for By<L, M> {
    fn flush(&self) {
        self.each().for_each(Flush::flush);
    }
}

macro_rules! local {
    ($($field:ident: $type:ty,)*) => {
        /// A thread's part of the busiest metrics, which are told under the same names.
        pub struct Local {
            $(
                #[doc = concat!("A thread's part of `", stringify!($field), "`.")]
                pub $field: $type,
            )*
        }

        impl Local {
            fn of(metrics: &Metrics) -> Local {
                Local { $($field: Shared::local(&metrics.$field),)* }
            }

            fn flush(&self) {
                $(Flush::flush(&self.$field);)*
            }
        }
    };
}

local! {
    commands_total: By<Kind, By<Outcome, LocalIntCounter>>,
    mailbox_wait_seconds: LocalHistogram,
    mailbox_depth: LocalHistogram,
    refusals_total: By<Reason, LocalIntCounter>,
    reservations_total: By<Revised, LocalIntCounter>,
    holds_opened_total: LocalIntCounter,
    holds_closed_total: By<End, LocalIntCounter>,
    hold_age_seconds: By<End, LocalHistogram>,
    hold_expiry_lateness_seconds: LocalHistogram,
    feed_frames_total: LocalIntCounter,
    feed_bytes_total: LocalIntCounter,
    feed_deliveries_total: LocalIntCounter,
    feed_conflated_total: LocalIntCounter,
    feed_commit_to_socket_seconds: LocalHistogram,
}

thread_local! {
    static LOCAL: Local = Local::of(metrics());
}

/// Counts on this thread, if anything is counted. What is counted while the thread ends is lost:
/// there is nobody left to ask.
#[inline]
pub fn local(count: impl FnOnce(&Local)) {
    if is_counting() {
        LOCAL.try_with(count).ok();
    }
}

/// Adds what this thread counted to the shared metrics.
pub fn flush() {
    local(Local::flush);
}

/// Adds what this thread counts to the shared metrics, again and again: every thread that counts
/// by itself runs this beside its work.
pub async fn keep_flushed() {
    loop {
        tokio::time::sleep(FLUSH_EVERY).await;
        flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_thread_counts_is_told_once_it_was_flushed() {
        let shared = &metrics().feed_deliveries_total;
        local(|local| local.feed_deliveries_total.inc_by(3));
        assert_eq!(shared.get(), 0);
        flush();
        assert_eq!(shared.get(), 3);
        flush();
        assert_eq!(shared.get(), 3);
    }
}
