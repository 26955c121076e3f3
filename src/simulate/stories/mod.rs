//! An endless stream of deliveries that tell little stories, many at once.
//!
//! [`Stories`] is given a [`Script`] and asked for the next [`Delivery`] at a moment; it never
//! sleeps and never asks for the time. A story is a list of samples with shared ids and pauses
//! between them. A step whose pause is over goes next; else a new story begins, or, if moments
//! follow each other quickly, one that has begun goes on early. An item refers to earlier ones only.
//!
//! The same script and the same moments give the same bytes. The ids of messages, comments and
//! stories come from the seed and the first moment, so that neither another seed nor the same
//! seed at another time repeats them; accounts, people, posts and ads are the same in every run.

mod delivery;
mod draft;
mod in_progress;
mod scenario;
mod story;
mod stream;

pub use self::{
    delivery::{Counts, Delivery},
    stream::{Script, Stories},
};

#[cfg(test)]
mod tests;
