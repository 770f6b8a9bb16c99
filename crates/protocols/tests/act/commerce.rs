//! ACT's commerce domain: every member of every message, methods that are chosen or not, limits before anything is sent, and
//! what a cart's hash covers. Names begin with the rows of the requirements.

use protocols::Time;
use protocols::act::cid::capability::{
    CapabilityFile, Declaration, Method, NegotiationRequest, NegotiationResponse, NoMethod, Pinned, Source,
    choose, confirm_source,
};
use protocols::act::cid::cart::{CartConfirmation, CartRequest, NotConfirmed};
use protocols::act::cid::catalogue::{CatalogueItem, Incomplete};
use protocols::act::cid::precheck::{Breach, PreCheck, latest, policy};
use protocols::act::cid::transfer::{TransferRequest, TransferResponse};
use protocols::act::cid::{CommerceError, Refusal};
use protocols::act::iac::IacPayload;
use protocols::act::intent::PriceDeviationAction;
use protocols::act::{AmountNumber, Currency, Identifier, UtcTime};
use serde_json::{Value, json};
use url::Url;

fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

fn id(text: &str) -> Identifier {
    Identifier::parse(text).unwrap()
}

/// The same object without each of its members, by name.
fn without_each(whole: &Value) -> Vec<(String, Value)> {
    let names = whole.as_object().unwrap().keys().cloned();
    let without = |name: String| {
        let mut value = whole.clone();
        value.as_object_mut().unwrap().remove(&name);
        (name, value)
    };
    names.map(without).collect()
}

fn item() -> Value {
    json!({"item_id": "TILE-10K", "name": "Map tiles, 10 000 calls", "category": "data/api", "price": "99.00",
        "currency": "CNY", "stock": "AVAILABLE", "price_valid_until": "2026-09-02T04:00:00Z", "delivery_seconds": 0,
        "merchant_id": "pye_1", "merchant_link": "https://shop.example/", "item_link": "https://shop.example/tiles"})
}

#[test]
fn cat_01_an_item_has_id_name_category_and_a_price_with_its_currency() {
    let whole = CatalogueItem::from_json(&text(&item())).unwrap();
    assert_eq!(
        whole.orderable().map(|(price, currency)| (price.as_str(), currency.as_str())),
        Ok(("99.00", "CNY"))
    );
    for (name, without) in without_each(&item()) {
        let read = CatalogueItem::from_json(&text(&without));
        let is_minimum = ["item_id", "name", "category"].contains(&name.as_str());
        assert_eq!(read.is_err(), is_minimum, "{name}: {read:?}");
    }
}

#[test]
fn cat_02_what_lacks_a_price_or_its_currency_is_seen_and_not_ordered() {
    for (change, expected) in [
        (json!({"price": null}), Err(Incomplete::Price)),
        (json!({"currency": null}), Err(Incomplete::Currency)),
        (json!({"not_orderable": "sold elsewhere"}), Err(Incomplete::Refused)),
        (json!({}), Ok(())),
    ] {
        let mut changed = item();
        for (name, value) in change.as_object().unwrap() {
            changed[name] = value.clone();
        }
        changed.as_object_mut().unwrap().retain(|_, value| !value.is_null());
        let read = CatalogueItem::from_json(&text(&changed)).unwrap();
        assert_eq!(read.orderable().map(|_| ()), expected, "{change}");
    }
}

fn transfer() -> Value {
    json!({"request_id": "req-1", "intent_id": "int_1", "delegation_id": "mdt_1", "buyer_agent_id": "agt_1",
        "intent_context": {"explicit_intent": "20k calls", "implicit_intent": ["soon"], "preferences": ["cheap"]},
        "constraints": {"max_amount": 120.50, "currency": "CNY", "allowed_categories": ["data/api"]},
        "response_requirements": {"max_candidates": 3, "sort_preference": "PRICE_ASC"},
        "timestamp": "2026-09-02T03:00:00Z", "signer_id": "key_1", "signature": "AA"})
}

