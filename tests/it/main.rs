//! Integration tests against real Postgres, in one binary because linking takes long.
//!
//! Most modules run the program and use it as Meta or an operator does. `http`, `store`, `spool`
//! and `private_postgres` call the library, for races, cut connections and kills at an exact
//! moment. `fixtures` and `corpus` call its parser and its signature check. `event_json`, `questions`,
//! `reader`, `reading` and `views` store data with the library and read them through the program or in SQL.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "the helpers of tests fail as tests do"
)]

mod api;
mod bots;
mod cases;
mod configuration;
mod consumer_faults;
mod consumers;
mod corpus;
mod database_away;
mod destinations;
mod doctor;
mod event_json;
mod faults;
mod first_start;
mod fixtures;
mod gaps;
mod hostile;
mod http;
mod identity;
mod leases;
mod manners;
mod packaging;
mod pages;
mod private_postgres;
mod promise;
mod purge;
mod questions;
mod reach;
mod reader;
mod reading;
mod readme;
mod reload;
mod remedies;
mod remote;
mod replay_plans;
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
mod stream;
mod support;
mod systemd;
mod telemetry;
mod tunnel;
mod vendored;
mod views;
