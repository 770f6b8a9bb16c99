//! Maxima have a name, a reason and one place: the `limits.rs` of their crate.

use crate::source::{Token, tokens};
use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// The crates whose limits decide what strangers can make us do.
const CRATES: &[&str] =
    &["book", "engine", "wire", "server", "gateway", "llm", "intent", "mcp", "shop", "checkouts", "evm"];

/// Every constant whose name ends with `_MAX` is declared in its crate's `limits.rs`, with a doc comment.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, source) in &tree.sources {
        let Some(name) = CRATES.iter().find(|name| path.starts_with(&format!("crates/{name}/"))) else {
            continue;
        };
        let home = format!("crates/{name}/src/limits.rs");
        for constant in maxima(&source.code) {
            let line = source.line(constant.offset);
            if tree.is_test(path, source, constant.offset) {
                continue;
            }
            if *path != home {
                let advice = format!("limits of `{name}` live in `{home}`; move `{}` there", constant.text);
                findings.push(Finding::new(path, line, advice));
            } else if !has_doc(tree.text(path), line) {
                let advice =
                    format!("`{}` needs a doc comment: what it bounds, and why that much", constant.text);
                findings.push(Finding::new(path, line, advice));
            }
        }
    }
    findings
}

/// The names of the constants and statics that end with `_MAX`.
fn maxima(code: &str) -> Vec<Token<'_>> {
    let tokens = tokens(code);
    let pairs = tokens.windows(2).filter_map(|pair| match pair {
        [keyword, name] if matches!(keyword.text, "const" | "static") => Some(*name),
        _ => None,
    });
    pairs.filter(|name| name.text.ends_with("_MAX")).collect()
}

/// Whether a doc comment stands above `line`, attributes between them aside.
fn has_doc(text: &str, line: usize) -> bool {
    let above: Vec<&str> = text.lines().take(line - 1).map(str::trim).collect();
    let nearest = above.iter().rev().find(|line| !line.starts_with("#["));
    nearest.is_some_and(|nearest| nearest.strip_prefix("/// ").is_some_and(|doc| !doc.is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    #[test]
    fn maxima_live_in_one_place_and_say_why() {
        assert_lines(
            check,
            &[
                (
                    "crates/engine/src/writer.rs",
                    "//! Writes.\npub const BATCH_COUNT_MAX: usize = 4096;",
                    &[2],
                ),
                ("crates/engine/src/writer.rs", "static QUEUE_MAX: usize = 1;", &[1]),
                ("crates/engine/src/deep/limits.rs", "/// Why.\nconst QUEUE_MAX: usize = 1;", &[2]),
                ("crates/engine/src/limits.rs", "/// Why.\npub const BATCH_COUNT_MAX: usize = 4096;", &[]),
                (
                    "crates/engine/src/limits.rs",
                    "/// Why.\n#[doc(hidden)]\npub const BATCH_MAX: usize = 1;",
                    &[],
                ),
                ("crates/engine/src/limits.rs", "pub const BATCH_COUNT_MAX: usize = 4096;", &[1]),
                ("crates/engine/src/limits.rs", "// Why.\nconst BATCH_MAX: usize = 1;", &[2]),
                ("crates/book/src/time.rs", "/// The end.\npub const MAX: Time = Time(u64::MAX);", &[]),
                ("crates/book/src/pay.rs", "let a = BODY_BYTES_MAX;", &[]),
                ("crates/book/src/pay.rs", "#[cfg(test)] mod tests { const A_MAX: u8 = 1; }", &[]),
                ("crates/sim/src/seed.rs", "const STEPS_MAX: usize = 1;", &[]),
            ],
        );
    }
}
