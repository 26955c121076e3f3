//! Any text is a configuration or its faults, one line each; neither ever shows a secret.
//!
//! What stands where a secret belongs gets a mark that stands nowhere else, and the mark must not
//! come out again. Files that the text names are put into a directory of our own.

use std::{cell::RefCell, collections::BTreeMap, fs, path::Path};

use tempfile::TempDir;
use toml::{Table, Value};

use crate::config::{self, Sources};

/// Stands in every secret. Upper case, so that no file name or key of ours is like it.
const MARK: &str = "HUSH4HUSH";

/// Between the file and the environment.
const ENVIRONMENT: &str = "\n# environment\n";

/// What holds a secret, in a file and as the end of a variable's name.
const SECRETS: [&str; 4] = [
    "app_secret",
    "instagram_app_secret",
    "previous_secrets",
    "verify_token",
];

thread_local! {
    static DIRECTORY: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Reads `data` as a configuration file, and what follows a line `# environment` as variables.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return with_directory(|directory| not_utf8(data, directory));
    };
    if text.contains(MARK) {
        return;
    }
    let (file, variables) = text.split_once(ENVIRONMENT).unwrap_or((text, ""));
    with_directory(|directory| {
        let mut sources = Sources::default();
        sources.env = environment(variables, directory);
        sources.env.push(("HOME".to_owned(), "/home/a".to_owned()));
        match file.parse::<Table>() {
            Err(_) => broken(file, sources, directory),
            Ok(table) => {
                if !file.contains("_file") {
                    load(file, &sources, directory);
                }
                let marked = marked(table, directory);
                load(&marked.to_string(), &sources, directory);
            }
        }
    });
}

fn with_directory(check: impl FnOnce(&Path)) {
    DIRECTORY.with_borrow_mut(|directory| {
        let directory = directory.get_or_insert_with(|| {
            let made = TempDir::new().unwrap();
            fs::write(made.path().join("secret"), format!("{MARK}1\n{MARK}2\n")).unwrap();
            made
        });
        check(directory.path());
    });
}

fn not_utf8(data: &[u8], directory: &Path) {
    let path = directory.join("hookshelf.toml");
    fs::write(&path, data).unwrap();
    let sources = Sources {
        file: Some(path),
        ..Sources::default()
    };
    assert!(config::load(&sources).is_err());
}

/// What is no TOML may have its secret anywhere.
fn broken(file: &str, sources: Sources, directory: &Path) {
    let marked = file.replace('\'', &format!("'{MARK}"));
    let marked = marked.replace('"', &format!("\"{MARK}"));
    for text in [file, &marked] {
        if text.parse::<Table>().is_err() {
            assert!(!load(text, &sources, directory));
        }
    }
}

/// Loads a configuration; whether it is one.
fn load(text: &str, sources: &Sources, directory: &Path) -> bool {
    let path = directory.join("hookshelf.toml");
    fs::write(&path, text).unwrap();
    let sources = Sources {
        file: Some(path),
        ..sources.clone()
    };
    match config::load(&sources) {
        Ok(config) => {
            let printed = config.print();
            check_silence(&[&printed, &format!("{config:?}")]);
            assert!(printed.parse::<Table>().is_ok(), "{printed}");
            true
        }
        Err(faults) => {
            check_silence(&[&faults.to_string(), &format!("{faults:?}")]);
            assert!(!faults.is_empty());
            for fault in faults.iter() {
                let line = fault.to_string();
                assert!(!line.contains(char::is_control), "{line:?}");
            }
            false
        }
    }
}

fn check_silence(texts: &[&str]) {
    for text in texts {
        assert!(!text.contains(MARK), "{text}");
    }
}

/// The variables of lines `NAME=value`.
fn environment(lines: &str, directory: &Path) -> Vec<(String, String)> {
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    let known: BTreeMap<_, _> = pairs.collect();
    let marked = known.into_iter().map(|(name, value)| {
        let key = name.to_lowercase();
        let value = if key.ends_with("_file") || key == "hookshelf_config" {
            a_file(value, directory)
        } else if key.starts_with("hookshelf__apps__") && is_secret(&key) {
            format!("{value}{MARK}")
        } else if key == "database_url" || key.ends_with("__url") {
            with_password(value)
        } else {
            value.to_owned()
        };
        (name.to_owned(), value)
    });
    marked.collect()
}

fn is_secret(key: &str) -> bool {
    SECRETS.iter().any(|secret| key.ends_with(secret))
}

/// The same file with every secret marked.
fn marked(mut table: Table, directory: &Path) -> Table {
    for (section, value) in &mut table {
        match (section.as_str(), value) {
            ("apps", Value::Table(apps)) => {
                let apps = apps.iter_mut().filter_map(|(_, app)| app.as_table_mut());
                apps.for_each(mark_app);
            }
            ("database", Value::Table(database)) => {
                if let Some(Value::String(url)) = database.get_mut("url") {
                    *url = with_password(url);
                }
            }
            _ => {}
        }
    }
    within(&mut table, directory);
    table
}

fn mark_app(app: &mut Table) {
    for (key, value) in app {
        if SECRETS.contains(&key.as_str()) {
            mark(value);
        }
    }
}

/// Marks every text in a value: also in a list or table where neither belongs.
fn mark(value: &mut Value) {
    match value {
        Value::String(text) => *text = format!("{text}{MARK}"),
        Value::Array(items) => items.iter_mut().for_each(mark),
        Value::Table(table) => table.iter_mut().for_each(|(_, value)| mark(value)),
        _ => {}
    }
}

/// Lets every key that names a file name one of ours.
fn within(table: &mut Table, directory: &Path) {
    for (key, value) in table {
        match value {
            Value::String(text) if key.ends_with("_file") => *text = a_file(text, directory),
            Value::Table(table) => within(table, directory),
            _ => {}
        }
    }
}

/// A file with secrets, or one that is not there.
fn a_file(named: &str, directory: &Path) -> String {
    let name = if named.len() % 2 == 0 {
        "secret"
    } else {
        "absent"
    };
    directory.join(name).display().to_string()
}

/// A URL with a password in each place that may hold one.
fn with_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = match rest.split_once(':') {
        Some((user, rest)) => format!("{user}:{MARK}{rest}"),
        None => rest.to_owned(),
    };
    let rest = rest.replace("password=", &format!("password={MARK}"));
    format!("{scheme}://{rest}")
}
