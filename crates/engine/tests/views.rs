//! Views are what the journal says: however it is cut, repeated or broken off, and as the book itself has it.

#![allow(clippy::unwrap_used)]

#[path = "views/town.rs"]
mod town;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use book::{
    Account, Action, Amount, Approve, Ask, CloseWallet, Denial, Freeze, HoldId, Id, KeyHolder, Limit,
    LinkState, MandateId, MeterId, Observe, Pay, PaymentId, PayoutStage, Provenance, Refund, RefundId,
    Revoke, Seq, Subject, Time, TransferId, Trigger, Unfreeze, Verdict, Void,
};
use engine::views::{Answer, InvoiceLineRow, Kind, Ruling, State, Views, ViewsReader, Whom};
use engine::{BookId, Follower, ViewsFault};
use evidence::Hash;
use proptest::prelude::*;
use rusqlite::Connection;
use town::{Town, amount};

const BOOK: BookId = BookId(*b"a book of a town");

/// A directory that ends with its test.
struct Directory(PathBuf);

impl Directory {
    fn new() -> Directory {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("tollbridge-views-{}-{number}", std::process::id()));
        fs::create_dir(&path).expect("the directory is new");
        Directory(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("views.sqlite")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).expect("the directory is ours");
    }
}

fn open(path: &Path) -> (Views, ViewsReader) {
    Views::open(path, BOOK, Seq(u64::MAX)).expect("the views open")
}

fn handle(views: &mut Views, entries: &[Vec<u8>], first: usize, count: usize) {
    let batch: Vec<&[u8]> = entries[first..].iter().take(count).map(Vec::as_slice).collect();
    let first = Seq(u64::try_from(first).unwrap());
    views.handle(first, &batch).expect("the entries are handled");
}

/// Views of everything that happened, made in one batch.
fn views_of(town: &Town) -> (Directory, Views, ViewsReader) {
    let directory = Directory::new();
    let (mut views, reader) = open(&directory.file());
    handle(&mut views, &town.entries, 0, usize::MAX);
    (directory, views, reader)
}

/// Every row of every table.
fn dump(path: &Path) -> Vec<String> {
    let connection = Connection::open(path).unwrap();
    let mut tables =
        connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").unwrap();
    let tables: Vec<String> = tables.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let mut lines = Vec::new();
    for table in tables {
        let mut rows = connection.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query(()).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|column| row.get_ref(column).unwrap()).collect();
            lines.push(format!("{table} {values:?}"));
        }
    }
    lines
}

fn busy_town(steps: &[(u8, u8, u16)]) -> Town {
    let mut town = Town::new();
    for (what, which, minor) in steps {
        town.step(*what, usize::from(*which), u128::from(*minor));
    }
    town
}

