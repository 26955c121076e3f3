//! The server of this machine: whether it runs, is ready, and is this program.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use reqwest::{Client, Response, header::HeaderValue};
use serde::Deserialize;

use super::finding::{Check, Finding};
use crate::{
    config::{Config, reachable},
    instance::{self, HEADER, Running},
};

/// Deadline for a single answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// Answer of `/readyz`.
#[derive(Debug, Deserialize)]
struct ReadyReport {
    ready: bool,
    missing: Vec<String>,
    /// Readiness failures that the spool covers; older servers omit the field.
    #[serde(default)]
    degraded: Vec<String>,
    /// Older servers do not say it.
    #[serde(default)]
    version: String,
}

/// Why the server of the data directory gave no answer.
#[derive(Clone, Copy)]
pub(super) enum Unanswered {
    /// The server runs and did not answer in time.
    Silent,
    /// No program listens at the address.
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
    pub(super) async fn ask(
        &self,
        address: SocketAddr,
        path: &str,
    ) -> Result<Response, Unanswered> {
        let mut request = self.client.get(format!("http://{address}{path}"));
        let id = self.running.as_ref().and_then(|it| it.id.as_ref());
        if let Some(id) = id {
            request = request.header(HEADER, id.as_str());
        }
        if let Some(token) = instance::token(&self.dir) {
            request = request.bearer_auth(&*token);
        }
        let answer = request.send().await.map_err(|error| {
            if error.is_timeout() && self.running.is_some() {
                Unanswered::Silent
            } else if error.is_connect() {
                Unanswered::Absent
            } else {
                Unanswered::Another
            }
        })?;
        let shown = answer.headers().get(HEADER).map(HeaderValue::as_bytes);
        match &self.running {
            Some(running) if running.answered(shown) => Ok(answer),
            _ => Err(Unanswered::Another),
        }
    }

    /// Finding for an address, which the key has, without an answer of this server.
    fn instead(&self, why: Unanswered, key: &str, address: SocketAddr) -> Finding {
        let dir = self.dir.display();
        match (why, &self.running) {
            (Unanswered::Silent, _) => {
                let found = format!(
                    "the server runs and does not answer on {address}: it hangs, or is still \
                     starting"
                );
                Finding::wrong(Check::Server, found)
                    .means("deliveries get no answer, and Meta sends them again for a while")
                    .remedy("see the server's log; restart the server")
            }
            (Unanswered::Absent, Some(running)) => {
                let process = running.process();
                let found = format!("the server{process} does not listen on {address}");
                Finding::wrong(Check::Server, found)
                    .means(format!(
                        "it was started with another {key} than the present configuration has"
                    ))
                    .remedy("name its configuration with --config, or restart it")
            }
            (Unanswered::Absent, None) => {
                let found = format!("no server answers on {address}");
                Finding::warning(Check::Server, found)
                    .means("deliveries are not received while it does not run")
                    .remedy("start `hookshelf serve`, with the same configuration")
            }
            (_, running) => {
                let owner = match running {
                    None => "no server uses".to_owned(),
                    Some(running) => format!("another one{} uses", running.process()),
                };
                let found = format!(
                    "the program on {address} is not this Hookshelf: {owner} the data directory \
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
pub(super) async fn check(config: &Config) -> Vec<Finding> {
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

/// Local address of a listener on `listen`; `None` if the system chooses the port.
pub(super) fn address(listen: SocketAddr) -> Option<SocketAddr> {
    (listen.port() != 0).then(|| reachable(listen))
}

fn any_port(key: &str) -> Finding {
    let why = format!("{key} has port 0, so the address of the server is unknown; set a port");
    Finding::unchecked(Check::Server, why)
}

async fn operators(server: &Server, listen: SocketAddr) -> Finding {
    let key = "admin.listen";
    let Some(address) = address(listen) else {
        return any_port(key);
    };
    let answer = match server.ask(address, "/readyz").await {
        Ok(answer) => answer,
        Err(why) => return server.instead(why, key, address),
    };
    let report = answer.bytes().await.ok();
    let report = report.and_then(|body| serde_json::from_slice::<ReadyReport>(&body).ok());
    judge(address, report)
}

fn judge(address: SocketAddr, report: Option<ReadyReport>) -> Finding {
    let ours = env!("CARGO_PKG_VERSION");
    let Some(report) = report else {
        let found = format!("the program on {address} is not this Hookshelf");
        return Finding::wrong(Check::Server, found)
            .means("another program has the address of the admin listener")
            .remedy("restart the server, or choose another admin.listen");
    };
    if !report.ready {
        let missing = report.missing.join(", ");
        let found = format!("it runs and is not ready: {missing} is missing");
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
            .means("deliveries still get 200: the spool keeps them until Postgres is available")
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
        Ok(answer) if answer.status().is_success() => {
            let found = format!("the public listener answers on {address}");
            Finding::ok(Check::Server, found)
        }
        Ok(answer) => {
            let status = answer.status().as_u16();
            let found = format!("the program on {address} answers {status}");
            Finding::wrong(Check::Server, found)
                .means("another program has the address of the public listener")
                .remedy("end that program, or choose another http.listen")
        }
        Err(why) => server.instead(why, key, address),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;

    #[test]
    fn a_server_is_judged_by_what_it_says_of_itself() {
        let (address, ours) = (([127, 0, 0, 1], 9090).into(), env!("CARGO_PKG_VERSION"));
        for (missing, degraded, version, verdict, part) in [
            ("", "", ours, Verdict::Ok, "runs and is ready"),
            ("", "", "0.0.1", Verdict::Warning, "0.0.1 is running"),
            ("database", "", ours, Verdict::Wrong, "database is missing"),
            ("", "disk", ours, Verdict::Warning, "disk is missing"),
        ] {
            let list = |part: &str| part.split_whitespace().map(str::to_owned).collect();
            let report = ReadyReport {
                ready: missing.is_empty(),
                missing: list(missing),
                degraded: list(degraded),
                version: version.to_owned(),
            };
            let finding = judge(address, Some(report));
            assert_eq!(finding.verdict, verdict, "{finding:?}");
            assert!(finding.found.contains(part), "{finding:?}");
        }
        assert_eq!(judge(address, None).verdict, Verdict::Wrong);
    }
}
