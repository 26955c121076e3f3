//! Backup, restore and the move to another Postgres, with the commands of `docs/operations.md`
//! only.

use std::{
    fs,
    io::{BufRead, BufReader},
    os::unix::fs::symlink,
    process::{Child, Command, Output},
};

use hookshelf::{clock::Clock, meta::signature::sign, store::partitions};
use jiff::{ToSpan, tz::TimeZone};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::SecretString;
use sqlx::{
    ConnectOptions, Connection,
    postgres::{PgConnectOptions, PgConnection},
};

use super::{
    pages::{self, Block, Page},
    start,
};
use crate::support::{
    cluster::Cluster,
    directory::Directory,
    server::{Server, guarded, path_from},
};

/// Data directory in the page.
const DATA: &str = "/var/lib/hookshelf";

/// Database URLs in the page.
const DATABASES: [&str; 3] = [
    "postgres://hookshelf:write-a-password-here@host/hookshelf",
    "postgres://hookshelf@host/hookshelf",
    "postgres://user@host/hookshelf",
];

/// Reader role in the page.
const READER: &str = "metabase";

/// Blocks of a section of the page, without those of its subsections.
fn section(heading: &str) -> Vec<Block> {
    let text = pages::named("docs/operations.md").text;
    let (_, section) = text.split_once(&format!("\n{heading}\n")).unwrap();
    let section = section.split("\n##").next().unwrap_or_default();
    Page {
        name: heading.to_owned(),
        text: section.to_owned(),
    }
    .blocks()
}

/// A machine with an empty configuration.
struct Site {
    directory: Directory,
    /// URL of the operator's own Postgres.
    url: Option<String>,
}

impl Site {
    fn create() -> Self {
        let directory = Directory::create();
        fs::write(directory.join("hookshelf.toml"), "").unwrap();
        fs::create_dir(directory.join("work")).unwrap();
        fs::create_dir(directory.join("bin")).unwrap();
        let program = env!("CARGO_BIN_EXE_hookshelf");
        symlink(program, directory.join("bin/hookshelf")).unwrap();
        let url = None;
        Self { directory, url }
    }

    /// Starts the server with this configuration.
    fn start(self, configuration: &str) -> Served {
        let configuration = self.own(configuration);
        fs::write(self.directory.join("hookshelf.toml"), &configuration).unwrap();
        let server = Server::start_in(self.directory, None);
        let known = format!(
            "data_dir = \"{}\"\n[http]\nlisten = \"{}\"\n[admin]\nlisten = \"{}\"\n{configuration}",
            server.directory.join("data").display(),
            server.public,
            server.admin
        );
        fs::write(server.directory.join("work/operator.toml"), known).unwrap();
        Served {
            server,
            url: self.url,
            moved: None,
        }
    }

    /// Replaces the paths and URLs of the page with those of this machine.
    fn own(&self, text: &str) -> String {
        own(&self.directory, self.url.as_deref(), text)
    }

    fn run(&self, block: &Block) -> Output {
        run(&self.directory, self.url.as_deref(), block, &[])
    }
}

/// A site with a running server.
struct Served {
    server: Server,
    url: Option<String>,
    /// Connection options of the new database after the move from the private Postgres.
    moved: Option<PgConnectOptions>,
}

impl Served {
    fn run(&self, block: &Block) -> Output {
        run(&self.server.directory, self.url.as_deref(), block, &[])
    }

    fn stop(self) -> Site {
        let (status, directory, _) = self.server.stop();
        assert!(status.success());
        let url = self.url;
        Site { directory, url }
    }

