//! What sellers are told they took in is what the journal says, entry by entry, at any quarter of an hour.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)]
#[path = "views/town.rs"]
mod town;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use book::{
    Account, Action, Amount, Capture, Entry, HoldId, Id, Moved, Outcome, OwnerId, Part, Parts, PayeeId,
    Payees, PayoutStep, Purchase, Refund, Seq, Time, WalletId,
};
use engine::views::{RefusedRow, TAKINGS_NANOS, Takings, Views};
use engine::{BookId, Follower};
use proptest::prelude::*;
use town::{Town, amount};

/// What a seller has, added up by somebody who only reads entries: signed, so that nothing is cut off at zero.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Sums {
    captured: i128,
    fees: i128,
    refunded: i128,
    fees_refunded: i128,
    held: i128,
    sales: i128,
    refunds: i128,
    holds: i128,
    /// What the owner or the operator moved in and out.
    moved: i128,
    refused: BTreeMap<&'static str, (u64, BTreeSet<OwnerId>)>,
}

/// A purchase while its entries are read.
#[derive(Clone, Debug)]
struct Open {
    purchase: Purchase,
    held: u128,
    paid: Vec<u128>,
}

#[derive(Debug, Default)]
struct Ledger {
    sums: BTreeMap<PayeeId, Sums>,
    bought: BTreeMap<Id, Open>,
    owners: BTreeMap<WalletId, OwnerId>,
    /// What each subscription pays for.
    plans: BTreeMap<Id, Purchase>,
    payouts: BTreeMap<Id, (PayeeId, Amount)>,
}

fn signed(amount: Amount) -> i128 {
    i128::try_from(amount.minor()).unwrap()
}

impl Ledger {
    fn of(&mut self, payee: PayeeId) -> &mut Sums {
        self.sums.entry(payee).or_default()
    }

    fn set_aside(&mut self, purchase: &Purchase, minor: u128, sign: i128) {
        let shares = match &purchase.to {
            Payees::One(_) => vec![amount(minor)],
            Payees::Split(split) => {
                let weights: Vec<u128> = split.shares.iter().map(|share| u128::from(share.weight)).collect();
                amount(minor).split(&weights).unwrap()
            }
        };
        for (payee, share) in purchase.to.each().zip(shares) {
            self.of(payee).held += sign * signed(share);
        }
    }

    fn take(&mut self, id: Id, moved: &Moved) {
        let mut open = self.bought.get(&id).unwrap().clone();
        let parts = match &moved.parts {
            Parts::One { fee } => vec![Part { amount: moved.amount, fee: *fee }],
            Parts::Many { parts } => parts.clone(),
        };
        let payees: Vec<PayeeId> = open.purchase.to.each().collect();
        for ((payee, part), paid) in payees.into_iter().zip(parts).zip(&mut open.paid) {
            let sums = self.of(payee);
            sums.captured += signed(part.amount);
            sums.fees += signed(part.fee);
            sums.sales += i128::from(*paid == 0 && !part.amount.is_zero());
            *paid += part.amount.minor();
        }
        self.bought.insert(id, open);
    }

    /// Sets what of a hold is left.
    fn leave(&mut self, id: Id, left: u128, is_over: bool) {
        let mut open = self.bought.get(&id).unwrap().clone();
        self.set_aside(&open.purchase, open.held, -1);
        open.held = left;
        self.set_aside(&open.purchase, left, 1);
        if is_over {
            for payee in open.purchase.to.each() {
                self.of(payee).holds -= 1;
            }
        }
        self.bought.insert(id, open);
    }

