//! Sends a running server signed deliveries, and reports what came back.
//!
//! [`run()`] sends single deliveries: one of every sample, or one with the user's own words.
//! [`load::run`] sends a stream of them: little stories, at a rate or as fast as answers come.
//! Bodies are made from the samples in `samples/`, with ids of their own, written like Meta's two
//! senders write them; each is signed, and marked as simulated. This room knows the receiver from
//! outside only: it speaks HTTP to it and imports neither `ingest` nor `query`.

mod chosen;
mod client;
mod context;
mod ids;
pub mod load;
mod people;
mod random;
mod request;
mod run;
mod sample;
mod sender;
mod slot;
mod stories;
mod target;
mod texts;
mod values;
mod variants;

pub use self::{
    chosen::{Chosen, NotCarried},
    client::Answer,
    run::{Report, Sent, run},
    sender::Sender,
    stories::{Delivery, Script, Stories},
    target::{Error, Target},
    variants::{Variant, variants},
};

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
