//! The private Postgres: start, adoption, kill, refusal and stop, as root and as an ordinary user.

mod application;
mod as_root;
mod dev_db;
mod life;
mod prompt;
mod refusals;

use std::path::Path;

use hookshelf::store::private::{PrivatePostgres, Settings};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};

use crate::support::directory::Directory;

/// Settings of `serve` for a data directory.
fn durable_settings(data_dir: &Path) -> Settings {
    let mut settings = Settings::new(data_dir.join("postgres"));
    settings.search_path = std::env::var_os("PATH");
    settings
}

/// The same settings without fsync; only a power cut would show the difference.
fn settings(data_dir: &Path) -> Settings {
    let mut settings = durable_settings(data_dir);
    settings.durable = false;
    settings
}

async fn start(directory: &Directory) -> PrivatePostgres {
    PrivatePostgres::start(settings(directory.path()))
        .await
        .expect("the private Postgres starts")
}

async fn connect(options: PgConnectOptions) -> PgConnection {
    options
        .disable_statement_logging()
        .connect()
        .await
        .expect("the private Postgres answers")
}

/// Result of a query as text.
async fn ask(options: PgConnectOptions, sql: &'static str) -> String {
    let mut connection = connect(options).await;
    let value = sqlx::query_scalar(sql)
        .fetch_one(&mut connection)
        .await
        .expect("an answer");
    connection.close().await.expect("the connection closes");
    value
}

/// Process id in the server's pid file, if there is one.
fn postmaster(directory: &Directory) -> Option<i32> {
    let path = directory.join("postgres/data/postmaster.pid");
    std::fs::read_to_string(path)
        .ok()?
        .lines()
        .next()?
        .trim()
        .parse()
        .ok()
}

fn kill(pid: i32) {
    let pid = nix::unistd::Pid::from_raw(pid);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGKILL).expect("the process is there");
}

/// File names in the directory of the private Postgres.
fn files(directory: &Directory) -> Vec<String> {
    let entries = std::fs::read_dir(directory.join("postgres"))
        .into_iter()
        .flatten();
    let mut names: Vec<_> = entries
        .map(|it| it.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
