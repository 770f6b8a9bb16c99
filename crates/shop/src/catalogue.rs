//! What a shop sells: its items with prices and options, ways of delivery, taxes and coupons, read from one TOML file.
//!
//! An item without a price or its currency is listed and cannot be ordered ([`Item::not_orderable`]).

use crate::limits::{
    DESCRIPTION_CHARS_MAX, DETAIL_COUNT_MAX, ITEM_COUNT_MAX, ITEM_ID_BYTES_MAX, NAME_CHARS_MAX,
};
use protocols::Time;
use protocols::a402::{self, DateTime};
use serde::Deserialize;
use std::collections::BTreeMap;
use wire::{AmountText, AssetText};

/// A catalogue whose every entry was checked.
#[derive(Clone, Debug)]
pub struct Catalogue {
    /// What all prices are in.
    pub asset: AssetText,
    /// The items, in the order of the file.
    pub items: Vec<Item>,
    /// The ways of delivery, in the order of the file; the first is taken where a buyer names none.
    pub deliveries: Vec<Delivery>,
    /// What coupons take off.
    pub coupons: Vec<Coupon>,
    /// The taxes on prices.
    pub taxes: Vec<Tax>,
}

/// Something that is sold.
#[derive(Clone, Debug)]
pub struct Item {
    /// Its name among this shop's items.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What it is, for limits: a code like `food`.
    pub category: String,
    /// More about it; may be empty.
    pub description: String,
    /// What one costs; nothing where it cannot be ordered.
    pub price: Option<AmountText>,
    /// How many were ever put on sale; nothing where it does not run out.
    pub stock: Option<u64>,
    /// Until when the price holds.
    pub price_valid_until: Option<Time>,
    /// How long it takes until it is delivered, in seconds.
    pub delivery_seconds: Option<u64>,
    /// Whether it has to be carried somewhere.
    pub shipped: Shipped,
    /// Its page.
    pub link: Option<String>,
    /// Its picture.
    pub image: Option<String>,
    /// More facts, such as when a flight departs.
    pub details: BTreeMap<String, String>,
    /// What a buyer has to choose.
    pub options: Vec<ItemOption>,
    /// Why it cannot be ordered; nothing where it can.
    pub not_orderable: Option<&'static str>,
}

/// Whether an item has to be carried somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shipped {
    /// By one of the shop's ways of delivery.
    Yes,
    /// It is a service, or comes over the wire.
    No,
}

/// Something to choose about an item, such as its size.
#[derive(Clone, Debug)]
pub struct ItemOption {
    /// Its name.
    pub name: String,
    /// What there is to choose from, and what each adds to the price.
    pub values: Vec<(String, AmountText)>,
}

/// A way of delivery.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its name in requests.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it costs for a whole cart.
    pub price: AmountText,
    /// How long it takes, in seconds.
    pub delivery_seconds: Option<u64>,
}

/// A word that takes something off a cart.
#[derive(Clone, Debug)]
pub struct Coupon {
    /// The word.
    pub code: String,
    /// How much, never more than the goods cost.
    pub off: AmountText,
    /// Whether buyers are told of it without asking.
    pub offered: bool,
}

/// A tax on the price of goods.
#[derive(Clone, Debug)]
pub struct Tax {
    /// On which category; nothing means every one.
    pub category: Option<String>,
    /// How much, in hundredths of a percent.
    pub basis_points: u32,
}

/// The sections of the file that are the catalogue's.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sections {
    #[serde(default)]
    pub(crate) item: Vec<ItemSection>,
    #[serde(default)]
    pub(crate) delivery: Vec<DeliverySection>,
    #[serde(default)]
    pub(crate) coupon: Vec<CouponSection>,
    #[serde(default)]
    pub(crate) tax: Vec<TaxSection>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemSection {
    id: String,
    name: String,
    category: String,
    #[serde(default)]
    description: String,
    price: Option<String>,
    asset: Option<AssetText>,
    stock: Option<u64>,
    price_valid_until: Option<String>,
    delivery_seconds: Option<u64>,
    #[serde(default = "shipped")]
    shipped: bool,
    link: Option<url::Url>,
    image: Option<url::Url>,
    #[serde(default)]
    details: BTreeMap<String, String>,
    #[serde(default)]
    option: Vec<OptionSection>,
}

