//! What a transaction pays for gas: enough to be taken, never more than the operator allows.

use crate::limits::REPLACE_RAISE_DIVISOR;

/// What a unit of gas may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    /// Beyond the block's own fee.
    pub(super) tip_wei: u128,
    /// In all.
    pub(super) fee_wei: u128,
}

impl Fees {
    /// Twice what a block asks now, so that it is still enough some blocks later; none where that is dearer than allowed.
    pub(super) fn new(wei_max: u128, base_wei: u128, tip_wei: u128) -> Option<Fees> {
        let now = base_wei.checked_add(tip_wei)?;
        let fee_wei = now.saturating_add(base_wei).min(wei_max);
        (now <= wei_max).then_some(Fees { tip_wei, fee_wei })
    }

    /// What replaces these: both are raised by an eighth at least, or nodes would not take it, and to what is asked now where
    /// that is more. None where the operator does not allow that much, or a block could not take it even so.
    pub(super) fn raised(self, wei_max: u128, base_wei: u128, tip_wei: u128) -> Option<Fees> {
        let raised = |wei: u128| wei.checked_add(wei / REPLACE_RAISE_DIVISOR)?.checked_add(1);
        let least = Fees { tip_wei: raised(self.tip_wei)?, fee_wei: raised(self.fee_wei)? };
        let tip_wei = least.tip_wei.max(tip_wei);
        let enough = base_wei.saturating_mul(2).saturating_add(tip_wei);
        let fee_wei = least.fee_wei.max(enough).min(wei_max);
        let tip_wei = tip_wei.min(fee_wei);
        (least.fee_wei <= fee_wei && least.tip_wei <= tip_wei && base_wei < fee_wei)
            .then_some(Fees { tip_wei, fee_wei })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_paid_for_gas_than_allowed() {
        for (wei_max, base_wei, tip_wei, pays) in [
            (100, 10, 1, Some(21)),
            (100, 49, 2, Some(100)),
            (100, 99, 1, Some(100)),
            (100, 99, 2, None),
            (100, 0, 101, None),
            (100, u128::MAX, 1, None),
            (u128::MAX, u128::MAX - 1, 1, Some(u128::MAX)),
        ] {
            let fees = Fees::new(wei_max, base_wei, tip_wei);
            assert_eq!(fees.map(|fees| fees.fee_wei), pays, "{wei_max} {base_wei} {tip_wei}");
            assert!(fees.is_none_or(|fees| fees.tip_wei == tip_wei));
        }
    }

    #[test]
    fn a_replacement_pays_an_eighth_more_at_least_and_never_more_than_allowed() {
        for (was, wei_max, base_wei, tip_wei, pays) in [
            // What is asked now is more than an eighth more.
            ((1, 20), 1_000, 100, 1, Some((2, 202))),
            ((1, 20), 1_000, 100, 50, Some((50, 250))),
            // It is less, or nothing.
            ((80, 200), 1_000, 7, 1, Some((91, 226))),
            ((0, 0), 1_000, 0, 0, Some((1, 1))),
            // Up to what is allowed, and not beyond.
            ((1, 20), 150, 100, 1, Some((2, 150))),
            ((1, 20), 23, 22, 1, Some((2, 23))),
            ((1, 20), 23, 23, 1, None),
            ((1, 20), 22, 21, 1, None),
            ((1, 100), 100, 7, 1, None),
            ((1, 20), 150, 7, 9_999, Some((150, 150))),
            ((140, 150), 170, 7, 1, Some((158, 170))),
            ((u128::MAX, u128::MAX), u128::MAX, 7, 1, None),
            ((1, 20), u128::MAX, u128::MAX, 1, None),
        ] {
            let fees = Fees { tip_wei: was.0, fee_wei: was.1 }.raised(wei_max, base_wei, tip_wei);
            let pays = pays.map(|(tip_wei, fee_wei)| Fees { tip_wei, fee_wei });
            assert_eq!(fees, pays, "{was:?} {wei_max} {base_wei} {tip_wei}");
        }
    }
}
