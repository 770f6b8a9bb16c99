//! Refunds: back where the money came from, as it went, and never more than went.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food
    payee    M2 food
    payee    M3 food fee 100000
    agent    A1 W1                               limits: total 900
";

#[test]
fn no_more_goes_back_than_was_paid() {
    check(&format!(
        "{WORLD}
        stranger purchase P9 M1
        pay      P1 A1 W1 - M1 100               paid
        refund   R1 P1 0                         reject amount_zero
        refund   R1 P9 1                         reject payment_unknown
        refund   R1 P1 101                       denied refund_too_large left 100 by book
        refund   R1 P1 101                       repeat
        refund   R2 P1 40                        refunded 40 parts 40+0
        refund   R2 P1 40                        repeat
        refund   R2 P1 41                        reject id_reused
        refund   R3 P1 61                        denied refund_too_large left 60
        refund   R4 P1 60                        refunded
        refund   R5 P1 1                         denied refund_too_large left 0
        balance  W1 available 1000 debits 100 credits 1100
        balance  M1 available 0
    "
    ));
}

#[test]
fn the_seller_and_the_operator_refund_and_nobody_else() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1=1,M2=1 100        paid
        hold     H1 A1 W1 - M1 100               held
        refund   R1 P1 10 by M2                  reject payment_unknown
        refund   R1 P1 10 by A1                  denied forbidden
        refund   R2 P1 10 by O1                  denied forbidden
        refund   R3 P1 10 by O2                  reject payment_unknown
        refund   R3 P1 10 by nobody              denied forbidden
        refund   R4 P1 10 by M1 with M2.key      reject key_unknown
        refund   R4 P1 10 by M1                  refunded 10 parts 5+0,5+0
        refund   R5 P1 10 by OP                  refunded 10
        refund   R6 H1 10 by M1                  reject payment_unknown
        refund   R6 H1 10 by OP                  denied refund_too_large left 0
        refund   R7 O1 10 by OP                  reject payment_unknown
        refund   R8 P2 10 by OP                  reject payment_unknown
    "
    ));
}

#[test]
fn each_gives_back_of_what_it_has_left_the_operator_its_fee() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M3 100               paid fee 10
        refund   R1 P1 50                        refunded 50 parts 45+5
        refund   R2 P1 1                         refunded 1 parts 1+0
        refund   R3 P1 49                        refunded 49 parts 44+5
        balance  W1 available 1000
        balance  M3 available 0
        balance  fees/CNY available 0
        pay      P2 A1 W1 - M1=60,M2=30,M3=10 200    paid parts 120+0,60+0,20+2
        refund   R4 P2 50                        refunded 50 parts 30+0,15+0,5+0
        refund   R5 P2 151                       denied refund_too_large left 150
        refund   R6 P2 150                       refunded parts 90+0,45+0,13+2
        balance  W1 available 1000
    "
    ));
}

#[test]
fn captured_holds_and_settled_meters_are_refunded_like_payments() {
    check(&format!(
        "{WORLD}
        hold     H1 A1 W1 - M3 100               held
        capture  H1 30                           captured fee 3
        refund   R1 H1 31                        denied refund_too_large left 30
        refund   R2 H1 10                        refunded parts 9+1
        capture  H1 30                           captured fee 3
        refund   R3 H1 51                        denied refund_too_large left 50
        void     H1                              released 40
        refund   R4 H1 50                        refunded parts 45+5
        refund   R5 H1 1                         denied refund_too_large left 0
        meter    T1 A1 W1 - M1 100
        charge   T1 #1 7                         charged
        close    T1                              settled 7
        refund   R6 T1 8                         denied refund_too_large left 7
        refund   R7 T1 7                         refunded
        balance  W1 available 1000 held 0
    "
    ));
}

#[test]
fn what_the_seller_no_longer_has_it_cannot_give_back() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M3 100               paid fee 10
        transfer X1 M3 world 90
        refund   R1 P1 10                        denied funds_insufficient
        transfer X2 world M3 90
        transfer X3 fees world 10
        refund   R2 P1 9                         denied funds_insufficient
        refund   R3 P1 4                         refunded parts 4+0
    "
    ));
}

#[test]
fn a_refund_makes_no_room_to_spend() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 900               paid
        refund   R1 P1 900                       refunded
        pay      P2 A1 W1 - M1 1                 denied total_exceeded left 0
    "
    ));
}

#[test]
fn a_closed_sub_account_is_refunded_to_its_wallet() {
    check(&format!(
        "{WORLD}
        sub      S1 W1 A1
        transfer X1 W1 S1 100
        pay      P1 A1 S1 - M1 100               paid
        refund   R1 P1 10                        refunded
        close-wallet S1
        balance  W1 available 910
        refund   R2 P1 10                        refunded
        balance  S1 available 0
        balance  W1 available 920
        transfer X2 W1 world 920 fresh
        close-wallet W1
        refund   R3 P1 10                        denied wallet_closed
    "
    ));
}
