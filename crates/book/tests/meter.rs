//! Meters: work counted exactly, rounded once, and never beyond what was set aside.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000
    payee    M1 models
    payee    M2 models
    agent    A1 W1                               limits: total 500
";

#[test]
fn work_is_counted_exactly_and_settled_once() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 5 rates 200000,800000 round half-up    held versions 0/1/0
        charge   T1 #1 1234,5678                 charged 4789200000
        balance  W1 available 995 held 5
        close    T1                              settled 5 fee 0 released 0 carry 0
        balance  W1 available 995 held 0
        balance  M1 available 5
        meter    T2 A1 W1 - M1 50 rates 200000,800000 round half-up
        charge   T2 #1 1234,5678                 charged 4789200000
        charge   T2 #2 11106,51102               charged 47892000000
        close    T2                              settled 48 released 2 carry 0
        balance  W1 available 947 held 0
    "
    ));
}

#[test]
fn fractions_are_rounded_as_agreed_and_shown() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 10 rates 1
        charge   T1 #1 4499999999                charged 4499999999
        close    T1                              settled 4 released 6 carry 499999999
        meter    T2 A1 W1 - M1 10 rates 1 round half-up
        charge   T2 #1 4499999999                charged 4499999999
        close    T2                              settled 4 released 6 carry 499999999
        meter    T3 A1 W1 - M1 10 rates 1 round half-up
        charge   T3 #1 4500000000                charged 4500000000
        close    T3                              settled 5 released 5 carry 0
        meter    T4 A1 W1 - M1 10 rates 1 round up
        charge   T4 #1 4000000001                charged
        close    T4                              settled 5 released 5 carry 0
        meter    T5 A1 W1 - M1 10 rates 1 round up
        charge   T5 #1 4000000000                charged
        close    T5                              settled 4 released 6 carry 0
        meter    T6 A1 W1 - M1 10
        close    T6                              settled 0 released 10 carry 0
        pay      P1 A1 W1 - M1 479               denied total_exceeded left 478
    "
    ));
}

#[test]
fn a_charge_is_counted_once_and_in_order() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 100
        charge   T1 #0 1                         denied meter_sequence
        charge   T1 #5 1                         charged 1000000000
        charge   T1 #5 1                         denied meter_sequence
        charge   T1 #4 1                         denied meter_sequence
        charge   T1 #6 1 id Q1                   charged 2000000000
        charge   T1 #6 1 id Q1                   repeat
        charge   T1 #18446744073709551615 1      charged 3000000000
        charge   T1 #18446744073709551615 1      denied meter_sequence
        close    T1                              settled 3
    "
    ));
}

#[test]
fn no_more_is_counted_than_is_set_aside() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 100 rates 999999999,1 round up
        charge   T1 #1 0,0                       reject amount_zero
        charge   T1 #1 1                         reject limits_malformed
        charge   T1 #1 1,1,1                     reject limits_malformed
        charge   T1 #1 100,101                   denied meter_exceeded left 100 by book
        charge   T1 #1 100,99                    charged 99999999999
        charge   T1 #2 0,2                       denied meter_exceeded left 0
        charge   T1 #2 18446744073709551615,18446744073709551615    denied meter_exceeded
        charge   T1 #2 0,1                       charged 100000000000
        charge   T1 #3 0,1                       denied meter_exceeded left 0
        close    T1                              settled 100 released 0
        charge   T1 #3 0,1                       denied hold_closed
        close    T1                              denied hold_closed
        meter    T2 A1 W1 - M1 400 rates 18446744073709551615
        charge   T2 #1 1                         denied meter_exceeded left 400
    "
    ));
}

#[test]
fn a_meter_is_charged_by_its_seller_alone() {
    check(&format!(
        "{WORLD}
        stranger purchase T9 M1
        meter    T1 A1 W1 - M1 100
        hold     H1 A1 W1 - M1 100
        charge   T1 #1 1 by M2                   reject meter_unknown
        charge   T1 #1 1 by A1                   denied forbidden
        charge   T1 #1 1 by O1                   denied forbidden
        charge   T1 #1 1 by OP                   denied forbidden
        charge   H1 #1 1                         reject meter_unknown
        charge   T9 #1 1                         reject meter_unknown
        close    H1                              reject meter_unknown
        close    T9                              reject meter_unknown
        close    T1 by M2                        reject meter_unknown
        close    T1 by A1                        denied forbidden
        capture  T1 1                            denied forbidden
        charge   T1 #1 7                         charged
        close    T1 by O1                        settled 7
        balance  M1 available 7
    "
    ));
}

#[test]
fn a_meter_that_expires_is_settled() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 100 until +0s     reject time_out_of_range
        meter    T1 A1 W1 - M1 100 until +91d    reject time_out_of_range
        meter    T1 A1 W1 - M1 100 rates none    reject limits_malformed
        meter    T1 A1 W1 - M1 100 rates 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1    reject limits_malformed
        meter    T1 A1 W1 - M1 100 until +1d rates 1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1000000000
        meter    T2 A1 W1 - M1=1,M2=2 100 until +1d
        charge   T1 #1 0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,40    charged
        charge   T2 #1 50                        charged
        late     +1d
        charge   T2 #2 1                         denied hold_expired
        close    T2                              denied hold_expired
        expire   T2                              settled 50 parts 17+0,33+0 released 50
        advance  +1s
        balance  W1 available 910 held 0
        balance  M1 available 57
        balance  M2 available 33
        pay      P1 A1 W1 - M1 411               denied total_exceeded left 410
    "
    ));
}

#[test]
fn a_seller_may_let_a_meter_go_unpaid() {
    check(&format!(
        "{WORLD}
        meter    T1 A1 W1 - M1 100
        charge   T1 #1 40                        charged
        void     T1                              released 100
        balance  M1 available 0
        balance  W1 available 1000
    "
    ));
}
