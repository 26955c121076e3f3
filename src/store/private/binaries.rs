//! Search for the Postgres programs on this machine.
//!
//! Order: the configured directory, without alternatives; directories on `PATH`; system
//! directories, newest version first; an earlier downloaded copy. Existing data decide the major
//! version, so that an upgrade of the system cannot select another version.

use std::fs;
use std::path::{Path, PathBuf};

use super::account::Account;
use super::error::Error;
use super::{MINIMUM_MAJOR, Settings};

/// Directory of downloaded copies, below the directory of the private Postgres.
pub(super) const DOWNLOADED: &str = "programs";

/// System directories of versions side by side: parent, name before the major version,
/// subdirectory.
const PLACES: [(&str, &str, &str); 8] = [
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                   // Fedora, RHEL (PGDG)
    ("/usr/libexec", "postgresql", ""),          // Alpine
    ("/usr/lib", "postgresql", "bin"),           // openSUSE
    ("/opt/homebrew/opt", "postgresql@", "bin"), // macOS, Homebrew on ARM
    ("/usr/local/opt", "postgresql@", "bin"),    // macOS, Homebrew on Intel
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"), // Homebrew on Linux
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"), // macOS, Postgres.app
];

/// Directory of Postgres programs of one version.
#[derive(Debug, Clone)]
pub(super) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// Finds programs that `account` can run. Existing data require the major version `wanted`.
    pub(super) async fn find(
        settings: &Settings,
        wanted: Option<u32>,
        account: &Account,
    ) -> Result<Self, Error> {
        let mut found = Vec::new();
        for dir in candidates(settings) {
            let Some(binaries) = Self::probe(&dir, account).await else {
                continue;
            };
            if wanted.map_or(binaries.major >= MINIMUM_MAJOR, |major| {
                binaries.major == major
            }) {
                return Ok(binaries);
            }
            found.push(binaries.major);
        }
        Err(missing(settings, wanted, account, found))
    }

    /// Path of a program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Checks the programs in `dir` by running `postgres --version` as `account`. `None` if the
    /// call fails or initdb is missing.
    pub(super) async fn probe(dir: &Path, account: &Account) -> Option<Self> {
        let dir = fs::canonicalize(dir.join("postgres"))
            .ok()?
            .parent()?
            .to_owned();
        if !dir.join("initdb").exists() {
            return None;
        }
        let mut command = account.command(&dir.join("postgres"));
        let output = command
            .arg("--version")
            .kill_on_drop(true)
            .output()
            .await
            .ok()?;
        let major = major(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { dir, major })
    }
}

/// Directories to search for the programs, the preferred one first.
pub(super) fn candidates(settings: &Settings) -> Vec<PathBuf> {
    if let Some(dir) = &settings.bin_dir {
        return vec![dir.clone()];
    }
    let path = settings.search_path.iter().flat_map(std::env::split_paths);
    let downloaded = versions_in(&settings.dir.join(DOWNLOADED), "", "bin");
    path.filter(|dir| dir.is_absolute())
        .chain(system_places())
        .chain(downloaded)
        .collect()
}

fn system_places() -> impl Iterator<Item = PathBuf> {
    let mut places: Vec<_> = PLACES
        .iter()
        .flat_map(|(parent, prefix, suffix)| numbered(Path::new(parent), prefix, suffix))
        .collect();
    places.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    places.into_iter().map(|(_, dir)| dir)
}

fn versions_in(parent: &Path, prefix: &str, suffix: &str) -> Vec<PathBuf> {
    let mut places = numbered(parent, prefix, suffix);
    places.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    places.into_iter().map(|(_, dir)| dir).collect()
}

/// Directories in `parent` named `prefix` and a version, with their major version.
fn numbered(parent: &Path, prefix: &str, suffix: &str) -> Vec<(u32, PathBuf)> {
    let entries = fs::read_dir(parent).into_iter().flatten().flatten();
    let numbered = entries.filter_map(|entry| {
        let name = entry.file_name();
        let major = leading_number(name.to_str()?.strip_prefix(prefix)?)?;
        Some((major, entry.path().join(suffix)))
    });
    numbered.collect()
}

/// Reads the major version out of `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`.
fn major(version: &str) -> Option<u32> {
    leading_number(version.split_once("(PostgreSQL) ")?.1)
}

fn leading_number(text: &str) -> Option<u32> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    text[..end].parse().ok()
}

fn missing(
    settings: &Settings,
    wanted: Option<u32>,
    account: &Account,
    mut found: Vec<u32>,
) -> Error {
    found.sort_unstable();
    found.dedup();
    match (&settings.bin_dir, wanted) {
        (Some(dir), _) if found.is_empty() => Error::BinDir {
            dir: dir.clone(),
            user: account.name.clone(),
        },
        _ if found.is_empty() => Error::NoBinaries { wanted },
        (_, Some(wanted)) => Error::WrongMajor {
            data: settings.dir.join("data"),
            wanted,
            found,
        },
        (_, None) => Error::TooOld { found },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_major_version_is_read_from_every_form_of_version() {
        assert_eq!(
            major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"),
            Some(15)
        );
        assert_eq!(major("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major("postgres (PostgreSQL) 19devel\n"), Some(19));
        assert_eq!(major("postgres (Imitation) 15\n"), None);
        assert_eq!(major(""), None);
    }

    #[test]
    fn versions_side_by_side_are_recognised_by_their_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["postgresql@9", "postgresql@17", "postgresql", "mysql@8"] {
            fs::create_dir(dir.path().join(name)).unwrap();
        }
        let bin = |name: &str| dir.path().join(name).join("bin");
        assert_eq!(
            versions_in(dir.path(), "postgresql@", "bin"),
            [bin("postgresql@17"), bin("postgresql@9")]
        );
    }

    #[test]
    fn a_named_directory_is_the_only_candidate() {
        let mut settings = Settings::new("/nowhere");
        settings.search_path = Some("/one:/two".into());
        assert!(candidates(&settings).starts_with(&["/one".into(), "/two".into()]));
        settings.bin_dir = Some("/here".into());
        assert_eq!(candidates(&settings), [PathBuf::from("/here")]);
    }

    #[test]
    fn a_machine_without_postgres_is_told_how_to_get_it() {
        let account = Account::choose(None, Path::new("/nowhere")).unwrap();
        let settings = Settings::new("/nowhere");
        let message = missing(&settings, None, &account, Vec::new()).to_string();
        for remedy in [
            "apt-get install postgresql",
            "dnf install postgresql-server",
            "pacman -S postgresql",
            "apk add postgresql",
            "brew install postgresql@",
            "bin_dir under [database]",
            "DATABASE_URL",
        ] {
            assert!(
                message.contains(remedy),
                "{remedy} is missing in: {message}"
            );
        }
    }

    #[test]
    fn what_is_missing_depends_on_what_is_there() {
        let account = Account::choose(None, Path::new("/nowhere")).unwrap();
        let mut settings = Settings::new("/nowhere");
        let error = missing(&settings, Some(15), &account, Vec::new());
        assert!(
            error.to_string().contains("the data need version 15"),
            "{error}"
        );
        let error = missing(&settings, Some(15), &account, vec![18, 17, 17]);
        assert!(
            error.to_string().contains("only version 17, 18 was found"),
            "{error}"
        );
        let error = missing(&settings, None, &account, vec![13]);
        assert!(
            error.to_string().contains("only Postgres 13 was found"),
            "{error}"
        );
        settings.bin_dir = Some("/empty".into());
        let error = missing(&settings, None, &account, Vec::new());
        assert!(error.to_string().contains("bin_dir /empty"), "{error}");
    }
}
