//! `mcp call`: one call of a tool of somebody else, paid for where it costs something.

use crate::args::McpCall;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::{buyer, ended, not_bought, outcome};
use crate::runtime;
use crate::seller::tools::place;
use mcp::customer::{NotCalled, Order, call as buy, result};
use serde::Serialize;
use serde_json::Value;

#[derive(Serialize)]
struct Called {
    payment: &'static str,
    hold: Option<String>,
    result: Value,
}

/// Calls the tool, and says what came of it and of the money.
pub(super) fn call(output: &Output, args: &McpCall) -> Outcome {
    let place = place(&args.at, &args.program)?;
    let arguments: Value = serde_json::from_str(&args.arguments)
        .map_err(|fault| Failure::usage(format!("the arguments are no JSON: {fault}")))?;
    let Value::Object(arguments) = arguments else {
        return Err(Failure::usage("the arguments are a JSON object, such as `{\"q\": \"bridges\"}`"));
    };
    let bought = runtime::run(async {
        let (buyer, price_max) = buyer(&args.purchase, &args.purchases).await?;
        let order = Order {
            tool: args.tool.clone(),
            arguments,
            purchase: args.purchase.purchase.clone(),
            price_max,
            why: args.purchase.why.clone(),
        };
        buy(buyer, &place, order).await.map_err(|fault| match fault {
            NotCalled::NotBought(fault) => not_bought(fault),
            NotCalled::Server(_) => Failure::new(Exit::Unreachable, format!("nothing was spent: {fault}")),
            NotCalled::NoTool(_) | NotCalled::Arguments => {
                Failure::usage(format!("nothing was spent: {fault}"))
            }
        })
    })?;
    let (payment, hold) = outcome(&bought.payment);
    let result = result(&bought);
    let is_error = result.as_ref().is_none_or(|result| result.is_error == Some(true));
    // The money to standard error, so that what was bought can be piped.
    if !output.is_for_programs() {
        eprintln!("{payment}{}", hold.as_ref().map_or(String::new(), |hold| format!("  {hold}")));
        for block in result.iter().flat_map(|result| &result.content) {
            match block.as_text() {
                Some(text) => println!("{}", text.text),
                None => println!("{}", serde_json::to_string(block).map_err(Failure::fault)?),
            }
        }
    }
    let said = serde_json::to_value(&result).map_err(Failure::fault)?;
    output.object(&Called { payment, hold, result: said });
    ended(&bought.payment)?;
    if is_error { Err(Failure::new(Exit::False, "the tool did not do it")) } else { Ok(()) }
}
