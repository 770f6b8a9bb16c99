//! Names that may not stand in our code, or only in one place: clocks in the rules, shortcuts in the product.
//!
//! A name is found as a run of tokens, so neither spaces nor line ends hide it, and `use std::{fs, net}` is
//! read as `std::fs` and `std::net`. Comments and strings do not count.

use crate::source::{Source, Token, tokens};
use crate::tidy::Finding;
use crate::tidy::tree::Tree;

/// One forbidden run of tokens.
struct Ban {
    name: &'static str,
    /// The paths it is forbidden under; empty means everywhere.
    under: &'static [&'static str],
    /// The paths where it is at home all the same.
    except: &'static [&'static str],
    reach: Reach,
    /// What to do; the name is put before it.
    advice: &'static str,
}

enum Reach {
    /// Tests may use it.
    Product,
    Everything,
}

const CORE: &[&str] = &["crates/book/", "crates/evidence/", "crates/intent/"];
const TABLE: &[&str] = &["crates/book/src/table.rs"];
// The server of files is an HTTP service of its own, for the demo to sell.
const HTTP: &[&str] = &[
    "crates/a2a/",
    "crates/server/",
    "crates/web/",
    "crates/gateway/",
    "crates/llm/",
    "crates/mcp/",
    "crates/shop/",
    "crates/checkouts/",
    "crates/sdk/",
    "crates/cli/src/files.rs",
];

/// A ban on product code.
const fn ban(
    name: &'static str,
    under: &'static [&'static str],
    except: &'static [&'static str],
    advice: &'static str,
) -> Ban {
    Ban { name, under, except, reach: Reach::Product, advice }
}

/// A ban without exceptions, tests included.
const fn never(name: &'static str, advice: &'static str) -> Ban {
    Ban { name, under: &[], except: &[], reach: Reach::Everything, advice }
}

const BANS: &[Ban] = &[
    ban("SystemTime", CORE, &[], "in the core is a hidden input; take the time as an argument"),
    ban("Instant", CORE, &[], "in the core is a hidden input; take the time as an argument"),
    ban("::now(", CORE, &[], "reads a clock; take the time as an argument"),
    ban("TimeZone::system", CORE, &[], "in the core is a hidden input; take the zone as an argument"),
    ban(
        "rand::",
        CORE,
        // AWS-LC draws the nonce of an ES256 signature itself.
        &["crates/evidence/src/key.rs"],
        "in the core is a hidden input; take the bytes as an argument",
    ),
    ban("tokio", CORE, &[], "has no place in the core; wait in the server"),
    ban("async fn", CORE, &[], "has no place in the core; wait in the server"),
    ban("std::fs", CORE, &[], "has no place in the core; read and write in the engine"),
    ban("std::net", CORE, &[], "has no place in the core; sockets belong to the server"),
    ban("std::thread", CORE, &[], "has no place in the core; threads belong to the engine"),
    ban("std::env", CORE, &[], "in the core is a hidden input; take the setting as an argument"),
    ban("f32", CORE, &[], "is no money; use an integer of the smallest unit"),
    ban("f64", CORE, &[], "is no money; use an integer of the smallest unit"),
    ban("HashMap", CORE, TABLE, "iterates in no order; use `BTreeMap`, or `Table` in `table.rs`"),
    ban("HashSet", CORE, TABLE, "iterates in no order; use `BTreeSet`, or `Table` in `table.rs`"),
    ban("RandomState", CORE, TABLE, "lives in `table.rs` only"),
    ban("hashbrown", CORE, TABLE, "lives in `table.rs` only"),
    ban("Serialize", &["crates/book/"], &[], "ties the journal to JSON; give `wire` its own type"),
    ban("Deserialize", &["crates/book/"], &[], "ties the journal to JSON; give `wire` its own type"),
    ban("async", &["crates/engine/"], &[], "has no place in the engine; its caller waits on the ticket"),
    ban(".await", &["crates/engine/"], &[], "has no place in the engine; its caller waits on the ticket"),
    ban("StatusCode", &["crates/"], HTTP, "belongs to the edge; return a denial, a reject or a fault"),
    ban("todo!", &[], &[], "promises code; write it, or return an error"),
    ban("unimplemented!", &[], &[], "promises code; write it, or return an error"),
    never("dbg!", "is for the workbench; take it out"),
    ban(".unwrap()", &[], &[], "hides why it is safe; say so in `expect`, or return the error"),
    never("#[ignore", "hides a test; make it run, or delete it"),
    never("should_panic", "passes on any panic; assert on the message with `catch_unwind`"),
];

/// No forbidden name stands where it may not.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let bans: Vec<(&Ban, Vec<Token<'_>>)> = BANS.iter().map(|ban| (ban, tokens(ban.name))).collect();
    let mut findings = Vec::new();
    for (path, source) in &tree.sources {
        let at_home = |place: &&str| path.starts_with(*place);
        let applies = |ban: &Ban| {
            (ban.under.is_empty() || ban.under.iter().any(at_home)) && !ban.except.iter().any(at_home)
        };
        let names = Names::of(source);
        for (ban, pattern) in bans.iter().filter(|(ban, _)| applies(ban)) {
            for offset in names.places(pattern) {
                let spared = match ban.reach {
                    Reach::Product => tree.is_test(path, source, offset),
                    Reach::Everything => false,
                };
                if !spared {
                    let advice = format!("`{}` {}", ban.name, ban.advice);
                    findings.push(Finding::new(path, source.line(offset), advice));
                }
            }
        }
    }
    findings
}

/// The tokens of one file, and the paths its grouped imports stand for.
struct Names<'a> {
    tokens: Vec<Token<'a>>,
    imports: Vec<Vec<Token<'a>>>,
}

