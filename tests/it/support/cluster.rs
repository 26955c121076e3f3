//! A dedicated Postgres, which a test may kill, stop, limit and promote.

use std::{
    fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use hookshelf::store::private::{PrivatePostgres, Settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::{Pid, geteuid},
};
use sqlx::{
    ConnectOptions,
    postgres::{PgConnectOptions, PgConnection},
};

use super::{directory::Directory, eventually, moved_clock::MovedClock};

/// Runs a program with a limit of its file size, in blocks of 512 bytes.
const LIMITED: &str = r#"ulimit -f "$1"; shift; exec "$@""#;

/// A server and its data directory.
#[derive(Debug)]
pub(crate) struct Cluster {
    data: PathBuf,
    programs: PathBuf,
    options: PgConnectOptions,
    settings: Vec<String>,
    variables: Vec<(String, PathBuf)>,
    process: Option<Child>,
    /// Deletes the data and stops a leftover server.
    directory: std::sync::Arc<Directory>,
}

impl Cluster {
    /// Creates the data directory. `settings`, such as `fsync=on`, are used by later starts.
    pub(crate) async fn make(settings: &[&str]) -> Self {
        let directory = Directory::create();
        let mut private = Settings::new(directory.join("postgres"));
        private.search_path = std::env::var_os("PATH");
        private.durable = false;
        let made = PrivatePostgres::start(private).await.unwrap();
        let options = made.connect_options().disable_statement_logging();
        made.stop().await.unwrap();
        let data = directory.join("postgres/data");
        let started_by = fs::read_to_string(data.join("postmaster.opts")).unwrap();
        let program = PathBuf::from(started_by.split(' ').next().unwrap());
        Self {
            data,
            programs: program.parent().unwrap().to_owned(),
            options,
            settings: settings.iter().map(ToString::to_string).collect(),
            variables: Vec::new(),
            process: None,
            directory: directory.into(),
        }
    }

    /// Creates the data directory and starts the server.
    pub(crate) async fn start_with(settings: &[&str]) -> Self {
        let mut this = Self::make(settings).await;
        this.start().await;
        this
    }

    /// Starts a server with a clock that the test moves.
    pub(crate) async fn start_with_a_clock() -> (Self, MovedClock) {
        let mut this = Self::make(&[]).await;
        let clock = MovedClock::create(this.directory.path());
        let variables = clock.variables();
        let variables = variables.map(|(name, path)| (name.to_owned(), path.to_owned()));
        this.variables.extend(variables);
        this.start().await;
        (this, clock)
    }

    /// Connection options.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Connection URL for `[database] url`.
    pub(crate) fn url(&self) -> String {
        let socket = self.options.get_socket().unwrap().as_os_str();
        let host: String = form_urlencoded::byte_serialize(socket.as_encoded_bytes()).collect();
        let port = self.options.get_port();
        format!("postgres://hookshelf@localhost:{port}/hookshelf?host={host}")
    }

    /// Opens a session.
    pub(crate) async fn connect(&self) -> PgConnection {
        self.options.connect().await.unwrap()
    }

    /// Starts the server and waits until it answers.
    pub(crate) async fn start(&mut self) {
        self.start_limited(None).await;
    }

    /// Starts the server with a maximum file size of `kib` KiB.
    pub(crate) async fn start_on_a_small_disk(&mut self, kib: u32) {
        self.start_limited(Some(kib)).await;
    }

    /// Retries a start that ended: processes of a killed server may need a moment to end.
    async fn start_limited(&mut self, file_kib: Option<u32>) {
        self.spawn(file_kib);
        eventually("Postgres answers", async || {
            let process = self.process.as_mut().unwrap();
            if process.try_wait().unwrap().is_some() {
                self.spawn(file_kib);
            }
            self.options.connect().await.is_ok()
        })
        .await;
    }

    /// Starts the server without waiting.
    fn spawn(&mut self, file_kib: Option<u32>) {
        let mut command = match file_kib {
            Some(kib) => {
                let mut shell = self.command("sh".into());
                shell.args(["-c", LIMITED, "limited", &(2 * kib).to_string()]);
                shell.arg(self.programs.join("postgres"));
                shell
            }
            None => self.command(self.programs.join("postgres")),
        };
        let socket = self.options.get_socket().unwrap().to_owned();
        fs::create_dir_all(&socket).unwrap();
        self.give_away(&socket);
        command.arg("-D").arg(&self.data).arg("-k").arg(socket);
        let port = self.options.get_port();
        // With file-based shared memory a killed server leaves no files outside of its data
        // directory.
        let usual = [
            "fsync=off",
            "listen_addresses=",
            "max_connections=20",
            "dynamic_shared_memory_type=mmap",
        ];
        let given = self.settings.iter().map(String::as_str);
        for setting in usual.into_iter().chain(given) {
            command.args(["-c", setting]);
        }
        command.args(["-c", &format!("port={port}")]);
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(self.directory.join("cluster.log"))
            .unwrap();
        command.stderr(log.try_clone().unwrap()).stdout(log);
        self.process = Some(command.stdin(Stdio::null()).spawn().unwrap());
    }

    /// Kills the server process, which has the effect of a power cut.
    pub(crate) fn kill(&mut self) {
        self.end_by(Signal::SIGKILL);
    }

    /// Fast shutdown: ends all sessions first.
    pub(crate) fn stop(&mut self) {
        self.end_by(Signal::SIGINT);
    }

    fn end_by(&mut self, signal: Signal) {
        let Some(mut process) = self.process.take() else {
            return;
        };
        let _ = kill(pid_of(&process), signal);
        process.wait().unwrap();
    }

    /// Waits until the server has ended.
    pub(crate) async fn until_it_fell(&mut self) {
        let process = self.process.as_mut().unwrap();
        eventually("Postgres has ended", async || {
            process.try_wait().unwrap().is_some()
        })
        .await;
        self.process = None;
    }

    /// Freezes all server processes.
    pub(crate) fn freeze(&self) {
        self.signal_all(Signal::SIGSTOP);
    }

    /// Thaws all server processes.
    pub(crate) fn thaw(&self) {
        self.signal_all(Signal::SIGCONT);
    }

    /// Signals the postmaster first, so that it starts no further processes.
    fn signal_all(&self, signal: Signal) {
        let Some(process) = &self.process else {
            return;
        };
        let pid = pid_of(process);
        let _ = kill(pid, signal);
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            let _ = kill(Pid::from_raw(child.parse().unwrap()), signal);
        }
    }

    /// Reduces the WAL segment size; the server must not be running.
    pub(crate) fn make_log_files_small(&self) {
        let mut command = self.command(self.programs.join("pg_resetwal"));
        command.arg("--wal-segsize=1").arg(&self.data);
        assert!(command.output().unwrap().status.success());
    }

    /// Forbids or allows new WAL files. Forbidding them has the effect of a full disk.
    pub(crate) fn let_log_grow(&self, allowed: bool) {
        let mode = if allowed { 0o700 } else { 0o500 };
        let log = self.data.join("pg_wal");
        fs::set_permissions(log, fs::Permissions::from_mode(mode)).unwrap();
    }

    /// Creates and starts a standby of this server.
    pub(crate) async fn standby(&self) -> Self {
        let data = self.data.with_file_name("standby");
        fs::create_dir(&data).unwrap();
        fs::set_permissions(&data, fs::Permissions::from_mode(0o700)).unwrap();
        self.give_away(&data);
        let mut command = self.command(self.programs.join("pg_basebackup"));
        let socket = self.options.get_socket().unwrap();
        command
            .arg("-h")
            .arg(socket)
            .args(["-U", "hookshelf", "-c", "fast", "-R"]);
        command.args(["-p", &self.options.get_port().to_string()]);
        let copied = command.arg("-D").arg(&data).output().unwrap();
        assert!(copied.status.success(), "{copied:?}");
        let mut standby = Self {
            data,
            programs: self.programs.clone(),
            options: self.options.clone().port(self.options.get_port() + 1),
            settings: vec!["synchronous_commit=on".to_owned()],
            variables: Vec::new(),
            process: None,
            directory: self.directory.clone(),
        };
        standby.start().await;
        standby
    }

    /// A command that runs as the owner of the data.
    fn command(&self, program: PathBuf) -> Command {
        let mut command = Command::new(program);
        if geteuid().is_root() {
            let owner =
                fs::metadata(&self.data).or_else(|_| fs::metadata(self.data.parent().unwrap()));
            let owner = owner.unwrap();
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.current_dir("/").env("LC_ALL", "C");
        let variables = self.variables.iter();
        command.envs(variables.map(|(name, path)| (name, path)));
        command
    }

    fn give_away(&self, path: &std::path::Path) {
        if geteuid().is_root() {
            let owner = fs::metadata(&self.data).unwrap();
            chown(path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.thaw();
        self.end_by(Signal::SIGQUIT);
    }
}

fn pid_of(process: &Child) -> Pid {
    Pid::from_raw(process.id().try_into().unwrap())
}
