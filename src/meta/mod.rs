//! Meta's vocabulary, pure: no I/O, no clock, no database.
//!
//! [`signature`] proves who sent a body, [`signed_request`] who asks for a deletion, [`challenge`]
//! answers Meta's GET, [`split`] turns a body into [`event`]s, [`fields`] are the typed shapes of
//! what an item carries. The rest are its tools: [`sanitise`] makes text safe for Postgres, [`json`]
//! reads a text in one pass, [`time`] reads Meta's many spellings of a moment, [`mid`] the creation
//! time inside a `mid`, [`dedupe`] names occurrences, [`networks`] knows which addresses are Meta's.

pub mod challenge;
pub mod dedupe;
pub mod event;
pub mod fields;
pub mod json;
pub mod mid;
pub mod networks;
mod open_enum;
pub mod sanitise;
pub mod signature;
pub mod signed_request;
pub mod split;
pub mod time;
