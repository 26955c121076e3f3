//! A block that starts a server: it is started as a first start is, on a terminal, and stopped when
//! it has printed what the page shows.

use std::{fs, process::Stdio, time::Duration};

use nix::{
    pty::openpty,
    sys::signal::{Signal, kill},
    unistd::{Pid, User, geteuid},
};
use tokio::{
    fs::File,
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, Command},
    time::timeout,
};

use super::{
    pages::{self, Block},
    run::{beginning, unprinted},
};
use crate::support::{
    desk::Desk,
    directory::Directory,
    server::{guarded, path_from, settle},
};

/// Where the documents suppose the data, for they start the server as root.
const DATA: &str = "/var/lib/hookshelf";

/// Who runs the private Postgres of root.
const OF_ROOT: &str = "user=postgres";

/// How the program says that it is called: the documents, as one that was installed.
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
    let (mut shell, mut lines) = spawn(desk, arguments, &directory);
    let _guard = shell.stdin.take();
    let pid = lines.next_line().await.unwrap().unwrap();
    let pid: i32 = pid.trim().parse().unwrap();
    let data = directory.join("data").display().to_string();
    let mut printed = String::new();
    let fault = timeout(PATIENCE, missing(&mut lines, shown, &data, &mut printed)).await;
    // It may have ended by itself.
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    let ended = shell.wait().await.unwrap();
    let fault = fault.unwrap_or_else(|_| unprinted(shown, &printed));
    let fault = fault.map(|it| format!("`{it}`; this is printed:\n{}", beginning(&printed)));
    fault.or_else(|| (!ended.success()).then_some(printed))
}

/// A server as it is started the first time, without a configuration and a database, and the lines
/// that its terminal shows.
fn spawn(
    desk: &Desk,
    arguments: &[String],
    directory: &Directory,
) -> (Child, Lines<BufReader<File>>) {
    fs::write(directory.join("hookshelf.toml"), "").unwrap();
    let arguments: Vec<_> = arguments.iter().map(|word| desk.own(word)).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let mut shell = guarded(&arguments);
    settle(&mut shell, directory.path(), None);
    shell.env("PATH", path_from(&desk.server.directory.join("bin")));
    let terminal = openpty(None, None).unwrap();
    shell.stderr(Stdio::from(terminal.slave.try_clone().unwrap()));
    shell
        .stdout(Stdio::from(terminal.slave))
        .env("NO_COLOR", "1");
    let screen = File::from_std(terminal.master.into());
    let process = Command::from(shell).spawn().unwrap();
    (process, BufReader::new(screen).lines())
}

/// Reads what a server prints until it is all that is shown, and something at least; what is missing
/// when it ends.
async fn missing(
    lines: &mut Lines<BufReader<File>>,
    shown: &[String],
    data: &str,
    printed: &mut String,
) -> Option<String> {
    let user = User::from_uid(geteuid()).unwrap().unwrap().name;
    loop {
        let fault = unprinted(shown, printed);
        if fault.is_none() && !printed.is_empty() {
            return None;
        }
        // Linux tells the end of a terminal by an error.
        let Some(line) = lines.next_line().await.ok().flatten() else {
            return Some(fault.unwrap_or_default());
        };
        let line = line.replace(data, DATA).replace(BUILT, INSTALLED);
        let line = line.replace(&format!("user={user}"), OF_ROOT);
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

#[test]
fn what_the_readme_tells_to_type_is_the_installed_program() {
    let blocks = pages::named("README.md").blocks();
    let typed = blocks.iter().filter(|it| it.language == "sh");
    for line in typed.flat_map(|it| &it.lines) {
        assert!(line.starts_with("hookshelf"), "{line}");
    }
}