    /// Delivers a message and expects an ack.
    async fn deliver(&self, message: u32) {
        let file = self.server.directory.join("data/credentials.toml");
        let credentials: toml::Table = fs::read_to_string(file).unwrap().parse().unwrap();
        let secret = credentials["apps"]["default"]["app_secret"].as_str();
        let body = format!(
            r#"{{"object":"instagram","entry":[{{"id":"17840000000000008","time":1795000000,
            "messaging":[{{"sender":{{"id":"7008"}},"recipient":{{"id":"17840000000000008"}},
            "timestamp":1795000000000,"message":{{"mid":"mid.backup.{message}","text":"Rye"}}}}]}}]}}"#
        );
        let signature = sign(&SecretString::from(secret.unwrap()), body.as_bytes());
        let headers = [("X-Hub-Signature-256", &*signature)];
        let answer = self.server.post("/webhook", &headers, body).await;
        assert_eq!(answer.status, 200);
    }

    async fn database(&self) -> PgConnection {
        match &self.moved {
            Some(options) => options.connect().await.unwrap(),
            None => self.server.database().await,
        }
    }

    async fn number(&self, sql: &'static str) -> i64 {
        let query = sqlx::query_scalar(sql);
        query.fetch_one(&mut self.database().await).await.unwrap()
    }

    /// Number of stored messages of this test.
    async fn messages(&self) -> i64 {
        self.number("SELECT count(*) FROM messages WHERE message_id LIKE 'mid.backup.%'")
            .await
    }

    async fn last_position(&self) -> i64 {
        self.number("SELECT max(position) FROM events").await
    }

    /// Result of a query by the reader role.
    fn read(&self, sql: &str) -> String {
        let reader = ["psql", "--reader", READER, "--", "-At", "--command", sql];
        let output = self.server.run(&reader);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// Stores the data to preserve: deliveries of every kind, message 1, and a reader role.
    async fn furnish(&self) {
        for arguments in [&["simulate"][..], &["migrate", "--reader", READER]] {
            assert!(self.server.run(arguments).status.success());
        }
        self.deliver(1).await;
    }

    /// Checks that message 1 is a repeat, that a new message gets a position after `last`, and that
    /// the reader role sees new data, including a day whose tables are created later.
    async fn goes_on_behind(&self, last: i64) {
        let repeats = self.number("SELECT count(*) FROM repeats").await;
        let messages = self.messages().await;
        self.deliver(1).await;
        assert_eq!(self.messages().await, messages);
        assert_eq!(
            self.number("SELECT count(*) FROM repeats").await,
            repeats + 1
        );
        self.deliver(9).await;
        assert_eq!(self.messages().await, messages + 1);
        assert!(self.last_position().await > last);

        let seen = self.read("SELECT count(*), max(position) FROM events");
        let count = self.number("SELECT count(*) FROM events").await;
        assert_eq!(seen, format!("{count}|{}", self.last_position().await));
        let mut owner = self.database().await;
        let day = Clock::system().now().to_zoned(TimeZone::UTC).date() + 40.days();
        partitions::ensure_day(&mut owner, day).await.unwrap();
        let insert = "INSERT INTO stored_deliveries (id, received_at, app, secret, event_count, source)
                      SELECT gen_random_uuid(), now() + interval '40 days', 'default', 'app', 0, 'live'";
        sqlx::query(insert).execute(&mut owner).await.unwrap();
        owner.close().await.unwrap();
        let later = "SELECT count(*) FROM deliveries WHERE received_at > now() + interval '9 days'";
        assert_eq!(self.read(later), "1");
        let write = [
            "psql",
            "--reader",
            READER,
            "--",
            "--command",
            "DELETE FROM events",
        ];
        assert!(!self.server.run(&write).status.success());
    }
}

fn own(directory: &Directory, url: Option<&str>, text: &str) -> String {
    let data = directory.join("data").display().to_string();
    let text = text.replace(DATA, &data);
    let url = url.unwrap_or_default();
    DATABASES
        .iter()
        .fold(text, |text, known| text.replace(known, url))
}

/// Runs a block in a shell. Expects success and no error output.
fn run(
    directory: &Directory,
    url: Option<&str>,
    block: &Block,
    variables: &[(&str, &str)],
) -> Output {
    let script = own(directory, url, &block.text());
    let mut shell = Command::new("sh");
    shell.args(["-eu", "-c", &script]);
    surround(&mut shell, directory);
    let output = shell.envs(variables.iter().copied()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && said.is_empty(),
        "{script}\n{said}"
    );
    output
}

/// Sets the environment of the operator.
fn surround(command: &mut Command, directory: &Directory) {
    let work = directory.join("work");
    command.env_clear().current_dir(&work).env("HOME", &work);
    command.env("PATH", path_from(&directory.join("bin")));
    command.env("HOOKSHELF_CONFIG", work.join("operator.toml"));
}

/// The server of a block, in another terminal.
struct Beside {
    process: Child,
    pid: i32,
}

impl Beside {
    fn start(site: &Directory, block: &Block) -> Self {
        let arguments = start::arguments(block).unwrap();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut shell = guarded(&arguments);
        surround(&mut shell, site);
        shell.stderr(fs::File::create(site.join("beside.log")).unwrap());
        let mut process = shell.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let pid = lines.next().unwrap().unwrap().parse().unwrap();
        assert!(lines.any(|line| line.unwrap().contains("events list")));
        Self { process, pid }
    }

    /// Stops the server with Ctrl-C.
    fn end(mut self) {
        kill(Pid::from_raw(self.pid), Signal::SIGINT).unwrap();
        let guard = self.process.stdin.take();
        assert!(self.process.wait().unwrap().success());
        drop(guard);
    }
}

/// Runs the restore section up to the exchange of the files. Returns the exchange block and the
/// block after it.
fn restore<'a>(directory: &Directory, blocks: &'a [Block]) -> [&'a Block; 2] {
    let [toml, serve, fill, look, gap, exchange, go_on] = blocks else {
        panic!("docs/operations.md has other steps to restore: take them up here");
    };
    let text = own(directory, None, &toml.text());
    fs::write(directory.join("work/restore.toml"), text).unwrap();
    let beside = Beside::start(directory, serve);
    run(directory, None, fill, &[]);
    let last = run(directory, None, look, &[]);
    assert_eq!(String::from_utf8(last.stdout).unwrap().lines().count(), 2);
    run(directory, None, gap, &[]);
    beside.end();
    [exchange, go_on]
}

