//! What must be on the machine beside Rust, how to tell that it is there, and how it gets there.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use crate::run;

/// One package of a registry.
struct Package {
    /// As the registry's client takes it, with the version where there is a choice.
    name: &'static str,
    /// What is there once it is installed.
    proof: Proof,
    /// The lanes that need it; [`ALWAYS`] when the build or the tests do.
    lanes: &'static [&'static str],
}

#[derive(Clone, Copy)]
enum Proof {
    /// A program on the path.
    Program(&'static str),
    /// A file or folder, from the root of the repository.
    File(&'static str),
    /// A command that succeeds.
    Succeeds(&'static [&'static str]),
}
use Proof::{File, Program, Succeeds};

const ALWAYS: &[&str] = &["*"];
const BROWSER: &[&str] = &["browser"];
const NODE: &[&str] = &["browser", "sdks"];
const SCHEMATHESIS: &[&str] = &["schemathesis", "schemathesis-long"];
const SDKS: &[&str] = &["sdks"];
const SIGNING: &[&str] = &["schemathesis", "schemathesis-long", "sdks"];

/// Debian packages. One line each.
#[rustfmt::skip]
const APT: &[Package] = &[
    Package { name: "build-essential", proof: Program("cc"), lanes: ALWAYS },
    Package { name: "ca-certificates", proof: File("/etc/ssl/certs/ca-certificates.crt"), lanes: ALWAYS },
    Package { name: "chromium", proof: Program("chromium"), lanes: BROWSER },
    Package { name: "curl", proof: Program("curl"), lanes: &["docs"] },
    Package { name: "fonts-noto-cjk", proof: File("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"), lanes: BROWSER },
    Package { name: "nodejs", proof: Program("node"), lanes: NODE },
    Package { name: "npm", proof: Program("npm"), lanes: NODE },
    Package { name: "python3-venv", proof: Succeeds(&["python3", "-m", "ensurepip", "--version"]), lanes: ALWAYS },
];

/// npm packages, into `target/npm`; the proof lies in `target/npm/node_modules`. One line each.
#[rustfmt::skip]
const NPM: &[Package] = &[
    Package { name: "@types/node@20.19.25", proof: File("target/npm/node_modules/@types/node/package.json"), lanes: SDKS },
    Package { name: "axe-core@4.14.1", proof: File("target/npm/node_modules/axe-core/axe.min.js"), lanes: BROWSER },
    Package { name: "playwright-core@1.65.1", proof: File("target/npm/node_modules/playwright-core/package.json"), lanes: BROWSER },
    Package { name: "typescript@7.0.2", proof: File("target/npm/node_modules/typescript/package.json"), lanes: SDKS },
];

/// Python packages, into the environment `target/venv`; the proof lies in `target/venv/bin`. One line each.
#[rustfmt::skip]
const PIP: &[Package] = &[
    Package { name: "beancount==3.2.3", proof: File("target/venv/bin/bean-check"), lanes: ALWAYS },
    Package { name: "schemathesis==4.32.5", proof: File("target/venv/bin/schemathesis"), lanes: SCHEMATHESIS },
    Package { name: "cryptography==50.0.2", proof: Succeeds(&["target/venv/bin/python", "-c", "import cryptography"]), lanes: SIGNING },
    Package { name: "build==1.6.1", proof: File("target/venv/bin/pyproject-build"), lanes: SDKS },
    Package { name: "hatchling==1.33.0", proof: File("target/venv/bin/hatchling"), lanes: SDKS },
    Package { name: "mypy==2.4.1", proof: File("target/venv/bin/mypy"), lanes: SDKS },
];

/// Programs for cargo, built from source. One line each.
#[rustfmt::skip]
const CARGO: &[Package] = &[
    Package { name: "cargo-deny@0.20.2", proof: Succeeds(&["cargo", "deny", "--version"]), lanes: &["deny"] },
];

/// Installs what is missing for the build and for these lanes.
pub(crate) fn install(root: &Path, lanes: &[&str]) -> anyhow::Result<()> {
    let apt = missing(root, APT, lanes);
    if !apt.is_empty() {
        let install = [&["apt-get", "install", "-y", "--no-install-recommends"], apt.as_slice()].concat();
        if !is_root()? {
            bail!("missing: {}; run: sudo apt-get update && sudo {}", apt.join(", "), install.join(" "));
        }
        run::command(root, &["apt-get", "update"])?;
        run::command(root, &install)?;
    }
    let npm = missing(root, NPM, lanes);
    if !npm.is_empty() {
        let install = ["npm", "install", "--no-audit", "--no-fund", "--prefix", "target/npm"];
        run::command(root, &[&install, npm.as_slice()].concat())?;
    }
    let pip = missing(root, PIP, lanes);
    if !pip.is_empty() {
        run::command(root, &["python3", "-m", "venv", "target/venv"])?;
        run::command(root, &[&["target/venv/bin/pip", "install", "--quiet"], pip.as_slice()].concat())?;
    }
    let cargo = missing(root, CARGO, lanes);
    if !cargo.is_empty() {
        run::command(root, &[&["cargo", "install", "--locked"], cargo.as_slice()].concat())?;
    }
    let installed = [apt, npm, pip, cargo].concat();
    let tables = [APT, NPM, PIP, CARGO].into_iter();
    let absent: Vec<&str> = tables.flat_map(|table| missing(root, table, lanes)).collect();
    if !absent.is_empty() {
        bail!(
            "installed, and still not found: {}; mend its proof in crates/xtask/src/packages.rs",
            absent.join(", ")
        );
    }
    if !installed.is_empty() {
        println!("installed: {}", installed.join(", "));
    }
    Ok(())
}

/// The packages of `table` that are needed and not there.
fn missing(root: &Path, table: &[Package], lanes: &[&str]) -> Vec<&'static str> {
    let is_needed =
        |package: &&Package| package.lanes.iter().any(|lane| ALWAYS.contains(lane) || lanes.contains(lane));
    let is_absent = |package: &&Package| match package.proof {
        Program(name) => !run::is_on_path(name),
        File(path) => !root.join(path).exists(),
        Succeeds(words) => !run::succeeds(root, words),
    };
    table.iter().filter(is_needed).filter(is_absent).map(|package| package.name).collect()
}

fn is_root() -> anyhow::Result<bool> {
    let own = std::fs::metadata("/proc/self").context("cannot tell who runs this")?;
    Ok(own.uid() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_needed_and_absent_is_missing() {
        let table = [
            Package { name: "there", proof: Program("sh"), lanes: ALWAYS },
            Package { name: "absent", proof: Program("no-such-program"), lanes: ALWAYS },
            Package { name: "broken", proof: Succeeds(&["false"]), lanes: ALWAYS },
            Package { name: "working", proof: Succeeds(&["true"]), lanes: ALWAYS },
            Package { name: "for-docs", proof: File("no/such/file"), lanes: &["docs"] },
            Package { name: "for-docs-and-there", proof: File("/"), lanes: &["docs"] },
        ];
        let rows: &[(&[&str], &[&str])] = &[
            (&[], &["absent", "broken"]),
            (&["simulate"], &["absent", "broken"]),
            (&["simulate", "docs"], &["absent", "broken", "for-docs"]),
        ];
        for (lanes, expected) in rows {
            assert_eq!(missing(Path::new("/"), &table, lanes), *expected, "{lanes:?}");
        }
    }
}
