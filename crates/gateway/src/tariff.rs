//! What an answer costs: so much for the call, or so much for each unit that is found in the answer.
//!
//! All arithmetic is exact: units and rates are counted in billionths, tiers are added up, and the sum is rounded
//! once, half up, in [`Metered::cost`]. Whatever cannot be read costs the least, and says so.

use crate::limits::{TARIFF_POINTER_DEPTH_MAX, TARIFF_UNITS_MAX};
use http::HeaderMap;
use http::header::HeaderName;
// Units and rates have nine decimals, like sums.
use protocols::NANOS;
use serde_json::value::RawValue;
use std::collections::HashMap;

/// How the price of a route is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tariff {
    /// It is what the bill says.
    PerCall,
    /// It depends on the answer; the bill says the most it can be.
    PerUnit(Metered),
}

/// Where the units of an answer are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measure {
    /// At a place in the JSON of the body (RFC 6901), its parts decoded.
    Json(Vec<String>),
    /// In a header.
    Header(HeaderName),
    /// The bytes of the body.
    Bytes,
}

/// The units up to a number, and what each of them costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tier {
    /// The last unit at this rate; none for the last tier.
    pub up_to: Option<u64>,
    /// The price of [`Metered::every`] units, in billionths of the asset's smallest unit.
    pub rate_nanos: u128,
}

/// A price for units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metered {
    /// Where they are counted.
    pub measure: Measure,
    /// What they cost: each tier for its own units, and nothing for those before it.
    pub tiers: Vec<Tier>,
    /// How many units a rate is for.
    pub every: u64,
    /// The least that a delivered answer costs, in the asset's smallest unit.
    pub least_minor: u128,
    /// The most, which is what the bill asks.
    pub most_minor: u128,
}

/// A number of units, in billionths; never negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Units(u128);

/// What one answer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// In the asset's smallest unit.
    pub minor: u128,
    /// How many units were found; none where there was nothing to count.
    pub units: Option<Units>,
}

impl Measure {
    /// Reads a JSON pointer.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn json(pointer: &str) -> Result<Measure, String> {
        let wrong = || {
            format!(
                "`{pointer}` is not a JSON pointer like `/usage/pages`, of at most {TARIFF_POINTER_DEPTH_MAX} parts"
            )
        };
        let rest = pointer.strip_prefix('/').ok_or_else(wrong)?;
        let parts: Vec<String> =
            rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect();
        if TARIFF_POINTER_DEPTH_MAX < parts.len() {
            return Err(wrong());
        }
        Ok(Measure::Json(parts))
    }

    /// Counts the units of an answer. None where the field is missing, or is no number that can be a count.
    pub fn count(&self, headers: &HeaderMap, body: &[u8]) -> Option<Units> {
        match self {
            Measure::Bytes => Some(Units::whole(u64::try_from(body.len()).ok()?)),
            Measure::Header(name) => {
                let mut values = headers.get_all(name).iter();
                match (values.next(), values.next()) {
                    (Some(value), None) => Units::parse(value.to_str().ok()?.trim()),
                    (None | Some(_), _) => None,
                }
            }
            Measure::Json(parts) => Units::parse(pointed_at(body, parts)?),
        }
    }
}

/// The text of the value at a place, letter by letter: no float comes between the answer and the bill.
fn pointed_at<'a>(body: &'a [u8], parts: &[String]) -> Option<&'a str> {
    let mut here: &RawValue = serde_json::from_slice(body).ok()?;
    for part in parts {
        here = if here.get().trim_start().starts_with('[') {
            let items: Vec<&RawValue> = serde_json::from_str(here.get()).ok()?;
            let index: usize = part.parse().ok()?;
            items.get(index).copied()?
        } else {
            let mut members: HashMap<String, &RawValue> = serde_json::from_str(here.get()).ok()?;
            members.remove(part)?
        };
    }
    Some(here.get().trim())
}

impl Units {
    /// So many whole units, and never more than [`TARIFF_UNITS_MAX`].
    pub fn whole(units: u64) -> Units {
        Units(u128::from(units.min(TARIFF_UNITS_MAX)) * NANOS)
    }

    /// Reads digits with at most one point between them. Beyond the ninth decimal it is cut off, for the buyer.
    pub fn parse(text: &str) -> Option<Units> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(whole) || !is_digits(decimals) {
            return None;
        }
        let nanos = decimals.bytes().chain(std::iter::repeat(b'0')).take(9);
        let nanos = nanos.fold(0_u128, |sum, digit| sum * 10 + u128::from(digit - b'0'));
        let most = u128::from(TARIFF_UNITS_MAX);
        let whole = whole.bytes().fold(0_u128, |sum, digit| (sum * 10 + u128::from(digit - b'0')).min(most));
        Some(Units((whole * NANOS + nanos).min(most * NANOS)))
    }
}

impl std::fmt::Display for Units {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, nanos) = (self.0 / NANOS, self.0 % NANOS);
        if nanos == 0 {
            return write!(f, "{whole}");
        }
        write!(f, "{whole}.{}", format!("{nanos:09}").trim_end_matches('0'))
    }
}

