//! Refunds: money that goes back where it came from, and nowhere else.

use crate::agent::Holder;
use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Part, Refunded, Refusal, Reject, RuleRef};
use crate::freeze::Status;
use crate::id::Id;
use crate::money::Amount;
use crate::open::deny;
use crate::record::PaidPart;
use crate::table::Slot;

/// Gives back part or all of a payment or of a captured hold. The command's id becomes the
/// [`RefundId`](crate::RefundId).
///
/// Several payees give back in proportion to what each still has, and the operator its fee likewise. Limits are not
/// given back: a refund makes no room to spend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refund {
    /// The id of the payment, hold or meter.
    pub payment: Id,
    /// How much. Never nothing; at most what was paid and not refunded.
    pub amount: Amount,
}

canon_struct!(Refund { payment, amount });

impl Refund {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        let record = book.records.get(self.payment).filter(|record| record.payer().is_some());
        let Some((record, payer)) = record.and_then(|record| Some((record, record.payer()?))) else {
            return Decision::Reject(Reject::PaymentUnknown);
        };
        let parts = record.parts();
        if let Some(no) = book.may_refund(by, payer, parts.first().map(|part| part.payee)) {
            return no;
        }
        if self.amount.is_zero() {
            return Decision::Reject(Reject::AmountZero);
        }
        let weights = refundable(&parts);
        let left = weights.iter().fold(0u128, |sum, weight| sum.saturating_add(*weight));
        if left < self.amount.minor() {
            return Decision::Record(Outcome::Denied(Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::RefundTooLarge,
                remaining: Amount::new(left),
            }));
        }
        let source = book.refund_source(payer);
        if book.wallets.at(source).status == Status::Revoked {
            return deny(Denial::WalletClosed);
        }
        if !book.wallets.at(source).balance.has_room(self.amount) {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        let shares = self.amount.split(&weights).expect("checked: something is left to refund");
        let shares = shares.chunks_exact(2).filter_map(|pair| match pair {
            [amount, fee] => Some(Part { amount: *amount, fee: *fee }),
            _ => None,
        });
        let refunded = Refunded { parts: shares.collect() };
        let short =
            |(paid, part): (&PaidPart, &Part)| book.payees.at(paid.payee).balance.available() < part.amount;
        if parts.iter().zip(&refunded.parts).any(short) || book.fees_are_short(payer, &refunded) {
            return deny(Denial::FundsInsufficient);
        }
        Decision::Record(Outcome::Refunded(refunded))
    }

    pub(crate) fn apply(&self, book: &mut Book, refunded: &Refunded) {
        let record = book.records.get(self.payment).expect("decided: the payment is known");
        let payer = record.payer().expect("decided: it has a payer");
        let mut parts = record.parts();
        let source = book.refund_source(payer);
        let asset = usize::from(book.wallets.at(source).asset);
        for (paid, part) in parts.iter_mut().zip(&refunded.parts) {
            paid.refunded = paid.refunded.checked_add(part.amount).expect("decided: it is left to refund");
            paid.fee_refunded =
                paid.fee_refunded.checked_add(part.fee).expect("decided: it is left to refund");
            let payee = book.payees.at_mut(paid.payee);
            payee.balance.debit(part.amount);
            payee.balance.assert_owes_nothing(); // I2
            let fees = &mut book.assets.get_mut(asset).expect("a wallet's asset is registered").fees;
            fees.debit(part.fee);
            fees.assert_owes_nothing(); // I2
        }
        book.wallets.at_mut(source).balance.credit(self.amount);
        #[cfg(feature = "sabotage")]
        if book.has(crate::sabotage::Sabotage::RefundTwice) {
            return;
        }
        book.records.get_mut(self.payment).expect("decided: the payment is known").set_parts(parts);
        book.owe_credit(self.payment);
    }
}

/// What each payee, and the operator of its part, still has: two weights for each part.
fn refundable(parts: &[PaidPart]) -> Vec<u128> {
    parts.iter().flat_map(|part| [part.net_left().minor(), part.fee_left().minor()]).collect()
}

impl Book {
    /// The answer to whoever may not refund: only the seller that leads the payment, and the operator, may.
    fn may_refund(&self, by: Actor, payer: Slot, seller: Option<Slot>) -> Option<Decision> {
        let unknown = Decision::Reject(Reject::PaymentUnknown);
        match by {
            Actor::Operator { .. } => self.operator_only(by),
            Actor::Payee { payee, key } => {
                let named = self.payees.find(payee.0);
                match (named, seller) {
                    (Some(named), Some(seller)) if named == seller => {
                        self.check_key(key, Holder::Payee(seller))
                    }
                    _ => Some(unknown),
                }
            }
            Actor::Owner { .. } => {
                let owner = self.wallets.at(payer).owner;
                Some(
                    self.owner_only(by, owner, Reject::PaymentUnknown)
                        .unwrap_or_else(|| deny(Denial::Forbidden)),
                )
            }
            Actor::Agent { .. } | Actor::Book => Some(deny(Denial::Forbidden)),
        }
    }

    /// Where the money came from; for a sub-account that is closed, the wallet that filled it.
    fn refund_source(&self, payer: Slot) -> Slot {
        match (self.wallets.at(payer).status, self.wallets.at(payer).sub) {
            (Status::Revoked, Some((parent, _))) => parent,
            (Status::Active | Status::Frozen | Status::Revoked, _) => payer,
        }
    }

    fn fees_are_short(&self, payer: Slot, refunded: &Refunded) -> bool {
        let asset = usize::from(self.wallets.at(payer).asset);
        let fees = self.assets.get(asset).map(|row| row.fees.available()).unwrap_or_default();
        let wanted = refunded.parts.iter().try_fold(Amount::ZERO, |sum, part| sum.checked_add(part.fee));
        wanted.is_none_or(|wanted| fees < wanted)
    }
}
