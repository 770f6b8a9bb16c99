//! Approvals: what the owner is asked, and the one thing that a yes is good for.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food
    payee    M2 food
    agent    A1 W1
    agent    A2 W1
";

/// An owner who paid and named a question that the book did not have stopped the process.
#[test]
fn an_owner_who_pays_can_use_no_approval() {
    check(&format!(
        "{WORLD}
        pay      P1 O1 W1 - M1 100 approval P9    reject question_unknown
        pay      P1 O1 W1 - M1 100                paid
    "
    ));
}

/// An owner who paid could use up the approval that another had given to an agent.
#[test]
fn an_owner_who_pays_cannot_use_up_the_approval_of_another() {
    check(&format!(
        "{WORLD}
        wallet   W2 O2 1000
        pay      P1 A1 W1 - M1 100                asked no_rules_yet by book
        approve  P1
        pay      P2 O2 W2 - M1 1 approval P1      reject question_unknown
        pay      P3 A1 W1 - M1 100 approval P1    paid
    "
    ));
}

#[test]
fn an_approval_is_good_once_and_for_nothing_else() {
    check(&format!(
        "{WORLD}
        mandate  D1 W1 A1                         limits: ask-always
        sub      S1 W1 A1
        transfer X1 W1 S1 100
        pay      P1 A1 W1 - M1 60 category food ref cart    asked no_rules_yet by book v0 #0
        pay      P2 A1 W1 - M1 60 category food ref cart approval P1    denied approval_pending
        approve  P1
        pay      Q1 A1 W1 - M2 60 category food ref cart approval P1    denied approval_mismatch
        pay      Q2 A1 W1 - M1 61 category food ref cart approval P1    denied approval_mismatch
        pay      Q3 A1 W1 - M1 59 category food ref cart approval P1    denied approval_mismatch
        pay      Q4 A1 W1 - M1 60 category toys ref cart approval P1    denied approval_mismatch
        pay      Q5 A1 W1 - M1 60 ref cart approval P1                  denied approval_mismatch
        pay      Q6 A1 W1 - M1 60 category food ref trap approval P1    denied approval_mismatch
        pay      Q7 A1 W1 D1 M1 60 category food ref cart approval P1   denied approval_mismatch
        pay      Q8 A2 W1 - M1 60 category food ref cart approval P1    denied approval_mismatch
        pay      Q9 A1 W1 - M1=1 60 category food ref cart approval P1  denied approval_mismatch
        hold     QA A1 W1 - M1 60 category food ref cart approval P1    denied approval_mismatch
        meter    QB A1 W1 - M1 60 category food ref cart approval P1    denied approval_mismatch
        pay      QC A1 S1 - M1 60 category food ref cart approval P1    reject question_unknown
        pay      P3 A1 W1 - M1 60 category food ref cart approval P1    paid
        pay      P4 A1 W1 - M1 60 category food ref cart approval P1    denied approval_used
        pay      P3 A1 W1 - M1 60 category food ref cart approval P1    repeat
        balance  W1 available 840
    "
    ));
}

#[test]
fn holds_and_meters_are_asked_about_too() {
    check(&format!(
        "{WORLD}
        hold     H1 A1 W1 - M1 60                 asked no_rules_yet
        meter    T1 A1 W1 - M1 60                 asked no_rules_yet
        approve  H1
        approve  T1
        hold     H2 A1 W1 - M1 60 approval T1     denied approval_mismatch
        hold     H2 A1 W1 - M1 60 approval T1     repeat
        hold     H3 A1 W1 - M1 60 approval H1     held
        meter    T2 A1 W1 - M1 60 approval T1     held
        balance  W1 available 880 held 120
    "
    ));
}

