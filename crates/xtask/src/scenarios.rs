//! `cargo xtask scenarios`: stories of the product, played against a real server over its public interface.
//!
//! [`story`] says how a story is written; the stories lie in `scenarios/*.txt`. [`setting`] and [`deeds`] do what a line
//! says, [`metering`], [`subscribing`], [`billing`], [`linking`], [`paying_out`], [`act`] and [`crowd`] the longer ones. [`judge`] compares what came of it, and [`stage`] every account
//! after every step: what a line does not name may not have moved.

mod act;
mod billing;
pub(crate) mod crowd;
mod deeds;
mod judge;
mod linking;
mod metering;
mod paying_out;
mod setting;
mod stage;
mod story;
mod subscribing;

use std::path::Path;

use anyhow::{bail, ensure};
use serde_json::{Map, Value, json};

use crate::blackbox::installation::Installation;
use crate::blackbox::server;
use stage::Stage;
use story::{Line, Step, Story};

/// Every story, by its name.
const STORIES: &[(&str, &str)] = &[
    ("S1", include_str!("scenarios/s1.txt")),
    ("S2", include_str!("scenarios/s2.txt")),
    ("S3", include_str!("scenarios/s3.txt")),
    ("S4", include_str!("scenarios/s4.txt")),
    ("S8", include_str!("scenarios/s8.txt")),
    ("S9", include_str!("scenarios/s9.txt")),
    ("S10", include_str!("scenarios/s10.txt")),
    ("S13", include_str!("scenarios/s13.txt")),
    ("S16", include_str!("scenarios/s16.txt")),
    ("S17", include_str!("scenarios/s17.txt")),
    ("S19", include_str!("scenarios/s19.txt")),
    ("S23", include_str!("scenarios/s23.txt")),
];

/// How a story went.
#[derive(Debug, Default)]
struct Played {
    steps: usize,
    refusals: usize,
    failure: Option<String>,
}

impl Played {
    /// A story that could not even be set up.
    fn not_begun(why: &str) -> Played {
        eprintln!("  ✗ {why}");
        Played { failure: Some(why.to_owned()), ..Played::default() }
    }
}

/// Who reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Person,
    /// Only the last line counts, and is JSON.
    Program,
}

/// Plays the stories with these names, or all of them.
pub(crate) fn run(root: &Path, names: &[String], reader: Reader) -> anyhow::Result<()> {
    if let Some(unknown) = names.iter().find(|name| STORIES.iter().all(|(known, _)| known != name)) {
        let known: Vec<&str> = STORIES.iter().map(|(name, _)| *name).collect();
        bail!("no story is called `{unknown}`; there are: {}", known.join(", "));
    }
    let program = server::build(root)?;
    let mut results = Map::new();
    let mut failed = Vec::new();
    for (name, text) in STORIES {
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        let played = play(root, &program, name, text, reader);
        let played = played.unwrap_or_else(|fault| Played::not_begun(&format!("{fault:#}")));
        let passed = played.failure.is_none();
        let mut result = json!({ "passed": passed, "steps": played.steps, "refusals": played.refusals });
        if let Some(failure) = played.failure {
            result["failure"] = json!(failure);
            failed.push(*name);
        }
        results.insert((*name).to_owned(), result);
    }
    if reader == Reader::Program {
        println!("{}", Value::Object(results));
    }
    ensure!(failed.is_empty(), "{} did not go as written", failed.join(", "));
    Ok(())
}

/// Plays one story on a server of its own, up to the first step that does not come out as written.
fn play(root: &Path, program: &Path, name: &str, text: &str, reader: Reader) -> anyhow::Result<Played> {
    let story = Story::parse(text)?;
    let say = |line: &str| {
        if reader == Reader::Person {
            println!("{line}");
        }
    };
    say(&format!("\n{}", story.title));
    let mut stage = Stage::new(Installation::start(root, program, name)?);
    let mut played = Played::default();
    for line in &story.lines {
        let step = match line {
            Line::Heading(heading) => {
                say(&format!("\n  {heading}"));
                continue;
            }
            Line::Step(step) => step,
        };
        played.steps += 1;
        match take(&mut stage, step) {
            Ok(shown) => {
                played.refusals += shown.refusals;
                let measured = shown.measured.map(|it| format!(" ({it})")).unwrap_or_default();
                say(&format!("  ✓ {}{measured}", step.text));
            }
            Err(fault) => {
                say(&format!("  ✗ {}\n      {fault:#}", step.text));
                say(&format!(
                    "      the server's directory: {}",
                    stage.installation.server.directory().display()
                ));
                played.failure = Some(format!("{}: {fault:#}", step.text));
                return Ok(played);
            }
        }
    }
    match stage.audit().and_then(|entries| stage.installation.server.verify().map(|()| entries)) {
        Ok(entries) => say(&format!("\n  ✓ {entries} entries, audited and verified offline")),
        Err(fault) => {
            say(&format!("\n  ✗ the journal: {fault:#}"));
            played.failure = Some(format!("the journal: {fault:#}"));
            return Ok(played);
        }
    }
    stage.installation.server.discard()?;
    Ok(played)
}

fn take(stage: &mut Stage, step: &Step) -> anyhow::Result<judge::Shown> {
    let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
    let came = stage.act(&words)?;
    stage.judge(step, &came)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_can_be_read() {
        for (name, text) in STORIES {
            let story = Story::parse(text).expect(name);
            assert!(story.title.starts_with(&format!("{name}. ")), "{name}: {}", story.title);
            assert!(story.lines.iter().any(|line| matches!(line, Line::Step(_))), "{name}");
        }
    }
}
