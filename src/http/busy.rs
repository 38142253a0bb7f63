//! Waits that end early when the client keeps its connection busy meanwhile. It must not know what
//! is waited for.
//!
//! Requests that come in behind one that waits are read ahead. Once the connection holds all that
//! it takes of them, it asks whoever waits on and on without a pause: a core is busy for as long
//! as the wait lasts, and only its end helps.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// A wait is asked once when it begins, once when it is over, and once for whatever else happens
/// on its connection.
const ASKED_MAX: u32 = 1000;

/// More and more is asked on a connection behind what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("requests keep coming behind one that waits")]
pub struct Busy;

/// Waits for `what`.
///
/// # Errors
/// It was asked so often that the connection must be busy.
pub async fn unless_busy<T>(what: impl Future<Output = T>) -> Result<T, Busy> {
    let mut what = pin!(what);
    let mut asked = 0;
    poll_fn(|context| {
        if let Poll::Ready(what) = what.as_mut().poll(context) {
            return Poll::Ready(Ok(what));
        }
        asked += 1;
        if asked > ASKED_MAX {
            return Poll::Ready(Err(Busy));
        }
        Poll::Pending
    })
    .await
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use futures::FutureExt;

    use super::*;

    #[test]
    fn a_wait_goes_on_unless_it_is_asked_over_and_over() {
        assert_eq!(unless_busy(ready(5)).now_or_never(), Some(Ok(5)));
        let mut never = pin!(unless_busy(pending::<()>()));
        for _ in 0..ASKED_MAX {
            assert_eq!(never.as_mut().now_or_never(), None);
        }
        assert_eq!(never.now_or_never(), Some(Err(Busy)));
    }
}
