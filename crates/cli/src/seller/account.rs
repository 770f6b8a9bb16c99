//! A seller's account, from the entries it may see: every movement of its money, and what each sale came to.

use crate::client::failed;
use crate::exit::{Failure, Outcome};
use book::{Account, Action, Entry, Id, Moved, Part, PayeeId, Payees, PayoutStep, Time};
use engine::views::Form;
use evidence::base64url;
use sdk::Client;
use server::answer::purchase_name;
use std::collections::{BTreeMap, HashMap};
use wire::list::Page;
use wire::{AssetText, Money};

/// The entries of one request.
const PAGE: usize = 100;

/// What a movement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// A buyer paid.
    Sale,
    /// The operator took its fee.
    Fee,
    /// Money went back to a buyer.
    Refund,
    /// Money went out of the book, or to another account of the owner's.
    Payout,
    /// A payout came back.
    Returned,
    /// Money came in otherwise.
    Deposit,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Kind::Sale => "sale",
            Kind::Fee => "fee",
            Kind::Refund => "refund",
            Kind::Payout => "payout",
            Kind::Returned => "payout returned",
            Kind::Deposit => "deposit",
        }
    }

    /// Whether money comes in.
    pub(super) fn comes_in(self) -> bool {
        match self {
            Kind::Sale | Kind::Returned | Kind::Deposit => true,
            Kind::Fee | Kind::Refund | Kind::Payout => false,
        }
    }
}

/// One movement of a seller's money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Movement {
    /// The entry that it is by.
    pub(super) entry: u64,
    pub(super) at: Time,
    pub(super) kind: Kind,
    /// What was paid: the purchase, or the transfer itself.
    pub(super) of: String,
    pub(super) minor: u128,
    /// What a buyer got of it from the operator besides: the fee of a sale that was refunded.
    pub(super) beside: u128,
}

/// Every movement of a seller, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) payee: PayeeId,
    pub(super) asset: AssetText,
    pub(super) movements: Vec<Movement>,
}

