//! `consumers pause` and `consumers resume`.

use clap::Args;

use super::{super::output::Output, Session};
use crate::{config::Sources, store::consumers};

/// Consumer or destination to pause or resume.
#[derive(Args, Debug)]
pub(in crate::cli) struct Control {
    /// Name of the consumer or destination.
    pub(in crate::cli) name: String,
}

impl Control {
    /// Pauses it.
    pub(in crate::cli) async fn pause(self, sources: &Sources) -> anyhow::Result<()> {
        let name = &*self.name;
        let mut session = Session::open(sources).await?;
        let status = session.status(name).await?;
        if let Some(reason) = status.progress.paused {
            return Output::say(&format!(
                "{name} is paused already, with the reason {reason}"
            ));
        }
        session.record("consumer_pause", name, None).await?;
        consumers::pause(&mut session.conn, name, "operator").await?;
        Output::say(&format!(
            "{name} is paused; the server hands out no further events within about three seconds"
        ))
    }

    /// Resumes it.
    pub(in crate::cli) async fn resume(self, sources: &Sources) -> anyhow::Result<()> {
        let name = &*self.name;
        let mut session = Session::open(sources).await?;
        let status = session.status(name).await?;
        let Some(reason) = status.progress.paused else {
            return Output::say(&format!("{name} is not paused"));
        };
        session.record("consumer_resume", name, None).await?;
        consumers::resume(&mut session.conn, name).await?;
        Output::say(&format!(
            "{name} is resumed (it was paused with the reason {reason}); the server hands out \
             events again within about three seconds"
        ))
    }
}
