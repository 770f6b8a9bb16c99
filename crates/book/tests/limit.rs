//! Limits: each kind with its yes, its no, and the edge between.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000
    payee    M1 food
    payee    M2 food
";

/// A refusal is written down too. One that held more limits, or longer ones, than an entry can was written and could
/// never be read again: the book did not start any more. Anybody with a key could do it.
#[test]
fn what_cannot_be_read_again_is_never_written() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: per-payment 500
        set-limits W1 v0 by A1                   limits: ask-always ... 33        reject limits_malformed
        set-limits W1 v0 by A1                   limits: ask-always ... 5000      reject limits_malformed
        set-limits W1 v0 by A1                   limits: ask-always ... 32        denied forbidden
        set-limits W1 v0                         limits: only M1^257              reject limits_malformed
        set-limits W1 v0                         limits: only M1^256 ... 32       reject limits_malformed
        // The longest entry is longer than a writer expects to find room for in memory; see that it is kept all the same.
        late     +0s
        set-limits W1 v0                         limits: only M1^256 ... 14       done
        meter    T1 A1 W1 - M1 100
        close    T1                              settled 0 released 100
        charge   T1 #1 0^5000                    reject limits_malformed
        charge   T1 #1 0^17                      reject limits_malformed
        charge   T1 #1 0^16                      denied hold_closed
    "
    ));
}

#[test]
fn each_limit_allows_up_to_its_edge_and_nothing_beyond() {
    check(&format!(
        "{WORLD}
        agent    B1 W1                           limits: per-payment 100
        pay      B2 B1 W1 - M1 101               denied payment_too_large left 100 by agent v1 #0
        pay      B3 B1 W1 - M1 100               paid
        agent    C1 W1                           limits: total 100
        pay      C2 C1 W1 - M1 99                paid
        pay      C3 C1 W1 - M1 2                 denied total_exceeded left 1 by agent v1 #0
        pay      C4 C1 W1 - M1 1                 paid
        pay      C5 C1 W1 - M1 1                 denied total_exceeded left 0
        agent    D1 W1                           limits: uses 2
        pay      D2 D1 W1 - M1 1                 paid
        hold     D3 D1 W1 - M1 1                 held
        pay      D4 D1 W1 - M1 1                 denied uses_exceeded left nothing
        agent    E1 W1                           limits: only M1
        pay      E2 E1 W1 - M2 1                 denied payee_not_allowed left nothing
        pay      E3 E1 W1 - M1=1,M2=1 2          denied payee_not_allowed
        pay      E4 E1 W1 - M1 1                 paid
        agent    F1 W1                           limits: never M1
        pay      F2 F1 W1 - M1 1                 denied payee_denied
        pay      F3 F1 W1 - M2=1,M1=1 2          denied payee_denied
        pay      F4 F1 W1 - M2 1                 paid
        agent    G1 W1                           limits: only nobody
        pay      G2 G1 W1 - M1 1                 denied payee_not_allowed
        agent    H1 W1                           limits: ask-above 100
        pay      H2 H1 W1 - M1 100               paid
        pay      H3 H1 W1 - M1 101               asked above_amount by agent v1 #0
        agent    I1 W1                           limits: unknown x402:some-new-constraint; per-payment 1
        pay      I2 I1 W1 - M1 1                 denied constraint_unknown left nothing by agent v1 #0
        agent    J1 W1                           limits: per-payment 0
        pay      J2 J1 W1 - M1 1                 denied payment_too_large left 0
    "
    ));
}

