//! Exact money in words: billionths of a smallest unit as a decimal of the currency.

use protocols::a402::wallet::AssetText;

/// An exact cost, like `0.047892 CNY`.
pub fn in_words(nanos: u128, asset: &AssetText) -> String {
    format!("{} {}", decimal(nanos, asset.scale()), asset.code())
}

fn decimal(nanos: u128, scale: u8) -> String {
    let places = usize::from(scale) + 9;
    let digits = format!("{nanos:0>width$}", width = places + 1);
    let (whole, fraction) = digits.split_at(digits.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_money_is_written_to_its_last_digit_and_no_further() {
        let rows = [
            (0, 2, "0"),
            (1, 2, "0.00000000001"),
            (4_789_200_000, 2, "0.047892"),
            (100_000_000_000, 2, "1"),
            (123_450_000_000_000, 2, "1234.5"),
            (7_000_000_000, 0, "7"),
        ];
        for (nanos, scale, expected) in rows {
            assert_eq!(decimal(nanos, scale), expected);
        }
    }
}
