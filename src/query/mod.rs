//! Questions about what is stored: what may be asked, and the form of the answers.
//!
//! What waits in the spool is asked here, too. The statements are in `store::read`; whoever shows the answers, a command line or a page, is
//! above.

mod differences;
mod events;
mod json;
mod moment;
mod reaction;
mod spool;
mod stats;

pub use differences::{Difference, differences};
pub use events::Events;
pub use json::line;
pub use moment::{InvalidMoment, Moment};
pub use reaction::reaction;
pub use spool::{MOST_WAITING, SpoolReader, Waiting, WaitingList};
pub use stats::CountLine;

pub use crate::store::follow::Lag;
pub use crate::store::read::{
    AccountFilter, AccountRow, Content, Count, Counts, DeliveryFilter, DeliveryRow, Dimension,
    EventFilter, EventRow, MOST_COUNTS, RejectionFilter, RejectionRow, RejectionTotal, RepeatRow,
    StatsFilter,
};
