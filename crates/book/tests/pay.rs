//! Payments: who may pay whom from what, in which order it is asked, and what a payment costs.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    wallet   W2 O2 1000
    payee    M1 food
    payee    M2 food
    agent    A1 W1                               limits: per-payment 500
    mandate  D1 W1 A1 until +30d                 limits: per-payment 100; total 100
";

#[test]
fn repeating_is_harmless_and_reusing_an_id_is_not() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 D1 M1 60               paid 60 fee 0 versions 0/1/1
        pay      P1 A1 W1 D1 M1 60               repeat
        pay      P1 A1 W1 D1 M1 40               reject id_reused
        pay      P1 O1 W1 -  M1 60               reject id_reused
        hold     P1 A1 W1 D1 M1 60               reject id_reused
        pay      P2 A1 W1 D1 M1 41               denied total_exceeded left 40 by mandate v1 #1
        pay      P2 A1 W1 D1 M1 41               repeat
        pay      P2 A1 W1 D1 M1 40               reject id_reused
        pay      P3 A1 W1 D1 M1 40               paid
        pay      P1 A1 W1 D1 M1 60               repeat
        balance  W1 available 900 held 0
        balance  M1 available 100
    "
    ));
}

/// A key may be rotated between two tries of one payment; the payment is still one.
#[test]
fn repeating_with_another_key_is_still_repeating() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 D1 M1 60               paid
        enrol-key K2 A1 fresh
        revoke-key A1.key
        pay      P1 A1 W1 D1 M1 60 with K2       repeat
        pay      P2 A1 W1 D1 M1 1 with K2        paid
        pay      P3 A1 W1 D1 M1 1                denied key_revoked
    "
    ));
}

#[test]
fn ids_are_remembered_for_as_long_as_the_book_says_and_not_longer() {
    check(
        "
        at       2026-11-22T09:00:00Z
        book     retention 1h
        asset    CNY/2
        owner    O1
        wallet   W1 O1 1000
        payee    M1 food
        agent    A1 W1                           limits: per-payment 500
        made     P1 -1h
        pay      P1 A1 W1 - M1 1                 reject id_stale
        made     P2 -59m59s999ms
        pay      P2 A1 W1 - M1 1                 paid
        made     P3 +60s1ms
        pay      P3 A1 W1 - M1 1                 reject id_from_future
        made     P4 +60s
        pay      P4 A1 W1 - M1 1                 paid
        pay      P5 A1 W1 - M1 1                 paid
        advance  +59m59s
        made     P9 +60s
        pay      P9 A1 W1 - M1 1                 paid
        pay      P5 A1 W1 - M1 1                 repeat
        advance  +2m
        9x pay   Q* A1 W1 - M1 1                 paid
        pay      P2 A1 W1 - M1 1                 reject id_stale
        pay      P5 A1 W1 - M1 1                 reject id_stale
        refund   R1 P5 1                         reject payment_unknown
        late     +999ms999us999ns
        made     P6 -59m59s999ms999us999ns
        made     P7 -59m59s999ms999us999ns
        pay      P6 A1 W1 - M1 1                 paid
        pay      P7 A1 W1 - M1 1                 reject id_stale
        balance  W1 available 986
    ",
    );
}

#[test]
fn retention_is_between_an_hour_and_ten_years() {
    check("book retention 59m59s      reject time_out_of_range");
    check("book retention 3660d1s     reject time_out_of_range");
    check("book retention 3660d test  done");
    check("book retention 1h          done\nbook retention 1h id Q2  reject book_state");
    check("stranger operator OP\nasset CNY/2 by OP  done\nentries 2");
}

#[test]
fn what_is_no_payment_is_not_recorded() {
    check(&format!(
        "{WORLD}
        stranger wallet W9 O1
        stranger mandate D9 O1
        stranger agent A9 O1
        stranger payee M9
        stranger owner O9
        pay      P1 A1 W1 D1 M1 0                reject amount_zero
        pay      P1 A1 W9 D1 M1 1                reject wallet_unknown
        pay      P1 A1 W1 D9 M1 1                reject mandate_unknown
        pay      P1 A9 W1 D1 M1 1                reject agent_unknown
        pay      P1 A1 W1 D1 M9 1                reject payee_unknown
        pay      P1 A1 W1 - M1=1,M9=1 2          reject payee_unknown
        pay      P1 A1 W1 - M1 1 with O1.key     reject key_unknown
        pay      P1 A1 W1 - M1 1 with K9         reject key_unknown
        pay      P1 O1 W1 - M1 1 with A1.key     reject key_unknown
        pay      P1 O2 W1 - M1 1                 reject wallet_unknown
        pay      P1 O9 W1 - M1 1                 reject wallet_unknown
        entries  13
    "
    ));
}

