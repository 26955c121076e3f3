//! A database with millions of messages of seven days, like that of a busy receiver after a week.
//!
//! The rows go through the real tables with all their indexes, day by day, in the order of arrival:
//! keys start with the time, ids of messages have 164 characters, and there are 100,000 people. The
//! dedupe epoch changes half-way, so that both of its partitions are full.

use std::time::Duration;

use anyhow::ensure;
use hookshelf::{
    clock::Clock,
    store::{day, epoch, partitions},
};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};

use crate::{
    postgres::Postgres,
    server::{Server, ServerKind},
};

/// Name of the database.
pub(crate) const DATABASE: &str = "stored";

/// Number of days, including today.
const DAYS: i32 = 7;

/// Maximum time for the statistics to catch up.
const PATIENCE: Duration = Duration::from_mins(30);

/// Creates and fills the database.
pub(crate) async fn fill(postgres: &mut Postgres, events: i64) -> anyhow::Result<()> {
    postgres.make_as(DATABASE).await?;
    let mut connection = postgres.connect(DATABASE).await?;
    let now = Clock::system().now();
    sqlx::raw_sql("SET synchronous_commit = off")
        .execute(&mut connection)
        .await?;
    for ago in (0..DAYS).rev() {
        eprintln!(
            "storing {} messages of {ago} days ago",
            events / i64::from(DAYS)
        );
        if ago == DAYS / 2 {
            let number = epoch::current(&mut connection).await?.number;
            epoch::flip(&mut connection, number, now).await?;
        }
        fill_day(&mut connection, now, ago, events / i64::from(DAYS)).await?;
    }
    follow(postgres, DATABASE, &mut connection).await?;
    eprintln!("vacuuming and analysing what is stored");
    sqlx::raw_sql("VACUUM ANALYZE")
        .execute(&mut connection)
        .await?;
    connection.close().await?;
    postgres.checkpoint().await
}

/// Inserts the messages of a day, spread over the whole day, or over the past part of today.
async fn fill_day(
    connection: &mut PgConnection,
    now: Timestamp,
    ago: i32,
    events: i64,
) -> anyhow::Result<()> {
    let date = day(now).saturating_sub(ago.days());
    partitions::ensure_day(connection, date).await?;
    let first = date.to_zoned(TimeZone::UTC)?.timestamp();
    let last = first.checked_add(24.hours())?.min(now);
    let epoch = epoch::current(connection).await?.number;
    sqlx::query(include_str!("stored.sql"))
        .bind(first.to_sqlx())
        .bind(last.to_sqlx())
        .bind(events)
        .bind(epoch)
        .execute(connection)
        .await?;
    Ok(())
}

/// Lets a server count the stored events, as it would have counted them on arrival.
pub(crate) async fn follow(
    postgres: &Postgres,
    database: &str,
    connection: &mut PgConnection,
) -> anyhow::Result<()> {
    eprintln!("counting what is stored");
    let dir = postgres.dir().join("server");
    let server = Server::start(ServerKind::Hookshelf, &postgres.url(database)?, &dir)?;
    let counted = async {
        while !has_counted(connection).await? {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok::<_, sqlx::Error>(())
    };
    let counted = tokio::time::timeout(PATIENCE, counted).await;
    server.stop()?;
    std::fs::remove_dir_all(&dir)?;
    ensure!(counted.is_ok(), "what is stored was not counted in time");
    Ok(counted??)
}

async fn has_counted(connection: &mut PgConnection) -> sqlx::Result<bool> {
    let sql = "SELECT count(*) > 0 AND bool_and(position >= (SELECT max(position) FROM events))
               FROM followers";
    sqlx::query_scalar(sql).fetch_one(connection).await
}
