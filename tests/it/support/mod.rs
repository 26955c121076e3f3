//! Shared helpers: databases, directories, and waiting for a condition.

pub(crate) mod activation;
pub(crate) mod cluster;
pub(crate) mod csv;
pub(crate) mod desk;
pub(crate) mod directory;
pub(crate) mod event_schema;
pub(crate) mod event_stream;
pub(crate) mod ledger;
pub(crate) mod message;
pub(crate) mod moved_clock;
pub(crate) mod moved_names;
pub(crate) mod older;
pub(crate) mod page;
pub(crate) mod postgres;
pub(crate) mod proxy;
pub(crate) mod random;
pub(crate) mod receiver;
pub(crate) mod recorded;
pub(crate) mod samples;
pub(crate) mod senders;
pub(crate) mod server;
pub(crate) mod terminal;
pub(crate) mod wire;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// Polls until a condition is true. Panics after a minute, when further waiting would not help.
pub(crate) async fn eventually(what: &str, mut is_true: impl AsyncFnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_mins(1), async {
        while !is_true().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "not within a minute: {what}");
}

/// Compiles a library of this directory that a server loads before all others.
fn preload(directory: &Path, name: &str) -> PathBuf {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/support");
    let library = directory.join(name).with_extension("so");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-o"]).arg(&library);
    let output = compiler
        .arg(sources.join(name).with_extension("c"))
        .output();
    let output = output.unwrap();
    assert!(output.status.success(), "{output:?}");
    library
}
