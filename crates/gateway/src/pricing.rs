//! What one route costs, and what makes it cost less: prices, free calls and coupons, as the configuration has them.

use crate::acceptance::{TERMS_NAME_BYTES, named};
use crate::config::{ConfigFault, Lines, Seller, within};
use crate::limits::{
    COUPON_CODE_BYTES_MAX, COUPON_COUNT_MAX, FREE_CALLS_MAX, REQUEST_BODY_BYTES_DEFAULT, TARIFF_EVERY_MAX,
    TARIFF_MOST_MINOR_MAX, TARIFF_TIER_COUNT_MAX,
};
use crate::route::Pattern;
use crate::tariff::{Measure, Metered, Tariff, Tier};
use http::HeaderName;
use pricing::{TermText, Terms};
use protocols::Time;
use protocols::a402::wallet::{AssetText, method_version};
use protocols::a402::{AmountText, Currency, DateTime, Identifier, Offer};
use protocols::mpp::session::Unit;
use serde::Deserialize;
use std::ops::Range;
use std::sync::Arc;
use toml::Spanned;

/// What one route costs.
#[derive(Clone, Debug)]
pub struct Price {
    /// In capitals.
    pub method: String,
    /// Which paths.
    pub path: Pattern,
    /// What is asked: the price, or the most it can be.
    pub offer: Offer,
    /// How the price is found.
    pub tariff: Tariff,
    /// The price of a call by voucher, or of an event where answers are streamed, in billionths of the smallest unit; none
    /// where it is not sold so.
    pub by_voucher: Option<u128>,
    /// The price in words.
    pub in_words: String,
    /// Calls that cost nothing.
    pub free_calls: Option<FreeCalls>,
    /// What is sold, for people.
    pub description: String,
    /// What counts as delivery, and what happens otherwise, for people.
    pub delivery: String,
    /// When money goes back, for people.
    pub refund: String,
    /// The kinds of content it takes; none for any.
    pub content_types: Vec<String>,
    /// The longest body, in bytes.
    pub body_bytes_max: usize,
    /// Whether an answer 4xx of the upstream is a delivery.
    pub charge_client_errors: bool,
    /// How answers reach the buyer.
    pub answers: Answers,
    /// What an answer has to be for the whole price.
    pub terms: Option<Arc<Terms>>,
}

/// How answers reach the buyer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answers {
    /// Kept whole before they are passed on; what is longer than is kept is not delivered.
    Kept,
    /// Passed on as they come.
    Streamed,
    /// Passed on as they come where they are events, or longer than what is kept; the others are kept.
    Either,
}

/// Calls that cost a caller nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreeCalls {
    /// How many.
    pub count: u32,
    /// In which time.
    pub per: Period,
}

/// In which time free calls are counted; by the calendar of UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Period {
    /// A day.
    Day,
    /// A month.
    Month,
    /// All time: the calls to try it with.
    Ever,
}

impl Period {
    /// The period in which an instant lies, and that before it, which is over; letters in the order of time.
    pub(crate) fn of(self, now: Time) -> String {
        let date = DateTime::second_of(now);
        let letters = match self {
            Period::Day => "2026-11-22".len(),
            Period::Month => "2026-11".len(),
            Period::Ever => 0,
        };
        date.as_str().get(..letters).unwrap_or_default().to_owned()
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Period::Day => "day",
            Period::Month => "month",
            Period::Ever => "ever",
        }
    }
}

/// What makes a price lower, for whoever knows its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// What is presented.
    pub code: String,
    /// How much it takes off.
    pub off: Off,
    /// How much it may take off in all, in the asset's smallest unit.
    pub budget_minor: u128,
    /// Whether one buyer may use it once only.
    pub once_per_caller: bool,
    /// From when on it does not count.
    pub until: Option<Time>,
}

/// How much a coupon takes off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Off {
    /// So many hundredths of the price; a fraction of a smallest unit is taken off, too.
    Percent(u8),
    /// So much.
    Minor(u128),
}