    fn read(&mut self, entry: &Entry) {
        let id = entry.command.id;
        let purchase = entry.command.action.purchase().cloned();
        if let (Some(purchase), Outcome::Paid(_) | Outcome::Held(_)) = (&purchase, &entry.outcome) {
            let paid = vec![0; purchase.to.each().count()];
            self.bought.insert(id, Open { purchase: purchase.clone(), held: 0, paid });
        }
        if let Outcome::Subscribed(term) = &entry.outcome {
            let began = if let Action::Renew(it) = &entry.command.action {
                it.subscription.0
            } else if let Action::ChangePlan(it) = &entry.command.action {
                it.subscription.0
            } else {
                id
            };
            // Whom a plan pays never changes.
            let purchase = purchase.clone().unwrap_or_else(|| self.plans[&began].clone());
            self.plans.entry(began).or_insert_with(|| purchase.clone());
            if let Some(moved) = &term.paid {
                let paid = vec![0; purchase.to.each().count()];
                self.bought.insert(id, Open { purchase, held: 0, paid });
                self.take(id, moved);
            }
        }
        match (&entry.command.action, &entry.outcome) {
            (Action::OpenWallet(it), Outcome::Done) => {
                self.owners.insert(WalletId(id), it.owner);
            }
            (Action::OpenSubAccount(it), Outcome::Done) => {
                let owner = self.owners[&it.wallet];
                self.owners.insert(WalletId(id), owner);
            }
            (Action::Transfer(it), Outcome::Done) => {
                if let Account::Payee(payee) = it.to {
                    self.of(payee).moved += signed(it.amount);
                }
                if let Account::Payee(payee) = it.from {
                    self.of(payee).moved -= signed(it.amount);
                }
            }
            (Action::RequestPayout(it), Outcome::Done) => {
                self.of(it.payee).moved -= signed(it.amount);
                self.payouts.insert(id, (it.payee, it.amount));
            }
            (Action::AdvancePayout(it), Outcome::Done) => {
                let (payee, amount) = self.payouts[&it.payout.0];
                if matches!(it.step, PayoutStep::Failed { .. }) {
                    self.of(payee).moved += signed(amount);
                }
            }
            (Action::Pay(_) | Action::PayLink(_), Outcome::Paid(moved)) => self.take(id, moved),
            (_, Outcome::Held(_)) => {
                let purchase = purchase.unwrap();
                for payee in purchase.to.each() {
                    self.of(payee).holds += 1;
                }
                self.leave(id, purchase.amount.minor(), false);
            }
            (Action::Capture(it), Outcome::Captured(moved)) => {
                self.take(it.hold.0, moved);
                let left = self.bought[&it.hold.0].held - moved.amount.minor();
                let is_over = it.last || left == 0;
                self.leave(it.hold.0, if is_over { 0 } else { left }, is_over);
            }
            (Action::Void(it), Outcome::Released(_)) => self.leave(it.hold.0, 0, true),
            (Action::Expire(it), Outcome::Released(_)) => self.leave(it.hold.0, 0, true),
            (Action::Expire(it), Outcome::Captured(moved)) => {
                self.take(it.hold.0, moved);
                self.leave(it.hold.0, 0, true);
            }
            (Action::Expire(it), Outcome::Settled(settled)) => {
                self.take(it.hold.0, &settled.moved);
                self.leave(it.hold.0, 0, true);
            }
            (Action::CloseMeter(it), Outcome::Settled(settled)) => {
                self.take(it.meter.0, &settled.moved);
                self.leave(it.meter.0, 0, true);
            }
            (Action::Refund(it), Outcome::Refunded(refunded)) => {
                let payees: Vec<PayeeId> = self.bought[&it.payment].purchase.to.each().collect();
                for (payee, part) in payees.into_iter().zip(&refunded.parts) {
                    let sums = self.of(payee);
                    sums.refunded += signed(part.amount) + signed(part.fee);
                    sums.fees_refunded += signed(part.fee);
                    sums.refunds += i128::from(!part.amount.is_zero() || !part.fee.is_zero());
                }
            }
            (_, Outcome::Denied(refusal)) => {
                let Some(purchase) = purchase else { return };
                let buyer = self.owners[&purchase.wallet];
                for payee in purchase.to.each() {
                    let (times, buyers) = self.of(payee).refused.entry(refusal.denial.code()).or_default();
                    *times += 1;
                    buyers.insert(buyer);
                }
            }
            _ => {}
        }
    }
}

/// Everything but refusals, as views say it.
fn told(it: &Takings) -> Sums {
    Sums {
        captured: signed(it.captured),
        fees: signed(it.fees),
        refunded: signed(it.refunded),
        fees_refunded: signed(it.fees_refunded),
        held: signed(it.held),
        sales: it.sales.into(),
        refunds: it.refunds.into(),
        holds: it.holds.into(),
        ..Sums::default()
    }
}

fn told_refused(rows: Vec<RefusedRow>) -> BTreeMap<&'static str, (u64, u64)> {
    rows.into_iter().map(|row| (row.denial.code(), (row.times, row.buyers))).collect()
}

