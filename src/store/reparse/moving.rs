//! Transaction that moves events to the end of the log.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{Change, Session, range};
use crate::store::{Error, conversations::recount::count_without, stats};

/// Numbers of events of one transaction, or of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Events that moved.
    pub moved: u64,
    /// Events that stay, because another event has the key that they would get today.
    pub held: u64,
    /// Positions of events that stay, because Postgres rejects their columns.
    pub refused: Vec<i64>,
}

impl Session {
    /// Moves the events of `changes`, which were received on one day and are in order of position,
    /// in one transaction. Returns `None`, with nothing changed, if an event or a key changed
    /// meanwhile: the caller reads the items again.
    ///
    /// # Errors
    /// If Postgres is unavailable. Nothing was changed, unless the answer was lost.
    pub async fn move_events(&mut self, changes: &[Change]) -> Result<Option<Moved>, Error> {
        let range = range(changes);
        let mut tx = self.conn.begin().await?;
        // Look-ups by index, whatever the statistics say.
        let settings = "SET LOCAL enable_seqscan = off";
        sqlx::raw_sql(settings).execute(&mut *tx).await?;
        let counted = stats::lock(&mut tx).await?;
        let likely = free(&mut tx, changes.iter().collect()).await?;
        let positions: Vec<i64> = likely.iter().map(|it| it.position()).collect();
        count_without(&mut tx, &positions, range).await?;
        // Nothing may wait for long with the fence.
        let fence = "SELECT FROM commit_fence FOR UPDATE; SET LOCAL lock_timeout = '500ms';
                     SET LOCAL statement_timeout = '1500ms';
                     SET LOCAL idle_in_transaction_session_timeout = '500ms'";
        sqlx::raw_sql(fence).execute(&mut *tx).await?;
        let free = free(&mut tx, likely).await?;
        let moved = replace(&mut tx, &free, range, counted).await?;
        if moved != positions.len() as u64 {
            tx.rollback().await?;
            return Ok(None);
        }
        tx.commit().await?;
        let held = changes.len() as u64 - moved;
        Ok(Some(Moved {
            moved,
            held,
            refused: Vec::new(),
        }))
    }
}

/// Replaces the rows of events. Returns the number of events that were there.
async fn replace(
    tx: &mut PgConnection,
    changes: &[&Change],
    (from, to): (Timestamp, Timestamp),
    counted: i64,
) -> Result<u64, Error> {
    let places = draw(tx, changes.len()).await?;
    let each = changes.iter();
    let kinds: Vec<_> = each.clone().map(|it| it.item.kind.as_str()).collect();
    let columns: Vec<_> = each.clone().map(|it| it.columns.as_str()).collect();
    let keys: Vec<_> = each.clone().map(|it| it.item.dedupe_key).collect();
    let moved: i64 = sqlx::query_scalar(MOVE)
        .bind(each.clone().map(|it| it.position()).collect::<Vec<_>>())
        .bind(places)
        .bind(keys)
        .bind(kinds)
        .bind(each.map(|it| it.later_key).collect::<Vec<_>>())
        .bind(columns)
        .bind(from.to_sqlx())
        .bind(to.to_sqlx())
        .bind(counted)
        .fetch_one(tx)
        .await?;
    Ok(moved.unsigned_abs())
}

/// The changes whose later key belongs to no other event, known or among these.
async fn free<'c>(
    tx: &mut PgConnection,
    changes: Vec<&'c Change>,
) -> Result<Vec<&'c Change>, Error> {
    let keys: Vec<Uuid> = changes.iter().filter_map(|it| it.later_key).collect();
    let known: Vec<(Uuid, i64)> = sqlx::query_as(
        "SELECT key, position FROM dedupe
         WHERE epoch >= (SELECT epoch - 1 FROM commit_fence) AND key = ANY ($1)",
    )
    .bind(keys)
    .fetch_all(tx)
    .await?;
    let known: HashMap<Uuid, i64> = known.into_iter().collect();
    let mut taken = HashSet::new();
    let is_free = |change: &&Change| {
        change.later_key.is_none_or(|key| {
            known.get(&key).is_none_or(|at| *at == change.position()) && taken.insert(key)
        })
    };
    Ok(changes.into_iter().filter(is_free).collect())
}

