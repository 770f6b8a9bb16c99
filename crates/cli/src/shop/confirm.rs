//! `shop confirm`: the limits first, then a way to pay, then the merchant, and what its answer is worth.

use super::limits::Limits;
use super::others;
use super::record::{Book, Chosen, Record, Stopped};
use super::{
    agent_of, candidate, decimals, fresh, log, not_served, parsed, read, say_confirmed, shopper, unsigned,
};
use crate::args::shops::ShopConfirm;
use crate::client::failed;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use protocols::act::cid::cart::{
    CartConfirmation, CartRequest, Choice, DeliveryRequirements, WantedCart, WantedItem,
};
use protocols::act::cid::precheck::{Breach, PreCheck};
use protocols::act::cid::transfer::{
    Candidate, Constraints, IntentContext, ResponseRequirements, TransferRequest,
};
use protocols::act::cid::{CommerceError, precheck};
use protocols::act::intent::PriceDeviationAction;
use protocols::act::{AmountNumber, AmountText, Identifier, Sentence, UtcTime};
use sdk::shopping::{Merchant, NotServed, Shopper};
use serde_json::{Value, json};
use wire::{AgentId, IntentId, WalletId};

pub(super) async fn confirm(output: &Output, args: &ShopConfirm) -> Outcome {
    let book = Book::of(&args.purchase.purchases, &args.purchase.purchase)?;
    let mut record = read(&book)?;
    record.is_going_on()?;
    if let Some(text) = &record.confirmation {
        let confirmation = CartConfirmation::from_json(text.as_bytes()).map_err(Failure::fault)?;
        say_confirmed(output, &confirmation);
        return Ok(());
    }
    let (shopper, agent) = shopper(&args.purchase).await?;
    let chosen = record.chosen.clone();
    let chosen = chosen.ok_or_else(|| Failure::usage("nothing is chosen: `tollbridge shop ask` first"))?;
    // Who it is was told when it was asked; before the limits are checked it hears nothing more.
    let merchant = Merchant {
        base: chosen.base.clone(),
        payee: chosen.payee.parse().map_err(Failure::fault)?,
        name: chosen.name.clone(),
        declaration: None,
    };
    let candidate = candidate(&chosen)?;
    let request = match &record.cart {
        // It was asked before, and no answer came: the same once more.
        Some(text) => CartRequest::read(text.as_bytes()).map_err(Failure::fault)?,
        None => {
            let others = others::wanted(&shopper, &chosen.base, &args.also).await?;
            cart(&shopper, agent, args, &record, &merchant, &candidate, others)?
        }
    };
    let wallet = args.wallet.as_deref();
    let purchase = Purchase { output, shopper: &shopper, book: &book, merchant: &merchant, wallet };
    check(&purchase, &mut record, &candidate, &request).await?;
    let told = shopper.merchant(&chosen.base).await.map_err(not_served)?;
    if told.payee != merchant.payee {
        return Err(Failure::new(Exit::False, "nothing was spent: another merchant is at this address now"));
    }
    agree(&shopper, &record, &told, &request).await?;

    // Signed anew for each try: the time is part of what is signed, the name of the cart stays.
    let mut request = request;
    request.timestamp = UtcTime::second_of(shopper.now());
    record.cart = Some(request.to_json());
    book.keep(&record)?;
    match shopper.confirm(&merchant, &request).await {
        Ok(confirmation) => {
            let body = json!({
                "intent_id": record.intent_id, "delegation_id": record.delegation_id,
                "merchant_order_id": confirmation.merchant_order_id.as_str(),
                "snapshot_hash": confirmation.cart_snapshot.snapshot_hash.as_str(),
                "total_amount": confirmation.total_amount.as_str(), "currency": confirmation.currency.as_str(),
            });
            log(&mut record, &shopper, "act:commerce:cart-confirmed", body);
            record.confirmation = Some(confirmation.to_json());
            book.keep(&record)?;
            say_confirmed(output, &confirmation);
            Ok(())
        }
        Err(NotServed::Refused(CommerceError::PriceChanged, why)) => {
            record.cart = None;
            let now = price_now(&shopper, agent, &record, &chosen).await;
            if let Some(now) = now {
                // What it costs now is measured by what it was shown to cost.
                record.chosen = Some(Chosen { candidate: now.to_json(), ..chosen });
                book.keep(&record)?;
                let others = others::wanted(&shopper, &merchant.base, &args.also).await?;
                let request = cart(&shopper, agent, args, &record, &merchant, &now, others)?;
                check(&purchase, &mut record, &now, &request).await?;
            }
            book.keep(&record)?;
            let how = if args.also.is_empty() { "" } else { ", with `--total`" };
            Err(Failure::new(Exit::Refused, format!("{why}; repeat the command{how} to take that price")))
        }
        Err(no) => {
            if matches!(no, NotServed::Refused(..)) {
                record.cart = None;
                book.keep(&record)?;
            }
            Err(not_served(no))
        }
    }
}

