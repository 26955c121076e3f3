//! All SQL, the migrations, and the private Postgres.
//!
//! - [`commit()`] is the statement that makes deliveries durable.
//! - [`partitions`] and [`mod@epoch`] maintain its tables; [`migrate()`] creates them.
//! - `read` reads stored rows; [`make_reader`] creates the database role for other readers.
//! - [`follow`] processes the log of positions once; the follower [`stats`] counts its rows, and
//!   the follower [`conversations`] lists conversations and media with comments. [`wake`] wakes
//!   whatever waits for new positions.
//! - [`sessions`] stores the sessions of browsers at the admin listener, and [`views`] the saved
//!   views of its pages.
//! - [`consumers`] stores the progress of workers and destinations outside of this program, and
//!   [`attempts`] the failures of destinations.
//!
//! An [`Error`] tells the caller to retry, to give up the values, or to ask the operator.

mod accounts;
pub mod attempts;
pub mod audit;
mod batch;
pub mod callbacks;
mod column;
mod commit;
mod connect;
pub mod consumers;
pub mod conversations;
mod delivery;
pub mod epoch;
mod error;
pub mod follow;
pub mod gaps;
mod headers;
pub mod health;
pub mod horizon;
mod labels;
mod migrate;
mod names;
pub mod partitions;
pub mod private;
pub mod purge;
pub(crate) mod read;
mod reader_role;
pub mod rejections;
pub mod reparse;
pub mod replays;
pub mod sessions;
pub mod stats;
mod values;
pub mod views;
pub mod wake;
mod writes;

pub use batch::Batch;
pub use commit::{Known, commit, day};
pub use connect::{
    Commits, check_server, connect, connect_feed, connect_follower, connect_owner, connect_writer,
    options, quiet,
};
pub use delivery::{Committed, Delivery};
pub use epoch::Epoch;
pub use error::Error;
/// A database session.
pub use sqlx::PgConnection as Connection;
/// Address of the database and session settings.
pub use sqlx::postgres::PgConnectOptions as ConnectOptions;

pub use labels::AccountLabels;
pub use migrate::{DAYS_AHEAD, make_partitions, migrate};
pub use read::{ReplayPage, ReplayRange, ReplayReader};
pub use reader_role::{Reading, RoleError, check_reader_name, make_reader};
pub use writes::Writes;
