//! Approvals: what the owner is asked, and the one thing that a yes is good for.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000
    payee    M1 food
    payee    M2 food
    agent    A1 W1
";

/// An owner who paid and named a question that the book did not have stopped the process.
#[test]
fn an_owner_who_pays_can_use_no_approval() {
    check(&format!(
        "{WORLD}
        pay      P1 O1 W1 - M1 100 approval P9    reject question_unknown
        pay      P1 O1 W1 - M1 100                paid
    "
    ));
}

/// An owner who paid could use up the approval that another had given to an agent.
#[test]
fn an_owner_who_pays_cannot_use_up_the_approval_of_another() {
    check(&format!(
        "{WORLD}
        owner    O2
        wallet   W2 O2 1000
        pay      P1 A1 W1 - M1 100                asked no_rules_yet by book
        approve  P1
        pay      P2 O2 W2 - M1 1 approval P1      reject question_unknown
        pay      P3 A1 W1 - M1 100 approval P1    paid
    "
    ));
}