#[test]
fn categories_are_the_payees_and_the_purchases() {
    check(&format!(
        "{WORLD}
        payee    M3 toys
        agent    A1 W1                           limits: only-for food
        pay      P1 A1 W1 - M1 1                 paid
        pay      P2 A1 W1 - M3 1                 denied category_not_allowed
        pay      P3 A1 W1 - M1 1 category food   paid
        pay      P4 A1 W1 - M1 1 category toys   denied category_not_allowed
        pay      P5 A1 W1 - M3 1 category food   denied category_not_allowed
        pay      P6 A1 W1 - M1=1,M3=1 2          denied category_not_allowed
        agent    A2 W1                           limits: never-for toys
        pay      Q1 A2 W1 - M1 1                 paid
        pay      Q2 A2 W1 - M3 1                 denied category_denied
        pay      Q3 A2 W1 - M1 1 category toys   denied category_denied
        pay      Q4 A2 W1 - M1=1,M3=1 2          denied category_denied
        agent    A3 W1                           limits: only-for nothing
        pay      R1 A3 W1 - M1 1                 denied category_not_allowed
    "
    ));
}

#[test]
fn a_limits_time_begins_with_its_first_instant_and_ends_before_its_last() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: valid +2h +1h        reject limits_malformed
        agent    A1 W1                           limits: valid +1h +2h
        late     +59m59s999ms999us999ns
        pay      P1 A1 W1 - M1 1                 denied outside_validity left nothing
        pay      P2 A1 W1 - M1 1                 paid
        late     +1h
        late     -1ns
        pay      P3 A1 W1 - M1 1                 paid
        pay      P4 A1 W1 - M1 1                 paid
        pay      P5 A1 W1 - M1 1                 denied outside_validity
    "
    ));
}

#[test]
fn a_rolling_window_forgets_each_payment_in_its_time() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: rolling 1h 100; times 3 1h
        advance  +1s
        pay      P1 A1 W1 - M1 60                paid
        advance  +30m
        pay      P2 A1 W1 - M1 41                denied window_exceeded left 40 by agent v1 #0
        pay      P3 A1 W1 - M1 40                paid
        pay      P4 A1 W1 - M1 1                 denied window_exceeded left 0
        advance  +29m59s999ms999us999ns
        pay      P5 A1 W1 - M1 1                 denied window_exceeded left 0
        pay      P6 A1 W1 - M1 61                denied window_exceeded left 60
        pay      P7 A1 W1 - M1 59                paid
        pay      P8 A1 W1 - M1 1                 paid
        pay      P9 A1 W1 - M1 1                 denied window_exceeded left 0
        advance  +30m1s
        pay      PA A1 W1 - M1 40                paid
        pay      PB A1 W1 - M1 1                 denied window_exceeded left 0
        agent    A2 W1                           limits: times 2 60s
        pay      Q1 A2 W1 - M1 1                 paid
        pay      Q2 A2 W1 - M1 1                 paid
        pay      Q3 A2 W1 - M1 1                 denied velocity_exceeded left nothing
        advance  +59s
        pay      Q4 A2 W1 - M1 1                 denied velocity_exceeded
        advance  +2s
        pay      Q5 A2 W1 - M1 1                 paid
    "
    ));
}

#[test]
fn a_rolling_window_lasts_from_a_second_to_366_days() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: rolling 0s 1         reject limits_malformed
        agent    A1 W1                           limits: times 1 0s           reject limits_malformed
        agent    A1 W1                           limits: rolling 366d1s 1     reject limits_malformed
        agent    A1 W1                           limits: times 1 366d1s       reject limits_malformed
        agent    A1 W1                           limits: rolling 366d 1; times 1 366d; rolling 1s 1
    "
    ));
}

#[test]
fn days_weeks_and_months_begin_at_the_owners_midnight() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: day 100 Asia/Shanghai
        pay      P1 A1 W1 - M1 100               paid
        at       2026-11-22T15:59:59.999999999Z
        pay      P2 A1 W1 - M1 1                 denied window_exceeded left 0
        pay      P3 A1 W1 - M1 100               paid
        agent    A2 W1                           limits: week 100 UTC
        pay      Q1 A2 W1 - M1 100               paid
        at       2026-11-22T23:59:59.999999999Z
        pay      Q2 A2 W1 - M1 1                 denied window_exceeded left 0
        pay      Q3 A2 W1 - M1 100               paid
        at       2026-11-29T23:59:59.999999999Z
        pay      Q4 A2 W1 - M1 1                 denied window_exceeded left 0
        pay      Q5 A2 W1 - M1 1                 paid
        agent    A3 W1                           limits: month 100 America/New_York; times 2 month America/New_York
        pay      R1 A3 W1 - M1 1                 paid
        pay      R2 A3 W1 - M1 99                paid
        pay      R3 A3 W1 - M1 1                 denied window_exceeded left 0 by agent v1 #0
        at       2026-12-01T04:59:59.999999999Z
        pay      R4 A3 W1 - M1 1                 denied window_exceeded
        pay      R5 A3 W1 - M1 1                 paid
        pay      R6 A3 W1 - M1 1                 paid
        pay      R7 A3 W1 - M1 1                 denied velocity_exceeded by agent v1 #1
    "
    ));
}

