//! `pay`: fetching an address that costs something, once for each purchase key, whatever dies in between.

use crate::accounts::wallet_of;
use crate::args::{PayArgs, PurchaseArgs};
use crate::client::{failed, in_session, refused};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::verify::terms::Kept;
use crate::{money, runtime};
use pricing::Sealed;
use protocols::a402::wallet::Network;
use sdk::{Accepted, Buyer, BuyerSettings, Client, Fetch, NotBought, PaymentOutcome, Purchase, Purchases};
use serde::Serialize;
use std::io::Write;
use std::path::PathBuf;
use wire::account::Mandate;
use wire::list::Page;
use wire::{AmountText, AssetText, MandateId, Money, WalletId};

#[derive(Serialize)]
struct Bought {
    payment: &'static str,
    hold: Option<String>,
    status: Option<u16>,
    body_bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<AcceptedText>,
    left: Money,
}

/// What an answer came to that was bought on terms.
#[derive(Serialize)]
struct AcceptedText {
    met: Vec<bool>,
    owed: Money,
    #[serde(skip_serializing_if = "Option::is_none")]
    disagrees: Option<String>,
    waited_ms: u64,
}

/// Buys one address.
pub(crate) fn run(output: &Output, args: &PayArgs) -> Outcome {
    runtime::run(async {
        let bought = buy(args).await?;
        let client = in_session(&args.purchase.caller)?;
        let left = wallet_of(&client, args.purchase.wallet.parse().map_err(Failure::usage)?).await?.available;
        report(output, args, &bought, left)
    })
}

/// Buys one address, and answers what came of it.
pub(crate) async fn buy(args: &PayArgs) -> Outcome<Purchase> {
    let (buyer, price_max) = buyer(&args.purchase, &args.purchases).await?;
    let fetch = Fetch {
        method: args.method.clone(),
        url: args.url.clone(),
        headers: Default::default(),
        body: args.body.clone().unwrap_or_default().into_bytes(),
        purchase: args.purchase.purchase.clone(),
        price_max,
        why: args.purchase.why.clone(),
    };
    buyer.fetch(&fetch).await.map_err(not_bought)
}

/// Who buys, and the most that it may cost.
pub(crate) async fn buyer(args: &PurchaseArgs, remembered: &Option<PathBuf>) -> Outcome<(Buyer, Money)> {
    let client = in_session(&args.caller)?;
    let (settings, asset) = settings(&client, &args.wallet, &args.mandate).await?;
    let purchases = Purchases::open(&purchases(remembered)?).map_err(Failure::fault)?;
    let buyer = Buyer::new(client, settings, purchases).map_err(Failure::fault)?;
    Ok((buyer, money::read(&args.max_price, asset)?))
}

/// From what a wallet's agent buys, and in which asset.
pub(crate) async fn settings(
    client: &Client,
    wallet: &str,
    mandate: &Option<String>,
) -> Outcome<(BuyerSettings, AssetText)> {
    let wallet = wallet_of(client, wallet.parse().map_err(Failure::usage)?).await?;
    let settings = BuyerSettings {
        wallet: wallet.id,
        mandate: mandate_of(client, mandate, wallet.id).await?,
        network: if wallet.livemode { Network::Main } else { Network::Test },
        payees: Vec::new(),
        seller_keys: Default::default(),
    };
    Ok((settings, wallet.available.asset))
}

/// Where purchases and tabs are remembered.
pub(crate) fn purchases(named: &Option<PathBuf>) -> Outcome<PathBuf> {
    match (named, std::env::home_dir()) {
        (Some(path), _) => Ok(path.clone()),
        (None, Some(home)) => Ok(home.join(".tollbridge/purchases")),
        (None, None) => Err(Failure::usage("nobody's home: say where to remember with `--purchases DIR`")),
    }
}

/// The mandate that was named, or else the agent's newest that is active for this wallet.
pub(crate) async fn mandate_of(
    client: &Client,
    named: &Option<String>,
    wallet: WalletId,
) -> Outcome<Option<MandateId>> {
    if let Some(named) = named {
        return named.parse().map(Some).map_err(Failure::usage);
    }
    let page: Page<Mandate> = client.list("/v1/mandates", 100, None).await.map_err(failed)?;
    let active = page.data.into_iter().find(|it| it.wallet == wallet && it.status == "active");
    Ok(active.map(|mandate| mandate.id))
}

