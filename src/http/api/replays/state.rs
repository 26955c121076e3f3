//! JSON of a replay.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::filter;
use crate::query::{Digits, MOST_COUNTED, Replay, ReplayState, Scope};

/// A replay with its progress.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Replay")]
pub(super) struct ShownReplay {
    /// Number of the replay.
    id: i32,
    /// Name of the consumer or destination.
    to: String,
    state: ReplayState,
    /// Number of events of the plan, counted up to 1,000,000.
    events: i64,
    settled: i64,
    /// Events that were gone, too old, or not chosen by the target.
    skipped: i64,
    /// Events that became dead letters.
    dead: i64,
    /// Number of the other events; null if the plan did not count all events.
    left: Option<i64>,
    /// Progress in percent.
    progress: i64,
    /// Filters of events, as the parameters of `GET /v1/events`.
    filter: Map<String, Value>,
    /// True if only events with a dead letter of the target are chosen.
    of_dead: bool,
    ignore_max_age: bool,
    /// Maximum number of events a second.
    rate: Option<u32>,
    /// Reason given by the operator.
    note: Option<String>,
    /// Name of the token that created it, or local.
    operator: String,
    created_at: Timestamp,
    /// Time at which it was done or cancelled.
    ended_at: Option<Timestamp>,
    /// Position before the first event of the plan.
    #[schemars(with = "Digits")]
    after: String,
    /// Position of the last event of the plan.
    #[schemars(with = "Digits")]
    through: String,
    /// Last position read.
    #[schemars(with = "Digits")]
    position: String,
    /// Filters that are null because the token does not show content.
    masked: Vec<&'static str>,
}

impl ShownReplay {
    /// The replay as the caller of `scope` sees it.
    pub(super) fn of(replay: &Replay, scope: &Scope) -> Self {
        let mut filter = filter::shown(&replay.choice.filter);
        let masked = if scope.shows_content() {
            Vec::new()
        } else {
            filter::mask(&mut filter)
        };
        Self {
            id: replay.id,
            to: replay.consumer.clone(),
            state: replay.state,
            events: replay.events,
            settled: replay.settled,
            skipped: replay.skipped,
            dead: replay.dead,
            left: left(replay),
            progress: progress(replay),
            filter,
            of_dead: replay.choice.of_dead,
            ignore_max_age: replay.choice.ignore_max_age,
            rate: replay.rate,
            note: replay.note.clone(),
            operator: replay.operator.clone(),
            created_at: replay.created_at,
            ended_at: replay.ended_at,
            after: replay.after.to_string(),
            through: replay.through.to_string(),
            position: replay.position.to_string(),
            masked,
        }
    }
}

/// True if the plan counted all events.
fn is_counted(replay: &Replay) -> bool {
    replay.events < i64::from(MOST_COUNTED)
}

/// Number of events that are settled, skipped or dead.
fn over(replay: &Replay) -> i64 {
    replay.settled + replay.skipped + replay.dead
}

fn left(replay: &Replay) -> Option<i64> {
    if replay.state == ReplayState::Done {
        return Some(0);
    }
    is_counted(replay).then(|| (replay.events - over(replay)).max(0))
}

/// Percentage of the events, or, if not all of them were counted, of the positions.
fn progress(replay: &Replay) -> i64 {
    if replay.state == ReplayState::Done {
        return 100;
    }
    let (done, all) = if is_counted(replay) {
        (over(replay), replay.events)
    } else {
        let from = replay.after;
        (replay.position - from, replay.through - from)
    };
    (done.saturating_mul(100) / all.max(1)).clamp(0, 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replay(events: i64, state: ReplayState) -> Replay {
        Replay {
            id: 1,
            consumer: "bot".to_owned(),
            state,
            choice: crate::query::ReplayChoice::default(),
            rate: None,
            note: None,
            operator: "local".to_owned(),
            created_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            events,
            after: 100,
            through: 1_100,
            position: 600,
            heads: Vec::new(),
            settled: 5,
            skipped: 2,
            dead: 1,
        }
    }

    #[test]
    fn progress_counts_events_and_positions_only_without_a_number_of_events() {
        let running = replay(32, ReplayState::Running);
        assert_eq!((progress(&running), left(&running)), (25, Some(24)));
        let uncounted = replay(MOST_COUNTED.into(), ReplayState::Running);
        assert_eq!((progress(&uncounted), left(&uncounted)), (50, None));
        for events in [32, MOST_COUNTED.into()] {
            let done = replay(events, ReplayState::Done);
            assert_eq!((progress(&done), left(&done)), (100, Some(0)));
        }
        // Events of the log can be more than a plan saw, such as those of a late commit.
        let more = replay(7, ReplayState::Paused);
        assert_eq!((progress(&more), left(&more)), (100, Some(0)));
    }
}
