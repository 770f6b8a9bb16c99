//! Links in the documents lead somewhere.

use crate::source::line_of;
use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Every relative link of README.md, ARCHITECTURE.md, CHANGELOG.md and `docs/` names an existing file or folder.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in tree.texts().filter(|(path, _)| is_document(path)) {
        let prose = without_code(text);
        for (offset, target) in links(&prose) {
            let file = target.split(['#', '?']).next().unwrap_or(target);
            let elsewhere = file.is_empty() || target.contains("://") || target.starts_with("mailto:");
            if !elsewhere && !resolve(path, file).is_some_and(|file| tree.exists(&file)) {
                let advice = format!("`{target}` does not exist; mend the link");
                findings.push(Finding::new(path, line_of(&prose, offset), advice));
            }
        }
    }
    findings
}

fn is_document(path: &str) -> bool {
    matches!(path, "README.md" | "ARCHITECTURE.md" | "CHANGELOG.md")
        || path.starts_with("docs/") && path.ends_with(".md")
}

/// `text` with fenced blocks and `code` blanked.
fn without_code(text: &str) -> String {
    let mut fenced = false;
    let mut prose = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        if fence || fenced {
            prose.push('\n');
            continue;
        }
        for (at, part) in line.split('`').enumerate() {
            // Odd parts stand between two backticks. One such mark is left, so that a link's text is not lost.
            let kept = if at % 2 == 0 { part } else { "`" };
            prose.push_str(kept);
        }
        if !prose.ends_with('\n') {
            prose.push('\n');
        }
    }
    prose
}

/// The targets of `[text](target "title")` and of `[label]: target`, and where they stand.
fn links(prose: &str) -> Vec<(usize, &str)> {
    let after = |mark: &'static str| {
        prose.match_indices(mark).filter_map(move |(at, _)| Some((at, prose.get(at + mark.len()..)?)))
    };
    let inline = after("](").filter_map(|(at, rest)| Some((at, rest.split_once(')')?.0)));
    let starts_line = |at: usize| prose.get(..at).is_some_and(|before| line_start(before).starts_with('['));
    let labelled = after("]: ").filter(|(at, _)| starts_line(*at));
    let labelled = labelled.map(|(at, rest)| (at, rest.lines().next().unwrap_or(rest)));
    let targets =
        inline.chain(labelled).filter_map(|(at, target)| Some((at, target.split_whitespace().next()?)));
    targets.map(|(at, target)| (at, target.trim_matches(['<', '>']))).collect()
}

fn line_start(before: &str) -> &str {
    before.rsplit('\n').next().unwrap_or(before)
}

/// The path from the root that `link` means on the page at `page`; none when it leaves the tree.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    if link.starts_with('/') {
        parts.clear();
    }
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    #[test]
    fn relative_links_lead_somewhere() {
        let page = "docs/decisions/0001.md";
        assert_lines(
            check,
            &[
                (page, "See [this](0001.md),\n[that](0002.md).", &[2]),
                (page, "[up](../decisions/0001.md#why) [here](#why) [folder](../) [root](../../)", &[]),
                (page, "[out](../../../secret.md)", &[1]),
                (page, "[web](https://example.com/a) [mail](mailto:a@example.com)", &[]),
                (page, "[titled](0003.md \"A title\") ![image](a.svg)", &[1, 1]),
                (page, "[absolute](/docs/decisions/0001.md) [wrong](/decisions/0001.md)", &[1]),
                (page, "[label]: gone.md\n[other]: <0001.md>\ntext [x]: gone.md is prose", &[1]),
                (page, "```\n[code](gone.md)\n```\n`[code](gone.md)` [`name`](gone.md)", &[4]),
                ("README.md", "[a](docs/a.md)", &[1]),
                ("CHANGELOG.md", "[a](docs/a.md)", &[1]),
                ("crates/book/notes.md", "[a](docs/a.md)", &[]),
            ],
        );
    }
}
