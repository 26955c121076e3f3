//! Cost of a delivery, by part: the floor measures the share of the server before anything is
//! stored.

use crate::{goals::median, turn::Turn};

/// Part of the cost of a delivery: the median of the rounds, in CPU seconds per million
/// deliveries.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) at: &'static str,
    pub(crate) part: &'static str,
    pub(crate) ours: f64,
    /// The same part of the plain receiver, if it can be measured separately.
    pub(crate) plain: Option<f64>,
}

/// Parts of the cost under one load; none if no floor was measured.
pub(crate) fn of(at: &'static str, turns: &[Turn]) -> Vec<Cost> {
    if turns.iter().all(|turn| turn.lane != "floor") {
        return Vec::new();
    }
    let cpu = |lane: &str, value: fn(&Turn) -> f64| {
        let own = turns.iter().filter(|turn| turn.lane == lane);
        median(own.map(|turn| value(turn) / turn.deliveries * 1e6))
    };
    let server = |lane| cpu(lane, |turn| turn.server_cpu);
    let postgres = |lane| cpu(lane, |turn| turn.postgres_cpu);
    let cost = |part, ours, plain| Cost {
        at,
        part,
        ours,
        plain,
    };
    let (ours, floor) = (server("hookshelf"), server("floor"));
    vec![
        cost("listener, HTTP, verify, split, key", floor, None),
        cost("queue, batch, driver, ack", ours - floor, None),
        cost("the server together", ours, Some(server("plain"))),
        cost("Postgres", postgres("hookshelf"), Some(postgres("plain"))),
    ]
}
