//! What is asked of everything that reads untrusted input, whatever the bytes are.
//!
//! The rooms are built from their own source, not from the crate: nothing has to be public for the
//! fuzzer's sake, and neither Postgres nor the server is built and watched along with them.

// What is under test, where the rooms expect each other.
#[path = "../../src/amounts.rs"]
pub mod amounts;
#[path = "../../src/causes.rs"]
pub mod causes;
#[path = "../../src/clock.rs"]
pub mod clock;
#[path = "../../src/codec.rs"]
pub mod codec;
#[path = "../../src/config/mod.rs"]
pub mod config;
#[path = "../../src/envelope.rs"]
pub mod envelope;
#[path = "../../src/http/forwarded.rs"]
mod forwarded_for;
#[path = "../../src/meta/mod.rs"]
pub mod meta;
#[path = "../../src/ownership.rs"]
pub mod ownership;
#[path = "../../src/secret_file.rs"]
pub mod secret_file;
#[path = "../../src/spool/mod.rs"]
pub mod spool;
#[path = "../../src/vocabulary.rs"]
pub mod vocabulary;

// What is asked of it, one module for each target.
pub mod challenge;
pub mod configuration;
pub mod forwarded;
pub mod notification;
pub mod signature;
pub mod signed_request;
pub mod spool_file;
pub mod spool_record;

// A second, plainer reading to compare with.
mod plain_json;
