//! What one channel owes, and what a voucher for it gets: everything that can say no, without a clock, a socket or a disk.
//!
//! A call's voucher says exactly what is owed once the call is delivered: what is owed now, and this call's price. So
//! each sum is good for one delivery, the latest voucher that was delivered for is worth exactly what is owed, and what is
//! claimed with it never exceeds that. One call of a channel is under way at a time. A call that was not delivered
//! changes nothing: its voucher is the right one for the next call of the same price.
//!
//! A seller may check only every n-th signature. What was delivered since the last one he checked is then his risk: a
//! false signature, or a good one that does not fit, loses him that, and from then on every voucher of the channel is
//! checked.

use evidence::Signature;
use protocols::a402::Fingerprint;

/// What a seller would claim with: a voucher that was checked, or none yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    /// What everything so far comes to, in billionths of the smallest unit.
    pub(crate) total: u128,
    /// The signature; none where the sum is nothing.
    pub(crate) signature: Option<Signature>,
    /// What was asked for with it.
    pub(crate) request: Option<Fingerprint>,
}

/// A call that was delivered, and whose signature nobody has checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unchecked<A> {
    pub(crate) total: u128,
    pub(crate) request: Fingerprint,
    /// What was answered, where it is short enough to be kept in memory.
    pub(crate) answer: Option<A>,
}

/// Whether a buyer has shown that he signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trust {
    /// Not yet: his first voucher is checked.
    Unknown,
    /// A voucher of his was good.
    Shown,
    /// Something that was delivered unchecked was never signed for.
    Lost,
}

/// What one channel owes.
#[derive(Debug)]
pub(crate) struct Tally<A> {
    /// The most it may come to, in billionths.
    deposit: u128,
    kept: Kept,
    /// Delivered since, in order; only the last answer is ever asked for again.
    last: Option<Unchecked<A>>,
    unchecked_count: u32,
    trust: Trust,
    is_busy: bool,
}

/// A voucher as it came with a call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) total: u128,
    /// This call's price, in billionths.
    pub(crate) price: u128,
    pub(crate) request: &'a Fingerprint,
}

/// What a voucher gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict<A> {
    /// Its call is to be delivered: the caller's turn, until [`Tally::delivered`] or [`Tally::not_delivered`].
    Serve(Signed),
    /// It was delivered for: the answer in memory.
    Again(A),
    /// It was delivered for: the answer on disk.
    AgainFromDisk,
    /// It was delivered for, and the answer was too long to be kept.
    AgainAndGone,
    /// It does not fit; this sum would.
    Needs(u128),
    /// This call would come to more than was set aside.
    Exhausted(u128),
    /// Its signature is not one of the channel's key.
    Forged,
    /// Another call of the channel is under way.
    Busy,
}

/// Whether a signature was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Signed {
    Checked,
    Unchecked,
}

impl<A: Clone> Tally<A> {
    /// The tally of a channel with a deposit of so many billionths, going on from what was kept.
    pub(crate) fn new(deposit: u128, kept: Kept) -> Tally<A> {
        Tally { deposit, kept, last: None, unchecked_count: 0, trust: Trust::Unknown, is_busy: false }
    }

    /// What everything that was delivered comes to.
    pub(crate) fn owed(&self) -> u128 {
        self.last.as_ref().map_or(self.kept.total, |last| last.total)
    }

    /// What could be claimed now.
    pub(crate) fn kept(&self) -> &Kept {
        &self.kept
    }

    /// What a voucher gets, of a seller who checks every `check_every`-th. `is_genuine` checks the signature.
    pub(crate) fn show(
        &mut self,
        shown: Shown<'_>,
        check_every: u32,
        is_genuine: impl FnOnce() -> bool,
    ) -> Verdict<A> {
        if self.is_busy {
            return Verdict::Busy;
        }
        let needed = self.owed().saturating_add(shown.price);
        if shown.total == needed && needed <= self.deposit {
            if self.trust == Trust::Shown && self.unchecked_count + 1 < check_every {
                self.is_busy = true;
                return Verdict::Serve(Signed::Unchecked);
            }
            if is_genuine() {
                self.is_busy = true;
                return Verdict::Serve(Signed::Checked);
            }
            self.lose_unchecked();
            return Verdict::Forged;
        }
        if !is_genuine() {
            return Verdict::Forged;
        }
        if let Some(again) = self.again(shown) {
            return again;
        }
        // Signed, and not for what was delivered unchecked: that was never the buyer's.
        if self.last.is_some() && shown.total != needed {
            self.lose_unchecked();
        }
        let needed = self.owed().saturating_add(shown.price);
        if self.deposit < needed {
            return Verdict::Exhausted(self.deposit);
        }
        if shown.total == needed {
            self.is_busy = true;
            return Verdict::Serve(Signed::Checked);
        }
        Verdict::Needs(needed)
    }

