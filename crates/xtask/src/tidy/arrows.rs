//! Which crate may depend on which: the arrows of the architecture, and none that points up.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;
use crate::workspace::{Dependency, Package, Section};

/// Each crate and the crates of ours it may need to run. A new arrow is the subject of its own commit.
const ARROWS: &[(&str, &[&str])] = &[
    ("evidence", &[]),
    ("book", &["evidence"]),
    ("engine", &["book", "evidence"]),
    ("wire", &[]),
    ("protocols", &["book", "evidence"]),
    ("pricing", &["book", "evidence"]),
    ("listen", &[]),
    ("intent", &[]),
    ("invoice", &[]),
    ("evm", &["protocols"]),
    ("web", &["server", "engine", "book", "evidence", "wire"]),
    ("gateway", &["wire", "protocols", "pricing", "sdk", "evidence", "listen"]),
    ("mcp", &["gateway", "sdk", "wire", "protocols", "evidence", "listen"]),
    ("a2a", &["gateway", "sdk", "wire", "protocols", "evidence", "listen"]),
    ("server", &["evidence", "book", "engine", "wire", "protocols", "listen", "intent", "invoice", "evm"]),
    ("shop", &["protocols", "sdk", "wire", "evidence", "listen"]),
    ("checkouts", &["shop", "protocols", "sdk", "wire", "evidence", "listen"]),
    ("llm", &["pricing", "protocols", "sdk", "wire", "evidence", "listen"]),
    (
        "cli",
        &[
            "web",
            "server",
            "gateway",
            "llm",
            "mcp",
            "shop",
            "checkouts",
            "a2a",
            "intent",
            "pricing",
            "sdk",
            "wire",
            "protocols",
            "engine",
            "book",
            "evidence",
        ],
    ),
    ("sdk", &["wire", "evidence", "protocols", "pricing"]),
    ("sim", &["book", "evidence", "engine"]),
    ("fuzz", &["wire", "protocols", "engine", "book", "gateway"]),
    ("xtask", &["evidence", "book", "engine", "wire", "protocols", "server", "gateway", "cli", "sdk", "sim"]),
];

/// Arrows that only tests may draw, on top of [`ARROWS`].
const TEST_ARROWS: &[(&str, &[&str])] = &[
    ("book", &["sim"]),
    ("engine", &["sim"]),
    ("sdk", &["server"]),
    ("gateway", &["server"]),
    ("llm", &["server"]),
    ("mcp", &["server"]),
    ("checkouts", &["server"]),
    ("a2a", &["server"]),
];

/// Dependencies between our crates follow the tables; a crate that is in no table is not in the architecture.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let ours: Vec<&str> = tree.packages.iter().map(|package| package.name.as_str()).collect();
    let mut findings = Vec::new();
    for package in &tree.packages {
        let Package { name, manifest, .. } = package;
        let Some(arrows) = row(ARROWS, name) else {
            let advice = format!(
                "crate `{name}` is not in the architecture; argue it there, then add its arrows to tidy"
            );
            findings.push(Finding::new(manifest, 1, advice));
            continue;
        };
        if *manifest != format!("crates/{name}/Cargo.toml") {
            findings.push(Finding::new(manifest, 1, format!("crate `{name}` belongs in `crates/{name}`")));
        }
        for dependency in
            package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name.as_str()))
        {
            let in_tests = row(TEST_ARROWS, name).unwrap_or_default();
            let allowed = arrows.iter().chain(in_tests.iter().filter(|_| dependency.section == Section::Dev));
            if !allowed.into_iter().any(|allowed| **allowed == *dependency.name) {
                let advice = format!(
                    "`{name}` may not depend on `{}`; turn the arrow or move the code",
                    dependency.name
                );
                findings.push(Finding::new(manifest, declared_at(tree, manifest, dependency), advice));
            }
        }
    }
    findings
}

