//! Errors of the store, with a variant for each reaction of the caller.

use std::io::ErrorKind;

use sqlx::{error::DatabaseError, migrate::MigrateError, postgres::PgDatabaseError};

use super::{
    consumers::MalformedHeads,
    names::{DAILY, stored_name},
};
use crate::causes;

/// Error of the store.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Postgres is unavailable, too slow, full, read-only or stopping: a retry may succeed.
    #[error("Postgres is not available; check that it runs and that database.url is right")]
    Unavailable(#[source] sqlx::Error),
    /// Postgres or its socket denies access to this user, or the database does not exist.
    #[error(
        "Postgres denies access; check user, password and database in database.url, and that the \
         user may use the database"
    )]
    Denied(#[source] sqlx::Error),
    /// Postgres did not answer before the deadline.
    #[error(
        "Postgres did not answer in time: it hangs, is overloaded, or the network drops packets; \
         see its log"
    )]
    TimedOut,
    /// The server of this session takes no writes.
    #[error(
        "Postgres accepts no writes: it is a standby, or read-only by its settings; name the \
         primary in database.url"
    )]
    ReadOnly,
    /// Another session holds a row or table for longer than the lock timeout.
    #[error(
        "another session holds a lock on a row or table; end its transaction, or try again when it \
         has ended"
    )]
    LockTimeout(#[source] sqlx::Error),
    /// A day or epoch has no partition yet.
    #[error("a partition is missing; check that the database user may create tables")]
    MissingPartition(#[source] sqlx::Error),
    /// Some deliveries are stored already, although they were sent as new.
    #[error("some of the deliveries are stored already")]
    StoredBefore(#[source] sqlx::Error),
    /// Postgres refuses the values: a retry with the same values cannot succeed.
    #[error("Postgres rejected the values")]
    Refused(#[source] sqlx::Error),
    /// The dedupe epoch moved more often than the writer retries.
    #[error("other servers on this database keep starting new dedupe windows; check their clocks")]
    EpochMoves,
    /// Another purge or reparse is running.
    #[error("another purge or reparse is running in this database; wait until it has ended")]
    RewriteRuns,
    /// The stored heads of a consumer cannot be decoded.
    #[error("the stored state of a consumer is damaged; move the consumer to a position")]
    Heads(#[source] MalformedHeads),
    /// The tables do not match this program.
    #[error(
        "the database schema does not match this version of Hookshelf; run `hookshelf migrate`"
    )]
    Schema(#[source] sqlx::Error),
    /// The driver cannot read the URL.
    #[error("invalid database.url; write it as postgres://user:password@host:port/database")]
    Url(#[source] sqlx::Error),
    /// The migrations could not be applied.
    #[error("failed to apply a migration; it was rolled back")]
    Migration(#[source] MigrateError),
    /// The database was migrated by a newer version of this program.
    #[error(
        "the database was migrated by a newer Hookshelf (migration {version} is unknown); run that \
         version or a later one"
    )]
    Newer {
        /// First unknown migration.
        version: i64,
    },
    /// The Postgres version is too old.
    #[error("Postgres {found} is too old; Hookshelf needs Postgres 14 or newer")]
    TooOld {
        /// Version reported by the server.
        found: String,
    },
    /// The encoding of the database cannot hold every text.
    #[error(
        "the database has the encoding {found}, which cannot hold every text; \
         create it with ENCODING 'UTF8'"
    )]
    Encoding {
        /// Encoding of the database.
        found: String,
    },
}

impl Error {
    /// Bounded code for metrics and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(error) => why_unavailable(error),
            Self::Denied(_) => "denied",
            Self::TimedOut => "timed_out",
            Self::ReadOnly => "read_only",
            Self::LockTimeout(_) => "held",
            Self::MissingPartition(_) => "missing_partition",
            Self::StoredBefore(_) => "stored_before",
            Self::Refused(_) => "refused",
            Self::EpochMoves => "epoch_moves",
            Self::RewriteRuns => "rewrite_runs",
            Self::Heads(_) => "heads",
            Self::Schema(_) => "schema",
            Self::Url(_) => "url",
            Self::Migration(_) => "migration",
            Self::Newer { .. } => "newer",
            Self::TooOld { .. } => "too_old",
            Self::Encoding { .. } => "encoding",
        }
    }
}

