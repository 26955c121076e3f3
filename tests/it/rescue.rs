//! Rescue of deliveries that were rejected because of a wrong secret: held, verified again, stored
//! once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bytes::Bytes;
use hookshelf::{
    clock::Clock,
    envelope::Envelope,
    meta::signature::{sign, sign_simulated},
    quarantine::{Quarantine, Record, Settings},
};
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tokio::{net::TcpStream, task::JoinSet};
use uuid::Uuid;

use crate::support::{
    directory::Directory,
    eventually,
    message::{message, messages},
    postgres::TestDatabase,
    server::{SECRET, Server, apps, settle},
};

const SIGNATURE: &str = "X-Hub-Signature-256";
const RECHECK: [&str; 2] = ["rejections", "recheck"];

/// An address of Meta, and another address.
const META: &str = "173.252.95.16";
const STRANGER: &str = "198.51.100.7";

/// Configuration with a wrong secret.
const WRONG: &str = "[apps.default]\napp_secret = \"the secret of another app\"\n";

fn order(number: u32) -> String {
    message(&format!("mid.rescue.{number}"), "A dozen rolls")
}

fn signature(body: &str) -> String {
    sign(&SecretString::from(SECRET), body.as_bytes())
}

/// Delivers with Meta's signature, which matches no configured secret, and expects 401.
async fn be_refused(server: &Server, body: &str, headers: &[(&str, &str)]) {
    let signature = signature(body);
    let headers = [&[(SIGNATURE, &*signature)], headers].concat();
    let answer = server.post("/webhook", &headers, body.to_owned()).await;
    assert_eq!((answer.status, answer.body.len()), (401, 0));
}

/// Parsed JSON lines of a successful run.
fn rows(output: &Output) -> Vec<Value> {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let printed = std::str::from_utf8(&output.stdout).unwrap().lines();
    printed
        .map(|it| serde_json::from_str(it).unwrap())
        .collect()
}

fn recheck(server: &Server, arguments: &[&str]) -> Vec<Value> {
    rows(&server.run(&[&RECHECK[..], arguments, &["--json"]].concat()))
}

/// Waits until `count` deliveries are held.
async fn are_held(server: &Server, count: u64) -> Value {
    let mut found = Vec::new();
    eventually("they are held", async || {
        found = recheck(server, &[]);
        let held = found.iter().map(|it| it["held"].as_u64().unwrap());
        held.sum::<u64>() == count
    })
    .await;
    found.into_iter().next().unwrap_or_default()
}

fn mend(server: &Server) {
    let configuration = server.directory.join("hookshelf.toml");
    let text = fs::read_to_string(&configuration).unwrap();
    fs::write(
        configuration,
        text.replace("the secret of another app", SECRET),
    )
    .unwrap();
    assert!(server.run(&["reload"]).status.success());
}

pub(crate) async fn number(database: &mut PgConnection, query: &'static str) -> i64 {
    let query = sqlx::query_scalar(query);
    query.fetch_one(database).await.unwrap()
}

const EVENTS: &str = "SELECT count(*) FROM events";
const DELIVERIES: &str = "SELECT count(*) FROM deliveries";

#[tokio::test]
async fn what_a_wrong_secret_refused_is_stored_when_it_is_right() {
    let server = Server::start_with(WRONG).await;
    for number in 0..5 {
        be_refused(&server, &order(number), &[]).await;
    }
    let held = are_held(&server, 5).await;
    assert_eq!((&held["passing"], &held["stored"]), (&json!(0), &json!(0)));
    let said = server.run(&RECHECK);
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.contains("no secret matches any of the 5 deliveries"),
        "{said}"
    );
    let before = Clock::system().now();
    mend(&server);
    // Meta retries one of the deliveries, which is the same event.
    eventually("the secret is right", async || {
        server.deliver("/webhook", order(3)).await.status == 200
    })
    .await;

    let held = are_held(&server, 5).await;
    assert_eq!(held["passing"], 5);
    assert_eq!(held["secrets"], json!({"app": 5}));
    assert_eq!((&held["events"], &held["stored"]), (&json!(5), &json!(1)));
    let mut database = server.database().await;
    assert_eq!(
        number(&mut database, DELIVERIES).await,
        1,
        "nothing was changed"
    );

    assert!(doctor(&server).starts_with("5 quarantined deliveries pass"));
    let listed = server.run(&["rejections", "list"]);
    let noted = String::from_utf8_lossy(&listed.stderr).into_owned();
    assert!(
        noted.starts_with("5 refused deliveries are in quarantine"),
        "{noted}"
    );

    let stored = recheck(&server, &["--yes"]);
    let expected = json!({"app": "default", "deliveries": 5, "stored_before": 0,
                          "events": 4, "repeated": 1, "unopened": 0,
                          "first": stored[0]["first"], "last": stored[0]["last"]});
    assert_eq!(stored, [expected]);
    assert_eq!(number(&mut database, EVENTS).await, 5);
    stored_as_they_came(&mut database, before).await;
    assert_eq!(recheck(&server, &[]), [] as [Value; 0]);
    assert_eq!(recheck(&server, &["--yes"]), [] as [Value; 0]);
    assert_eq!(number(&mut database, DELIVERIES).await, 6);
    assert!(doctor(&server).starts_with("the quarantine is empty"));
}

