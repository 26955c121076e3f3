//! Quarantine of rejected deliveries, and their recheck.

use super::database::commits;
use crate::{
    clock::Clock,
    config::{self, Config},
    ingest::{
        Writer,
        rescue::{self, AppSurvey, Rescue, Rescued},
    },
    quarantine::{self, Quarantine, QuarantineReader, Settings},
    store::{self, ConnectOptions, read::Reader},
};

/// Starts the quarantine for deliveries with an invalid signature.
pub(super) fn start_quarantine(config: &Config, clock: Clock) -> Quarantine {
    let (rejections, apps) = (&config.rejections, config.apps.len());
    let (hold, hold_for) = (rejections.hold, rejections.hold_for);
    Quarantine::start(Settings::new(&config.data_dir, hold, hold_for, apps), clock)
}

/// Reader of the quarantine of this configuration.
pub fn quarantine(config: &Config) -> QuarantineReader {
    QuarantineReader::new(&config.data_dir, config.rejections.hold_for)
}

/// Counts the passing deliveries of `rescue`. Also returns the error if the database at `options`
/// cannot be asked for deliveries that are already stored.
///
/// # Errors
/// If this user may not read the quarantined deliveries.
pub async fn survey<E: From<store::Error>>(
    rescue: &Rescue,
    options: Result<ConnectOptions, E>,
) -> Result<(Vec<AppSurvey>, Option<E>), quarantine::Error> {
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
/// If a file cannot be read or deleted, or the database fails. Deliveries stored until then stay
/// stored.
pub async fn store(
    rescue: &Rescue,
    options: ConnectOptions,
    database: &config::Database,
) -> Result<Vec<Rescued>, rescue::Error> {
    let mut reader = Reader::open(&options).await?;
    // Quarantined deliveries are already on disk, so no spool is needed.
    let (writer, committer) = Writer::new(options, None);
    let committer = tokio::spawn(committer.with_durability(commits(database)).run());
    let stored = rescue.store(&writer, &mut reader).await;
    // Drops the last handle, so that the committer ends after every caller is answered.
    drop(writer);
    let _ = committer.await;
    stored
}
