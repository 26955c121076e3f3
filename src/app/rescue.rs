//! What holds refused deliveries, and what stores them when a secret opens them after all.

use jiff::SignedDuration;

use super::database::commits;
use crate::{
    clock::Clock,
    config::{self, Config},
    held::{self, Hold, Settings},
    ingest::Writer,
    store::{self, ConnectOptions, read::Reader},
    worker::rescue::{self, Held, Rescue, Rescued},
};

/// Holds what the door refuses for its signature.
pub(super) fn hold(config: &Config, clock: Clock) -> Hold {
    let rejections = &config.rejections;
    let hold_for = rejections.hold_for.try_into();
    let hold_for = hold_for.unwrap_or(SignedDuration::MAX);
    let settings = Settings::new(
        &config.data_dir,
        rejections.hold,
        hold_for,
        config.apps.len(),
    );
    Hold::start(settings, clock)
}

/// What of `rescue` passes; and the reason if the database at `options` could not be asked what of it
/// is stored.
///
/// # Errors
/// This user may not look.
pub async fn survey<E: From<store::Error>>(
    rescue: &Rescue,
    options: Result<ConnectOptions, E>,
) -> Result<(Vec<Held>, Option<E>), held::Error> {
    let mut reader = match options {
        Ok(options) => Reader::open(&options).await.map_err(E::from),
        Err(error) => Err(error),
    };
    let apps = rescue.survey(reader.as_mut().ok()).await?;
    Ok((apps, reader.err()))
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
