//! Routes of replays: plans, and the state of replays.
//!
//! A replay hands out events of its target's filter, whatever a token may see. A token that is
//! restricted to apps or clients therefore finds no replays.

mod create;
mod filter;
mod plan;
mod state;

use axum::{
    extract::State,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use schemars::JsonSchema;
use serde::Serialize;

use self::state::ShownReplay;
use super::{
    Api, Asked, InPath, Shared,
    filters::LIMIT,
    operation::{Answer, Caller, Operation, RequestBody},
    shown,
};
use crate::{
    config::Role,
    http::{
        access::{Operator, Viewer},
        answer,
        parameter::{Form, Parameter},
        problem::{self, Problem, ProblemType},
    },
    query::{Replay, ReplayState, Scope},
    store::replays,
};

const LIST: &str = "/v1/replays";

const NUMBER: &[Parameter] = &[Parameter::of(
    "replay",
    "Number of the replay.",
    Form::Position,
)];

const PAGE: &[Parameter] = &[
    Parameter::one("to", "Name of the consumer or destination."),
    Parameter::of("before", "Numbers less than this one.", Form::Position),
    LIMIT,
];

/// Problems of a state.
const READ: &[&ProblemType] = &[problem::NOT_FOUND, problem::DATABASE, problem::BUSY];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: LIST,
        handler: || get(list),
        about: "Replays, the newest first.",
        parameters: &[PAGE],
        example: "/v1/replays?to=bot&limit=10",
        answers: &[Answer::json::<ReplayList>("A page of replays.")],
        problems: READ,
        ..Operation::GET
    },
    Operation {
        path: LIST,
        handler: || post(create::create),
        about: "Plans a replay: stored events that a consumer or destination gets again. Creates it \
                if dry_run is false.",
        body: Some(RequestBody::json::<create::Body>(
            r#"{"to":"bot","filter":{"kind":"message","since":"7d"},"rate":20,"dry_run":true}"#,
        )),
        example: LIST,
        answers: &[
            Answer::json::<create::PlannedReplay>("The plan. Nothing was created."),
            Answer::json::<create::PlannedReplay>("The plan and the replay.").with(201),
        ],
        problems: &[
            problem::BODY,
            problem::NOT_FOUND,
            problem::CONFLICT,
            problem::VALUE,
            problem::DATABASE,
            problem::BUSY,
        ],
        ..CHANGE
    },
    Operation {
        path: "/v1/replays/{replay}",
        handler: || get(show),
        about: "A replay with its progress.",
        parts: NUMBER,
        example: "/v1/replays/1",
        answers: &[Answer::json::<ShownReplay>("The replay.")],
        problems: READ,
        ..Operation::GET
    },
    Operation {
        path: "/v1/replays/{replay}/pause",
        handler: || post(pause),
        about: "Pauses a replay. Events that are out are settled.",
        example: "/v1/replays/1/pause",
        ..CONTROL
    },
    Operation {
        path: "/v1/replays/{replay}/resume",
        handler: || post(resume),
        about: "Resumes a paused replay.",
        example: "/v1/replays/1/resume",
        ..CONTROL
    },
    Operation {
        path: "/v1/replays/{replay}/cancel",
        handler: || post(cancel),
        about: "Ends a replay. Its other events are not handed out.",
        example: "/v1/replays/1/cancel",
        ..CONTROL
    },
];

/// Base of the operations that change something.
const CHANGE: Operation = Operation {
    method: "post",
    caller: Caller::Token(Role::Operator),
    ..Operation::GET
};

/// Base of the operations that change a replay.
const CONTROL: Operation = Operation {
    parts: NUMBER,
    answers: &[Answer::json::<ShownReplay>("The replay.")],
    problems: &[
        problem::NOT_FOUND,
        problem::CONFLICT,
        problem::DATABASE,
        problem::BUSY,
    ],
    ..CHANGE
};

