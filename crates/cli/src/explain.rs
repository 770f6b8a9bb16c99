//! `explain`: what a 402, a payment, a mandate, a card or a record is, what is wrong with it, and what it would cost.
//!
//! It only asks and reads. What things mean is `protocols::explain`; this fetches them and prints what that says.

use crate::args::Explain;
use crate::endpoint::is_address;
use crate::endpoint::probe::{Probe, Seen, Target};
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use protocols::explain::{self, Answer, Cost, Explained, Payer};
use protocols::limits::EXPLAINED_BYTES_MAX;
use serde::Serialize;
use std::io::Read;
use url::Url;

/// One thing, as programs are told of it.
#[derive(Serialize)]
struct Told<'a> {
    what: &'a str,
    says: Vec<Says<'a>>,
    costs: Vec<Costs<'a>>,
    wrong: &'a [String],
    #[serde(skip_serializing_if = "str::is_empty")]
    next: &'a str,
}

#[derive(Serialize)]
struct Says<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Costs<'a> {
    bound: &'a str,
    amount: &'a str,
    way: &'a str,
    /// Whether a wallet of a Tollbridge server can pay it.
    payable: bool,
}

/// Explains an address or a file.
pub(crate) fn run(output: &Output, args: &Explain) -> Outcome {
    let now = sdk::Clock::system().now();
    let found = if is_address(&args.subject) {
        let seen = runtime::run(async { fetch(args).await })?;
        let answer = Answer {
            status: seen.status,
            headers: seen.headers().collect(),
            body: seen.body.as_bytes(),
            asked: Some(&args.subject),
        };
        explain::answer(&answer, now)
    } else {
        explain::text(&read(&args.subject)?, now)
    };
    if found.is_empty() {
        let why = "no bill, payment, mandate, card or record of any dialect that is known here";
        return Err(Failure::new(Exit::False, format!("`{}` is {why}", args.subject)));
    }
    for each in &found {
        show(output, each);
    }
    let wrong: usize = found.iter().map(|each| each.wrong.len()).sum();
    if 0 < wrong {
        return Err(Failure::said(Exit::False));
    }
    Ok(())
}

fn show(output: &Output, each: &Explained) {
    output.line(&each.what);
    for (name, value) in &each.facts {
        output.line(format!("     {}", output.faint(&format!("{name}: {value}"))));
    }
    for Cost { amount, bound, way, payer } in &each.costs {
        let hint = match payer {
            Payer::Tollbridge => "",
            Payer::Others => "; not from a wallet of Tollbridge",
        };
        output.line(format!("  {}  costs {} {amount} ({way}{hint})", output.good("¤"), bound.in_words()));
    }
    for wrong in &each.wrong {
        output.line(format!("  {}  {wrong}", output.bad("✗")));
    }
    if !each.next.is_empty() {
        output.line(format!("     {}", each.next));
    }
    let says = each.facts.iter().map(|(name, value)| Says { name, value });
    let costs = each.costs.iter().map(|cost| Costs {
        bound: cost.bound.in_words(),
        amount: &cost.amount,
        way: &cost.way,
        payable: cost.payer == Payer::Tollbridge,
    });
    output.object(&Told {
        what: &each.what,
        says: says.collect(),
        costs: costs.collect(),
        wrong: &each.wrong,
        next: each.next,
    });
}

/// Asks once, shows no proof, and follows nobody elsewhere.
async fn fetch(args: &Explain) -> Outcome<Seen> {
    let url =
        Url::parse(&args.subject).map_err(|fault| Failure::usage(format!("`{}`: {fault}", args.subject)))?;
    reqwest::Method::from_bytes(args.method.as_bytes())
        .map_err(|_| Failure::usage(format!("`{}` is no method", args.method)))?;
    let body = args.body.clone().unwrap_or_default();
    let probe = Probe::new(Target { url, method: args.method.clone(), body })?;
    probe.bare().await.map_err(|why| {
        let why = format!("nothing was spent: `{}` was not reached ({why})", args.subject);
        Failure::new(Exit::Unreachable, why)
    })
}

/// Reads a file, or what stands before the program where the subject is `-`.
fn read(subject: &str) -> Outcome<Vec<u8>> {
    let reader: Box<dyn Read> = match subject {
        "-" => Box::new(std::io::stdin()),
        path => Box::new(std::fs::File::open(path).map_err(|fault| Failure::from(fault).during(path))?),
    };
    let longest = u64::try_from(EXPLAINED_BYTES_MAX).expect("256 KiB fit") + 1;
    let mut bytes = Vec::new();
    reader.take(longest).read_to_end(&mut bytes).map_err(|fault| Failure::from(fault).during(subject))?;
    Ok(bytes)
}
