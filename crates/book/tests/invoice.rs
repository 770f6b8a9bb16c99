//! Invoices: only what was paid and not refunded, once, under numbers without a gap (S13, R-I9).

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 100000
    wallet   W2 O2 100000
    payee    M1 model fee 6250
    payee    M2 model
    agent    A1 W1                           limits: per-payment 100000
    agent    A2 W2                           limits: per-payment 100000
    sub      S1 W1 A1
    transfer X1 W1 S1 5000
";

/// The story of S13: a split payment, a refund, an invoice for the rest, a credit note for what goes back after it.
#[test]
fn an_invoice_says_what_is_left_and_a_credit_note_what_went_back_since() {
    check(&format!(
        "{WORLD}
        payee       D1 model
        payee       PLAT model
        pay         P1 A1 W1 - M1=60,D1=30,PLAT=10 10000   paid
        refund      R1 P1 2500
        invoice     I1 P1 total 10000                      denied bill_total_differs left 7500
        invoice     I2 P1 by D1                            reject payment_unknown
        invoice     I3 P1 total 7500                       invoiced 7500 number 1 lines 7500
        invoice     I3 P1 total 7500                       repeat
        invoice     I4 P1                                  denied nothing_to_invoice
        credit-note C1 I3                                  denied nothing_to_credit
        refund      R2 P1 2000
        billed      I3 says 7500 credited 0 to-credit 2000
        credit-note C2 I3 total 1999                       denied bill_total_differs left 2000
        credit-note C3 I3 total 2000                       credited 2000 number 1 lines 2000
        credit-note C3 I3 total 2000                       repeat
        credit-note C4 I3                                  denied nothing_to_credit
        billed      I3 says 7500 credited 2000 to-credit 0
        refund      R3 P1 5501                             denied refund_too_large left 5500
        refund      R4 P1 5500
        credit-note C5 I3                                  credited 5500 number 2
        billed      I3 says 7500 credited 7500 to-credit 0
        invoice     I5 P1                                  denied nothing_to_invoice
    "
    ));
}

/// What is denied, rejected or asked again takes no number; each seller counts for itself, each series too.
#[test]
fn numbers_have_no_gap() {
    check(&format!(
        "{WORLD}
        4x pay      P* A1 W1 - M1 100              paid
        pay         Q1 A1 W1 - M2 100              paid
        invoice     I1 P1                          invoiced 100 number 1
        invoice     I2 P1                          denied nothing_to_invoice
        invoice     I3 P2 total 99                 denied bill_total_differs left 100
        invoice     I4 P9 by M1                    reject payment_unknown
        invoice     I1 P1                          repeat
        invoice     I1 P2                          reject id_reused
        invoice     I5 P2                          invoiced 100 number 2
        invoice     J1 Q1                          invoiced 100 number 1
        refund      R1 P2 60
        credit-note C1 I5 total 100                denied bill_total_differs left 60
        credit-note C2 I5                          credited 60 number 1
        invoice     I6 P3,P4                       invoiced 200 number 3 lines 100,100
        credit-note C3 I6                          denied nothing_to_credit
        refund      R2 P4 1
        credit-note C4 I6                          credited 1 number 2 lines 0,1
    "
    ));
}

/// An invoice is to one buyer, of the seller's own sales, each named once.
#[test]
fn an_invoice_is_of_one_seller_to_one_buyer() {
    check(&format!(
        "{WORLD}
        pay         P1 A1 W1 - M1 100              paid
        pay         P2 A2 W2 - M1 100              paid
        pay         P3 A1 W1 - M2 100              paid
        pay         P4 A1 S1 - M1 100              paid
        invoice     I1 P1,P2                       reject buyers_differ
        invoice     I2 P1,P3                       reject payment_unknown
        invoice     I3 P1,P1                       reject purchases_malformed
        invoice     I4 - by M1                     reject purchases_malformed
        invoice     I5 P1 by M2                    reject payment_unknown
        invoice     I6 P1 by O1                    denied forbidden
        invoice     I7 P1 by OP                    denied forbidden
        freeze      M1
        invoice     I8 P1                          denied payee_closed
        unfreeze    M1
        invoice     I9 P1,P4                       invoiced 200 number 1
        credit-note C1 I9 by M2                    reject invoice_unknown
        credit-note C2 P1 by M1                    reject invoice_unknown
    "
    ));
}

/// What is set aside is no sale. What a hold gave is billed when it was given, the rest later; refunds come off the
/// latest invoice first.
#[test]
fn a_hold_is_billed_for_what_was_captured() {
    check(&format!(
        "{WORLD}
        hold        H1 A1 W1 - M1 1000
        invoice     I1 H1                          reject payment_unknown
        capture     H1 300
        invoice     I2 H1                          invoiced 300 number 1
        invoice     I3 H1                          denied nothing_to_invoice
        capture     H1 500
        invoice     I4 H1                          invoiced 500 number 2
        refund      R1 H1 600
        billed      I4 to-credit 500
        billed      I2 to-credit 100
        capture     H1 200 last
        invoice     I5 H1                          invoiced 200 number 3
        credit-note C1 I2                          credited 100 number 1
        credit-note C2 I4                          credited 500 number 2
        refund      R2 H1 250
        billed      I5 to-credit 200
        billed      I2 says 300 credited 100 to-credit 50
        meter       T1 A1 W1 - M1 50 rates 1000000000
        charge      T1 #1 7
        close       T1
        subscribe   S2 A1 W1 - M1 30 every 1mo     subscribed 30
        invoice     I6 T1,S2                       invoiced 37 number 4 lines 7,30
    "
    ));
}

/// What was refunded before is not on the invoice, and needs no credit note.
#[test]
fn a_refund_before_the_invoice_is_not_credited() {
    check(&format!(
        "{WORLD}
        pay         P1 A1 W1 - M1 1000             paid
        refund      R1 P1 400
        invoice     I1 P1 total 600                invoiced 600
        billed      I1 says 600 credited 0 to-credit 0
        credit-note C1 I1                          denied nothing_to_credit
        pay         P2 A1 W1 - M1 1000             paid
        refund      R2 P2 1000
        invoice     I2 P1,P2                       denied nothing_to_invoice
    "
    ));
}
