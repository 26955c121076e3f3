//! Verbs recognise the server of their data directory: output of another server at the same address
//! is not shown or trusted, and nothing is sent to it.

use std::{
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::{Command, Output},
};

use hookshelf::instance::HEADER;
use nix::{sys::signal::Signal, unistd::User};

use crate::support::{
    directory::{Directory, is_open_to_all},
    server::{Server, apps, settle},
};

/// Verbs that ask the server over HTTP.
const VERBS: [&[&str]; 5] = [
    &["spool", "status"],
    &["spool", "inspect"],
    &["spool", "drain"],
    &["healthcheck"],
    &["simulate"],
];

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A command with this data directory and the addresses of `server`.
fn beside(server: &Server, directory: &Directory, verb: &[&str]) -> Output {
    let mut command = server.verb(verb);
    command.env("HOOKSHELF__DATA_DIR", directory.join("data"));
    command.output().unwrap()
}

/// A directory with the same apps as those of another server.
fn directory() -> Directory {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_of_another_data_directory_takes_nothing_from_a_server_at_its_address() {
    let server = Server::start().await;
    let own = directory();
    for verb in VERBS {
        let output = beside(&server, &own, verb);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {said}");
        assert!(output.stdout.is_empty(), "{verb:?}: {output:?}");
        for part in [
            "is not the server of the data directory",
            "no hookshelf serve uses that directory",
            "--config",
        ] {
            assert!(said.contains(part), "{verb:?}: {part}: {said}");
        }
    }
    let stored = "SELECT (SELECT count(*) FROM deliveries) + (SELECT count(*) FROM rejections)";
    let stored: i64 = sqlx::query_scalar(stored)
        .fetch_one(&mut server.database().await)
        .await
        .unwrap();
    assert_eq!(stored, 0, "nothing was sent to it");

    let doctor = beside(&server, &own, &["doctor"]);
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(
        text.matches("is not this Hookshelf: no server uses the data directory")
            .count(),
        2,
        "{text}"
    );
    let theirs = server.directory.join("data").display().to_string();
    assert!(!text.contains(&theirs), "{text}");
    assert!(!text.contains("runs with another [spool]"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_verb_tells_its_own_running_server_from_another_one() {
    let server = Server::start().await;
    let own = Server::start().await;
    let process = format!("hookshelf serve (process {}) uses it", own.pid());
    for verb in VERBS {
        let said = stderr(&beside(&server, &own.directory, verb));
        assert!(said.contains(&process), "{verb:?}: {said}");
    }
    let doctor = beside(&server, &own.directory, &["doctor"]);
    let text = String::from_utf8(doctor.stdout).unwrap();
    let other = format!(
        "another one (process {}) uses the data directory",
        own.pid()
    );
    assert_eq!(text.matches(&other).count(), 2, "{text}");
    for verb in VERBS {
        let output = own.run(verb);
        assert!(output.status.success(), "{verb:?}: {}", stderr(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_a_directory_that_this_user_may_not_enter_is_not_said_to_be_away() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can switch to another user.
        return;
    }
    let server = Server::start().await;
    let data = server.directory.join("data");
    std::fs::set_permissions(data, std::fs::Permissions::from_mode(0o700)).unwrap();
    let programs = Directory::create();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_hookshelf"));
    if is_open_to_all(program) {
        std::os::unix::fs::symlink(program, programs.join("hookshelf")).unwrap();
    } else {
        std::fs::copy(program, programs.join("hookshelf")).unwrap();
    }
    let nobody = User::from_name("nobody").unwrap().expect("a user nobody");
    let stranger = |verb: &[&str]| {
        let mut command = Command::new(programs.join("hookshelf"));
        settle(&mut command, server.directory.path(), server.place.as_ref());
        command.env("HOOKSHELF__HTTP__LISTEN", server.public.to_string());
        command.env("HOOKSHELF__ADMIN__LISTEN", server.admin.to_string());
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        command.args(verb).current_dir("/").output().unwrap()
    };
    for verb in VERBS.iter().copied().chain([&["reload"][..]]) {
        let output = stranger(verb);
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {said}");
        assert!(
            said.contains("this user has no access to the data directory"),
            "{verb:?}: {said}"
        );
    }
    let doctor = stranger(&["doctor"]);
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert!(
        text.contains("unchecked server         this user has no access to"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_said_to_hang() {
    let server = Server::start().await;
    server.signal(Signal::SIGSTOP);
    let said = stderr(&server.run(&["healthcheck"]));
    let doctor = server.run(&["doctor"]);
    server.signal(Signal::SIGCONT);
    let process = format!("(process {}) does not answer within 5 s", server.pid());
    assert!(said.contains(&process), "{said}");
    let text = String::from_utf8(doctor.stdout).unwrap();
    assert_eq!(text.matches("does not answer on").count(), 2, "{text}");
    assert!(!text.contains("start `hookshelf serve`"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_shows_its_id_to_nobody_who_does_not_know_it() {
    let server = Server::start().await;
    let bare = server.get("/healthz").await;
    assert_eq!((bare.status, bare.headers.get(HEADER)), (200, None));
    let wrong = server.get_with("/healthz", &[(HEADER, "guessed")]).await;
    assert_eq!((wrong.status, wrong.headers.get(HEADER)), (421, None));
    let bare = server.ask_admin("/readyz").await;
    assert_eq!((bare.status, bare.headers.get(HEADER)), (200, None));
}
