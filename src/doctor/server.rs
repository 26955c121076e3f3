//! The server of this machine: whether it runs, is ready, and is this program.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::{Client, Response, header::HeaderValue};
use serde::Deserialize;

use super::finding::{Check, Finding};
use crate::{
    config::{Config, reachable},
    instance::{HEADER, Running},
};

/// What one answer may take.
const DEADLINE: Duration = Duration::from_secs(5);

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

/// Result of a question to the server of the data directory.
pub(super) enum Said {
    /// Its answer.
    Answer(Response),
    /// It runs and did not answer in time.
    Nothing,
    /// Nobody listens.
    Absent,
    /// Another server or another program listens.
    Another,
}

/// The server that uses the data directory, and how it is asked.
pub(super) struct Server {
    client: Client,
    dir: PathBuf,
    running: Option<Running>,
}

impl Server {
    /// The server of this configuration, whether it runs or not.
    pub(super) fn find(config: &Config) -> Result<Self, Finding> {
        let unchecked = |why: String| Finding::unchecked(Check::Server, why);
        let running = Running::find(&config.data_dir);
        let running = running.map_err(|error| {
            unchecked(error.to_string())
                .remedy("run doctor as root or as the user that runs the server")
        })?;
        let client = Client::builder().timeout(DEADLINE).no_proxy().build();
        Ok(Self {
            client: client.map_err(|error| unchecked(error.to_string()))?,
            dir: config.data_dir.clone(),
            running,
        })
    }

    /// Asks for a path at an address; what another server answers is not looked at.
    pub(super) async fn ask(&self, address: SocketAddr, path: &str) -> Said {
        let mut request = self.client.get(format!("http://{address}{path}"));
        let id = self.running.as_ref().and_then(|it| it.id.as_ref());
        if let Some(id) = id {
            request = request.header(HEADER, id.as_str());
        }
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_timeout() && self.running.is_some() => return Said::Nothing,
            Err(error) if error.is_connect() => return Said::Absent,
            Err(_) => return Said::Another,
        };
        let shown = answer.headers().get(HEADER).map(HeaderValue::as_bytes);
        match &self.running {
            Some(running) if running.answered(shown) => Said::Answer(answer),
            _ => Said::Another,
        }
    }

    /// Finding for an address, which the key has, without an answer of this server.
    fn instead(&self, said: &Said, key: &str, address: SocketAddr) -> Finding {
        let dir = self.dir.display();
        match (said, &self.running) {
            (Said::Nothing, _) => Finding::wrong(
                Check::Server,
                format!(
                    "the server runs and does not answer on {address}: it hangs, or is still \
                     starting"
                ),
            )
            .means("deliveries get no answer, and Meta sends them again for a while")
            .remedy("see the server's log; restart the server"),
            (Said::Absent, Some(running)) => Finding::wrong(
                Check::Server,
                format!(
                    "the server{} does not listen on {address}",
                    running.process()
                ),
            )
            .means(format!(
                "it was started with another {key} than is configured now"
            ))
            .remedy("name its configuration with --config, or restart it"),
            (Said::Absent, None) => absent(address),
            (_, running) => {
                let owner = match running {
                    None => "no server uses".to_owned(),
                    Some(running) => format!("another one{} uses", running.process()),
                };
                let found = format!(
                    "what listens on {address} is not this Hookshelf: {owner} the data directory \
                     {dir}"
                );
                Finding::wrong(Check::Server, found)
                    .means("another server or another program has the address")
                    .remedy(format!(
                        "name the configuration of the server that you mean with --config, or set \
                         {key} to an address of its own and restart the server"
                    ))
            }
        }
    }
}

/// Looks at both listeners.
pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let server = match Server::find(config) {
        Ok(server) => server,
        Err(finding) => return vec![finding],
    };
    let (admin, public) = tokio::join!(
        operators(&server, config.admin.listen),
        listener(&server, config.http.listen),
    );
    vec![admin, public]
}

/// Where a listener that listens on `listen` is reached from here; none for a port of its choice.
pub(super) fn address(listen: SocketAddr) -> Option<SocketAddr> {
    (listen.port() != 0).then(|| reachable(listen))
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

async fn operators(server: &Server, listen: SocketAddr) -> Finding {
    let key = "admin.listen";
    let Some(address) = address(listen) else {
        return any_port(key);
    };
    let answer = match server.ask(address, "/readyz").await {
        Said::Answer(answer) => answer,
        said => return server.instead(&said, key, address),
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

async fn listener(server: &Server, listen: SocketAddr) -> Finding {
    let key = "http.listen";
    let Some(address) = address(listen) else {
        return any_port(key);
    };
    match server.ask(address, "/healthz").await {
        Said::Answer(answer) if answer.status().is_success() => Finding::ok(
            Check::Server,
            format!("the public listener answers on {address}"),
        ),
        Said::Answer(answer) => {
            let status = answer.status().as_u16();
            let found = format!("what answers on {address} says {status}");
            Finding::wrong(Check::Server, found)
                .means("another program has the address of the public listener")
                .remedy("end that program, or choose another http.listen")
        }
        said => server.instead(&said, key, address),
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