impl Metered {
    /// What an answer with so many units costs. This is the one place where a fraction of a smallest unit is rounded: half up.
    pub fn cost(&self, units: Option<Units>) -> Cost {
        let Some(Units(counted)) = units else { return Cost { minor: self.least_minor, units } };
        let mut from = 0_u128;
        // Billionths of billionths. What does not fit is far beyond the most.
        let mut sum = Some(0_u128);
        for tier in &self.tiers {
            let to = tier.up_to.map_or(counted, |up_to| counted.min(u128::from(up_to) * NANOS));
            let part = to.saturating_sub(from).checked_mul(tier.rate_nanos);
            sum = sum.zip(part).and_then(|(sum, part)| sum.checked_add(part));
            from = from.max(to);
        }
        let one = NANOS * NANOS * u128::from(self.every);
        let minor = sum.and_then(|sum| sum.checked_add(one / 2)).map_or(self.most_minor, |sum| sum / one);
        Cost { minor: minor.max(self.least_minor).min(self.most_minor), units }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metered(tiers: &[(Option<u64>, u128)], every: u64, least_minor: u128, most_minor: u128) -> Metered {
        let tiers = tiers.iter().map(|&(up_to, rate_nanos)| Tier { up_to, rate_nanos }).collect();
        Metered { measure: Measure::Bytes, tiers, every, least_minor, most_minor }
    }

    #[test]
    fn units_cost_what_their_tiers_say_and_are_rounded_once() {
        const FEN: u128 = NANOS;
        let flat: &[(Option<u64>, u128)] = &[(None, 4 * FEN / 10)];
        let tiers: &[(Option<u64>, u128)] = &[(Some(100), 2 * FEN), (Some(200), FEN), (None, FEN / 4)];
        for (tiers, every, least, most, units, minor) in [
            // 0.4 fen each: 1.2 is 1, 1.6 is 2, and exactly a half goes up.
            (flat, 1, 0, 50, "3", 1),
            (flat, 1, 0, 50, "4", 2),
            (flat, 1, 0, 50, "1.25", 1),
            (flat, 1, 0, 50, "1.249999999", 0),
            (flat, 1, 0, 50, "1.2499999999", 0),
            (flat, 1, 0, 50, "0", 0),
            (flat, 1, 3, 50, "0", 3),
            (flat, 1, 0, 50, "125", 50),
            (flat, 1, 0, 50, "126", 50),
            (flat, 1, 0, 50, "99999999999999999999999999999999999999999999", 50),
            (flat, 1_000, 0, 50, "3749", 1),
            (flat, 1_000, 0, 50, "3750", 2),
            (tiers, 1, 0, 900, "100", 200),
            (tiers, 1, 0, 900, "101", 201),
            (tiers, 1, 0, 900, "200", 300),
            (tiers, 1, 0, 900, "201", 300),
            (tiers, 1, 0, 900, "202", 301),
            (tiers, 1, 0, 900, "204", 301),
        ] {
            let cost = metered(tiers, every, least, most).cost(Units::parse(units));
            assert_eq!(cost.minor, minor, "{units} of {tiers:?} every {every}");
        }
        assert_eq!(metered(flat, 1, 2, 50).cost(None), Cost { minor: 2, units: None });
        let dear = metered(&[(None, u128::MAX)], 1, 0, 7);
        assert_eq!(dear.cost(Units::parse("1000")).minor, 7, "what does not fit costs the most, and no less");
    }

    #[test]
    fn what_is_no_count_is_none() {
        let body = br#"{"usage":{"pages":12,"half":0.5,"text":"12","neg":-1,"exp":1e3,"none":null,"list":[7,[8]],"a/b":3}}"#;
        for (pointer, units) in [
            ("/usage/pages", Some("12")),
            ("/usage/half", Some("0.5")),
            ("/usage/list/0", Some("7")),
            ("/usage/list/1/0", Some("8")),
            ("/usage/a~1b", Some("3")),
            ("/usage/list/2", None),
            ("/usage/text", None),
            ("/usage/neg", None),
            ("/usage/exp", None),
            ("/usage/none", None),
            ("/usage", None),
            ("/usage/missing", None),
            ("/other/pages", None),
        ] {
            let found = Measure::json(pointer).unwrap().count(&HeaderMap::new(), body);
            assert_eq!(found.map(|units| units.to_string()).as_deref(), units, "{pointer}");
        }
        assert_eq!(Measure::json("/a").unwrap().count(&HeaderMap::new(), b"not json"), None);
        assert!(Measure::json("usage").is_err());
        let header = Measure::Header(HeaderName::from_static("x-pages"));
        let mut headers = HeaderMap::new();
        assert_eq!(header.count(&headers, b""), None);
        headers.append("x-pages", "5".parse().unwrap());
        assert_eq!(header.count(&headers, b""), Some(Units::whole(5)));
        headers.append("x-pages", "6".parse().unwrap());
        assert_eq!(header.count(&headers, b""), None, "two counts are none");
        assert_eq!(Measure::Bytes.count(&headers, b"four"), Some(Units::whole(4)));
    }
}
