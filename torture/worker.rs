//! A worker of a consumer: it leases and acks all events, also during faults. Afterwards every event
//! was handed out, and those of one lane in order.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use anyhow::Context;
use hookshelf::store::ConnectOptions;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Variables of the consumer. A lease is short, because each round kills the server with events out.
pub(crate) const VARIABLES: [(&str, &str); 2] = [
    ("HOOKSHELF__CONSUMERS__TORTURE__START", "beginning"),
    ("HOOKSHELF__CONSUMERS__TORTURE__LEASE", "3s"),
];

/// Pause after a failed request.
const PAUSE: Duration = Duration::from_millis(100);

/// Maximum time for the rest of the events after the last fault.
const CATCHING_UP: Duration = Duration::from_mins(2);

/// Events that a worker of one database got.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    /// Position after which the worker has to get every event.
    from: Option<i64>,
    handed_out: HashSet<i64>,
    /// Positions of events whose ack was answered.
    acked: HashSet<i64>,
    /// Last position of each lane.
    lanes: HashMap<String, i64>,
    /// Events that came again after their ack, or after a later one of their lane.
    faults: Vec<String>,
}

/// A worker that runs in the background.
#[derive(Debug)]
pub(crate) struct Working {
    end: CancellationToken,
    task: JoinHandle<Worker>,
}

impl Worker {
    /// Starts the work in the background, at the admin listener with this URL.
    pub(crate) async fn begin(
        mut self,
        url: String,
        options: &ConnectOptions,
    ) -> anyhow::Result<Working> {
        if self.from.is_none() {
            let mut database = options.clone().connect().await?;
            let last = "SELECT coalesce(max(position), 0) FROM events";
            self.from = Some(sqlx::query_scalar(last).fetch_one(&mut database).await?);
        }
        let end = CancellationToken::new();
        let task = tokio::spawn(self.go_on(format!("{url}/v1/consumers/torture"), end.clone()));
        Ok(Working { end, task })
    }

    /// Number of events that the worker got.
    pub(crate) fn count(&self) -> usize {
        self.handed_out.len()
    }

    /// Takes the faults since the last call. `positions` are all events, and all are settled.
    pub(crate) fn take_faults(&mut self, positions: impl Iterator<Item = i64>) -> Vec<String> {
        let is_missing = |it: &i64| Some(*it) > self.from && !self.handed_out.contains(it);
        let missing = positions.filter(is_missing).count();
        let lost = (missing > 0).then(|| format!("events that the worker never got: {missing}"));
        self.faults.drain(..).chain(lost).collect()
    }

    async fn go_on(mut self, base: String, end: CancellationToken) -> Self {
        let client = reqwest::Client::builder().no_proxy();
        let client = client.timeout(Duration::from_secs(15)).build();
        let client = client.unwrap_or_default();
        while !end.is_cancelled() {
            if self.work(&client, &base).await.is_err() {
                tokio::time::sleep(PAUSE).await;
            }
        }
        self
    }

    /// Leases some events, and acks them.
    async fn work(&mut self, client: &reqwest::Client, base: &str) -> anyhow::Result<()> {
        let want = json!({"max": 100, "wait_s": 1});
        let leased = post(client, &format!("{base}/lease"), &want).await?;
        let events = leased["events"].as_array().context("no events")?;
        let mut positions = HashMap::new();
        for shown in events {
            let position = shown["event"]["position"].as_str().context("a position")?;
            let position = position.parse()?;
            self.look(position, &shown["event"]);
            self.handed_out.insert(position);
            positions.insert(shown["lease"].as_str().context("a lease")?, position);
        }
        if events.is_empty() {
            return Ok(());
        }
        let acks = json!({"acks": positions.keys().collect::<Vec<_>>()});
        let settled = post(client, &format!("{base}/settle"), &acks).await?;
        for it in settled["results"].as_array().context("no results")? {
            let lease = it["lease"].as_str().context("a lease")?;
            if matches!(it["result"].as_str(), Some("acked" | "already")) {
                self.acked.extend(positions.get(lease));
            }
        }
        Ok(())
    }

    /// Checks the order of an event.
    fn look(&mut self, position: i64, event: &Value) {
        let part = |key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let mut lane = [part("app"), part("account_id"), part("person_id")].join("/");
        if lane.ends_with('/') {
            lane += &position.to_string();
        }
        let last = self.lanes.entry(lane).or_insert(position);
        if self.acked.contains(&position) {
            self.faults
                .push(format!("handed out after its ack: {position}"));
        } else if position < *last {
            self.faults
                .push(format!("handed out out of order: {position} after {last}"));
        }
        *last = position.max(*last);
    }
}

impl Working {
    /// Ends the work.
    pub(crate) async fn end(self) -> anyhow::Result<Worker> {
        self.end.cancel();
        self.task.await.context("the worker has failed")
    }
}

/// Waits until all events are settled, and that is stored; false after [`CATCHING_UP`].
pub(crate) async fn caught_up(options: &ConnectOptions) -> anyhow::Result<bool> {
    let mut database = options.clone().connect().await?;
    let sql = "SELECT heads = '' AND position >= (SELECT coalesce(max(position), 0) FROM events)
               AND NOT EXISTS (SELECT FROM consumer_lanes WHERE consumer = name)
               FROM consumers WHERE name = 'torture'";
    let begun = Instant::now();
    while begun.elapsed() < CATCHING_UP {
        let is_settled = sqlx::query_scalar(sql)
            .fetch_optional(&mut database)
            .await?;
        if is_settled == Some(true) {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

async fn post(client: &reqwest::Client, url: &str, body: &Value) -> anyhow::Result<Value> {
    let request = client.post(url).body(body.to_string());
    let answer = request.send().await?.error_for_status()?;
    Ok(serde_json::from_str(&answer.text().await?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Faults after a worker got these events, each with its person, and acked the first one.
    fn faults(events: &[(i64, &str)]) -> Vec<String> {
        let mut worker = Worker {
            from: Some(0),
            ..Worker::default()
        };
        for (position, person) in events {
            let event = json!({"app": "default", "account_id": "1", "person_id": person});
            worker.look(*position, &event);
            worker.handed_out.insert(*position);
            worker.acked.insert(events[0].0);
        }
        worker.take_faults(1..=3)
    }

    #[test]
    fn events_once_and_in_the_order_of_their_lanes_are_right() {
        assert_eq!(
            faults(&[(2, "7001"), (1, "7002"), (1, "7002"), (3, "7001")]),
            [""; 0]
        );
    }

    #[test]
    fn a_lost_event_a_repeat_after_an_ack_and_another_order_are_faults() {
        let lost = faults(&[(1, "7001"), (3, "7001")]);
        assert_eq!(lost, ["events that the worker never got: 1"]);
        let repeated = faults(&[(1, "7001"), (1, "7001"), (2, "7001"), (3, "7001")]);
        assert_eq!(repeated, ["handed out after its ack: 1"]);
        let reordered = faults(&[(1, "7001"), (3, "7001"), (2, "7001")]);
        assert_eq!(reordered, ["handed out out of order: 2 after 3"]);
    }
}