#[test]
fn a_question_is_answered_once_by_the_owner_who_saw_it() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 60                 asked no_rules_yet
        pay      P2 A1 W1 - M1 61                 asked no_rules_yet
        pay      P3 A1 W1 - M1 62                 asked no_rules_yet
        approve  P1 by A1                         denied forbidden
        approve  P1 by M1                         denied forbidden
        approve  P1 by OP                         denied forbidden
        approve  P1 by O2                         reject question_unknown
        refuse   P1 by A1                         denied forbidden
        refuse   P1 by O2                         reject question_unknown
        approve  P9 by O1                         reject question_unknown
        approve  P1 digest P2                     denied approval_mismatch
        approve  P1 until +0s                     reject time_out_of_range
        approve  P1 until +7d1s                   reject time_out_of_range
        approve  P1 until +7d                     done
        approve  P1                               denied approval_used
        refuse   P1                               denied approval_used
        refuse   P2                               done
        approve  P2                               denied approval_refused
        pay      P4 A1 W1 - M1 61 approval P2     denied approval_refused
        advance  +23h59m59s999ms
        approve  P3 until +1d                     done
        advance  +2d
        pay      P5 A1 W1 - M1 62 approval P3     denied approval_expired
        pay      P6 A1 W1 - M1 60 approval P1     paid
    "
    ));
}

#[test]
fn a_question_waits_a_day_and_an_approval_until_its_time() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 60                 asked no_rules_yet
        pay      P2 A1 W1 - M1 61                 asked no_rules_yet
        approve  P2 until +1h
        late     +1h
        pay      P3 A1 W1 - M1 61 approval P2     denied approval_expired
        late     +23h1s
        approve  P1                               denied approval_expired
        pay      P4 A1 W1 - M1 60 approval P1     denied approval_expired
        late     +8d
        pay      P5 A1 W1 - M2 1                  asked no_rules_yet
        approve  P1                               reject question_unknown
        pay      P6 A1 W1 - M1 60 approval P1     reject question_unknown
    "
    ));
}

/// The limits may have changed while the owner thought about it: a no is a no.
#[test]
fn an_approval_overrides_no_denial() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 60                 asked no_rules_yet
        pay      P2 A1 W1 - M1 950                asked no_rules_yet
        pay      P3 A1 W1 - M1 70                 asked no_rules_yet
        approve  P1
        approve  P2
        approve  P3
        pay      P4 A1 W1 - M1 60 approval P1     paid
        pay      P5 A1 W1 - M1 950 approval P2    denied funds_insufficient left 940
        set-limits A1 v0                          limits: per-payment 69
        pay      P6 A1 W1 - M1 70 approval P3     denied payment_too_large left 69
        set-limits A1 v1                          limits: per-payment 70
        pay      P7 A1 W1 - M1 70 approval P3     paid 70 versions 0/2/0
    "
    ));
}

#[test]
fn no_more_than_32_questions_wait_for_a_wallet() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 100
        agent    A3 W2
        agent    A4 W1
        16x pay  P* A1 W1 - M1 *                  asked no_rules_yet
        16x pay  R* A4 W1 - M1 *                  asked no_rules_yet
        pay      Q1 A2 W1 - M1 1                  denied ask_rate_limited
        hold     Q2 A1 W1 - M1 1                  denied ask_rate_limited
        pay      Q3 A3 W2 - M1 1                  asked no_rules_yet
        refuse   P1
        approve  P2
        pay      Q4 A1 W1 - M1 2 approval P2      paid
        pay      Q5 A1 W1 - M1 31                 asked no_rules_yet
        pay      Q6 A1 W1 - M1 32                 asked no_rules_yet
        pay      Q7 A1 W1 - M1 33                 denied ask_rate_limited
        advance  +24h1s
        pay      Q8 A1 W1 - M1 33                 asked no_rules_yet
    "
    ));
}

