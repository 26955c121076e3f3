//! Socket activation as systemd does it: somebody else holds the sockets, and the server gets them
//! with the variables that say so.

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

/// Passes standard input and standard error on as descriptors 3 and 4, with what systemd says
/// about them. Standard output is a line in both directions: it tells the process id and what the
/// server says, and the server is killed when the other end closes.
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

/// A socket of its own for one listener.
pub(crate) fn socket() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").unwrap()
}

/// The shell that passes up to two sockets on, and the other end of its line.
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

/// A server with these sockets and variables.
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

/// A directory with the configuration of the app `default`.
pub(crate) fn directory() -> Directory {
    let directory = Directory::create();
    std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
    directory
}