/// The views have what the book has.
fn assert_agrees(town: &Town, reader: &ViewsReader) {
    let view = reader.view().unwrap();
    let mut held = 0;
    for wallet in town.wallets.iter().chain(&town.subs) {
        let row = view.wallet(*wallet).unwrap().unwrap();
        assert_eq!(Some((row.asset, row.balance)), town.book.wallet_balance(*wallet));
        let holds = view.open_holds(*wallet, None, 1_000).unwrap().rows;
        let open: u128 = holds.iter().map(|hold| hold.held().minor()).sum();
        assert_eq!(open, row.balance.held.minor());
        held += open;
        let since = view.spent_since(Whom::Wallet(*wallet), Time(0)).unwrap().unwrap();
        assert_eq!(since.amount, row.spent.amount);
    }
    for (payee, _) in &town.payees {
        let row = view.payee(*payee).unwrap().unwrap();
        assert_eq!(Some((row.asset, row.balance)), town.book.payee_balance(*payee));
        let quotas = town.quotas.iter().filter_map(|quota| view.quota(*quota).unwrap());
        let left: u128 = quotas.filter(|row| row.payee == *payee).map(|row| u128::from(row.left())).sum();
        let owed: u128 = view.quotas_owed(*payee, Time(0)).unwrap().iter().map(|owed| owed.left).sum();
        assert_eq!(owed, left);
    }
    for quota in &town.quotas {
        let row = view.quota(*quota).unwrap();
        let row = row.map(|row| (row.unit, row.granted, row.used, row.allotted, row.expires_at));
        let state = town.book.quota(*quota);
        assert_eq!(row, state.map(|it| (it.unit, it.granted, it.used, it.allotted, it.expires_at)));
        // Over a quota and all below it, what came in is what was used and what is left.
        let sums = view.quota_sums(*quota).unwrap();
        assert_eq!(sums.used + sums.left, state.map_or(0, |it| it.granted));
        let taken = view.deductions_of(*quota, None, 1_000).unwrap().rows;
        let taken: u64 = taken.iter().map(|it| it.units - it.restored).sum();
        assert_eq!(taken, state.map_or(0, |it| it.used));
    }
    for invoice in &town.invoices {
        let row = view.invoice(*invoice).unwrap().unwrap();
        let state = town.book.invoice(*invoice).unwrap();
        assert_eq!(
            (row.amount, row.credited, row.to_credit),
            (state.billed, state.credited, state.to_credit)
        );
        let lines = view.invoice_lines(row.seq).unwrap();
        let sum = |of: fn(&InvoiceLineRow) -> Amount| lines.iter().map(|line| of(line).minor()).sum::<u128>();
        let sums = (sum(|line| line.amount), sum(|line| line.credited), sum(|line| line.to_credit));
        assert_eq!(sums, (row.amount.minor(), row.credited.minor(), row.to_credit.minor()));
        assert!(lines.iter().all(|line| {
            let on = view.invoices_of_purchase(line.purchase).unwrap();
            on.iter().any(|on| on.id == *invoice)
        }));
    }
    for (payee, _) in &town.payees {
        let numbers = |rows: Vec<u64>| rows.into_iter().rev().collect::<Vec<_>>();
        let invoices = view.invoices_of_payee(*payee, None, 1_000).unwrap().rows;
        let notes = view.credit_notes_of_payee(*payee, None, 1_000).unwrap().rows;
        for found in [
            numbers(invoices.iter().map(|row| row.number).collect()),
            numbers(notes.iter().map(|row| row.number).collect()),
        ] {
            assert_eq!(found, (1..).take(found.len()).collect::<Vec<u64>>());
        }
        let waiting = view.invoices_to_credit(*payee, None, 1_000).unwrap().rows;
        let should_wait: Vec<_> = invoices.into_iter().filter(|row| !row.to_credit.is_zero()).collect();
        assert_eq!(waiting, should_wait);
    }
    for subscription in &town.subscriptions {
        let row = view.subscription(*subscription).unwrap();
        let row = row.map(|row| {
            let grace = row.grace_until().filter(|_| row.cancelled.is_none());
            (row.from, row.until, row.next_try(), grace, row.cancelled.is_some(), row.is_trial)
        });
        let state = town.book.subscription(*subscription);
        let state =
            state.map(|it| (it.from, it.until, it.next_try, it.grace_until, it.is_cancelled, it.is_trial));
        assert_eq!(row, state);
    }
    for link in &town.links {
        let row = view.link(*link).unwrap();
        let row = row.map(|row| LinkState { used: row.used, is_closed: row.closed.is_some() });
        assert_eq!(row, town.book.link(*link));
        let paid = view.link_payments(*link, None, 100).unwrap().rows;
        let sum: u128 = paid.iter().map(|it| it.amount.minor()).sum();
        assert_eq!(sum, view.link(*link).unwrap().unwrap().paid.minor());
        assert_eq!(u32::try_from(paid.len()).unwrap(), town.book.link(*link).unwrap().used);
    }
    for (payee, _) in &town.payees {
        let rows = view.payouts_of_payee(*payee, None, 1_000).unwrap().rows;
        let sum = |stages: &[PayoutStage]| {
            let rows = rows.iter().filter(|row| stages.contains(&row.stage));
            rows.map(|row| row.amount.minor()).sum::<u128>()
        };
        let paid_out = view.paid_out(*payee).unwrap();
        assert_eq!(paid_out.in_transit.minor(), sum(&[PayoutStage::Requested, PayoutStage::Sent]));
        assert_eq!(paid_out.paid.minor(), sum(&[PayoutStage::Paid]));
        assert_eq!(Some(paid_out.destinations), town.book.destinations(*payee));
    }
    for payout in &town.payouts {
        let row = view.payout(*payout).unwrap().unwrap();
        assert_eq!(Some(row.stage), town.book.payout(*payout));
        assert_eq!(row.sent.is_some(), row.batch.is_some() && row.order.is_some());
        assert_eq!(row.ended.is_some(), row.said.is_some());
        let waits = row.stage == PayoutStage::Requested;
        assert_eq!(view.payouts_waiting(row.asset, 10_000).unwrap().contains(&row), waits);
        assert!(row.batch.is_none_or(|batch| view.payouts_of_batch(batch).unwrap().contains(&row)));
    }
    let transit: Vec<_> = view.assets().unwrap().iter().map(|row| (row.asset, row.transit)).collect();
    assert_eq!(transit, town.book.in_transit().collect::<Vec<_>>());
    let assets: Vec<_> = view.assets().unwrap();
    let assets: Vec<_> = assets.iter().map(|row| (row.asset, row.world, row.fees)).collect();
    assert_eq!(assets, town.book.assets().collect::<Vec<_>>());
    let totals = view.totals().unwrap();
    assert!(totals.iter().all(|total| total.sum() == 0), "{totals:?}");
    assert_eq!(totals[0].held, i128::try_from(held).unwrap());
}

/// A list, page by page, is what a look at every entry finds.
fn assert_lists_are_whole(town: &Town, reader: &ViewsReader) {
    let view = reader.view().unwrap();
    let mut whoms = vec![Whom::Everybody];
    whoms.extend(town.owners.iter().map(|(owner, _)| Whom::Owner(*owner)));
    whoms.extend(town.wallets.iter().chain(&town.subs).map(|id| Whom::Wallet(*id)));
    whoms.extend(town.agents.iter().map(|(agent, _)| Whom::Agent(*agent)));
    whoms.extend(town.payees.iter().map(|(payee, _)| Whom::Payee(*payee)));
    whoms.extend(town.mandates.iter().map(|mandate| Whom::Mandate(*mandate)));
    for whom in whoms {
        let (mut down, mut cursor) = (Vec::new(), None);
        loop {
            let page = view.decisions(whom, cursor, 7).unwrap();
            down.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() {
                break;
            }
        }
        let (mut up, mut from) = (Vec::new(), Seq(0));
        while from < view.position() {
            let page = view.decisions_from(whom, from, 7).unwrap();
            up.extend(page.rows);
            assert!(from < page.next);
            from = page.next;
        }
        up.reverse();
        assert_eq!(down, up, "{whom:?}");
    }
}

