//! HTTP: the only module with axum and status codes.
//!
//! [`public`] has the routes for Meta: the callback URLs and `/healthz`. [`admin`] has the routes
//! for operators, on their own [`listener`]. `connection_limit` bounds the connections, [`state`]
//! is shared by the routes, `webhook` has the path of a delivery.

mod access;
mod ack;
pub mod admin;
mod answer;
mod api;
mod base_path;
mod body;
mod connection;
mod connection_limit;
mod ending;
mod forwarded;
mod headers;
mod identity;
mod in_flight;
mod limits;
pub mod listener;
mod local;
mod names;
mod origin;
mod pages;
mod parameter;
mod parameters;
mod problem;
pub mod public;
mod receipt;
mod serve_connection;
mod socket;
mod socket_activation;
pub mod state;
mod stream;
mod webhook;

/// Routes of a listener.
pub use axum::Router as Routes;

pub use access::Access;
pub use api::{Api, ConsumerApi, SpoolApi, Streams, openapi_document};
pub use identity::known_as;
pub use in_flight::{Ends, InFlight};
pub use limits::{Limits, ListenerLimits};
pub use listener::Listener;
pub use local::LocalApi;
pub use problem::Cause;
pub use socket_activation::PassedSockets;
pub use state::{AppKeys, AppState, Apps};