#[test]
fn xfr_01_a_request_says_who_asks_what_within_which_limits_and_signs_it() {
    let read = TransferRequest::read(&text(&transfer())).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&read.to_json()).unwrap(), transfer());
    for (name, without) in without_each(&transfer()) {
        let is_optional = ["intent_id", "delegation_id", "signer_id"].contains(&name.as_str());
        assert_eq!(TransferRequest::read(&text(&without)).is_ok(), is_optional, "{name}");
    }
    let mut more = transfer();
    more["max_amount"] = json!(9e9);
    assert!(TransferRequest::read(&text(&more)).is_err(), "a member nobody knows may be a limit");
    // A name of version 2.0 is read, and that of 2.1 written; both at once could differ.
    let mut old = transfer();
    old["constraints"] =
        json!({"max_amount": 120.50, "amount_currency": "CNY", "allowed_categories": ["data/api"]});
    let renamed = TransferRequest::read(&text(&old)).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&renamed.to_json()).unwrap(), transfer());
    old["constraints"]["currency"] = json!("USD");
    assert!(TransferRequest::read(&text(&old)).is_err());
}

#[test]
fn xfr_02_an_answer_has_candidates_or_is_an_error() {
    let candidate = json!({"item": item(), "quantity": 1, "shipping_fee": "0.00", "discount_amount": "0.00",
        "tax_amount": "0.00", "total_amount": "99.00", "currency": "CNY"});
    let mut answer = json!({"request_id": "req-1", "merchant_id": "pye_1", "merchant_name": "Maps",
        "candidates": [candidate], "timestamp": "2026-09-02T03:00:01Z"});
    assert!(TransferResponse::from_json(&text(&answer)).is_ok());
    answer["candidates"] = json!([]);
    assert!(TransferResponse::from_json(&text(&answer)).is_err(), "an empty success is none");
}

#[test]
fn xfr_03_a_later_round_says_only_what_changes() {
    let first = TransferRequest::read(&text(&transfer())).unwrap();
    let delta = |change: Value| {
        let mut round = json!({"request_id": "req-2", "previous_request_id": "req-1", "buyer_agent_id": "agt_1",
            "timestamp": "2026-09-02T03:01:00Z", "signature": "AA"});
        for (name, value) in change.as_object().unwrap() {
            round[name] = value.clone();
        }
        round
    };
    let read = |round: &Value| TransferRequest::read(&text(round));
    let round = read(&delta(json!({"constraints": {"max_amount": 80}}))).unwrap();
    let whole = round.after(&first).unwrap();
    let constraints = whole.constraints.as_ref().unwrap();
    assert_eq!(constraints.max_amount, AmountNumber::new(8_000));
    assert_eq!(constraints.allowed_categories.as_deref(), Some(&[id("data/api")][..]));
    assert_eq!(whole.intent_id, first.intent_id);
    assert_eq!(whole.intent_context, first.intent_context);
    assert_eq!(whole.response_requirements, first.response_requirements);
    // No limit is lost by silence.
    let other =
        read(&delta(json!({"constraints": {"max_delivery_seconds": 60}}))).unwrap().after(&first).unwrap();
    assert_eq!(other.constraints.unwrap().max_amount, first.constraints.as_ref().unwrap().max_amount);

    assert!(read(&delta(json!({"request_id": "req-1"}))).is_err(), "an id is of one round");
    for wrong in [
        json!({"previous_request_id": "req-0"}),
        json!({"buyer_agent_id": "agt_2"}),
        json!({"intent_id": "int_2"}),
        json!({"delegation_id": "mdt_2"}),
    ] {
        assert!(read(&delta(wrong.clone())).unwrap().after(&first).is_err(), "{wrong}");
    }
}

#[test]
fn xfr_04_each_class_has_a_word_and_a_status() {
    let statuses: Vec<(&str, u16)> = CommerceError::ALL.iter().map(|it| (it.as_str(), it.status())).collect();
    assert_eq!(
        statuses,
        [
            ("FORMAT_ERROR", 400),
            ("NO_MATCH", 404),
            ("ACCESS_RESTRICTED", 403),
            ("CONSTRAINT_CONFLICT", 422),
            ("TOO_MANY_REQUESTS", 429),
            ("NOT_ORDERABLE", 409),
            ("OUT_OF_STOCK", 409),
            ("PRICE_CHANGED", 409),
            ("ORDER_OVER", 404),
            ("UNAVAILABLE", 503),
        ]
    );
    let refusal = json!({"request_id": "req-1", "error": "NO_MATCH", "message": "nothing fits"});
    assert_eq!(Refusal::from_json(&text(&refusal)).unwrap().error, CommerceError::NoMatch);
}