fn shipped() -> bool {
    true
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct OptionSection {
    name: String,
    values: Vec<String>,
    #[serde(default)]
    extra: BTreeMap<String, String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeliverySection {
    id: String,
    name: String,
    price: String,
    delivery_seconds: Option<u64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CouponSection {
    code: String,
    off: String,
    #[serde(default)]
    offered: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TaxSection {
    category: Option<String>,
    percent: String,
}

impl Catalogue {
    /// Reads the catalogue's sections of a configuration, without anything else in it.
    ///
    /// # Errors
    /// A sentence that says what is wrong, and with which item.
    pub fn parse(text: &str, asset: AssetText) -> Result<Catalogue, String> {
        let sections: Sections = toml::from_str(text).map_err(|fault| fault.to_string())?;
        Catalogue::of(sections, asset)
    }

    pub(crate) fn of(sections: Sections, asset: AssetText) -> Result<Catalogue, String> {
        if ITEM_COUNT_MAX < sections.item.len() {
            return Err(format!("there are more than {ITEM_COUNT_MAX} items"));
        }
        let items = sections.item.into_iter().map(|section| item(section, asset));
        let deliveries = sections.delivery.into_iter().map(|section| delivery(section, asset));
        let coupons = sections.coupon.into_iter().map(|section| {
            code(&section.code, "coupon")?;
            Ok(Coupon { off: money(&section.off, asset)?, code: section.code, offered: section.offered })
        });
        let taxes = sections.tax.into_iter().map(|section| {
            let basis_points = percent(&section.percent)?;
            Ok(Tax { category: section.category, basis_points })
        });
        let catalogue = Catalogue {
            asset,
            items: items.collect::<Result<_, String>>()?,
            deliveries: deliveries.collect::<Result<_, String>>()?,
            coupons: coupons.collect::<Result<_, String>>()?,
            taxes: taxes.collect::<Result<_, String>>()?,
        };
        once("item", catalogue.items.iter().map(|item| item.id.as_str()))?;
        once("delivery", catalogue.deliveries.iter().map(|delivery| delivery.id.as_str()))?;
        once("coupon", catalogue.coupons.iter().map(|coupon| coupon.code.as_str()))?;
        Ok(catalogue)
    }

    /// The item of that id.
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }

    /// The way of delivery of that id.
    pub fn delivery(&self, id: &str) -> Option<&Delivery> {
        self.deliveries.iter().find(|delivery| delivery.id == id)
    }
}

impl Item {
    /// Why it cannot be ordered at this time; nothing where it can.
    pub fn refusal(&self, now: Time) -> Option<&'static str> {
        if self.not_orderable.is_some() {
            return self.not_orderable;
        }
        match self.price_valid_until {
            Some(until) if until <= now => Some("its price is not valid any more"),
            Some(_) | None => None,
        }
    }
}

fn item(section: ItemSection, asset: AssetText) -> Result<Item, String> {
    let of = |why: String| format!("item `{}`: {why}", section.id);
    code(&section.id, "item")?;
    text(&section.name, NAME_CHARS_MAX).map_err(of)?;
    code(&section.category, "category").map_err(of)?;
    wire_category(&section.category).map_err(of)?;
    if DESCRIPTION_CHARS_MAX < section.description.chars().count() {
        return Err(of(format!("its description is longer than {DESCRIPTION_CHARS_MAX} characters")));
    }
    if DETAIL_COUNT_MAX < section.details.len() || DETAIL_COUNT_MAX < section.option.len() {
        return Err(of(format!("it has more than {DETAIL_COUNT_MAX} details or options")));
    }
    let not_orderable = match (&section.price, section.asset) {
        (None, _) => Some("it has no price"),
        (Some(_), None) => Some("its price has no currency"),
        (Some(_), Some(named)) if named != asset => Some("its price is in another currency than the shop's"),
        (Some(_), Some(_)) => None,
    };
    let price = match (&section.price, not_orderable) {
        (Some(text), None) => Some(money(text, asset).map_err(of)?),
        (Some(_), Some(_)) | (None, _) => None,
    };
    if price.is_some_and(|price| price.minor() == 0) {
        return Err(of("its price is nothing".to_owned()));
    }
    let price_valid_until = match &section.price_valid_until {
        Some(until) => Some(
            DateTime::parse(until.as_str())
                .map_err(|fault| of(format!("price_valid_until: {fault}")))?
                .time(),
        ),
        None => None,
    };
    let mut options = Vec::with_capacity(section.option.len());
    for option in &section.option {
        options.push(choices(option, asset).map_err(of)?);
    }
    once("option", options.iter().map(|option| option.name.as_str())).map_err(of)?;
    Ok(Item {
        price,
        not_orderable,
        price_valid_until,
        options,
        id: section.id,
        name: section.name,
        category: section.category,
        description: section.description,
        stock: section.stock,
        delivery_seconds: section.delivery_seconds,
        shipped: if section.shipped { Shipped::Yes } else { Shipped::No },
        link: section.link.map(String::from),
        image: section.image.map(String::from),
        details: section.details,
    })
}

fn choices(section: &OptionSection, asset: AssetText) -> Result<ItemOption, String> {
    code(&section.name, "option")?;
    if section.values.is_empty() || DETAIL_COUNT_MAX < section.values.len() {
        return Err(format!("option `{}` has from 1 to {DETAIL_COUNT_MAX} values", section.name));
    }
    once("value", section.values.iter().map(String::as_str))?;
    if let Some(unknown) = section.extra.keys().find(|value| !section.values.contains(value)) {
        return Err(format!("option `{}`: `{unknown}` is none of its values", section.name));
    }
    let nothing = AmountText::default();
    let priced = section.values.iter().map(|value| {
        text(value, NAME_CHARS_MAX)?;
        let extra = section.extra.get(value).map(|extra| money(extra, asset)).transpose()?;
        Ok((value.clone(), extra.unwrap_or(nothing)))
    });
    Ok(ItemOption { name: section.name.clone(), values: priced.collect::<Result<_, String>>()? })
}

fn delivery(section: DeliverySection, asset: AssetText) -> Result<Delivery, String> {
    code(&section.id, "delivery")?;
    text(&section.name, NAME_CHARS_MAX)?;
    let price = money(&section.price, asset)?;
    Ok(Delivery { id: section.id, name: section.name, price, delivery_seconds: section.delivery_seconds })
}

/// An amount as people write it, `12.50`, in the asset's smallest unit.
fn money(text: &str, asset: AssetText) -> Result<AmountText, String> {
    let minor = a402::AmountText::parse(text).ok().and_then(|amount| amount.minor(asset.scale()));
    minor.and_then(AmountText::new).ok_or_else(|| format!("`{text}` is not an amount of `{asset}`"))
}

/// A share like `8.25` percent, in hundredths of one.
fn percent(text: &str) -> Result<u32, String> {
    let hundredths = a402::AmountText::parse(text).ok().and_then(|share| share.minor(2));
    let hundredths = hundredths.and_then(|share| u32::try_from(share).ok()).filter(|share| *share <= 10_000);
    hundredths.ok_or_else(|| format!("`{text}` is not a percentage from 0 to 100 with two decimals"))
}

fn code(text: &str, what: &str) -> Result<(), String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./".contains(&byte);
    if text.is_empty() || ITEM_ID_BYTES_MAX < text.len() || !text.bytes().all(allowed) {
        let most = ITEM_ID_BYTES_MAX;
        return Err(format!("{what} `{text}` is not 1 to {most} letters, digits and `_-./`"));
    }
    Ok(())
}

/// The payment service's categories are shorter than other codes.
fn wire_category(text: &str) -> Result<(), String> {
    if wire::limits::CODE_BYTES_MAX < text.len() {
        return Err(format!("category `{text}` is longer than {} characters", wire::limits::CODE_BYTES_MAX));
    }
    Ok(())
}

fn text(text: &str, chars_max: usize) -> Result<(), String> {
    let chars = text.chars().count();
    if chars == 0 || chars_max < chars || text.chars().any(char::is_control) {
        return Err(format!("`{text}` is not a line of 1 to {chars_max} characters"));
    }
    Ok(())
}

fn once<'a>(what: &str, names: impl Iterator<Item = &'a str>) -> Result<(), String> {
    let mut seen = std::collections::BTreeSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(format!("{what} `{name}` stands there twice"));
        }
    }
    Ok(())
}
