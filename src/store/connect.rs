//! Postgres connections and their session settings.

use std::{str::FromStr, time::Duration};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::Error;

/// Oldest supported Postgres: the first with `DETACH PARTITION CONCURRENTLY`.
const OLDEST: i32 = 140_000;

/// Deadline for the session of a command that changes stored events.
const REWRITING: Duration = Duration::from_secs(10);

/// Connection options for `url`.
///
/// # Errors
/// If the driver cannot parse the URL.
pub fn options(url: &str) -> Result<PgConnectOptions, Error> {
    PgConnectOptions::from_str(url)
        .map(quiet)
        .map_err(Error::Url)
}

/// Turns off statement logging: statements contain message texts.
pub fn quiet(options: PgConnectOptions) -> PgConnectOptions {
    options
        .application_name("hookshelf")
        .disable_statement_logging()
}

/// Connects within `deadline`.
///
/// # Errors
/// If Postgres is unavailable or does not answer in time.
pub async fn connect(
    options: &PgConnectOptions,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let connecting = PgConnection::connect_with(options);
    Ok(tokio::time::timeout(deadline, connecting)
        .await
        .map_err(|_| Error::TimedOut)??)
}

/// Durability of commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Waits at least for the flush to a local disk, regardless of settings of the role, the
    /// database or the server.
    Durable,
    /// Follows `synchronous_commit` of the role, the database or the server.
    AsConfigured,
}

/// Opens a session for commits on a server that accepts writes.
///
/// The commit statement gets one generic plan for arrays and tables of any length. Nested loops
/// over a batch would be quadratic. A table that had a single page when it was analysed would get a
/// sequential scan for each key until the next analyse. Planning each batch anew would cost more
/// than executing the batch.
///
/// `statement_timeout` is shorter than the client's timeout, so an abandoned commit does not keep
/// the fence. Keepalives detect a network that falls silent just before the last bytes of the
/// statement. The statement relies on its locks: a stricter isolation level would hide rows that
/// were committed while the statement waited for the fence.
///
/// # Errors
/// Same as [`connect`], and if the server is read-only: it may be a standby after a failover.
pub async fn connect_writer(
    options: &PgConnectOptions,
    commits: Commits,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let options = options
        .clone()
        .application_name("hookshelf writer")
        .options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_nestloop", "off"),
            ("enable_mergejoin", "off"),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("default_transaction_isolation", "read committed"),
            ("statement_timeout", "1900ms"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("jit", "off"),
        ]);
    connect_durable(&options, commits, deadline).await
}

/// Opens a session for the owner of consumers, on a server that accepts writes.
///
/// A flush is durable once it is answered, as a commit of [`connect_writer`]. Its statement gets one
/// generic plan with look-ups by index, because planning costs as much as executing. Events are read
/// in a session of [`connect_follower`].
///
/// # Errors
/// Same as [`connect_writer`].
pub async fn connect_owner(
    options: &PgConnectOptions,
    commits: Commits,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let options = options
        .clone()
        .application_name("hookshelf consumer")
        .options([
            ("plan_cache_mode", "force_generic_plan"),
            ("enable_seqscan", "off"),
            ("default_transaction_isolation", "read committed"),
            ("statement_timeout", "5s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "10s"),
            ("tcp_keepalives_idle", "10"),
            ("tcp_keepalives_interval", "5"),
            ("tcp_keepalives_count", "3"),
            ("jit", "off"),
        ]);
    connect_durable(&options, commits, deadline).await
}

async fn connect_durable(
    options: &PgConnectOptions,
    commits: Commits,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let mut connection = connect(options, deadline).await?;
    let settling = settle_writer(&mut connection, commits);
    tokio::time::timeout(deadline, settling)
        .await
        .map_err(|_| Error::TimedOut)??;
    Ok(connection)
}

/// Pins `synchronous_commit` for the session at its present value, or at `on` if that value is
/// `off`: a later change of the setting must not break the durability that a 200 promises. The
/// operator may still choose a stricter value than the local disk.
///
/// Compresses large bodies with lz4 if Postgres supports it: lz4 costs a fifth of pglz.
pub(super) async fn settle_writer(conn: &mut PgConnection, commits: Commits) -> Result<(), Error> {
    if commits == Commits::Durable {
        let setting = "SELECT set_config('synchronous_commit', coalesce(nullif(
                           current_setting('synchronous_commit'), 'off'), 'on'), false)";
        sqlx::query(setting).execute(&mut *conn).await?;
    }
    let setting = "SELECT set_config(name, 'lz4', false) FROM pg_settings
                   WHERE name = 'default_toast_compression' AND 'lz4' = ANY (enumvals)";
    sqlx::query(setting).execute(&mut *conn).await?;
    if takes_writes(conn).await? {
        Ok(())
    } else {
        Err(Error::ReadOnly)
    }
}

async fn takes_writes(conn: &mut PgConnection) -> Result<bool, Error> {
    let read_only: String = sqlx::query_scalar("SHOW transaction_read_only")
        .fetch_one(conn)
        .await?;
    Ok(read_only == "off")
}

/// Opens a session for a follower.
///
/// Each statement is planned for its own days, so the partitions of other days are neither opened
/// nor locked. Index scans in the order of positions are forced, whatever the statistics say.
/// Timeouts free the follower for another session if the connection stalls.
///
/// # Errors
/// Same as [`connect`].
pub async fn connect_follower(
    options: &PgConnectOptions,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    connect_to_log(options, "force_custom_plan", deadline).await
}

/// Opens a session for the feed, which reads the end of the log up to a hundred times a second.
///
/// Same as [`connect_follower`], except that a statement keeps its plan: planning costs four times as
/// much as executing. The text of its statements has the days.
///
/// # Errors
/// Same as [`connect`].
pub async fn connect_feed(
    options: &PgConnectOptions,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    connect_to_log(options, "force_generic_plan", deadline).await
}

async fn connect_to_log(
    options: &PgConnectOptions,
    plans: &str,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let options = options
        .clone()
        .application_name("hookshelf follower")
        .options([
            ("plan_cache_mode", plans),
            ("enable_seqscan", "off"),
            ("enable_bitmapscan", "off"),
            ("default_transaction_isolation", "read committed"),
            ("statement_timeout", "30s"),
            ("lock_timeout", "5s"),
            ("idle_in_transaction_session_timeout", "30s"),
            ("jit", "off"),
        ]);
    connect(&options, deadline).await
}

/// Opens a session for a command that deletes or moves stored events beside a running server, in
/// short transactions.
///
/// # Errors
/// Same as [`connect`].
pub(super) async fn connect_rewriter(
    options: &PgConnectOptions,
    name: &str,
) -> Result<PgConnection, Error> {
    let options = options.clone().application_name(name).options([
        ("plan_cache_mode", "force_custom_plan"),
        ("default_transaction_isolation", "read committed"),
        ("statement_timeout", "10min"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "5s"),
        ("jit", "off"),
    ]);
    connect(&options, REWRITING).await
}

/// Refuses a server that is too old, and a database whose encoding is not UTF-8: Postgres would
/// refuse events with other text one by one.
///
/// # Errors
/// Names the version or the encoding found.
pub async fn check_server(conn: &mut PgConnection) -> Result<(), Error> {
    let (number, found, encoding): (i32, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'),
                current_setting('server_encoding')",
    )
    .fetch_one(conn)
    .await?;
    if number < OLDEST {
        return Err(Error::TooOld { found });
    }
    if encoding != "UTF8" {
        return Err(Error::Encoding { found: encoding });
    }
    Ok(())
}
