//! Lists of conversations and of media with comments, for `hookshelf conversations list` and
//! `hookshelf comments list`.
//!
//! The follower [`NAME`] keeps `conversations` and `media_threads`. Each row is a function of the
//! stored events up to the follower's position, independent of their order and of the batches. Most
//! rows follow from the row before and the batch. If an event is late, `messages` or `comments`
//! reads the events of this conversation or thread again. `recount` counts rows again after a
//! purge.

mod comments;
mod messages;
pub(super) mod recount;

use jiff::{SignedDuration, Timestamp};
use sqlx::PgConnection;

use super::{
    Error,
    follow::{Batch, Consumer, Follower, Start},
};

pub(super) use self::comments::comments_of_media;

/// Name of the follower.
pub const NAME: &str = "conversations";

/// Maximum number of rows per transaction. A large batch changes the row of a busy conversation once.
const BATCH: u32 = 20_000;

/// An item is believed to have occurred at most a day after its arrival.
pub(super) const BELIEVED: SignedDuration = SignedDuration::from_hours(24);

/// Time of an event `e`: its occurrence, else its arrival.
const AT: &str = "coalesce(e.occurred_at, e.received_at)";

/// Creates the follower of all stored events.
pub fn follower() -> Follower {
    Follower::new(NAME, Start::Beginning, BATCH)
}

/// Consumer that adds a batch to `conversations` and `media_threads`. No row is sent to the client,
/// except the ids of late events.
#[derive(Clone, Copy, Debug)]
pub struct Conversations;

impl Consumer for Conversations {
    async fn consume(&mut self, conn: &mut PgConnection, batch: &Batch) -> Result<(), Error> {
        messages::add(conn, batch).await?;
        comments::add(conn, batch).await
    }
}

/// Start of the days that have all events since `at`.
fn received_since(at: Timestamp) -> Timestamp {
    at.checked_sub(BELIEVED).unwrap_or(Timestamp::UNIX_EPOCH)
}
