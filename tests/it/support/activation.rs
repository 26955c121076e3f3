//! Socket activation as by systemd: the test holds the sockets and passes them to the server with
//! the matching variables.

use std::{
    net::TcpListener,
    os::{fd::OwnedFd, unix::net::UnixStream},
    process::{Command, Stdio},
};

use super::{
    directory::Directory,
    postgres::TestDatabase,
    server::{Server, apps, settle},
};

/// Shell script that passes standard input and standard error as descriptors 3 and 4, and sets
/// systemd's variables. Standard output is a two-way connection: the script writes the process id
/// and the server's output, and kills the server when the other end closes.
const PASS: &str = r#"
exec 3<&0 4<&2 5<&1 </dev/null 2>"$LOG"
sh -c 'export LISTEN_PID=${FOR:-$$}; exec "$@" 5<&-' pass "$@" &
program=$!
exec 3<&- 4<&-
echo "$program"
{ while read -r _; do :; done <&5; kill -KILL "$program" 2>/dev/null; } &
watch=$!
exec 1>&- 5<&-
wait "$program"
code=$?
kill "$watch" 2>/dev/null
exit "$code"
"#;

/// A listening socket on a free port.
pub(crate) fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// A command for [`PASS`] with up to two sockets, and the other end of its connection.
pub(crate) fn shell(
    directory: &Directory,
    place: Option<&TestDatabase>,
    sockets: Vec<OwnedFd>,
    env: &[(&str, &str)],
) -> (Command, OwnedFd) {
    let (line, theirs) = UnixStream::pair().unwrap();
    let mut shell = Command::new("sh");
    settle(&mut shell, directory.path(), place);
    shell.args(["-c", PASS, "pass", env!("CARGO_BIN_EXE_hookshelf"), "serve"]);
    let mut sockets = sockets.into_iter();
    let mut next = || sockets.next().map_or_else(Stdio::null, Stdio::from);
    shell.stdin(next()).stderr(next());
    shell.stdout(OwnedFd::from(theirs));
    shell.env("LOG", directory.join("log"));
    shell.envs(env.iter().copied());
    (shell, line.into())
}

/// Starts a server with these sockets and variables.
pub(crate) fn start(
    directory: Directory,
    place: Option<TestDatabase>,
    sockets: &[&TcpListener],
    env: &[(&str, &str)],
) -> Server {
    let passed = sockets
        .iter()
        .map(|socket| socket.try_clone().unwrap().into());
    let (shell, line) = shell(&directory, place.as_ref(), passed.collect(), env);
    Server::start_by(shell, line, directory, place)
}

/// A directory with a configuration of the app `default`.
pub(crate) fn directory() -> Directory {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    directory
}
