//! What stores held deliveries: a writer of its own, for as long as that takes.

use super::commits;
use crate::{
    config,
    ingest::Writer,
    store::{ConnectOptions, Reader},
    worker::rescue::{self, Rescue, Rescued},
};

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
    let (writer, committer) = Writer::new(options);
    let committer = tokio::spawn(committer.with(commits(database)).run());
    let stored = rescue.store(&writer, &mut reader).await;
    // The last handle: its task ends when everybody has an answer.
    drop(writer);
    let _ = committer.await;
    stored
}
