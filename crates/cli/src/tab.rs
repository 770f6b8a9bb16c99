//! `tab`: many small calls at one seller, paid by vouchers, and the end of it.

use crate::args::{TabArgs, TabCall, TabCommand};
use crate::client::{in_session, refused};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::{not_bought, settings};
use crate::{money, runtime};
use sdk::limits::TAB_CHANNEL_SECONDS_DEFAULT;
use sdk::{Buyer, CallPayment, Called, Purchases, TabSettings};
use serde::Serialize;
use std::io::Write;
use wire::Money;
use wire::money::AssetText;

#[derive(Serialize)]
struct CallLine {
    payment: &'static str,
    paid_nanos: Option<String>,
    owed_nanos: String,
    status: Option<u16>,
    body_bytes: usize,
}

#[derive(Serialize)]
struct CloseLine {
    status: &'static str,
    spent: Money,
}

/// Runs a command about tabs.
pub(crate) fn run(output: &Output, command: &TabCommand) -> Outcome {
    runtime::run(async {
        match command {
            TabCommand::Call(args) => call(output, args).await,
            TabCommand::Close(args) => close(output, args).await,
        }
    })
}

async fn call(output: &Output, args: &TabCall) -> Outcome {
    let (buyer, asset) = buyer(&args.tab).await?;
    let settings = TabSettings {
        tab: args.tab.tab.clone(),
        cap: money::read(&args.cap, asset)?,
        price_nanos_max: money::read_nanos(&args.max_price, asset)?,
        deposit: args.deposit.as_deref().map(|text| money::read(text, asset)).transpose()?,
        channel_seconds: TAB_CHANNEL_SECONDS_DEFAULT,
    };
    let mut tab = buyer.tab(settings).map_err(not_bought)?;
    let call = sdk::TabCall {
        method: args.method.clone(),
        url: args.url.clone(),
        headers: Default::default(),
        body: args.body.clone().unwrap_or_default().into_bytes(),
        name: args.call.clone(),
    };
    for _ in 0..args.times {
        let called = tab.call(&call).await.map_err(not_bought)?;
        report(output, &called, tab.owed_nanos())?;
    }
    // The money to standard error, so that what was bought can be piped.
    if !output.is_for_programs() {
        eprintln!("owed {} {}", in_units(tab.owed_nanos(), asset), asset.code());
    }
    Ok(())
}

async fn close(output: &Output, args: &TabArgs) -> Outcome {
    let (buyer, asset) = buyer(args).await?;
    let nothing = money::read("0", asset)?;
    let settings = TabSettings {
        tab: args.tab.clone(),
        cap: nothing,
        price_nanos_max: 0,
        deposit: None,
        channel_seconds: TAB_CHANNEL_SECONDS_DEFAULT,
    };
    let mut tab = buyer.tab(settings).map_err(not_bought)?;
    let spent = tab.close().await.map_err(|fault| Failure::new(Exit::Unknown, fault.to_string()))?;
    output.object(&CloseLine { status: "closed", spent });
    output.line(format!("closed … spent {}", spent.in_words()));
    Ok(())
}

async fn buyer(args: &TabArgs) -> Outcome<(Buyer, AssetText)> {
    let client = in_session(&args.caller)?;
    let (settings, asset) = settings(&client, &args.wallet, &args.mandate).await?;
    let purchases = Purchases::open(&args.purchases()?).map_err(Failure::fault)?;
    Ok((Buyer::new(client, settings, purchases).map_err(Failure::fault)?, asset))
}

fn report(output: &Output, called: &Called, owed_nanos: u128) -> Outcome {
    let body = called.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
    let (payment, paid) = match &called.payment {
        CallPayment::NotNeeded => ("free", None),
        CallPayment::Paid(nanos) => ("paid", Some(nanos.to_string())),
        CallPayment::NotOwed => ("not_owed", None),
        CallPayment::Refused(_) => ("refused", None),
        CallPayment::Asked(_) => ("asked", None),
        CallPayment::CapReached => ("cap_reached", None),
        CallPayment::Unknown(_) => ("unknown", None),
    };
    output.object(&CallLine {
        payment,
        paid_nanos: paid,
        owed_nanos: owed_nanos.to_string(),
        status: called.answer.as_ref().map(|answer| answer.status),
        body_bytes: body.len(),
    });
    match &called.payment {
        CallPayment::Refused(problem) => Err(refused(problem)),
        CallPayment::Asked(asked) => {
            let why = format!("nothing was spent: the owner is asked ({}, {})", asked.ask, asked.id);
            Err(Failure::new(Exit::Asked, why))
        }
        CallPayment::CapReached => Err(Failure::new(
            Exit::Refused,
            "nothing was spent: the cap leaves too little for another channel",
        )),
        CallPayment::NotOwed => {
            let status = called.answer.as_ref().map_or(0, |answer| answer.status);
            let why = format!("nothing is owed for it: the seller did not deliver (status {status})");
            Err(Failure::new(Exit::Refused, why))
        }
        CallPayment::Unknown(why) => {
            let why =
                format!("nobody can say yet whether it is owed ({why}); repeat the command with `--call`");
            Err(Failure::new(Exit::Unknown, why))
        }
        CallPayment::NotNeeded | CallPayment::Paid(_) if output.is_for_programs() => Ok(()),
        CallPayment::NotNeeded | CallPayment::Paid(_) => {
            std::io::stdout().write_all(body).map_err(Failure::from)
        }
    }
}

/// Billionths of a smallest unit as people read them: `0.0125`.
fn in_units(nanos: u128, asset: AssetText) -> String {
    let scale = usize::from(asset.scale()) + 9;
    let digits = format!("{nanos:0>width$}", width = scale + 1);
    let (whole, decimals) = digits.split_at(digits.len() - scale);
    match decimals.trim_end_matches('0') {
        "" => whole.to_owned(),
        decimals => format!("{whole}.{decimals}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billionths_are_read_without_zeros_at_the_end() {
        let asset = AssetText::new("CNY", 2).unwrap();
        let rows = [(0, "0"), (1, "0.00000000001"), (2_500_000_000, "0.025"), (300_000_000_000, "3")];
        for (nanos, text) in rows {
            assert_eq!(in_units(nanos, asset), text);
        }
    }
}
