//! `destinations`: state of destinations, their attempts, and changes by an operator.

mod attempts;
mod rotate;
mod simulated;
mod state;
mod test;

use std::process::ExitCode;

use anyhow::anyhow;
use clap::{Args, Subcommand};

use super::consumers::Control;
use crate::config::{self, Config, Destination, Name, Sources, nearest};

/// Shows destinations and their attempts, tests them, and pauses them.
#[derive(Args, Debug)]
pub(super) struct Destinations {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(state::List),
    Show(state::Show),
    Test(test::Test),
    /// Pauses a destination: its events stay in the log until it is resumed.
    ///
    /// The server learns of it within about three seconds. Requests that are out are finished.
    ///
    /// Example: hookshelf destinations pause chatwoot
    #[command(verbatim_doc_comment)]
    Pause(Control),
    /// Resumes a paused destination, such as one that answered 410.
    ///
    /// The server learns of it within about three seconds.
    ///
    /// Example: hookshelf destinations resume chatwoot
    #[command(verbatim_doc_comment)]
    Resume(Control),
    Attempts(attempts::Attempts),
    Rotate(rotate::Rotate),
}

impl Destinations {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            Verb::List(list) => list.run(sources).await?,
            Verb::Show(show) => show.run(sources).await?,
            Verb::Test(test) => return test.run(sources).await,
            Verb::Pause(it) => known(it, sources)?.pause(sources).await?,
            Verb::Resume(it) => known(it, sources)?.resume(sources).await?,
            Verb::Attempts(attempts) => attempts.run(sources).await?,
            Verb::Rotate(rotate) => rotate.run(sources)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Refuses the name of a consumer.
fn known(control: Control, sources: &Sources) -> anyhow::Result<Control> {
    find(&config::load(sources)?, &control.name)?;
    Ok(control)
}

/// The configured destination `name`.
///
/// # Errors
/// If there is none; names the nearest known one.
fn find<'c>(config: &'c Config, name: &str) -> anyhow::Result<(&'c Name, &'c Destination)> {
    if let Some(found) = config.destinations.get_key_value(name) {
        return Ok(found);
    }
    let near = nearest(name, config.destinations.keys().map(Name::as_str));
    let near = near.map(|near| format!("; did you mean {near}?"));
    Err(anyhow!(
        "no destination is called {name}{}",
        near.unwrap_or_default()
    ))
}
