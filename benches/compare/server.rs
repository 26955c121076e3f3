//! A measured server, in its own process.

use std::{
    fs::File,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use anyhow::Context;
use axum::serve::{ListenerExt, TapIo};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tokio::net::{TcpListener, TcpStream};

/// App secret that signs the deliveries.
pub(crate) const SECRET: &str = "the secret of a bench";

/// The program of this checkout.
pub(crate) const HOOKSHELF: &str = env!("CARGO_BIN_EXE_hookshelf");

/// Shell script that runs a program, prints its process id, and kills it when standard input
/// closes, so that a killed bench leaves no server behind.
const GUARD: &str = include_str!("../../tests/it/support/guard.sh");

/// Kind of server to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ServerKind {
    /// `hookshelf serve`.
    Hookshelf,
    /// The plain receiver.
    Plain,
    /// The outside receiver.
    Outside,
    /// The floor: the same listener, answering without storing.
    Floor,
}

impl ServerKind {
    /// Program and its role.
    fn program(self) -> anyhow::Result<(PathBuf, &'static str)> {
        Ok(match self {
            Self::Hookshelf => (PathBuf::from(HOOKSHELF), "serve"),
            Self::Plain => (std::env::current_exe()?, "plain"),
            Self::Outside => (std::env::current_exe()?, "outside"),
            Self::Floor => (std::env::current_exe()?, "floor"),
        })
    }
}

/// A running server.
pub(crate) struct Server {
    pub(crate) pid: i32,
    pub(crate) address: SocketAddr,
    shell: Child,
    /// Pipe that keeps the server alive.
    line: Option<ChildStdin>,
    /// Kept open, so that a server that prints does not fail.
    said: BufReader<ChildStdout>,
}

impl Server {
    /// Starts a server on the database at `url`; its files stay in `dir`.
    pub(crate) fn start(kind: ServerKind, url: &str, dir: &Path) -> anyhow::Result<Self> {
        let (program, role) = kind.program()?;
        Self::start_program(&program, role, url, dir)
    }

    /// Starts a program as a server. A file `hookshelf.toml` in `dir` is its configuration.
    pub(crate) fn start_program(
        program: &Path,
        role: &str,
        url: &str,
        dir: &Path,
    ) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir)?;
        let (log, config) = (dir.join("log"), dir.join("hookshelf.toml"));
        let config = config.is_file().then_some(("HOOKSHELF_CONFIG", config));
        let mut shell = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .arg(program)
            .arg(role)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(config)
            .env("DATABASE_URL", url)
            .env("HOOKSHELF__DATA_DIR", dir.join("data"))
            .env("HOOKSHELF__HTTP__LISTEN", "127.0.0.1:0")
            .env("HOOKSHELF__ADMIN__LISTEN", "127.0.0.1:0")
            .env("HOOKSHELF__APPS__DEFAULT__APP_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .spawn()?;
        let line = shell.stdin.take();
        let mut said = BufReader::new(shell.stdout.take().context("no output")?);
        let told = listen(&mut said);
        let (pid, address) = told.with_context(|| {
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            format!("{} {role} does not start: {log}", program.display())
        })?;
        Ok(Self {
            pid,
            address,
            shell,
            line,
            said,
        })
    }

    /// Address of the admin listener of `hookshelf serve`.
    pub(crate) fn admin(&mut self) -> anyhow::Result<SocketAddr> {
        for line in (&mut self.said).lines() {
            let line = line?;
            if let Some((_, address)) = line.split_once("operators") {
                let address = address.trim().strip_prefix("http://");
                let address = address.and_then(|it| it.split('/').next());
                return Ok(address.context("no address")?.parse()?);
            }
        }
        anyhow::bail!("it has ended")
    }

    /// Stops the server with SIGTERM, and waits.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        kill(Pid::from_raw(self.pid), Signal::SIGTERM)?;
        self.shell.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.line.take());
        let _ = self.shell.wait();
    }
}

/// Binds a listener, prints its address, and switches Nagle's algorithm off.
pub(crate) async fn bind(
    address: SocketAddr,
) -> anyhow::Result<TapIo<TcpListener, fn(&mut TcpStream)>> {
    let listener = TcpListener::bind(address).await?;
    println!("listens on http://{}", listener.local_addr()?);
    // On a broken connection this fails, and so does the next read.
    let at_once: fn(&mut TcpStream) = |stream| drop(stream.set_nodelay(true));
    Ok(listener.tap_io(at_once))
}

/// Reads the process id, and the address once deliveries are accepted.
fn listen(said: &mut impl BufRead) -> anyhow::Result<(i32, SocketAddr)> {
    let mut lines = said.lines();
    let pid = lines.next().context("no process id")??.parse()?;
    for line in lines {
        if let Some(address) = line?.trim().strip_prefix("listens on") {
            let address = address.trim().strip_prefix("http://");
            return Ok((pid, address.context("no address")?.parse()?));
        }
    }
    anyhow::bail!("it has ended")
}
