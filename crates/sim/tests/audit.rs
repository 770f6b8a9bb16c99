//! The auditor himself is audited: whatever is changed in an honest journal, he objects.

use ::book::*;
use sim::audit::audit;
use sim::table::check;

/// A journal with every kind of movement and refusal in it, each of which something later depends on.
fn honest() -> Vec<Entry> {
    let run = check(
        "
        at       2026-11-22T09:00:00Z
        asset    CNY/2
        asset    USD/2
        owner    O1
        wallet   W1 O1 1000                      limits: day 900 UTC
        payee    M1 food fee 10000
        payee    M2 toys
        payee    M3 food asset USD
        agent    A1 W1                           limits: per-payment 300; total 800; only-for food
        agent    A2 W1
        mandate  D1 W1 A1                        limits: total 300; rolling 1h 250; ask-above 200
        pay      P1 A1 W1 D1 M1 100              paid
        pay      P2 A1 W1 D1 M1 201              denied total_exceeded left 200
        pay      P3 A1 W1 D1 M1 151              denied window_exceeded left 150
        pay      P4 A1 W1 - M2 1                 denied category_not_allowed
        pay      P5 A2 W1 - M1=1,M2=1 21         asked no_rules_yet
        approve  P5
        pay      P6 A2 W1 - M1=1,M2=1 21 approval P5  paid
        hold     H1 A1 W1 D1 M1 100              held
        capture  H1 30                           captured
        capture  H1 900                          denied capture_too_large left 70
        refund   R1 H1 10                        refunded
        capture  H1 20 last                      captured
        meter    T1 A1 W1 - M1 50 rates 700000001 round half-up
        charge   T1 #1 10                        charged
        charge   T1 #2 7                         charged
        close    T1                              settled
        hold     H2 A1 W1 - M1 60 until +1h      held
        hold     H3 A1 W1 - M1 70                held
        void     H3                              released
        escrow   E1 A1 W1 - M1 20 until +1h      held
        escrow   E2 A1 W1 - M1 10 until +1h      held
        dispute  E2                              done
        advance  +2h
        refund   R2 P1 100                       refunded
        refund   R3 P1 1                         denied refund_too_large left 0
        channel  C1 A1 W1 - M1 40 round up       held
        claim    C1 20000000001                  charged
        claim    C1 40000000001                  denied meter_exceeded left 19
        claim    C1 40000000000                  charged
        close    C1                              settled 40
        grant-quota Q1 M1 W1 10 for P6
        deduct   U1 Q1 6
        restore  U1 1
        deduct   U2 Q1 6                         denied quota_insufficient
        allot    Q2 Q1 3 for A1
        deduct   U3 Q1 3                         denied quota_insufficient
        deduct   U4 Q1 2
        deduct   U5 Q2 2
        reclaim  Q2 1
        deduct   U6 Q2 1                         denied quota_insufficient
        deduct   U7 Q1 2                         denied quota_insufficient
        deduct   U8 Q1 1
        invoice  I1 H1,T1 total 52               invoiced number 1 lines 40,12
        invoice  I2 T1                           denied nothing_to_invoice
        refund   R4 H1 5                         refunded
        credit-note N1 I1                        credited 5 number 1
        refund   R5 T1 2                         refunded
        credit-note N2 I1 total 3                denied bill_total_differs left 2
        credit-note N3 I1                        credited 2 number 2 lines 0,2
        invoice  I3 C1                           invoiced 40 number 2
        credit-note N4 I3                        denied nothing_to_credit
        credit-note N5 I1                        denied nothing_to_credit
        transfer X1 W1 world 10000 fresh         denied funds_insufficient
        transfer X2 M1 world 10000               denied funds_insufficient
        destination M1 bank                      done
        payout   B0 M1 5                         denied destination_cooling
        destination M1 bank by OP
        payout   B1 M1 5
        payout   B2 M1 4
        payout   B3 M1 1000000                   denied funds_insufficient
        sent     B1
        arrived  B1
        bounced  B2
        arrived  B2                              denied payout_ended
        transfer X3 M2 world 10000               denied funds_insufficient
        transfer X4 fees world 10000             denied funds_insufficient
    ",
    );
    run.entries.iter().map(|bytes| Entry::from_bytes(bytes).expect("an entry")).collect()
}

fn objections(entries: &[Entry]) -> usize {
    audit(&entries.iter().map(Entry::to_bytes).collect::<Vec<_>>()).violations.len()
}

fn more(amount: Amount) -> Amount {
    Amount::new(amount.minor() + 1).expect("a small amount")
}