#[test]
fn views_follow_a_town_of_every_kind_of_entry() {
    let random = (0..1_200u32).map(|n| {
        let [a, b, c, d] = n.wrapping_mul(2_654_435_761).to_be_bytes();
        (a, b, u16::from_be_bytes([c, d]) % 900)
    });
    // What the random steps come to only now and then: three questions and a yes, and a sub-account that is closed.
    let rare = [(0, 5, 850), (0, 5, 851), (0, 5, 852), (21, 5, 0), (28, 3, 1)];
    let steps: Vec<(u8, u8, u16)> = rare.into_iter().chain(random).collect();
    let town = busy_town(&steps);
    let (_directory, _views, reader) = views_of(&town);
    assert_agrees(&town, &reader);
    assert_lists_are_whole(&town, &reader);

    let kinds: BTreeSet<Kind> =
        (0..town.entries.len()).map(|place| Kind::of(&town.entry(place).command.action)).collect();
    let missing: Vec<_> = Kind::ALL.iter().filter(|kind| !kinds.contains(kind)).collect();
    assert!(missing.is_empty(), "never happened: {missing:?}");
    let view = reader.view().unwrap();
    let mut rulings = BTreeSet::new();
    for place in 0..town.entries.len() {
        let row = view.decision(Seq(u64::try_from(place).unwrap())).unwrap().unwrap();
        rulings.insert(row.ruling.code());
    }
    assert_eq!(rulings, BTreeSet::from(["allow", "ask", "deny"]));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn views_equal_the_book_however_the_journal_is_cut(
        steps in proptest::collection::vec((any::<u8>(), any::<u8>(), 0u16..1_000), 0..120),
        cuts in proptest::collection::vec((1usize..40, 0usize..10), 1..20),
    ) {
        let town = busy_town(&steps);
        let (whole, _views, reader) = views_of(&town);
        assert_agrees(&town, &reader);
        assert_lists_are_whole(&town, &reader);
        let whole = dump(&whole.file());

        let single = Directory::new();
        let (mut views, _) = open(&single.file());
        for place in 0..town.entries.len() {
            handle(&mut views, &town.entries, place, 1);
        }
        prop_assert_eq!(&dump(&single.file()), &whole);

        let cut = Directory::new();
        let (mut views, _) = open(&cut.file());
        let mut cuts = cuts.iter().cycle();
        loop {
            let position = usize::try_from(views.position().0).unwrap();
            if position == town.entries.len() {
                break;
            }
            let (count, again) = cuts.next().unwrap();
            // What was handled is given again, and whoever handled it is gone.
            let first = position.saturating_sub(*again);
            handle(&mut views, &town.entries, first, count + again);
            drop(views);
            views = open(&cut.file()).0;
        }
        prop_assert_eq!(&dump(&cut.file()), &whole);
    }
}

#[test]
fn a_batch_counts_as_a_whole_or_not_at_all() {
    let town = busy_town(&[(0, 0, 10), (5, 0, 300), (8, 0, 100), (16, 0, 5)]);
    let directory = Directory::new();
    let (mut views, reader) = open(&directory.file());
    let half = town.entries.len() / 2;
    handle(&mut views, &town.entries, 0, half);
    let before = dump(&directory.file());

    let mut broken: Vec<&[u8]> = town.entries[half..].iter().map(Vec::as_slice).collect();
    broken.push(b"no entry");
    let first = Seq(u64::try_from(half).unwrap());
    assert!(views.handle(first, &broken).is_err());
    assert_eq!(dump(&directory.file()), before);
    assert_eq!((views.position(), reader.position()), (first, first));

    handle(&mut views, &town.entries, half, usize::MAX);
    assert_agrees(&town, &reader);
}

#[test]
fn what_a_crash_leaves_is_a_prefix_that_goes_on() {
    let town = busy_town(&[(0, 0, 10), (5, 0, 300), (8, 0, 100), (16, 0, 5), (3, 0, 99)]);
    let (whole, _views, _) = views_of(&town);
    let directory = Directory::new();
    let (mut views, _) = open(&directory.file());
    for place in 0..town.entries.len() {
        handle(&mut views, &town.entries, place, 1);
        if place % 5 != 0 {
            continue;
        }
        // The files as a killed process leaves them: the write-ahead log is not carried over.
        let left = Directory::new();
        for suffix in ["", "-wal"] {
            let name = format!("views.sqlite{suffix}");
            fs::copy(directory.0.join(&name), left.0.join(&name)).unwrap();
        }
        let (mut again, _) = open(&left.file());
        assert_eq!(again.position(), views.position());
        handle(&mut again, &town.entries, place + 1, usize::MAX);
        assert_eq!(dump(&left.file()), dump(&whole.file()));
    }
}

