//! Subscriber: the events of one stream, from the ring or from the database.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::time::{Instant, sleep_until};

use super::{
    Registered, StreamItem,
    clients::Clients,
    filter::meets,
    json::json,
    ring::{Batch, Next},
    source::{Place, Source},
};
use crate::{
    query::Scope,
    store::{
        Error,
        read::{EventFilter, EventRow, LogPage, PageSize},
    },
};

/// Size of a page from the database: each subscriber may hold one.
const PAGE: PageSize = PageSize {
    events: 100,
    bytes: Some(256 << 10),
};

/// Maximum number of positions without an item.
const SILENCE: i64 = 1_000;

/// Pause after a failure to read from the database.
const SOON: Duration = Duration::from_secs(1);

/// A subscription. Dropping it ends the subscription.
#[derive(Debug)]
pub struct Subscriber {
    registered: Registered,
    scope: Scope,
    filter: EventFilter,
    /// Everything up to its position was looked at.
    source: Source,
    /// End of the log at the subscription; `None` once it was reached.
    backlog: Option<i64>,
    /// Items to hand out.
    ready: VecDeque<StreamItem>,
    /// Position of the last item.
    told: i64,
    told_at: Instant,
}

impl Subscriber {
    pub(super) fn new(
        registered: Registered,
        (scope, filter): (Scope, EventFilter),
        position: i64,
        end: i64,
    ) -> Self {
        let place = Place {
            position,
            caught_up_at: None,
        };
        Self {
            source: Source::new(&registered.hub, place),
            registered,
            scope,
            filter,
            backlog: Some(end),
            ready: VecDeque::new(),
            told: position,
            told_at: Instant::now(),
        }
    }

    /// Waits for the next item. `None` if the server stops, or if the database was replaced by
    /// another.
    ///
    /// While Postgres is unavailable, there are only heartbeats.
    pub async fn next(&mut self) -> Option<StreamItem> {
        while self.ready.is_empty() {
            let hub = self.registered.hub.clone();
            hub.0.stop.run_until_cancelled(self.step()).await??;
        }
        self.next_ready()
    }

    /// The next item if there is no need to wait for it.
    pub fn next_ready(&mut self) -> Option<StreamItem> {
        let item = self.ready.pop_front();
        self.told_at = item.as_ref().map_or(self.told_at, |_| Instant::now());
        item
    }

    /// Looks at the next events, or waits; `None` at the end.
    async fn step(&mut self) -> Option<()> {
        match self.source.next()? {
            Next::Behind(after) => self.read(after).await,
            Next::Batch(batch) => self.take(&batch),
            Next::End(through, caught_up_at) => {
                self.pass(through, caught_up_at);
                self.note_caught_up();
                if self.ready.is_empty() {
                    self.rest(None).await;
                }
            }
        }
        Some(())
    }

    /// Takes the events of a batch of the ring.
    fn take(&mut self, batch: &Arc<Batch>) {
        let clients = self.clients();
        for entry in &batch.events {
            if self.wants(&entry.event, &clients) {
                self.tell(StreamItem::Event {
                    position: entry.event.position,
                    json: entry.json(self.scope.shows_content()),
                });
            }
        }
        self.pass(batch.through, batch.caught_up_at);
    }

    /// Reads a page from the database. The ring begins after `after`.
    async fn read(&mut self, after: i64) {
        match self.try_read().await {
            Ok(Some(page)) => {
                for event in page.events {
                    self.tell(StreamItem::Event {
                        position: event.position,
                        json: json(event, self.scope.shows_content()),
                    });
                }
                self.pass(page.through, page.caught_up_at);
            }
            // Everything up to `after` was committed before the reading.
            Ok(None) => self.pass(after, None),
            Err(_) => self.rest(Some(SOON)).await,
        }
    }

    /// The next page with the wanted events only.
    async fn try_read(&mut self) -> Result<Option<LogPage>, Error> {
        let hub = self.registered.hub.clone();
        let mut session = hub.0.pages.session().await?;
        let (place, reader) = (self.source.place, self.source.reader.take());
        let (mut reader, mut page, gap) = session.read(place, reader, PAGE).await?;
        if let Some(gap) = gap {
            self.source.place.pass(gap.to, None);
            self.tell(StreamItem::Gap(gap));
        }
        if let Some(page) = &mut page {
            let clients = self.clients();
            page.events.retain(|event| self.wants(event, &clients));
            if self.scope.shows_content() {
                session.read_payloads(page).await?;
            }
            reader.pass(page.through);
        }
        session.keep();
        self.source.reader = Some(reader);
        Ok(page)
    }

    fn clients(&self) -> Arc<Clients> {
        Arc::clone(&self.registered.hub.0.clients.borrow())
    }

    fn wants(&self, event: &EventRow, clients: &Clients) -> bool {
        event.position > self.source.place.position
            && meets(event, &self.filter, clients)
            && self.scope.sees(event, clients)
    }

    fn tell(&mut self, item: StreamItem) {
        self.told = item.position();
        self.ready.push_back(item);
    }

    /// Position up to which everything was looked at.
    fn position(&self) -> i64 {
        self.source.place.position
    }

    /// Notes that everything up to `through` was looked at.
    fn pass(&mut self, through: i64, caught_up_at: Option<Timestamp>) {
        self.source.place.pass(through, caught_up_at);
        if self.position() - self.told >= SILENCE {
            self.tell(StreamItem::Position(self.position()));
        }
    }

    fn note_caught_up(&mut self) {
        let position = self.position();
        if self.backlog.take_if(|end| position >= *end).is_some() {
            self.tell(StreamItem::CaughtUp { position });
        }
    }

    /// Waits for new events, or for `pause`, until the next heartbeat.
    async fn rest(&mut self, pause: Option<Duration>) {
        let silence = self.registered.hub.0.heartbeat;
        let heartbeat = self.told_at + silence;
        let paused = Instant::now() + pause.unwrap_or(silence);
        tokio::select! {
            () = self.source.changed(), if pause.is_none() => {}
            () = sleep_until(paused) => {}
            () = sleep_until(heartbeat) => {
                self.tell(StreamItem::Position(self.position()));
            }
        }
    }
}
