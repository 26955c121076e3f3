//! Hookshelf receives Instagram webhooks, stores them in Postgres and only then answers 200.
//!
//! The promise: a signed delivery that got 200 is durable, and each thing that happened is one
//! event. The path of one delivery is five steps, `accept` → `verify` → `parse` → `commit` →
//! `ack`, and the rooms below are the floors it climbs through. Imports point down only; a test
//! keeps it so.

// F0: pure vocabulary, time, amounts and errors as text, configuration, the envelope of a delivery,
// and bytes that are kept.
pub mod amounts;
pub mod causes;
pub mod clock;
pub mod codec;
pub mod config;
pub mod envelope;
pub mod meta;
pub mod ownership;
pub mod secret_file;
pub mod vocabulary;
// F1: the process itself, and what is said about all of it.
pub mod instance;
pub mod telemetry;
// F2: the outside world.
pub mod quarantine;
pub mod spool;
pub mod store;
// F3: the product's verbs; they never import each other.
pub mod doctor;
pub mod forward;
pub mod ingest;
pub mod query;
pub mod simulate;
pub mod tunnel;
// F4: the door, and what runs beside it.
pub mod http;
pub mod worker;
// F5: what is constructed.
pub mod app;
// F6: what prints and exits.
pub mod cli;
