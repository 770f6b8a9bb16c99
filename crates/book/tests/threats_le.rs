//! The ledger's and the economy's threats, LE-01 to LE-24, as far as the book decides them.
//!
//! LE-06 (spellings of numbers) is the border's, LE-10 and LE-11 (exchange) nobody's yet: the book takes integers, and every
//! payment is in one asset. That debits equal credits (LE-20) is checked behind every row of every table.

use book::canon;
use sim::audit::audit;
use sim::table::{check, run};

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

#[test]
fn le_01_a_balance_is_spent_once_however_many_ask() {
    check(&format!(
        "{WORLD}
        100x pay P* A1 W1 - M1 1                 paid
        100x pay Q* A1 W1 - M1 1                 denied funds_insufficient left 0
        100x pay P* A1 W1 - M1 1                 repeat
        balance  W1 available 0 held 0 debits 100
        balance  M1 available 100
    "
    ));
}

#[test]
fn le_02_a_mandate_is_spent_to_its_last_unit_and_no_further() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: total 10
        mandate  D2 W1 A1                        limits: uses 10
        10x pay  P* A1 W1 D1 M1 1                paid
        64x pay  Q* A1 W1 D1 M1 1                denied total_exceeded left 0
        10x pay  R* A1 W1 D2 M1 1                paid
        64x pay  S* A1 W1 D2 M1 1                denied uses_exceeded
        balance  W1 available 80
    "
    ));
}

#[test]
fn le_03_and_le_07_there_is_no_negative_amount_and_none_below_the_smallest_unit() {
    let largest = canon::bytes(&book::limits::AMOUNT_MAX);
    assert!(canon::value::<book::Amount>(&largest).is_ok());
    for beyond in [book::limits::AMOUNT_MAX + 1, (-1i128).cast_unsigned(), u128::MAX] {
        assert_eq!(canon::value::<book::Amount>(&canon::bytes(&beyond)), Err(book::Malformed));
    }
    assert_eq!(canon::value::<book::Amount>(b"-1"), Err(book::Malformed));
    assert_eq!(canon::value::<book::Amount>(&[0x80, 0x00]), Err(book::Malformed));
}

#[test]
fn le_04_nothing_is_no_amount() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 0                 reject amount_zero
        pay      P1 A1 W1 - M1=1,M2=1 0          reject amount_zero
        hold     H1 A1 W1 - M1 0                 reject amount_zero
        meter    T1 A1 W1 - M1 0                 reject amount_zero
        transfer X1 world W1 0                   reject amount_zero
        hold     H1 A1 W1 - M1 10
        meter    T1 A1 W1 - M1 10
        pay      P1 A1 W1 - M1 10
        capture  H1 0                            reject amount_zero
        charge   T1 #1 0                         reject amount_zero
        refund   R1 P1 0                         reject amount_zero
        entries  11
    "
    ));
}

#[test]
fn le_08_and_le_09_an_amount_is_of_the_asset_that_was_registered() {
    check(&format!(
        "{WORLD}
        asset    USDC/6
        asset    USDC/18                         reject already_exists
        wallet   W2 O1 100 asset USDC
        payee    M3 food asset USDC
        pay      P1 A1 W1 - M1 1 asset USDC      denied asset_mismatch
        pay      P2 A1 W1 - M3 1                 denied asset_mismatch
        pay      P3 A1 W1 - M3 1 asset USDC      denied asset_mismatch
        pay      P4 O1 W2 - M3 1                 paid
        pay      P5 O1 W2 - M3 1 asset CNY       denied asset_mismatch
        hold     H1 A1 W1 - M3 1                 denied asset_mismatch
        transfer X1 W1 W2 1                      denied asset_mismatch
        transfer X2 W2 W1 1                      denied asset_mismatch
    "
    ));
}

/// Every order in which two captures, a void, an expiry and two refunds can come.
#[test]
fn le_12_and_le_13_a_hold_ends_once_and_no_more_goes_back_than_came_in_whatever_the_order() {
    let steps = [
        "capture H1 60 id K1                      whatever",
        "capture H1 60 id K2                      whatever",
        "void H1 id K3                            whatever",
        "advance +1d",
        "refund R1 H1 60                          whatever",
        "refund R2 H1 60                          whatever",
    ];
    let mut orders = 0;
    permutations(&mut steps.to_vec(), 0, &mut |order| {
        let rows = order.join("\n");
        let run =
            run(&format!("{WORLD}\nhold H1 A1 W1 - M1 100 until +1d\n{rows}\nbalance W1 held 0\n{rows}"))
                .unwrap();
        assert_eq!(audit(&run.entries).violations, [], "{rows}");
        orders += 1;
    });
    assert_eq!(orders, 720);
    check(&format!(
        "{WORLD}
        hold     H1 A1 W1 - M1 100 until +1d
        capture  H1 60                           captured
        capture  H1 60                           denied capture_too_large left 40
        refund   R1 H1 60                        refunded
        refund   R2 H1 60                        denied refund_too_large left 0
        advance  +1d
        void     H1                              denied hold_closed
        balance  W1 available 100 held 0
    "
    ));
}

fn permutations(steps: &mut Vec<&str>, from: usize, each: &mut impl FnMut(&[&str])) {
    if from == steps.len() {
        each(steps);
    }
    for place in from..steps.len() {
        steps.swap(from, place);
        permutations(steps, from + 1, each);
        steps.swap(from, place);
    }
}

