//! The ledger's and the economy's threats, LE-01 to LE-24, as far as the book decides them.
//!
//! LE-06 (spellings of numbers), LE-10 and LE-11 (exchange) are not the book's: it takes integers of one asset. A negative
//! amount (LE-03) or one of less than the smallest unit (LE-07) has no bytes at all; see `entry.rs`.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 100
    payee    M1 food
    payee    M2 food
    agent    A1 W1                               limits: per-payment 1000
";

#[test]
fn le_05_amounts_end_at_their_maximum_and_nothing_wraps() {
    check(
        "
        asset    CNY/2
        owner    O1
        owner    O2
        payee    M1 food
        wallet   W1 O1 1000000000000000000000000000000
        wallet   W2 O1 0
        agent    A1 W1                           limits: day 1000000000000000000000000000000 UTC
        agent    A2 W1                           limits: per-payment 1
        transfer X1 world W2 1                   reject amount_too_large
        pay      P1 A1 W1 - M1 1000000000000000000000000000000    paid
        pay      P2 A1 W1 - M1 1                 reject amount_too_large
        pay      P3 A1 W1 - M1 9007199254740993  reject amount_too_large
        pay      P4 A1 W1 - M1 9223372036854775807        reject amount_too_large
        pay      P5 A1 W1 - M1 18446744073709551616       reject amount_too_large
        refund   R1 P1 1                         reject amount_too_large
        balance  M1 available 1000000000000000000000000000000
    ",
    );
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 9007199254740993           denied payment_too_large left 1000
        pay      P2 A1 W1 - M1 18446744073709551616       denied payment_too_large left 1000
        pay      P3 A1 W1 - M1 1000000000000000000000000000000 denied payment_too_large left 1000
        set-limits A1 v1                         limits: total 1000000000000000000000000000000
        pay      P4 A1 W1 - M1 1                 paid
        pay      P5 A1 W1 - M1 1000000000000000000000000000000 reject amount_too_large
        pay      P6 A1 W1 - M2 1000000000000000000000000000000 denied total_exceeded left 999999999999999999999999999999
    "
    ));
}

/// Near the largest amount, recording a refund, a capture, a settlement or a closing stopped the process.
#[test]
fn le_05_what_no_account_can_count_is_refused_before_it_is_recorded() {
    check(
        "
        asset    CNY/2
        owner    O1
        payee    M1 food
        wallet   W1 O1 999999999999999999999999996000
        wallet   W2 O1 4000
        agent    A1 W1                           limits: ask-above 999999999999999999999999999999
        agent    A2 W2                           limits: ask-above 10000
        sub      S2 W2 A2
        hold     H1 A2 W2 - M1 1000 until +1d
        meter    T1 A2 W2 - M1 1000 until +1d
        meter    T2 A2 W2 - M1 1000 until +1d
        pay      P1 A1 W1 - M1 999999999999999999999999996000 paid
        refund   R1 P1 3500                      refunded
        pay      P2 A1 W1 - M1 3500              paid
        charge   T1 #1 600                       charged 600000000000
        charge   T2 #1 400                       charged 400000000000
        capture  H1 1000                         reject amount_too_large
        capture  H1 501                          reject amount_too_large
        close    T1                              reject amount_too_large
        refund   R2 P2 501                       reject amount_too_large
        refund   R2 P2 500                       refunded
        capture  H1 500                          captured
        balance  M1 credits 1000000000000000000000000000000
        advance  +1d
        balance  W2 available 3500 held 0
        pay      P3 A1 W1 - M1 1                 reject amount_too_large
    ",
    );
}

/// Going round, the same money can be spent twice under one limit: its sum was more than an amount, and stopped the process.
#[test]
fn le_05_spending_may_add_up_to_more_than_an_amount() {
    check(
        "
        asset    CNY/2
        owner    O1
        owner    O2
        payee    M1 food owner O1
        payee    M2 food owner O2
        payee    M3 food
        wallet   W1 O1 1000000000000000000000000000000
        wallet   W2 O2 0
        agent    A1 W1                           limits: times 9 1d; times 9 day UTC
        agent    A2 W2                           limits: uses 1
        sub      S1 W1 A1
        pay      P1 A1 W1 - M2 1000000000000000000000000000000    paid
        transfer X1 M2 W2 1000000000000000000000000000000 by O2
        pay      P2 A2 W2 - M1 1000000000000000000000000000000    paid
        transfer X2 M1 S1 1000000000000000000000000000000 by O1
        pay      P3 A1 S1 - M3 1000000000000000000000000000000    paid
        set-limits A1 v1                         limits: total 1000000000000000000000000000000
        pay      P4 A1 S1 - M3 1                 reject amount_too_large
        balance  M3 available 1000000000000000000000000000000
    ",
    );
}