/// Runs the commands that recreate a reader.
fn make_readers(served: &Served) {
    let blocks = section("### Readers after a restore");
    let [which, make] = &blocks[..] else {
        panic!("docs/operations.md has other steps for readers: take them up here");
    };
    let found = String::from_utf8(served.run(which).stdout).unwrap();
    assert_eq!(
        found,
        format!("GRANT SELECT ON TABLE public.events TO {READER};\n")
    );
    served.run(make);
}

/// A site after the page's backup commands, and its last position.
async fn backed_up() -> (Served, i64) {
    let served = Site::create().start("");
    served.furnish().await;
    let blocks = section("## Backup");
    let [private, _] = &blocks[..] else {
        panic!("docs/operations.md has other steps for a backup: take them up here");
    };
    served.run(private);
    let last = served.last_position().await;
    (served, last)
}

/// Configuration of the move that prevents commits.
fn commits_nothing() -> String {
    section("## Move to your own Postgres")[1].text()
}

#[tokio::test]
async fn a_backup_with_a_reader_is_restored_and_what_the_spool_held_is_kept() {
    let (served, last) = backed_up().await;
    served.deliver(2).await;
    // Simulates a database that refuses commits.
    let served = served.stop().start(&commits_nothing());
    served.deliver(3).await;
    assert_eq!(served.messages().await, 2, "message 3 is in the spool");
    let blocks = section("## Restore");
    let [exchange, go_on] = restore(&served.server.directory, &blocks);
    let site = served.stop();
    site.run(exchange);
    let served = site.start("");
    served.run(go_on);
    assert_eq!(served.messages().await, 2, "messages 1 and 3");
    let drained = served.last_position().await;
    assert!(drained > last + 1_000_000, "{drained}, {last}");
    make_readers(&served);
    served.goes_on_behind(drained).await;
    served.stop();
}

#[tokio::test]
async fn a_backup_is_restored_on_a_new_machine() {
    let (served, last) = backed_up().await;
    let old = served.stop();
    let site = Site::create();
    let data = site.directory.join("data");
    fs::create_dir(&data).unwrap();
    let saved = |name: &str| old.directory.join("work").join(name);
    fs::copy(saved("credentials.toml"), data.join("credentials.toml")).unwrap();
    fs::copy(
        saved("hookshelf.dump"),
        site.directory.join("work/hookshelf.dump"),
    )
    .unwrap();
    let blocks = section("## Restore");
    let [exchange, _] = restore(&site.directory, &blocks);
    let [_, second] = &exchange.lines[..] else {
        panic!("the exchange has other lines");
    };
    site.run(&Block {
        language: exchange.language.clone(),
        lines: vec![second.clone()],
        line: exchange.line,
    });
    let served = site.start("");
    make_readers(&served);
    assert_eq!(served.messages().await, 1);
    served.goes_on_behind(last + 1_000_000).await;
    served.stop();
}

/// An existing Postgres with an administrator `postgres` and nothing of Hookshelf.
async fn someones_own() -> Cluster {
    let cluster = Cluster::start_with(&["fsync=on", "max_connections=60"]).await;
    let options = cluster.options();
    let make = "CREATE ROLE postgres SUPERUSER LOGIN";
    let mut session = cluster.connect().await;
    sqlx::query(make).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
    let administrator = options.username("postgres").database("postgres");
    let mut session = administrator.connect().await.unwrap();
    let clear = "ALTER ROLE hookshelf RENAME TO maker; ALTER DATABASE hookshelf RENAME TO made";
    sqlx::raw_sql(clear).execute(&mut session).await.unwrap();
    session.close().await.unwrap();
    cluster
}

#[tokio::test]
async fn the_private_postgres_is_left_for_one_of_the_operators_own_without_a_refusal() {
    let blocks = section("## Move to your own Postgres");
    let [prepare, commit_nothing, dump, fill, configuration, go_on] = &blocks[..] else {
        panic!("docs/operations.md has other steps to move: take them up here");
    };
    let cluster = someones_own().await;
    let mut served = Site::create().start("");
    served.furnish().await;
    let socket = cluster
        .options()
        .get_socket()
        .unwrap()
        .display()
        .to_string();
    let administrator = [("PGHOST", &*socket), ("PGUSER", "postgres")];
    run(&served.server.directory, None, prepare, &administrator);

    served.url = Some(cluster.url());
    let served = served.stop().start(&commit_nothing.text());
    served.deliver(2).await;
    served.run(dump);
    served.deliver(3).await;
    assert_eq!(
        served.messages().await,
        1,
        "messages 2 and 3 are in the spool"
    );
    let last = served.last_position().await;
    served.run(fill);

    let mut served = served.stop().start(&configuration.text());
    served.moved = Some(cluster.options());
    served.run(go_on);
    let log = served.server.log();
    assert!(!log.contains("ERROR"), "{log}");
    make_readers(&served);
    served.goes_on_behind(last).await;
    served.run(&section("## Backup")[1]);
    served.stop();
}