#[test]
fn entries_that_are_missing_are_not_skipped() {
    let town = Town::new();
    let directory = Directory::new();
    let (mut views, _) = open(&directory.file());
    handle(&mut views, &town.entries, 0, 3);
    let fault = views.handle(Seq(4), &[town.entries[4].as_slice()]).unwrap_err();
    assert_eq!(fault.to_string(), "views want entry `3`, but were given `4`");
    // Another place's bytes are not taken for this one's.
    assert!(views.handle(Seq(3), &[town.entries[4].as_slice()]).is_err());
    assert_eq!(views.position(), Seq(3));
}

#[test]
fn views_of_something_else_are_made_again() {
    let town = busy_town(&[(0, 0, 10), (5, 0, 300)]);
    let (directory, views, _) = views_of(&town);
    let (file, whole, position) = (directory.file(), dump(&directory.file()), views.position());
    drop(views);
    let remade = |book: BookId, durable: Seq| {
        let (mut views, _) = Views::open(&file, book, durable).unwrap();
        let kept = views.position();
        let batch: Vec<&[u8]> = town.entries.iter().map(Vec::as_slice).collect();
        views.handle(Seq(0), &batch).unwrap();
        kept
    };
    let nothing = Seq(0);
    assert_eq!(remade(BOOK, position), position, "nothing is wrong with them");
    assert_eq!(remade(BookId([1; 16]), position), nothing, "another book's");
    assert_eq!(remade(BOOK, position), nothing, "the other book's");
    assert_eq!(remade(BOOK, Seq(position.0 - 1)), nothing, "ahead of the journal");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 99).unwrap();
    assert_eq!(remade(BOOK, position), nothing, "another release's");
    for damage in [b"not a database, but some thing else".repeat(40), Vec::new()] {
        fs::write(&file, damage).unwrap();
        assert_eq!(remade(BOOK, position), nothing, "damaged");
    }
    fs::remove_file(&file).unwrap();
    assert_eq!(remade(BOOK, position), nothing, "deleted");
    assert_eq!(dump(&file), whole);
}

#[test]
fn another_database_is_left_alone() {
    let directory = Directory::new();
    let other = Connection::open(directory.file()).unwrap();
    other.execute_batch("CREATE TABLE recipes (soup TEXT)").unwrap();
    drop(other);
    let fault = Views::open(&directory.file(), BOOK, Seq(9)).unwrap_err();
    assert!(matches!(fault, ViewsFault::Foreign(_)), "{fault}");
    assert_eq!(dump(&directory.file()), Vec::<String>::new());
}

#[test]
fn a_view_shows_one_moment() {
    let mut town = Town::new();
    let directory = Directory::new();
    let (mut views, reader) = open(&directory.file());
    handle(&mut views, &town.entries, 0, usize::MAX);
    let (wallet, before) = (town.wallets[0], town.entries.len());
    let view = reader.view().unwrap();
    let balance = view.wallet(wallet).unwrap().unwrap().balance;
    town.fund(wallet, 1);
    handle(&mut views, &town.entries, before, usize::MAX);
    assert_eq!(view.wallet(wallet).unwrap().unwrap().balance, balance);
    assert_eq!(view.position().next(), reader.view().unwrap().position());
    assert_eq!(reader.position(), views.position());
    drop(view);
    let later = reader.view().unwrap().wallet(wallet).unwrap().unwrap().balance;
    assert_eq!(later.credits, amount(balance.credits.minor() + 1));
}

#[test]
fn a_payment_is_found_by_its_name_and_in_five_lists() {
    let mut town = Town::new();
    let (id, _) = town.pay(1, 1, 500);
    let (too_much, _) = town.pay(1, 1, 701);
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let row = view.payment(PaymentId(id)).unwrap().unwrap();
    assert_eq!((row.state, row.captured), (State::Paid, amount(500)));
    assert_eq!((row.agent, row.owner), (Some(town.agents[1].0), Some(town.owners[0].0)));
    assert_eq!(row.purchase, town.purchase(1, 1, 500));
    // 1.25 % of 500 is 6.25.
    assert_eq!((row.parts[0].paid.amount, row.parts[0].paid.fee), (amount(500), amount(6)));
    for whom in [
        Whom::Owner(town.owners[0].0),
        Whom::Wallet(town.wallets[1]),
        Whom::Agent(town.agents[1].0),
        Whom::Payee(town.payees[1].0),
        Whom::Mandate(town.mandates[1]),
        Whom::Everybody,
    ] {
        let page = view.payments(whom, None, 10).unwrap();
        assert_eq!((page.rows.as_slice(), page.next), ([row.clone()].as_slice(), None));
    }
    assert_eq!(view.payments(Whom::Wallet(town.wallets[0]), None, 10).unwrap().rows, []);
    assert_eq!(view.hold(HoldId(id)).unwrap(), None);
    assert_eq!(view.payment(PaymentId(too_much)).unwrap(), None);

    let denied = view.decision_of(too_much).unwrap().unwrap();
    let Ruling::Denied(refusal) = denied.ruling else { panic!("{denied:?}") };
    assert_eq!((refusal.denial, refusal.remaining), (Denial::PaymentTooLarge, Some(amount(700))));
    let owners = view.decisions(Whom::Owner(town.owners[0].0), None, 1).unwrap();
    assert_eq!(owners.rows, [denied]);
    let payees = view.decisions(Whom::Payee(town.payees[1].0), None, 1).unwrap();
    assert_eq!(payees.rows[0].id, id, "a payee does not learn of what was refused");
}

