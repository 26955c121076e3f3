//! The door: the only place with axum and with status codes.
//!
//! [`public`] is what Meta reaches: the callback URL and nothing else. [`admin`] is for operators
//! and stands on a listener of its own. [`listener`] bounds what a connection may cost, [`state`]
//! is what both need, `webhook` is the walk of one delivery.

mod ack;
pub mod admin;
mod answer;
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
mod names;
mod origin;
pub mod public;
mod receipt;
mod serve_connection;
mod socket;
mod socket_activation;
mod spool;
pub mod state;
mod stream;
mod webhook;

/// Routes of a listener.
pub use axum::Router as Routes;

pub use identity::known_as;
pub use in_flight::{Ends, InFlight};
pub use limits::{Limits, ListenerLimits};
pub use listener::Listener;
pub use socket_activation::PassedSockets;
pub use spool::SpoolApi;
pub use state::{AppKeys, AppState, Apps};
