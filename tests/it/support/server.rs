//! The program as a user runs it: `hookshelf serve` in a process of its own, reached over HTTP.
//!
//! It stands behind a shell that kills it when the pipe to this process closes, so that a test
//! binary that is killed leaves no server.

use std::{
    ffi::OsString,
    fs::File,
    io::{BufRead, BufReader},
    net::{Shutdown, SocketAddr},
    os::{fd::OwnedFd, unix::net::UnixStream},
    path::Path,
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, client::conn::http1};
use hyper_util::rt::TokioIo;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use secrecy::SecretString;
use sqlx::{Connection, PgConnection};
use tokio::net::TcpStream;

use super::{directory::Directory, postgres::TestDatabase};
use hookshelf::{
    meta::signature::sign,
    store::private::{self, PrivatePostgres},
};

/// Runs a program, and kills it when standard input closes.
const GUARD: &str = include_str!("guard.sh");

/// What signs deliveries to the apps of a test.
pub(crate) const SECRET: &str = "the secret of a test";

/// The verify token of those apps.
pub(crate) const TOKEN: &str = "the token of a test";

/// Lets a server be ready with a Postgres that does not wait for the disk.
pub(crate) const ALLOW_LOSSY: &str = "HOOKSHELF__DATABASE__ALLOW_LOSSY_COMMITS";

/// A running server with a database and a data directory of its own.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) public: SocketAddr,
    pub(crate) admin: SocketAddr,
    pub(crate) place: Option<TestDatabase>,
    pub(crate) directory: Directory,
    said: Vec<String>,
    said_later: Arc<Mutex<String>>,
    pid: i32,
    shell: Shell,
}

/// The shell that the server stands behind.
#[derive(Debug)]
struct Shell {
    process: Child,
    /// The server lives as long as this end of the line is open.
    line: Option<OwnedFd>,
}

/// An answer over HTTP.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

/// What a process holds in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

/// The part of a configuration that switches the spool off: what Postgres does not take gets 503.
pub(crate) const NO_SPOOL: &str = "[spool]\nmax_bytes = \"0\"\n";

/// The configuration of apps with these names.
pub(crate) fn apps<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let app =
        |name| format!("[apps.{name}]\napp_secret = \"{SECRET}\"\nverify_token = \"{TOKEN}\"\n");
    names.into_iter().map(app).collect()
}

impl Server {
    /// Starts a server with the app `default`.
    pub(crate) async fn start() -> Self {
        Self::start_with(&apps(["default"])).await
    }

    /// Starts a server with the app `default`, and without a spool.
    pub(crate) async fn start_without_spool() -> Self {
        Self::start_with(&format!("{}{NO_SPOOL}", apps(["default"]))).await
    }

    /// Starts a server with this configuration beside addresses, data directory and database.
    pub(crate) async fn start_with(configuration: &str) -> Self {
        let directory = Directory::create();
        let database = TestDatabase::create().await;
        std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
        Self::start_in(directory, Some(database))
    }

    /// As [`Server::start_with`], where the system lets it have only so many files open.
    pub(crate) async fn start_with_files(configuration: &str, files: u64) -> Self {
        let directory = Directory::create();
        let database = TestDatabase::create().await;
        std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
        let mut shell = guarded_after(&format!("ulimit -n {files}\n"), &["serve"]);
        settle(&mut shell, directory.path(), Some(&database));
        Self::start_behind(shell, directory, Some(database))
    }

    /// Starts a server with a private Postgres.
    pub(crate) fn start_private() -> Self {
        let directory = Directory::create();
        std::fs::write(directory.join("hookshelf.toml"), apps(["default"])).unwrap();
        Self::start_in(directory, None)
    }

    /// Starts a server where one was before.
    pub(crate) fn start_in(directory: Directory, place: Option<TestDatabase>) -> Self {
        Self::start_called(directory, place, &[], None)
    }

    /// Starts a server with these arguments, and with the programs of this directory before others.
    pub(crate) fn start_called(
        directory: Directory,
        place: Option<TestDatabase>,
        arguments: &[&str],
        programs: Option<&Path>,
    ) -> Self {
        let mut shell = guarded(&[&["serve"], arguments].concat());
        settle(&mut shell, directory.path(), place.as_ref());
        shell.envs(programs.map(|first| ("PATH", path_from(first))));
        Self::start_behind(shell, directory, place)
    }

