//! Goals, and their check against the rounds.
//!
//! A goal compares two lanes of the same round, so the current speed of the machine cancels out.
//! The median of the rounds decides.

use serde::Serialize;

use crate::turn::Turn;

/// A goal and its measured value.
#[derive(Debug, Serialize)]
pub(crate) struct Goal {
    pub(crate) scenario: &'static str,
    pub(crate) what: &'static str,
    #[serde(flatten)]
    pub(crate) bound: Bound,
    pub(crate) rounds: Vec<f64>,
    pub(crate) median: f64,
    pub(crate) met: bool,
}

impl Goal {
    /// A goal, with the values of the rounds.
    pub(crate) fn of(
        scenario: &'static str,
        what: &'static str,
        bound: Bound,
        rounds: Vec<f64>,
    ) -> Self {
        let median = median(rounds.iter().copied());
        Self {
            scenario,
            what,
            bound,
            median,
            met: bound.is_met(median),
            rounds,
        }
    }
}

/// Bound of a measured value.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

impl Bound {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bound) => value >= bound,
            Self::AtMost(bound) => value <= bound,
        }
    }
}

/// Turns of one round, by lane.
struct Round<'a>(Vec<&'a Turn>);

impl Round<'_> {
    /// Ratio of the values of lanes `a` and `b`.
    fn ratio(&self, [a, b]: [&str; 2], value: fn(&Turn) -> f64) -> f64 {
        self.value(a, value) / self.value(b, value)
    }

    fn value(&self, lane: &str, value: fn(&Turn) -> f64) -> f64 {
        let turn = self.0.iter().find(|turn| turn.lane == lane);
        turn.map_or(f64::NAN, |turn| value(turn))
    }
}

/// Judges the ratio of two lanes.
type Ratio<'a> = dyn Fn(&'static str, Bound, [&'static str; 2], fn(&Turn) -> f64) -> Goal + 'a;

const PLAIN: [&str; 2] = ["plain", "hookshelf"];
const OURS: [&str; 2] = ["hookshelf", "plain"];
const OUTSIDE: [&str; 2] = ["outside", "hookshelf"];
const OVER_OUTSIDE: [&str; 2] = ["hookshelf", "outside"];
const FLOOR: [&str; 2] = ["hookshelf", "floor"];
const REPEATS: [&str; 2] = ["2 % repeats", "no repeats"];
const FULL: [&str; 2] = ["full", "empty"];

const LESS_CPU: &str = "times less CPU a delivery (server and Postgres) than the plain receiver";
const THROUGHPUT: &str = "times the throughput of the plain receiver";
const LESS_THAN_OUTSIDE: &str = "times less CPU a delivery than the outside receiver";
const OVER_OUTSIDE_RATE: &str = "times the throughput of the outside receiver";
const FLOOR_CPU: &str = "times the server CPU a delivery of the floor";
const WAL: &str = "bytes of WAL an event";
const MEMORY: &str = "MiB of memory, at its peak";

/// Goals of a scenario.
pub(crate) fn of(scenario: &'static str, turns: &[Turn]) -> Vec<Goal> {
    use Bound::{AtLeast, AtMost};
    let acks = |it: &Turn| it.deliveries_per_second;
    let cpu = Turn::cpu_per_delivery;
    let judge =
        |what, bound, value: &dyn Fn(&Round<'_>) -> f64| judge(scenario, what, bound, turns, value);
    let ratio = |what, bound, lanes, value: fn(&Turn) -> f64| {
        judge(what, bound, &|round| round.ratio(lanes, value))
    };
    match scenario {
        "64" => vec![
            ratio(LESS_CPU, AtLeast(5.0), PLAIN, cpu),
            ratio(THROUGHPUT, AtLeast(4.0), OURS, acks),
            ratio(LESS_THAN_OUTSIDE, AtLeast(4.0), OUTSIDE, cpu),
            ratio(OVER_OUTSIDE_RATE, AtLeast(3.0), OVER_OUTSIDE, acks),
            ratio(FLOOR_CPU, AtMost(1.5), FLOOR, Turn::server_cpu_per_delivery),
            judge(WAL, AtMost(1_400.0), &|round| {
                round.value(OURS[0], Turn::wal_per_event)
            }),
        ],
        "256" => vec![
            ratio(LESS_CPU, AtLeast(7.0), PLAIN, cpu),
            ratio(THROUGHPUT, AtLeast(6.0), OURS, acks),
            ratio(LESS_THAN_OUTSIDE, AtLeast(5.0), OUTSIDE, cpu),
            ratio(OVER_OUTSIDE_RATE, AtLeast(4.5), OVER_OUTSIDE, acks),
            ratio(FLOOR_CPU, AtMost(1.5), FLOOR, Turn::server_cpu_per_delivery),
            judge(MEMORY, AtMost(24.0), &|round| {
                round.value(OURS[0], |it| it.peak_mib)
            }),
        ],
        "batch" => vec![ratio(
            "times less CPU an event than the plain receiver",
            AtLeast(4.0),
            PLAIN,
            Turn::cpu_per_event,
        )],
        "repeats" => vec![ratio(
            "times the CPU a delivery of none",
            AtMost(1.25),
            REPEATS,
            cpu,
        )],
        "500" | "2000" | "people" => vec![
            ratio(
                "times the p50 of the plain receiver",
                AtMost(1.0),
                OURS,
                |it| it.p50_ms,
            ),
            ratio(
                "times the p90 of the plain receiver",
                AtMost(1.0),
                OURS,
                |it| it.p90_ms,
            ),
        ],
        _ => stored(&ratio),
    }
}

/// Goals on a filled database. Keys of messages are ordered by time, keys of comments are random.
fn stored(ratio: &Ratio<'_>) -> Vec<Goal> {
    vec![
        ratio(
            "times the WAL an event of an empty store",
            Bound::AtMost(1.3),
            FULL,
            Turn::wal_per_event,
        ),
        ratio(
            "times the CPU an event of an empty store",
            Bound::AtMost(1.15),
            FULL,
            Turn::cpu_per_event,
        ),
    ]
}

fn judge(
    scenario: &'static str,
    what: &'static str,
    bound: Bound,
    turns: &[Turn],
    value: &dyn Fn(&Round<'_>) -> f64,
) -> Goal {
    let last = turns.iter().map(|turn| turn.round).max().unwrap_or(0);
    let round = |number| Round(turns.iter().filter(|turn| turn.round == number).collect());
    let rounds: Vec<f64> = (1..=last).map(|number| value(&round(number))).collect();
    Goal::of(scenario, what, bound, rounds)
}

/// Median of `values`; the mean of the middle two if their number is even.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_unstable_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        count if count % 2 == 1 => sorted[count / 2],
        count => f64::midpoint(sorted[count / 2 - 1], sorted[count / 2]),
    }
}
