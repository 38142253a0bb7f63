//! How many files, and so sockets, this process and the servers that it starts may have open. It
//! must not know what they are for.

use anyhow::{Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process has open besides sockets of the feed: files of the data, other connections.
const OTHERS: u64 = 300;

/// Raises the limit as far as it may be, for this process and those it starts; gives how many of
/// `wanted` sockets fit.
///
/// # Errors
/// The system does not let us, or hardly any fit.
pub fn admit(wanted: u64) -> Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    let most = limit.maximum.unwrap_or(u64::MAX);
    let needed = wanted + OTHERS;
    if limit.current.is_some_and(|current| current < needed) {
        let raised = Rlimit {
            current: Some(needed.min(most)),
            maximum: limit.maximum,
        };
        setrlimit(Resource::Nofile, raised)?;
    }
    let fit = wanted.min(most.saturating_sub(OTHERS));
    ensure!(
        fit > wanted / 2,
        "a process may open {most} files, too few for {wanted} sockets: raise it (ulimit -Hn)"
    );
    Ok(fit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_given_and_the_limit_lets_it() {
        assert_eq!(admit(100).unwrap(), 100);
        let limit = getrlimit(Resource::Nofile).current;
        assert!(limit.is_none_or(|limit| limit >= 100 + OTHERS));
        if getrlimit(Resource::Nofile).maximum.is_some() {
            admit(u64::MAX / 2).unwrap_err();
        }
    }
}
