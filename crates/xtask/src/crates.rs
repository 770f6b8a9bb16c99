//! How many crates somebody trusts who runs the product.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::workspace::Workspace;

/// The most crates the product may be made of, ours included. The proven set has 366 with what we left out.
const CRATES_MAX: usize = 350;

/// Prints the number of crates in the product, macros included and build scripts' own left out; an error when
/// there are too many.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let has_product = Workspace::read(root)?.package("cli").is_some();
    // Until there is a product, its parts stand in for it.
    let parts: &[&str] = if has_product { &["-p", "cli"] } else { &["--workspace", "--exclude", "xtask"] };
    let mut cargo = Command::new("cargo");
    cargo.args(["tree", "--locked", "-e", "normal", "--prefix", "none", "--format", "{p}"]).args(parts);
    let output = cargo.current_dir(root).output().context("cannot start cargo")?;
    ensure!(output.status.success(), "cargo tree: {}", String::from_utf8_lossy(&output.stderr).trim());
    let tree = String::from_utf8_lossy(&output.stdout);
    // A lock file names it for features that nobody turns on; what is built is what counts.
    ensure!(
        !names(&tree).any(|name| name == "ring"),
        "`ring` is built: `cargo tree -i ring` says why; use aws-lc-rs"
    );
    let count = distinct(&tree);
    println!("{count} of at most {CRATES_MAX} crates");
    ensure!(
        count <= CRATES_MAX,
        "{count} crates are more than {CRATES_MAX}: `cargo tree -d` shows duplicates"
    );
    Ok(())
}

fn names(tree: &str) -> impl Iterator<Item = &str> {
    tree.lines().filter_map(|line| line.split_whitespace().next())
}

/// The distinct crates of a tree printed without its branches; two versions of one crate are two.
fn distinct(tree: &str) -> usize {
    let name_and_version = |line: &str| {
        let mut words = line.split_whitespace();
        Some((words.next()?.to_owned(), words.next()?.to_owned()))
    };
    tree.lines().filter_map(name_and_version).collect::<BTreeSet<_>>().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crate_counts_once_and_two_versions_count_twice() {
        let tree =
            "book v0.1.0 (/a/book)\nsyn v2.0.1\nsyn v3.0.0\n\nbook v0.1.0 (/a/book) (*)\nsyn v2.0.1 (*)\n";
        assert_eq!(distinct(tree), 3);
        assert_eq!(distinct(""), 0);
        assert!(names("ring v0.17.14\n").any(|name| name == "ring"));
    }
}
