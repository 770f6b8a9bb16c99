//! Approving the rest of today: what one yes covers, and every way in which it does not.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 10000
    payee    M1 food
    payee    M2 food
    agent    A1 W1
    agent    A2 W1
    mandate  D1 W1 A1                    limits: ask-above 50; total 1000; per-payment 400
    mandate  D2 W1 A1                    limits: ask-above 50
    mandate  D3 W1 A2                    limits: ask-above 50
    pay      P0 A1 W1 D1 M1 100          asked above_amount
";

#[test]
fn what_is_asked_alike_is_paid_and_what_is_denied_stays_denied() {
    check(&format!(
        "{WORLD}
        approve  P0 alike until +8h fresh
        pay      P1 A1 W1 D1 M1 100 approval P0  paid
        pay      P2 A1 W1 D1 M1 100              paid
        pay      P3 A1 W1 D1 M1 51               paid
        pay      P4 A1 W1 D1 M1 101              asked above_amount
        pay      P5 A1 W1 D1 M2 100              asked above_amount
        pay      P6 A1 W1 D1 M1=1 100            asked above_amount
        pay      P7 A1 W1 D2 M1 100              asked above_amount
        pay      P8 A2 W1 D3 M1 100              asked above_amount
        pay      P9 A1 W1 - M1 100               asked no_rules_yet
        hold     H1 A1 W1 D1 M1 100              asked above_amount
        meter    T1 A1 W1 D1 M1 100              asked above_amount
        7x pay Q* A1 W1 D1 M1 100                paid
        pay      R1 A1 W1 D1 M1 100              denied total_exceeded left 49
    "
    ));
}

/// The reason has to be the same: who is new, is asked about.
#[test]
fn another_reason_is_another_question() {
    check(&format!(
        "{WORLD}
        approve  P0 alike until +8h fresh
        set-limits D1 v1                         limits: ask-first; ask-above 50
        pay      P1 A1 W1 D1 M1 100              asked first_contact
        set-limits D1 v2                         limits: ask-always
        pay      P2 A1 W1 D1 M1 99               asked ask_always
        set-limits D1 v3                         limits: ask-above 40
        pay      P3 A1 W1 D1 M1 100              paid
    "
    ));
}

#[test]
fn it_ends_with_its_time_and_with_the_first_stop() {
    for (what, stop, start) in [
        ("its time", "advance +8h", ""),
        ("its agent", "freeze A1", "unfreeze A1 fresh"),
        ("its mandate", "freeze D1", "unfreeze D1 fresh"),
        ("its wallet", "freeze W1", "unfreeze W1 fresh"),
        ("its owner", "freeze O1", "unfreeze O1 fresh"),
    ] {
        check(&format!(
            "{WORLD}
            approve  P0 alike until +8h fresh
            pay      P1 A1 W1 D1 M1 100          paid
            // {what}
            {stop}
            {start}
            pay      P2 A1 W1 D1 M1 100          asked above_amount
        "
        ));
    }
    for what in ["A2", "D2", "M1"] {
        let (by, fresh) = if what == "M1" { ("by OP", "by OP") } else { ("", "fresh") };
        check(&format!(
            "{WORLD}
            approve  P0 alike until +8h fresh
            freeze   {what} {by}
            unfreeze {what} {fresh}
            pay      P1 A1 W1 D1 M1 100          paid
        "
        ));
    }
}

#[test]
fn a_stop_far_above_ends_what_was_approved_below() {
    for what in ["A1", "D1"] {
        check(&format!(
            "{WORLD}
            delegate D4 D1 A2
            pay      P1 A2 W1 D4 M1 100          asked above_amount by parent1
            approve  P1 alike until +8h fresh
            pay      P2 A2 W1 D4 M1 100          paid
            freeze   {what}
            unfreeze {what} fresh
            pay      P3 A2 W1 D4 M1 100          asked above_amount
        "
        ));
    }
}

#[test]
fn only_the_owner_who_is_there_says_so_for_a_day_at_most() {
    check(&format!(
        "{WORLD}
        approve  P0 alike until +8h              denied presence_required
        approve  P0 alike until +8h by A1        denied forbidden
        approve  P0 alike until +8h by OP        denied forbidden
        approve  P0 alike until +8h by O2 fresh  reject question_unknown
        approve  P0 alike until +24h1s fresh     reject time_out_of_range
        approve  P0 alike until +0s fresh        reject time_out_of_range
        approve  P0 alike until +24h digest P9 fresh  denied approval_mismatch
        approve  P0 alike until +24h fresh
        approve  P0 alike until +24h fresh       denied approval_used
    "
    ));
}

#[test]
fn one_wallet_has_32_at_once() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    O1
        wallet   W1 O1 10000
        40x payee M* food
        agent    A1 W1
        mandate  D1 W1 A1                        limits: ask-always
        32x pay  P* A1 W1 D1 M* 5                asked
        32x approve P* alike until +3h fresh
        advance  +2h
        pay      Q1 A1 W1 D1 M33 5               asked
        approve  Q1 alike until +1h fresh        reject too_many
        advance  +1h
        approve  Q1 alike until +1h fresh
    ",
    );
}
