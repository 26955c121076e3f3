//! Events of consumers and destinations, by their configured names.

use std::{sync::Arc, time::Duration};

use super::{
    messages::messages,
    metrics::{
        CONSUMER_BLOCKED, CONSUMER_DEAD_LETTERS, CONSUMER_FAILURES, CONSUMER_FLUSH_DURATION,
        CONSUMER_HAND_OUTS, CONSUMER_IN_FLIGHT, CONSUMER_LAG_POSITIONS, CONSUMER_LAG_SECONDS,
        CONSUMER_OWNED, CONSUMER_PAUSED, CONSUMER_REPLAY_LEFT, CONSUMER_SETTLES, CONSUMER_SKIPPED,
        CONSUMER_WAITING_LANES, OLDEST_TRANSACTION_BEHIND, OLDEST_TRANSACTION_SECONDS,
    },
    sparingly::sparingly,
};

/// Reasons of a pause.
const PAUSES: [&str; 4] = ["operator", "clock", "gone", "breaker"];

/// Holders of the oldest transaction.
const HOLDERS: [&str; 4] = ["session", "prepared", "slot", "standby"];

messages! {
    target: "consumers";

    /// This process delivers the events of the consumer.
    ConsumerTaken { consumer: Arc<str>, position: i64 }
        "consumer taken over" [consumer = &*consumer, position] INFO
        => CONSUMER_OWNED.show(of(&consumer), 1);

    /// Another process took the consumer, or an operator moved or removed it. Leases of this
    /// process have ended; their events are handed out again.
    OwnershipLost { consumer: Arc<str> }
        "consumer ownership lost; leases of this process have ended" [consumer = &*consumer] WARN
        => Disowned { consumer: &consumer }.emit();

    /// At a stop, or at a reload that removed the consumer from the configuration.
    ConsumerReleased { consumer: Arc<str> }
        "consumer released" [consumer = &*consumer] INFO
        => Disowned { consumer: &consumer }.emit();

    /// This process no longer owns the consumer: its gauges are 0. Moves metrics only.
    Disowned<'a> { consumer: &'a Arc<str> }
        => {
            let gauges = [
                CONSUMER_OWNED, CONSUMER_LAG_POSITIONS, CONSUMER_LAG_SECONDS, CONSUMER_IN_FLIGHT,
                CONSUMER_WAITING_LANES, CONSUMER_BLOCKED, CONSUMER_REPLAY_LEFT,
            ];
            for gauge in gauges {
                gauge.show(of(consumer), 0);
            }
            show_pause(consumer, None);
        };

    /// `operator`: by a command. `clock`: a clock jumped, and `max_age` would skip events. `gone`:
    /// the destination answered 410. Resume with `hookshelf consumers resume`.
    ConsumerPaused { consumer: Arc<str>, reason: String }
        "consumer paused; no events are delivered until it is resumed"
        [consumer = &*consumer, reason] INFO if reason == "operator", WARN;

    /// The pause ended.
    ConsumerResumed { consumer: Arc<str> }
        "consumer resumed" [consumer = &*consumer] INFO;

    /// `waiting` lanes wait. Events of further lanes are delivered when a lane is free.
    LanesBlocked { consumer: Arc<str>, waiting: usize }
        "too many lanes wait; the consumer starts no further lane" [consumer = &*consumer, waiting]
        WARN;

    /// Lanes are free again.
    LanesUnblocked { consumer: Arc<str> }
        "the consumer starts further lanes again" [consumer = &*consumer] INFO;

    /// The lane moves on. WARN at most once in 10 s. See `hookshelf consumers dead list`.
    EventBuried<'a> {
        consumer: Arc<str>, position: i64, attempts: u32, code: &'a str,
    }
        "event became a dead letter" [consumer = &*consumer, position, attempts, code]
        WARN if sparingly!(), DEBUG
        => CONSUMER_DEAD_LETTERS.count(of(&consumer));

    /// The days of these positions were dropped. The number of events is unknown, because not each
    /// position has one, and they are in no count of skipped events.
    ConsumerMissed { consumer: Arc<str>, from: i64, to: i64 }
        "events were deleted before the consumer read them" [consumer = &*consumer, from, to] WARN;

    /// No delivery came for `accounts` ids of the filter, and no account has `clients` names of it.
    /// `hookshelf doctor` shows them. Correct them, unless the first delivery is still to come.
    FilterUnmatched { consumer: Arc<str>, accounts: usize, clients: usize }
        "the filter names accounts or clients that are not known yet"
        [consumer = &*consumer, accounts, clients] WARN;

    /// `cause`: `gone` (the first event of a lane was purged) or `lane` (the setting changed).
    /// Events after `position` may be delivered again.
    ConsumerRewound { consumer: Arc<str>, position: i64, cause: &'static str }
        "consumer rewound; some events may be delivered again"
        [consumer = &*consumer, position, cause] WARN;

    /// Events wait in the database.
    ConsumerFailed { consumer: Arc<str>, cause: String, first: bool }
        "consumer failed; retrying" [consumer = &*consumer, cause] WARN if first, DEBUG
        => CONSUMER_FAILURES.count(of(&consumer));

    /// The consumer works again after a failure.
    ConsumerRecovered { consumer: Arc<str> }
        "consumer works again" [consumer = &*consumer] INFO;

    /// State of an owned consumer, about once a second. Moves metrics only.
    ConsumerMeasured<'a> {
        consumer: &'a Arc<str>, lag_positions: u64, lag: Duration, in_flight: usize,
        waiting: usize, blocked: bool, paused: Option<&'a str>, replay_left: u64,
    }
        => {
            CONSUMER_LAG_POSITIONS.show(of(consumer), lag_positions);
            CONSUMER_LAG_SECONDS.gauge(of(consumer)).set(lag.as_secs_f64());
            CONSUMER_IN_FLIGHT.show(of(consumer), in_flight as u64);
            CONSUMER_WAITING_LANES.show(of(consumer), waiting as u64);
            CONSUMER_BLOCKED.show(of(consumer), blocked.into());
            CONSUMER_REPLAY_LEFT.show(of(consumer), replay_left);
            show_pause(consumer, paused);
        };

    /// The progress of a consumer was written. Moves metrics only.
    ConsumerFlushed<'a> { consumer: &'a Arc<str>, took: Duration }
        => CONSUMER_FLUSH_DURATION.histogram(of(consumer)).record(took.as_secs_f64());

    /// Events were handed out; `again` of them not for the first time. Moves metrics only.
    EventsHandedOut<'a> { consumer: &'a Arc<str>, first: usize, again: usize }
        => for (attempt, count) in [("first", first), ("again", again)] {
            let labels = [("consumer", consumer.clone().into()), ("attempt", attempt.into())];
            CONSUMER_HAND_OUTS.counter(labels).increment(count as u64);
        };

    /// Leases were settled with the same answer. Moves metrics only.
    LeasesSettled<'a> { consumer: &'a Arc<str>, answer: &'static str, count: usize }
        => {
            let labels = [("consumer", consumer.clone().into()), ("answer", answer.into())];
            CONSUMER_SETTLES.counter(labels).increment(count as u64);
        };

    /// Events were skipped for the same reason. Moves metrics only.
    EventsSkipped<'a> { consumer: &'a Arc<str>, reason: &'static str, count: usize }
        => {
            let labels = [("consumer", consumer.clone().into()), ("reason", reason.into())];
            CONSUMER_SKIPPED.counter(labels).increment(count as u64);
        };

    /// Oldest transaction of another client: its holder, its age, and the number of later
    /// transactions. Moves metrics only.
    HorizonMeasured { oldest: Option<(&'static str, Duration, u64)> }
        => for holder in HOLDERS {
            let found = oldest.filter(|(found, ..)| *found == holder);
            let (_, age, behind) = found.unwrap_or_default();
            let label = || [("holder", holder.into())];
            OLDEST_TRANSACTION_SECONDS.gauge(label()).set(age.as_secs_f64());
            OLDEST_TRANSACTION_BEHIND.show(label(), behind);
        };
}

/// Label of a consumer.
fn of(consumer: &Arc<str>) -> [(&'static str, metrics::SharedString); 1] {
    [("consumer", Arc::clone(consumer).into())]
}

/// Shows the reason of a pause. The series of other reasons are 0.
fn show_pause(consumer: &Arc<str>, paused: Option<&str>) {
    for reason in PAUSES {
        let labels = [
            ("consumer", Arc::clone(consumer).into()),
            ("reason", reason.into()),
        ];
        CONSUMER_PAUSED.show(labels, (paused == Some(reason)).into());
    }
}
