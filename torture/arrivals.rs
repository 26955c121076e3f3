//! Events that arrived at a worker or a receiver, checked for losses, repeats and order.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use hookshelf::store::ConnectOptions;
use serde_json::Value;
use sqlx::ConnectOptions as _;

/// Last position of the log.
pub(crate) async fn last(options: &ConnectOptions) -> anyhow::Result<i64> {
    let mut database = options.clone().connect().await?;
    let last = "SELECT coalesce(max(position), 0) FROM events";
    Ok(sqlx::query_scalar(last).fetch_one(&mut database).await?)
}

/// Events of one database that arrived.
#[derive(Debug, Default)]
pub(crate) struct Arrivals {
    /// Position after which every event has to arrive.
    from: Option<i64>,
    arrived: HashSet<i64>,
    /// Positions of events that must not come again.
    settled: HashSet<i64>,
    /// Last position of each lane.
    lanes: HashMap<String, i64>,
    faults: Vec<String>,
}

impl Arrivals {
    /// Expects all events after this position, unless it expects some already.
    pub(crate) fn begin(&mut self, last: i64) {
        self.from.get_or_insert(last);
    }

    /// Number of events that arrived.
    pub(crate) fn count(&self) -> usize {
        self.arrived.len()
    }

    /// Adds an event, and checks its order. Returns its position, and true if it came again.
    pub(crate) fn add(&mut self, event: &Value) -> anyhow::Result<(i64, bool)> {
        let position = event["position"].as_str().context("a position")?;
        let position: i64 = position.parse()?;
        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let mut lane = [part("app"), part("account_id"), part("person_id")].join("/");
        if lane.ends_with('/') {
            lane += &position.to_string();
        }
        let last = self.lanes.entry(lane).or_insert(position);
        if self.settled.contains(&position) {
            self.faults
                .push(format!("again after it was settled: {position}"));
        } else if position < *last {
            self.faults
                .push(format!("out of order: {position} after {last}"));
        }
        *last = position.max(*last);
        Ok((position, !self.arrived.insert(position)))
    }

    /// Adds a fault.
    pub(crate) fn accuse(&mut self, fault: String) {
        self.faults.push(fault);
    }

    /// Settles these events.
    pub(crate) fn settle<'p>(&mut self, positions: impl IntoIterator<Item = &'p i64>) {
        self.settled.extend(positions);
    }

    /// Takes the faults since the last call. `positions` are all events, and all are settled.
    pub(crate) fn take_faults(&mut self, positions: &[i64]) -> Vec<String> {
        let is_missing = |it: &&i64| Some(**it) > self.from && !self.arrived.contains(it);
        let missing = positions.iter().filter(is_missing).count();
        let lost = (missing > 0).then(|| format!("events that never came: {missing}"));
        self.faults.drain(..).chain(lost).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Faults after these events arrived, each with its person, and the first one was settled.
    fn faults(events: &[(i64, &str)]) -> Vec<String> {
        let mut arrivals = Arrivals {
            from: Some(0),
            ..Arrivals::default()
        };
        for (position, person) in events {
            let event = json!({"position": position.to_string(), "app": "default",
                "account_id": "1", "person_id": person});
            arrivals.add(&event).unwrap();
            arrivals.settle([&events[0].0]);
        }
        arrivals.take_faults(&[1, 2, 3])
    }

    #[test]
    fn events_once_and_in_the_order_of_their_lanes_are_right() {
        assert_eq!(
            faults(&[(2, "7001"), (1, "7002"), (1, "7002"), (3, "7001")]),
            [""; 0]
        );
    }

    #[test]
    fn a_lost_event_a_settled_one_that_repeats_and_another_order_are_faults() {
        let lost = faults(&[(1, "7001"), (3, "7001")]);
        assert_eq!(lost, ["events that never came: 1"]);
        let repeated = faults(&[(1, "7001"), (1, "7001"), (2, "7001"), (3, "7001")]);
        assert_eq!(repeated, ["again after it was settled: 1"]);
        let reordered = faults(&[(1, "7001"), (3, "7001"), (2, "7001")]);
        assert_eq!(reordered, ["out of order: 2 after 3"]);
    }
}
