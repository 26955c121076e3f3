//! `consumers pause` and `consumers resume`.

use clap::Args;

use super::{super::output::Output, Session};
use crate::{config::Sources, store::consumers};

/// Pauses a consumer: its events stay in the log until it is resumed.
///
/// The server learns of it within about three seconds. Events that workers hold can still be
/// settled.
///
/// Example: hookshelf consumers pause bot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Pause {
    /// Name of the consumer.
    name: String,
}

/// Resumes a paused consumer.
///
/// The server learns of it within about three seconds.
///
/// Example: hookshelf consumers resume bot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Resume {
    /// Name of the consumer.
    name: String,
}

impl Pause {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        Output::say(&pause(&self.name, sources).await?)
    }
}

impl Resume {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        Output::say(&resume(&self.name, sources).await?)
    }
}

/// Pauses a consumer or destination, and returns the message for the operator.
pub(in crate::cli) async fn pause(name: &str, sources: &Sources) -> anyhow::Result<String> {
    let mut session = Session::open(sources).await?;
    let status = session.status(name).await?;
    if let Some(reason) = status.progress.paused {
        return Ok(format!(
            "{name} is paused already, with the reason {reason}"
        ));
    }
    session.record("consumer_pause", name, None).await?;
    consumers::pause(&mut session.conn, name, "operator").await?;
    Ok(format!(
        "{name} is paused; the server hands out no further events within about three seconds"
    ))
}

/// Resumes a consumer or destination, and returns the message for the operator.
pub(in crate::cli) async fn resume(name: &str, sources: &Sources) -> anyhow::Result<String> {
    let mut session = Session::open(sources).await?;
    let status = session.status(name).await?;
    let Some(reason) = status.progress.paused else {
        return Ok(format!("{name} is not paused"));
    };
    session.record("consumer_resume", name, None).await?;
    consumers::resume(&mut session.conn, name).await?;
    Ok(format!(
        "{name} is resumed (it was paused with the reason {reason}); the server hands out events \
         again within about three seconds"
    ))
}
