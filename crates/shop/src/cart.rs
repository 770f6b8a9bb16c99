//! A cart: what a buyer wants, priced by the catalogue, with every sum that makes up its total.

use crate::catalogue::{Catalogue, Delivery, Item, Shipped};
use crate::limits::{ADDRESS_BYTES_MAX, LINE_COUNT_MAX, QUANTITY_MAX};
use protocols::Time;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use wire::{AmountText, AssetText, Money};

/// What a buyer wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The items, in the buyer's order.
    pub lines: Vec<WantedLine>,
    /// The way of delivery; the shop's first where none is named.
    pub delivery: Option<String>,
    /// A coupon's word.
    pub coupon: Option<String>,
    /// Where to, as text that the shop only keeps.
    pub address: Option<String>,
}

/// One item that is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedLine {
    /// Which.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// What was chosen of each option.
    pub options: BTreeMap<String, String>,
}

/// A priced cart. It says all that its order will say, and keeps saying it whatever becomes of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    /// The lines.
    pub lines: Vec<Line>,
    /// The way of delivery; none where nothing is carried.
    pub delivery: Option<Carried>,
    /// The coupon that was used.
    pub coupon: Option<String>,
    /// Where to.
    pub address: Option<String>,
    /// What the goods cost together.
    pub goods: AmountText,
    /// What their delivery costs.
    pub shipping: AmountText,
    /// What is taken off.
    pub discount: AmountText,
    /// The taxes on the goods.
    pub taxes: AmountText,
    /// What is to be paid: goods, less discount, plus shipping and taxes.
    pub total: AmountText,
    /// Of what.
    pub asset: AssetText,
    /// How long it takes until everything is delivered, in seconds, where the shop says so.
    pub delivery_seconds: Option<u64>,
    /// Until when these prices hold; none where the catalogue names no end.
    pub prices_until_nanos: Option<u64>,
}

/// One line of a cart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item.
    pub item: String,
    /// Its name for people, with what was chosen.
    pub name: String,
    /// What it is.
    pub category: String,
    /// What was chosen.
    pub options: BTreeMap<String, String>,
    /// What one costs.
    pub price: AmountText,
    /// How many.
    pub quantity: u32,
    /// What they cost.
    pub subtotal: AmountText,
}

/// A way of delivery that was taken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Carried {
    /// Its name in requests.
    pub id: String,
    /// Its name for people.
    pub name: String,
}

/// Why a cart cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CartNo {
    /// Nothing, or too much, is wanted.
    #[error("a cart has from 1 to {LINE_COUNT_MAX} lines")]
    Lines,
    /// An item stands in two lines with the same choices.
    #[error("item `{0}` stands in two lines with the same choices; state its quantity once")]
    Twice(String),
    /// No such item.
    #[error("this shop has no item `{0}`")]
    ItemUnknown(String),
    /// It is listed, and cannot be ordered.
    #[error("item `{item}` cannot be ordered: {why}")]
    NotOrderable {
        /// Which.
        item: String,
        /// Why.
        why: &'static str,
    },
    /// None, or too many of one item.
    #[error("of item `{0}` from 1 to {QUANTITY_MAX} can be ordered at once")]
    Quantity(String),
    /// Something has to be chosen first.
    #[error("item `{item}` needs a choice of `{option}`: {}", values.join(", "))]
    OptionMissing {
        /// Which item.
        item: String,
        /// Which option.
        option: String,
        /// What there is to choose from.
        values: Vec<String>,
    },
    /// There is no such choice.
    #[error("item `{item}` has no choice `{value}` of `{option}`")]
    OptionUnknown {
        /// Which item.
        item: String,
        /// Which option.
        option: String,
        /// What was chosen.
        value: String,
    },
    /// No such way of delivery.
    #[error("this shop has no delivery `{0}`")]
    DeliveryUnknown(String),
    /// No such coupon.
    #[error("this shop has no coupon `{0}`")]
    CouponUnknown(String),
    /// The address is too long.
    #[error("an address has at most {ADDRESS_BYTES_MAX} bytes")]
    Address,
    /// The sums do not fit, or nothing is left to pay.
    #[error("the total is nothing, or more than can be paid at once")]
    Total,
}