#[test]
fn spending_counts_held_money_and_not_what_was_given_back() {
    let mut town = Town::new();
    let (wallet, agent, mandate) = (town.wallets[0], town.agents[0].0, town.mandates[0]);
    let began = town.at;
    town.pay(0, 0, 100);
    let (captured, _) = town.hold(0, 0, 300);
    let (voided, _) = town.hold(0, 0, 50);
    let seller = town.as_payee(0);
    let check = |town: &Town, amount_minor: u128, uses: u64, since: u64| {
        let (_directory, _views, reader) = views_of(town);
        let view = reader.view().unwrap();
        let of_wallet = view.wallet(wallet).unwrap().unwrap().spent;
        let of_agent = view.agent(agent).unwrap().unwrap().spent;
        let of_mandate = view.mandate(mandate).unwrap().unwrap().spent;
        for spent in [of_wallet, of_agent, of_mandate] {
            assert_eq!((spent.amount, spent.uses), (amount(amount_minor), uses));
        }
        let since_began = view.spent_since(Whom::Mandate(mandate), began).unwrap().unwrap();
        assert_eq!((since_began.amount, since_began.uses), (amount(amount_minor), since));
        let later = view.spent_since(Whom::Agent(agent), town.at.after(1)).unwrap().unwrap();
        assert_eq!((later.amount, later.uses), (Amount::ZERO, 0));
    };
    check(&town, 450, 3, 3);
    let (hold, last) = (HoldId(captured), true);
    let capture = book::Capture { hold, amount: amount(120), last };
    town.act(seller, Action::Capture(capture));
    check(&town, 270, 3, 3);
    let hold = HoldId(voided);
    town.act(seller, Action::Void(Void { hold }));
    check(&town, 220, 2, 3);
    // A refund makes no room.
    let refund = Refund { payment: captured, amount: amount(20) };
    let (refund, _) = town.act(seller, Action::Refund(refund));
    check(&town, 220, 2, 3);

    // A mandate that is granted again begins where the one before ended.
    let owner = town.as_owner(0);
    let subject = Subject::Mandate(mandate);
    town.act(owner, Action::Revoke(Revoke { subject }));
    let next = town.mandate(0, 0, 1_000);
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let row = view.mandate(next).unwrap().unwrap();
    assert_eq!((row.inherited.amount, row.inherited.uses), (amount(220), 2));
    assert_eq!(row.spent, row.inherited);
    let hold = view.hold(HoldId(captured)).unwrap().unwrap();
    assert_eq!((hold.state, hold.held()), (State::Captured, Amount::ZERO));
    assert_eq!((hold.captured, hold.released, hold.refunded), (amount(120), amount(180), amount(20)));
    let refunds = view.refunds_of(&hold, 10).unwrap();
    assert_eq!(refunds, [view.refund(RefundId(refund)).unwrap().unwrap()]);
    assert_eq!(view.hold(HoldId(voided)).unwrap().unwrap().state, State::Voided);
}

/// What is spent under a delegated mandate is spent of those above it and by their agents, and given back likewise.
#[test]
fn what_was_delegated_counts_on_every_level() {
    let mut town = Town::new();
    let (wallet, parent) = (town.wallets[0], town.mandates[0]);
    let (middle, last) = (town.agent(0, vec![]), town.agent(0, vec![]));
    let (child, _) = town.delegate(parent, 0, middle, 900);
    let (grandchild, _) = town.delegate(MandateId(child), middle, last, 800);
    let mut purchase = town.purchase(0, 0, 300);
    purchase.mandate = Some(MandateId(grandchild));
    town.act(town.as_agent(last), Action::Pay(book::Pay { purchase: purchase.clone() }));
    let expires_at = town.at.after(3_600_000_000_000);
    let (hold, _) =
        town.act(town.as_agent(last), Action::PlaceHold(book::PlaceHold { purchase, expires_at }));
    let capture = book::Capture { hold: HoldId(hold), amount: amount(100), last: true };
    town.act(town.as_payee(0), Action::Capture(capture));
    town.pay(0, 0, 7);

    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let of_mandate = |id| view.mandate(id).unwrap().unwrap();
    let of_agent = |which: usize| view.agent(town.agents[which].0).unwrap().unwrap().spent;
    assert_eq!(view.wallet(wallet).unwrap().unwrap().spent.amount, amount(407));
    for (mandate, agent, above, depth, spent) in [
        (MandateId(grandchild), last, Some(MandateId(child)), 2, 400),
        (MandateId(child), middle, Some(parent), 1, 400),
        (parent, 0, None, 0, 407),
    ] {
        let row = of_mandate(mandate);
        assert_eq!((row.parent, row.depth, row.spent.amount), (above, depth, amount(spent)), "{depth}");
        assert_eq!(of_agent(agent).amount, amount(spent));
        for whom in [Whom::Mandate(mandate), Whom::Agent(town.agents[agent].0)] {
            assert_eq!(view.spent_since(whom, Time(0)).unwrap().unwrap().amount, amount(spent), "{whom:?}");
        }
    }
}

