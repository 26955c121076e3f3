//! Hostile clients against the program as a user runs it: whatever they do, good deliveries are
//! acked in time, memory stays within what the configuration allows, and each of them is closed
//! with a counted reason.

mod answers;
mod bodies;
mod crowds;
mod heads;
mod stage;
