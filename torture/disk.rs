//! A small disk in memory that can be filled and freed.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};
use nix::sys::statvfs::statvfs;

/// A mounted tmpfs.
#[derive(Debug)]
pub(crate) struct Disk {
    path: PathBuf,
    mib: u64,
}

impl Disk {
    /// Mounts a tmpfs of `mib` MiB at `path`.
    pub(crate) fn mount(path: &Path, mib: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)?;
        let options = format!("size={mib}m,mode=0711");
        run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "torture"])
            .arg(path))
        .context("no small disk can be mounted: run it as root, or allow user namespaces")?;
        Ok(Self {
            path: path.to_owned(),
            mib,
        })
    }

    /// Mount point of the disk.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Shrinks the disk to the space in use. A large file would fill it too, but would take the
    /// same amount of memory.
    pub(crate) fn fill(&self) -> anyhow::Result<()> {
        // Shrinking fails while the content grows.
        let mut tries = 0..20;
        loop {
            match self.resize(&format!("{}", self.used()? + tries.start * 65536)) {
                Err(error) if tries.next().is_none() => return Err(error),
                Err(_) => {}
                Ok(()) => return Ok(()),
            }
        }
    }

    /// Bytes in use, at least a block: a tmpfs of size 0 is unlimited.
    fn used(&self) -> anyhow::Result<u64> {
        let now = statvfs(&self.path)?;
        let used = (now.blocks() - now.blocks_free()) * now.fragment_size();
        Ok(used.max(now.fragment_size()))
    }

    /// Restores the full size.
    pub(crate) fn free(&self) -> anyhow::Result<()> {
        self.resize(&format!("{}m", self.mib))
    }

    fn resize(&self, size: &str) -> anyhow::Result<()> {
        let options = format!("remount,size={size}");
        run(Command::new("mount").args(["-o", &options]).arg(&self.path))
            .with_context(|| format!("the size of {} cannot be changed", self.path.display()))
    }
}

/// Runs a system program and fails if it fails.
pub(crate) fn run(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let ended = command.output();
    let ended = ended.with_context(|| format!("{} does not start", program.display()))?;
    if !ended.status.success() {
        let said = String::from_utf8_lossy(&ended.stderr);
        bail!("{}: {}", program.display(), said.trim());
    }
    Ok(())
}