impl Off {
    /// The part of a price that is not to be paid. The smallest unit always is.
    pub fn of(self, minor: u128) -> u128 {
        let off = match self {
            Off::Percent(percent) => (minor.saturating_mul(percent.into())).div_ceil(100),
            Off::Minor(off) => off,
        };
        off.min(minor.saturating_sub(1))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PriceSection {
    method: Option<Spanned<String>>,
    path: Option<Spanned<String>>,
    tool: Option<Spanned<String>>,
    skill: Option<Spanned<String>>,
    amount: Option<Spanned<String>>,
    by_voucher: Option<Spanned<String>>,
    unit: Option<Spanned<UnitSection>>,
    unit_name: Option<String>,
    rate: Option<Spanned<String>>,
    every: Option<Spanned<u64>>,
    tiers: Option<Spanned<Vec<TierSection>>>,
    at_least: Option<Spanned<String>>,
    at_most: Option<Spanned<String>>,
    free_calls: Option<Spanned<FreeCallsSection>>,
    #[serde(default)]
    description: String,
    #[serde(default)]
    delivery: String,
    #[serde(default)]
    refund: String,
    #[serde(default)]
    content_types: Vec<String>,
    body_bytes_max: Option<Spanned<usize>>,
    #[serde(default)]
    charge_client_errors: bool,
    stream: Option<Spanned<bool>>,
    terms: Option<Vec<TermText>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum UnitSection {
    Json(String),
    Header(String),
    Bytes,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TierSection {
    up_to: Option<Spanned<u64>>,
    rate: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FreeCallsSection {
    count: u32,
    per: Period,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CouponSection {
    code: Spanned<String>,
    percent_off: Option<Spanned<u8>>,
    amount_off: Option<Spanned<String>>,
    budget: Spanned<String>,
    #[serde(default)]
    once_per_caller: bool,
    until: Option<Spanned<String>>,
}

impl PriceSection {
    /// Where it stands in the file.
    pub(crate) fn at(&self) -> Range<usize> {
        self.path.as_ref().or(self.tool.as_ref()).or(self.skill.as_ref()).map_or(0..0, Spanned::span)
    }
}

impl Lines<'_> {
    pub(crate) fn price(&self, section: PriceSection, seller: &Seller) -> Result<Price, ConfigFault> {
        let (method, path) =
            self.place(section.method.clone(), &section.path, [&section.tool, &section.skill])?;
        let method = method.ok_or_else(|| self.fault(path.span(), "a price names its `method`"))?;
        let at = path.span();
        let answers = match section.stream.as_ref().map(|stream| *stream.get_ref()) {
            Some(true) => Answers::Streamed,
            None if section.terms.is_some() => Answers::Kept,
            Some(false) => Answers::Kept,
            None if section.unit.is_some() => Answers::Kept,
            None => Answers::Either,
        };
        if let (Some(stream), true, true) =
            (&section.stream, answers == Answers::Streamed, section.unit.is_some())
        {
            let why = "a price by units is known when the answer has ended; so it cannot be streamed";
            return Err(self.fault(stream.span(), why));
        }
        if let (Some(_), true) = (&section.terms, section.unit.is_some() || section.by_voucher.is_some()) {
            let why = "what is sold on terms has one price for each call, and is not sold by voucher";
            return Err(self.fault(at, why));
        }
        let (tariff, amount, mut in_words) = self.tariff(&section, at.clone(), seller)?;
        let terms = section.terms.clone().map(|texts| self.terms(at.clone(), texts, answers)).transpose()?;
        let by_voucher = match section.by_voucher {
            Some(text) if section.unit.is_some() => {
                let why =
                    "what is sold by voucher has one price for each call, or for each event of a stream";
                return Err(self.fault(text.span(), why));
            }
            Some(text) => {
                let each = if answers == Answers::Streamed { " for each event" } else { "" };
                in_words.push_str(&format!(", or {} by voucher{each}", text.get_ref()));
                Some(self.by_voucher(text, &seller.asset)?)
            }
            None => None,
        };
        let method = self.method(method)?;
        let path = self.value(path, |text| Pattern::parse(&text))?;
        let resource = format!("{method} {}", path.as_str());
        let longest = resource.len() + TERMS_NAME_BYTES + COUPON_PREFIX.len() + COUPON_CODE_BYTES_MAX;
        let too_long = || self.fault(at.clone(), format!("`{resource}` is too long to name what is sold"));
        Identifier::parse("x".repeat(longest)).map_err(|_| too_long())?;
        let sold = terms.as_ref().map_or_else(|| resource.clone(), |terms| named(&resource, terms));
        Ok(Price {
            offer: Offer {
                method_id: seller.network.method_id(),
                method_version: method_version(),
                currency: Currency::parse(seller.asset.code()).expect("the code of an asset is a currency"),
                resource_id: Identifier::parse(sold).map_err(|_| too_long())?,
                seller_unique_id: Identifier::parse(seller.payee.to_string()).expect("30 characters"),
                replay_window_seconds: seller.proof_window_seconds,
                commerce_confirmation: None,
                amount,
            },
            tariff,
            by_voucher,
            in_words,
            free_calls: section.free_calls.map(|calls| self.free_calls(calls)).transpose()?,
            method,
            path,
            description: section.description,
            delivery: section.delivery,
            refund: section.refund,
            content_types: section.content_types.iter().map(|kind| kind.to_ascii_lowercase()).collect(),
            body_bytes_max: self.body_max(section.body_bytes_max, REQUEST_BODY_BYTES_DEFAULT)?,
            charge_client_errors: section.charge_client_errors,
            answers,
            terms,
        })
    }

    /// How the price is found, what is asked, and both in words.
    fn tariff(
        &self,
        section: &PriceSection,
        at: Range<usize>,
        seller: &Seller,
    ) -> Result<(Tariff, AmountText, String), ConfigFault> {
        let asset = &seller.asset;
        let by_units = [
            section.unit_name.is_some(),
            section.rate.is_some(),
            section.every.is_some(),
            section.tiers.is_some(),
            section.at_least.is_some(),
            section.at_most.is_some(),
        ];
        match (&section.amount, &section.unit) {
            (Some(text), None) => {
                if by_units.contains(&true) {
                    return Err(self.fault(at, "a price per call has an `amount`, and nothing about units"));
                }
                let amount = self.value(text.clone(), |text| amount(&text, asset))?;
                let in_words = format!("{amount} {}", asset.code());
                Ok((Tariff::PerCall, amount, in_words))
            }
            (None, Some(unit)) => self.metered(section, unit, at, asset),
            (None, None) => Err(self.fault(at, "a price has an `amount`, or a `unit` with a rate")),
            (Some(_), Some(_)) => Err(self.fault(at, "a price has an `amount` or a `unit`, not both")),
        }
    }

    fn metered(
        &self,
        section: &PriceSection,
        unit: &Spanned<UnitSection>,
        at: Range<usize>,
        asset: &AssetText,
    ) -> Result<(Tariff, AmountText, String), ConfigFault> {
        let measure = match unit.get_ref() {
            UnitSection::Json(pointer) => Measure::json(pointer),
            UnitSection::Header(name) => HeaderName::try_from(name)
                .map(Measure::Header)
                .map_err(|_| format!("`{name}` is not the name of a header")),
            UnitSection::Bytes => Ok(Measure::Bytes),
        };
        let measure = measure.map_err(|why| self.fault(unit.span(), why))?;
        let most = section.at_most.clone().ok_or_else(|| {
            self.fault(at.clone(), "a price by units needs `at_most`: it is what buyers are asked for")
        })?;
        let most_at = most.span();
        let most = self.value(most, |text| amount(&text, asset))?;
        let minor = |amount: &AmountText| amount.minor(asset.scale()).unwrap_or(u128::MAX);
        let most_minor = minor(&most);
        if TARIFF_MOST_MINOR_MAX < most_minor {
            return Err(
                self.fault(most_at, format!("`at_most` is {TARIFF_MOST_MINOR_MAX} smallest units at most"))
            );
        }
        let least_minor = match section.at_least.clone() {
            Some(text) => self.value(text, |text| amount(&text, asset).map(|least| minor(&least)))?,
            None => 0,
        };
        if most_minor < least_minor {
            return Err(self.fault(most_at, "`at_most` is less than `at_least`"));
        }
        let every = match section.every.clone() {
            Some(every) => self.value(every, |every| within("every", every, 1, TARIFF_EVERY_MAX))?,
            None => 1,
        };
        let name = section.unit_name.clone().unwrap_or_else(|| match measure {
            Measure::Bytes => "byte".to_owned(),
            Measure::Json(_) | Measure::Header(_) => "unit".to_owned(),
        });
        let (tiers, rates) = self.tiers(section, at, asset)?;
        let of = if every == 1 { name } else { format!("{every} {name}s") };
        let least = section.at_least.as_ref().map(|least| format!(", at least {}", least.get_ref()));
        let in_words =
            format!("{rates} per {of}{}, at most {most} {}", least.unwrap_or_default(), asset.code());
        Ok((Tariff::PerUnit(Metered { measure, tiers, every, least_minor, most_minor }), most, in_words))
    }

    fn tiers(
        &self,
        section: &PriceSection,
        at: Range<usize>,
        asset: &AssetText,
    ) -> Result<(Vec<Tier>, String), ConfigFault> {
        let rate_of = |text: Spanned<String>| self.value(text, |text| rate(&text, asset));
        let sections = match (&section.rate, &section.tiers) {
            (Some(text), None) => {
                let rate_nanos = rate_of(text.clone())?;
                return Ok((vec![Tier { up_to: None, rate_nanos }], text.get_ref().clone()));
            }
            (None, Some(tiers)) => tiers,
            (Some(_), Some(_)) | (None, None) => {
                return Err(self.fault(at, "a price by units has a `rate` or `tiers`"));
            }
        };
        let mut tiers: Vec<Tier> = Vec::new();
        let mut words = Vec::new();
        let count = sections.get_ref().len();
        if !(1..=TARIFF_TIER_COUNT_MAX).contains(&count) {
            return Err(self.fault(sections.span(), format!("there are 1 to {TARIFF_TIER_COUNT_MAX} tiers")));
        }
        for (index, tier) in sections.get_ref().iter().enumerate() {
            let up_to = tier.up_to.as_ref().map(|up_to| *up_to.get_ref());
            let before = tiers.last().and_then(|tier| tier.up_to).unwrap_or(0);
            match up_to {
                Some(up_to) if up_to <= before => {
                    return Err(self.fault(tier.rate.span(), "each tier goes further than the one before it"));
                }
                None if index + 1 != count => {
                    return Err(self.fault(tier.rate.span(), "only the last tier goes on for ever"));
                }
                Some(_) if index + 1 == count => {
                    return Err(
                        self.fault(tier.rate.span(), "the last tier has no `up_to`: it goes on for ever")
                    );
                }
                Some(_) | None => {}
            }
            words.push(match up_to {
                Some(up_to) => format!("{} up to {up_to}", tier.rate.get_ref()),
                None => tier.rate.get_ref().clone(),
            });
            tiers.push(Tier { up_to, rate_nanos: rate_of(tier.rate.clone())? });
        }
        Ok((tiers, words.join(", then ")))
    }

    fn free_calls(&self, calls: Spanned<FreeCallsSection>) -> Result<FreeCalls, ConfigFault> {
        self.value(calls, |calls| {
            let count = within("free_calls.count", calls.count, 1, FREE_CALLS_MAX)?;
            Ok::<_, String>(FreeCalls { count, per: calls.per })
        })
    }

    pub(crate) fn coupons(
        &self,
        sections: Vec<CouponSection>,
        seller: &Seller,
    ) -> Result<Vec<Coupon>, ConfigFault> {
        if COUPON_COUNT_MAX < sections.len() {
            return Err(ConfigFault::Syntax(format!("there are more than {COUPON_COUNT_MAX} coupons")));
        }
        let mut coupons: Vec<Coupon> = Vec::new();
        for section in sections {
            let at = section.code.span();
            let coupon = self.coupon(section, &seller.asset)?;
            if coupons.iter().any(|other| other.code == coupon.code) {
                return Err(self.fault(at, format!("there is a coupon `{}` already", coupon.code)));
            }
            coupons.push(coupon);
        }
        Ok(coupons)
    }

    fn coupon(&self, section: CouponSection, asset: &AssetText) -> Result<Coupon, ConfigFault> {
        let at = section.code.span();
        let minor = |text: Spanned<String>| {
            self.value(text, |text| {
                let amount = amount(&text, asset)?;
                amount.minor(asset.scale()).ok_or_else(|| format!("amount `{text}` does not fit"))
            })
        };
        let off = match (section.percent_off, section.amount_off) {
            (Some(percent), None) => {
                Off::Percent(self.value(percent, |percent| within("percent_off", percent, 1, 100))?)
            }
            (None, Some(text)) => Off::Minor(minor(text)?),
            (Some(_), Some(_)) | (None, None) => {
                return Err(self.fault(at, "a coupon has a `percent_off` or an `amount_off`"));
            }
        };
        let until = match section.until {
            Some(text) => Some(self.value(text, |text| {
                DateTime::parse(&*text)
                    .map(|until| until.time())
                    .map_err(|_| format!("`{text}` is not a time like `2027-01-31T00:00:00Z`"))
            })?),
            None => None,
        };
        let code = self.value(section.code, |code| {
            let fits = (1..=COUPON_CODE_BYTES_MAX).contains(&code.len())
                && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            if fits {
                Ok(code)
            } else {
                Err(format!("coupon `{code}` is not 1 to {COUPON_CODE_BYTES_MAX} letters, digits and `-`"))
            }
        })?;
        let budget_minor = minor(section.budget)?;
        Ok(Coupon { code, off, budget_minor, once_per_caller: section.once_per_caller, until })
    }
}

/// What stands between a resource and the coupon it is sold with. No path has a space.
const COUPON_PREFIX: &str = " with coupon ";

impl Price {
    /// Whether a call costs just that, whatever is answered.
    pub(crate) fn is_exact(&self) -> bool {
        self.tariff == Tariff::PerCall && self.terms.is_none()
    }

    /// What it costs by voucher, in billionths, and what is counted.
    pub(crate) fn by_session(&self) -> Option<(u128, Unit)> {
        let unit = match self.answers {
            Answers::Streamed => Unit::Event,
            Answers::Kept | Answers::Either => Unit::Call,
        };
        self.by_voucher.map(|nanos| (nanos, unit))
    }

    /// The price in the asset's smallest unit: what is asked.
    pub(crate) fn minor(&self, asset: &AssetText) -> u128 {
        self.offer.amount.minor(asset.scale()).expect("checked when it was read")
    }

    /// The same price for whoever presents a coupon. What is sold is named after it, so that bill and payment say so.
    pub(crate) fn with_coupon(&self, coupon: &Coupon, asset: &AssetText) -> Price {
        let asked = self.minor(asset);
        let left = asked.saturating_sub(coupon.off.of(asked));
        let amount = AmountText::of_minor(left, asset.scale()).expect("no scale is beyond 18");
        let resource = format!("{}{COUPON_PREFIX}{}", self.offer.resource_id.as_str(), coupon.code);
        let mut price = self.clone();
        price.in_words = format!("{}; with your coupon {amount} {}", self.in_words, asset.code());
        price.by_voucher = None;
        price.offer.amount = amount;
        price.offer.resource_id = Identifier::parse(resource).expect("checked when it was read");
        price
    }

    /// The code of the coupon in the name of what was sold.
    pub(crate) fn coupon_of<'a>(&self, resource_id: &'a str) -> Option<&'a str> {
        resource_id.strip_prefix(self.offer.resource_id.as_str())?.strip_prefix(COUPON_PREFIX)
    }
}

/// A price like `0.03 CNY`: more than nothing, and a whole number of smallest units.
pub(crate) fn amount(text: &str, asset: &AssetText) -> Result<AmountText, String> {
    let amount = number(text, asset)?;
    match amount.minor(asset.scale()) {
        Some(0) => Err(format!("amount `{text}` is nothing; list the route as free")),
        Some(minor) if minor <= wire::limits::AMOUNT_MAX => AmountText::of_minor(minor, asset.scale())
            .map_err(|_| format!("amount `{text}` cannot be written in `{}`", asset.as_str())),
        Some(_) | None => Err(format!(
            "amount `{text}` is not a whole number of the smallest units of `{}`",
            asset.as_str()
        )),
    }
}

/// A rate like `0.0004 CNY`, in billionths of the smallest unit.
pub(crate) fn rate(text: &str, asset: &AssetText) -> Result<u128, String> {
    let finest = asset.scale().saturating_add(9);
    number(text, asset)?
        .minor(finest)
        .filter(|nanos| nanos / 1_000_000_000 <= TARIFF_MOST_MINOR_MAX)
        .ok_or_else(|| format!("rate `{text}` is finer than a billionth of the smallest unit, or too much"))
}

fn number(text: &str, asset: &AssetText) -> Result<AmountText, String> {
    let wrong = || format!("amount `{text}` is not a price like `0.03 {}`", asset.code());
    let (number, code) = text.split_once(' ').ok_or_else(wrong)?;
    let amount = AmountText::parse(number).map_err(|_| wrong())?;
    if code != asset.code() {
        return Err(format!("amount `{text}` is not in `{}`, the seller's asset", asset.code()));
    }
    Ok(amount)
}
