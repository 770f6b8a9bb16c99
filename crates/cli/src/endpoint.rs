//! `doctor URL`: grades an address that answers 402, from outside and without spending anything.
//!
//! It only asks, and shows proofs that cannot count. Whatever it is served for those is a finding.

pub(crate) mod probe;

use crate::args::Doctor;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use evidence::SigningKey;
use probe::{Probe, Seen, Target, is_served};
use protocols::Time;
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::a402::wallet::{WalletTerms, network_layer};
use protocols::a402::{Credential, Identifier, Keyring, Needed, Payment, Proof, RequestFacts};
use serde::Serialize;
use std::path::Path;
use url::Url;
use wire::a402::A402SellerKeys;

/// How long a bill should be payable at most, in seconds: a price is not for ever.
const PAY_WINDOW_SECONDS_LONG: u64 = 86_400;

/// How well one thing is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mark {
    /// As it should be.
    Good,
    /// Not looked at, for want of something that only the seller has.
    Skipped,
    /// It works, and could hurt somebody.
    Warning,
    /// Buyers or the seller lose by it.
    Bad,
    /// It gives away what is sold.
    Open,
}

#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    mark: Mark,
    detail: String,
    /// What to do about it; empty where there is nothing to do.
    advice: &'static str,
}

#[derive(Serialize)]
struct Report<'a> {
    address: &'a str,
    grade: char,
    findings: usize,
    spent: &'static str,
}

fn found(check: &'static str, mark: Mark, detail: impl Into<String>, advice: &'static str) -> Finding {
    let advice = if mark == Mark::Good { "" } else { advice };
    Finding { check, mark, detail: detail.into(), advice }
}

/// Whether a subject of `doctor` is an address.
pub(crate) fn is_address(subject: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| subject.starts_with(scheme))
}

/// Grades an address.
pub(crate) fn run(output: &Output, args: &Doctor) -> Outcome {
    let url =
        Url::parse(&args.subject).map_err(|fault| Failure::usage(format!("`{}`: {fault}", args.subject)))?;
    let keys = args.seller_keys.as_deref().map(seller_keys).transpose()?;
    let used_proof = args.used_proof.as_deref().map(|text| match std::fs::read_to_string(text) {
        Ok(proof) => proof.trim().to_owned(),
        Err(_) => text.to_owned(),
    });
    let target = Target { url, method: args.method.clone(), body: args.body.clone().unwrap_or_default() };
    let told = Told { keys, used_proof, free: args.free.clone(), bad_input: args.bad_input.clone() };
    let findings = runtime::run(async { examine(&target, &told).await })?;
    for finding in &findings {
        let mark = match finding.mark {
            Mark::Good => output.good("good   "),
            Mark::Skipped => output.faint("skipped"),
            Mark::Warning => output.bad("warning"),
            Mark::Bad => output.bad("bad    "),
            Mark::Open => output.bad("open   "),
        };
        output.line(format!("{mark}  {:<12}  {}", finding.check, finding.detail));
        if !finding.advice.is_empty() {
            output.line(format!("                       {}", finding.advice));
        }
        output.object(finding);
    }
    let grade = grade(&findings);
    output.line(format!("grade {grade}; nothing was spent"));
    output.object(&Report { address: &args.subject, grade, findings: findings.len(), spent: "0" });
    if matches!(grade, 'D' | 'F') {
        return Err(Failure::said(Exit::False));
    }
    Ok(())
}

/// What only the seller can tell.
#[derive(Default)]
struct Told {
    keys: Option<Keyring>,
    used_proof: Option<String>,
    free: Option<String>,
    bad_input: Option<String>,
}

fn seller_keys(path: &Path) -> Outcome<Keyring> {
    let text = std::fs::read_to_string(path)?;
    let keys: A402SellerKeys = serde_json::from_str(&text)
        .map_err(|fault| Failure::usage(format!("seller's keys `{}`: {fault}", path.display())))?;
    sdk::seller_ring(&keys).map_err(Failure::usage)
}

/// A for no finding, B and C for warnings, D for something bad, F for something given away.
fn grade(findings: &[Finding]) -> char {
    let count = |mark| findings.iter().filter(|finding| finding.mark == mark).count();
    match (count(Mark::Open), count(Mark::Bad), count(Mark::Warning)) {
        (1.., _, _) => 'F',
        (0, 1.., _) => 'D',
        (0, 0, 3..) => 'C',
        (0, 0, 1..) => 'B',
        (0, 0, 0) => 'A',
    }
}

