//! `shop`: an agent asks shops, has one cart confirmed, and pays its order.
//!
//! Each command writes down what it is about to ask before it asks, so a command that was killed is simply given again.

mod confirm;
mod limits;
mod others;
mod record;

use crate::args::shops::{ShopAsk, ShopCancel, ShopCommand, ShopPay, ShopPurchase};
use crate::client::failed;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use limits::Limits;
use protocols::Time;
use protocols::a402::DateTime;
use protocols::act::cid::capability::NoMethod;
use protocols::act::cid::cart::{CartConfirmation, OrderState};
use protocols::act::cid::transfer::{
    Candidate, Constraints, IntentContext, ResponseRequirements, TransferRequest,
};
use protocols::act::intent::DelegationMode;
use protocols::act::psd::{IacText, PaymentError, TradeStatus};
use protocols::act::{AmountNumber, AmountText, Currency, Identifier, Sentence, SignatureText, UtcTime};
use record::{Book, Chosen, Event, Paid, Paying, Record};
use sdk::shopping::{Avoid, NotServed, Shopper, ToPay, Trade, Wish, compare};
use sdk::{Client, Clock};
use serde_json::{Value, json};
use std::str::FromStr;
use wire::AgentId;

/// Runs a command of an agent that shops.
pub(crate) fn run(output: &Output, command: &ShopCommand) -> Outcome {
    runtime::run(async {
        match command {
            ShopCommand::Ask(args) => ask(output, args).await,
            ShopCommand::Confirm(args) => confirm::confirm(output, args).await,
            ShopCommand::Pay(args) => pay(output, args).await,
            ShopCommand::Show(args) => show(output, args).await,
            ShopCommand::Cancel(args) => cancel(output, args).await,
        }
    })
}

async fn ask(output: &Output, args: &ShopAsk) -> Outcome {
    let book = Book::of(&args.purchase.purchases, &args.purchase.purchase)?;
    let (shopper, agent) = shopper(&args.purchase).await?;
    let mut record = book.read()?.unwrap_or_default();
    record.is_going_on()?;
    if record.cart.is_some() {
        return Err(Failure::usage(
            "the cart of this purchase was asked to be confirmed; use another name for another",
        ));
    }
    if let Some(delegation) = &args.delegation {
        limits::fetch(&shopper, delegation, &mut record).await?;
    }
    if !args.at.is_empty() {
        record.merchants.clone_from(&args.at);
    }
    if record.merchants.is_empty() {
        return Err(Failure::usage("name a shop to ask: `--at URL`"));
    }
    if !args.avoid.is_empty() {
        record.avoid.clone_from(&args.avoid);
    }
    let avoid = record.avoid.iter().map(|rule| {
        Avoid::parse(rule)
            .ok_or_else(|| Failure::usage(format!("`{rule}` is no rule like `departs=22:00-05:59`")))
    });
    let avoid = avoid.collect::<Outcome<Vec<Avoid>>>()?;
    let previous = record.wanted.as_deref().map(|text| TransferRequest::read(text.as_bytes()));
    let previous = previous.transpose().map_err(Failure::fault)?;
    let round = round(&shopper, agent, args, &record, previous.as_ref())?;
    let whole = match &previous {
        Some(previous) => round.after(previous).map_err(Failure::usage)?,
        None => round.clone(),
    };
    let answers = shopper.ask(&record.merchants, &round).await;
    record.wanted = Some(whole.to_json());
    for answered in &answers {
        if let Err(no) = &answered.answer {
            output.line(format!("{}: {no}", answered.base));
            output.object(
                &json!({ "merchant": answered.base, "error": error_of(no), "message": no.to_string() }),
            );
        }
    }
    let wish = Wish { constraints: whole.constraints.clone().unwrap_or_default(), avoid };
    let decision = compare(&answers, &wish);
    for one in &decision.compared {
        let verdict = one.out.unwrap_or("fits");
        output.line(format!("{} {}: {} {}; {verdict}", one.merchant, one.item, one.total, one.currency));
        output.object(one);
    }
    let chosen = decision.chosen.as_ref().and_then(|(place, candidate)| {
        let answered = answers.get(*place)?;
        let (merchant, _) = answered.answer.as_ref().ok()?;
        Some(Chosen {
            base: answered.base.clone(),
            payee: merchant.payee.to_string(),
            name: merchant.name.clone(),
            candidate: candidate.to_json(),
            shown: candidate.total_amount.as_str().to_owned(),
        })
    });
    let body = json!({
        "intent_id": record.intent_id, "delegation_id": record.delegation_id, "compared": decision.compared,
        "chosen": chosen.as_ref().map(|chosen| json!({ "merchant": chosen.base, "item": item_of(&decision.chosen) })),
    });
    log(&mut record, &shopper, "act:commerce:decision-logged", body);
    record.chosen = chosen;
    record.stopped = None;
    book.keep(&record)?;
    match &record.chosen {
        Some(chosen) => {
            output.line(format!(
                "best: {} at {} for {}",
                item_of(&decision.chosen),
                chosen.base,
                chosen.shown
            ));
            output.object(&json!({ "chosen": { "merchant": chosen.base, "item": item_of(&decision.chosen), "total": chosen.shown } }));
            Ok(())
        }
        None => {
            Err(Failure::new(Exit::Refused, "nothing was spent: no shop has anything that keeps every limit"))
        }
    }
}

