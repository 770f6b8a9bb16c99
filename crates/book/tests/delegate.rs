//! Delegation: an agent gives another part of what it may spend, and never more than it has.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 10000
    wallet   W2 O2 1000
    payee    M1 food
    payee    M2 toys
    payee    M3 food
    agent    A1 W1
    agent    A2 W1
    agent    A3 W1
    agent    B1 W2
    mandate  D1 W1 A1                    limits: total 500; per-payment 100; only M1,M2
";

/// Sums over children stay within the parent; each refusal names who said no, and what is left.
#[test]
fn children_spend_what_their_parent_has_and_no_more() {
    check(&format!(
        "{WORLD}
        delegate D2 D1 A2 by A1                  limits: total 300
        delegate D3 D1 A3 by A1                  limits: total 300; only M1
        pay      P1 A2 W1 D2 M1 100              paid versions 0/0/1
        pay      P2 A2 W1 D2 M1 101              denied payment_too_large left 100 by parent1 v1 #1
        pay      P3 A2 W1 D2 M3 10               denied payee_not_allowed by parent1 v1 #2
        pay      P4 A2 W1 D2 M2 100              paid
        pay      P5 A2 W1 D2 M2 100              paid
        pay      P6 A2 W1 D2 M2 1                denied total_exceeded left 0 by mandate v1 #0
        pay      P7 A3 W1 D3 M2 10               denied payee_not_allowed by mandate v1 #1
        pay      P8 A3 W1 D3 M1 100              paid
        pay      P9 A1 W1 D1 M1 60               paid
        pay      Q1 A3 W1 D3 M1 41               denied total_exceeded left 40 by parent1 v1 #0
        pay      Q2 A3 W1 D3 M1 40               paid
        pay      Q3 A1 W1 D1 M1 1                denied total_exceeded left 0 by mandate v1 #0
        balance  W1 available 9500
    "
    ));
}

#[test]
fn what_a_hold_did_not_use_is_given_back_on_every_level() {
    check(&format!(
        "{WORLD}
        delegate D2 D1 A2                        limits: total 300
        delegate D3 D2 A3 by A2
        hold     H1 A3 W1 D3 M1 100              held
        hold     H2 A3 W1 D3 M1 100              held
        hold     H3 A3 W1 D3 M1 100              held
        hold     H4 A3 W1 D3 M1 1                denied total_exceeded left 0 by parent1 v1 #0
        capture  H1 30 last                      captured 30
        void     H2
        pay      P1 A3 W1 D3 M1 71               paid
        pay      P2 A3 W1 D3 M1 100              denied total_exceeded left 99 by parent1 v1 #0
        pay      P3 A3 W1 D3 M1 99               paid
        pay      P4 A1 W1 D1 M1 100              paid
        pay      P5 A1 W1 D1 M1 100              paid
        pay      P6 A1 W1 D1 M1 1                denied total_exceeded left 0 by mandate v1 #0
    "
    ));
}

/// What an agent may do in all, it may not do more of through others.
#[test]
fn the_limits_of_the_delegating_agent_hold_for_its_delegates() {
    check(&format!(
        "{WORLD}
        set-limits A1 v0                         limits: day 150 UTC; ask-above 90
        delegate D2 D1 A2 by A1
        pay      P1 A2 W1 D2 M1 91               asked above_amount by parent-agent1 v1 #1
        pay      P2 A2 W1 D2 M1 90               paid
        pay      P3 A1 W1 D1 M1 60               paid
        pay      P4 A2 W1 D2 M1 1                denied window_exceeded left 0 by parent-agent1 v1 #0
    "
    ));
}