#[test]
fn only_the_owner_and_her_agents_pay() {
    check(&format!(
        "{WORLD}
        agent    A2 W2                           limits: per-payment 500
        agent    A3 W1                           limits: per-payment 500
        wallet   W3 O1 100
        mandate  D3 W1 A3                        limits: per-payment 500
        pay      P1 OP W1 - M1 1                 denied forbidden
        pay      P2 M1 W1 - M2 1                 denied forbidden
        pay      P3 nobody W1 - M1 1             denied forbidden
        pay      P4 A2 W1 - M1 1                 denied agent_not_registered
        pay      P5 A1 W3 - M1 1                 denied agent_not_registered
        pay      P6 A1 W1 D3 M1 1                denied mandate_mismatch
        pay      P7 O1 W1 D1 M1 1                denied mandate_mismatch
        pay      P8 O1 W1 - M1 1                 paid 1 versions 0/0/0
        pay      P9 A3 W1 D3 M1 1                paid 1 versions 0/1/1
        balance  W1 available 998
    "
    ));
}

#[test]
fn a_mandate_is_good_from_its_first_instant_to_before_its_last() {
    check(&format!(
        "{WORLD}
        mandate  D2 W1 A1 from +1d until +2d     limits: per-payment 100
        late     +23h59m59s999ms999us999ns
        pay      P1 A1 W1 D2 M1 1                denied mandate_not_yet_valid
        pay      P2 A1 W1 D2 M1 1                paid
        late     +23h59m59s999ms999us999ns
        pay      P3 A1 W1 D2 M1 1                paid
        pay      P4 A1 W1 D2 M1 1                paid
        pay      P5 A1 W1 D2 M1 1                denied mandate_expired
    "
    ));
}

#[test]
fn payees_collect_their_own_asset_while_they_are_open_and_never_from_their_owner() {
    check(&format!(
        "{WORLD}
        payee    M3 food asset USD
        payee    M4 food owner O1
        payee    M5 food owner O2
        pay      P1 A1 W1 - M3 1                 denied asset_mismatch
        pay      P2 A1 W1 - M1 1 asset USD       denied asset_mismatch
        pay      P3 A1 W1 - M1=1,M3=1 2          denied asset_mismatch
        pay      P4 A1 W1 - M4 1                 denied self_payment
        pay      P5 A1 W1 - M1=1,M4=1 2          denied self_payment
        pay      P6 O1 W1 - M4 1                 denied self_payment
        pay      P7 A1 W1 - M5 1                 paid
        freeze   M1
        pay      P8 A1 W1 - M1 1                 denied payee_closed
        pay      P9 A1 W1 - M2=1,M1=1 2          denied payee_closed
        unfreeze M1
        pay      PA A1 W1 - M2=1,M1=1 2          paid parts 1+0,1+0
        balance  W1 available 997
    "
    ));
}

#[test]
fn nobody_pays_more_than_there_is() {
    check(&format!(
        "{WORLD}
        set-limits A1 v1                         limits: ask-above 2000
        hold     H1 A1 W1 - M1 400
        pay      P1 A1 W1 - M1 601               denied funds_insufficient left 600 by book v0 #0
        pay      P2 O1 W1 - M1 601               denied funds_insufficient left 600
        hold     H2 A1 W1 - M1 601               denied funds_insufficient left 600
        meter    T1 A1 W1 - M1 601               denied funds_insufficient left 600
        pay      P3 A1 W1 - M1 600               paid
        pay      P4 A1 W1 - M1 1                 denied funds_insufficient left 0
        balance  W1 available 0 held 400 debits 600
    "
    ));
}

