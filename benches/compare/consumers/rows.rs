//! Queue of rows in the same Postgres: insert, claim with SKIP LOCKED, delete.

use sqlx::{Connection as _, PgConnection};

use crate::postgres::Postgres;

/// Events that are settled.
pub(super) const EVENTS: usize = 6_000;

/// Events settled at a time.
const BATCH: usize = 10;

/// WAL bytes and row writes of an event.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) wal: f64,
    pub(super) rows: f64,
}

impl Cost {
    #[expect(clippy::cast_precision_loss, reason = "numbers of a bench")]
    pub(super) fn of(wal: i64, rows: i64, events: usize) -> Self {
        Self {
            wal: wal as f64 / events as f64,
            rows: rows as f64 / events as f64,
        }
    }
}

/// Draws events, the same in each run.
#[derive(Default)]
pub(super) struct Chance(u64);

impl Chance {
    /// Takes a batch of `out` at random.
    pub(super) fn draw<T>(&mut self, out: &mut Vec<T>) -> Vec<T> {
        let mut drawn = Vec::new();
        while drawn.len() < BATCH && !out.is_empty() {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let at = usize::try_from(self.0 >> 33).unwrap_or_default() % out.len();
            drawn.push(out.swap_remove(at));
        }
        drawn
    }
}

/// Cost of a queue with so many rows claimed.
pub(super) async fn cost(postgres: &mut Postgres, in_flight: usize) -> anyhow::Result<Cost> {
    let database = postgres.make().await?;
    let mut connection = postgres.connect(&database).await?;
    sqlx::raw_sql(include_str!("queue.sql"))
        .execute(&mut connection)
        .await?;
    let (mut next, mut out, mut chance) = (0, Vec::new(), Chance::default());
    while out.len() < in_flight {
        insert(&mut connection, &mut next).await?;
        out.extend(claim(&mut connection).await?);
    }
    postgres.checkpoint().await?;
    let (rows, wal) = (writes(&mut connection).await?, postgres.wal().await?);
    let mut settled = 0;
    while settled < EVENTS {
        insert(&mut connection, &mut next).await?;
        let drawn = chance.draw(&mut out);
        settled += drawn.len();
        sqlx::query("DELETE FROM queue WHERE position = ANY ($1)")
            .bind(drawn)
            .execute(&mut connection)
            .await?;
        out.extend(claim(&mut connection).await?);
    }
    let wal = postgres.wal().await? - wal;
    let rows = writes(&mut connection).await? - rows;
    connection.close().await?;
    postgres.drop(&database).await?;
    Ok(Cost::of(wal, rows, settled))
}

async fn insert(connection: &mut PgConnection, next: &mut i64) -> anyhow::Result<()> {
    let first = *next;
    *next += i64::try_from(BATCH)?;
    sqlx::query("INSERT INTO queue (position, lane) SELECT n, hashint8(n % 2000) FROM generate_series($1, $2) AS n")
        .bind(first)
        .bind(*next - 1)
        .execute(connection)
        .await?;
    Ok(())
}

/// Claims the next rows, at most one of a lane.
async fn claim(connection: &mut PgConnection) -> anyhow::Result<Vec<i64>> {
    let sql = "UPDATE queue SET due_at = now() + interval '60 s', attempts = attempts + 1
               WHERE position IN (
                   SELECT position FROM queue
                   WHERE due_at <= now() AND NOT EXISTS (
                       SELECT FROM queue AS earlier
                       WHERE earlier.lane = queue.lane AND earlier.position < queue.position)
                   ORDER BY due_at, position LIMIT $1 FOR UPDATE SKIP LOCKED)
               RETURNING position";
    let claimed = sqlx::query_scalar(sql).bind(i64::try_from(BATCH)?);
    Ok(claimed.fetch_all(connection).await?)
}

/// Row writes to the queue so far, as this session counts them.
async fn writes(connection: &mut PgConnection) -> anyhow::Result<i64> {
    let sql = "SELECT pg_stat_force_next_flush(), pg_stat_clear_snapshot()";
    sqlx::query(sql).execute(&mut *connection).await?;
    let sql = "SELECT n_tup_ins + n_tup_upd + n_tup_del FROM pg_stat_user_tables
               WHERE relname = 'queue'";
    Ok(sqlx::query_scalar(sql).fetch_one(connection).await?)
}
