//! `serve`: runs the server until a signal ends it.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    thread,
};

use clap::Args;
use secrecy::ExposeSecret;

use super::{
    arrivals,
    spool_status::LEFT_BEHIND,
    tunnel::{self, Choice},
};
use crate::{
    app::{self, App, Manager, Reached, Signals, Started},
    clock::Clock,
    config::{self, AppName, Sources, credentials::Credentials},
    telemetry::{log, metrics::Exposition},
    tunnel::{Program, peers},
};

/// Runs the server (what hookshelf does without a verb).
///
/// SIGTERM and SIGINT stop it in order, a second one at once; SIGHUP reads the apps again.
///
/// Example: hookshelf serve --config /etc/hookshelf/hookshelf.toml
#[derive(Args, Debug, Default)]
pub(super) struct Serve {
    /// Also opens a tunnel, so that Meta reaches this machine at a public https URL for as long as
    /// it runs.
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, default_missing_value = "any")]
    tunnel: Option<Choice>,
}

impl Serve {
    pub(super) async fn run(self, sources: Sources) -> anyhow::Result<ExitCode> {
        let mut config = config::load(&sources)?;
        let tunnel = self
            .tunnel
            .map(|wanted| tunnel::installed(wanted, &sources))
            .transpose()?;
        if tunnel.is_some() {
            let peers = peers(config.http.listen);
            config.http.trusted_proxies.extend(peers);
        }
        log::init(&config.log)?;
        let shows_deliveries = config.log.deliveries && io::stdout().is_terminal();
        let mut signals = Signals::receive()?;
        let again = again(sources.file.as_deref());
        let manager = Manager::of(&sources);
        let starting = App::start(config, sources, Exposition::install()?, Clock::system());
        let app = tokio::select! {
            started = starting => started?,
            () = signals.before_start(&manager) => return Ok(ExitCode::SUCCESS),
        };
        let mut out = io::stdout();
        let program = tunnel.as_ref().map(|(program, _)| *program);
        // A server whose output nobody reads serves all the same.
        let _ = out.write_all(say(app.started(), program, &again, out.is_terminal()).as_bytes());
        if shows_deliveries {
            let deliveries = app.arrivals();
            let printing = thread::Builder::new().name("arrivals".to_owned());
            let _ = printing.spawn(move || arrivals::print(&deliveries));
        }
        match tunnel {
            Some((program, path)) => run_with_tunnel(app, signals, program, path).await?,
            None => app.run(signals).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Serves, and prints the addresses of the tunnel meanwhile.
async fn run_with_tunnel(
    app: App,
    signals: Signals,
    program: Program,
    path: PathBuf,
) -> Result<(), app::Error> {
    let addresses = app.open_tunnel(program, path);
    let printing = tunnel::print_addresses(program, app.started().clone(), addresses);
    tokio::select! {
        ended = app.run(signals) => ended,
        never = printing => match never {},
    }
}

/// Report of the start, in about ten lines. Secrets are shown only by the start that makes them, and on
/// a terminal only: elsewhere the output ends in a file that others read.
fn say(started: &Started, tunnel: Option<Program>, again: &str, terminal: bool) -> String {
    let mut text = format!("Hookshelf {} is listening\n", env!("CARGO_PKG_VERSION"));
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(text, "  {name:<13} {value}");
    };
    line("listens on", &format!("http://{}", started.public));
    for reached in &started.reached {
        let url = match tunnel.map(Program::name) {
            Some(program) => format!(
                "follows below as soon as {program} has opened the tunnel  (app {})",
                reached.app
            ),
            None => callback_url(&reached.app, &reached.callback_url),
        };
        line("callback URL", &url);
        // When Meta came is in the database.
        let reached = Some(reached).filter(|_| started.away.is_none());
        for (name, value) in reached.into_iter().flat_map(reached_by) {
            line(name, &value);
        }
    }
    if let Some(made) = &started.credentials {
        let file = made.path.display();
        line("app secret", &format!("app_secret in {file}"));
        for made in new_secrets(made).filter(|_| terminal) {
            line("", &made);
        }
    } else {
        let configured = "as configured under [apps]; see `hookshelf config print`";
        line("secrets", configured);
    }
    for (name, value) in kept_in(started) {
        line(name, &value);
    }
    let pages = format!("http://{}{}/", started.admin, started.base_path);
    let operators = format!("{pages}  (pages for a browser; also /readyz and /metrics)");
    line("operators", &operators);
    let program = program();
    line("try next", &format!("{program} simulate{again}"));
    line("", &format!("{program} events list{again}"));
    text
}

/// The lines that show what this start has made for itself; none at later starts.
fn new_secrets(made: &Credentials) -> impl Iterator<Item = String> {
    let app = Some(&made.app).filter(|_| made.created);
    let secret = app.and_then(|app| Some(&app.secrets.first()?.secret));
    let token = app.and_then(|app| app.verify_token.as_ref());
    let named = [("app_secret   = ", secret), ("verify_token = ", token)];
    let shown = named.map(|(name, made)| made.map(|it| format!("{name}{}", it.expose_secret())));
    let once = app.map(|_| "shown only once; later starts show only the file".to_owned());
    shown.into_iter().chain([once]).flatten()
}

/// Storage of deliveries: the data directory and the database.
fn kept_in(started: &Started) -> Vec<(&'static str, String)> {
    let place = format!("{} ({})", started.data_dir.display(), started.database);
    let mut lines = vec![("data", place)];
    if let Some(why) = &started.away {
        lines.push(("database", format!("UNAVAILABLE: {why}")));
        let meanwhile = "deliveries get 200 and are kept in the spool until Postgres is available";
        lines.push(("", meanwhile.to_owned()));
    }
    let off = || "off: deliveries get 503 while Postgres is unavailable".to_owned();
    let spool = started.spool.as_ref().map(|dir| dir.display().to_string());
    lines.push(("spool", spool.unwrap_or_else(off)));
    for dir in &started.left_behind {
        let left = format!("LEFT BEHIND in {}: {LEFT_BEHIND}", dir.display());
        lines.push(("", left));
    }
    lines
}

/// The `--config` argument that another verb needs to find this server. The environment is the same
/// for the other verb.
fn again(file: Option<&Path>) -> String {
    let plain = |char: char| char.is_ascii_alphanumeric() || "/._-+@".contains(char);
    match file.map(|file| file.display().to_string()) {
        None => String::new(),
        Some(file) if file.chars().all(plain) => format!(" --config {file}"),
        Some(file) => format!(" --config '{}'", file.replace('\'', r"'\''")),
    }
}

/// A callback URL that Meta can reach is said as it is; one that it cannot, with what is missing.
fn callback_url(app: &AppName, url: &str) -> String {
    if url.starts_with("https://") {
        format!("{url}  (app {app})")
    } else {
        format!("{url}  (app {app}; Meta wants a public https URL: set http.public_url)")
    }
}

/// Source of an app's verify token, and the times of Meta's last challenge and last delivery.
fn reached_by(app: &Reached) -> [(&'static str, String); 3] {
    let token = app.verify_token.as_ref().map(ToString::to_string);
    let token =
        token.unwrap_or_else(|| "none: set verify_token, or no challenge is answered".into());
    let challenge = app.challenge.map_or_else(
        || "never answered: register the callback URL in the App Dashboard".to_owned(),
        |at| format!("last answered {at:.0}"),
    );
    let delivery = app.delivery.as_ref().map_or_else(
        || "no delivery verified yet".to_owned(),
        |(at, secret)| format!("last verified {at:.0}, signed with the secret {secret}"),
    );
    [
        ("verify token", token),
        ("challenge", challenge),
        ("delivery", delivery),
    ]
}

/// Command of this program, so that printed commands can be typed.
fn program() -> &'static str {
    let built_here = std::env::current_exe()
        .is_ok_and(|path| path.components().any(|part| part.as_os_str() == "target"));
    if built_here {
        "cargo run --"
    } else {
        "hookshelf"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_to_be_tried_finds_the_server() {
        let said = |file: &str| again(Some(Path::new(file)));
        assert_eq!(again(None), "");
        assert_eq!(said("/etc/a/b.toml"), " --config /etc/a/b.toml");
        assert_eq!(said("my conf.toml"), " --config 'my conf.toml'");
        assert_eq!(said("it's"), r" --config 'it'\''s'");
    }
}
