//! The secret and verify token that a first start makes for itself when no app is configured.
//!
//! They are kept in `data_dir/credentials.toml`, in the shape of `[apps.default]`, so that an
//! operator can move them into the configuration as they are.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use secrecy::zeroize::Zeroizing;

use super::app_name::AppName;
use super::apps::{App, Apps};
use super::fault::Faults;
use super::reader::{Notes, Reader};
use super::{file, layers};
use crate::secret_file;

/// The name of the file in `data_dir`.
pub const FILE_NAME: &str = "credentials.toml";

const SECRET_BYTES: usize = 32;
const TOKEN_BYTES: usize = 16;
const LARGEST_FILE_BYTES: u64 = 64 * 1024;

/// Generated credentials and where they are kept.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// The file, for telling the operator.
    pub path: PathBuf,
    /// True if this call created the credentials.
    pub created: bool,
    /// The app `default` with the secret `app` and its verify token.
    pub app: App,
}

/// Why generated credentials cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be written.
    #[error("cannot keep generated credentials in {path}; make the directory writable for this \
             user, or set data_dir or an app of your own", path = .0.display())]
    Write(PathBuf, #[source] io::Error),
    /// The file cannot be read.
    #[error("cannot read {path}; it was probably made by another user", path = .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// Every user of the machine can read or change the file, so that its secret is none.
    #[error("{path} can be read by every user of this machine (mode {mode:03o}); delete it to get \
             new credentials, or run chmod 600 on it if no one has seen it", path = path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file does not hold credentials.
    #[error("invalid credentials in {path}; correct the file, or delete it to get new ones",
            path = .0.display())]
    Content(PathBuf, #[source] Faults),
    /// The system gives no random bytes.
    #[error("failed to get random bytes for a secret; set app_secret of an app of your own")]
    Random(#[source] getrandom::Error),
}

/// Adds the app of the credentials in `data_dir` if no app is configured, and gives them.
pub fn complete(apps: &mut Apps, data_dir: &Path) -> Result<Option<Credentials>, Error> {
    if !apps.is_empty() {
        return Ok(None);
    }
    let found = load_or_create(data_dir)?;
    apps.insert(found.app.name.clone(), found.app.clone());
    Ok(Some(found))
}

/// The credentials kept in `data_dir`, made and kept now if there are none.
///
/// # Errors
/// When they can be neither read nor made, or when others can read them.
pub fn load_or_create(data_dir: &Path) -> Result<Credentials, Error> {
    if let Some(found) = load(data_dir)? {
        return Ok(found);
    }
    let path = data_dir.join(FILE_NAME);
    let text = generate()?;
    let failed = |error| Error::Write(path.clone(), error);
    fs::create_dir_all(data_dir).map_err(failed)?;
    let created = secret_file::create(&path, text.as_bytes()).map_err(failed)?;
    // Read back even when just written: what the next start will see is what this one uses.
    let missing = || failed(io::ErrorKind::NotFound.into());
    let found = load(data_dir)?.ok_or_else(missing)?;
    Ok(Credentials { created, ..found })
}

/// The credentials kept in `data_dir`, if there are any.
///
/// # Errors
/// When they cannot be read, or when others can read them.
pub fn load(data_dir: &Path) -> Result<Option<Credentials>, Error> {
    let path = data_dir.join(FILE_NAME);
    match fs::metadata(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::Read(path, error)),
        Ok(found) => check_mode(&path, found.permissions().mode())?,
    }
    let mut app = read(&path)?;
    app.found_in(&path);
    Ok(Some(Credentials {
        path,
        created: false,
        app,
    }))
}

/// A group may have access: orchestrators that share volumes add it to every file of one.
fn check_mode(path: &Path, mode: u32) -> Result<(), Error> {
    const OTHERS: u32 = 0o007;
    if mode & OTHERS == 0 {
        return Ok(());
    }
    Err(Error::Exposed {
        path: path.to_owned(),
        mode: mode & 0o777,
    })
}

