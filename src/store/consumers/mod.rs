//! Consumers: their place in the log, waiting lanes and dead letters.
//!
//! A consumer is a cursor with exceptions. Everything up to its position is read; its heads are the
//! first unsettled events of the lanes in flight. A lane whose head failed waits, with a row of its
//! own. A settled event needs no row, so the cost of a [`flush()`] does not depend on the number of
//! events.
//!
//! One process at a time owns a consumer: [`take`] raises the generation, and a flush with an
//! earlier generation writes nothing. All times are by the clock of the database, which may differ
//! from the clock of this process: callers pass and get durations.

mod control;
mod dead_letters;
mod deliveries;
mod flush;
pub(super) mod heads;
mod leases;
mod list;
mod owner;
mod progress;
mod span;
mod unmatched;
mod waiting;

use std::time::Duration;

pub use self::{
    control::{ConsumerKind, NewConsumer, pause, register, remove, resume, seek},
    dead_letters::{
        DeadLetter, LetterState, Letters, Marked, dead_letter, dead_letters, discard, retried,
        retry,
    },
    deliveries::Deliveries,
    flush::{Failure, Flush, Flushed, LaneChange, RowPlace, flush, flush_at},
    heads::MalformedHeads,
    list::{ConsumerStatus, list, status},
    owner::{Owner, Take, Taken, TokenKey, release, rewind, take},
    progress::{Backlog, Progress, Totals},
    span::{KindCount, count_between, first_since},
    unmatched::{Unmatched, unmatched},
    waiting::{WaitingLane, waiting},
};
pub use super::read::{
    EventFilter, EventRow, MOST_COUNTED, events_at, events_of, first_stored, next_of_lane,
    read_payloads,
};

/// Milliseconds of `time`, for a statement.
fn millis(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
