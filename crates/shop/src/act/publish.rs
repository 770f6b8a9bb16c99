//! What everybody may read: the catalogue, by which methods the shop is paid, and its card.

use super::sender::No;
use crate::catalogue::Item;
use crate::config::{Negotiation, RealMoney};
use crate::desk::Shop;
use crate::limits::{CATALOGUE_PAGE_BYTES_MAX, CATALOGUE_PAGE_COUNT_MAX};
use crate::snapshot::decimal;
use protocols::a402::wallet::Network;
use protocols::act::cid::CommerceError;
use protocols::act::cid::capability::{
    CAPABILITY_PATH, CapabilityFile, Method, NEGOTIATION_PATH, NODE, NegotiationRequest, NegotiationResponse,
    PublishedMethod, PublishedPsp,
};
use protocols::act::cid::cart::{Choice, ReferencePaymentInfo};
use protocols::act::cid::catalogue::{Availability, Catalogue, CatalogueItem, ItemOption, OptionValue};
use protocols::act::{Currency, Identifier, Sentence, Uri, UtcTime};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A page of the catalogue, from the item of that id on.
pub(crate) async fn catalogue(shop: &Shop, from: Option<&str>) -> Result<Catalogue, No> {
    let left = shop.stock_left().await.map_err(|no| (CommerceError::Unavailable, no.to_string()))?;
    let items = &shop.catalogue().items;
    let begin = match from {
        Some(id) => items
            .iter()
            .position(|item| item.id == id)
            .ok_or_else(|| (CommerceError::Format, "`cursor` is no item of the catalogue".to_owned()))?,
        None => 0,
    };
    let (mut page, mut bytes) = (Vec::new(), 0);
    let mut rest = items.iter().skip(begin);
    let mut next = None;
    for shown in rest.by_ref() {
        let one = item(shop, shown, &left);
        bytes += one.to_json().len();
        let is_full = CATALOGUE_PAGE_COUNT_MAX <= page.len() || CATALOGUE_PAGE_BYTES_MAX < bytes;
        if is_full && !page.is_empty() {
            next = Some(code(&shown.id));
            break;
        }
        page.push(one);
    }
    Ok(Catalogue {
        merchant_id: merchant_id(shop),
        merchant_name: sentence(&shop.seller().name),
        items: page,
        next_cursor: next,
        timestamp: UtcTime::second_of(shop.now()),
    })
}

/// An item as ACT's catalogues show it. What cannot be ordered is shown without a price, and says why.
pub(crate) fn item(shop: &Shop, item: &Item, left: &BTreeMap<String, u64>) -> CatalogueItem {
    let asset = shop.catalogue().asset;
    let refusal = item.refusal(shop.now());
    let price = item.price.filter(|_| refusal.is_none());
    let left = left.get(&item.id).copied();
    let details = item.details.iter().map(|(name, value)| {
        Some(Choice {
            name: Identifier::parse(name.as_str()).ok()?,
            value: Sentence::parse(value.as_str()).ok()?,
        })
    });
    let details: Vec<Choice> = details.flatten().collect();
    let options = item.options.iter().map(|option| ItemOption {
        name: code(&option.name),
        values: option
            .values
            .iter()
            .map(|(value, extra)| OptionValue {
                value: sentence(value),
                extra: (0 < extra.minor()).then(|| decimal(*extra, asset)),
            })
            .collect(),
    });
    let options: Vec<ItemOption> = options.collect();
    CatalogueItem {
        item_id: code(&item.id),
        name: sentence(&item.name),
        category: code(&item.category),
        price: price.map(|price| decimal(price, asset)),
        currency: price.map(|_| currency(shop)),
        stock: left.map(|left| if left == 0 { Availability::SoldOut } else { Availability::Available }),
        quantity_left: left,
        price_valid_until: item.price_valid_until.map(UtcTime::second_of),
        delivery_seconds: item.delivery_seconds,
        merchant_id: Some(merchant_id(shop)),
        merchant_link: Uri::parse(shop.seller().public_url.as_str()).ok(),
        item_link: item.link.as_ref().and_then(|link| Uri::parse(link.as_str()).ok()),
        description: Sentence::parse(item.description.as_str()).ok(),
        details: (!details.is_empty()).then_some(details),
        options: (!options.is_empty()).then_some(options),
        not_orderable: refusal.map(sentence),
    }
}