    /// Starts it behind this [guarded] and [settled](settle) shell.
    fn start_behind(mut shell: Command, directory: Directory, place: Option<TestDatabase>) -> Self {
        shell.stderr(std::fs::File::create(directory.join("log")).unwrap());
        let mut process = shell.spawn().unwrap();
        let line = process.stdin.take().unwrap().into();
        let said = OwnedFd::from(process.stdout.take().unwrap()).into();
        let shell = Shell {
            process,
            line: Some(line),
        };
        Self::attend(shell, said, directory, place)
    }

    /// Starts a server in a shell of the caller's making, which is [settled](settle): it tells the server's process id on
    /// `line` and then what the server says, and kills the server when `line` closes. Standard
    /// error is the caller's; the log goes where `directory` has it.
    pub(crate) fn start_by(
        mut shell: Command,
        line: OwnedFd,
        directory: Directory,
        place: Option<TestDatabase>,
    ) -> Self {
        let said = line.try_clone().unwrap().into();
        let shell_with_line = Shell {
            process: shell.spawn().unwrap(),
            line: Some(line),
        };
        // The caller's ends of what the shell was given close here.
        drop(shell);
        Self::attend(shell_with_line, said, directory, place)
    }

    fn attend(shell: Shell, said: File, directory: Directory, place: Option<TestDatabase>) -> Self {
        let mut lines = BufReader::new(said).lines().map(Result::unwrap);
        let pid = lines
            .next()
            .and_then(|line| line.parse().ok())
            .expect("the shell tells the pid");
        let said: Vec<_> = lines
            .by_ref()
            .take_while(|line| !line.contains("events list"))
            .collect();
        let said_later = Arc::default();
        keep_listening(lines, Arc::clone(&said_later));
        let log = || std::fs::read_to_string(directory.join("log")).unwrap();
        let address = |what: &str| {
            let found = said.iter().find_map(|line| after_http(line, what));
            found.unwrap_or_else(|| panic!("the server does not start:\n{}", log()))
        };
        Self {
            public: address("listens on"),
            admin: address("operators"),
            place,
            directory,
            said,
            said_later,
            pid,
            shell,
        }
    }

    /// What it printed at its start.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// What it has printed since.
    pub(crate) fn said_later(&self) -> String {
        self.said_later.lock().unwrap().clone()
    }

    /// What it logged.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap()
    }

    /// Sends a delivery to `path` with the right signature.
    pub(crate) async fn deliver(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        deliver_to(self.public, path, body)
            .await
            .expect("the server answers")
    }

    /// Sends a POST with these headers.
    pub(crate) async fn post(
        &self,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = Request::post(path).header("Host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(self.public, request.body(Full::new(body.into())).unwrap()).await
    }

    /// Asks the public listener.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.public, path).await
    }

    /// Asks the public listener with these headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header("Host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(self.public, request.body(Full::default()).unwrap()).await
    }

    /// Asks the admin listener.
    pub(crate) async fn ask_admin(&self, path: &str) -> Answer {
        get(self.admin, path).await
    }

    /// Looks into the database.
    pub(crate) async fn database(&self) -> PgConnection {
        if let Some(place) = &self.place {
            return place.connect().await;
        }
        let settings = private::Settings::new(self.directory.join("data/postgres"));
        let options = PrivatePostgres::connect_if_running(&settings)
            .await
            .unwrap();
        PgConnection::connect_with(&options).await.unwrap()
    }

    /// Another verb beside it, with the same configuration.
    pub(crate) fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        settle(&mut command, self.directory.path(), self.place.as_ref());
        command.env("HOOKSHELF__HTTP__LISTEN", self.public.to_string());
        command.env("HOOKSHELF__ADMIN__LISTEN", self.admin.to_string());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs another verb beside it, with the same configuration.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// As [`Server::run`], with these variables on top.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut verb = self.verb(arguments);
        verb.envs(variables.iter().copied()).output().unwrap()
    }

    /// Bytes of memory that it holds now, and that it held at most.
    pub(crate) fn memory(&self) -> Memory {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let bytes = |key: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(key));
            let kilobytes = line.and_then(|line| line.split_whitespace().next());
            kilobytes.unwrap().parse::<u64>().unwrap() << 10
        };
        Memory {
            now: bytes("VmRSS:"),
            most: bytes("VmHWM:"),
        }
    }

    /// Its process.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }

    /// Sends it a signal if it is still there.
    pub(crate) fn try_signal(&self, signal: Signal) -> bool {
        kill(Pid::from_raw(self.pid), signal).is_ok()
    }

    /// Gives a command the configuration and the addresses of this server.
    pub(crate) fn settle(&self, command: &mut Command) {
        settle(command, self.directory.path(), self.place.as_ref());
        command.env("PATH", path_from(&self.directory.join("bin")));
        command.env("HOOKSHELF__HTTP__LISTEN", self.public.to_string());
        command.env("HOOKSHELF__ADMIN__LISTEN", self.admin.to_string());
    }

    /// Waits until it has ended by itself.
    pub(crate) fn wait(mut self) -> (ExitStatus, Directory, Option<TestDatabase>) {
        let status = self.shell.process.wait().unwrap();
        (status, self.directory, self.place)
    }

    /// Asks it to stop, and waits.
    pub(crate) fn stop(self) -> (ExitStatus, Directory, Option<TestDatabase>) {
        self.signal(Signal::SIGTERM);
        self.wait()
    }
}

