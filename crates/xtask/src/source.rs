//! Rust source split into code, strings and comments, so that a rule about code never trips over prose.
//!
//! This is a lexer of about a hundred lines and not a parser, on purpose: the rules ask where a name stands,
//! not what it means, and they must hold on a file that does not compile yet.

use std::ops::Range;

/// One Rust file, seen three ways. Each view is as long as the file, with everything else blanked, so that an
/// offset means the same place, and the same line, in all of them.
#[derive(Debug)]
pub(crate) struct Source {
    /// Everything but comments and the insides of strings and characters.
    pub(crate) code: String,
    /// The insides of strings only.
    pub(crate) strings: String,
    /// Where code begins and ends that only tests compile.
    pub(crate) tests: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum View {
    Code,
    Text,
    Comment,
}

impl Source {
    /// Splits one file; text that is not Rust gives nonsense, never a panic.
    pub(crate) fn read(text: &str) -> Source {
        let views = views(text);
        let code = only(text, &views, View::Code);
        let tests = test_ranges(&code);
        Source { strings: only(text, &views, View::Text), code, tests }
    }

    /// Whether only tests compile what stands at `offset`.
    pub(crate) fn is_test(&self, offset: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&offset))
    }

    /// The line, counted from 1, of `offset`.
    pub(crate) fn line(&self, offset: usize) -> usize {
        line_of(&self.code, offset)
    }

    /// The modules this file keeps in other files and compiles for tests only: `#[cfg(test)] mod cases;`.
    pub(crate) fn test_modules(&self) -> Vec<&str> {
        let declared = |range: &Range<usize>| {
            let item = self.code.get(range.clone())?.rsplit(']').next()?.trim();
            let name = item.strip_suffix(';')?.trim().rsplit_once("mod ")?.1;
            Some(name.trim())
        };
        self.tests.iter().filter_map(declared).collect()
    }
}

/// The line, counted from 1, of `offset` in `text`.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    let before = text.as_bytes().iter().take(offset);
    before.filter(|byte| **byte == b'\n').count() + 1
}

/// A word, or one character of punctuation, and where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    pub(crate) offset: usize,
}

/// The tokens of a piece of code without its spaces.
pub(crate) fn tokens(code: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut word: Option<usize> = None;
    for (offset, letter) in code.char_indices() {
        let in_word = letter.is_alphanumeric() || letter == '_';
        if !in_word {
            let token =
                word.take().and_then(|start| Some(Token { text: code.get(start..offset)?, offset: start }));
            found.extend(token);
        }
        if in_word && word.is_none() {
            word = Some(offset);
        }
        if !in_word && !letter.is_whitespace() {
            let end = offset + letter.len_utf8();
            found.extend(code.get(offset..end).map(|text| Token { text, offset }));
        }
    }
    found.extend(word.and_then(|start| Some(Token { text: code.get(start..)?, offset: start })));
    found
}

/// `text` with every byte blanked that is not in `view`; line ends stay.
fn only(text: &str, views: &[View], view: View) -> String {
    let mut kept = String::with_capacity(text.len());
    for (offset, letter) in text.char_indices() {
        if letter == '\n' || views.get(offset) == Some(&view) {
            kept.push(letter);
            continue;
        }
        for _ in 0..letter.len_utf8() {
            kept.push(' ');
        }
    }
    kept
}

/// For every byte of `text`, what it is part of.
fn views(text: &str) -> Vec<View> {
    let bytes = text.as_bytes();
    let mut views = Vec::with_capacity(bytes.len());
    while let Some(rest) = bytes.get(views.len()..).filter(|rest| !rest.is_empty()) {
        let after_word =
            views.len().checked_sub(1).and_then(|at| bytes.get(at)).is_some_and(|byte| is_word(*byte));
        let (view, opening, inside, closing) = if rest.starts_with(b"//") {
            (View::Comment, 0, rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len()), 0)
        } else if rest.starts_with(b"/*") {
            (View::Comment, 0, block_comment(rest), 0)
        } else if let Some((opening, hashes)) = raw_string_opening(rest).filter(|_| !after_word) {
            (View::Text, opening, raw_string(rest, opening, hashes), 1 + hashes)
        } else if rest.starts_with(b"\"") {
            (View::Text, 1, quoted(rest, b'"'), 1)
        } else if is_character(text.get(views.len()..).unwrap_or_default()) {
            (View::Comment, 0, quoted(rest, b'\'') + 2, 0)
        } else {
            (View::Code, 1, 0, 0)
        };
        let runs = [(View::Code, opening), (view, inside), (View::Code, closing)];
        views.extend(
            runs.into_iter().flat_map(|(view, count)| std::iter::repeat_n(view, count)).take(rest.len()),
        );
    }
    views
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

/// The length of the block comment that `rest` begins with; block comments nest.
fn block_comment(rest: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        let pair = rest.get(at..at + 2).unwrap_or_default();
        let step = if pair == b"/*" || pair == b"*/" { 2 } else { 1 };
        depth = if pair == b"/*" { depth + 1 } else { depth - usize::from(pair == b"*/") };
        at += step;
        if depth == 0 {
            return at;
        }
    }
    rest.len()
}

/// The length of `r#"` or its like, and its count of `#`, when `rest` begins with one.
fn raw_string_opening(rest: &[u8]) -> Option<(usize, usize)> {
    let prefix = [&b"r"[..], b"br", b"cr"].into_iter().find(|prefix| rest.starts_with(prefix))?.len();
    let hashes = rest.iter().skip(prefix).take_while(|byte| **byte == b'#').count();
    (rest.get(prefix + hashes) == Some(&b'"')).then_some((prefix + hashes + 1, hashes))
}

