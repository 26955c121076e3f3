//! Deliveries that destinations get in Meta's form.

use sqlx::postgres::PgConnectOptions;

use crate::store::{
    Error,
    read::{Between, EventFilter, EventRow, Order, Readers, ReceivedBody, Visible},
};

/// Sessions of the pool.
const SESSIONS: u32 = 4;

/// Pool of sessions that read deliveries. Clones share it.
#[derive(Clone, Debug)]
pub struct Deliveries(Readers);

impl Deliveries {
    /// Creates a pool of sessions on the server of `options`. It connects on demand.
    pub fn new(options: &PgConnectOptions) -> Self {
        Self(Readers::new(options, SESSIONS))
    }

    /// Reads the body of the delivery of `event`, and the events that it brought, in order; no
    /// events if it has one item only. `None` if the body was erased or the delivery purged.
    ///
    /// # Errors
    /// If Postgres is unavailable or does not answer in time.
    pub async fn of(&self, event: &EventRow) -> Result<Option<(Vec<u8>, Vec<EventRow>)>, Error> {
        let mut reader = self.0.reader(Visible::default()).await?;
        let found = reader.received_body(event.delivery_id, event.received_at);
        let Some(ReceivedBody {
            body: Some(body),
            items,
        }) = found.await?
        else {
            return Ok(None);
        };
        if items.count <= 1 {
            return Ok(Some((body, Vec::new())));
        }
        let filter = EventFilter {
            delivery: Some(items),
            ..EventFilter::default()
        };
        let page = (Order::Oldest, items.count.unsigned_abs());
        // Without moved items: events of other deliveries lie between.
        let together = Between {
            after: Some(items.first - 1),
            before: Some(items.first + i64::from(items.count)),
        };
        let events = reader.events(&filter, together, page, false);
        Ok(Some((body, events.await?)))
    }
}
