//! `a2a`: what an agent of somebody else does for us, paid for where it costs something.

use crate::args::{A2aCall, A2aCommand};
use crate::client::in_session;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::{buyer, ended, not_bought, outcome, purchases};
use crate::runtime;
use a2a::customer::{NotCalled, Order, Seen, call as buy, shown, task};
use protocols::a2a::{Content, Part, State};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Called {
    payment: &'static str,
    hold: Option<String>,
    agent: String,
    card: &'static str,
    task: Value,
}

/// Runs a command about A2A.
pub(crate) fn run(output: &Output, command: &A2aCommand) -> Outcome {
    match command {
        A2aCommand::Call(args) => call(output, args),
    }
}

/// Says it, and tells what came of it and of the money.
fn call(output: &Output, args: &A2aCall) -> Outcome {
    let parts = parts(args)?;
    let called = runtime::run(async {
        let (buyer, price_max) = buyer(&args.purchase, &args.purchases).await?;
        let client = in_session(&args.purchase.caller)?;
        let memory = purchases(&args.purchases)?;
        let order = Order {
            at: args.at.clone(),
            skill: args.skill.clone(),
            parts,
            purchase: args.purchase.purchase.clone(),
            price_max,
            why: args.purchase.why.clone(),
        };
        buy(buyer, &client, &memory, order).await.map_err(|fault| match fault {
            NotCalled::NotBought(fault) => not_bought(fault),
            NotCalled::Agent(_) => Failure::new(Exit::Unreachable, format!("nothing was spent: {fault}")),
            NotCalled::Card(_) => Failure::new(Exit::Refused, format!("nothing was spent: {fault}")),
            NotCalled::NoSkill(_) | NotCalled::Message(_) => {
                Failure::usage(format!("nothing was spent: {fault}"))
            }
            NotCalled::Memory(_) => Failure::fault(format!("nothing was spent: {fault}")),
        })
    })?;
    let (payment, hold) = outcome(&called.purchase.payment);
    let task = task(&called.purchase);
    // The money to standard error, so that what was bought can be piped.
    if !output.is_for_programs() {
        if called.card != Seen::Signed {
            let words =
                "nobody the payment service knows vouches for it; what is paid is still a signed bill";
            eprintln!("the agent's card is {}: {words}", called.card.as_str());
        }
        eprintln!("{payment}{}", hold.as_ref().map_or(String::new(), |hold| format!("  {hold}")));
        task.iter().flat_map(shown).for_each(|text| println!("{text}"));
    }
    let said = task.as_ref().map_or(Value::Null, protocols::a2a::Task::to_json);
    let card = called.card.as_str();
    output.object(&Called { payment, hold, agent: called.agent, card, task: said });
    ended(&called.purchase.payment)?;
    match task {
        Some(task) if task.status.state == State::Completed => Ok(()),
        Some(task) => {
            let words = task.status.message.map(|message| message.words()).unwrap_or_default();
            Err(Failure::new(Exit::False, format!("the agent did not do it: {}", words.escape_debug())))
        }
        None => Err(Failure::new(Exit::False, "the agent did not do it")),
    }
}

fn parts(args: &A2aCall) -> Outcome<Vec<Part>> {
    let mut parts: Vec<Part> = args.message.iter().map(Part::text).collect();
    if let Some(data) = &args.data {
        let data = serde_json::from_str(data)
            .map_err(|fault| Failure::usage(format!("the data are no JSON: {fault}")))?;
        parts.push(Part::of(Content::Data(data)));
    }
    Ok(parts)
}
