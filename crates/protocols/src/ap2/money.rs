//! Amounts of AP2: whole smallest units of an ISO 4217 currency; a budget alone is written in whole units.

use crate::a402::Misshapen;
use crate::limits::AP2_AMOUNT_MINOR_MAX;
use serde_json::{Number, Value};

/// A currency by its three letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Iso4217([u8; 3]);

/// The currencies in use that are not divided into hundredths, by decimals.
const NOT_HUNDREDTHS: &[(u8, &str)] = &[
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
    (4, "CLF UYW"),
];

/// The currencies in use that are.
const HUNDREDTHS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BRL BSD BTN BWP BYN BZD \
    CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD \
    HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU \
    MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK \
    SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XCD XCG \
    YER ZAR ZMW ZWG";

impl Iso4217 {
    /// Three capital letters; whether anybody uses them is only asked where decimals matter.
    ///
    /// # Errors
    /// [`Misshapen`].
    pub fn parse(text: impl AsRef<str>) -> Result<Iso4217, Misshapen> {
        let text = text.as_ref();
        let letters = <[u8; 3]>::try_from(text.as_bytes()).ok();
        let letters = letters.filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        letters.map(Iso4217).ok_or_else(|| Misshapen::new(text, "a currency of three capital letters"))
    }

    pub fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("three letters")
    }

    /// How many decimals its smallest unit has; nothing for a currency that is not in use.
    pub fn exponent(&self) -> Option<u8> {
        let listed = |codes: &str| codes.split_ascii_whitespace().any(|code| code == self.as_str());
        let other = NOT_HUNDREDTHS.iter().find(|(_, codes)| listed(codes)).map(|(decimals, _)| *decimals);
        other.or_else(|| listed(HUNDREDTHS).then_some(2))
    }
}

/// An amount of a currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// In the smallest unit.
    pub amount_minor: u64,
    pub currency: Iso4217,
}

/// A budget that was written in whole units, in the smallest: `19.99` dollars are 1999 cents, and 0.5 yen are nothing
/// anybody can spend.
pub(super) fn budget_minor(max: &Number, currency: Iso4217) -> Option<u64> {
    let decimals = usize::from(currency.exponent()?);
    // The shortest decimal that reads as this number: what was written, and never a neighbour of it.
    let text = match max.as_u64() {
        Some(whole) => whole.to_string(),
        None => format!("{}", max.as_f64()?),
    };
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    if decimals < fraction.len() {
        return None;
    }
    let minor: u64 = format!("{whole}{fraction:0<decimals$}").parse().ok()?;
    (minor <= AP2_AMOUNT_MINOR_MAX).then_some(minor)
}

/// The number that stands for so many smallest units in a budget.
pub(super) fn budget_major(minor: u64, currency: Iso4217) -> Option<Value> {
    let decimals = usize::from(currency.exponent()?);
    let digits = format!("{minor:0>width$}", width = decimals.saturating_add(1));
    let (whole, fraction) = digits.split_at(digits.len().saturating_sub(decimals));
    let text = if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") };
    let number: Number = serde_json::from_str(&text).ok()?;
    // A large amount of a finely divided currency may be none that a double can say.
    (budget_minor(&number, currency) == Some(minor)).then_some(Value::Number(number))
}

#[cfg(test)]
mod tests {
    use super::{Iso4217, budget_major, budget_minor};
    use proptest::prelude::*;
    use serde_json::Number;

    fn check(text: &str, currency: &str, minor: Option<u64>) {
        let number: Number = serde_json::from_str(text).unwrap();
        assert_eq!(budget_minor(&number, Iso4217::parse(currency).unwrap()), minor, "{text} {currency}");
    }

    #[test]
    fn a_budget_is_what_was_written_to_the_last_unit_or_nothing() {
        check("1000.00", "USD", Some(100_000));
        check("19.99", "USD", Some(1_999));
        check("1.15", "USD", Some(115));
        check("0.29", "EUR", Some(29));
        check("0", "EUR", Some(0));
        check("1.005", "USD", None);
        check("500", "JPY", Some(500));
        check("500.0", "JPY", Some(500));
        check("0.5", "JPY", None);
        check("1.005", "KWD", Some(1_005));
        check("1.0005", "KWD", None);
        check("-1", "USD", None);
        check("-0.01", "USD", None);
        check("1e3", "USD", Some(100_000));
        check("1e300", "USD", None);
        check("90071992547409.92", "USD", None);
        check("1", "XXX", None);
        check("1", "AAA", None);
    }

    #[test]
    fn a_currency_has_three_capital_letters() {
        for text in ["usd", "US", "USDC", "US1", "", "ÜS"] {
            assert!(Iso4217::parse(text).is_err(), "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn a_budget_comes_back_as_it_went(minor in 0u64..=1 << 40, currency in prop::sample::select(vec!["USD", "JPY", "KWD"])) {
            let currency = Iso4217::parse(currency).unwrap();
            let major = budget_major(minor, currency).unwrap();
            prop_assert_eq!(budget_minor(major.as_number().unwrap(), currency), Some(minor));
        }
    }
}
