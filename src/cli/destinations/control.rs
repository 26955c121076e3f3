//! `destinations pause` and `destinations resume`.

use clap::Args;

use super::{
    super::{consumers::control, output::Output},
    find,
};
use crate::config::{self, Sources};

/// Pauses a destination: its events stay in the log until it is resumed.
///
/// The server learns of it within about three seconds. Requests that are out are finished.
///
/// Example: hookshelf destinations pause chatwoot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Pause {
    /// Name of the destination.
    name: String,
}

/// Resumes a paused destination, such as one that answered 410.
///
/// The server learns of it within about three seconds.
///
/// Example: hookshelf destinations resume chatwoot
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Resume {
    /// Name of the destination.
    name: String,
}

impl Pause {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        find(&config::load(sources)?, &self.name)?;
        Output::say(&control::pause(&self.name, sources).await?)
    }
}

impl Resume {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        find(&config::load(sources)?, &self.name)?;
        Output::say(&control::resume(&self.name, sources).await?)
    }
}
