//! `seller`: a first price list for a service, what it would have earned, and what it did.

mod account;
mod agent;
mod invoice;
mod openapi;
mod shop;
mod statement;
pub(crate) mod tools;
mod visits;

use crate::args::{SellerCommand, SellerInit, SellerKey, SellerPlan};
use crate::client::{credentials, draw_key, failed};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use book::Id;
use gateway::Config;
use gateway::plan::Plan;
use openapi::{Kind, Suggestion};
use protocols::a402::AmountText;
use protocols::a402::wallet::AssetText;
use sdk::Client;
use serde::Serialize;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader, Write as _};
use std::path::Path;
use wire::{KeyId, PayeeId};

/// Runs a command of a seller.
pub(crate) fn run(output: &Output, command: &SellerCommand) -> Outcome {
    match command {
        SellerCommand::Key(args) => key(output, args),
        SellerCommand::Init(args) => init(output, args),
        SellerCommand::Plan(args) => plan(output, args),
        SellerCommand::Statement(args) => statement::statement(output, args),
        SellerCommand::Reconcile(args) => statement::reconcile(output, args),
        SellerCommand::Invoice(command) => invoice::run(output, command),
        SellerCommand::A2a(args) => agent::run(output, args),
        SellerCommand::Mcp(args) => tools::run(output, args),
        SellerCommand::Shop(command) => shop::run(output, command),
        SellerCommand::Payout(command) => crate::payout::seller(output, command),
    }
}

/// Draws a key that nobody knows yet: the seller's page makes it one of the seller's.
fn key(output: &Output, args: &SellerKey) -> Outcome {
    let now = sdk::Clock::system().now();
    let id = KeyId(u128::from_be_bytes(Id::new(now, rand::random()).0));
    let drawn = draw_key(id, &args.save)?;
    let line = format!("{} ed25519 {}", drawn.id, drawn.public_key);
    output.line(&line);
    output
        .line(format!("the key is in `{}`; paste the line above on the seller's page", args.save.display()));
    output.object(&Drawn { key: drawn.id.to_string(), line: &line });
    Ok(())
}

/// Who sells, as the price list has it.
struct Who {
    payee: String,
    asset: AssetText,
    live: bool,
}

#[derive(Serialize)]
struct Drawn<'a> {
    key: String,
    line: &'a str,
}

#[derive(Serialize)]
struct Suggested<'a> {
    method: &'a str,
    path: &'a str,
    suggestion: &'static str,
    amount: Option<String>,
    left_out: Option<&'a str>,
}

fn init(output: &Output, args: &SellerInit) -> Outcome {
    let suggestions = openapi::read(&args.openapi)?;
    let directory = args.out.parent().unwrap_or(Path::new(""));
    let who = who(args, &directory.join(&args.key))?;
    let read = amount(args.read.as_deref(), &who.asset, 1)?;
    let write = amount(args.write.as_deref(), &who.asset, 10)?;
    let text = price_list(args, &who, &suggestions, (&read, &write));
    // What we suggest is what we would start.
    Config::parse(&text, directory).map_err(|fault| {
        Failure::usage(format!("nothing was written: the price list would not start: {fault}"))
    })?;
    let mut options = File::options();
    options.write(true);
    let options = if args.overwrite { options.create(true).truncate(true) } else { options.create_new(true) };
    let named = |fault: std::io::Error| {
        let hint = if fault.kind() == std::io::ErrorKind::AlreadyExists {
            " (`--overwrite` writes over it)"
        } else {
            ""
        };
        Failure::usage(format!("price list `{}`: {fault}{hint}", args.out.display()))
    };
    let mut file = options.open(&args.out).map_err(named)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(named)?;
    output.line(format!("found {} operations", suggestions.len()));
    for suggestion in &suggestions {
        let amount = match suggestion.kind {
            Kind::Read => Some(format!("{read} {}", who.asset.code())),
            Kind::Write => Some(format!("{write} {}", who.asset.code())),
            Kind::Health => None,
        };
        let said = match (&suggestion.left_out, &amount) {
            (Some(why), _) => format!("left out: {why}"),
            (None, Some(amount)) => amount.clone(),
            (None, None) => "free".to_owned(),
        };
        output.line(format!("  {:<7} {:<40} {said}", suggestion.method, suggestion.path));
        output.object(&Suggested {
            method: &suggestion.method,
            path: &suggestion.path,
            suggestion: suggestion.kind.as_str(),
            amount: amount.filter(|_| suggestion.left_out.is_none()),
            left_out: suggestion.left_out.as_deref(),
        });
    }
    output.line(format!(
        "look them over, then start with `tollbridge gateway --config {}`",
        args.out.display()
    ));
    Ok(())
}

/// Who sells: as the command line says, or as the payment service does, of the key.
fn who(args: &SellerInit, key: &Path) -> Outcome<Who> {
    let asset = |text: &str| AssetText::parse(text).map_err(Failure::usage);
    if let (Some(payee), Some(text)) = (&args.payee, &args.asset) {
        let payee: PayeeId =
            payee.parse().map_err(|fault| Failure::usage(format!("payee `{payee}`: {fault}")))?;
        return Ok(Who { payee: payee.to_string(), asset: asset(text)?, live: args.live });
    }
    let client = Client::new(&args.server, credentials(key)?).map_err(Failure::usage)?;
    runtime::run(async {
        let me = client.me().await.map_err(failed)?;
        let payee: Option<PayeeId> = me.id.as_deref().and_then(|id| id.parse().ok());
        let payee = payee.ok_or_else(|| {
            Failure::usage(format!("the key in `{}` is no seller's, but an {}'s", key.display(), me.kind))
        })?;
        let account = client.payee(payee).await.map_err(failed)?;
        Ok(Who { payee: payee.to_string(), asset: asset(&account.asset.to_string())?, live: me.livemode })
    })
}

