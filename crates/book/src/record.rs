//! Records: what the book remembers of each command, so that asking twice does nothing twice.

use crate::canon::{Canon, Malformed, Reader, canon_struct};
use crate::hold::Hold;
use crate::money::Amount;
use crate::quota::Deducted;
use crate::table::Slot;
use crate::time::Seq;

/// A command's digest and place, and the money it moved.
#[derive(Debug, Default)]
pub(crate) struct Record {
    pub(crate) request: u64,
    pub(crate) seq: Seq,
    payer: Option<Slot>,
    payee: Option<Slot>,
    halves: Halves,
    more: Option<Box<More>>,
}

canon_struct!(Record { request, seq, payer, payee, halves, more });

/// What a plain payment does not need.
#[derive(Debug, Default)]
struct More {
    parts: Vec<PaidPart>,
    hold: Option<Hold>,
    granted: bool,
    deducted: Option<Deducted>,
    bills: Vec<Bill>,
}

canon_struct!(More { parts, hold, granted, deducted, bills });

/// The line of an invoice that a purchase is on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bill {
    pub(crate) invoice: Slot,
    pub(crate) line: u32,
}

canon_struct!(Bill { invoice, line });

/// An amount in two halves: 128 bits would align the row to 16 bytes and cost 8 more.
#[derive(Clone, Copy, Debug, Default)]
struct Halves([u64; 2]);

impl Canon for Halves {
    fn encode(&self, out: &mut Vec<u8>) {
        whole(*self).encode(out);
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        Amount::decode(input).map(halves)
    }
}

/// What one payee got of a payment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PaidPart {
    pub(crate) payee: Slot,
    /// Before the fee, and what of it the operator took.
    pub(crate) amount: Amount,
    pub(crate) fee: Amount,
    /// What of the net amount, and of the fee, went back.
    pub(crate) refunded: Amount,
    pub(crate) fee_refunded: Amount,
}

canon_struct!(PaidPart { payee, amount, fee, refunded, fee_refunded });

impl PaidPart {
    pub(crate) fn new(payee: Slot, amount: Amount, fee: Amount) -> PaidPart {
        PaidPart { payee, amount, fee, refunded: Amount::ZERO, fee_refunded: Amount::ZERO }
    }

    /// What the payee still has of it.
    pub(crate) fn net_left(&self) -> Amount {
        self.amount.saturating_sub(self.fee).saturating_sub(self.refunded)
    }

    /// What the operator still has of it.
    pub(crate) fn fee_left(&self) -> Amount {
        self.fee.saturating_sub(self.fee_refunded)
    }
}

impl Record {
    pub(crate) fn new(request: u64, seq: Seq) -> Record {
        Record { request, seq, ..Record::default() }
    }

    /// Whether the record holds money that is set aside.
    pub(crate) fn is_open(&self) -> bool {
        self.hold().is_some_and(|hold| hold.open)
    }

    pub(crate) fn payer(&self) -> Option<Slot> {
        self.payer
    }

    pub(crate) fn hold(&self) -> Option<&Hold> {
        self.more.as_ref().and_then(|more| more.hold.as_ref())
    }

    pub(crate) fn hold_mut(&mut self) -> Option<&mut Hold> {
        self.more.as_mut().and_then(|more| more.hold.as_mut())
    }

    pub(crate) fn set_hold(&mut self, payer: Slot, hold: Hold) {
        self.payer = Some(payer);
        self.more = Some(Box::new(More { hold: Some(hold), ..More::default() }));
    }

    /// Whether a quota was granted for what was paid.
    pub(crate) fn is_granted(&self) -> bool {
        self.more.as_ref().is_some_and(|more| more.granted)
    }

    pub(crate) fn set_granted(&mut self) {
        self.more.get_or_insert_default().granted = true;
    }

    /// What the command took of a quota.
    pub(crate) fn deducted(&self) -> Option<Deducted> {
        self.more.as_ref().and_then(|more| more.deducted)
    }

    pub(crate) fn set_deducted(&mut self, deducted: Deducted) {
        self.more.get_or_insert_default().deducted = Some(deducted);
    }

    /// The invoices that it is on, in their order.
    pub(crate) fn bills(&self) -> &[Bill] {
        self.more.as_ref().map_or(&[], |more| more.bills.as_slice())
    }

    pub(crate) fn add_bill(&mut self, bill: Bill) {
        self.more.get_or_insert_default().bills.push(bill);
    }

    /// What was paid and not refunded, by all of its payees and with their fees.
    pub(crate) fn kept(&self) -> Amount {
        let parts = self.parts();
        let left = parts.iter().map(|part| part.net_left().saturating_add(part.fee_left()));
        left.fold(Amount::ZERO, Amount::saturating_add)
    }

    /// Notes a plain payment.
    pub(crate) fn set_paid(&mut self, payer: Slot, payee: Slot, amount: Amount) {
        self.payer = Some(payer);
        self.payee = Some(payee);
        self.halves = halves(amount);
    }

    /// Notes what the payees got; of a hold captured several times, in addition to what they had.
    pub(crate) fn add_parts(&mut self, payer: Slot, parts: &[PaidPart]) {
        self.payer = Some(payer);
        let more = self.more.get_or_insert_default();
        if more.parts.is_empty() {
            more.parts.extend_from_slice(parts);
            return;
        }
        for (part, new) in more.parts.iter_mut().zip(parts) {
            part.amount = part.amount.checked_add(new.amount).expect("captures stay within the hold");
            part.fee = part.fee.checked_add(new.fee).expect("a fee is part of its amount");
        }
    }

    /// What each payee got and gave back. Empty where nothing was paid.
    pub(crate) fn parts(&self) -> Vec<PaidPart> {
        match (&self.more, self.payee) {
            (Some(more), _) if !more.parts.is_empty() => more.parts.clone(),
            (_, Some(payee)) => vec![PaidPart::new(payee, whole(self.halves), Amount::ZERO)],
            (_, None) => Vec::new(),
        }
    }

    pub(crate) fn set_parts(&mut self, parts: Vec<PaidPart>) {
        self.more.get_or_insert_default().parts = parts;
    }
}

fn halves(amount: Amount) -> Halves {
    let bytes = amount.minor().to_le_bytes();
    let (low, high) = bytes.split_first_chunk::<8>().expect("16 bytes have 8");
    let high = high.first_chunk::<8>().expect("16 bytes have 8 more");
    Halves([u64::from_le_bytes(*low), u64::from_le_bytes(*high)])
}

fn whole(Halves([low, high]): Halves) -> Amount {
    let minor = u128::from(low) | (u128::from(high) << 64);
    Amount::new(minor).expect("an amount was put in")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_payment_takes_64_bytes_in_its_table() {
        assert!(size_of::<(crate::id::Id, Record)>() <= 64);
    }

    #[test]
    fn amounts_survive_being_halved() {
        for minor in [0, 1, u128::from(u64::MAX), u128::from(u64::MAX) + 1, crate::limits::AMOUNT_MAX] {
            let amount = Amount::new(minor).unwrap();
            assert_eq!(whole(halves(amount)), amount);
        }
    }
}