/// A purchase whose cart is about to be confirmed.
#[derive(Clone, Copy)]
struct Purchase<'a> {
    output: &'a Output,
    shopper: &'a Shopper,
    book: &'a Book,
    merchant: &'a Merchant,
    /// The wallet whose owner is asked where a limit is in the way.
    wallet: Option<&'a str>,
}

/// The limits, before the merchant hears of anything. A breach ends it here, as the principal has said.
async fn check(
    purchase: &Purchase<'_>,
    record: &mut Record,
    candidate: &Candidate,
    request: &CartRequest,
) -> Outcome {
    let Purchase { shopper, book, .. } = *purchase;
    let wanted = record.wanted.as_deref().unwrap_or("{}");
    let wanted = TransferRequest::read(wanted.as_bytes()).map_err(Failure::fault)?;
    let limits = Limits::of(record, wanted.constraints.as_ref(), shopper.now())?;
    let shown = record.chosen.as_ref().and_then(|chosen| AmountNumber::parse(&chosen.shown).ok());
    // What was shown is the one item's; the others are measured by what their catalogue says.
    let shown = shown.and_then(|shown| shown.checked_add(others::goods(request)?));
    let categories: Vec<Identifier> =
        request.cart_snapshot.items.iter().filter_map(|item| item.category.clone()).collect();
    let total = AmountNumber::of_text(&request.total_amount)
        .ok_or_else(|| Failure::usage("the total is finer than hundredths, which no limit can measure"))?;
    let checked = PreCheck {
        limits: &limits.payload,
        spent: limits.spent(book)?,
        total,
        currency: &request.currency,
        merchant_id: &request.merchant_id,
        categories: &categories,
        payment_method: None,
        delivery_seconds: candidate.delivery_seconds,
        shown,
    };
    let Err(breach) = checked.run(shopper.now()) else { return Ok(()) };
    stop(purchase, record, &limits, breach, request).await
}

/// Ends a purchase that is outside the limits, or pauses it and asks the owner.
async fn stop(
    purchase: &Purchase<'_>,
    record: &mut Record,
    limits: &Limits,
    breach: Breach,
    request: &CartRequest,
) -> Outcome {
    let Purchase { output, shopper, book, merchant, wallet } = *purchase;
    let policy = precheck::policy(&limits.payload);
    let total = format!("{} {}", request.total_amount.as_str(), request.currency.as_str());
    let detail = format!("{total} at {} is outside the limits: {breach}", merchant.name);
    let intent = match policy {
        PriceDeviationAction::AutoCancel => None,
        PriceDeviationAction::PauseAndNotify => {
            let asked = notify(shopper, record, merchant, &total, breach, wallet).await;
            // A question that cannot be asked leaves the purchase paused all the same.
            asked.unwrap_or_else(|why| {
                output.line(format!("the owner could not be asked: {why}"));
                None
            })
        }
    };
    record.stopped = Some(Stopped {
        policy: policy.as_str().to_owned(),
        reason: breach.as_str().to_owned(),
        detail: detail.clone(),
        intent: intent.clone(),
    });
    book.keep(record)?;
    output.object(&json!({ "stopped": record.stopped }));
    match policy {
        PriceDeviationAction::AutoCancel => Err(Failure::new(
            Exit::Refused,
            format!("nothing was sent, and nothing was spent: {detail}; cancelled"),
        )),
        PriceDeviationAction::PauseAndNotify => {
            let place = intent.map_or(String::new(), |intent| format!("; the owner is asked in `{intent}`"));
            Err(Failure::new(
                Exit::Asked,
                format!("nothing was sent, and nothing was spent: {detail}{place}"),
            ))
        }
    }
}