#[test]
fn xfr_04_constraints_that_contradict_each_other_are_named() {
    for (constraints, conflicts) in [
        (json!({"max_amount": 1}), vec![]),
        (json!({"allowed_categories": ["a"], "forbidden_categories": ["b"]}), vec![]),
        (
            json!({"allowed_categories": ["a", "b"], "forbidden_categories": ["b"]}),
            vec!["allowed_categories"],
        ),
        (json!({"allowed_categories": []}), vec!["allowed_categories"]),
        (json!({"allowed_merchants": ["m"], "forbidden_merchants": ["m"]}), vec!["allowed_merchants"]),
        (json!({"max_amount": 0, "quantity": 0}), vec!["max_amount", "quantity"]),
    ] {
        let mut request = transfer();
        request["constraints"] = constraints.clone();
        let read = TransferRequest::read(&text(&request)).unwrap();
        assert_eq!(read.constraints.unwrap().conflicts(), conflicts, "{constraints}");
    }
}

const METHOD: &str = "toll:test/wallet";
const PSP: &str = "https://pay.example/";

fn method(change: &[(&str, &str)]) -> Value {
    let mut method = json!({"method_id": METHOD, "psp_id": PSP, "endpoint": "https://pay.example/v1/act/payments",
        "method_schema_url": "https://pay.example/openapi.json"});
    for (name, value) in change {
        method[*name] = json!(value);
    }
    method
}

fn pinned() -> Pinned {
    let mut pinned = Pinned::default();
    pinned.pin(id(PSP), &Url::parse(PSP).unwrap());
    pinned
}

fn offered(methods: &[Value]) -> Vec<Method> {
    NegotiationResponse::read(&text(&json!({ "supported_methods": methods }))).unwrap().supported_methods
}

#[test]
fn pca_01_a_declaration_conveys_mode_methods_services_endpoints_and_schemas() {
    let file = json!({"version": "1.0", "role": "payee", "agent_id": "pye_1", "supported_methods": [
        {"method_id": METHOD, "psps": [{"psp_id": PSP, "endpoint": "https://pay.example/v1/act/payments",
            "method_schema_url": "https://pay.example/openapi.json"}]}]});
    let read = CapabilityFile::from_json(&text(&file)).unwrap();
    assert_eq!(read.methods(), offered(&[method(&[])]));
    for (name, without) in without_each(&file) {
        assert!(CapabilityFile::from_json(&text(&without)).is_err(), "{name}");
    }
    let psp = &file["supported_methods"][0]["psps"][0];
    for (name, without) in without_each(psp) {
        let mut lacking = file.clone();
        lacking["supported_methods"][0]["psps"][0] = without;
        assert!(CapabilityFile::from_json(&text(&lacking)).is_err(), "{name}");
    }
}

#[test]
fn pca_02_each_mode_declares_its_own_address() {
    for (declaration, is_one) in [
        (json!({"mode": "one-way", "capability_url": "https://a.example/c"}), true),
        (json!({"mode": "two-way", "negotiation_endpoint": "https://a.example/n"}), true),
        (json!({"mode": "one-way", "negotiation_endpoint": "https://a.example/n"}), false),
        (json!({"mode": "two-way", "capability_url": "https://a.example/c"}), false),
        (json!({"mode": "both", "capability_url": "https://a.example/c"}), false),
        (json!({"capability_url": "https://a.example/c"}), false),
    ] {
        assert_eq!(Declaration::from_json(&text(&declaration)).is_ok(), is_one, "{declaration}");
    }
}

#[test]
fn pca_03_only_a_method_that_the_limits_allow_is_chosen() {
    let both = offered(&[method(&[("method_id", "a")]), method(&[("method_id", "b")])]);
    let only_a = offered(&[method(&[("method_id", "a")])]);
    let ours = [id("a"), id("b")];
    let allowed = [id("b")];
    let chosen = choose(&both, &ours, Some(&allowed), &pinned()).unwrap();
    assert_eq!(chosen.method_id, id("b"));
    assert_eq!(choose(&only_a, &ours, Some(&allowed), &pinned()), Err(NoMethod::NoMatch));
    assert_eq!(choose(&both, &ours, None, &pinned()).unwrap().method_id, id("a"), "the buyer's order counts");
}

#[test]
fn pca_04_an_outcome_fixes_all_four_or_is_none() {
    for (name, without) in without_each(&method(&[])) {
        let answer = json!({"supported_methods": [without]});
        assert!(NegotiationResponse::read(&text(&answer)).is_err(), "{name}");
    }
}

