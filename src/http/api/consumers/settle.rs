//! Settlement of leases.

use std::{ops::RangeInclusive, time::Duration};

use axum::{extract::State, http::StatusCode, response::Response};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    super::{Asked, InPath, Shared, json_body, json_body::ReadBody},
    Refused,
    entry::Entry,
    values, within,
};
use crate::{
    forward::{
        consumer::{Settled, Settlement, Verb},
        lanes::Answer,
    },
    http::{access::Consumer, answer, problem::Problem},
};

/// Maximum number of leases in a request.
const MOST: usize = 1_000;

/// Seconds until the next attempt, if the worker sets them.
const DELAY: RangeInclusive<f64> = 0.0..=86_400.0;

/// Request to settle leases. An entry is the lease alone, or an object.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(rename = "SettleRequest")]
pub(super) struct Body {
    /// Events that are done.
    acks: Vec<Entry<Ack>>,
    /// Failed attempts. Each event is handed out again.
    nacks: Vec<Entry<Nack>>,
    /// Leases that go on.
    extends: Vec<Entry<Extend>>,
    /// Events that become dead letters.
    dead: Vec<Entry<Bury>>,
}

/// Lease of an event that is done.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Ack {
    lease: String,
}

/// Lease of an event that failed.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Nack {
    lease: String,
    /// Seconds until the next attempt; `None` for the backoff of the consumer.
    #[schemars(range(min = 0, max = 86_400))]
    delay_s: Option<f64>,
    /// Reason; `None` for nack.
    #[schemars(regex(pattern = "^[a-z0-9_]{1,32}$"))]
    code: Option<String>,
}

/// Lease that goes on.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Extend {
    lease: String,
    /// Seconds from now; `None` for the setting of the consumer.
    #[schemars(range(min = 1, max = 3600))]
    lease_s: Option<f64>,
}

/// Lease of an event that becomes a dead letter.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Bury {
    lease: String,
    /// Reason; `None` for dead.
    #[schemars(regex(pattern = "^[a-z0-9_]{1,32}$"))]
    code: Option<String>,
}

/// Answer to a settlement.
#[derive(Serialize, JsonSchema)]
pub(super) struct Results {
    /// One result for each lease: those of `acks`, `nacks`, `extends` and `dead`, each in order.
    results: Vec<LeaseResult>,
}

/// Result of the settlement of a lease.
#[derive(Serialize, JsonSchema)]
struct LeaseResult {
    lease: String,
    result: Outcome,
}

/// Outcome of the settlement of a lease.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "SettleResult")]
enum Outcome {
    /// The event is settled.
    Acked,
    /// The event was settled before.
    Already,
    /// The event waits for its next attempt.
    Waiting,
    /// The event is a dead letter.
    Dead,
    /// The lease has a new end.
    Extended,
    /// Another worker has the event, or will get it.
    Lost,
    /// The consumer gave no such lease.
    Unknown,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Acked => Self::Acked,
            Answer::Already => Self::Already,
            Answer::Waiting => Self::Waiting,
            Answer::Dead => Self::Dead,
            Answer::Extended => Self::Extended,
            Answer::Lost => Self::Lost,
            Answer::Unknown => Self::Unknown,
        }
    }
}

impl From<Settled> for LeaseResult {
    fn from(settled: Settled) -> Self {
        Self {
            lease: settled.lease,
            result: settled.answer.into(),
        }
    }
}

pub(super) async fn settle(
    State(api): Shared,
    Consumer(scope): Consumer,
    InPath(name): InPath<String>,
    _: Asked,
    body: ReadBody,
) -> Result<Response, Refused> {
    let keys = "acks, nacks, extends and dead";
    let body: Body = json_body::object(values::small(body)?, keys)?;
    let batch = body.settlements()?;
    let handle = api.consumer(&scope, &name)?;
    let settled = within(Duration::ZERO, handle.settle(batch)).await;
    let settled = settled.map_err(|refusal| api.refused(&scope, (&name, "settle"), refusal))?;
    let results = settled.into_iter().map(LeaseResult::from).collect();
    Ok(answer::json(StatusCode::OK, &Results { results }))
}

impl Body {
    /// The settlements in the order of the answer.
    fn settlements(self) -> Result<Vec<Settlement>, Problem> {
        let count = self.acks.len() + self.nacks.len() + self.extends.len() + self.dead.len();
        if count > MOST {
            let key = "acks, nacks, extends and dead";
            let allowed = format!("at most {MOST} leases together");
            return Err(Problem::value(key, &count.to_string(), allowed));
        }
        let acks = self.acks.into_iter().map(|it| Ok(it.0.into()));
        let nacks = self.nacks.into_iter().map(|it| it.0.settlement());
        let extends = self.extends.into_iter().map(|it| it.0.settlement());
        let dead = self.dead.into_iter().map(|it| it.0.settlement());
        acks.chain(nacks).chain(extends).chain(dead).collect()
    }
}

impl From<Ack> for Settlement {
    fn from(ack: Ack) -> Self {
        Self {
            lease: ack.lease,
            verb: Verb::Ack,
        }
    }
}

impl Nack {
    fn settlement(self) -> Result<Settlement, Problem> {
        Ok(Settlement {
            verb: Verb::Nack {
                delay: values::seconds("delay_s", self.delay_s, &DELAY)?,
                code: values::code(self.code, "nack")?,
            },
            lease: self.lease,
        })
    }
}

impl Extend {
    fn settlement(self) -> Result<Settlement, Problem> {
        let time = values::seconds("lease_s", self.lease_s, &values::LEASE)?;
        Ok(Settlement {
            lease: self.lease,
            verb: Verb::Extend(time),
        })
    }
}

impl Bury {
    fn settlement(self) -> Result<Settlement, Problem> {
        Ok(Settlement {
            verb: Verb::Bury(values::code(self.code, "dead")?),
            lease: self.lease,
        })
    }
}