/// Checks that five messages with an arrival time before `before` are stored, with their original
/// arrival times.
async fn stored_as_they_came(database: &mut PgConnection, before: Timestamp) {
    let rows: Vec<(Uuid, String, String, String, String)> = sqlx::query_as(
        "SELECT id, received_at::text, source, secret, headers->>'x-hub-signature-256'
         FROM deliveries WHERE received_at < $1::timestamptz ORDER BY received_at",
    )
    .bind(before.to_string())
    .fetch_all(database)
    .await
    .unwrap();
    assert_eq!(rows.len(), 5, "with the moment at which they came");
    for (row, number) in rows.iter().zip(0..) {
        let (id, received_at, source, secret, signed) = row;
        assert_eq!((&**source, &**secret), ("live", "app"));
        assert_eq!(*signed, signature(&order(number)));
        let received_at: Timestamp = received_at.replace(' ', "T").parse().unwrap();
        let minted = id.get_timestamp().unwrap().to_unix();
        assert_eq!(i64::try_from(minted.0).unwrap(), received_at.as_second());
    }
}

/// Finding of `doctor` on held deliveries.
fn doctor(server: &Server) -> String {
    let printed = server.run(&["doctor", "--json"]).stdout;
    let mut lines = std::str::from_utf8(&printed).unwrap().lines();
    let found = lines
        .find(|it| it.contains(r#""check":"rejections""#))
        .unwrap();
    let finding: Value = serde_json::from_str(found).unwrap();
    finding["found"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_secret_can_be_tried_and_sources_are_those_of_the_door() {
    let server = Server::start_with(WRONG).await;
    let (live, test) = (
        order(1),
        messages("7001", "0", &[("mid.rescue.test", "A dozen rolls")]),
    );
    let simulated = order(2);
    let mark = sign_simulated(&SecretString::from(SECRET), simulated.as_bytes());
    be_refused(&server, &live, &[]).await;
    be_refused(&server, &test, &[]).await;
    let marks = [("X-Hookshelf-Simulated", &*mark)];
    be_refused(&server, &simulated, &marks).await;
    be_refused(&server, &order(3), &[("X-Hookshelf-Simulated", "00")]).await;
    are_held(&server, 4).await;
    let file = server.directory.join("secret");
    fs::write(&file, format!("{SECRET}\n")).unwrap();
    let secret_file = format!("--secret-file={}", file.display());
    let held = &recheck(&server, &[&secret_file])[0];
    assert_eq!(held["secrets"], json!({"given": 4}));
    let said = server.run(&[&RECHECK[..], &[&secret_file]].concat());
    let said = String::from_utf8_lossy(&said.stdout);
    assert!(
        said.contains("4 of 4 deliveries pass, with 4 events"),
        "{said}"
    );
    assert!(
        said.contains("--secret-file") && said.contains("--yes"),
        "{said}"
    );
    recheck(&server, &[&secret_file, "--yes"]);
    let rows: Vec<(String, String)> =
        sqlx::query_as("SELECT source, secret FROM deliveries ORDER BY received_at")
            .fetch_all(&mut server.database().await)
            .await
            .unwrap();
    let rows: Vec<_> = rows.iter().map(|(a, b)| (&**a, &**b)).collect();
    let expected = ["live", "test", "simulated", "live"].map(|source| (source, "given"));
    assert_eq!(rows, expected);
}

/// A data directory and a migrated database, after the server has stopped.
async fn ended(configuration: &str) -> (Directory, TestDatabase) {
    let server = Server::start_with(configuration).await;
    let (status, directory, place) = server.stop();
    assert!(status.success());
    (directory, place.unwrap())
}

fn verb(directory: &Directory, place: &TestDatabase, arguments: &[&str]) -> Output {
    verb_of(directory, place, arguments).output().unwrap()
}

fn verb_of(directory: &Directory, place: &TestDatabase, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    settle(&mut command, directory.path(), Some(place));
    command.args([&RECHECK[..], arguments, &["--json"]].concat());
    command
}

/// Holds messages that arrived `ago` before now, as a server would do.
pub(crate) fn quarantine(
    directory: &Directory,
    ago: SignedDuration,
    numbers: std::ops::Range<u32>,
) {
    let hours = SignedDuration::from_hours(48);
    let settings = Settings::new(&directory.join("data"), 64 << 20, hours, 1);
    let quarantine = Quarantine::start(settings, Clock::system());
    for number in numbers {
        let received_at = Clock::system().now() - ago + SignedDuration::from_secs(number.into());
        let millis = received_at.as_millisecond().try_into().unwrap();
        let id = uuid::Builder::from_unix_timestamp_millis(millis, &[8; 10]).into_uuid();
        let body = order(number);
        quarantine.offer(META.parse().unwrap(), body.len(), || Record {
            envelope: Envelope {
                id,
                received_at,
                app: "default".into(),
                headers: "{}".to_owned(),
                remote_addr: META.parse().ok(),
            },
            signature: signature(&body).into(),
            mark: Bytes::new(),
            body: body.into(),
        });
    }
}

pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory.join("data/rejections")).unwrap();
    let mut files: Vec<_> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn an_interrupted_rescue_is_done_again_without_a_server_and_its_day_is_late() {
    let (directory, place) = ended(&apps(["default"])).await;
    quarantine(&directory, SignedDuration::from_hours(26), 0..250);
    let kept: Vec<_> = files(directory.path())
        .into_iter()
        .map(|file| (fs::read(&file).unwrap(), file))
        .collect();
    assert_eq!(kept.len(), 250);
    let stored = rows(&verb(&directory, &place, &["--yes"]));
    assert_eq!(
        (&stored[0]["deliveries"], &stored[0]["events"]),
        (&json!(250), &json!(250))
    );
    assert_eq!(files(directory.path()).len(), 0);

    // Simulates an interruption before the files were deleted.
    for (bytes, file) in &kept {
        fs::write(file, bytes).unwrap();
    }
    let held = rows(&verb(&directory, &place, &[]));
    assert_eq!(
        (&held[0]["events"], &held[0]["stored"]),
        (&json!(250), &json!(250))
    );
    let stored = rows(&verb(&directory, &place, &["--yes"]));
    let expected = json!({"app": "default", "deliveries": 0, "stored_before": 250,
                          "events": 0, "repeated": 0, "unopened": 0,
                          "first": stored[0]["first"], "last": stored[0]["last"]});
    assert_eq!(stored, [expected]);
    let mut database = place.connect().await;
    assert_eq!(number(&mut database, EVENTS).await, 250);
    assert_eq!(number(&mut database, DELIVERIES).await, 250);

    for (bytes, file) in &kept {
        fs::write(file, bytes).unwrap();
    }
    let mut two = [0, 1].map(|_| verb_of(&directory, &place, &["--yes"]).spawn().unwrap());
    assert!(
        two.iter_mut().all(|it| it.wait().unwrap().success()),
        "two at once"
    );
    assert_eq!(number(&mut database, EVENTS).await, 250);
    assert_eq!(number(&mut database, DELIVERIES).await, 250);
    let in_order = "SELECT count(*) FROM (SELECT position - lag(position) OVER (ORDER BY
                        received_at) AS step FROM events) AS s WHERE step <= 0";
    assert_eq!(
        number(&mut database, in_order).await,
        0,
        "in the order of arrival"
    );
    let days = "SELECT count(*) FROM (SELECT DISTINCT (received_at AT TIME ZONE 'UTC')::date
                FROM events EXCEPT SELECT day FROM late_days) AS missing";
    assert_eq!(
        number(&mut database, days).await,
        0,
        "followers look there again"
    );
}