#[test]
fn le_14_refunds_restore_no_limit() {
    let mut rows = format!("{WORLD}\nset-limits A1 v1 limits: day 100 UTC\n");
    for turn in 1..=10 {
        rows += &format!("pay P{turn} A1 W1 - M1 10 paid\nrefund R{turn} P{turn} 10 refunded\n");
    }
    check(&format!(
        "{rows}
        pay      Q1 A1 W1 - M1 1                 denied window_exceeded left 0
        balance  W1 available 100 debits 100
    "
    ));
}

#[test]
fn le_15_a_refund_goes_back_to_the_wallet_that_paid() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 0
        sub      S1 W1 A1
        transfer X1 W1 S1 50
        pay      P1 A1 S1 - M1 50                paid
        refund   R1 P1 50                        refunded
        balance  S1 available 50
        balance  W1 available 50
        balance  W2 available 0
    "
    ));
}

#[test]
fn le_16_many_small_payments_pay_the_fee_of_one_large_one() {
    check(
        "
        asset    CNY/2
        owner    O1
        wallet   W1 O1 2000
        payee    M1 food fee 6250
        payee    M2 food fee 6250
        1000x pay P* O1 W1 - M1 1                paid
        pay      Q1 O1 W1 - M2 1000              paid fee 6
        balance  M1 available 994
        balance  M2 available 994
        balance  fees/CNY available 12
    ",
    );
}

#[test]
fn le_17_usage_is_counted_once_in_order_within_the_hold_and_before_the_end() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 10
        meter    T2 A1 W1 - M2 10
        charge   T1 #5 4                         charged
        charge   T1 #5 4                         denied meter_sequence
        charge   T1 #4 4                         denied meter_sequence
        charge   T1 #6 7                         denied meter_exceeded left 6
        charge   T2 #1 1 by M1                   reject meter_unknown
        charge   T1 #6 6                         charged
        close    T1                              settled 10
        charge   T1 #7 1                         denied hold_closed
        balance  M1 available 10
    "
    ));
}

#[test]
fn le_18_a_thousand_thirds_are_rounded_once() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 50 rates 33333333 round half-up
        meter    T2 A1 W1 - M2 50 rates 33333333 round half-up
        1000x charge T1 #* 1                     charged
        charge   T2 #1 1000                      charged 33333333000
        close    T1                              settled 33 released 17 carry 333333000
        close    T2                              settled 33 released 17 carry 333333000
        balance  W1 available 34
    "
    ));
}

#[test]
fn le_19_what_is_authorised_is_reserved() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: total 10
        meter    T1 A1 W1 D1 M1 10               held
        9x meter U* A1 W1 D1 M1 10               denied total_exceeded left 0
        charge   T1 #1 10                        charged
        close    T1                              settled 10
        balance  W1 available 90
    "
    ));
}

#[test]
fn le_21_an_account_is_closed_empty() {
    check(&format!(
        "{WORLD}
        close-wallet W1                          denied account_not_empty
        hold     H1 A1 W1 - M1 100
        close-wallet W1                          denied account_not_empty
        void     H1
        transfer X1 W1 world 99 fresh
        close-wallet W1                          denied account_not_empty
        transfer X2 W1 world 1 fresh
        close-wallet W1                          done
        transfer X3 world W1 1                   denied wallet_closed
    "
    ));
}

#[test]
fn le_22_nobody_pays_himself() {
    check(&format!(
        "{WORLD}
        payee    M3 food owner O1
        pay      P1 A1 W1 - M3 1                 denied self_payment
        pay      P2 O1 W1 - M3 1                 denied self_payment
        hold     H1 A1 W1 - M3 1                 denied self_payment
        meter    T1 A1 W1 - M3 1                 denied self_payment
        pay      P3 A1 W1 - M1=9,M3=1 10         denied self_payment
        transfer X1 W1 W1 1                      reject accounts_mismatch
    "
    ));
}

/// Also where the book was recovered meanwhile: every table is, from every journal, and must say the same is due.
#[test]
fn le_23_what_is_held_comes_back_by_itself_once() {
    check(&format!(
        "{WORLD}
        hold     H1 A1 W1 - M1 40 until +1d
        hold     H2 A1 W1 - M1 40 until +2d
        advance  +90d
        balance  W1 available 100 held 0
        expire   H1                              reject hold_unknown
        advance  +1d
        void     H2                              denied hold_closed
        balance  W1 available 100 held 0
    "
    ));
}

#[test]
fn le_24_time_never_runs_back() {
    let run = check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 1                 paid
        at       2026-11-22T08:00:00Z
        pay      P2 A1 W1 - M1 1                 paid
        pay      P3 A1 W1 - M1 1                 paid
        at       2026-11-22T09:00:01Z
        pay      P4 A1 W1 - M1 1                 paid
    "
    ));
    let entries = run.entries.iter().map(|bytes| book::Entry::from_bytes(bytes).unwrap());
    let order: Vec<(u64, u64)> = entries.map(|entry| (entry.seq.0, entry.at.0)).collect();
    assert!(order.windows(2).all(|pair| pair[0].0 + 1 == pair[1].0 && pair[0].1 < pair[1].1));
}