async fn examine(target: &Target, told: &Told) -> Outcome<Vec<Finding>> {
    let probe = Probe::new(target.clone())?;
    let bare = probe.bare().await.map_err(|why| {
        Failure::new(
            Exit::Unreachable,
            format!("nothing was spent: `{}` was not reached ({why})", target.url),
        )
    })?;
    let mut findings = vec![tls(target)];
    let (price, needed) = bill(&bare);
    findings.push(price);
    let Some(needed) = needed else { return Ok(findings) };
    findings.push(terms(target, &needed));
    findings.push(signature(&needed, told.keys.as_ref()));
    findings.push(numbers(&probe, &needed).await);
    findings.push(headers(&bare));
    findings.push(false_proofs(&probe, &needed).await);
    findings.push(used_proof(&probe, told.used_proof.as_deref()).await);
    findings.push(mixed_proofs(&probe).await);
    findings.push(bad_input(&probe, told.bad_input.as_deref()).await);
    findings.push(head(&probe).await);
    findings.push(options(&probe).await);
    findings.push(overrides(&probe).await);
    findings.push(spellings(&probe).await);
    findings.push(unknown_path(&probe).await);
    findings.push(free_path(&probe, told.free.as_deref()).await);
    Ok(findings)
}

fn tls(target: &Target) -> Finding {
    let host = target.url.host_str().unwrap_or_default();
    let is_here = matches!(host, "localhost" | "127.0.0.1" | "[::1]");
    match target.url.scheme() {
        "https" => found("tls", Mark::Good, "the way to it is encrypted", ""),
        _ if is_here => found("tls", Mark::Good, "not encrypted, and on this machine only", ""),
        _ => found(
            "tls",
            Mark::Bad,
            "not encrypted: whoever is on the way can use the proofs",
            "Serve it over https; a proof is worth money until it is used.",
        ),
    }
}

fn bill(bare: &Seen) -> (Finding, Option<Needed>) {
    let advice = "Answer 402 with `Payment-Needed` to a request without a proof.";
    let header = bare.header("payment-needed").or_else(|| bare.header("payment-required"));
    if bare.is_served() {
        return (found("bill", Mark::Open, "served without a proof: it costs nothing", advice), None);
    }
    if bare.status != 402 {
        let detail = format!("answered {} where a price was expected", bare.status);
        return (found("bill", Mark::Bad, detail, advice), None);
    }
    let Some(header) = header else {
        let is_x402 = bare.body.contains("x402Version") || bare.body.contains("\"accepts\"");
        let detail = if is_x402 {
            "402 of another dialect (x402), without `Payment-Needed`"
        } else {
            "402 without `Payment-Needed`"
        };
        return (found("bill", Mark::Bad, detail, advice), None);
    };
    match Needed::decode(header) {
        Ok(needed) => {
            let demand = &needed.demand;
            let detail = format!("402: {} {} for `{}`", demand.amount, demand.currency, demand.resource_id);
            (found("bill", Mark::Good, detail, ""), Some(needed))
        }
        Err(fault) => {
            let detail = format!("402 with a bill that cannot be read: {fault}");
            (found("bill", Mark::Bad, detail, "See docs/method-toll-wallet.md for what a bill has."), None)
        }
    }
}