#[tokio::test]
async fn damaged_files_are_passed_over_and_what_is_wanted_can_be_narrowed() {
    let (directory, place) = ended(&apps(["default"])).await;
    quarantine(&directory, SignedDuration::from_hours(3), 0..3);
    quarantine(&directory, SignedDuration::from_hours(1), 3..5);
    fs::write(&files(directory.path())[0], "cut").unwrap();
    let held = &rows(&verb(&directory, &place, &[]))[0];
    assert_eq!((&held["held"], &held["passing"]), (&json!(5), &json!(4)));
    assert_eq!(held["unreadable"], 1);
    assert_eq!(
        rows(&verb(&directory, &place, &["--since=2h"]))[0]["held"],
        2
    );
    assert_eq!(
        rows(&verb(&directory, &place, &["--until=2h"]))[0]["held"],
        3
    );
    assert!(rows(&verb(&directory, &place, &["--app=shop"])).is_empty());
    let none = verb(&directory, &place, &["--since=1m"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(
        said.contains("delivery that came in that time is in quarantine"),
        "{said}"
    );
    assert!(rows(&none).is_empty());
    let stored = rows(&verb(&directory, &place, &["--since=2h", "--yes"]));
    assert_eq!(stored[0]["deliveries"], 2);
    let wrong = directory.join("wrong");
    fs::write(&wrong, "the secret of another app").unwrap();
    let wrong = format!("--secret-file={}", wrong.display());
    let stored = &rows(&verb(&directory, &place, &[&wrong, "--yes"]))[0];
    assert_eq!(
        (&stored["deliveries"], &stored["unopened"]),
        (&json!(0), &json!(3))
    );

    let discard = ["--discard", "--until=2h"];
    let plan = rows(&verb(&directory, &place, &discard));
    assert_eq!(plan, [json!({"app": "default", "held": 3})]);
    assert_eq!(files(directory.path()).len(), 3, "only a plan");
    let gone = rows(&verb(
        &directory,
        &place,
        &[&discard[..], &["--yes"]].concat(),
    ));
    assert_eq!(gone, [json!({"app": "default", "deleted": 3})]);
    assert_eq!(files(directory.path()).len(), 0);
    assert_eq!(number(&mut place.connect().await, EVENTS).await, 2);
}

#[tokio::test]
async fn what_is_too_old_is_not_shown_and_the_server_deletes_it() {
    let configuration = "[rejections]\nhold_for = \"2h\"\n".to_owned() + apps(["default"]).as_str();
    let (directory, place) = ended(&configuration).await;
    quarantine(&directory, SignedDuration::from_hours(3), 0..3);
    quarantine(&directory, SignedDuration::from_hours(1), 3..5);
    assert_eq!(rows(&verb(&directory, &place, &[]))[0]["held"], 2);
    assert_eq!(files(directory.path()).len(), 5);
    let server = Server::start_in(directory, Some(place));
    eventually("the old ones are deleted", async || {
        files(server.directory.path()).len() == 2
    })
    .await;
    assert_eq!(server.stop().0.code(), Some(0));
}

#[tokio::test]
async fn where_the_database_is_away_it_says_what_passes_and_stores_nothing() {
    let (directory, place) = ended(&apps(["default"])).await;
    quarantine(&directory, SignedDuration::from_hours(1), 0..3);
    let ask = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        settle(&mut command, directory.path(), Some(&place));
        command.env("DATABASE_URL", "postgres://nobody@127.0.0.1:1/nowhere");
        command.args(RECHECK).args(arguments).output().unwrap()
    };
    let said = ask(&[]);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(
        said.contains("3 of 3 deliveries pass, with 3 events"),
        "{said}"
    );
    assert!(said.contains("no connection to the database"), "{said}");
    let refused = ask(&["--yes"]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(files(directory.path()).len(), 3);
}

/// Sends `count` forged deliveries over one connection, as a proxy would for many senders.
async fn flood(server: std::net::SocketAddr, sender: u32, count: u32) {
    let stream = TcpStream::connect(server).await.unwrap();
    let (mut connection, driver) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let driver = tokio::spawn(driver);
    for number in 0..count {
        let network = (sender + number) % 200;
        let request = Request::post("/webhook")
            .header("Host", "test")
            .header("X-Forwarded-For", format!("198.51.{network}.{sender}"))
            .header(SIGNATURE, format!("sha256={sender:032x}{number:032x}"))
            .body(Full::new(Bytes::from(order(number))));
        connection.ready().await.unwrap();
        let answer = connection.send_request(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 401);
        answer.into_body().collect().await.unwrap();
    }
    driver.abort();
}

/// Disk space in bytes of the held files.
fn taken(directory: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let blocks = |path: &Path| fs::metadata(path).map_or(0, |it| it.blocks() * 512);
    files(directory).iter().map(|it| blocks(it)).sum()
}

#[tokio::test]
async fn a_flood_of_forgeries_takes_nothing_from_metas_share_nor_more_of_the_disk() {
    let configuration = "[http]\ntrusted_proxies = [\"127.0.0.1\"]\n[rejections]\nhold = \"2MiB\"\n"
        .to_owned() + WRONG;
    let server = Server::start_with(&configuration).await;
    for number in 0..50 {
        be_refused(&server, &order(number), &[("X-Forwarded-For", META)]).await;
    }
    are_held(&server, 50).await;
    let mut senders = JoinSet::new();
    for sender in 0..4 {
        senders.spawn(flood(server.public, sender, 2_500));
    }
    senders.join_all().await;
    assert!(taken(server.directory.path()) <= 2 << 20);
    be_refused(&server, &order(50), &[("X-Forwarded-For", META)]).await;
    mend(&server);
    eventually("the 51st of Meta's is held too", async || {
        recheck(&server, &[])[0]["passing"] == 51
    })
    .await;
    let metrics = server.ask_admin("/metrics").await.body;
    let metrics = String::from_utf8_lossy(&metrics).into_owned();
    assert!(
        metrics.contains(r#"hookshelf_rejections_held_total{from="meta"} 51"#),
        "{metrics}"
    );
    assert!(
        metrics.contains("hookshelf_rejections_not_held_total{"),
        "{metrics}"
    );
    let log = server.log();
    let told = log
        .matches("invalid signature: deliveries are quarantined")
        .count();
    assert_eq!(told, 2, "once for Meta, once for all others: {log}");
    assert!(
        !log.contains("A dozen rolls") && !log.contains("sha256="),
        "{log}"
    );

    let (status, directory, place) = server.stop();
    assert!(status.success());
    assert!(taken(directory.path()) <= 2 << 20);
    let server = Server::start_in(directory, place);
    assert_eq!(recheck(&server, &["--yes"])[0]["deliveries"], 51);
    assert_eq!(number(&mut server.database().await, EVENTS).await, 51);
}

#[tokio::test]
async fn with_nothing_to_hold_and_no_place_for_it_deliveries_are_refused_as_ever() {
    let server = Server::start_with(&format!("[rejections]\nhold = 0\n{WRONG}")).await;
    be_refused(&server, &order(1), &[]).await;
    let said = server.run(&RECHECK);
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    assert!(said.contains("rejections.hold is 0"), "{said}");
    let (status, directory, place) = server.stop();
    assert!(status.success());
    let place_of_it = directory.join("data/rejections");
    assert!(!place_of_it.exists());

    fs::write(&place_of_it, "a file where the directory should be").unwrap();
    fs::write(directory.join("hookshelf.toml"), WRONG).unwrap();
    let server = Server::start_in(directory, place);
    be_refused(&server, &order(1), &[("X-Forwarded-For", STRANGER)]).await;
    eventually("it is counted", async || {
        let metrics = server.ask_admin("/metrics").await.body;
        let metrics = String::from_utf8_lossy(&metrics).into_owned();
        metrics.contains(r#"hookshelf_rejections_not_held_total{reason="disk"} 1"#)
    })
    .await;
    assert!(server.log().contains("failed to quarantine deliveries"));
    mend(&server);
    eventually("others are accepted", async || {
        server.deliver("/webhook", order(1)).await.status == 200
    })
    .await;
}
