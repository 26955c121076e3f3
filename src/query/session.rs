//! Session for queries about stored data.

use uuid::Uuid;

use super::Page;
use crate::store::{
    ConnectOptions, Error,
    follow::Lag,
    read::{
        AccountFilter, AccountRow, Content, Counts, DeliveryFilter, DeliveryRow, Dimension, Reader,
        RejectionFilter, RejectionRow, RejectionTotal, StatsFilter,
    },
};

/// Session for queries. A query fails if Postgres is unavailable or does not answer in time.
#[derive(Debug)]
pub struct Session(pub(super) Reader);

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
    /// Opens a session on the server of `options`.
    pub async fn open(options: &ConnectOptions) -> Result<Self, Error> {
        Ok(Self(Reader::open(options).await?))
    }

    /// Reads a page of deliveries, in order of arrival.
    pub async fn deliveries(
        &mut self,
        page: &Page<DeliveryFilter, Uuid>,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let (reader, filter) = (&mut self.0, &page.filter);
        reader.deliveries(filter, page.after, page.limit).await
    }

    /// Reads the delivery with this id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        self.0.delivery(id).await
    }

    /// Reads the bytes of the delivery with this id.
    pub async fn body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        self.0.delivery_body(id).await
    }

    /// Reads the newest counts of requests that were not stored, at most `limit`, the newest last.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Vec<RejectionRow>, Error> {
        self.0.rejections(filter, limit).await
    }

    /// Reads the totals by reason of all counts that meet the filter.
    pub async fn rejection_totals(
        &mut self,
        filter: &RejectionFilter,
    ) -> Result<Vec<RejectionTotal>, Error> {
        self.0.rejection_totals(filter).await
    }

    /// Reads the accounts with the newest events, at most `limit`.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Accounts, Error> {
        let lag = self.0.counting().await?;
        // Read one row more than the limit, to see if there are more rows.
        let mut rows = self.0.accounts(filter, limit.saturating_add(1)).await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.remove(0);
        }
        Ok(Accounts { rows, more, lag })
    }

    /// Counts the events and repeats that meet `filter`, grouped by `by`.
    pub async fn stats(&mut self, filter: &StatsFilter, by: &[Dimension]) -> Result<Stats, Error> {
        // Read the lag first, so that the counts go at least as far as the lag says.
        let lag = self.0.counting().await?;
        let counts = self.0.counts(filter, by).await?;
        Ok(Stats { counts, lag })
    }
}