impl Cart {
    /// Prices what is wanted by the catalogue as it stands at `now`.
    ///
    /// # Errors
    /// [`CartNo`]; one item that cannot be ordered refuses the whole cart.
    pub fn price(wanted: &Wanted, catalogue: &Catalogue, now: Time) -> Result<Cart, CartNo> {
        if wanted.lines.is_empty() || LINE_COUNT_MAX < wanted.lines.len() {
            return Err(CartNo::Lines);
        }
        if wanted.address.as_ref().is_some_and(|address| ADDRESS_BYTES_MAX < address.len()) {
            return Err(CartNo::Address);
        }
        let mut lines: Vec<Line> = Vec::with_capacity(wanted.lines.len());
        let mut items = Vec::with_capacity(wanted.lines.len());
        for line in &wanted.lines {
            let item = catalogue.item(&line.item).ok_or_else(|| CartNo::ItemUnknown(line.item.clone()))?;
            let priced = price_line(line, item, now)?;
            if lines.iter().any(|other| other.item == priced.item && other.options == priced.options) {
                return Err(CartNo::Twice(line.item.clone()));
            }
            lines.push(priced);
            items.push(item);
        }
        let delivery = delivery(wanted, catalogue, &items)?;
        let goods = sum(lines.iter().map(|line| line.subtotal))?;
        let discount = match &wanted.coupon {
            Some(word) => {
                let found = catalogue.coupons.iter().find(|coupon| coupon.code == *word);
                let coupon = found.ok_or_else(|| CartNo::CouponUnknown(word.clone()))?;
                coupon.off.min(goods)
            }
            None => AmountText::default(),
        };
        let taxes = taxes(&lines, catalogue, goods, discount)?;
        let shipping = delivery.map(|delivery| delivery.price).unwrap_or_default();
        let left =
            AmountText::new(goods.minor() - discount.minor()).expect("a discount is at most the goods");
        let total = sum([left, shipping, taxes].into_iter())?;
        if total.minor() == 0 {
            return Err(CartNo::Total);
        }
        let slowest = items.iter().filter_map(|item| item.delivery_seconds).max();
        let carried = delivery.and_then(|delivery| delivery.delivery_seconds);
        let delivery_seconds = match (slowest, carried) {
            (None, None) => None,
            (slowest, carried) => {
                Some(slowest.unwrap_or_default().saturating_add(carried.unwrap_or_default()))
            }
        };
        Ok(Cart {
            lines,
            delivery: delivery.map(|it| Carried { id: it.id.clone(), name: it.name.clone() }),
            coupon: wanted.coupon.clone(),
            address: wanted.address.clone(),
            goods,
            shipping,
            discount,
            taxes,
            total,
            asset: catalogue.asset,
            delivery_seconds,
            prices_until_nanos: items.iter().filter_map(|item| item.price_valid_until).min().map(|end| end.0),
        })
    }

    /// What was wanted.
    pub fn wanted(&self) -> Wanted {
        let lines = self.lines.iter().map(|line| WantedLine {
            item: line.item.clone(),
            quantity: line.quantity,
            options: line.options.clone(),
        });
        Wanted {
            lines: lines.collect(),
            delivery: self.delivery.as_ref().map(|delivery| delivery.id.clone()),
            coupon: self.coupon.clone(),
            address: self.address.clone(),
        }
    }

    /// What is to be paid.
    pub fn money(&self) -> Money {
        Money { amount: self.total, asset: self.asset }
    }

    /// How many of each item, over all lines.
    pub fn quantities(&self) -> BTreeMap<String, u64> {
        let mut quantities = BTreeMap::new();
        for line in &self.lines {
            *quantities.entry(line.item.clone()).or_default() += u64::from(line.quantity);
        }
        quantities
    }

