//! Threats at run time, as far as the book decides them: RT-01, RT-02, RT-07, RT-08, RT-10, RT-12, RT-13, RT-16 to RT-18.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use sim::audit::audit;
use sim::table::{check, run};
use std::collections::BTreeSet;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 100000
    payee    M1 food
    payee    M2 food
    agent    A1 W1
    agent    A2 W1
";

#[test]
fn rt_01_what_must_be_confirmed_is_not_paid_before() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: ask-above 1000
        pay      P1 A1 W1 D1 M1 1001             asked above_amount by mandate v1 #0
        hold     H1 A1 W1 D1 M1 1001             asked above_amount
        meter    T1 A1 W1 D1 M1 1001             asked above_amount
        balance  W1 available 100000 held 0
        pay      P2 A1 W1 D1 M1 1000             paid
        pay      P3 A1 W1 - M1 1                 asked no_rules_yet
    "
    ));
}

#[test]
fn rt_02_a_confirmation_is_for_one_thing_once_and_for_a_while() {
    check(&format!(
        "{WORLD}
        set-limits A1 v0                         limits: ask-always
        set-limits A2 v0                         limits: ask-always
        pay      X1 A1 W1 - M1 500 ref cart      asked ask_always
        pay      Y1 A1 W1 - M1 700 ref cart      asked ask_always
        pay      Z1 A1 W1 - M1 900 ref cart      asked ask_always
        approve  X1 until +1h
        approve  Y1 until +1h
        pay      X2 A1 W1 - M1 501 ref cart approval X1     denied approval_mismatch
        pay      X3 A1 W1 - M2 500 ref cart approval X1     denied approval_mismatch
        pay      X4 A1 W1 - M1 500 ref other approval X1    denied approval_mismatch
        pay      X5 A2 W1 - M1 500 ref cart approval X1     denied approval_mismatch
        pay      X6 A1 W1 - M1 900 ref cart approval Z1     denied approval_pending
        pay      X7 A1 W1 - M1 500 ref cart approval X1     paid
        pay      X8 A1 W1 - M1 500 ref cart approval X1     denied approval_used
        late     +1h
        pay      Y2 A1 W1 - M1 700 ref cart approval Y1     denied approval_expired
        approve  Z1 by A1                                   denied forbidden
        balance  W1 available 99500
    "
    ));
}

#[test]
fn rt_07_nothing_is_paid_after_the_stop() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: per-payment 10
        32x pay  P* A1 W1 D1 M1 1                paid
        revoke   D1
        32x pay  Q* A1 W1 D1 M1 1                denied mandate_revoked
        32x pay  P* A1 W1 D1 M1 1                repeat
        balance  W1 available 99968
    "
    ));
}

#[test]
fn rt_08_a_hold_is_not_captured_after_its_permission_was_revoked() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: per-payment 10
        hold     H1 A1 W1 D1 M1 10
        capture  H1 1                            captured
        revoke   D1
        capture  H1 1                            denied mandate_revoked
        void     H1 by O1                        released 9
        balance  W1 available 99999 held 0
    "
    ));
}

#[test]
fn rt_10_small_payments_add_up() {
    check(&format!(
        "{WORLD}
        set-limits A1 v0                         limits: per-payment 100; day 500 UTC
        500x pay P* A1 W1 - M1 1                 paid
        100x pay Q* A1 W1 - M1 1                 denied window_exceeded left 0
        balance  W1 available 99500
    "
    ));
}

#[test]
fn rt_12_many_agents_stay_under_one_ceiling() {
    check(&format!(
        "{WORLD}
        set-limits W1 v0                         limits: day 100 UTC
        5x agent B* W1                           limits: per-payment 40
        pay      P1 B1 W1 - M1 40                paid
        pay      P2 B2 W1 - M1 40                paid
        pay      P3 B3 W1 - M1 40                denied window_exceeded left 20 by wallet v1 #0
        hold     H4 B4 W1 - M1 40                denied window_exceeded left 20
        pay      P5 B5 W1 - M1 20                paid
        pay      P6 O1 W1 - M1 1                 denied window_exceeded left 0
        balance  W1 available 99900
    "
    ));
}

