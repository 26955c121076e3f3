//! `simulate`: sends a server signed deliveries: one of every kind and variant, or a stream.

mod load;
mod numbers;
mod summary;
mod target;
mod variants;
mod words;

use std::{num::NonZeroUsize, path::PathBuf, process::ExitCode, time::Duration};

use clap::{ArgGroup, Args, builder::TypedValueParser, error::ErrorKind};

use self::{target::Place, words::Words};
use super::filters;
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
    place: Place,
    #[command(flatten)]
    stream: Stream,
}

/// What a stream is made of, and how it is sent.
#[derive(Args, Debug)]
#[command(next_help_heading = "A stream of deliveries")]
struct Stream {
    /// Send so many deliveries.
    #[arg(long, value_name = "N", value_parser = filters::whole(1..=u64::MAX))]
    count: Option<u64>,
    /// Send for so long, such as 30s or 5min; with --count, whichever ends first.
    #[arg(long, value_name = "TIME", value_parser = numbers::duration)]
    duration: Option<Duration>,
    /// Deliveries a second, whether or not the server keeps up; latencies count from when each was
    /// due. Without it each connection sends as fast as answers come.
    #[arg(long, value_name = "N", value_parser = numbers::rate, requires = "length")]
    rate: Option<f64>,
    /// Connections, 1 to 4096; so many deliveries can be on their way at a time.
    #[arg(long, value_name = "N", default_value = "16", value_parser = up_to(4096), requires = "length")]
    connections: NonZeroUsize,
    /// Items in one delivery, 1 to 1000; Meta sends 1000 at most.
    #[arg(long, value_name = "N", default_value = "1", value_parser = up_to(1000), requires = "length")]
    batch: NonZeroUsize,
    /// Accounts that the deliveries are about.
    #[arg(long, value_name = "N", default_value = "3", value_parser = up_to(1_000_000), requires = "length")]
    accounts: NonZeroUsize,
    /// People who write to each account.
    #[arg(long, value_name = "N", default_value = "20", value_parser = up_to(1_000_000), requires = "length")]
    people: NonZeroUsize,
    /// The share of deliveries, in percent, that were acked before and come again.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = numbers::percent, requires = "length")]
    duplicates: f64,
    /// The share of deliveries, in percent, that are signed with a wrong secret. Each has to be
    /// refused with 401.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = numbers::percent, requires = "length")]
    bad_signatures: f64,
    /// Send again what was not answered with 200, as Meta does: at once, then with growing pauses.
    #[arg(long, requires = "length")]
    retry: bool,
    /// With --retry: how long after it was due a delivery is given up.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = numbers::duration, requires = "retry")]
    give_up: Duration,
    /// Write a line of JSON for each acked delivery, with the dedupe keys of its events. An
    /// existing file is replaced.
    #[arg(long, value_name = "FILE", requires = "length")]
    ledger: Option<PathBuf>,
    /// Write a line of JSON for each delivery with a wrong signature, with the dedupe keys of its
    /// events: none of them may be stored. An existing file is replaced.
    #[arg(long, value_name = "FILE", requires = "length")]
    forged: Option<PathBuf>,
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
        let found = self.place.find(sources).await?;
        if self.stream.is_asked_for() {
            return load::run(&self, found, seed).await;
        }
        let mut variants =
            in_words.map_or_else(|| crate::simulate::variants(seed, now), |it| vec![it]);
        variants.retain(|it| self.kind.is_empty() || it.has_one_of(&self.kind));
        variants::run(variants, self.json, &found).await
    }
}

impl Stream {
    fn is_asked_for(&self) -> bool {
        self.count.is_some() || self.duration.is_some()
    }
}

/// Arguments that cannot be obeyed, said like those that cannot be read.
fn wrong_usage(message: impl std::fmt::Display) -> anyhow::Error {
    clap::Error::raw(ErrorKind::ValueValidation, format!("{message}\n")).into()
}

/// A number from 1.
fn up_to(most: usize) -> impl TypedValueParser<Value = NonZeroUsize> {
    filters::whole(1..=most).try_map(NonZeroUsize::try_from)
}
