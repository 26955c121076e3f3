//! Hostile clients against the running program: valid deliveries are acked in time, memory stays
//! within the configured limits, and each hostile connection is closed with a counted reason.

mod answers;
mod bodies;
mod crowds;
mod heads;
mod stage;
