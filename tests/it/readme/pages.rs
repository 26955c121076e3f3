//! All Markdown files of the repository, and their code blocks.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Directories without our documents.
const NOT_OURS: [&str; 3] = [".git", "target", "node_modules"];

/// A document.
pub(super) struct Page {
    /// Path relative to the root.
    pub(super) name: String,
    pub(super) text: String,
}

/// A fenced block.
pub(super) struct Block {
    /// Language after the fence.
    pub(super) language: String,
    pub(super) lines: Vec<String>,
    /// Line of the fence, counted from one.
    pub(super) line: usize,
}

/// All documents.
pub(super) fn all() -> Vec<Page> {
    let mut paths = Vec::new();
    walk(root(), &mut paths);
    paths.sort();
    assert!(paths.len() >= 9, "{paths:?}");
    paths.iter().map(|path| page(path)).collect()
}

/// A document by its name.
pub(super) fn named(name: &str) -> Page {
    page(&root().join(name))
}

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(path: &Path) -> Page {
    Page {
        name: path.strip_prefix(root()).unwrap().display().to_string(),
        text: fs::read_to_string(path).unwrap(),
    }
}

fn walk(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let ours = NOT_OURS.iter().all(|name| !path.ends_with(name));
        if path.is_dir() && ours {
            walk(&path, found);
        } else if path.extension().is_some_and(|it| it == "md") {
            found.push(path);
        }
    }
}

impl Page {
    /// Blocks of the page.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut lines = (1..).zip(self.text.lines());
        while let Some((line, fence)) = lines.next() {
            let Some(language) = fence.trim_start().strip_prefix("```") else {
                continue;
            };
            let indent = fence.len() - fence.trim_start().len();
            let inside = lines.by_ref().map(|(_, inside)| inside);
            let inside = inside.take_while(|inside| !inside.trim_start().starts_with("```"));
            let undone = |inside: &str| inside.get(indent..).unwrap_or_default().to_owned();
            blocks.push(Block {
                language: language.trim().to_owned(),
                lines: inside.map(undone).collect(),
                line,
            });
        }
        blocks
    }

    /// Text of the page without its blocks.
    pub(super) fn prose(&self) -> String {
        let parts = self.text.split("```").step_by(2);
        parts.collect::<Vec<_>>().join("\n")
    }
}

impl Block {
    /// Text of the block.
    pub(super) fn text(&self) -> String {
        self.lines.join("\n")
    }
}
