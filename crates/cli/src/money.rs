//! Money on the command line: `0.50`, `0.50 CNY` or `0.50 CNY/2`, in the asset of the wallet that is meant.

use crate::exit::{Failure, Outcome};
use wire::money::{AmountText, AssetText, Money};

/// Reads an amount in `asset`.
pub(crate) fn read(text: &str, asset: AssetText) -> Outcome<Money> {
    let (number, named) = match text.trim().split_once(' ') {
        Some((number, named)) => (number, Some(named.trim())),
        None => (text.trim(), None),
    };
    if named.is_some_and(|named| named != asset.code() && named != asset.to_string()) {
        return Err(Failure::usage(format!("`{text}` is not in `{asset}`")));
    }
    let wrong =
        || Failure::usage(format!("`{text}` is not an amount of `{asset}`, such as `0.50 {}`", asset.code()));
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let scale = usize::from(asset.scale());
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(decimals) || scale < decimals.len() {
        return Err(wrong());
    }
    let minor = format!("{whole}{decimals:0<scale$}");
    let amount = minor.parse::<u128>().ok().and_then(AmountText::new);
    Ok(Money { amount: amount.ok_or_else(wrong)?, asset })
}

/// Reads a price that may be finer than the smallest unit of `asset`, in billionths of it.
pub(crate) fn read_nanos(text: &str, asset: AssetText) -> Outcome<u128> {
    let finer = format!("{}/{}", asset.code(), asset.scale().saturating_add(9));
    let number = text.trim().split_once(' ').map_or(text.trim(), |(number, _)| number);
    let wrong = || Failure::usage(format!("`{text}` is not a price like `0.001 {}`", asset.code()));
    if text.trim().split_once(' ').is_some_and(|(_, named)| named.trim() != asset.code()) {
        return Err(wrong());
    }
    let finer: AssetText = finer.parse().map_err(|_| wrong())?;
    read(number, finer).map(|money| money.amount.minor()).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_to_the_billionth() {
        let asset = AssetText::new("CNY", 2).unwrap();
        let rows = [
            ("0.001", Some(100_000_000)),
            ("0.001 CNY", Some(100_000_000)),
            ("1", Some(100_000_000_000)),
            ("0.00000000001", Some(1)),
            ("0.000000000001", None),
            ("0.001 USD", None),
            ("", None),
        ];
        for (text, nanos) in rows {
            assert_eq!(read_nanos(text, asset).ok(), nanos, "{text}");
        }
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let asset = AssetText::new("CNY", 2).unwrap();
        let rows = [
            ("0.50", Some(50)),
            ("0.5", Some(50)),
            ("12", Some(1_200)),
            ("12.34 CNY", Some(1_234)),
            ("12.34 CNY/2", Some(1_234)),
            ("0.005", None),
            ("1.00 USD", None),
            ("1.00 CNY/3", None),
            ("-1", None),
            ("1e3", None),
            (".5", None),
            ("", None),
        ];
        for (text, minor) in rows {
            let read = read(text, asset).ok().map(|money| money.amount.minor());
            assert_eq!(read, minor, "{text}");
        }
    }
}
