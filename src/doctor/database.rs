//! Postgres: whether it answers, keeps what it is given, and has room for the server.

use std::time::Duration;

use super::{
    callback, clock, consumers, disk,
    finding::{Check, Finding},
    partitions, postgres as told, rejections, spool,
};
use crate::{
    causes,
    clock::Clock,
    config::{App, Config},
    instance::Running,
    store::{
        self, Commits, ConnectOptions, Connection, Error,
        health::{self, Schema},
        private::{self, PrivatePostgres},
    },
};

/// Deadline for connecting, and for all queries together.
const DEADLINE: Duration = Duration::from_secs(8);

/// Consequence of a Postgres that does not answer.
const NOT_STORED: &str =
    "nothing can be stored; deliveries wait in the spool, or get 503 if the spool is off or full";

/// Checks that need a database connection, in this order.
const BEHIND: [Check; 7] = [
    Check::Durability,
    Check::Sessions,
    Check::Schema,
    Check::Partitions,
    Check::Clock,
    Check::Callback,
    Check::Consumers,
];

const NOT_ASKED: &str = "no connection to the database";

/// Inputs of the database checks.
struct Patient<'a> {
    config: &'a Config,
    apps: &'a [App],
    clock: &'a Clock,
    options: ConnectOptions,
}

/// Makes every check that needs the database.
pub(super) async fn check(
    config: &Config,
    postgres: &private::Settings,
    apps: &[App],
    clock: &Clock,
) -> Vec<Finding> {
    let options = match options(config, postgres).await {
        Ok(options) => options,
        Err(finding) => return finding.before(&BEHIND, NOT_ASKED),
    };
    let mut conn = match store::connect(&options, DEADLINE).await {
        Ok(conn) => conn,
        Err(error) => return unreachable(&error).before(&BEHIND, NOT_ASKED),
    };
    let patient = Patient {
        config,
        apps,
        clock,
        options,
    };
    let mut findings = Vec::new();
    let asking = patient.ask(&mut conn, &mut findings);
    if tokio::time::timeout(DEADLINE, asking).await.is_err() {
        let found = "Postgres does not answer every query in time";
        let late = Finding::wrong(Check::Database, found)
            .means("some checks below are missing; deliveries may go into the spool, or get 503")
            .remedy("check what keeps it busy, for instance in pg_stat_activity");
        findings.push(late);
    }
    findings
}

/// Connection options; a private Postgres is not started for this.
async fn options(config: &Config, postgres: &private::Settings) -> Result<ConnectOptions, Finding> {
    let Some(url) = &config.database.url else {
        let running = PrivatePostgres::connect_if_running(postgres).await;
        return running.map_err(|error| absent(&error, config));
    };
    store::options(url.expose()).map_err(|error| Finding::wrong(Check::Database, error.to_string()))
}

/// Finding for a private Postgres that cannot be asked.
fn absent(error: &private::Error, config: &Config) -> Finding {
    use private::Error::{Busy, Denied, NotRunning};
    let found = causes::line(error);
    let is_served = matches!(Running::find(&config.data_dir), Ok(Some(_)));
    match error {
        NotRunning { dir } if is_served => {
            let dir = dir.display();
            let found = format!("no private Postgres runs in {dir}, and its server does");
            Finding::wrong(Check::Database, found)
                .means(NOT_STORED)
                .remedy("see the server's log; it tries to start Postgres again and again")
        }
        NotRunning { .. } => Finding::unchecked(Check::Database, found)
            .remedy("start `hookshelf serve`, which runs it"),
        Denied { .. } => Finding::unchecked(Check::Database, found)
            .remedy("run doctor as root or as the user that runs the server"),
        Busy { .. } => Finding::unchecked(Check::Database, found).remedy("run doctor again"),
        _ => Finding::wrong(Check::Database, found)
            .means(NOT_STORED)
            .remedy(
                "see the log of Postgres, `postgres/pg.log` in data_dir; end the process that \
                hangs",
            ),
    }
}

fn unreachable(error: &Error) -> Finding {
    let remedy = match error {
        Error::Denied(_) => "correct user, password or database in database.url",
        Error::TimedOut => "check what keeps Postgres busy, and the network between",
        _ => "start Postgres, or correct database.url",
    };
    Finding::wrong(Check::Database, error.with_cause())
        .means(NOT_STORED)
        .remedy(remedy)
}