/// The one method, and the service that carries it out.
pub(crate) fn method(shop: &Shop) -> Method {
    let server = &shop.seller().server;
    let at = |path: &str| {
        let url = server.join(path).expect("our paths are paths");
        Uri::parse(url.as_str()).expect("an address of ours is a URI")
    };
    Method {
        method_id: method_id(shop),
        psp_id: Identifier::parse(server.as_str()).expect("an address is short"),
        endpoint: at("/v1/act/payments"),
        method_schema_url: at("/openapi.json"),
    }
}

/// How an order is paid, for its confirmation.
pub(crate) fn payment_info(shop: &Shop) -> ReferencePaymentInfo {
    let Method { method_id, psp_id, endpoint, .. } = method(shop);
    ReferencePaymentInfo { payment_method: method_id, psp_id, psp_endpoint: endpoint }
}

/// The file that says how the shop is paid.
pub(crate) fn capability_file(shop: &Shop) -> CapabilityFile {
    let Method { method_id, psp_id, endpoint, method_schema_url } = method(shop);
    CapabilityFile {
        version: code("1.0"),
        role: code("payee"),
        agent_id: merchant_id(shop),
        supported_methods: vec![PublishedMethod {
            method_id,
            psps: vec![PublishedPsp { psp_id, endpoint, method_schema_url }],
        }],
    }
}

/// Answers by which of a buyer's methods the shop can be paid; by none is an answer as well.
pub(crate) fn negotiate(shop: &Shop, request: &NegotiationRequest) -> NegotiationResponse {
    let method = method(shop);
    let has_it = request.buyer_supported_methods.contains(&method.method_id);
    let in_ours =
        request.currency.as_ref().is_none_or(|currency| currency.as_str() == shop.catalogue().asset.code());
    NegotiationResponse { supported_methods: if has_it && in_ours { vec![method] } else { Vec::new() } }
}

/// The shop's card: who it is, and where it tells how it is paid.
pub(crate) fn card(shop: &Shop) -> Value {
    let seller = shop.seller();
    let at = |path: &str| seller.public_url.join(path).map(String::from).unwrap_or_default();
    let node = match seller.negotiation {
        Negotiation::OneWay => json!({ "mode": "one-way", "capability_url": at(CAPABILITY_PATH) }),
        Negotiation::TwoWay => json!({ "mode": "two-way", "negotiation_endpoint": at(NEGOTIATION_PATH) }),
    };
    json!({
        "agent_id": seller.payee.to_string(),
        "name": seller.name,
        "url": seller.public_url.as_str(),
        "capabilities": { NODE: node },
        "act": {
            "catalogue": at("/act/catalogue"), "intents": at("/act/intents"), "carts": at("/act/carts"),
            "orders": at("/act/orders"),
        },
    })
}

pub(crate) fn merchant_id(shop: &Shop) -> Identifier {
    code(&shop.seller().payee.to_string())
}

pub(crate) fn currency(shop: &Shop) -> Currency {
    Currency::parse(shop.catalogue().asset.code()).expect("a shop's asset is a currency of three letters")
}

fn method_id(shop: &Shop) -> Identifier {
    let network = match shop.seller().money {
        RealMoney::Yes => Network::Main,
        RealMoney::No => Network::Test,
    };
    code(network.method_id().as_str())
}

/// A text of ours that was measured when it was read.
pub(crate) fn code(text: &str) -> Identifier {
    Identifier::parse(text).expect("our codes are identifiers")
}

/// A line of ours that was measured when it was read.
pub(crate) fn sentence(text: &str) -> Sentence {
    Sentence::parse(text).expect("our lines are short, and not empty")
}
