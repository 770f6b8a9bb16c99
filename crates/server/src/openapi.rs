//! The description of the API: made from the handlers, with what all of them share added here.

use crate::routes::payment_services::{self, agreements, bindings, cashier, sub_accounts};
use crate::routes::{
    a402, accounts, agents, ap2, autonomy, channels, control, coupons, credentials, entries, holds, intents,
    invoices, joining, limits, links, log, mandates, meters, mpp, observations, offers, orders, payments,
    payouts, quotas, services, sessions, subscriptions, system, tokens, transfers, webhooks, x402,
};
use crate::state::App;
use crate::stream;
use axum::Router;
use axum::routing::get;
use std::sync::OnceLock;
use utoipa::openapi::link::Link;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ApiKey, ApiKeyValue, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;
use wire::version::{PROBLEM_TYPE, VERSION};

/// The problems that every operation may answer with.
const PROBLEMS: [(&str, &str); 4] = [
    ("400", "Malformed: see `code` and `param`"),
    ("500", "Our fault, or not known yet: send it again under the same id"),
    ("503", "Busy: send it again after `Retry-After`"),
    ("414", "The address is too long"),
];

/// The problems of operations that need to know who asks.
const AUTHENTICATED: [(&str, &str); 3] = [
    ("401", "Not authentic"),
    ("403", "Denied by a rule, or not for this kind of key"),
    ("404", "Nothing there, or somebody else's"),
];

/// The problems of operations that change something.
const CHANGING: [(&str, &str); 5] = [
    ("408", "The body came too slowly"),
    ("409", "In conflict with what is there"),
    ("413", "The body is too long"),
    ("415", "The body is not JSON"),
    ("422", "Understood, and not possible"),
];

/// Which answer names what another operation takes: operation, member of the answer, other operation, its parameter.
const LINKS: [(&str, &str, &str, &str); 30] = [
    ("create_wallet", "id", "get_wallet", "id"),
    ("create_sub_account", "id", "get_wallet", "id"),
    ("create_payee", "id", "get_payee", "id"),
    ("create_agent", "id", "get_agent", "id"),
    ("create_mandate", "id", "get_mandate", "id"),
    ("delegate_mandate", "id", "get_mandate", "id"),
    ("create_key", "id", "revoke_key", "id"),
    ("create_payment", "id", "get_payment", "id"),
    ("create_payment", "entry", "get_receipt", "seq"),
    ("create_hold", "id", "get_hold", "id"),
    ("create_hold", "id", "capture_hold", "id"),
    ("create_hold", "id", "void_hold", "id"),
    ("create_hold", "id", "dispute_hold", "id"),
    ("create_meter", "id", "get_meter", "id"),
    ("create_meter", "id", "create_charges", "id"),
    ("create_channel", "id", "get_channel", "id"),
    ("create_quota", "id", "get_quota", "id"),
    ("create_quota", "id", "create_deductions", "id"),
    ("create_subscription", "id", "get_subscription", "id"),
    ("create_subscription", "id", "get_access", "id"),
    ("create_link", "id", "get_link_terms", "id"),
    ("create_payout", "id", "get_payout", "id"),
    ("create_payout", "id", "settle_payout", "id"),
    ("create_payout", "id", "fail_payout", "id"),
    ("create_payout_batch", "id", "get_payout_batch", "id"),
    ("create_link", "id", "pay_link", "id"),
    ("pay_link", "id", "get_payment", "id"),
    ("a402_pay", "trade_no", "a402_trade", "trade_no"),
    ("create_webhook", "id", "test_webhook", "id"),
    ("create_webhook", "id", "list_deliveries", "id"),
];

