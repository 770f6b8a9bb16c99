//! Quotas: work that is paid for first (S10, S11), seats of a company, and what stops their use.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 100000
    wallet   W2 O2 100000
    payee    M1 model
    payee    M2 model
    agent    A1 W1                           limits: per-payment 100000
    agent    A2 W1                           limits: per-payment 100000
";

/// Ten uses are ten uses: the eleventh is refused, the same request twice uses one, time ends what is left.
#[test]
fn a_package_of_uses_is_used_up() {
    check(&format!(
        "{WORLD}
        pay          P1 A1 W1 - M1 1000            paid
        grant-quota  Q1 M1 W1 10 for P1
        9x deduct    X* Q1 1
        deduct       X9 Q1 1                       repeat
        quota        Q1 granted 10 used 9 allotted 0 left 1
        deduct       Y1 Q1 2                       denied quota_insufficient
        deduct       Y2 Q1 1
        deduct       Y3 Q1 1                       denied quota_insufficient
        restore      X1 1
        deduct       Y4 Q1 1
        quota        Q1 used 10 left 0
        balance      W1 available 99000
        balance      M1 available 1000
    "
    ));
}

/// A payment is good for one grant: to whoever paid, by whoever got the money, once it was captured.
#[test]
fn a_payment_is_granted_once() {
    check(&format!(
        "{WORLD}
        pay          P1 A1 W1 - M1 1000            paid
        grant-quota  Q1 M2 W1 10 for P1            reject payment_unknown
        grant-quota  Q2 M1 W2 10 for P1            reject payment_unknown
        grant-quota  Q3 M1 W1 10 for P9            reject payment_unknown
        grant-quota  Q4 M1 W1 10 for P1
        grant-quota  Q4 M1 W1 10 for P1            repeat
        grant-quota  Q5 M1 W1 10 for P1            denied payment_granted
        grant-quota  Q6 M1 W1 10 for P1 into Q4    denied payment_granted
        hold         H1 A1 W1 - M1 500
        grant-quota  Q7 M1 W1 5 for H1             reject payment_unknown
        capture      H1 500 last
        grant-quota  Q8 M1 W1 5 for H1
        pay          P2 A1 W1 - M1=60,M2=40 100    paid
        grant-quota  Q9 M2 W1 5 for P2             reject payment_unknown
        grant-quota  QA M1 W1 5 for P2
        grant-quota  QB M1 W2 3
        quota        QB left 3
    "
    ));
}

/// A top-up goes on where the task stopped (S11), and may make the quota last longer, never shorter.
#[test]
fn a_top_up_goes_on_with_the_same_quota() {
    check(&format!(
        "{WORLD}
        pay          P1 A1 W1 - M1 100             paid
        grant-quota  Q1 M1 W1 2000 for P1 money until +2d
        deduct       X1 Q1 1500
        deduct       X2 Q1 1000                    denied quota_insufficient
        pay          P2 A1 W1 - M1 2000            paid
        grant-quota  T1 M1 W1 5000 for P2 money into Q1 until +1d
        deduct       X3 Q1 1000
        quota        Q1 granted 7000 used 2500 left 4500
        advance      +36h
        deduct       X4 Q1 1
        advance      +12h
        deduct       X5 Q1 1                       denied quota_expired
        grant-quota  T2 M1 W1 1 into Q1            reject quota_unknown
        grant-quota  T3 M2 W1 1 money into Q1      reject quota_unknown
        grant-quota  T4 M1 W2 1 money into Q1      reject quota_unknown
        grant-quota  T5 M1 W1 1 money into Q9      reject quota_unknown
        grant-quota  T6 M1 W1 1 money into Q1
        deduct       X6 Q1 1
    "
    ));
}

/// What was reserved and not done comes back, as much as was taken and not more.
#[test]
fn what_was_not_done_is_restored() {
    check(&format!(
        "{WORLD}
        grant-quota  Q1 M1 W1 100
        deduct       X1 Q1 60
        restore      X1 50
        restore      X1 11                         denied restore_too_large
        restore      X1 10
        restore      X1 1                          denied restore_too_large
        restore      X1 0                          reject amount_zero
        quota        Q1 used 0 left 100
        deduct       X2 Q1 100
        restore      X2 1 by M2                    reject deduction_unknown
        restore      X2 1 by O1                    denied forbidden
        restore      P9 1 by M1                    reject deduction_unknown
        restore      Q1 1                          reject deduction_unknown
    "
    ));
}