#[test]
fn pca_05_09_nothing_in_common_or_nothing_confirmed_is_nothing_to_pay_by() {
    let ours = [id(METHOD)];
    assert_eq!(choose(&offered(&[]), &ours, None, &pinned()), Err(NoMethod::NoMatch));
    assert_eq!(choose(&offered(&[method(&[])]), &[], None, &pinned()), Err(NoMethod::NoMatch));
    let nobody = Pinned::default();
    let not = choose(&offered(&[method(&[])]), &ours, None, &nobody);
    assert!(matches!(not, Err(NoMethod::NotOfPsp { .. })), "{not:?}");
}

#[test]
fn pca_06_a_question_has_four_members_and_names_of_version_2_0_are_read() {
    let asked = json!({"agent_id": "agt_1", "buyer_supported_methods": [METHOD], "currency": "CNY", "estimated_amount": 99.00});
    let old = json!({"agent_id": "agt_1", "supported_methods": [METHOD], "amount_currency": "CNY", "estimated_amount": 99.00});
    let read = NegotiationRequest::read(&text(&asked)).unwrap();
    assert_eq!(NegotiationRequest::read(&text(&old)).unwrap(), read);
    assert_eq!(
        read.to_json(),
        r#"{"agent_id":"agt_1","buyer_supported_methods":["toll:test/wallet"],"currency":"CNY","estimated_amount":99.00}"#
    );
    for (name, without) in without_each(&asked) {
        let is_optional = ["currency", "estimated_amount"].contains(&name.as_str());
        assert_eq!(NegotiationRequest::read(&text(&without)).is_ok(), is_optional, "{name}");
    }
    let matched = json!({"matched_methods": [method(&[])]});
    assert_eq!(
        NegotiationResponse::read(&text(&matched)).unwrap().supported_methods,
        offered(&[method(&[])])
    );
    let both = json!({"matched_methods": [], "supported_methods": [method(&[])]});
    assert!(NegotiationResponse::read(&text(&both)).is_err());
}

#[test]
fn pca_07_a_declaration_counts_only_from_where_it_was_declared() {
    for (declared, answered, card, is_confirmed) in [
        ("https://a.example/c", "https://a.example/c", "https://a.example/", true),
        ("https://a.example/c", "https://b.example/c", "https://a.example/", false),
        ("https://a.example/c", "https://a.example/d", "https://a.example/", false),
        ("https://b.example/c", "https://b.example/c", "https://a.example/", false),
        ("https://a.example:8443/c", "https://a.example:8443/c", "https://a.example/", false),
        ("http://a.example/c", "http://a.example/c", "http://a.example/", false),
        ("http://127.0.0.1:8430/c", "http://127.0.0.1:8430/c", "http://127.0.0.1:8430/", true),
        ("http://localhost:8430/c", "http://localhost:8430/c", "http://localhost:8430/", false),
    ] {
        let urls = [declared, answered, card].map(|url| Url::parse(url).unwrap());
        let source = Source { declared: &urls[0], answered: &urls[1], card: &urls[2] };
        assert_eq!(confirm_source(source).is_ok(), is_confirmed, "{declared} {answered} {card}");
    }
}

#[test]
fn pca_08_name_endpoint_and_schema_belong_to_one_service() {
    for (change, is_consistent) in [
        (vec![], true),
        (vec![("endpoint", "https://pay.evil.example/v1/act/payments")], false),
        (vec![("endpoint", "https://pay.example:444/v1/act/payments")], false),
        (vec![("endpoint", "http://pay.example/v1/act/payments")], false),
        (vec![("method_schema_url", "https://pay.evil.example/openapi.json")], false),
        (vec![("psp_id", "https://pay.evil.example/")], false),
    ] {
        let chosen = choose(&offered(&[method(&change)]), &[id(METHOD)], None, &pinned());
        assert_eq!(chosen.is_ok(), is_consistent, "{change:?}: {chosen:?}");
    }
}

