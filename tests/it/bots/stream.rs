//! Bots that follow the stream: each saves the position with its action.

use std::{fs::OpenOptions, io::Write};

use super::*;

const STREAM_PY: Example = Example {
    interpreter: PYTHON,
    file: "examples/stream.py",
    saved: "stream.log",
};

const STREAM_TS: Example = Example {
    interpreter: NODE,
    file: "examples/stream.ts",
    saved: "stream.log",
};

/// A bot, and the directory with its file.
struct Follower {
    bot: Running,
    directory: PathBuf,
}

impl Follower {
    fn start(example: &Example, directory: &Path, url: &str) -> Self {
        Self {
            bot: Running::start(example, directory, url),
            directory: directory.to_owned(),
        }
    }

    /// Lines of the bot's file.
    fn lines(&self) -> Vec<String> {
        let text = fs::read_to_string(self.directory.join("stream.log")).unwrap_or_default();
        let whole = text
            .split_inclusive('\n')
            .filter_map(|it| it.strip_suffix('\n'));
        whole.map(ToOwned::to_owned).collect()
    }

    /// Lines with an action.
    fn actions(&self) -> Vec<String> {
        let mut lines = self.lines();
        lines.retain(|line| line.contains('\t'));
        lines
    }

    /// Waits until the bot has acted on more events.
    async fn goes_on(&self) {
        let before = self.actions().len();
        eventually("the bot acts on events", async || {
            self.actions().len() >= before + 20
        })
        .await;
    }

    /// Waits until the bot has written this line.
    async fn writes(&self, line: &str) {
        eventually(line, async || self.lines().iter().any(|it| it == line)).await;
    }

    /// Kills the bot, and leaves the file as a crash in the middle of a line would.
    fn kill(self) {
        self.bot.kill();
        let file = OpenOptions::new()
            .append(true)
            .open(self.directory.join("stream.log"));
        file.unwrap().write_all(b"9000000\tcut o").unwrap();
    }
}

/// The lines that a bot must have written: one for each event, in order.
async fn expected(server: &Server) -> Vec<String> {
    let lines =
        "SELECT concat_ws(E'\\t', position, dedupe_key, kind) FROM events ORDER BY position";
    let mut database = server.database().await;
    sqlx::query_scalar(lines)
        .fetch_all(&mut database)
        .await
        .unwrap()
}

async fn acts_once_while_all_is_killed(example: &Example) {
    let sockets = [socket(), socket()];
    let mut server = serve(
        directory("role = \"viewer\"", ""),
        Some(TestDatabase::create().await),
        &sockets,
    );
    let url = format!("http://{}", server.admin);
    let place = server.directory.path().to_owned();
    let mut bot = Follower::start(example, &place, &url);
    bot.writes("0").await;
    let senders = Senders::start(&server, &["--retry", "--rate=100"]);
    for kills_bot in [true, false] {
        bot.goes_on().await;
        server.signal(Signal::SIGKILL);
        let (_, directory, database) = server.wait();
        server = serve(directory, database, &sockets);
        bot.goes_on().await;
        if kills_bot {
            bot.kill();
            bot = Follower::start(example, &place, &url);
        }
    }
    bot.goes_on().await;
    senders.stop();
    eventually("the bot acts on all events", async || {
        bot.actions().len() >= expected(&server).await.len()
    })
    .await;
    assert_eq!(bot.actions(), expected(&server).await);
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_acts_on_each_event_once_while_server_and_bot_are_killed() {
    acts_once_while_all_is_killed(&STREAM_PY).await;
}

#[tokio::test]
#[ignore = "needs Node 22.6 or newer"]
async fn the_typescript_bot_acts_on_each_event_once_while_server_and_bot_are_killed() {
    acts_once_while_all_is_killed(&STREAM_TS).await;
}

/// Answers a request. Returns the start of the bot: its last id.
async fn respond(listener: &tokio::net::TcpListener, answer: &str) -> (Option<String>, TcpStream) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let head = Head::read(&mut stream).await;
    stream.write_all(answer.as_bytes()).await.unwrap();
    assert_eq!(head.line(), "GET /v1/events/stream HTTP/1.1");
    (head.header("Last-Event-ID").map(ToOwned::to_owned), stream)
}

/// A stream that has no end: who closes it cuts it.
fn chunk(blocks: &str) -> String {
    let size = blocks.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
         {size:x}\r\n{blocks}\r\n"
    )
}

fn event(position: i64, key: &str) -> String {
    format!("id: {position}\ndata: {{\"dedupe_key\":\"{key}\",\"kind\":\"message\"}}\n\n")
}

async fn resumes_behind_what_it_saved(example: &Example) {
    let directory = Directory::create();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let caught_up = "id: 5\nevent: caught_up\ndata: {\"position\":\"5\"}\n\n";
    let gap = "id: 20\nevent: gap\ndata: {\"from\":\"9\",\"to\":\"20\"}\n\n";
    let cut = "id: 9\ndata: {\"dedupe_key\":\"i";
    let first = [caught_up, "id: 5\n\nid: 7\n\n", &event(8, "h"), cut].concat();
    let answers = [
        (chunk(&first), None),
        (answer("503 Service Unavailable", "", "busy"), Some("8")),
        (chunk(gap), Some("8")),
    ];

    let bot = Follower::start(example, directory.path(), &url);
    for (text, start) in answers {
        let (asked, _) = respond(&listener, &text).await;
        assert_eq!(asked.as_deref(), start);
    }
    let (asked, _open) = respond(&listener, &chunk(&event(21, "u"))).await;
    assert_eq!(asked.as_deref(), Some("20"));
    bot.writes("21\tu\tmessage").await;
    let said = fs::read_to_string(directory.join("said")).unwrap();
    assert!(said.contains("gap"), "{said}");
    bot.kill();

    let bot = Follower::start(example, directory.path(), &url);
    let (asked, _) = respond(&listener, &answer("409 Conflict", "", "beyond the end")).await;
    assert_eq!(asked.as_deref(), Some("21"));
    let lines = bot.lines();
    let (status, said) = bot.bot.end();
    assert!(
        !status.success() && said.contains("beyond the end"),
        "{said}"
    );
    assert_eq!(lines, ["5", "7", "8\th\tmessage", "20", "21\tu\tmessage"]);
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_resumes_behind_what_it_saved() {
    resumes_behind_what_it_saved(&STREAM_PY).await;
}

#[tokio::test]
#[ignore = "needs Node 22.6 or newer"]
async fn the_typescript_bot_resumes_behind_what_it_saved() {
    resumes_behind_what_it_saved(&STREAM_TS).await;
}
