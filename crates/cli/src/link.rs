//! `link`: asking for money by an address, and paying what one asks for.

use crate::accounts::wallet_of;
use crate::args::LinkCommand;
use crate::client::{connect, failed, in_session, refused};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::pay::mandate_of;
use crate::{money, runtime};
use jiff::{SignedDuration, Timestamp};
use sdk::{Answer, Client};
use serde::Serialize;
use wire::account::Payee;
use wire::link::{Link, LinkPayer, LinkTerms, NewLink, NewLinkPayment};
use wire::payment::{Share, Split};
use wire::{LinkId, PayeeId, PaymentId, RequestId, WalletId};

/// The newest links that `list` shows.
const SHOWN: usize = 100;

#[derive(Serialize)]
struct Opened<'a> {
    id: String,
    address: &'a str,
}

/// Runs a command about links.
pub(crate) fn run(output: &Output, command: &LinkCommand) -> Outcome {
    runtime::run(async {
        match command {
            LinkCommand::Create { caller, what, amount, most, split, uses, valid_for, tip } => {
                let client = connect(caller)?;
                let seller = seller(&client).await?;
                let asset = seller.asset;
                let span = SignedDuration::from_secs(i64::try_from(*valid_for).map_err(Failure::usage)?);
                let new = NewLink {
                    id: LinkId(client.fresh_id()),
                    payee: None,
                    split: shares(split, seller.id)?,
                    least: money::read(amount, asset)?,
                    most: most.as_deref().map(|most| money::read(most, asset)).transpose()?,
                    uses: *uses,
                    until: Timestamp::now().checked_add(span).map_err(Failure::usage)?.to_string(),
                    by: if *tip { LinkPayer::Owner } else { LinkPayer::Anyone },
                    what: what.clone(),
                };
                let done = client.open_link(&new).await.map_err(failed)?;
                let address = address(&caller.server, new.id);
                output.object(&Opened { id: done.id, address: &address });
                draw(output, &address);
                Ok(())
            }
            LinkCommand::List { caller } => {
                let client = in_session(caller)?;
                let page: wire::list::Page<Link> =
                    client.list("/v1/links", SHOWN, None).await.map_err(failed)?;
                for link in &page.data {
                    output.object(link);
                    let (paid, terms) = (link.paid.in_words(), &link.terms);
                    output.line(format!("{}  {}  {}", terms.id, terms.status, asked(terms)));
                    output.line(format!("  {}", terms.what.as_deref().unwrap_or_default()));
                    output.line(format!("  paid {} times, {paid} in all", link.used));
                }
                Ok(())
            }
            LinkCommand::Show { link, server } => {
                let link = read(link)?;
                let url = format!("{}/v1/links/{link}/terms", server.trim_end_matches('/'));
                let answer = reqwest::get(&url).await.map_err(|fault| unreachable(&fault))?;
                let is_known = answer.status().is_success();
                let body = answer.bytes().await.map_err(|fault| unreachable(&fault))?;
                if !is_known {
                    return Err(refused(&serde_json::from_slice(&body).map_err(Failure::fault)?));
                }
                let terms: LinkTerms = serde_json::from_slice(&body).map_err(Failure::fault)?;
                output.object(&terms);
                show(output, &terms);
                draw(output, &address(server, terms.id));
                Ok(())
            }
            LinkCommand::Close { caller, link } => {
                let client = connect(caller)?;
                let done = client.close_link(RequestId(client.fresh_id()), read(link)?).await;
                output.object(&done.map_err(failed)?);
                output.line("closed");
                Ok(())
            }
            LinkCommand::Pay { .. } => pay(output, command).await,
        }
    })
}

async fn pay(output: &Output, command: &LinkCommand) -> Outcome {
    let LinkCommand::Pay { caller, link, wallet, mandate, amount, message, approval, why, id } = command
    else {
        return Err(Failure::fault("not a payment"));
    };
    let client = connect(caller)?;
    let wallet: WalletId = wallet.parse().map_err(Failure::usage)?;
    let found = wallet_of(&client, wallet).await?;
    let asset = found.available.asset;
    let me = client.me().await.map_err(failed)?;
    let is_agent = me.id.is_some_and(|id| id.starts_with("agt_"));
    let id: Option<PaymentId> = id.as_deref().map(str::parse).transpose().map_err(Failure::usage)?;
    let new = NewLinkPayment {
        id: id.unwrap_or(PaymentId(client.fresh_id())),
        wallet,
        mandate: if is_agent { mandate_of(&client, mandate, wallet).await? } else { None },
        amount: amount.as_deref().map(|amount| money::read(amount, asset)).transpose()?,
        message: message.clone(),
        approval: approval.clone(),
        why: why.clone(),
    };
    match client.pay_link(read(link)?, &new).await.map_err(failed)? {
        Answer::Done(paid) => {
            output.object(&paid);
            output.line(format!("paid {}  {}", paid.amount.in_words(), paid.id));
            Ok(())
        }
        Answer::Asked(asked) => {
            let why = format!("nothing was spent: the owner is asked ({}, {})", asked.ask, asked.id);
            Err(Failure::new(Exit::Asked, why))
        }
    }
}