fn terms(target: &Target, needed: &Needed) -> Finding {
    let bad = |detail: String| {
        found("terms", Mark::Bad, detail, "Make the bill of the request that came, and of nothing else.")
    };
    let demand = &needed.demand;
    let terms = match WalletTerms::read(demand, &needed.method) {
        Ok(terms) => terms,
        Err(fault) => return bad(format!("the bill's terms are none of ours: {fault}")),
    };
    match terms.amount_minor(demand) {
        Ok(0) => return bad("the bill is for nothing".to_owned()),
        Ok(_) => {}
        Err(fault) => return bad(fault.to_string()),
    }
    let kind = if target.body.is_empty() { "" } else { probe::BODY_KIND };
    let facts = RequestFacts::of(&target.method, target.url.as_str(), kind, target.body.as_bytes());
    match facts {
        Ok(facts) if facts.fingerprint != demand.request_fingerprint => {
            return bad(
                "the bill is for another request: its fingerprint differs, perhaps by scheme or host"
                    .to_owned(),
            );
        }
        Ok(facts) if facts.method != demand.request_method => {
            return bad(format!("the bill is for {}", demand.request_method));
        }
        Ok(_) => {}
        Err(fault) => return bad(format!("the request has no fingerprint: {fault}")),
    }
    let now = sdk::Clock::system().now();
    if demand.pay_before.time() <= now {
        return bad("the bill was payable in the past only".to_owned());
    }
    if now.after(Time::from_seconds(PAY_WINDOW_SECONDS_LONG + 60).0) < demand.pay_before.time() {
        let detail = format!("the bill can be paid until {}", demand.pay_before.as_str());
        return found("terms", Mark::Warning, detail, "Let a bill be payable for minutes; prices change.");
    }
    let detail = format!("for this request, to be paid before {}", demand.pay_before.as_str());
    found("terms", Mark::Good, detail, "")
}

fn signature(needed: &Needed, keys: Option<&Keyring>) -> Finding {
    let Some(keys) = keys else {
        let detail = format!("signed by `{}`; not checked", needed.signer_id);
        let advice = "Give the seller's keys with `--seller-keys` to have the signature checked.";
        return found("signature", Mark::Skipped, detail, advice);
    };
    match needed.verify(keys) {
        Ok(()) => found("signature", Mark::Good, format!("signed by `{}`", needed.signer_id), ""),
        Err(fault) => {
            let advice = "Sign bills with a key that the payment service knows as the seller's.";
            found("signature", Mark::Bad, fault.to_string(), advice)
        }
    }
}

async fn numbers(probe: &Probe, first: &Needed) -> Finding {
    let advice = "Give every bill a number of its own (A402-01).";
    let second = probe.bare().await.ok().and_then(|seen| Needed::decode(seen.header("payment-needed")?).ok());
    match second {
        Some(second) if second.demand.out_trade_no == first.demand.out_trade_no => found(
            "numbers",
            Mark::Bad,
            "two bills have one number: the second buyer pays for the first",
            advice,
        ),
        Some(second) if second.demand.amount != first.demand.amount => {
            let advice = "Say so in the terms if prices move; agents stop at what they did not expect.";
            found("numbers", Mark::Warning, "two bills within a moment ask different prices", advice)
        }
        Some(_) => found("numbers", Mark::Good, "every bill has its own", ""),
        None => found("numbers", Mark::Warning, "the second request got no bill", advice),
    }
}

fn headers(bare: &Seen) -> Finding {
    let mut wrong = Vec::new();
    let control = bare.header("cache-control").unwrap_or_default().to_ascii_lowercase();
    if !control.contains("no-store") {
        wrong.push("a bill may be cached (no `Cache-Control: no-store`)");
    }
    if !bare.header("content-type").unwrap_or_default().contains("json") {
        wrong.push("the body is nothing that a program reads (`application/problem+json`)");
    }
    if bare.header("set-cookie").is_some() {
        wrong.push("it sets a cookie");
    }
    if wrong.is_empty() {
        return found("headers", Mark::Good, "not to be cached, and read by programs", "");
    }
    found(
        "headers",
        Mark::Warning,
        wrong.join("; "),
        "Send `Cache-Control: no-store` and a problem (RFC 9457).",
    )
}

/// What a proof that cannot count is answered: nothing of what is sold, and no accident.
fn judge_refusals(check: &'static str, seen: &[(String, Option<u16>)], advice: &'static str) -> Finding {
    let served: Vec<&str> = seen
        .iter()
        .filter(|(_, status)| status.is_some_and(is_served))
        .map(|(what, _)| what.as_str())
        .collect();
    if !served.is_empty() {
        return found(check, Mark::Open, format!("served for {}", served.join(", ")), advice);
    }
    let broke: Vec<&str> = seen
        .iter()
        .filter(|(_, status)| status.is_none_or(|status| 500 <= status))
        .map(|(what, _)| what.as_str())
        .collect();
    if !broke.is_empty() {
        return found(check, Mark::Warning, format!("broke at {}", broke.join(", ")), advice);
    }
    found(check, Mark::Good, format!("{} refused", seen.len()), "")
}

