//! The arguments of a stream of deliveries.

use std::{num::NonZeroUsize, path::PathBuf, time::Duration};

use clap::{Args, builder::TypedValueParser};

use super::{super::filters, numbers};

/// Content of a stream, and the way it is sent.
#[derive(Args, Debug)]
#[command(next_help_heading = "A stream of deliveries")]
pub(super) struct Stream {
    /// Send so many deliveries.
    #[arg(long, value_name = "N", value_parser = filters::whole(1..=u64::MAX))]
    pub(super) count: Option<u64>,
    /// Send for so long, such as 30s or 5min; with --count, whichever ends first.
    #[arg(long, value_name = "TIME", value_parser = numbers::duration)]
    pub(super) duration: Option<Duration>,
    /// Deliveries a second, whether or not the server keeps up; latencies count from when each was
    /// due. Without it each connection sends as fast as answers come.
    #[arg(long, value_name = "N", value_parser = numbers::rate, requires = "length")]
    pub(super) rate: Option<f64>,
    /// Connections, 1 to 4096; so many deliveries can be on their way at a time.
    #[arg(long, value_name = "N", default_value = "16", value_parser = up_to(4096), requires = "length")]
    pub(super) connections: NonZeroUsize,
    /// Items in one delivery, 1 to 1000; Meta sends 1000 at most.
    #[arg(long, value_name = "N", default_value = "1", value_parser = up_to(1000), requires = "length")]
    pub(super) batch: NonZeroUsize,
    /// Accounts that the deliveries are about.
    #[arg(long, value_name = "N", default_value = "3", value_parser = up_to(1_000_000), requires = "length")]
    pub(super) accounts: NonZeroUsize,
    /// People who write to each account.
    #[arg(long, value_name = "N", default_value = "20", value_parser = up_to(1_000_000), requires = "length")]
    pub(super) people: NonZeroUsize,
    /// The share of deliveries, in percent, that were acked before and come again.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = numbers::percent, requires = "length")]
    pub(super) duplicates: f64,
    /// The share of deliveries, in percent, that are signed with a wrong secret. Each has to be
    /// refused with 401.
    #[arg(long, value_name = "PERCENT", default_value = "0", value_parser = numbers::percent, requires = "length")]
    pub(super) bad_signatures: f64,
    /// Send a delivery again until it gets 200, as Meta does: at once, then with growing pauses.
    #[arg(long, requires = "length")]
    pub(super) retry: bool,
    /// With --retry: how long after it was due a delivery is given up.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = numbers::duration, requires = "retry")]
    pub(super) give_up: Duration,
    /// Write a line of JSON for each acked delivery, with the dedupe keys of its events. An
    /// existing file is replaced.
    #[arg(long, value_name = "FILE", requires = "length")]
    pub(super) ledger: Option<PathBuf>,
    /// Write a line of JSON for each delivery with a wrong signature, with the dedupe keys of its
    /// events: none of them may be stored. An existing file is replaced.
    #[arg(long, value_name = "FILE", requires = "length")]
    pub(super) forged: Option<PathBuf>,
}

impl Stream {
    /// True if the length of a stream is given.
    pub(super) fn is_asked_for(&self) -> bool {
        self.count.is_some() || self.duration.is_some()
    }
}

fn up_to(most: usize) -> impl TypedValueParser<Value = NonZeroUsize> {
    filters::whole(1..=most).try_map(NonZeroUsize::try_from)
}
