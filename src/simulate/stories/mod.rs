//! What the simulated deliveries tell: one file a topic, one small builder a variant.
//!
//! Each variant has the name and the shape of a fixture under `tests/fixtures`; a test keeps the
//! two in step. Texts, ids and times are this run's own.

mod attachments;
mod comments;
mod containers;
mod control;
mod entries;
mod messages;
mod objects;
mod reactions;
mod test_button;
mod threads;
mod unknown;

use jiff::Timestamp;

use super::plan::{Plan, Variant};

/// Every variant, made from `seed` for the minutes before `now`.
pub(super) fn all(seed: u64, now: Timestamp) -> Vec<Variant> {
    let mut plan = Plan::new(seed, now);
    comments::tell(&mut plan);
    messages::tell(&mut plan);
    attachments::tell(&mut plan);
    reactions::tell(&mut plan);
    threads::tell(&mut plan);
    control::tell(&mut plan);
    containers::tell(&mut plan);
    entries::tell(&mut plan);
    unknown::tell(&mut plan);
    objects::tell(&mut plan);
    test_button::tell(&mut plan);
    plan.finish()
}

#[cfg(test)]
mod tests;
