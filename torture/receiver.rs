//! Receiver of a destination: takes all events, also during faults. Afterwards every event arrived,
//! those of one lane in order, and none again unless something failed before.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::StatusCode,
};
use serde_json::Value;
use tokio::{net::TcpListener, task::AbortHandle};

use crate::arrivals::Arrivals;

/// Keys of the destination, besides its URL.
const KEYS: [(&str, &str); 6] = [
    ("REACH", "private"),
    ("FORMAT", "event"),
    ("SECRET", "whsec_ZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXp7"),
    ("START", "beginning"),
    ("RATE", "off"),
    ("RETRY", "1s"),
];

/// A receiver, until it is dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    address: SocketAddr,
    desk: Arc<Mutex<Desk>>,
    task: AbortHandle,
}

#[derive(Debug, Default)]
struct Desk {
    /// True if the events are those of the private Postgres.
    private: bool,
    /// True after a fault of this round.
    is_shaken: bool,
    arrivals: HashMap<bool, Arrivals>,
}

impl Desk {
    fn arrivals(&mut self) -> &mut Arrivals {
        self.arrivals.entry(self.private).or_default()
    }
}

impl Receiver {
    /// Starts a receiver on a free port.
    pub(crate) async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let desk = Arc::<Mutex<Desk>>::default();
        let routes = Router::new().fallback(receive);
        let routes = routes.layer(DefaultBodyLimit::disable());
        let routes = routes.with_state(Arc::clone(&desk));
        let serving = tokio::spawn(async move { axum::serve(listener, routes).await });
        Ok(Self {
            address,
            desk,
            task: serving.abort_handle(),
        })
    }

    /// Variables of the destination.
    pub(crate) fn variables(&self) -> impl Iterator<Item = (String, String)> {
        let url = ("URL", format!("http://{}/", self.address));
        let keys = KEYS.map(|(key, value)| (key, value.to_owned()));
        let keys = keys.into_iter().chain([url]);
        keys.map(|(key, value)| (format!("HOOKSHELF__DESTINATIONS__RECEIVER__{key}"), value))
    }

    /// Takes the events of another database from now on, or of the same. Nothing failed yet.
    pub(crate) fn settle(&self, private: bool) {
        let mut desk = self.desk();
        (desk.private, desk.is_shaken) = (private, false);
    }

    /// From now on an event may come again.
    pub(crate) fn note_fault(&self) {
        self.desk().is_shaken = true;
    }

    /// Expects all events after this position, unless it expects some already.
    pub(crate) fn begin(&self, last: i64) {
        self.desk().arrivals().begin(last);
    }

    /// Takes the faults since the last call. `positions` are all events, and all are settled.
    pub(crate) fn take_faults(&self, positions: &[i64]) -> Vec<String> {
        let mut desk = self.desk();
        let arrivals = desk.arrivals();
        println!("  a destination had got {} events", arrivals.count());
        arrivals.settle(positions);
        let faults = arrivals.take_faults(positions).into_iter();
        faults
            .map(|fault| format!("destination: {fault}"))
            .collect()
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn receive(State(desk): State<Arc<Mutex<Desk>>>, body: Bytes) -> StatusCode {
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let mut desk = desk.lock().unwrap_or_else(PoisonError::into_inner);
    let is_shaken = desk.is_shaken;
    let arrivals = desk.arrivals();
    match arrivals.add(&body["data"]) {
        Ok((position, true)) if !is_shaken => {
            arrivals.accuse(format!("again although nothing failed: {position}"));
        }
        Ok(_) => {}
        Err(error) => arrivals.accuse(format!("a body without {error}")),
    }
    StatusCode::NO_CONTENT
}