/// The length of what stands between a raw string's quotes.
fn raw_string(rest: &[u8], opening: usize, hashes: usize) -> usize {
    let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let inside = rest.get(opening..).unwrap_or_default();
    inside.windows(closing.len()).position(|window| window == closing).unwrap_or(inside.len())
}

/// The length of what stands between the quote that `rest` begins with and the next one that is not escaped.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.iter().skip(1).enumerate() {
        if *byte == quote && !escaped {
            return at;
        }
        escaped = *byte == b'\\' && !escaped;
    }
    rest.len()
}

/// Tells a character (`'a'`, `'\n'`) from a lifetime (`'a`).
fn is_character(rest: &str) -> bool {
    let mut letters = rest.chars();
    letters.next() == Some('\'') && (letters.next() == Some('\\') || letters.next() == Some('\''))
}

/// The attributes that keep an item out of the product.
const TEST_ATTRIBUTES: &[&str] = &[
    "# ! [ cfg ( test ) ]",
    "# [ cfg ( test ) ]",
    "# [ cfg ( all ( test ,",
    "# [ test ]",
    "# [ tokio : : test",
];

/// The items that only tests compile: from their attribute to their `;` or their closing brace.
fn test_ranges(code: &str) -> Vec<Range<usize>> {
    let tokens = tokens(code);
    let mut ranges: Vec<Range<usize>> = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        let inside = ranges.last().is_some_and(|range| range.contains(&token.offset));
        let rest = tokens.get(at..).unwrap_or_default();
        let Some(attribute) = TEST_ATTRIBUTES.iter().find(|attribute| begins(rest, attribute)) else {
            continue;
        };
        let whole_file = attribute.starts_with("# !");
        let end = if whole_file { code.len() } else { item_end(rest).unwrap_or(code.len()) };
        if !inside {
            ranges.push(token.offset..end);
        }
    }
    ranges
}

fn begins(tokens: &[Token<'_>], pattern: &str) -> bool {
    let mut tokens = tokens.iter();
    pattern.split(' ').all(|expected| tokens.next().is_some_and(|token| token.text == expected))
}

/// Where the item ends whose attributes `tokens` begins with.
fn item_end(tokens: &[Token<'_>]) -> Option<usize> {
    let mut depth = 0_i64;
    for token in tokens {
        match token.text {
            "(" | "[" | "{" => depth += 1,
            ")" | "]" | "}" => depth -= 1,
            _ => {}
        }
        let ends = token.text == "}" || token.text == ";";
        if ends && depth == 0 {
            return Some(token.offset + 1);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row: a source, its code without spaces, its strings without spaces.
    const ROWS: &[(&str, &str, &str)] = &[
        ("a // b", "a", ""),
        ("a /* b /* c */ d */ e", "a e", ""),
        ("a(\"b // c\") d", "a ( \" \" ) d", "b // c"),
        ("a(\"b \\\" c\") d", "a ( \" \" ) d", "b \\\" c"),
        ("r#\"a \" b\"# c", "r # \" \" # c", "a \" b"),
        ("br\"a\\\" c", "br \" \" c", "a\\"),
        ("&'a str '\"' b", "& ' a str b", ""),
        ("'\\'' b '\\u{1F}' c", "b c", ""),
        ("for\"a\\\" b\" c", "for \" \" c", "a\\\" b"),
        ("r#type = 1", "r # type = 1", ""),
        ("\"é\" ü", "\" \" ü", "é"),
    ];

    #[test]
    fn code_strings_and_comments_are_told_apart() {
        for (text, code, strings) in ROWS {
            let source = Source::read(text);
            let found: Vec<&str> = tokens(&source.code).iter().map(|token| token.text).collect();
            assert_eq!(found.join(" "), *code, "{text}");
            assert_eq!(source.strings.trim(), *strings, "{text}");
            assert_eq!(source.code.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn an_unfinished_file_is_read_to_its_end() {
        for text in ["\"a", "/* a", "r##\"a\"#", "'\\", "b'", "#[cfg(test)] mod a {"] {
            assert_eq!(Source::read(text).code.len(), text.len(), "{text}");
        }
    }

    #[test]
    fn test_code_ends_where_its_item_ends() {
        let rows = [
            ("#[cfg(test)] mod a { fn b() { } } product", true),
            ("#[cfg(test)] #[derive(Debug)] struct A { b: u8 } product", true),
            ("#[cfg(test)] const A: [u8; 2] = [0; 2]; product", true),
            ("#[test] fn a() { } product", true),
            ("#[cfg(all(test, unix))] use a::{b, c}; product", true),
            ("#[cfg(any(test, unix))] fn a() {} product", false),
            ("#[cfg(feature = \"test\")] fn a() {} product", false),
        ];
        for (text, has_tests) in rows {
            let source = Source::read(text);
            let first_item = text.find(']').expect("each row has an attribute") + 2;
            assert_eq!(source.is_test(first_item), has_tests, "{text}");
            assert!(!source.is_test(text.find("product").expect("each row has product code")), "{text}");
        }
    }

    #[test]
    fn modules_for_tests_in_other_files_are_named() {
        let source = Source::read(
            "mod a;\n#[cfg(test)]\nmod cases;\n#[cfg(test)] pub(crate) mod more;\n#[cfg(test)] use x;",
        );
        assert_eq!(source.test_modules(), ["cases", "more"]);
    }
}
