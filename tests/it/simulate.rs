//! `simulate` under load, over HTTP: the reported deliveries are the stored ones.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    process::{Output, Stdio},
    sync::{Arc, Mutex},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    task::{AbortHandle, JoinSet, spawn_blocking},
};

use crate::support::{
    eventually,
    server::{SECRET, Server, apps},
};

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn complained(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Summary of a run with `--json` that ended with this exit code.
fn summary(output: &Output, code: i32) -> Value {
    assert_eq!(output.status.code(), Some(code), "{}", complained(output));
    serde_json::from_str(&said(output)).unwrap()
}

fn number(summary: &Value, name: &str) -> u64 {
    summary[name]
        .as_u64()
        .unwrap_or_else(|| panic!("no {name} in {summary}"))
}

fn ledger(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Distinct dedupe keys of a ledger, with their kinds.
fn keys(lines: &[Value]) -> BTreeMap<String, String> {
    let events = lines.iter().filter_map(|line| line["events"].as_array());
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    events
        .flatten()
        .map(|event| (text(&event["dedupe_key"]), text(&event["kind"])))
        .collect()
}

/// Dedupe keys and kinds of the stored events. Panics if an event is stored twice.
async fn stored(server: &Server) -> BTreeMap<String, String> {
    let sql = "SELECT dedupe_key::text, kind::text FROM events";
    let rows: Vec<(String, String)> = sqlx::query_as(sql)
        .fetch_all(&mut server.database().await)
        .await
        .unwrap();
    let (count, keys) = (rows.len(), BTreeMap::from_iter(rows));
    assert_eq!(keys.len(), count, "an event is stored twice");
    keys
}

async fn one(server: &Server, sql: &'static str) -> i64 {
    let mut database = server.database().await;
    sqlx::query_scalar(sql)
        .fetch_one(&mut database)
        .await
        .unwrap()
}

#[tokio::test]
async fn each_event_of_the_ledger_is_stored_exactly_once() {
    let server = Server::start().await;
    let [path, forged] = ["ledger", "forged"].map(|name| server.directory.join(name));
    let output = server.run(&[
        "simulate",
        "--count=300",
        "--batch=4",
        "--connections=8",
        "--duplicates=15",
        "--bad-signatures=10",
        "--json",
        "--ledger",
        path.to_str().unwrap(),
        "--forged",
        forged.to_str().unwrap(),
    ]);
    let summary = summary(&output, 0);
    let lines = ledger(&path);
    let expected = keys(&lines);
    assert_eq!(stored(&server).await, expected);
    let forged = ledger(&forged);
    assert_eq!(number(&summary, "forgeries"), forged.len() as u64);
    assert!(keys(&forged).keys().all(|key| !expected.contains_key(key)));
    assert_eq!(number(&summary, "events"), expected.len() as u64);
    assert_eq!(number(&summary, "acked"), lines.len() as u64);
    let forgeries = number(&summary, "forgeries");
    assert!(forgeries > 0 && number(&summary, "repeats") > 0);
    assert_eq!(number(&summary, "refused_forgeries"), forgeries);
    assert_eq!(number(&summary, "acked") + forgeries, 300);
    assert_eq!(number(&summary, "items"), 1200);

    let bodies = "SELECT encode(sha256(body), 'hex') FROM deliveries ORDER BY 1";
    let bodies: Vec<String> = sqlx::query_scalar(bodies)
        .fetch_all(&mut server.database().await)
        .await
        .unwrap();
    let mut acked: Vec<_> = lines.iter().map(|it| it["body_sha256"].as_str()).collect();
    acked.sort_unstable();
    assert_eq!(
        bodies.iter().map(|it| Some(&**it)).collect::<Vec<_>>(),
        acked
    );

    let other = "SELECT count(*) FROM deliveries WHERE source <> 'simulated'";
    assert_eq!(one(&server, other).await, 0);
    let items = "SELECT sum(event_count)::bigint FROM deliveries";
    let told: usize = lines
        .iter()
        .map(|line| line["events"].as_array().unwrap().len())
        .sum();
    assert_eq!(one(&server, items).await, i64::try_from(told).unwrap());
}

#[tokio::test]
async fn a_run_at_a_rate_sends_what_was_due_and_says_so_in_words() {
    let server = Server::start().await;
    let arguments = "simulate --duration=500ms --rate=80 --kind=comment,reaction --seed=5";
    let arguments: Vec<_> = arguments.split(' ').collect();
    let output = server.run(&arguments);
    assert!(output.status.success(), "{}", complained(&output));
    let said = said(&output);
    let starts = |start: &str| said.lines().any(|line| line.starts_with(start));
    assert!(starts("sent       40 deliveries with 40 items"), "{said}");
    assert!(starts("answered   200: 40") && starts("acked      40 of 40"));
    assert!(starts("latency    p50 ") && starts("seed       5"));
    assert_eq!(complained(&output), "", "no bar where there is no terminal");
    let kinds: Vec<String> =
        sqlx::query_scalar("SELECT DISTINCT kind::text FROM events ORDER BY 1")
            .fetch_all(&mut server.database().await)
            .await
            .unwrap();
    assert_eq!(kinds, ["comment", "reaction"]);
}

#[tokio::test]
async fn unmarked_deliveries_look_live() {
    let server = Server::start().await;
    let output = server.run(&["simulate", "--count=5", "--unmarked"]);
    assert!(output.status.success(), "{}", complained(&output));
    let live = "SELECT count(*) FROM deliveries WHERE source = 'live'";
    assert_eq!(one(&server, live).await, 5);
}

#[tokio::test]
async fn another_server_and_its_secret_can_be_named() {
    let server = Server::start_with(&apps(["default", "shop"])).await;
    let secret = server.directory.join("secret");
    let (url, ledger) = (
        format!("http://{}/webhook/shop", server.public),
        server.directory.join("ledger"),
    );
    let run = |text: &str| {
        std::fs::write(&secret, text).unwrap();
        let mut command = server.verb(&["simulate", "--count=4", "--url", &url]);
        // The configuration is not used.
        command.env("HOOKSHELF_CONFIG", "/nowhere");
        command.arg("--secret-file").arg(&secret);
        command.arg("--ledger").arg(&ledger);
        command.output().unwrap()
    };
    let output = run(&format!("{SECRET}\n"));
    assert!(output.status.success(), "{}", complained(&output));
    let shop = "SELECT count(*) FROM deliveries WHERE app = 'shop'";
    assert_eq!(one(&server, shop).await, 4);
    let expected = keys(&self::ledger(&ledger));
    assert_eq!(stored(&server).await, expected);

    let output = run("another secret");
    assert_eq!(output.status.code(), Some(1));
    let why = complained(&output);
    assert!(
        why.contains("every delivery was refused with 401") && why.contains("secret-file"),
        "{why}"
    );
    assert!(why.contains(secret.to_str().unwrap()), "{why}");
}

#[tokio::test]
async fn variants_can_be_chosen_by_kind_and_a_wrong_secret_is_named() {
    let server = Server::start().await;
    let output = server.run(&["simulate", "--kind", "seen,postback", "--json"]);
    let lines: Vec<Value> = said(&output)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(output.status.success() && lines.len() > 3);
    let chosen = |kind: &Value| kind == "seen" || kind == "postback";
    let kinds = |line: &Value| line["kinds"].as_array().unwrap().iter().any(chosen);
    assert!(lines.iter().all(kinds), "{lines:?}");

    let mut command = server.verb(&["simulate", "--kind=seen"]);
    let output = command.env("HOOKSHELF__APPS__DEFAULT__APP_SECRET", "wrong");
    let output = output.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let why = complained(&output);
    assert!(why.contains("the secret app of [apps.default]"), "{why}");
}

#[tokio::test]
async fn the_words_of_the_user_are_stored_as_they_were_typed() {
    let server = Server::start().await;
    let words = "Größe \"M\"/L\\ 50% {{mid}} \u{1f950}\n<b>مرحبا</b>";
    let mut complaints = Vec::new();
    for kind in ["comment", "message"] {
        let chosen = ["simulate", "--kind", kind, "--text", words];
        let person = ["--person", "178414000000001", "--username", "@anna.b"];
        let output = server.run(&[&chosen[..], &person].concat());
        assert!(output.status.success(), "{}", complained(&output));
        let last = said(&output).lines().last().map(str::to_owned);
        assert_eq!(last.as_deref(), Some("1 of 1 delivery acked, with 1 item"));
        complaints.push(complained(&output));
    }
    assert_eq!(complaints[0], "");
    assert!(
        complaints[1].contains("--username is left out"),
        "{complaints:?}"
    );
    let sql = "SELECT text, person_id, username FROM comments
               UNION ALL SELECT text, person_id, NULL FROM messages";
    let rows: Vec<(String, String, Option<String>)> = sqlx::query_as(sql)
        .fetch_all(&mut server.database().await)
        .await
        .unwrap();
    let row = |username: Option<&str>| {
        let person = "178414000000001".to_owned();
        (words.to_owned(), person, username.map(str::to_owned))
    };
    assert_eq!(rows, [row(Some("anna.b")), row(None)]);
}

#[tokio::test]
async fn where_nothing_takes_deliveries_it_says_what_to_name() {
    let server = Server::start().await;
    let url = format!("http://{}/nothing", server.public);
    let output = server.run(&["simulate", "--count=3", "--url", &url]);
    assert_eq!(output.status.code(), Some(1));
    let why = complained(&output);
    assert!(why.contains("/nothing") && why.contains("--url"), "{why}");
    let latency = said(&output).lines().any(|it| it.starts_with("latency"));
    assert!(!latency, "nothing was acked");
}

#[tokio::test]
async fn without_a_server_it_says_how_to_start_one() {
    let server = Server::start().await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap().to_string();
    drop(nobody);
    for arguments in [&["simulate", "--count=5"][..], &["simulate"]] {
        let mut command = server.verb(arguments);
        command.env("HOOKSHELF__HTTP__LISTEN", &address);
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(complained(&output).contains("correct http.listen"));
        command.env("HOOKSHELF__DATA_DIR", server.directory.join("elsewhere"));
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(complained(&output).contains("hookshelf serve"));
    }
}

#[tokio::test]
async fn wrong_usage_is_refused_before_anything_is_sent() {
    let server = Server::start().await;
    let usage = [
        ("--count=0", "count"),
        ("--duration=0s", "duration"),
        ("--count=1 --rate=0", "rate"),
        ("--count=1 --connections=0", "connections"),
        ("--count=1 --connections=4097", "connections"),
        ("--count=1 --batch=1001", "batch"),
        ("--count=1 --duplicates=101", "duplicates"),
        ("--count=1 --duplicates=60 --bad-signatures=60", "together"),
        ("--count=1 --give-up=5s", "retry"),
        ("--count=1 --kind=nothing", "kind"),
        ("--text=", "1 to 2200 characters"),
        ("--person=anna", "digits"),
        ("--username=a/b", "letters"),
        ("--count=1 --text=x", "--text"),
        ("--kind=seen --text=x", "carries no text"),
        ("--kind=mention --person=1", "leave out --person"),
        ("--username=anna", "--kind comment"),
        ("--kind=seen,comment --text=x", "one --kind"),
        ("--rate=5", "--count"),
        ("--retry", "--count"),
        ("--count=1 --url=https://127.0.0.1/webhook", "http"),
        ("--count=1 --url=http://hooks.example.org/webhook", "--yes"),
    ];
    for (arguments, word) in usage {
        let arguments: Vec<_> = ["simulate"]
            .into_iter()
            .chain(arguments.split(' '))
            .collect();
        let output = server.run(&arguments);
        let why = complained(&output);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {why}");
        assert!(why.contains(word), "{arguments:?}: {why}");
        assert!(why.starts_with("hookshelf: "), "{arguments:?}: {why}");
    }
    assert_eq!(one(&server, "SELECT count(*) FROM deliveries").await, 0);
}

/// A TCP proxy that stays open while the server behind it changes its address.
struct Door {
    address: SocketAddr,
    behind: Arc<Mutex<SocketAddr>>,
    task: AbortHandle,
}

impl Door {
    async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(server));
        let now = Arc::clone(&behind);
        let task = tokio::spawn(async move {
            let mut carried = JoinSet::new();
            while let Ok((mut client, _)) = listener.accept().await {
                let server = *now.lock().unwrap();
                carried.spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(server).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
        Self {
            address,
            behind,
            task: task.abort_handle(),
        }
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[tokio::test]
async fn a_run_goes_on_when_the_server_is_killed_and_comes_back() {
    let mut server = Server::start().await;
    let door = Door::before(server.public).await;
    let path = server.directory.join("ledger");
    let url = format!("http://{}/webhook", door.address);
    let mut command = server.verb(&["simulate", "--count=2000", "--connections=8", "--json"]);
    command.args(["--retry", "--give-up=10min", "--duplicates=5", "--url"]);
    command.arg(&url).arg("--ledger").arg(&path);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = spawn_blocking(move || command.output().unwrap());

    some_are_stored(&server).await;
    server.signal(Signal::SIGKILL);
    let (_, directory, place) = server.wait();
    server = Server::start_in(directory, place);
    *door.behind.lock().unwrap() = server.public;

    let summary = summary(&running.await.unwrap(), 0);
    assert_eq!(number(&summary, "acked"), 2000);
    assert!(number(&summary, "sends") > 2000, "{summary}");
    let expected = keys(&ledger(&path));
    assert_eq!(stored(&server).await, expected);
    assert_eq!(number(&summary, "events"), expected.len() as u64);
}

async fn some_are_stored(server: &Server) {
    eventually("some deliveries are stored", async || {
        one(server, "SELECT count(*) FROM deliveries").await >= 50
    })
    .await;
}

#[tokio::test]
async fn an_interrupted_run_says_what_it_did() {
    let server = Server::start().await;
    let path = server.directory.join("ledger");
    let mut command = server.verb(&["simulate", "--duration=10min", "--rate=200", "--json"]);
    command.arg("--ledger").arg(&path);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let running = command.spawn().unwrap();
    let pid = Pid::from_raw(running.id().try_into().unwrap());

    some_are_stored(&server).await;
    kill(pid, Signal::SIGINT).unwrap();
    let ended = spawn_blocking(move || running.wait_with_output().unwrap());
    let output = ended.await.unwrap();
    let summary = summary(&output, 1);
    assert!(complained(&output).contains("interrupted"));
    assert_eq!(summary["interrupted"], true);
    let lines = ledger(&path);
    assert!(lines.len() >= 50);
    assert_eq!(number(&summary, "acked"), lines.len() as u64);
    let stored = stored(&server).await;
    let acked = keys(&lines);
    assert!(acked.keys().all(|key| stored.contains_key(key)));
}
