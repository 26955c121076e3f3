//! `[apps.<name>]`: the Meta apps whose deliveries are accepted, and their secrets.

use std::{collections::BTreeMap, path::Path};

use secrecy::{ExposeSecret, SecretString};

use super::app_name::AppName;
use super::fault::Fault;
use super::print::Printer;
use super::reader::Reader;
use super::secret::NamedSecret;
use super::secret_source::SecretSource;

/// Every key of an app; the environment is read by them, and a test holds them against `read`.
pub(super) const KEYS: [&str; 9] = [
    "app_id",
    "app_secret",
    "app_secret_file",
    "instagram_app_secret",
    "instagram_app_secret_file",
    "previous_secrets",
    "previous_secrets_file",
    "verify_token",
    "verify_token_file",
];

/// Names of the secrets in use, and their configuration keys.
const CURRENT: [(&str, &str); 2] = [("app", "app_secret"), ("instagram", "instagram_app_secret")];

/// The keys that hold what nobody else may know.
const SECRETS: [&str; 4] = [
    "app_secret",
    "instagram_app_secret",
    "previous_secrets",
    "verify_token",
];

/// The apps by name; empty when none is configured.
pub type Apps = BTreeMap<AppName, App>;

/// A configured Meta app.
#[derive(Debug, Clone)]
pub struct App {
    /// Name of the app in paths, rows and metrics.
    pub name: AppName,
    /// Meta's id of the app.
    pub app_id: Option<String>,
    /// The secrets that may have signed a delivery, in the order they are tried; at least one.
    pub secrets: Vec<NamedSecret>,
    /// Token expected in Meta's challenge; without a token no challenge is answered.
    pub verify_token: Option<SecretString>,
    /// Source of each secret, by its key.
    secret_sources: Vec<(&'static str, SecretSource)>,
}

impl App {
    /// The path of its callback URL; the default app also answers at `/webhook/default`.
    pub fn path(&self) -> String {
        self.name.path()
    }

    /// Its secrets with their names.
    pub fn named_secrets(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.secrets.iter().map(|it| (&*it.name, &it.secret))
    }

    /// Source of the secret of a key, such as `verify_token`.
    pub fn source(&self, key: &str) -> Option<&SecretSource> {
        let found = self.secret_sources.iter().find(|(known, _)| *known == key);
        found.map(|(_, source)| source)
    }

    /// Sources of the secrets and the verify token, by their keys.
    pub fn secret_sources(&self) -> &[(&'static str, SecretSource)] {
        &self.secret_sources
    }

    /// Says which file has the keys that are set in place.
    pub(super) fn found_in(&mut self, file: &Path) {
        for (_, source) in &mut self.secret_sources {
            source.set_file(file);
        }
    }

    pub(super) fn read(name: AppName, reader: &mut Reader<'_>) -> Option<Self> {
        let faults = reader.fault_count();
        let app_id = reader.text("app_id");
        let found = SECRETS
            .iter()
            .filter_map(|key| Some((*key, reader.source(key)?)));
        let secret_sources = found.collect();
        let current = CURRENT.map(|(name, key)| {
            let name = name.to_owned();
            Some(NamedSecret {
                name,
                secret: reader.secret(key)?,
            })
        });
        let mut secrets: Vec<_> = current.into_iter().flatten().collect();
        let previous = reader.secrets("previous_secrets").into_iter().zip(1..);
        secrets.extend(previous.map(|(secret, number)| NamedSecret {
            name: format!("previous-{number}"),
            secret,
        }));
        let verify_token = reader.secret("verify_token");
        if secrets.is_empty() && reader.fault_count() == faults {
            let allowed = "app_secret, instagram_app_secret or previous_secrets, \
                           in place or through its _file twin";
            let problem = "has no secret, so no signature can be verified";
            reader.note(Fault::new(format!("apps.{name}"), problem).allowed(allowed));
        }
        (reader.fault_count() == faults).then_some(Self {
            name,
            app_id,
            secrets,
            verify_token,
            secret_sources,
        })
    }

    fn print(&self, out: &mut Printer) {
        out.section(&format!("apps.{}", self.name));
        out.optional("app_id", self.app_id.as_deref());
        let is_set = |name: &str| self.secrets.iter().any(|secret| secret.name == name);
        for (name, key) in CURRENT {
            out.secret(key, is_set(name));
        }
        let current = CURRENT.iter().filter(|(name, _)| is_set(name)).count();
        out.secrets("previous_secrets", self.secrets.len() - current);
        out.secret("verify_token", self.verify_token.is_some());
    }
}

/// For telling whether a reload changed anything.
impl PartialEq for App {
    fn eq(&self, other: &Self) -> bool {
        let token = self.verify_token.as_ref().map(SecretString::expose_secret);
        let other_token = other.verify_token.as_ref().map(SecretString::expose_secret);
        (&self.name, &self.app_id) == (&other.name, &other.app_id)
            && self.secrets == other.secrets
            && token == other_token
    }
}

impl Eq for App {}

pub(super) fn read(reader: &mut Reader<'_>) -> Option<Apps> {
    reader.named_tables("app name", AppName::ALLOWED, |name: &AppName, reader| {
        App::read(name.clone(), reader)
    })
}

pub(super) fn print(apps: &Apps, out: &mut Printer) {
    if apps.is_empty() {
        out.remark("no app is configured: serve keeps credentials of its own in data_dir");
    }
    for app in apps.values() {
        app.print(out);
    }
}
