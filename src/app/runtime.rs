//! The threads that connections are served on.

use std::{io, num::NonZero, thread};

use tokio::runtime::{Builder, Runtime};

/// A runtime on half of the machine's cores. The other half is for Postgres, which mostly runs
/// beside: more threads here would take turns with it, and pay for each turn.
///
/// # Errors
/// The system has no threads for it.
pub fn runtime() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(2))
        .enable_all()
        .build()
}