#[test]
fn shares_add_up_to_the_whole_and_name_each_payee_once() {
    check(&format!(
        "{WORLD}
        16x payee N* food
        payee    N17 food
        pay      P1 A1 W1 - M1=60,M2=30/100 10   reject split_not_whole
        pay      P1 A1 W1 - M1=60,M2=41/100 10   reject split_not_whole
        pay      P1 A1 W1 - M1=60,M2=0 10        reject split_not_whole
        pay      P1 A1 W1 - M1=1,M1=1 10         reject split_not_whole
        pay      P1 A1 W1 - = 10                 reject split_not_whole
        pay      P1 A1 W1 - M1=4294967295,M2=1/0 10   reject split_not_whole
        pay      P1 A1 W1 - N1=1,N2=1,N3=1,N4=1,N5=1,N6=1,N7=1,N8=1,N9=1,N10=1,N11=1,N12=1,N13=1,N14=1,N15=1,N16=1,N17=1 17  reject split_not_whole
        pay      P1 A1 W1 - N1=1,N2=1,N3=1,N4=1,N5=1,N6=1,N7=1,N8=1,N9=1,N10=1,N11=1,N12=1,N13=1,N14=1,N15=1,N16=1 16        paid
        pay      P2 A1 W1 - M1=1 10              paid parts 10+0
        pay      P3 A1 W1 - M1=60,M2=30,N1=10 100     paid parts 60+0,30+0,10+0
        pay      P4 A1 W1 - M1=1,M2=1,N1=1 101   paid parts 34+0,34+0,33+0
        pay      P5 A1 W1 - M1=1,M2=2 1          paid parts 0+0,1+0
        balance  M1 available 104
        balance  M2 available 65
    "
    ));
}

#[test]
fn fees_carry_their_fractions_from_payment_to_payment() {
    check(&format!(
        "{WORLD}
        payee    F1 food fee 6250
        payee    F2 food fee 333333
        payee    F3 food fee 1000000
        pay      P1 A1 W1 - F1 160               paid 160 fee 1
        pay      P2 A1 W1 - F1 159               paid 159 fee 0
        pay      P3 A1 W1 - F1 1                 paid 1 fee 1
        pay      P4 A1 W1 - F2 1                 paid 1 fee 0
        pay      P5 A1 W1 - F2 1                 paid 1 fee 0
        pay      P6 A1 W1 - F2 1                 paid 1 fee 0
        pay      P7 A1 W1 - F2 1                 paid 1 fee 1
        pay      P8 A1 W1 - F3 10                paid 10 fee 10
        pay      P9 A1 W1 - F1=1,F3=1 320        paid 320 parts 160+1,160+160
        balance  F1 available 477
        balance  F2 available 3
        balance  F3 available 0
        balance  fees/CNY available 174
        balance  world/CNY owes 2000
    "
    ));
}

/// A stranger is told nothing but that the wallet is not his; the first thing that stops a payment is its answer.
#[test]
fn the_questions_have_one_order() {
    check(&format!(
        "{WORLD}
        payee    M3 food asset USD
        mandate  D2 W1 A1 until +1d              limits: per-payment 1
        mandate  D3 W1 A1
        freeze   M2
        freeze   A1
        freeze   W1
        freeze   O1
        freeze   D2
        pay      P1 A1 W1 D2 M2 2000             denied owner_frozen by book
        unfreeze O1 fresh
        pay      P2 A1 W1 D2 M2 2000             denied wallet_frozen by book
        unfreeze W1 fresh
        pay      P3 A1 W1 D2 M2 2000             denied agent_frozen by book
        unfreeze A1 fresh
        pay      P4 A1 W1 D2 M2 2000             denied mandate_frozen by book
        unfreeze D2 fresh
        pay      P5 A1 W1 D2 M2 2000             denied payee_closed by book
        unfreeze M2
        pay      P6 A1 W1 D2 M3 2000             denied asset_mismatch by book
        set-limits W1 v0                         limits: per-payment 3
        pay      P7 A1 W1 D2 M2 2000             denied payment_too_large left 3 by wallet v1 #0
        set-limits W1 v1
        pay      P8 A1 W1 D2 M2 2000             denied payment_too_large left 500 by agent v1 #0
        set-limits A1 v1
        pay      P9 A1 W1 D2 M2 2000             denied payment_too_large left 1 by mandate v1 #0
        pay      PA A1 W1 D3 M2 2000             denied no_rules by book
        set-limits D2 v1                         limits: ask-always
        pay      PB A1 W1 D2 M2 2000             denied funds_insufficient left 1000 by book
        pay      PC A1 W1 D2 M2 1000             asked ask_always by mandate v2 #0
        advance  +1d
        pay      PD A1 W1 D2 M3 1000             denied mandate_expired by book
        revoke   D2
        pay      PE A1 W1 D2 M3 1000             denied mandate_revoked by book
    "
    ));
}
