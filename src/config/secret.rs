//! Secrets and the files that may hold them; a fault about one never shows its value.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use super::fault::Fault;
use super::file;
use super::reader::Reader;
use super::tree::Value;

/// A file that holds a secret and is larger than this is the wrong file.
const LARGEST_FILE_BYTES: u64 = 64 * 1024;

/// A secret of an app and the name it goes by in the store, in metrics and in logs.
#[derive(Debug, Clone)]
pub struct NamedSecret {
    /// `app`, `instagram`, `previous-1`, `previous-2` …
    pub name: String,
    /// The key of `X-Hub-Signature-256`.
    pub secret: SecretString,
}

/// Configuration key of the secret `name`, and its place in Meta's App Dashboard.
pub fn place_of_secret(name: &str) -> (&'static str, &'static str) {
    match name {
        "app" => ("app_secret", "App settings > Basic > App secret"),
        "instagram" => (
            "instagram_app_secret",
            "Instagram > API setup with Instagram login > Instagram app secret",
        ),
        _ => (
            "previous_secrets",
            "the App Dashboard before it was changed",
        ),
    }
}

/// For telling whether a reload changed anything; signatures are compared elsewhere.
impl PartialEq for NamedSecret {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.secret.expose_secret() == other.secret.expose_secret()
    }
}

impl Eq for NamedSecret {}

/// A value given in place or through the file that the twin of its key names.
enum Given {
    Value(Value),
    File(String),
}

impl Reader<'_> {
    /// An optional secret, in place or from the file that `{key}_file` names.
    pub(super) fn secret(&mut self, key: &str) -> Option<SecretString> {
        let (text, variable) = self.secret_text(key)?;
        self.check_secret(key, &text, variable.as_deref())
            .then(|| SecretString::from(text))
    }

    /// An optional text that may hold a secret, in place or from the file of its twin, and the
    /// variable that set it, if one did.
    pub(super) fn secret_text(&mut self, key: &str) -> Option<(String, Option<String>)> {
        match self.given(key)? {
            Given::File(text) => Some((without_newline(&text).to_owned(), None)),
            Given::Value(Value::Text { text, variable }) => Some((text, variable)),
            Given::Value(other) => {
                self.refuse_type(key, &other, "a text in quotes");
                None
            }
        }
    }

    /// A list of secrets, in place or one a line in the file that `{key}_file` names.
    pub(super) fn secrets(&mut self, key: &str) -> Vec<SecretString> {
        let mut variable = None;
        let items = match self.given(key) {
            None => return Vec::new(),
            Some(Given::Value(value)) => {
                variable = value.variable().map(str::to_owned);
                self.items(key, &value).unwrap_or_default()
            }
            Some(Given::File(text)) => {
                let lines = text.lines().filter(|line| !line.is_empty());
                lines.map(str::to_owned).collect()
            }
        };
        let good = |item: &String| self.check_secret(key, item, variable.as_deref());
        let good = items.into_iter().filter(good);
        good.map(SecretString::from).collect()
    }

    fn given(&mut self, key: &str) -> Option<Given> {
        let twin = format!("{key}_file");
        let value = self.take(key);
        let path = self.path(&twin);
        match (value, path) {
            (Some(_), Some(_)) => {
                let both = format!("{} and {}", self.path_of(key), self.path_of(&twin));
                self.note(Fault::new(both, "both are set").allowed("one of the two"));
                None
            }
            (Some(value), None) => Some(Given::Value(value)),
            (None, Some(path)) => self.read_secret_file(&twin, &path),
            (None, None) => None,
        }
    }

    fn read_secret_file(&mut self, twin: &str, path: &Path) -> Option<Given> {
        match file::read(path, LARGEST_FILE_BYTES) {
            Ok(text) => Some(Given::File(text)),
            Err(error) => {
                let problem = format!("failed to read {}: {error}", path.display());
                self.note(self.fault(twin, problem));
                None
            }
        }
    }

    /// Notes what cannot be meant: nothing at all, or white space that came along with a paste.
    fn check_secret(&mut self, key: &str, text: &str, variable: Option<&str>) -> bool {
        let problem = if text.is_empty() {
            "is empty"
        } else if text.trim() != text {
            "begins or ends with white space"
        } else {
            return true;
        };
        let fault = self
            .fault(key, problem)
            .allowed("the secret itself, or no such key");
        self.note(fault.set_by(variable));
        false
    }
}

/// Editors and `echo` end a file with a newline that is no part of the secret.
fn without_newline(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
