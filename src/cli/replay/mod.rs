//! `replay`: sends stored events again to a consumer or destination.

mod control;
mod list;
mod plan;
mod words;

use std::process::ExitCode;

use clap::{Args, Subcommand, builder::TypedValueParser};

use self::plan::Plan;
use super::{api::Request, filters};
use crate::config::Sources;

/// Hands out stored events again to a consumer, or sends them again to a destination.
///
/// Without --yes it shows the plan: the number of events with their kinds, days and accounts, the
/// expected duration, and the events that the target skips. With --yes it creates the replay, and
/// the server does it within seconds. Events keep their ids, new events go first, and an event may
/// arrive more than once. Events that come after the plan are not in the replay.
///
/// With --reparse, for use after an upgrade, events of kind `unknown` and events with a problem are
/// read again from the stored bodies. An event whose kind or problem is another today gets a new
/// position at the end of the log, so that consumers get it as a new event. Its dedupe key and its
/// times stay. It needs the database, and may be interrupted: the next run goes on.
///
/// Example: hookshelf replay --to bot --since 2h
/// Example: hookshelf replay --to chatwoot --dead --note "outage of Chatwoot" --yes
/// Example: hookshelf replay --to bot --kind comment,message --since yesterday --rate 20 --yes
/// Example: hookshelf replay --reparse
/// Example: hookshelf replay --reparse --kind unknown --since 30d --yes
#[derive(Args, Debug)]
#[command(
    verbatim_doc_comment,
    args_conflicts_with_subcommands = true,
    subcommand_negates_reqs = true
)]
pub(super) struct Replay {
    #[command(subcommand)]
    verb: Option<Verb>,
    #[command(flatten)]
    plan: Plan,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(list::List),
    Show(list::Show),
    Pause(control::Pause),
    Resume(control::Resume),
    Cancel(control::Cancel),
}

const LIST: &str = "/v1/replays";

/// Parser for the number of a replay.
fn number() -> impl TypedValueParser<Value = u32> {
    filters::whole(1..=i32::MAX.unsigned_abs())
}

/// Request for a replay.
fn one(id: u32) -> Request {
    Request::to(LIST).below(&id.to_string())
}

impl Replay {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        match self.verb {
            None => self.plan.run(sources).await?,
            Some(Verb::List(list)) => list.run(sources).await?,
            Some(Verb::Show(show)) => show.run(sources).await?,
            Some(Verb::Pause(pause)) => pause.run(sources).await?,
            Some(Verb::Resume(resume)) => resume.run(sources).await?,
            Some(Verb::Cancel(cancel)) => cancel.run(sources).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