/// Each row but the last claims more than there is in one respect.
#[test]
fn a_child_is_narrower_in_whatever_it_names() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    O1
        wallet   W1 O1 10000
        payee    M1 food
        payee    M2 toys
        agent    A1 W1
        agent    A2 W1
        mandate  D1 W1 A1 from +1h until +10h  limits: total 500; per-payment 100; only M1; only-for food; day 200 UTC; times 3 1h; uses 9; ask-above 50; valid +1h +9h
        delegate E1 D1 A2 from +0s until +9h     denied delegation_too_wide
        delegate E2 D1 A2 from +1h until +11h    denied delegation_too_wide
        delegate E3 D1 A2 from +1h  limits: total 501               denied delegation_too_wide
        delegate E4 D1 A2 from +1h until +9h  limits: total 501               denied delegation_too_wide
        delegate E5 D1 A2 from +1h until +9h  limits: per-payment 101         denied delegation_too_wide
        delegate E6 D1 A2 from +1h until +9h  limits: only M1,M2              denied delegation_too_wide
        delegate E7 D1 A2 from +1h until +9h  limits: only-for food,toys      denied delegation_too_wide
        delegate E8 D1 A2 from +1h until +9h  limits: day 201 UTC             denied delegation_too_wide
        delegate E9 D1 A2 from +1h until +9h  limits: times 4 1h              denied delegation_too_wide
        delegate F1 D1 A2 from +1h until +9h  limits: uses 10                 denied delegation_too_wide
        delegate F2 D1 A2 from +1h until +9h  limits: ask-above 51            denied delegation_too_wide
        delegate F3 D1 A2 from +1h until +9h  limits: valid +0s +9h           denied delegation_too_wide
        delegate F4 D1 A2 from +2h until +1h                                  reject time_out_of_range
        delegate F5 D1 A2 from +1h until +9h  limits: ask-always ... 33       reject limits_malformed
        delegate D2 D1 A2 from +1h until +9h  limits: total 500; per-payment 100; only M1; never M2; only-for food; day 200 UTC; times 3 1h; uses 9; ask-above 50; ask-first; valid +1h +9h; rolling 2h 400
        pay      P1 A2 W1 D2 M1 1                denied mandate_not_yet_valid
        set-limits D2 v1                         limits: total 501               denied delegation_too_wide
        set-limits D2 v1                         limits: total 499
        set-limits D1 v1                         limits: total 400
        set-limits D2 v2                         limits: total 401               denied delegation_too_wide
        set-limits D2 v2                         limits: total 400
    ",
    );
}

#[test]
fn a_limit_far_above_bounds_a_grandchild() {
    check(&format!(
        "{WORLD}
        delegate D2 D1 A2
        delegate D3 D2 A3 by A2                  limits: total 501         denied delegation_too_wide
        delegate D4 D2 A3 by A2
        pay      P1 A3 W1 D4 M3 5                denied payee_not_allowed by parent2 v1 #2
        pay      P2 A3 W1 D4 M1 5                paid
    "
    ));
}

#[test]
fn stopping_a_mandate_or_its_agent_stops_all_below_it_at_once() {
    check(&format!(
        "{WORLD}
        delegate D2 D1 A2 by A1
        delegate D3 D2 A3 by A2
        hold     H1 A3 W1 D3 M1 50               held
        pay      P1 A3 W1 D3 M1 1                paid
        freeze   D1
        pay      P2 A3 W1 D3 M1 1                denied mandate_frozen
        pay      P3 A2 W1 D2 M1 1                denied mandate_frozen
        capture  H1 1                            denied mandate_frozen
        delegate D4 D2 A1 by A2                  denied mandate_frozen
        unfreeze D1 fresh
        capture  H1 1                            captured 1
        freeze   A1
        pay      P4 A3 W1 D3 M1 1                denied agent_frozen
        unfreeze A1 fresh
        freeze   D2
        pay      P5 A3 W1 D3 M1 1                denied mandate_frozen
        pay      P6 A1 W1 D1 M1 1                paid
        unfreeze D2 fresh
        pay      P7 A3 W1 D3 M1 1                paid
        revoke   D1
        pay      P8 A3 W1 D3 M1 1                denied mandate_revoked
        delegate D5 D1 A2                        denied mandate_revoked
    "
    ));
}

