//! Session for queries about stored data.

use std::collections::BTreeMap;

use uuid::Uuid;

use super::{Page, Scope};
use crate::store::{
    ConnectOptions, Error,
    follow::Lag,
    read::{
        AccountFilter, AccountRow, Content, Counts, DeliveryFilter, DeliveryRow, Dimension,
        GapFilter, GapRow, Items, Reader, Readers, RejectionFilter, RejectionRow, RejectionTotal,
        StatsFilter,
    },
};

/// Sessions, which callers take in turns.
#[derive(Clone, Debug)]
pub struct Sessions(Readers);

impl Sessions {
    /// Creates a pool of at most `size` sessions on the server of `options`. It connects on demand.
    pub fn new(options: &ConnectOptions, size: u32) -> Self {
        Self(Readers::new(options, size))
    }

    /// Opens one session on the server of `options`.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn one(options: &ConnectOptions) -> Result<Self, Error> {
        Ok(Self(Readers::one(options).await?))
    }

    /// Takes a free session for queries within `scope`.
    ///
    /// # Errors
    /// If Postgres is unavailable, or no session is free in time.
    pub async fn session(&self, scope: &Scope) -> Result<Session, Error> {
        Ok(Session {
            reader: self.0.reader(scope.visible().clone()).await?,
            scope: scope.clone(),
        })
    }
}

/// Session for queries within a scope. A query fails if Postgres is unavailable or does not answer
/// in time.
#[derive(Debug)]
pub struct Session {
    pub(super) reader: Reader,
    pub(super) scope: Scope,
}

/// Accounts with the newest events.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The accounts, the newest last.
    pub rows: Vec<AccountRow>,
    /// True if more accounts meet the filter.
    pub more: bool,
    /// Lag of the counts used for the rows; `None` if nothing was ever counted.
    pub lag: Option<Lag>,
}

/// Counts of events and repeats.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The counts.
    pub counts: Counts,
    /// Lag of the counts; `None` if nothing was ever counted.
    pub lag: Option<Lag>,
}

impl Session {
    /// Opens a session on the server of `options` for queries within `scope`.
    pub async fn open(options: &ConnectOptions, scope: &Scope) -> Result<Self, Error> {
        Ok(Self {
            reader: Reader::open_visible(options, scope.visible().clone()).await?,
            scope: scope.clone(),
        })
    }

    /// Scope of the session.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Reads a page of deliveries, in order of arrival.
    pub async fn deliveries(
        &mut self,
        page: &Page<DeliveryFilter, Uuid>,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let (reader, filter) = (&mut self.reader, &page.filter);
        reader.deliveries(filter, page.after, page.limit).await
    }

    /// Reads the delivery with this id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        self.reader.delivery(id).await
    }

    /// Finds the items of a delivery; `None` if it is not stored or not visible, or has none.
    pub async fn items_of(&mut self, delivery: Uuid) -> Result<Option<Items>, Error> {
        self.reader.items_of(delivery).await
    }

    /// Finds the ids of accounts with this id or label, or, if the scope shows content, with this
    /// user name.
    pub async fn account_ids(&mut self, name: &str) -> Result<Vec<String>, Error> {
        let usernames = self.scope.shows_content();
        self.reader.account_ids(name, usernames).await
    }

    /// Names of the known accounts with these ids, if they have one: the label, or if the scope
    /// shows content, the user name with an `@`.
    pub async fn account_names(
        &mut self,
        ids: &[String],
    ) -> Result<BTreeMap<String, Option<String>>, Error> {
        let usernames = self.scope.shows_content();
        let names = self.reader.account_names(ids, usernames).await?;
        Ok(names.into_iter().collect())
    }

    /// Reads the bytes of the delivery with this id.
    pub async fn body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        self.reader.delivery_body(id).await
    }

    /// Reads the newest counts of requests that were not stored, at most `limit`, the newest last.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        self.reader.rejections(filter, limit).await
    }

    /// Reads the totals by reason of all counts that meet the filter.
    pub async fn rejection_totals(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Vec<RejectionTotal>, Error> {
        self.reader.rejection_totals(filter).await
    }

    /// Reads the newest gaps in the deliveries, at most `limit`, the newest last.
    pub async fn gaps(&mut self, filter: &GapFilter, limit: u32) -> Result<Vec<GapRow>, Error> {
        self.reader.gaps(filter, limit).await
    }

    /// Reads the accounts with the newest events, at most `limit`.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Accounts, Error> {
        let lag = self.reader.counting().await?;
        let counted = lag.as_ref().map_or(0, |lag| lag.position);
        // Read one row more than the limit, to see if there are more rows.
        let mut rows = self
            .reader
            .accounts(filter, counted, limit.saturating_add(1))
            .await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.remove(0);
        }
        Ok(Accounts { rows, more, lag })
    }

    /// Counts the events and repeats that meet `filter`, grouped by `by`.
    pub async fn stats(&mut self, filter: &StatsFilter, by: &[Dimension]) -> Result<Stats, Error> {
        // Read the lag first, so that the counts go at least as far as the lag says.
        let lag = self.reader.counting().await?;
        let counts = self.reader.counts(filter, by).await?;
        Ok(Stats { counts, lag })
    }
}
