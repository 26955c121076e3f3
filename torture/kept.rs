//! What is kept of the disks between two runs: they are in memory and end with the run.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use crate::disk::{Disk, run};

/// Keeps what is on the disks: all of it, or nothing.
pub(crate) fn put_away(dir: &Path, disks: [&Disk; 2]) -> anyhow::Result<()> {
    let next = next(dir);
    remove(&next)?;
    for disk in disks {
        copy(disk.path(), &place(&next, disk))?;
    }
    remove(&kept(dir))?;
    Ok(std::fs::rename(next, kept(dir))?)
}

/// Brings back what was kept of the disks; whether there was anything.
pub(crate) fn bring_back(dir: &Path, disks: [&Disk; 2]) -> anyhow::Result<bool> {
    let kept = kept(dir);
    if !kept.exists() {
        return Ok(false);
    }
    for disk in disks {
        copy(&place(&kept, disk), disk.path())?;
    }
    // At once: half of it is never taken for all.
    let gone = next(dir);
    remove(&gone)?;
    std::fs::rename(kept, &gone)?;
    remove(&gone)?;
    Ok(true)
}

fn kept(dir: &Path) -> PathBuf {
    dir.join("kept")
}

/// What is not complete, or not any more.
fn next(dir: &Path) -> PathBuf {
    dir.join("kept.next")
}

/// Where the content of a disk is kept.
fn place(kept: &Path, disk: &Disk) -> PathBuf {
    kept.join(disk.path().file_name().unwrap_or_default())
}

fn remove(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// With owners and rights.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut copy = Command::new("cp");
    run(copy.arg("-a").arg(from.join(".")).arg(to))
}
