//! The money of a journal, counted once more: every movement read off the entries, without asking the book.
//!
//! `verify` holds the book against it, `entries` and `export` show it. It knows no rule: it believes what the entries
//! say and checks only that it adds up.

use book::{
    Action, ChangePlan, Code, Entry, Id, Moved, OpenChannel, OpenMeter, Outcome, Part, Pay, PayLink, PayeeId,
    Payees, PayoutStep, PlaceEscrow, PlaceHold, Purchase, Subscribe, Term, WalletId,
};
use std::collections::{BTreeMap, HashMap, HashSet};
use wire::money::{AmountText, AssetText, Money};

/// Something that has a balance in one asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Account {
    World,
    Fees,
    /// What is on its way to sellers' banks.
    Transit,
    Wallet(WalletId),
    Payee(PayeeId),
}

/// Money that went from one account to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Movement {
    pub(crate) from: Account,
    pub(crate) to: Account,
    pub(crate) minor: u128,
    pub(crate) asset: Code,
}

/// The ids of purchases that later entries go back to. Only those are remembered, so that memory does not grow with
/// the journal's length.
#[derive(Debug, Default)]
pub(crate) struct Referred(HashSet<Id>);

impl Referred {
    /// Notes what an entry goes back to.
    pub(crate) fn note(&mut self, entry: &Entry) {
        if let Some(id) = entry.command.action.sequel_of() {
            self.0.insert(id);
        }
    }
}

/// Where all money is.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    referred: Referred,
    scales: BTreeMap<Code, u8>,
    wallets: HashMap<WalletId, Wallet>,
    purchases: HashMap<Id, Bought>,
    subscriptions: HashMap<Id, Bought>,
    /// Payouts that have not ended.
    payouts: HashMap<Id, (PayeeId, u128, Code)>,
    balances: BTreeMap<(Account, Code), i128>,
    held: BTreeMap<WalletId, i128>,
}

#[derive(Clone, Copy, Debug)]
struct Wallet {
    asset: Code,
    parent: Option<WalletId>,
    closed: bool,
}

#[derive(Clone, Debug)]
struct Bought {
    wallet: WalletId,
    asset: Code,
    to: Payees,
    /// What an open hold still sets aside.
    held: i128,
}

/// What does not add up.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Wrong {
    #[error("it goes back to something that is not in the journal")]
    Unknown,
    #[error("its parts are not its amount")]
    Parts,
    #[error("`{0}` owes {1}")]
    Owes(String, String),
    #[error("the movements in `{0}` add up to {1}, not to nothing")]
    Sum(String, i128),
}

impl Ledger {
    pub(crate) fn new(referred: Referred) -> Ledger {
        Ledger { referred, ..Ledger::default() }
    }

    /// Counts an entry, and returns what moved by it.
    pub(crate) fn count(&mut self, entry: &Entry) -> Result<Vec<Movement>, Wrong> {
        let movements = self.movements(entry)?;
        for movement in &movements {
            let amount = i128::try_from(movement.minor).map_err(|_| Wrong::Parts)?;
            *self.balances.entry((movement.from, movement.asset)).or_default() -= amount;
            *self.balances.entry((movement.to, movement.asset)).or_default() += amount;
        }
        for movement in &movements {
            self.owes_nothing(movement.from, movement.asset)?; // I2
        }
        Ok(movements)
    }

