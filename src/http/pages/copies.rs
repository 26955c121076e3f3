//! *Copy as*: the data of a page for other programs, each as one text with its values quoted.

use jiff::Timestamp;

use crate::{
    config::BasePath,
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

/// Copies of an event.
pub(super) fn of_event(
    (origin, base): (&str, &BasePath),
    scope: &Scope,
    position: i64,
    payload: Option<&str>,
) -> Vec<CopyEntry> {
    let path = format!("{base}/v1/events/{position}");
    let mut copies = vec![json(path.clone())];
    copies.extend(payload.map(|payload| copy("Payload", payload.to_owned())));
    copies.push(copy("Link", format!("{origin}{base}/events/{position}")));
    copies.push(curl(origin, &path));
    copies.push(command((origin, base), &format!("events show {position}")));
    copies.extend(statement_for(scope, event_statement(position)));
    copies
}

/// Copies of a list of events. `page` is what the parameters ask for, and `searched` the time to
/// which a search came.
pub(super) fn of_events(
    origin: &str,
    scope: &Scope,
    parameters: &Parameters,
    (page, searched): (EventPage, Option<Timestamp>),
) -> Vec<CopyEntry> {
    let without_open = [("open", String::new())];
    let path = shown::url("/v1/events", parameters, &without_open);
    let link = shown::url("/events", parameters, &without_open);
    let mut copies = vec![
        json(path.clone()),
        copy("Link", format!("{origin}{link}")),
        curl(origin, &path),
    ];
    // The command lists the newest events, or those behind a position.
    if parameters.get("before").is_none() {
        let options = parameters
            .pairs()
            .filter(|(name, _)| OPTIONS.contains(name));
        let options = options.map(|(name, value)| format!(" --{name}={}", quoted(value)));
        let options: String = options.collect();
        let list = format!("events list --limit={}{options}", page.limit);
        copies.push(command((origin, parameters.base()), &list));
    }
    let filter = EventFilter {
        since: page.filter.since.or(searched),
        ..page.filter.clone()
    };
    copies.extend(statement_for(
        scope,
        EventPage { filter, ..page }.statement(),
    ));
    copies
}

fn copy(name: &'static str, text: String) -> CopyEntry {
    CopyEntry {
        key: name.chars().next().unwrap_or_default().to_ascii_lowercase(),
        name,
        text,
        is_path: false,
    }
}

fn json(path: String) -> CopyEntry {
    CopyEntry {
        is_path: true,
        ..copy("JSON", path)
    }
}

/// Request of an API path. `-g` takes the brackets of an IPv6 address as they are.
fn curl(origin: &str, path: &str) -> CopyEntry {
    let url = quoted(&format!("{origin}{path}"));
    copy(
        "curl",
        format!("curl -fsSg -H \"Authorization: Bearer $HOOKSHELF_TOKEN\" {url}"),
    )
}

/// Command that prints JSON. It reads the token from its environment.
fn command((origin, base): (&str, &BasePath), verb: &str) -> CopyEntry {
    let url = quoted(&format!("{origin}{base}"));
    copy(
        "hookshelf command",
        format!("hookshelf {verb} --json --url={url}"),
    )
}

/// A statement shows everything, so it is no copy of a page with a part of the data.
fn statement_for(scope: &Scope, statement: String) -> Option<CopyEntry> {
    (!scope.is_restricted()).then(|| copy("SQL", statement))
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
