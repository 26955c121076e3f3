//! The documents against the program: their commands run, what they show is printed, their links
//! lead somewhere, and no verb, kind or problem is left out.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Output,
};

use hookshelf::meta::event::{Kind, Problem};

use crate::support::{eventually, server::Server};

/// The documents whose `sh` blocks are run, in the order in which a reader comes by.
const RUN: [&str; 2] = ["README.md", "docs/operations.md"];

/// Marks what a document leaves out of an output.
const LEFT_OUT: &str = "…";

/// A fenced block: what stands behind the fence, and its lines.
struct Block {
    language: String,
    lines: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn document(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Every document of ours, as a path below the root.
fn documents() -> Vec<PathBuf> {
    let directories = ["", "docs", "tests/fixtures"];
    let listed = directories
        .iter()
        .flat_map(|dir| fs::read_dir(root().join(dir)).unwrap());
    let paths = listed.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|it| it == "md"))
        .collect();
    found.sort();
    assert!(found.len() >= 9, "{found:?}");
    found
}

fn blocks(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.trim_start().strip_prefix("```") {
            let inside = lines
                .by_ref()
                .take_while(|line| !line.trim_start().starts_with("```"));
            blocks.push(Block {
                language: language.to_owned(),
                lines: inside.map(|line| line.trim().to_owned()).collect(),
            });
        }
    }
    blocks
}

/// The arguments of a line of a shell block that calls this program.
fn arguments(line: &str) -> Option<Vec<String>> {
    let prefixes = ["cargo run -- ", "hookshelf "];
    let rest = prefixes
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))?;
    let (mut words, mut word, mut quote) = (Vec::new(), String::new(), None);
    for char in rest.chars() {
        match (char, quote) {
            ('"' | '\'', None) => quote = Some(char),
            (_, Some(open)) if open == char => quote = None,
            (' ', None) => words.push(std::mem::take(&mut word)),
            _ => word.push(char),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    Some(words)
}

/// A line without what differs from run to run: white space, ids, digits.
fn shape(line: &str) -> String {
    let spaced = line.split_whitespace().collect::<Vec<_>>().join(" ");
    let is_word = |char: char| char.is_ascii_alphanumeric() || char == '-';
    let mut shaped = String::new();
    for piece in spaced.split_inclusive(|char: char| !is_word(char)) {
        let word = piece.trim_end_matches(|char: char| !is_word(char));
        let is_id = word.len() >= 32 && word.chars().all(|it| it.is_ascii_hexdigit() || it == '-');
        shaped.push_str(&if is_id { "#".to_owned() } else { digits(word) });
        shaped.push_str(&piece[word.len()..]);
    }
    shaped
}

fn digits(word: &str) -> String {
    let mut shaped = word.replace(|char: char| char.is_ascii_digit(), "0");
    while shaped.contains("00") {
        shaped = shaped.replace("00", "0");
    }
    shaped
}

/// Whether the program printed a line of the form that the document shows.
fn is_shown(line: &str, printed: &str) -> bool {
    let mut printed = printed.lines().map(shape);
    match line.strip_suffix(LEFT_OUT) {
        Some(start) => printed.any(|it| it.starts_with(&shape(start))),
        None => printed.any(|it| it == shape(line)),
    }
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.matches('-').count() == 4
}

fn text(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs the commands of a document; ids in them are those of another database, so the delivery of
/// the first event stands in for them.
fn run_blocks(server: &Server, path: &str) -> usize {
    let blocks = blocks(&document(path));
    let mut ran = 0;
    for (place, block) in blocks.iter().enumerate() {
        if block.language != "sh" {
            continue;
        }
        let commands: Vec<_> = block.lines.iter().filter_map(|it| arguments(it)).collect();
        assert!(!commands.is_empty(), "{path}: a block of sh without verbs");
        let mut printed = String::new();
        for mut command in commands {
            for word in command.iter_mut().filter(|word| is_uuid(word)) {
                *word = first_delivery(server);
            }
            let words: Vec<_> = command.iter().map(String::as_str).collect();
            printed.push_str(&text(&server.run(&words)));
            ran += 1;
        }
        let shown = blocks.get(place + 1).filter(|next| next.language == "text");
        for line in shown.iter().flat_map(|block| &block.lines) {
            assert!(
                is_shown(line, &printed),
                "{path} shows `{line}`, but this is printed:\n{printed}"
            );
        }
    }
    ran
}

fn first_delivery(server: &Server) -> String {
    let shown = text(&server.run(&["events", "show", "1"]));
    let line = shown.lines().find_map(|it| it.strip_prefix("delivery_id"));
    line.unwrap().trim().to_owned()
}

#[tokio::test]
async fn the_documents_show_what_the_program_does() {
    let server = Server::start().await;
    assert_eq!(server.post("/webhook", &[], "{}").await.status, 401);
    let mut database = server.database().await;
    eventually("the rejection is written down", async || {
        let count: i64 = sqlx::query_scalar("SELECT count(*) FROM rejections")
            .fetch_one(&mut database)
            .await
            .unwrap();
        count == 1
    })
    .await;
    let ran = RUN.map(|path| run_blocks(&server, path));
    assert!(ran[0] >= 9 && ran[1] >= 5, "{ran:?}");
    // The numbers of what simulate sends are said in full.
    let sent = text(&server.run(&["simulate"]));
    let last = sent.lines().last().unwrap();
    assert!(document("README.md").contains(last), "{last}");
}

#[tokio::test]
async fn the_configurations_of_the_readme_are_right() {
    let server = Server::start().await;
    let file = server.directory.join("readme.toml");
    let examples = blocks(&document("README.md"));
    let examples = examples.iter().filter(|block| block.language == "toml");
    let mut checked = 0;
    for example in examples {
        fs::write(&file, example.lines.join("\n")).unwrap();
        let arguments = ["config", "check", "--config", file.to_str().unwrap()];
        assert!(text(&server.run(&arguments)).contains("the configuration is right"));
        checked += 1;
    }
    assert!(checked > 0);
}

/// The verbs that a help text lists, without `help` itself.
fn verbs(help: &str) -> Vec<String> {
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let listed = listed.take_while(|line| !line.is_empty());
    let names = listed.filter_map(|line| line.strip_prefix("  ").filter(|it| !it.starts_with(' ')));
    let names = names.filter_map(|line| line.split_whitespace().next());
    names
        .filter(|name| *name != "help")
        .map(ToOwned::to_owned)
        .collect()
}

fn help(verb: &[&str]) -> String {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_hookshelf"))
        .args(verb)
        .arg("--help")
        .output();
    text(&output.unwrap())
}

#[test]
fn every_verb_is_documented() {
    let all: String = documents()
        .iter()
        .filter(|path| !path.ends_with("CHANGELOG.md"))
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    let ends_there = |rest: &str| !rest.starts_with(|it: char| it.is_ascii_alphanumeric());
    let named = |verb: &str| {
        ["hookshelf ", "cargo run -- ", "`"].iter().any(|before| {
            let call = format!("{before}{verb}");
            all.split(&call).skip(1).any(ends_there)
        })
    };
    let top = verbs(&help(&[]));
    assert!(top.len() >= 11, "{top:?}");
    for verb in top {
        let below = verbs(&help(&[&verb]));
        let whole = below.iter().map(|it| format!("{verb} {it}"));
        let missing: Vec<_> = whole
            .chain([verb.clone()])
            .filter(|it| !named(it))
            .collect();
        assert!(missing.is_empty(), "no document tells of {missing:?}");
    }
}

/// The targets of the links of a document.
fn links(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("](") {
        let target = text[at + 2..].split(')').next().unwrap_or_default();
        let shown = text[..at].rsplit('[').next().unwrap_or_default();
        found.push((shown.trim_matches('`').to_owned(), target.to_owned()));
    }
    found
}

/// The anchors of the headings of a document, as the common hosts make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let slug = |line: &str| {
        let line = line.trim_start_matches('#').trim().to_lowercase();
        let kept = line
            .chars()
            .filter(|it| it.is_alphanumeric() || " -_".contains(*it));
        kept.collect::<String>().replace(' ', "-")
    };
    headings.map(slug).collect()
}

