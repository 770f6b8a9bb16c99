//! Ways of delivery in UCP: the extension `dev.ucp.shopping.fulfillment`, as a platform asks for it and as a checkout has it.
//!
//! A cart is one parcel that goes to one place. So there is one method, `shipping`, with one group; and of the places that a
//! platform names, the selected one is kept.

use crate::checkout::Checkout;
use crate::ucp::checkout::line_id;
use evidence::{Hash, base64url};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The one method.
const SHIPPING: &str = "shipping";

/// What a platform asks for. What it does not name stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// The way of delivery, by the shop's name of it.
    pub delivery: Option<String>,
    pub place: Option<Place>,
}

/// Where to.
#[derive(Clone, Debug, PartialEq)]
pub enum Place {
    /// An address under its name, as a checkout keeps it.
    New(Value),
    /// The one that the checkout has, by its name.
    Known(String),
}

/// What a request has under `fulfillment`. Members that are the shop's to say are not read.
#[derive(Deserialize)]
pub(super) struct Body {
    #[serde(default)]
    methods: Vec<Method>,
}

#[derive(Deserialize)]
struct Method {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    destinations: Vec<Address>,
    selected_destination_id: Option<String>,
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Deserialize)]
struct Group {
    selected_option_id: Option<String>,
}

/// A place that goods are sent to: nothing else of it is kept.
#[derive(Deserialize, Serialize)]
struct Address {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    street_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extended_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_locality: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_region: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    address_country: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    postal_code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone_number: Option<String>,
}

impl Body {
    /// What is asked for, or why it cannot be.
    pub(super) fn asked(self) -> Result<Asked, &'static str> {
        let mut methods = self.methods.into_iter();
        let (method, further) = (methods.next(), methods.next());
        let Some(method) = method else { return Ok(Asked::default()) };
        if further.is_some() || 1 < method.groups.len() {
            return Err("a cart is one parcel: one method with one group");
        }
        if method.kind.is_some_and(|kind| kind != SHIPPING) {
            return Err("the only method is `shipping`");
        }
        let delivery = method.groups.into_iter().next().and_then(|group| group.selected_option_id);
        let mut sent: Vec<Address> = method.destinations.into_iter().map(Address::named).collect();
        let place = match method.selected_destination_id {
            Some(id) => {
                let found = sent.into_iter().find(|address| address.id.as_ref() == Some(&id));
                Some(found.map_or(Place::Known(id), |address| Place::New(address.kept())))
            }
            None if 1 < sent.len() => return Err("one of several destinations has to be selected"),
            None => sent.pop().map(|address| Place::New(address.kept())),
        };
        Ok(Asked { delivery, place })
    }
}

impl Address {
    /// The address under the name that it came with, or one that follows from it.
    fn named(mut self) -> Address {
        if self.id.is_none() {
            let digest = Hash::of(self.kept().to_string().as_bytes());
            let start = digest.0.first_chunk::<12>().expect("a digest has 32 bytes");
            self.id = Some(format!("dest_{}", base64url::encode(start)));
        }
        self
    }

    fn kept(&self) -> Value {
        serde_json::to_value(self).expect("an address is JSON")
    }
}

/// How a checkout gets to its buyer; nothing where nothing is carried.
pub(super) fn fulfillment(checkout: &Checkout) -> Option<Value> {
    if checkout.deliveries.is_empty() {
        return None;
    }
    let lines: Vec<String> = carried(checkout).map(|(id, _)| id).collect();
    let options = checkout.deliveries.iter().map(|delivery| {
        json!({
            "id": delivery.id,
            "title": delivery.title,
            "totals": [{ "type": "total", "amount": delivery.price_minor }],
        })
    });
    let options: Vec<Value> = options.collect();
    let group = json!({
        "id": "parcel",
        "line_item_ids": lines,
        "options": options,
        "selected_option_id": checkout.delivery,
    });
    let method = json!({ "id": SHIPPING, "type": SHIPPING, "line_item_ids": lines, "groups": [group] });
    let Value::Object(mut method) = method else { return None };
    if let Some(place) = &checkout.place {
        method.insert("destinations".to_owned(), json!([place]));
        method.extend(place.get("id").map(|id| ("selected_destination_id".to_owned(), id.clone())));
    }
    Some(json!({ "methods": [method] }))
}

