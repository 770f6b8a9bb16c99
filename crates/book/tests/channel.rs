//! Channels: vouchers add up, the latest is worth all of them, and one rounding ends it.

use book::{Nanos, voucher_bytes};
use evidence::SigningKey;
use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000
    payee    M1 model fee 10000
    payee    M2 model
    agent    A1 W1                           limits: per-payment 500; ask-above 300
";

/// A thousand calls at a tenth of a fen are a hundred fen, claimed once or many times.
#[test]
fn the_latest_voucher_is_worth_all_before() {
    check(&format!(
        "{WORLD}
        channel  C1 A1 W1 - M1 200                held
        balance  W1 available 800 held 200
        claim    C1 100000000                     charged 100000000
        claim    C1 50000000000                   charged 50000000000
        claim    C1 50000000000                   denied meter_sequence
        claim    C1 49999999999                   denied meter_sequence
        claim    C1 100500000000                  charged 100500000000
        claim    C1 200000000001                  denied meter_exceeded left 99
        close    C1                               settled 100 fee 1 released 100 carry 500000000
        claim    C1 150000000000                  denied hold_closed
        balance  W1 available 900 held 0
        balance  M1 available 99
    "
    ));
}

/// Nobody but the seller claims, and a channel is no meter of his own counting.
#[test]
fn a_channel_moves_by_vouchers_alone() {
    check(&format!(
        "{WORLD}
        channel  C1 A1 W1 - M1 200 round half-up  held
        claim    C1 1000000000 by A1              denied forbidden
        claim    C1 1000000000 by O1              denied forbidden
        claim    C1 1000000000 by OP              denied forbidden
        claim    C1 1000000000 by M2              reject meter_unknown
        claim    C1 0                             denied meter_sequence
        charge   C1 #1 5                          reject meter_unknown
        capture  C1 5                             denied forbidden
        meter    T1 A1 W1 - M1 100                held
        claim    T1 1000000000                    reject meter_unknown
        hold     H1 A1 W1 - M1 100                held
        claim    H1 1000000000                    reject meter_unknown
        claim    C1 1500000000                    charged
        void     C1                               released 200
        balance  W1 available 800
        channel  C2 A1 W1 - M1 301                asked above_amount
        channel  C3 A1 W1 - M1 501                denied payment_too_large
        channel  C4 A1 W1 - M1 10 until +91d      reject time_out_of_range
    "
    ));
}

/// Nothing a seller was promised is lost because he came late: what was claimed is settled when the time is over.
#[test]
fn what_was_claimed_is_settled_in_the_end() {
    check(&format!(
        "{WORLD}
        channel  C1 A1 W1 - M2 200 until +1h round up   held
        claim    C1 99000000001                   charged
        advance  +2h
        balance  W1 available 900 held 0
        balance  M2 available 100
        claim    C1 150000000000                  denied hold_closed
        advance  +30d
        freeze   A1
        channel  C2 A1 W1 - M2 200                denied agent_frozen
    "
    ));
}

/// What a voucher signs names its channel, and cannot be taken for another sum.
#[test]
fn a_voucher_fits_its_channel_and_its_sum() {
    let key = SigningKey::ed25519(&[9; 32]);
    let id = |n: u8| book::MeterId(book::Id([n; 16]));
    let signature = key.sign(&voucher_bytes(id(1), Nanos::new(5)));
    let fits = |channel, total| key.public().verify(&voucher_bytes(channel, total), &signature).is_ok();
    assert!(fits(id(1), Nanos::new(5)));
    assert!(!fits(id(2), Nanos::new(5)));
    assert!(!fits(id(1), Nanos::new(6)));
}
