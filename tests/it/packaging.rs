//! Packaging files fit the program: the configuration keys exist and the addresses agree. `.ci/run`
//! tests the packages themselves.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::directory::Directory;

fn shipped(path: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(root.join(path)).unwrap()
}

/// Files that set environment variables of the program, with the minimum number of variables.
const SETTING: [(&str, usize); 4] = [
    ("Dockerfile", 2),
    ("compose.yaml", 6),
    ("packaging/hookshelf.service", 1),
    ("packaging/credentials.conf", 3),
];

/// Variables and values that a text sets, as `NAME: value` or `NAME=value`.
fn variables(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'));
    let mut found = Vec::new();
    for line in lines {
        for (at, _) in line.match_indices("HOOKSHELF__") {
            let is_name = |it: &char| it.is_ascii_uppercase() || it.is_ascii_digit() || *it == '_';
            let name: String = line[at..].chars().take_while(is_name).collect();
            let value = line[at + name.len()..].trim_start_matches([':', '=', ' ']);
            let value = value.split(' ').next().unwrap_or_default();
            found.push((name, value.to_owned()));
        }
    }
    found
}

/// A value as at run time: an existing file for a secret, and examples for placeholders.
fn settled(name: &str, value: &str, secret: &Path) -> String {
    if name.ends_with("_FILE") {
        return secret.to_str().unwrap().to_owned();
    }
    let value = value.replace("${HOOKSHELF_HOST:?write", "hooks.example.org");
    value.replace("%S", "/var/lib")
}

#[test]
fn the_program_knows_every_variable_that_is_set() {
    let directory = Directory::create();
    let secret: PathBuf = directory.join("secret");
    fs::write(&secret, "postgres://hookshelf@localhost/hookshelf\n").unwrap();
    for (path, least) in SETTING {
        let variables = variables(&shipped(path));
        assert!(variables.len() >= least, "{path}: {variables:?}");
        let checked = Command::new(env!("CARGO_BIN_EXE_hookshelf"))
            .args(["config", "check"])
            .env_clear()
            .env("HOME", directory.path())
            .envs(variables.iter().map(|(name, value)| {
                let value = settled(name, value, &secret);
                (name, value)
            }))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr);
        assert!(checked.status.success(), "{path}: {said}");
    }
}

/// Text after `before` up to the end of the word.
fn behind<'a>(text: &'a str, before: &str) -> &'a str {
    let at = text.find(before).unwrap_or_else(|| panic!("no {before}"));
    let rest = &text[at + before.len()..];
    rest.split(['\n', ' ', '}', '"']).next().unwrap()
}

#[test]
fn the_addresses_meet() {
    let default = shipped("config/default.toml");
    let (_, http) = default.split_once("\n[http]\n").unwrap();
    let listen = behind(http, "\nlisten = \"");
    let socket = shipped("packaging/hookshelf.socket");
    assert_eq!(behind(&socket, "\nListenStream="), listen);
    let caddy = shipped("packaging/Caddyfile");
    assert_eq!(behind(&caddy, "{$HOOKSHELF_UPSTREAM:"), listen);
    let image = shipped("Dockerfile");
    let port = behind(&image, "\nEXPOSE ");
    assert_eq!(behind(&image, "HOOKSHELF__HTTP__LISTEN=0.0.0.0:"), port);
    let compose = shipped("compose.yaml");
    assert_eq!(behind(&compose, "HOOKSHELF_UPSTREAM: hookshelf:"), port);
}

#[test]
fn the_image_is_built_with_the_oldest_rust_that_will_do() {
    let manifest = shipped("Cargo.toml");
    let image = shipped("Dockerfile");
    assert_eq!(
        behind(&image, "\nARG RUST="),
        behind(&manifest, "\nrust-version = \"")
    );
}
