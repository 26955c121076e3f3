//! Deliveries in the spool, with the kinds of their items but without content.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, task::yield_now};
use uuid::Uuid;

use crate::{
    meta::split::{Context, split},
    spool::{Error, Record, Spool, SpoolPosition},
};

/// Maximum number of deliveries in one list.
pub const MOST_WAITING: usize = 1000;

/// Delivery waiting in the spool.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Waiting {
    /// Position in the spool; the next list begins behind this place.
    pub place: String,
    /// Id of the delivery; the id stays the same in the database.
    pub id: Uuid,
    /// Time of acceptance.
    pub received_at: Timestamp,
    /// App of the path and of the secret.
    pub app: String,
    /// Name of the matching secret.
    pub secret: String,
    /// True if `hookshelf simulate` sent the delivery.
    pub simulated: bool,
    /// Address of the sender.
    pub remote_addr: Option<IpAddr>,
    /// Size of the body in bytes.
    pub bytes: usize,
    /// `object` of the notification.
    pub object: Option<String>,
    /// Number of items.
    pub items: usize,
    /// Number of items of each kind.
    pub kinds: BTreeMap<String, usize>,
    /// Code of the problem, if a part of the body is unreadable.
    pub problem: Option<String>,
}

/// Part of the waiting deliveries, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WaitingList {
    /// The deliveries.
    pub records: Vec<Waiting>,
    /// Position before the next list; `None` at the end.
    pub next: Option<String>,
}

/// Reader of waiting deliveries. Clones take turns: only one list is built at a time, because a
/// list takes memory.
#[derive(Clone, Debug)]
pub struct SpoolReader {
    spool: Spool,
    turn: Arc<Mutex<()>>,
}

impl SpoolReader {
    /// Creates a reader of `spool`.
    pub fn new(spool: Spool) -> Self {
        Self {
            spool,
            turn: Arc::default(),
        }
    }

    /// Lists at most `limit` deliveries behind `after`, oldest first, and never more than
    /// [`MOST_WAITING`].
    ///
    /// # Errors
    /// If the spool cannot be read from the disk.
    pub async fn list(
        &self,
        after: Option<SpoolPosition>,
        limit: usize,
    ) -> Result<WaitingList, Error> {
        let _turn = self.turn.lock().await;
        let limit = limit.min(MOST_WAITING);
        let (mut list, mut seen) = (WaitingList::default(), after);
        while list.records.len() < limit {
            let found = self.spool.read(seen, limit - list.records.len()).await?;
            if found.is_empty() {
                return Ok(list);
            }
            for (place, record) in found {
                seen = Some(place);
                list.records.push(describe(place, &record));
                // Let other tasks run: parsing a body takes up to milliseconds, and deliveries
                // arrive meanwhile.
                yield_now().await;
            }
        }
        list.next = seen.map(|place| place.to_string());
        Ok(list)
    }
}

/// Describes a record. The body is parsed in the same way as for the database.
fn describe(place: SpoolPosition, record: &Record) -> Waiting {
    let envelope = &record.envelope;
    let context = Context {
        app: &envelope.app,
        received_at: envelope.received_at,
    };
    let notification = split(&record.body, context);
    let mut kinds = BTreeMap::new();
    for event in &notification.events {
        *kinds.entry(event.kind.as_str().to_owned()).or_insert(0) += 1;
    }
    let problem = notification.problem();
    Waiting {
        place: place.to_string(),
        id: envelope.id,
        received_at: envelope.received_at,
        app: envelope.app.as_ref().to_owned(),
        secret: record.secret.as_ref().to_owned(),
        simulated: record.simulated,
        remote_addr: envelope.remote_addr,
        bytes: record.body.len(),
        object: notification.object.map(|object| object.to_string()),
        items: notification.events.len(),
        kinds,
        problem: problem.map(|problem| problem.as_str().to_owned()),
    }
}