impl Error {
    /// True if the database may recover without another program version or another URL.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_)
                | Self::Denied(_)
                | Self::TimedOut
                | Self::ReadOnly
                | Self::LockTimeout(_)
        )
    }

    /// True if the values may be the cause: a part of the batch may then succeed.
    pub fn may_be_the_values(&self) -> bool {
        matches!(self, Self::Refused(_))
    }

    /// The error with its [cause](Self::cause), on one line.
    pub fn with_cause(&self) -> String {
        causes::append(self.to_string(), &self.cause())
    }

    /// Message and SQLSTATE of Postgres, or the message of the connection, for the log. The detail
    /// is left out, because it quotes values. For refused values the message is left out too,
    /// because it may also quote values.
    pub fn cause(&self) -> String {
        match self {
            Self::Refused(error) => names(error),
            Self::Unavailable(error)
            | Self::Denied(error)
            | Self::LockTimeout(error)
            | Self::MissingPartition(error)
            | Self::StoredBefore(error)
            | Self::Schema(error)
            | Self::Url(error) => said(error),
            Self::Migration(error) => error.to_string(),
            Self::TimedOut
            | Self::ReadOnly
            | Self::EpochMoves
            | Self::RewriteRuns
            | Self::Heads(_)
            | Self::Newer { .. }
            | Self::TooOld { .. }
            | Self::Encoding { .. } => self.to_string(),
        }
    }
}

impl From<MigrateError> for Error {
    fn from(error: MigrateError) -> Self {
        match error {
            MigrateError::VersionMissing(version) => Self::Newer { version },
            MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _)
                if is_of_the_server(&error) =>
            {
                match why_unavailable(&error) {
                    "read_only" => Self::ReadOnly,
                    _ => Self::from(error),
                }
            }
            error => Self::Migration(error),
        }
    }
}

impl From<sqlx::Error> for Error {
    /// Classifies an error by the class of its SQLSTATE (appendix A of Postgres' documentation).
    fn from(error: sqlx::Error) -> Self {
        let Some(state) = error.as_database_error().and_then(DatabaseError::code) else {
            return without_state(error);
        };
        match &*state {
            "23514" if is_without_partition(&error) => Self::MissingPartition(error),
            // The commit looks up a key before the insert. A duplicate means that this session does
            // not see committed keys.
            "23505" if is_partition("dedupe", &error) => Self::Unavailable(error),
            "23505" if is_of_a_stored_delivery(&error) => Self::StoredBefore(error),
            "55P03" => Self::LockTimeout(error),
            // Invalid authorization, no such database, and missing rights.
            state if state.starts_with("28") => Self::Denied(error),
            "3D000" | "42501" => Self::Denied(error),
            state if is_of(state, &SERVER) => Self::Unavailable(error),
            state if is_of(state, &VALUES) || is_by_another_rule(&error) => Self::Refused(error),
            // Syntax error or access rule violation.
            state if state.starts_with("42") => Self::Schema(error),
            _ => Self::Unavailable(error),
        }
    }
}

/// Classifies an error of the connection or the driver.
fn without_state(error: sqlx::Error) -> Error {
    match &error {
        sqlx::Error::Io(why) if why.kind() == ErrorKind::PermissionDenied => Error::Denied(error),
        _ => Error::Unavailable(error),
    }
}

/// SQLSTATE classes of server errors: connection exception, invalid transaction state, invalid
/// authorization, invalid catalog name, transaction rollback, insufficient resources, object not in
/// prerequisite state, operator intervention, system error, configuration file error, foreign data
/// wrapper error, internal error.
const SERVER: [&str; 12] = [
    "08", "25", "28", "3D", "40", "53", "55", "57", "58", "F0", "HV", "XX",
];

