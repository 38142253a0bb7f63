//! How many files, and so connections, this process may have open: as many as the system lets it.
//! A shell's usual 1024 are far fewer than the feed is made for. It must not know what they are
//! for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the limit as far as it may be, and warns if `connections` do not fit even so.
pub(super) fn raise(connections: usize) {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let most = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    if most < connections as u64 {
        tracing::warn!(
            open_files_max = most,
            feed_connections_max = connections,
            "this process may not open as many files as the feed may have connections: raise the \
             system's limit (LimitNOFILE= in the unit, ulimit -Hn), or lower feed.connections_max"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_what_the_system_allows() {
        let limit = getrlimit(Resource::Nofile);
        let low = Rlimit {
            current: Some(256),
            ..limit
        };
        setrlimit(Resource::Nofile, low).unwrap();
        raise(100);
        assert_eq!(getrlimit(Resource::Nofile).current, limit.maximum);
    }
}
