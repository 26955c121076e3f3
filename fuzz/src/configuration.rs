//! Any text is a configuration or its faults, one line each; neither ever shows a secret.
//!
//! What stands where a secret belongs gets a mark that stands nowhere else, and the mark must not
//! come out again. Files are in memory, whatever name the text has for them.

use std::{
    collections::BTreeMap, fs::File, os::fd::AsRawFd, os::unix::fs::FileExt, path::PathBuf,
    sync::LazyLock,
};

use nix::sys::memfd::{MFdFlags, memfd_create};
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

/// Key that holds a secret of a destination.
const DESTINATION_SECRETS: [&str; 4] = ["secret", "previous_secrets", "url", "headers"];

/// The configuration file.
static FILE: LazyLock<Memory> = LazyLock::new(Memory::new);

/// A file of two secrets.
static SECRET_FILE: LazyLock<Memory> = LazyLock::new(|| {
    let memory = Memory::new();
    memory.set(format!("{MARK}1\n{MARK}2\n").as_bytes());
    memory
});

/// A file that is on no disk and goes away with the process, however that ends.
struct Memory(File);

impl Memory {
    fn new() -> Self {
        Self(
            memfd_create("hookshelf-fuzz", MFdFlags::empty())
                .unwrap()
                .into(),
        )
    }

    fn set(&self, content: &[u8]) {
        self.0.set_len(0).unwrap();
        self.0.write_all_at(content, 0).unwrap();
    }

    fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.0.as_raw_fd()).into()
    }
}

/// Reads `data` as a configuration file, and what follows a line `# environment` as variables.
pub fn check(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return not_utf8(data);
    };
    if text.contains(MARK) {
        return;
    }
    let (file, variables) = text.split_once(ENVIRONMENT).unwrap_or((text, ""));
    let mut sources = Sources::default();
    sources.env = environment(variables);
    sources.env.push(("HOME".to_owned(), "/home/a".to_owned()));
    match file.parse::<Table>() {
        Err(_) => broken(file, &sources),
        Ok(table) => {
            if !file.contains("_file") {
                load(file, &sources);
            }
            load(&marked(table).to_string(), &sources);
        }
    }
}

fn not_utf8(data: &[u8]) {
    FILE.set(data);
    let sources = Sources {
        file: Some(FILE.path()),
        ..Sources::default()
    };
    assert!(config::load(&sources).is_err());
}

/// What is no TOML may have its secret anywhere.
fn broken(file: &str, sources: &Sources) {
    let marked = file.replace('\'', &format!("'{MARK}"));
    let marked = marked.replace('"', &format!("\"{MARK}"));
    for text in [file, &marked] {
        if text.parse::<Table>().is_err() {
            assert!(!load(text, sources));
        }
    }
}

/// Loads a configuration; whether it is one.
fn load(text: &str, sources: &Sources) -> bool {
    FILE.set(text.as_bytes());
    let sources = Sources {
        file: Some(FILE.path()),
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
fn environment(lines: &str) -> Vec<(String, String)> {
    let pairs = lines.lines().filter_map(|line| line.split_once('='));
    let known: BTreeMap<_, _> = pairs.collect();
    let marked = known.into_iter().map(|(name, value)| {
        let key = name.to_lowercase();
        let value = if key.ends_with("_file") || key == "hookshelf_config" {
            a_file(value)
        } else if key.starts_with("hookshelf__apps__") && is_secret(&key) {
            format!("{value}{MARK}")
        } else if key.starts_with("hookshelf__destinations__") && key.ends_with("secret") {
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
fn marked(mut table: Table) -> Table {
    for (section, value) in &mut table {
        match (section.as_str(), value) {
            ("apps", Value::Table(apps)) => {
                let apps = apps.iter_mut().filter_map(|(_, app)| app.as_table_mut());
                apps.for_each(|app| mark_keys(app, &SECRETS));
            }
            ("destinations", Value::Table(all)) => {
                let all = all.iter_mut().filter_map(|(_, it)| it.as_table_mut());
                all.for_each(|it| mark_keys(it, &DESTINATION_SECRETS));
            }
            ("database", Value::Table(database)) => {
                if let Some(Value::String(url)) = database.get_mut("url") {
                    *url = with_password(url);
                }
            }
            _ => {}
        }
    }
    within(&mut table);
    table
}

fn mark_keys(table: &mut Table, keys: &[&str]) {
    for (key, value) in table {
        if keys.contains(&key.as_str()) {
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
fn within(table: &mut Table) {
    for (key, value) in table {
        match value {
            Value::String(text) if key.ends_with("_file") => *text = a_file(text),
            Value::Table(table) => within(table),
            _ => {}
        }
    }
}

/// A file with secrets, or one that is not there.
fn a_file(named: &str) -> String {
    let path = if named.len() % 2 == 0 {
        SECRET_FILE.path()
    } else {
        "/nonexistent/secret".into()
    };
    path.display().to_string()
}

/// A URL with a marked password in each place that may hold one.
fn with_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let rest = match rest.find([':', '/', '?', '#', '\\']) {
        Some(at) if rest[at..].starts_with(':') => {
            format!("{}:{MARK}{}", &rest[..at], &rest[at + 1..])
        }
        _ => rest.to_owned(),
    };
    let rest = rest.replace("?password=", &format!("?password={MARK}"));
    let rest = rest.replace("&password=", &format!("&password={MARK}"));
    format!("{scheme}://{rest}")
}
