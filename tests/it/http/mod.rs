//! The door, over real sockets, with an intake of the test's own instead of Postgres.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test's helpers may fail the test"
)]

mod admin;
mod bodies;
mod challenge;
mod deliveries;
mod door;
mod forwarded;
mod listener;
mod logs;
mod routes;
mod wire;
