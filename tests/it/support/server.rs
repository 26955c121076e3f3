//! The program as a user runs it: a `hookshelf serve` process, reached over HTTP.
//!
//! The parent of the server is a shell that kills it once the pipe to this process closes, so a
//! killed test binary leaves no server.

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

/// Shell script that runs a program, prints its process id, and kills it when standard input
/// closes.
pub(crate) const GUARD: &str = include_str!("guard.sh");

/// App secret of all test apps.
pub(crate) const SECRET: &str = "the secret of a test";

/// Verify token of all test apps.
pub(crate) const TOKEN: &str = "the token of a test";

/// Variable that allows a server to become ready with a Postgres without fsync.
pub(crate) const ALLOW_LOSSY: &str = "HOOKSHELF__DATABASE__ALLOW_LOSSY_COMMITS";

/// Variable with a base path for all admin listeners of a run. The helpers below then ask below it.
const BASE_PATH: &str = "HOOKSHELF_TEST_BASE_PATH";

/// Base path of the admin listeners of this run.
pub(crate) fn base_path() -> String {
    let given = std::env::var_os(BASE_PATH).unwrap_or_default();
    given.into_string().unwrap()
}

/// A running server with its own database and data directory.
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

/// The shell that guards the server.
#[derive(Debug)]
struct Shell {
    process: Child,
    /// The server runs as long as this end of the connection is open.
    line: Option<OwnedFd>,
}

/// An HTTP response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: hyper::HeaderMap,
    pub(crate) body: Bytes,
}

/// Memory of a process in bytes: now, and at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    pub(crate) now: u64,
    pub(crate) most: u64,
}

/// Configuration that turns the spool off: deliveries that Postgres cannot take get 503.
pub(crate) const NO_SPOOL: &str = "[spool]\nmax_bytes = \"0\"\n";

/// Configuration of apps with these names.
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

    /// Starts a server with this configuration. Addresses, data directory and database come from
    /// the environment.
    pub(crate) async fn start_with(configuration: &str) -> Self {
        let directory = Directory::create();
        let database = TestDatabase::create().await;
        std::fs::write(directory.join("hookshelf.toml"), configuration).unwrap();
        Self::start_in(directory, Some(database))
    }

    /// Same as [`Server::start_with`], with a limit of open files.
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

    /// Starts a server in an existing directory.
    pub(crate) fn start_in(directory: Directory, place: Option<TestDatabase>) -> Self {
        Self::start_called(directory, place, &[], None)
    }

    /// Starts a server with these arguments, and with `programs` first in `PATH`.
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

    /// Starts a server in an existing directory with these variables.
    pub(crate) fn start_where(
        directory: Directory,
        place: Option<TestDatabase>,
        variables: &[(&str, &Path)],
    ) -> Self {
        let mut shell = guarded(&["serve"]);
        settle(&mut shell, directory.path(), place.as_ref());
        shell.envs(variables.iter().copied());
        Self::start_behind(shell, directory, place)
    }

    /// Starts a server with a command made by [`guarded`] and [`settle`].
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

    /// Starts a server with the caller's shell command, prepared with [`settle`]. The shell writes
    /// the server's process id and output to `line`, and kills the server when `line` closes. The
    /// caller sets standard error; the log is expected in `directory`.
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
        // Closes this process' copies of the descriptors passed to the shell.
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

    /// Output during the start.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// Output since the start.
    pub(crate) fn said_later(&self) -> String {
        self.said_later.lock().unwrap().clone()
    }

    /// Contents of the log.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.join("log")).unwrap()
    }

    /// Sends a delivery with a valid signature to `path`.
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
        let mut request = Request::post(path).header("Host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(self.public, request.body(Full::new(body.into())).unwrap()).await
    }

    /// GET on the public listener.
    pub(crate) async fn get(&self, path: &str) -> Answer {
        get(self.public, path).await
    }

    /// GET on the public listener with these headers.
    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::get(path).header("Host", "localhost");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(self.public, request.body(Full::default()).unwrap()).await
    }

    /// GET on the admin listener.
    pub(crate) async fn ask_admin(&self, path: &str) -> Answer {
        get(self.admin, &format!("{}{path}", base_path())).await
    }

    /// Sends a request with these headers to the admin listener.
    pub(crate) async fn ask_admin_with(
        &self,
        call: (&str, &str),
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send_admin(call, headers, "").await
    }

    /// Sends a request with these headers and a body to the admin listener.
    pub(crate) async fn send_admin(
        &self,
        (method, path): (&str, &str),
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let uri = format!("{}{path}", base_path());
        let mut request = Request::builder().method(method).uri(uri);
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request = request.header("Host", "localhost");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        ask(self.admin, request.body(Full::new(body.into())).unwrap()).await
    }

    /// Opens a session with the server's database.
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

    /// A command for another verb with the server's configuration and addresses.
    pub(crate) fn verb(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hookshelf"));
        settle(&mut command, self.directory.path(), self.place.as_ref());
        command.env("HOOKSHELF__HTTP__LISTEN", self.public.to_string());
        command.env("HOOKSHELF__ADMIN__LISTEN", self.admin.to_string());
        command.args(arguments).stdin(Stdio::null());
        command
    }

    /// Runs another verb with the server's configuration and addresses.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(arguments, &[])
    }

    /// Same as [`Server::run`], with additional variables.
    pub(crate) fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut verb = self.verb(arguments);
        verb.envs(variables.iter().copied()).output().unwrap()
    }

    /// Memory of the server.
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

    /// Process id.
    pub(crate) fn pid(&self) -> i32 {
        self.pid
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.pid), signal).unwrap();
    }

    /// Sends a signal; returns false if the process has ended.
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

    /// Waits until the server has ended.
    pub(crate) fn wait(mut self) -> (ExitStatus, Directory, Option<TestDatabase>) {
        let status = self.shell.process.wait().unwrap();
        (status, self.directory, self.place)
    }

    /// Stops the server and waits.
    pub(crate) fn stop(self) -> (ExitStatus, Directory, Option<TestDatabase>) {
        self.signal(Signal::SIGTERM);
        self.wait()
    }
}