/// Answer with a page of replays.
#[derive(Serialize, JsonSchema)]
struct ReplayList {
    replays: Vec<ShownReplay>,
    /// URL of the next page.
    next: Option<String>,
}

async fn list(
    State(api): Shared,
    Viewer(scope): Viewer,
    asked: Asked,
) -> Result<Response, Problem> {
    refuse_restricted(&scope)?;
    let parameters = &asked.parameters;
    let to = parameters.text("to")?;
    let before = parameters.position("before")?;
    let before = before.map(|number| i32::try_from(number).unwrap_or(i32::MAX));
    let limit: u32 = parameters.number("limit")?;
    let mut session = api.session(&scope).await?;
    let found = api.read(session.replays(to.as_deref(), before, limit));
    let found = found.await?;
    let is_full = u32::try_from(found.len()) == Ok(limit);
    let last = found.last().filter(|_| is_full);
    let next = last.map(|last| shown::url(LIST, parameters, &[("before", last.id.to_string())]));
    let replays = found.iter().map(|it| ShownReplay::of(it, &scope)).collect();
    Ok(answer::json(StatusCode::OK, &ReplayList { replays, next }))
}

async fn show(
    State(api): Shared,
    Viewer(scope): Viewer,
    InPath(id): InPath<i32>,
    _: Asked,
) -> Result<Response, Problem> {
    let replay = api.replay(&scope, id).await?;
    Ok(shown(&replay, &scope))
}

async fn pause(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(id): InPath<i32>,
    asked: Asked,
) -> Result<Response, Problem> {
    let change = ("replay_pause", ReplayState::Paused);
    api.change_replay((&scope, &asked), id, change).await
}

async fn resume(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(id): InPath<i32>,
    asked: Asked,
) -> Result<Response, Problem> {
    let change = ("replay_resume", ReplayState::Running);
    api.change_replay((&scope, &asked), id, change).await
}

async fn cancel(
    State(api): Shared,
    Operator(scope): Operator,
    InPath(id): InPath<i32>,
    asked: Asked,
) -> Result<Response, Problem> {
    let change = ("replay_cancel", ReplayState::Cancelled);
    api.change_replay((&scope, &asked), id, change).await
}

fn refuse_restricted(scope: &Scope) -> Result<(), Problem> {
    if scope.is_restricted() {
        return Err(Problem::not_found());
    }
    Ok(())
}

fn shown(replay: &Replay, scope: &Scope) -> Response {
    answer::json(StatusCode::OK, &ShownReplay::of(replay, scope))
}

impl Api {
    async fn replay(&self, scope: &Scope, id: i32) -> Result<Replay, Problem> {
        let mut session = self.session(scope).await?;
        let found = self.read(session.replay(id)).await?;
        found.ok_or_else(Problem::not_found)
    }

    /// Puts a replay into another state, and records the change before.
    async fn change_replay(
        &self,
        (scope, asked): (&Scope, &Asked),
        id: i32,
        (verb, state): (&'static str, ReplayState),
    ) -> Result<Response, Problem> {
        let replay = self.replay(scope, id).await?;
        if replay.state == state {
            return Ok(shown(&replay, scope));
        }
        if replay.ended_at.is_some() {
            return Err(ended(&replay));
        }
        let subject = id.to_string();
        let recorded = self
            .audit
            .record_change(scope, asked.from, verb, (&subject, None));
        self.read(recorded).await?;
        let mut conn = self.read(self.writes.session()).await?;
        let is_set = self.read(replays::set_state(&mut conn, id, state)).await?;
        let replay = self.replay(scope, id).await?;
        if is_set {
            Ok(shown(&replay, scope))
        } else {
            Err(ended(&replay))
        }
    }
}

/// Problem of a change of a replay that has ended.
fn ended(replay: &Replay) -> Problem {
    let detail = format!("replay {} is {}", replay.id, replay.state.as_str());
    Problem::new(problem::CONFLICT, detail)
}