/// A history of these steps, in batches of `batch` entries, against the same added up from its entries.
fn check(steps: &[(u8, u8, u16)], batch: usize) -> Takings {
    let mut town = Town::new();
    for (what, which, minor) in steps {
        town.step(*what, usize::from(*which), u128::from(*minor));
        // Many quarters of an hour, also within one batch.
        town.at = town.at.after(u64::from(*which) * TAKINGS_NANOS / 100);
    }
    let directory = std::env::temp_dir().join(format!(
        "tollbridge-takings-{}-{:?}",
        std::process::id(),
        std::thread::current().id()
    ));
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("views.sqlite");
    let (mut views, reader) = Views::open(&path, BookId([2; 16]), Seq(u64::MAX)).unwrap();
    for (number, part) in town.entries.chunks(batch).enumerate() {
        let part: Vec<&[u8]> = part.iter().map(Vec::as_slice).collect();
        views.handle(Seq(u64::try_from(number * batch).unwrap()), &part).unwrap();
    }
    let view = reader.view().unwrap();
    let mut ledger = Ledger::default();
    let mut whole = Takings::default();
    for place in 0..town.entries.len() {
        let entry = town.entry(place);
        let begins = Time(entry.at.0 / TAKINGS_NANOS * TAKINGS_NANOS);
        let is_new = place > 0 && town.entry(place - 1).at < begins;
        for (payee, _) in town.payees.iter().filter(|_| is_new) {
            let sums = ledger.sums.get(payee).cloned().unwrap_or_default();
            let before = told(&view.takings(*payee, Some(begins)).unwrap());
            assert_eq!(before, Sums { moved: 0, refused: BTreeMap::new(), ..sums }, "before {begins:?}");
        }
        ledger.read(&entry);
    }
    for (payee, _) in &town.payees {
        let sums = ledger.sums.get(payee).cloned().unwrap_or_default();
        let takings = view.takings(*payee, None).unwrap();
        let refused = told_refused(view.refused(*payee, Time(0), 100_000).unwrap());
        let counted = sums
            .refused
            .iter()
            .map(|(code, (times, buyers))| (*code, (*times, u64::try_from(buyers.len()).unwrap())));
        assert_eq!(refused, counted.collect());
        // What is left of it is what the book says that the seller has.
        let net = sums.captured - sums.fees - (sums.refunded - sums.fees_refunded) + sums.moved;
        let (_, balance) = town.book.payee_balance(*payee).unwrap();
        assert_eq!(net, signed(balance.credits) - signed(balance.debits));
        assert_eq!(told(&takings), Sums { moved: 0, refused: BTreeMap::new(), ..sums });
        whole.sales += takings.sales;
        whole.refunds += takings.refunds;
        whole.holds += takings.holds;
        whole.fees_refunded = whole.fees_refunded.checked_add(takings.fees_refunded).unwrap();
    }
    drop(view);
    fs::remove_dir_all(&directory).unwrap();
    whole
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn what_sellers_are_told_is_what_the_entries_add_up_to(
        steps in proptest::collection::vec((any::<u8>(), any::<u8>(), 0u16..1_000), 0..200),
        batch in 1usize..300,
    ) {
        check(&steps, batch);
    }
}

#[test]
fn a_long_history_has_sales_refunds_and_holds() {
    let random = (0..1_500u32).map(|n| {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        (a, b, u16::from_be_bytes([c, d]) % 900)
    });
    let whole = check(&random.collect::<Vec<_>>(), 97);
    assert!(50 < whole.sales && 10 < whole.refunds, "{whole:?}");
    assert!(!whole.fees_refunded.is_zero(), "{whole:?}");
}

/// Views of one sale that was set aside, captured in two parts and given back in part.
#[test]
fn a_window_has_what_came_in_it() {
    let mut town = Town::new();
    let payee = town.payees[1].0;
    let (hold, _) = town.hold(0, 1, 800);
    let first = town.at;
    town.at = Time((first.0 / TAKINGS_NANOS + 1) * TAKINGS_NANOS);
    let second = town.at;
    let hold = HoldId(hold);
    town.act(town.as_payee(1), Action::Capture(Capture { hold, amount: amount(300), last: false }));
    town.at = Time((second.0 / TAKINGS_NANOS + 1) * TAKINGS_NANOS);
    let third = town.at;
    town.act(town.as_payee(1), Action::Capture(Capture { hold, amount: amount(200), last: true }));
    town.act(town.as_payee(1), Action::Refund(Refund { payment: hold.0, amount: amount(100) }));
    let directory = std::env::temp_dir().join(format!("tollbridge-window-{}", std::process::id()));
    fs::create_dir_all(&directory).unwrap();
    let (mut views, reader) =
        Views::open(&directory.join("views.sqlite"), BookId([2; 16]), Seq(u64::MAX)).unwrap();
    let entries: Vec<&[u8]> = town.entries.iter().map(Vec::as_slice).collect();
    views.handle(Seq(0), &entries).unwrap();
    let view = reader.view().unwrap();
    let at = |before: Option<Time>| view.takings(payee, before).unwrap();
    let held = |it: Takings| (it.held.minor(), it.holds, it.captured.minor(), it.sales);
    assert_eq!(held(at(Some(second))), (800, 1, 0, 0));
    assert_eq!(held(at(Some(third))), (500, 1, 300, 1));
    assert_eq!(held(at(None)), (0, 0, 500, 1));
    let last = at(None).since(&at(Some(third)));
    assert_eq!((last.captured.minor(), last.sales, last.refunded.minor(), last.refunds), (200, 0, 100, 1));
    assert_eq!(at(None).fees, Amount::new(6).unwrap());
    drop(view);
    fs::remove_dir_all(&directory).unwrap();
}
