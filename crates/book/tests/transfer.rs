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
