//! The server process: start, readiness check, parameters, log.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::fcntl::OFlag;
use sqlx::postgres::{PgConnectOptions, PgConnection, PgSslMode};
use sqlx::{ConnectOptions, Connection};
use tokio::process::Child;

use super::account::Account;
use super::binaries::Binaries;
use super::error::{At, Error};
use super::layout::{Layout, PORT};
use super::postmaster;

/// Superuser, and the only user.
pub(super) const USER: &str = "hookshelf";

/// Database that holds everything.
pub(super) const DATABASE: &str = "hookshelf";

/// Maximum length of the log. A longer log is copied to one older file and emptied.
const LOG_LIMIT: u64 = 16 * 1024 * 1024;

/// Timeout of one readiness check.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Everything needed to start the server repeatedly.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) layout: Layout,
    pub(super) binaries: Binaries,
    pub(super) account: Account,
    pub(super) durable: bool,
    pub(super) max_connections: u16,
}

/// Result of a readiness check.
#[derive(Debug)]
pub(super) enum Answer {
    /// The server accepts connections and serves our data.
    Ready,
    /// The server is recovering, starting or stopping: wait.
    Starting,
    /// No answer, or an error.
    Not(sqlx::Error),
}

impl Server {
    /// Starts the server as a direct child, so that this process can reap it.
    pub(super) fn spawn(&self) -> Result<Child, Error> {
        self.layout.prepare_socket_dir(&self.account)?;
        let log = open_log(&self.layout.log).at("open", &self.layout.log)?;
        let errors = log.try_clone().at("open", &self.layout.log)?;
        let program = self.binaries.program("postgres");
        let mut command = self.account.command(&program);
        command
            .arg("-D")
            .arg(&self.layout.data)
            .arg("-k")
            .arg(quoted(&self.layout.socket));
        for (name, value) in self.parameters() {
            command.arg("-c").arg(format!("{name}={value}"));
        }
        command.stdin(Stdio::null()).stdout(log).stderr(errors);
        command
            .spawn()
            .map_err(|source| Error::Run { program, source })
    }

    /// Parameters for the command line, which neither a file nor `ALTER SYSTEM` overrides.
    fn parameters(&self) -> Vec<(&'static str, String)> {
        let durable = if self.durable { "on" } else { "off" };
        let mut parameters: Vec<(&str, String)> = [
            ("port", PORT.to_string()),
            ("max_connections", self.max_connections.to_string()),
            // A delivery with a 200 must survive a power cut.
            ("fsync", durable.to_owned()),
            ("full_page_writes", durable.to_owned()),
            ("synchronous_commit", durable.to_owned()),
        ]
        .into();
        parameters.extend(FIXED.map(|(name, value)| (name, value.to_owned())));
        parameters
    }

    /// Checks that the server serves our data; creates the database if it is missing.
    pub(super) async fn ask(&self) -> Answer {
        match tokio::time::timeout(PATIENCE, self.check()).await {
            Ok(Ok(())) => Answer::Ready,
            Ok(Err(error)) if is_starting(&error) => Answer::Starting,
            Ok(Err(error)) => Answer::Not(error),
            Err(_) => Answer::Not(sqlx::Error::PoolTimedOut),
        }
    }

    async fn check(&self) -> sqlx::Result<()> {
        let mut connection = connect_to_own(&self.layout).await?;
        let exists = "SELECT true FROM pg_database WHERE datname = 'hookshelf'";
        if sqlx::query(exists)
            .fetch_optional(&mut connection)
            .await?
            .is_none()
        {
            sqlx::query("CREATE DATABASE hookshelf")
                .execute(&mut connection)
                .await?;
        }
        connection.close().await
    }
}

/// Parameters with the same value for every private server.
const FIXED: [(&str, &str); 15] = [
    ("listen_addresses", ""),
    ("unix_socket_permissions", "0700"),
    ("cluster_name", "hookshelf"),
    // Fewer full-page images in the WAL: a checkpoint every half hour instead of every five
    // minutes.
    ("checkpoint_timeout", "30min"),
    ("max_wal_size", "4GB"),
    // Keeps WAL files for reuse: a new WAL file is written and flushed as a whole before its first
    // use, while a commit waits.
    ("min_wal_size", "512MB"),
    // A list without a time range locks the partitions of all days and their indexes.
    ("max_locks_per_transaction", "256"),
    // JIT needs memory that is writable and then executable, which a hardened service may forbid;
    // over many small partitions it also costs more than it saves.
    ("jit", "off"),
    ("logging_collector", "off"),
    ("log_destination", "stderr"),
    ("log_timezone", "UTC"),
    ("lc_messages", "C"),
    // Statements and details quote rows with message texts and ids, which must not be logged.
    ("log_error_verbosity", "terse"),
    ("log_min_error_statement", "panic"),
    ("log_statement", "none"),
];

