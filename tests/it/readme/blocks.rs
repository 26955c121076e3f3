//! Every code block has a language, and every language a rule.

use std::fs;

use hookshelf::telemetry::MESSAGES;
use serde_json::{Deserializer, Value};

use super::pages::{self, Page};
use crate::support::desk::Desk;

/// Languages of blocks that a test runs or reads.
const TRIED: [&str; 6] = ["sh", "sql", "text", "toml", "json", "log"];

/// Languages of blocks that are not run, and why. Lines in them that call this program have to be
/// such as it understands all the same.
const NOT_RUN: [(&str, &str); 11] = [
    (
        "shellsession",
        "is the sample of the README, which docs/record.sh records and compares",
    ),
    (
        "console",
        "needs what a test has not: root, Meta, a browser, a package manager, another host",
    ),
    ("diagram", "is a picture"),
    ("http", "is what Meta sends"),
    (
        "ini",
        "is a unit of systemd, which does not run where tests do",
    ),
    (
        "Caddyfile",
        "is for a proxy; .ci/run starts one where it is installed",
    ),
    (
        "nginx",
        "is for a proxy that is not installed where tests run",
    ),
    (
        "yaml",
        "is for a container engine, which does not run where tests do",
    ),
    (
        "js",
        "is for a node of n8n, which does not run where tests do",
    ),
    (
        "dockerfile",
        "is for a container engine, which does not run where tests do",
    ),
    (
        "rust",
        "is code, which `cargo test --doc` runs where it belongs",
    ),
];

/// Blocks with an unknown language, and output blocks without a command.
fn faults(page: &Page) -> Vec<String> {
    let mut faults = Vec::new();
    let mut before = "";
    let blocks = page.blocks();
    for block in &blocks {
        let language = block.language.as_str();
        let known = TRIED.contains(&language) || NOT_RUN.iter().any(|(it, _)| *it == language);
        if !known {
            faults.push(format!(
                "{}:{}: no rule for the language `{language}`: say `sh` and it is run, `console` \
                 and it is not",
                page.name, block.line
            ));
        }
        if language == "text" && !matches!(before, "sh" | "sql") {
            faults.push(format!(
                "{}:{}: a text after no `sh` or `sql`: nothing proves it",
                page.name, block.line
            ));
        }
        before = language;
    }
    faults
}

#[test]
fn every_block_has_a_rule() {
    let faults: Vec<_> = pages::all().iter().flat_map(faults).collect();
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn a_block_without_a_rule_is_a_fault() {
    let page = |text: &str| Page {
        name: "docs/a.md".to_owned(),
        text: text.to_owned(),
    };
    assert_eq!(faults(&page("```\na\n```\n")).len(), 1);
    assert_eq!(faults(&page("```text\na\n```\n")).len(), 1);
    assert_eq!(faults(&page("```perl\na\n```\n```text\nb\n```\n")).len(), 2);
    let fine = "```sh\na\n```\n```text\nb\n```\n1. c\n   ```console\n   d\n   ```\n";
    assert!(faults(&page(fine)).is_empty());
    assert_eq!(page(fine).blocks()[2].lines, ["d"]);
}

/// The configuration of a document with existing files for its `_file` keys.
fn with_own_files(toml: &str, secret: &str) -> String {
    let own = |line: &str| match line.split_once("_file = \"") {
        Some((key, _)) => format!("{key}_file = \"{secret}\""),
        None => line.to_owned(),
    };
    toml.lines().map(own).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_configuration_is_right() {
    let desk = Desk::create().await;
    let secret = desk.file("secret").display().to_string();
    fs::write(&secret, "a secret of a document\n").unwrap();
    let mut checked = 0;
    for page in pages::all() {
        for block in page.blocks().iter().filter(|it| it.language == "toml") {
            let toml = with_own_files(&block.text(), &secret);
            fs::write(desk.file("shown.toml"), toml).unwrap();
            let output = desk.run("hookshelf config check --config shown.toml");
            let said = String::from_utf8_lossy(&output.stderr);
            let place = format!("{}:{}", page.name, block.line);
            assert!(output.status.success(), "{place}: {said}");
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn every_json_is_json() {
    let mut checked = 0;
    for page in pages::all() {
        for block in page.blocks().iter().filter(|it| it.language == "json") {
            let text = block.text();
            let values: Result<Vec<Value>, _> = Deserializer::from_str(&text).into_iter().collect();
            let place = format!("{}:{}", page.name, block.line);
            assert!(values.is_ok_and(|it| !it.is_empty()), "{place}: {text}");
            checked += 1;
        }
    }
    assert!(checked > 0);
}

#[test]
fn every_line_of_the_log_is_one_that_is_logged() {
    let mut checked = 0;
    for page in pages::all() {
        for block in page.blocks().iter().filter(|it| it.language == "log") {
            for line in &block.lines {
                let mut messages = MESSAGES.into_iter().flatten();
                let known = messages.any(|message| line.contains(message.text));
                assert!(known, "{}:{}: {line}", page.name, block.line);
                checked += 1;
            }
        }
    }
    assert!(checked > 0);
}
