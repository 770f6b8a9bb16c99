//! Currencies: the codes and decimals we know, and which of them a word may stand for.

use crate::decimal::Decimal;
use crate::sense::CurrencyWord;
use std::fmt;

/// A currency by its ISO 4217 code, or a token by its symbol, and the decimals of its smallest unit.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Currency {
    code: &'static str,
    scale: u8,
}

impl Currency {
    /// The currency with this code, such as `CNY`, or `None`.
    pub fn new(code: &str) -> Option<Currency> {
        let row = TABLE.iter().find(|row| row.0 == code);
        row.map(|(code, scale)| Currency { code, scale: *scale })
    }

    /// The code.
    pub fn code(self) -> &'static str {
        self.code
    }

    /// How many decimals its smallest unit has.
    pub fn scale(self) -> u8 {
        self.scale
    }

    /// An amount as people write it: `¥1,234.50`, `$0.99`, `20.00 EUR`.
    pub fn written(self, amount: Decimal) -> String {
        let (sign, unit) = match self.code {
            "CNY" => ("¥", String::new()),
            "USD" => ("$", String::new()),
            code => ("", format!(" {code}")),
        };
        format!("{sign}{}{unit}", amount.grouped(self.scale))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

const TABLE: &[(&str, u8)] = &[
    ("CNY", 2),
    ("USD", 2),
    ("EUR", 2),
    ("GBP", 2),
    ("HKD", 2),
    ("TWD", 2),
    ("JPY", 0),
    ("KRW", 0),
    ("CAD", 2),
    ("AUD", 2),
    ("NZD", 2),
    ("SGD", 2),
    ("CHF", 2),
    ("INR", 2),
    ("MOP", 2),
    ("USDC", 6),
    ("USDT", 6),
];

const DOLLARS: &[&str] = &["USD", "CAD", "HKD", "AUD", "SGD", "NZD", "TWD"];
const YUANS: &[&str] = &["CNY", "HKD", "TWD", "MOP", "JPY", "USD"];

impl CurrencyWord {
    /// The currencies the word may stand for, likeliest first, in a wallet of `default`.
    ///
    /// A word that is shared settles on a currency only where that is the wallet's own and the first that anybody
    /// thinks of: `$` in a wallet of USD, `元` in a wallet of CNY. `$` in a wallet of CAD may be either.
    pub(crate) fn candidates(self, default: Currency) -> Vec<Currency> {
        let of =
            |codes: &[&str]| codes.iter().filter_map(|code| Currency::new(code)).collect::<Vec<Currency>>();
        let plain = |codes: &[&str], settles: &[&str]| {
            if settles.contains(&default.code) {
                return vec![default];
            }
            let mut all = of(codes);
            // The wallet's own comes first among the suggestions.
            all.sort_by_key(|currency| *currency != default);
            all
        };
        match self {
            CurrencyWord::Code(code) => of(&[code]),
            CurrencyWord::Dollar => plain(DOLLARS, &["USD"]),
            CurrencyWord::Yuan | CurrencyWord::Jiao | CurrencyWord::Fen => plain(YUANS, &["CNY"]),
            CurrencyWord::YuanOrYen => plain(&["CNY", "JPY"], &["CNY", "JPY"]),
            CurrencyWord::Cent => plain(&["USD", "EUR", "CAD", "HKD", "AUD", "SGD"], &["USD", "EUR"]),
        }
    }

    /// How many decimals the word's unit lies below the currency's own.
    pub(crate) fn decimals(self) -> u8 {
        match self {
            CurrencyWord::Code(_) | CurrencyWord::Dollar | CurrencyWord::Yuan | CurrencyWord::YuanOrYen => 0,
            CurrencyWord::Jiao => 1,
            CurrencyWord::Fen | CurrencyWord::Cent => 2,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_word_settles_only_in_the_wallet_it_is_at_home_in() {
        for (word, wallet, settled) in [
            (CurrencyWord::Dollar, "USD", Some("USD")),
            (CurrencyWord::Dollar, "CAD", None),
            (CurrencyWord::Dollar, "CNY", None),
            (CurrencyWord::Yuan, "CNY", Some("CNY")),
            (CurrencyWord::Yuan, "HKD", None),
            (CurrencyWord::YuanOrYen, "JPY", Some("JPY")),
            (CurrencyWord::YuanOrYen, "USD", None),
            (CurrencyWord::Cent, "EUR", Some("EUR")),
            (CurrencyWord::Code("EUR"), "CNY", Some("EUR")),
        ] {
            let found = word.candidates(Currency::new(wallet).unwrap());
            let only = (found.len() == 1).then(|| found.first().unwrap().code());
            assert_eq!(only, settled, "{word:?} {wallet}");
        }
    }
}