fn item_of(chosen: &Option<(usize, Candidate)>) -> String {
    chosen.as_ref().map(|(_, candidate)| candidate.item.item_id.as_str().to_owned()).unwrap_or_default()
}

/// One round: all that is wanted, or what changes of it.
fn round(
    shopper: &Shopper,
    agent: AgentId,
    args: &ShopAsk,
    record: &Record,
    previous: Option<&TransferRequest>,
) -> Outcome<TransferRequest> {
    let identifiers = |texts: &[String], what: &str| -> Outcome<Option<Vec<Identifier>>> {
        let each = texts.iter().map(|text| parsed(text, what, Identifier::parse));
        let list = each.collect::<Outcome<Vec<Identifier>>>()?;
        Ok((!list.is_empty()).then_some(list))
    };
    let words = args.words.as_deref().map(|text| parsed(text, "words", Sentence::parse)).transpose()?;
    let preferences = args.preference.iter().map(|text| parsed(text, "preference", Sentence::parse));
    let preferences = preferences.collect::<Outcome<Vec<Sentence>>>()?;
    // What nobody has agreed to be told is not in the message at all.
    let preferences = (args.share_preferences && !preferences.is_empty()).then_some(preferences);
    let mut constraints = Constraints {
        max_amount: args
            .max
            .as_deref()
            .map(|text| parsed(text, "amount", |text| AmountNumber::parse(&text)))
            .transpose()?,
        currency: args
            .currency
            .as_deref()
            .map(|text| parsed(text, "currency", Currency::parse))
            .transpose()?,
        allowed_categories: identifiers(&args.category, "category")?,
        max_delivery_seconds: args.within,
        item_id: args.item.as_deref().map(|text| parsed(text, "item", Identifier::parse)).transpose()?,
        quantity: args.quantity,
        ..Constraints::default()
    };
    if previous.is_none()
        && let Some(limits) = Limits::of_credential(record)?
    {
        limits.tighten(&mut constraints);
    }
    let context = (words.is_some() || preferences.is_some()).then_some(IntentContext {
        explicit_intent: words,
        implicit_intent: None,
        preferences,
    });
    if previous.is_none() && context.as_ref().and_then(|context| context.explicit_intent.as_ref()).is_none() {
        return Err(Failure::usage("say what is wanted, in words"));
    }
    let is_changed = constraints != Constraints::default();
    let link =
        |id: &Option<String>| id.as_deref().map(|text| parsed(text, "id", Identifier::parse)).transpose();
    Ok(TransferRequest {
        request_id: fresh(shopper),
        previous_request_id: previous.map(|previous| previous.request_id.clone()),
        intent_id: link(&record.intent_id)?,
        delegation_id: link(&record.delegation_id)?,
        buyer_agent_id: parsed(&agent.to_string(), "agent", Identifier::parse)?,
        intent_context: context,
        constraints: (is_changed || previous.is_none()).then_some(constraints),
        response_requirements: previous
            .is_none()
            .then_some(ResponseRequirements { max_candidates: None, sort_preference: None }),
        timestamp: UtcTime::second_of(shopper.now()),
        signer_id: None,
        signature_algorithm: None,
        signature: unsigned(),
    })
}

