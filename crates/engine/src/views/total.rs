//! All money of one asset, added up.

use book::Asset;

/// All money of one asset, and where it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    /// Which asset.
    pub asset: Asset,
    /// Everything that wallets and sub-accounts have, held money included.
    pub wallets: i128,
    /// What of that is held.
    pub held: i128,
    /// Everything that payees have.
    pub payees: i128,
    /// What the fees have.
    pub fees: i128,
    /// What is on its way to sellers' banks.
    pub transit: i128,
    /// What the world has: below zero by everything inside.
    pub world: i128,
}

impl Total {
    /// What all accounts have together: 0, or money was made or lost (I1).
    pub fn sum(&self) -> i128 {
        [self.wallets, self.payees, self.fees, self.transit, self.world]
            .into_iter()
            .fold(0i128, i128::saturating_add)
    }
}
