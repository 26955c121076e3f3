//! `consumers dead discard`.

use clap::Args;

use super::{
    super::output::Output,
    Session,
    letters::{Which, letters},
};
use crate::config::Sources;

/// Discards dead letters: their events are not handed out again, and stay stored.
///
/// Example: hookshelf consumers dead discard bot 42 --yes
#[derive(Args, Debug)]
#[command(verbatim_doc_comment)]
pub(super) struct Discard {
    #[command(flatten)]
    which: Which,
    /// Do it.
    #[arg(long)]
    yes: bool,
}

impl Discard {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
        let mut session = Session::open(sources).await?;
        let found = self.which.letters(&mut session).await?;
        if !self.yes {
            return Output::say(&format!(
                "{} would be discarded; nothing was changed; to discard: add --yes",
                letters(found)
            ));
        }
        let marked = self.which.mark(&mut session, false).await?;
        Output::say(&format!("{} discarded", letters(marked)))
    }
}