async fn pay(output: &Output, args: &ShopPay) -> Outcome {
    let book = Book::of(&args.purchase.purchases, &args.purchase.purchase)?;
    let mut record = read(&book)?;
    let text = record.confirmation.clone();
    let text = text.ok_or_else(|| Failure::usage("no cart is confirmed: `tollbridge shop confirm` first"))?;
    let confirmation = CartConfirmation::from_json(text.as_bytes()).map_err(Failure::fault)?;
    let (shopper, _) = shopper(&args.purchase).await?;
    let token = parsed(&args.token, "token", Identifier::parse)?;
    let mut trade = try_to_pay(&shopper, &book, &mut record, &confirmation, &token).await?;
    let is_stale = |failure: &sdk::Failure| match failure {
        sdk::Failure::Refused(problem) => {
            problem.act.as_ref().is_some_and(|act| act.code == PaymentError::RequestExpired.as_str())
        }
        sdk::Failure::Unreachable(_) | sdk::Failure::Unknown(_) | sdk::Failure::Unreadable(_) => false,
    };
    // A request that was refused for its age left nothing; with a new time it is asked once more.
    if trade.as_ref().is_err_and(is_stale) {
        record.paying = None;
        trade = try_to_pay(&shopper, &book, &mut record, &confirmation, &token).await?;
    }
    let trade = trade.map_err(|failure| match failure {
        // Refused in a class of ACT's, by a check or by a rule: either way it is a no, and nothing moved.
        sdk::Failure::Refused(ref problem) if problem.act.is_some() => {
            let class = problem.act.as_ref().map(|act| act.code.as_str()).unwrap_or_default();
            Failure::new(Exit::Refused, format!("{} ({class})", problem.detail))
        }
        sdk::Failure::Refused(_)
        | sdk::Failure::Unreachable(_)
        | sdk::Failure::Unknown(_)
        | sdk::Failure::Unreadable(_) => failed(failure),
    })?;
    let shown = Paid {
        trade_no: trade.trade_no.clone(),
        trade_status: trade.status.as_str().to_owned(),
        amount: confirmation.total_amount.as_str().to_owned(),
        currency: confirmation.currency.as_str().to_owned(),
    };
    record.trade = Some(shown.clone());
    book.keep(&record)?;
    output.object(&json!({
        "trade_no": shown.trade_no, "trade_status": shown.trade_status, "question": trade.question,
        "merchant_order_id": confirmation.merchant_order_id.as_str(), "amount": shown.amount,
        "currency": shown.currency,
    }));
    match trade.status {
        TradeStatus::Success => {
            output.line(format!("paid {} {}: {}", shown.amount, shown.currency, shown.trade_no));
            Ok(())
        }
        TradeStatus::Pending => {
            let question = trade.question.unwrap_or_default();
            Err(Failure::new(Exit::Asked, format!("nothing was spent: the owner is asked, in `{question}`")))
        }
        TradeStatus::Failed | TradeStatus::Closed => Err(Failure::new(
            Exit::Refused,
            "nothing was spent: the payment was not made, or its money went back",
        )),
    }
}

