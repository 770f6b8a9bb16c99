//! Paying.
use sim::table::check;

#[test]
fn repeating_is_harmless_and_reusing_an_id_is_not() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    O1
        wallet   W1 O1 1000
        payee    M1 food fee 6250
        agent    A1 W1
        mandate  D1 W1 A1 until +30d     limits: per-payment 100; total 100
        pay      P1 A1 W1 D1 M1 60       paid 60 fee 0
        pay      P1 A1 W1 D1 M1 60       repeat
        pay      P1 A1 W1 D1 M1 40       reject id_reused
        pay      P2 A1 W1 D1 M1 41       denied total_exceeded left 40 by mandate v1 #1
        pay      P3 A1 W1 D1 M1 40       paid
        balance  W1 available 900 held 0
    ",
    );
}