impl Patient<'_> {
    async fn ask(&self, conn: &mut Connection, findings: &mut Vec<Finding>) {
        findings.push(server(conn).await);
        let settings = health::settings(conn).await;
        findings.extend(match &settings {
            Ok(settings) => told::durability(settings, self.config.database.allow_lossy_commits),
            Err(error) => vec![unanswered(Check::Durability, error)],
        });
        findings.push(self.sessions(conn).await);
        let schema = health::schema(conn).await;
        let is_current = matches!(schema, Ok(Schema::Current(_)));
        findings.push(answered(Check::Schema, schema.map(told::schema)));
        findings.push(answered(Check::Clock, self.compare_clocks(conn).await));
        findings.extend(self.disk(conn).await);
        if is_current {
            let now = self.clock.now();
            let days = partitions::check(conn, self.config.dedupe.window, now).await;
            findings.extend(all_answered(Check::Partitions, days));
            let reached = callback::check(conn, self.apps, now).await;
            findings.extend(all_answered(Check::Callback, reached));
            let counted = rejections::counted(conn, now).await;
            findings.extend(all_answered(Check::Rejections, counted));
            let fed = consumers::check(conn, self.config).await;
            findings.extend(all_answered(Check::Consumers, fed));
        } else {
            let why = "the schema has to be right first";
            let others = [Check::Partitions, Check::Callback, Check::Consumers];
            findings.extend(others.map(|check| Finding::unchecked(check, why)));
        }
    }

    /// Room for more sessions, and whether one that commits can be had.
    async fn sessions(&self, conn: &mut Connection) -> Finding {
        match self.writer().await {
            Err(error) => told::refused(&error.with_cause()),
            Ok(false) => told::refused("the options of the session were dropped on the way"),
            Ok(true) => {
                let free = health::free_sessions(conn).await;
                answered(Check::Sessions, free.map(told::room))
            }
        }
    }

    async fn writer(&self) -> Result<bool, Error> {
        let connecting = store::connect_writer(&self.options, Commits::Durable, DEADLINE);
        let mut writer = connecting.await?;
        health::is_writer(&mut writer).await
    }

    async fn compare_clocks(&self, conn: &mut Connection) -> Result<Finding, Error> {
        let asked = self.clock.now();
        let theirs = health::now(conn).await?;
        let times = [asked, self.clock.now()];
        Ok(clock::compare("the database", theirs, times))
    }

    /// The disk of a database on this machine, and whether it is that of the spool.
    async fn disk(&self, conn: &mut Connection) -> Vec<Finding> {
        let host = self.options.get_host();
        let is_here = self.options.get_socket().is_some()
            || matches!(host, "localhost" | "127.0.0.1" | "::1" | "[::1]")
            || host.starts_with('/');
        if !is_here {
            return Vec::new();
        }
        // A container's is not to be found under that path.
        let directory = health::data_directory(conn).await;
        let Some(directory) = directory.filter(|it| it.exists()) else {
            return Vec::new();
        };
        let mut findings = vec![disk::check("the database", &directory)];
        let config = self.config;
        // The private Postgres is looked at with the spool itself, whether it runs or not.
        if config.spool.is_on() && config.database.url.is_some() {
            let dir = config.spool.directory(&config.data_dir);
            findings.extend(spool::beside(&dir, "the database", &directory));
        }
        findings
    }
}

fn unanswered(check: Check, error: &Error) -> Finding {
    Finding::unchecked(check, error.with_cause())
}

fn answered(check: Check, finding: Result<Finding, Error>) -> Finding {
    finding.unwrap_or_else(|error| unanswered(check, &error))
}

fn all_answered(check: Check, findings: Result<Vec<Finding>, Error>) -> Vec<Finding> {
    findings.unwrap_or_else(|error| vec![unanswered(check, &error)])
}

async fn server(conn: &mut Connection) -> Finding {
    match store::check_server(conn).await {
        Ok(()) => Finding::ok(Check::Database, "answers, and can hold every text"),
        Err(error @ (Error::TooOld { .. } | Error::Encoding { .. })) => {
            Finding::wrong(Check::Database, error.to_string())
                .means("the server does not start with it")
                .remedy("use another database, as `database.url` says")
        }
        Err(error) => unanswered(Check::Database, &error),
    }
}
