//! Desk for the tests of its parts.

use std::{sync::Arc, time::Duration};

use super::Desk;
use crate::{
    clock::Clock,
    config::{EventChoice, Lane},
    forward::{
        consumer::{LeaseKey, Settings},
        lanes::Lanes,
    },
    store::{consumers::ConsumerKind, follow::Start},
};

pub(super) const SECOND: Duration = Duration::from_secs(1);

/// A desk that has read the log up to position 100.
pub(super) fn desk() -> Desk {
    let settings = Settings {
        kind: ConsumerKind::Consumer,
        filter: EventChoice::default(),
        max_age: None,
        once_per_account: false,
        lease: SECOND,
        max_attempts: 5,
        backoff: SECOND..=SECOND,
        max_in_flight: 256,
        start: Start::Beginning,
        lane: Lane::None,
    };
    let lanes = Lanes::new(100, 1, settings.limits(0));
    let key = LeaseKey::new(&[7; 32]);
    Desk::new(
        "bot".into(),
        Arc::new(settings),
        key,
        lanes,
        Clock::system(),
    )
}
