//! Answers of an operation in the document: successes, and problems by status.

use std::collections::BTreeMap;

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Caller, Operation, Schemas};
use crate::http::{
    api::{export, operation::Answer},
    problem::{self, Members, ProblemType},
};

/// Answers by status.
pub(super) fn responses(operation: &Operation, schemas: &mut Schemas) -> Map<String, Value> {
    let mut responses = Map::new();
    for answer in operation.answers.iter().chain(exports(operation)) {
        let about = json!({"description": answer.about});
        let response = responses.entry(answer.status.to_string()).or_insert(about);
        if answer.media.is_empty() {
            continue;
        }
        let schema = match answer.schema {
            Some(schema) => schema(&mut schemas.answers).to_value(),
            // Another text than JSON.
            None => json!({}),
        };
        let content = &mut response["content"][answer.media];
        match content["schema"]["anyOf"].as_array_mut() {
            Some(alternatives) => alternatives.push(schema),
            None => content["schema"]["anyOf"] = json!([schema]),
        }
    }
    let by_status = problems(operation);
    let problems = by_status.into_iter();
    let problems = problems.map(|(status, kinds)| {
        (
            status.as_str().to_owned(),
            described(status, &kinds, schemas),
        )
    });
    responses.extend(problems);
    responses
}

/// Answers of the exports of an operation.
fn exports(operation: &Operation) -> &'static [Answer] {
    let mut parameters = operation.parameters.iter().copied().flatten();
    if parameters.any(|it| it.name == "format") {
        export::ANSWERS
    } else {
        &[]
    }
}

/// Problems of an operation by status: its own, and those of every request.
fn problems(operation: &Operation) -> BTreeMap<StatusCode, Vec<&'static ProblemType>> {
    let common: &[&ProblemType] = match operation.caller {
        Caller::Probe => &[],
        Caller::Anyone => &[
            problem::PARAMETER,
            problem::UNAUTHORIZED,
            problem::FAILURES,
            problem::HOST,
            problem::DEFECT,
        ],
        Caller::Token(_) => &[
            problem::PARAMETER,
            problem::UNAUTHORIZED,
            problem::FORBIDDEN,
            problem::FAILURES,
            problem::HOST,
            problem::DEFECT,
        ],
    };
    let changes = operation.method != "get";
    let cross_site = changes.then_some(problem::CROSS_SITE);
    let all = common
        .iter()
        .copied()
        .chain(cross_site)
        .chain(operation.problems.iter().copied());
    let mut by_status: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for kind in all {
        by_status.entry(kind.status()).or_default().push(kind);
    }
    by_status
}

fn described(status: StatusCode, kinds: &[&ProblemType], schemas: &mut Schemas) -> Value {
    let titles: Vec<_> = kinds.iter().map(|kind| kind.title()).collect();
    let types = kinds.iter().map(|kind| schemas.base.join(&kind.path()));
    let types: Vec<_> = types.collect();
    let own =
        json!({"properties": {"type": {"enum": types}, "status": {"const": status.as_u16()}}});
    let members = schemas.answers.subschema_for::<Members>();
    let mut described = json!({
        "description": titles.join("; "),
        "content": {"application/problem+json": {"schema": {"allOf": [members, own]}}},
    });
    let header = match status {
        StatusCode::UNAUTHORIZED => "WWW-Authenticate",
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => "Retry-After",
        StatusCode::RANGE_NOT_SATISFIABLE => "Content-Range",
        _ => return described,
    };
    described["headers"][header] = json!({"schema": {"type": "string"}});
    described
}
