//! Problems that the running server shows in its metrics.

use super::{
    consumers,
    finding::{Check, Finding},
    server::{Server, address},
};
use crate::{config::Config, telemetry::metrics::WAKE_POLL_FAILS};

/// Findings in the metrics of the running server; none without a server.
pub(super) async fn check(config: &Config) -> Vec<Finding> {
    let metrics = read(config).await.unwrap_or_default();
    let late = late(&metrics).into_iter();
    let consumers = consumers::blocked(&metrics).into_iter();
    let down = consumers::down(&metrics);
    late.chain(consumers).chain(down).collect()
}

async fn read(config: &Config) -> Option<String> {
    let server = Server::find(config).ok()?;
    let admin = address(config.admin.listen)?;
    let answer = server.ask(admin, "/metrics").await.ok()?;
    answer.text().await.ok()
}

/// Finding if the server relies on the look each second.
fn late(metrics: &str) -> Option<Finding> {
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
        assert!(late(&metrics(1)).is_some());
        assert_eq!(late(&metrics(0)), None);
        assert_eq!(late(""), None);
    }
}