/// Every route, and its description.
pub fn api() -> (Router<App>, OpenApi) {
    let (router, mut api) = OpenApiRouter::new()
        .routes(routes!(sessions::create_session))
        .routes(routes!(sessions::get_me))
        .routes(routes!(accounts::create_asset, accounts::list_assets))
        .routes(routes!(accounts::create_owner))
        .routes(routes!(accounts::create_key))
        .routes(routes!(accounts::revoke_key))
        .routes(routes!(accounts::create_wallet, accounts::list_wallets))
        .routes(routes!(accounts::get_wallet))
        .routes(routes!(accounts::create_sub_account))
        .routes(routes!(accounts::close_wallet))
        .routes(routes!(accounts::create_payee, accounts::list_payees))
        .routes(routes!(accounts::get_payee))
        .routes(routes!(agents::create_agent, agents::list_agents))
        .routes(routes!(agents::get_agent))
        .routes(routes!(joining::create_invitation))
        .routes(routes!(joining::create_connection))
        .routes(routes!(joining::get_connection))
        .routes(routes!(mandates::set_wallet_limits))
        .routes(routes!(mandates::set_agent_limits))
        .routes(routes!(mandates::set_mandate_limits))
        .routes(routes!(mandates::create_mandate, mandates::list_mandates))
        .routes(routes!(mandates::get_mandate))
        .routes(routes!(mandates::delegate_mandate))
        .routes(routes!(limits::compare_limits))
        .routes(routes!(limits::rehearse_limits))
        .routes(routes!(autonomy::get_autonomy))
        .routes(routes!(observations::create_observation, observations::list_observations))
        .routes(routes!(control::freeze))
        .routes(routes!(control::unfreeze))
        .routes(routes!(control::revoke))
        .routes(routes!(control::list_questions))
        .routes(routes!(control::approve_question))
        .routes(routes!(control::refuse_question))
        .routes(routes!(transfers::create_transfer, transfers::list_transfers))
        .routes(routes!(payments::create_payment, payments::list_payments))
        .routes(routes!(payments::get_payment))
        .routes(routes!(payments::create_refund))
        .routes(routes!(holds::create_hold, holds::list_holds))
        .routes(routes!(holds::get_hold))
        .routes(routes!(holds::capture_hold))
        .routes(routes!(holds::void_hold))
        .routes(routes!(holds::dispute_hold))
        .routes(routes!(holds::redeem_hold))
        .routes(routes!(meters::create_meter))
        .routes(routes!(meters::get_meter))
        .routes(routes!(meters::create_charges))
        .routes(routes!(meters::close_meter))
        .routes(routes!(channels::create_channel))
        .routes(routes!(channels::get_channel))
        .routes(routes!(channels::claim_channel))
        .routes(routes!(quotas::create_quota, quotas::list_quotas))
        .routes(routes!(quotas::get_quota))
        .routes(routes!(quotas::list_wallet_quotas))
        .routes(routes!(quotas::list_quotas_below))
        .routes(routes!(quotas::create_deductions))
        .routes(routes!(quotas::get_deduction))
        .routes(routes!(quotas::restore_deduction))
        .routes(routes!(quotas::allot_quota))
        .routes(routes!(quotas::reclaim_quota))
        .routes(routes!(subscriptions::create_subscription, subscriptions::list_subscriptions))
        .routes(routes!(subscriptions::get_subscription))
        .routes(routes!(subscriptions::list_wallet_subscriptions))
        .routes(routes!(subscriptions::get_access))
        .routes(routes!(subscriptions::cancel_subscription))
        .routes(routes!(subscriptions::change_plan))
        .routes(routes!(links::create_link, links::list_links))
        .routes(routes!(links::get_link))
        .routes(routes!(links::list_link_payments))
        .routes(routes!(links::get_link_terms))
        .routes(routes!(links::close_link))
        .routes(routes!(links::pay_link))
        .routes(routes!(payouts::set_destination, payouts::get_destination))
        .routes(routes!(payouts::create_payout, payouts::list_payouts))
        .routes(routes!(payouts::create_payout_batch))
        .routes(routes!(payouts::get_payout_batch))
        .routes(routes!(payouts::get_payout))
        .routes(routes!(payouts::settle_payout))
        .routes(routes!(payouts::fail_payout))
        .routes(routes!(invoices::create_invoice, invoices::list_invoices))
        .routes(routes!(invoices::get_invoice))
        .routes(routes!(invoices::create_credit_note, invoices::list_credit_notes))
        .routes(routes!(invoices::get_credit_note))
        .routes(routes!(offers::report_offers))
        .routes(routes!(coupons::report_coupons))
        .routes(routes!(services::create_service, services::search_services))
        .routes(routes!(services::get_service))
        .routes(routes!(services::list_services))
        .routes(routes!(services::withdraw_service))
        .routes(routes!(webhooks::create_webhook))
        .routes(routes!(webhooks::list_webhooks))
        .routes(routes!(webhooks::rotate_webhook))
        .routes(routes!(webhooks::close_webhook))
        .routes(routes!(webhooks::test_webhook))
        .routes(routes!(webhooks::list_deliveries))
        .routes(routes!(webhooks::replay_delivery))
        .routes(routes!(webhooks::get_webhook_key))
        .routes(routes!(entries::list_entries))
        .routes(routes!(entries::get_entry))
        .routes(routes!(entries::get_receipt))
        .routes(routes!(stream::decisions_stream))
        .routes(routes!(a402::a402_pay))
        .routes(routes!(a402::a402_verify))
        .routes(routes!(a402::a402_confirm))
        .routes(routes!(a402::a402_trade))
        .routes(routes!(a402::a402_key))
        .routes(routes!(a402::a402_seller_keys))
        .routes(routes!(x402::x402_pay))
        .routes(routes!(x402::x402_supported))
        .routes(routes!(x402::x402_verify))
        .routes(routes!(x402::x402_settle))
        .routes(routes!(mpp::mpp_pay))
        .routes(routes!(mpp::mpp_settle))
        .routes(routes!(ap2::issue_open_mandates))
        .routes(routes!(ap2::ap2_verify))
        .routes(routes!(ap2::ap2_settle))
        .routes(routes!(ap2::ap2_credential))
        .routes(routes!(ap2::ap2_approve))
        .routes(routes!(ap2::ap2_keys))
        .routes(routes!(tokens::delegate_payment))
        .routes(routes!(tokens::take_token))
        .routes(routes!(tokens::ucp_tokenize))
        .routes(routes!(tokens::ucp_detokenize))
        .routes(routes!(intents::create_intent))
        .routes(routes!(intents::get_intent))
        .routes(routes!(intents::answer_intent))
        .routes(routes!(intents::ask_about_intent))
        .routes(routes!(intents::clearer::clearer_intent))
        .routes(routes!(intents::confirm_intent))
        .routes(routes!(credentials::get_credential_keys))
        .routes(routes!(credentials::get_credential))
        .routes(routes!(credentials::get_credential_status))
        .routes(routes!(credentials::list_credential_events))
        .routes(routes!(credentials::suspend_credential))
        .routes(routes!(credentials::resume_credential))
        .routes(routes!(credentials::revoke_credential))
        .routes(routes!(orders::create_order))
        .routes(routes!(orders::get_order))
        .routes(routes!(bindings::create_binding))
        .routes(routes!(bindings::get_binding))
        .routes(routes!(bindings::set_binding_state))
        .routes(routes!(sub_accounts::change_sub_account))
        .routes(routes!(payment_services::pay_instant))
        .routes(routes!(payment_services::pay_delegated))
        .routes(routes!(payment_services::pay_autonomous))
        .routes(routes!(payment_services::query_payment))
        .routes(routes!(payment_services::get_agent_keys))
        .routes(routes!(agreements::apply_for_agreement, agreements::list_agreements))
        .routes(routes!(agreements::query_agreements))
        .routes(routes!(agreements::cancel_agreement))
        .routes(routes!(agreements::pay_agreed))
        .routes(routes!(agreements::get_agreement))
        .routes(routes!(agreements::sign_agreement))
        .routes(routes!(agreements::decline_agreement))
        .routes(routes!(cashier::get_cashier_prompt))
        .routes(routes!(cashier::confirm_payment))
        .routes(routes!(log::get_checkpoint))
        .routes(routes!(log::get_vkey))
        .routes(routes!(log::get_successions))
        .routes(routes!(system::healthz))
        .routes(routes!(system::readyz))
        .routes(routes!(system::metrics))
        .routes(routes!(system::get_openapi))
        .routes(routes!(system::get_docs))
        .routes(routes!(system::advance_clock))
        .split_for_parts();
    // The path of a tile has slashes in it. A description knows them escaped, and here they need not be.
    let described =
        OpenApiRouter::<App>::new().routes(routes!(log::get_tile)).routes(routes!(log::get_bundle));
    api.merge(described.split_for_parts().1);
    let router = router
        .route("/log/tile/{level}/{*index}", get(log::get_tile))
        .route("/log/tile/entries/{*index}", get(log::get_bundle));
    complete(&mut api);
    (router, api)
}

