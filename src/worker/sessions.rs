//! Checks the sessions of browsers against Postgres.

use std::time::Duration;

use tokio::time::timeout;

use crate::{clock::Clock, store::sessions::AdminSessions};

/// Pause between two checks: the longest life of a session that was ended at another server.
const PAUSE: Duration = Duration::from_secs(15);

/// Deadline of one check.
const DEADLINE: Duration = Duration::from_secs(10);

/// Writes the uses of sessions, ends those that were removed or have expired, and returns the pause
/// before the next call. While Postgres is unavailable, the sessions in memory stay valid; other
/// loops report the outage.
pub async fn check_sessions(sessions: &AdminSessions) -> Duration {
    let now = Clock::system().now();
    let _ = timeout(DEADLINE, sessions.check(now)).await;
    PAUSE
}