#[test]
fn rt_13_ending_and_granting_again_makes_no_room() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: day 100 UTC
        pay      P1 A1 W1 D1 M1 90               paid
        revoke   D1
        mandate  D2 W1 A1                        limits: day 100 UTC
        pay      P2 A1 W1 D2 M1 90               denied window_exceeded left 10
        set-limits D2 v1                         limits: day 100 Asia/Shanghai
        pay      P3 A1 W1 D2 M1 90               denied window_exceeded left 10
        set-limits D2 v2                         limits: week 100 UTC
        pay      P4 A1 W1 D2 M1 90               denied window_exceeded left 10
        set-limits D2 v3
        set-limits D2 v4                         limits: rolling 1d 100
        pay      P5 A1 W1 D2 M1 90               denied window_exceeded left 10
        revoke   D2
        mandate  D3 W1 A1 reset session          limits: day 100 UTC         denied presence_required
        mandate  D4 W1 A1 reset                  limits: day 100 UTC
        pay      P6 A1 W1 D4 M1 90               paid
    "
    ));
}

#[test]
fn rt_16_a_no_wins_and_no_rules_allow_nothing() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: only M1,M2; never M2
        mandate  D2 W1 A1                        limits: never M2; only M1,M2
        mandate  D3 W1 A1
        pay      P1 A1 W1 D1 M1 1                paid
        pay      P2 A1 W1 D1 M2 1                denied payee_denied by mandate v1 #1
        pay      P3 A1 W1 D2 M2 1                denied payee_denied by mandate v1 #0
        pay      P4 A1 W1 D3 M1 1                denied no_rules
    "
    ));
}

#[test]
fn rt_17_a_constraint_nobody_knows_allows_nothing() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                        limits: per-payment 100; unknown x.unknown
        pay      P1 A1 W1 D1 M1 1                denied constraint_unknown by mandate v1 #1
        set-limits D1 v1                         limits: per-payment 100
        pay      P2 A1 W1 D1 M1 1                paid
    "
    ));
}

/// Pays a day's whole limit every hour around each change of clocks of six years: once for each date there is.
#[test]
fn rt_18_a_day_is_spent_once_whatever_the_clocks_do() {
    let zones = [
        "Europe/Berlin",
        "America/New_York",
        "America/Santiago",
        "America/Havana",
        "Asia/Beirut",
        "Australia/Lord_Howe",
        "Africa/Casablanca",
    ];
    let (from, until) = (stamp("2025-01-01T00:00:00Z"), stamp("2031-01-01T00:00:00Z"));
    let mut changes = 0;
    for name in zones {
        let zone = TimeZone::get(name).unwrap();
        let found = zone.following(from).take_while(|change| change.timestamp() < until);
        for (number, change) in found.enumerate() {
            let table = around(change.timestamp(), name, &zone);
            if number == 0 {
                check(&table);
            } else {
                assert_eq!(audit(&run(&table).unwrap().entries).violations, []);
            }
            changes += 1;
        }
    }
    assert!(70 < changes, "{changes}");
}

#[test]
fn rt_18_a_leap_day_is_a_day() {
    check(
        "
        at       2028-02-28T12:00:00Z
        asset    CNY/2
        owner    O1
        wallet   W1 O1 1000
        payee    M1 food
        agent    A1 W1                           limits: day 100 UTC
        agent    A2 W1                           limits: month 100 UTC
        pay      P1 A1 W1 - M1 100               paid
        pay      Q1 A2 W1 - M1 100               paid
        at       2028-02-29T00:00:00Z
        pay      P2 A1 W1 - M1 100               paid
        pay      Q2 A2 W1 - M1 100               denied window_exceeded left 0
        at       2028-02-29T23:59:59.9Z
        pay      P3 A1 W1 - M1 100               denied window_exceeded left 0
        pay      Q3 A2 W1 - M1 100               denied window_exceeded left 0
        at       2028-03-01T00:00:00Z
        pay      P4 A1 W1 - M1 100               paid
        pay      Q4 A2 W1 - M1 100               paid
    ",
    );
}

fn around(change: Timestamp, name: &str, zone: &TimeZone) -> String {
    let first = change - Span::new().hours(26);
    let mut rows = format!(
        "at {first}\nasset CNY/2\nowner O1\nwallet W1 O1 1000\npayee M1 food\nagent A1 W1 limits: day 100 {name}\n"
    );
    let date = |at: Timestamp| zone.to_datetime(at).date();
    let mut spent = BTreeSet::new();
    for hours in 1..=52 {
        let now = first + Span::new().hours(hours);
        let just_before = now - Span::new().nanoseconds(1);
        let edge = (date(just_before) != date(now)).then_some(just_before);
        for now in edge.into_iter().chain([now]) {
            let verdict = if spent.insert(date(now)) { "paid" } else { "denied window_exceeded left 0" };
            rows += &format!("at {now}\npay P{} A1 W1 - M1 100 {verdict}\n", now.as_nanosecond());
        }
    }
    assert!((3..=4).contains(&spent.len()), "{name} {change}");
    rows
}

fn stamp(text: &str) -> Timestamp {
    text.parse().expect("a time")
}
