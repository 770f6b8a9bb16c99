//! Subscriptions: paid once for each period, never for more than was agreed, and over when somebody says so.

use book::{Action, Actor, Cadence, Outcome, Time, Verdict, Zone};
use sim::table::{check, run};

const WORLD: &str = "
    at       2026-11-22T08:59:59Z
    asset    CNY/2
    owner    O1
    owner    O2
    wallet   W1 O1 100000
    payee    M1 model fee 10000
    payee    M2 model
    agent    A1 W1                           limits: per-payment 5000; ask-above 4000
    agent    A2 W1                           limits: per-payment 5000
    advance  +1s
";

/// S10 by time: 30 days for 3000, renewed once, cancelled on day 40, over on day 60.
#[test]
fn thirty_days_are_renewed_once_and_cancelled() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 3000 every 30d       subscribed 3000 fee 30 until 2026-12-22T09:00:00Z
        subscribe S1 A1 W1 - M1 3000 every 30d       repeat
        balance  W1 available 97000
        balance  M1 available 2970
        subscription S1 until +30d next +30d grace never
        advance  +29d23h59m
        balance  W1 available 97000
        advance  +1m
        balance  W1 available 94000
        balance  M1 available 5940
        subscription S1 from +0s until +30d
        advance  +10d
        cancel   S1                                  done
        cancel   S1                                  denied subscription_ended
        subscription S1 cancelled until +20d next never
        advance  +20d
        balance  W1 available 94000
        advance  +400d
        balance  W1 available 94000
    "
    ));
}

/// Whoever may buy may subscribe, and every limit is asked first.
#[test]
fn subscribing_asks_every_limit() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 5001 every 1mo       denied payment_too_large left 5000 by agent v1
        subscribe S2 A1 W1 - M1 4500 every 1mo       asked above_amount
        approve  S2 by O1
        subscribe S3 A1 W1 - M1 4500 every 2mo approval S2   denied approval_mismatch
        subscribe S4 A1 W1 - M1 4500 every 1mo renewals 3 approval S2   denied approval_mismatch
        subscribe S5 A1 W1 - M1 4500 every 1mo grace 4d approval S2     denied approval_mismatch
        subscribe S6 A1 W1 - M1 4500 every 1mo zone Asia/Shanghai approval S2   denied approval_mismatch
        subscribe S7 A1 W1 - M1 4500 every 1mo trial +9d approval S2    denied approval_mismatch
        pay      P3 A1 W1 - M1 4500 approval S2      denied approval_mismatch
        subscribe S8 A1 W1 - M1 4500 every 1mo approval S2   subscribed 4500
        subscribe S9 A1 W1 - M1 4500 every 1mo approval S2   denied approval_used
        subscribe T1 M1 W1 - M1 100 every 1mo        denied forbidden
        subscribe T2 O2 W1 - M1 100 every 1mo        reject wallet_unknown
        subscribe T2 A1 W1 - M1 0 every 1mo          reject amount_zero
        subscribe T2 A1 W1 - M1 1 every 0d           reject terms_malformed
        subscribe T2 A1 W1 - M1 1 every 367d         reject terms_malformed
        subscribe T2 A1 W1 - M1 1 every 61mo         reject terms_malformed
        subscribe T2 A1 W1 - M1 1 every 1mo grace 91d   reject terms_malformed
        subscribe T2 A1 W1 - M1 1 every 1mo trial +0s   reject time_out_of_range
        subscribe T2 A1 W1 - M1 1 every 1mo trial +367d   reject time_out_of_range
        subscribe T3 O1 W1 - M1 95501 every 1mo      denied funds_insufficient left 95500
        balance  W1 available 95500
    "
    ));
}

/// Free until the trial ends; then it is paid, counted from there.
#[test]
fn a_trial_is_free_and_then_paid() {
    check(&format!(
        "{WORLD}
        set-limits W1 v0 by O1                        limits: total 3000
        subscribe S1 A1 W1 - M1 3000 every 30d renewals 1 trial +14d   subscribed free until 2026-12-06T09:00:00Z
        balance  W1 available 100000
        subscription S1 trial until +14d next +14d
        advance  +14d
        balance  W1 available 97000
        subscription S1 from +0s until +30d next never
        advance  +30d
        balance  W1 available 97000
        cancel   S1                                  denied subscription_ended
    "
    ));
}

