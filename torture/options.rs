//! What can be asked for on the command line.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

/// Makes faults on purpose while deliveries arrive, and looks whether anything that was acked is
/// missing.
///
/// Everything happens in a directory and on loopback addresses of its own; no other server or
/// database is touched. It needs root or user namespaces, Postgres, libfaketime and /dev/fuse.
#[derive(Clone, Debug, Parser)]
#[command(name = "hookshelf-torture")]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
pub(crate) struct Options {
    /// Decides which faults come when. The same seed gives the same plan.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// Begin no further round after so many minutes.
    #[arg(long, default_value_t = 10)]
    pub(crate) minutes: u64,
    /// Play so many rounds instead, each with six steps.
    #[arg(long, conflicts_with_all = ["minutes", "short"])]
    pub(crate) rounds: Option<usize>,
    /// The short form: each fault once, in about a minute.
    #[arg(long, conflicts_with = "minutes")]
    pub(crate) short: bool,
    /// Deliveries a second.
    #[arg(long, default_value_t = 200)]
    pub(crate) rate: u32,
    /// MiB of each small disk; they are in memory.
    #[arg(long, default_value_t = 4096)]
    pub(crate) disk: u64,
    /// Where everything is kept. Without it, in a directory that goes away after a good run.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    /// Go on with the run in --dir where it was stopped.
    #[arg(long, requires = "dir", conflicts_with_all = ["seed", "control"])]
    pub(crate) resume: bool,
    /// Break the promise on purpose, to see that the loss is found. Ends well when it is.
    #[arg(long, value_enum)]
    pub(crate) control: Option<Control>,
    /// The program to torment; the one beside this one unless told otherwise.
    #[arg(long)]
    pub(crate) hookshelf: Option<PathBuf>,
    /// Print the plan of the first rounds and do nothing.
    #[arg(long)]
    pub(crate) plan_only: bool,
    /// Remove --dir at the end; who started it does that.
    #[arg(long, hide = true)]
    pub(crate) throw_away: bool,
    /// Already in namespaces of its own.
    #[arg(long, hide = true)]
    pub(crate) inside: bool,
}

/// What is broken on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Control {
    /// Postgres acknowledges commits that it has not written (`synchronous_commit = off`), and is
    /// killed.
    LossyCommits,
    /// The disk of the spool takes every fsync for done and does nothing; then the power is cut.
    SpoolWithoutFsync,
}