    fn again(&self, shown: Shown<'_>) -> Option<Verdict<A>> {
        if shown.total != self.owed() {
            return None;
        }
        match &self.last {
            Some(last) if last.request == *shown.request => {
                Some(last.answer.clone().map_or(Verdict::AgainAndGone, Verdict::Again))
            }
            None if self.kept.request.as_ref() == Some(shown.request) => Some(Verdict::AgainFromDisk),
            Some(_) | None => None,
        }
    }

    /// Ends a turn: the call was delivered, and what can be claimed for it is durable where it was checked.
    pub(crate) fn delivered(&mut self, kept: Kept) {
        assert!(self.is_busy, "only a call that has its turn is delivered");
        assert!(self.owed() < kept.total, "what is owed grows");
        self.kept = kept;
        self.last = None;
        self.unchecked_count = 0;
        self.is_busy = false;
        if self.trust == Trust::Unknown {
            self.trust = Trust::Shown;
        }
    }

    /// Goes on with a turn: so much of a stream is paid, and what can be claimed for it is durable.
    pub(crate) fn goes_on(&mut self, kept: Kept) {
        self.delivered(kept);
        self.is_busy = true;
    }

    /// Ends a turn: the call was delivered, and its signature was not checked.
    pub(crate) fn delivered_unchecked(&mut self, last: Unchecked<A>) {
        assert!(self.is_busy, "only a call that has its turn is delivered");
        assert!(self.owed() < last.total, "what is owed grows");
        self.last = Some(last);
        self.unchecked_count += 1;
        self.is_busy = false;
    }

    /// Ends a turn: nothing was delivered, and nothing more is owed.
    pub(crate) fn not_delivered(&mut self) {
        self.is_busy = false;
    }

    /// Whether a buyer's last voucher says what is owed, and takes it. Nothing may be under way.
    pub(crate) fn closes(&mut self, total: u128, signature: Signature) -> Result<Kept, u128> {
        if self.is_busy || (total != self.owed() && total != self.kept.total) {
            return Err(self.owed());
        }
        if total != self.kept.total {
            self.kept = Kept { total, signature: Some(signature), request: None };
        }
        self.lose_unchecked();
        Ok(self.kept.clone())
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.is_busy
    }

    fn lose_unchecked(&mut self) {
        if self.last.take().is_some() {
            self.trust = Trust::Lost;
        }
        self.unchecked_count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Vouchers shown to one channel with a deposit of 100, and what each gets. A row is the sum, the price, the
    /// request, whether it is signed, and whether the call is then delivered.
    struct Row(u128, u128, &'static str, bool, bool, Verdict<&'static str>);

    fn request(name: &str) -> Fingerprint {
        Fingerprint::parse(format!("sha-256:{}", name.repeat(43))).unwrap()
    }

    fn check(check_every: u32, rows: &[Row]) -> Tally<&'static str> {
        let nothing = Kept { total: 0, signature: None, request: None };
        let mut tally = Tally::new(100, nothing);
        for (line, Row(total, price, name, signed, delivered, expected)) in rows.iter().enumerate() {
            let request = request(name);
            let shown = Shown { total: *total, price: *price, request: &request };
            let verdict = tally.show(shown, check_every, || *signed);
            assert_eq!(verdict, *expected, "row {line}");
            let Verdict::Serve(how) = verdict else { continue };
            assert_eq!(tally.show(shown, check_every, || true), Verdict::Busy, "row {line}");
            match (delivered, how) {
                (false, _) => tally.not_delivered(),
                (true, Signed::Checked) => tally.delivered(Kept {
                    total: *total,
                    signature: Some(Signature([1; 64])),
                    request: Some(request),
                }),
                (true, Signed::Unchecked) => tally.delivered_unchecked(Unchecked {
                    total: *total,
                    request,
                    answer: (*name != "l").then_some("kept"),
                }),
            }
        }
        tally
    }

    use Verdict::{Again, AgainAndGone, AgainFromDisk, Exhausted, Forged, Needs, Serve};

