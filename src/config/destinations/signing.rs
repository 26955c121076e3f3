//! Forms of the requests to a destination, and the secrets that sign them.

use jiff::Timestamp;
use secrecy::{ExposeSecret, SecretString};

use super::super::{
    app_name::AppName,
    apps::{App, Apps},
    print::Printer,
    reader::Reader,
    secret::place_of_secret,
};
use super::webhook_key::{SecretFault, WebhookKey};
use crate::vocabulary::spelled;

/// Secrets of an app that a destination may name.
const OF_APP: [&str; 2] = ["app", "instagram"];

/// Keys that only Standard Webhooks has.
const OF_EVENTS: [&str; 3] = ["previous_secrets", "previous_secrets_file", "until"];

/// Form of the requests, with the secrets that sign them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Format {
    /// Notifications as Meta sends them.
    Meta(MetaSecret),
    /// Standard Webhooks around the JSON of the event.
    Event(WebhookSecrets),
}

/// Secret that signs notifications.
#[derive(Debug, Clone)]
pub enum MetaSecret {
    /// The secret of the event's app with this name: `app` or `instagram`.
    OfApp(&'static str),
    /// A secret of the destination.
    Own(SecretString),
}

/// Secrets of Standard Webhooks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSecrets {
    /// The secret.
    pub current: WebhookKey,
    /// Old secrets, which sign as well during a rotation.
    pub previous: Vec<WebhookKey>,
    /// End of the rotation.
    pub until: Option<Timestamp>,
}

spelled! {
    /// Name of a form.
    enum Form {
        /// As Meta sends notifications.
        Meta = "meta",
        /// Standard Webhooks.
        Event = "event",
    }
}

impl MetaSecret {
    /// The secret for an event of `app`; none if the app does not have it.
    pub fn of<'a>(&'a self, app: &'a App) -> Option<&'a SecretString> {
        match self {
            Self::Own(secret) => Some(secret),
            Self::OfApp(name) => {
                let mut secrets = app.named_secrets();
                secrets.find(|(known, _)| known == name).map(|(_, it)| it)
            }
        }
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        for key in OF_EVENTS {
            if reader.take(key).is_some() {
                let problem = "a request in Meta's form has one signature";
                let fault = reader.fault(key, problem);
                reader.note(fault.allowed("no such key, or format = \"event\""));
            }
        }
        let in_file = reader.peek("secret_file").is_some();
        if !in_file && reader.peek("secret").is_none() {
            // Noted as known keys.
            reader.secret("secret");
            return Some(Self::OfApp("app"));
        }
        let secret = reader.secret("secret")?;
        if in_file {
            return Some(Self::Own(secret));
        }
        let name = OF_APP
            .into_iter()
            .find(|name| *name == secret.expose_secret());
        if name.is_none() {
            let problem = "is not the name of a secret (not shown)";
            let allowed = "app or instagram, or a secret of its own in the file of secret_file";
            reader.note(reader.fault("secret", problem).allowed(allowed));
        }
        name.map(Self::OfApp)
    }

    /// Notes an app that does not have the secret, among the `chosen` ones or else all.
    fn check(&self, reader: &mut Reader<'_>, apps: &Apps, chosen: &[AppName]) {
        let Self::OfApp(name) = self else { return };
        let is_chosen = |app: &&App| chosen.is_empty() || chosen.contains(&app.name);
        let mut chosen = apps.values().filter(is_chosen);
        if let Some(app) = chosen.find(|app| self.of(app).is_none()) {
            let problem = format!("apps.{} has no {}", app.name, place_of_secret(name).0);
            let allowed = "the name of a secret that each app of the destination has (app or \
                instagram), or a secret of its own in the file of secret_file";
            reader.note(reader.fault("secret", problem).allowed(allowed));
        }
    }
}

/// For telling whether a reload changed anything.
impl PartialEq for MetaSecret {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::OfApp(name), Self::OfApp(other)) => name == other,
            (Self::Own(secret), Self::Own(other)) => {
                secret.expose_secret() == other.expose_secret()
            }
            (Self::OfApp(_), Self::Own(_)) | (Self::Own(_), Self::OfApp(_)) => false,
        }
    }
}

impl Eq for MetaSecret {}

impl WebhookSecrets {
    /// The secrets that sign at `now`.
    pub fn valid_at(&self, now: Timestamp) -> impl Iterator<Item = &WebhookKey> {
        let rotates = self.until.is_none_or(|until| now < until);
        let previous = self.previous.iter().filter(move |_| rotates);
        [&self.current].into_iter().chain(previous)
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let faults = reader.fault_count();
        let current = reader.secret("secret");
        let previous = reader.secrets("previous_secrets");
        let allowed = "a time such as 2026-12-31T00:00:00Z";
        let until = reader.optional("until", allowed, |text| text.parse().ok());
        if reader.fault_count() > faults {
            return None;
        }
        let allowed = "a secret of Standard Webhooks (whsec_…), in place or through secret_file";
        let current = reader.set("secret", current, allowed)?;
        let current = key(reader, "secret", &current);
        let previous: Vec<_> = previous
            .iter()
            .map(|it| key(reader, "previous_secrets", it))
            .collect();
        if until.is_some() && previous.is_empty() {
            let fault = reader.fault("until", "there are no previous_secrets");
            reader.note(fault.allowed("the end of a rotation, or no such key"));
        }
        Some(Self {
            current: current?,
            previous: previous.into_iter().collect::<Option<_>>()?,
            until,
        })
    }
}

/// Parses a secret; notes the problem of a text in another form.
fn key(reader: &mut Reader<'_>, name: &str, secret: &SecretString) -> Option<WebhookKey> {
    let key = WebhookKey::parse(secret);
    let problem = |fault: SecretFault| {
        let fault = reader.fault(name, fault.to_string());
        reader.note(fault.allowed("whsec_ and the base64 of 24 to 64 bytes"));
    };
    key.map_err(problem).ok()
}

impl Format {
    /// Reads the form and its secrets. `chosen` are the apps of the destination; none for all.
    pub(super) fn read(
        reader: &mut Reader<'_>,
        apps: Option<&Apps>,
        chosen: &[AppName],
    ) -> Option<Self> {
        match reader.name_of("format") {
            Some(Form::Event) => WebhookSecrets::read(reader).map(Self::Event),
            Some(Form::Meta) => {
                let secret = MetaSecret::read(reader)?;
                if let Some(apps) = apps {
                    secret.check(reader, apps, chosen);
                }
                Some(Self::Meta(secret))
            }
            None => {
                // Known keys, whose values depend on the form.
                for key in ["secret", "secret_file"].iter().chain(&OF_EVENTS) {
                    reader.take(key);
                }
                None
            }
        }
    }

    pub(super) fn print(&self, out: &mut Printer) {
        match self {
            Self::Meta(secret) => {
                out.text("format", Form::Meta.as_str());
                match secret {
                    MetaSecret::OfApp(name) => out.text("secret", name),
                    MetaSecret::Own(_) => out.secret("secret", true),
                }
            }
            Self::Event(secrets) => {
                out.text("format", Form::Event.as_str());
                out.secret("secret", true);
                out.secrets("previous_secrets", secrets.previous.len());
                out.optional("until", secrets.until);
            }
        }
    }
}
