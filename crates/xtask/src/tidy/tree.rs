//! What the rules read: every file of the tree, the Rust sources split, and the crates as cargo sees them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::source::Source;
use crate::workspace::{Package, Workspace};

/// The tree, read once. A test makes a small one up with [`Tree::of`].
#[derive(Debug)]
pub(crate) struct Tree {
    /// Each file's text by its path from the root, with `/`; `None` when it is not text.
    pub(crate) files: BTreeMap<String, Option<String>>,
    /// The `.rs` files, split.
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) packages: Vec<Package>,
    /// Files without their `.rs` that only tests compile, as their parents declare.
    test_modules: Vec<String>,
}

/// Folders that hold no work of ours, wherever they are.
const SKIPPED: &[&str] = &[".git", "target", "node_modules", "__pycache__", ".venv"];

impl Tree {
    /// Reads the tree under `root`.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Tree> {
        let mut files = BTreeMap::new();
        for path in paths(root)? {
            let bytes = fs::read(root.join(&path)).with_context(|| format!("cannot read {path}"))?;
            files.insert(path, String::from_utf8(bytes).ok());
        }
        Ok(Tree::new(files, Workspace::read(root)?.packages))
    }

    fn new(files: BTreeMap<String, Option<String>>, packages: Vec<Package>) -> Tree {
        let rust = files.iter().filter(|(path, _)| path.ends_with(".rs"));
        let split = rust.filter_map(|(path, text)| Some((path.clone(), Source::read(text.as_ref()?))));
        let sources: BTreeMap<String, Source> = split.collect();
        let declared = |(path, source): (&String, &Source)| {
            let folder = child_folder(path);
            let names = source.test_modules().into_iter().map(|name| format!("{folder}/{name}"));
            names.collect::<Vec<String>>()
        };
        let test_modules = sources.iter().flat_map(declared).collect();
        Tree { files, sources, packages, test_modules }
    }

    /// Every file that is text.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.files.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref()?)))
    }

    /// The text of one file, empty when there is none.
    pub(crate) fn text(&self, path: &str) -> &str {
        self.files.get(path).and_then(Option::as_deref).unwrap_or_default()
    }

    /// Whether there is a file, or a folder with something in it, at `path`.
    pub(crate) fn exists(&self, path: &str) -> bool {
        let folder = format!("{path}/");
        path.is_empty()
            || self.files.contains_key(path)
            || self.files.keys().any(|file| file.starts_with(&folder))
    }

    /// Whether only tests, benchmarks and fuzzers compile the whole file.
    pub(crate) fn is_test_file(&self, path: &str) -> bool {
        let in_test_folder = path.starts_with("crates/fuzz/")
            || !path.contains("/src/")
                && path.split('/').any(|folder| matches!(folder, "tests" | "benches" | "bench"));
        let module = path.strip_suffix(".rs").unwrap_or(path);
        let in_module = |test: &String| {
            module.strip_prefix(test.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        in_test_folder || self.test_modules.iter().any(in_module)
    }

    /// Whether only tests compile what stands at `offset` of the source at `path`.
    pub(crate) fn is_test(&self, path: &str, source: &Source, offset: usize) -> bool {
        self.is_test_file(path) || source.is_test(offset)
    }
}

/// The folder where the modules lie that the file at `path` declares.
fn child_folder(path: &str) -> &str {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    if matches!(name, "lib.rs" | "main.rs" | "mod.rs") {
        return folder;
    }
    path.strip_suffix(".rs").unwrap_or(path)
}

/// The paths of all files under `root`, from there and with `/`. Links are not followed.
pub(crate) fn paths(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot list {}", folder.display()))? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let path = entry.path();
            let skipped = SKIPPED.iter().any(|skipped| entry.file_name() == *skipped);
            if kind.is_dir() && !skipped {
                folders.push(path);
                continue;
            }
            if kind.is_file() && !skipped {
                let from_root = path.strip_prefix(root).context("a folder's files lie in it")?;
                found.push(from_root.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
impl Tree {
    /// A made-up tree of these files.
    pub(crate) fn of(files: &[(&str, &str)]) -> Tree {
        Tree::with_packages(files, Vec::new())
    }

    /// A made-up tree of these files and these crates.
    pub(crate) fn with_packages(files: &[(&str, &str)], packages: Vec<Package>) -> Tree {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), Some((*text).to_owned())));
        Tree::new(files.collect(), packages)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_for_tests_when_its_folder_or_its_parent_says_so() {
        let tree = Tree::of(&[
            ("crates/a/src/lib.rs", "#[cfg(test)]\nmod cases;\nmod tests;"),
            ("crates/a/src/pay.rs", "#[cfg(test)]\nmod oracle;"),
        ]);
        let rows = [
            ("crates/a/src/lib.rs", false),
            ("crates/a/src/cases.rs", true),
            ("crates/a/src/cases/more.rs", true),
            ("crates/a/src/cases_of_law.rs", false),
            ("crates/a/src/tests.rs", false),
            ("crates/a/src/tests/deep.rs", false),
            ("crates/a/src/pay/oracle.rs", true),
            ("crates/a/src/oracle.rs", false),
            ("crates/a/tests/http.rs", true),
            ("crates/a/benches/one.rs", true),
            ("crates/fuzz/src/entry.rs", true),
        ];
        for (path, expected) in rows {
            assert_eq!(tree.is_test_file(path), expected, "{path}");
        }
    }
}
