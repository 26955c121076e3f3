//! A disk whose power can be cut: unsynced data is lost, partly or completely. For tests, the disk
//! can also have unreadable pages, or ignore syncs.
//!
//! It is a file system of one directory, held in memory and served through FUSE (`kernel`). Durable
//! data is kept apart from written data (`tree`).

mod kernel;
#[cfg(test)]
mod tests;
mod tree;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use fuser::{BackgroundSession, Config, MountOption};

pub(crate) use tree::Lost;
use tree::Tree;

use crate::random::Random;

/// A mounted disk.
pub(crate) struct PowerDisk {
    path: PathBuf,
    tree: Arc<Mutex<Tree>>,
    mounted: Option<BackgroundSession>,
}

impl PowerDisk {
    /// Mounts an empty disk at `path`.
    pub(crate) fn mount(path: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(path)?;
        let mut disk = Self {
            path: path.to_owned(),
            tree: Arc::new(Mutex::new(Tree::default())),
            mounted: None,
        };
        disk.mount_again()?;
        Ok(disk)
    }

    /// Mount point of the disk.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes every sync report success without doing anything.
    pub(crate) fn lie(&self) {
        lock(&self.tree).lie();
    }

    /// Cuts the power: no further sync succeeds, and a sync in progress fails. The caller must kill
    /// the user of the disk first of all.
    pub(crate) fn lose_power(&self) {
        lock(&self.tree).lose_power();
    }

    /// Restores the power, while no process uses the disk, and mounts the remaining data. `random`
    /// decides which unsynced data had reached the disk; without it none had.
    pub(crate) fn cut(&mut self, random: Option<&mut Random>) -> anyhow::Result<Lost> {
        self.unmount()?;
        let lost = lock(&self.tree).cut(random);
        self.mount_again()?;
        Ok(lost)
    }

    /// Unmounts the disk.
    pub(crate) fn unmount(&mut self) -> anyhow::Result<()> {
        match self.mounted.take() {
            Some(mounted) => mounted
                .umount_and_join()
                .with_context(|| format!("{} cannot be unmounted", self.path.display())),
            None => Ok(()),
        }
    }

    fn mount_again(&mut self) -> anyhow::Result<()> {
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("torture".to_owned())];
        let files = kernel::Files::new(Arc::clone(&self.tree));
        let mounted = fuser::spawn_mount(files, &self.path, &config);
        let mounted = mounted.context(
            "no file system of its own can be mounted through /dev/fuse: load the module `fuse`, \
             let this user read and write that device, and allow mounting",
        )?;
        self.mounted = Some(mounted);
        Ok(())
    }
}

/// Ignores poisoning: no operation in this module leaves a tree half changed.
fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}