/// Draws up what the owner would have to agree to, with the question whether she does. Only her yes makes it a credential.
async fn notify(
    shopper: &Shopper,
    record: &Record,
    merchant: &Merchant,
    total: &str,
    breach: Breach,
    wallet: Option<&str>,
) -> Result<Option<String>, String> {
    let client = shopper.client();
    let wallet: WalletId = match (wallet, &record.delegation_id) {
        (Some(wallet), _) => wallet.parse().map_err(|fault| format!("{fault}"))?,
        (None, Some(delegation)) => {
            let mandate = delegation.parse().map_err(|fault| format!("{fault}"))?;
            client.mandate(mandate).await.map_err(|failure| failure.to_string())?.wallet
        }
        (None, None) => return Ok(None),
    };
    let me = client.me().await.map_err(|failure| failure.to_string())?;
    let intent = IntentId(client.fresh_id());
    let words = format!("Buy once from {}, at most {total}", merchant.name);
    let new = json!({
        "id": intent, "wallet": wallet, "agent": agent_of(&me).ok_or("this key is no agent's")?,
        "conversation_history": { "user_intent_raw": words, "input_mode": ["TEXT"] },
    });
    let drawn: Value = client.make("/v1/intents", &new).await.map_err(|failure| failure.to_string())?;
    let question = format!("{} asks {total}. That is beyond the limits ({breach}). Go on?", merchant.name);
    let question: String = question.chars().take(120).collect();
    let asked = json!({ "question": question, "suggestions": ["go on", "stop"] });
    let path = format!("/v1/intents/{intent}/questions");
    let _asked: Value = client.make(&path, &asked).await.map_err(|failure| failure.to_string())?;
    Ok(drawn["id"].as_str().map(str::to_owned))
}

/// Agrees on a method that the limits allow and that this agent's payment service carries out.
async fn agree(shopper: &Shopper, record: &Record, merchant: &Merchant, request: &CartRequest) -> Outcome {
    let key = shopper.client().a402_key().await.map_err(failed)?;
    let ours = [parsed(&key.method_id, "method", Identifier::parse)?];
    let limits = Limits::of_credential(record)?;
    let allowed = limits.and_then(|limits| limits.payload.allowed_payment_methods);
    let amount = AmountNumber::of_text(&request.total_amount).unwrap_or_default();
    let agreed = shopper.negotiate(merchant, &ours, allowed.as_deref(), amount, &request.currency).await;
    agreed.map(|_| ()).map_err(not_served)
}