    /// The categories of the lines, each once, that of the most money first.
    pub fn categories(&self) -> Vec<String> {
        let mut sums: BTreeMap<&str, u128> = BTreeMap::new();
        for line in &self.lines {
            *sums.entry(&line.category).or_default() += line.subtotal.minor();
        }
        let mut sorted: Vec<(&str, u128)> = sums.into_iter().collect();
        sorted.sort_by_key(|(_, minor)| std::cmp::Reverse(*minor));
        sorted.into_iter().map(|(category, _)| category.to_owned()).collect()
    }
}

fn price_line(line: &WantedLine, item: &Item, now: Time) -> Result<Line, CartNo> {
    if let Some(why) = item.refusal(now) {
        return Err(CartNo::NotOrderable { item: item.id.clone(), why });
    }
    let mut price =
        item.price.ok_or_else(|| CartNo::NotOrderable { item: item.id.clone(), why: "it has no price" })?;
    if !(1..=QUANTITY_MAX).contains(&line.quantity) {
        return Err(CartNo::Quantity(item.id.clone()));
    }
    let mut name = item.name.clone();
    for option in &item.options {
        let values = || option.values.iter().map(|(value, _)| value.clone()).collect();
        let missing =
            || CartNo::OptionMissing { item: item.id.clone(), option: option.name.clone(), values: values() };
        let chosen = line.options.get(&option.name).ok_or_else(missing)?;
        let unknown = || CartNo::OptionUnknown {
            item: item.id.clone(),
            option: option.name.clone(),
            value: chosen.clone(),
        };
        let (value, extra) = option.values.iter().find(|(value, _)| value == chosen).ok_or_else(unknown)?;
        price = sum([price, *extra].into_iter())?;
        name = format!("{name}, {value}");
    }
    let is_known = |name: &str| item.options.iter().any(|option| option.name == name);
    if let Some((option, value)) = line.options.iter().find(|(name, _)| !is_known(name)) {
        return Err(CartNo::OptionUnknown {
            item: item.id.clone(),
            option: option.clone(),
            value: value.clone(),
        });
    }
    let subtotal = price.minor().checked_mul(u128::from(line.quantity)).and_then(AmountText::new);
    Ok(Line {
        item: item.id.clone(),
        name,
        category: item.category.clone(),
        options: line.options.clone(),
        price,
        quantity: line.quantity,
        subtotal: subtotal.ok_or(CartNo::Total)?,
    })
}

fn delivery<'a>(
    wanted: &Wanted,
    catalogue: &'a Catalogue,
    items: &[&Item],
) -> Result<Option<&'a Delivery>, CartNo> {
    let is_carried = items.iter().any(|item| item.shipped == Shipped::Yes);
    match &wanted.delivery {
        Some(id) => {
            let found = catalogue.delivery(id).ok_or_else(|| CartNo::DeliveryUnknown(id.clone()))?;
            Ok(is_carried.then_some(found))
        }
        None if is_carried => Ok(catalogue.deliveries.first()),
        None => Ok(None),
    }
}

/// The taxes: each line bears its share of the discount, and each tax is rounded half up once for the whole cart.
fn taxes(
    lines: &[Line],
    catalogue: &Catalogue,
    goods: AmountText,
    discount: AmountText,
) -> Result<AmountText, CartNo> {
    let left = goods.minor() - discount.minor();
    let each = catalogue.taxes.iter().map(|tax| {
        let of = |line: &&Line| tax.category.as_ref().is_none_or(|category| *category == line.category);
        let base = sum(lines.iter().filter(of).map(|line| line.subtotal))?.minor();
        if goods.minor() == 0 {
            return Ok(AmountText::default());
        }
        // base / goods of what is left, times the rate: one division at the very end.
        let above = base.checked_mul(left).and_then(|it| it.checked_mul(u128::from(tax.basis_points)));
        let below = goods.minor().checked_mul(10_000);
        let (above, below) = above.zip(below).ok_or(CartNo::Total)?;
        let rounded = above.checked_add(below / 2).ok_or(CartNo::Total)? / below;
        AmountText::new(rounded).ok_or(CartNo::Total)
    });
    sum(each.collect::<Result<Vec<_>, CartNo>>()?.into_iter())
}