fn less(amount: Amount) -> Amount {
    amount.checked_sub(Amount::new(1).expect("an amount")).unwrap_or(more(amount))
}

fn count(units: u64, resize: fn(Amount) -> Amount) -> u64 {
    let resized = Amount::new(units.into()).map(resize).expect("an amount");
    u64::try_from(resized.minor()).expect("a small number")
}

/// Every change of one fact of an entry, by name.
#[allow(clippy::wildcard_enum_match_arm)] // A change is of what it names, and leaves the rest.
fn changes(entry: &Entry, entries: &[Entry]) -> Vec<(&'static str, Entry)> {
    let mut changes = Vec::new();
    let mut change = |name, by: &dyn Fn(&mut Entry)| {
        let mut changed = entry.clone();
        by(&mut changed);
        if changed != *entry {
            changes.push((name, changed));
        }
    };
    for (name, resize) in [("more", more as fn(Amount) -> Amount), ("less", less)] {
        change(name, &|entry| match &mut entry.outcome {
            Outcome::Paid(moved) | Outcome::Captured(moved) => moved.amount = resize(moved.amount),
            Outcome::Released(released) => released.amount = resize(released.amount),
            Outcome::Settled(settled) => settled.moved.amount = resize(settled.moved.amount),
            Outcome::Refunded(refunded) => refunded.parts[0].amount = resize(refunded.parts[0].amount),
            Outcome::Charged(metered) => metered.total = Nanos::new(metered.total.get() + 1),
            Outcome::Denied(refusal) => {
                refusal.remaining = Some(resize(refusal.remaining.unwrap_or_default()))
            }
            Outcome::Asked(question) => question.ask = Ask::Always,
            Outcome::Held(versions) => versions.agent += 1,
            Outcome::Subscribed(term) => match &mut term.paid {
                Some(moved) => moved.amount = resize(moved.amount),
                None => term.until = term.until.next(),
            },
            Outcome::Invoiced(billed) | Outcome::Credited(billed) => {
                billed.amounts[0] = resize(billed.amounts[0]);
            }
            Outcome::Done => {}
        });
        change(name, &|entry| match &mut entry.outcome {
            Outcome::Paid(Moved { parts: Parts::One { fee }, .. })
            | Outcome::Captured(Moved { parts: Parts::One { fee }, .. }) => *fee = resize(*fee),
            Outcome::Paid(Moved { parts: Parts::Many { parts }, .. }) => {
                parts[0].amount = resize(parts[0].amount)
            }
            Outcome::Settled(settled) => settled.released = resize(settled.released),
            Outcome::Subscribed(term) => term.until = term.until.next(),
            Outcome::Invoiced(billed) | Outcome::Credited(billed) => billed.number += 1,
            Outcome::Refunded(refunded) => refunded.parts[0].fee = resize(refunded.parts[0].fee),
            _ => {}
        });
        change(name, &|entry| match &mut entry.command.action {
            // Of a refusal, another amount may be refused just the same.
            _ if matches!(entry.outcome, Outcome::Denied(_)) => {}
            Action::Pay(it) => it.purchase.amount = resize(it.purchase.amount),
            Action::Capture(it) => it.amount = resize(it.amount),
            Action::Refund(it) => it.amount = resize(it.amount),
            Action::PlaceHold(it) => it.purchase.amount = resize(it.purchase.amount),
            Action::PlaceEscrow(it) => it.purchase.amount = resize(it.purchase.amount),
            Action::OpenMeter(it) => it.purchase.amount = resize(it.purchase.amount),
            Action::Charge(it) => it.units[0] += 1,
            Action::OpenChannel(it) => it.purchase.amount = resize(it.purchase.amount),
            Action::Claim(it) => it.total = Nanos::new(it.total.get() + 1),
            Action::Subscribe(it) if it.trial_until.is_none() => {
                it.purchase.amount = resize(it.purchase.amount);
            }
            Action::Renew(it) => it.from = it.from.next(),
            Action::GrantQuota(it) => it.units = count(it.units, resize),
            Action::Deduct(it) => it.units = count(it.units, resize),
            Action::Restore(it) => it.units = count(it.units, resize),
            Action::Allot(it) => it.units = count(it.units, resize),
            Action::Reclaim(it) => it.units = count(it.units, resize),
            Action::Transfer(it) => it.amount = resize(it.amount),
            _ => {}
        });
    }
    let other_payees =
        entries.iter().filter(|entry| matches!(entry.command.action, Action::RegisterPayee(_)));
    let other_payees: Vec<PayeeId> = other_payees.map(|entry| PayeeId(entry.command.id)).collect();
    for other in other_payees {
        change("payee", &|entry| match &mut entry.command.action {
            Action::Pay(Pay { purchase }) if matches!(entry.outcome, Outcome::Paid(_)) => {
                if let Payees::One(payee) = &mut purchase.to {
                    *payee = other;
                }
            }
            _ => {}
        });
    }
    let purchase = matches!(
        entry.command.action,
        Action::Pay(_) | Action::PlaceHold(_) | Action::OpenMeter(_) | Action::Capture(_) | Action::Charge(_)
    );
    if purchase {
        for denial in Denial::ALL {
            change("outcome", &|entry| {
                entry.outcome =
                    Outcome::Denied(Refusal { rule: RuleRef::BOOK, denial: *denial, remaining: None });
            });
        }
    }
    if let Action::Pay(pay) = &entry.command.action {
        let amount = pay.purchase.amount;
        change("outcome", &|entry| {
            let versions =
                Versions { wallet: 1, agent: 1, mandate: u32::from(pay.purchase.mandate.is_some()) };
            if !matches!(entry.outcome, Outcome::Paid(_)) {
                let parts = Parts::One { fee: Amount::new(amount.minor() / 100).expect("an amount") };
                entry.outcome = Outcome::Paid(Moved { amount, parts, versions });
            }
        });
    }
    change("time", &|entry| entry.at = Time(entries[0].at.0));
    change("place", &|entry| entry.seq = Seq(entry.seq.0 + 1));
    change("id", &|entry| entry.command.id = entries[1].command.id);
    change("key", &|entry| {
        let operator = entries[0].command.by;
        if let (Actor::Agent { key, .. } | Actor::Payee { key, .. } | Actor::Owner { key, .. }, Some(other)) =
            (&mut entry.command.by, operator.key())
            && !matches!(entry.outcome, Outcome::Denied(_))
        {
            *key = other;
        }
    });
    changes
}

