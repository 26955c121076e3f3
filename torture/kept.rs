//! What is kept of the disks between two runs: they are in memory and end with the run.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::disk::{Disk, run};

/// Keeps what is on a disk.
pub(crate) fn put_away(dir: &Path, disk: &Disk) -> anyhow::Result<()> {
    let kept = place(dir, disk);
    let _ = std::fs::remove_dir_all(&kept);
    copy(disk.path(), &kept)
}

/// Where the content of a disk is kept between two runs.
fn place(dir: &Path, disk: &Disk) -> PathBuf {
    let name = disk.path().file_name().unwrap_or_default();
    dir.join("kept").join(name)
}

/// Brings back what was kept of a disk; whether there was anything.
pub(crate) fn bring_back(dir: &Path, disk: &Disk) -> anyhow::Result<bool> {
    let kept = place(dir, disk);
    if !kept.exists() {
        return Ok(false);
    }
    copy(&kept, disk.path())?;
    std::fs::remove_dir_all(kept)?;
    Ok(true)
}

/// With owners and rights.
fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(to)?;
    let mut copy = Command::new("cp");
    run(copy.arg("-a").arg(from.join(".")).arg(to))
}