/// Whether a link into the source shows the name of the room or file, or of something in it.
fn names_what_is_there(shown: &str, file: &Path, text: &str) -> bool {
    if file.extension().is_none_or(|it| it != "rs") {
        return true;
    }
    let parts = file.with_extension("");
    let is_place = parts.iter().rev().take(2).any(|part| part == shown);
    let defined = ["fn ", "struct ", "enum "].map(|kind| format!("{kind}{shown}"));
    let ends = |rest: &str| !rest.starts_with(|it: char| it.is_alphanumeric() || it == '_');
    let is_defined = |name: &String| text.split(name.as_str()).skip(1).any(ends);
    is_place || defined.iter().any(is_defined)
}

#[test]
fn every_link_leads_somewhere() {
    let mut checked = 0;
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        for (shown, target) in links(&text) {
            if target.contains("://") {
                continue;
            }
            let (file, anchor) = target.split_once('#').unwrap_or((&target, ""));
            let file = match file {
                "" => path.clone(),
                file => path.parent().unwrap().join(file),
            };
            let there = fs::read_to_string(&file);
            let there = there.unwrap_or_else(|_| panic!("{}: no {target}", path.display()));
            let has_anchor = anchor.is_empty() || anchors(&there).iter().any(|it| it == anchor);
            assert!(has_anchor, "{}: no heading {target}", path.display());
            assert!(
                names_what_is_there(&shown, &file, &there),
                "{}: {target} has no `{shown}`",
                path.display()
            );
            checked += 1;
        }
    }
    assert!(checked > 60, "{checked}");
}

#[tokio::test]
async fn every_kind_problem_and_view_is_on_the_page_of_events() {
    let page = document("docs/events.md");
    let is_row = |name: &str| {
        page.lines()
            .any(|line| line.starts_with(&format!("| `{name}`")))
    };
    let kinds = Kind::ALL.iter().map(|kind| kind.as_str());
    let problems = Problem::ALL.iter().map(|problem| problem.as_str());
    for name in kinds.chain(problems) {
        assert!(is_row(name), "docs/events.md has no row of {name}");
    }
    let server = Server::start().await;
    let views: Vec<String> =
        sqlx::query_scalar("SELECT viewname::text FROM pg_views WHERE schemaname = 'public'")
            .fetch_all(&mut server.database().await)
            .await
            .unwrap();
    assert_eq!(views.len(), Kind::ALL.len());
    for view in views {
        assert!(
            page.contains(&format!("| `{view}` |")),
            "no row ends with the view {view}"
        );
    }
}
