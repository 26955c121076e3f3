//! Connections: how the store reaches Postgres, and what it asks of a session.

use std::{str::FromStr, time::Duration};

use sqlx::{ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions};

use super::Error;

/// The oldest Postgres that can detach a partition concurrently.
const OLDEST: i32 = 140_000;

/// How to reach the database that `url` names.
///
/// # Errors
/// The URL is none that the driver understands.
pub fn options(url: &str) -> Result<PgConnectOptions, Error> {
    PgConnectOptions::from_str(url)
        .map(quiet)
        .map_err(Error::Url)
}

/// Statements carry what people wrote: they are not logged.
pub fn quiet(options: PgConnectOptions) -> PgConnectOptions {
    options
        .application_name("hookshelf")
        .disable_statement_logging()
}

/// Connects within `deadline`.
///
/// # Errors
/// Where Postgres is away or does not answer in time.
pub async fn connect(
    options: &PgConnectOptions,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let connecting = PgConnection::connect_with(options);
    Ok(tokio::time::timeout(deadline, connecting)
        .await
        .map_err(|_| Error::TimedOut)??)
}

/// What a commit waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Commits {
    /// Until it is on a disk at least, whatever role, database or server say.
    Durable,
    /// For what `synchronous_commit` of the role, the database or the server says.
    AsConfigured,
}

/// Connects a session that commits, with a server that takes writes.
///
/// The commit statement is planned once, for arrays and tables of any length: nested loops over a
/// batch would be quadratic, a table that held a page of rows when it was analysed would be read
/// whole for each key until the next time, and planning it anew for every batch would cost more
/// than running it. The statement ends on the server before its caller's patience does, so that a
/// commit that was given up does not go on holding the fence; of a network that falls silent just
/// before the last bytes of it, keepalives tell the server. Its locks take the place of
/// serialisation: under another isolation it would not see what was committed while it waited for
/// the fence.
///
/// # Errors
/// As [`connect`], and where the server takes no writes: a failover may have left a standby there.
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
    let mut connection = connect(&options, deadline).await?;
    let settling = settle_writer(&mut connection, commits);
    tokio::time::timeout(deadline, settling)
        .await
        .map_err(|_| Error::TimedOut)??;
    Ok(connection)
}

/// Holds the session to `synchronous_commit` as it is, and to `on` where it is off: a setting that
/// changes later must not take back what an answer of 200 promises. How much more than the local
/// disk a commit waits for is the operator's choice.
///
/// Large bodies are compressed with lz4 where Postgres has it: it costs a fifth of pglz.
async fn settle_writer(conn: &mut PgConnection, commits: Commits) -> Result<(), Error> {
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

/// Connects a session that follows positions.
///
/// Each of its statements is planned for the days that it is about, so that partitions of others
/// are neither opened nor locked, and reads forward in the order of positions, whatever the tables
/// held when they were analysed. A silent link frees the follower for another session.
///
/// # Errors
/// As [`connect`].
pub async fn connect_follower(
    options: &PgConnectOptions,
    deadline: Duration,
) -> Result<PgConnection, Error> {
    let options = options
        .clone()
        .application_name("hookshelf follower")
        .options([
            ("plan_cache_mode", "force_custom_plan"),
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

/// Refuses a server that is too old, and a database that cannot hold all text: what people write
/// would be refused event by event.
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
