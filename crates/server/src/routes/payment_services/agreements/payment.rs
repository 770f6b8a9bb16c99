//! A payment under an agreement: what the book is asked for, and what was paid until now.

use super::super::facts::Facts;
use super::super::refusal::of_class;
use super::super::tools;
use super::standing::{Found, find};
use crate::codes::Edge;
use crate::convert::{amount, code, id};
use crate::papers::Party;
use crate::problem::{Answered, Problem};
use crate::routes::orders;
use crate::state::{App, State};
use book::{Payees, Purchase};
use engine::View;
use protocols::act::psd::agreement::{PayRequest, check_agreement_order};
use protocols::act::psd::{PaymentError, ProofFacts};
use protocols::act::{AmountText, Identifier};

/// What the book is asked to pay, once the agreement has let the request through.
pub(crate) fn purchase(app: &State, view: &View, request: &PayRequest) -> Answered<Purchase> {
    let name = request.request_id.as_str();
    let no = |error| of_class(error, name);
    let facts = Facts::of(app, view, &request.buyer_agent_id, None);
    let order = facts.order_called(&request.merchant_order_id);
    facts.fault()?;
    check_agreement_order(request, &order.ok_or_else(|| no(PaymentError::OrderMismatch))?).map_err(no)?;
    let found = of_payment(app, view, request)?.ok_or_else(|| no(PaymentError::AgreementUnknown))?;
    let row = found.row.ok_or_else(|| no(PaymentError::AgreementNotSigned))?;
    let wallet = match (&request.payment_token, &request.subaccount_id, &request.subaccount_proof) {
        (Some(token), _, _) => {
            let tool = tools::binding(app, view, token.as_str())?;
            let (binding, bound) = tool.ok_or_else(|| no(PaymentError::PaymentToolInvalid))?;
            binding.check_usable(app.clock.now()).map_err(no)?;
            if bound.agent != row.agent {
                return Err(no(PaymentError::PaymentToolAgentMismatch));
            }
            bound.wallet
        }
        (None, Some(name), Some(proof)) => {
            let facts = tools::sub_account(app, view, name.as_str())?;
            let facts = facts.ok_or_else(|| no(PaymentError::SubaccountNotOpened))?;
            facts.account.check_state().map_err(|error| no(error.payment_error()))?;
            if facts.account.agent_id != request.buyer_agent_id {
                return Err(no(PaymentError::PaymentToolAgentMismatch));
            }
            let proved = ProofFacts {
                request_id: request.request_id.clone(),
                subaccount_id: name.clone(),
                delegation_id: None,
                order_field: "merchant_order_id",
                order_no: request.merchant_order_id.clone(),
                amount: request.amount.clone(),
                currency: request.currency.clone(),
                timestamp: request.timestamp.clone(),
            };
            if !proved.is_proved_by(proof, &facts.key) {
                return Err(no(PaymentError::SubaccountProofInvalid));
            }
            name.as_str().parse().map_err(|_| no(PaymentError::SubaccountNotOpened))?
        }
        (None, _, _) => row.wallet,
    };
    let unknown = || no(PaymentError::OrderMismatch);
    let number: wire::OrderId = request.merchant_order_id.as_str().parse().map_err(|_| unknown())?;
    let (order, paper) = orders::read(app, id(number.0))?.ok_or_else(unknown)?;
    let category = order.categories.first().map(|text| code(text, "categories")).transpose()?;
    Ok(Purchase {
        wallet,
        mandate: Some(row.id),
        to: Payees::One(paper.payee),
        amount: amount(order.amount.amount),
        asset: code(order.amount.asset.code(), "amount.asset")?,
        category,
        reference: Some(orders::digest(&paper)),
        approval: None,
    })
}

/// The number of the agreement that a payment names, and what was paid under it.
pub(crate) async fn counted(app: &App, request: PayRequest) -> Answered<(Identifier, AmountText)> {
    let state = app.clone();
    app.ask(move |view| {
        let found = of_payment(&state, view, &request)?.ok_or_else(|| Problem::from(Edge::Internal))?;
        Ok((found.shown.agreement_no, found.shown.deducted_amount_total))
    })
    .await
}

fn of_payment(app: &State, view: &View, request: &PayRequest) -> Answered<Option<Found>> {
    let Ok(agent) = request.buyer_agent_id.as_str().parse() else { return Ok(None) };
    let (number, external) = (request.agreement_no.as_ref(), request.external_agreement_no.as_ref());
    find(app, view, Party::Agent(agent), number, external)
}
