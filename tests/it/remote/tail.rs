//! `events tail`, over the URL and over the database.

use std::{
    io::{BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::Value;

use super::configuration;
use crate::support::{
    activation::{socket, start},
    directory::Directory,
    postgres::TestDatabase,
    server::Server,
    terminal::Terminal,
};

/// A running tail, killed with its test.
struct Tail {
    process: Child,
    lines: BufReader<ChildStdout>,
}

impl Tail {
    fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self { process, lines }
    }

    /// The next line.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).unwrap();
        line
    }

    /// Message ids of the next events.
    fn mids(&mut self, count: usize) -> Vec<String> {
        let mid = |_| {
            let event: Value = serde_json::from_str(&self.line()).unwrap();
            event["message_id"].as_str().unwrap().to_owned()
        };
        (0..count).map(mid).collect()
    }

    /// The next line of standard error.
    fn note(&mut self) -> String {
        let (mut line, mut byte) = (Vec::new(), [0]);
        let errors = self.process.stderr.as_mut().unwrap();
        while errors.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
            line.extend(byte);
        }
        String::from_utf8(line).unwrap()
    }

    fn interrupt(&self) {
        let pid = Pid::from_raw(self.process.id().try_into().unwrap());
        kill(pid, Signal::SIGINT).unwrap();
    }

    /// Exit code and the rest of the error output.
    fn end(mut self) -> (Option<i32>, String) {
        let mut said = String::new();
        let mut errors = self.process.stderr.take().unwrap();
        errors.read_to_string(&mut said).unwrap();
        (self.process.wait().unwrap().code(), said)
    }
}

impl Drop for Tail {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

const FOLLOW: [&str; 5] = ["events", "tail", "--after", "0", "--json"];

fn names(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|number| format!("m{number}")).collect()
}

#[tokio::test]
async fn a_tail_prints_what_is_stored_and_then_what_arrives_and_ends_quietly() {
    let server = Server::start_with(&configuration()).await;
    server.store(names(0..3)).await;
    let list = server.run(&["events", "list", "--json"]).stdout;
    for command in [
        server.verb(&FOLLOW),
        server.verb_elsewhere("viewer", &FOLLOW),
    ] {
        let mut tail = Tail::start(command);
        let printed: String = (0..3).map(|_| tail.line()).collect();
        assert_eq!(printed.as_bytes(), list);
        tail.interrupt();
        assert_eq!(tail.end(), (Some(0), String::new()));
    }
    let now = ["events", "tail", "--json", "--kind", "message"];
    let filtered = ["events", "tail", "--after", "2", "--kind", "comment"];
    let mut tails = [
        Tail::start(server.verb(&FOLLOW)),
        Tail::start(server.verb_elsewhere("viewer", &FOLLOW)),
    ];
    for tail in &mut tails {
        assert_eq!(tail.mids(3), names(0..3));
    }
    server.store(names(3..4)).await;
    for tail in &mut tails {
        assert_eq!(tail.mids(1), names(3..4));
    }
    // Nobody reads any more, and nothing arrives.
    for command in [
        server.verb(&now),
        server.verb_elsewhere("viewer", &filtered),
    ] {
        let mut tail = Tail::start(command);
        drop(std::mem::replace(
            &mut tail.lines,
            BufReader::new(closed_output()),
        ));
        assert_eq!(tail.end(), (Some(0), String::new()));
    }
}

/// An output without a writer.
fn closed_output() -> ChildStdout {
    let mut process = Command::new("true").stdout(Stdio::piped()).spawn().unwrap();
    let output = process.stdout.take().unwrap();
    process.wait().unwrap();
    output
}

#[tokio::test]
async fn a_tail_survives_the_kill_of_the_server_without_a_gap_and_a_repeat() {
    let sockets = [socket(), socket()];
    let serve = |directory: Directory, place: Option<TestDatabase>| {
        let [public, admin] = &sockets;
        start(directory, place, &[public, admin], &[("LISTEN_FDS", "2")])
    };
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), configuration()).unwrap();
    let mut server = serve(directory, Some(TestDatabase::create().await));
    server.store(names(0..2)).await;
    let mut tail = Tail::start(server.verb_elsewhere("viewer", &FOLLOW));
    assert_eq!(tail.mids(2), names(0..2));
    for round in 1..3 {
        server.signal(Signal::SIGKILL);
        let (_, directory, database) = server.wait();
        let note = tail.note();
        assert!(note.starts_with("the stream ended: "), "{note}");
        server = serve(directory, database);
        server.store(names(2 * round..2 * round + 2)).await;
        assert_eq!(tail.mids(2), names(2 * round..2 * round + 2));
        let note = tail.note();
        assert!(
            note.starts_with("reconnected; going on behind position"),
            "{note}"
        );
    }
    tail.interrupt();
    assert_eq!(tail.end(), (Some(0), String::new()));
}

#[tokio::test]
async fn a_terminal_shows_a_line_for_each_event_in_colours_of_its_kind() {
    let server = Server::start_with(&configuration()).await;
    let text = "a long text \u{1b}[2J that goes on beyond the edge of a terminal with 80 columns";
    let body = crate::support::message::comment("17840000000000001", "c1", text);
    server.deliver("/webhook", body).await;
    for (variable, is_coloured) in [("TERM", true), ("NO_COLOR", false)] {
        let terminal = Terminal::open(80);
        let mut command = server.verb(&["events", "tail", "--after", "0"]);
        command.env("TERM", "xterm").env(variable, "xterm");
        command.stdout(terminal.program).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        drop(command);
        let mut line = String::new();
        BufReader::new(&terminal.person)
            .read_line(&mut line)
            .unwrap();
        process.kill().unwrap();
        process.wait().unwrap();
        assert_eq!(line.contains("\u{1b}[34mcomment"), is_coloured, "{line}");
        let bare = line.replace("\u{1b}[34m", "").replace("\u{1b}[0m", "");
        assert!(!bare.contains('\u{1b}'), "{bare:?}");
        assert!(
            unicode_width::UnicodeWidthStr::width(bare.trim_end()) <= 80,
            "{bare}"
        );
    }
}
