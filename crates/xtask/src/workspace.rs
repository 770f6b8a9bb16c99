//! The workspace as cargo sees it: its root, its crates, and what each declares to depend on.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// The folder that holds the workspace's `Cargo.toml`.
pub(crate) fn root() -> anyhow::Result<PathBuf> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = own.ancestors().nth(2).context("`crates/xtask` lies two folders below the root")?;
    Ok(root.to_path_buf())
}

/// What `cargo metadata` says about the workspace.
#[derive(Debug)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    /// Where cargo puts what it builds.
    pub(crate) target: PathBuf,
}

/// One crate of the workspace.
#[derive(Clone, Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The path of its manifest from the root, with `/`.
    pub(crate) manifest: String,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One declared dependency, in any section, for any platform, optional or not.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) section: Section,
}

/// The section of a manifest a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    /// Asks cargo, without the network.
    pub(crate) fn read(root: &Path) -> anyhow::Result<Workspace> {
        let mut cargo = Command::new("cargo");
        cargo.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(root);
        let output = cargo.output().context("cannot start cargo")?;
        ensure!(
            output.status.success(),
            "cargo metadata: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let metadata: Value = serde_json::from_slice(&output.stdout).context("cargo metadata prints JSON")?;
        let packages = list(&metadata, "packages").iter().map(|package| Package::read(root, package));
        Ok(Workspace {
            packages: packages.collect::<anyhow::Result<_>>()?,
            target: text(&metadata, "target_directory")?.into(),
        })
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }
}

impl Package {
    fn read(root: &Path, package: &Value) -> anyhow::Result<Package> {
        let manifest = Path::new(text(package, "manifest_path")?);
        let manifest = manifest.strip_prefix(root).unwrap_or(manifest);
        let dependencies = list(package, "dependencies").iter().map(Dependency::read);
        Ok(Package {
            name: text(package, "name")?.to_owned(),
            manifest: manifest.to_string_lossy().into_owned(),
            dependencies: dependencies.collect::<anyhow::Result<_>>()?,
        })
    }
}

impl Dependency {
    fn read(dependency: &Value) -> anyhow::Result<Dependency> {
        let section = match dependency.get("kind").and_then(Value::as_str) {
            Some("dev") => Section::Dev,
            Some("build") => Section::Build,
            Some(_) | None => Section::Normal,
        };
        Ok(Dependency { name: text(dependency, "name")?.to_owned(), section })
    }
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text<'a>(value: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    value.get(key).and_then(Value::as_str).with_context(|| format!("cargo metadata has no `{key}`"))
}