fn read(path: &Path) -> Result<App, Error> {
    let content = |faults| Error::Content(path.to_owned(), faults);
    let unreadable = |error| Error::Read(path.to_owned(), error);
    let text = file::read(path, LARGEST_FILE_BYTES).map_err(unreadable)?;
    let tree = layers::parse(&text, path).map_err(|fault| content(fault.into()))?;
    let mut notes = Notes::default();
    let mut root = Reader::root(tree, &mut notes);
    let app = root.section("apps", |apps| {
        apps.section("default", |app| App::read(AppName::default_app(), app))
    });
    root.finish();
    match app {
        Some(app) if notes.is_clean() => Ok(app),
        _ => Err(content(notes.into_faults())),
    }
}

fn generate() -> Result<Zeroizing<String>, Error> {
    let (secret, token) = (random_hex::<SECRET_BYTES>()?, random_hex::<TOKEN_BYTES>()?);
    Ok(Zeroizing::new(format!(
        "# Made by Hookshelf at its first start, because no app was configured.\n\
         # Anyone who knows the secret can forge deliveries.\n\
         #\n\
         # When you have the secrets of your Meta app, write them here in place of this app_secret:\n\
         # app_secret (App settings > Basic) for Facebook login, instagram_app_secret for Instagram\n\
         # login, or both. Then run: hookshelf reload\n\
         [apps.default]\n\
         app_secret = \"{secret}\"\n\
         verify_token = \"{token}\"\n",
        secret = *secret,
        token = *token,
    )))
}

fn random_hex<const N: usize>() -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    getrandom::fill(&mut *bytes).map_err(Error::Random)?;
    Ok(Zeroizing::new(hex::encode(*bytes)))
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;
    use tempfile::TempDir;

    use super::*;

    fn secret(credentials: &Credentials) -> String {
        credentials.app.secrets[0].secret.expose_secret().to_owned()
    }

    fn token(credentials: &Credentials) -> String {
        let token = credentials.app.verify_token.as_ref().unwrap();
        token.expose_secret().to_owned()
    }

    #[test]
    fn they_are_made_once_and_then_kept() {
        let dir = TempDir::new().unwrap();
        let data_dir = dir.path().join("deep/data");
        let first = load_or_create(&data_dir).unwrap();
        let second = load_or_create(&data_dir).unwrap();
        assert!(first.created && !second.created);
        assert_eq!(first.app, second.app);
        assert_eq!(first.app.secrets[0].name, "app");
        assert_eq!(first.app.path(), "/webhook");
        assert_eq!((secret(&first).len(), token(&first).len()), (64, 32));
        let files = fs::read_dir(&data_dir).unwrap();
        let names: Vec<_> = files.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, [FILE_NAME]);
        let mode = fs::metadata(&first.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_starts_do_not_share_a_secret() {
        let (one, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
        let one = load_or_create(one.path()).unwrap();
        let other = load_or_create(other.path()).unwrap();
        assert_ne!(secret(&one), secret(&other));
        assert_ne!(token(&one), token(&other));
        assert_ne!(secret(&one)[..32], token(&one));
    }

    #[test]
    fn a_file_that_everyone_can_read_is_refused() {
        let dir = TempDir::new().unwrap();
        let path = load_or_create(dir.path()).unwrap().path;
        for (mode, refused) in [(0o644, true), (0o602, true), (0o660, false), (0o400, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let is_refused = matches!(load(dir.path()), Err(Error::Exposed { .. }));
            assert_eq!(is_refused, refused, "{mode:o}");
        }
    }

    #[test]
    fn a_file_without_credentials_is_refused_and_not_replaced() {
        for text in [
            "",
            "[apps.default]",
            "[apps.default]\napp_secret = \"hush",
            "[apps.other]\napp_secret = \"a\"",
        ] {
            let dir = TempDir::new().unwrap();
            let path = dir.path().join(FILE_NAME);
            secret_file::create(&path, text.as_bytes()).unwrap();
            let error = load_or_create(dir.path()).unwrap_err();
            assert!(matches!(error, Error::Content(..)), "{error:?}");
            assert!(!format!("{error:?}").contains("hush"), "{error:?}");
            assert_eq!(fs::read_to_string(&path).unwrap(), text);
        }
    }
}