fn limits(change: &[(&str, Value)]) -> IacPayload {
    let mut payload = json!({"delegation_id": "mdt_1", "intent_id": "int_1", "delegator_identity": "own_1",
        "agent_id": "agt_1", "delegation_mode": "SPECIFIED", "validity_start_time": "2026-09-01T00:00:00Z",
        "validity_end_time": "2026-09-03T00:00:00Z", "max_total_amount": 800.00, "currency": "CNY",
        "allowed_payment_methods": [METHOD],
        "ext": {"commerce": {"max_single_amount": 500.00, "min_single_amount": 1.00, "allowed_categories": ["flight"],
                "forbidden_categories": ["red-eye"], "allowed_merchants": ["pye_1"]},
            "agent_behavior": {"price_deviation_tolerance": 5},
            "fulfillment": {"delivery_time_requirement": "PT1H"}}});
    for (path, value) in change {
        *payload.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value.clone();
    }
    IacPayload::from_json(&text(&payload)).unwrap()
}

fn noon() -> Time {
    UtcTime::parse("2026-09-02T12:00:00Z").unwrap().time()
}

/// A cart that is checked.
struct Cart {
    spent: AmountNumber,
    total: AmountNumber,
    currency: Currency,
    merchant: Identifier,
    categories: Vec<Identifier>,
    method: Identifier,
    delivery_seconds: Option<u64>,
    shown: Option<AmountNumber>,
}

/// What is said of a cart that keeps every limit, after one thing about it was changed.
fn checked(change: impl FnOnce(&mut Cart), limits: &IacPayload, at: Time) -> Result<(), Breach> {
    let mut cart = Cart {
        spent: AmountNumber::new(30_000).unwrap(),
        total: AmountNumber::new(50_000).unwrap(),
        currency: Currency::parse("CNY").unwrap(),
        merchant: id("pye_1"),
        categories: vec![id("flight")],
        method: id(METHOD),
        delivery_seconds: Some(3_600),
        shown: AmountNumber::new(50_000),
    };
    change(&mut cart);
    let check = PreCheck {
        limits,
        spent: cart.spent,
        total: cart.total,
        currency: &cart.currency,
        merchant_id: &cart.merchant,
        categories: &cart.categories,
        payment_method: Some(&cart.method),
        delivery_seconds: cart.delivery_seconds,
        shown: cart.shown,
    };
    check.run(at)
}

#[test]
fn cart_02_one_breach_for_each_dimension_and_the_limit_itself_is_inside() {
    let whole = limits(&[]);
    let hundredths = |amount| AmountNumber::new(amount).unwrap();
    assert_eq!(checked(|_| {}, &whole, noon()), Ok(()), "every limit itself is inside");
    assert_eq!(checked(|it| it.total = hundredths(50_001), &whole, noon()), Err(Breach::SingleAmount));
    assert_eq!(checked(|it| it.total = hundredths(99), &whole, noon()), Err(Breach::BelowMinimum));
    assert_eq!(checked(|it| it.spent = hundredths(30_001), &whole, noon()), Err(Breach::CumulativeAmount));
    let dollars = Currency::parse("USD").unwrap();
    assert_eq!(checked(|it| it.currency = dollars, &whole, noon()), Err(Breach::Currency));
    let other = id("pye_2");
    assert_eq!(checked(|it| it.merchant = other, &whole, noon()), Err(Breach::Merchant));
    for kinds in
        [vec![], vec![id("hotel")], vec![id("flight"), id("hotel")], vec![id("flight"), id("red-eye")]]
    {
        assert_eq!(checked(|it| it.categories = kinds, &whole, noon()), Err(Breach::Category));
    }
    let other = id("card");
    assert_eq!(checked(|it| it.method = other, &whole, noon()), Err(Breach::Method));
    assert_eq!(checked(|it| it.delivery_seconds = Some(3_601), &whole, noon()), Err(Breach::FulfilmentTime));
    assert_eq!(checked(|it| it.delivery_seconds = None, &whole, noon()), Err(Breach::FulfilmentTime));
    // 5 percent of 476.19 are 23.80: 500.00 is 23.81 away, and of 476.20 it is 23.80.
    assert_eq!(
        checked(|it| it.shown = AmountNumber::new(47_619), &whole, noon()),
        Err(Breach::PriceDeviation)
    );
    assert_eq!(checked(|it| it.shown = AmountNumber::new(47_620), &whole, noon()), Ok(()));
    assert_eq!(
        checked(|it| it.shown = AmountNumber::new(52_632), &whole, noon()),
        Err(Breach::PriceDeviation)
    );
    let end = UtcTime::parse("2026-09-03T00:00:00Z").unwrap().time();
    assert_eq!(checked(|_| {}, &whole, end), Err(Breach::Window));
    assert_eq!(checked(|_| {}, &whole, Time(0)), Err(Breach::Window));
}

