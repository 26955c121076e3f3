//! The server of this machine: whether it runs, is ready, and is this program.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::Client;
use serde::Deserialize;

use super::finding::{Check, Finding};
use crate::config::Config;

/// What one answer may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// What `/readyz` answers.
#[derive(Debug, Deserialize)]
struct Report {
    ready: bool,
    missing: Vec<String>,
    /// What the spool stands in for; older servers do not say it.
    #[serde(default)]
    degraded: Vec<String>,
    /// Older servers do not say it.
    #[serde(default)]
    version: String,
}

/// Looks at both listeners.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let client = Client::builder().timeout(DEADLINE).no_proxy().build();
    let client = match client {
        Ok(client) => client,
        Err(error) => return vec![Finding::unchecked(Check::Server, error.to_string())],
    };
    let (admin, public) = tokio::join!(
        operators(&client, config.admin.listen),
        listener(&client, config.http.listen),
    );
    vec![admin, public]
}

/// Where a listener that listens on `listen` is reached from here; none for a port of its choice.
pub(super) fn address(listen: SocketAddr) -> Option<SocketAddr> {
    let here = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    (listen.port() != 0).then(|| SocketAddr::new(here, listen.port()))
}

fn any_port(key: &str) -> Finding {
    let why = format!("{key} has port 0, so that the server listens on any; name one");
    Finding::unchecked(Check::Server, why)
}

fn absent(address: SocketAddr) -> Finding {
    Finding::warning(Check::Server, format!("no server answers on {address}"))
        .means("deliveries are not received while it does not run")
        .remedy("start `hookshelf serve`, with the same configuration")
}

async fn operators(client: &Client, listen: SocketAddr) -> Finding {
    let Some(address) = address(listen) else {
        return any_port("admin.listen");
    };
    let Ok(answer) = client.get(format!("http://{address}/readyz")).send().await else {
        return absent(address);
    };
    let report = answer.bytes().await.ok();
    let report = report.and_then(|body| serde_json::from_slice::<Report>(&body).ok());
    judge(address, report)
}

fn judge(address: SocketAddr, report: Option<Report>) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let Some(report) = report else {
        let found = format!("what answers on {address} is not this Hookshelf");
        return Finding::wrong(Check::Server, found)
            .means("another program has the address of the admin listener")
            .remedy("restart the server, or choose another admin.listen");
    };
    if !report.ready {
        let found = format!(
            "it runs and is not ready: {} is missing",
            report.missing.join(", ")
        );
        let absent = ["database", "disk", "commits"];
        let stores = !report.missing.iter().any(|it| absent.contains(&&**it));
        let means = if stores {
            "deliveries are stored, and a crash may lose some that got 200"
        } else {
            "deliveries get 503 and Meta sends them again for a while"
        };
        return Finding::wrong(Check::Server, found)
            .means(means)
            .remedy("see the other checks, and the server's log");
    }
    if report.version != ours {
        let theirs = match &*report.version {
            "" => "an older version",
            version => version,
        };
        let found = format!("{theirs} is running, and this program is {ours}");
        return Finding::warning(Check::Server, found)
            .means("the running server was started before the program was replaced")
            .remedy("restart the server");
    }
    if !report.degraded.is_empty() {
        let found = format!("it runs, and {} is missing", report.degraded.join(", "));
        return Finding::warning(Check::Server, found)
            .means("deliveries are taken all the same: the spool keeps what Postgres does not take")
            .remedy("see the other checks, and the server's log");
    }
    Finding::ok(Check::Server, format!("version {ours} runs and is ready"))
}

async fn listener(client: &Client, listen: SocketAddr) -> Finding {
    let Some(address) = address(listen) else {
        return any_port("http.listen");
    };
    let answer = client.get(format!("http://{address}/healthz")).send().await;
    match answer.map(|answer| answer.status()) {
        Ok(status) if status.is_success() => Finding::ok(
            Check::Server,
            format!("the public listener answers on {address}"),
        ),
        Ok(status) => {
            let found = format!("what answers on {address} says {}", status.as_u16());
            Finding::wrong(Check::Server, found)
                .means("another program has the address of the public listener")
                .remedy("end that program, or choose another http.listen")
        }
        Err(_) => absent(address),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_server_is_judged_by_what_it_says_of_itself() {
        let address = "127.0.0.1:9090".parse().unwrap();
        let report = |ready, version: &str| {
            let missing = if ready {
                vec![]
            } else {
                vec!["database".to_owned()]
            };
            let version = version.to_owned();
            Some(Report {
                ready,
                missing,
                degraded: Vec::new(),
                version,
            })
        };
        let ours = env!("CARGO_PKG_VERSION");
        assert_eq!(judge(address, report(true, ours)).verdict, Verdict::Ok);
        assert_eq!(
            judge(address, report(true, "0.0.1")).verdict,
            Verdict::Warning
        );
        let unready = judge(address, report(false, ours));
        assert_eq!(unready.verdict, Verdict::Wrong);
        assert!(unready.found.contains("database is missing"));
        assert_eq!(judge(address, None).verdict, Verdict::Wrong);
        let stood_in_for = report(true, ours).map(|report| Report {
            degraded: vec!["database".to_owned()],
            ..report
        });
        let finding = judge(address, stood_in_for);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.found.contains("database is missing"));
    }
}
