//! Operations: the routes of the listener with what they take and answer. The router and the OpenAPI
//! document are made from the same tables.

use std::{fmt, sync::Arc};

use axum::routing::MethodRouter;
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::{
    super::{parameter::Parameter, parameters::Known, problem::ProblemType},
    Api,
};
use crate::config::Role;

/// A method of a route.
pub(super) struct Operation {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// Makes the route with its handler.
    pub(super) handler: fn() -> MethodRouter<Arc<Api>>,
    pub(super) caller: Caller,
    /// Sentence for the document.
    pub(super) about: &'static str,
    /// Parts of the path.
    pub(super) parts: &'static [Parameter],
    /// Parameters of the query.
    pub(super) parameters: Known,
    /// Headers that change the answer.
    pub(super) headers: &'static [Parameter],
    pub(super) body: Option<RequestBody>,
    /// Path and query of a request that succeeds on a server with data.
    pub(super) example: &'static str,
    pub(super) answers: &'static [Answer],
    /// Problems besides those of every operation.
    pub(super) problems: &'static [&'static ProblemType],
}

/// Body of a request.
#[derive(Clone, Copy)]
pub(super) struct RequestBody {
    pub(super) schema: BodySchema,
    /// JSON of a request that succeeds.
    pub(super) example: &'static str,
    pub(super) is_required: bool,
}

/// Callers of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Anybody, under any host name and with any query: a probe of a service manager.
    Probe,
    /// Anybody.
    Anyone,
    /// Holders of a token with this role or a higher one.
    Token(Role),
}

/// A successful answer. Answers of the same status and media type are alternatives.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) media: &'static str,
    pub(super) about: &'static str,
    pub(super) schema: Option<BodySchema>,
}

/// Makes the schema of a body.
pub(super) type BodySchema = fn(&mut SchemaGenerator) -> Schema;

/// Schema of the JSON of a type.
fn schema_of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

impl Operation {
    /// Base of operations that read, for a viewer.
    pub(super) const GET: Self = Self {
        method: "get",
        path: "",
        handler: MethodRouter::new,
        caller: Caller::Token(Role::Viewer),
        about: "",
        parts: &[],
        parameters: &[],
        headers: &[],
        body: None,
        example: "",
        answers: &[],
        problems: &[],
    };
}

impl RequestBody {
    /// A required body of type `T`.
    pub(super) const fn json<T: JsonSchema>(example: &'static str) -> Self {
        Self {
            schema: schema_of::<T>,
            example,
            is_required: true,
        }
    }

    /// The same body, which may be empty.
    pub(super) const fn optional(self) -> Self {
        Self {
            is_required: false,
            ..self
        }
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl Answer {
    /// JSON of a type.
    pub(super) const fn json<T: JsonSchema>(about: &'static str) -> Self {
        Self {
            status: 200,
            media: "application/json",
            about,
            schema: Some(schema_of::<T>),
        }
    }

    /// No body.
    pub(super) const fn empty(about: &'static str) -> Self {
        Self::other("", about)
    }

    /// Another body.
    pub(super) const fn other(media: &'static str, about: &'static str) -> Self {
        Self {
            status: 200,
            media,
            about,
            schema: None,
        }
    }

    /// The same answer with another status.
    pub(super) const fn with(self, status: u16) -> Self {
        Self { status, ..self }
    }
}
