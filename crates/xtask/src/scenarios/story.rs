//! How a story is written: one line a step, `what is done -> what comes of it | whose money moves`.

use anyhow::{Context as _, bail};

/// A story, as its file tells it.
#[derive(Debug)]
pub(crate) struct Story {
    pub(crate) title: String,
    pub(crate) lines: Vec<Line>,
}

/// One line of a story.
#[derive(Debug)]
pub(crate) enum Line {
    /// What the next steps show.
    Heading(String),
    /// Something that is done, and has to come out as said.
    Step(Step),
}

/// One step.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The line.
    pub(crate) text: String,
    /// What is done.
    pub(crate) words: Vec<String>,
    pub(crate) expected: Expected,
    /// Accounts, and what each gains. Of all others, nothing moves.
    pub(crate) movements: Vec<(String, Movement)>,
}

/// What an account gains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Movement {
    /// That much, or if negative loses it.
    By(i128),
    /// 1 for each payment that was made meanwhile, or loses it.
    ByPaid(i128),
}

/// What has to come of a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// It is part of the setting, or checks something by itself.
    Nothing,
    /// It is done, with this status and these members of the answer.
    Done { status: String, members: Vec<(String, String)> },
    /// It was done before, and is answered with what came of it then.
    Repeated,
    /// The owner is asked.
    Asked { code: String },
    /// A rule says no: recorded, with a receipt.
    Refused { code: String, scope: String, version: Option<u64>, left: Option<String> },
    /// The border says no: there is nothing to record.
    TurnedAway { code: String },
    /// Of many at once, so many are paid, and the others refused.
    Some { paid: usize, refused: usize, code: String },
}

impl Story {
    /// Reads a story.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Story> {
        let mut lines = text.lines();
        let title = lines.next().and_then(|line| line.strip_prefix("# ")).context("a story has a title")?;
        let told = lines.map(str::trim_end).filter(|line| !line.is_empty());
        let read = |line: &str| match line.strip_prefix("# ") {
            Some(heading) => Ok(Line::Heading(heading.to_owned())),
            None => Step::parse(line).map(Line::Step).with_context(|| format!("`{line}`")),
        };
        Ok(Story { title: title.to_owned(), lines: told.map(read).collect::<anyhow::Result<_>>()? })
    }
}

impl Step {
    fn parse(line: &str) -> anyhow::Result<Step> {
        let (told, movements) = line.split_once(" | ").unwrap_or((line, ""));
        let (done, expected) = told.split_once(" -> ").unwrap_or((told, ""));
        let words = format!("{} ", done.trim()).replace(": ", " : ").replace(", ", " , ");
        let movements = movements.split(", ").filter(|movement| !movement.is_empty()).map(movement);
        Ok(Step {
            text: line.split_whitespace().collect::<Vec<_>>().join(" "),
            words: words.split_whitespace().map(str::to_owned).collect(),
            expected: Expected::parse(expected.trim())?,
            movements: movements.collect::<anyhow::Result<_>>()?,
        })
    }
}

fn movement(text: &str) -> anyhow::Result<(String, Movement)> {
    let (account, by) = text.trim().split_once(' ').context("a movement is `account ±amount`")?;
    let by = match by {
        "+paid" => Movement::ByPaid(1),
        "-paid" => Movement::ByPaid(-1),
        by => Movement::By(by.parse().with_context(|| format!("`{by}` is no amount"))?),
    };
    Ok((account.to_owned(), by))
}

impl Expected {
    fn parse(text: &str) -> anyhow::Result<Expected> {
        let (first, members) = text.split_once(", ").unwrap_or((text, ""));
        let words: Vec<&str> = first.split_whitespace().collect();
        Ok(match words.as_slice() {
            [] => Expected::Nothing,
            ["repeated"] => Expected::Repeated,
            ["asked", code] => Expected::Asked { code: (*code).to_owned() },
            ["turned", "away", code] => Expected::TurnedAway { code: (*code).to_owned() },
            ["refused", code, "by", scope, version @ ..] => {
                let version = version.first().and_then(|version| version.strip_prefix('v'));
                Expected::Refused {
                    code: (*code).to_owned(),
                    scope: (*scope).to_owned(),
                    version: version.map(str::parse).transpose()?,
                    left: members.strip_suffix(" left").map(str::to_owned),
                }
            }
            [paid, "paid"] => {
                let refused = members.split_once(" refused ").context("`N paid, N refused CODE`")?;
                Expected::Some {
                    paid: paid.parse()?,
                    refused: refused.0.parse()?,
                    code: refused.1.to_owned(),
                }
            }
            [status] => {
                let member = |text: &str| {
                    text.split_once(' ').map(|(name, value)| (name.to_owned(), value.to_owned()))
                };
                let members = members.split(", ").filter(|text| !text.is_empty()).map(member);
                let members = members.collect::<Option<_>>().context("`status, member value`")?;
                Expected::Done { status: (*status).to_owned(), members }
            }
            _ => bail!("nothing comes out as `{text}`"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_is_done_what_comes_of_it_and_whose_money_moves() {
        let story = Story::parse("# T\nA pays 5 to M -> paid | U -5, M +5\n").expect("it is a story");
        let Some(Line::Step(step)) = story.lines.first() else { panic!("it has a step") };
        assert_eq!(step.words, ["A", "pays", "5", "to", "M"]);
        assert_eq!(step.expected, Expected::Done { status: "paid".to_owned(), members: Vec::new() });
        let moves = [("U".to_owned(), Movement::By(-5)), ("M".to_owned(), Movement::By(5))];
        assert_eq!(step.movements, moves);
    }

    #[test]
    fn what_no_step_comes_out_as_is_an_error() {
        for line in ["A pays 5 to M -> a b c", "A pays 5 to M -> paid | U", "A pays 5 to M -> paid | U five"]
        {
            assert!(Story::parse(&format!("# T\n{line}\n")).is_err(), "{line}");
        }
    }

    #[test]
    fn refusals_name_code_rule_version_and_what_is_left() {
        let refused = |version, left: Option<&str>| Expected::Refused {
            code: "total_exceeded".to_owned(),
            scope: "agent".to_owned(),
            version,
            left: left.map(str::to_owned),
        };
        let rows = [
            ("refused total_exceeded by agent", refused(None, None)),
            ("refused total_exceeded by agent v3", refused(Some(3), None)),
            ("refused total_exceeded by agent v3, 10 left", refused(Some(3), Some("10"))),
        ];
        for (text, expected) in rows {
            assert_eq!(Expected::parse(text).expect("it can be read"), expected, "{text}");
        }
    }
}
