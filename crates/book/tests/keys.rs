//! Keys and nonces: who speaks for whom, until when, and each request once.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food
    agent    A1 W1                           limits: per-payment 100
";

/// The first entry could be a refusal: whoever came first to a new book left one in it.
#[test]
fn a_book_begins_with_its_opening() {
    check(
        "
        stranger operator OP2
        book     by OP2                      reject key_unknown
        book     retention 1h
        entries  1
    ",
    );
}

/// A key could present a request in the name of somebody else, whose it was not.
#[test]
fn a_request_is_presented_with_the_key_of_whoever_makes_it() {
    check(&format!(
        "{WORLD}
        present  +0s by O1 with O2.key       reject key_unknown
        present  +0s by A1 with O1.key       reject key_unknown
        present  +0s by M1 with A1.key       reject key_unknown
        present  +0s by nobody               reject key_unknown
        present  +0s by O1
        present  +0s by A1
        present  +0s by M1
        present  +0s by OP
    "
    ));
}
