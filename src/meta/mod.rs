//! Meta's vocabulary: pure functions without I/O, clock or database.
//!
//! [`signature`] verifies the sender of a body, [`signed_request`] the sender of a deletion
//! request. [`challenge`] answers Meta's GET. [`split`] turns a body into [`event`]s; [`kinds`] has
//! a file for each kind, and [`ids`] lists the ids of an event. The other modules are tools:
//! [`sanitise`] makes text safe for Postgres, [`json`] indexes a text in one pass, [`data`] writes
//! the own fields of a kind, [`time`] parses Meta's spellings of a time, [`mid`] decodes the
//! creation time in a `mid`, [`dedupe`] identifies occurrences, [`networks`] knows Meta's addresses,
//! and [`reencoded`] recognises a body that a proxy encoded again.

pub mod challenge;
pub mod data;
pub mod dedupe;
pub mod event;
pub mod ids;
pub mod json;
pub mod kinds;
pub mod mid;
pub mod networks;
mod parties;
pub mod reencoded;
#[cfg(test)]
#[path = "../../tests/it/support/samples.rs"]
pub(crate) mod samples;
pub mod sanitise;
pub mod signature;
pub mod signed_request;
pub mod split;
pub mod time;