/// A hundred seats in three departments: no department exceeds its quota, and the report adds up (G7).
#[test]
fn seats_are_divided_among_departments() {
    check(&format!(
        "{WORLD}
        pay          P1 O1 W1 - M1 50000           paid
        grant-quota  Q0 M1 W1 100 for P1
        allot        D1 Q0 40
        allot        D2 Q0 35
        allot        DX Q0 26                      denied quota_insufficient
        allot        D3 Q0 25
        quota        Q0 granted 100 allotted 100 left 0
        deduct       X0 Q0 1                       denied quota_insufficient
        allot        S1 D1 1 for A1
        allot        S2 D1 1 for A2
        deduct       X1 S1 1
        deduct       X2 S1 1                       denied quota_insufficient
        deduct       X3 D1 38
        deduct       X4 D1 1                       denied quota_insufficient
        quota        D1 granted 40 used 38 allotted 2 left 0
        reclaim      D3 20
        reclaim      D3 6                          denied quota_insufficient
        reclaim      Q0 1                          denied forbidden
        allot        T1 Q0 20 into D2
        quota        Q0 allotted 100 left 0
        quota        D2 granted 55 left 55
        quota        D3 granted 5 left 5
        restore      X1 1
        reclaim      S1 1
        quota        D1 granted 40 used 38 allotted 1 left 1
    "
    ));
}

/// Only the seller counts, only the owner divides, and each only what is theirs.
#[test]
fn nobody_else_touches_a_quota() {
    check(&format!(
        "{WORLD}
        agent        A9 W2
        stranger     quota QX O1
        grant-quota  Q1 M1 W1 100
        grant-quota  R2 M1 W1 100 by O1            denied forbidden
        grant-quota  R3 M1 W1 100 by A1            denied forbidden
        grant-quota  R4 M1 W1 100 by OP            denied forbidden
        grant-quota  Q2 M1 W1 100 with M2.key      reject key_unknown
        grant-quota  Q1 M2 W1 100                  reject id_reused
        grant-quota  Q2 M1 W9 100                  reject wallet_unknown
        grant-quota  Q2 M1 W1 0                    reject amount_zero
        grant-quota  Q2 M1 W1 5 until -1s          reject time_out_of_range
        grant-quota  Q2 M1 W1 1000000000000000001  reject amount_too_large
        grant-quota  Q2 M1 W1 999999999999999901 into Q1   reject amount_too_large
        deduct       X1 Q1 1 by M2                 reject quota_unknown
        deduct       XA Q1 1 by A1                 denied forbidden
        deduct       X2 Q1 0                       reject amount_zero
        deduct       X3 QX 1 by M1                 reject quota_unknown
        allot        D1 Q1 10 by M1                denied forbidden
        allot        D2 Q1 10 by A1                denied forbidden
        allot        D3 Q1 10 by O2                reject quota_unknown
        allot        D4 Q1 10 for A9               reject agent_unknown
        allot        D5 Q1 0                       reject amount_zero
        allot        D6 Q1 10 into Q1              reject quota_unknown
        allot        D7 Q1 10 for A1
        allot        D8 Q1 10 into D7 for A2       reject quota_unknown
        allot        D9 Q1 10 into D7 for A1
        allot        E1 D7 1
        allot        E2 E1 1
        allot        E3 E2 1                       reject too_many
        reclaim      D7 1 by O2                    reject quota_unknown
        reclaim      D7 1 by M1                    denied forbidden
        reclaim      D7 0                          reject amount_zero
        quota        Q1 granted 100 used 0 allotted 20 left 80
    "
    ));
}

/// One tap stops what is paid for, too: owner, wallet, the agent of a seat or of a quota above it, and the seller.
#[test]
fn what_is_stopped_uses_nothing() {
    check(&format!(
        "{WORLD}
        grant-quota  Q1 M1 W1 100
        allot        D1 Q1 50 for A1
        allot        S1 D1 20 for A2
        freeze       O1
        deduct       X1 Q1 1                       denied owner_frozen
        deduct       X2 S1 1                       denied owner_frozen
        unfreeze     O1 fresh
        freeze       W1
        deduct       X3 Q1 1                       denied wallet_frozen
        unfreeze     W1 fresh
        freeze       A2
        deduct       X4 S1 1                       denied agent_frozen
        deduct       X5 D1 1
        unfreeze     A2 fresh
        freeze       A1
        deduct       X6 D1 1                       denied agent_frozen
        deduct       X7 S1 1                       denied agent_frozen
        deduct       X8 Q1 1
        revoke       A2
        unfreeze     A1 fresh
        deduct       X9 S1 1                       denied agent_revoked
        reclaim      S1 20
        deduct       Y1 D1 20
        freeze       M1
        deduct       Y2 D1 1                       denied payee_closed
        restore      Y1 1                          denied payee_closed
        unfreeze     M1
        restore      Y1 1
        advance      +31d
        deduct       Y3 D1 1                       denied quota_expired
        allot        Y4 D1 1                       denied quota_expired
    "
    ));
}
