//! Settlements of a sender, repeated until the consumer answers.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::time::{sleep, timeout};

use super::{SOON, Senders};
use crate::{
    forward::{
        consumer::{Handle, Refusal, Settlement, Verb},
        destination::{Group, Settings, Unsent},
        lanes::Code,
    },
    store::{self, Error, consumers},
    telemetry::{DestinationGone, EventUnsent, LogEvent},
};

/// Time for which a settlement is repeated. After a longer outage the event is sent again.
const PATIENCE: Duration = Duration::from_mins(15);

/// Deadline of a pause in the database.
const DEADLINE: Duration = Duration::from_secs(10);

/// Pause before an event that could not be sent is tried again.
const UNSENT: Duration = Duration::from_mins(1);

/// Settles a lease.
pub(super) async fn settle(handle: Handle, lease: String, verb: Verb) {
    let until = Instant::now() + PATIENCE;
    loop {
        let settlement = Settlement {
            lease: lease.clone(),
            verb: verb.clone(),
        };
        match handle.settle(vec![settlement]).await {
            Err(Refusal::Unavailable | Refusal::Paused(_)) if Instant::now() < until => {
                sleep(SOON).await;
            }
            _ => return,
        }
    }
}

/// Pauses a destination that answered 410, and then gives its event back.
pub(super) async fn pause(senders: Senders, name: Arc<str>, (handle, lease): (Handle, String)) {
    DestinationGone {
        destination: name.to_string(),
    }
    .emit();
    let until = Instant::now() + PATIENCE;
    loop {
        let paused = timeout(DEADLINE, pause_once(&senders, &name)).await;
        if matches!(paused, Ok(Ok(_))) || Instant::now() > until {
            break;
        }
        sleep(SOON).await;
    }
    let delay = Duration::ZERO;
    settle(handle, lease, Verb::GiveBack { delay }).await;
}

async fn pause_once(senders: &Senders, name: &str) -> Result<bool, Error> {
    let mut connection = store::connect(&senders.options, DEADLINE).await?;
    consumers::pause(&mut connection, name, "gone").await
}

/// Settlement of an event that was not sent. Without a text there is nothing to send, and the event
/// is done.
pub(super) fn unsent(name: &str, group: &Group, reason: Unsent, settings: &Settings) -> Verb {
    let code = match reason {
        Unsent::Erased => return group.done(),
        Unsent::NoSecret => "no_secret",
        Unsent::NoClient => "no_client",
        Unsent::Unreadable => "unreadable",
    };
    EventUnsent {
        destination: name.to_owned(),
        position: group.position,
        code,
        first: group.attempt == 1,
    }
    .emit();
    match Code::new(code) {
        Some(code) if reason != Unsent::Unreadable => {
            if group.failed_for >= settings.retry.give_up_after {
                return Verb::Bury(code);
            }
            let delay = Some(UNSENT);
            Verb::Nack { delay, code }
        }
        _ => Verb::GiveBack { delay: SOON },
    }
}
