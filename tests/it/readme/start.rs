//! Blocks that start a server: the server starts on a terminal as on a first start, and stops once
//! it has printed the shown output.

use std::{fs, process::Stdio, time::Duration};

use nix::{
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
    terminal::{COLUMNS, Terminal},
};

/// Data directory in the documents, where root starts the server.
const DATA: &str = "/var/lib/hookshelf";

/// User of root's private Postgres.
const OF_ROOT: &str = "user=postgres";

/// Prefixes of suggested calls: of a debug build, and of an installed program as in the documents.
const BUILT: &str = "  cargo run -- ";
const INSTALLED: &str = "  hookshelf ";

/// Timeout for the output.
const PATIENCE: Duration = Duration::from_mins(1);

/// Arguments of the server that a block starts; `None` if the block does anything else.
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

/// Starts a server with these arguments and returns the missing line or an error.
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
    // The server may have ended already.
    let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
    let ended = shell.wait().await.unwrap();
    let fault = fault.unwrap_or_else(|_| unprinted(shown, &printed));
    let fault = fault.map(|it| format!("`{it}`; this is printed:\n{}", beginning(&printed)));
    fault.or_else(|| (!ended.success()).then_some(printed))
}

/// Starts a server without configuration and database; returns the process and the lines of its
/// terminal.
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
    let Terminal { person, program } = Terminal::open(COLUMNS);
    shell.stderr(Stdio::from(program.try_clone().unwrap()));
    shell.stdout(Stdio::from(program)).env("NO_COLOR", "1");
    let screen = File::from_std(person);
    let process = Command::from(shell).spawn().unwrap();
    (process, BufReader::new(screen).lines())
}

/// Reads output until it matches `shown` and is not empty. Returns the missing line if the output
/// ends.
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
        // Linux reports the end of a terminal as an error.
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
fn what_the_setup_tells_to_type_is_the_installed_program() {
    let blocks = pages::named("docs/setup.md").blocks();
    let typed = blocks.iter().filter(|it| it.language == "sh");
    for line in typed.flat_map(|it| &it.lines) {
        assert!(line.starts_with("hookshelf"), "{line}");
    }
}
