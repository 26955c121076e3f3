//! Bots that lease events: each writes the key of an event in the transaction of its answer.

use serde_json::{Value, json};

use super::*;

const BOT_PY: Example = Example {
    interpreter: PYTHON,
    file: "examples/bot.py",
    saved: "bot.db",
};

const BOT_TS: Example = Example {
    interpreter: NODE,
    file: "examples/bot.ts",
    saved: "bot.db",
};

const ROLE: &str = "role = 'consumer'\nconsumers = ['bot']\n";

/// A consumer whose retries come soon, and end after the test.
const CONSUMER: &str = "[consumers.bot]\nstart = 'beginning'\nlease = '2s'\n\
                        backoff = '1s..1s'\nmax_attempts = 1000\n";

/// Prints the rows of a statement.
const STATEMENT: &str = "import sqlite3, sys
with sqlite3.connect(sys.argv[1], timeout=60) as db:
    for row in db.execute(sys.argv[2]): print(*row)";

/// A trigger that makes the answers to comments fail.
const FAIL: &str = "CREATE TRIGGER fail BEFORE INSERT ON answers WHEN NEW.kind = 'comment'
    BEGIN SELECT RAISE(ABORT, 'answers to comments fail'); END";

/// The database of a bot.
struct Answers(PathBuf);

impl Answers {
    /// Executes a statement; the rows.
    fn execute(&self, statement: &str) -> Vec<String> {
        let mut python = Command::new("python3");
        let python = python.args(["-c", STATEMENT]).arg(&self.0).arg(statement);
        let output = python.output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{said}");
        let rows = String::from_utf8(output.stdout).unwrap();
        rows.lines().map(ToOwned::to_owned).collect()
    }

    /// Keys of the answered events, in ascending order.
    fn keys(&self) -> Vec<String> {
        self.execute("SELECT dedupe_key FROM answers ORDER BY dedupe_key")
    }
}

/// Waits until the bot has settled more events.
async fn goes_on(server: &Server) {
    let mut database = server.database().await;
    let mut settled = async || {
        let settled = sqlx::query_scalar("SELECT coalesce(sum(settled), 0)::bigint FROM consumers");
        let settled: i64 = settled.fetch_one(&mut database).await.unwrap();
        settled
    };
    let before = settled().await;
    eventually("the bot settles events", async || {
        settled().await >= before + 20
    })
    .await;
}

