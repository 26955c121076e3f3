//! Plan and creation of a replay.

use std::time::Duration;

use axum::{extract::State, http::StatusCode, response::Response};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{filter, plan::Plan, refuse_restricted, state::ShownReplay};
use crate::{
    config::nearest,
    forward::consumer::Target,
    http::{
        access::Operator,
        answer,
        api::{
            Api, Asked, Shared,
            consumers::within,
            events::refuse_content_filters,
            filters::event_filter,
            json_body::{self, ReadBody},
        },
        problem::{self, Problem},
    },
    query::{
        EventFilter, MOST_COUNTED, NewReplay, PlannedEvents, ReplayChoice, ReplayCounts, Scope,
        Session,
    },
    store::replays,
};

/// Maximum length of a note in characters.
const LONGEST_NOTE: usize = 500;

/// Maximum rate in events a second.
const FASTEST: u32 = 100_000;

/// Body of a request for a replay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReplayRequest")]
pub(super) struct Body {
    /// Name of the consumer or destination.
    to: String,
    /// Filters of events, as the parameters of `GET /v1/events`. A replay needs a filter, or `dead`.
    #[serde(default)]
    #[schemars(schema_with = "filter::schema")]
    filter: Map<String, Value>,
    /// True for events with a dead letter of the target only, in the state dead or retried.
    #[serde(default)]
    dead: bool,
    /// True if events older than `max_age` of the target are handed out as well.
    #[serde(default)]
    ignore_max_age: bool,
    /// Maximum number of events a second.
    #[schemars(range(min = 1, max = 100_000))]
    rate: Option<u32>,
    /// Reason, for the list of replays.
    #[schemars(length(min = 1, max = 500))]
    note: Option<String>,
    /// False to create the replay. If unset, it is only planned.
    #[serde(default = "planned_only")]
    dry_run: bool,
}

fn planned_only() -> bool {
    true
}

/// Answer with a plan.
#[derive(Serialize, JsonSchema)]
pub(super) struct PlannedReplay {
    plan: Plan,
    /// The created replay; null if it was only planned.
    replay: Option<ShownReplay>,
}

/// Events of a planned replay.
struct Planned {
    choice: ReplayChoice,
    counts: ReplayCounts,
    /// End of the log.
    end: i64,
}

pub(super) async fn create(
    State(api): Shared,
    Operator(scope): Operator,
    asked: Asked,
    body: ReadBody,
) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    let body: Body = json_body::object(body, "to, filter and dry_run")?;
    body.check()?;
    let target = target(&api, &body.to)?;
    let mut session = api.session(&scope).await?;
    let filter = event_filter_of(&api, &mut session, &scope, &body).await?;
    let planned = plan(&api, &mut session, (&body, filter), &target).await?;
    let running = api.read(session.running_replay(&body.to)).await?;
    // A local command has a single session.
    drop(session);
    let plan = Plan::of(&body.to, &planned.counts, planned.end)
        .with_rate(rate(&body, &target).await)
        .behind(running.map(|it| it.id));
    if body.dry_run {
        let replay = None;
        return Ok(answer::json(
            StatusCode::OK,
            &PlannedReplay { plan, replay },
        ));
    }
    let id = api.create_replay((&scope, &asked), &body, planned).await?;
    let replay = api.replay(&scope, id).await?;
    let replay = Some(ShownReplay::of(&replay, &scope));
    Ok(answer::json(
        StatusCode::CREATED,
        &PlannedReplay { plan, replay },
    ))
}

impl Body {
    fn check(&self) -> Result<(), Problem> {
        if self.filter.is_empty() && !self.dead {
            let detail = "without a filter, the target would get every stored event again";
            let allowed = "a filter such as {\"since\": \"2h\"}, or dead";
            return Err(Problem::parameter("filter", "", allowed, detail).in_body());
        }
        if let Some(rate) = self.rate.filter(|rate| !(1..=FASTEST).contains(rate)) {
            let allowed = format!("a whole number from 1 to {FASTEST}");
            return Err(Problem::value("rate", &rate.to_string(), allowed));
        }
        let is_note =
            |note: &str| (1..=LONGEST_NOTE).contains(&note.chars().count()) && !note.contains('\0');
        if let Some(note) = self.note.as_deref().filter(|note| !is_note(note)) {
            let allowed = format!("1 to {LONGEST_NOTE} characters without U+0000");
            return Err(Problem::value("note", note, allowed));
        }
        Ok(())
    }
}

