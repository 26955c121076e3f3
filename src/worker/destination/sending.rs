//! One attempt to send: reads the delivery in Meta's form, makes the request, and sends it.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio_util::task::AbortOnDropHandle;

use super::super::attempts::Attempts;
use crate::{
    causes,
    clock::Clock,
    config::Format,
    forward::{
        consumer::HandedOut,
        destination::{AttemptLog, Group, Request, Settings, Unsent, rest_of_delivery},
        http::{Attempt, Client, Permit},
    },
    store::{
        ConnectOptions, Error,
        attempts::StoredAttempt,
        consumers::{Deliveries, EventRow},
    },
    telemetry::{AttemptEnded, DestinationsUnavailable, LogEvent},
};

/// Time after its lease in which the request of an event may begin. The event may be erased
/// meanwhile, and after a loss of the consumer its next owner waits for requests only.
const FRESH: Duration = Duration::from_secs(2);

/// Parts that all senders share.
#[derive(Clone, Debug)]
pub struct Senders {
    /// None if the certificates of the authorities cannot be read.
    client: Option<Client>,
    deliveries: Deliveries,
    pub(super) options: ConnectOptions,
    pub(super) log: AttemptLog,
    pub(super) clock: Clock,
}

/// Body of a delivery and its events, if it has several; `None` if it was erased.
type Delivery = Option<(Vec<u8>, Vec<EventRow>)>;

/// A leased event, with the read of its delivery if the request needs it.
#[derive(Debug)]
pub(super) struct Leased {
    pub(super) event: HandedOut,
    /// Time at which the sender got it.
    at: Instant,
    delivery: Option<AbortOnDropHandle<Result<Delivery, Error>>>,
}

/// A request that ended.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) group: Group,
    pub(super) permit: Permit,
    pub(super) result: Result<Attempt, Unsent>,
}

impl Leased {
    /// True if the event waited for too long.
    pub(super) fn is_stale(&self, now: Instant) -> bool {
        now > self.at + FRESH
    }
}

impl Senders {
    /// Parts of senders for the database of `options`.
    pub fn new(options: &ConnectOptions, clock: Clock) -> Self {
        let client = Client::new();
        if let Err(error) = &client {
            let cause = causes::line(error);
            DestinationsUnavailable { cause }.emit();
        }
        Self {
            client: client.ok(),
            deliveries: Deliveries::new(options),
            options: options.clone(),
            log: AttemptLog::default(),
            clock,
        }
    }

    /// Writer of the attempts.
    pub fn attempts(&self) -> Attempts {
        Attempts {
            options: self.options.clone(),
            log: self.log.clone(),
        }
    }

    /// Begins to read the delivery of a leased event, if its request needs it.
    pub(super) fn read(&self, settings: &Settings, event: HandedOut) -> Leased {
        let read = || {
            let (deliveries, head) = (self.deliveries.clone(), event.event.clone());
            tokio::spawn(async move { deliveries.of(&head).await })
        };
        let delivery = matches!(settings.destination.format, Format::Meta(_)).then(read);
        Leased {
            delivery: delivery.map(AbortOnDropHandle::new),
            event,
            at: Instant::now(),
        }
    }

    /// Makes and sends the request of a leased event.
    pub(super) async fn send(
        self,
        settings: Arc<Settings>,
        leased: Leased,
        permit: Permit,
    ) -> Sent {
        let mut group = Group::of(&leased.event);
        let replay = leased.event.replay;
        let request = match self.request(&settings, leased, &mut group).await {
            Ok(request) => request.replayed(replay).of(&settings),
            Err(unsent) => {
                let result = Err(unsent);
                return Sent {
                    group,
                    permit,
                    result,
                };
            }
        };
        let Some(client) = self.client else {
            let result = Err(Unsent::NoClient);
            return Sent {
                group,
                permit,
                result,
            };
        };
        let Request { headers, body } = request;
        let (url, timeout) = (&settings.destination.url, settings.destination.timeout);
        let result = Ok(client.send(url, headers, body, timeout).await);
        Sent {
            group,
            permit,
            result,
        }
    }

    async fn request(
        &self,
        settings: &Settings,
        Leased {
            event, delivery, ..
        }: Leased,
        group: &mut Group,
    ) -> Result<Request, Unsent> {
        match &settings.destination.format {
            Format::Event(secrets) => {
                let (now, mask) = (self.clock.now(), settings.destination.mask);
                Request::event(&event, (secrets, mask), now).ok_or(Unsent::Unreadable)
            }
            Format::Meta(_) => {
                let read = delivery.ok_or(Unsent::Unreadable)?.await;
                let read = read.unwrap_or(Err(Error::TimedOut));
                let delivery = read.map_err(|_| Unsent::Unreadable)?;
                let (request, last) = notification(settings, &event, delivery)?;
                group.last = Some(last).filter(|last| *last > group.position);
                Ok(request)
            }
        }
    }

    /// Records an attempt: metrics, and the table if the destination keeps such attempts.
    pub(super) fn record(&self, name: &str, settings: &Settings, sent: &Sent) {
        let Ok(attempt) = &sent.result else { return };
        AttemptEnded {
            destination: name.to_owned(),
            outcome: attempt.label(),
            took: Duration::from_millis(attempt.millis.into()),
        }
        .emit();
        if settings.stores(attempt) {
            self.log.add([self.stored(name, &sent.group, attempt)]);
        }
    }

    fn stored(&self, name: &str, group: &Group, attempt: &Attempt) -> StoredAttempt {
        StoredAttempt {
            at: self.clock.now(),
            destination: name.to_owned(),
            position: group.position,
            received_at: group.received_at,
            attempt: i32::try_from(group.attempt).unwrap_or(i32::MAX),
            outcome: attempt.outcome.code().to_owned(),
            status: attempt.status.and_then(|it| it.as_u16().try_into().ok()),
            millis: i32::try_from(attempt.millis).unwrap_or(i32::MAX),
        }
    }
}

/// Request in Meta's form, with the position of its last event.
fn notification(
    settings: &Settings,
    event: &HandedOut,
    delivery: Delivery,
) -> Result<(Request, i64), Unsent> {
    let head = &event.event;
    let signer = settings.signer(&head.app).ok_or(Unsent::NoSecret)?;
    let (body, items) = delivery.ok_or(Unsent::Erased)?;
    let is_known = |item: &EventRow| item.position <= event.through;
    let joins = |item: &EventRow| is_known(item) && settings.joins(head, item);
    let mask = settings.destination.mask;
    let built = rest_of_delivery(head, &items, joins, (&body.into(), mask));
    let (body, last) = built.ok_or(Unsent::Erased)?;
    let request = Request::notification(body, head.delivery_id, signer);
    Ok((request, last))
}