/// A command for the program with these arguments, guarded by a shell that kills it when standard
/// input closes. The first output line is the process id of the program.
pub(crate) fn guarded(arguments: &[&str]) -> Command {
    guarded_after("", arguments)
}

/// Same as [`guarded`], after the shell commands `first`.
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

/// Sets the environment of a command: configuration file, data directory, database and free ports,
/// without the variables of the test process.
pub(crate) fn settle(command: &mut Command, directory: &Path, place: Option<&TestDatabase>) {
    command.env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command.env("HOOKSHELF_CONFIG", directory.join("hookshelf.toml"));
    command.env("HOOKSHELF__DATA_DIR", directory.join("data"));
    command.envs(place.map(|place| ("DATABASE_URL", place.url())));
    // Test servers run with fsync off.
    command.envs(place.map(|_| (ALLOW_LOSSY, "true")));
    command.env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0");
    command.env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0");
    if std::env::var_os(BASE_PATH).is_some() {
        command.env("HOOKSHELF__ADMIN__BASE_PATH", base_path());
    }
}

/// `PATH` with another directory in front.
pub(crate) fn path_from(first: &Path) -> OsString {
    let usual = std::env::var_os("PATH").unwrap_or_default();
    let first = std::iter::once(first.to_owned());
    std::env::join_paths(first.chain(std::env::split_paths(&usual))).unwrap()
}

/// Reads output until its end, so that the program never gets a broken pipe.
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
        .header("Host", "localhost")
        .body(Full::default());
    ask(address, request.unwrap()).await
}

async fn ask(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    try_ask(address, request).await.expect("the server answers")
}

/// Sends a request to a server that may not be running.
pub(crate) async fn try_ask(
    address: SocketAddr,
    request: Request<Full<Bytes>>,
) -> anyhow::Result<Answer> {
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

/// Sends a delivery with a valid signature to a server that may not be running.
pub(crate) async fn deliver_to(
    address: SocketAddr,
    path: &str,
    body: impl Into<Bytes>,
) -> anyhow::Result<Answer> {
    let body = body.into();
    let signature = sign(&SecretString::from(SECRET), &body);
    let request = Request::post(path).header("Host", "localhost");
    let request = request
        .header("X-Hub-Signature-256", signature)
        .body(Full::new(body))?;
    try_ask(address, request).await
}

impl Drop for Shell {
    fn drop(&mut self) {
        if let Some(line) = self.line.take().map(UnixStream::from) {
            // Ends the connection even if the reading thread holds a duplicate of the socket; has
            // no effect on a pipe.
            let _ = line.shutdown(Shutdown::Both);
        }
        let _ = self.process.wait();
    }
}
