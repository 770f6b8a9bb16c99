//! Candidates for an intent: the items that keep every constraint with everything they would cost, the best first.

use super::publish;
use super::sender::No;
use crate::cart::{Cart, CartNo, Wanted, WantedLine};
use crate::catalogue::{Catalogue, Item};
use crate::desk::Shop;
use crate::limits::CANDIDATE_COUNT_MAX;
use crate::snapshot::decimal;
use protocols::Time;
use protocols::act::cid::CommerceError;
use protocols::act::cid::transfer::{
    Candidate, Constraints, SortPreference, TransferRequest, TransferResponse,
};
use protocols::act::{AmountNumber, Currency, Identifier, Sentence, UtcTime};
use std::collections::BTreeMap;

/// The candidates for a request that is whole: with what its rounds before said.
pub(crate) async fn candidates(shop: &Shop, request: &TransferRequest) -> Result<TransferResponse, No> {
    let now = shop.now();
    let left = shop.stock_left().await.map_err(|no| (CommerceError::Unavailable, no.to_string()))?;
    let constraints = request.constraints.clone().unwrap_or_default();
    let constraints = &constraints;
    let conflicts = constraints.conflicts();
    if let Some(first) = conflicts.first() {
        return Err((
            CommerceError::ConstraintConflict,
            format!("`constraints.{first}` leaves nothing to look for"),
        ));
    }
    let us = publish::merchant_id(shop);
    let named = |list: &Option<Vec<Identifier>>| list.as_ref().map(|list| list.contains(&us));
    if named(&constraints.allowed_merchants) == Some(false)
        || named(&constraints.forbidden_merchants) == Some(true)
    {
        return Err((CommerceError::ConstraintConflict, "the constraints exclude this merchant".to_owned()));
    }
    let asset = shop.catalogue().asset;
    if constraints.currency.as_ref().is_some_and(|currency| currency.as_str() != asset.code()) {
        return Err((CommerceError::NoMatch, format!("prices here are in {}", asset.code())));
    }
    let requirements = request.response_requirements.as_ref();
    let most = requirements.and_then(|it| it.max_candidates).unwrap_or(u64::MAX);
    let most = usize::try_from(most).unwrap_or(usize::MAX).min(CANDIDATE_COUNT_MAX);
    if most == 0 {
        let why = "`response_requirements.max_candidates` asks for none";
        return Err((CommerceError::ConstraintConflict, why.to_owned()));
    }

    let quantity = constraints.quantity.unwrap_or(1);
    let context = request.intent_context.as_ref();
    let words = words(context.and_then(|it| it.explicit_intent.as_ref()).into_iter());
    let wishes = context.map(|it| it.implicit_intent.iter().chain(&it.preferences).flatten());
    let wishes = wishes.map(|wishes| self::words(wishes)).unwrap_or_default();
    let mut found = Vec::new();
    for item in &shop.catalogue().items {
        let is_left = left.get(&item.id).is_none_or(|left| quantity <= *left);
        if !is_left || !is_of(item, constraints) {
            continue;
        }
        let meant = relevance(item, &words);
        if meant == 0 && !words.is_empty() && constraints.item_id.is_none() {
            continue;
        }
        let Some((cart, coupon)) = cheapest(item, quantity, shop.catalogue(), now) else { continue };
        if fits(&cart, constraints) {
            // Wishes choose among what fits, and never loosen anything.
            found.push(((meant, relevance(item, &wishes)), cart, coupon, item));
        }
    }
    if found.is_empty() {
        return Err((CommerceError::NoMatch, "nothing that is sold here keeps all constraints".to_owned()));
    }
    sort(&mut found, requirements.and_then(|it| it.sort_preference));
    found.truncate(most);
    let candidates =
        found.into_iter().map(|(_, cart, coupon, item)| candidate(shop, item, &cart, coupon, &left));
    Ok(TransferResponse {
        request_id: request.request_id.clone(),
        merchant_id: us,
        merchant_name: publish::sentence(&shop.seller().name),
        candidates: candidates.collect(),
        timestamp: UtcTime::second_of(now),
    })
}

