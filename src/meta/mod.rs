//! Meta's vocabulary, pure: no I/O, no clock, no database.
//!
//! [`signature`] proves who sent a body, [`signed_request`] who asks for a deletion, [`challenge`]
//! answers Meta's GET, [`split`] turns a body into [`event`]s, [`kinds`] has a file for each kind of
//! them. The rest are its tools: [`sanitise`] makes text safe for Postgres, [`json`] reads a text in
//! one pass, [`data`] writes the own fields of a kind, [`time`] reads Meta's many spellings of a
//! moment, [`mid`] the creation time inside a `mid`, [`ids`] lists the ids that kinds fill, [`dedupe`]
//! names occurrences, [`networks`] knows which addresses are Meta's.

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
pub mod sanitise;
pub mod signature;
pub mod signed_request;
pub mod split;
pub mod time;
