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

#[test]
fn captures_stay_within_the_hold_and_the_last_gives_the_rest_back() {
    check(&format!(
        "{WORLD}
        payee    M3 food fee 100000
        agent    A1 W1                       limits: total 200
        hold     H1 A1 W1 - M3 100           held versions 0/1/0
        balance  W1 available 900 held 100 debits 0
        capture  H1 0                        reject amount_zero
        capture  H1 101                      denied capture_too_large left 100 by book
        capture  H1 30                       captured 30 fee 3 versions 0/0/0
        balance  W1 available 900 held 70 debits 30
        capture  H1 71                       denied capture_too_large left 70
        pay      P1 A1 W1 - M1 101           denied total_exceeded left 100
        capture  H1 20 last                  captured 20 fee 2
        balance  W1 available 950 held 0 debits 50
        balance  M3 available 45
        balance  fees/CNY available 5
        capture  H1 1                        denied hold_closed
        void     H1                          denied hold_closed
        redeem   H1 goods                    denied hold_closed
        pay      P2 A1 W1 - M1 150           paid
    "
    ));
}

#[test]
fn a_hold_that_is_captured_to_its_last_unit_is_closed() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 100
        hold     H1 A1 W1 - M1 100           held
        capture  H1 99                       captured
        redeem   H1 goods                    done
        capture  H1 1                        captured
        capture  H1 1                        denied hold_closed
        hold     H2 A1 W1 - M1 100           held
        void     H2                          released 100
        void     H2                          denied hold_closed
        capture  H2 1                        denied hold_closed
        advance  +8d
        balance  W1 available 900 held 0
    "
    ));
}

/// The agent who placed a hold may give it to its seller, whole; what goes back is not the buyer's to say.
#[test]
fn an_agent_hands_over_all_that_it_held_or_nothing() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 100
        agent    A2 W1                       limits: per-payment 100
        hold     H1 A1 W1 - M1 100           held
        capture  H1 100 by A2                reject hold_unknown
        capture  H1 99 by A1                 denied forbidden
        capture  H1 1 last by A1             denied forbidden
        capture  H1 101 by A1                denied forbidden
        capture  H1 30 by M1                 captured
        capture  H1 100 by A1                denied forbidden
        void     H1 by A1                    denied forbidden
        redeem   H1 goods by A1              denied forbidden
        freeze   A1
        capture  H1 70 by A1                 denied agent_frozen
        unfreeze A1 fresh
        capture  H1 70 by A1                 captured
        capture  H1 70 by A1                 denied hold_closed
        hold     H2 A1 W1 - M1 5 until +1d   held
        advance  +2d
        capture  H2 5 by A1                  denied hold_closed
    "
    ));
}

#[test]
fn only_its_seller_the_owner_and_the_operator_touch_a_hold() {
    check(&format!(
        "{WORLD}
        owner    O2
        payee    M3 food owner O2
        stranger purchase H9
        agent    A1 W1                       limits: per-payment 100
        hold     H1 A1 W1 - M1=1,M2=1 100    held
        pay      P1 A1 W1 - M1 1             paid
        capture  H1 10 by M2                 reject hold_unknown
        capture  H1 10 by M3                 reject hold_unknown
        capture  H1 10 by O2                 reject hold_unknown
        capture  H1 10 by A1                 denied forbidden
        capture  H1 10 by nobody             denied forbidden
        capture  H1 10 by M1 with M2.key     reject key_unknown
        capture  H9 10 by M1                 reject hold_unknown
        capture  P1 1 by M1                  reject hold_unknown
        void     H1 by A1                    denied forbidden
        void     H1 by M2                    reject hold_unknown
        void     H1 by O2                    reject hold_unknown
        void     H1 by O1                    denied forbidden
        redeem   H1 goods by A1              denied forbidden
        redeem   H1 goods by M2              reject hold_unknown
        capture  H1 10 by M1                 captured parts 5+0,5+0
        capture  H1 10 by O1                 captured
        capture  H1 11 by OP                 captured parts 6+0,5+0
        revoke-key M1.key
        capture  H1 10 by M1                 denied key_revoked
        void     H1 by OP                    released 69
        balance  M1 available 17
        balance  M2 available 15
    "
    ));
}

