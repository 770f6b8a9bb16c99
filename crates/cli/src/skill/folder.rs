//! A skill's folder: its files, and beside them the signed list of their digests.
//!
//! The list also names the program that wrote it, by the digest of its bytes: instructions that were true of one program may not be
//! of another. Whoever checks says whose signature he wants; a folder cannot vouch for itself.

use crate::exit::Failure;
use evidence::{Hash, PublicKey, base64url};
use pricing::{Body, SealFault, Sealed};
use sdk::Credentials;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What an agent reads.
const SKILL: &str = "SKILL.md";

/// Where the signed list lies, from the folder.
const MANIFEST: &str = ".signature/manifest.json";

/// The most files in a skill's folder, so that a check ends.
const FILES: usize = 1_000;

/// The most bytes of one of them.
const FILE_BYTES: u64 = 1_048_576;

/// A folder that is to be written.
pub(super) struct Folder {
    pub(super) name: &'static str,
    pub(super) path: PathBuf,
}

/// What is signed.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    pub(super) name: String,
    /// SHA-256 in base64url, by the file's place in the folder.
    files: BTreeMap<String, String>,
    program: Program,
    /// RFC 3339, in UTC.
    pub(super) good_until: String,
}

/// The program that the skill is written for.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Program {
    version: String,
    sha256: String,
}

impl Body for Manifest {
    const DOMAIN: &'static str = "toll:skill/1";
    type Fault = serde_json::Error;

    fn read(body: &Value) -> Result<Manifest, serde_json::Error> {
        Manifest::deserialize(body)
    }

    fn write(&self) -> Value {
        serde_json::to_value(self).expect("a list of digests is JSON")
    }
}

/// Why a folder does not pass.
#[derive(Debug)]
pub(super) enum Wrong {
    /// It is not what was signed, or nobody whom we asked for has signed it.
    Found { code: &'static str, detail: String },
    /// It cannot be read.
    Fault(Failure),
}

fn found<T>(code: &'static str, detail: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong::Found { code, detail: detail.into() })
}

impl Folder {
    /// Writes the skill and the signed list. Answers until when it is good.
    pub(super) fn write(&self, text: &str, signer: &Credentials, days: u16) -> Result<String, Failure> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |fault| Failure::from(fault).during(path.display())
        };
        let good_until = jiff::Timestamp::now() + std::time::Duration::from_secs(u64::from(days) * 86_400);
        let good_until = good_until.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let manifest = Manifest {
            name: self.name.to_owned(),
            files: BTreeMap::from([(SKILL.to_owned(), digest(text.as_bytes()))]),
            program: this_program()?,
            good_until: good_until.clone(),
        };
        let sealed = Sealed::sign(manifest, &signer.key_id.to_string(), &signer.key);
        let (skill, list) = (self.path.join(SKILL), self.path.join(MANIFEST));
        let beside = list.parent().expect("it lies in a folder of its own");
        fs::create_dir_all(beside).map_err(at(beside))?;
        fs::write(&skill, text).map_err(at(&skill))?;
        fs::write(&list, format!("{:#}\n", sealed.to_value())).map_err(at(&list))?;
        Ok(good_until)
    }
}

/// Checks everything that is in a skill's folder.
pub(super) fn check(directory: &Path, signer: &PublicKey) -> Result<Manifest, Wrong> {
    let Ok(list) = fs::read(directory.join(MANIFEST)) else {
        return found("skill_unsigned", format!("there is no `{MANIFEST}` in it"));
    };
    let sealed = match Sealed::<Manifest>::open(&list, |_| Some(signer.clone())) {
        Ok(sealed) => sealed,
        Err(SealFault::BadSignature | SealFault::UnknownKey(_)) => {
            return found("skill_signer_mismatch", "it is not signed with that key");
        }
        Err(fault @ (SealFault::Shape(_) | SealFault::Body(_))) => {
            return found("skill_unsigned", fault.to_string());
        }
    };
    let manifest = sealed.body().clone();
    let good_until: Result<jiff::Timestamp, _> = manifest.good_until.parse();
    if good_until.is_ok_and(|until| jiff::Timestamp::now() < until) {
        let present = files(directory)?;
        check_files(directory, &manifest, &present)?;
        let program = this_program().map_err(Wrong::Fault)?;
        if program.sha256 != manifest.program.sha256 {
            let detail =
                format!("it was signed for another build of the program ({})", manifest.program.version);
            return found("skill_program_mismatch", detail);
        }
        return Ok(manifest);
    }
    found("skill_expired", format!("it was good until {}", manifest.good_until))
}

fn check_files(directory: &Path, manifest: &Manifest, present: &[String]) -> Result<(), Wrong> {
    if let Some(missing) = manifest.files.keys().find(|name| !present.contains(name)) {
        return found("skill_digest_mismatch", format!("`{missing}` is missing"));
    }
    for name in present {
        let path = directory.join(name);
        let fault = |fault: std::io::Error| Wrong::Fault(Failure::from(fault).during(path.display()));
        if FILE_BYTES < fs::metadata(&path).map_err(fault)?.len() {
            return found("skill_digest_mismatch", format!("`{name}` is longer than {FILE_BYTES} bytes"));
        }
        let bytes = fs::read(&path).map_err(fault)?;
        match manifest.files.get(name) {
            None => return found("skill_digest_mismatch", format!("`{name}` is not among what was signed")),
            Some(signed) if *signed != digest(&bytes) => {
                return found("skill_digest_mismatch", format!("`{name}` was changed"));
            }
            Some(_) => {}
        }
        if let Some(at) = intent::hidden_letter(&String::from_utf8_lossy(&bytes)) {
            return found(
                "unsafe_text",
                format!("`{name}` has a character that does not show, at byte {at}"),
            );
        }
    }
    Ok(())
}

/// The places of all files in the folder, but for the list itself.
fn files(directory: &Path) -> Result<Vec<String>, Wrong> {
    let mut names = Vec::new();
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        let fault = |fault: std::io::Error| Wrong::Fault(Failure::from(fault).during(folder.display()));
        for entry in fs::read_dir(&folder).map_err(fault)? {
            let entry = entry.map_err(fault)?;
            let (path, kind) = (entry.path(), entry.file_type().map_err(fault)?);
            let name = path.strip_prefix(directory).unwrap_or(&path).to_string_lossy().into_owned();
            if FILES <= names.len() + folders.len() {
                return found("skill_digest_mismatch", format!("it has more than {FILES} files"));
            }
            if kind.is_dir() {
                folders.push(path);
            } else if !kind.is_file() {
                return found("skill_digest_mismatch", format!("`{name}` leads elsewhere"));
            } else if name != MANIFEST {
                names.push(name);
            }
        }
    }
    Ok(names)
}

fn this_program() -> Result<Program, Failure> {
    let path = std::env::current_exe()?;
    let bytes = fs::read(&path).map_err(|fault| Failure::from(fault).during(path.display()))?;
    Ok(Program { version: env!("CARGO_PKG_VERSION").to_owned(), sha256: digest(&bytes) })
}

fn digest(bytes: &[u8]) -> String {
    base64url::encode(Hash::of(bytes).as_bytes())
}
