//! `payout` and `seller payout`: what sellers collected, on its way to their banks.

use crate::args::{BankAccountArgs, PayoutCommand, SellerPayout};
use crate::client::{connect, failed};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::{money, runtime};
use sdk::Client;
use std::fs::File;
use std::io::Write;
use wire::account::Payee;
use wire::payout::{
    BankAccount, Destination, FailPayout, NewPayout, NewPayoutBatch, Payout, PayoutBatch, PayoutStanding,
    PayoutStatus, SettlePayout,
};
use wire::{PayeeId, PayoutBatchId, PayoutId, RequestId};

/// The newest payouts that `list` shows.
const SHOWN: usize = 100;

/// Runs a command of a seller about its payouts.
pub(crate) fn seller(output: &Output, command: &SellerPayout) -> Outcome {
    runtime::run(async {
        match command {
            SellerPayout::Show { caller } => {
                let client = connect(caller)?;
                let id = own(&client).await?.id;
                let standing = client.payout_standing(id).await.map_err(failed)?;
                output.object(&standing);
                show(output, &standing);
                Ok(())
            }
            SellerPayout::Account { caller, account } => {
                let client = connect(caller)?;
                let id = own(&client).await?.id;
                name_account(output, &client, id, account).await?;
                output.line("named; it counts in 24 hours, and until then the one before does");
                Ok(())
            }
            SellerPayout::Request { caller, amount, id } => {
                let client = connect(caller)?;
                let asset = own(&client).await?.asset;
                let id: Option<PayoutId> =
                    id.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
                let new = NewPayout {
                    id: id.unwrap_or(PayoutId(client.fresh_id())),
                    payee: None,
                    amount: money::read(amount, asset)?,
                    destination: None,
                };
                let done = client.request_payout(&new).await.map_err(failed)?;
                output.object(&done);
                output.line(format!("{} is on its way: {}", new.amount.in_words(), done.id));
                Ok(())
            }
            SellerPayout::List { caller } => list(output, &connect(caller)?).await,
        }
    })
}

/// Runs a command of an operator about payouts.
pub(crate) fn run(output: &Output, command: &PayoutCommand) -> Outcome {
    runtime::run(async {
        match command {
            PayoutCommand::List { caller } => list(output, &connect(caller)?).await,
            PayoutCommand::Account { caller, payee, account } => {
                let payee: PayeeId = payee.parse().map_err(Failure::usage)?;
                name_account(output, &connect(caller)?, payee, account).await?;
                output.line("named; it counts now");
                Ok(())
            }
            PayoutCommand::Export { caller, asset, account, on, out, id } => {
                let client = connect(caller)?;
                let id: Option<PayoutBatchId> =
                    id.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
                let new = NewPayoutBatch {
                    id: id.unwrap_or(PayoutBatchId(client.fresh_id())),
                    asset: asset.parse().map_err(Failure::usage)?,
                    from: bank_account(account),
                    on: on.clone(),
                };
                export(output, &client, &new, out).await
            }
            PayoutCommand::Settle { caller, payout, reference } => {
                let client = connect(caller)?;
                let payout: PayoutId = payout.parse().map_err(Failure::usage)?;
                let said = SettlePayout { reference: reference.clone() };
                let done = client.settle_payout(RequestId(client.fresh_id()), payout, &said).await;
                output.object(&done.map_err(failed)?);
                output.line("paid");
                Ok(())
            }
            PayoutCommand::Fail { caller, payout, why } => {
                let client = connect(caller)?;
                let payout: PayoutId = payout.parse().map_err(Failure::usage)?;
                let said = FailPayout { why: why.clone() };
                let done = client.fail_payout(RequestId(client.fresh_id()), payout, &said).await;
                output.object(&done.map_err(failed)?);
                output.line("failed; the money is the seller's again");
                Ok(())
            }
        }
    })
}

/// Takes what waits, and writes it where nothing is yet: what was taken is asked for again under the batch's name.
async fn export(output: &Output, client: &Client, new: &NewPayoutBatch, out: &std::path::Path) -> Outcome {
    let named = |fault: std::io::Error| Failure::usage(format!("`{}`: {fault}", out.display()));
    // Before anything is taken.
    let mut file = File::create_new(out).map_err(named)?;
    let batch = take(client, new).await.inspect_err(|_| drop(std::fs::remove_file(out)))?;
    output.object(&batch);
    let Some(total) = batch.total else {
        std::fs::remove_file(out).map_err(named)?;
        output.line("nothing waits, and nothing was written");
        return Ok(());
    };
    let bytes = client.read(&batch.file).await.map_err(failed)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(named)?;
    output.line(format!(
        "{} payouts, {} in all, in `{}`: {}",
        batch.count,
        total.in_words(),
        out.display(),
        batch.id
    ));
    Ok(())
}

async fn take(client: &Client, new: &NewPayoutBatch) -> Outcome<PayoutBatch> {
    client.send_payouts(new).await.map_err(failed)
}

async fn list(output: &Output, client: &Client) -> Outcome {
    let page: wire::list::Page<Payout> = client.list("/v1/payouts", SHOWN, None).await.map_err(failed)?;
    for payout in &page.data {
        output.object(payout);
        let account = payout.destination.account.as_deref().unwrap_or("an account that was erased");
        let state = match payout.status {
            PayoutStatus::Requested => "requested",
            PayoutStatus::Sent => "sent to the bank",
            PayoutStatus::Paid => "paid",
            PayoutStatus::Failed => "failed",
        };
        output.line(format!("{}  {}  {state}  to {account}", payout.id, payout.amount.in_words()));
        if let Some(said) = &payout.said {
            output.line(format!("  {said}"));
        }
    }
    Ok(())
}

async fn name_account(
    output: &Output,
    client: &Client,
    payee: PayeeId,
    account: &BankAccountArgs,
) -> Outcome {
    let account = bank_account(account);
    let done = client.name_account(RequestId(client.fresh_id()), payee, &account).await.map_err(failed)?;
    output.object(&done);
    Ok(())
}

fn bank_account(args: &BankAccountArgs) -> BankAccount {
    BankAccount {
        holder: args.holder.clone(),
        iban: args.iban.clone(),
        number: args.number.clone(),
        bic: args.bic.clone(),
    }
}

/// The seller whose key the client has.
async fn own(client: &Client) -> Outcome<Payee> {
    let me = client.me().await.map_err(failed)?;
    let id: Option<PayeeId> = me.id.and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Failure::usage("the key is no seller's"))?;
    client.payee(id).await.map_err(failed)
}

fn show(output: &Output, standing: &PayoutStanding) {
    output.line(format!("can be paid out  {}", standing.available.in_words()));
    output.line(format!("on its way       {}", standing.in_transit.in_words()));
    output.line(format!("paid out         {}", standing.paid.in_words()));
    let account = |it: &Destination| {
        let text = it.account.as_deref().unwrap_or("an account that was erased");
        format!("{text}  {}", it.holder.as_deref().unwrap_or_default())
    };
    match &standing.destination {
        Some(it) => output.line(format!("goes to          {}", account(it))),
        None => output.line("no bank account counts yet"),
    }
    if let Some(it) = &standing.next {
        let from = it.counts_from.as_deref().unwrap_or_default();
        output.line(format!("from {from} on to {}", account(it)));
    }
}