/// Whoever tries need not have the money yet.
#[test]
fn a_trial_needs_no_money() {
    let poor = WORLD.replace("100000", "2000");
    check(&format!(
        "{poor}
        subscribe S1 A1 W1 - M1 3000 every 30d trial +14d   subscribed free until 2026-12-06T09:00:00Z
        subscribe S2 A1 W1 - M1 3000 every 30d              denied funds_insufficient left 2000
        balance  W1 available 2000
    "
    ));
}

/// A trial that is cancelled costs nothing, and lasts as it was promised.
#[test]
fn a_trial_that_is_cancelled_costs_nothing() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 3000 every 30d trial +14d
        cancel   S1 by A1
        subscription S1 trial cancelled until +14d next never
        advance  +60d
        balance  W1 available 100000
        balance  M1 available 0
    "
    ));
}

/// Too little money: tried again by the schedule within the time of grace, then over. The period keeps its edges.
#[test]
fn what_cannot_be_paid_is_tried_again_within_grace() {
    let poor = WORLD.replace("100000", "5000");
    check(&format!(
        "{poor}
        subscribe S1 A1 W1 - M1 3000 every 30d grace 3d
        advance  +30d
        subscription S1 until +0s next +1h grace +3d
        advance  +1h
        subscription S1 next +5h grace +2d23h
        advance  +5h
        subscription S1 next +18h
        transfer T1 world W1 5000
        advance  +17h59m
        balance  W1 available 7000
        advance  +1m
        balance  W1 available 4000
        subscription S1 from -1d until +29d next +29d grace never
        advance  +29d
        balance  W1 available 1000
        advance  +30d
        subscription S1 grace +3d next +1h
        advance  +2d
        subscription S1 grace +1d next never
        advance  +1d
        subscription S1 next never
        transfer T2 world W1 5000
        advance  +60d
        balance  W1 available 6000
        cancel   S1                                  denied subscription_ended
        change-plan C1 S1 A1 W1 - M1 100 every 30d   denied subscription_ended
    "
    ));
}

/// Without grace there is one try.
#[test]
fn without_grace_it_ends_at_once() {
    let poor = WORLD.replace("100000", "3000");
    check(&format!(
        "{poor}
        subscribe S1 A1 W1 - M1 3000 every 1mo grace 0s
        advance  +30d
        entries  12
        subscription S1 next never grace +0s
        cancel   S1                                  denied subscription_ended
    "
    ));
}

/// The limits, the statuses and the rules of the day decide about a renewal.
#[test]
fn a_renewal_asks_today() {
    let rows = [
        ("freeze O1", "owner_frozen"),
        ("freeze W1", "wallet_frozen"),
        ("freeze A1", "agent_frozen"),
        ("revoke A1", "agent_revoked"),
        ("freeze M1", "payee_closed"),
        ("set-limits A1 v1 limits: per-payment 2999", "payment_too_large"),
        ("set-limits W1 v0 limits: total 2999", "total_exceeded"),
        ("set-limits A1 v1 limits: ask-always", "renewal_unapproved"),
    ];
    for (change, denial) in rows {
        let table = format!(
            "{WORLD}
            subscribe S1 A1 W1 - M1 3000 every 30d grace 2h
            {change}
            advance  +30d
            balance  W1 available 97000
            advance  +1d
            balance  W1 available 97000
        "
        );
        let run = check(&table);
        let entries = run.entries.iter().map(|bytes| book::Entry::from_bytes(bytes).unwrap());
        let denials: Vec<&str> = entries
            .filter_map(|entry| match (entry.command.by, entry.outcome) {
                (Actor::Book, Outcome::Denied(refusal)) => Some(refusal.denial.code()),
                _ => None,
            })
            .collect();
        assert_eq!(denials, [denial, denial], "{change}");
    }
}

/// What she agreed to in person, or by answering, an owner is not asked again; a limit that denies still denies.
#[test]
fn what_was_agreed_is_not_asked_again() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 4500 every 30d       asked above_amount
        approve  S1 by O1
        subscribe S2 A1 W1 - M1 4500 every 30d approval S1   subscribed 4500
        subscribe S3 O1 W1 - M2 20000 every 30d      subscribed 20000
        advance  +30d1s
        balance  W1 available 51000
    "
    ));
}

