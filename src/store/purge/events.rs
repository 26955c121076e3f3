//! Purge of events: an event is deleted with its dedupe key, or turned into an event of another
//! delivery.

use jiff_sqlx::ToSqlx;
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use super::{
    Purge, Purged,
    batch::{self, Cut},
    new_rows::NewRows,
    survey::Survey,
    turn::{Again, turn},
};
use crate::store::{Error, conversations::recount::count_without, stats};

/// Maximum number of events of one transaction. The fence is held for some 15 milliseconds, while
/// they and their keys are deleted.
const EVENTS_AT_ONCE: i64 = 1_000;

/// Simulated events of a day, by their positions and keys.
#[derive(Debug)]
pub(super) struct Events {
    positions: Vec<i64>,
    keys: Vec<Uuid>,
    /// Position of the last event.
    pub last: i64,
}

impl Events {
    /// The first events after position `after`.
    pub(super) async fn next(
        conn: &mut PgConnection,
        cut: &Cut,
        after: i64,
    ) -> Result<Option<Self>, Error> {
        let rows: Vec<(i64, Uuid)> = sqlx::query_as(
            "SELECT position, dedupe_key FROM stored_events
             WHERE received_at >= $1 AND received_at < $2 AND position > $3 AND position <= $4
               AND source = 'simulated'
             ORDER BY position LIMIT $5",
        )
        .bind(cut.from.to_sqlx())
        .bind(cut.to.to_sqlx())
        .bind(after)
        .bind(cut.last)
        .bind(EVENTS_AT_ONCE)
        .fetch_all(conn)
        .await?;
        let Some(last) = rows.last().map(|row| row.0) else {
            return Ok(None);
        };
        let (positions, keys) = rows.into_iter().unzip();
        Ok(Some(Self {
            positions,
            keys,
            last,
        }))
    }
}

impl Purge {
    /// Deletes the events with their keys, and turns the events that another delivery repeated. If
    /// one of the events is repeated during the transaction, rolls back, turns that event and tries
    /// again.
    pub(super) async fn events(
        &mut self,
        cut: &Cut,
        events: &Events,
        purged: &mut Purged,
    ) -> Result<(), Error> {
        loop {
            self.new_rows.catch_up(&mut self.conn).await?;
            for again in self.again(events) {
                self.turn(cut, &again, purged).await?;
            }
            if self.delete(cut, events, purged).await? {
                return Ok(());
            }
        }
    }

    async fn turn(&mut self, cut: &Cut, again: &Again, purged: &mut Purged) -> Result<(), Error> {
        if turn(&mut self.conn, cut, again, &mut self.new_rows).await? {
            purged.turned += 1;
            // From now on the key belongs to the turned event.
            self.survey.held.insert(again.key);
        }
        self.survey.repeated.remove(&again.key);
        self.new_rows.forget(&again.key);
        Ok(())
    }

    /// Deletes one batch in a transaction; returns true if it was committed.
    async fn delete(
        &mut self,
        cut: &Cut,
        events: &Events,
        purged: &mut Purged,
    ) -> Result<bool, Error> {
        let mut tx = self.conn.begin().await?;
        let counted = stats::lock(&mut tx).await?;
        count_without(&mut tx, &events.positions, (cut.from, cut.to)).await?;
        self.new_rows.close(&mut tx).await?;
        let (survey, new_rows) = (&self.survey, &self.new_rows);
        let free = events
            .keys
            .iter()
            .filter(|key| is_free(survey, new_rows, key));
        // Sorted, because keys of the same time lie on the same index pages.
        let mut free: Vec<Uuid> = free.copied().collect();
        if free.iter().any(|key| new_rows.repeated(key).is_some()) {
            tx.rollback().await?;
            return Ok(false);
        }
        free.sort_unstable();
        let positions = &events.positions;
        let gone = batch::delete(&mut tx, cut, batch::EVENTS, positions, counted).await?;
        // With `event_key`, the key is a later one of an event that stays.
        let delete = "DELETE FROM dedupe WHERE key = ANY($1) AND event_key IS NULL";
        let keys = sqlx::query(delete).bind(free);
        let keys = keys.execute(&mut *tx).await?.rows_affected();
        tx.commit().await?;
        purged.events += gone;
        purged.keys += keys;
        Ok(true)
    }

    /// Events that a delivery of another source repeated and that are not turned yet.
    fn again(&self, events: &Events) -> Vec<Again> {
        let both = events.positions.iter().zip(&events.keys);
        let free = both.filter(|(_, key)| is_free(&self.survey, &self.new_rows, key));
        let found = free.filter_map(|(position, key)| {
            let known = self.survey.repeated.get(key).copied();
            Some(Again {
                position: *position,
                key: *key,
                repeat: known.or_else(|| self.new_rows.repeated(key))?,
            })
        });
        found.collect()
    }
}

/// True if the key belongs only to the simulated event.
fn is_free(survey: &Survey, new_rows: &NewRows, key: &Uuid) -> bool {
    !survey.held.contains(key) && !new_rows.has_taken(key)
}