/// More payments than a rolling window remembers one by one still count, the oldest of them for a little longer.
#[test]
fn a_crowded_rolling_window_only_ever_refuses_more() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 100000
        agent    A1 W2                           limits: rolling 1h 1100
        pay      P1 A1 W2 - M1 1                 paid
        advance  +1m
        1024x pay Q* A1 W2 - M1 1                paid
        pay      R1 A1 W2 - M1 76                denied window_exceeded left 75
        advance  +59m1s
        pay      R2 A1 W2 - M1 76                denied window_exceeded left 75
        advance  +1m
        pay      R3 A1 W2 - M1 1101              denied window_exceeded left 1100
    "
    ));
}

/// A hold among the merged payments gives back its own part, and no more.
#[test]
fn a_hold_in_a_crowded_window_gives_its_part_back() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 100000
        agent    A1 W2                           limits: rolling 1h 2000
        hold     H1 A1 W2 - M1 100               held
        1100x pay P* A1 W2 - M1 1                paid
        pay      Q1 A1 W2 - M1 801               denied window_exceeded left 800
        void     H1                              released 100
        pay      Q2 A1 W2 - M1 901               denied window_exceeded left 900
        pay      Q3 A1 W2 - M1 900               paid
    "
    ));
}

#[test]
fn all_three_must_agree_and_a_no_wins_over_a_question() {
    check(&format!(
        "{WORLD}
        set-limits W1 v0                         limits: ask-always; total 100
        agent    A1 W1                           limits: ask-above 10; per-payment 60
        mandate  D1 W1 A1                        limits: per-payment 50; ask-always; never M2
        pay      P1 A1 W1 D1 M1 101              denied total_exceeded left 100 by wallet v1 #1
        pay      P2 A1 W1 D1 M1 61               denied payment_too_large left 60 by agent v1 #1
        pay      P3 A1 W1 D1 M1 51               denied payment_too_large left 50 by mandate v1 #0
        pay      P4 A1 W1 D1 M2 50               denied payee_denied by mandate v1 #2
        pay      P5 A1 W1 D1 M1 50               asked ask_always by wallet v1 #0
        approve  P5
        pay      P6 A1 W1 D1 M1 50 approval P5   paid 50 versions 1/1/1
        pay      P7 O1 W1 - M1 51                denied total_exceeded left 50 by wallet v1 #1
        pay      P8 O1 W1 - M1 50                paid 50 versions 1/0/0
    "
    ));
}

#[test]
fn what_is_refused_uses_nothing_up() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: total 100; uses 1; times 1 1d; day 100 UTC; ask-above 90; never M2
        9x pay   P* A1 W1 - M1 101               denied total_exceeded left 100
        9x pay   Q* A1 W1 - M1 100 ref Q*        asked above_amount
        9x pay   R* A1 W1 - M2 1                 denied payee_denied
        pay      S1 A1 W1 - M1 90                paid
        balance  W1 available 910
    "
    ));
}

