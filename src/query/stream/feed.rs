//! Feed: the reader of the log that fills the ring, on one connection.

use std::{sync::Arc, time::Duration};

use tokio::sync::watch;

use super::{Asks, Hub, Log, clients::Clients, ring::Batch};
use crate::store::{
    self, ConnectOptions, Connection, Error,
    read::{self, LogReader, PageSize},
    wake,
};

/// Size of a page.
const PAGE: PageSize = PageSize {
    events: 500,
    bytes: Some(4 << 20),
};

/// Timeout for connecting.
const CONNECTING: Duration = Duration::from_secs(10);

/// Reader of the log. It reads only while there are subscribers.
#[derive(Debug)]
pub struct Feed {
    hub: Hub,
    options: ConnectOptions,
    asks: watch::Receiver<Asks>,
    connection: Option<Connection>,
    log: Option<LogReader>,
    /// Number of subscribers before the last look began.
    registered: u64,
}

impl Feed {
    pub(super) fn new(hub: Hub, options: ConnectOptions) -> Self {
        Self {
            asks: hub.0.asks.subscribe(),
            hub,
            options,
            connection: None,
            log: None,
            registered: 0,
        }
    }

    /// Waits until there is a subscriber.
    pub async fn until_wanted(&mut self) {
        // The sender lives as long as the hub of `self`.
        let _ = self.asks.wait_for(|asks| asks.subscribers > 0).await;
    }

    /// True while there are subscribers.
    pub fn is_wanted(&self) -> bool {
        self.asks.borrow().subscribers > 0
    }

    /// True while a subscriber must see commits of other processes within milliseconds.
    pub fn is_urgent(&self) -> bool {
        self.asks.borrow().urgent > 0
    }

    /// Waits until a subscriber came since the last look began, or until the last one left, or,
    /// unless `urged`, until a subscriber is urgent.
    pub async fn asked(&mut self, urged: bool) {
        let known = self.registered;
        let is_news = |asks: &Asks| {
            let is_urgent = !urged && asks.urgent > 0;
            is_urgent || asks.registered != known || asks.subscribers == 0
        };
        let _ = self.asks.wait_for(is_news).await;
    }

    /// The log for consumers.
    pub fn log(&self) -> Log {
        Log::of(self.hub.clone())
    }

    /// Position up to which the log was read.
    pub fn position(&self) -> i64 {
        self.hub.0.ring.borrow().through()
    }

    /// Reads everything committed before this call into the ring. Returns true if there was
    /// something. After a failure the next look continues from the same position.
    ///
    /// # Errors
    /// If Postgres is unavailable.
    pub async fn look(&mut self) -> Result<bool, Error> {
        let number = self.begin();
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        let found = self.read(&mut connection).await?;
        self.connection = Some(connection);
        self.hub.0.pages.close_old();
        self.hub.0.behind.clear_old();
        self.hub.0.looked.send_replace(number);
        Ok(found)
    }

    /// Number of a new look.
    fn begin(&mut self) -> u64 {
        let mut number = 0;
        self.hub.0.asks.send_if_modified(|asks| {
            asks.begun += 1;
            (number, self.registered) = (asks.begun, asks.registered);
            false
        });
        number
    }

    /// Closes the connection and forgets the position.
    pub fn rest(&mut self) {
        (self.connection, self.log) = (None, None);
    }

    /// Opens a session. If the end of the log is before the position, the database was restored:
    /// the subscribers of the former log end.
    async fn connect(&mut self) -> Result<Connection, Error> {
        let mut connection = store::connect_feed(&self.options, CONNECTING).await?;
        if let Some(log) = &self.log
            && wake::last_drawn(&mut connection).await? < log.position()
        {
            self.log = None;
            self.hub.0.ring.send_modify(super::ring::Ring::replace_log);
        }
        Ok(connection)
    }

    async fn read(&mut self, connection: &mut Connection) -> Result<bool, Error> {
        let ring = &self.hub.0.ring;
        let log = match &mut self.log {
            Some(log) => log,
            none => {
                let log = none.insert(LogReader::at_the_end(connection).await?);
                ring.send_modify(|ring| ring.begin(log.position()));
                log
            }
        };
        let mut found = false;
        while let Some(mut page) = log.page(connection, PAGE).await? {
            found = true;
            let is_last = page.caught_up_at.is_some();
            if self.hub.needs_clients() {
                let clients = Arc::new(Clients::read(connection).await?);
                self.hub.0.clients.send_replace(clients);
            }
            read::read_payloads(connection, &mut page.events).await?;
            let batch = Batch::of(page, true);
            log.pass(batch.through);
            ring.send_modify(|ring| ring.push(batch));
            if is_last {
                break;
            }
        }
        let caught_up_at = log.caught_up_at();
        // Nothing to wake anyone for.
        ring.send_if_modified(|ring| {
            ring.catch_up(caught_up_at);
            false
        });
        Ok(found)
    }
}
