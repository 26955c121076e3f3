//! Routes of documents: the OpenAPI document, its page, and the pages of problems.

use std::sync::LazyLock;

use axum::{
    http::header,
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Map, Value};

use super::{
    Asked, InPath, OPERATIONS as ALL, openapi,
    operation::{Answer, Caller, Operation},
};
use crate::{
    config::Role,
    http::{
        access::Metrics,
        answer::typed,
        parameter::{Form, Parameter},
        problem::{self, Problem, ProblemType},
    },
};

const NAME: &[Parameter] = &[Parameter::of(
    "name",
    "Name of the problem.",
    Form::OneOf(ProblemType::names),
)];

pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        path: "/openapi.json",
        handler: || get(document),
        caller: Caller::Token(Role::Metrics),
        about: "This document.",
        example: "/openapi.json",
        answers: &[Answer::json::<Map<String, Value>>("The document.")],
        ..Operation::GET
    },
    Operation {
        path: "/docs",
        handler: || get(docs),
        caller: Caller::Token(Role::Metrics),
        about: "This document as a page.",
        example: "/docs",
        answers: &[Answer::other("text/html", "The page.")],
        ..Operation::GET
    },
    Operation {
        path: "/problems/{name}",
        handler: || get(page),
        caller: Caller::Anyone,
        about: "Page about a type of problem.",
        parts: NAME,
        example: "/problems/parameter",
        answers: &[Answer::other("text/markdown", "The page.")],
        problems: &[problem::NOT_FOUND],
        ..Operation::GET
    },
];

static DOCUMENT: LazyLock<Value> = LazyLock::new(|| openapi::document(ALL));

/// The OpenAPI document, as indented text.
pub fn openapi_document() -> String {
    format!("{:#}\n", *DOCUMENT)
}

async fn document(_: Metrics, _: Asked) -> Response {
    (typed("application/json"), openapi_document()).into_response()
}

async fn docs(_: Metrics, _: Asked) -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, openapi::POLICY.as_str())];
    let page = openapi::page(&DOCUMENT, ALL);
    (typed("text/html; charset=utf-8"), policy, page).into_response()
}

async fn page(InPath(name): InPath<String>, _: Asked) -> Result<Response, Problem> {
    let kind = ProblemType::find(&name).ok_or_else(Problem::not_found)?;
    Ok((typed("text/markdown; charset=utf-8"), kind.page()).into_response())
}
