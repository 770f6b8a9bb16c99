//! Words that may not stand anywhere in the tree: work left over, and talk about how the tree came to be.

use crate::source::line_of;
use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Words, whether their case matters, and what to do.
const WORDS: &[(&str, Case, &str)] = &[
    ("TODO", Case::Exact, LEFT_OVER),
    ("FIXME", Case::Exact, LEFT_OVER),
    ("XXX", Case::Exact, LEFT_OVER),
    ("as an AI", Case::Exact, MAKING),
    ("Claude", Case::Any, MAKING),
    ("Copilot", Case::Any, MAKING),
    ("ChatGPT", Case::Any, MAKING),
];

const LEFT_OVER: &str = "do it now, or open an issue";
const MAKING: &str = "say what the code is, not how it came to be";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Case {
    Exact,
    Any,
}

/// Paths and the words they may hold: a program that configures clients has to call them by their names.
const ALLOWED: &[(&str, &[&str])] = &[
    ("crates/xtask/src/tidy/words.rs", &["TODO", "FIXME", "XXX", "as an AI", "Claude", "Copilot", "ChatGPT"]),
    ("crates/cli/src/mcp/install.rs", &["Claude"]),
    ("crates/cli/src/args/mcp.rs", &["Claude"]),
    ("crates/cli/tests/suite/mcp.rs", &["Claude"]),
    ("crates/cli/tests/golden/help.txt", &["Claude"]),
    ("docs/mcp.md", &["Claude"]),
];

/// "As an AI agent, …" is about a customer of ours.
const CUSTOMERS: &[&str] = &[" agent", " customer", " wallet"];

/// ISO 4217's code for no currency at all; in quotes it is one, and nothing left over.
const NO_CURRENCY: &str = "XXX";

/// None of the words stands, as a whole word, in a text it is not allowed in.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts() {
        let lower = text.to_ascii_lowercase();
        for (word, case, advice) in WORDS {
            if ALLOWED.iter().any(|(place, words)| *place == path && words.contains(word)) {
                continue;
            }
            let (text, wanted) = match case {
                Case::Exact => (text, (*word).to_owned()),
                Case::Any => (lower.as_str(), word.to_ascii_lowercase()),
            };
            for (offset, _) in text.match_indices(wanted.as_str()) {
                if stands_alone(text, offset, &wanted) {
                    findings.push(Finding::new(path, line_of(text, offset), format!("`{word}`: {advice}")));
                }
            }
        }
    }
    findings
}

/// Whether what stands at `offset` is a whole word, and neither a customer nor a currency.
fn stands_alone(text: &str, offset: usize, word: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric();
    let before = text.get(..offset).unwrap_or_default();
    let after = text.get(offset + word.len()..).unwrap_or_default();
    let whole = !before.ends_with(is_word) && !after.starts_with(is_word);
    if word == NO_CURRENCY && before.ends_with('"') && after.starts_with('"') {
        return false;
    }
    whole && !CUSTOMERS.iter().any(|customer| after.starts_with(customer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    #[test]
    fn left_over_work_and_talk_of_making_are_found() {
        assert_lines(
            check,
            &[
                ("docs/a.md", "Fine.\nTODO: finish", &[2]),
                ("crates/book/src/a.rs", "// FIXME", &[1]),
                ("a.sh", "mktemp -d /tmp/XXXXXX\n# XXX", &[2]),
                ("a.json", "[\"XXX\"]", &[]),
                ("a.md", "todo lists are a product", &[]),
                ("a.md", "written with claude", &[1]),
                ("a.md", "CLAUDE_CODE", &[1]),
                ("a.md", "claudette, copilots", &[]),
                ("a.md", "Copilot\nChatGPT", &[1, 2]),
                ("a.md", "As I said, as an AI I cannot", &[1]),
                ("a.md", "Registered as an AI agent.", &[]),
            ],
        );
    }

    #[test]
    fn a_place_may_hold_the_words_it_needs_and_no_others() {
        assert_lines(
            check,
            &[
                ("crates/cli/src/mcp/install.rs", "\"Claude Desktop\"", &[]),
                ("crates/cli/src/mcp/install.rs", "// TODO", &[1]),
                ("crates/cli/src/main.rs", "\"Claude Desktop\"", &[1]),
            ],
        );
    }
}