async fn false_proofs(probe: &Probe, needed: &Needed) -> Finding {
    let mut proofs: Vec<(&str, String)> = vec![
        ("a word", "paid".to_owned()),
        ("an empty object", "e30".to_owned()),
        ("another payload", "eyJtZXRob2QiOnt9LCJwcm90b2NvbCI6e319".to_owned()),
        ("no Base64URL", "%%%".to_owned()),
        ("a long one", "A".repeat(12 * 1_024)),
    ];
    proofs.extend(forged(needed).map(|proof| ("a forged credential", proof)));
    let mut seen = Vec::new();
    for (what, proof) in proofs {
        seen.push((what.to_owned(), probe.with(&[(PAYMENT_PROOF, &proof)]).await));
    }
    let advice = "Check the signature, and everything it says, before anything is delivered.";
    judge_refusals("false proofs", &seen, advice)
}

/// A proof that says what the bill does, by a key that nobody trusts.
fn forged(needed: &Needed) -> Option<String> {
    let key = SigningKey::ed25519(&rand::random());
    let payment = Payment {
        trade_no: Identifier::parse(wire::HoldId(rand::random()).to_string()).ok()?,
        buyer_unique_id: Identifier::parse("agt_nobody").ok()?,
        paid_at: sdk::Clock::system().now(),
    };
    let credential = Credential::for_demand(&needed.demand, payment).ok()?;
    let text = credential.sign(&Identifier::parse("nobody").ok()?, &key);
    let network = WalletTerms::read(&needed.demand, &needed.method).ok()?.network;
    Proof::of(credential, text, network_layer(network)).encode().ok()
}

async fn used_proof(probe: &Probe, proof: Option<&str>) -> Finding {
    let Some(proof) = proof else {
        let advice = "Give a proof that was used with `--used-proof` to see what a replay gets.";
        return found("replay", Mark::Skipped, "no used proof to show", advice);
    };
    let advice = "One proof, one delivery: give the same answer again, or refuse.";
    let headers = [(PAYMENT_PROOF, proof)];
    if probe.elsewhere(&headers).await.is_some_and(is_served) {
        return found("replay", Mark::Open, "a used proof was taken for another request", advice);
    }
    let (first, second) = (probe.read_with(&headers).await, probe.read_with(&headers).await);
    match (first, second) {
        (Ok(first), Ok(second)) if first.is_served() && first.body == second.body => {
            found("replay", Mark::Good, "a replay gets the answer that was paid for, the same each time", "")
        }
        (Ok(first), Ok(_)) if first.is_served() => {
            found("replay", Mark::Open, "a replay gets a new answer each time", advice)
        }
        (Ok(first), Ok(_)) if first.is_refused() => found("replay", Mark::Good, "a replay is refused", ""),
        (_, _) => found("replay", Mark::Warning, "a replay breaks it", advice),
    }
}

async fn mixed_proofs(probe: &Probe) -> Finding {
    let mut seen = Vec::new();
    for (what, headers) in [
        ("two proofs", [(PAYMENT_PROOF, "e30"), (PAYMENT_PROOF, "e31")]),
        ("a proof and another dialect's", [(PAYMENT_PROOF, "e30"), ("x-payment", "e30")]),
        ("a bearer and another scheme's", [("authorization", "Payment x"), ("x-payment", "x")]),
    ] {
        seen.push((what.to_owned(), probe.with(&headers).await));
    }
    judge_refusals("mixed proofs", &seen, "Refuse requests that pay in two ways at once.")
}

async fn bad_input(probe: &Probe, path: Option<&str>) -> Finding {
    let advice = "Check what was asked before you ask for money: 4xx, and no bill.";
    let Some(path) = path else {
        let advice = "Give a path that makes no sense with `--bad-input`: it should get 4xx and no bill.";
        return found("bad input", Mark::Skipped, "nothing that is known to be wrong", advice);
    };
    match probe.at(path, &[]).await {
        Ok(seen) if seen.status == 402 || seen.header("payment-needed").is_some() => {
            found("bad input", Mark::Bad, "what makes no sense is billed", advice)
        }
        Ok(seen) if seen.is_refused() => {
            found("bad input", Mark::Good, format!("answered {} without a bill", seen.status), "")
        }
        Ok(seen) if seen.is_served() => {
            found("bad input", Mark::Open, "what makes no sense is served for nothing", advice)
        }
        Ok(_) | Err(_) => found("bad input", Mark::Warning, "what makes no sense breaks it", advice),
    }
}