/// A cart of one item with the choices that cost least, and the coupon that everybody may use, where it helps.
fn cheapest(item: &Item, quantity: u64, catalogue: &Catalogue, now: Time) -> Option<(Cart, Option<String>)> {
    let mut options = BTreeMap::new();
    for option in &item.options {
        let (value, _) = option.values.iter().min_by_key(|(_, extra)| *extra)?;
        options.insert(option.name.clone(), value.clone());
    }
    let line = WantedLine { item: item.id.clone(), quantity: u32::try_from(quantity).ok()?, options };
    let priced = |coupon: Option<String>| -> Result<Cart, CartNo> {
        let wanted = Wanted { lines: vec![line.clone()], coupon, ..Wanted::default() };
        Cart::price(&wanted, catalogue, now)
    };
    let offered =
        catalogue.coupons.iter().filter(|coupon| coupon.offered).map(|coupon| Some(coupon.code.clone()));
    let carts = offered.chain([None]).filter_map(|coupon| Some((priced(coupon.clone()).ok()?, coupon)));
    carts.min_by_key(|(cart, coupon)| (cart.total, coupon.is_some()))
}

fn is_of(item: &Item, constraints: &Constraints) -> bool {
    let is_in = |list: &Vec<Identifier>| list.iter().any(|kind| kind.as_str() == item.category);
    constraints.item_id.as_ref().is_none_or(|id| id.as_str() == item.id)
        && constraints.allowed_categories.as_ref().is_none_or(is_in)
        && !constraints.forbidden_categories.as_ref().is_some_and(is_in)
}

fn fits(cart: &Cart, constraints: &Constraints) -> bool {
    let total = AmountNumber::of_text(&decimal(cart.total, cart.asset));
    // What is finer than the buyer's amounts cannot be compared with them, so it does not fit.
    let is_within = match (constraints.max_amount, total) {
        (Some(most), Some(total)) => total <= most,
        (Some(_), None) => false,
        (None, _) => true,
    };
    let is_soon = match (constraints.max_delivery_seconds, cart.delivery_seconds) {
        (Some(most), Some(takes)) => takes <= most,
        (Some(_), None) => false,
        (None, _) => true,
    };
    is_within && is_soon
}

fn sort(found: &mut [((usize, usize), Cart, Option<String>, &Item)], preference: Option<SortPreference>) {
    let price = |cart: &Cart| cart.total;
    match preference {
        Some(SortPreference::PriceAscending) => found.sort_by_key(|(_, cart, ..)| price(cart)),
        Some(SortPreference::PriceDescending) => {
            found.sort_by_key(|(_, cart, ..)| std::cmp::Reverse(price(cart)));
        }
        Some(SortPreference::DeliveryAscending) => {
            found.sort_by_key(|(_, cart, ..)| (cart.delivery_seconds.unwrap_or(u64::MAX), price(cart)));
        }
        None => found.sort_by_key(|(relevance, cart, ..)| (std::cmp::Reverse(*relevance), price(cart))),
    }
}

/// The words that are looked for: short ones of Latin letters say nothing.
fn words<'a>(texts: impl Iterator<Item = &'a Sentence>) -> Vec<String> {
    let text = texts.map(Sentence::as_str).collect::<Vec<&str>>().join(" ").to_lowercase();
    let split = text.split(|letter: char| !letter.is_alphanumeric());
    let telling = split.filter(|word| !word.is_empty() && (2 < word.len() || !word.is_ascii()));
    telling.map(str::to_owned).collect()
}

/// How many of the words an item has. A text without spaces, as in Chinese, counts where one holds the other.
fn relevance(item: &Item, words: &[String]) -> usize {
    let details = item.details.values().map(String::as_str).collect::<Vec<&str>>().join(" ");
    let text =
        format!("{} {} {} {} {details}", item.id, item.name, item.category, item.description).to_lowercase();
    let name = item.name.to_lowercase();
    words
        .iter()
        .filter(|word| text.contains(word.as_str()) || (!word.is_ascii() && word.contains(&name)))
        .count()
}

fn candidate(
    shop: &Shop,
    item: &Item,
    cart: &Cart,
    coupon: Option<String>,
    left: &BTreeMap<String, u64>,
) -> Candidate {
    let asset = cart.asset;
    let quantity = cart.lines.first().map(|line| line.quantity).unwrap_or(1);
    Candidate {
        item: publish::item(shop, item, left),
        quantity: quantity.into(),
        shipping_fee: decimal(cart.shipping, asset),
        discount_amount: decimal(cart.discount, asset),
        tax_amount: decimal(cart.taxes, asset),
        total_amount: decimal(cart.total, asset),
        currency: Currency::parse(asset.code()).expect("a shop's asset is a currency of three letters"),
        coupon_code: coupon.map(|code| publish::code(&code)),
        delivery_option: cart.delivery.as_ref().map(|delivery| publish::code(&delivery.id)),
        delivery_seconds: cart.delivery_seconds,
    }
}
