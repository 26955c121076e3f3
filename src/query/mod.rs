//! Boundary for reading stored data: filters, pages, and the form of the answers.
//!
//! A [`Session`] answers queries about the database within a [`Scope`]. A [`Page`] selects a part of a list. A
//! [`SpoolReader`] lists the deliveries in the spool. `store::read` has the statements with their
//! filters and rows. The command line and an API read only through this module
//! (`tests/tidy/places.rs`).

mod differences;
mod events;
mod item;
mod json;
mod moment;
mod page;
mod reaction;
mod scope;
mod session;
mod spool;

pub use differences::Difference;
pub use events::Events;
pub use item::{Item, RepeatedEvent};
pub use json::line;
pub use moment::{InvalidMoment, Moment};
pub use page::Page;
pub use reaction::reaction;
pub use scope::Scope;
pub use session::{Accounts, Session, Sessions, Stats};
pub use spool::{MOST_WAITING, SpoolReader, Waiting, WaitingList};

pub use crate::store::follow::Lag;
pub use crate::store::read::{
    AccountFilter, AccountRow, Content, Count, Counts, DeliveryFilter, DeliveryRow, Dimension,
    EventFilter, EventRow, MOST_COUNTS, RejectionFilter, RejectionRow, RejectionTotal, RepeatRow,
    StatsFilter,
};