async fn head(probe: &Probe) -> Finding {
    let advice = "Answer HEAD as GET without the body: 402 and the bill.";
    match probe.by("HEAD", &[]).await {
        Ok(seen) if seen.is_served() => {
            found("head", Mark::Warning, "HEAD is served: its headers may be what is sold", advice)
        }
        Ok(seen) if seen.is_refused() => found("head", Mark::Good, format!("answered {}", seen.status), ""),
        Ok(_) | Err(_) => found("head", Mark::Warning, "HEAD breaks it", advice),
    }
}

async fn options(probe: &Probe) -> Finding {
    let advice = "Answer OPTIONS with headers only, and what is sold to nobody for nothing.";
    match probe.by("OPTIONS", &[]).await {
        Ok(seen) if seen.is_served() && !seen.body.is_empty() => {
            found("options", Mark::Warning, "OPTIONS has a body", advice)
        }
        Ok(seen) if 500 <= seen.status => found("options", Mark::Warning, "OPTIONS breaks it", advice),
        Ok(seen) => found("options", Mark::Good, format!("answered {}", seen.status), ""),
        Err(_) => found("options", Mark::Warning, "OPTIONS breaks it", advice),
    }
}

/// Other methods, and headers by which some servers take a request for another one.
async fn overrides(probe: &Probe) -> Finding {
    let sold = probe.method().to_owned();
    let mut seen = Vec::new();
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "PROPFIND"] {
        for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
            // Under the same method too: an override that is not looked at changes nothing.
            let status = probe.by(method, &[(name, &sold)]).await.map(|seen| seen.status).ok();
            seen.push((format!("{method} with `{name}: {sold}`"), status));
        }
    }
    for (name, value) in [("x-original-url", "/"), ("x-rewrite-url", "/"), ("x-forwarded-host", "localhost")]
    {
        seen.push((format!("`{name}`"), probe.with(&[(name, value)]).await));
    }
    judge_refusals(
        "overrides",
        &seen,
        "Price the request as the service behind will take it; drop such headers.",
    )
}

/// The same path in other letters: a service that takes it for the same must have the same price for it.
async fn spellings(probe: &Probe) -> Finding {
    let mut seen = Vec::new();
    for path in probe.other_spellings() {
        let status = probe.at(&path, &[]).await.map(|seen| seen.status).ok();
        seen.push((format!("`{path}`"), status));
    }
    let advice = "Route by the decoded path, and refuse what can be read in two ways.";
    judge_refusals("spellings", &seen, advice)
}

async fn unknown_path(probe: &Probe) -> Finding {
    let path = format!("/tollbridge-doctor-{:08x}", rand::random::<u32>());
    let advice = "Refuse what has no price (`default = \"refuse\"`), so that nothing new is given away.";
    match probe.at(&path, &[]).await {
        Ok(seen) if seen.is_served() => {
            found("unknown path", Mark::Warning, "a path that nobody listed is served for nothing", advice)
        }
        Ok(seen) if seen.is_refused() => {
            found("unknown path", Mark::Good, format!("answered {}", seen.status), "")
        }
        Ok(_) | Err(_) => found("unknown path", Mark::Warning, "a path that nobody listed breaks it", advice),
    }
}

async fn free_path(probe: &Probe, path: Option<&str>) -> Finding {
    let advice = "List what is free, such as health checks; agents look before they pay.";
    let Some(path) = path else {
        let advice = "Give a path that costs nothing with `--free` to see that it does not.";
        return found("free path", Mark::Skipped, "none was named", advice);
    };
    match probe.by_get(path).await {
        Ok(seen) if seen.is_served() && seen.header("payment-needed").is_none() => {
            found("free path", Mark::Good, "served for nothing", "")
        }
        Ok(seen) => {
            let detail = format!("answered {} where nothing was to be paid", seen.status);
            found("free path", Mark::Bad, detail, advice)
        }
        Err(why) => found("free path", Mark::Bad, format!("not reached ({why})"), advice),
    }
}

#[cfg(test)]
mod tests;
