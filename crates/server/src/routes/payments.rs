//! Payments: one object, or an array of them under one authentication; refunds.

use crate::answer::{Answer, json};
use crate::auth::Kind;
use crate::convert::{self, Buy, id};
use crate::problem::{Answered, Problem};
use crate::reads::{show, whom};
use crate::request::{Call, path_id};
use crate::routes::{check_why, page, paged};
use crate::standing::{self, Standing};
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use book::{Action, KeyHolder, Pay, PaymentId, Refund, Reject};
use engine::views::Form;
use http::StatusCode;
use serde::de::{Deserializer, SeqAccess, Visitor};
use wire::answer::Asked;
use wire::limits::PAYMENTS_MAX;
use wire::list::{Page, PageQuery};
use wire::payment::{NewPayment, NewRefund, OneOrMany, Payment, PaymentResult, PaymentState};

/// Pays. An array is answered with 200 and one result for each item.
#[utoipa::path(
    post, path = "/v1/payments", tag = "payments", request_body = OneOrMany,
    responses(
        (status = 201, description = "Paid", body = Payment),
        (status = 202, description = "The owner is asked", body = wire::answer::Asked),
        (status = 200, description = "Of an array: what came of each item", body = Vec<PaymentResult>),
    )
)]
pub async fn create_payment(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    if call.body.first() == Some(&b'[') {
        let items: AtMost<NewPayment, PAYMENTS_MAX> = call.json()?;
        let actions = items.0.iter().map(|item| action(&app, item)).collect::<Answered<_>>();
        let results = app.execute_all(&caller, actions?).await?;
        for (item, came) in items.0.iter().zip(&results) {
            app.keep_why(&caller, id(item.id.0), item.why.as_deref(), came);
        }
        let results: Vec<ItemResult> =
            results.into_iter().map(|result| item_result(result, app.livemode)).collect();
        return Ok(json(StatusCode::OK, &results));
    }
    let payment: NewPayment = call.json()?;
    let (id, action) = action(&app, &payment)?;
    let came = app.execute(&caller, id, action).await;
    app.keep_why(&caller, id, payment.why.as_deref(), &came);
    Ok(came?.into_response())
}

fn action(app: &App, payment: &NewPayment) -> Answered<(book::Id, Action)> {
    check_why(payment.why.as_deref())?;
    let buy = Buy {
        wallet: payment.wallet,
        mandate: payment.mandate,
        payee: payment.payee,
        split: payment.split.as_ref(),
        amount: payment.amount,
        category: payment.category.as_deref(),
        reference: payment.reference,
        approval: payment.approval.as_deref(),
    };
    Ok((id(payment.id.0), Action::Pay(Pay { purchase: buy.purchase(&app.directory)? })))
}

/// What came of one item of an array, in the shape of [`PaymentResult`].
#[derive(Debug, serde::Serialize)]
pub(crate) struct ItemResult {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
    #[serde(skip_serializing_if = "Option::is_none")]
    asked: Option<Asked>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<wire::Problem>,
}

/// One item of an array as it would have been answered alone.
pub(crate) fn item_result(result: Answered<Answer>, livemode: bool) -> ItemResult {
    match result {
        Ok(Answer::Asked(asked)) => ItemResult {
            status: StatusCode::ACCEPTED.as_u16(),
            answer: None,
            asked: Some(asked),
            problem: None,
        },
        Ok(answer) => {
            ItemResult { status: answer.status().as_u16(), answer: Some(answer), asked: None, problem: None }
        }
        Err(problem) => {
            let status = problem.status();
            ItemResult { status, answer: None, asked: None, problem: Some(problem.to_wire(None, livemode)) }
        }
    }
}

/// A list that is refused before it has more than `MAX` items.
pub(crate) struct AtMost<T, const MAX: usize>(pub(crate) Vec<T>);

impl<'de, T: serde::Deserialize<'de>, const MAX: usize> serde::Deserialize<'de> for AtMost<T, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const MAX: usize>(std::marker::PhantomData<T>);

        impl<'de, T: serde::Deserialize<'de>, const MAX: usize> Visitor<'de> for Items<T, MAX> {
            type Value = AtMost<T, MAX>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "a list of 1 to {MAX} items")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(item) = items.next_element()? {
                    if list.len() == MAX {
                        return Err(serde::de::Error::invalid_length(MAX.saturating_add(1), &self));
                    }
                    list.push(item);
                }
                if list.is_empty() {
                    return Err(serde::de::Error::invalid_length(0, &self));
                }
                Ok(AtMost(list))
            }
        }

        deserializer.deserialize_seq(Items(std::marker::PhantomData))
    }
}

/// The payments that were made and the caller may see, newest first.
#[utoipa::path(get, path = "/v1/payments", tag = "payments", params(PageQuery),
    responses((status = 200, description = "A page", body = Page<PaymentState>)))]
pub async fn list_payments(State(app): State<App>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let window = page(&call)?;
    show(&app, &call, move |app, view| {
        let rows = view.payments(whom(caller.holder), window.cursor, window.limit)?;
        paged(rows, app.livemode, |row| Standing::from(row).text(app))
    })
    .await
}

/// One payment as it stands now.
#[utoipa::path(get, path = "/v1/payments/{id}", tag = "payments", params(("id" = wire::PaymentId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The payment", body = PaymentState)))]
pub async fn get_payment(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let payment: PaymentId = path_id(&text)?;
    show_purchase(&app, &call, caller.holder, (payment.0, &[Form::Payment]), Reject::PaymentUnknown).await
}

/// Answers where one purchase stands, if it is of that form.
pub(crate) async fn show_purchase(
    app: &App,
    call: &Call,
    viewer: KeyHolder,
    (id, forms): (book::Id, &'static [Form]),
    absent: Reject,
) -> Answered<Response> {
    show(app, call, move |app, view| {
        let found = standing::find(app, view, viewer, id)?.filter(|found| forms.contains(&found.form));
        found.ok_or_else(|| Problem::from(absent))?.text(app)
    })
    .await
}

/// Gives back part or all of a payment or of a captured hold, to where it came from.
#[utoipa::path(post, path = "/v1/refunds", tag = "payments", request_body = NewRefund,
    responses((status = 201, description = "Refunded", body = wire::payment::Refund)))]
pub async fn create_refund(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee, Kind::Operator]).await?;
    let refund: NewRefund = call.json()?;
    let payment = convert::purchase_id(&refund.payment, "payment")?;
    let amount = app.same_asset(payment, refund.amount, Reject::PaymentUnknown).await?;
    app.execute(&caller, id(refund.id.0), Action::Refund(Refund { payment, amount })).await
}