/// The program with these arguments, behind the shell that kills it when its standard input closes.
/// The first line that it prints is the process id of the program.
pub(crate) fn guarded(arguments: &[&str]) -> Command {
    guarded_after("", arguments)
}

/// As [`guarded`]; the shell does something else `first`.
fn guarded_after(first: &str, arguments: &[&str]) -> Command {
    let mut shell = Command::new("sh");
    let program = env!("CARGO_BIN_EXE_hookshelf");
    let script = format!("{first}{GUARD}");
    shell
        .args(["-c", &script, "guard", program])
        .args(arguments);
    shell.stdin(Stdio::piped()).stdout(Stdio::piped());
    shell
}

/// Configuration by file, the rest by environment, and nothing of the environment of the tests.
pub(crate) fn settle(command: &mut Command, directory: &Path, place: Option<&TestDatabase>) {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOOKSHELF_CONFIG", directory.join("hookshelf.toml"));
    command.env("HOOKSHELF__DATA_DIR", directory.join("data"));
    command.envs(place.map(|place| ("DATABASE_URL", place.url())));
    // The server of the tests throws its data away and does not wait for the disk.
    command.envs(place.map(|_| (ALLOW_LOSSY, "true")));
    command.env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0");
    command.env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0");
}

/// The usual `PATH` behind another directory.
pub(crate) fn path_from(first: &Path) -> OsString {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let first = std::iter::once(first.to_owned());
    std::env::join_paths(first.chain(std::env::split_paths(&usual))).unwrap()
}

/// Takes note of what is printed until the end, so that nobody is told that nobody reads.
fn keep_listening(lines: impl Iterator<Item = String> + Send + 'static, into: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in lines {
            let mut said = into.lock().unwrap();
            said.push_str(&line);
            said.push('\n');
        }
    });
}

fn after_http(line: &str, what: &str) -> Option<SocketAddr> {
    let address = line
        .trim()
        .strip_prefix(what)?
        .trim()
        .strip_prefix("http://")?;
    address.split(['/', ' ']).next()?.parse().ok()
}

async fn get(address: SocketAddr, path: &str) -> Answer {
    let request = Request::get(path)
        .header("Host", "test")
        .body(Full::default());
    ask(address, request.unwrap()).await
}

async fn ask(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    try_ask(address, request).await.expect("the server answers")
}

async fn try_ask(address: SocketAddr, request: Request<Full<Bytes>>) -> anyhow::Result<Answer> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let (head, body) = sender.send_request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();
    Ok(Answer {
        status: head.status.as_u16(),
        headers: head.headers,
        body,
    })
}

/// Sends a delivery with the right signature to a server that may not be there.
pub(crate) async fn deliver_to(
    address: SocketAddr,
    path: &str,
    body: impl Into<Bytes>,
) -> anyhow::Result<Answer> {
    let body = body.into();
    let signature = sign(&SecretString::from(SECRET), &body);
    let request = Request::post(path).header("Host", "test");
    let request = request
        .header("X-Hub-Signature-256", signature)
        .body(Full::new(body))?;
    try_ask(address, request).await
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(line) = self.line.take().map(UnixStream::from) {
            // Who listens to the server may hold a socket's other name; of a pipe nobody does.
            let _ = line.shutdown(Shutdown::Both);
        }
        let _ = self.process.wait();
    }
}
