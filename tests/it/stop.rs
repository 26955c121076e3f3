//! Shutdown of the program: requests in flight are finished, and the log reports their number and
//! results.

use std::{
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Stdio,
};

use hookshelf::meta::signature::sign;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::support::{
    directory::Directory,
    eventually,
    message::message,
    postgres::TestDatabase,
    server::{SECRET, Server, apps},
};

/// Body of the message with this number.
fn body(number: u32) -> String {
    message(&format!("mid.stop.{number}"), "Two loaves, please")
}

/// Number of body bytes sent before the stop.
const HALF: usize = 50;

/// Sends the head and half of the body, with a valid signature if `signed`.
async fn begin(server: &Server, body: &str, signed: bool) -> TcpStream {
    let secret = if signed { SECRET } else { "another secret" };
    let signature = sign(&SecretString::from(secret), body.as_bytes());
    let head = format!(
        "POST /webhook HTTP/1.1\r\nHost: test\r\nContent-Length: {}\r\n\
         X-Hub-Signature-256: {signature}\r\n\r\n{}",
        body.len(),
        &body[..HALF]
    );
    let mut stream = TcpStream::connect(server.public).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
}

/// Waits until `count` halves of bodies have arrived.
async fn have_begun(server: &Server, count: usize) {
    eventually("the first halves have arrived", async || {
        let metrics = server.ask_admin("/metrics").await.body;
        let begun = format!("hookshelf_body_bytes {}\n", count * HALF);
        String::from_utf8_lossy(&metrics).contains(&begun)
    })
    .await;
}

/// Sends the rest of a body and returns the status of the answer.
async fn finish(mut stream: TcpStream, body: &str) -> String {
    stream.write_all(&body.as_bytes()[HALF..]).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer.split(' ').nth(1).unwrap_or_default().to_owned()
}

async fn refuses_connections(server: &Server) {
    eventually("nobody is let in any more", async || {
        TcpStream::connect(server.public).await.is_err()
    })
    .await;
}

async fn events(database: &mut PgConnection) -> i64 {
    let count = sqlx::query_scalar("SELECT count(*) FROM events");
    count.fetch_one(database).await.unwrap()
}

/// The only log line with this message.
fn told(log: &str, message: &str) -> String {
    let mut lines = log.lines().filter(|line| line.contains(message));
    let line = lines.next();
    let line = line.unwrap_or_else(|| panic!("the log does not say {message}:\n{log}"));
    assert_eq!(lines.next(), None, "said twice");
    line.to_owned()
}

fn log_of(directory: &Directory) -> String {
    std::fs::read_to_string(directory.join("log")).unwrap()
}

#[tokio::test]
async fn what_is_in_flight_at_a_stop_is_finished_and_counted() {
    let server = Server::start().await;
    let second = body(2);
    let first = begin(&server, &body(1), true).await;
    let other = begin(&server, &second, true).await;
    let forged = begin(&server, &body(1), false).await;
    let left = begin(&server, &body(1), true).await;
    have_begun(&server, 4).await;
    let mut database = server.database().await;
    server.signal(Signal::SIGTERM);
    refuses_connections(&server).await;
    drop(left);
    assert_eq!(finish(first, &body(1)).await, "200");
    assert_eq!(finish(other, &second).await, "200");
    assert_eq!(finish(forged, &body(1)).await, "401");
    let (status, directory, _place) = server.wait();
    let log = log_of(&directory);
    assert!(status.success(), "{status}: {log}");
    assert_eq!(events(&mut database).await, 2);
    let asked = told(&log, "stop requested");
    assert!(
        asked.contains("SIGTERM") && asked.contains("in_flight=4"),
        "{asked}"
    );
    let ended = told(&log, "deliveries in flight ended");
    assert!(
        ended.contains("WARN") && ended.contains("acked=2 rejected=1 unfinished=1 duration_ms="),
        "{ended}"
    );
    assert!(told(&log, " stopped").contains("duration_ms="), "{log}");
}

#[tokio::test]
async fn a_body_that_never_ends_is_not_waited_for_beyond_its_time_and_told_as_unfinished() {
    let configuration = format!("[http]\nbody_timeout_seconds = 1\n{}", apps(["default"]));
    let server = Server::start_with(&configuration).await;
    let mut endless = begin(&server, &body(1), true).await;
    have_begun(&server, 1).await;
    server.signal(Signal::SIGTERM);
    let mut answer = String::new();
    endless.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    let (status, directory, _place) = server.wait();
    let log = log_of(&directory);
    assert!(status.success(), "{status}: {log}");
    let ended = told(&log, "deliveries in flight ended");
    assert!(
        ended.contains("acked=0 rejected=0 unfinished=1 "),
        "{ended}"
    );
}

#[tokio::test]
async fn a_stop_with_nothing_in_flight_says_so() {
    let server = Server::start().await;
    assert_eq!(server.deliver("/webhook", body(1)).await.status, 200);
    let (status, directory, _place) = server.stop();
    let log = log_of(&directory);
    assert!(status.success(), "{status}: {log}");
    assert!(told(&log, "stop requested").contains("in_flight=0"));
    let ended = told(&log, "deliveries in flight ended");
    assert!(
        ended.contains("INFO") && ended.contains("acked=0 rejected=0 unfinished=0 "),
        "{ended}"
    );
}

