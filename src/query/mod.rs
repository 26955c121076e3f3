//! Boundary for reading stored data: filters, pages, and the form of the answers.
//!
//! A [`Session`] answers queries about the database within a [`Scope`]. A [`Page`] selects a part of a list. A
//! [`Walk`] reads all of a list. A [`SpoolReader`] lists the deliveries in the spool. `store::read` has the statements with their
//! filters and rows. The command line and an API read only through this module
//! (`tests/tidy/places.rs`).

mod audit;
mod audit_key;
mod comments;
mod consumers;
mod conversation;
mod csv;
mod detail;
mod differences;
mod dropped;
mod event;
mod find;
mod item;
mod json;
mod log;
mod moment;
mod operation;
mod own_data;
mod page;
mod reaction;
mod remedies;
mod replays;
pub mod schema;
mod scope;
mod session;
mod spool;
pub mod stream;
mod views;
mod walk;

pub use audit::{Audit, AuditError, Subject};
pub use audit_key::AuditKey;
pub use comments::{
    Comment, CommentWalk, LastComment, MediaComments, MediaLife, Thread, ThreadComment, thread_of,
};
pub use conversation::{
    Attachment, Conversation, Line, LineWalk, ListPage, Part, Party, Reaction, ReplyTo, Version,
};
pub use csv::{CsvRecord, csv_names, csv_record, without_formula};
pub use detail::{Around, ComparedRepeat, DeliveryDetail, EventDetail};
pub use differences::{Difference, differences};
pub use event::{EventForm, event};
pub use find::Target;
pub use item::{Item, RepeatedEvent};
pub use json::{as_text, line};
pub use log::{EventPage, Found};
pub use moment::{InvalidMoment, Moment};
pub use operation::{FollowerLag, SecretUse};
pub use page::Page;
pub use reaction::reaction;
pub use remedies::{ExplainedRejection, Owner, Remedies};
pub use schema::SCHEMA;
pub use scope::Scope;
pub use session::{Accounts, Session, Sessions, Stats};
pub use spool::{MOST_WAITING, SpoolReader, Waiting, WaitingList};
pub use views::{ViewError, Views, may_change_view, may_share_views};
pub(crate) use walk::ListWalk;
pub use walk::{AuditWalk, DeliveryWalk, EventWalk, RejectionWalk, Walk};

pub use crate::store::audit::{AuditEntry, AuditFilter};
pub use crate::store::consumers::{ConsumerStatus, MOST_COUNTED, Totals, WaitingLane};
pub use crate::store::follow::Lag;
pub use crate::store::gaps::GapCause;
pub use crate::store::read::{
    AccountFilter, AccountRow, AuditRow, Between, CommentMinute, Content, ConversationFilter,
    ConversationOrder, ConversationRow, Count, Counts, DeliveryFilter, DeliveryRow, Digits,
    Dimension, DroppedDay, DroppedPosition, EventFilter, EventRow, Extent, GapFilter, GapRow,
    Groups, InvalidPlace, Items, MOST_COUNTS, MOST_GAPS, MediaFilter, MediaRow, Order, Place,
    PlannedEvents, RejectionFilter, RejectionRow, RejectionTotal, RepeatRow, ReplayCounts,
    StatsFilter,
};
pub(crate) use crate::store::read::{
    conversation_statement, delivery_statement, event_statement, threads_statement,
};
pub use crate::store::replays::{NewReplay, Replay, ReplayChoice, ReplayState};
pub use crate::store::views::{SavedView, ViewChoice};
