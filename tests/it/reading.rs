//! The reading verbs: results, output formats and exit codes.

mod accounts;
mod comments;
mod conversations;
mod csv;
mod deliveries;
mod events;
mod offline;
mod plans;
mod rejections;
mod repeats;
mod search;
mod table;

use std::{
    io::Write,
    process::{Command, Output, Stdio},
    sync::Arc,
};

use bytes::Bytes;
use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    meta::{
        event::Source,
        split::{Context, split},
    },
    store::{self, Batch, Delivery, Known},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use uuid::Uuid;

use crate::support::{directory::Directory, postgres::TestDatabase};

/// A database with deliveries, and the program that reads them.
pub(crate) struct Shelf {
    pub(crate) database: TestDatabase,
    directory: Directory,
}

impl Shelf {
    pub(crate) async fn create() -> Self {
        let directory = Directory::create();
        std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
        Self {
            database: TestDatabase::create().await,
            directory,
        }
    }

    /// Commits a delivery with an arrival time `ago` before now.
    pub(crate) async fn store(
        &self,
        app: &str,
        ago: SignedDuration,
        body: impl Into<Bytes>,
    ) -> Delivery {
        let delivery = delivery(app, Clock::system().now() - ago, body.into());
        let mut connection = self.database.connect().await;
        let one = std::slice::from_ref(&delivery);
        store::commit(&mut connection, &mut Known::default(), &Batch::of(one))
            .await
            .unwrap();
        delivery
    }

    /// The program with these arguments and a clean environment.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        command.env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("HOOKSHELF_CONFIG", self.directory.join("hookshelf.toml"));
        command.env("HOOKSHELF__DATA_DIR", self.directory.join("data"));
        command.env("DATABASE_URL", self.database.url());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Standard output of a successful run.
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Parsed lines of `--json`.
    pub(crate) fn rows(&self, arguments: &[&str]) -> Vec<Value> {
        let lines = self.says(&[arguments, &["--json"]].concat());
        lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Exit code and error output. Panics if the program prints anything else.
    fn complains(&self, arguments: &[&str]) -> (i32, String) {
        complaint(&self.command(arguments).output().unwrap())
    }

    /// Output of the program for this standard input.
    fn answers(&self, arguments: &[&str], input: &[u8]) -> Output {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        process.stdin.take().unwrap().write_all(input).unwrap();
        process.wait_with_output().unwrap()
    }
}

fn complaint(output: &Output) -> (i32, String) {
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    (output.status.code().unwrap(), said)
}

fn delivery(app: &str, received_at: Timestamp, body: Bytes) -> Delivery {
    let found = split(&body, Context { app, received_at });
    let millis = u64::try_from(received_at.as_millisecond()).unwrap();
    let moment = uuid::Timestamp::from_unix(uuid::NoContext, millis / 1000, 0);
    Delivery {
        envelope: Envelope {
            id: Uuid::new_v7(moment),
            received_at,
            app: Arc::from(app),
            headers: r#"{"x-hub-signature-256":"sha256=00"}"#.to_owned(),
            remote_addr: Some([192, 0, 2, 7].into()),
        },
        object: found.object.clone(),
        body,
        secret: "app".into(),
        problem: found.problem(),
        source: Source::Live,
        event_count: found.events.len(),
        events: found.events,
    }
}

/// Column names of a table, in order.
async fn columns(database: &TestDatabase, table: &str) -> Vec<String> {
    let names = sqlx::query_scalar(
        "SELECT attname::text FROM pg_attribute
         WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum",
    );
    let names = names
        .bind(table)
        .fetch_all(&mut database.connect().await)
        .await;
    names.unwrap()
}

/// A string in JSON.
fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// Keys of a JSON line, in order.
pub(crate) fn keys(line: &str) -> Vec<String> {
    let pairs = hookshelf::meta::json::pairs(line).unwrap();
    pairs.into_iter().map(|(key, _)| key.into_owned()).collect()
}