/// SQLSTATE classes of refused values: data exception, integrity constraint violation, check option
/// violation, program limit exceeded.
///
/// An error of another class is about values only if a trigger or constraint of the operator raised
/// the error. If a statement of this program raised the error, the session lost its prepared
/// statements or the tables do not match this program. No event is dropped for such an error.
const VALUES: [&str; 4] = ["22", "23", "44", "54"];

/// True if Postgres or the connection failed, or if Postgres takes no writes: the values are not
/// the cause.
fn is_of_the_server(error: &sqlx::Error) -> bool {
    match error.as_database_error().map(DatabaseError::code) {
        Some(state) => state.is_some_and(|state| is_of(&state, &SERVER)),
        None => matches!(
            error,
            sqlx::Error::Io(_) | sqlx::Error::Tls(_) | sqlx::Error::Protocol(_)
        ),
    }
}

fn is_of(state: &str, classes: &[&str]) -> bool {
    classes.iter().any(|class| state.starts_with(class))
}

/// True if a function, trigger or constraint outside of the commit raised the error. The context
/// names the innermost call first. Without a context the statement did not begin.
fn is_by_another_rule(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    let context = error.and_then(|error| error.try_downcast_ref::<PgDatabaseError>()?.r#where());
    let innermost = context.and_then(|context| context.lines().next());
    innermost.is_some_and(|call| !call.contains("commit_batch("))
}

/// Code for the operator, by SQLSTATE.
fn why_unavailable(error: &sqlx::Error) -> &'static str {
    let state = error.as_database_error().and_then(DatabaseError::code);
    match state.as_deref() {
        Some("53100") => "disk_full",
        Some("53300") => "too_many_connections",
        Some("25006") => "read_only",
        Some("57P01" | "57P02" | "57P03") => "stopping",
        Some("57014") => "too_slow",
        Some(_) | None => "unavailable",
    }
}

/// True if no partition takes the row: Postgres reports a check violation without a constraint
/// name. A rule of the operator may raise the same error, or write to a partitioned table of the
/// operator: tables of the operator do not count.
fn is_without_partition(error: &sqlx::Error) -> bool {
    let ours = |name: &str| name == "dedupe" || DAILY.iter().any(|view| stored_name(view) == name);
    constraint(error).is_none() && table(error).is_some_and(ours)
}

/// True if the primary key of a day of deliveries refused a row.
fn is_of_a_stored_delivery(error: &sqlx::Error) -> bool {
    let key = constraint(error).and_then(|name| name.strip_suffix("_pkey"));
    is_partition("deliveries", error) && key == table(error)
}

/// True if the error is about a partition of `parent`. A table of the operator may have a similar
/// name and a key of its own: an error of that key is about values.
fn is_partition(parent: &str, error: &sqlx::Error) -> bool {
    let own = table(error).and_then(|name| name.strip_prefix(parent)?.strip_prefix('_'));
    own.is_some_and(|own| own.bytes().all(|byte| byte.is_ascii_digit()))
}

fn table(error: &sqlx::Error) -> Option<&str> {
    error.as_database_error().and_then(DatabaseError::table)
}

fn constraint(error: &sqlx::Error) -> Option<&str> {
    error
        .as_database_error()
        .and_then(DatabaseError::constraint)
}

fn said(error: &sqlx::Error) -> String {
    match error.as_database_error().and_then(DatabaseError::code) {
        Some(state) => format!("{error} (SQLSTATE {state})"),
        None => error.to_string(),
    }
}

/// SQLSTATE and constraint name, without values.
fn names(error: &sqlx::Error) -> String {
    let state = error.as_database_error().and_then(DatabaseError::code);
    let state = format!("SQLSTATE {}", state.unwrap_or_default());
    match constraint(error) {
        Some(constraint) => format!("{state}, constraint {constraint}"),
        None => state,
    }
}
