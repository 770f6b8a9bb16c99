//! Channels: a hold that is drawn down by vouchers, which the buyer signs as he goes.
//!
//! A voucher says what everything so far comes to, so the latest one is worth all of them, and the seller may keep that
//! one only. A thousand tiny payments cost the book two entries: the seller claims once, then the channel is settled
//! like a meter, with its one rounding.

use crate::agent::PublicKeyBytes;
use crate::book::{Book, Decision};
use crate::canon::{Canon, Malformed, Reader, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Metered, Outcome, Refusal, Reject, RuleRef};
use crate::hold::holdable_until;
use crate::id::{Id, MeterId};
use crate::meter::{Meter, nanos_of};
use crate::money::{Nanos, Rounding};
use crate::open::deny;
use crate::purchase::{Kind, Purchase};
use crate::time::Time;
use evidence::Signature;

/// Comes before what a voucher says, so that its signature fits nothing else.
const DOMAIN: &[u8] = b"toll:voucher/1\n";

/// Sets aside the most that vouchers may come to. The command's id becomes the [`MeterId`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenChannel {
    /// Who collects, and the most it may come to.
    pub purchase: Purchase,
    /// When it is settled by itself; at most 90 days ahead.
    pub expires_at: Time,
    /// How the exact sum becomes an amount when it is settled.
    pub rounding: Rounding,
    /// The key that vouchers are signed with; it signs nothing else.
    pub voucher_key: PublicKeyBytes,
}

canon_struct!(OpenChannel { purchase, expires_at, rounding, voucher_key });

/// Counts what a voucher says. For the seller; the border has checked the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// On which channel.
    pub channel: MeterId,
    /// What everything so far comes to; more than claimed before.
    pub total: Nanos,
    /// The voucher's signature, so that a stranger can check it with the channel's key.
    pub signature: VoucherSignature,
}

canon_struct!(Claim { channel, total, signature });

/// The signature of a voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoucherSignature(pub Signature);

impl Canon for VoucherSignature {
    fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        input.array().map(|bytes| VoucherSignature(Signature(bytes)))
    }
}

/// The bytes that the buyer signs: the channel, and what everything so far comes to, in billionths, 16 bytes each.
pub fn voucher_bytes(channel: MeterId, total: Nanos) -> Vec<u8> {
    [DOMAIN, &channel.0.0, &total.get().to_be_bytes()].concat()
}

impl OpenChannel {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        if !holdable_until(at, self.expires_at) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        match book.authorize(at, by, Kind::Meter, &self.purchase) {
            Ok(allowed) => Decision::Record(Outcome::Held(allowed.versions)),
            Err(no) => no,
        }
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time, id: Id, by: Actor) {
        let meter = Box::new(Meter::by_vouchers(self.rounding));
        book.place_hold(at, id, by, &self.purchase, self.expires_at, Some(meter));
    }
}

impl Claim {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let hold = match book.hold_to_capture(self.channel.0, at, by) {
            Ok(hold) => hold,
            Err(Decision::Reject(Reject::HoldUnknown)) => return Decision::Reject(Reject::MeterUnknown),
            Err(no) => return no,
        };
        let Some(meter) = hold.meter.as_ref().filter(|meter| meter.is_by_vouchers()) else {
            return Decision::Reject(Reject::MeterUnknown);
        };
        if !matches!(by, Actor::Payee { .. }) {
            return deny(Denial::Forbidden);
        }
        if self.total <= meter.total() {
            return deny(Denial::MeterSequence);
        }
        if nanos_of(hold.amount) < self.total {
            let refusal = Refusal {
                rule: RuleRef::BOOK,
                denial: Denial::MeterExceeded,
                remaining: meter
                    .total()
                    .round(Rounding::Up)
                    .map(|(used, _)| hold.amount.saturating_sub(used)),
            };
            return Decision::Record(Outcome::Denied(refusal));
        }
        Decision::Record(Outcome::Charged(Metered { total: self.total }))
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let meter = book.hold_mut(self.channel.0).meter.as_mut().expect("decided: the hold is metered");
        meter.set_total(self.total);
    }
}
