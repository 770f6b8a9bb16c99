//! Transfers: between accounts of one owner, and between the book and the world outside.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    asset    USD/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    wallet   W2 O2 10
";

/// A stranger learned that a wallet was closed, or in which asset it was kept, and left a refusal in the journal.
#[test]
fn strangers_learn_nothing_of_an_account() {
    check(&format!(
        "{WORLD}
        wallet   W3 O1
        close-wallet W3
        stranger wallet W4 O2
        transfer X1 W4 W2 1 by O2               reject wallet_unknown
        transfer X1 W3 W2 1 by O2               reject wallet_unknown
        transfer X1 W1 W2 1 by O2 asset USD     reject wallet_unknown
        transfer X1 W1 W2 1 by O2               reject wallet_unknown
        transfer X1 W3 W1 1 by O1               denied wallet_closed
        transfer X2 W1 W3 1 by O1               denied wallet_closed
    "
    ));
}

#[test]
fn the_operator_brings_money_in_and_the_owner_who_is_present_takes_it_out() {
    check(&format!(
        "{WORLD}
        payee    M1 food
        agent    A1 W1                          limits: per-payment 100
        transfer X1 world W1 0                  reject amount_zero
        transfer X1 world W1 5 asset EUR        reject asset_unknown
        transfer X1 world W1 5 by O1            denied forbidden
        transfer X2 world W1 5 by A1            denied forbidden
        transfer X3 world W1 5 by M1            denied forbidden
        transfer X4 world W1 5                  done
        transfer X4 world W1 5                  repeat
        transfer X4 world W1 6                  reject id_reused
        transfer X5 world W1 5 asset USD        denied asset_mismatch
        transfer X6 W1 world 5                  denied presence_required
        transfer X7 W1 world 5 by OP            denied forbidden
        transfer X8 W1 world 5 by A1            denied forbidden
        transfer X9 W1 world 1006 fresh         denied funds_insufficient left 1005 by book
        transfer XA W1 world 1005 fresh         done
        transfer XB W1 world 1 fresh            denied funds_insufficient left 0
        balance  world/CNY owes 10
        balance  W1 available 0
    "
    ));
}

#[test]
fn an_owner_moves_money_among_her_own_accounts_only() {
    check(&format!(
        "{WORLD}
        agent    A1 W1                          limits: per-payment 100
        wallet   W3 O1 0
        wallet   W4 O1 0 asset USD
        payee    M1 food owner O1
        payee    M2 food owner O2
        payee    M3 food
        transfer X1 W1 W3 100                   done
        transfer X2 W1 M1 100                   done
        transfer X3 M1 W3 50 by O1              done
        transfer X4 W1 W2 1                     reject accounts_mismatch
        transfer X4 W1 M2 1                     reject accounts_mismatch
        transfer X4 W1 M3 1                     reject accounts_mismatch
        transfer X4 M3 W1 1 by O1               reject accounts_mismatch
        transfer X4 W1 W1 1                     reject accounts_mismatch
        transfer X4 W1 fees 1                   reject accounts_mismatch
        transfer X4 fees W1 1                   reject accounts_mismatch
        transfer X4 world fees 1                reject accounts_mismatch
        transfer X4 world world 1               reject accounts_mismatch
        transfer X4 W1 W4 1                     denied asset_mismatch
        transfer X5 W1 W3 1 by OP               denied forbidden
        transfer X6 W1 W3 1 by A1               denied forbidden
        transfer X7 M1 W1 1 by M1               denied forbidden
        transfer X8 W1 W3 801                   denied funds_insufficient left 800
        transfer X9 M1 W3 51 by O1              denied funds_insufficient left 50
        hold     H1 A1 W1 - M3 100
        transfer XA W1 W3 701                   denied funds_insufficient left 700
        transfer XB W1 W3 700                   done
        balance  W1 available 0 held 100
        balance  W3 available 850
        balance  M1 available 50
    "
    ));
}

#[test]
fn money_of_sellers_is_taken_out_by_the_operator_alone() {
    check(&format!(
        "{WORLD}
        payee    M1 food fee 100000
        payee    M2 food owner O1
        pay      P1 O1 W1 - M1 100              paid fee 10
        transfer X1 M1 world 10 by M2           denied forbidden
        transfer X0 M1 world 10 by O1           denied forbidden
        transfer X2 M2 world 10 by O1           denied forbidden
        transfer X3 M1 world 10 by M1           denied forbidden
        transfer X4 M1 world 91                 denied funds_insufficient left 90
        transfer XA M1 world 40                 done
        transfer X5 M1 world 50 by OP           done
        transfer X6 fees world 11               denied funds_insufficient left 10
        transfer X7 fees world 10 by O1         denied forbidden
        transfer X8 fees world 10               done
        transfer X9 world M1 7                  done
        balance  M1 available 7
        balance  fees/CNY available 0
        balance  world/CNY owes 917
    "
    ));
}
