//! Written prices: decimals of a whole unit of money, read exactly or not at all.

use crate::class::Class;
use crate::limits::PRICE_DIGITS_MAX;
use book::money::NANOS;
use book::{Asset, NanosPerUnit};

/// Why a written price is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RateFault {
    /// No sign, no exponent, no needless zero in front, a digit on both sides of the point.
    #[error("it is not a plain decimal like `2.50`")]
    NotADecimal,
    /// A unit of work would not cost a whole number of billionths of the asset's smallest unit.
    #[error("it is finer than a billionth of the smallest unit for one unit of work")]
    TooFine,
    /// It does not fit.
    #[error("it is too large")]
    TooLarge,
}

/// The price of one unit of `class`, from its written price: yuan for a million tokens, say.
pub(crate) fn read(text: &str, class: Class, asset: Asset) -> Result<NanosPerUnit, RateFault> {
    let (whole, fraction) = match text.split_once('.') {
        Some((whole, fraction)) if !fraction.is_empty() => (whole, fraction),
        Some(_) => return Err(RateFault::NotADecimal),
        None => (text, ""),
    };
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let is_canonical = whole == "0" || !whole.starts_with('0');
    if whole.is_empty() || !digits(whole) || !digits(fraction) || !is_canonical {
        return Err(RateFault::NotADecimal);
    }
    if PRICE_DIGITS_MAX < whole.len() || PRICE_DIGITS_MAX < fraction.len() {
        return Err(RateFault::TooLarge);
    }
    let number: u128 = format!("{whole}{fraction}").parse().map_err(|_| RateFault::TooLarge)?;
    let exponent = |places: usize| u32::try_from(places).ok().and_then(|places| 10u128.checked_pow(places));
    // number ÷ 10^fraction whole units × 10^scale smallest units × 10^9 billionths ÷ units.
    let scale = exponent(usize::from(asset.scale)).ok_or(RateFault::TooLarge)?;
    let nanos = number.checked_mul(scale).and_then(|minor| minor.checked_mul(NANOS));
    let nanos = nanos.ok_or(RateFault::TooLarge)?;
    let parts = exponent(fraction.len()).and_then(|parts| parts.checked_mul(u128::from(class.priced_per())));
    let parts = parts.ok_or(RateFault::TooLarge)?;
    if !nanos.is_multiple_of(parts) {
        return Err(RateFault::TooFine);
    }
    let rate = nanos.checked_div(parts).expect("a power of ten is not zero");
    u64::try_from(rate).map(NanosPerUnit).map_err(|_| RateFault::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::Code;

    #[test]
    fn prices_are_read_exactly_or_not_at_all() {
        let asset = |code, scale| Asset::new(Code::new(code).unwrap(), scale).unwrap();
        let (yuan, dollar, coin) = (asset("CNY", 2), asset("USD", 2), asset("USDC", 6));
        let rows = [
            // 200 fen for a million tokens: 0.0002 fen for one.
            ("2", Class::Input, yuan, Ok(200_000)),
            ("2.00", Class::Input, yuan, Ok(200_000)),
            ("0.075", Class::CachedInput, dollar, Ok(7_500)),
            ("0.00001", Class::Input, yuan, Ok(1)),
            ("0.000001", Class::Input, yuan, Err(RateFault::TooFine)),
            ("0.000001", Class::Input, coin, Ok(1_000)),
            ("0.01", Class::Call, yuan, Ok(1_000_000_000)),
            ("0", Class::Output, yuan, Ok(0)),
            ("00.5", Class::Output, yuan, Err(RateFault::NotADecimal)),
            (".5", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("5.", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("-1", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("1e3", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("１", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("", Class::Output, yuan, Err(RateFault::NotADecimal)),
            ("999999999999999999", Class::Call, yuan, Err(RateFault::TooLarge)),
            ("1234567890123456789", Class::Output, yuan, Err(RateFault::TooLarge)),
        ];
        for (text, class, asset, expected) in rows {
            assert_eq!(read(text, class, asset).map(|rate| rate.0), expected, "`{text}` {class:?}");
        }
    }
}