#[test]
fn every_payee_of_a_split_has_it_in_its_list() {
    let mut town = Town::new();
    let mut purchase = town.purchase(0, 0, 101);
    purchase.to = town.split(&[(0, 60), (1, 30), (2, 10)]);
    let by = town.as_agent(0);
    let (id, _) = town.act(by, Action::Pay(Pay { purchase }));
    let (later, _) = town.pay(0, 1, 5);
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let row = view.payment(PaymentId(id)).unwrap().unwrap();
    let parts: Vec<u128> = row.parts.iter().map(|part| part.paid.amount.minor()).collect();
    assert_eq!(parts, [61, 30, 10]);
    let ids = |payee: usize, cursor| {
        let page = view.payments(Whom::Payee(town.payees[payee].0), cursor, 1).unwrap();
        (page.rows[0].id, page.next)
    };
    assert_eq!(ids(0, None), (id, None));
    assert_eq!(ids(1, None), (later, Some(row.seq)));
    assert_eq!(ids(1, Some(row.seq)), (id, None));
    assert_eq!(ids(2, None), (id, None));
    // A cursor out of somebody else's list shows nothing.
    let other = view.payment(PaymentId(later)).unwrap().unwrap().seq;
    let made_up = view.payments(Whom::Payee(town.payees[2].0), Some(other), 1).unwrap();
    assert_eq!((made_up.rows, made_up.next), (vec![], None));
}

#[test]
fn a_question_is_open_until_it_is_answered_or_its_time_is_over() {
    let mut town = Town::new();
    let (first, _) = town.pay(0, 3, 10);
    let (second, _) = town.pay(0, 3, 11);
    let answer = |town: &Town, id: Id, now: Time| {
        let (_directory, _views, reader) = views_of(town);
        let view = reader.view().unwrap();
        let open = view.open_questions_of_owner(town.owners[0].0, now, None, 10).unwrap();
        let of_wallet = view.open_questions_of_wallet(town.wallets[0], now, None, 10).unwrap();
        assert_eq!(open, of_wallet);
        let all = view.questions_of_wallet(town.wallets[0], now, None, 10).unwrap();
        assert_eq!(all.rows.len(), 2);
        (open.rows.len(), view.question(id, now).unwrap().unwrap().answer)
    };
    let until = town.entry(town.entries.len() - 2).at.after(86_400_000_000_000);
    assert_eq!(answer(&town, first, town.at), (2, Answer::Waiting { until }));
    let tomorrow = town.at.after(86_400_000_000_000);
    assert_eq!(answer(&town, first, tomorrow), (0, Answer::Expired));

    let (question, digest, _) = town.asked[0].clone();
    let until = town.at.after(60_000_000_000);
    let approve = Approve { question, digest, until };
    let owner = town.as_owner(0);
    town.act(owner, Action::Approve(approve));
    assert_eq!(answer(&town, first, town.at), (1, Answer::Approved { until }));
    assert_eq!(answer(&town, first, until), (1, Answer::Expired));
    let mut purchase = town.purchase(0, 3, 10);
    purchase.approval = Some(question);
    let by = town.as_agent(0);
    town.act(by, Action::Pay(Pay { purchase }));
    assert_eq!(answer(&town, first, until), (1, Answer::Used));
    let refuse = Action::Refuse(book::Refuse { question: second });
    town.act(owner, refuse);
    assert_eq!(answer(&town, second, town.at), (0, Answer::Refused));

    let (_directory, _views, reader) = views_of(&town);
    let row = reader.view().unwrap().question(first, town.at).unwrap().unwrap();
    assert_eq!((row.ask, row.agent), (Ask::PayeeUnverified, Some(town.agents[0].0)));
    assert_eq!((row.purchase, row.digest), (town.purchase(0, 3, 10), digest));
}

#[test]
fn a_meter_shows_what_was_counted_and_what_rounding_left() {
    let mut town = Town::new();
    let (id, _) = town.open_meter(0, 0, 500);
    let seller = town.as_payee(0);
    for sequence in [4, 9] {
        let charge = book::Charge { meter: MeterId(id), sequence, units: vec![1_000, 0] };
        town.act(seller, Action::Charge(charge));
    }
    let meter = |town: &Town| {
        let (_directory, _views, reader) = views_of(town);
        reader.view().unwrap().meter(MeterId(id)).unwrap().unwrap()
    };
    let running = meter(&town);
    assert_eq!((running.sequence, running.charges, running.carry), (9, 2, None));
    assert_eq!(running.total.get(), 2_000 * 200_000_001);
    assert_eq!(running.purchase.state, State::Held);
    // Its time is over: it settles by itself.
    town.at = town.at.after(7_200_000_000_000);
    town.fund(town.wallets[0], 1);
    let over = meter(&town);
    assert_eq!((over.purchase.state, over.purchase.captured), (State::Expired, amount(400)));
    assert_eq!((over.purchase.released, over.carry.unwrap().get()), (amount(100), 2_000));
}

