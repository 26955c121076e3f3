//! *Copy as*: the data of a page for other programs, each as one text with its values quoted.

use jiff::Timestamp;

use super::visit::Visit;
use crate::{
    http::{api::shown, parameters::Parameters},
    query::{EventFilter, EventPage, Scope, event_statement},
};

/// An entry of the menu.
#[derive(Debug)]
pub(super) struct CopyEntry {
    /// Key that chooses it, its first letter.
    pub(super) key: char,
    pub(super) name: &'static str,
    /// The text, or the path of the text.
    pub(super) text: String,
    /// True if the text is read from the path when it is copied.
    pub(super) is_path: bool,
}

/// Parameters of the list of events that `hookshelf events list` has, too.
const OPTIONS: [&str; 20] = [
    "kind", "field", "app", "client", "account", "person", "message", "comment", "media",
    "delivery", "source", "problem", "echo", "late", "username", "since", "until", "text",
    "payload", "after",
];

/// Maximum size of a text in a copy.
pub(super) const MOST: usize = 8 << 10;

/// An object or a list, as the page shows it and as other programs get it.
#[derive(Debug)]
pub(super) struct Copied<'c> {
    pub(super) visit: &'c Visit,
    /// Path and query of the page.
    pub(super) page: String,
    /// Path and query of the API; `None` if it has no such part.
    pub(super) api: Option<String>,
    /// Verb of the command with its options, and its arguments; `None` if no command has such a part.
    pub(super) command: Option<(String, Vec<String>)>,
    pub(super) statement: Option<String>,
}

impl Copied<'_> {
    /// Entries of the menu. A statement shows everything, so it is no copy of a part of the data.
    pub(super) fn entries(self, scope: &Scope) -> Vec<CopyEntry> {
        let Visit { origin, base, .. } = self.visit;
        let mut entries = Vec::new();
        entries.extend(self.api.clone().map(|api| from("JSON", api)));
        entries.push(copy("Link", format!("{origin}{}", self.page)));
        entries.extend(self.api.map(|api| copy("curl", curl(origin, &api))));
        entries.extend(self.command.map(|(verb, arguments)| {
            let url = quoted(&format!("{origin}{base}"));
            let arguments = arguments.iter().map(|it| format!(" {}", quoted(it)));
            let arguments: String = arguments.collect();
            let mark = if arguments.is_empty() { "" } else { " --" };
            let command = format!("hookshelf {verb} --json --url={url}{mark}{arguments}");
            copy("hookshelf command", command)
        }));
        let statement = self.statement.filter(|_| !scope.is_restricted());
        entries.extend(statement.map(|statement| copy("SQL", statement)));
        entries
    }
}

/// Copies of an event.
pub(super) fn of_event(
    visit: &Visit,
    scope: &Scope,
    position: i64,
    payload: Option<&str>,
) -> Vec<CopyEntry> {
    let base = &visit.base;
    let copied = Copied {
        visit,
        page: format!("{base}/events/{position}"),
        api: Some(format!("{base}/v1/events/{position}")),
        command: Some((format!("events show {position}"), Vec::new())),
        statement: Some(event_statement(position)),
    };
    let payload = payload.filter(|payload| payload.len() <= MOST);
    let mut entries = copied.entries(scope);
    entries.extend(payload.map(|payload| copy("Payload", payload.to_owned())));
    entries
}

/// Copies of a list of events. `page` is what the parameters ask for, and `searched` the time to
/// which a search came.
pub(super) fn of_events(
    visit: &Visit,
    scope: &Scope,
    parameters: &Parameters,
    (page, searched): (EventPage, Option<Timestamp>),
) -> Vec<CopyEntry> {
    let without_open = [("open", String::new())];
    let filter = EventFilter {
        since: page.filter.since.or(searched),
        ..page.filter.clone()
    };
    // The command lists the newest events, or those behind a position.
    let is_command = parameters.get("before").is_none();
    let command = || {
        let given = parameters.pairs();
        let given = given.filter(|(name, _)| OPTIONS.contains(name));
        (
            format!("events list --limit={}{}", page.limit, options(given)),
            Vec::new(),
        )
    };
    let copied = Copied {
        visit,
        page: shown::url("/events", parameters, &without_open),
        api: Some(shown::url("/v1/events", parameters, &without_open)),
        command: is_command.then(command),
        statement: Some(EventPage { filter, ..page }.statement()),
    };
    copied.entries(scope)
}

/// Options of a command.
pub(super) fn options<'n, 'v>(given: impl Iterator<Item = (&'n str, &'v str)>) -> String {
    let options = given.map(|(name, value)| format!(" --{name}={}", quoted(value)));
    options.collect()
}

/// Entry with a text.
pub(super) fn copy(name: &'static str, text: String) -> CopyEntry {
    CopyEntry {
        key: name.chars().next().unwrap_or_default().to_ascii_lowercase(),
        name,
        text,
        is_path: false,
    }
}

/// Entry whose text is read from a path when it is copied.
pub(super) fn from(name: &'static str, path: String) -> CopyEntry {
    CopyEntry {
        is_path: true,
        ..copy(name, path)
    }
}

/// Request of an API path. `-g` takes the brackets of an IPv6 address as they are.
pub(super) fn curl(origin: &str, path: &str) -> String {
    let url = quoted(&format!("{origin}{path}"));
    format!("curl -fsSg -H \"Authorization: Bearer $HOOKSHELF_TOKEN\" {url}")
}

/// A value as one word of a shell.
pub(super) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_quoted_value_is_one_word() {
        assert_eq!(quoted("it's $HOME\n`id`"), "'it'\\''s $HOME\n`id`'");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        #[test]
        fn a_shell_reads_back_each_value(value in "[^\0]{0,40}") {
            let command = format!("printf %s {}", quoted(&value));
            let output = std::process::Command::new("sh").arg("-c").arg(command).output().unwrap();
            prop_assert_eq!(output.stdout, value.as_bytes());
        }
    }
}
