//! Payment links: what a seller asks for is paid as often as it says, by whom it says, and by no softer rule.

use sim::table::{check, run};

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    owner    O2
    wallet   W1 O1 100000
    wallet   W2 O2 100000
    payee    M1 creator fee 40000
    payee    M2 creator
    payee    M3 creator asset USD
    payee    M4 creator owner O2
    agent    A1 W1                           limits: per-payment 50000; ask-above 40000
    agent    A2 W2                           limits: per-payment 50000
";

/// S9: a tip of 500 is the person's to give, to the creator who asked, and the platform has its part of it.
#[test]
fn a_tip_takes_a_persons_word() {
    check(&format!(
        "{WORLD}
        link     L1 M1 1 most 20000 person
        pay-link P1 L1 A1 W1 - M1 500 says thanks      asked person_required by book
        balance  W1 available 100000
        pay-link P2 L1 A1 W1 - M1 500 says thanks      repeat
        pay-link P3 L1 A1 W1 - M1 500 says thanks approval P1   denied approval_pending
        approve  P1 by O1
        pay-link P4 L1 A1 W1 - M1 501 says thanks approval P1   denied approval_mismatch
        pay-link P5 L1 A1 W1 - M1 500 says nothing approval P1  denied approval_mismatch
        pay-link P6 L1 A1 W1 - M1 500 approval P1      denied approval_mismatch
        pay      P7 A1 W1 - M1 500 ref x approval P1   denied approval_mismatch
        pay-link P8 L1 A1 W1 - M1 500 says thanks approval P1   paid 500 fee 20
        pay-link P9 L1 A1 W1 - M1 500 says thanks approval P1   denied approval_used
        balance  W1 available 99500
        balance  M1 available 480
        balance  fees/CNY available 20
        pay-link Q1 L1 O1 W1 - M1 0 fresh              reject amount_zero
        pay-link Q2 L1 O1 W1 - M1 20001 fresh          denied link_amount left 20000
        pay-link Q3 L1 O1 W1 - M2 500 fresh            denied link_mismatch
        pay-link Q4 L1 O1 W1 - M1 500                  denied presence_required
        pay-link Q5 L1 O1 W1 - M1 20000 fresh          paid 20000 fee 800
        refund   R1 P8 500                             refunded 500 parts 480+20
    "
    ));
}

/// One yes is for one tip: what takes a person's word takes it each time.
#[test]
fn nobody_says_yes_to_tips_in_advance() {
    check(&format!(
        "{WORLD}
        link     L1 M1 1 most 20000 person
        pay-link P1 L1 A1 W1 - M1 500                  asked person_required
        approve  P1 by O1 alike fresh                  denied forbidden
        pay-link P2 L1 A1 W1 - M1 400                  asked person_required
        refuse   P2 by O1
        pay-link P3 L1 A1 W1 - M1 400 approval P2      denied approval_refused
        pay-link P4 L1 A1 W1 - M1 45000                denied link_amount left 20000
        link     L2 M1 1 most 50000
        pay-link P5 L2 A1 W1 - M1 45000                asked above_amount
        approve  P5 by O1 alike fresh
        pay-link P6 L2 A1 W1 - M1 41000                paid 41000
        pay-link P7 L1 A1 W1 - M1 400                  asked person_required
    "
    ));
}

/// Fifty come at once to what is asked for once.
#[test]
fn a_link_that_is_good_once_is_paid_once() {
    check(&format!(
        "{WORLD}
        link     L1 M1 700 uses 1
        pay-link P1 L1 A2 W2 - M1 700                  paid 700 fee 28
        pay-link P1 L1 A2 W2 - M1 700                  repeat
        49x pay-link X* L1 A1 W1 - M1 700              denied link_used
        pay-link P2 L1 O1 W1 - M1 700 fresh            denied link_used
        balance  M1 available 672
        balance  W1 available 100000
        refund   R1 P1 700
        pay-link P3 L1 A2 W2 - M1 700                  denied link_used
        link     L2 M1 700 uses 2
        pay-link P4 L2 A2 W2 - M1 699                  denied link_amount left 700
        pay-link P5 L2 A2 W2 - M1 700                  paid
        pay-link P6 L2 A1 W1 - M1 700                  paid
        pay-link P7 L2 A1 W1 - M1 700                  denied link_used
        link     L3 M1 700
        20x pay-link Y* L3 A1 W1 - M1 700              paid
    "
    ));
}

