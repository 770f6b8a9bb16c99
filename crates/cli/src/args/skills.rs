//! What can be asked about skills on the command line.

use clap::{Args, Subcommand};
use std::path::PathBuf;

/// Commands about skills.
#[derive(Debug, Subcommand)]
pub(crate) enum SkillCommand {
    /// List the skills that are in this program.
    List,
    /// Write a skill into a folder, signed, so that whoever follows it can tell that it is this one.
    Install(SkillInstall),
    /// Check that a skill's folder is as it was signed, and that this is the program it was signed for.
    Verify(SkillVerify),
}

/// Which skill, for whom.
#[derive(Debug, Args)]
pub(crate) struct SkillInstall {
    /// Its name, as `skill list` shows it.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The folder that skills are kept in; it gets a folder with the skill's name.
    #[arg(long, value_name = "DIR", default_value = "skills")]
    pub(crate) into: PathBuf,
    /// Who signs: a key file; or a data directory, whose operator's key is meant.
    #[arg(long, value_name = "FILE|DIR", env = "TOLLBRIDGE_KEY")]
    pub(crate) key: PathBuf,
    /// For how many days it is good.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    pub(crate) days: u16,
}

/// Which folder, signed by whom.
#[derive(Debug, Args)]
pub(crate) struct SkillVerify {
    /// The skill's folder.
    #[arg(value_name = "DIR")]
    pub(crate) directory: PathBuf,
    /// The key that has to have signed it, as `skill install` printed it.
    #[arg(long, value_name = "KEY")]
    pub(crate) signer: String,
}
