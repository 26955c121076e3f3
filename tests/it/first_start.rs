//! `serve` on a terminal: secrets of a first start, and a line for each delivery.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines},
    process::{Child, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    directory::Directory,
    server::{guarded, settle},
    terminal::{COLUMNS, Terminal},
};

/// Last line of the banner.
const LAST: &str = "events list";

/// A server without a configuration on a terminal.
struct TerminalServer {
    server: Child,
    pid: Pid,
    lines: Lines<BufReader<File>>,
    shown: String,
}

impl TerminalServer {
    fn start(directory: &Directory) -> Self {
        let Terminal { person, program } = Terminal::open(COLUMNS);
        let mut shell = guarded(&["serve"]);
        settle(&mut shell, directory.path(), None);
        shell.stdout(Stdio::from(program));
        shell.stderr(File::create(directory.join("log")).unwrap());
        let server = shell.spawn().unwrap();
        let mut lines = BufReader::new(person).lines();
        let pid: i32 = lines.next().unwrap().unwrap().trim().parse().unwrap();
        let mut started = Self {
            server,
            pid: Pid::from_raw(pid),
            lines,
            shown: String::new(),
        };
        started.read_until(LAST);
        started
    }

    fn show(&mut self, line: &str) {
        self.shown += line.trim_end();
        self.shown += "\n";
    }

    /// Reads lines until one has `text`.
    fn read_until(&mut self, text: &str) {
        while !self.shown.contains(text) {
            let line = self.lines.next().expect("the server runs").unwrap();
            self.show(&line);
        }
    }

    /// Sends it a simulated message.
    fn receive_a_message(&self, directory: &Directory) {
        let secret = directory.join("secret");
        std::fs::write(&secret, &made(directory)[0]).unwrap();
        let mut address = self
            .shown
            .lines()
            .filter_map(|it| it.trim().strip_prefix("callback URL"));
        let url = address.next().unwrap().split_whitespace().next().unwrap();
        let mut simulate = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        simulate.args([
            "simulate", "--kind", "message", "--text", "hello", "--url", url,
        ]);
        simulate.arg("--secret-file").arg(secret);
        settle(&mut simulate, directory.path(), None);
        let output = simulate.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }

    /// Stops the server; everything that the terminal showed.
    fn stop(mut self) -> String {
        // The server is killed when its standard input closes.
        let input = self.server.stdin.take();
        kill(self.pid, Signal::SIGTERM).unwrap();
        assert!(self.server.wait().unwrap().success());
        drop(input);
        // The terminal ends when its last writer is gone.
        while let Some(Ok(line)) = self.lines.next() {
            self.show(&line);
        }
        self.shown
    }
}

/// The values between quotes in the file of generated secrets.
fn made(directory: &Directory) -> Vec<String> {
    let text = std::fs::read_to_string(directory.join("data/credentials.toml")).unwrap();
    text.split('"')
        .skip(1)
        .step_by(2)
        .map(ToOwned::to_owned)
        .collect()
}

#[test]
fn generated_secrets_are_shown_by_the_start_that_makes_them_and_no_other() {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let first = TerminalServer::start(&directory).stop();
    let made = made(&directory);
    assert_eq!(made.len(), 2);
    for secret in &made {
        assert!(first.contains(secret), "{first}");
    }
    assert!(first.contains("shown only once"), "{first}");

    let second = TerminalServer::start(&directory).stop();
    let log = std::fs::read_to_string(directory.join("log")).unwrap();
    for secret in &made {
        assert!(
            !second.contains(secret) && !log.contains(secret),
            "{second}"
        );
    }
    let place = "app secret    app_secret in ";
    for start in [first, second] {
        assert!(start.contains(place), "{start}");
        assert!(
            start.contains("verify token  verify_token of [apps.default] in "),
            "{start}"
        );
    }
}

#[test]
fn a_terminal_shows_a_line_for_each_delivery_unless_the_log_says_no() {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let mut terminal = TerminalServer::start(&directory);
    terminal.receive_a_message(&directory);
    terminal.read_until("stored");
    let shown = terminal.stop();
    let line = shown.lines().find(|line| line.contains("stored")).unwrap();
    assert!(
        line.contains("  default  ") && line.contains("  message  "),
        "{shown}"
    );
    assert!(!shown.contains("hello"), "{shown}");

    std::fs::write(directory.join("hookshelf.toml"), "log.deliveries = false").unwrap();
    let terminal = TerminalServer::start(&directory);
    terminal.receive_a_message(&directory);
    let shown = terminal.stop();
    assert!(!shown.contains("message"), "{shown}");
}
