//! Stories S8, S13, S16, S17 and S19 with their exact movements of money, and every refusal that the book decides.

use sim::table::check;

/// S8: payments of a tenth of a fen; every table is also killed and recovered between all of its entries.
#[test]
fn s8_payments_of_fractions_of_a_cent() {
    let world = "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    U1
        wallet   U U1 1000
        payee    M models
        agent    A U
        sub      S U A                               limits: total 1000
        transfer X1 U S 1000
        mandate  D U A                               limits: total 1000
    ";
    check(&format!(
        "{world}
        meter    T1 A S D M 200 rates 100000000      held
        balance  S available 800 held 200
        1000x charge T1 #* 1                         charged
        charge   T1 #1000 1                          denied meter_sequence
        close    T1 id C1                            settled 100 fee 0 released 100 carry 0
        close    T1 id C1                            repeat
        close    T1                                  denied hold_closed
        balance  S available 900 held 0
        balance  M available 100
    "
    ));
    check(&format!(
        "{world}
        meter    T1 A S D M 200 rates 100000000
        1005x charge T1 #* 1                         charged
        close    T1                                  settled 100 released 100 carry 500000000
        meter    T2 A S D M 200 rates 100000000
        2000x charge T2 #* 1                         charged
        charge   T2 #2001 1                          denied meter_exceeded left 0
        close    T2                                  settled 200 released 0
        balance  S available 700
        balance  M available 300
    "
    ));
}

/// S13: split, refund and refund again.
#[test]
fn s13_split_and_refund_between_vendor_developer_and_platform() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    U1
        wallet   U U1 100000
        payee    M models
        payee    D skills
        payee    PLAT fees
        payee    OTHER models
        agent    A U                                 limits: per-payment 20000
        pay      P1 A U - M=60,D=30,PLAT=10/100 10000     paid parts 6000+0,3000+0,1000+0
        balance  U available 90000
        balance  M available 6000
        balance  D available 3000
        balance  PLAT available 1000
        refund   R1 P1 2500                          refunded parts 1500+0,750+0,250+0
        refund   R1 P1 2500                          repeat
        balance  U available 92500
        balance  M available 4500
        balance  D available 2250
        balance  PLAT available 750
        refund   R2 P1 7501                          denied refund_too_large left 7500
        refund   R3 P1 7500 by OTHER                 reject payment_unknown
        refund   R3 P1 7500 by OTHER with M.key      reject payment_unknown
        pay      P2 A U - M=60,D=30,PLAT=11/100 10000     reject split_not_whole
        pay      P3 A U - M=1,D=1,PLAT=1 10001       paid parts 3334+0,3334+0,3333+0
        hold     H1 A U - M 100
        refund   R4 H1 100 by OP                     denied refund_too_large left 0
    ",
    );
}

const S16: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    U1
    wallet   U U1 100000
    payee    M travel
    payee    M1 shop
    payee    M2 shop
    agent    A U                                     limits: per-payment 50000; day 80000 Asia/Shanghai; only-for travel
    agent    B U                                     limits: per-payment 2000; day 5000 Asia/Shanghai; only M1
";

/// S16: each agent by its own rules, without a mandate.
#[test]
fn s16_wallet_rules_per_agent() {
    check(&format!(
        "{S16}
        wallet   V U1 100
        agent    C V
        agent    E U
        stranger agent F U1
        pay      P1 A U - M 50000                    paid 50000 versions 0/1/0
        pay      P2 A U - M 50001                    denied payment_too_large left 50000 by agent v1 #0
        pay      P3 A U - M 30000                    paid
        pay      P4 A U - M 1                        denied window_exceeded left 0 by agent v1 #1
        pay      P5 B U - M1 2000                    paid
        pay      P6 B U - M2 100                     denied payee_not_allowed by agent v1 #2
        pay      P7 C U - M1 100                     denied agent_not_registered
        pay      P8 F U - M1 100                     reject agent_unknown
        pay      P9 E U - M1 100                     asked no_rules_yet
        pay      PA B U - M1 2000                    paid
        pay      PB B U - M1 1001                    denied window_exceeded left 1000 by agent v1 #1
        balance  U available 16000
        balance  M available 80000
        balance  M1 available 4000
        pay      PC A U - M1 1                       denied window_exceeded left 0
        set-limits A v1 by A                         limits: total 999999    denied forbidden
        advance  +7h
        pay      PD A U - M1 1                       denied category_not_allowed by agent v1 #2
        pay      PE A U - M 1                        paid
        50x pay  Q* B U - M1 100                     paid
        50x pay  R* B U - M1 100                     denied window_exceeded left 0
        set-limits B v1                              limits: only M1; never M1
        pay      PF B U - M1 1                       denied payee_denied by agent v2 #1
    "
    ));
}

