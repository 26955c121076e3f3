//! Faults of Postgres, tested over HTTP: every answer arrives in time and is 200 or 503, storing
//! resumes without help, and every acked delivery is stored once.

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