#[test]
fn new_limits_begin_with_what_was_used() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: total 100; uses 3; day 90 UTC
        pay      P1 A1 W1 - M1 60                paid
        set-limits A1 v0                         limits: total 500           denied version_conflict
        set-limits A1 v2                         limits: total 500           denied version_conflict
        set-limits A1 v1                         limits: total 100; uses 3; day 90 Asia/Shanghai
        pay      P2 A1 W1 - M1 41                denied total_exceeded left 40 by agent v2 #0
        pay      P3 A1 W1 - M1 31                denied window_exceeded left 30 by agent v2 #2
        set-limits A1 v2                         limits: rolling 1d 90; times 2 1h; uses 2
        pay      P4 A1 W1 - M1 31                denied window_exceeded left 30
        pay      P5 A1 W1 - M1 30                paid
        set-limits A1 v3
        pay      P6 A1 W1 - M1 1                 asked no_rules_yet
        set-limits A1 v4                         limits: uses 2; total 1000
        pay      P7 A1 W1 - M1 1                 denied uses_exceeded
        set-limits A1 v5                         limits: day 100 UTC
        pay      P8 A1 W1 - M1 11                denied window_exceeded left 10
        advance  +1d1s
        set-limits A1 v6                         limits: week 100 UTC
        pay      P9 A1 W1 - M1 100               paid
    "
    ));
}

#[test]
fn more_is_let_through_only_by_an_owner_who_is_there() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                           limits: per-payment 5
        agent    A2 W1
        mandate  D1 W1 A1                        limits: per-payment 5
        set-limits D1 v1 session                 limits: per-payment 4        done
        set-limits D1 v2 session                 limits: per-payment 5        denied presence_required
        set-limits D1 v2                         limits: per-payment 5        done
        set-limits A1 v1 session                 limits: per-payment 6        denied presence_required
        set-limits A1 v1 session                 limits: per-payment 5; total 9  done
        set-limits W1 v0 session                 limits: per-payment 9        done
        set-limits W1 v1 session                 limits: per-payment 10       denied presence_required
        // Without limits it asks each time: with some, it would not.
        set-limits A2 v0 session                 limits: per-payment 1        denied presence_required
        set-limits A2 v0                         limits: per-payment 1        done
        // Whoever may spend at all is let by an owner who is there; an agent without rules only asks.
        mandate  D2 W1 A1 session                limits: per-payment 1        denied presence_required
        mandate  D3 W1 A1 session                                             denied presence_required
        mandate  D4 W1 A1                        limits: per-payment 1        done
        agent    A3 W1 session                   limits: per-payment 1        denied presence_required
        agent    A4 W1 session                                                done
        delegate D5 D1 A2 session                limits: per-payment 1        denied presence_required
        delegate D6 D1 A2                        limits: per-payment 1        done
        delegate D7 D1 A2 by A1                  limits: per-payment 1        done
        enrol-key K2 A1                                                       denied presence_required
        enrol-key K3 A1 fresh                                                 done
        revoke   D4                                                           done
        freeze   A1                                                           done
    "
    ));
}

#[test]
fn limits_are_their_owners_to_change() {
    check(&format!(
        "{WORLD}
        owner    O2
        stranger agent A9 O1
        stranger wallet W9 O1
        stranger mandate D9 O1
        agent    A1 W1                           limits: per-payment 5
        mandate  D1 W1 A1                        limits: per-payment 5
        set-limits A1 v1 by A1                   limits: per-payment 9        denied forbidden
        set-limits D1 v1 by A1                   limits: per-payment 9        denied forbidden
        set-limits W1 v0 by OP                   limits: per-payment 9        denied forbidden
        set-limits W1 v0 by M1                   limits: per-payment 9        denied forbidden
        set-limits A1 v1 by O2                   limits: per-payment 9        reject agent_unknown
        set-limits D1 v1 by O2                   limits: per-payment 9        reject mandate_unknown
        set-limits W1 v0 by O2                   limits: per-payment 9        reject wallet_unknown
        set-limits A9 v0                         limits: per-payment 9        reject agent_unknown
        set-limits W9 v0                         limits: per-payment 9        reject wallet_unknown
        set-limits D9 v0                         limits: per-payment 9        reject mandate_unknown
        set-limits D1 v1                         limits: per-payment 9        done
        revoke   D1
        set-limits D1 v2                         limits: per-payment 9        denied revoked
        revoke   A1
        set-limits A1 v1                         limits: per-payment 9        denied revoked
    "
    ));
}
