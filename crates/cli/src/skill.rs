//! `skill`: instructions that agents follow, written with a signature and checked before they are followed.

mod folder;

use crate::args::{SkillCommand, SkillInstall, SkillVerify};
use crate::client::credentials;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use evidence::{Algorithm, PublicKey, base64url};
use folder::{Folder, Wrong};
use serde::Serialize;

/// A skill that is in this program.
struct Skill {
    name: &'static str,
    text: &'static str,
}

/// All of them.
const SKILLS: &[Skill] = &[
    Skill { name: "use-a-wallet", text: include_str!("../../../skills/use-a-wallet/SKILL.md") },
    Skill { name: "buy-from-an-api", text: include_str!("../../../skills/buy-from-an-api/SKILL.md") },
    Skill { name: "charge-for-an-api", text: include_str!("../../../skills/charge-for-an-api/SKILL.md") },
];

#[derive(Serialize)]
struct Listed {
    name: &'static str,
    description: &'static str,
}

#[derive(Serialize)]
struct Installed<'a> {
    skill: &'a str,
    folder: String,
    signer: String,
    good_until: &'a str,
}

#[derive(Serialize)]
struct Good<'a> {
    skill: &'a str,
    good_until: &'a str,
}

#[derive(Serialize)]
struct Bad {
    code: &'static str,
    detail: String,
}

/// Runs a command about skills.
pub(crate) fn run(output: &Output, command: &SkillCommand) -> Outcome {
    match command {
        SkillCommand::List => list(output),
        SkillCommand::Install(args) => install(output, args),
        SkillCommand::Verify(args) => verify(output, args),
    }
}

fn list(output: &Output) -> Outcome {
    for skill in SKILLS {
        let description = skill.text.lines().find_map(|line| line.strip_prefix("description: "));
        let description = description.expect("a skill says what it is for");
        output.line(format!("{}  {}", skill.name, output.faint(description)));
        output.object(&Listed { name: skill.name, description });
    }
    Ok(())
}

fn install(output: &Output, args: &SkillInstall) -> Outcome {
    let skill = SKILLS.iter().find(|skill| skill.name == args.name);
    let skill = skill.ok_or_else(|| Failure::usage(format!("there is no skill `{}`", args.name)))?;
    let signer = credentials(&args.key)?;
    let folder = Folder { name: skill.name, path: args.into.join(skill.name) };
    let good_until = folder.write(skill.text, &signer, args.days)?;
    let signer = written(signer.key.public());
    output.line(format!("{} is in `{}`, good until {good_until}", skill.name, folder.path.display()));
    output.line(format!("signer {signer}"));
    output.object(&Installed {
        skill: skill.name,
        folder: folder.path.display().to_string(),
        signer,
        good_until: &good_until,
    });
    Ok(())
}

fn verify(output: &Output, args: &SkillVerify) -> Outcome {
    let signer = read(&args.signer)
        .ok_or_else(|| Failure::usage("`--signer` is `ed25519:` or `es256:` and a key in base64url"))?;
    match folder::check(&args.directory, &signer) {
        Ok(good) => {
            let name = &good.name;
            output.line(format!("{} {name} is as it was signed", output.good("✓")));
            output.object(&Good { skill: name, good_until: &good.good_until });
            Ok(())
        }
        Err(Wrong::Fault(fault)) => Err(fault),
        Err(Wrong::Found { code, detail }) if output.is_for_programs() => {
            output.object(&Bad { code, detail });
            Err(Failure::said(Exit::False))
        }
        Err(Wrong::Found { code, detail }) => {
            Err(Failure::new(Exit::False, format!("{code}: {detail}. Do not follow this skill")))
        }
    }
}

/// A key as people pass it on.
fn written(key: &PublicKey) -> String {
    let algorithm = match key.algorithm() {
        Algorithm::Ed25519 => "ed25519",
        Algorithm::Es256 => "es256",
    };
    format!("{algorithm}:{}", base64url::encode(key.bytes()))
}

fn read(text: &str) -> Option<PublicKey> {
    let (algorithm, key) = text.split_once(':')?;
    let algorithm = match algorithm {
        "ed25519" => Algorithm::Ed25519,
        "es256" => Algorithm::Es256,
        _ => return None,
    };
    PublicKey::from_bytes(algorithm, &base64url::decode(key)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::SigningKey;

    #[test]
    fn a_signer_is_read_as_it_was_written() {
        for key in [SigningKey::ed25519(&[7; 32]), SigningKey::es256(&[7; 32]).expect("a key")] {
            let public = key.public();
            assert_eq!(read(&written(public)).as_ref(), Some(public));
        }
        assert_eq!(read("ed25519:"), None);
        assert_eq!(read("rsa:AAAA"), None);
    }

    /// An agent that reads a skill is told to do nothing that only a person may, and to make up no names.
    #[test]
    fn skills_ask_agents_for_nothing_that_is_not_theirs() {
        for Skill { name, text } in SKILLS {
            let head = format!("---\nname: {name}\ndescription: ");
            assert!(text.starts_with(&head), "{name} begins with what it is");
            assert_eq!(intent::hidden_letter(text), None, "{name}");
            for word in ["approve", "passkey", "password", "private key", "invent", "sudo", "--live &"] {
                assert!(!text.to_lowercase().contains(word), "{name} says `{word}`");
            }
            let has_id = |word: &str| {
                let rest = word.split_once('_').map(|(_, rest)| rest);
                rest.is_some_and(|rest| rest.len() == 26 && rest.chars().all(|c| c.is_ascii_alphanumeric()))
            };
            let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
            assert!(!words.into_iter().any(has_id), "{name} has a name of something in a book");
        }
    }
}
