//! Prices that were seen, and limits that wait for one: scenario S4, "buy when it hits 7,000".

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    wallet   W1 O1 1000000
    payee    M1 tv
    payee    M2 tv
    agent    A1 W1
";

/// Exactly one purchase, at the trigger.
#[test]
fn an_item_is_bought_once_when_its_price_comes_down() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1 until +30d             limits: per-payment 700000; uses 1; price-at-most M1 tv 700000 1h
        pay      P1 A1 W1 D1 M1 700000 ref tv    denied observation_stale left nothing by mandate v1 #2
        observe  M1 tv 1000000
        pay      P2 A1 W1 D1 M1 700000 ref tv    denied trigger_not_met left nothing
        observe  M1 tv 800000
        observe  M1 tv 700001
        pay      P3 A1 W1 D1 M1 700000 ref tv    denied trigger_not_met
        pay      P4 A1 W1 D1 M1 700001 ref tv    denied payment_too_large left 700000
        observe  M1 tv 700000 stock 0
        pay      P5 A1 W1 D1 M1 700000 ref tv    denied out_of_stock
        observe  M1 tv 700000
        pay      P6 A1 W1 D1 M1 700000 ref toy   denied trigger_not_met
        pay      P7 A1 W1 D1 M1 700000           denied trigger_not_met
        pay      P8 A1 W1 D1 M2 700000 ref tv    denied trigger_not_met
        pay      P9 A1 W1 D1 M1=1,M2=1 700000 ref tv  denied trigger_not_met
        pay      Q1 A1 W1 D1 M1 700000 ref tv    paid
        observe  M1 tv 690000
        pay      Q2 A1 W1 D1 M1 690000 ref tv    denied uses_exceeded
        balance  W1 available 300000
        balance  M1 available 700000
    "
    ));
}

/// Notify and confirm: the owner is asked at the trigger, and her yes is good while the price stays.
#[test]
fn the_owner_confirms_at_the_trigger() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: uses 1; price-at-most M1 tv 700000 1h; ask-always
        observe  M1 tv 700001
        pay      P1 A1 W1 D1 M1 700000 ref tv    denied trigger_not_met
        observe  M1 tv 700000
        pay      P2 A1 W1 D1 M1 700000 ref tv    asked ask_always
        approve  P2
        observe  M1 tv 700002
        pay      P3 A1 W1 D1 M1 700000 ref tv approval P2   denied trigger_not_met
        observe  M1 tv 699999
        pay      P4 A1 W1 D1 M1 700000 ref tv approval P2   denied trigger_not_met left 699999
        observe  M1 tv 700000
        pay      P5 A1 W1 D1 M1 700000 ref tv approval P2   paid
        balance  W1 available 300000
    "
    ));
}

#[test]
fn a_price_is_good_for_as_long_as_the_limit_says() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: price-at-most M1 tv 700 1h
        observe  M1 tv 700
        advance  +59m59s
        pay      P1 A1 W1 D1 M1 700 ref tv       paid
        advance  +2s
        pay      P2 A1 W1 D1 M1 700 ref tv       denied observation_stale
        set-limits D1 v1                         limits: price-at-most M1 tv 700 0s     reject limits_malformed
        set-limits D1 v1                         limits: price-at-most M1 tv 700 24h1s  reject limits_malformed
        set-limits D1 v1                         limits: price-at-most M1 tv 700 24h
        pay      P3 A1 W1 D1 M1 700 ref tv       paid
    "
    ));
}

/// A forged tick is never recorded: it takes the seller's own key.
#[test]
fn nobody_but_the_seller_says_what_it_charges() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: price-at-most M1 tv 700 1h
        observe  M1 tv 700 by A1                 denied forbidden
        observe  M1 tv 700 by O1                 denied forbidden
        observe  M1 tv 700 by OP                 denied forbidden
        observe  M2 tv 700
        observe  M1 tv 700 with M2.key           reject key_unknown
        observe  M1 tv 0                         reject amount_zero
        observe  M1 tv 700 asset USD             denied asset_mismatch
        pay      P1 A1 W1 D1 M1 700 ref tv       denied observation_stale
        freeze   M1 by OP
        observe  M1 tv 700                       denied payee_closed
    "
    ));
}

/// The 65th item of a seller makes the book forget the one that was seen longest ago.
#[test]
fn of_each_seller_the_latest_64_items_are_remembered() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: price-at-most M1 tv1 700 1h
        mandate  D2 W1 A1                        limits: price-at-most M1 tv2 700 1h
        64x observe M1 tv* 700
        observe  M1 tv1 700
        pay      P1 A1 W1 D2 M1 700 ref tv2      paid
        observe  M1 tv65 700
        pay      P2 A1 W1 D1 M1 700 ref tv1      paid
        pay      P3 A1 W1 D2 M1 700 ref tv2      denied observation_stale
    "
    ));
}

#[test]
fn a_delegated_trigger_waits_for_no_more() {
    check(&format!(
        "{WORLD}
        agent    A2 W1
        mandate  D1 W1 A1                        limits: price-at-most M1 tv 700 1h
        delegate D2 D1 A2                        limits: price-at-most M1 tv 701 1h      denied delegation_too_wide
        delegate D3 D1 A2                        limits: price-at-most M1 tv 700 2h      denied delegation_too_wide
        delegate D4 D1 A2                        limits: price-at-most M2 tv 700 1h      denied delegation_too_wide
        delegate D5 D1 A2                        limits: price-at-most M1 tv 699 1h
        observe  M1 tv 700
        pay      P1 A2 W1 D5 M1 700 ref tv       denied trigger_not_met by mandate v1 #0
    "
    ));
}
