//! The shape of files: each says what it is, is short, and has a name with a meaning.

use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// Longer than this, a file is two things.
const FILE_LINES_MAX: usize = 600;

/// Names that say nothing about what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "misc", "common"];

/// Every source opens with a `//!` sentence. A file with nothing in it has nothing to say yet.
pub(crate) fn files_say_what_they_are(tree: &Tree) -> Vec<Finding> {
    let in_src = |path: &str| path.starts_with("crates/") && path.contains("/src/") && path.ends_with(".rs");
    let mute = |text: &str| !text.trim().is_empty() && !opens_with_a_sentence(text);
    let mute = tree.texts().filter(|(path, text)| in_src(path) && mute(text));
    mute.map(|(path, _)| Finding::new(path, 1, "open the file with a `//!` sentence that says what it is"))
        .collect()
}

/// Whether the first paragraph is a doc comment that begins like a sentence and ends like one.
fn opens_with_a_sentence(text: &str) -> bool {
    let paragraph = text.lines().map_while(|line| line.strip_prefix("//! "));
    let paragraph = paragraph.collect::<Vec<&str>>().join(" ");
    let begins = paragraph.starts_with(|first: char| !first.is_lowercase() && !first.is_whitespace());
    begins && paragraph.contains(' ') && paragraph.trim_end().ends_with(['.', '!', '?', ':'])
}

/// No source is longer than [`FILE_LINES_MAX`] lines; tables of tests may be.
pub(crate) fn files_are_short(tree: &Tree) -> Vec<Finding> {
    let ours = |path: &str| path.starts_with("crates/") && path.ends_with(".rs") && !path.contains("/tests/");
    let long = tree.texts().filter(|(path, text)| ours(path) && text.lines().count() > FILE_LINES_MAX);
    let finding = |(path, text): (&str, &str)| {
        let advice =
            format!("{} lines; split it where two halves do not need each other", text.lines().count());
        Finding::new(path, FILE_LINES_MAX + 1, advice)
    };
    long.map(finding).collect()
}

/// No file or folder of ours has a name that says nothing; vectors keep the names they came with.
pub(crate) fn files_have_a_purpose(tree: &Tree) -> Vec<Finding> {
    let empty = |path: &str| {
        let mut stems = path.split('/').map(|name| name.split('.').next().unwrap_or(name));
        stems.any(|stem| EMPTY_NAMES.contains(&stem))
    };
    let named = tree.files.keys().filter(|path| !path.starts_with("vectors/") && empty(path));
    named
        .map(|path| {
            Finding::new(path, 1, "name it for what is inside, or move its parts to where they are used")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    #[test]
    fn a_file_opens_with_a_sentence() {
        let path = "crates/book/src/lib.rs";
        assert_lines(
            files_say_what_they_are,
            &[
                (path, "//! What a book is.\n\nfn a() {}", &[]),
                (path, "//! What a book is: rows\n//! and a head.\n//!\n//! More", &[]),
                (path, "fn a() {}\n//! What a book is.", &[1]),
                (path, "// What a book is.\nfn a() {}", &[1]),
                (path, "\n//! What a book is.", &[1]),
                (path, "//! What a book is\nfn a() {}", &[1]),
                (path, "//! Book.\nfn a() {}", &[1]),
                (path, "//!\nfn a() {}", &[1]),
                (path, "\n", &[]),
                ("crates/book/src/deep/pay.rs", "fn a() {}", &[1]),
                ("crates/book/tests/pay.rs", "fn a() {}", &[]),
            ],
        );
    }

    #[test]
    fn a_file_has_at_most_600_lines() {
        let lines = |count: usize| "a\n".repeat(count);
        assert_lines(
            files_are_short,
            &[
                ("crates/book/src/pay.rs", &lines(600), &[]),
                ("crates/book/src/pay.rs", &lines(601), &[601]),
                ("crates/book/tests/pay.rs", &lines(601), &[]),
                ("vectors/x402.json", &lines(601), &[]),
            ],
        );
    }

    #[test]
    fn a_name_says_what_is_inside() {
        assert_lines(
            files_have_a_purpose,
            &[
                ("crates/book/src/utils.rs", "", &[1]),
                ("crates/book/tests/common/mod.rs", "", &[1]),
                ("sdks/typescript/helpers.ts", "", &[1]),
                ("crates/book/src/misc.rs", "", &[1]),
                ("crates/book/src/uncommon.rs", "", &[]),
                ("vectors/ap2/common.json", "", &[]),
            ],
        );
    }
}
