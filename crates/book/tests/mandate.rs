//! Mandates: what an owner lets one agent do, and what a new one inherits.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    wallet   W2 O2 1000
    payee    M1 food
    agent    A1 W1
    agent    A2 W1
    agent    A3 W2
";

#[test]
fn a_mandate_lets_its_agent_spend_from_its_wallet_and_its_sub_accounts() {
    check(&format!(
        "{WORLD}
        sub      S1 W1 A1
        sub      S2 W1 A2
        transfer X1 W1 S1 100
        transfer X2 W1 S2 100
        mandate  D1 W1 A1                        limits: total 100
        mandate  D2 W2 A3                        limits: total 100
        pay      P1 A1 W1 D1 M1 30               paid
        pay      P2 A1 S1 D1 M1 30               paid
        pay      P3 A1 S2 D1 M1 30               denied agent_not_registered
        pay      P4 A2 W1 D1 M1 30               denied mandate_mismatch
        pay      P5 A2 S2 D1 M1 30               denied mandate_mismatch
        pay      P6 A1 W1 D2 M1 30               denied mandate_mismatch
        pay      P7 A3 W2 D1 M1 30               denied mandate_mismatch
        pay      P8 A1 W1 D1 M1 41               denied total_exceeded left 40
        pay      P9 A1 S1 D1 M1 40               paid
        balance  W1 available 770
        balance  S1 available 30
    "
    ));
}

#[test]
fn mandates_are_granted_by_the_owner_for_a_time_to_come() {
    check(&format!(
        "{WORLD}
        stranger agent A9 O1
        stranger wallet W9 O1
        mandate  D1 W1 A1 by A1                  limits: total 100            denied forbidden
        mandate  D2 W1 A1 by OP                  limits: total 100            denied forbidden
        mandate  D3 W1 A1 by O2                  limits: total 100            reject wallet_unknown
        mandate  D3 W9 A1                        limits: total 100            reject wallet_unknown
        mandate  D3 W1 A9                        limits: total 100            reject agent_unknown
        mandate  D3 W1 A3                        limits: total 100            reject agent_unknown
        mandate  D3 W1 A1 until +0s              limits: total 100            reject time_out_of_range
        mandate  D3 W1 A1 from -2d until -1d     limits: total 100            reject time_out_of_range
        mandate  D3 W1 A1 from +2d until +1d     limits: total 100            reject time_out_of_range
        mandate  D3 W1 A1 from +1d until +1d     limits: total 100            reject time_out_of_range
        mandate  D3 W1 A1                        limits: ask-always ... 33    reject limits_malformed
        mandate  D3 W1 A1 from -1d until +1d     limits: total 100            done
        revoke   A2
        mandate  D4 W1 A2                        limits: total 100            denied agent_revoked
        wallet   W3 O1 0
        agent    A4 W3
        close-wallet W3
        mandate  D5 W3 A4                        limits: total 100            denied wallet_closed
        sub      S1 W1 A1
        mandate  D6 S1 A1                        limits: total 100            reject agent_unknown
    "
    ));
}

#[test]
fn a_mandate_without_limits_allows_nothing() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1
        pay      P1 A1 W1 D1 M1 1                denied no_rules by book v0 #0
        set-limits D1 v1                         limits: per-payment 1
        pay      P2 A1 W1 D1 M1 1                paid 1 versions 0/0/2
        set-limits D1 v2
        pay      P3 A1 W1 D1 M1 1                denied no_rules
    "
    ));
}

#[test]
fn a_new_mandate_begins_with_what_was_used_under_those_that_were_ended() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: total 100; day 100 UTC; uses 9
        mandate  D2 W1 A1                        limits: total 100; rolling 1d 100
        mandate  D9 W1 A2                        limits: total 100
        pay      P1 A1 W1 D1 M1 40               paid
        pay      P2 A1 W1 D2 M1 30               paid
        revoke   D1
        revoke   D1
        revoke   D2
        mandate  D3 W1 A1                        limits: total 100; uses 3
        pay      P3 A1 W1 D3 M1 31               denied total_exceeded left 30
        pay      P4 A1 W1 D3 M1 30               paid
        pay      P5 A1 W1 D3 M1 1                denied total_exceeded left 0
        revoke   D3
        mandate  D4 W1 A1                        limits: day 100 UTC
        pay      P6 A1 W1 D4 M1 31               denied window_exceeded left 30
        mandate  D5 W1 A1                        limits: day 100 UTC
        pay      P7 A1 W1 D5 M1 100              paid
        pay      P8 A2 W1 D9 M1 100              paid
    "
    ));
}

#[test]
fn only_an_owner_who_is_present_resets_what_was_used() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: total 100; uses 1
        pay      P1 A1 W1 D1 M1 90               paid
        revoke   D1
        mandate  D2 W1 A1 reset session          limits: total 100            denied presence_required
        mandate  D3 W1 A1 reset fresh            limits: total 100; uses 1
        pay      P2 A1 W1 D3 M1 100              paid
        revoke   D3
        mandate  D4 W1 A1                        limits: total 100
        pay      P3 A1 W1 D4 M1 1                denied total_exceeded left 0
    "
    ));
}

/// A hold of an ended mandate gives back to that one, and its successor keeps what it began with.
#[test]
fn a_hold_of_an_ended_mandate_makes_no_room_in_the_next() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: total 100; day 100 UTC
        hold     H1 A1 W1 D1 M1 60
        revoke   D1
        mandate  D2 W1 A1                        limits: total 100; day 100 UTC
        pay      P1 A1 W1 D2 M1 30               paid
        capture  H1 10                           denied mandate_revoked
        void     H1 by O1                        released 60
        pay      P2 A1 W1 D2 M1 11               denied total_exceeded left 10
    "
    ));
}
