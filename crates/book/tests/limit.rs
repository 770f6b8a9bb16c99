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
        set-limits W1 v0                         limits: only M1^256 ... 14       done
        meter    T1 A1 W1 - M1 100
        close    T1                              settled 0 released 100
        charge   T1 #1 0^5000                    reject limits_malformed
        charge   T1 #1 0^17                      reject limits_malformed
        charge   T1 #1 0^16                      denied hold_closed
    "
    ));
}
