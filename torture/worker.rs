//! A worker of a consumer: it leases and acks all events, also during faults. Afterwards every event
//! was handed out, and those of one lane in order.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use anyhow::Context;
use hookshelf::store::ConnectOptions;
use serde_json::{Value, json};
use sqlx::ConnectOptions as _;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::arrivals::Arrivals;

/// Variables of the consumer. A lease is short, because each round kills the server with events out.
pub(crate) const VARIABLES: [(&str, &str); 2] = [
    ("HOOKSHELF__CONSUMERS__TORTURE__START", "beginning"),
    ("HOOKSHELF__CONSUMERS__TORTURE__LEASE", "3s"),
];

/// Pause after a failed request.
const PAUSE: Duration = Duration::from_millis(100);

/// Maximum time for the rest of the events after the last fault.
const CATCHING_UP: Duration = Duration::from_mins(2);

/// Worker of the consumer of one database.
#[derive(Debug, Default)]
pub(crate) struct Worker {
    arrivals: Arrivals,
}

/// A worker that runs in the background.
#[derive(Debug)]
pub(crate) struct Working {
    end: CancellationToken,
    task: JoinHandle<Worker>,
}

impl Worker {
    /// Starts the work in the background, at the admin listener with this URL. Expects all events
    /// after the position `last`.
    pub(crate) fn begin(mut self, url: &str, last: i64) -> Working {
        self.arrivals.begin(last);
        let end = CancellationToken::new();
        let task = tokio::spawn(self.go_on(format!("{url}/v1/consumers/torture"), end.clone()));
        Working { end, task }
    }

    /// Takes the faults since the last call. `positions` are all events, and all are settled.
    pub(crate) fn take_faults(&mut self, positions: &[i64]) -> Vec<String> {
        println!("  a worker had got {} events", self.arrivals.count());
        let faults = self.arrivals.take_faults(positions).into_iter();
        faults.map(|fault| format!("worker: {fault}")).collect()
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
            let (position, _) = self.arrivals.add(&shown["event"])?;
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
                self.arrivals.settle(positions.get(lease));
            }
        }
        Ok(())
    }
}

impl Working {
    /// Ends the work.
    pub(crate) async fn end(self) -> anyhow::Result<Worker> {
        self.end.cancel();
        self.task.await.context("the worker has failed")
    }
}

/// Waits until all events of the consumer and of the destination are settled, and that is stored;
/// false after [`CATCHING_UP`].
pub(crate) async fn caught_up(options: &ConnectOptions) -> anyhow::Result<bool> {
    let mut database = options.clone().connect().await?;
    let sql = "SELECT count(*) = 2 AND bool_and(
                   heads = '' AND position >= (SELECT coalesce(max(position), 0) FROM events)
                   AND NOT EXISTS (SELECT FROM consumer_lanes WHERE consumer = name))
               FROM consumers";
    let begun = Instant::now();
    while begun.elapsed() < CATCHING_UP {
        let is_settled = sqlx::query_scalar(sql);
        if is_settled.fetch_one(&mut database).await? {
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
