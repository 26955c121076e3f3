//! What holds refused deliveries, and what stores them when a secret opens them after all.

use super::database::commits;
use crate::{
    clock::Clock,
    config::{self, Config},
    held::{Hold, Settings},
    ingest::Writer,
    store::{ConnectOptions, Reader},
    worker::rescue::{self, Rescue, Rescued},
};

/// Holds what the door refuses for its signature.
pub(super) fn hold(config: &Config, clock: Clock) -> Hold {
    let (rejections, apps) = (&config.rejections, config.apps.len());
    let (hold, hold_for) = (rejections.hold, rejections.hold_for);
    Hold::start(Settings::new(&config.data_dir, hold, hold_for, apps), clock)
}

/// Stores what passes of `rescue` in the database at `options`, beside a server or without one.
///
/// # Errors
/// Says what is in the way; what was stored until then stays so.
pub async fn store(
    rescue: &Rescue,
    options: ConnectOptions,
    database: &config::Database,
) -> Result<Vec<Rescued>, rescue::Error> {
    let mut reader = Reader::open(&options).await?;
    // What is held is on disk already: there is nothing to spool.
    let (writer, committer) = Writer::new(options, None);
    let committer = tokio::spawn(committer.with(commits(database)).run());
    let stored = rescue.store(&writer, &mut reader).await;
    // The last handle: its task ends when everybody has an answer.
    drop(writer);
    let _ = committer.await;
    stored
}
