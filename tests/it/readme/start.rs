//! A block that starts a server: it is started as a first start is, and stopped when it has
//! printed what the page shows.

use std::{fs, time::Duration};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

use super::{
    pages::Block,
    run::{beginning, unprinted},
};
use crate::support::{
    desk::Desk,
    directory::Directory,
    server::{guarded, path_from, settle},
};

/// Where the documents suppose the data, for they start the server as root.
const DATA: &str = "/var/lib/hookshelf";

/// How the program says that it is called: the documents, as one that was built in its directory.
const BUILT: &str = "  cargo run -- ";
const INSTALLED: &str = "  hookshelf ";

/// Waiting longer would not help.
const PATIENCE: Duration = Duration::from_mins(1);

/// The arguments of the server that a block starts, if that is all it does.
pub(super) fn arguments(block: &Block) -> Option<Vec<String>> {
    let call = block.text();
    let call = call.split(" #").next()?.trim();
    let rest = call
        .strip_prefix("cargo run --")
        .or_else(|| call.strip_prefix("cargo run"));
    let rest = rest.or_else(|| call.strip_prefix("hookshelf"))?;
    let words: Vec<_> = rest.split_whitespace().map(ToOwned::to_owned).collect();
    let serves = words.first().is_none_or(|word| word == "serve");
    (serves && !call.contains('\n')).then_some(words)
}

/// Starts a server with these arguments; what it does not print, or a complaint.
pub(super) async fn unserved(
    desk: &Desk,
    arguments: &[String],
    shown: &[String],
) -> Option<String> {
    let directory = Directory::create();
    let mut shell = spawn(desk, arguments, &directory);
    let _guard = shell.stdin.take();
    let mut lines = BufReader::new(shell.stdout.take().unwrap()).lines();
    let pid: i32 = lines.next_line().await.unwrap().unwrap().parse().unwrap();
    let data = directory.join("data").display().to_string();
    let mut printed = String::new();
    let fault = timeout(PATIENCE, missing(&mut lines, shown, &data, &mut printed)).await;
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    let ended = shell.wait().await.unwrap();
    let log = fs::read_to_string(directory.join("log")).unwrap();
    let fault = fault.unwrap_or_else(|_| unprinted(shown, &printed));
    let fault = fault.map(|it| format!("`{it}`; this is printed:\n{}{log}", beginning(&printed)));
    fault.or_else(|| (!ended.success()).then_some(log))
}

/// A server as it is started the first time, without a configuration and a database.
fn spawn(desk: &Desk, arguments: &[String], directory: &Directory) -> Child {
    fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let arguments: Vec<_> = arguments.iter().map(|word| desk.own(word)).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut shell = guarded(&arguments);
    settle(&mut shell, directory.path(), None);
    shell.env("PATH", path_from(&desk.server.directory.join("bin")));
    shell.stderr(fs::File::create(directory.join("log")).unwrap());
    Command::from(shell).spawn().unwrap()
}

/// Reads what a server prints until it is all that is shown, and something at least; what is missing
/// when it ends.
async fn missing(
    lines: &mut Lines<BufReader<ChildStdout>>,
    shown: &[String],
    data: &str,
    printed: &mut String,
) -> Option<String> {
    loop {
        let fault = unprinted(shown, printed);
        if fault.is_none() && !printed.is_empty() {
            return None;
        }
        let Some(line) = lines.next_line().await.unwrap() else {
            return Some(fault.unwrap_or_default());
        };
        let line = line.replace(data, DATA).replace(INSTALLED, BUILT);
        *printed = format!("{printed}{line}\n");
    }
}

#[test]
fn a_block_that_starts_a_server_is_known() {
    let known = |text: &str| {
        let block = Block {
            language: "sh".to_owned(),
            lines: text.lines().map(ToOwned::to_owned).collect(),
            line: 1,
        };
        arguments(&block).map(|words| words.join(" "))
    };
    assert_eq!(known("cargo run     # builds").as_deref(), Some(""));
    assert_eq!(known("hookshelf").as_deref(), Some(""));
    assert_eq!(
        known("hookshelf serve --tunnel").as_deref(),
        Some("serve --tunnel")
    );
    assert_eq!(known("cargo run -- serve").as_deref(), Some("serve"));
    assert_eq!(known("cargo run -- simulate"), None);
    assert_eq!(known("hookshelf serve\nhookshelf healthcheck"), None);
}
