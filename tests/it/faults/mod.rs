//! A Postgres that misbehaves, through the front door: every answer comes in time and is 200 or
//! 503, storing goes on by itself, and what was acked is stored once.

mod counted;
mod disk;
mod durability;
mod failover;
mod gone;
mod operated;
mod poison;
mod silence;
mod spooled;
mod stage;
