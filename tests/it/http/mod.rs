//! The HTTP listeners over real sockets, with the test in place of the committer.

mod admin;
mod bodies;
mod challenge;
mod deliveries;
mod door;
mod ending;
mod forwarded;
mod gaps;
mod listener;
mod logs;
mod refusals;
mod routes;
mod spool;

use crate::support::wire;