/// What the buyer of an order may expect, where it is said where to.
pub(super) fn expectations(checkout: &Checkout) -> Vec<Value> {
    let chosen = checkout.deliveries.iter().find(|delivery| checkout.delivery.as_ref() == Some(&delivery.id));
    let (Some(Value::Object(place)), Some(delivery)) = (&checkout.place, chosen) else { return Vec::new() };
    let lines: Vec<Value> =
        carried(checkout).map(|(id, quantity)| json!({ "id": id, "quantity": quantity })).collect();
    let mut destination = place.clone();
    destination.remove("id");
    vec![json!({
        "id": "parcel",
        "line_items": lines,
        "method_type": SHIPPING,
        "destination": destination,
        "description": delivery.title,
    })]
}

/// The lines that are carried somewhere, and how many of each.
fn carried(checkout: &Checkout) -> impl Iterator<Item = (String, u64)> {
    let lines = checkout.lines.iter().zip(1..);
    lines.filter(|(line, _)| line.carried).map(|(line, n)| (line_id(n), line.quantity))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(methods: Value) -> Result<Asked, &'static str> {
        let body: Body = serde_json::from_value(json!({ "methods": methods })).unwrap();
        body.asked()
    }

    #[test]
    fn the_selected_place_and_way_are_what_is_asked_for() {
        let home = json!({ "id": "home", "address_country": "US", "postal_code": "10012" });
        let work = json!({ "id": "work", "address_country": "CA" });
        let to = |place: &Value| Some(Place::New(place.clone()));
        for (method, delivery, place) in [
            (json!({}), None, None),
            (json!({ "type": "shipping" }), None, None),
            (json!({ "destinations": [home] }), None, to(&home)),
            (json!({ "destinations": [home, work], "selected_destination_id": "work" }), None, to(&work)),
            (json!({ "selected_destination_id": "home" }), None, Some(Place::Known("home".to_owned()))),
            (
                json!({ "groups": [{ "id": "parcel", "selected_option_id": "courier" }] }),
                Some("courier"),
                None,
            ),
            (json!({ "groups": [{ "id": "parcel", "selected_option_id": null }] }), None, None),
        ] {
            let expected = Asked { delivery: delivery.map(str::to_owned), place };
            assert_eq!(asked(json!([method])), Ok(expected), "{method}");
        }
        assert_eq!(asked(json!([])), Ok(Asked::default()));
        for (methods, why) in [
            (json!([{}, {}]), "one parcel"),
            (json!([{ "groups": [{}, {}] }]), "one parcel"),
            (json!([{ "type": "pickup" }]), "only method"),
            (json!([{ "destinations": [home, work] }]), "has to be selected"),
        ] {
            assert!(asked(methods.clone()).unwrap_err().contains(why), "{methods}");
        }
    }

    #[test]
    fn an_address_has_a_name_that_is_the_same_each_time() {
        let named = |address: Value| match asked(json!([{ "destinations": [address] }])) {
            Ok(Asked { place: Some(Place::New(place)), .. }) => place["id"].as_str().unwrap().to_owned(),
            other => panic!("{other:?}"),
        };
        let address = json!({ "street_address": "123 Main St", "address_country": "US" });
        let name = named(address.clone());
        assert_eq!(named(address), name);
        assert_ne!(named(json!({ "street_address": "124 Main St", "address_country": "US" })), name);
        assert_eq!(named(json!({ "id": "mine", "not_of_an_address": [] })), "mine");
    }
}