#[test]
fn a_closed_sub_account_gives_back_to_its_wallet_and_so_do_refunds() {
    let mut town = Town::new();
    let sub = town.subs[0];
    let mut purchase = town.purchase(0, 0, 100);
    purchase.wallet = sub;
    let by = town.as_agent(0);
    let (paid, _) = town.act(by, Action::Pay(Pay { purchase }));
    let owner = town.as_owner(0);
    town.act(owner, Action::CloseWallet(CloseWallet { wallet: sub }));
    let refund = Refund { payment: paid, amount: amount(40) };
    let seller = town.as_payee(0);
    let (refund, _) = town.act(seller, Action::Refund(refund));
    let (_directory, _views, reader) = views_of(&town);
    assert_agrees(&town, &reader);
    let view = reader.view().unwrap();
    let row = view.refund(RefundId(refund)).unwrap().unwrap();
    assert_eq!((row.wallet, row.amount), (town.wallets[0], amount(40)));
    let subs = view.sub_accounts_of(town.wallets[0], None, 10).unwrap().rows;
    assert_eq!(subs.len(), 1);
    assert_eq!(subs[0].balance.available(), Amount::ZERO);
    assert_eq!(subs[0].sub.unwrap().parent, town.wallets[0]);
    let closed = view.decisions(Whom::Wallet(sub), None, 10).unwrap().rows;
    let closing = closed.iter().find(|row| row.kind == Kind::CloseWallet).unwrap();
    assert_eq!(closing.amount, Some(amount(4_900)));
}

#[test]
fn the_largest_amounts_are_exact() {
    let mut town = Town::new();
    let (wallet, minor) = (town.wallets[2], book::limits::AMOUNT_MAX - 1_000_000);
    let (world, to) = (Account::World, Account::Wallet(wallet));
    let operator = town.operator();
    let (id, _) = town.transfer(operator, world, to, minor);
    let (_directory, _views, reader) = views_of(&town);
    assert_agrees(&town, &reader);
    let view = reader.view().unwrap();
    assert_eq!(view.transfer(TransferId(id)).unwrap().unwrap().amount, amount(minor));
    let transfers = view.transfers_of_wallet(wallet, None, 10).unwrap().rows;
    assert_eq!(transfers.iter().map(|row| row.amount).max(), Some(amount(minor)));
}

#[test]
fn the_registry_is_found_by_name_and_by_whose_it_is() {
    let mut town = Town::new();
    town.payee(Some(0), Provenance::Owner, 0);
    let owner = town.as_owner(0);
    let subject = Subject::Agent(town.agents[1].0);
    town.act(owner, Action::Freeze(Freeze { subject }));
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    assert!(view.book().unwrap().unwrap().test);
    assert_eq!(view.owners(None, 10).unwrap().rows.len(), 2);
    let wallets = view.wallets_of(town.owners[0].0, None, 2).unwrap();
    let ids: Vec<_> = wallets.rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, [town.subs[0], town.wallets[1]]);
    let rest = view.wallets_of(town.owners[0].0, wallets.next, 2).unwrap();
    assert_eq!((rest.rows[0].id, rest.rows.len(), rest.next), (town.wallets[0], 1, None));
    assert_eq!(view.wallets(None, 10).unwrap().rows.len(), 4);
    let limits = view.wallet(town.wallets[1]).unwrap().unwrap();
    assert_eq!((limits.limits, limits.version), (vec![Limit::PerPayment { max: amount(700) }], 1));
    let agents = view.agents_of(town.wallets[1], None, 10).unwrap().rows;
    assert_eq!((agents[0].id, agents[0].status), (town.agents[1].0, book::freeze::Status::Frozen));
    assert_eq!(view.mandates_of_wallet(town.wallets[1], None, 10).unwrap().rows.len(), 1);
    let mandates = view.mandates_of_agent(town.agents[1].0, None, 10).unwrap().rows;
    assert_eq!((mandates[0].id, mandates[0].expires_at), (town.mandates[1], Time::MAX));
    assert_eq!(view.payees_of(town.owners[0].0, None, 10).unwrap().rows.len(), 1);
    assert_eq!(view.payees(None, 10).unwrap().rows.len(), 5);
    let keys = view.keys_of(KeyHolder::Agent(town.agents[1].0), 10).unwrap();
    assert_eq!((keys[0].id, keys[0].revoked), (town.agents[1].1, None));
    assert_eq!(view.key(keys[0].id).unwrap().unwrap(), keys[0]);
    let transfers = view.transfers_of_wallet(town.subs[0], None, 10).unwrap().rows;
    assert_eq!(transfers[0].from, Account::Wallet(town.wallets[0]));
    assert!(matches!(view.wallets(None, 1_001), Err(ViewsFault::PageTooLong(1_001))));
}