fn sum(mut parts: impl Iterator<Item = AmountText>) -> Result<AmountText, CartNo> {
    let sum = parts.try_fold(0_u128, |sum, part| sum.checked_add(part.minor()));
    sum.and_then(AmountText::new).ok_or(CartNo::Total)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEA: &str = r#"
        [[delivery]]
        id = "courier"
        name = "Courier"
        price = "3.00"
        delivery_seconds = 1800
        [[delivery]]
        id = "self"
        name = "Collect it"
        price = "0.00"
        [[coupon]]
        code = "FIVE"
        off = "5.00"
        [[tax]]
        category = "food"
        percent = "6.5"
        [[item]]
        id = "tea"
        name = "Milk tea"
        category = "drink"
        price = "18.00"
        asset = "CNY/2"
        stock = 3
        delivery_seconds = 600
        [[item.option]]
        name = "size"
        values = ["small", "large"]
        extra = { large = "2.00" }
        [[item]]
        id = "cake"
        name = "Cake"
        category = "food"
        price = "9.99"
        asset = "CNY/2"
        price_valid_until = "2026-01-01T00:00:10Z"
        [[item]]
        id = "map"
        name = "Map"
        category = "data/api"
        price = "1"
        asset = "CNY/2"
        shipped = false
        [[item]]
        id = "priceless"
        name = "View"
        category = "view"
        asset = "CNY/2"
        [[item]]
        id = "bare"
        name = "Bare price"
        category = "view"
        price = "2.00"
        [[item]]
        id = "dollar"
        name = "Dollar price"
        category = "view"
        price = "2.00"
        asset = "USD/2"
    "#;

    fn catalogue() -> Catalogue {
        Catalogue::parse(TEA, "CNY/2".parse().unwrap()).unwrap()
    }

    fn now() -> Time {
        protocols::a402::DateTime::parse("2026-01-01T00:00:00Z").unwrap().time()
    }

    /// `tea*2 size=large + cake via courier with FIVE`
    fn wanted(text: &str) -> Wanted {
        let mut wanted = Wanted::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match (word, word.split_once('=')) {
                ("+", _) => {}
                ("via", _) => wanted.delivery = words.next().map(str::to_owned),
                ("with", _) => wanted.coupon = words.next().map(str::to_owned),
                (_, Some((name, value))) => {
                    let line = wanted.lines.last_mut().unwrap();
                    line.options.insert(name.to_owned(), value.to_owned());
                }
                (_, None) => {
                    let (item, quantity) = word.split_once('*').unwrap_or((word, "1"));
                    wanted.lines.push(WantedLine {
                        item: item.to_owned(),
                        quantity: quantity.parse().unwrap(),
                        options: BTreeMap::new(),
                    });
                }
            }
        }
        wanted
    }

    #[test]
    fn a_total_is_goods_less_discount_plus_shipping_and_taxes() {
        for (text, goods, shipping, discount, taxes, total) in [
            ("tea size=small", 1800, 300, 0, 0, 2100),
            ("tea size=large", 2000, 300, 0, 0, 2300),
            ("tea*2 size=large via self", 4000, 0, 0, 0, 4000),
            ("tea size=small + tea size=large", 3800, 300, 0, 0, 4100),
            ("map", 100, 0, 0, 0, 100),
            ("map via courier", 100, 0, 0, 0, 100),
            ("map + tea size=small", 1900, 300, 0, 0, 2200),
            ("cake", 999, 300, 0, 65, 1364),            // 64.935
            ("cake with FIVE", 999, 300, 500, 32, 831), // 32.435
            ("cake + tea size=small with FIVE", 2799, 300, 500, 53, 2652), // 64.935 * 2299/2799 = 53.335
            ("map with FIVE + tea size=small", 1900, 300, 500, 0, 1700),
        ] {
            let cart =
                Cart::price(&wanted(text), &catalogue(), now()).unwrap_or_else(|no| panic!("{text}: {no}"));
            let sums =
                [cart.goods, cart.shipping, cart.discount, cart.taxes, cart.total].map(AmountText::minor);
            assert_eq!(sums, [goods, shipping, discount, taxes, total], "{text}");
        }
    }

    #[test]
    fn a_cart_with_one_wrong_line_is_refused_as_a_whole() {
        for (text, says) in [
            ("", "from 1 to 64 lines"),
            ("coffee", "no item `coffee`"),
            ("map + priceless", "`priceless` cannot be ordered: it has no price"),
            ("map + bare", "has no currency"),
            ("dollar", "another currency"),
            ("tea", "needs a choice of `size`: small, large"),
            ("tea size=huge", "no choice `huge`"),
            ("map size=large", "no choice `large` of `size`"),
            ("map*0", "from 1 to 10000"),
            ("map*10001", "from 1 to 10000"),
            ("map + map", "two lines"),
            ("map via drone", "no delivery `drone`"),
            ("tea size=small via drone", "no delivery `drone`"),
            ("map with SIX", "no coupon `SIX`"),
            ("map with FIVE", "the total is nothing"),
        ] {
            let no = Cart::price(&wanted(text), &catalogue(), now()).unwrap_err().to_string();
            assert!(no.contains(says), "{text}: {no}");
        }
    }

    #[test]
    fn a_price_holds_until_the_catalogue_says() {
        let at = |seconds| now().after(Time::from_seconds(seconds).0);
        assert!(Cart::price(&wanted("cake"), &catalogue(), at(9)).is_ok());
        let no = Cart::price(&wanted("cake"), &catalogue(), at(10)).unwrap_err();
        assert_eq!(no.to_string(), "item `cake` cannot be ordered: its price is not valid any more");
    }

    #[test]
    fn delivery_takes_as_long_as_the_slowest_item_and_the_way_together() {
        for (text, seconds) in [
            ("tea size=small", Some(2_400)),
            ("tea size=small via self", Some(600)),
            ("cake", Some(1_800)),
            ("map", None),
        ] {
            let cart = Cart::price(&wanted(text), &catalogue(), now()).unwrap();
            assert_eq!(cart.delivery_seconds, seconds, "{text}");
        }
    }

    #[test]
    fn a_catalogue_with_one_wrong_entry_is_refused_and_says_which() {
        let cny: AssetText = "CNY/2".parse().unwrap();
        let item = |more: &str| format!("[[item]]\nid = \"a\"\nname = \"A\"\ncategory = \"c\"\n{more}");
        for (text, says) in [
            (item("price = \"0.00\"\nasset = \"CNY/2\""), "its price is nothing"),
            (item("price = \"1.001\"\nasset = \"CNY/2\""), "`1.001` is not an amount"),
            (item("price = \"-1\"\nasset = \"CNY/2\""), "`-1` is not an amount"),
            (item("price = 1.0\nasset = \"CNY/2\""), "invalid type"),
            (item("colour = \"red\""), "unknown field"),
            (item("stock = -1"), "invalid value"),
            (item("price_valid_until = \"soon\""), "price_valid_until"),
            (item("link = \"not a link\""), "relative URL"),
            (item("[[item.option]]\nname = \"size\"\nvalues = []"), "from 1 to 32 values"),
            (
                item("[[item.option]]\nname = \"s\"\nvalues = [\"x\"]\nextra = { y = \"1\" }"),
                "none of its values",
            ),
            (item("") + &item(""), "item `a` stands there twice"),
            ("[[item]]\nid = \"a b\"\nname = \"A\"\ncategory = \"c\"".to_owned(), "item `a b`"),
            ("[[item]]\nid = \"a\"\nname = \"A\"".to_owned(), "missing field `category`"),
            (
                "[[item]]\nid = \"a\"\nname = \"A\"\ncategory = \"more-than-16-chars\"".to_owned(),
                "longer than 16",
            ),
            ("[[tax]]\npercent = \"101\"".to_owned(), "percentage"),
            ("[[coupon]]\ncode = \"\"\noff = \"1\"".to_owned(), "coupon"),
        ] {
            let no = Catalogue::parse(&text, cny).unwrap_err();
            assert!(no.contains(says), "{text}: {no}");
        }
    }
}
