//! State of consumers: as their owner knows it, else as stored.

use std::time::{Duration, Instant};

use axum::{extract::State, http::StatusCode, response::Response};
use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    super::{Api, Asked, InPath, Shared},
    foreign, unknown, within,
};
use crate::{
    forward::{
        consumer::{ReplayStatus, Status, WorkerStatus},
        lanes::{self, Counts},
    },
    http::{access::ConsumerViewer, answer, problem::Problem},
    query::{ConsumerStatus, Digits, Scope, Totals, WaitingLane},
};

/// Maximum number of waiting lanes in an answer.
const MOST_LANES: usize = 100;

/// Answer with consumers.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConsumerList {
    consumers: Vec<Consumer>,
}

/// A consumer with its first waiting lanes.
#[derive(Serialize, JsonSchema)]
pub(super) struct ConsumerDetail {
    #[serde(flatten)]
    consumer: Consumer,
    /// Waiting lanes in the order of their heads, at most 100.
    lanes: Vec<Lane>,
}

/// State of a consumer. What only its owner knows is null if another process owns it.
#[derive(Default, Serialize, JsonSchema)]
struct Consumer {
    name: String,
    /// False if the configuration of this process does not have the consumer.
    configured: bool,
    /// Reason of a pause: operator, gone, clock or breaker.
    paused: Option<String>,
    /// Process that owns the consumer.
    owner: Option<Owner>,
    /// Last position read; null before the first start.
    #[schemars(with = "Option<Digits>")]
    position: Option<String>,
    lag: Lag,
    /// Number of events that are out.
    in_flight: Option<usize>,
    /// Number of waiting lanes.
    waiting: usize,
    /// Most frequent codes of the waiting lanes, at most five.
    codes: Vec<CodeCount>,
    /// True if too many lanes wait for new ones to start.
    blocked: Option<bool>,
    /// Number of accounts whose events are read later, because too many of their lanes wait.
    backlogs: usize,
    /// Number of dead letters that are neither retried nor discarded.
    dead_letters: i64,
    /// Number of settled events.
    settled: u64,
    /// Number of events that became dead letters.
    dead: u64,
    skipped: Skipped,
    /// Workers that asked in the last hour.
    workers: Option<Vec<Worker>>,
    /// Settled events a second, over the last minute.
    rate: Option<f64>,
    /// Seconds that the last save of the progress took.
    flush_s: Option<f64>,
    /// The replay that goes on.
    replay: Option<Replay>,
}

/// A replay that goes on, with its numbers of events.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerReplay")]
struct Replay {
    /// Number of the replay.
    id: i32,
    /// Events of the plan.
    events: i64,
    /// Last position read.
    #[schemars(with = "Digits")]
    position: String,
    /// Last position of the plan.
    #[schemars(with = "Digits")]
    through: String,
    /// Settled events.
    settled: i64,
    /// Skipped events.
    skipped: i64,
    /// Events that became dead letters.
    dead: i64,
}

/// Owner of a consumer.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ConsumerOwner")]
struct Owner {
    name: String,
    /// Address for other processes, from `admin.advertise` and `admin.base_path`.
    address: Option<String>,
    /// True if it is this process.
    here: bool,
}

/// Lag of a consumer.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(rename = "ConsumerLag")]
struct Lag {
    /// Number of positions behind the last position read. Some may be holes.
    positions: i64,
    /// Age of the oldest unsettled event in seconds.
    seconds: f64,
}

/// Number of waiting lanes with a code.
#[derive(Serialize, JsonSchema)]
struct CodeCount {
    code: String,
    lanes: i64,
}

/// Numbers of skipped events.
#[derive(Default, Serialize, JsonSchema)]
struct Skipped {
    /// Events that are no longer stored.
    gone: u64,
    /// Events older than `max_age`.
    too_old: u64,
    /// Messages that another app of the account brought before.
    repeated: u64,
    /// Events that the filters no longer choose.
    filtered: u64,
}