#[test]
fn a_mandate_is_delegated_by_its_agent_and_its_owner_downwards_and_four_times() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    O1
        owner    O2
        wallet   W1 O1 1000
        wallet   W2 O2 1000
        payee    M1 food
        12x agent A* W1
        agent    B1 W2
        mandate  D0 W1 A1                        limits: total 500
        delegate E1 D0 A2 by A2                  reject mandate_unknown
        delegate E2 D0 A2 by B1                  reject mandate_unknown
        delegate E3 D0 A2 by O2                  reject mandate_unknown
        delegate E4 D0 A2 by OP                  denied forbidden
        delegate E5 D0 A2 by M1                  denied forbidden
        delegate E6 D0 B1 by A1                  reject agent_unknown
        delegate E7 D0 A1 by A1                  denied delegation_circular
        stranger mandate D9 O1
        delegate E8 D9 A2 by A1                  reject mandate_unknown
        delegate D0 D0 A2 by A1                  reject id_reused
        delegate D1 D0 A2 by A1
        delegate E9 D1 A1 by A2                  denied delegation_circular
        delegate D2 D1 A3 by A2
        delegate D3 D2 A4 by O1
        delegate D4 D3 A5 by A4
        delegate D5 D4 A6 by A5                  denied delegation_too_deep
        pay      P1 A5 W1 D4 M1 500              paid
        pay      P2 A4 W1 D3 M1 1                denied total_exceeded left 0 by parent3 v1 #0
        revoke   A7
        delegate F1 D0 A7                        denied agent_revoked
    ",
    );
}

/// An agent whose mandate had ended got rid of what it had used by having another's delegated to it.
#[test]
fn delegating_takes_nothing_from_what_ended_and_leaves_nothing_to_it() {
    check(&format!(
        "{WORLD}
        mandate  D2 W1 A2                        limits: total 100
        pay      P1 A2 W1 D2 M1 100              paid
        revoke   D2
        delegate D3 D1 A2 by A1
        pay      P2 A2 W1 D3 M1 10               paid
        revoke   D3
        mandate  D4 W1 A2                        limits: total 100
        pay      P3 A2 W1 D4 M1 1                denied total_exceeded left 0
        set-limits D4 v1                         limits: total 101
        pay      P4 A2 W1 D4 M1 1                paid
    "
    ));
}

/// A mandate without limits allows nothing, and so does what is delegated from it; one that adds none only inherits.
#[test]
fn no_limits_of_its_own_are_those_above_and_none_at_all_are_nothing() {
    check(&format!(
        "{WORLD}
        delegate D2 D1 A2
        pay      P1 A2 W1 D2 M1 100              paid
        set-limits D1 v1
        pay      P2 A2 W1 D2 M1 100              denied no_rules
    "
    ));
}

/// Whoever delegated takes back: its own child, and nobody else's, nor its child's child; what was spent stays spent.
#[test]
fn an_agent_takes_back_what_was_delegated_from_its_mandate() {
    check(&format!(
        "{WORLD}
        mandate  C1 W1 A3                        limits: total 500
        delegate D2 D1 A2 by A1                  limits: total 300
        delegate D3 D2 A3 by A2                  limits: total 200
        pay      P1 A2 W1 D2 M1 60               paid
        revoke   D2 by A3                        reject mandate_unknown
        revoke   D2 by B1                        reject mandate_unknown
        revoke   D3 by A1                        reject mandate_unknown
        revoke   D1 by A2                        reject mandate_unknown
        revoke   C1 by A1                        reject mandate_unknown
        revoke   D3 by A2                        done
        pay      P2 A3 W1 D3 M1 1                denied mandate_revoked
        pay      P3 A2 W1 D2 M1 1                paid
        enrol-key K2 A1 fresh
        revoke-key A1.key
        revoke   D2 by A1                        denied key_revoked
        revoke   D2 by A1 with K2                done
        pay      P4 A2 W1 D2 M1 1                denied mandate_revoked
        pay      P5 A1 W1 D1 M1 100 with K2      paid
        // Not frozen and thawed: that stays the owner's.
        delegate D4 D1 A2 by A1 with K2
        freeze   D4 by A1 with K2                denied forbidden
        unfreeze D4 by A1 with K2                denied forbidden
        // What the owner delegated from its mandate it may give up as well.
        delegate D5 D1 A3
        revoke   D5 by A1 with K2                done
    "
    ));
}
