//! The runtime of the server.

use std::{io, num::NonZero, thread};

use tokio::runtime::{Builder, Runtime};

/// A runtime on half of the machine's cores. The other half is for Postgres, which usually runs on
/// the same machine: more threads here would compete with it and pay for context switches.
///
/// # Errors
/// If the operating system cannot start the threads.
pub fn runtime() -> io::Result<Runtime> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    Builder::new_multi_thread()
        .worker_threads(cores.div_ceil(2))
        .enable_all()
        .build()
}