/// Worker of a consumer.
#[derive(Serialize, JsonSchema)]
struct Worker {
    name: String,
    /// Number of events that it has.
    in_flight: usize,
    /// Seconds since its last request.
    seen_s: f64,
}

/// Lane that waits, or whose head failed before and is out.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "WaitingLane")]
struct Lane {
    /// Position of its first unsettled event.
    #[schemars(with = "Digits")]
    head: String,
    /// Number of failed attempts.
    attempts: u32,
    /// Code of the last failure.
    code: String,
    /// Seconds since the first failure.
    failed_for_s: f64,
    /// Seconds until the next attempt; null if the head is out.
    due_in_s: Option<f64>,
}

pub(super) async fn list(
    State(api): Shared,
    ConsumerViewer(scope): ConsumerViewer,
    _: Asked,
) -> Result<Response, Problem> {
    let stored = stored(&api, &scope).await?;
    let mut names = names(&api, &stored);
    names.retain(|name| scope.reads_state(name));
    let shown = names.iter().map(|name| async {
        let stored = stored.iter().find(|it| it.name == *name);
        let status = live(&api, name).await;
        consumer(&api, name, stored, status.as_ref())
    });
    let consumers = join_all(shown).await;
    Ok(answer::json(StatusCode::OK, &ConsumerList { consumers }))
}

pub(super) async fn show(
    State(api): Shared,
    ConsumerViewer(scope): ConsumerViewer,
    InPath(name): InPath<String>,
    _: Asked,
) -> Result<Response, Problem> {
    let stored = stored(&api, &scope).await?;
    let names = names(&api, &stored);
    if !names.contains(&name) {
        return Err(unknown(&scope, &name, names));
    }
    if !scope.reads_state(&name) {
        return Err(foreign(&name, "viewer"));
    }
    let stored = stored.iter().find(|it| it.name == name);
    let status = live(&api, &name).await;
    let lanes = match &status {
        Some(status) => status.lanes.iter().map(Lane::from).collect(),
        None => waiting(&api, &scope, &name).await?,
    };
    let consumer = consumer(&api, &name, stored, status.as_ref());
    Ok(answer::json(
        StatusCode::OK,
        &ConsumerDetail { consumer, lanes },
    ))
}

/// Stored states of the consumers. A restricted token finds none, not even a list.
async fn stored(api: &Api, scope: &Scope) -> Result<Vec<ConsumerStatus>, Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    let mut session = api.session(scope).await?;
    api.read(session.consumers()).await
}

/// Stored waiting lanes of a consumer.
async fn waiting(api: &Api, scope: &Scope, name: &str) -> Result<Vec<Lane>, Problem> {
    let mut session = api.session(scope).await?;
    let lanes = api.read(session.waiting_lanes(name)).await?;
    Ok(lanes.iter().take(MOST_LANES).map(Lane::from).collect())
}