async fn answers_once_while_all_is_killed(example: &Example) {
    PYTHON.require();
    let sockets = [socket(), socket()];
    let place = Some(TestDatabase::create().await);
    let mut server = serve(directory(ROLE, CONSUMER), place, &sockets);
    let url = format!("http://{}", server.admin);
    let place = server.directory.path().to_owned();
    let answers = Answers(place.join("bot.db"));
    let mut bot = Running::start(example, &place, &url);
    let senders = Senders::start(&server, &["--retry", "--rate=50"]);
    for _ in 0..3 {
        goes_on(&server).await;
        bot.kill();
        bot = Running::start(example, &place, &url);
        goes_on(&server).await;
        server.signal(Signal::SIGKILL);
        let (_, directory, database) = server.wait();
        bot.kill();
        bot = Running::start(example, &place, &url);
        server = serve(directory, database, &sockets);
    }
    goes_on(&server).await;
    answers.execute(FAIL);
    let waits =
        "SELECT EXISTS (SELECT FROM consumer_lanes WHERE code = 'answer_failed' AND attempts > 1)";
    becomes_true(&server, waits).await;
    goes_on(&server).await;
    answers.execute("DROP TRIGGER fail");
    senders.stop();
    let settled = "SELECT settled = (SELECT count(*) FROM events) FROM consumers";
    becomes_true(&server, settled).await;
    let mut database = server.database().await;
    let events = sqlx::query_scalar("SELECT dedupe_key::text FROM events ORDER BY dedupe_key");
    let events: Vec<String> = events.fetch_all(&mut database).await.unwrap();
    assert_eq!(answers.keys(), events);
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_answers_each_event_once_while_server_and_bot_are_killed() {
    answers_once_while_all_is_killed(&BOT_PY).await;
}

#[tokio::test]
#[ignore = "needs Node 22.13 or newer"]
async fn the_typescript_bot_answers_each_event_once_while_server_and_bot_are_killed() {
    answers_once_while_all_is_killed(&BOT_TS).await;
}

/// A process that serves requests of a bot.
struct Process(tokio::net::TcpListener);

impl Process {
    async fn start() -> Self {
        Self(tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn url(&self) -> String {
        format!("http://{}", self.0.local_addr().unwrap())
    }

    /// Answers the next request, which must be this one.
    async fn answer(&self, request: (&str, &Value), answer: String) {
        let mut stream = self.receive(request).await;
        stream.write_all(answer.as_bytes()).await.unwrap();
    }

    /// Reads the next request, which must be this one.
    async fn receive(&self, (verb, body): (&str, &Value)) -> TcpStream {
        let (mut stream, _) = self.0.accept().await.unwrap();
        let mut head = Head::read(&mut stream).await;
        let size: usize = head.header("Content-Length").unwrap().parse().unwrap();
        while head.rest.len() < size {
            let read = stream.read_buf(&mut head.rest).await.unwrap();
            assert_ne!(read, 0, "the body is cut");
        }
        let line = format!("POST /v1/consumers/bot/{verb} HTTP/1.1");
        assert_eq!(head.line(), line);
        assert_eq!(&serde_json::from_slice::<Value>(&head.rest).unwrap(), body);
        stream
    }
}

fn ok(body: &Value) -> String {
    answer("200 OK", "", &body.to_string())
}

/// An answer with these leases of events.
fn leased(events: &[(&str, &str)]) -> String {
    let events = events.iter().map(|(lease, key)| {
        let event = json!({"dedupe_key": key, "kind": "message"});
        json!({"lease": lease, "event": event})
    });
    ok(&json!({"events": events.collect::<Vec<_>>()}))
}

fn settlement(acks: &[&str]) -> Value {
    json!({"acks": acks, "nacks": []})
}

async fn goes_on_after_refusals(example: &Example) {
    let directory = Directory::create();
    let (process, owner) = (Process::start().await, Process::start().await);
    let bot = Running::start(example, directory.path(), &process.url());

    let worker = json!({"worker": "w1"});
    let release = ("release", &worker);
    let location = format!("location: {}/v1/consumers/bot/release\r\n", owner.url());
    let elsewhere = answer("307 Temporary Redirect", &location, "");
    let starting = answer("503 Service Unavailable", "", "starting");
    process.answer(release, elsewhere.clone()).await;
    owner.answer(release, starting).await;
    process.answer(release, elsewhere).await;
    owner.answer(release, ok(&json!({"released": 0}))).await;

    let wait = json!({"max": 10, "wait_s": 25, "worker": "w1"});
    let paused = answer("409 Conflict", "", "paused");
    process.answer(("lease", &wait), paused).await;
    process.answer(("lease", &wait), leased(&[])).await;
    let none = settlement(&[]);
    let settled = ok(&json!({"results": []}));
    process.answer(("settle", &none), settled).await;

    let denied = answer("403 Forbidden", "", "another consumer");
    process.answer(("lease", &wait), denied).await;
    let _waiting = process.receive(("lease", &wait)).await;
    let said = fs::read_to_string(&bot.said).unwrap();
    for part in ["starting", "paused", "another consumer"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

async fn answers_once_when_killed_before_it_settles(example: &Example) {
    PYTHON.require();
    let directory = Directory::create();
    let process = Process::start().await;
    let worker = json!({"worker": "w1"});
    let released = ok(&json!({"released": 0}));
    let wait = json!({"max": 10, "wait_s": 25, "worker": "w1"});

    let bot = Running::start(example, directory.path(), &process.url());
    process.answer(("release", &worker), released.clone()).await;
    let events = leased(&[("l1", "a"), ("l2", "b"), ("l3", "a")]);
    process.answer(("lease", &wait), events).await;
    let acks = settlement(&["l1", "l2", "l3"]);
    let unanswered = process.receive(("settle", &acks)).await;
    bot.kill();
    drop(unanswered);

    let _bot = Running::start(example, directory.path(), &process.url());
    process.answer(("release", &worker), released).await;
    let events = leased(&[("l4", "b"), ("l5", "c")]);
    process.answer(("lease", &wait), events).await;
    let acks = settlement(&["l4", "l5"]);
    drop(process.receive(("settle", &acks)).await);
    let results = json!([{"lease": "l4", "result": "already"}, {"lease": "l5", "result": "lost"}]);
    let settled = ok(&json!({"results": results}));
    process.answer(("settle", &acks), settled).await;
    let _waiting = process.receive(("lease", &wait)).await;
    let answers = Answers(directory.join("bot.db"));
    assert_eq!(answers.keys(), ["a", "b", "c"]);
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_answers_once_when_killed_before_it_settles() {
    answers_once_when_killed_before_it_settles(&BOT_PY).await;
}

#[tokio::test]
#[ignore = "needs Node 22.13 or newer"]
async fn the_typescript_bot_answers_once_when_killed_before_it_settles() {
    answers_once_when_killed_before_it_settles(&BOT_TS).await;
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_goes_on_after_refusals() {
    goes_on_after_refusals(&BOT_PY).await;
}

#[tokio::test]
#[ignore = "needs Node 22.13 or newer"]
async fn the_typescript_bot_goes_on_after_refusals() {
    goes_on_after_refusals(&BOT_TS).await;
}
