//! A disk whose power can be cut: what was not synced until then is lost, in part or wholly. In tests,
//! one that cannot read a page or does not sync.
//!
//! It is a file system of one directory, held in memory and served through FUSE (`kernel`); what is
//! durable in it is kept apart from what is written (`tree`).

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
    /// Mounts an empty one at `path`.
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

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// From now on it says of every sync that it is done, and does nothing.
    pub(crate) fn lie(&self) {
        lock(&self.tree).lie();
    }

    /// The power is gone: no sync is done from now on, and one on its way fails. Who uses the disk
    /// is to be ended then, before anything else.
    pub(crate) fn lose_power(&self) {
        lock(&self.tree).lose_power();
    }

    /// Brings the power back, while nobody uses the disk, and mounts what is left. `random` decides what of that
    /// which was not synced had reached the disk by then; without it nothing had.
    pub(crate) fn cut(&mut self, random: Option<&mut Random>) -> anyhow::Result<Lost> {
        self.unmount()?;
        let lost = lock(&self.tree).cut(random);
        self.mount_again()?;
        Ok(lost)
    }

    /// Unmounts it.
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

/// Nothing in this room leaves one half changed.
fn lock(tree: &Mutex<Tree>) -> MutexGuard<'_, Tree> {
    tree.lock().unwrap_or_else(PoisonError::into_inner)
}