#[test]
fn the_first_limit_that_asks_is_the_one_that_is_answered() {
    check(&format!(
        "{WORLD}
        payee    M3 food known-from document
        payee    M4 food known-from agent
        payee    M5 food known-from owner
        payee    M6 food known-from merchant
        set-limits W1 v0                          limits: ask-above 90
        set-limits A1 v0                          limits: per-payment 500; ask-above 60; ask-always
        mandate  D1 W1 A1                         limits: ask-always
        pay      P1 A1 W1 - M1 91                 asked above_amount by wallet v1 #0
        pay      P2 A1 W1 - M1 90                 asked above_amount by agent v1 #1
        pay      P3 A1 W1 - M1 60                 asked ask_always by agent v1 #2
        set-limits A1 v1                          limits: per-payment 500
        pay      P4 A1 W1 - M1 60                 paid
        pay      P5 A1 W1 D1 M1 60                asked ask_always by mandate v1 #0
        pay      P6 A1 W1 - M3 60                 asked payee_unverified by book
        pay      P7 A1 W1 - M4 60                 asked payee_unverified by book
        pay      P8 A1 W1 - M1=1,M3=1 60          asked payee_unverified by book
        pay      P9 A1 W1 - M5 60                 paid
        pay      PA A1 W1 - M6 60                 paid
        pay      PB O1 W1 - M3 60                 paid
        pay      PC A2 W1 - M3 60                 asked no_rules_yet by book
        pay      PD A1 W1 - M3 501                denied payment_too_large left 500 by agent
    "
    ));
}

#[test]
fn a_payee_is_new_until_this_wallet_has_paid_it() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 100
        agent    A3 W2                            limits: ask-first
        set-limits A1 v0                          limits: ask-first
        pay      P1 A1 W1 - M1 1                  asked first_contact by agent v1 #0
        approve  P1
        pay      P2 A1 W1 - M1 1 approval P1      paid
        pay      P3 A1 W1 - M1 1                  paid
        pay      P4 A1 W1 - M1=1,M2=1 2           asked first_contact
        pay      P5 A3 W2 - M1 1                  asked first_contact
        set-limits A2 v0                          limits: per-payment 5
        hold     H1 A2 W1 - M2 1                  held
        pay      P6 A1 W1 - M1=1,M2=1 2           paid
    "
    ));
}

/// Who pays attention to the third question that is the same? So there is none: whoever asks again is told which one
/// waits.
#[test]
fn what_is_asked_again_is_the_question_that_waits() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 60 ref cart        asked no_rules_yet
        pay      P2 A1 W1 - M1 60 ref cart        repeat
        pay      P1 A1 W1 - M1 60 ref cart        repeat
        pay      P3 A1 W1 - M1 61 ref cart        asked
        pay      P4 A1 W1 - M2 60 ref cart        asked
        pay      P5 A1 W1 - M1 60 ref trap        asked
        pay      P6 A2 W1 - M1 60 ref cart        asked
        hold     H1 A1 W1 - M1 60 ref cart        asked
        refuse   P1
        pay      P7 A1 W1 - M1 60 ref cart        asked
        approve  P7
        pay      P8 A1 W1 - M1 60 ref cart        asked
        pay      P2 A1 W1 - M1 60 ref cart approval P7  paid
        advance  +24h1s
        pay      P9 A1 W1 - M1 61 ref cart        asked
    "
    ));
}

/// However soon the owner answers: a refusal is no invitation to ask for a little less.
#[test]
fn an_agent_asks_32_times_an_hour() {
    check(&format!(
        "{WORLD}
        20x pay  P* A1 W1 - M1 *                  asked
        20x refuse P*
        12x pay  Q* A1 W1 - M2 *                  asked
        12x refuse Q*
        pay      R1 A1 W1 - M1 40                 denied ask_rate_limited
        pay      R2 A2 W1 - M1 40                 asked
        advance  +59m
        pay      R3 A1 W1 - M1 40                 denied ask_rate_limited
        advance  +2m
        pay      R4 A1 W1 - M1 40                 asked
    "
    ));
}
