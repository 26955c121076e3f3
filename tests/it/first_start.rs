//! First start on a terminal: generated secrets are shown then, and never again.

use std::{
    fs::File,
    io::{BufRead, BufReader, Lines},
    process::{Child, Command, Stdio},
};

use nix::{
    pty::openpty,
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    directory::Directory,
    server::{guarded, settle},
};

/// Last line of a start's output.
const LAST: &str = "events list";

/// Starts a server without a configuration on a terminal, stops it, and returns the terminal's
/// output.
fn shown(directory: &Directory) -> String {
    let terminal = openpty(None, None).unwrap();
    let mut shell = guarded(&["serve"]);
    settle(&mut shell, directory.path(), None);
    shell.stdout(Stdio::from(terminal.slave));
    shell.stderr(File::create(directory.join("log")).unwrap());
    let mut process = shell.spawn().unwrap();
    // Closing this pipe kills the server.
    let _guard = process.stdin.take();
    let mut lines = BufReader::new(File::from(terminal.master)).lines();
    let pid: i32 = lines.next().unwrap().unwrap().trim().parse().unwrap();
    let mut shown = String::new();
    while !shown.contains(LAST) {
        let line = lines.next().expect("the server starts").unwrap();
        shown = format!("{shown}{}\n", line.trim_end());
    }
}

/// Quoted values in the file of generated secrets.
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
    let first = Terminal::start(&directory).stop();
    let made = made(&directory);
    assert_eq!(made.len(), 2);
    for secret in &made {
        assert!(first.contains(secret), "{first}");
    }
    assert!(first.contains("shown this once"), "{first}");

    let second = Terminal::start(&directory).stop();
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
    let mut terminal = Terminal::start(&directory);
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
    let terminal = Terminal::start(&directory);
    terminal.receive_a_message(&directory);
    let shown = terminal.stop();
    assert!(!shown.contains("message"), "{shown}");
}
