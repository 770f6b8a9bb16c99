//! `cargo xtask sdks`: the packages in `sdks/`, built as they would be published, checked by type, and tried against the product.
//!
//! Nothing is built beside the sources: both packages are copied to [`OUT`] first. What the tests use there is what a reader would
//! install, the tarball of `npm pack` and the wheel, so that a file left out of a package is found here.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::{program, run};

/// Where everything is built.
const OUT: &str = "target/sdks";

/// The environment with the Python tools; `packages.rs` installs them.
pub(crate) const PYTHON: &str = "target/venv/bin";

/// The packages of the registry: the TypeScript compiler, the types it needs, and the official ones that ours go with.
const MODULES: &str = "target/npm/node_modules";
pub(crate) const TSC: &str = "target/npm/node_modules/.bin/tsc";
pub(crate) const TYPES: &str = "target/npm/node_modules/@types";

/// How long one file of tests may take, in milliseconds: many times what it does, also where others build beside it.
const TEST_MILLIS_MAX: &str = "600000";

/// Builds both packages, and tries them against the program of this workspace.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let program = program::build(root, "tollbridge", &[])?;
    packed(root, OUT)?;
    let out = root.join(OUT);
    run::titled("TypeScript tests", "cargo xtask sdks", || typescript_tests(&out, root, &program))?;
    run::titled("Python tests", "cargo xtask sdks", || python_tests(&out, root, &program))
}

/// Builds and checks both packages in the folder `to`, from the root, and installs what would be published there.
pub(crate) fn packed(root: &Path, to: &str) -> anyhow::Result<()> {
    let out = root.join(to);
    if out.exists() {
        std::fs::remove_dir_all(&out).with_context(|| to.to_owned())?;
    }
    std::fs::create_dir_all(out.join("buyer")).with_context(|| to.to_owned())?;
    run::command(root, &["cp", "-a", "sdks/typescript", "sdks/python", to])?;
    std::os::unix::fs::symlink(root.join(MODULES), out.join("node_modules")).context(MODULES)?;
    run::titled("TypeScript package", "cargo xtask sdks", || typescript(root, to))?;
    run::titled("Python package", "cargo xtask sdks", || python(root, to))
}

fn typescript(root: &Path, to: &str) -> anyhow::Result<()> {
    let (out, inside) = (root.join(to), |path: &str| format!("{to}/{path}"));
    run::command(root, &[TSC, "-p", &inside("typescript"), "--typeRoots", TYPES])?;
    let package = out.join("typescript");
    run::command(&package, &["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", ".."])?;
    let packed = only(&out, "tgz")?;
    let install = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix"];
    run::command(root, &[&install[..], &[&inside("buyer"), &packed]].concat())?;
    let (tests, examples) = (inside("typescript/tests"), inside("typescript/examples"));
    run::command(root, &["cp", "-a", &tests, &examples, &inside("typescript/README.md"), &inside("buyer")])?;
    // The examples, against the types that were packed.
    run::command(root, &[TSC, "-p", &inside("buyer/examples"), "--typeRoots", TYPES])
}

fn typescript_tests(out: &Path, root: &Path, program: &Path) -> anyhow::Result<()> {
    let mut node = Command::new("node");
    node.args(["--test", "--test-reporter", "spec", "--test-timeout", TEST_MILLIS_MAX]);
    node.args(files(&out.join("buyer/tests"), ".test.mjs")?);
    tried(root, &mut node, program)
}

fn python(root: &Path, to: &str) -> anyhow::Result<()> {
    let (out, tool) = (root.join(to), |name: &str| format!("{PYTHON}/{name}"));
    let (source, site) = (format!("{to}/python"), format!("{to}/site"));
    let build = ["-m", "build", "--wheel", "--no-isolation", "--outdir", to, &source];
    run::command(root, &[&[tool("python").as_str()][..], &build].concat())?;
    let install = ["install", "--quiet", "--no-deps", "--no-index", "--target", &site];
    run::command(root, &[&[tool("pip").as_str()][..], &install, &[&only(&out, "whl")?]].concat())?;
    let mut mypy = Command::new(root.join(tool("mypy")));
    mypy.args(["--config-file", "pyproject.toml", "--cache-dir", "../mypy", "src", "tests", "examples"]);
    mypy.env("MYPYPATH", "src:tests:tests/dialects").current_dir(out.join("python"));
    let status = mypy.status().context("mypy does not start")?;
    ensure!(status.success(), "mypy: {status}");
    Ok(())
}

fn python_tests(out: &Path, root: &Path, program: &Path) -> anyhow::Result<()> {
    let mut tests = Command::new(root.join(PYTHON).join("python"));
    tests.args(["-W", "error", "-m", "unittest", "discover", "--verbose", "--start-directory"]);
    tests.arg(out.join("python/tests")).env("PYTHONPATH", out.join("site"));
    // Both packages keep purchases in the same files, and are let loose on the same ones.
    tests.env("TOLLBRIDGE_BUYER_MJS", out.join("buyer/tests/buyer.mjs"));
    tried(root, &mut tests, program)
}

/// Runs tests against the program, with the vectors that every client reads.
fn tried(root: &Path, tests: &mut Command, program: &Path) -> anyhow::Result<()> {
    tests.env("TOLLBRIDGE_BIN", program).env("TOLLBRIDGE_VECTORS", root.join("vectors"));
    let status = tests.env("PYTHONDONTWRITEBYTECODE", "1").status().context("the tests do not start")?;
    ensure!(status.success(), "the tests: {status}");
    Ok(())
}

/// The one file in `folder` that ends so.
fn only(folder: &Path, extension: &str) -> anyhow::Result<String> {
    let found = files(folder, &format!(".{extension}"))?;
    let [file] = found.as_slice() else {
        anyhow::bail!("{} has {} files that end in .{extension}, not one", folder.display(), found.len());
    };
    Ok(file.display().to_string())
}

/// The files in `folder` that end so, in order of their names.
fn files(folder: &Path, end: &str) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    let mut found = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<PathBuf>>>()?;
    found.retain(|path| path.to_string_lossy().ends_with(end));
    found.sort();
    ensure!(!found.is_empty(), "{} has no file that ends in {end}", folder.display());
    Ok(found)
}
