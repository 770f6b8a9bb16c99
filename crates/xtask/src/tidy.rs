//! Tidy: the architecture and the house style, as far as a program can check them.
//!
//! Reading order: [`tree`] is what a rule sees, [`RULES`] is all of them, and each rule is one small function
//! with its table of allowed and forbidden things at the top of its file. To make an exception, add a line to
//! that table and say why in the commit; there is no way to switch a rule off from the code it judges.

mod arrows;
mod externals;
mod limits;
mod links;
mod names;
mod shape;
mod sql;
pub(crate) mod tree;
mod words;

use std::fmt;
use std::path::Path;

use tree::Tree;

/// A rule reads the tree and says what is wrong with it.
type Rule = fn(&Tree) -> Vec<Finding>;

/// Every rule by its name.
const RULES: &[(&str, Rule)] = &[
    ("arrow", arrows::check),
    ("dependency", externals::check),
    ("name", names::check),
    ("sql", sql::check),
    ("file-doc", shape::files_say_what_they_are),
    ("file-length", shape::files_are_short),
    ("file-name", shape::files_have_a_purpose),
    ("limit", limits::check),
    ("link", links::check),
    ("word", words::check),
];

/// What a rule found: where, and what to do about it.
#[derive(Debug)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    advice: String,
}

impl Finding {
    fn new(path: &str, line: usize, advice: impl Into<String>) -> Finding {
        Finding { path: path.to_owned(), line, advice: advice.into() }
    }
}

/// A finding and the rule it breaks: one line, `path:line: rule: what to do`.
#[derive(Debug)]
pub(crate) struct Violation {
    rule: &'static str,
    finding: Finding,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { path, line, advice } = &self.finding;
        write!(out, "{path}:{line}: {}: {advice}", self.rule)
    }
}

/// Every violation in the tree under `root`, rule by rule.
pub(crate) fn violations(root: &Path) -> anyhow::Result<Vec<Violation>> {
    Ok(judge(&Tree::read(root)?))
}

/// Checks the tree under `root`, printing every violation; an error when there is one.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let violations = violations(root)?;
    for violation in &violations {
        println!("{violation}");
    }
    anyhow::ensure!(violations.is_empty(), "tidy: {} to mend", violations.len());
    Ok(())
}

fn judge(tree: &Tree) -> Vec<Violation> {
    let judged = RULES
        .iter()
        .flat_map(|(rule, check)| check(tree).into_iter().map(|finding| Violation { rule, finding }));
    judged.collect()
}

/// Runs `rule` on a tree of one file for each row and compares the lines where it says no.
#[cfg(test)]
fn assert_lines(rule: Rule, rows: &[(&str, &str, &[usize])]) {
    for (path, text, expected) in rows {
        let findings = rule(&Tree::of(&[(path, text)]));
        let lines: Vec<usize> = findings.iter().map(|finding| finding.line).collect();
        assert_eq!(lines, *expected, "{path}:\n{text}\n{findings:#?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let root = crate::workspace::root().expect("xtask lies in the workspace");
        let violations = violations(&root).expect("the tree can be read");
        let lines: Vec<String> = violations.iter().map(Violation::to_string).collect();
        assert!(lines.is_empty(), "\n{}", lines.join("\n"));
    }

    #[test]
    fn a_violation_is_one_line_that_says_where_and_what_to_do() {
        let tree = Tree::of(&[("crates/book/src/pay.rs", "//! What a payment is.\nfn pay() { dbg!(1) }\n")]);
        let lines: Vec<String> = judge(&tree).iter().map(Violation::to_string).collect();
        assert_eq!(lines, ["crates/book/src/pay.rs:2: name: `dbg!` is for the workbench; take it out"]);
    }
}
