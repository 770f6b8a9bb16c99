//! What a seller chooses about vouchers: the section `[vouchers]`, and the price of a call by voucher.

use crate::config::{ConfigFault, Lines, within};
use crate::limits::{
    CLAIM_SECONDS_DEFAULT, CLAIM_SECONDS_MAX, TARIFF_MOST_MINOR_MAX, VOUCHER_CHECK_EVERY_MAX,
    VOUCHER_DEPOSIT_CALLS,
};
use crate::pricing::{amount, rate};
use protocols::NANOS;
use protocols::a402::wallet::AssetText;
use protocols::voucher::Offer;
use serde::Deserialize;
use std::time::Duration;
use toml::Spanned;

/// How a seller takes vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VoucherTerms {
    /// Every which voucher's signature is checked, and kept on disk: 1 for all. What was delivered since is the seller's risk.
    pub check_every: u32,
    /// How often what is owed is claimed.
    pub claim_every: Duration,
    /// The smallest channel that is taken, in the asset's smallest unit; none for any.
    pub deposit_minor: Option<u128>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct VouchersSection {
    check_every: Option<Spanned<u32>>,
    claim_seconds: Option<Spanned<u32>>,
    deposit: Option<Spanned<String>>,
}

impl Lines<'_> {
    pub(crate) fn vouchers(
        &self,
        section: VouchersSection,
        asset: &AssetText,
    ) -> Result<VoucherTerms, ConfigFault> {
        let check_every = match section.check_every {
            Some(every) => {
                self.value(every, |every| within("check_every", every, 1, VOUCHER_CHECK_EVERY_MAX))?
            }
            None => 1,
        };
        let seconds = match section.claim_seconds {
            Some(seconds) => {
                self.value(seconds, |seconds| within("claim_seconds", seconds, 1, CLAIM_SECONDS_MAX))?
            }
            None => CLAIM_SECONDS_DEFAULT,
        };
        let deposit_minor = match section.deposit {
            Some(text) => Some(self.value(text, |text| {
                let deposit = amount(&text, asset)?;
                deposit.minor(asset.scale()).ok_or_else(|| format!("amount `{text}` does not fit"))
            })?),
            None => None,
        };
        Ok(VoucherTerms { check_every, claim_every: Duration::from_secs(seconds.into()), deposit_minor })
    }

    /// The price of a call by voucher, in billionths.
    pub(crate) fn by_voucher(&self, text: Spanned<String>, asset: &AssetText) -> Result<u128, ConfigFault> {
        self.value(text, |text| match rate(&text, asset)? {
            0 => Err(format!("amount `{text}` is nothing; list the route as free")),
            nanos if TARIFF_MOST_MINOR_MAX < nanos / NANOS => Err(format!("amount `{text}` is too much")),
            nanos => Ok(nanos),
        })
    }
}

impl VoucherTerms {
    /// What a bill says about vouchers for a call at this price.
    pub(crate) fn offer(&self, price_nanos: u128, own_prefix: &str) -> Offer {
        let usual = price_nanos.saturating_mul(VOUCHER_DEPOSIT_CALLS).div_ceil(NANOS);
        Offer {
            price_nanos,
            deposit_minor: self.deposit_minor.unwrap_or(usual).max(1),
            at: format!("{own_prefix}/channels"),
        }
    }
}
