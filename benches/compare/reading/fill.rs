//! A store of ninety days: ten million events of two hundred accounts, made of real deliveries with
//! other ids, names and times.
//!
//! There are talks with a person, comments on media, and the other kinds; a conversation of 5,000
//! messages, a media with 20,000 comments, and a hundredth of repeats.

use std::process::Command;

use anyhow::ensure;
use hookshelf::{clock::Clock, store::day};
use jiff::{SignedDuration, ToSpan};
use jiff_sqlx::ToSqlx;
use sqlx::Connection as _;

use super::Store;
use crate::{
    postgres::Postgres,
    server::{HOOKSHELF, SECRET, Server, ServerKind},
};

/// Name of the database.
const DATABASE: &str = "reading";

/// Number of days before today.
const DAYS: i32 = 90;

/// Deliveries that become templates.
const TEMPLATES: &str = "4000";

/// Creates and fills the database.
pub(super) async fn fill(postgres: &mut Postgres, events: i64) -> anyhow::Result<Store> {
    postgres.make_as(DATABASE).await?;
    let url = postgres.url(DATABASE)?;
    make_templates(postgres, &url)?;
    let mut conn = postgres.connect(DATABASE).await?;
    // The private Postgres leaves the details out of its log: the parameters of statements.
    sqlx::raw_sql("ALTER DATABASE reading SET log_error_verbosity = 'default'")
        .execute(&mut conn)
        .await?;
    sqlx::raw_sql("SET synchronous_commit = off; SET jit = off; CREATE TABLE IF NOT EXISTS dedupe_2 PARTITION OF dedupe FOR VALUES IN (2); UPDATE commit_fence SET epoch = 2")
        .execute(&mut conn)
        .await?;
    for sql in [include_str!("templates.sql"), include_str!("day.sql")] {
        sqlx::raw_sql(sql).execute(&mut conn).await?;
    }
    let now = Clock::system().now();
    let first = now - SignedDuration::from_hours(24 * i64::from(DAYS));
    for number in 0..=DAYS {
        let date = day(first).saturating_add(number.days());
        eprintln!("storing the events of {date}");
        sqlx::query("SELECT bench.fill_day($1, $2, interval '1 day' * $3 / $4, $4)")
            .bind(date.to_sqlx())
            .bind(first.to_sqlx())
            .bind(DAYS)
            .bind(events)
            .execute(&mut conn)
            .await?;
    }
    eprintln!("listing, counting, vacuuming and analysing what is stored");
    let (accounts, lists) = (include_str!("accounts.sql"), include_str!("lists.sql"));
    for sql in [accounts, lists, "VACUUM ANALYZE"] {
        sqlx::raw_sql(sql).execute(&mut conn).await?;
    }
    conn.close().await?;
    postgres.checkpoint().await?;
    Ok(Store {
        url,
        log: postgres.dir().join("pg.log"),
    })
}

/// Stores simulated deliveries of every kind.
fn make_templates(postgres: &Postgres, url: &str) -> anyhow::Result<()> {
    let (dir, secret) = (postgres.dir().join("server"), postgres.dir().join("secret"));
    std::fs::write(&secret, SECRET)?;
    let server = Server::start(ServerKind::Hookshelf, url, &dir)?;
    let simulated = Command::new(HOOKSHELF)
        .env_clear()
        .args(["simulate", "--json", "--unmarked", "--count", TEMPLATES])
        .args(["--url", &format!("http://{}/webhook", server.address)])
        .arg("--secret-file")
        .arg(secret)
        .output()?;
    ensure!(simulated.status.success(), "simulate failed");
    server.stop()?;
    Ok(std::fs::remove_dir_all(dir)?)
}