/// A price: as it was given, or so many hundredths; never less than the smallest unit.
fn amount(given: Option<&str>, asset: &AssetText, hundredths: u128) -> Outcome<AmountText> {
    let scale = asset.scale();
    if let Some(text) = given {
        let amount = AmountText::parse(text).map_err(Failure::usage)?;
        let minor = amount.minor(scale).filter(|minor| *minor != 0);
        let minor =
            minor.ok_or_else(|| Failure::usage(format!("`{text}` is no price in `{}`", asset.as_str())))?;
        return AmountText::of_minor(minor, scale).map_err(Failure::usage);
    }
    let minor = (hundredths * 10_u128.pow(scale.into()) / 100).max(hundredths);
    AmountText::of_minor(minor, scale).map_err(Failure::usage)
}

fn price_list(
    args: &SellerInit,
    who: &Who,
    suggestions: &[Suggestion],
    (read, write): (&AmountText, &AmountText),
) -> String {
    let quoted = |text: &str| serde_json::Value::from(text).to_string();
    let mut text = format!(
        "# What {} sells. The rule behind these suggestions:\n{}\n\
         # What is not listed is refused. See docs/selling.md for prices by units, free calls and coupons.\n\
         default = \"refuse\"\n\n[seller]\nserver = {}\npayee = {}\nkey_file = {}\nnetwork = {}\n\
         public_url = {}\nasset = {}\ndata = \"gateway\"\n\n[upstream]\nurl = {}\n",
        args.upstream,
        openapi::RULE,
        quoted(&args.server),
        quoted(&who.payee),
        quoted(&args.key.display().to_string()),
        quoted(if who.live { "toll:main" } else { "toll:test" }),
        quoted(&args.public_url),
        quoted(who.asset.as_str()),
        quoted(&args.upstream),
    );
    for suggestion in suggestions {
        let Suggestion { method, path, kind, summary, content_types, left_out } = suggestion;
        if let Some(why) = left_out {
            let _written = write!(text, "\n# Left out: {method} {} ({why})\n", path.escape_debug());
            continue;
        }
        let amount = match kind {
            Kind::Read => read,
            Kind::Write => write,
            Kind::Health => {
                let _written =
                    write!(text, "\n[[free]]\nmethod = {}\npath = {}\n", quoted(method), quoted(path));
                continue;
            }
        };
        let amount = format!("{amount} {}", who.asset.code());
        let _written = write!(
            text,
            "\n[[price]]\nmethod = {}\npath = {}\namount = {}\n",
            quoted(method),
            quoted(path),
            quoted(&amount)
        );
        if !summary.is_empty() {
            let _written = writeln!(text, "description = {}", quoted(summary));
        }
        if !content_types.is_empty() {
            let kinds: Vec<String> = content_types.iter().map(|kind| quoted(kind)).collect();
            let _written = writeln!(text, "content_types = [{}]", kinds.join(", "));
        }
    }
    text
}

#[derive(Serialize)]
struct RouteEarned<'a> {
    route: &'a str,
    price: &'a str,
    calls: u64,
    free: u64,
    failed: u64,
    least: wire::Money,
    most: wire::Money,
}

#[derive(Serialize)]
struct AllEarned {
    least: wire::Money,
    most: wire::Money,
    lines: u64,
    unreadable: u64,
    given: u64,
    not_sold: u64,
}

fn plan(output: &Output, args: &SellerPlan) -> Outcome {
    let config = Config::read(&args.config).map_err(Failure::usage)?;
    let named = |fault: std::io::Error| Failure::usage(format!("log `{}`: {fault}", args.log.display()));
    let mut plan = Plan::new(&config);
    let (mut lines, mut unreadable) = (0_u64, 0_u64);
    for line in BufReader::new(File::open(&args.log).map_err(named)?).split(b'\n') {
        let line = line.map_err(named)?;
        let line = String::from_utf8_lossy(&line);
        if line.trim().is_empty() {
            continue;
        }
        lines += 1;
        match visits::read(&line) {
            Some(visit) => plan.add(&visit),
            None => unreadable += 1,
        }
    }
    let asset: wire::AssetText = config.seller.asset.as_str().parse().expect("checked when it was read");
    let money = |minor: u128| wire::Money { amount: wire::AmountText::new(minor).unwrap_or_default(), asset };
    let range = |least: u128, most: u128| {
        if least == most {
            return money(least).in_words();
        }
        format!("{} to {}", money(least).in_words(), money(most).in_words())
    };
    let routes = plan.routes();
    let (mut least, mut most) = (0_u128, 0_u128);
    for route in &routes {
        least = least.saturating_add(route.least_minor);
        most = most.saturating_add(route.most_minor);
        output.line(format!(
            "{:<40} {:>8} calls, {} free, {} not delivered: {}",
            route.route,
            route.calls,
            route.free,
            route.failed,
            range(route.least_minor, route.most_minor)
        ));
        output.object(&RouteEarned {
            route: &route.route,
            price: &route.price,
            calls: route.calls,
            free: route.free,
            failed: route.failed,
            least: money(route.least_minor),
            most: money(route.most_minor),
        });
    }
    let (given, not_sold) = (plan.given, plan.not_sold);
    output.line(format!(
        "in all {}, of {lines} lines; {given} calls are free, {not_sold} are not sold, {unreadable} lines cannot be read",
        range(least, most)
    ));
    output.object(&AllEarned { least: money(least), most: money(most), lines, unreadable, given, not_sold });
    Ok(())
}