fn cart(
    shopper: &Shopper,
    agent: AgentId,
    args: &ShopConfirm,
    record: &Record,
    merchant: &Merchant,
    candidate: &Candidate,
    others: Vec<WantedItem>,
) -> Outcome<CartRequest> {
    let (price, _) =
        candidate.item.orderable().map_err(|why| Failure::usage(format!("not ordered: {why}")))?;
    let minor = |amount: &AmountText| amount.minor(18).unwrap_or(u128::MAX);
    let (mut price, base) = (minor(price), minor(price));
    let mut cheapest = base;
    let mut options = Vec::new();
    for option in candidate.item.options.iter().flatten() {
        let name = option.name.as_str();
        let said = args.option.iter().filter_map(|text| text.split_once('=')).find(|(it, _)| *it == name);
        let said = said.map(|(_, value)| value);
        let values: Vec<&str> = option.values.iter().map(|value| value.value.as_str()).collect();
        let chosen = match (said, values.as_slice()) {
            (Some(said), _) => option.values.iter().find(|value| value.value.as_str() == said),
            (None, [_only]) => option.values.first(),
            (None, _) => None,
        };
        let chosen = chosen.ok_or_else(|| {
            let all = values.join(", ");
            Failure::new(
                Exit::Asked,
                format!("nothing was sent: which {name}? there is {all}; say `--option {name}=…`"),
            )
        })?;
        let extra =
            |value: &protocols::act::cid::catalogue::OptionValue| value.extra.as_ref().map_or(0, minor);
        price = price.saturating_add(extra(chosen));
        cheapest = cheapest.saturating_add(option.values.iter().map(extra).min().unwrap_or_default());
        options.push(Choice { name: option.name.clone(), value: chosen.value.clone() });
    }
    let more = (price - cheapest.min(price)).saturating_mul(u128::from(candidate.quantity));
    let total = minor(&candidate.total_amount).saturating_add(more);
    let total = others.iter().fold(total, |total, item| {
        total.saturating_add(minor(&item.price).saturating_mul(u128::from(item.quantity)))
    });
    let total = match &args.total {
        Some(told) => minor(&parsed(told, "total", AmountText::parse)?),
        None => total,
    };
    let scale = decimals(&candidate.total_amount);
    let text = |minor: u128| {
        AmountText::of_minor(minor / 10_u128.pow(18 - u32::from(scale)), scale).map_err(Failure::fault)
    };
    let address = args.address.as_deref().map(|text| parsed(text, "address", Sentence::parse)).transpose()?;
    let link =
        |id: &Option<String>| id.as_deref().map(|text| parsed(text, "id", Identifier::parse)).transpose();
    Ok(CartRequest {
        request_id: fresh(shopper),
        intent_id: link(&record.intent_id)?,
        delegation_id: link(&record.delegation_id)?,
        buyer_agent_id: parsed(&agent.to_string(), "agent", Identifier::parse)?,
        merchant_id: parsed(&merchant.payee.to_string(), "merchant", Identifier::parse)?,
        cart_snapshot: WantedCart {
            items: [WantedItem {
                product_id: candidate.item.item_id.clone(),
                product_name: Some(candidate.item.name.clone()),
                category: Some(candidate.item.category.clone()),
                price: text(price)?,
                quantity: candidate.quantity,
                subtotal: None,
                options: (!options.is_empty()).then_some(options),
            }]
            .into_iter()
            .chain(others)
            .collect(),
        },
        coupon_code: candidate.coupon_code.clone(),
        total_amount: text(total)?,
        currency: candidate.currency.clone(),
        delivery_requirements: Some(DeliveryRequirements {
            delivery_address: address,
            estimated_delivery_time: None,
            delivery_option: candidate.delivery_option.clone(),
        }),
        reference_payment_info: None,
        timestamp: UtcTime::second_of(shopper.now()),
        signer_id: None,
        signature_algorithm: None,
        signature: unsigned(),
    })
}

/// What the chosen item costs now, where its merchant still says so.
async fn price_now(shopper: &Shopper, agent: AgentId, record: &Record, chosen: &Chosen) -> Option<Candidate> {
    let old = candidate(chosen).ok()?;
    let link = |id: &Option<String>| id.as_deref().and_then(|text| Identifier::parse(text).ok());
    let request = TransferRequest {
        request_id: fresh(shopper),
        previous_request_id: None,
        intent_id: link(&record.intent_id),
        delegation_id: link(&record.delegation_id),
        buyer_agent_id: Identifier::parse(agent.to_string()).ok()?,
        intent_context: Some(IntentContext {
            explicit_intent: None,
            implicit_intent: None,
            preferences: None,
        }),
        constraints: Some(Constraints {
            item_id: Some(old.item.item_id.clone()),
            quantity: Some(old.quantity),
            ..Constraints::default()
        }),
        response_requirements: Some(ResponseRequirements { max_candidates: None, sort_preference: None }),
        timestamp: UtcTime::second_of(shopper.now()),
        signer_id: None,
        signature_algorithm: None,
        signature: unsigned(),
    };
    let answers = shopper.ask(std::slice::from_ref(&chosen.base), &request).await;
    let (_, response) = answers.into_iter().next()?.answer.ok()?;
    response.candidates.into_iter().find(|it| it.item.item_id == old.item.item_id)
}
