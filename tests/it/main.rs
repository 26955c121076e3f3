//! The one black-box test binary: real Postgres, through the front door.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests fail as tests do"
)]

mod cases;
mod corpus;
mod database_away;
mod doctor;
mod faults;
mod fixtures;
mod hostile;
mod http;
mod manners;
mod packaging;
mod private_postgres;
mod promise;
mod purge;
mod questions;
mod reader;
mod reading;
mod readme;
mod rescue;
mod restarts;
mod schema;
mod serve;
mod setup;
mod signed;
mod simulate;
mod spool;
mod stats;
mod stop;
mod store;
mod support;
mod systemd;
mod tunnel;
mod views;
