//! Money as text: an amount in smallest units and the asset it is in, each with exactly one spelling.

use crate::limits::{AMOUNT_CHARS_MAX, AMOUNT_MAX, ASSET_SCALE_MAX, CODE_BYTES_MAX};
use serde::de::{Deserialize, Deserializer, Error, Visitor};
use serde::ser::{Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An amount in the smallest unit of its asset, spelled in decimal without sign, leading zero, point or exponent.
///
/// From 0 to [`AMOUNT_MAX`]. In JSON it is a string; a number is refused, since readers differ on what it means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AmountText(u128);

/// An asset as it is registered: its code and the decimals of its smallest unit, such as `CNY/2`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AssetText {
    code: [u8; CODE_BYTES_MAX],
    code_bytes: u8,
    scale: u8,
}

/// An amount of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(deny_unknown_fields)]
pub struct Money {
    /// How much, in the smallest unit of the asset.
    pub amount: AmountText,
    /// Of what.
    pub asset: AssetText,
}

/// The text is not a canonical amount, or not an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotMoney(&'static str);

impl fmt::Display for NotMoney {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for NotMoney {}

const NOT_AN_AMOUNT: NotMoney =
    NotMoney("an amount is a string of digits: smallest units without sign, leading zero, point or exponent");
const NOT_AN_ASSET: NotMoney = NotMoney("an asset is its code, a slash and its decimals, like `CNY/2`");

impl AmountText {
    /// `minor` smallest units, or `None` above [`AMOUNT_MAX`].
    pub const fn new(minor: u128) -> Option<AmountText> {
        if AMOUNT_MAX < minor { None } else { Some(AmountText(minor)) }
    }

    /// The number of smallest units.
    pub const fn minor(self) -> u128 {
        self.0
    }
}

impl FromStr for AmountText {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<AmountText, NotMoney> {
        let leading_zero = 1 < text.len() && text.starts_with('0');
        if text.is_empty() || AMOUNT_CHARS_MAX < text.len() || leading_zero {
            return Err(NOT_AN_AMOUNT);
        }
        let mut minor = 0u128;
        for byte in text.bytes() {
            if !byte.is_ascii_digit() {
                return Err(NOT_AN_AMOUNT);
            }
            minor = minor * 10 + u128::from(byte - b'0'); // 31 digits fit
        }
        AmountText::new(minor).ok_or(NOT_AN_AMOUNT)
    }
}

impl fmt::Display for AmountText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl AssetText {
    /// The asset with this code and scale, or `None` where either is not one.
    pub fn new(code: &str, scale: u8) -> Option<AssetText> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if code.is_empty()
            || CODE_BYTES_MAX < code.len()
            || ASSET_SCALE_MAX < scale
            || !code.bytes().all(allowed)
        {
            return None;
        }
        let mut bytes = [0; CODE_BYTES_MAX];
        for (place, byte) in bytes.iter_mut().zip(code.bytes()) {
            *place = byte;
        }
        let code_bytes = u8::try_from(code.len()).expect("16 fits");
        Some(AssetText { code: bytes, code_bytes, scale })
    }

    /// The code, such as `CNY`.
    pub fn code(&self) -> &str {
        let bytes = self.code.get(..usize::from(self.code_bytes)).expect("the length is of the code");
        std::str::from_utf8(bytes).expect("the alphabet is ASCII")
    }

    /// The decimals of the smallest unit.
    pub fn scale(&self) -> u8 {
        self.scale
    }
}

impl FromStr for AssetText {
    type Err = NotMoney;

    fn from_str(text: &str) -> Result<AssetText, NotMoney> {
        let (code, scale_text) = text.split_once('/').ok_or(NOT_AN_ASSET)?;
        let scale: u8 = scale_text.parse().map_err(|_| NOT_AN_ASSET)?;
        if scale.to_string() != scale_text {
            return Err(NOT_AN_ASSET);
        }
        AssetText::new(code, scale).ok_or(NOT_AN_ASSET)
    }
}

impl fmt::Display for AssetText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code(), self.scale)
    }
}

impl fmt::Debug for AssetText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl Money {
    /// The money as people read it: `12.50 CNY`.
    pub fn in_words(&self) -> String {
        format!("{} {}", self.decimal(), self.asset.code())
    }

    /// The amount in whole units, with all decimals that the asset has: `12.50`.
    pub fn decimal(&self) -> String {
        let scale = usize::from(self.asset.scale);
        let digits = format!("{:0>width$}", self.amount.0, width = scale + 1);
        let (whole, decimals) = digits.split_at(digits.len() - scale);
        if decimals.is_empty() { whole.to_owned() } else { format!("{whole}.{decimals}") }
    }
}

struct TextOf<T>(std::marker::PhantomData<T>, &'static str);

impl<T: FromStr<Err: fmt::Display>> Visitor<'_> for TextOf<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.1)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        text.parse().map_err(E::custom)
    }
}

