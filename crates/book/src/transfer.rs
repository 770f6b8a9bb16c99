//! Transfers: between accounts of one owner, and between the book and the world outside.

use crate::agent::presence_required;
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_enum, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Refusal, Reject, RuleRef};
use crate::freeze::Status;
use crate::id::{PayeeId, WalletId};
use crate::money::Amount;
use crate::open::{Balance, deny};

/// Moves money. The command's id becomes the [`TransferId`](crate::TransferId).
///
/// The operator brings money in from the world, and takes out what payees and fees have; sellers are paid out by
/// [`RequestPayout`](crate::RequestPayout). An owner moves it among her
/// wallets, their sub-accounts and her own payees, and, having just authenticated, out of a wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// Whence.
    pub from: Account,
    /// Whither.
    pub to: Account,
    /// How much. Never nothing.
    pub amount: Amount,
    /// In what.
    pub asset: Code,
}

canon_struct!(Transfer { from, to, amount, asset });

/// An account that can be named in a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Everybody outside the book.
    World,
    /// The operator's fees.
    Fees,
    /// A wallet or sub-account.
    Wallet(WalletId),
    /// A payee.
    Payee(PayeeId),
}

canon_enum!(Account { 1 => World, 2 => Fees, 3 => Wallet(it), 4 => Payee(it) });

impl Transfer {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        if self.amount.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        let Some(asset) = book.asset(self.asset) else {
            return Decision::Reject(Reject::AssetUnknown);
        };
        let (from, to) = (book.account(self.from, asset), book.account(self.to, asset));
        for account in [&from, &to] {
            if let Err(unknown @ Decision::Reject(_)) = account {
                return unknown.clone();
            }
        }
        // Before anything is said of the accounts: strangers learn nothing about them.
        if let Some(no) = self.forbids(book, by) {
            return no;
        }
        let (from, to) = match (from, to) {
            (Ok(from), Ok(to)) => (from, to),
            (Err(no), _) | (_, Err(no)) => return no,
        };
        if let Some(no) = book.stops(self.from) {
            return no;
        }
        if !to.has_room(self.amount) || from.debits.checked_add(self.amount).is_none() {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        if self.from != Account::World && from.available() < self.amount {
            return Decision::Record(Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::FundsInsufficient,
                remaining: Some(from.available()),
            }));
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let asset = book.asset(self.asset).expect("decided: the asset is known");
        let from = book.account_mut(self.from, asset);
        from.debit(self.amount);
        if self.from != Account::World {
            from.assert_owes_nothing(); // I2
        }
        book.account_mut(self.to, asset).credit(self.amount); // I1
    }

    /// The answer to whoever may not move money between these accounts.
    fn forbids(&self, book: &Book, by: Actor) -> Option<Decision> {
        let mismatch = Some(Decision::Reject(Reject::AccountsMismatch));
        let unknown = |account: Account| match account {
            Account::Wallet(_) => Reject::WalletUnknown,
            Account::Payee(_) | Account::World | Account::Fees => Reject::PayeeUnknown,
        };
        match (self.from, self.to) {
            // A seller is paid out to an account that was named before: see `payout`.
            (Account::World, Account::Wallet(_) | Account::Payee(_))
            | (Account::Fees | Account::Payee(_), Account::World) => book.operator_only(by),
            (Account::Wallet(wallet), Account::World) => {
                let owner = book.wallets.get(wallet.0)?.owner;
                book.owner_only(by, owner, Reject::WalletUnknown).or_else(|| presence_required(by))
            }
            (Account::Wallet(_) | Account::Payee(_), to @ (Account::Wallet(_) | Account::Payee(_)))
                if self.from != to =>
            {
                match (book.account_owner(self.from), book.account_owner(to)) {
                    (Some(giver), taker) => match book.owner_only(by, giver, unknown(self.from)) {
                        Some(no) => Some(no),
                        None if taker == Some(giver) => None,
                        None => mismatch,
                    },
                    (None, _) => mismatch,
                }
            }
            (
                Account::World | Account::Fees | Account::Wallet(_) | Account::Payee(_),
                Account::World | Account::Fees | Account::Wallet(_) | Account::Payee(_),
            ) => mismatch,
        }
    }
}

impl Book {
    fn account(&self, account: Account, asset: usize) -> Result<Balance, Decision> {
        let row = self.assets.get(asset).ok_or(Decision::Reject(Reject::AssetUnknown))?;
        let (found, balance) = match account {
            Account::World => return Ok(row.world),
            Account::Fees => return Ok(row.fees),
            Account::Wallet(id) => {
                let wallet = self.wallets.get(id.0).ok_or(Decision::Reject(Reject::WalletUnknown))?;
                if wallet.status == Status::Revoked {
                    return Err(deny(Denial::WalletClosed));
                }
                (wallet.asset, wallet.balance)
            }
            Account::Payee(id) => {
                let payee = self.payees.get(id.0).ok_or(Decision::Reject(Reject::PayeeUnknown))?;
                (payee.asset, payee.balance)
            }
        };
        if usize::from(found) == asset { Ok(balance) } else { Err(deny(Denial::AssetMismatch)) }
    }

    fn account_mut(&mut self, account: Account, asset: usize) -> &mut Balance {
        match account {
            Account::World => &mut self.assets.get_mut(asset).expect("decided: the asset is known").world,
            Account::Fees => &mut self.assets.get_mut(asset).expect("decided: the asset is known").fees,
            Account::Wallet(id) => {
                &mut self.wallets.get_mut(id.0).expect("decided: the wallet is known").balance
            }
            Account::Payee(id) => {
                &mut self.payees.get_mut(id.0).expect("decided: the payee is known").balance
            }
        }
    }

    fn account_owner(&self, account: Account) -> Option<crate::table::Slot> {
        match account {
            Account::World | Account::Fees => None,
            Account::Wallet(id) => self.wallets.get(id.0).map(|wallet| wallet.owner),
            Account::Payee(id) => self.payees.get(id.0)?.owner,
        }
    }

    /// Why nothing leaves an account now.
    fn stops(&self, account: Account) -> Option<Decision> {
        let Account::Wallet(id) = account else { return None };
        let wallet = self.wallets.get(id.0)?;
        if self.owners.at(wallet.owner).status != Status::Active {
            return Some(deny(Denial::OwnerFrozen));
        }
        (wallet.status != Status::Active).then(|| deny(Denial::WalletFrozen))
    }
}
