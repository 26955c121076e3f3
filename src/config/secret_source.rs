//! Sources of secrets, to help people find them; never the secrets themselves.

use std::{fmt, path::Path, path::PathBuf};

use super::reader::Reader;
use super::tree::Value;

/// Source of a secret or a verify token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretSource {
    /// A variable of the environment, by name.
    Variable(String),
    /// A file that holds nothing else: the value of a `_file` key.
    File(PathBuf),
    /// A key in place, and the file that has it.
    Key {
        /// Its whole path, such as `apps.default.verify_token`.
        key: String,
        /// The configuration file, or `credentials.toml`.
        file: Option<PathBuf>,
    },
}

impl SecretSource {
    /// Says which file has a key in place.
    pub(super) fn set_file(&mut self, holder: &Path) {
        if let Self::Key { file, .. } = self {
            *file = Some(holder.to_owned());
        }
    }

    /// The file that holds it, whose mode decides who can read it.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Variable(_) => None,
            Self::File(path) => Some(path),
            Self::Key { file, .. } => file.as_deref(),
        }
    }
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "variable {name}"),
            Self::File(path) => write!(f, "file {}", path.display()),
            Self::Key { key, file } => {
                let (table, name) = key.rsplit_once('.').unwrap_or(("", key));
                match file {
                    Some(file) => write!(f, "{name} of [{table}] in {}", file.display()),
                    None => f.write_str(key),
                }
            }
        }
    }
}

impl Reader<'_> {
    /// Source of the secret of `key`, if it is set. Call this before the secret is read.
    pub(super) fn source(&self, key: &str) -> Option<SecretSource> {
        if let Some(value) = self.peek(key) {
            return Some(match value.variable() {
                Some(variable) => SecretSource::Variable(variable.to_owned()),
                None => SecretSource::Key {
                    key: self.path_of(key),
                    file: None,
                },
            });
        }
        match self.peek(&format!("{key}_file"))? {
            Value::Text { text: path, .. } => {
                Some(SecretSource::File(std::path::absolute(path).ok()?))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Sources, load};

    #[test]
    fn each_secret_tells_where_it_was_found() {
        let directory = tempfile::TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        std::fs::write(path("token"), "a token").unwrap();
        let text = format!(
            "[apps.default]\napp_secret = \"hush\"\nverify_token_file = {:?}\n",
            path("token")
        );
        std::fs::write(path("a.toml"), text).unwrap();
        let variable = "HOOKSHELF__APPS__DEFAULT__PREVIOUS_SECRETS";
        let sources = Sources {
            file: Some(path("a.toml")),
            env: vec![
                (variable.to_owned(), "older,oldest".to_owned()),
                ("HOME".to_owned(), "/home/a".to_owned()),
            ],
            ..Sources::default()
        };
        let app = load(&sources).unwrap().apps.into_values().next().unwrap();
        let said = |key| app.source(key).map(ToString::to_string);
        let of = |name: &str, before: &str| Some(format!("{before}{}", path(name).display()));
        assert_eq!(
            said("app_secret"),
            of("a.toml", "app_secret of [apps.default] in ")
        );
        assert_eq!(said("verify_token"), of("token", "file "));
        assert_eq!(
            said("previous_secrets"),
            Some(format!("variable {variable}"))
        );
        assert_eq!(said("instagram_app_secret"), None);
        assert!(!format!("{app:?}").contains("hush"));
    }
}