#[test]
fn cart_02_a_time_that_cannot_be_read_is_not_kept() {
    let at = |text: &str| latest(text, noon()).map(|time| (time.0 - noon().0) / 1_000_000_000);
    for (requirement, seconds) in [
        ("PT45M", Some(2_700)),
        ("PT90S", Some(90)),
        ("PT2H", Some(7_200)),
        ("P2D", Some(172_800)),
        ("2026-09-02T12:00:30Z", Some(30)),
        ("P2H", None),
        ("PT2D", None),
        ("PT", None),
        ("P", None),
        ("PTM", None),
        ("PT-1M", None),
        ("PT99999999999999999999M", None),
        ("soon", None),
        ("", None),
    ] {
        assert_eq!(at(requirement), seconds, "`{requirement}`");
    }
    let soon = limits(&[("/ext/fulfillment/delivery_time_requirement", json!("soon"))]);
    assert_eq!(checked(|_| {}, &soon, noon()), Err(Breach::FulfilmentTime));
}

#[test]
fn cart_04_05_the_policy_is_the_principals_and_else_a_pause() {
    assert_eq!(policy(&limits(&[])), PriceDeviationAction::PauseAndNotify);
    for (word, action) in [
        ("AUTO_CANCEL", PriceDeviationAction::AutoCancel),
        ("PAUSE_AND_NOTIFY", PriceDeviationAction::PauseAndNotify),
    ] {
        let said = limits(&[("/ext/agent_behavior", json!({ "price_deviation_action": word }))]);
        assert_eq!(policy(&said), action);
    }
}

fn wanted() -> Value {
    json!({"request_id": "req-cart-1", "intent_id": "int_1", "delegation_id": "mdt_1", "buyer_agent_id": "agt_1",
        "merchant_id": "pye_1", "cart_snapshot": {"items": [{"product_id": "TILE", "price": "99.00", "quantity": 2}]},
        "total_amount": "200.00", "currency": "CNY", "timestamp": "2026-09-02T03:05:00Z", "signature": "AA"})
}

fn confirmed(change: &[(&str, Value)]) -> Value {
    let mut confirmation = json!({"request_id": "req-cart-1", "intent_id": "int_1", "delegation_id": "mdt_1",
        "buyer_agent_id": "agt_1", "merchant_id": "pye_1", "merchant_order_id": "ord_1",
        "cart_snapshot": {"items": [{"product_id": "TILE", "product_name": "Map tiles", "category": "data/api",
            "price": "99.00", "quantity": 2, "subtotal": "198.00"}], "snapshot_hash": format!("sha-256:{}", "A".repeat(43))},
        "shipping_fee": "3.00", "discount_amount": "2.00", "tax_amount": "1.00", "total_amount": "200.00",
        "currency": "CNY", "pay_before": "2026-09-02T03:15:00Z",
        "reference_payment_info": {"payment_method": METHOD, "psp_id": PSP, "psp_endpoint": PSP},
        "timestamp": "2026-09-02T03:05:01Z", "signer_id": "key_1", "signature": "AA"});
    let honest = CartConfirmation::from_json(&text(&confirmation)).unwrap().snapshot().hash();
    confirmation["cart_snapshot"]["snapshot_hash"] = json!(honest.as_str());
    for (path, value) in change {
        *confirmation.pointer_mut(path).unwrap_or_else(|| panic!("{path}")) = value.clone();
    }
    confirmation
}

#[test]
fn cart_08_a_request_and_its_confirmation_say_what_was_agreed_on() {
    for (name, without) in without_each(&wanted()) {
        let is_optional = ["intent_id", "delegation_id"].contains(&name.as_str());
        assert_eq!(CartRequest::read(&text(&without)).is_ok(), is_optional, "{name}");
    }
    let mut empty = wanted();
    empty["cart_snapshot"]["items"] = json!([]);
    assert!(CartRequest::read(&text(&empty)).is_err());
    for (name, without) in without_each(&confirmed(&[])) {
        let is_optional = ["intent_id", "delegation_id"].contains(&name.as_str());
        assert_eq!(CartConfirmation::from_json(&text(&without)).is_ok(), is_optional, "{name}");
    }
}