impl Books {
    /// Reads all entries of the seller whose key the client has. They have to come to what the server says there is.
    pub(super) async fn read(client: &Client) -> Outcome<Books> {
        let me = client.me().await.map_err(failed)?;
        let id = me.id.filter(|id| id.starts_with("pye_"));
        let id = id.ok_or_else(|| Failure::usage("the key is no seller's"))?;
        let payee: PayeeId = id.parse().map_err(|_| Failure::fault("a seller's id is one"))?;
        let shown: wire::account::Payee = client.get(&format!("/v1/payees/{id}")).await.map_err(failed)?;
        let mut account =
            Reading { payee, purchases: HashMap::new(), payouts: HashMap::new(), movements: Vec::new() };
        let mut cursor = None;
        loop {
            let page: Page<wire::entry::Entry> =
                client.list("/v1/entries", PAGE, cursor.as_deref()).await.map_err(failed)?;
            for entry in &page.data {
                let bytes = base64url::decode(&entry.bytes);
                let read = bytes.and_then(|bytes| Entry::from_bytes(&bytes).ok());
                account.take(&read.ok_or_else(|| Failure::fault("the server sent what is no entry"))?)?;
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        let books = Books { payee, asset: shown.asset, movements: account.movements };
        let there = shown.available.map_or(0, |money| money.amount.minor());
        let counted = books.balance_before(u64::MAX)?;
        if counted != there {
            let said = |minor| books.money(minor).map(|money| money.in_words());
            return Err(Failure::fault(format!(
                "the entries come to {}, and the server says {}: somebody else leads sales that this seller has a share of, \
                 or money moved meanwhile; ask again",
                said(counted)?,
                said(there)?
            )));
        }
        Ok(books)
    }

    /// What there was before an instant, in nanoseconds since 1970.
    pub(super) fn balance_before(&self, at: u64) -> Outcome<u128> {
        let mut balance = 0u128;
        for it in self.movements.iter().filter(|it| it.at.0 < at) {
            let after = if it.kind.comes_in() {
                balance.checked_add(it.minor)
            } else {
                balance.checked_sub(it.minor)
            };
            balance = after.ok_or_else(|| Failure::fault("the entries do not add up"))?;
        }
        Ok(balance)
    }

    pub(super) fn money(&self, minor: u128) -> Outcome<Money> {
        let amount = wire::AmountText::new(minor).ok_or_else(|| Failure::fault("an amount is too large"))?;
        Ok(Money { amount, asset: self.asset })
    }

    /// What each sale came to in a time: what was paid, and what of it went back.
    pub(super) fn sales(&self, from: u64, to: u64) -> BTreeMap<String, (u128, u128)> {
        let mut sales: BTreeMap<String, (u128, u128)> = BTreeMap::new();
        for it in self.movements.iter().filter(|it| from <= it.at.0 && it.at.0 < to) {
            // What the buyer gave and got back counts; what the operator keeps of it is another matter.
            let (paid, back) = match it.kind {
                Kind::Sale => (it.minor, 0),
                Kind::Refund => (0, it.minor.saturating_add(it.beside)),
                Kind::Fee | Kind::Payout | Kind::Returned | Kind::Deposit => continue,
            };
            let sale = sales.entry(it.of.clone()).or_default();
            sale.0 = sale.0.saturating_add(paid);
            sale.1 = sale.1.saturating_add(back);
        }
        sales
    }
}

/// A reading of entries under way.
struct Reading {
    payee: PayeeId,
    /// Who is paid by each purchase, and how it is called.
    purchases: HashMap<Id, (Payees, String)>,
    /// What each payout comes to.
    payouts: HashMap<Id, u128>,
    movements: Vec<Movement>,
}

impl Reading {
    fn take(&mut self, entry: &Entry) -> Outcome {
        use book::Outcome::{
            Asked, Captured, Charged, Credited, Denied, Done, Held, Invoiced, Paid, Refunded, Released,
            Settled, Subscribed,
        };
        let (id, action) = (entry.command.id, &entry.command.action);
        if let Some((purchase, form)) = Form::of(action) {
            self.purchases.insert(id, (purchase.to.clone(), purchase_name(id, form)));
        }
        match (action, &entry.outcome) {
            (Action::Transfer(it), Done) => {
                let own = Account::Payee(self.payee);
                let kind = match (it.from == own, it.to == own) {
                    (true, false) => Kind::Payout,
                    (false, true) => Kind::Deposit,
                    (true, true) | (false, false) => return Ok(()),
                };
                self.add(entry, kind, book::TransferId(id).to_string(), it.amount.minor());
            }
            (Action::RequestPayout(it), Done) => {
                self.payouts.insert(id, it.amount.minor());
                self.add(entry, Kind::Payout, book::PayoutId(id).to_string(), it.amount.minor());
            }
            (Action::AdvancePayout(it), Done) if matches!(it.step, PayoutStep::Failed { .. }) => {
                let minor = self.payouts.get(&it.payout.0).copied();
                let unknown = || Failure::fault("a payout came back that the server did not show");
                self.add(entry, Kind::Returned, it.payout.to_string(), minor.ok_or_else(unknown)?);
            }
            (_, Paid(moved)) => self.sold(entry, id, moved)?,
            (_, Captured(moved)) => self.sold(entry, sequel(action)?, moved)?,
            (_, Settled(settled)) => self.sold(entry, sequel(action)?, &settled.moved)?,
            (_, Subscribed(term)) => {
                // Each period is a payment of its own, to those whom the subscription pays from the beginning.
                let began = if let Action::Renew(it) = action { it.subscription.0 } else { id };
                let Some((to, _)) = self.purchases.get(&began).cloned() else {
                    return Err(Failure::fault("a renewal of a subscription that the server did not show"));
                };
                if let Some(moved) = &term.paid {
                    if began != id || matches!(action, Action::ChangePlan(_)) {
                        self.purchases.insert(id, (to, book::PaymentId(id).to_string()));
                    }
                    self.sold(entry, id, moved)?;
                }
            }
            (_, Refunded(refunded)) => {
                let payment = sequel(action)?;
                let Some((part, name)) = self.part(payment, &refunded.parts)? else { return Ok(()) };
                let (minor, beside) = (part.amount.minor(), part.fee.minor());
                let (at, kind) = (entry.at, Kind::Refund);
                self.movements.push(Movement { entry: entry.seq.0, at, kind, of: name, minor, beside });
            }
            (
                _,
                Done | Held(_) | Released(_) | Charged(_) | Asked(_) | Denied(_) | Invoiced(_) | Credited(_),
            ) => {}
        }
        Ok(())
    }

    fn sold(&mut self, entry: &Entry, purchase: Id, moved: &Moved) -> Outcome {
        let parts = moved.each_part();
        let Some((part, name)) = self.part(purchase, &parts)? else { return Ok(()) };
        self.add(entry, Kind::Sale, name.clone(), part.amount.minor());
        self.add(entry, Kind::Fee, name, part.fee.minor());
        Ok(())
    }

    /// This seller's part of a purchase.
    fn part(&self, purchase: Id, parts: &[Part]) -> Outcome<Option<(Part, String)>> {
        let (to, name) = self
            .purchases
            .get(&purchase)
            .ok_or_else(|| Failure::fault("an entry goes back to a purchase that the server did not show"))?;
        let place = to.each().position(|payee| payee == self.payee);
        Ok(place.and_then(|place| parts.get(place)).map(|part| (*part, name.clone())))
    }

    fn add(&mut self, entry: &Entry, kind: Kind, of: String, minor: u128) {
        if minor != 0 {
            self.movements.push(Movement { entry: entry.seq.0, at: entry.at, kind, of, minor, beside: 0 });
        }
    }
}

fn sequel(action: &Action) -> Outcome<Id> {
    action.sequel_of().ok_or_else(|| Failure::fault("an entry that goes back to nothing moved money"))
}
