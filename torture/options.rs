//! Command line options.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Causes faults on purpose while deliveries arrive, and checks that no acked delivery is lost.
///
/// Everything happens in a directory and on loopback addresses of its own; no other server or
/// database is touched. It needs root or user namespaces, Postgres, libfaketime and /dev/fuse.
#[derive(Clone, Debug, Parser)]
#[command(name = "hookshelf-torture")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Options {
    /// Seed of the plan. The same seed gives the same plan.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Start no further round after this number of minutes.
    #[arg(long, default_value_t = 10)]
    pub(crate) minutes: u64,
    /// Play this number of rounds instead, each with six steps.
    #[arg(long, conflicts_with_all = ["minutes", "short"])]
    pub(crate) rounds: Option<usize>,
    /// Short form: each fault once, in about a minute.
    #[arg(long, conflicts_with = "minutes")]
    pub(crate) short: bool,
    /// Deliveries a second.
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u32,
    /// Size of each small disk in MiB; the disks are in memory.
    #[arg(long, default_value_t = 4096)]
    pub(crate) disk: u64,
    /// Directory of the run. By default a temporary directory, which is removed after a good run.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Resume the interrupted run in --dir.
    #[arg(long, requires = "dir", conflicts_with_all = ["seed", "control"])]
    pub(crate) resume: bool,
    /// Break the promise on purpose, to check that the loss is detected. Exits with success if it
    /// is.
    #[arg(long, value_enum)]
    pub(crate) control: Option<Control>,
    /// The program to test. By default the program beside this one.
    #[arg(long)]
    pub(crate) hookshelf: Option<PathBuf>,
    /// Print the plan of the first rounds and do nothing.
    #[arg(long)]
    pub(crate) plan_only: bool,
    /// Remove --dir at the end; the outer process does that.
    #[arg(long, hide = true)]
    pub(crate) throw_away: bool,
    /// Run inside of the namespaces.
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
}

/// A way to break the promise on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Postgres acknowledges commits before it writes them (`synchronous_commit = off`), and is
    /// killed.
    LossyCommits,
    /// The disk of the spool reports success for every fsync and does nothing; then the power is
    /// cut.
    SpoolWithoutFsync,
}