impl<'a> Names<'a> {
    fn of(source: &'a Source) -> Names<'a> {
        let tokens = tokens(&source.code);
        let imports = grouped_imports(&tokens);
        Names { tokens, imports }
    }

    /// Where `pattern` stands.
    fn places(&self, pattern: &[Token<'_>]) -> Vec<usize> {
        let lists = std::iter::once(&self.tokens).chain(&self.imports);
        let places = lists.flat_map(|tokens| {
            let hits = tokens.windows(pattern.len()).filter(|window| matches(window, pattern));
            hits.filter_map(|window| window.last()).map(|token| token.offset)
        });
        let mut places: Vec<usize> = places.collect();
        places.sort_unstable();
        places.dedup();
        places
    }
}

fn matches(window: &[Token<'_>], pattern: &[Token<'_>]) -> bool {
    window.iter().zip(pattern).all(|(token, expected)| {
        token.text == expected.text || literal_suffix(token.text) == Some(expected.text)
    })
}

/// The type at the end of a number: `f64` in `1_f64`, but not in `0xf64`.
fn literal_suffix(word: &str) -> Option<&str> {
    let is_decimal = word.starts_with(|letter: char| letter.is_ascii_digit()) && !word.starts_with("0x");
    ["f32", "f64"].into_iter().find(|suffix| is_decimal && word.ends_with(suffix))
}

/// Each path of `std::{fs, net::{TcpStream}}` as far as it goes in the group: `std::fs`, `std::net`.
fn grouped_imports<'a>(tokens: &[Token<'a>]) -> Vec<Vec<Token<'a>>> {
    let mut paths = Vec::new();
    for (at, window) in tokens.windows(4).enumerate() {
        let [root, first, second, brace] = window else {
            continue;
        };
        if first.text != ":" || second.text != ":" || brace.text != "{" {
            continue;
        }
        let mut depth = 0_usize;
        let mut begins = false;
        for token in tokens.iter().skip(at + 3) {
            if begins && depth == 1 {
                paths.push(vec![*root, *first, *second, *token]);
            }
            begins = matches!(token.text, "{" | ",");
            depth = match token.text {
                "{" => depth + 1,
                "}" => depth - 1,
                _ => depth,
            };
            if depth == 0 {
                break;
            }
        }
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::assert_lines;

    const BOOK: &str = "crates/book/src/pay.rs";
    const ENGINE: &str = "crates/engine/src/writer.rs";

    #[test]
    fn every_ban_bites_and_comments_and_strings_are_spared() {
        for ban in BANS {
            let folder = ban.under.first().copied().unwrap_or("crates/sim/");
            let path = format!("{folder}src/rule.rs");
            let closing = if ban.name.starts_with("#[") { "]" } else { "" };
            let code = format!("\nfn f() {{ {}{closing} }}", ban.name);
            let prose = format!("// {}\nconst F: &str = r#\"{}\"#;", ban.name, ban.name);
            let of = |text: &str| {
                let findings = check(&Tree::of(&[(&path, text)]));
                let named = |finding: &&Finding| finding.advice.starts_with(&format!("`{}`", ban.name));
                findings.iter().filter(named).map(|finding| finding.line).collect::<Vec<usize>>()
            };
            assert_eq!(of(&code), [2], "{}", ban.name);
            assert_eq!(of(&prose), [0; 0], "{}", ban.name);
            let expected: &[usize] = match ban.reach {
                Reach::Product => &[],
                Reach::Everything => &[2],
            };
            assert_eq!(of(&format!("#[cfg(test)] mod tests {{ {code} }}")), expected, "{}", ban.name);
        }
    }

    #[test]
    fn names_are_found_however_they_are_written() {
        assert_lines(
            check,
            &[
                (BOOK, "use std::{\n    fmt,\n    fs,\n};", &[3]),
                (BOOK, "use std::{net::{TcpStream}, fmt};", &[1]),
                (BOOK, "use std::{fmt::{self, fs}};", &[]),
                (BOOK, "let a = std\n    ::fs::read(path);", &[2]),
                (BOOK, "let a = b\n    .unwrap\n    ();", &[3]),
                (BOOK, "let a = b.unwrap_or(0);", &[]),
                (BOOK, "let a = 1_f64;", &[1]),
                (BOOK, "let a = 0xf64;", &[]),
                (BOOK, "let a = jiff::Timestamp::now();", &[1]),
                (BOOK, "fn now(at: Time) -> Time {}", &[]),
                (BOOK, "let instant = Instants;", &[]),
                (BOOK, "let strand = brand::new();", &[]),
                (ENGINE, "async fn run() {\n    wait().await\n}", &[1, 2]),
                (ENGINE, "let started = Instant::now();", &[]),
                ("crates/book/src/lib.rs", "#[derive(Clone, Serialize)]\nstruct A;", &[1]),
                ("crates/engine/src/lib.rs", "fn a() -> StatusCode {}", &[1]),
            ],
        );
    }

    #[test]
    fn some_places_are_at_home_with_a_name() {
        assert_lines(
            check,
            &[
                ("crates/book/src/table.rs", "use hashbrown::HashMap;", &[]),
                ("crates/book/src/book.rs", "use hashbrown::HashMap;", &[1, 1]),
                ("crates/server/src/routes.rs", "fn a() -> StatusCode {}", &[]),
                ("crates/book/tests/rules.rs", "let a = b.unwrap();", &[]),
                ("crates/book/tests/rules.rs", "#[ignore = \"slow\"]\nfn a() {}", &[1]),
                ("crates/sim/src/lib.rs", "let a = b.unwrap();", &[1]),
            ],
        );
    }
}
