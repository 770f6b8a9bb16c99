//! Verdicts as a row writes them: a word, what it is about, and any facts it wants to be sure of.

use super::words::Words;
use book::{Billed, Moved, Outcome, Part, Parts, Refunded, RuleRef, Scope, Term, Verdict};

/// A verdict as words: its first word, what it is about, and the rest by key.
pub(super) struct Facts {
    word: &'static str,
    what: String,
    rest: Vec<(&'static str, String)>,
}

impl Facts {
    pub(super) fn of(verdict: &Verdict) -> Facts {
        match verdict {
            Verdict::Record(_, outcome) => Facts::of_outcome(outcome),
            Verdict::Repeat(seq) => Facts::new("repeat", seq.0, vec![]),
            Verdict::Reject(reject) => Facts::new("reject", reject.code(), vec![]),
        }
    }

    fn of_outcome(outcome: &Outcome) -> Facts {
        match outcome {
            Outcome::Done => Facts::new("done", "", vec![]),
            Outcome::Paid(moved) => Facts::moved("paid", moved),
            Outcome::Held(versions) => {
                let versions = format!("{}/{}/{}", versions.wallet, versions.agent, versions.mandate);
                Facts::new("held", "", vec![("versions", versions)])
            }
            Outcome::Captured(moved) => Facts::moved("captured", moved),
            Outcome::Released(released) => Facts::new("released", released.amount.minor(), vec![]),
            Outcome::Refunded(Refunded { parts }) => {
                let sum: u128 = parts.iter().map(|p| p.amount.minor() + p.fee.minor()).sum();
                Facts::new("refunded", sum, vec![("parts", list(parts))])
            }
            Outcome::Charged(metered) => Facts::new("charged", metered.total.get(), vec![]),
            Outcome::Settled(settled) => {
                let mut facts = Facts::moved("settled", &settled.moved);
                facts.rest.push(("released", settled.released.minor().to_string()));
                facts.rest.push(("carry", settled.carry.get().to_string()));
                facts
            }
            Outcome::Subscribed(Term { from, until, paid }) => {
                let stamp = |time: &book::Time| {
                    jiff::Timestamp::from_nanosecond(i128::from(time.0))
                        .map_or_else(|_| "never".to_owned(), |stamp| stamp.to_string())
                };
                let facts = paid.as_ref().map(|moved| Facts::moved("subscribed", moved));
                let mut facts = facts.unwrap_or_else(|| Facts::new("subscribed", "free", vec![]));
                facts.rest.push(("from", stamp(from)));
                facts.rest.push(("until", stamp(until)));
                facts
            }
            Outcome::Invoiced(billed) => Facts::billed("invoiced", billed),
            Outcome::Credited(billed) => Facts::billed("credited", billed),
            Outcome::Asked(question) => Facts::new("asked", question.ask.code(), rule(question.rule)),
            Outcome::Denied(refusal) => {
                let left = refusal.remaining.map_or("nothing".to_owned(), |left| left.minor().to_string());
                let mut facts = Facts::new("denied", refusal.denial.code(), rule(refusal.rule));
                facts.rest.insert(0, ("left", left));
                facts
            }
        }
    }

    fn new(word: &'static str, what: impl ToString, rest: Vec<(&'static str, String)>) -> Facts {
        Facts { word, what: what.to_string(), rest }
    }

    fn billed(word: &'static str, billed: &Billed) -> Facts {
        let lines: Vec<String> = billed.amounts.iter().map(|amount| amount.minor().to_string()).collect();
        let rest = vec![("number", billed.number.to_string()), ("lines", lines.join(","))];
        Facts::new(word, billed.total().minor(), rest)
    }

    fn moved(word: &'static str, moved: &Moved) -> Facts {
        let versions = moved.versions;
        let versions = format!("{}/{}/{}", versions.wallet, versions.agent, versions.mandate);
        let divided = match &moved.parts {
            Parts::One { fee } => ("fee", fee.minor().to_string()),
            Parts::Many { parts } => ("parts", list(parts)),
        };
        Facts::new(word, moved.amount.minor(), vec![divided, ("versions", versions)])
    }

    /// Whether everything `expected` says is so.
    pub(super) fn compare(&self, expected: &Words) -> Result<(), String> {
        let mut words = expected.clone();
        let word = words.next("a verdict")?;
        if word == "whatever" {
            return words.finish();
        }
        let mut same = word == self.word;
        while words.peek().is_some() {
            let word = words.next("a word")?;
            let (key, value) = match word.as_str() {
                "left" | "by" | "fee" | "parts" | "versions" | "released" | "carry" | "from" | "until"
                | "number" | "lines" => (word.clone(), words.next("what")?),
                numbered if numbered.starts_with('#') => ("#".to_owned(), word[1..].to_owned()),
                version if version.strip_prefix('v').is_some_and(|v| v.parse::<u32>().is_ok()) => {
                    ("v".to_owned(), word[1..].to_owned())
                }
                _ => {
                    same &= word == self.what;
                    continue;
                }
            };
            same &= self.rest.iter().any(|fact| fact.0 == key && fact.1 == value.as_str());
        }
        if same { Ok(()) } else { Err(format!("expected `{}`, got `{self}`", expected.text())) }
    }
}

impl std::fmt::Display for Facts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.word, self.what)?;
        for (key, value) in &self.rest {
            match *key {
                "v" | "#" => write!(f, " {key}{value}")?,
                _ => write!(f, " {key} {value}")?,
            }
        }
        Ok(())
    }
}

fn rule(rule: RuleRef) -> Vec<(&'static str, String)> {
    let scope = match rule.scope {
        Scope::Book => "book".to_owned(),
        Scope::Wallet => "wallet".to_owned(),
        Scope::Agent => "agent".to_owned(),
        Scope::Mandate => "mandate".to_owned(),
        Scope::Parent { above } => format!("parent{above}"),
        Scope::ParentAgent { above } => format!("parent-agent{above}"),
    };
    vec![("by", scope), ("v", rule.version.to_string()), ("#", rule.limit.to_string())]
}

/// `60+1,30+0`: each part and its fee.
fn list(parts: &[Part]) -> String {
    let parts = parts.iter();
    let parts = parts.map(|part| format!("{}+{}", part.amount.minor(), part.fee.minor()));
    parts.collect::<Vec<_>>().join(",")
}