/// The target of this name. One that sends its events to this server would bring them back as
/// deliveries.
fn target(api: &Api, name: &str) -> Result<Target, Problem> {
    let names = api.targets.names();
    let refused = |detail: String| {
        let allowed = match names.as_slice() {
            [] => "the name of a consumer or destination in the configuration".to_owned(),
            names => names.join(", "),
        };
        Problem::parameter("to", name, allowed, detail).in_body()
    };
    let target = api.targets.get(name).ok_or_else(|| {
        let near = nearest(name, names.iter().map(String::as_str));
        let near = near.map_or_else(String::new, |near| format!("; did you mean {near}?"));
        refused(format!("no consumer or destination is called {name}{near}"))
    })?;
    if target.is_own_webhook {
        let detail =
            "sends its events to the webhook of this server, which would receive them again";
        return Err(refused(format!("{name} {detail}")));
    }
    Ok(target)
}

/// The filter of a request.
async fn event_filter_of(
    api: &Api,
    session: &mut Session,
    scope: &Scope,
    body: &Body,
) -> Result<EventFilter, Problem> {
    let parameters = filter::parse(&body.filter)?;
    refuse_content_filters(scope, &parameters)?;
    let filter = event_filter(api, session, &parameters).await;
    let filter = filter.map_err(Problem::in_body)?;
    Ok(filter.unwrap_or_else(EventFilter::nothing))
}

/// Counts the events. The end of the log is read first: later events are not in the replay.
async fn plan(
    api: &Api,
    session: &mut Session,
    (body, filter): (&Body, EventFilter),
    target: &Target,
) -> Result<Planned, Problem> {
    let end = api.read(session.end_of_log()).await?;
    let now = api.apps.clock().now();
    let max_age = target.settings.max_age.filter(|_| !body.ignore_max_age);
    let planned = PlannedEvents {
        filter: &filter,
        dead_of: body.dead.then_some(&*body.to),
        choice: &target.settings.filter,
        now,
        oldest: max_age.and_then(|age| before(now, age)),
        through: end,
    };
    let counts = api.read(session.plan_replay(&planned)).await?;
    let choice = ReplayChoice {
        filter,
        of_dead: body.dead,
        ignore_max_age: body.ignore_max_age,
    };
    Ok(Planned {
        choice,
        counts,
        end,
    })
}

fn before(now: Timestamp, age: Duration) -> Option<Timestamp> {
    now.checked_sub(SignedDuration::try_from(age).ok()?).ok()
}

/// Expected rate: as asked for, else that of the target in the last minute.
async fn rate(body: &Body, target: &Target) -> Option<f64> {
    if let Some(rate) = body.rate {
        return Some(rate.into());
    }
    let status = within(Duration::ZERO, target.handle.status()).await.ok()?;
    (status.rate > 0.0).then_some(status.rate)
}

impl Api {
    /// Creates a replay of planned events, and records it before. Returns its number.
    async fn create_replay(
        &self,
        (scope, asked): (&Scope, &Asked),
        body: &Body,
        planned: Planned,
    ) -> Result<i32, Problem> {
        let Some([first, last]) = planned.counts.positions else {
            let detail = "no stored event meets the filter; nothing was created";
            return Err(Problem::new(problem::CONFLICT, detail));
        };
        let events = planned.counts.events;
        let is_counted = events < i64::from(MOST_COUNTED);
        let subject = (&*body.to, Some(events));
        let recorded = self
            .audit
            .record_change(scope, asked.from, "replay", subject);
        self.read(recorded).await?;
        let new = NewReplay {
            consumer: &body.to,
            choice: planned.choice,
            rate: body.rate,
            note: body.note.as_deref(),
            operator: scope.name(),
            events,
            after: first - 1,
            through: if is_counted { last } else { planned.end },
        };
        let mut conn = self.read(self.writes.session()).await?;
        self.read(replays::create(&mut conn, new)).await
    }
}