#[test]
fn whoever_waits_is_told_how_far_the_views_are() {
    let town = Town::new();
    let directory = Directory::new();
    let (mut views, reader) = open(&directory.file());
    let mut positions = reader.positions();
    assert!(!positions.has_changed().unwrap());
    handle(&mut views, &town.entries, 0, 2);
    assert!(positions.has_changed().unwrap());
    assert_eq!(*positions.borrow_and_update(), Seq(2));
    handle(&mut views, &town.entries, 0, 2);
    assert!(!positions.has_changed().unwrap());
}

/// What stops a mandate, and what lets it go on, stays with it; what only stops it again does not count.
#[test]
fn a_mandate_names_the_entry_that_changed_its_state_last() {
    let mut town = Town::new();
    let (owner, mandate) = (town.as_owner(0), town.mandate(0, 0, 1_000));
    let subject = Subject::Mandate(mandate);
    let changed = |town: &Town| {
        let (_directory, _views, reader) = views_of(town);
        let row = reader.view().unwrap().mandate(mandate).unwrap().unwrap();
        row.changed
    };
    assert_eq!(changed(&town), None);
    let mut seqs = Vec::new();
    for action in [
        Action::Freeze(Freeze { subject }),
        Action::Freeze(Freeze { subject }),
        Action::Unfreeze(Unfreeze { subject }),
        Action::Revoke(Revoke { subject }),
        Action::Revoke(Revoke { subject }),
    ] {
        let (_, verdict) = town.act(owner, action);
        let Verdict::Record(seq, _) = verdict else { panic!("{verdict:?}") };
        seqs.push((seq, changed(&town)));
    }
    let [(frozen, first), (_, again), (thawed, second), (ended, third), (_, last)] = seqs[..] else {
        panic!()
    };
    assert_eq!([first, again, second], [Some(frozen), Some(frozen), Some(thawed)]);
    assert_eq!([third, last], [Some(ended), Some(ended)]);
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let newest = view.changes_of_mandate(mandate, None, 2).unwrap();
    let oldest = view.changes_of_mandate(mandate, newest.next, 2).unwrap();
    let rows: Vec<_> = newest.rows.iter().chain(&oldest.rows).map(|row| (row.seq, row.status)).collect();
    use book::freeze::Status;
    assert_eq!(rows, [(ended, Status::Revoked), (thawed, Status::Active), (frozen, Status::Frozen)]);
    assert!(newest.rows.iter().all(|row| row.by == owner) && oldest.next.is_none());
}

/// The latest word on each item is kept, as far as the book keeps it, for the seller and for those who wait for it.
#[test]
fn prices_are_listed_for_their_seller_and_for_those_who_wait() {
    let mut town = Town::new();
    let item = |number: u16| {
        let [high, low] = number.to_be_bytes();
        let mut hash = [0; 32];
        (hash[0], hash[1]) = (high, low);
        Hash(hash)
    };
    let say = |town: &mut Town, payee: usize, number: u16, price: u128| {
        let observe =
            Observe { item: item(number), price: amount(price), asset: town::code("CNY"), stock: 1 };
        town.act(town.as_payee(payee), Action::Observe(observe))
    };
    say(&mut town, 0, 1, 500);
    say(&mut town, 1, 1, 600);
    let waits = Limit::PriceAtMost {
        trigger: Box::new(Trigger {
            payee: town.payees[0].0,
            item: item(1),
            max: amount(400),
            within_seconds: 60,
        }),
    };
    let agent = town.agents[0].0;
    let grant = book::GrantMandate {
        wallet: town.wallets[0],
        agent,
        valid_from: Time(0),
        expires_at: Time::MAX,
        limits: vec![waits],
        document: Hash([0; 32]),
        carry: book::mandate::Carry::Inherit,
    };
    town.act(town.as_owner(0), Action::GrantMandate(grant));
    say(&mut town, 0, 1, 400);
    for number in 2..=u16::try_from(book::limits::OBSERVATIONS_MAX).unwrap() {
        say(&mut town, 0, number, 700);
    }
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    let of_seller = view.observations_of_payee(town.payees[0].0, None, 1_000).unwrap().rows;
    assert_eq!(of_seller.len(), book::limits::OBSERVATIONS_MAX);
    let waited = view.observations_for_agent(agent, None, 10).unwrap().rows;
    let prices: Vec<_> = waited.iter().map(|row| (row.item, row.price, row.payee)).collect();
    assert_eq!(prices, [(item(1), amount(400), town.payees[0].0)]);
    let owner = town.owners[0].0;
    assert_eq!(view.observations_for_owner(owner, None, 10).unwrap().rows, waited);
    assert!(view.observations_for_agent(town.agents[1].0, None, 10).unwrap().rows.is_empty());
    assert_eq!(view.observations(None, 1_000).unwrap().rows.len(), book::limits::OBSERVATIONS_MAX + 1);

    // One more than the book keeps: the oldest word is gone.
    say(&mut town, 0, 1_000, 700);
    let (_directory, _views, reader) = views_of(&town);
    let view = reader.view().unwrap();
    assert!(view.observations_for_agent(agent, None, 10).unwrap().rows.is_empty());
    let of_seller = view.observations_of_payee(town.payees[0].0, None, 1_000).unwrap().rows;
    assert_eq!(of_seller.len(), book::limits::OBSERVATIONS_MAX);
}
