//! The configuration: defaults, file and environment become typed values and secrets.
//!
//! `config/default.toml` holds every key with its default and meaning and is the only copy of
//! the defaults. A file (`--config` or `HOOKSHELF_CONFIG`) is laid over it, and the environment
//! (`HOOKSHELF__SECTION__KEY`) over both. Loading reports all faults at once and never shows a
//! secret. Nothing else in the crate reads the environment or parses a value again, and nothing
//! here imports from the rooms that it configures.

mod admin;
mod app_name;
mod apps;
mod base_path;
mod choice;
mod consumers;
pub mod credentials;
mod data_dir;
mod database;
mod dedupe;
mod destinations;
mod fault;
mod file;
mod http;
mod layers;
mod log;
mod name;
mod names;
mod nearest;
mod print;
mod progress;
mod reader;
mod rejections;
mod secret;
mod secret_source;
mod sizes;
mod sources;
mod spans;
mod spool;
#[cfg(test)]
mod tests;
mod tokens;
mod tree;
mod users;
mod values;

use std::path::PathBuf;

pub use admin::Admin;
pub use app_name::{AppName, InvalidAppName};
pub use apps::{App, Apps};
pub use base_path::BasePath;
pub use choice::EventChoice;
pub use consumers::{Consumer, Consumers, Preset};
pub use database::{Database, DatabaseUrl};
pub use dedupe::Dedupe;
pub use destinations::{
    Destination, DestinationUrl, Destinations, Forbidden, Format, InvalidUrl, Mask, MetaSecret,
    Rate, Reach, SecretFault, StoredAttempts, WebhookKey, WebhookSecrets,
};
pub use fault::{Fault, Faults};
pub use http::{Http, PublicUrl, reachable};
pub use log::{InvalidLog, Log, LogFilter, LogFormat};
pub use name::{InvalidName, Name};
pub use nearest::nearest;
pub use progress::{Lane, Start};
pub use rejections::Rejections;
pub use secret::{NamedSecret, place_of_secret};
pub use secret_source::SecretSource;
pub use sources::Sources;
pub use spool::Spool;
pub use tokens::{Role, Token};
pub use users::{User, Who};

use print::Printer;
use reader::{Notes, Reader};

/// Every value in effect.
#[derive(Debug, Clone)]
pub struct Config {
    /// Directory of the private Postgres, the spool and generated credentials.
    pub data_dir: PathBuf,
    /// The public listener.
    pub http: Http,
    /// The listener for operators.
    pub admin: Admin,
    /// The Postgres server.
    pub database: Database,
    /// The spool, which takes deliveries while Postgres does not.
    pub spool: Spool,
    /// Detection of repeated events.
    pub dedupe: Dedupe,
    /// Limits for refused deliveries.
    pub rejections: Rejections,
    /// The log.
    pub log: Log,
    /// The Meta apps; empty when none is configured.
    pub apps: Apps,
    /// Consumers, whose workers fetch events.
    pub consumers: Consumers,
    /// Destinations, which events are sent to.
    pub destinations: Destinations,
}

/// Loads the configuration.
///
/// # Errors
/// Everything that is wrong with it, at once.
pub fn load(sources: &Sources) -> Result<Config, Faults> {
    let (config, notes) = read(sources)?;
    match config {
        Some(config) if notes.is_clean() => Ok(config),
        _ => Err(notes.into_faults()),
    }
}

/// Reads every section, so that all their faults are noted.
fn read(sources: &Sources) -> Result<(Option<Config>, Notes), Faults> {
    let mut notes = Notes::default();
    let mut root = Reader::root(layers::merge(sources)?, &mut notes);
    let data_dir = data_dir::read(&mut root, sources, nix::unistd::geteuid().is_root());
    let http = root.section("http", Http::read);
    let admin = root.section("admin", |reader| Admin::read(reader, http.as_ref()));
    let database = root.section("database", |reader| Database::read(reader, sources));
    let spool = root.section("spool", Spool::read);
    let dedupe = root.section("dedupe", Dedupe::read);
    let rejections = root.section("rejections", Rejections::read);
    let log = root.section("log", Log::read);
    let mut apps = root.section("apps", apps::read);
    if let (Some(apps), Some(file)) = (&mut apps, sources.config_file()) {
        for app in apps.values_mut() {
            app.found_in(&file);
        }
    }
    let consumers = root.section("consumers", |reader| consumers::read(reader, apps.as_ref()));
    let destinations = root.section("destinations", |reader| {
        destinations::read(reader, apps.as_ref(), consumers.as_ref())
    });
    if let (Some(http), Some(admin)) = (&http, &admin) {
        check_listeners(http, admin, &mut root);
    }
    if let (Some(admin), Some(consumers)) = (&admin, &consumers) {
        tokens::check(&admin.tokens, consumers, &mut root);
    }
    if let (Some(dedupe), Some(rejections)) = (&dedupe, &rejections) {
        check_hold(dedupe, rejections, &mut root);
    }
    root.finish();
    let config = || {
        Some(Config {
            data_dir: data_dir?,
            http: http?,
            admin: admin?,
            database: database?,
            spool: spool?,
            dedupe: dedupe?,
            rejections: rejections?,
            log: log?,
            apps: apps?,
            consumers: consumers?,
            destinations: destinations?,
        })
    };
    Ok((config(), notes))
}

/// The public listener serves no data: the two must not be one. Port 0 picks a free one.
fn check_listeners(http: &Http, admin: &Admin, root: &mut Reader<'_>) {
    if http.listen == admin.listen && http.listen.port() != 0 {
        let problem = format!("{} is also the address of http.listen", admin.listen);
        root.note(Fault::new("admin.listen", problem).allowed("an address or port of its own"));
    }
}

/// Rejects a hold longer than the dedupe window: Meta may have sent a quarantined delivery again,
/// and after the window the repeat could become a second event.
fn check_hold(dedupe: &Dedupe, rejections: &Rejections, root: &mut Reader<'_>) {
    if rejections.hold_for > dedupe.window {
        let found = spans::shown(rejections.hold_for);
        let problem = format!("{found} is longer than dedupe.window_days");
        let allowed = format!("at most {}", spans::shown(dedupe.window));
        root.note(Fault::new("rejections.hold_for", problem).allowed(allowed));
    }
}

impl Config {
    /// Every value in effect as TOML, secrets and passwords redacted.
    pub fn print(&self) -> String {
        let mut out = Printer::default();
        out.text("data_dir", self.data_dir.display());
        self.http.print(&mut out);
        self.admin.print(&mut out);
        self.database.print(&mut out);
        self.spool.print(&mut out);
        self.dedupe.print(&mut out);
        self.rejections.print(&mut out);
        self.log.print(&mut out);
        apps::print(&self.apps, &mut out);
        consumers::print(&self.consumers, &mut out);
        destinations::print(&self.destinations, &mut out);
        out.finish()
    }
}
