//! Vendored files: `SOURCES.toml` lists each file of `assets/vendor/` once, with its SHA-512, its
//! package and an allowed licence. `check.py` there compares the files with the packages.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha512};
use toml::{Table, Value};

use crate::Fault;
use crate::dependencies::satisfied;
use crate::source::{Source, paths};

const FOLDER: &str = "assets/vendor/";
const LIST: &str = "assets/vendor/SOURCES.toml";

/// Own files of the folder.
const OWN: &[&str] = &["SOURCES.toml", "check.py"];

/// Licence allowed for fonts, in addition to the licences of crates.
const FONTS: &str = "OFL-1.1";

/// Text in front of the name of an icon: of templates, fields, and kinds.
const NAMING: &[&str] = &[
    "icon(\"",
    "icon: \"",
    "look(\"messages\", \"",
    "look(\"comments\", \"",
    "look(\"mentions\", \"",
    "look(\"reactions\", \"",
    "look(\"buttons\", \"",
    "look(\"control\", \"",
];

/// Contents of the vendored files, by path below the folder.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

/// Reads all files of the folder that are not ours.
pub(crate) fn files() -> Files {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &String| std::fs::read(root.join(path)).expect("a readable file");
    let named = |path: String| (path[FOLDER.len()..].to_owned(), read(&path));
    let files = paths(&[FOLDER.trim_end_matches('/')], "").into_iter();
    files
        .map(named)
        .filter(|(name, _)| !OWN.contains(&name.as_str()))
        .collect()
}

/// Differences between the list and the files.
pub(crate) fn faults(list: &str, files: &Files) -> Vec<Fault> {
    let table: Table = list.parse().expect("SOURCES.toml is TOML");
    let packages = tables(table.get("package"));
    let entries: Vec<_> = packages
        .iter()
        .flat_map(|it| tables(it.get("file")))
        .collect();
    let mut faults: Vec<Fault> = packages.iter().filter_map(|it| licence(it)).collect();
    faults.extend(entries.iter().filter_map(|it| listed(it, files)));
    faults.extend(files.keys().filter_map(|name| unlisted(name, &entries)));
    faults
}

fn tables(value: Option<&Value>) -> Vec<&Table> {
    let values = value.and_then(Value::as_array).into_iter().flatten();
    values.filter_map(Value::as_table).collect()
}

fn text<'a>(table: &'a Table, key: &str) -> &'a str {
    table.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Problem with the licence or the licence file of a package.
fn licence(package: &Table) -> Option<Fault> {
    let (name, licence) = (text(package, "name"), text(package, "license"));
    let allowed = licence == FONTS || satisfied(licence) == Ok(true);
    let texts = format!(
        "licenses/{}.txt",
        name.trim_start_matches('@').replace('/', "-")
    );
    let files = tables(package.get("file"));
    let say = if !allowed {
        format!("`{name}` is under `{licence}`, which is not allowed: remove the package")
    } else if !files.iter().any(|it| text(it, "file") == texts) {
        format!("`{name}` lists no licence file: list `{texts}`")
    } else {
        return None;
    };
    Some(Fault::at(LIST, 0, say))
}

/// Problem with a listed file.
fn listed(entry: &Table, files: &Files) -> Option<Fault> {
    let name = text(entry, "file");
    let path = format!("{FOLDER}{name}");
    let Some(content) = files.get(name) else {
        let say = format!("`{name}` does not exist: write it with check.py, or remove its entry");
        return Some(Fault::at(LIST, 0, say));
    };
    if hex::encode(Sha512::digest(content)) != text(entry, "sha512") {
        let say = "its SHA-512 differs from SOURCES.toml: run check.py";
        return Some(Fault::at(&path, 0, say));
    }
    let icons = entry.get("icons")?.as_array()?;
    let icons: Vec<_> = icons.iter().filter_map(Value::as_str).collect();
    let say = "list the icons in the order of their names, each once";
    (!icons.is_sorted_by(|a, b| a < b)).then(|| Fault::at(LIST, 0, say))
}

/// Names of icons on pages that the sprite does not have.
pub(crate) fn icons(list: &str, pages: &[Source]) -> Vec<Fault> {
    let table: Table = list.parse().expect("SOURCES.toml is TOML");
    let packages = tables(table.get("package"));
    let files = packages.iter().flat_map(|it| tables(it.get("file")));
    let lists = files.filter_map(|it| it.get("icons")?.as_array());
    let icons: Vec<_> = lists.flatten().filter_map(Value::as_str).collect();
    let mut faults = Vec::new();
    for page in pages {
        let named = NAMING
            .iter()
            .flat_map(|start| page.text.split(*start).skip(1));
        let named = named.filter_map(|rest| rest.split('"').next());
        for name in named.filter(|name| !icons.contains(name)) {
            let say = format!("the sprite has no icon `{name}`: list it in {LIST}");
            faults.push(Fault::at(&page.path, 0, say));
        }
    }
    faults
}

