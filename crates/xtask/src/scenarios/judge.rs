//! Whether what came is what the story says: statuses, codes, rules, and for every refusal a receipt that holds.

use anyhow::{Context as _, bail, ensure};
use book::Outcome;
use serde_json::Value;

use crate::blackbox::caller::Answer;
use crate::scenarios::deeds::Came;
use crate::scenarios::stage::Stage;
use crate::scenarios::story::{Expected, Step};

/// What a step showed.
#[derive(Debug, Default)]
pub(crate) struct Shown {
    /// Whether it showed a refusal: 1 or 0.
    pub(crate) refusals: usize,
    /// The payments that were made.
    pub(crate) paid: usize,
    /// Something that was measured.
    pub(crate) measured: Option<String>,
}

impl Stage {
    /// Compares what came of a step with what has to, also in every account.
    pub(crate) fn judge(&mut self, step: &Step, came: &Came) -> anyhow::Result<Shown> {
        let mut shown = Shown::default();
        match (came, &step.expected) {
            (Came::Well, Expected::Nothing) => {}
            (Came::Halted { after, paid }, Expected::Done { status, .. }) if status == "halted" => {
                shown.paid = *paid;
                let micros = after.as_micros();
                shown.measured = Some(format!("first refusal {micros} µs after the halt was sent"));
            }
            (Came::Answers(answers), Expected::Some { paid, refused, code }) => {
                self.judge_some(answers, (*paid, *refused), code)?;
                (shown.paid, shown.refusals) = (*paid, 1);
            }
            (Came::Answers(answers), expected) => {
                for (place, answer) in answers.iter().enumerate() {
                    let last = place + 1 == answers.len();
                    self.judge_one(answer, expected, last).with_context(|| show(answer))?;
                }
                let is_refusal = matches!(expected, Expected::Refused { .. } | Expected::TurnedAway { .. });
                shown.refusals = usize::from(is_refusal);
                let is_payment = matches!(expected, Expected::Done { status, .. } if status == "paid");
                shown.paid = if is_payment { answers.len() } else { 0 };
            }
            (came, expected) => bail!("{came:?} is not {expected:?}"),
        }
        self.paid += shown.paid;
        self.settle(&step.movements, shown.paid)?;
        Ok(shown)
    }

    fn judge_one(&mut self, answer: &Answer, expected: &Expected, last: bool) -> anyhow::Result<()> {
        match expected {
            Expected::Nothing => bail!("something came, and nothing is expected of it"),
            Expected::Some { .. } => bail!("only many at once come out differently"),
            Expected::Done { status, members } => {
                ensure!(matches!(answer.status, 200 | 201), "not {status}");
                ensure!(answer.json["repeated"] == false, "it was done before");
                let actual = answer.json["status"].as_str().unwrap_or("done");
                ensure!(actual == status, "{actual}, and not {status}");
                // Of several, what is counted is as expected after the last.
                for (name, value) in members.iter().filter(|_| last) {
                    ensure!(text_of(&answer.json[name]) == *value, "{name} is {}", answer.json[name]);
                }
                Ok(())
            }
            Expected::Repeated => {
                ensure!(matches!(answer.status, 200 | 201), "not answered again");
                ensure!(answer.json["repeated"] == true, "it was done again");
                Ok(())
            }
            Expected::Asked { code } => {
                ensure!(answer.status == 202, "nobody is asked");
                ensure!(answer.json["ask"] == *code, "asked for another reason");
                let entry = answer.json["entry"].as_u64().context("no entry")?;
                match self.installation.recorded(entry)?.outcome {
                    Outcome::Asked(question) => {
                        ensure!(question.ask.code() == code, "recorded as {}", question.ask.code());
                    }
                    outcome => bail!("recorded as {outcome:?}"),
                }
                Ok(())
            }
            Expected::TurnedAway { code } => {
                ensure!((400..500).contains(&answer.status), "not turned away");
                ensure!(answer.code() == code, "{}, and not {code}", answer.code());
                ensure!(answer.json["entry"].is_null(), "it was recorded");
                Ok(())
            }
            Expected::Refused { code, scope, version, left } => {
                self.judge_refusal(answer, code)?;
                let rule = &answer.json["rule"];
                ensure!(rule["scope"] == *scope, "by another rule");
                // Whose rule it was is named, where it is not the book's own.
                ensure!(scope == "book" || rule["id"].is_string(), "nobody is named whose rule it was");
                ensure!(version.is_none_or(|version| rule["version"] == version), "by another version");
                let remaining = text_of(&answer.json["remaining"]["amount"]);
                ensure!(left.as_ref().is_none_or(|left| *left == remaining), "`{remaining}` left");
                Ok(())
            }
        }
    }

    /// A coded no that is a fact: with a receipt that holds, and the same reason in the entry it is of.
    fn judge_refusal(&mut self, answer: &Answer, code: &str) -> anyhow::Result<()> {
        ensure!(answer.status == 403, "not refused");
        ensure!(answer.code() == code, "{}, and not {code}", answer.code());
        ensure!(answer.json["retryable"] == false, "a refusal does not pass by itself");
        let entry = answer.json["entry"].as_u64().context("the refusal is not recorded")?;
        match self.installation.recorded(entry)?.outcome {
            Outcome::Denied(refusal) => {
                ensure!(refusal.denial.code() == code, "recorded as {}", refusal.denial.code());
            }
            outcome => bail!("recorded as {outcome:?}"),
        }
        Ok(())
    }

    fn judge_some(&mut self, answers: &[Answer], counts: (usize, usize), code: &str) -> anyhow::Result<()> {
        let (paid, refused): (Vec<&Answer>, Vec<&Answer>) =
            answers.iter().partition(|answer| answer.status == 201);
        ensure!((paid.len(), refused.len()) == counts, "{} paid and {} refused", paid.len(), refused.len());
        for answer in refused {
            self.judge_refusal(answer, code).with_context(|| show(answer))?;
        }
        Ok(())
    }
}

fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn show(answer: &Answer) -> String {
    format!("the answer was {} {}", answer.status, answer.json)
}
