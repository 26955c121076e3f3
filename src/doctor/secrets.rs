//! Secrets and verify tokens: whether they look like what they should be, and who can read them.
//!
//! Nothing here says a single character of one.

use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt, path::Path};

use secrecy::ExposeSecret;

use super::finding::{self, Check, Finding};
use crate::config::{App, SecretSource, credentials, place_of_secret};

/// Digits of an app secret as Meta shows it.
const META_DIGITS: usize = 32;

/// Digits of the secret of a first start.
const MADE_DIGITS: usize = 64;

/// A verify token may be shorter, but not by much before it can be guessed.
const TOKEN_CHARACTERS: usize = 16;

/// Minimum number of different characters; fewer suggest a key held down.
const DIFFERENT_CHARACTERS: usize = 6;

/// Looks at the secrets of each app, and then at the files that hold them.
pub(super) fn check(apps: &[App]) -> Vec<Finding> {
    let mut findings: Vec<_> = apps.iter().flat_map(of_app).collect();
    findings.extend(files(apps));
    findings
}

fn of_app(app: &App) -> Vec<Finding> {
    let is_made = is_generated(app.source("app_secret"));
    let strange = app.secrets.iter().filter_map(|named| {
        let looks = strange(named.secret.expose_secret(), app, is_made)?;
        Some(misplaced(&named.name, looks))
    });
    let mut found: Vec<_> = strange.collect();
    found.extend(same_twice(app));
    found.extend(weak_token(app));
    if found.is_empty() {
        let names: Vec<_> = app.secrets.iter().map(|named| &*named.name).collect();
        let said = format!("{} and the verify token look right", names.join(", "));
        found.push(Finding::ok(Check::Secrets, said));
    }
    finding::of_app(app, found)
}

fn is_generated(source: Option<&SecretSource>) -> bool {
    source
        .and_then(SecretSource::file)
        .is_some_and(|file| file.ends_with(credentials::FILE_NAME))
}

/// Describes the problem if `secret` does not look like a secret.
fn strange(secret: &str, app: &App, generated: bool) -> Option<&'static str> {
    let token = app.verify_token.as_ref().map(ExposeSecret::expose_secret);
    let is_hex = secret.bytes().all(|byte| byte.is_ascii_hexdigit());
    let is_access_token = ["EAA", "IGA", "IGQ"]
        .iter()
        .any(|start| secret.starts_with(start));
    if token == Some(secret) {
        Some("is the verify token")
    } else if is_access_token || secret.contains('|') {
        Some("looks like an access token")
    } else if is_hex && (secret.len() == META_DIGITS || generated && secret.len() == MADE_DIGITS) {
        None
    } else if secret.bytes().all(|byte| byte.is_ascii_digit()) {
        Some("looks like an id of an app or an account")
    } else {
        Some("is not 32 hexadecimal digits")
    }
}

fn misplaced(name: &str, looks: &str) -> Finding {
    let (key, page) = place_of_secret(name);
    Finding::warning(Check::Secrets, format!("the secret {name} {looks}"))
        .means("Meta signs with the app secret; with anything else every delivery is refused")
        .remedy(format!("compare {key} with {page}"))
}

fn same_twice(app: &App) -> Option<Finding> {
    let mut known: BTreeMap<&str, &str> = BTreeMap::new();
    let found = app.secrets.iter().find_map(|named| {
        let (first, second) = (
            known.insert(named.secret.expose_secret(), &named.name)?,
            &named.name,
        );
        Some(format!("{first} and {second} are the same secret"))
    });
    Some(
        Finding::warning(Check::Secrets, found?)
            .means("one of them was probably copied from the wrong place")
            .remedy("the two app secrets differ at Meta; take out or correct one"),
    )
}

