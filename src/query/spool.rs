//! The deliveries that wait in the spool: which they are and what is in them, never its content.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::{sync::Mutex, task::yield_now};
use uuid::Uuid;

use crate::{
    meta::split::{Context, split},
    spool::{Error, Place, Record, Spool},
};

/// How many deliveries one list may hold.
pub const MOST_WAITING: usize = 1000;

/// One delivery that waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    /// Its place in the spool; a list goes on behind it.
    pub place: String,
    /// Its id, which it keeps in the database.
    pub id: Uuid,
    /// When it was accepted.
    pub received_at: Timestamp,
    /// The app whose path and secret it used.
    pub app: String,
    /// The name of the secret that matched.
    pub secret: String,
    /// Whether `hookshelf simulate` sent it.
    pub simulated: bool,
    /// Where it came from.
    pub remote_addr: Option<IpAddr>,
    /// Bytes of its body.
    pub bytes: usize,
    /// `object` of its notification.
    pub object: Option<String>,
    /// How many items it has.
    pub items: usize,
    /// How many of them are of each kind.
    pub kinds: BTreeMap<String, usize>,
    /// What of it cannot be read.
    pub problem: Option<String>,
}

/// A part of what waits, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingList {
    /// The deliveries.
    pub records: Vec<Waiting>,
    /// The place behind which the list goes on; none at its end.
    pub next: Option<String>,
}

/// Reads what waits in a spool. One list is made at a time, since each takes some memory; clones
/// take turns.
#[derive(Clone, Debug)]
pub struct SpoolReader {
    spool: Spool,
    turn: Arc<Mutex<()>>,
}

impl SpoolReader {
    /// A reader of `spool`.
    pub fn new(spool: Spool) -> Self {
        Self {
            spool,
            turn: Arc::default(),
        }
    }

    /// At most `limit` deliveries behind `after`, oldest first; never more than [`MOST_WAITING`].
    ///
    /// # Errors
    /// The disk does not give them.
    pub async fn list(&self, after: Option<Place>, limit: usize) -> Result<WaitingList, Error> {
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
                // A body takes up to milliseconds to read, and deliveries come meanwhile.
                yield_now().await;
            }
        }
        list.next = seen.map(|place| place.to_string());
        Ok(list)
    }
}

/// What a record is, read as it will be when it is stored.
fn describe(place: Place, record: &Record) -> Waiting {
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
