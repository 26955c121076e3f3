//! Questions about what is stored: what may be asked, and the form of the answers.
//!
//! The statements are in `store::read`; whoever shows the answers, a command line or a page, is
//! above.

mod events;
mod json;
mod moment;

pub use events::Events;
pub use json::line;
pub use moment::{InvalidMoment, Moment};

pub use crate::store::read::{
    Content, DeliveryFilter, DeliveryRow, EventFilter, EventRow, RejectionFilter, RejectionRow,
};
