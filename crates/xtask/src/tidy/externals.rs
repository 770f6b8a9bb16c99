//! Which crates of others may not be used: in the core because it is pure, anywhere because we have one of the kind.

use crate::tidy::Finding;
use crate::tidy::arrows::declared_at;
use crate::tidy::tree::Tree;
use crate::workspace::{Dependency, Section};

/// Crates of ours, what they may not depend on outside of tests, and why.
const BANNED: &[(&[&str], &[&str], &str)] = &[
    (
        CORE,
        &["serde", "serde_json", "serde_derive"],
        "the journal has its own bytes and JSON its own types in `wire`",
    ),
    (CORE, &["tokio", "futures", "futures-util", "async-trait"], "the core waits for nothing"),
    (CORE, &["rand", "rand_core", "getrandom", "fastrand"], "randomness is an argument"),
    (&["engine"], &["serde_json", "axum", "hyper", "http"], "the engine knows no JSON and no HTTP"),
];

const CORE: &[&str] = &["book", "evidence"];

/// What may not be in any lock file, and what to use.
const BANNED_EVERYWHERE: &[(&str, &str)] = &[
    ("openssl", "rustls with aws-lc-rs"),
    ("openssl-sys", "rustls with aws-lc-rs"),
    ("native-tls", "rustls with aws-lc-rs"),
];

/// No crate of ours declares a dependency, and no lock file holds a package, that the tables forbid.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (ours, names, why) in BANNED {
        for package in tree.packages.iter().filter(|package| ours.contains(&package.name.as_str())) {
            let banned = |dependency: &&Dependency| {
                names.contains(&dependency.name.as_str()) && dependency.section != Section::Dev
            };
            for dependency in package.dependencies.iter().filter(banned) {
                let line = declared_at(tree, &package.manifest, dependency);
                let advice = format!("`{}` may not depend on `{}`: {why}", package.name, dependency.name);
                findings.push(Finding::new(&package.manifest, line, advice));
            }
        }
    }
    let is_lock = |path: &str| path == "Cargo.lock" || path.ends_with("/Cargo.lock");
    for (path, text) in tree.texts().filter(|(path, _)| is_lock(path)) {
        findings.extend(locked(path, text));
    }
    findings
}

fn locked(path: &str, text: &str) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let name = line.strip_prefix("name = \"").and_then(|rest| rest.strip_suffix('"'));
        if let Some((name, instead)) = BANNED_EVERYWHERE.iter().find(|(banned, _)| name == Some(banned)) {
            let advice = format!("`{name}` came in (`cargo tree -i {name}` says how); use {instead}");
            findings.push(Finding::new(path, at + 1, advice));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;
    use crate::workspace::Package;

    #[test]
    fn the_core_has_no_use_for_them() {
        use Section::{Build, Dev, Normal};
        let rows: &[(&str, &str, Section, usize)] = &[
            ("book", "serde", Normal, 1),
            ("book", "tokio", Build, 1),
            ("evidence", "rand", Normal, 1),
            ("evidence", "sha2", Normal, 0),
            ("book", "proptest", Dev, 0),
            ("book", "serde_json", Dev, 0),
            ("engine", "serde_json", Normal, 1),
            ("server", "serde_json", Normal, 0),
        ];
        for (name, dependency, section, expected) in rows {
            let dependencies = vec![Dependency { name: (*dependency).to_owned(), section: *section }];
            let manifest = format!("crates/{name}/Cargo.toml");
            let package = Package { name: (*name).to_owned(), manifest, dependencies };
            let findings = check(&Tree::with_packages(&[], vec![package]));
            assert_eq!(findings.len(), *expected, "{name} {dependency} {section:?}");
        }
    }

    #[test]
    fn lock_files_hold_none_of_them() {
        assert_lines(
            check,
            &[
                ("Cargo.lock", "[[package]]\nname = \"openssl\"\nversion = \"1\"\n", &[2]),
                ("fuzz/Cargo.lock", "[[package]]\nname = \"openssl-sys\"\n", &[2]),
                ("Cargo.lock", "[[package]]\nname = \"native-tls\"\n", &[2]),
                ("Cargo.lock", "[[package]]\nname = \"string\"\n", &[]),
                ("notes.md", "name = \"ring\"\n", &[]),
            ],
        );
    }
}
