//! Assets, owners, wallets, sub-accounts and payees: how they begin and end.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food
    agent    A1 W1                               limits: per-payment 100
    agent    A2 W1                               limits: per-payment 100
";

#[test]
fn the_operator_registers_assets_owners_and_payees() {
    check(&format!(
        "{WORLD}
        stranger owner O9
        asset    USD/2 by O1                     denied forbidden
        asset    CNY/4                           reject already_exists
        asset    ETH/19                          reject amount_too_large
        asset    ETH/18                          done
        owner    O3 by O1                        denied forbidden
        owner    O4 by A1                        denied forbidden
        payee    M2 food by O1                   denied forbidden
        payee    M3 food by M1                   denied forbidden
        payee    M4 food asset EUR               reject asset_unknown
        payee    M4 food owner O9                reject owner_unknown
        payee    M4 food keyless                 done
        pay      P1 A1 W1 - M4 1                 paid
        destination M4 bank                      reject key_unknown
        transfer X1 M4 world 1 by OP             done
    "
    ));
}

#[test]
fn a_book_holds_256_assets() {
    check("255x asset C*/2\nasset LAST/2\nasset MORE/2  reject too_many\nasset C7/2  reject already_exists");
}

#[test]
fn wallets_are_opened_for_an_owner_and_sub_accounts_for_an_agent_of_the_wallet() {
    check(&format!(
        "{WORLD}
        stranger owner O9
        stranger wallet W9 O1
        stranger agent A9 O1
        wallet   W2 O1 0 by OP                   done
        wallet   W3 O1 0 by O2                   reject owner_unknown
        wallet   W3 O1 0 by A1                   denied forbidden
        wallet   W4 O9 0                         reject owner_unknown
        wallet   W4 O1 0 asset EUR               reject asset_unknown
        agent    A3 W1 by O2                     reject wallet_unknown
        agent    A3 W1 by OP                     denied forbidden
        agent    A4 W9                           reject wallet_unknown
        sub      S1 W1 A1 by O2                  reject wallet_unknown
        sub      S1 W1 A1 by OP                  denied forbidden
        sub      S2 W9 A1                        reject wallet_unknown
        sub      S2 W1 A9                        reject agent_unknown
        sub      S2 W2 A1                        reject agent_unknown
        sub      S2 W1 A1                        done
        sub      S3 S2 A1                        reject agent_unknown
        agent    A5 S2                           denied wallet_closed
    "
    ));
}

#[test]
fn a_sub_account_is_its_agents_alone_and_never_falls_back() {
    check(&format!(
        "{WORLD}
        sub      S1 W1 A1                        limits: total 60
        transfer X1 W1 S1 50
        pay      P1 A1 S1 - M1 51                denied funds_insufficient left 50
        pay      P2 A1 S1 - M1 61                denied total_exceeded left 60 by wallet v1 #0
        pay      P3 A2 S1 - M1 1                 denied agent_not_registered
        pay      P4 O1 S1 - M1 10                paid
        pay      P5 A1 S1 - M1 40                paid
        balance  S1 available 0
        balance  W1 available 950
    "
    ));
}

#[test]
fn a_wallet_is_closed_when_nothing_is_left_in_it() {
    check(&format!(
        "{WORLD}
        stranger wallet W9 O1
        close-wallet W9                          reject wallet_unknown
        close-wallet W1 by O2                    reject wallet_unknown
        close-wallet W1 by OP                    denied forbidden
        close-wallet W1 by A1                    denied forbidden
        close-wallet W1                          denied account_not_empty
        hold     H1 A1 W1 - M1 100
        transfer X1 W1 world 900 fresh
        close-wallet W1                          denied account_not_empty
        capture  H1 100                          captured
        close-wallet W1                          done
        close-wallet W1                          denied wallet_closed
        pay      P1 A1 W1 - M1 1                 denied wallet_closed
        transfer X2 world W1 1                   denied wallet_closed
        sub      S1 W1 A1                        denied wallet_closed
        agent    A5 W1                           denied wallet_closed
        set-limits W1 v0                         limits: total 1     denied revoked
    "
    ));
}

#[test]
fn a_sub_account_gives_its_money_back_and_its_agent_is_done() {
    check(&format!(
        "{WORLD}
        sub      S1 W1 A1
        transfer X1 W1 S1 100
        hold     H1 A1 S1 - M1 30
        close-wallet S1                          denied account_not_empty
        void     H1                              released 30
        close-wallet S1
        balance  S1 available 0
        balance  W1 available 1000
        pay      P1 A1 S1 - M1 1                 denied wallet_closed
        pay      P2 A1 W1 - M1 1                 denied agent_revoked
        sub      S2 W1 A2
        transfer X2 W1 world 1000 fresh
        transfer X3 world S2 10
        close-wallet W1
        pay      P3 A2 S2 - M1 1                 denied wallet_closed
        close-wallet S2                          denied wallet_closed
        transfer X4 S2 world 10 fresh            done
    "
    ));
}
