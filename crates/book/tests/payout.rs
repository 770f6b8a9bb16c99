//! Payouts: what a seller collected leaves once, to an account that was named in time, and comes back where the bank says no.

use book::{Action, AdvancePayout, PayoutBatchId, PayoutId, PayoutStep};
use sim::table::{check, run};

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    owner    O2
    wallet   W1 O1 100000
    payee    M1 food fee 40000
    payee    M2 food
    payee    M3 food owner O2
    pay      P1 O1 W1 - M1 10000            paid 10000 fee 400
";

#[test]
fn what_was_collected_is_on_its_way_until_the_bank_has_answered() {
    check(&format!(
        "{WORLD}
        destination M1 bank by OP
        payout   B1 M1 0                         reject amount_zero
        payout   B1 M1 9601                      denied funds_insufficient left 9600
        payout   B2 M1 5000
        payout   B2 M1 5000                      repeat
        payout   B2 M1 5001                      reject id_reused
        balance  M1 available 4600
        balance  transit/CNY available 5000
        balance  world/CNY owes 100000
        payout   B3 M1 4600 by OP
        payout   B4 M1 1                         denied funds_insufficient left 0
        arrived  B2 by M1                        denied forbidden
        arrived  B9                              reject payout_unknown
        sent     B2
        sent     B2 batch T2                     reject payout_sent
        advance  +400d
        balance  transit/CNY available 9600
        arrived  B2
        balance  transit/CNY available 4600
        balance  world/CNY owes 95000
        arrived  B2                              denied payout_ended
        bounced  B2                              denied payout_ended
        sent     B2                              denied payout_ended
        bounced  B3
        balance  M1 available 4600
        balance  transit/CNY available 0
        balance  world/CNY owes 95000
        payout   B5 M1 4600
        arrived  B5
        balance  M1 available 0 debits 14200 credits 14200
    "
    ));
}

/// A stolen key redirects nothing: the account that it names counts a day later, and its seller takes it back.
#[test]
fn an_account_that_a_seller_names_counts_a_day_later() {
    check(&format!(
        "{WORLD}
        payout   B1 M1 10                        denied destination_unset
        destination M1 bank
        payout   B2 M1 10                        denied destination_cooling
        advance  +23h
        destination M1 bank
        payout   B3 M1 10                        denied destination_cooling
        advance  +61m
        payout   B4 M1 10
        destination M1 thief
        payout   B5 M1 10 to thief               denied destination_cooling
        payout   B6 M1 10
        payout   B7 M1 10 to nowhere             denied destination_mismatch
        advance  +23h
        destination M1 bank
        advance  +2h
        payout   B8 M1 10 to thief               denied destination_mismatch
        payout   B9 M1 10
        destination M1 other by OP
        payout   C1 M1 10                        denied destination_mismatch
        payout   C2 M1 10 to other
        destination M1 bank
        destination M1 other
        advance  +1d
        payout   C3 M1 10 to other
    "
    ));
}

#[test]
fn nobody_else_has_a_seller_paid_out() {
    check(&format!(
        "{WORLD}
        stranger payee M9
        destination M1 bank by OP
        destination M2 bank by OP
        destination M1 thief by M2               reject payee_unknown
        destination M1 thief by O1               denied forbidden
        destination M1 thief by M1 with M2.key   reject key_unknown
        destination M9 bank by OP                reject payee_unknown
        payout   B1 M1 10 by M2                  reject payee_unknown
        payout   B1 M1 10 by O1                  denied forbidden
        payout   B2 M1 10 asset USD              denied asset_mismatch
        payout   B3 M1 10 asset EUR              denied asset_mismatch
        transfer X1 M1 world 10 by M1            denied forbidden
        sent     B1 by M1                        denied forbidden
        balance  M1 available 9600
    "
    ));
}

#[test]
fn of_what_is_stopped_nothing_leaves() {
    check(&format!(
        "{WORLD}
        pay      P2 O1 W1 - M3 100
        destination M1 bank by OP
        destination M3 bank by OP
        payout   B1 M1 10
        freeze   M1 by OP
        payout   B2 M1 10                        denied payouts_stopped
        payout   B3 M1 10 by OP                  denied payouts_stopped
        bounced  B1
        unfreeze M1 by OP
        payout   B4 M1 10
        freeze   O2
        payout   B5 M3 10                        denied owner_frozen
        unfreeze O2 fresh
        payout   B6 M3 10
        revoke-key M1.key by OP
        payout   B7 M1 10                        denied key_revoked
        destination M1 thief                     denied key_revoked
    "
    ));
}

/// S13 after a payout: what the seller has no more it cannot give back, and nobody else pays for it.
#[test]
fn a_refund_after_a_payout_takes_what_the_seller_has() {
    check(&format!(
        "{WORLD}
        destination M1 bank by OP
        payout   B1 M1 9600
        refund   R1 P1 2500                      denied funds_insufficient
        bounced  B1
        refund   R2 P1 2500                      refunded 2500 parts 2400+100
        payout   B2 M1 7201                      denied funds_insufficient left 7200
        payout   B3 M1 7200
        arrived  B3
        refund   R3 P1 1                         denied funds_insufficient
        pay      P2 O1 W1 - M1 5000
        refund   R4 P1 2500                      refunded 2500 parts 2400+100
        balance  M1 available 2400
        balance  W1 available 90000
    "
    ));
}

#[test]
fn only_what_ends_a_payout_is_taken_when_the_disk_is_full() {
    let payout = PayoutId::default();
    let closes = |step| Action::AdvancePayout(AdvancePayout { payout, step }).closes();
    let said = evidence::Hash([1; 32]);
    assert!(closes(PayoutStep::Paid { said }));
    assert!(closes(PayoutStep::Failed { said }));
    assert!(!closes(PayoutStep::Sent { batch: PayoutBatchId::default(), order: said }));
}

#[test]
fn a_replayed_book_has_the_same_on_its_way() {
    let ran = run(&format!(
        "{WORLD}
        destination M1 bank by OP
        payout   B1 M1 100
        payout   B2 M1 200
        payout   B3 M1 300
        sent     B1
        arrived  B1
        bounced  B2
    "
    ))
    .expect("a table that holds");
    let mut book = book::Book::default();
    for entry in &ran.entries {
        book.replay(entry).expect("its own entry");
    }
    let (_, balance) = book.in_transit().next().expect("an asset");
    assert_eq!(balance.available().minor(), 300);
}
