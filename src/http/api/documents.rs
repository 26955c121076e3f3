//! Routes of documents: the OpenAPI document, its page, and the pages of problems.

use std::sync::OnceLock;

use axum::{
    Extension,
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
    config::{BasePath, Role},
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

/// The OpenAPI document of a server at the root, as indented text.
pub fn openapi_document() -> String {
    indented(&openapi::document(ALL, &BasePath::default()))
}

fn indented(document: &Value) -> String {
    format!("{document:#}\n")
}

/// The document of this server, whose base path does not change.
fn own_document(base: Option<Extension<BasePath>>) -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    let base = base.map_or_else(BasePath::default, |Extension(base)| base);
    DOCUMENT.get_or_init(|| openapi::document(ALL, &base))
}

async fn document(_: Metrics, base: Option<Extension<BasePath>>, _: Asked) -> Response {
    let document = indented(own_document(base));
    (typed("application/json"), document).into_response()
}

async fn docs(_: Metrics, base: Option<Extension<BasePath>>, _: Asked) -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, openapi::POLICY.as_str())];
    let page = openapi::page(own_document(base), ALL);
    (typed("text/html; charset=utf-8"), policy, page).into_response()
}

async fn page(InPath(name): InPath<String>, _: Asked) -> Result<Response, Problem> {
    let kind = ProblemType::find(&name).ok_or_else(Problem::not_found)?;
    Ok((typed("text/markdown; charset=utf-8"), kind.page()).into_response())
}
