//! Holds: money set aside, captured in parts, given back, and what limits make of it.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000
    payee    M1 food
    payee    M2 food
";

/// A hold older than a rolling window was taken out of it a second time: the payments that had come since were
/// forgotten instead, and as much could be spent again.
#[test]
fn a_hold_that_left_its_window_takes_no_payment_along() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: rolling 1d 100
        hold     H1 A1 W1 - M1 100 until +10d
        advance  +2d
        pay      P1 A1 W1 - M1 100           paid
        void     H1                          released 100
        pay      P2 A1 W1 - M1 1             denied window_exceeded left 0
    "
    ));
}

/// Limits that were set while a hold was open had never counted it, and yet gave it back.
#[test]
fn a_hold_older_than_the_limits_gives_them_nothing_back() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 500
        hold     H1 A1 W1 - M1 100 until +10d
        set-limits W1 v0                     limits: total 100; uses 1; day 100 UTC; rolling 1d 100
        pay      P1 A1 W1 - M1 100           paid
        void     H1                          released 100
        pay      P2 A1 W1 - M1 1             denied total_exceeded left 0
        set-limits W1 v1                     limits: uses 1
        pay      P3 A1 W1 - M1 1             denied uses_exceeded
        set-limits W1 v2                     limits: day 100 UTC
        pay      P4 A1 W1 - M1 1             denied window_exceeded left 0
        set-limits W1 v3                     limits: rolling 1d 100
        pay      P5 A1 W1 - M1 1             denied window_exceeded left 0
    "
    ));
}

/// A window that begins with what another had used does not know which payments those were.
#[test]
fn a_hold_older_than_a_window_gives_it_nothing_back() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: rolling 1h 100
        hold     H1 A1 W1 - M1 50 until +10d
        advance  +3h
        pay      P1 A1 W1 - M1 10            paid
        set-limits A1 v1                     limits: day 100 UTC
        void     H1                          released 50
        pay      P2 A1 W1 - M1 91            denied window_exceeded left 90
        pay      P3 A1 W1 - M1 90            paid
    "
    ));
}

/// Nothing new could be paid from a sub-account of a frozen wallet, but sellers could still take what it held.
#[test]
fn a_frozen_wallet_stops_what_its_sub_accounts_hold() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 500
        sub      S1 W1 A1
        transfer X1 W1 S1 100
        hold     H1 A1 S1 - M1 100
        void     H1 by O1                    denied forbidden
        freeze   W1
        pay      P1 A1 S1 - M1 1             denied wallet_frozen
        capture  H1 10                       denied wallet_frozen
        void     H1 by O1                    released 100
        balance  S1 available 100 held 0
    "
    ));
}
