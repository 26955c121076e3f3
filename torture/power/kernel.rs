//! FUSE interface of the disk. Nothing is cached, so every read and write arrives here.

use std::{
    ffi::OsStr,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use fuser::{
    BsdFileFlags, Errno, FileAttr, FileHandle, FileType, Filesystem, FopenFlags, Generation,
    INodeNo, LockOwner, OpenFlags, RenameFlags, ReplyAttr, ReplyCreate, ReplyData, ReplyDirectory,
    ReplyEmpty, ReplyEntry, ReplyOpen, ReplyStatfs, ReplyWrite, Request, TimeOrNow, WriteFlags,
};
use nix::unistd::{getegid, geteuid};

use super::{
    lock,
    tree::{PAGE, Tree},
};

/// Cache lifetime of zero.
const NEVER: Duration = Duration::ZERO;

/// Duration of a sync, as on a real disk. A power cut during the sync takes its data.
const SYNC: Duration = Duration::from_millis(8);

/// Reported size of the disk: 4 GiB.
const BLOCKS: u64 = 1 << 20;

/// FUSE file system over a [`Tree`].
pub(super) struct Files(Arc<Mutex<Tree>>);

impl Files {
    pub(super) fn new(tree: Arc<Mutex<Tree>>) -> Self {
        Self(tree)
    }

    fn attributes(&self, number: u64) -> Result<FileAttr, Errno> {
        if number == u64::from(INodeNo::ROOT) {
            return Ok(attributes(INodeNo::ROOT, FileType::Directory, 0));
        }
        let length = lock(&self.0).length(number).ok_or(Errno::ENOENT)?;
        Ok(attributes(INodeNo(number), FileType::RegularFile, length))
    }
}

impl Files {
    /// Runs a sync, which has no effect before its end.
    fn synced(&self, reply: ReplyEmpty, sync: impl FnOnce(&mut Tree) -> bool) {
        std::thread::sleep(SYNC);
        let mut tree = lock(&self.0);
        if tree.has_power() {
            done(reply, sync(&mut tree));
        } else {
            reply.error(Errno::EIO);
        }
    }
}

fn attributes(ino: INodeNo, kind: FileType, size: u64) -> FileAttr {
    let now = SystemTime::UNIX_EPOCH;
    FileAttr {
        ino,
        size,
        blocks: size.div_ceil(512),
        atime: now,
        mtime: now,
        ctime: now,
        crtime: now,
        kind,
        perm: if kind == FileType::Directory {
            0o700
        } else {
            0o600
        },
        nlink: 1,
        uid: geteuid().as_raw(),
        gid: getegid().as_raw(),
        rdev: 0,
        blksize: 4096,
        flags: 0,
    }
}

fn index(at: u64) -> usize {
    usize::try_from(at).unwrap_or(usize::MAX)
}

fn done(reply: ReplyEmpty, is_there: bool) {
    if is_there {
        reply.ok();
    } else {
        reply.error(Errno::ENOENT);
    }
}

impl Filesystem for Files {
    fn lookup(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEntry) {
        let found = lock(&self.0).find(name).ok_or(Errno::ENOENT);
        match found.and_then(|number| self.attributes(number)) {
            Ok(found) => reply.entry(&NEVER, &found, Generation(0)),
            Err(error) => reply.error(error),
        }
    }

    fn getattr(&self, _: &Request, ino: INodeNo, _: Option<FileHandle>, reply: ReplyAttr) {
        match self.attributes(u64::from(ino)) {
            Ok(found) => reply.attr(&NEVER, &found),
            Err(error) => reply.error(error),
        }
    }

    fn setattr(
        &self,
        _: &Request,
        ino: INodeNo,
        _: Option<u32>,
        _: Option<u32>,
        _: Option<u32>,
        size: Option<u64>,
        _: Option<TimeOrNow>,
        _: Option<TimeOrNow>,
        _: Option<SystemTime>,
        _: Option<FileHandle>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<SystemTime>,
        _: Option<BsdFileFlags>,
        reply: ReplyAttr,
    ) {
        if let Some(size) = size {
            lock(&self.0).resize(u64::from(ino), index(size));
        }
        match self.attributes(u64::from(ino)) {
            Ok(found) => reply.attr(&NEVER, &found),
            Err(error) => reply.error(error),
        }
    }

    fn unlink(&self, _: &Request, _: INodeNo, name: &OsStr, reply: ReplyEmpty) {
        done(reply, lock(&self.0).remove(name));
    }

    fn rename(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: INodeNo,
        newname: &OsStr,
        _: RenameFlags,
        reply: ReplyEmpty,
    ) {
        done(reply, lock(&self.0).rename(name, newname));
    }

    fn open(&self, _: &Request, _: INodeNo, _: OpenFlags, reply: ReplyOpen) {
        reply.opened(FileHandle(0), FopenFlags::FOPEN_DIRECT_IO);
    }

    fn create(
        &self,
        _: &Request,
        _: INodeNo,
        name: &OsStr,
        _: u32,
        _: u32,
        _: i32,
        reply: ReplyCreate,
    ) {
        let number = lock(&self.0).create(name);
        let made = attributes(INodeNo(number), FileType::RegularFile, 0);
        let handle = FileHandle(0);
        reply.created(
            &NEVER,
            &made,
            Generation(0),
            handle,
            FopenFlags::FOPEN_DIRECT_IO,
        );
    }

    fn read(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        size: u32,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyData,
    ) {
        let tree = lock(&self.0);
        let (number, at) = (u64::from(ino), index(offset));
        let length = tree.readable(number, at, size as usize);
        match tree.read(number, at, length) {
            Some([]) if length < size as usize => reply.error(Errno::EIO),
            Some(data) => reply.data(data),
            None => reply.error(Errno::ENOENT),
        }
    }

    fn write(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        data: &[u8],
        _: WriteFlags,
        _: OpenFlags,
        _: Option<LockOwner>,
        reply: ReplyWrite,
    ) {
        if lock(&self.0).write(u64::from(ino), index(offset), data) {
            reply.written(u32::try_from(data.len()).unwrap_or(u32::MAX));
        } else {
            reply.error(Errno::ENOENT);
        }
    }

    fn flush(&self, _: &Request, _: INodeNo, _: FileHandle, _: LockOwner, reply: ReplyEmpty) {
        reply.ok();
    }

    fn fsync(&self, _: &Request, ino: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.synced(reply, |tree| tree.sync(u64::from(ino)));
    }

    fn fsyncdir(&self, _: &Request, _: INodeNo, _: FileHandle, _: bool, reply: ReplyEmpty) {
        self.synced(reply, |tree| {
            tree.sync_names();
            true
        });
    }

    fn readdir(
        &self,
        _: &Request,
        _: INodeNo,
        _: FileHandle,
        offset: u64,
        mut reply: ReplyDirectory,
    ) {
        let tree = lock(&self.0);
        for (at, (name, number)) in (1..).zip(tree.names()).skip(index(offset)) {
            if reply.add(INodeNo(*number), at, FileType::RegularFile, name) {
                break;
            }
        }
        drop(tree);
        reply.ok();
    }

    fn statfs(&self, _: &Request, _: INodeNo, reply: ReplyStatfs) {
        let size = u32::try_from(PAGE).unwrap_or(u32::MAX);
        reply.statfs(BLOCKS, BLOCKS / 2, BLOCKS / 2, 1000, 900, size, 255, size);
    }

    fn fallocate(
        &self,
        _: &Request,
        ino: INodeNo,
        _: FileHandle,
        offset: u64,
        length: u64,
        _: i32,
        reply: ReplyEmpty,
    ) {
        let mut tree = lock(&self.0);
        let end = offset + length;
        let there = tree.length(u64::from(ino)).map(|now| now.max(end));
        let there = there.map(|length| tree.resize(u64::from(ino), index(length)));
        done(reply, there.unwrap_or(false));
    }
}
