//! What a delivery costs, part by part: the floor tells how much of the server's share is spent
//! before anything is stored.

use crate::{goals::median, turn::Turn};

/// One part of the cost of a delivery: the median of the rounds, in CPU seconds a million.
#[derive(Debug)]
pub(crate) struct Cost {
    pub(crate) at: &'static str,
    pub(crate) part: &'static str,
    pub(crate) ours: f64,
    /// The same part of the plain receiver, where it can be told apart.
    pub(crate) plain: Option<f64>,
}

/// The parts under one load; none where no floor was measured.
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
        cost("the server", ours, Some(server("plain"))),
        cost("Postgres", postgres("hookshelf"), Some(postgres("plain"))),
    ]
}
