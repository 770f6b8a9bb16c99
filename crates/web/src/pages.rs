//! The pages, one file for each. A handler reads the visit, asks the views or the book, and shows.

pub mod account;
pub mod activity;
pub mod agents;
pub mod approvals;
pub mod assets;
pub mod entrance;
pub mod invoices;
pub(crate) mod line;
pub mod live;
pub mod market;
pub mod money;
pub mod overview;
pub mod pay;
pub mod quotas;
pub mod rules;
pub mod selling;
pub mod statement;
pub mod stopping;
pub mod subscriptions;

use crate::Site;
use crate::visit::Visit;
use axum::Router;
use axum::routing::{get, post};

/// A handler as a route: where it stops, the page that says why.
macro_rules! at {
    ($handler:path) => {
        |visit: Visit| async move {
            match $handler(&visit).await {
                Ok(response) => response,
                Err(stop) => stop.show(&visit),
            }
        }
    };
}

/// Every address of the console.
pub fn router() -> Router<Site> {
    Router::new()
        .route("/", get(at!(overview::show)))
        .route("/login", get(at!(entrance::show_login)).post(at!(entrance::log_in)))
        .route("/logout", post(at!(entrance::log_out)))
        .route("/join/{invitation}", get(at!(entrance::show_join)).post(at!(entrance::join)))
        .route("/recover", get(at!(entrance::show_recover)).post(at!(entrance::recover)))
        .route("/challenge", post(at!(entrance::challenge)))
        .route("/language", post(at!(entrance::choose_language)))
        .route("/agents", get(at!(agents::list)))
        .route("/agents/connect", get(at!(agents::show_connect)).post(at!(agents::connect)))
        .route("/agents/connect/refuse", post(at!(agents::refuse)))
        .route("/agents/{id}", get(at!(agents::show)))
        .route("/agents/{id}/limits", post(at!(agents::set_limits)))
        .route("/rules", get(at!(rules::list)).post(at!(rules::draw_up)))
        .route("/rules/ready", get(at!(rules::show_ready)).post(at!(rules::agree_ready)))
        .route("/rules/{intent}", get(at!(rules::show)))
        .route("/rules/{intent}/clearer", post(at!(rules::clearer)))
        .route("/rules/{intent}/answer", post(at!(rules::answer)))
        .route("/rules/{intent}/agree", post(at!(rules::agree)))
        .route("/approvals", get(at!(approvals::list)))
        .route("/approvals/{id}/once", post(at!(approvals::once)))
        .route("/approvals/{id}/rest", post(at!(approvals::rest)))
        .route("/approvals/{id}/refuse", post(at!(approvals::refuse)))
        .route("/activity", get(at!(activity::list)))
        .route("/activity/{entry}", get(at!(activity::show)))
        .route("/activity/{entry}/receipt", get(at!(activity::receipt)))
        .route("/activity/{entry}/wrong", post(at!(activity::report)))
        .route("/activity/{entry}/release", post(at!(activity::release)))
        .route("/money", get(at!(money::show)))
        .route("/money/top-up", post(at!(money::top_up)))
        .route("/money/sub-accounts", post(at!(money::open_sub)))
        .route("/money/move", post(at!(money::move_money)))
        .route("/money/close", post(at!(money::close_sub)))
        .route("/money/{wallet}/statement.csv", get(at!(statement::csv)))
        .route("/money/{wallet}/statement.ofx", get(at!(statement::ofx)))
        .route("/subscriptions", get(at!(subscriptions::list)))
        .route("/subscriptions/{id}/cancel", post(at!(subscriptions::cancel)))
        .route("/quotas", get(at!(quotas::list)))
        .route("/quotas/{id}", get(at!(quotas::show)))
        .route("/quotas/{id}/report.csv", get(at!(quotas::report::csv)))
        .route("/quotas/{id}/allot", post(at!(quotas::allot)))
        .route("/quotas/{id}/reclaim", post(at!(quotas::reclaim)))
        .route("/market", get(at!(market::list)))
        .route("/market/{id}", get(at!(market::show)))
        .route("/pay/{link}", get(at!(pay::show)).post(at!(pay::pay)))
        .route("/invoices", get(at!(invoices::list)))
        .route("/invoices/{id}/{form}", get(at!(invoices::paper)))
        .route("/selling", get(at!(selling::first)))
        .route("/selling/new", get(at!(selling::show_new)).post(at!(selling::open)))
        .route("/selling/{payee}", get(at!(selling::overview::show)))
        .route("/selling/{payee}/sales", get(at!(selling::sales::list)))
        .route("/selling/{payee}/sales.csv", get(at!(selling::export::csv)))
        .route("/selling/{payee}/sales/{entry}", get(at!(selling::sale::show)))
        .route("/selling/{payee}/sales/{entry}/receipt", get(at!(selling::sale::receipt)))
        .route("/selling/{payee}/sales/{entry}/refund", post(at!(selling::sale::refund)))
        .route("/selling/{payee}/invoices", get(at!(invoices::of_seller)))
        .route(
            "/selling/{payee}/services",
            get(at!(selling::services::list)).post(at!(selling::services::offer)),
        )
        .route("/selling/{payee}/services/{id}/withdraw", post(at!(selling::services::withdraw)))
        .route("/selling/{payee}/quotas", get(at!(selling::quotas::list)).post(at!(selling::quotas::grant)))
        .route("/selling/{payee}/quotas/{id}", get(at!(selling::quotas::show)))
        .route("/selling/{payee}/quotas/{id}/use", post(at!(selling::quotas::deduct)))
        .route("/selling/{payee}/quotas/{id}/restore", post(at!(selling::quotas::restore)))
        .route("/selling/{payee}/coupons", get(at!(selling::coupons::list)))
        .route("/selling/{payee}/coupons/{code}", get(at!(selling::coupons::show)))
        .route("/selling/{payee}/coupons/{code}/off", post(at!(selling::coupons::switch_off)))
        .route("/selling/{payee}/coupons/{code}/on", post(at!(selling::coupons::switch_on)))
        .route("/selling/{payee}/keys", get(at!(selling::keys::list)).post(at!(selling::keys::add)))
        .route("/selling/{payee}/keys/end", post(at!(selling::keys::end)))
        .route(
            "/selling/{payee}/webhooks",
            get(at!(selling::webhooks::list)).post(at!(selling::webhooks::add)),
        )
        .route("/selling/{payee}/webhooks/{id}", get(at!(selling::webhooks::show)))
        .route("/selling/{payee}/webhooks/{id}/secret", post(at!(selling::webhooks::secret)))
        .route("/selling/{payee}/webhooks/{id}/test", post(at!(selling::webhooks::test)))
        .route("/selling/{payee}/webhooks/{id}/again", post(at!(selling::webhooks::again)))
        .route("/selling/{payee}/webhooks/{id}/end", post(at!(selling::webhooks::end)))
        .route("/selling/{payee}/links", get(at!(selling::links::list)).post(at!(selling::links::add)))
        .route(
            "/selling/{payee}/payouts",
            get(at!(selling::payouts::show)).post(at!(selling::payouts::request)),
        )
        .route("/selling/{payee}/payouts/account", post(at!(selling::payouts::name_account)))
        .route("/selling/{payee}/links/{link}/close", post(at!(selling::links::close)))
        .route("/account", get(at!(account::show)))
        .route("/account/passkeys", post(at!(account::add_passkey)))
        .route("/account/passkeys/new", post(at!(account::new_passkey)))
        .route("/account/passkeys/remove", post(at!(account::remove_passkey)))
        .route("/account/recovery", post(at!(account::new_recovery)))
        .route("/account/settings", post(at!(account::settings)))
        .route("/freeze", post(at!(stopping::freeze)))
        .route("/unfreeze", post(at!(stopping::unfreeze)))
        .route("/pause", post(at!(stopping::pause)))
        .route("/resume", post(at!(stopping::resume)))
        .route("/end", post(at!(stopping::end)))
        .route("/live", get(live::stream))
        .route("/assets/{name}", get(assets::get))
}
