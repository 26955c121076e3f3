//! Limit of open file descriptors, for files and connections.

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, rlim_t, setrlimit},
};

use crate::telemetry::{ConnectionsLimited, FileLimitUnraised, LogEvent};

/// Descriptors reserved for the admin listener, workers that wait for events, connections to
/// Postgres and files.
const OTHERS: rlim_t = 320;

/// Raises the limit for public `connections` and for `streams`, and returns the numbers that fit.
/// The usual limit of 1024 is less than the maximum number of public connections: idle connections
/// of unverified peers would leave no descriptor for Postgres.
pub(super) fn provide(connections: usize, streams: usize) -> (usize, usize) {
    let needed = rlim_t::try_from(connections.saturating_add(streams))
        .unwrap_or(rlim_t::MAX)
        .saturating_add(OTHERS);
    match raise(needed) {
        Ok(limit) if limit < needed => {
            let (connections, streams) = limits(limit, connections, streams);
            ConnectionsLimited {
                limit,
                needed,
                connections,
            }
            .emit();
            (connections, streams)
        }
        Ok(_) => (connections, streams),
        Err(error) => {
            let cause = error.into();
            FileLimitUnraised { cause }.emit();
            (connections, streams)
        }
    }
}

/// Numbers of connections and streams that fit into a limit: at most an eighth is for streams.
fn limits(limit: rlim_t, connections: usize, streams: usize) -> (usize, usize) {
    let streams = usize::try_from(limit / 8).map_or(streams, |most| streams.min(most));
    let left = limit.saturating_sub(streams as rlim_t);
    (connection_limit(left, connections), streams)
}

/// Number of `connections` that fit into a limit. If the limit is less than twice the reserve, half
/// of the limit is for connections.
fn connection_limit(limit: rlim_t, connections: usize) -> usize {
    let left = limit.saturating_sub(OTHERS).max(limit / 2).max(1);
    usize::try_from(left).map_or(connections, |left| left.min(connections))
}

/// Raises the soft limit to at least `needed`, or to the hard limit if that is lower. Returns the
/// limit in effect.
pub(crate) fn raise(needed: rlim_t) -> Result<rlim_t, Errno> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    let wanted = needed.min(hard);
    if soft >= wanted {
        return Ok(soft);
    }
    setrlimit(Resource::RLIMIT_NOFILE, wanted, hard)?;
    Ok(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_as_far_as_needed_and_allowed() {
        let limit = || getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let (soft, hard) = limit();
        assert_eq!(raise(1), Ok(soft));
        let more = soft.saturating_add(1).min(hard);
        assert_eq!(raise(more), Ok(more));
        assert_eq!(limit(), (more, hard));
    }

    #[test]
    fn connections_get_what_the_rest_leaves_and_never_more_than_they_may() {
        assert_eq!(connection_limit(1024, 1024), 704);
        assert_eq!(connection_limit(300, 1024), 150);
        assert_eq!(connection_limit(200, 10), 10);
        assert_eq!(connection_limit(0, 10), 1);
        assert_eq!(limits(1024, 1024, 500), (576, 128));
        assert_eq!(limits(1024, 10, 5), (10, 5));
    }
}
