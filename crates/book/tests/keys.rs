//! Keys and nonces: who speaks for whom, until when, and each request once.

use sim::table::check;

const WORLD: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 1000
    payee    M1 food
    agent    A1 W1                           limits: per-payment 100
";

/// The first entry could be a refusal: whoever came first to a new book left one in it.
#[test]
fn a_book_begins_with_its_opening() {
    check(
        "
        stranger operator OP2
        book     by OP2                      reject key_unknown
        book     retention 1h
        entries  1
    ",
    );
}

/// A key could present a request in the name of somebody else, whose it was not.
#[test]
fn a_request_is_presented_with_the_key_of_whoever_makes_it() {
    check(&format!(
        "{WORLD}
        present  +0s by O1 with O2.key       reject key_unknown
        present  +0s by A1 with O1.key       reject key_unknown
        present  +0s by M1 with A1.key       reject key_unknown
        present  +0s by nobody               reject key_unknown
        present  +0s by O1
        present  +0s by A1
        present  +0s by M1
        present  +0s by OP
    "
    ));
}

#[test]
fn a_nonce_is_used_once_by_each_key() {
    check(&format!(
        "{WORLD}
        enrol-key K2 A1 fresh
        advance  +1s
        present  +5us by A1                  done
        present  +5us by A1                  reject nonce_used
        present  +5us by A1 with K2          done
        present  +5us by O1                  done
        present  +4us by A1                  done
        present  -1h by A1                   done
        present  -1h by A1                   reject nonce_used
        present  +60s by A1                  done
        present  +60s1us by A1               reject nonce_from_future
        revoke-key K2 by O1
        present  +6us by A1 with K2          denied key_revoked
        present  1970-01-01T00:00:00Z by A1  reject nonce_used
        present  1970-01-01T00:00:00.000001Z by A1  done
    "
    ));
}

#[test]
fn a_nonce_older_than_those_that_are_remembered_is_refused() {
    check(&format!(
        "{WORLD}
        present  -1h by A1                   done
        advance  +1s
        2048x present +*us by A1             done
        present  +0us by A1                  reject nonce_used
        present  -1h by A1                   reject nonce_used
        present  +1us by A1                  reject nonce_used
        present  +2048us by A1               reject nonce_used
        present  +2049us by A1               done
        present  -30m by A1                  reject nonce_used
    "
    ));
}

#[test]
fn a_key_is_added_and_ended_by_those_it_speaks_for() {
    check(&format!(
        "{WORLD}
        stranger agent A9 O1
        enrol-key K1 OP by O1                denied forbidden
        enrol-key K2 OP by OP                done
        enrol-key K3 O1                      denied presence_required
        enrol-key K4 O1 by OP                denied forbidden
        enrol-key K5 O1 by O2 fresh          reject key_unknown
        enrol-key K6 O1 fresh                done
        enrol-key K7 A1 by A1                denied forbidden
        enrol-key K8 A1 by OP                denied forbidden
        enrol-key K9 A1 by O2                reject key_unknown
        enrol-key KF A1                      denied presence_required
        enrol-key KA A1 fresh                done
        enrol-key KB M1 by M1                done
        enrol-key KC M1 by OP                done
        enrol-key KD M1 by O1                denied forbidden
        enrol-key KE A9                      reject agent_unknown
        enrol-key A1.key A1 fresh            reject already_exists
        pay      P1 A1 W1 - M1 1 with KA     paid
        freeze   A1 by O1 with K6            done
        unfreeze A1 by O1 with K6 fresh      done
        revoke-key KA by A1                  denied forbidden
        revoke-key KA by O2                  reject key_unknown
        revoke-key KZ by O1                  reject key_unknown
        revoke-key KA by O1                  done
        pay      P2 A1 W1 - M1 1 with KA     denied key_revoked
        pay      P3 A1 W1 - M1 1             paid
        revoke-key K6 by O1 with K6          done
        freeze   A1 by O1 with K6            denied key_revoked
        revoke-key KB by M1                  done
        hold     H1 A1 W1 - M1 1             held
        capture  H1 1 with KB                denied key_revoked
        capture  H1 1 with KC                captured
        revoke-key K2 by OP with K2          done
        asset    EUR/2 with K2               denied key_revoked
        asset    EUR/2                       done
    "
    ));
}

#[test]
fn a_key_speaks_for_one_holder_only() {
    check(&format!(
        "{WORLD}
        agent    A2 W1                       limits: per-payment 1
        owner    O3 key O1.key               reject already_exists
        agent    A3 W1 key A1.key            reject already_exists
        payee    M3 food key M1.key          reject already_exists
        pay      P1 A2 W1 - M1 1 with A1.key reject key_unknown
        freeze   A1 by O2 with O1.key        reject agent_unknown
        freeze   A1 by O1 with O2.key        reject key_unknown
        freeze   A1 by OP with O1.key        reject key_unknown
    "
    ));
}