async fn try_to_pay(
    shopper: &Shopper,
    book: &Book,
    record: &mut Record,
    confirmation: &CartConfirmation,
    token: &Identifier,
) -> Outcome<Result<Trade, sdk::Failure>> {
    let paying = record.paying.clone().unwrap_or_else(|| Paying {
        request_id: fresh(shopper).as_str().to_owned(),
        timestamp: UtcTime::second_of(shopper.now()).as_str().to_owned(),
    });
    record.paying = Some(paying.clone());
    book.keep(record)?;
    let request_id = parsed(&paying.request_id, "request", Identifier::parse)?;
    let timestamp = parsed(&paying.timestamp, "time", UtcTime::parse)?;
    let to_pay = ToPay { request_id: &request_id, confirmation, payment_token: token, timestamp: &timestamp };
    let (Some(limits), Some(text)) = (Limits::of_credential(record)?, &record.credential) else {
        return Ok(shopper.pay_instant(to_pay).await);
    };
    let iac = parsed(text, "credential", IacText::parse)?;
    let delegation = &limits.payload.delegation_id;
    Ok(match limits.payload.mode() {
        DelegationMode::Specified => shopper.pay_delegated(to_pay, delegation, &iac).await,
        DelegationMode::Bounded => shopper.pay_autonomous(to_pay, delegation, &iac).await,
    })
}

async fn show(output: &Output, args: &ShopPurchase) -> Outcome {
    let book = Book::of(&args.purchases, &args.purchase)?;
    let record = read(&book)?;
    for event in &record.events {
        output.line(format!("{} {}", event.at, event.event));
        output.object(event);
    }
    if let Some(stopped) = &record.stopped {
        output.line(format!("{}: {}", stopped.policy, stopped.detail));
        output.object(&json!({ "stopped": stopped }));
    }
    if let (Some(chosen), Some(text)) = (&record.chosen, &record.confirmation) {
        let confirmation = CartConfirmation::from_json(text.as_bytes()).map_err(Failure::fault)?;
        let (shopper, _) = shopper(args).await?;
        let state = shopper.order(&chosen.base, &confirmation.merchant_order_id).await.map_err(not_served)?;
        say_order(output, &state);
    }
    Ok(())
}

async fn cancel(output: &Output, args: &ShopCancel) -> Outcome {
    let book = Book::of(&args.purchase.purchases, &args.purchase.purchase)?;
    let record = read(&book)?;
    let (Some(chosen), Some(text)) = (&record.chosen, &record.confirmation) else {
        return Err(Failure::usage("no cart is confirmed, so there is nothing to end"));
    };
    let confirmation = CartConfirmation::from_json(text.as_bytes()).map_err(Failure::fault)?;
    let (shopper, _) = shopper(&args.purchase).await?;
    let reason = args.reason.as_deref().map(|text| parsed(text, "reason", Sentence::parse)).transpose()?;
    let state = shopper.cancel(&chosen.base, &confirmation.merchant_order_id, reason).await;
    say_order(output, &state.map_err(not_served)?);
    Ok(())
}

fn say_confirmed(output: &Output, confirmation: &CartConfirmation) {
    let total = format!("{} {}", confirmation.total_amount.as_str(), confirmation.currency.as_str());
    let order = confirmation.merchant_order_id.as_str();
    output
        .line(format!("confirmed: {order}, {total}, to be paid before {}", confirmation.pay_before.as_str()));
    output.object(&json!({
        "merchant_order_id": order, "total_amount": confirmation.total_amount.as_str(),
        "currency": confirmation.currency.as_str(), "pay_before": confirmation.pay_before.as_str(),
        "snapshot_hash": confirmation.cart_snapshot.snapshot_hash.as_str(),
    }));
}

pub(crate) fn say_order(output: &Output, state: &OrderState) {
    output.line(format!(
        "{}: {}, {} {}",
        state.merchant_order_id.as_str(),
        state.status,
        state.total_amount.as_str(),
        state.currency.as_str()
    ));
    let value: Value = serde_json::from_str(&state.to_json()).expect("what we write is JSON");
    output.object(&value);
}