/// How what comes in is shared; alone where nothing is said.
fn shares(said: &[String], seller: PayeeId) -> Outcome<Option<Split>> {
    if said.is_empty() {
        return Ok(None);
    }
    let odd = |text: &str| Failure::usage(format!("`{text}` is no share, such as `pye_…=96`"));
    let share = |text: &String| {
        let (payee, weight) = text.trim().split_once('=').ok_or_else(|| odd(text))?;
        let weight: u32 = weight.parse().ok().filter(|weight| *weight != 0).ok_or_else(|| odd(text))?;
        Ok(Share { payee: payee.parse().map_err(|_| odd(text))?, weight })
    };
    let shares = said.iter().map(share).collect::<Outcome<Vec<Share>>>()?;
    if shares.first().is_none_or(|first| first.payee != seller) {
        return Err(Failure::usage(format!("the seller that asks comes first: `{seller}`")));
    }
    let whole = shares.iter().try_fold(0u32, |sum, share| sum.checked_add(share.weight));
    let whole = whole.ok_or_else(|| Failure::usage("the parts are too large"))?;
    Ok(Some(Split { whole, shares }))
}

/// The seller whose key the client has.
async fn seller(client: &Client) -> Outcome<Payee> {
    let me = client.me().await.map_err(failed)?;
    let id: Option<PayeeId> = me.id.and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| Failure::usage("the key is no seller's"))?;
    client.payee(id).await.map_err(failed)
}

/// A link by its name, or by the address that ends with it.
fn read(text: &str) -> Outcome<LinkId> {
    let name = text.trim_end_matches('/').rsplit('/').next().unwrap_or(text);
    name.parse().map_err(|_| Failure::usage(format!("`{text}` is no payment link")))
}

fn address(server: &str, link: LinkId) -> String {
    format!("{}/pay/{link}", server.trim_end_matches('/'))
}

fn asked(terms: &LinkTerms) -> String {
    let (least, most) = (terms.least.in_words(), terms.most.in_words());
    if least == most { least } else { format!("{least} to {most}") }
}

fn show(output: &Output, terms: &LinkTerms) {
    output.line(terms.what.as_deref().unwrap_or_default());
    output.line(format!("{}  {}  until {}", asked(terms), terms.status, terms.until));
    for payee in &terms.payees {
        output.line(format!("to {}  {}", payee.id, payee.name.as_deref().unwrap_or_default()));
    }
    match terms.by {
        LinkPayer::Anyone => {}
        LinkPayer::Owner => output.line("a person has to confirm each payment"),
    }
}

fn draw(output: &Output, address: &str) {
    if !output.is_for_programs()
        && let Some(code) = web::qr::terminal(address)
    {
        output.line(code.trim_end_matches('\n'));
        output.line(address);
    }
}

fn unreachable(fault: &reqwest::Error) -> Failure {
    Failure::new(Exit::Unreachable, fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_in_is_shared_with_the_seller_first() {
        let (one, other) = ("pye_01KAZ0A3C0ET1N8R7P6QGX5W9D", "pye_01KAZ0A3C0ET1N8R7P6QGX5W9E");
        let seller = one.parse().unwrap();
        let of = |said: &[String]| shares(said, seller).ok().flatten();
        let split = of(&[format!("{one}=96"), format!("{other}=4")]).unwrap();
        let weights: Vec<_> = split.shares.iter().map(|it| (it.payee.to_string(), it.weight)).collect();
        assert_eq!(split.whole, 100);
        assert_eq!(weights, [(one.to_owned(), 96), (other.to_owned(), 4)]);
        assert!(shares(&[], seller).unwrap().is_none());
        for odd in
            [format!("{other}=4"), one.to_owned(), format!("{one}=0"), format!("{one}=-1"), "M=1".to_owned()]
        {
            assert!(shares(&[odd], seller).is_err());
        }
        assert!(shares(&[format!("{one}={}", u32::MAX), format!("{other}=1")], seller).is_err());
    }

    #[test]
    fn a_link_is_its_name_or_its_address() {
        let name = "lnk_01KAZ0A3C0ET1N8R7P6QGX5W9D";
        for text in [name.to_owned(), format!("https://pay.example/pay/{name}"), format!("/pay/{name}/")] {
            assert_eq!(read(&text).unwrap().to_string(), name, "{text}");
        }
        assert!(read("https://pay.example/pay/").is_err());
        assert!(read("pay_01KAZ0A3C0ET1N8R7P6QGX5W9D").is_err());
    }
}