#[test]
fn a_hold_lasts_from_now_to_90_days_and_ends_by_itself() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: total 300
        hold     H1 A1 W1 - M1 100 until +0s       reject time_out_of_range
        hold     H1 A1 W1 - M1 100 until -1d       reject time_out_of_range
        hold     H1 A1 W1 - M1 100 until +90d1s    reject time_out_of_range
        hold     H1 A1 W1 - M1 100 until +90d      held
        hold     H2 A1 W1 - M1 100 until +1d       held
        hold     H3 A1 W1 - M1 100 until +1d       held
        capture  H3 40                             captured
        expire   H2                                reject hold_unknown
        expire   H2 by OP                          denied forbidden
        expire   H2 by M1                          denied forbidden
        expire   H2 by O1                          denied forbidden
        advance  +23h59m59s999ms999us999ns
        balance  W1 available 700 held 260
        capture  H2 1                              captured
        advance  +1ns
        balance  W1 available 859 held 100
        capture  H2 1                              denied hold_closed
        expire   H2                                reject hold_unknown
        pay      P1 A1 W1 - M1 160                 denied total_exceeded left 159
        advance  +89d
        balance  W1 available 959 held 0
        pay      P2 A1 W1 - M1 259                 paid
    "
    ));
}

/// Nobody may take from a hold whose time is over, also before the book has noticed.
#[test]
fn a_hold_whose_time_is_over_is_over() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 100
        hold     H1 A1 W1 - M1 100 until +1d
        hold     H2 A1 W1 - M1 100 until +1d
        late     +1d
        capture  H1 1                        denied hold_expired
        redeem   H1 goods                    denied hold_expired
        void     H1                          released 100
        expire   H1                          reject hold_unknown
        expire   H2                          released 100
        expire   H2                          reject hold_unknown
        balance  W1 available 1000 held 0
    "
    ));
}

#[test]
fn a_hold_is_redeemed_once() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: per-payment 100
        hold     H1 A1 W1 - M1 100
        redeem   H1 cake id Q1               done
        redeem   H1 cake id Q1               repeat
        redeem   H1 cake                     denied hold_redeemed
        redeem   H1 tea                      denied hold_redeemed
        capture  H1 100                      captured
        redeem   H1 tea                      denied hold_closed
    "
    ));
}

#[test]
fn what_a_hold_did_not_use_can_be_spent_again() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: total 100; uses 2; day 100 UTC; rolling 1d 100; times 4 1d
        hold     H1 A1 W1 - M1 100           held
        pay      P1 A1 W1 - M1 1             denied total_exceeded left 0
        capture  H1 30 last                  captured
        pay      P2 A1 W1 - M1 71            denied total_exceeded left 70
        hold     H2 A1 W1 - M1 70            held
        pay      P3 A1 W1 - M1 1             denied total_exceeded left 0
        void     H2                          released 70
        hold     H3 A1 W1 - M1 70            held
        void     H3                          released 70
        pay      P4 A1 W1 - M1 71            denied total_exceeded left 70
        pay      P5 A1 W1 - M1 70            paid
        set-limits A1 v1                     limits: uses 2
        pay      P6 A1 W1 - M1 1             denied uses_exceeded
        set-limits A1 v2                     limits: times 4 1d
        pay      P7 A1 W1 - M1 1             denied velocity_exceeded
    "
    ));
}

/// A day's window gets back only what was held on that day.
#[test]
fn yesterdays_hold_makes_no_room_today() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                       limits: day 100 UTC
        hold     H1 A1 W1 - M1 100 until +5d
        advance  +1d
        pay      P1 A1 W1 - M1 90            paid
        void     H1                          released 100
        pay      P2 A1 W1 - M1 11            denied window_exceeded left 10
        hold     H2 A1 W1 - M1 10            held
        void     H2                          released 10
        pay      P3 A1 W1 - M1 10            paid
    "
    ));
}