fn row(table: &[(&'static str, &'static [&'static str])], name: &str) -> Option<&'static [&'static str]> {
    table.iter().find(|(of, _)| *of == name).map(|(_, arrows)| *arrows)
}

/// The line of a manifest that declares `dependency`; 1 when it is declared under another name.
pub(crate) fn declared_at(tree: &Tree, manifest: &str, dependency: &Dependency) -> usize {
    let declares = |line: &str| {
        let rest = line.trim().strip_prefix(dependency.name.as_str());
        rest.is_some_and(|rest| rest.starts_with(['.', ' ', '=']))
    };
    let of_section = |section: &str| match dependency.section {
        Section::Normal => !section.contains("dev-") && !section.contains("build-"),
        Section::Build => section.contains("build-"),
        Section::Dev => section.contains("dev-"),
    };
    let mut in_section = false;
    for (at, line) in tree.text(manifest).lines().enumerate() {
        if line.starts_with('[') {
            in_section = of_section(line);
        }
        if in_section && declares(line) {
            return at + 1;
        }
    }
    1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crate_of(name: &str, section: Section, dependencies: &[&str]) -> Package {
        let dependency = |name: &&str| Dependency { name: (*name).to_owned(), section };
        Package {
            name: name.to_owned(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: dependencies.iter().map(dependency).collect(),
        }
    }

    #[test]
    fn arrows_point_down_only() {
        use Section::{Build, Dev, Normal};
        let rows: &[(&str, Section, &[&str], usize)] = &[
            ("book", Normal, &["evidence"], 0),
            ("book", Normal, &["engine"], 1),
            ("book", Build, &["engine"], 1),
            ("book", Dev, &["engine"], 1),
            ("evidence", Normal, &["book"], 1),
            ("engine", Normal, &["book", "evidence"], 0),
            ("engine", Normal, &["wire", "server"], 2),
            ("wire", Normal, &["book"], 1),
            ("gateway", Normal, &["wire", "protocols", "sdk", "evidence"], 0),
            ("gateway", Normal, &["engine"], 1),
            ("gateway", Normal, &["server"], 1),
            ("gateway", Dev, &["server"], 0),
            ("sdk", Normal, &["engine"], 1),
            ("server", Normal, &["xtask"], 1),
            ("cli", Normal, &["sim"], 1),
            ("xtask", Normal, &["server", "sim"], 0),
            ("book", Normal, &["anyhow"], 0),
        ];
        let others = ARROWS.iter().map(|(name, _)| crate_of(name, Normal, &[]));
        let others: Vec<Package> = others.collect();
        for (name, section, dependencies, expected) in rows {
            let mut packages = others.clone();
            packages.retain(|package| package.name != *name);
            packages.push(crate_of(name, *section, dependencies));
            let findings = check(&Tree::with_packages(&[], packages));
            assert_eq!(findings.len(), *expected, "{name} {section:?} {dependencies:?}: {findings:?}");
        }
    }

    #[test]
    fn a_crate_outside_the_table_or_its_folder_is_a_violation() {
        let stranger = crate_of("core2", Section::Normal, &[]);
        let mut misplaced = crate_of("book", Section::Normal, &[]);
        misplaced.manifest = "libraries/book/Cargo.toml".to_owned();
        let findings = check(&Tree::with_packages(&[], vec![stranger, misplaced]));
        let paths: Vec<&str> = findings.iter().map(|finding| finding.path.as_str()).collect();
        assert_eq!(paths, ["crates/core2/Cargo.toml", "libraries/book/Cargo.toml"]);
    }

    #[test]
    fn the_line_is_where_the_manifest_says_so() {
        let manifest = "[package]\nname = \"book\"\n[dependencies]\nengine-x = \"1\"\nengine.workspace = true\n\
                        [dev-dependencies]\nengine = { path = \"\" }\n";
        for (section, line) in [(Section::Normal, 5), (Section::Dev, 7), (Section::Build, 1)] {
            let packages =
                vec![crate_of("book", section, &["engine"]), crate_of("engine", Section::Normal, &[])];
            let tree = Tree::with_packages(&[("crates/book/Cargo.toml", manifest)], packages);
            assert_eq!(check(&tree).first().map(|finding| finding.line), Some(line), "{section:?}");
        }
    }
}