    /// Every balance; of the world, what it gave is below zero.
    pub(crate) fn balances(&self) -> impl Iterator<Item = (Account, Code, i128)> + '_ {
        self.balances.iter().map(|((account, asset), balance)| (*account, *asset, *balance))
    }

    /// What holds set aside in a wallet.
    pub(crate) fn held(&self, wallet: WalletId) -> i128 {
        self.held.get(&wallet).copied().unwrap_or_default()
    }

    /// Whether the balances of each asset add up to nothing (I1).
    pub(crate) fn adds_up(&self) -> Result<(), Wrong> {
        let mut sums: BTreeMap<Code, i128> = BTreeMap::new();
        for (_, asset, balance) in self.balances() {
            *sums.entry(asset).or_default() += balance;
        }
        match sums.into_iter().find(|(_, sum)| *sum != 0) {
            Some((asset, sum)) => Err(Wrong::Sum(asset.as_str().to_owned(), sum)),
            None => Ok(()),
        }
    }

    /// The assets and their scales.
    pub(crate) fn scales(&self) -> &BTreeMap<Code, u8> {
        &self.scales
    }

    /// An amount in the shape of the API.
    pub(crate) fn money(&self, minor: u128, asset: Code) -> Money {
        let scale = self.scales.get(&asset).copied().unwrap_or_default();
        Money {
            amount: AmountText::new(minor).expect("the book's amounts are the API's"),
            asset: AssetText::new(asset.as_str(), scale).expect("the book's assets are the API's"),
        }
    }

    fn owes_nothing(&self, account: Account, asset: Code) -> Result<(), Wrong> {
        let held = match account {
            Account::World => return Ok(()),
            Account::Fees | Account::Transit | Account::Payee(_) => 0,
            Account::Wallet(wallet) => self.held(wallet),
        };
        let balance = self.balances.get(&(account, asset)).copied().unwrap_or_default();
        match u128::try_from(held - balance) {
            Ok(owed) if 0 < owed => Err(Wrong::Owes(account.to_string(), self.money(owed, asset).in_words())),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn movements(&mut self, entry: &Entry) -> Result<Vec<Movement>, Wrong> {
        let id = entry.command.id;
        match (&entry.command.action, &entry.outcome) {
            (_, Outcome::Denied(_) | Outcome::Asked(_)) => Ok(Vec::new()),
            (Action::RegisterAsset(it), Outcome::Done) => {
                self.scales.insert(it.code, it.scale);
                Ok(Vec::new())
            }
            (Action::OpenWallet(it), Outcome::Done) => {
                let wallet = Wallet { asset: it.asset, parent: None, closed: false };
                self.wallets.insert(WalletId(id), wallet);
                Ok(Vec::new())
            }
            (Action::OpenSubAccount(it), Outcome::Done) => {
                let asset = self.wallets.get(&it.wallet).ok_or(Wrong::Unknown)?.asset;
                let wallet = Wallet { asset, parent: Some(it.wallet), closed: false };
                self.wallets.insert(WalletId(id), wallet);
                Ok(Vec::new())
            }
            (Action::CloseWallet(it), Outcome::Done) => self.close(it.wallet),
            (Action::RequestPayout(it), Outcome::Done) => {
                let (minor, asset) = (it.amount.minor(), it.asset);
                self.payouts.insert(id, (it.payee, minor, asset));
                let (from, to) = (Account::Payee(it.payee), Account::Transit);
                Ok(vec![Movement { from, to, minor, asset }])
            }
            (Action::AdvancePayout(it), Outcome::Done) if it.step.ends() => {
                let (payee, minor, asset) = self.payouts.remove(&it.payout.0).ok_or(Wrong::Unknown)?;
                let is_paid = matches!(it.step, PayoutStep::Paid { .. });
                let to = if is_paid { Account::World } else { Account::Payee(payee) };
                Ok(vec![Movement { from: Account::Transit, to, minor, asset }])
            }
            (Action::Transfer(it), Outcome::Done) => Ok(vec![Movement {
                from: it.from.into(),
                to: it.to.into(),
                minor: it.amount.minor(),
                asset: it.asset,
            }]),
            (
                Action::Pay(Pay { purchase }) | Action::PayLink(PayLink { purchase, .. }),
                Outcome::Paid(moved),
            ) => {
                let bought = Bought::new(purchase, 0);
                let movements = bought.divide(moved);
                self.remember(id, bought);
                movements
            }
            (
                Action::PlaceHold(PlaceHold { purchase, .. })
                | Action::PlaceEscrow(PlaceEscrow { purchase, .. })
                | Action::OpenMeter(OpenMeter { purchase, .. })
                | Action::OpenChannel(OpenChannel { purchase, .. }),
                Outcome::Held(_),
            ) => {
                let amount = i128::try_from(purchase.amount.minor()).map_err(|_| Wrong::Parts)?;
                *self.held.entry(purchase.wallet).or_default() += amount;
                self.owes_nothing(Account::Wallet(purchase.wallet), purchase.asset)?; // I2
                self.remember(id, Bought::new(purchase, amount));
                Ok(Vec::new())
            }
            (Action::Capture(it), Outcome::Captured(moved)) => {
                let movements = self.capture(it.hold.0, moved);
                if it.last {
                    self.release(it.hold.0)?;
                }
                movements
            }
            (Action::Expire(it), Outcome::Captured(moved)) => {
                let movements = self.capture(it.hold.0, moved);
                self.release(it.hold.0)?;
                movements
            }
            (Action::CloseMeter(_) | Action::Expire(_), Outcome::Settled(settled)) => {
                let hold = entry.command.action.sequel_of().ok_or(Wrong::Unknown)?;
                let movements = self.capture(hold, &settled.moved);
                self.release(hold)?;
                movements
            }
            (Action::Void(_) | Action::Expire(_), Outcome::Released(_)) => {
                self.release(entry.command.action.sequel_of().ok_or(Wrong::Unknown)?)?;
                Ok(Vec::new())
            }
            (Action::Refund(it), Outcome::Refunded(refunded)) => {
                self.refund(it.payment, it.amount.minor(), &refunded.parts)
            }
            (
                Action::Subscribe(Subscribe { purchase, .. })
                | Action::ChangePlan(ChangePlan { purchase, .. }),
                Outcome::Subscribed(term),
            ) => {
                if matches!(entry.command.action, Action::Subscribe(_)) {
                    self.subscriptions.insert(id, Bought::new(purchase, 0));
                }
                self.pay_term(id, Bought::new(purchase, 0), term)
            }
            (Action::Renew(it), Outcome::Subscribed(term)) => {
                let bought = self.subscriptions.get(&it.subscription.0).ok_or(Wrong::Unknown)?.clone();
                self.pay_term(id, bought, term)
            }
            (
                _,
                Outcome::Paid(_)
                | Outcome::Captured(_)
                | Outcome::Settled(_)
                | Outcome::Refunded(_)
                | Outcome::Subscribed(_),
            ) => Err(Wrong::Parts),
            (
                _,
                Outcome::Done
                | Outcome::Held(_)
                | Outcome::Released(_)
                | Outcome::Charged(_)
                | Outcome::Invoiced(_)
                | Outcome::Credited(_),
            ) => Ok(Vec::new()),
        }
    }

    /// What a period costs; whom it pays never changes.
    fn pay_term(&mut self, id: Id, bought: Bought, term: &Term) -> Result<Vec<Movement>, Wrong> {
        let Some(moved) = &term.paid else { return Ok(Vec::new()) };
        let movements = bought.divide(moved);
        self.remember(id, bought);
        movements
    }

    fn remember(&mut self, id: Id, bought: Bought) {
        // An open hold expires by itself, which goes back to it too.
        if self.referred.0.contains(&id) {
            self.purchases.insert(id, bought);
        }
    }

    fn capture(&mut self, hold: Id, moved: &Moved) -> Result<Vec<Movement>, Wrong> {
        let bought = self.purchases.get_mut(&hold).ok_or(Wrong::Unknown)?;
        let amount = i128::try_from(moved.amount.minor()).map_err(|_| Wrong::Parts)?;
        bought.held -= amount;
        *self.held.entry(bought.wallet).or_default() -= amount;
        bought.divide(moved)
    }

    fn release(&mut self, hold: Id) -> Result<(), Wrong> {
        let bought = self.purchases.get_mut(&hold).ok_or(Wrong::Unknown)?;
        let left = std::mem::take(&mut bought.held);
        *self.held.entry(bought.wallet).or_default() -= left;
        Ok(())
    }

    fn refund(&self, payment: Id, minor: u128, parts: &[Part]) -> Result<Vec<Movement>, Wrong> {
        let bought = self.purchases.get(&payment).ok_or(Wrong::Unknown)?;
        let wallet = self.wallets.get(&bought.wallet).ok_or(Wrong::Unknown)?;
        let source = match (wallet.closed, wallet.parent) {
            (true, Some(parent)) => parent,
            (true, None) | (false, _) => bought.wallet,
        };
        let payees: Vec<PayeeId> = bought.to.each().collect();
        let sum: u128 = parts.iter().map(|part| part.amount.minor() + part.fee.minor()).sum();
        if sum != minor || payees.len() != parts.len() {
            return Err(Wrong::Parts);
        }
        let mut movements = Vec::new();
        for (payee, part) in payees.into_iter().zip(parts) {
            let (to, asset) = (Account::Wallet(source), bought.asset);
            movements.push(Movement { from: Account::Payee(payee), to, minor: part.amount.minor(), asset });
            movements.push(Movement { from: Account::Fees, to, minor: part.fee.minor(), asset });
        }
        movements.retain(|movement| movement.minor != 0);
        Ok(movements)
    }

    /// A sub-account gives what it has back to its wallet.
    fn close(&mut self, id: WalletId) -> Result<Vec<Movement>, Wrong> {
        let wallet = self.wallets.get_mut(&id).ok_or(Wrong::Unknown)?;
        wallet.closed = true;
        let (asset, parent) = (wallet.asset, wallet.parent);
        let left = self.balances.get(&(Account::Wallet(id), asset)).copied().unwrap_or_default();
        let minor = u128::try_from(left).map_err(|_| Wrong::Parts)?;
        Ok(match parent {
            Some(parent) if 0 < minor => {
                vec![Movement { from: Account::Wallet(id), to: Account::Wallet(parent), minor, asset }]
            }
            Some(_) | None => Vec::new(),
        })
    }
}

impl Bought {
    fn new(purchase: &Purchase, held: i128) -> Bought {
        Bought { wallet: purchase.wallet, asset: purchase.asset, to: purchase.to.clone(), held }
    }

    /// From the wallet to each payee, and from each payee its fee.
    fn divide(&self, moved: &Moved) -> Result<Vec<Movement>, Wrong> {
        let parts = moved.each_part();
        let payees: Vec<PayeeId> = self.to.each().collect();
        let sum: u128 = parts.iter().map(|part| part.amount.minor()).sum();
        if sum != moved.amount.minor() || parts.len() != payees.len() {
            return Err(Wrong::Parts); // I1
        }
        let (wallet, asset) = (Account::Wallet(self.wallet), self.asset);
        let mut movements = Vec::new();
        for (payee, part) in payees.into_iter().map(Account::Payee).zip(parts) {
            movements.push(Movement { from: wallet, to: payee, minor: part.amount.minor(), asset });
            movements.push(Movement { from: payee, to: Account::Fees, minor: part.fee.minor(), asset });
        }
        movements.retain(|movement| movement.minor != 0);
        Ok(movements)
    }
}

impl From<book::Account> for Account {
    fn from(account: book::Account) -> Account {
        match account {
            book::Account::World => Account::World,
            book::Account::Fees => Account::Fees,
            book::Account::Wallet(wallet) => Account::Wallet(wallet),
            book::Account::Payee(payee) => Account::Payee(payee),
        }
    }
}

impl std::fmt::Display for Account {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Account::World => f.write_str("world"),
            Account::Fees => f.write_str("fees"),
            Account::Transit => f.write_str("transit"),
            Account::Wallet(wallet) => wallet.fmt(f),
            Account::Payee(payee) => payee.fmt(f),
        }
    }
}
