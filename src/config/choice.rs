//! Choice of events: the filter of a consumer or destination.

use super::{app_name::AppName, apps::Apps, print::Printer, reader::Reader};
use crate::vocabulary::{Channel, Kind, Source, Spelled};

/// Values of `accounts`: a label or a user name would choose nothing.
const ACCOUNTS: &str = "ids of professional accounts: digits";

/// Filter for events. An empty list allows every value; the lists are combined with AND.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventChoice {
    /// Kinds of the events.
    pub kinds: Vec<Kind>,
    /// Apps that received the events.
    pub apps: Vec<AppName>,
    /// Ids of the professional accounts.
    pub accounts: Vec<String>,
    /// Clients of the accounts.
    pub clients: Vec<String>,
    /// Parts of an entry that contained the items.
    pub channels: Vec<Channel>,
    /// Origins of the deliveries.
    pub sources: Vec<Source>,
    /// True for echoes only, false for none.
    pub echo: Option<bool>,
    /// True for events of the account about itself only, false for none.
    pub own: Option<bool>,
}

impl EventChoice {
    /// Keys of a choice.
    pub(super) const KEYS: [&str; 6] = [
        "kinds", "apps", "accounts", "clients", "channels", "sources",
    ];

    /// Reads a choice. Its apps must be among `apps`, unless these have faults themselves.
    pub(super) fn read(reader: &mut Reader<'_>, apps: Option<&Apps>) -> Self {
        Self {
            kinds: reader.names_of("kinds"),
            apps: match apps {
                Some(apps) => reader.list_of("apps", &known(apps)),
                None => reader.list("apps", AppName::ALLOWED, |text| text.parse().ok()),
            },
            accounts: texts(reader, "accounts", ACCOUNTS, |id| {
                id.bytes().all(|byte| byte.is_ascii_digit())
            }),
            clients: texts(reader, "clients", "names of clients", |_| true),
            channels: reader.names_of("channels"),
            sources: reader.names_of("sources"),
            echo: None,
            own: None,
        }
    }

    /// Prints the lists that are set.
    pub(super) fn print(&self, out: &mut Printer) {
        fn list<T: ToString>(out: &mut Printer, key: &str, values: impl Iterator<Item = T>) {
            let values: Vec<_> = values.map(|it| it.to_string()).collect();
            if !values.is_empty() {
                out.list(key, &values);
            }
        }
        list(out, "kinds", self.kinds.iter().map(|it| it.name()));
        list(out, "apps", self.apps.iter());
        list(out, "accounts", self.accounts.iter());
        list(out, "clients", self.clients.iter());
        list(out, "channels", self.channels.iter().map(|it| it.name()));
        list(out, "sources", self.sources.iter().map(|it| it.name()));
    }
}

/// Reads a list of texts that are not empty and fulfil a condition.
fn texts(
    reader: &mut Reader<'_>,
    key: &str,
    allowed: &str,
    is_allowed: impl Fn(&str) -> bool,
) -> Vec<String> {
    let parse = |text: &str| (!text.is_empty() && is_allowed(text)).then(|| text.to_owned());
    let list = reader.optional_list(key, allowed, parse);
    list.unwrap_or_default()
}

/// Names of the apps. Without any, the server generates the default app.
fn known(apps: &Apps) -> Vec<(&str, AppName)> {
    if apps.is_empty() {
        return vec![("default", AppName::default_app())];
    }
    let names = apps.keys();
    names.map(|name| (name.as_str(), name.clone())).collect()
}