/// The description as JSON.
pub fn text() -> &'static str {
    static TEXT: OnceLock<String> = OnceLock::new();
    TEXT.get_or_init(|| api().1.to_pretty_json().expect("a description is JSON"))
}

fn complete(api: &mut OpenApi) {
    api.info = InfoBuilder::new()
        .title("Tollbridge")
        .version(VERSION)
        .description(Some("Money for agents, within what their owners allow. Every answer that is no success is a problem (RFC 9457) with a code from a closed list."))
        .build();
    let components = api.components.get_or_insert_default();
    let mut problem = Vec::new();
    <wire::Problem as utoipa::ToSchema>::schemas(&mut problem);
    for (name, schema) in problem {
        components.schemas.insert(name, schema);
    }
    let schema = <wire::Problem as utoipa::PartialSchema>::schema();
    components.schemas.insert("Problem".to_owned(), schema);
    let described = |text: &str| {
        SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::with_description("Authorization", text)))
    };
    components.add_security_scheme(
        "session",
        described("`Toll <session>:<nonce>:<code>`: HMAC-SHA256 over method, address, nonce and body"),
    );
    let signature =
        ApiKeyValue::with_description("Signature", "HTTP Message Signatures (RFC 9421), tagged `tollbridge`");
    components.add_security_scheme("signature", SecurityScheme::ApiKey(ApiKey::Header(signature)));
    let secured = vec![
        SecurityRequirement::new("session", Vec::<String>::new()),
        SecurityRequirement::new("signature", Vec::<String>::new()),
    ];
    for item in api.paths.paths.values_mut() {
        for (operation, changes) in [(&mut item.get, false), (&mut item.post, true), (&mut item.put, true)] {
            if let Some(operation) = operation {
                add_problems(operation, changes);
                add_links(operation);
                if operation.security.is_none() {
                    operation.security = Some(secured.clone());
                }
            }
        }
    }
}

fn add_problems(operation: &mut Operation, changes: bool) {
    let open = operation.security.is_some();
    let authenticated = AUTHENTICATED.iter().filter(|_| !open);
    let changing = CHANGING.iter().filter(|_| changes);
    // Reading a receipt can come too early.
    let early = CHANGING.iter().filter(|(status, _)| !changes && !open && *status == "409");
    for (status, text) in PROBLEMS.iter().chain(authenticated).chain(changing).chain(early) {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        let response = ResponseBuilder::new().description(*text).content(PROBLEM_TYPE, content).build();
        operation.responses.responses.entry((*status).to_owned()).or_insert(RefOr::T(response));
    }
}

fn add_links(operation: &mut Operation) {
    let name = operation.operation_id.clone().unwrap_or_default();
    let Some(RefOr::T(response)) = operation.responses.responses.get_mut("201") else { return };
    for (_, member, other, parameter) in LINKS.iter().filter(|(from, ..)| *from == name) {
        let expression = serde_json::Value::String(format!("$response.body#/{member}"));
        let link = Link::builder().operation_id(*other).parameter(*parameter, expression).build();
        response.links.insert(format!("{other}_{member}"), RefOr::T(link));
    }
}
