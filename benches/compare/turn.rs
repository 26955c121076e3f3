//! A turn: runs a server under its load, measures the resources that server, load and Postgres
//! used, and checks that everything acked is stored.

use std::time::Duration;

use anyhow::ensure;
use hookshelf::clock::Clock;
use jiff_sqlx::ToSqlx;
use serde::Serialize;

use crate::{
    load::{self, Asked, LoadReport},
    people::People,
    postgres::Postgres,
    scenarios::Lane,
    server::{SECRET, Server, ServerKind},
    usage,
};

/// Measurements of one turn.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Turn {
    pub(crate) scenario: &'static str,
    pub(crate) lane: &'static str,
    pub(crate) round: u32,
    /// Acked deliveries.
    pub(crate) deliveries: f64,
    /// Tries that were not acked and were repeated.
    pub(crate) again: f64,
    /// Items of the acked deliveries.
    pub(crate) events: f64,
    pub(crate) deliveries_per_second: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p90_ms: f64,
    pub(crate) p99_ms: f64,
    /// CPU seconds of the server.
    pub(crate) server_cpu: f64,
    pub(crate) postgres_cpu: f64,
    pub(crate) generator_cpu: f64,
    pub(crate) wal_bytes: f64,
    /// Peak memory of the server.
    pub(crate) peak_mib: f64,
}

impl Turn {
    /// CPU seconds of server and Postgres per million deliveries.
    pub(crate) fn cpu_per_delivery(&self) -> f64 {
        (self.server_cpu + self.postgres_cpu) / self.deliveries * 1e6
    }

    /// CPU seconds of server and Postgres per million events.
    pub(crate) fn cpu_per_event(&self) -> f64 {
        (self.server_cpu + self.postgres_cpu) / self.events * 1e6
    }

    /// CPU seconds of the server per million deliveries.
    pub(crate) fn server_cpu_per_delivery(&self) -> f64 {
        self.server_cpu / self.deliveries * 1e6
    }

    /// Bytes of WAL per event.
    pub(crate) fn wal_per_event(&self) -> f64 {
        self.wal_bytes / self.events
    }
}

/// Resources used up to a moment.
struct Used {
    server: f64,
    postgres: f64,
    wal: i64,
}

impl Used {
    async fn now(server: &Server, postgres: &mut Postgres) -> anyhow::Result<Self> {
        Ok(Self {
            wal: postgres.wal().await?,
            server: usage::cpu(server.pid)?,
            postgres: postgres.cpu()?,
        })
    }
}

/// Time for the followers, which poll once a second, to read everything.
const READ_BY_FOLLOWERS: Duration = Duration::from_millis(1_500);

/// Measures `lane` on `database`, which is kept.
pub(crate) async fn run(
    postgres: &mut Postgres,
    database: &str,
    scenario: &'static str,
    lane: &Lane,
    asked: Asked,
) -> anyhow::Result<Turn> {
    let began = Clock::system().now();
    let secret = postgres.dir().join("secret");
    std::fs::write(&secret, SECRET)?;
    let dir = postgres.dir().join("server");
    let mut server = Server::start(lane.kind, &postgres.url(database)?, &dir)?;
    let warm_up = load::run(&lane.load.warm_up(), asked, server.address, &secret)?;
    // The first read of a row sets hint bits in its page, which after a checkpoint would add to the
    // WAL.
    tokio::time::sleep(READ_BY_FOLLOWERS).await;
    postgres.checkpoint().await?;
    let people = match lane.people {
        0 => None,
        count => Some(People::come(count, server.admin()?)?),
    };
    let before = Used::now(&server, postgres).await?;
    let report = load::run(&lane.load, asked, server.address, &secret)?;
    let after = Used::now(&server, postgres).await?;
    people.map(People::leave).transpose()?;
    let peak_mib = usage::peak_memory(server.pid)?;
    server.stop()?;
    std::fs::remove_dir_all(&dir)?;
    if let Some(count) = count(lane.kind) {
        check(postgres, database, (count, began), &[&warm_up, &report]).await?;
    }
    Ok(told(
        scenario,
        lane.name,
        &report,
        &[before, after],
        peak_mib,
    ))
}

/// Query for the deliveries and events that a server stored since a time. The outside receiver
/// stores no deliveries.
fn count(kind: ServerKind) -> Option<&'static str> {
    Some(match kind {
        ServerKind::Hookshelf => {
            "SELECT (SELECT count(*) FROM deliveries WHERE received_at >= $1),
                    (SELECT count(*) FROM events WHERE received_at >= $1)"
        }
        ServerKind::Plain => {
            "SELECT (SELECT count(*) FROM plain_deliveries WHERE received_at >= $1),
                    (SELECT count(*) FROM plain_events WHERE received_at >= $1)"
        }
        ServerKind::Outside => {
            "SELECT NULL::bigint, count(*) FROM webhooks WHERE received_at >= $1"
        }
        ServerKind::Floor => return None,
    })
}

/// Checks that everything acked since `began` is stored, each event once. A delivery without an ack
/// may be stored, too, and again when it is resent.
async fn check(
    postgres: &Postgres,
    database: &str,
    (count, began): (&'static str, jiff::Timestamp),
    reports: &[&LoadReport],
) -> anyhow::Result<()> {
    let mut connection = postgres.connect(database).await?;
    let stored: (Option<i64>, i64) = sqlx::query_as(count)
        .bind(began.to_sqlx())
        .fetch_one(&mut connection)
        .await?;
    let sum =
        |count: fn(&LoadReport) -> u64| reports.iter().map(|report| count(report)).sum::<u64>();
    let (acked, sends, events) = (sum(|it| it.acked), sum(|it| it.sends), sum(|it| it.events));
    let deliveries = stored.0.map(u64::try_from).transpose()?;
    let rows = u64::try_from(stored.1)?;
    let right = match deliveries {
        Some(deliveries) => (acked..=sends).contains(&deliveries) && rows == events,
        // The outside receiver stores the two forms of a comment under an ad as two items.
        None => (events..=sum(|it| it.items)).contains(&rows),
    };
    ensure!(
        right,
        "acked: {acked} deliveries with {events} events; stored: {stored:?}"
    );
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "counts of a bench")]
fn told(
    scenario: &'static str,
    lane: &'static str,
    report: &LoadReport,
    [before, after]: &[Used; 2],
    peak_mib: f64,
) -> Turn {
    // All deliveries were acked, so there is a value.
    let millis = |share: Option<f64>| share.unwrap_or(f64::NAN);
    Turn {
        scenario,
        lane,
        round: 0,
        deliveries: report.acked as f64,
        again: (report.sends - report.deliveries) as f64,
        events: report.items as f64,
        deliveries_per_second: report.acks_per_second,
        p50_ms: millis(report.latency_ms.p50),
        p90_ms: millis(report.latency_ms.p90),
        p99_ms: millis(report.latency_ms.p99),
        server_cpu: after.server - before.server,
        postgres_cpu: after.postgres - before.postgres,
        generator_cpu: report.cpu,
        wal_bytes: (after.wal - before.wal) as f64,
        peak_mib,
    }
}
