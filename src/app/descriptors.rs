//! How many files and connections the system lets this process have open at a time.

use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, rlim_t, setrlimit},
};

/// What is open beside public connections: the admin listener's, those to Postgres, files.
const OTHERS: rlim_t = 192;

/// Raises the limit as far as `connections` need it, and says how many there may be. The usual
/// limit of 1024 is less than the seats of the public listener take: strangers who only connect
/// would leave nothing for Postgres.
pub(super) fn provide(connections: usize) -> usize {
    let needed = rlim_t::try_from(connections)
        .unwrap_or(rlim_t::MAX)
        .saturating_add(OTHERS);
    match raise(needed) {
        Ok(limit) if limit < needed => {
            let connections = seats(limit, connections);
            tracing::warn!(
                limit,
                needed,
                connections,
                "fewer files may be open than http.max_connections takes, so fewer connections \
                 may be; raise the limit of open files, or lower that number"
            );
            connections
        }
        Ok(_) => connections,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            connections
        }
    }
}

/// How many of `connections` a limit leaves room for. Where that is less than twice what the rest
/// may need, they get half of it.
fn seats(limit: rlim_t, connections: usize) -> usize {
    let seats = limit.saturating_sub(OTHERS).max(limit / 2).max(1);
    usize::try_from(seats).map_or(connections, |seats| seats.min(connections))
}

/// The limit in effect afterwards: `needed` at least, unless the system's own bound is lower.
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
        assert_eq!(seats(1024, 1024), 832);
        assert_eq!(seats(300, 1024), 150);
        assert_eq!(seats(200, 10), 10);
        assert_eq!(seats(0, 10), 1);
    }
}
