//! The door, over real sockets, with an intake of the test's own instead of Postgres.

mod admin;
mod bodies;
mod challenge;
mod deliveries;
mod door;
mod ending;
mod forwarded;
mod listener;
mod logs;
mod refusals;
mod routes;
mod spool;

use crate::support::wire;