/// Fault for a file that the list does not have exactly once.
fn unlisted(name: &str, entries: &[&Table]) -> Option<Fault> {
    let count = entries.iter().filter(|it| text(it, "file") == name).count();
    let say = format!("SOURCES.toml lists it {count} times: list each vendored file once");
    (count != 1).then(|| Fault::at(&format!("{FOLDER}{name}"), 0, say))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A package with a script, its licence, and a sprite.
    fn list() -> String {
        let file = |name: &str, rest: &str| {
            let sum = hex::encode(Sha512::digest(name));
            format!("[[package.file]]\nfile = '{name}'\nsha512 = '{sum}'\n{rest}\n")
        };
        let package = "[[package]]\nname = '@a/b'\nversion = '1.0.0'\nlicense = 'ISC AND MIT'\n";
        let files = [
            file("a.js", ""),
            file("licenses/a-b.txt", ""),
            file("icons.svg", "icons = ['bell', 'eye']"),
        ];
        format!("{package}{}", files.concat())
    }

    /// Files whose content is their name.
    fn files(names: &[&str]) -> Files {
        let file = |it: &&str| ((*it).to_owned(), it.as_bytes().to_vec());
        names.iter().map(file).collect()
    }

    const ALL: &[&str] = &["a.js", "icons.svg", "licenses/a-b.txt"];

    fn only_fault(list: &str, files: &Files) -> String {
        let faults = faults(list, files);
        assert_eq!(faults.len(), 1, "{faults:?}");
        format!("{}: {}", faults[0].path, faults[0].text)
    }

    #[test]
    fn a_listed_file_with_its_sum_is_in_step() {
        assert_eq!(faults(&list(), &files(ALL)), []);
    }

    #[test]
    fn a_missing_a_changed_and_an_unlisted_file_are_faults() {
        assert!(only_fault(&list(), &files(&ALL[1..])).contains("`a.js` does not exist"));
        let mut changed = files(ALL);
        changed.insert("a.js".to_owned(), b"b".to_vec());
        assert!(only_fault(&list(), &changed).starts_with("assets/vendor/a.js: its SHA-512"));
        let mut more = files(ALL);
        more.extend(files(&["b.js"]));
        assert!(only_fault(&list(), &more).contains("b.js: SOURCES.toml lists it 0 times"));
    }

    #[test]
    fn a_file_that_is_listed_twice_is_a_fault() {
        let list = list();
        let first = list
            .split("[[package.file]]")
            .nth(1)
            .expect("a listed file");
        let twice = format!("{list}[[package.file]]{first}");
        assert!(only_fault(&twice, &files(ALL)).contains("a.js: SOURCES.toml lists it 2 times"));
    }

    #[test]
    fn a_package_needs_an_allowed_licence_and_its_text() {
        let foreign = list().replace("ISC AND MIT", "GPL-3.0-only");
        assert!(only_fault(&foreign, &files(ALL)).contains("`@a/b` is under `GPL-3.0-only`"));
        let font = list().replace("ISC AND MIT", FONTS);
        assert_eq!(faults(&font, &files(ALL)), []);
        let other = list().replace("'@a/b'", "'@a/c'");
        assert!(only_fault(&other, &files(ALL)).contains("list `licenses/a-c.txt`"));
    }

    #[test]
    fn a_named_icon_is_listed() {
        let page = |text: &str| [Source::sample("templates/a.html", text)];
        let both = "{{ frame.icon(\"bell\") }} look(\"reactions\", \"eye\", \"Seen\")";
        assert_eq!(icons(&list(), &page(both)), []);
        let more = icons(&list(), &page(&format!("{both} icon: \"star\"")));
        assert!(
            more.len() == 1 && more[0].text.contains("no icon `star`"),
            "{more:?}"
        );
    }

    #[test]
    fn icons_are_listed_in_order_and_once() {
        for icons in ["'eye', 'bell'", "'eye', 'eye'"] {
            let list = list().replace("'bell', 'eye'", icons);
            assert!(only_fault(&list, &files(ALL)).contains("in the order of their names"));
        }
    }
}
