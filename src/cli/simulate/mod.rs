//! `simulate`: sends a server signed deliveries: one of every kind and variant, or a stream.

mod load;
mod numbers;
mod stream;
mod summary;
mod target;
mod variants;
mod words;

use std::process::ExitCode;

use clap::{ArgGroup, Args};

use self::{stream::Stream, target::TargetArgs, words::Words};
use super::filters::{self, wrong_usage};
use crate::{clock::Clock, config::Sources, meta::event::Kind};

/// Sends signed deliveries to the running server and says how they were answered.
///
/// Alone it sends one delivery of every kind and variant. With --count or --duration it sends a
/// stream of them: conversations, comment threads and stories with ids of their own. The
/// deliveries carry a mark that only the app's secret can make, so that the server knows them as
/// simulated.
///
/// Example: hookshelf simulate
/// Example: hookshelf simulate --kind comment --text "How much is it?" --username anna
/// Example: hookshelf simulate --count 200 --retry
/// Example: hookshelf simulate --duration 2s --rate 100
#[derive(Args, Debug)]
#[command(group = ArgGroup::new("length").args(["count", "duration"]).multiple(true))]
pub(super) struct Simulate {
    /// Only events of this kind; may be given several times, or with commas between.
    #[arg(long, value_name = "KIND", value_delimiter = ',', value_parser = filters::kind())]
    kind: Vec<Kind>,
    /// Chooses what is told and makes the ids, together with the time. Default: random.
    #[arg(long, value_parser = filters::whole(0..=u64::MAX))]
    seed: Option<u64>,
    /// JSON: an object for each variant, or one for the whole stream.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    words: Words,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    stream: Stream,
}

impl Simulate {
    pub(super) async fn run(self, sources: &Sources) -> anyhow::Result<ExitCode> {
        if self.stream.duplicates + self.stream.bad_signatures > 100.0 {
            let text = "--duplicates and --bad-signatures are more than 100 percent together";
            return Err(wrong_usage(text));
        }
        let seed = self.seed.map_or_else(getrandom::u64, Ok)?;
        let now = Clock::system().now();
        let in_words = self.words.variant(&self.kind, seed, now)?;
        let found = self.target.find(sources).await?;
        if self.stream.is_asked_for() {
            return load::run(&self.stream, self.kind, self.json, found, seed).await;
        }
        let mut variants =
            in_words.map_or_else(|| crate::simulate::variants(seed, now), |it| vec![it]);
        variants.retain(|it| self.kind.is_empty() || it.has_one_of(&self.kind));
        variants::run(variants, self.json, &found).await
    }
}
