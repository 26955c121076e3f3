//! Verbs that cannot reach Postgres distinguish a stopped server, a hanging server and a refused
//! user, each with its own remedy.

use std::{
    os::unix::process::CommandExt,
    process::{Command, Output},
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, User},
};
use tokio::net::TcpListener;

use crate::support::{
    directory::{Directory, is_open_to_all},
    eventually,
    server::{Server, apps, settle},
};

/// Verbs that need the database, each in its own way.
const VERBS: [&[&str]; 7] = [
    &["events", "list"],
    &["events", "stats"],
    &["events", "purge", "--simulated"],
    &["deliveries", "list"],
    &["rejections", "list"],
    &["psql", "--", "-c", "SELECT 1"],
    &["migrate"],
];

/// Error output of each verb. All run concurrently, because some wait for seconds.
fn complaints(command: impl Fn(&[&str]) -> Command) -> Vec<String> {
    let started = VERBS.map(|verb| {
        let mut command = command(verb);
        command.stdout(std::process::Stdio::piped());
        command.stderr(std::process::Stdio::piped());
        (verb, command.spawn().unwrap())
    });
    let said = started.map(|(verb, child)| {
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{verb:?}: {output:?}");
        format!("{verb:?}: {}", stderr(&output))
    });
    said.to_vec()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Line of `doctor --json` about the database.
fn database_check(mut doctor: Command) -> String {
    let output = doctor.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let line = text.lines().find(|it| it.contains(r#""database""#));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_postgres_that_hangs_is_not_said_to_be_away() {
    let server = Server::start_private();
    let pid_file = server.directory.join("data/postgres/data/postmaster.pid");
    let pid_file = std::fs::read_to_string(pid_file).unwrap();
    let pid: i32 = pid_file.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGSTOP).unwrap();
    let said = complaints(|verb| server.verb(verb));
    let checked = database_check(server.verb(&["doctor", "--json"]));
    kill(Pid::from_raw(pid), Signal::SIGCONT).unwrap();
    for said in &said {
        assert!(
            said.contains(&format!("runs (process {pid}) and hangs")),
            "{said}"
        );
        assert!(!said.contains("start the server"), "{said}");
    }
    assert!(
        checked.contains(r#""verdict":"wrong""#) && checked.contains("hangs"),
        "{checked}"
    );
    assert!(!checked.contains("start `hookshelf serve`"), "{checked}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_postgres_that_fell_while_its_server_runs_is_told_of_by_its_log() {
    let server = Server::start_private();
    let data = server.directory.join("data/postgres/data");
    std::fs::write(data.join("postgresql.conf"), "shared_buffers = 'many'\n").unwrap();
    let pid_file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    let pid: i32 = pid_file.lines().next().unwrap().parse().unwrap();
    kill(Pid::from_raw(pid), Signal::SIGINT).unwrap();
    let expected = "does not run, but hookshelf serve (process";
    eventually("it has ended", async || {
        stderr(&server.run(&["events", "list"])).contains(expected)
    })
    .await;
    let said = stderr(&server.run(&["psql", "--", "-c", "SELECT 1"]));
    assert!(said.contains(expected), "{said}");
    let checked = database_check(server.verb(&["doctor", "--json"]));
    assert!(
        checked.contains(r#""verdict":"wrong""#) && checked.contains("and its server does"),
        "{checked}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_postgres_of_another_user_is_not_said_to_be_away() {
    if !nix::unistd::geteuid().is_root() {
        // Only root can switch to another user.
        return;
    }
    let server = Server::start_private();
    let program = reachable_program();
    let nobody = User::from_name("nobody").unwrap().expect("a user nobody");
    let stranger = |verb: &[&str]| {
        let mut command = Command::new(program.join("hookshelf"));
        settle(&mut command, server.directory.path(), None);
        command.args(verb).current_dir("/");
        command.uid(nobody.uid.as_raw()).gid(nobody.gid.as_raw());
        command
    };
    for said in complaints(stranger) {
        assert!(said.contains("user nobody has no access to"), "{said}");
        assert!(said.contains("run this as root or as the user"), "{said}");
    }
    let checked = database_check(stranger(&["doctor", "--json"]));
    assert!(
        checked.contains(r#""verdict":"unchecked""#) && checked.contains("has no access to"),
        "{checked}"
    );
    assert!(!checked.contains("start `hookshelf serve`"), "{checked}");
}

/// A directory with the program, accessible to every user.
fn reachable_program() -> Directory {
    let directory = Directory::create();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_hookshelf"));
    if is_open_to_all(program) {
        std::os::unix::fs::symlink(program, directory.join("hookshelf")).unwrap();
    } else {
        std::fs::copy(program, directory.join("hookshelf")).unwrap();
    }
    directory
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configured_postgres_that_hangs_refuses_or_denies_is_told_apart() {
    let server = Server::start().await;
    // Connections stay in the listen queue and are never accepted.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = silent.local_addr().unwrap();
    let place = server.place.as_ref().unwrap().url();
    let cases = [
        (
            "postgres://nobody@127.0.0.1:1/gone".to_owned(),
            "Postgres is not available; check that it runs",
            "start Postgres",
        ),
        (
            format!("{place}&user=stranger"),
            "Postgres denies access; check user, password and database",
            "correct user, password or database",
        ),
        (
            format!("postgres://nobody@{silent}/silent"),
            "Postgres did not answer in time",
            "check what keeps Postgres busy",
        ),
    ];
    for (url, expected, remedy) in cases {
        let url = [("DATABASE_URL", &*url)];
        let said = stderr(&server.run_with(&["events", "list"], &url));
        assert!(said.contains(expected), "{said}");
        let mut doctor = server.verb(&["doctor", "--json"]);
        doctor.envs(url);
        let checked = database_check(doctor);
        assert!(
            checked.contains(expected) && checked.contains(remedy),
            "{checked}"
        );
        assert_eq!(
            checked.matches("did not answer in time").count(),
            usize::from(expected.contains("in time")),
            "{checked}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_connection_is_said_once_where_the_server_starts_without_its_database() {
    let directory = Directory::create();
    let configuration = format!(
        "[database]\nurl = \"postgres://nobody@127.0.0.1:1/gone\"\n{}",
        apps(["default"])
    );
    std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
    let server = Server::start_in(directory, None);
    let said = server.said().join("\n");
    assert_eq!(said.matches("Connection refused").count(), 1, "{said}");
    let log = server.log();
    let mut lines = log.lines().filter(|line| line.contains("refused"));
    assert!(
        lines.all(|line| line.matches("Connection refused").count() == 1),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_in_use_names_the_key_that_has_it() {
    let server = Server::start().await;
    let elsewhere = server.directory.join("elsewhere").display().to_string();
    for (key, other) in [("http", "admin"), ("admin", "http")] {
        let free = format!("HOOKSHELF__{}__LISTEN", other.to_uppercase());
        let variables = [
            ("HOOKSHELF__DATA_DIR", &*elsewhere),
            (&*free, "127.0.0.1:0"),
        ];
        let said = stderr(&server.run_with(&["serve"], &variables));
        assert!(
            said.contains(&format!("or set {key}.listen to another address")),
            "{said}"
        );
    }
}
