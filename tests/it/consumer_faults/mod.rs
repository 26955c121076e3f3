//! Faults around consumers, through the admin listener: workers, servers, Postgres and clocks fail.
//!
//! Workers note in a ledger what they get and settle. At the end of each test the ledger is
//! checked: no event is lost, none is out of order in its lane, no two of a lane are out at once,
//! and none is repeated unless a lease was lost. `leases` tests the answers to single requests.

mod accounts;
mod backlogs;
mod clocks;
mod crowd;
mod kills;
mod owners;
mod postgres;
mod purged;
mod reloads;
mod replayed;
mod shop;
mod worker;
mod workers;

use crate::support::{ledger, random};