/// Names of the consumers that are configured or stored, in their order.
fn names(api: &Api, stored: &[ConsumerStatus]) -> Vec<String> {
    let stored = stored.iter().map(|it| it.name.clone());
    let mut names: Vec<_> = api.names().chain(stored).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// State in the memory of the owner, if this process owns the consumer.
async fn live(api: &Api, name: &str) -> Option<Status> {
    let handle = api.consumers.handles.get(name).ok()?;
    within(Duration::ZERO, handle.status()).await.ok()
}

fn consumer(
    api: &Api,
    name: &str,
    stored: Option<&ConsumerStatus>,
    live: Option<&Status>,
) -> Consumer {
    let configured = api.consumers.handles.get(name).is_ok();
    let mut consumer = Consumer {
        name: name.to_owned(),
        configured,
        ..stored.map(|it| as_stored(it, live)).unwrap_or_default()
    };
    if let Some(status) = live {
        consumer.complete(status);
    }
    consumer
}

/// The stored state. The owner may have read more since.
fn as_stored(stored: &ConsumerStatus, live: Option<&Status>) -> Consumer {
    let progress = &stored.progress;
    let read_since = live.map_or(0, |it| it.position - progress.position);
    let codes = stored.codes.iter().map(|(code, lanes)| CodeCount {
        code: code.clone(),
        lanes: *lanes,
    });
    Consumer {
        paused: progress.paused.clone(),
        owner: stored.owner.as_ref().map(|owner| Owner {
            name: owner.name.clone(),
            address: owner.address.clone(),
            here: live.is_some(),
        }),
        position: Some(progress.position.to_string()),
        lag: Lag {
            positions: (stored.lag - read_since).max(0),
            seconds: stored.oldest.unwrap_or_default().as_secs_f64(),
        },
        waiting: stored.waiting.try_into().unwrap_or_default(),
        backlogs: progress.backlogs.len(),
        codes: codes.collect(),
        dead_letters: stored.dead_letters,
        settled: progress.totals.settled.unsigned_abs(),
        dead: progress.totals.dead.unsigned_abs(),
        skipped: progress.totals.into(),
        ..Consumer::default()
    }
}

impl Consumer {
    /// Replaces the stored state by what the owner knows.
    fn complete(&mut self, status: &Status) {
        self.paused.clone_from(&status.paused);
        self.position = Some(status.position.to_string());
        if self.lag.positions == 0 && status.oldest.is_none() {
            self.lag.seconds = 0.0;
        }
        self.in_flight = Some(status.in_flight);
        self.waiting = status.waiting;
        self.blocked = Some(status.is_blocked);
        self.backlogs = status.backlogs;
        (self.settled, self.dead) = (status.counts.settled, status.counts.dead);
        self.skipped = status.counts.into();
        self.workers = Some(status.workers.iter().map(Worker::from).collect());
        self.rate = Some(status.rate);
        self.flush_s = status.flush.as_ref().map(Duration::as_secs_f64);
        self.replay = status.replay.map(Replay::from);
    }
}

impl From<Totals> for Skipped {
    fn from(totals: Totals) -> Self {
        Self {
            gone: totals.gone.unsigned_abs(),
            too_old: totals.too_old.unsigned_abs(),
            repeated: totals.repeated.unsigned_abs(),
            filtered: totals.filtered.unsigned_abs(),
        }
    }
}

impl From<Counts> for Skipped {
    fn from(counts: Counts) -> Self {
        Self {
            gone: counts.gone,
            too_old: counts.too_old,
            repeated: counts.repeated,
            filtered: counts.filtered,
        }
    }
}

impl From<ReplayStatus> for Replay {
    fn from(replay: ReplayStatus) -> Self {
        Self {
            id: replay.id,
            events: replay.events,
            position: replay.position.to_string(),
            through: replay.through.to_string(),
            settled: replay.settled,
            skipped: replay.skipped,
            dead: replay.dead,
        }
    }
}

impl From<&WorkerStatus> for Worker {
    fn from(worker: &WorkerStatus) -> Self {
        Self {
            name: worker.name.to_string(),
            in_flight: worker.in_flight,
            seen_s: worker.seen.as_secs_f64(),
        }
    }
}

impl From<&lanes::WaitingLane> for Lane {
    fn from(lanes::WaitingLane { head, is_out }: &lanes::WaitingLane) -> Self {
        let now = Instant::now();
        let due_in = head.due_at.saturating_duration_since(now);
        Self {
            head: head.item.position.to_string(),
            attempts: head.attempts,
            code: head.code.as_str().to_owned(),
            failed_for_s: now.saturating_duration_since(head.first_at).as_secs_f64(),
            due_in_s: (!is_out).then_some(due_in.as_secs_f64()),
        }
    }
}

impl From<&WaitingLane> for Lane {
    fn from(lane: &WaitingLane) -> Self {
        Self {
            head: lane.position.to_string(),
            attempts: lane.attempts.unsigned_abs(),
            code: lane.code.clone(),
            failed_for_s: lane.failed_for.as_secs_f64(),
            due_in_s: Some(lane.due_in.as_secs_f64()),
        }
    }
}
