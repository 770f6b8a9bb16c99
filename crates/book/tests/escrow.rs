//! Escrows: holds that pay when their time is up, unless somebody on the buyer's side objects before.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food fee 100000
    payee    M2 food
    agent    A1 W1                       limits: total 200
    agent    A2 W1                       limits: total 200
";

#[test]
fn what_an_escrow_has_left_is_captured_when_its_time_is_up() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M1 100 until +1h      held versions 0/1/0
        capture  E1 30                            captured 30 fee 3
        balance  W1 available 900 held 70 debits 30
        advance  +1h
        balance  W1 available 900 held 0 debits 100
        balance  M1 available 90
        balance  fees/CNY available 10
        capture  E1 1                             denied hold_closed
        void     E1                               denied hold_closed
        dispute  E1                               denied hold_closed
        pay      P1 A1 W1 - M2 101                denied total_exceeded left 100
        refund   R1 E1 100                        refunded 100
    "
    ));
}

#[test]
fn a_hold_goes_back_when_its_time_is_up() {
    check(&format!(
        "{WORLD}
        hold     H1 A1 W1 - M1 100 until +1h      held
        dispute  H1                               denied hold_not_disputable
        advance  +1h
        balance  W1 available 1000 held 0 debits 0
    "
    ));
}

#[test]
fn a_disputed_escrow_goes_back_a_week_after_its_time() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M1 100 until +1h      held
        dispute  E1 by A1                         done
        dispute  E1                               denied hold_disputed
        capture  E1 100                           denied hold_disputed
        capture  E1 100 by OP                     denied hold_disputed
        redeem   E1 goods                         denied hold_disputed
        advance  +7d59m
        balance  W1 available 900 held 100
        advance  +1m
        balance  W1 available 1000 held 0 debits 0
        balance  M1 available 0
        pay      P1 A1 W1 - M2 200                paid
    "
    ));
}

#[test]
fn an_owner_may_give_a_part_of_what_is_disputed_and_the_seller_all_of_it_back() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M2 100 until +1h      held
        escrow   E2 A1 W1 - M2 60 until +1h       held
        dispute  E1                               done
        dispute  E2                               done
        void     E1 by O1                         denied forbidden
        capture  E1 40 last by O1                 captured 40
        void     E2                               released 60
        balance  W1 available 960 held 0 debits 40
    "
    ));
}

#[test]
fn only_the_buyers_side_objects_and_only_in_time() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M1 100 until +1h      held
        dispute  E1 by M1                         denied forbidden
        dispute  E1 by OP                         denied forbidden
        dispute  E1 by A2                         reject hold_unknown
        dispute  E1 by O2                         reject hold_unknown
        dispute  P9                               reject hold_unknown
        escrow   E2 O1 W1 - M1 100 until +1h      held
        dispute  E2 by A1                         reject hold_unknown
        late     +1h
        dispute  E1                               denied hold_expired
        advance  +1s
        balance  W1 debits 200
    "
    ));
}

/// Money does not leave what its owner stopped, whatever was agreed.
#[test]
fn nothing_is_captured_from_what_is_stopped() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M1 100 until +1h      held
        escrow   E2 A2 W1 - M1 100 until +1h      held
        freeze   A1
        advance  +1h
        balance  W1 available 900 held 0 debits 100
    "
    ));
}

/// An owner who agreed to a hold did not agree that it pays by itself.
#[test]
fn an_approval_of_a_hold_is_none_of_an_escrow() {
    check(&format!(
        "{WORLD}
        agent    A3 W1
        hold     H1 A3 W1 - M1 60                 asked no_rules_yet
        escrow   E1 A3 W1 - M1 60                 asked no_rules_yet
        approve  H1
        escrow   E2 A3 W1 - M1 60 approval H1     denied approval_mismatch
        approve  E1
        hold     H2 A3 W1 - M1 60 approval E1     denied approval_mismatch
        escrow   E3 A3 W1 - M1 60 approval E1     held
        hold     H3 A3 W1 - M2 50                 asked no_rules_yet
        approve  H3 alike fresh until +1h
        escrow   E4 A3 W1 - M2 50                 asked no_rules_yet
        approve  E4 alike fresh until +1h
        escrow   E5 A3 W1 - M2 50                 held
    "
    ));
}

#[test]
fn an_escrow_lasts_as_long_as_a_hold_may() {
    check(&format!(
        "{WORLD}
        escrow   E1 A1 W1 - M1 1 until +0s        reject time_out_of_range
        escrow   E2 A1 W1 - M1 1 until +90d1s     reject time_out_of_range
        escrow   E3 A1 W1 - M1 1 until +90d       held
        escrow   E4 A1 W1 - M1 201                denied total_exceeded
        escrow   E5 A1 W1 - M1=1,M2=1 9 until +1h held
        advance  +1h
        balance  M2 available 4
    "
    ));
}