/// Draws positions. The caller has the fence.
async fn draw(tx: &mut PgConnection, count: usize) -> Result<Vec<i64>, Error> {
    let draw = sqlx::query_scalar(
        "SELECT nextval('event_position') FROM generate_series(1, $1) ORDER BY 1",
    );
    let count = i64::try_from(count).unwrap_or(i64::MAX);
    Ok(draw.bind(count).fetch_all(tx).await?)
}

/// Replaces the rows. A column of the row that follows from other columns is null, as in a commit.
/// `data` of the same kind keeps the fields of completions.
const MOVE: &str = "
    WITH asked AS MATERIALIZED (
        SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::uuid[], $4::text[], $5::uuid[],
                             $6::text[]) AS asked (was, position, key, kind, later_key, columns)
    ), old AS (
        DELETE FROM stored_events AS e USING asked
        WHERE e.position = asked.was AND e.received_at >= $7 AND e.received_at < $8
          AND e.dedupe_key = asked.key AND e.kind = asked.kind AND e.erased_at IS NULL
        RETURNING e AS row, e.data, e.received_at, e.app, e.account_id, e.kind, e.source,
                  asked.was, asked.position, asked.key, asked.later_key,
                  asked.columns::jsonb AS columns
    ), new AS (
        INSERT INTO stored_events
        SELECT moved.* FROM old, jsonb_populate_record(old.row, old.columns) AS it,
               jsonb_populate_record(it, jsonb_build_object(
                   'position', old.position,
                   'sender_id', CASE
                       WHEN it.sender_id IS DISTINCT FROM
                            item_sender(it.is_echo, it.account_id, it.person_id)
                       THEN coalesce(it.sender_id, '') END,
                   'recipient_id', CASE
                       WHEN it.recipient_id IS DISTINCT FROM
                            item_recipient(it.is_echo, it.channel, it.account_id, it.person_id)
                       THEN coalesce(it.recipient_id, '') END,
                   'field', nullif(it.field, item_field(it.kind)),
                   'data', CASE WHEN it.kind = old.kind AND old.data IS NOT NULL
                                THEN old.data || coalesce(it.data, '{}') ELSE it.data END
               )) AS moved
        RETURNING position, received_at
    ), before AS (
        SELECT old.*, ARRAY(SELECT unnest(m.later_keys) FROM moved_events AS m
                            WHERE m.position = old.was) AS later_keys
        FROM old
    ), known AS (
        UPDATE dedupe SET position = own.position
        FROM (SELECT was, position, key, unnest(later_keys || key) AS own_key FROM before) AS own
        WHERE dedupe.key = own.own_key AND dedupe.position = own.was
    ), later AS (
        INSERT INTO dedupe (epoch, key, position, event_key)
        SELECT epoch, later_key, position, key FROM old, commit_fence WHERE later_key IS NOT NULL
        ON CONFLICT DO NOTHING
    ), again AS (
        UPDATE moved_events AS m SET position = old.position FROM old WHERE m.position = old.was
    ), moved AS (
        INSERT INTO moved_events (moved_from, position, received_at, dedupe_key, later_keys)
        SELECT was, position, received_at, key,
               CASE WHEN later_key = ANY (later_keys) THEN '{}'
                    ELSE array_remove(ARRAY[later_key], NULL) END
        FROM before
    ), late AS (
        INSERT INTO late_days (day, last_position)
        SELECT (received_at AT TIME ZONE 'UTC')::date, max(position) FROM new GROUP BY 1
        ON CONFLICT (day)
        DO UPDATE SET last_position = greatest(late_days.last_position, excluded.last_position)
    ), letters AS (
        UPDATE dead_letters AS letter SET position = old.position FROM old, consumers
        WHERE letter.consumer = consumers.name AND letter.position = old.was
    ), less AS (
        UPDATE stats_hourly AS known SET events = known.events - counted.number
        FROM (SELECT date_trunc('hour', received_at, 'UTC') AS hour, app,
                     coalesce(account_id, '') AS account_id, kind, source, count(*) AS number
              FROM old WHERE was <= $9 GROUP BY 1, 2, 3, 4, 5) AS counted
        WHERE known.hour = counted.hour AND known.app = counted.app
          AND known.account_id = counted.account_id AND known.kind = counted.kind
          AND known.source = counted.source
    )
    SELECT count(*) FROM new";
