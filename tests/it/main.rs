//! The one black-box test binary: real Postgres, through the front door.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests fail as tests do"
)]

mod corpus;
mod database_away;
mod fixtures;
mod http;
mod packaging;
mod private_postgres;
mod promise;
mod reading;
mod readme;
mod serve;
mod signed;
mod store;
mod support;
mod systemd;
mod views;
