//! Freezing, unfreezing and revoking: each takes effect for the very next command.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    wallet   W2 O1 1000
    payee    M1 food
    agent    A1 W1                               limits: per-payment 100
    agent    A2 W1                               limits: per-payment 100
    agent    A3 W2                               limits: per-payment 100
    mandate  D1 W1 A1                            limits: per-payment 100
";

#[test]
fn a_freeze_stops_exactly_what_it_names() {
    check(&format!(
        "{WORLD}
        freeze   D1
        pay      P1 A1 W1 D1 M1 1                denied mandate_frozen
        pay      P2 A1 W1 -  M1 1                paid
        freeze   A1
        pay      P3 A1 W1 -  M1 1                denied agent_frozen
        pay      P4 A1 W1 D1 M1 1                denied agent_frozen
        pay      P5 A2 W1 -  M1 1                paid
        freeze   W1
        pay      P6 A2 W1 -  M1 1                denied wallet_frozen
        pay      P7 O1 W1 -  M1 1                denied wallet_frozen
        transfer X1 W1 W2 1                      denied wallet_frozen
        transfer X2 W1 world 1 fresh             denied wallet_frozen
        transfer X3 W2 W1 1                      done
        pay      P8 A3 W2 -  M1 1                paid
        freeze   O1
        pay      P9 A3 W2 -  M1 1                denied owner_frozen
        pay      PA O1 W2 -  M1 1                denied owner_frozen
        transfer X4 W2 W1 1                      denied owner_frozen
        transfer X5 W2 world 1 fresh             denied owner_frozen
        transfer X6 world W2 1                   done
        balance  W1 available 999
        balance  W2 available 999
    "
    ));
}

#[test]
fn only_an_owner_who_is_present_starts_again_what_was_stopped() {
    check(&format!(
        "{WORLD}
        freeze   A1 by A1                        denied forbidden
        freeze   A1 by M1                        denied forbidden
        freeze   A1 by O2                        reject agent_unknown
        freeze   W1 by O2                        reject wallet_unknown
        freeze   D1 by O2                        reject mandate_unknown
        freeze   O1 by O2                        reject owner_unknown
        freeze   M1 by O1                        denied forbidden
        freeze   M1 by M1                        denied forbidden
        freeze   A1 by OP                        done
        freeze   A1                              done
        unfreeze A1                              denied presence_required
        unfreeze A1 by OP                        denied forbidden
        unfreeze A1 by A1                        denied forbidden
        unfreeze A1 by O2 fresh                  reject agent_unknown
        pay      P1 A1 W1 - M1 1                 denied agent_frozen
        unfreeze A1 fresh                        done
        pay      P2 A1 W1 - M1 1                 paid
        freeze   M1
        unfreeze M1 by O1 fresh                  denied forbidden
        unfreeze M1                              done
        pay      P3 A1 W1 - M1 1                 paid
        freeze   O1 by OP
        unfreeze O1 by OP                        denied forbidden
        unfreeze O1 fresh                        done
        unfreeze O1 fresh                        done
    "
    ));
}

#[test]
fn what_was_revoked_stays_revoked() {
    check(&format!(
        "{WORLD}
        stranger agent A9 O1
        stranger mandate D9 O1
        stranger wallet W9 O1
        stranger payee M9
        stranger owner O9
        revoke   A9                              reject agent_unknown
        revoke   D9                              reject mandate_unknown
        freeze   W9                              reject wallet_unknown
        freeze   M9                              reject payee_unknown
        freeze   O9 by OP                        reject owner_unknown
        revoke   A1 by A1                        denied forbidden
        revoke   A1 by O2                        reject agent_unknown
        revoke   W1                              denied forbidden
        revoke   O1                              denied forbidden
        revoke   M1                              denied forbidden
        revoke   D1 by A9                        reject mandate_unknown
        freeze   D1 by A1                        denied forbidden
        freeze   D1
        revoke   D1 by A1                        done
        revoke   D1                              done
        unfreeze D1 fresh                        denied revoked
        freeze   D1                              denied revoked
        pay      P1 A1 W1 D1 M1 1                denied mandate_revoked
        pay      P2 A1 W1 -  M1 1                paid
        revoke   A1 by OP                        done
        unfreeze A1 fresh                        denied revoked
        freeze   A1                              denied revoked
        pay      P3 A1 W1 -  M1 1                denied agent_revoked
        wallet   W3 O1
        close-wallet W3
        freeze   W3                              denied revoked
        unfreeze W3 fresh                        denied revoked
    "
    ));
}

#[test]
fn held_money_waits_for_whoever_stopped_it() {
    for (stop, denial) in [
        ("freeze   O1", "owner_frozen"),
        ("freeze   W1", "wallet_frozen"),
        ("freeze   A1", "agent_frozen"),
        ("freeze   D1", "mandate_frozen"),
        ("revoke   A1", "agent_revoked"),
        ("revoke   D1", "mandate_revoked"),
    ] {
        check(&format!(
            "{WORLD}
            hold     H1 A1 W1 D1 M1 40
            hold     H2 A1 W1 D1 M1 40
            hold     H3 A1 W1 D1 M1 40
            meter    T1 A1 W1 D1 M1 40
            charge   T1 #1 5                     charged
            void     H1 by O1                    denied forbidden
            {stop}
            capture  H1 40                       denied {denial}
            redeem   H1 goods                    denied {denial}
            charge   T1 #2 5                     denied {denial}
            close    T1                          denied {denial}
            void     H1 by O1                    released 40
            capture  H2 40 by O1                 captured
            void     H3 by M1                    released 40
            void     T1 by O1                    released 40
            balance  W1 available 960 held 0
        "
        ));
    }
}

#[test]
fn what_is_stopped_still_expires_and_is_still_refunded() {
    check(&format!(
        "{WORLD}
        pay      P1 A1 W1 - M1 10                paid
        hold     H1 A1 W1 D1 M1 40 until +1d
        meter    T1 A1 W1 D1 M1 40 until +1d
        charge   T1 #1 5                         charged
        freeze   O1
        refund   R1 P1 10                        refunded
        advance  +1d
        balance  W1 available 995 held 0
    "
    ));
}