/// S17: halt one, halt all, settle what is held, go on.
#[test]
fn s17_emergency_halt() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    U1
        wallet   U U1 100000
        payee    M shop
        agent    A1 U                                limits: per-payment 5000
        agent    A2 U                                limits: per-payment 5000
        agent    A3 U                                limits: per-payment 5000
        enrol-key GLASSES A2 fresh
        hold     H1 A1 U - M 3000
        hold     H3 A3 U - M 1000
        balance  U available 96000 held 4000
        freeze   A1
        pay      P1 A1 U - M 1                       denied agent_frozen
        pay      P2 A2 U - M 1                       paid
        pay      P3 A3 U - M 1                       paid
        freeze   U1
        advance  +1ms
        pay      P4 A2 U - M 1                       denied owner_frozen
        hold     H2 A3 U - M 1                       denied owner_frozen
        capture  H1 3000                             denied owner_frozen
        void     H1 by U1                            released 3000
        balance  U available 98998 held 1000
        capture  H1 3000                             denied hold_closed
        capture  H3 1000 by U1                       captured
        unfreeze U1                                  denied presence_required
        unfreeze U1 by A2                            denied forbidden
        unfreeze U1 by OP                            denied forbidden
        unfreeze U1 fresh
        revoke-key GLASSES by U1
        pay      P5 A2 U - M 1 with GLASSES          denied key_revoked
        pay      P6 A2 U - M 1                       paid
        pay      P7 A1 U - M 1                       denied agent_frozen
        unfreeze A1                                  denied presence_required
        unfreeze A1 fresh
        pay      P8 A1 U - M 1                       paid
        revoke   A3
        unfreeze A3 fresh                            denied revoked
        pay      P9 A3 U - M 1                       denied agent_revoked
        balance  U available 98996 held 0
        balance  M available 1004
    ",
    );
}

/// S19: a sub-account for flowers, and nothing but it.
#[test]
fn s19_fund_isolation_by_sub_account() {
    check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        owner    U1
        wallet   U U1 100000
        payee    M flowers
        payee    N shoes
        agent    A U
        sub      S U A                               limits: per-payment 20000; only-for flowers
        transfer X1 U S 20000 by A                   denied forbidden
        transfer X2 U S 20000
        mandate  D U A                               limits: total 20000
        pay      P1 A S D M 30000                    denied payment_too_large left 20000 by wallet v1 #0
        pay      P2 A S D N 100                      denied category_not_allowed
        pay      P3 A S D M 19900                    paid
        balance  S available 100
        pay      P4 A S D M 20000                    denied total_exceeded left 100 by mandate v1 #0
        set-limits D v1                              limits: total 60000
        pay      P5 A S D M 20000                    denied funds_insufficient left 100
        balance  U available 80000
        freeze   S
        pay      P6 A S D M 100                      denied wallet_frozen
        unfreeze S                                   denied presence_required
        unfreeze S fresh
        close-wallet S by A                          denied forbidden
        close-wallet S
        balance  S available 0
        balance  U available 80100
        balance  M available 19900
        pay      P7 A S D M 100                      denied wallet_closed
        pay      P8 A U D M 100                      denied agent_revoked
    ",
    );
}