#[test]
fn links_end() {
    check(&format!(
        "{WORLD}
        link     L1 M1 700 until +1h
        link     L2 M1 700
        advance  +59m
        pay-link P1 L1 A2 W2 - M1 700                  paid
        advance  +1m
        pay-link P2 L1 A2 W2 - M1 700                  denied link_expired
        close-link L2 by M2                            reject link_unknown
        close-link L2 by O1                            denied forbidden
        close-link L2
        close-link L2                                  denied link_closed
        pay-link P3 L2 A2 W2 - M1 700                  denied link_closed
        close-link L1 by OP
        pay-link P4 L1 A2 W2 - M1 700                  denied link_closed
        stranger link L9
        pay-link P5 L9 A2 W2 - M1 700                  reject link_unknown
        close-link L9 by M1                            reject link_unknown
    "
    ));
}

/// A link is a way to ask, and no way around a limit.
#[test]
fn paying_by_a_link_asks_every_limit() {
    check(&format!(
        "{WORLD}
        link     L1 M1 1 most 60000
        pay-link P1 L1 A1 W1 - M1 50001                denied payment_too_large left 50000 by agent v1
        pay-link P2 L1 A1 W1 - M1 40001                asked above_amount by agent v1
        pay-link P3 L1 A2 W1 - M1 5                    denied agent_not_registered
        pay-link P4 L1 O2 W1 - M1 5 fresh              reject wallet_unknown
        pay-link P5 L1 OP W1 - M1 5                    denied forbidden
        pay-link P6 L1 M1 W1 - M1 5                    denied forbidden
        freeze   A1
        pay-link P7 L1 A1 W1 - M1 5                    denied agent_frozen
        mandate  D1 W2 A2                              limits: total 10
        pay-link P8 L1 A2 W2 D1 M1 11                  denied total_exceeded left 10
        pay-link P9 L1 A2 W2 D1 M1 10                  paid
        pay-link Q1 L1 A2 W2 D1 M1 1                   denied total_exceeded left 0
        pay-link Q2 L1 A2 W2 - M1 5 ref another        denied link_mismatch
        link     L2 M1=9,M2=1 50
        pay-link Q3 L2 A2 W2 - M1=8,M2=2 50            denied link_mismatch
        pay-link Q4 L2 A2 W2 - M1 50                   denied link_mismatch
        pay-link Q5 L2 A2 W2 - M1=9,M2=1 50            paid 50 parts 45+2,5+0
        link     L3 M4 5 by OP
        pay-link Q6 L3 A2 W2 - M4 5                    denied self_payment
        freeze   M1
        pay-link Q7 L1 A2 W2 - M1 5                    denied payee_closed
    "
    ));
}

#[test]
fn a_link_asks_for_what_can_be_paid() {
    check(&format!(
        "{WORLD}
        link     L1 M1 0                               reject link_malformed
        link     L2 M1 2 most 1                        reject link_malformed
        link     L3 M1 5 uses 0                        reject link_malformed
        link     L4 M1=1,M2=1/3 5                      reject split_not_whole
        link     L5 M1 5 until +0s                     reject time_out_of_range
        link     L6 M1 5 until +366d                   done
        link     L7 M1 5 until +366d1m                 reject time_out_of_range
        link     L8 M3 5                               denied asset_mismatch
        link     L9 M1 5 by M2                         reject payee_unknown
        link     LA M1=1,M2=1 5 by M2                  reject payee_unknown
        link     LB M1 5 by O1                         denied forbidden
        link     LC M1 5 by A1                         denied forbidden
        stranger payee M9
        link     LD M1=1,M9=1 5                        reject payee_unknown
        link     L6 M1 5 until +366d                   repeat
        link     L6 M1 6 until +366d                   reject id_reused
        freeze   M2
        link     LE M2 5                               denied payee_closed
    "
    ));
}

#[test]
fn a_row_that_is_wrong_about_a_link_is_told_so() {
    let wrong = run(&format!("{WORLD}\n link L1 M1 5\n pay-link P1 L1 A2 W2 - M1 5 denied link_used"));
    assert!(wrong.unwrap_err().contains("paid"), "it was paid");
}
