//! Coupons: a seller's gateways report how they were used, and hear which are switched off.

use crate::answer::json;
use crate::codes::Edge;
use crate::convert::{amount, id, time};
use crate::coupons::store::Store;
use crate::coupons::{Coupon, Known, Off, Switch, Use};
use crate::limits::{COUPON_CODE_BYTES_MAX, COUPONS_REPORTED_MAX};
use crate::problem::{Answered, Problem};
use crate::reported::{Kept, check_gateway, report};
use crate::request::Call;
use crate::state::{App, State as Server};
use axum::extract::{Path, State};
use axum::response::Response;
use book::{Amount, Asset, Id, PayeeId, Reject};
use http::StatusCode;
use wire::Money;
use wire::coupon::{CouponReport, NewCouponReport, ReportedCoupon, ReportedUse};

/// Keeps what a gateway of the seller's says of its coupons, and answers which of them are switched off. What is said is
/// absolute, so the same report may be sent again; it changes nothing in the book and uses up no nonce.
#[utoipa::path(post, path = "/v1/payees/{id}/coupons", tag = "accounts", request_body = NewCouponReport,
    params(("id" = wire::PayeeId, Path)), responses((status = 200, description = "Kept", body = CouponReport)))]
pub async fn report_coupons(
    State(app): State<App>,
    Path(text): Path<String>,
    call: Call,
) -> Answered<Response> {
    let (payee, report): (_, NewCouponReport) = report(&app, &text, &call).await?;
    let asset = app.ask(move |view| Ok(view.payee(payee)?)).await?.ok_or(Reject::PayeeUnknown)?.asset;
    let NewCouponReport { gateway, coupons, uses } = report;
    let malformed = |param| Problem::from(Edge::TextMalformed).of(param);
    check_gateway(&gateway)?;
    if !(1..=COUPONS_REPORTED_MAX).contains(&coupons.len()) {
        return Err(malformed("coupons"));
    }
    if COUPONS_REPORTED_MAX < uses.len() {
        return Err(malformed("uses"));
    }
    let coupons = coupons.into_iter().map(|it| coupon(it, asset)).collect::<Answered<Vec<Coupon>>>()?;
    let uses = uses.into_iter().map(|it| used(it, asset)).collect::<Answered<Vec<Use>>>()?;
    let uses = app.borne_out(payee, uses).await?;
    let (codes, count) = (coupons.iter().map(|it| it.code.clone()).collect::<Vec<_>>(), uses.len());
    let now = app.wall_clock();
    let kept = app.look_at_coupons(move |store| {
        let kept = store.keep(payee, &gateway, &coupons, &uses, now)?;
        Ok((kept, store.switched_off(payee)?))
    });
    let (kept, off) = kept.await?;
    match kept {
        Kept::All => {
            let switched_off = codes.into_iter().filter(|code| off.contains(code)).collect();
            let uses = u64::try_from(count).unwrap_or_default();
            Ok(json(StatusCode::OK, &CouponReport { uses, switched_off, livemode: app.livemode }))
        }
        Kept::TooMany => Err(Reject::TooMany.into()),
    }
}

fn coupon(said: ReportedCoupon, asset: Asset) -> Answered<Coupon> {
    let off = match (said.percent_off, said.amount_off) {
        (Some(percent @ 1..=100), None) => Off::Percent(percent),
        (None, Some(money)) => Off::Amount(of(money, asset, "coupons.amount_off")?),
        (Some(_) | None, Some(_) | None) => {
            return Err(Problem::from(Edge::TextMalformed).of("coupons.percent_off"));
        }
    };
    Ok(Coupon {
        code: code(said.code, "coupons.code")?,
        off,
        budget: of(said.budget, asset, "coupons.budget")?,
        given: of(said.given, asset, "coupons.given")?,
        once_per_buyer: said.once_per_buyer,
        until: said.until.map(|text| time(&text, "coupons.until")).transpose()?,
    })
}

fn used(said: ReportedUse, asset: Asset) -> Answered<Use> {
    let off = of(said.off, asset, "uses.off")?;
    Ok(Use { hold: id(said.hold.0), code: code(said.code, "uses.code")?, off })
}

fn code(text: String, param: &'static str) -> Answered<String> {
    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let fits = plain && (1..=COUPON_CODE_BYTES_MAX).contains(&text.len());
    if fits { Ok(text) } else { Err(Problem::from(Edge::TextMalformed).of(param)) }
}

/// An amount in the seller's own asset.
fn of(money: Money, asset: Asset, param: &'static str) -> Answered<Amount> {
    let is_same = money.asset.code() == asset.code.as_str() && money.asset.scale() == asset.scale;
    if is_same { Ok(amount(money.amount)) } else { Err(Problem::from(Edge::UnitMismatch).of(param)) }
}

impl Server {
    /// Those of the uses for which the book says that the seller got money.
    async fn borne_out(self: &App, payee: PayeeId, uses: Vec<Use>) -> Answered<Vec<Use>> {
        let asked = self.ask(move |view| {
            let mut known = Vec::with_capacity(uses.len());
            for used in uses {
                let row = view.purchase(used.hold)?;
                let is_paid = row.is_some_and(|row| {
                    row.parts.iter().any(|part| part.payee == payee && !part.paid.amount.is_zero())
                });
                if is_paid {
                    known.push(used);
                }
            }
            Ok(known)
        });
        asked.await
    }

    /// All that is known of a seller's coupons, by code.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn coupons_of(self: &App, payee: PayeeId) -> Answered<Vec<Known>> {
        self.look_at_coupons(move |store| store.coupons(payee)).await
    }

    /// The uses of a seller's coupon, newest first, those before `older` where that is given.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn coupon_uses(
        self: &App,
        payee: PayeeId,
        code: String,
        older: Option<Id>,
        limit: usize,
    ) -> Answered<Vec<Use>> {
        self.look_at_coupons(move |store| store.uses(payee, &code, older, limit)).await
    }

    /// Lets a coupon of a seller's count no more, or again; its gateways hear of it when they report. Answers false where no
    /// gateway has such a coupon.
    ///
    /// # Errors
    /// [`Edge::Internal`].
    pub async fn switch_coupon(self: &App, payee: PayeeId, code: String, to: Switch) -> Answered<bool> {
        self.look_at_coupons(move |store| store.switch(payee, &code, to)).await
    }

    async fn look_at_coupons<T: Send + 'static>(
        self: &App,
        look: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Answered<T> {
        let state = self.clone();
        let read = self.reads.aside(move || {
            look(&state.coupons).map_err(|fault| {
                tracing::error!(%fault, "what gateways reported of coupons cannot be read or kept");
                Problem::from(Edge::Internal)
            })
        });
        read.await
    }
}
