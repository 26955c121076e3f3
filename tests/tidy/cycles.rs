//! Import cycles between files. Files that need each other should be merged, or share a third file.
//!
//! An import counts for the file that defines the item, even if a `mod.rs` re-exports it. Items
//! that a `mod.rs` defines itself belong to the whole folder: the files below may use them.

use std::collections::{BTreeMap, BTreeSet};

use crate::Fault;
use crate::imports::{Import, imports};
use crate::source::Source;

/// Maximum number of re-exports to follow.
const MOST_HANDS: usize = 8;

/// Every cycle between `files`, reported at its first file.
pub(crate) fn faults(files: &[Source]) -> Vec<Fault> {
    let say = |cycle: &Vec<String>| {
        let files = cycle.join(", ");
        format!("these files import each other: {files}: move what several need to one below them")
    };
    cycles(files)
        .iter()
        .map(|cycle| Fault::at(&cycle[0], 0, say(cycle)))
        .collect()
}

/// Groups of files that reach each other, each in alphabetical order.
fn cycles(files: &[Source]) -> Vec<Vec<String>> {
    let graph = graph(files);
    let reached: BTreeMap<_, _> = graph
        .keys()
        .map(|file| (*file, reach(&graph, file)))
        .collect();
    let mut groups = BTreeSet::new();
    for (file, others) in &reached {
        let back = |other: &&&str| reached.get(**other).is_some_and(|it| it.contains(file));
        let group: Vec<_> = others
            .iter()
            .filter(back)
            .map(ToString::to_string)
            .collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

type Graph<'a> = BTreeMap<&'a str, BTreeSet<&'a str>>;

/// All files reachable from `file`.
fn reach<'a>(graph: &Graph<'a>, file: &str) -> BTreeSet<&'a str> {
    let mut seen = BTreeSet::new();
    let mut next: Vec<_> = graph[file].iter().copied().collect();
    while let Some(file) = next.pop() {
        if seen.insert(file) {
            next.extend(graph.get(file).into_iter().flatten());
        }
    }
    seen
}

/// The import graph between files, without imports of tests.
fn graph(files: &[Source]) -> Graph<'_> {
    let house = House::of(files);
    let rooms = files
        .iter()
        .filter(|file| file.room() != "main" && !file.is_test());
    let edges = rooms.map(|file| {
        let imports = house.imports[file.path.as_str()].iter();
        let targets = imports.filter_map(|import| house.definer(&import.path, 0));
        let others = targets.filter(|target| !is_above(target, file));
        (
            file.path.as_str(),
            others.map(|it| it.path.as_str()).collect(),
        )
    });
    edges.collect()
}

/// True if `target` is `file` or a `mod.rs` around it.
fn is_above(target: &Source, file: &Source) -> bool {
    file.modules().starts_with(&target.modules())
}

/// All files by module path, and the imports of each file without those of tests.
struct House<'a> {
    files: BTreeMap<Vec<&'a str>, &'a Source>,
    imports: BTreeMap<&'a str, Vec<Import>>,
}

impl<'a> House<'a> {
    fn of(files: &'a [Source]) -> Self {
        let imported = |file: &'a Source| {
            let imports = imports(file).into_iter();
            (file.path.as_str(), imports.filter(|it| !it.test).collect())
        };
        Self {
            files: files.iter().map(|file| (file.modules(), file)).collect(),
            imports: files.iter().map(imported).collect(),
        }
    }

    /// File that defines the item at `path`.
    fn definer(&self, path: &[String], hands: usize) -> Option<&'a Source> {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let ends = (1..=path.len()).rev();
        let found = ends.filter_map(|end| Some((end, *self.files.get(&path[..end])?)));
        let (end, file) = found.into_iter().next()?;
        let Some(name) = path.get(end).filter(|_| hands < MOST_HANDS) else {
            return Some(file);
        };
        let mut imports = self.imports[file.path.as_str()].iter();
        let handed_on = imports.find(|it| it.used && it.name().is_some_and(|it| it == name));
        let further = handed_on.filter(|import| import.path != path);
        further.map_or(Some(file), |import| self.definer(&import.path, hands + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::sample(path, text))
            .collect();
        let cycles = cycles(&files).into_iter();
        cycles.map(|cycle| cycle.join(" ")).collect()
    }

    #[test]
    fn two_files_that_import_each_other_are_a_cycle() {
        let a = ("src/door/a.rs", "use super::b::B;");
        let b = ("src/door/b.rs", "fn f() { crate::door::a::f() }");
        assert_eq!(found(&[a, b]), ["src/door/a.rs src/door/b.rs"]);
        assert_eq!(
            faults(&[a, b].map(|(path, text)| Source::sample(path, text))).len(),
            1
        );
        assert!(found(&[a, ("src/door/b.rs", "use super::c;")]).is_empty());
    }

    #[test]
    fn a_detour_through_mod_rs_or_a_third_file_is_seen() {
        let files = [
            (
                "src/door/mod.rs",
                "mod a; mod b; mod c; pub use a::{A as First, f}; pub use c::C;",
            ),
            ("src/door/a.rs", "use super::b;"),
            ("src/door/b.rs", "use super::C;"),
            ("src/door/c.rs", "use super::First;"),
        ];
        assert_eq!(found(&files), ["src/door/a.rs src/door/b.rs src/door/c.rs"]);
    }

    #[test]
    fn what_mod_rs_defines_is_its_folders_and_tests_may_import_anything() {
        let files = [
            (
                "src/door/mod.rs",
                "mod a; use a::A; pub const LIMIT: u8 = 1;",
            ),
            (
                "src/door/a.rs",
                "use super::LIMIT; #[cfg(test)] mod tests { use super::super::b::B; }",
            ),
            ("src/door/b.rs", "use super::a::A;"),
            ("src/door/tests.rs", "use super::a; use super::b;"),
        ];
        assert_eq!(found(&files), [""; 0]);
    }
}