#[test]
fn an_honest_journal_has_nothing_to_object_to() {
    assert_eq!(objections(&honest()), 0);
}

#[test]
fn every_change_of_one_entry_is_objected_to() {
    let honest = honest();
    let mut tried = 0;
    for (place, entry) in honest.iter().enumerate() {
        for (what, changed) in changes(entry, &honest) {
            let unseen = place == 0 && what == "time" || what == "id" && place == 1;
            let mut journal = honest.clone();
            journal[place] = changed;
            assert!(unseen || 0 < objections(&journal), "{what} of {entry:?}\n became {:?}", journal[place]);
            tried += 1;
        }
    }
    assert!(600 < tried, "{tried} changes");
}

#[test]
fn an_entry_left_out_doubled_or_swapped_is_objected_to() {
    let honest = honest();
    for place in 0..honest.len() - 1 {
        let mut short = honest.clone();
        short.remove(place);
        assert!(0 < objections(&short), "without {:?}", honest[place]);
        let mut doubled = honest.clone();
        doubled.insert(place, honest[place].clone());
        assert!(0 < objections(&doubled), "twice {:?}", honest[place]);
        let mut swapped = honest.clone();
        swapped.swap(place, place + 1);
        assert!(0 < objections(&swapped), "late {:?}", honest[place]);
    }
}

#[test]
fn whatever_changes_the_root_is_another() {
    let bytes: Vec<Vec<u8>> = honest().iter().map(Entry::to_bytes).collect();
    let root = audit(&bytes).root;
    for size in 0..bytes.len() {
        assert_ne!(audit(&bytes[..size]).root, root);
    }
    let mut frontier = evidence::Frontier::default();
    for entry in &bytes {
        frontier.push(evidence::leaf_hash(entry));
    }
    assert_eq!(frontier.root().0, root);
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { failure_persistence: None, ..Default::default() })]

    /// He reads what a stranger hands him: whatever it is, he says what is wrong and goes on.
    #[test]
    fn no_bytes_confuse_the_auditor(changes in proptest::collection::vec((0..99usize, 0..999usize, 0..8u32), 1..9)) {
        let mut journal: Vec<Vec<u8>> = honest_bytes().clone();
        for (entry, byte, bit) in changes {
            let entry = entry % journal.len();
            let byte = byte % journal[entry].len();
            journal[entry][byte] ^= 1 << bit;
        }
        audit(&journal);
    }
}

fn honest_bytes() -> &'static Vec<Vec<u8>> {
    static BYTES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    BYTES.get_or_init(|| honest().iter().map(Entry::to_bytes).collect())
}
