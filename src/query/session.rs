//! A session that answers questions about what is stored.

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

/// A session that answers. Each answer fails if Postgres is away or does not answer in time.
#[derive(Debug)]
pub struct Session(pub(super) Reader);

/// Counts of requests that were not stored, by hour.
#[derive(Clone, Debug)]
pub struct Rejections {
    /// The newest, the newest last.
    pub rows: Vec<RejectionRow>,
    /// The totals of all rows that meet the filter, by reason.
    pub totals: Vec<RejectionTotal>,
}

/// Accounts, those with the newest events.
#[derive(Clone, Debug)]
pub struct Accounts {
    /// The accounts, the newest last.
    pub rows: Vec<AccountRow>,
    /// True if more accounts meet the filter.
    pub more: bool,
    /// How far behind the counts are that this is made from; none if nothing was ever counted.
    pub lag: Option<Lag>,
}

/// Counts of events and repeats.
#[derive(Clone, Debug)]
pub struct Stats {
    /// The counts.
    pub counts: Counts,
    /// How far behind they are; none if nothing was ever counted.
    pub lag: Option<Lag>,
}

impl Session {
    /// Opens a session on the server that `options` lead to.
    pub async fn open(options: &ConnectOptions) -> Result<Self, Error> {
        Ok(Self(Reader::open(options).await?))
    }

    /// A page of deliveries, in the order of arrival.
    pub async fn deliveries(
        &mut self,
        page: &Page<DeliveryFilter, Uuid>,
    ) -> Result<Vec<DeliveryRow>, Error> {
        let (reader, filter) = (&mut self.0, &page.filter);
        reader.deliveries(filter, page.after, page.limit).await
    }

    /// The delivery with this id.
    pub async fn delivery(&mut self, id: Uuid) -> Result<Option<DeliveryRow>, Error> {
        self.0.delivery(id).await
    }

    /// The bytes of the delivery with this id.
    pub async fn body(&mut self, id: Uuid) -> Result<Option<Content>, Error> {
        self.0.delivery_body(id).await
    }

    /// The newest counts of requests that were not stored, at most `limit` of them.
    pub async fn rejections(
        &mut self,
        filter: &RejectionFilter,
        limit: u32,
    ) -> Result<Rejections, Error> {
        Ok(Rejections {
            rows: self.0.rejections(filter, limit).await?,
            totals: self.0.rejection_totals(filter).await?,
        })
    }

    /// The accounts with the newest events, at most `limit` of them.
    pub async fn accounts(
        &mut self,
        filter: &AccountFilter,
        limit: u32,
    ) -> Result<Accounts, Error> {
        let lag = self.0.counting().await?;
        // A row more than the limit says that there are more.
        let mut rows = self.0.accounts(filter, limit.saturating_add(1)).await?;
        let more = rows.len() > usize::try_from(limit).unwrap_or(usize::MAX);
        if more {
            rows.remove(0);
        }
        Ok(Accounts { rows, more, lag })
    }

    /// What meets `filter`, counted and told apart by `by`.
    pub async fn stats(&mut self, filter: &StatsFilter, by: &[Dimension]) -> Result<Stats, Error> {
        // Before the counts, so that they go at least as far as is said.
        let lag = self.0.counting().await?;
        let counts = self.0.counts(filter, by).await?;
        Ok(Stats { counts, lag })
    }
}