fn log(record: &mut Record, shopper: &Shopper, event: &str, body: Value) {
    let at = UtcTime::second_of(shopper.now()).as_str().to_owned();
    let body = body.as_object().cloned().unwrap_or_default();
    record.events.push(Event { event: event.to_owned(), at, body });
}

fn read(book: &Book) -> Outcome<Record> {
    book.read()?
        .ok_or_else(|| Failure::usage("there is no purchase of this name: `tollbridge shop ask` first"))
}

fn candidate(chosen: &Chosen) -> Outcome<Candidate> {
    Candidate::from_json(chosen.candidate.as_bytes()).map_err(Failure::fault)
}

async fn shopper(args: &ShopPurchase) -> Outcome<(Shopper, AgentId)> {
    let client = crate::client::in_session(&args.caller)?;
    let me = client.me().await.map_err(failed)?;
    let agent =
        agent_of(&me).ok_or_else(|| Failure::usage("this key is not an agent's: only agents shop"))?;
    let clock = book_time(&args.caller.server).await?;
    Ok((Shopper::new(client, agent, clock).map_err(not_served)?, agent))
}

fn agent_of(me: &wire::session::Me) -> Option<AgentId> {
    AgentId::from_str(me.id.as_deref()?).ok()
}

/// The time in the book of a server: one of play money may have been put forward.
pub(crate) async fn book_time(server: &str) -> Outcome<Clock> {
    let told = Client::stranger(server).map_err(Failure::usage)?.a402_key().await.map_err(failed)?;
    let system = Clock::system();
    let ahead = match (told.livemode, DateTime::parse(&*told.now)) {
        (false, Ok(now)) => now.time().0.saturating_sub(system.now().0),
        (false, Err(_)) | (true, _) => 0,
    };
    Ok(Clock::of(move || Time(system.now().0.saturating_add(ahead))))
}

fn error_of(no: &NotServed) -> &'static str {
    match no {
        NotServed::Refused(class, _) => class.as_str(),
        NotServed::Silent(_) => "SILENT",
        NotServed::Unbelievable(_) | NotServed::NotConfirmed(_) => "UNBELIEVABLE",
        NotServed::NoMethod(_) => "NO_METHOD",
        NotServed::Service(_) | NotServed::NoKey => "SERVICE",
    }
}

/// How a command ends where a merchant did not do what it was asked.
pub(crate) fn not_served(no: NotServed) -> Failure {
    let exit = match &no {
        NotServed::Refused(..) => Exit::Refused,
        NotServed::Silent(_) => Exit::Unknown,
        NotServed::Unbelievable(_) | NotServed::NotConfirmed(_) => Exit::False,
        NotServed::NoMethod(NoMethod::NoMatch) => Exit::Refused,
        NotServed::NoMethod(NoMethod::Foreign(_) | NoMethod::Insecure(_) | NoMethod::NotOfPsp { .. }) => {
            Exit::False
        }
        NotServed::NoKey => Exit::Usage,
        NotServed::Service(_) => {
            let NotServed::Service(failure) = no else { return Failure::fault("unreachable") };
            return failed(failure);
        }
    };
    Failure::new(exit, format!("nothing was spent: {no}"))
}

pub(crate) fn parsed<T, E: std::fmt::Display>(
    text: &str,
    what: &str,
    parse: impl FnOnce(String) -> Result<T, E>,
) -> Outcome<T> {
    parse(text.to_owned()).map_err(|fault| Failure::usage(format!("{what} `{text}`: {fault}")))
}

fn fresh(shopper: &Shopper) -> Identifier {
    Identifier::parse(format!("req-{:032x}", shopper.client().fresh_id()))
        .expect("36 characters are an identifier")
}

fn decimals(amount: &AmountText) -> u8 {
    let decimals = amount.as_str().split_once('.').map_or(0, |(_, decimals)| decimals.len());
    u8::try_from(decimals).unwrap_or_default()
}

fn unsigned() -> SignatureText {
    SignatureText::parse("AA").expect("two letters are a signature's text")
}
