//! Waking: if the server notices commits of other processes in time.

use super::{
    finding::{Check, Finding},
    server::{Server, address},
};
use crate::{config::Config, telemetry::metrics::WAKE_POLL_FAILS};

/// Finding if the running server relies on the look each second.
pub(super) async fn check(config: &Config) -> Option<Finding> {
    let server = Server::find(config).ok()?;
    let admin = address(config.admin.listen)?;
    let answer = server.ask(admin, "/metrics").await.ok()?;
    judge(&answer.text().await.ok()?)
}

fn judge(metrics: &str) -> Option<Finding> {
    let mut lines = metrics.lines();
    let fails = lines.any(|line| line.strip_prefix(WAKE_POLL_FAILS.name) == Some(" 1"));
    fails.then(|| {
        let found = "waking relies on the fallback: the poll for commits of other processes fails";
        Finding::warning(Check::Server, found)
            .means("streams show events of other processes up to a second late")
            .remedy("see the server's log; check the connection limit of Postgres")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_poll_is_found_in_the_metrics() {
        let metrics = |value| format!("# TYPE {0} gauge\n{0} {value}\n", WAKE_POLL_FAILS.name);
        assert!(judge(&metrics(1)).is_some());
        assert_eq!(judge(&metrics(0)), None);
        assert_eq!(judge(""), None);
    }
}
