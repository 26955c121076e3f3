//! Errors of the private Postgres, each with advice for the operator.

use std::io;
use std::path::{Path, PathBuf};

use super::MINIMUM_MAJOR;

/// Failure to start, keep or stop the private Postgres.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory of the private Postgres could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// Attempted action.
        action: &'static str,
        /// Path of the file or directory.
        path: PathBuf,
        /// Error of the system.
        #[source]
        source: io::Error,
    },
    /// Another process uses the directory; nothing in it was changed.
    #[error(
        "the private Postgres in {} is in use by {}; stop that process first, or give this one \
         another data_dir",
        dir.display(), holder(*pid)
    )]
    Locked {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// Pid of the other process, from its lock file.
        pid: Option<u32>,
    },
    /// There are no Postgres programs on this machine.
    #[error("no Postgres server programs (postgres and initdb) were found{}; {INSTALL}", major(*wanted))]
    NoBinaries {
        /// Major version of the existing data.
        wanted: Option<u32>,
    },
    /// The configured directory holds no usable Postgres programs.
    #[error(
        "bin_dir {} has no postgres and initdb that user {user} can run; it is the directory that \
         holds both, such as /usr/lib/postgresql/15/bin",
        dir.display()
    )]
    BinDir {
        /// Configured directory.
        dir: PathBuf,
        /// User of the programs.
        user: String,
    },
    /// The programs of the data's major version are missing.
    #[error(
        "the data in {} were made by Postgres {wanted}, and only version {} was found here; \
         install Postgres {wanted} again (Debian, Ubuntu: apt-get install postgresql-{wanted}), \
         or dump the data with it and restore them into a new data_dir",
        data.display(), list(found)
    )]
    WrongMajor {
        /// Data directory.
        data: PathBuf,
        /// Major version in `PG_VERSION`.
        wanted: u32,
        /// Major versions found.
        found: Vec<u32>,
    },
    /// All versions of Postgres found are too old.
    #[error(
        "only Postgres {} was found, and Hookshelf needs {MINIMUM_MAJOR} or newer; {INSTALL}",
        list(found)
    )]
    TooOld {
        /// Major versions found.
        found: Vec<u32>,
    },
    /// The directory holds files, but no data of a private Postgres.
    #[error(
        "{} is not empty and holds no Postgres data; move it away or give another data_dir",
        data.display()
    )]
    NotOurs {
        /// Data directory.
        data: PathBuf,
    },
    /// There is no user to run Postgres.
    #[error(
        "Postgres refuses to run as root and there is no user {name} to run it as; make one \
         (useradd --system {name}) or name another: run_as under [database]"
    )]
    NoAccount {
        /// Name of the missing user.
        name: String,
    },
    /// `run_as` names another user, and this process cannot change its user.
    #[error("run_as = \"{name}\" needs root; this process runs as user {own}")]
    CannotSwitch {
        /// User in `run_as`.
        name: String,
        /// User of this process.
        own: String,
    },
    /// This user has no entry in the list of users, and initdb requires an entry.
    #[error(
        "this process runs as uid {uid}, which has no entry in /etc/passwd, and initdb refuses \
         that; add one, or use another user"
    )]
    NamelessUser {
        /// Uid without an entry.
        uid: u32,
    },
    /// The data belong to another user.
    #[error(
        "the data in {} belong to user {owner} and this process runs as {own}; run it as {owner} \
         or as root, or give another data_dir",
        data.display()
    )]
    ForeignData {
        /// Data directory.
        data: PathBuf,
        /// Owner of the data.
        owner: String,
        /// User of this process.
        own: String,
    },
    /// The user of Postgres cannot enter the directory.
    #[error(
        "Postgres runs as user {user} here (it refuses root), and {user} cannot enter {}, a parent \
         directory of {}; use a data_dir elsewhere, such as /var/lib/hookshelf, or run: chmod o+x \
         {}",
        at.display(), dir.display(), at.display()
    )]
    Unreachable {
        /// Directory of the private Postgres.
        dir: PathBuf,
        /// User of Postgres.
        user: String,
        /// Directory without access for that user.
        at: PathBuf,
    },
    /// The directory for the socket belongs to another user.
    #[error(
        "{} should hold the socket of the private Postgres and belongs to somebody else; remove \
         it, or give a shorter data_dir (the socket then lives in there)",
        dir.display()
    )]
    SocketDir {
        /// Directory for the socket.
        dir: PathBuf,
    },
    /// A program of Postgres could not be started.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// Error of the system.
        #[source]
        source: io::Error,
    },
    /// initdb failed.
    #[error("initdb failed to create the database: {output}")]
    Initdb {
        /// Last lines of the output.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("Postgres exited while it was starting; the last lines of {}: {tail}", log.display())]
    Exited {
        /// Path of the server's log.
        log: PathBuf,
        /// Last lines of the log.
        tail: String,
    },
    /// The server runs but does not answer.
    #[error(
        "Postgres (process {pid}) runs on these data and does not answer at {}; see {}, or end it \
         with: kill -INT {pid}",
        socket.display(), log.display()
    )]
    NotAnswering {
        /// Pid of the server.
        pid: i32,
        /// Path of the socket.
        socket: PathBuf,
        /// Path of the server's log.
        log: PathBuf,
        /// Error of the last attempt.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The server did not stop in time.
    #[error(
        "Postgres (process {pid}) did not stop; it is left running and the next start adopts it"
    )]
    StillRunning {
        /// Pid of the server.
        pid: i32,
    },
    /// The task of the supervisor is gone.
    #[error("the task that watches Postgres panicked; see the log, then start the server again")]
    Watcher(#[source] tokio::task::JoinError),
    /// No private Postgres is running.
    #[error(
        "no private Postgres is running in {}; start the server with `hookshelf serve` first, or \
         name its configuration with --config",
        dir.display()
    )]
    NotRunning {
        /// Directory of the private Postgres.
        dir: PathBuf,
    },
    /// The private Postgres runs but does not answer.
    #[error(
        "the private Postgres in {} runs{} and hangs: it did not answer within {seconds} s; see \
         {} and the log of hookshelf serve",
        dir.display(), process(*pid), log.display()
    )]
    Hanging {
        /// Directory of the private Postgres.
        dir: PathBuf,
        /// Pid of the server, if this user may see the pid.
        pid: Option<i32>,
        /// Waiting time.
        seconds: u64,
        /// Path of the server's log.
        log: PathBuf,
    },
    /// This user may not use the private Postgres.
    #[error(
        "user {own} has no access to the private Postgres in {}; run this as root or as the user \
         that runs the server, or name another configuration with --config",
        dir.display()
    )]
    Denied {
        /// Directory of the private Postgres.
        dir: PathBuf,
        /// User of this process.
        own: String,
    },
    /// The private Postgres is starting or stopping.
    #[error("the private Postgres in {} is starting or stopping; try again in a moment", dir.display())]
    Busy {
        /// Directory of the private Postgres.
        dir: PathBuf,
        /// Error of the connection attempt.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The private Postgres answers but refuses the connection.
    #[error("the private Postgres in {} runs and refuses the connection", dir.display())]
    Refuses {
        /// Directory of the private Postgres.
        dir: PathBuf,
        /// Error of the connection attempt.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// No psql was found.
    #[error(
        "no psql was found; install it (Debian, Ubuntu: apt-get install postgresql-client) or add \
         its directory to PATH"
    )]
    NoPsql,
    /// The database URL is invalid. The message leaves the URL out, because it may hold a password.
    #[error("invalid database.url; write it as postgres://user:password@host:port/database")]
    Url(#[source] url::ParseError),
    /// The Postgres programs could not be downloaded.
    #[cfg(feature = "download-postgres")]
    #[error("failed to download the Postgres programs; {INSTALL}")]
    Download(#[source] super::download::Error),
}

/// Installation commands for Postgres on common systems.
const INSTALL: &str = "install them
  Debian, Ubuntu   apt-get install postgresql
  Fedora, RHEL     dnf install postgresql-server
  Arch             pacman -S postgresql
  Alpine           apk add postgresql
  macOS            brew install postgresql@17
or say where they are: bin_dir under [database] (HOOKSHELF__DATABASE__BIN_DIR), \
or use a server of your own: url under [database] (DATABASE_URL)";

/// Adds the action and the path to an error of a file operation.
pub(super) trait At<T> {
    /// Converts an input/output error to [`Error::File`].
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl Error {
    /// True if a retry of the start may succeed: the server did not come up, or a file operation
    /// failed.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::File { .. } | Self::Exited { .. } | Self::NotAnswering { .. }
        )
    }
}

impl<T> At<T> for io::Result<T> {
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error> {
        self.map_err(|source| Error::File {
            action,
            path: path.to_owned(),
            source,
        })
    }
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(
        || "another process".to_owned(),
        |pid| format!("process {pid}"),
    )
}

fn process(pid: Option<i32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

fn major(wanted: Option<u32>) -> String {
    wanted.map_or_else(String::new, |wanted| {
        format!(", and the data need version {wanted}")
    })
}

fn list(majors: &[u32]) -> String {
    majors
        .iter()
        .map(u32::to_string)
        .collect::<Vec<_>>()
        .join(", ")
}
