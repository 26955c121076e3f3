//! New rows that arrive during a purge, read so that no delivery that is not simulated loses its
//! event or its account.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use sqlx::{PgConnection, QueryBuilder};
use uuid::Uuid;

use crate::store::{
    Error,
    follow::{Batch, Tail},
    stats,
};

/// Position and arrival of a repeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FirstRepeat {
    pub position: i64,
    pub received_at: Timestamp,
}

impl FirstRepeat {
    pub(super) fn new(position: i64, received_at: Timestamp) -> Self {
        Self {
            position,
            received_at,
        }
    }
}

/// Reads the log from the start of the purge.
#[derive(Debug)]
pub(super) struct NewRows {
    tail: Tail,
    repeated: HashMap<Uuid, FirstRepeat>,
    accounts: HashSet<(String, String)>,
    /// Keys of new events; `None` if they are not needed.
    taken: Option<HashSet<Uuid>>,
}

impl NewRows {
    /// Starts at the present end of the log.
    pub(super) async fn begin(conn: &mut PgConnection) -> Result<Self, Error> {
        Ok(Self {
            tail: Tail::begin(conn, stats::NAME).await?,
            repeated: HashMap::new(),
            accounts: HashSet::new(),
            taken: None,
        })
    }

    /// Takes the fence until the transaction ends and reads everything committed before, most of it
    /// before taking the fence. Sets a short lock timeout: while the fence is held, all commits wait.
    pub(super) async fn close(&mut self, tx: &mut PgConnection) -> Result<(), Error> {
        self.catch_up(tx).await?;
        let fence = "SELECT FROM commit_fence FOR UPDATE; SET LOCAL lock_timeout = '500ms'";
        sqlx::raw_sql(fence).execute(&mut *tx).await?;
        self.catch_up(tx).await
    }

    /// Notes the keys of new events from now on.
    pub(super) fn note_keys(&mut self) {
        self.taken = Some(HashSet::new());
    }

    /// Reads everything committed since the last call, but nothing committed during this call.
    pub(super) async fn catch_up(&mut self, conn: &mut PgConnection) -> Result<(), Error> {
        while let Some(batch) = self.tail.next(conn).await? {
            self.see_repeats(conn, &batch).await?;
            self.see_accounts(conn, &batch).await?;
            self.see_keys(conn, &batch).await?;
            if self.tail.is_at_the_end() {
                break;
            }
        }
        Ok(())
    }

    /// First observed repeat of this key.
    pub(super) fn repeated(&self, key: &Uuid) -> Option<FirstRepeat> {
        self.repeated.get(key).copied()
    }

    /// Removes a repeat that no longer exists.
    pub(super) fn forget(&mut self, key: &Uuid) {
        self.repeated.remove(key);
    }

    /// True if a new event has this key.
    pub(super) fn has_taken(&self, key: &Uuid) -> bool {
        self.taken.as_ref().is_some_and(|taken| taken.contains(key))
    }

    /// True if a delivery that is not simulated came for this account.
    pub(super) fn has_seen(&self, app: &str, account_id: &str) -> bool {
        let account = (app.to_owned(), account_id.to_owned());
        self.accounts.contains(&account)
    }

    async fn see_repeats(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        let mut query = QueryBuilder::new(
            "SELECT dedupe_key, position, received_at FROM stored_repeats
             WHERE source <> 'simulated' AND",
        );
        batch.restrict(&mut query);
        query.push(" ORDER BY position");
        let rows: Vec<(Uuid, i64, jiff_sqlx::Timestamp)> =
            query.build_query_as().fetch_all(conn).await?;
        for (key, position, at) in rows {
            let first = FirstRepeat::new(position, at.to_jiff());
            self.repeated.entry(key).or_insert(first);
        }
        Ok(())
    }

    async fn see_accounts(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        let mut query = QueryBuilder::new(
            "SELECT app, account_id FROM stored_events
             WHERE source <> 'simulated' AND account_id IS NOT NULL AND",
        );
        batch.restrict(&mut query);
        query.push(
            " UNION SELECT app, account_id FROM stored_repeats
             WHERE source <> 'simulated' AND account_id IS NOT NULL AND",
        );
        batch.restrict(&mut query);
        let rows: Vec<(String, String)> = query.build_query_as().fetch_all(conn).await?;
        self.accounts.extend(rows);
        Ok(())
    }

    async fn see_keys(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        let Some(taken) = &mut self.taken else {
            return Ok(());
        };
        let mut query = QueryBuilder::new(
            "SELECT dedupe_key FROM stored_events WHERE source <> 'simulated' AND",
        );
        batch.restrict(&mut query);
        let keys: Vec<Uuid> = query.build_query_scalar().fetch_all(conn).await?;
        taken.extend(keys);
        Ok(())
    }
}