/// Connection options for the server with this layout.
pub(super) fn connect_options(layout: &Layout) -> PgConnectOptions {
    PgConnectOptions::new_without_pgpass()
        .socket(&layout.socket)
        .port(PORT)
        .username(USER)
        .database(DATABASE)
        .ssl_mode(PgSslMode::Disable)
}

/// Connects to the socket and checks that the server serves our data.
pub(super) async fn connect_to_own(layout: &Layout) -> sqlx::Result<PgConnection> {
    let options = connect_options(layout)
        .database("postgres")
        .disable_statement_logging();
    let mut connection = PgConnection::connect_with(&options).await?;
    let data: String = sqlx::query_scalar("SELECT current_setting('data_directory')")
        .fetch_one(&mut connection)
        .await?;
    if postmaster::is_same_dir(Path::new(&data), &layout.data) == Some(true) {
        return Ok(connection);
    }
    let why = format!("the server at this socket serves {data}");
    Err(sqlx::Error::Io(io::Error::other(why)))
}

/// True for the SQLSTATE of a server that is starting or stopping.
pub(super) fn is_starting(error: &sqlx::Error) -> bool {
    error
        .as_database_error()
        .is_some_and(|it| it.code().as_deref() == Some("57P03"))
}

/// Quotes a path for a parameter that is a list of names; double quotes are doubled.
fn quoted(path: &Path) -> OsString {
    let mut quoted = vec![b'"'];
    for byte in path.as_os_str().as_bytes() {
        quoted.extend_from_slice(if *byte == b'"' {
            b"\"\""
        } else {
            std::slice::from_ref(byte)
        });
    }
    quoted.push(b'"');
    OsString::from_vec(quoted)
}

/// Opens the log for appending, so that truncation leaves no hole before the next line. Moves an
/// existing file aside first: root must not follow a link in another user's directory.
fn open_log(path: &Path) -> io::Result<File> {
    let _ = fs::rename(path, older(path));
    OpenOptions::new()
        .append(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Limits the size of the log: a longer log is copied aside and emptied.
pub(super) fn bound_log(path: &Path) -> io::Result<()> {
    if fs::symlink_metadata(path)?.len() <= LOG_LIMIT {
        return Ok(());
    }
    let mut options = OpenOptions::new();
    options
        .read(true)
        .write(true)
        .custom_flags(OFlag::O_NOFOLLOW.bits());
    let mut log = options.open(path)?;
    let _ = fs::remove_file(older(path));
    let kept = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(older(path));
    io::copy(&mut log, &mut kept?)?;
    log.set_len(0)
}

fn older(path: &Path) -> PathBuf {
    path.with_extension("log.old")
}

/// Last lines of the log, for an error message.
pub(super) fn log_tail(path: &Path) -> String {
    let mut text = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |it| it.len());
        let _ = file.seek(SeekFrom::Start(length.saturating_sub(2048)));
        let _ = file.take(2048).read_to_end(&mut text);
    }
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_quoted_as_a_list_of_one() {
        assert_eq!(quoted(Path::new("/a, b")), r#""/a, b""#);
        assert_eq!(quoted(Path::new(r#"/a"b"#)), r#""/a""b""#);
    }

    #[test]
    fn a_log_that_grew_too_long_is_put_aside_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pg.log");
        let log = open_log(&path).unwrap();
        log.set_len(LOG_LIMIT).unwrap();
        bound_log(&path).unwrap();
        assert_eq!(
            fs::metadata(&path).unwrap().len(),
            LOG_LIMIT,
            "not yet too long"
        );

        for _ in 0..2 {
            log.set_len(LOG_LIMIT + 1).unwrap();
            bound_log(&path).unwrap();
            assert_eq!(fs::metadata(&path).unwrap().len(), 0);
            assert_eq!(fs::metadata(older(&path)).unwrap().len(), LOG_LIMIT + 1);
        }
        io::Write::write_all(&mut &log, b"next").unwrap();
        assert_eq!(
            fs::read(&path).unwrap(),
            b"next",
            "no hole before the next line"
        );
    }

    #[test]
    fn the_end_of_the_log_is_its_last_lines() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("pg.log");
        assert_eq!(log_tail(&path), "");
        let lines: Vec<String> = (0..1000).map(|number| format!("line {number}")).collect();
        fs::write(&path, lines.join("\n")).unwrap();
        assert_eq!(
            log_tail(&path),
            "line 995; line 996; line 997; line 998; line 999"
        );
    }
}
