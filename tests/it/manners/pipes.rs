//! Closed pipes: a verb whose reader has gone ends quietly, and a server keeps running.

use std::{
    io::{BufRead, BufReader},
    process::Stdio,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::support::{
    desk::Desk,
    directory::Directory,
    postgres::TestDatabase,
    server::{apps, deliver_to, guarded},
};

/// Parts of examples that are left out, with reasons.
const NO_VERB: [(&str, &str); 4] = [
    (" > ", "prints into a file"),
    ("hookshelf serve", "has a test of its own, below"),
    (
        "events tail",
        "goes on until it is stopped; tests/it/remote.rs closes its pipe",
    ),
    (
        "hookshelf psql",
        "becomes psql, which a closed pipe ends as it ends any program",
    ),
];

/// Further calls to test.
const MORE: [&str; 8] = [
    "hookshelf --help",
    "hookshelf help events",
    "hookshelf --version",
    "hookshelf events list --json --limit 1000",
    "hookshelf deliveries show 01a1fba1-6f8a-7f4b-bf49-9c348765527a",
    "hookshelf deliveries show 01a1fba1-6f8a-7f4b-bf49-9c348765527a --body",
    "hookshelf simulate --json",
    "hookshelf completions bash",
];

/// Runs a script whose first command writes into a pipe that has no reader from the start. Returns
/// the exit code and the error output of that command.
fn unread(desk: &Desk, call: &str) -> (String, String) {
    let script = format!(
        "mkfifo pipe; exec 3<>pipe 4>pipe 3>&-
         {{ {call} >&4; }} 4>&4 2>complaint && code=0 || code=$?
         rm pipe; echo \"$code\""
    );
    let printed = desk.print(&script);
    let complaint = std::fs::read_to_string(desk.file("complaint")).unwrap();
    (printed.trim().to_owned(), complaint)
}

#[tokio::test]
async fn a_verb_whose_output_nobody_reads_ends_quietly() {
    let desk = Desk::create().await;
    desk.add_consumers().await;
    let (code, _) = unread(&desk, "cat body.json");
    assert_ne!(code, "0", "nobody reads the pipe");
    let examples = super::help::every_example();
    let prints = |it: &&String| NO_VERB.iter().all(|(part, _)| !it.contains(part));
    let is_here = |it: &&String| {
        !super::help::ELSEWHERE
            .iter()
            .any(|call| it.starts_with(call))
    };
    let examples = examples.iter().filter(prints).filter(is_here);
    let examples = examples.map(String::as_str);
    // Destructive examples come last.
    for call in MORE.into_iter().chain(examples) {
        let (code, complaint) = unread(&desk, call);
        assert_eq!((&*code, &*complaint), ("0", ""), "{call}");
    }
}

#[tokio::test]
async fn head_takes_what_it_wants() {
    let desk = Desk::create().await;
    let first = desk.print("hookshelf events list --json | head -n 1");
    assert_eq!(first.lines().count(), 1);
    let names = desk.print("hookshelf events list --limit 10000 | head -n 1");
    assert!(names.starts_with("position"), "{names}");
}

#[tokio::test]
async fn a_server_serves_although_nobody_reads_what_it_says() {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    let database = TestDatabase::create().await;
    let mut server = guarded(&["serve"])
        .env("HOOKSHELF_CONFIG", directory.join("hookshelf.toml"))
        .env("HOOKSHELF__DATA_DIR", directory.join("data"))
        .env("HOOKSHELF__LOG__LEVEL", "debug")
        .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
        .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
        .env("DATABASE_URL", database.url())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(server.stderr.take());
    let lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let mut lines = lines.map(Result::unwrap);
    let pid: i32 = lines.next().unwrap().parse().unwrap();
    let address = lines.find_map(|line| {
        let address = line.trim().strip_prefix("listens on")?.trim();
        address.strip_prefix("http://")?.parse().ok()
    });
    drop(lines);
    let answer = deliver_to(address.unwrap(), "/webhook", "{}").await;
    assert_eq!(answer.unwrap().status, 200);
    kill(Pid::from_raw(pid), Signal::SIGTERM).unwrap();
    // Keeps the pipe to the guarding shell open until now.
    let _guard = server.stdin.take();
    assert!(server.wait().unwrap().success());
}