/// Keys come and go; an agreement stays.
#[test]
fn a_key_that_is_revoked_ends_no_agreement() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 3000 every 30d
        revoke-key A1.key
        advance  +30d
        balance  W1 available 94000
    "
    ));
}

/// A mandate's end ends what was agreed under it, unless somebody agrees anew.
#[test]
fn a_mandate_carries_what_was_agreed_under_it() {
    check(&format!(
        "{WORLD}
        agent    A3 W1
        mandate  D1 W1 A3 until +40d                 limits: per-payment 3000; total 6000
        advance  +1s
        subscribe S1 A3 W1 D1 M1 3000 every 30d      subscribed 3000 versions 0/0/1
        advance  +30d
        balance  W1 available 94000
        advance  +30d
        balance  W1 available 94000
        subscription S1 grace +3d
        mandate  D2 W1 A3 until +40d                 limits: per-payment 3000
        change-plan C1 S1 A3 W1 D2 M1 3000 every 30d   subscribed free
        advance  +1s
        balance  W1 available 91000
        subscription S1 until +29d23h59m59s
    "
    ));
}

/// A higher price counts at once and costs the difference in proportion, rounded down; a lower one counts next time.
#[test]
fn plans_change() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 1000 every 30d
        advance  +10d
        change-plan C1 S1 A1 W1 - M1 2000 every 30d   subscribed 666 fee 6 from 2026-12-02T09:00:00Z until 2026-12-22T09:00:00Z
        balance  W1 available 98334
        change-plan C2 S1 A1 W1 - M1 500 every 30d    subscribed free from 2026-12-22T09:00:00Z until 2026-12-22T09:00:00Z
        balance  W1 available 98334
        refund   R1 C1 666                            refunded 666
        balance  W1 available 99000
        advance  +20d
        balance  W1 available 98500
        change-plan C3 S1 A1 W1 - M1 3000 every 1mo   subscribed free
        subscription S1 until +30d
        advance  +30d
        balance  W1 available 95500
        subscription S1 until +31d
        advance  +31d
        balance  W1 available 92500
    "
    ));
}

/// The last nanosecond of a period costs nothing more, and the price of the next one is the new one.
#[test]
fn a_change_at_the_last_moment_costs_nothing_yet() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 1000 every 30d
        advance  +29d23h59m59s
        change-plan C1 S1 A1 W1 - M1 1001 every 30d   subscribed free
        change-plan C1 S1 A1 W1 - M1 1001 every 30d   repeat
        balance  W1 available 99000
        advance  +1s
        balance  W1 available 97999
    "
    ));
}

/// What costs more is agreed by the buyer alone, and asked about like anything that is bought.
#[test]
fn only_the_buyer_agrees_to_another_price() {
    check(&format!(
        "{WORLD}
        wallet   W2 O1 1000
        advance  +1s
        subscribe S1 A1 W1 - M1 1000 every 30d
        change-plan C7 S1 M1 W1 - M1 2000 every 30d   denied forbidden
        change-plan C8 S1 OP W1 - M1 2000 every 30d   denied forbidden
        change-plan C1 S1 A2 W1 - M1 2000 every 30d   reject subscription_unknown
        change-plan C1 S1 O2 W1 - M1 2000 every 30d   reject subscription_unknown
        change-plan C1 S9 A1 W1 - M1 2000 every 30d   reject subscription_unknown
        change-plan C1 S1 A1 W1 - M2 2000 every 30d   reject accounts_mismatch
        change-plan C1 S1 O1 W2 - M1 900 every 30d    reject accounts_mismatch
        change-plan C9 S1 A1 W1 - M1 5001 every 2mo   denied payment_too_large
        change-plan C2 S1 A1 W1 - M1 4500 every 2mo   asked above_amount
        refuse   C2
        change-plan C3 S1 A1 W1 - M1 4500 every 2mo approval C2   denied approval_refused
        advance  +30d
        balance  W1 available 98000
        change-plan C4 S1 O1 W1 - M1 7000 every 2mo   subscribed free
        advance  +30d
        balance  W1 available 91000
        cancel   S1 by A2                             reject subscription_unknown
        cancel   S1 by A1                             reject subscription_unknown
        cancel   S1 by O2                             reject subscription_unknown
        cancel   S1 by M2                             reject subscription_unknown
        cancel   S1 by OP                             done
    "
    ));
}

