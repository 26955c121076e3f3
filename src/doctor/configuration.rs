//! The configuration: what is wrong with it, or where it comes from.

use super::finding::{Check, Finding};
use crate::config::{Config, Faults, Sources};

/// Every fault, and what cannot be looked at because of them.
pub(super) fn faulty(faults: &Faults) -> Vec<Finding> {
    let wrong = faults.iter().map(|fault| {
        Finding::wrong(Check::Configuration, fault.to_string())
            .means("the server does not start with it, and a reload is refused")
            .remedy("correct it; `hookshelf config check` checks it again")
    });
    let others = Check::ALL
        .into_iter()
        .filter(|check| *check != Check::Configuration);
    let unchecked =
        others.map(|check| Finding::unchecked(check, "the configuration has to be right first"));
    wrong.chain(unchecked).collect()
}

/// Reports the source of a valid configuration.
pub(super) fn right(config: &Config, sources: &Sources) -> Finding {
    let file = match sources.config_file() {
        Some(file) => format!("read from {}", file.display()),
        None => "no file; defaults and the environment".to_owned(),
    };
    let names: Vec<_> = config.apps.keys().map(ToString::to_string).collect();
    let apps = if names.is_empty() {
        "none, so the server keeps credentials of its own".to_owned()
    } else {
        names.join(", ")
    };
    Finding::ok(Check::Configuration, format!("{file}; apps: {apps}"))
}