/// Reads a string that has one spelling.
pub(crate) fn read_text<'de, T, D>(deserializer: D, what: &'static str) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    deserializer.deserialize_str(TextOf(std::marker::PhantomData, what))
}

impl<'de> Deserialize<'de> for AmountText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "an amount as a string of digits")
    }
}

impl Serialize for AmountText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AssetText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_text(deserializer, "an asset like `CNY/2`")
    }
}

impl Serialize for AssetText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(feature = "schema")]
mod schema {
    use crate::id::text_schema;
    text_schema!(
        super::AmountText,
        "^(0|[1-9][0-9]{0,29}|10{30})$",
        "1250",
        "An amount in smallest units, canonical."
    );
    text_schema!(
        super::AssetText,
        "^[A-Za-z0-9_.-]{1,16}/([0-9]|1[0-8])$",
        "CNY/2",
        "An asset and its decimals."
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    // LE-06: JSON number tricks. Only the canonical spelling is an amount.
    #[test]
    fn an_amount_has_one_spelling() {
        for (json, minor) in [
            (r#""0""#, Some(0)),
            (r#""1""#, Some(1)),
            (r#""1250""#, Some(1250)),
            (r#""\u0031""#, Some(1)),
            (r#""1000000000000000000000000000000""#, Some(AMOUNT_MAX)),
            (r#""999999999999999999999999999999""#, Some(AMOUNT_MAX - 1)),
            (r#""1000000000000000000000000000001""#, None),
            (r#""9999999999999999999999999999999""#, None),
            (r#""10000000000000000000000000000000""#, None),
            (r#""340282366920938463463374607431768211456""#, None),
            ("1", None),
            ("0", None),
            ("-1", None),
            ("1.0", None),
            ("1e2", None),
            ("1E-7", None),
            ("0.1", None),
            ("null", None),
            ("true", None),
            ("[1]", None),
            (r#"["1"]"#, None),
            (r#"{"amount":"1"}"#, None),
            (r#""""#, None),
            (r#"" ""#, None),
            (r#""1 ""#, None),
            (r#"" 1""#, None),
            (r#""1\n""#, None),
            (r#""+1""#, None),
            (r#""-1""#, None),
            (r#""-0""#, None),
            (r#""00""#, None),
            (r#""01""#, None),
            (r#""1.0""#, None),
            (r#""1.""#, None),
            (r#"".1""#, None),
            (r#""1e2""#, None),
            (r#""1E2""#, None),
            (r#""0x10""#, None),
            (r#""1_000""#, None),
            (r#""1,000""#, None),
            (r#""1'000""#, None),
            (r#""NaN""#, None),
            (r#""Infinity""#, None),
            (r#""\u0661""#, None),
            (r#""\uff11""#, None),
            (r#""\u00b9""#, None),
            (r#""1\u0000""#, None),
            (r#""1\u200b""#, None),
        ] {
            let found = serde_json::from_str::<AmountText>(json).ok().map(AmountText::minor);
            assert_eq!(found, minor, "{json}");
        }
    }

    #[test]
    fn an_asset_has_one_spelling() {
        for (text, is_one) in [
            ("CNY/2", true),
            ("USDC/6", true),
            ("a/0", true),
            ("X/18", true),
            ("X/19", false),
            ("CNY", false),
            ("CNY/", false),
            ("/2", false),
            ("CNY/02", false),
            ("CNY/+2", false),
            ("CNY/2 ", false),
            ("CNY/2/2", false),
            ("C Y/2", false),
            ("ABCDEFGHIJKLMNOPQ/2", false),
        ] {
            assert_eq!(
                text.parse::<AssetText>().map(|asset| asset.to_string()).ok().as_deref() == Some(text),
                is_one,
                "{text}"
            );
        }
    }

    #[test]
    fn people_read_money_with_its_decimals() {
        for (minor, asset, words) in [
            (1250, "CNY/2", "12.50 CNY"),
            (5, "CNY/2", "0.05 CNY"),
            (0, "USDC/6", "0.000000 USDC"),
            (7, "JPY/0", "7 JPY"),
        ] {
            let money = Money { amount: AmountText::new(minor).unwrap(), asset: asset.parse().unwrap() };
            assert_eq!(money.in_words(), words);
        }
    }

    #[test]
    fn a_member_comes_once_and_is_known() {
        let read = |json: &str| serde_json::from_str::<Money>(json).is_ok();
        assert!(read(r#"{"amount":"1","asset":"CNY/2"}"#));
        assert!(!read(r#"{"amount":"1","amount":"1","asset":"CNY/2"}"#));
        assert!(!read(r#"{"amount":"1","asset":"CNY/2","scale":2}"#));
        assert!(!read(r#"{"amount":"1"}"#));
        assert!(!read(r#"{"amount":"1","asset":"CNY/2"} {}"#));
    }
}