fn weak_token(app: &App) -> Option<Finding> {
    let Some(token) = &app.verify_token else {
        return Some(
            Finding::warning(Check::Secrets, "no verify token is set")
                .means("every challenge is refused, so Meta cannot register the callback URL")
                .remedy(format!("set verify_token under [apps.{}]", app.name)),
        );
    };
    let text = token.expose_secret();
    let mut characters: Vec<_> = text.chars().collect();
    let length = characters.len();
    characters.sort_unstable();
    characters.dedup();
    let is_weak = length < TOKEN_CHARACTERS || characters.len() < DIFFERENT_CHARACTERS;
    is_weak.then(|| {
        Finding::warning(Check::Secrets, "the verify token is easy to guess")
            .means("anyone who guesses it can register this callback URL with their own app")
            .remedy(
                "choose one of 16 characters or more, such as `openssl rand -hex 16` makes, here \
                 and in the App Dashboard",
            )
    })
}

/// Checks the permissions of the secret files. Group access is fine, for shared volumes.
fn files(apps: &[App]) -> Vec<Finding> {
    let sources = apps.iter().flat_map(App::secret_sources);
    let mut files: Vec<_> = sources.filter_map(|(_, source)| source.file()).collect();
    files.sort_unstable();
    files.dedup();
    let mut found: Vec<_> = files.iter().filter_map(|file| exposed(file)).collect();
    if found.is_empty() && !apps.is_empty() {
        let said = match files.len() {
            0 => "no file holds a secret".to_owned(),
            count => format!("no other user can read the files with secrets ({count})"),
        };
        found.push(Finding::ok(Check::Files, said));
    }
    found
}

fn exposed(file: &Path) -> Option<Finding> {
    const OTHERS: u32 = 0o007;
    let mode = fs::metadata(file).ok()?.permissions().mode() & 0o777;
    let file = file.display();
    (mode & OTHERS != 0).then(|| {
        let found = format!("{file} can be read by every user of this machine (mode {mode:03o})");
        let remedy =
            format!("chmod 600 {file}, unless no one else has an account here, as in a container");
        Finding::warning(Check::Files, found)
            .means("anyone who knows a secret can forge deliveries")
            .remedy(remedy)
    })
}

#[cfg(test)]
mod tests {
    use super::super::finding::Verdict;
    use super::*;
    use crate::config::{Sources, load};

    /// Findings for an app with these keys.
    fn said(keys: &[(&str, &str)]) -> Vec<Finding> {
        let env = keys.iter().map(|(key, value)| {
            let name = format!("HOOKSHELF__APPS__DEFAULT__{key}");
            (name, (*value).to_owned())
        });
        let home = ("HOME".to_owned(), "/home/a".to_owned());
        let sources = Sources {
            env: env.chain([home]).collect(),
            ..Sources::default()
        };
        let config = load(&sources).unwrap();
        let findings = check(&config.apps.values().cloned().collect::<Vec<_>>());
        for (_, value) in keys {
            let shown = format!("{findings:?}");
            assert!(!shown.contains(value), "{shown}");
        }
        findings
    }

    const APP: &str = "0123456789abcdef0123456789abcdef";
    const TOKEN: &str = "two loaves of bread";

    #[test]
    fn what_is_pasted_by_mistake_is_recognised_and_not_shown() {
        for (secret, said_of_it) in [
            ("EAAGm0PX4ZCpsBO7", "looks like an access token"),
            ("IGAAxyz0123", "looks like an access token"),
            ("815000000000001|abc", "looks like an access token"),
            ("815000000000001", "looks like an id"),
            ("hunter2hunter2", "is not 32 hexadecimal digits"),
            (TOKEN, "is the verify token"),
        ] {
            let findings = said(&[("APP_SECRET", secret), ("VERIFY_TOKEN", TOKEN)]);
            assert_eq!(findings[0].verdict, Verdict::Warning);
            assert!(findings[0].found.contains(said_of_it), "{findings:?}");
        }
    }

    #[test]
    fn the_same_secret_twice_and_a_weak_token_are_told() {
        let findings = said(&[
            ("APP_SECRET", APP),
            ("PREVIOUS_SECRETS", APP),
            ("VERIFY_TOKEN", "aaaaaaaaaaaaaaaaaaaa"),
        ]);
        let found: Vec<_> = findings.iter().map(|it| &*it.found).collect();
        assert_eq!(
            found[..2],
            [
                "app and previous-1 are the same secret",
                "the verify token is easy to guess"
            ]
        );
        let findings = said(&[("APP_SECRET", APP)]);
        assert_eq!(findings[0].found, "no verify token is set");
    }
}
