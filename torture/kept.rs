//! Copies of the disks between two runs. The disks are in memory and end with the run.

use std::{
    io::ErrorKind,
    path::{Path, PathBuf},
    process::Command,
};

use crate::disk::{Disk, run};

/// Saves the content of the disks, completely or not at all.
pub(crate) fn put_away(dir: &Path, disks: [&Disk; 2]) -> anyhow::Result<()> {
    let next = next(dir);
    remove(&next)?;
    for disk in disks {
        copy(disk.path(), &place(&next, disk))?;
    }
    remove(&kept(dir))?;
    Ok(std::fs::rename(next, kept(dir))?)
}

/// Restores the content of the disks; true if there was a copy.
pub(crate) fn bring_back(dir: &Path, disks: [&Disk; 2]) -> anyhow::Result<bool> {
    let kept = kept(dir);
    if !kept.exists() {
        return Ok(false);
    }
    for disk in disks {
        copy(&place(&kept, disk), disk.path())?;
    }
    // Renamed first, so that a partial copy is never taken for a complete one.
    let gone = next(dir);
    remove(&gone)?;
    std::fs::rename(kept, &gone)?;
    remove(&gone)?;
    Ok(true)
}

fn kept(dir: &Path) -> PathBuf {
    dir.join("kept")
}

/// Directory of an incomplete copy.
fn next(dir: &Path) -> PathBuf {
    dir.join("kept.next")
}

/// Directory with the copy of a disk.
fn place(kept: &Path, disk: &Disk) -> PathBuf {
    kept.join(disk.path().file_name().unwrap_or_default())
}

fn remove(dir: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

/// Copies a directory with owners and permissions.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut copy = Command::new("cp");
    run(copy.arg("-a").arg(from.join(".")).arg(to))
}
