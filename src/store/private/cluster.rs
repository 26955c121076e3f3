//! Creates the data directory atomically: a kill at any moment leaves a complete directory or none.
//!
//! initdb works in a directory of another name, which is finally renamed to `data`.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use super::account::Account;
use super::binaries::Binaries;
use super::error::{At, Error};
use super::layout::Layout;
use super::server::USER;
use crate::telemetry::LogEvent;
use crate::telemetry::postgres::{DatabaseMade, LeftoverKept};

/// Name prefix of directories in which initdb works. Each attempt uses a new directory: an initdb
/// that outlived its parent must not write into the directory of the next attempt.
const UNFINISHED: &str = "data.init-";

/// Major version of the existing data.
pub(super) fn major(data: &Path) -> Result<Option<u32>, Error> {
    let path = data.join("PG_VERSION");
    match fs::read_to_string(&path) {
        Ok(text) => match text.trim().parse() {
            Ok(major) => Ok(Some(major)),
            Err(_) => Err(Error::NotOurs {
                data: data.to_owned(),
            }),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).at("read", &path),
    }
}

/// Creates the data directory if it does not exist, and deletes leftovers of killed attempts.
pub(super) async fn ensure(
    layout: &Layout,
    binaries: &Binaries,
    account: &Account,
    durable: bool,
) -> Result<(), Error> {
    wipe_unfinished(&layout.root);
    if major(&layout.data)?.is_some() {
        return account.claim_data(&layout.data);
    }
    remove_if_empty(&layout.data)?;
    let (data, user) = (&layout.data, &account.name);
    DatabaseMade { data, user }.emit();
    let unfinished = unfinished_dir(&layout.root)?;
    account.make_private_dir(&unfinished)?;
    let made = initdb(&unfinished, binaries, account, durable).await;
    if made.is_err() {
        wipe_unfinished(&layout.root);
    }
    made?;
    fs::rename(&unfinished, &layout.data).at("finish", &layout.data)?;
    File::open(&layout.root)
        .and_then(|dir| dir.sync_all())
        .at("sync", &layout.root)
}

async fn initdb(
    dir: &Path,
    binaries: &Binaries,
    account: &Account,
    durable: bool,
) -> Result<(), Error> {
    let program = binaries.program("initdb");
    let mut command = account.command(&program);
    // `trust` is safe: only users who may enter the directory of the socket can connect, and no TCP
    // port is opened.
    command.args([
        "--auth-local=trust",
        "--auth-host=reject",
        "--username",
        USER,
    ]);
    command.args([
        "--encoding=UTF8",
        "--locale=C",
        "--data-checksums",
        "--no-instructions",
    ]);
    if !durable {
        command.arg("--no-sync");
    }
    command.arg("--pgdata").arg(dir);
    // The output goes through a pipe: if this process is killed, initdb dies of the broken pipe at
    // its next line.
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = command
        .output()
        .await
        .map_err(|source| Error::Run { program, source })?;
    if output.status.success() {
        Ok(())
    } else {
        Err(Error::Initdb {
            output: last_lines(&output),
        })
    }
}

fn last_lines(output: &Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = errors
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[lines.len().saturating_sub(5)..].join("; ")
}

fn unfinished_dir(root: &Path) -> Result<PathBuf, Error> {
    let mut random = [0_u8; 4];
    getrandom::fill(&mut random)
        .map_err(io::Error::from)
        .at("name a directory in", root)?;
    Ok(root.join(format!("{UNFINISHED}{}", hex::encode(random))))
}

fn remove_if_empty(data: &Path) -> Result<(), Error> {
    match fs::remove_dir(data) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Err(Error::NotOurs {
            data: data.to_owned(),
        }),
        Err(error) => Err(error).at("replace", data),
    }
}

/// Deletes unfinished directories. Ignores errors: a leftover costs only disk space.
fn wipe_unfinished(root: &Path) {
    let entries = fs::read_dir(root).into_iter().flatten().flatten();
    for entry in entries.filter(|it| it.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        if let Err(error) = fs::remove_dir_all(entry.path()) {
            let (path, cause) = (&entry.path(), &error);
            LeftoverKept { path, cause }.emit();
        }
    }
}
