//! The boundary through which stored things are read to be shown: filters, pages, and the form of
//! the answers.
//!
//! A [`Session`] answers questions about the database, one for each list and one for each single
//! thing; a [`Page`] says which part of a list. A [`SpoolReader`] lists what waits in the spool. The
//! statements are in `store::read`, with the filters and rows that they are made for; who shows the
//! answers, a command line or an API, has them from here only (`tests/tidy/places.rs`).

mod differences;
mod events;
mod item;
mod json;
mod moment;
mod page;
mod reaction;
mod session;
mod spool;

pub use differences::Difference;
pub use events::Events;
pub use item::{Item, RepeatedEvent};
pub use json::line;
pub use moment::{InvalidMoment, Moment};
pub use page::Page;
pub use reaction::reaction;
pub use session::{Accounts, Rejections, Session, Stats};
pub use spool::{MOST_WAITING, SpoolReader, Waiting, WaitingList};

pub use crate::store::follow::Lag;
pub use crate::store::read::{
    AccountFilter, AccountRow, Content, Count, Counts, DeliveryFilter, DeliveryRow, Dimension,
    EventFilter, EventRow, MOST_COUNTS, RejectionFilter, RejectionRow, RejectionTotal, RepeatRow,
    StatsFilter,
};