    #[test]
    fn a_sum_is_good_for_one_delivery() {
        let tally = check(
            1,
            &[
                Row(0, 10, "a", true, true, Needs(10)),
                Row(9, 10, "a", true, true, Needs(10)),
                Row(11, 10, "a", true, true, Needs(10)),
                Row(20, 10, "a", true, true, Needs(10)),
                Row(10, 10, "a", false, true, Forged),
                Row(11, 10, "a", false, true, Forged),
                Row(10, 10, "a", true, true, Serve(Signed::Checked)),
                Row(10, 10, "a", true, true, AgainFromDisk),
                Row(10, 10, "a", false, true, Forged),
                Row(10, 10, "b", true, true, Needs(20)),
                Row(13, 3, "b", true, true, Serve(Signed::Checked)),
                Row(10, 10, "a", true, true, Needs(23)),
                Row(13, 3, "b", true, true, AgainFromDisk),
            ],
        );
        assert_eq!((tally.owed(), tally.kept().total), (13, 13));
    }

    #[test]
    fn what_was_not_delivered_is_not_owed() {
        let tally = check(
            1,
            &[
                Row(10, 10, "a", true, false, Serve(Signed::Checked)),
                Row(20, 10, "b", true, true, Needs(10)),
                Row(10, 10, "a", true, false, Serve(Signed::Checked)),
                Row(10, 10, "b", true, true, Serve(Signed::Checked)),
                Row(10, 10, "a", true, true, Needs(20)),
            ],
        );
        assert_eq!(tally.owed(), 10);
    }

    #[test]
    fn no_call_comes_to_more_than_was_set_aside() {
        check(
            1,
            &[
                Row(101, 101, "a", true, true, Exhausted(100)),
                Row(100, 100, "a", true, true, Serve(Signed::Checked)),
                Row(101, 1, "b", true, true, Exhausted(100)),
                Row(101, 1, "b", false, true, Forged),
                Row(100, 100, "a", true, true, AgainFromDisk),
                Row(u128::MAX, u128::MAX, "b", true, true, Exhausted(100)),
            ],
        );
    }

    #[test]
    fn checking_every_third_risks_two() {
        let tally = check(
            3,
            &[
                // The first is always checked.
                Row(10, 10, "a", false, true, Forged),
                Row(10, 10, "a", true, true, Serve(Signed::Checked)),
                Row(20, 10, "b", false, true, Serve(Signed::Unchecked)),
                Row(20, 10, "b", true, true, Again("kept")),
                Row(30, 10, "l", false, true, Serve(Signed::Unchecked)),
                Row(30, 10, "l", true, true, AgainAndGone),
                Row(40, 10, "c", false, true, Forged),
                // What was never signed for is lost, and nothing is delivered on trust again.
                Row(20, 10, "b", false, true, Forged),
                Row(20, 10, "b", true, true, Serve(Signed::Checked)),
                Row(30, 10, "c", false, true, Forged),
                Row(30, 10, "c", true, true, Serve(Signed::Checked)),
            ],
        );
        assert_eq!((tally.owed(), tally.kept().total), (30, 30));
    }

    #[test]
    fn a_stranger_s_calls_are_not_the_buyer_s() {
        let tally = check(
            5,
            &[
                Row(10, 10, "a", true, true, Serve(Signed::Checked)),
                Row(20, 10, "s", false, true, Serve(Signed::Unchecked)),
                Row(30, 10, "s", false, true, Serve(Signed::Unchecked)),
                // The buyer, who knows of one call only.
                Row(20, 10, "b", true, true, Serve(Signed::Checked)),
                Row(30, 10, "s", false, true, Forged),
            ],
        );
        assert_eq!((tally.owed(), tally.kept().total), (20, 20));
    }

    #[test]
    fn closing_takes_what_is_owed_and_no_more() {
        let signature = Signature([2; 64]);
        let mut none = check(1, &[]);
        assert_eq!(none.closes(1, signature), Err(0));
        assert_eq!(none.closes(0, signature).map(|kept| kept.total), Ok(0));
        let rows = [
            Row(10, 10, "a", true, true, Serve(Signed::Checked)),
            Row(20, 10, "b", false, true, Serve(Signed::Unchecked)),
        ];
        for (total, expected) in [(0, Err(20)), (10, Ok(10)), (15, Err(20)), (20, Ok(20)), (21, Err(20))] {
            let mut tally = check(3, &rows);
            assert_eq!(tally.closes(total, signature).map(|kept| kept.total), expected, "{total}");
        }
    }
}