/// Stops a server with a delivery in flight while the fence is locked. The delivery gets `answer`,
/// and its line in the log contains what is `expected`.
async fn stop_while_held(
    server: Server,
    database: &mut PgConnection,
    answer: &str,
    expected: [&str; 2],
) -> (Directory, Option<TestDatabase>) {
    let mut holder = database.begin().await.unwrap();
    sqlx::query("SELECT 1 FROM commit_fence FOR UPDATE")
        .execute(&mut *holder)
        .await
        .unwrap();
    let stuck = begin(&server, &body(1), true).await;
    have_begun(&server, 1).await;
    server.signal(Signal::SIGTERM);
    refuses_connections(&server).await;
    assert_eq!(finish(stuck, &body(1)).await, answer);
    let (status, directory, place) = server.wait();
    let log = log_of(&directory);
    assert!(status.success(), "{status}: {log}");
    let ended = told(&log, "deliveries in flight ended");
    assert!(expected.iter().all(|it| ended.contains(it)), "{ended}");
    holder.rollback().await.unwrap();
    (directory, place)
}

#[tokio::test]
async fn what_postgres_does_not_take_at_a_stop_is_kept_for_the_next_start() {
    let server = Server::start().await;
    let mut database = server.database().await;
    let expected = ["INFO", "acked=1 rejected=0 unfinished=0 "];
    let (directory, place) = stop_while_held(server, &mut database, "200", expected).await;
    let _server = Server::start_in(directory, place);
    eventually("it is stored", async || events(&mut database).await == 1).await;
}

#[tokio::test]
async fn what_postgres_does_not_take_at_a_stop_without_a_spool_is_told_as_unfinished() {
    let server = Server::start_without_spool().await;
    let mut database = server.database().await;
    // Postgres may still store the delivery once the lock is released: a 503 promises nothing.
    let expected = ["WARN", "acked=0 rejected=0 unfinished=1 "];
    stop_while_held(server, &mut database, "503", expected).await;
}

#[tokio::test]
async fn a_second_signal_ends_it_at_once_and_tells_what_is_left() {
    let server = Server::start().await;
    let _half = begin(&server, &body(1), true).await;
    have_begun(&server, 1).await;
    server.signal(Signal::SIGTERM);
    // Simultaneous signals count as one.
    server.signal(Signal::SIGTERM);
    refuses_connections(&server).await;
    eventually("it ends", async || !server.try_signal(Signal::SIGTERM)).await;
    let (status, directory, _place) = server.wait();
    let log = log_of(&directory);
    assert_eq!(status.code(), Some(1), "{log}");
    let ended = told(&log, "deliveries in flight ended");
    assert!(
        ended.contains("acked=0 rejected=0 unfinished=1 "),
        "{ended}"
    );
    let said =
        "stopped at once by a second signal: 1 delivery in flight got no 200; Meta sends it again";
    assert!(log.contains(said), "{log}");
}

#[tokio::test]
async fn a_stop_is_obeyed_while_it_is_still_starting() {
    let directory = Directory::create();
    // A database that accepts connections but never answers: the start waits for it.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("postgres://nobody@{}/none", silent.local_addr().unwrap());
    let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .env("DATABASE_URL", url)
        .env("HOOKSHELF__DATA_DIR", directory.join("data"))
        .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(std::fs::File::create(directory.join("log")).unwrap())
        .spawn()
        .unwrap();
    let _waiting = silent.accept().await.unwrap();
    kill(
        Pid::from_raw(process.id().try_into().unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    let status = process.wait().unwrap();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    assert!(status.success(), "{status}: {log}");
    assert!(log.contains("stop requested"), "{log}");
}

/// A fake Postgres that never becomes ready and ends on SIGINT after a second.
const SLOW: &str = r#"#!/bin/sh
trap 'sleep 1; echo "the slow one has ended"; exit 0' INT
[ "$1" = -D ] || exec "$(readlink -f "$(dirname "$0")/initdb" | xargs dirname)/postgres" "$@"
while :; do sleep 0.05; done
"#;

#[tokio::test]
async fn a_stop_waits_for_the_end_of_a_private_postgres_that_is_still_starting() {
    let server = Server::start_private();
    let (status, directory, place) = server.stop();
    assert!(status.success());
    let opts = directory.join("data/postgres/data/postmaster.opts");
    let opts = std::fs::read_to_string(opts).unwrap();
    let programs = Path::new(opts.split(' ').next().unwrap()).parent().unwrap();
    let slow = directory.join("slow");
    std::fs::create_dir(&slow).unwrap();
    symlink(programs.join("initdb"), slow.join("initdb")).unwrap();
    std::fs::write(slow.join("postgres"), SLOW).unwrap();
    let executable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(slow.join("postgres"), executable).unwrap();
    let configuration = format!("{}[database]\nbin_dir = {slow:?}\n", apps(["default"]));
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    let server = Server::start_in(directory, place);
    assert_eq!(server.deliver("/webhook", body(1)).await.status, 200);
    let (status, directory, _place) = server.stop();
    assert!(status.success(), "{}", log_of(&directory));
    let said = std::fs::read_to_string(directory.join("data/postgres/pg.log")).unwrap();
    assert!(said.contains("the slow one has ended"), "{said}");
}