#[test]
fn cart_07_a_confirmation_of_anything_else_is_none() {
    let request = CartRequest::read(&text(&wanted())).unwrap();
    let of = |change: &[(&str, Value)]| {
        CartConfirmation::from_json(&text(&confirmed(change))).unwrap().confirms(&request)
    };
    assert_eq!(of(&[]), Ok(()));
    for (change, no) in [
        (vec![("/request_id", json!("req-cart-2"))], NotConfirmed::Request),
        (vec![("/merchant_id", json!("pye_2"))], NotConfirmed::Party),
        (vec![("/buyer_agent_id", json!("agt_2"))], NotConfirmed::Party),
        (vec![("/intent_id", json!("int_2"))], NotConfirmed::Party),
        (vec![("/delegation_id", json!("mdt_2"))], NotConfirmed::Party),
        (vec![("/cart_snapshot/items/0/product_id", json!("OTHER"))], NotConfirmed::Items),
        (vec![("/cart_snapshot/items/0/quantity", json!(1))], NotConfirmed::Items),
        (vec![("/cart_snapshot/items/0/price", json!("99.01"))], NotConfirmed::Items),
        (vec![("/cart_snapshot/items", json!([]))], NotConfirmed::Items),
        (vec![("/total_amount", json!("200.01"))], NotConfirmed::Total),
        (vec![("/currency", json!("USD"))], NotConfirmed::Total),
        (vec![("/shipping_fee", json!("3.01"))], NotConfirmed::Sums),
        (vec![("/cart_snapshot/items/0/subtotal", json!("198.01"))], NotConfirmed::Sums),
        (vec![("/cart_snapshot/items/0/category", json!("food"))], NotConfirmed::Hash),
        (vec![("/merchant_order_id", json!("ord_2"))], NotConfirmed::Hash),
        (vec![("/timestamp", json!("2026-09-02T03:05:02Z"))], NotConfirmed::Hash),
        (vec![("/pay_before", json!("2026-09-02T03:05:01Z"))], NotConfirmed::Over),
    ] {
        assert_eq!(of(&change), Err(no), "{change:?}");
    }
}

#[test]
fn cart_10_the_hash_covers_goods_prices_merchant_order_links_time_and_total_and_nothing_else() {
    let hash = |change: &[(&str, Value)]| {
        CartConfirmation::from_json(&text(&confirmed(change))).unwrap().snapshot().hash()
    };
    let honest = hash(&[]);
    for (path, value) in [
        ("/cart_snapshot/items/0/product_id", json!("OTHER")),
        ("/cart_snapshot/items/0/product_name", json!("Other")),
        ("/cart_snapshot/items/0/category", json!("food")),
        ("/cart_snapshot/items/0/price", json!("99.01")),
        ("/cart_snapshot/items/0/quantity", json!(3)),
        ("/cart_snapshot/items/0/subtotal", json!("198.01")),
        ("/merchant_id", json!("pye_2")),
        ("/merchant_order_id", json!("ord_2")),
        ("/delegation_id", json!("mdt_2")),
        ("/intent_id", json!("int_2")),
        ("/timestamp", json!("2026-09-02T03:05:02Z")),
        ("/total_amount", json!("200.01")),
        ("/currency", json!("USD")),
    ] {
        assert_ne!(hash(&[(path, value)]), honest, "{path}");
    }
    for (path, value) in
        [("/request_id", json!("other")), ("/shipping_fee", json!("4.00")), ("/signature", json!("BB"))]
    {
        assert_eq!(hash(&[(path, value)]), honest, "{path}");
    }
    // By hand, with another program: `printf %s '…' | openssl dgst -sha256 -binary | basenc --base64url`.
    let snapshot = CartConfirmation::from_json(&text(&confirmed(&[]))).unwrap().snapshot();
    assert_eq!(
        String::from_utf8(snapshot.canonical()).unwrap(),
        r#"{"currency":"CNY","delegation_id":"mdt_1","intent_id":"int_1","items":[{"category":"data/api","price":"99.00","product_id":"TILE","product_name":"Map tiles","quantity":2,"subtotal":"198.00"}],"merchant_id":"pye_1","merchant_order_id":"ord_1","timestamp":"2026-09-02T03:05:01Z","total_amount":"200.00"}"#
    );
    assert_eq!(honest.as_str(), "sha-256:DSxE2BAOS9eL29h8dr-xEtyJIJHkcRjbG2v5bV39m3w");
}
