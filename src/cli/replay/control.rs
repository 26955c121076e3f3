//! `replay pause`, `replay resume` and `replay cancel`.

use anyhow::Context;
use bytes::Bytes;
use clap::Args;
use hyper::Method;

use super::{
    super::{
        api::{Fields, Origin},
        output::Output,
    },
    number, one,
};
use crate::{amounts::count, config::Sources};

/// Declares a verb that changes the state of a replay.
macro_rules! verbs {
    ($($(#[doc = $doc:literal])+ $name:ident $verb:literal;)+) => {$(
        $(#[doc = $doc])+
        #[derive(Args, Debug)]
        #[command(verbatim_doc_comment)]
        pub(super) struct $name {
            /// Number of the replay.
            #[arg(value_parser = number())]
            id: u32,
            #[command(flatten)]
            origin: Origin,
        }

        impl $name {
            pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<()> {
                change(&self.origin, self.id, $verb, sources).await
            }
        }
    )+};
}

verbs! {
    /// Pauses a replay. Events that are out are settled; new events of the target go on.
    ///
    /// Example: hookshelf replay pause 1
    Pause "pause";

    /// Resumes a paused replay where it was.
    ///
    /// Example: hookshelf replay resume 1
    Resume "resume";

    /// Ends a replay. Its other events are not handed out again.
    ///
    /// Example: hookshelf replay cancel 2
    Cancel "cancel";
}

async fn change(
    origin: &Origin,
    id: u32,
    verb: &'static str,
    sources: &Sources,
) -> anyhow::Result<()> {
    let api = origin.open(sources).await?;
    let changed = api
        .exchange(Method::POST, &one(id).below(verb), Bytes::new())
        .await?;
    let replay = changed.with_context(|| unknown(id))?.whole().value();
    let left = replay["left"].as_u64();
    let left = left.map(|left| count(left, "event", "events"));
    let left = left.map_or_else(String::new, |left| format!(", with {left} left"));
    let state = replay.text("state");
    Output::say(&format!("replay {id} is {state}{left}"))
}

/// Message for a number that no replay has.
pub(super) fn unknown(id: u32) -> String {
    format!("there is no replay {id}; `hookshelf replay list` shows those that are there")
}
