//! An outage as seen by an operator: output of verbs, readiness, metrics, log and `doctor` about
//! the spool, and errors of verbs that cannot reach the server.

use std::process::Output;

use hookshelf::instance::{Claim, HEADER};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::stage::{events, serve_with};
use crate::{
    reading::keys,
    support::{
        cluster::Cluster,
        directory::Directory,
        eventually,
        message::message,
        server::{NO_SPOOL, Server, apps, deliver_to, settle},
    },
};

const LOSSY: &str = "allow_lossy_commits = true";

const ADMIN: &str = "HOOKSHELF__ADMIN__LISTEN";

async fn deliver(server: &Server, mid: &str) -> u16 {
    let answer = deliver_to(server.public, "/webhook", message(mid, "never shown")).await;
    answer.unwrap().status
}

/// Output of a verb that succeeded.
fn printed(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Error message of a verb that failed.
fn complaint(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn status(server: &Server) -> Value {
    let text = printed(&server.run(&["spool", "status", "--json"]));
    serde_json::from_str(&text).unwrap()
}

async fn readiness(server: &Server) -> (u16, Value) {
    let answer = server.ask_admin("/readyz").await;
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

#[tokio::test]
async fn an_outage_is_seen_from_its_beginning_to_its_end() {
    let mut postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    assert_eq!(deliver(&server, "mid.0").await, 200);
    assert_eq!(status(&server)["records"], 0);
    let done = printed(&server.run(&["spool", "drain"]));
    assert_eq!(done, "the spool is empty\n");
    postgres.stop();
    for mid in ["mid.1", "mid.2", "mid.3"] {
        assert_eq!(deliver(&server, mid).await, 200);
    }
    eventually("the drain says that it does not get on", async || {
        status(&server)["drain_obstacle"] == "postgres"
    })
    .await;
    status_shows_it(&server);
    inspect_lists_it(&server);
    readiness_and_metrics_show_it(&server).await;
    doctor_warns(&server);
    drain_gives_up(&server);
    postgres.start().await;
    drain_empties_it(&server).await;
    the_log_tells_it(&server).await;
}

fn status_shows_it(server: &Server) {
    let report = status(server);
    assert_eq!(report["records"], 3);
    assert_eq!(report["obstacle"], Value::Null);
    let shown = printed(&server.run(&["spool", "status"]));
    for part in [
        "on, accepts deliveries",
        "3 deliveries, the oldest received 20",
        "stalled: Postgres is unavailable or fails",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
}

fn inspect_lists_it(server: &Server) {
    let lines = printed(&server.run(&["spool", "inspect", "--json"]));
    assert!(!lines.contains("never shown") && !lines.contains("7006"));
    let waiting: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(waiting.len(), 3);
    assert_eq!(waiting[0]["kinds"], json!({"message": 1}));
    let place = waiting[1]["place"].as_str().unwrap();
    let csv = printed(&server.run(&["spool", "inspect", "--csv"]));
    let names = csv.lines().next().unwrap();
    assert_eq!(names, keys(lines.lines().next().unwrap()).join(","));
    assert!(csv.contains(r#","{""message"":1}","#), "{csv}");
    let behind = printed(&server.run(&["spool", "inspect", "--after", place]));
    let last = waiting[2]["id"].as_str().unwrap();
    assert_eq!(behind.lines().count(), 2, "{behind}");
    assert!(behind.contains(last), "{behind}");
}

async fn readiness_and_metrics_show_it(server: &Server) {
    eventually("readiness names what the spool stands in for", async || {
        readiness(server).await.1["degraded"] == json!(["database"])
    })
    .await;
    let (code, ready) = readiness(server).await;
    assert_eq!((code, &ready["missing"]), (200, &json!([])));
    assert_eq!(ready["spool"]["records"], 3);
    assert!(ready["spool"]["oldest_age_seconds"].as_f64() > Some(0.0));
    eventually("the metrics show it", async || {
        metric(server, "hookshelf_spool_records").await == Some(3.0)
            && metric(server, "hookshelf_spool_oldest_seconds").await > Some(0.0)
    })
    .await;
    let bytes = metric(server, "hookshelf_spool_bytes").await;
    assert!(bytes > Some(0.0) && bytes < metric(server, "hookshelf_spool_max_bytes").await);
    for (name, value) in [
        ("hookshelf_spool_takes", 1.0),
        ("hookshelf_spool_drained_total", 0.0),
        ("hookshelf_spool_files_set_aside", 0.0),
    ] {
        assert_eq!(metric(server, name).await, Some(value), "{name}");
    }
}

/// Value of a metric without labels.
async fn metric(server: &Server, name: &str) -> Option<f64> {
    let page = server.ask_admin("/metrics").await.body;
    let page = String::from_utf8_lossy(&page);
    let mut lines = page.lines().filter_map(|line| line.split_once(' '));
    lines.find(|(said, _)| *said == name)?.1.parse().ok()
}

fn doctor_warns(server: &Server) {
    let doctor = server.run(&["doctor", "--json"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    for part in [
        "3 deliveries wait; the drain is stalled: postgres",
        "it runs, and database is missing",
    ] {
        assert!(doctor.contains(part), "{part}: {doctor}");
    }
}

fn drain_gives_up(server: &Server) {
    let said = complaint(&server.run(&["spool", "drain"]));
    for part in [
        "3 deliveries are left in the spool",
        "Postgres is unavailable or fails",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
    let told = printed(&server.run(&["spool", "drain", "--no-wait"]));
    assert_eq!(told, "the drain tries now; 3 deliveries wait\n");
}

async fn drain_empties_it(server: &Server) {
    let done = printed(&server.run(&["spool", "drain"]));
    assert!(done.starts_with("the spool is empty"), "{done}");
    let report = status(server);
    let drained = (&report["records"], &report["drained"]);
    assert_eq!(drained, (&json!(0), &json!(3)));
    eventually("readiness is whole again", async || {
        let ready = readiness(server).await.1;
        ready["degraded"] == json!([]) && ready["spool"]["drain_rate"].as_f64() > Some(0.0)
    })
    .await;
    eventually("the metrics show that it is empty", async || {
        metric(server, "hookshelf_spool_drained_total").await == Some(3.0)
            && metric(server, "hookshelf_spool_records").await == Some(0.0)
            && metric(server, "hookshelf_spool_oldest_seconds").await == Some(0.0)
    })
    .await;
}

async fn the_log_tells_it(server: &Server) {
    eventually("the log tells of the end", async || {
        server
            .log()
            .contains("spool is empty; all deliveries are in Postgres drained=3")
    })
    .await;
    let log = server.log();
    for message in [
        "spool opened records=0",
        "deliveries get 200 and go to the spool",
        "failed to drain the spool; retrying cause=\"postgres\"",
    ] {
        assert!(log.contains(message), "{message}: {log}");
    }
}

/// A load balancer that follows readiness sends no delivery that would test the disk again.
#[tokio::test]
async fn a_server_whose_spool_was_in_trouble_is_ready_again_though_nothing_comes() {
    let server = serve_with(&format!("postgres://nobody@{}/away", nobody().await), "");
    // Blocks writing with a directory at the path of the next segment.
    let in_the_way = "data/spool/spool-0000000001.segment.new";
    let in_the_way = server.directory.join(in_the_way);
    std::fs::create_dir(&in_the_way).unwrap();
    assert_eq!(deliver(&server, "mid.refused").await, 503);
    let (code, ready) = readiness(&server).await;
    assert_eq!(
        (code, &ready["missing"]),
        (503, &json!(["database", "spool"]))
    );
    std::fs::remove_dir(&in_the_way).unwrap();
    eventually("it is ready again", async || {
        readiness(&server).await.0 == 200
    })
    .await;
    assert_eq!(deliver(&server, "mid.kept").await, 200);
}

#[tokio::test]
async fn a_spool_that_is_off_is_said() {
    let mut postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), &format!("{LOSSY}\n{NO_SPOOL}"));
    let shown = printed(&server.run(&["spool", "status"]));
    assert!(
        shown.contains("off, because spool.max_bytes is 0"),
        "{shown}"
    );
    for verb in ["drain", "inspect"] {
        let said = complaint(&server.run(&["spool", verb]));
        assert!(
            said.contains("the spool is off: spool.max_bytes is 0"),
            "{said}"
        );
    }
    let doctor = server.run(&["doctor", "--json"]);
    let doctor = String::from_utf8(doctor.stdout).unwrap();
    assert!(doctor.contains("the spool is off"), "{doctor}");
    postgres.stop();
    eventually("readiness names the database as missing", async || {
        let (code, ready) = readiness(&server).await;
        code == 503 && ready["missing"] == json!(["database"])
    })
    .await;
}

/// Starts a server in `directory`, with `more` after its database URL.
fn serve_in(directory: Directory, postgres: &Cluster, more: &str) -> Server {
    let (apps, url) = (apps(["default"]), postgres.url());
    let configuration = format!("{apps}[database]\nurl = {url:?}\n{LOSSY}\n{more}");
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    Server::start_in(directory, None)
}

/// The deliveries got 200, but no server with these settings would ever store them.
#[tokio::test]
async fn what_was_left_in_a_spool_that_is_off_or_elsewhere_is_said_everywhere() {
    let mut postgres = Cluster::start_with(&[]).await;
    let server = serve_in(Directory::create(), &postgres, "");
    postgres.stop();
    assert_eq!(deliver(&server, "mid.1").await, 200);
    let mut directory = server.stop().1;
    postgres.start().await;
    let elsewhere = Directory::create();
    let elsewhere = format!("[spool]\ndir = {:?}\n", elsewhere.join("spool"));
    for settings in [NO_SPOOL, &elsewhere] {
        let server = serve_in(directory, &postgres, settings);
        let dir = server.directory.join("data/spool").display().to_string();
        let doctor = server.run(&["doctor"]).stdout;
        for (said, part) in [
            (server.said().join("\n"), "LEFT BEHIND in "),
            (printed(&server.run(&["spool", "status"])), "left behind"),
            (
                server.log(),
                "spool with acked deliveries is not drained by this server",
            ),
            (String::from_utf8(doctor).unwrap(), "1 file with deliveries"),
        ] {
            assert!(said.contains(part) && said.contains(&dir), "{part}: {said}");
        }
        directory = server.stop().1;
    }
    let server = serve_in(directory, &postgres, "");
    assert!(!server.said().join("\n").contains("LEFT BEHIND"));
    let mut database = postgres.connect().await;
    eventually("it is stored", async || {
        events(&mut database).await == ["mid.1"]
    })
    .await;
}

/// Two servers with different databases would take each other's deliveries.
#[tokio::test]
async fn a_spool_that_cannot_be_had_is_no_start_and_says_which_and_why() {
    let postgres = Cluster::start_with(&[]).await;
    let server = serve_with(&postgres.url(), LOSSY);
    let (directory, held) = (Directory::create(), server.directory.join("data/spool"));
    std::fs::write(directory.join("file"), "").unwrap();
    let taken = format!("another process ({})", server.pid());
    for (dir, why) in [
        (held, &*taken),
        (directory.join("file/spool"), "the spool cannot make "),
        // Not writable, not even for root.
        ("/proc/self/task".into(), "the spool cannot open "),
    ] {
        // A start that got past the spool would fail for lack of Postgres programs.
        let more = format!("[spool]\ndir = {dir:?}\n[database]\nbin_dir = \"/nonexistent\"\n");
        let configuration = apps(["default"]) + more.as_str();
        std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
        let said = complaint(&alone(&directory, &["serve"], "127.0.0.1:0"));
        let dir = dir.display().to_string();
        assert!(said.contains(why) && said.contains(&dir), "{said}");
        assert!(
            said.contains("set spool.dir to another directory"),
            "{said}"
        );
    }
}

fn alone(directory: &Directory, arguments: &[&str], admin: &str) -> Output {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"));
    settle(&mut command, directory.path(), None);
    command.args(arguments).env(ADMIN, admin).output().unwrap()
}

/// An address without a listener.
async fn nobody() -> String {
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    free.local_addr().unwrap().to_string()
}

#[tokio::test]
async fn without_a_server_the_verbs_say_why_it_has_to_run() {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let address = nobody().await;
    for verb in ["status", "inspect", "drain"] {
        let said = complaint(&alone(&directory, &["spool", verb], &address));
        let dir = directory.join("data/spool").display().to_string();
        for part in [
            "no server answers at 127.0.0.1:",
            "one process at a time uses the spool in ",
            &dir,
            "`hookshelf serve`",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    let said = complaint(&alone(&directory, &["spool", "status"], "127.0.0.1:0"));
    assert!(said.contains("admin.listen has port 0"), "{said}");
}

/// Answers every request with `text`.
async fn answer(text: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut head = [0; 1024];
            let _ = socket.read(&mut head).await;
            let _ = socket.write_all(text.as_bytes()).await;
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn another_version_and_other_programs_are_told_apart() {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
    std::fs::create_dir(directory.join("data")).unwrap();
    let server = Claim::take(&directory.join("data")).unwrap();
    let own = format!(
        "{HEADER}: {}\r\ncontent-length: 0\r\n\r\n",
        server.id().as_str()
    );
    for (text, part) in [
        (
            &*format!("HTTP/1.1 404 Not Found\r\n{own}"),
            "runs another version; restart it",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "is not this Hookshelf",
        ),
        ("220 mail.example.org\r\n", "is not this Hookshelf"),
        (
            &format!("HTTP/1.1 500 Internal Server Error\r\n{own}"),
            "answers 500; see its log",
        ),
    ] {
        let address = answer(text.to_owned()).await;
        let said = complaint(&alone(&directory, &["spool", "status"], &address));
        assert!(said.contains(part), "{part}: {said}");
    }
}