/// A small step up does not lead to a price that the limits would ask about, or deny.
#[test]
fn the_limits_speak_of_the_price_and_of_what_is_due() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 1000 every 30d grace 0s
        advance  +29d
        change-plan C1 S1 A1 W1 - M1 4900 every 30d grace 0s   asked above_amount
        change-plan C2 S1 A1 W1 - M1 5001 every 30d grace 0s   denied payment_too_large left 5000
        set-limits A1 v1                              limits: per-payment 5000; total 1029
        change-plan C3 S1 A1 W1 - M1 1900 every 30d grace 0s   denied total_exceeded left 29
        balance  W1 available 99000
    "
    ));
}

/// Nobody but the book renews, and the seller can end what he sells.
#[test]
fn renewals_are_the_books_own() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 1000 every 30d
        renew    S1 by A1                            denied forbidden
        renew    S1 by M1                            denied forbidden
        renew    S1 by OP                            denied forbidden
        renew    S1 by O1                            denied forbidden
        cancel   S1 by M1                            done
        advance  +30d
        balance  W1 available 99000
    "
    ));
}

/// Time that nobody looked at is made up for, period by period, in order.
#[test]
fn periods_that_passed_unseen_are_paid_in_order() {
    check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1 1000 every 30d
        subscribe S2 A1 W1 - M2 100 every 1mo
        advance  +95d
        balance  W1 available 95600
        balance  M2 available 400
        subscription S1 from -5d until +25d
    "
    ));
}

/// A renewal is a payment of its own: divided, with fees, and refunded under its own name.
#[test]
fn a_renewal_is_a_payment() {
    let run = check(&format!(
        "{WORLD}
        subscribe S1 A1 W1 - M1=60,M2=40/100 1001 every 30d   subscribed 1001 parts 601+6,400+0
        advance  +30d
        balance  W1 available 97998
        balance  M2 available 800
    "
    ));
    let entry = book::Entry::from_bytes(run.entries.last().unwrap()).unwrap();
    assert!(matches!(entry.command.action, Action::Renew(_)), "{entry:?}");
    assert!(matches!(entry.outcome, Outcome::Subscribed(_)), "{entry:?}");
    let mut book = run.book;
    let key = {
        let first = book::Entry::from_bytes(&run.entries[0]).unwrap();
        first.command.by
    };
    let mut refund = |last: u8, minor: u128| {
        let amount = book::Amount::new(minor).unwrap();
        let refund = book::Refund { payment: entry.command.id, amount };
        let id = book::Id::new(entry.at, [last; 16]);
        let command = book::Command { id, by: key, action: Action::Refund(refund) };
        book.execute(entry.at.next(), &command, &mut Vec::new())
    };
    assert!(matches!(refund(1, 1001), Verdict::Record(_, Outcome::Refunded(_))));
    assert!(matches!(refund(2, 1), Verdict::Record(_, Outcome::Denied(_))));
}

/// R-I7: ten years in zones with all kinds of clocks: every month is paid once, and they lie edge to edge.
#[test]
fn ten_years_of_months_are_paid_once_each() {
    for zone in
        ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe", "Asia/Beirut", "Pacific/Apia"]
    {
        let run = run(&format!(
            "{WORLD}
            transfer T1 world W1 1000000
            at       2027-01-31T10:30:00Z
            subscribe S1 O1 W1 - M1 1000 every 1mo zone {zone}
            1218x advance +3d
        "
        ))
        .unwrap();
        let mut until = None;
        let mut paid = 0;
        for bytes in &run.entries {
            let entry = book::Entry::from_bytes(bytes).unwrap();
            let Outcome::Subscribed(term) = entry.outcome else { continue };
            assert!(until.is_none_or(|until: Time| until == term.from), "{zone}: a gap or an overlap");
            assert!(term.from < term.until);
            until = Some(term.until);
            paid += 1;
        }
        assert_eq!(paid, 121, "{zone}");
        run.confirm().unwrap();
    }
}

/// A zone is spelled as in the database; a cadence is at least one.
#[test]
fn cadences_are_days_or_months() {
    assert_ne!(Cadence::Days(30), Cadence::Months(1));
    assert!(Zone::new("asia/shanghai").is_none());
}
