//! Turning of events: a simulated event that a delivery of another source repeated becomes an event
//! of that delivery, as if the simulated event had never existed.
//!
//! The repeat is deleted and its columns are used for the event. The event gets a new position at
//! the end of the log, so that followers see the change. The dedupe key stays.

use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    batch::Cut,
    new_rows::{FirstRepeat, NewRows},
};
use crate::store::{Error, conversations::recount::count_without, stats};

/// An event that a delivery of another source repeated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Again {
    pub position: i64,
    pub key: Uuid,
    pub repeat: FirstRepeat,
}

/// Turns an event of the day of `cut`. Returns true if the event and its repeat existed and the key
/// did not belong to another event.
pub(super) async fn turn(
    conn: &mut PgConnection,
    cut: &Cut,
    again: &Again,
    new_rows: &mut NewRows,
) -> Result<bool, Error> {
    let mut tx = conn.begin().await?;
    let counted = stats::lock(&mut tx).await?;
    count_without(&mut tx, &[again.position], (cut.from, cut.to)).await?;
    new_rows.close(&mut tx).await?;
    if new_rows.has_taken(&again.key) {
        tx.rollback().await?;
        return Ok(false);
    }
    let turned: i64 = sqlx::query_scalar(TURN)
        .bind(again.position)
        .bind(cut.from.to_sqlx())
        .bind(cut.to.to_sqlx())
        .bind(again.key)
        .bind(again.repeat.position)
        .bind(again.repeat.received_at.to_sqlx())
        .bind(counted)
        .fetch_one(&mut *tx)
        .await?;
    // Otherwise the event may still be there, and count.
    let is_turned = turned > 0;
    if is_turned {
        tx.commit().await?;
    } else {
        tx.rollback().await?;
    }
    Ok(is_turned)
}

/// Moves the event from its day to the day of the repeat. Changes nothing unless both rows exist: a
/// day may have been dropped meanwhile.
const TURN: &str = "
    WITH old AS (
        DELETE FROM stored_events AS e
        WHERE position = $1 AND received_at >= $2 AND received_at < $3 AND dedupe_key = $4
          AND EXISTS (SELECT FROM stored_repeats WHERE position = $5 AND received_at = $6)
        RETURNING e AS row, position, received_at, app, account_id, kind, source
    ), again AS (
        DELETE FROM stored_repeats
        WHERE position = $5 AND received_at = $6 AND dedupe_key = $4
          AND EXISTS (SELECT FROM stored_events
                      WHERE position = $1 AND received_at >= $2 AND received_at < $3)
        RETURNING *
    ), new AS (
        INSERT INTO stored_events
        SELECT turned.* FROM old, again, jsonb_populate_record(old.row, jsonb_build_object(
            'position', nextval('event_position'), 'received_at', again.received_at,
            'delivery_id', again.delivery_id, 'app', again.app, 'source', again.source,
            'item_start', again.item_start, 'item_length', again.item_length,
            'problem', again.problem)) AS turned
        RETURNING position, received_at
    ), forgotten AS (
        DELETE FROM moved_events AS m USING old WHERE m.position = old.position
        RETURNING m.later_keys
    ), moved AS (
        INSERT INTO moved_events (moved_from, position, received_at, dedupe_key, later_keys)
        SELECT $5, position, received_at, $4,
               ARRAY(SELECT unnest(later_keys) FROM forgotten) FROM new
    ), known AS (
        UPDATE dedupe SET position = new.position
        FROM new, (SELECT $4 AS key UNION ALL SELECT unnest(later_keys) FROM forgotten) AS own
        WHERE dedupe.key = own.key AND coalesce(dedupe.event_key, dedupe.key) = $4
    ), late AS (
        INSERT INTO late_days (day, last_position)
        SELECT (received_at AT TIME ZONE 'UTC')::date, position FROM new
        ON CONFLICT (day)
        DO UPDATE SET last_position = greatest(late_days.last_position, excluded.last_position)
    ), letters AS (
        DELETE FROM dead_letters AS letter USING old, consumers
        WHERE letter.consumer = consumers.name AND letter.position = old.position
    ), gone AS (
        SELECT received_at, app, account_id, kind, source, 1 AS events, 0 AS repeats FROM old
        WHERE position <= $7
        UNION ALL
        SELECT received_at, app, account_id, kind, source, 0, 1 FROM again WHERE position <= $7
    ), less AS (
        UPDATE stats_hourly AS known
        SET events = known.events - gone.events, repeats = known.repeats - gone.repeats
        FROM gone
        WHERE known.hour = date_trunc('hour', gone.received_at, 'UTC') AND known.app = gone.app
          AND known.account_id = coalesce(gone.account_id, '') AND known.kind = gone.kind
          AND known.source = gone.source
    )
    SELECT count(*) FROM new";
