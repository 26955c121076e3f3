//! What can go wrong with the private Postgres, each said so that an operator knows what to do.

use std::io;
use std::path::{Path, PathBuf};

use super::MINIMUM_MAJOR;

/// Why the private Postgres could not be started, kept or stopped.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or directory of the private Postgres could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was being done.
        action: &'static str,
        /// To which path.
        path: PathBuf,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// Another process has the directory in use; nothing of it was touched.
    #[error(
        "the private Postgres in {} is in use by {}; stop that process first, or give this one \
         another data_dir",
        dir.display(), holder(*pid)
    )]
    Held {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// The process that holds it, as it wrote itself down.
        pid: Option<u32>,
    },
    /// No Postgres programs on this machine.
    #[error("no Postgres server programs (postgres and initdb) were found{}; {INSTALL}", major(*wanted))]
    NoBinaries {
        /// The major version that existing data needs.
        wanted: Option<u32>,
    },
    /// The directory named in the configuration holds no usable Postgres programs.
    #[error(
        "bin_dir {} has no postgres and initdb that user {user} can run; it is the directory that \
         holds both, such as /usr/lib/postgresql/15/bin",
        dir.display()
    )]
    BinDir {
        /// The directory named.
        dir: PathBuf,
        /// The user who has to run them.
        user: String,
    },
    /// The data were made by a major version of which the programs are missing.
    #[error(
        "the data in {} were made by Postgres {wanted}, and only version {} was found here; \
         install Postgres {wanted} again (Debian, Ubuntu: apt-get install postgresql-{wanted}), \
         or dump the data with it and restore them into a new data_dir",
        data.display(), list(found)
    )]
    WrongMajor {
        /// The data directory.
        data: PathBuf,
        /// The major version in its `PG_VERSION`.
        wanted: u32,
        /// The major versions found.
        found: Vec<u32>,
    },
    /// Only versions of Postgres that are too old were found.
    #[error(
        "only Postgres {} was found, and Hookshelf needs {MINIMUM_MAJOR} or newer; {INSTALL}",
        list(found)
    )]
    TooOld {
        /// The major versions found.
        found: Vec<u32>,
    },
    /// The directory holds files that no private Postgres of ours made.
    #[error(
        "{} is not empty and holds no Postgres data; move it away or give another data_dir",
        data.display()
    )]
    NotOurs {
        /// The data directory.
        data: PathBuf,
    },
    /// No user to run Postgres as.
    #[error(
        "Postgres refuses to run as root and there is no user {name} to run it as; make one \
         (useradd --system {name}) or name another: run_as under [database]"
    )]
    NoAccount {
        /// The user looked for.
        name: String,
    },
    /// `run_as` was given to a process that cannot change its user.
    #[error("run_as = \"{name}\" needs root; this process runs as user {own}")]
    CannotSwitch {
        /// The user wanted.
        name: String,
        /// The user this process has.
        own: String,
    },
    /// This user has no entry in the list of users, which initdb insists on.
    #[error(
        "this process runs as uid {uid}, which has no entry in /etc/passwd, and initdb refuses \
         that; add one, or use another user"
    )]
    NamelessUser {
        /// The uid without an entry.
        uid: u32,
    },
    /// The data belong to somebody else.
    #[error(
        "the data in {} belong to user {owner} and this process runs as {own}; run it as {owner} \
         or as root, or give another data_dir",
        data.display()
    )]
    ForeignData {
        /// The data directory.
        data: PathBuf,
        /// Whose it is.
        owner: String,
        /// Who we are.
        own: String,
    },
    /// The user who runs Postgres cannot get to the directory.
    #[error(
        "Postgres runs as user {user} here (it refuses root), and {user} cannot enter {}, which \
         is on the way to {}; use a data_dir elsewhere, such as /var/lib/hookshelf, or let {user} \
         pass with: chmod o+x {}",
        at.display(), dir.display(), at.display()
    )]
    Unreachable {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// The user who runs Postgres.
        user: String,
        /// The directory that is closed to that user.
        at: PathBuf,
    },
    /// The directory for the socket belongs to somebody else.
    #[error(
        "{} should hold the socket of the private Postgres and belongs to somebody else; remove \
         it, or give a shorter data_dir (the socket then lives in there)",
        dir.display()
    )]
    SocketDir {
        /// The directory in question.
        dir: PathBuf,
    },
    /// A program of Postgres could not be started.
    #[error("cannot run {}", program.display())]
    Run {
        /// The program.
        program: PathBuf,
        /// What the system answered.
        #[source]
        source: io::Error,
    },
    /// initdb failed.
    #[error("initdb could not make the database: {output}")]
    Initdb {
        /// The last lines it printed.
        output: String,
    },
    /// The server ended before it was ready.
    #[error("Postgres ended while it was starting; the last lines of {}: {tail}", log.display())]
    Exited {
        /// Its log.
        log: PathBuf,
        /// The end of it.
        tail: String,
    },
    /// The server lives and does not answer.
    #[error(
        "Postgres (process {pid}) runs on these data and does not answer at {}; see {}, or end it \
         with: kill -INT {pid}",
        socket.display(), log.display()
    )]
    NotAnswering {
        /// The process.
        pid: i32,
        /// Where it should answer.
        socket: PathBuf,
        /// Its log.
        log: PathBuf,
        /// What the last attempt said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The server did not end when told to.
    #[error(
        "Postgres (process {pid}) did not stop; it is left running and the next start adopts it"
    )]
    StillRunning {
        /// The process.
        pid: i32,
    },
    /// The task that watches the server is gone.
    #[error(
        "the task that watches Postgres ended by a defect, which the log shows; start the server again"
    )]
    Watcher(#[source] tokio::task::JoinError),
    /// No private Postgres is running.
    #[error(
        "no private Postgres is running in {}; start the server with `hookshelf serve` first, or \
         name its configuration with --config",
        dir.display()
    )]
    NotRunning {
        /// The directory of the private Postgres.
        dir: PathBuf,
    },
    /// The private Postgres runs and does not answer.
    #[error(
        "the private Postgres in {} runs{} and hangs: it did not answer within {seconds} s; see \
         {} and the log of hookshelf serve",
        dir.display(), process(*pid), log.display()
    )]
    Hanging {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// Its process, if this user may see that.
        pid: Option<i32>,
        /// How long it was waited for.
        seconds: u64,
        /// Its log.
        log: PathBuf,
    },
    /// This user may not use the private Postgres.
    #[error(
        "user {own} has no access to the private Postgres in {}; run this as root or as the user \
         that runs the server, or name another configuration with --config",
        dir.display()
    )]
    Denied {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// Who we are.
        own: String,
    },
    /// The private Postgres is on its way up or down.
    #[error("the private Postgres in {} is starting or stopping; try again in a moment", dir.display())]
    Busy {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// What it said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// The private Postgres answers and takes no connection.
    #[error("the private Postgres in {} runs and refuses the connection", dir.display())]
    Refuses {
        /// The directory of the private Postgres.
        dir: PathBuf,
        /// What it said.
        #[source]
        source: Box<sqlx::Error>,
    },
    /// There is no psql.
    #[error(
        "no psql was found; install it (Debian, Ubuntu: apt-get install postgresql-client) or add \
         its directory to PATH"
    )]
    NoPsql,
    /// The database URL cannot be read. It is not repeated: it may hold a password.
    #[error("database.url is not a URL; it is written postgres://user:password@host:port/database")]
    Url(#[source] url::ParseError),
    /// The Postgres programs could not be downloaded.
    #[cfg(feature = "download-postgres")]
    #[error("cannot download the Postgres programs; {INSTALL}")]
    Download(#[source] super::download::Error),
}

/// How to get Postgres programs, for the systems that most people have.
const INSTALL: &str = "install them
  Debian, Ubuntu   apt-get install postgresql
  Fedora, RHEL     dnf install postgresql-server
  Arch             pacman -S postgresql
  Alpine           apk add postgresql
  macOS            brew install postgresql@17
or say where they are: bin_dir under [database] (HOOKSHELF__DATABASE__BIN_DIR), \
or use a server of your own: url under [database] (DATABASE_URL)";

/// Says what was done to which path when a file operation fails.
pub(super) trait At<T> {
    /// Adds the action and the path to an input/output error.
    fn at(self, action: &'static str, path: &Path) -> Result<T, Error>;
}

impl Error {
    /// Whether the same start may succeed later: the server did not come up, or the disk did not do
    /// what was asked of it.
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