fn report(output: &Output, args: &PayArgs, bought: &Purchase, left: Money) -> Outcome {
    let (word, hold) = outcome(&bought.payment);
    let body = bought.answer.as_ref().map(|answer| answer.body.as_slice()).unwrap_or_default();
    output.object(&Bought {
        payment: word,
        hold: hold.clone(),
        status: bought.answer.as_ref().map(|answer| answer.status),
        body_bytes: body.len(),
        accepted: bought.accepted.as_ref().map(accepted).transpose()?,
        left,
    });
    let place = hold.map_or(String::new(), |hold| format!("  {hold}"));
    // The money to standard error, so that what was bought can be piped.
    if !output.is_for_programs() {
        eprintln!("{word}{place}  left {}", left.in_words());
        bought.accepted.as_ref().map_or(Ok(()), say_accepted)?;
    }
    if let (Some(path), Some(accepted)) = (&args.terms_out, &bought.accepted) {
        let evaluation = accepted.said.as_ref().map(Sealed::to_value);
        let kept = Kept { quote: accepted.quote.to_value(), evaluation };
        let text = serde_json::to_vec(&kept).expect("signed texts are JSON");
        std::fs::write(path, text).map_err(|fault| Failure::from(fault).during(path.display()))?;
    }
    ended(&bought.payment)?;
    match &args.out {
        Some(path) => std::fs::write(path, body).map_err(|fault| Failure::from(fault).during(path.display())),
        None if output.is_for_programs() => Ok(()),
        None => std::io::stdout().write_all(body).map_err(Failure::from),
    }
}

fn accepted(accepted: &Accepted) -> Outcome<AcceptedText> {
    let asset = accepted.quote.body().asset.parse().map_err(Failure::fault)?;
    let owed = accepted.ours.owed.minor();
    Ok(AcceptedText {
        met: accepted.ours.met.clone(),
        owed: Money { amount: AmountText::new(owed).expect("no more than the price"), asset },
        disagrees: accepted.disagrees.clone(),
        waited_ms: accepted.waited_ms,
    })
}

/// Says to standard error which terms were met, and what is owed for that.
fn say_accepted(found: &Accepted) -> Outcome {
    let text = accepted(found)?;
    for (term, met) in found.quote.body().terms.in_words().zip(&text.met) {
        eprintln!("  {}: {term}", if *met { "met" } else { "not met" });
    }
    eprintln!("  owed {} of it; the answer took {} ms", text.owed.in_words(), text.waited_ms);
    if let Some(why) = &text.disagrees {
        eprintln!("  the seller comes to another result: {why}");
    }
    Ok(())
}

/// How a command ends where the money was not held or paid.
pub(crate) fn ended(payment: &PaymentOutcome) -> Outcome {
    match payment {
        PaymentOutcome::Refused(problem) => Err(refused(problem)),
        PaymentOutcome::Asked(asked) => {
            let why = format!("nothing was spent: the owner is asked ({}, {})", asked.ask, asked.id);
            Err(Failure::new(Exit::Asked, why))
        }
        PaymentOutcome::Unknown(hold, why) => {
            let why = format!("nobody can say yet whether {hold} was paid ({why}); repeat the command");
            Err(Failure::new(Exit::Unknown, why))
        }
        PaymentOutcome::Returned(hold) => {
            let why =
                format!("the seller did not deliver, and {hold} went back; repeat the command to buy anew");
            Err(Failure::new(Exit::Refused, why))
        }
        PaymentOutcome::NotNeeded | PaymentOutcome::Held(_) | PaymentOutcome::Paid(_) => Ok(()),
    }
}

/// What became of the money, in a word, and under which name.
pub(crate) fn outcome(payment: &PaymentOutcome) -> (&'static str, Option<String>) {
    match payment {
        PaymentOutcome::NotNeeded => ("free", None),
        PaymentOutcome::Refused(_) => ("refused", None),
        PaymentOutcome::Asked(_) => ("asked", None),
        PaymentOutcome::Held(hold) => ("held", Some(hold.to_string())),
        PaymentOutcome::Paid(hold) => ("paid", Some(hold.to_string())),
        PaymentOutcome::Returned(hold) => ("returned", Some(hold.to_string())),
        PaymentOutcome::Unknown(hold, _) => ("unknown", Some(hold.to_string())),
    }
}

/// How a command ends where nothing was bought, and nothing paid.
pub(crate) fn not_bought(why: NotBought) -> Failure {
    let exit = match &why {
        NotBought::Purchase(_) => Exit::Fault,
        NotBought::Request(_) => Exit::Usage,
        NotBought::Seller(_) => Exit::Unreachable,
        NotBought::Demand(_)
        | NotBought::Quote(_)
        | NotBought::TooDear { .. }
        | NotBought::PayeeUnknown(_) => Exit::Refused,
        NotBought::Server(_) => Exit::Unreachable,
    };
    match why {
        NotBought::Server(failure) => crate::client::failed(failure),
        NotBought::Purchase(_)
        | NotBought::Request(_)
        | NotBought::Seller(_)
        | NotBought::Demand(_)
        | NotBought::Quote(_)
        | NotBought::TooDear { .. }
        | NotBought::PayeeUnknown(_) => Failure::new(exit, format!("nothing was spent: {why}")),
    }
}
