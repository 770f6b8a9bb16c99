//! `cargo xtask schemathesis`: the API as its own description says, tried with requests nobody would think of.
//!
//! A server with a seeded book runs; schemathesis reads `/openapi.json`, follows its links, and every request is signed by
//! `schemathesis/hooks.py`, which lets most requests name what there is: `schemathesis/things.py`. Nothing may end in a 5xx, and no answer may differ from its description.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use evidence::base64url;
use serde_json::{Value, json};

use crate::blackbox::installation::{Installation, Party, fresh_name, money};
use crate::blackbox::server;

/// Where the lane's packages lie; `packages.rs` installs them.
const PROGRAM: &str = "target/venv/bin/schemathesis";

/// What is checked of every answer.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_schema_conformance,response_headers_conformance";

/// Not tried: a stream has no end, and a clock that was put forward by years makes every id too old.
const LEFT_OUT: &[&str] = &["/v1/decisions/stream", "/v1/clock/advance"];

/// How many there are of everything that requests use up. No more questions may wait for one owner than 32.
const SEEDED: usize = 24;

/// Tries every operation in the corners of its description, then with `examples` that chance makes up, shared out between
/// the operations, and then along the links of the description with as many paths.
pub(crate) fn run(root: &Path, examples: usize, seed: u64) -> anyhow::Result<()> {
    let program = server::build(root)?;
    let mut installation = Installation::start(root, &program, "schemathesis")?;
    let book = seed_book(&mut installation)?;
    let directory = installation.server.directory().to_owned();
    std::fs::write(directory.join("schemathesis.toml"), plan(&installation, examples)?)?;
    let mut command = Command::new(root.join(PROGRAM));
    command.arg("run").arg(format!("http://{}/openapi.json", installation.server.address()));
    command.args(["--checks", CHECKS, "--seed", &seed.to_string()]);
    command.args(["--phases", "examples,coverage,fuzzing,stateful", "--generation-database", "none"]);
    command.args(["--suppress-health-check", "all", "--continue-on-failure", "--no-color"]);
    for path in LEFT_OUT {
        command.args(["--exclude-path", path]);
    }
    command.env("SCHEMATHESIS_HOOKS", "hooks").env("PYTHONPATH", root.join("crates/xtask/src/schemathesis"));
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.env("TOLLBRIDGE_BOOK", book.to_string()).env("TOLLBRIDGE_SEED", seed.to_string());
    command.current_dir(&directory);
    let status = command.status().context("schemathesis does not start")?;
    ensure!(
        status.success(),
        "schemathesis: {status}; the server's log: {}",
        installation.server.directory().display()
    );
    let audited = installation.audit()?;
    installation.server.verify()?;
    println!("✓ {} entries, audited and verified offline", audited.entries.len());
    installation.server.discard()
}

/// How often schemathesis tries what: examples of one operation, and paths of links.
fn plan(installation: &Installation, examples: usize) -> anyhow::Result<String> {
    let description: Value = serde_json::from_str(&installation.server.public("/openapi.json")?)?;
    let paths = description["paths"].as_object().context("the description has paths")?;
    let operations: usize = paths.values().map(|path| path.as_object().map_or(0, serde_json::Map::len)).sum();
    let each = examples.div_ceil(operations.max(1));
    Ok(format!(
        "[phases.fuzzing]\ngeneration.max-examples = {each}\n\n[phases.stateful]\ngeneration.max-examples = {examples}\n"
    ))
}

/// A book with something of everything, and the keys and names that requests may use.
fn seed_book(installation: &mut Installation) -> anyhow::Result<Value> {
    let mut owner = installation.owner()?;
    let wallet = installation.wallet(&mut owner, 1_000_000_000, &[])?;
    let second = installation.wallet(&mut owner, 1_000_000_000, &[])?;
    let mut payee = installation.payee("fuzz")?;
    let generous = json!({ "kind": "per_payment", "max": "1000000" });
    let mut agent = installation.agent(&mut owner, &wallet, std::slice::from_ref(&generous))?;
    let mandate = fresh_name("mdt");
    let body = json!({
        "id": mandate, "wallet": wallet, "agent": agent.id, "limits": [generous],
        "valid_from": "2026-01-01T00:00:00Z", "expires_at": "2099-01-01T00:00:00Z",
    });
    owner.caller.make("/v1/mandates", &body)?;
    let tomorrow = (jiff::Timestamp::now() + std::time::Duration::from_secs(86_400)).to_string();
    let buy = |id: &str| json!({ "id": id, "wallet": wallet, "payee": payee.id, "amount": money(100) });
    let named = |prefix: &str| -> Vec<String> { (0..SEEDED).map(|_| fresh_name(prefix)).collect() };
    let (payments, holds, meters, questions) = (named("pay"), named("hld"), named("mtr"), named("pay"));
    for id in &payments {
        agent.caller.make("/v1/payments", &buy(id))?;
    }
    for id in &holds {
        let mut hold = buy(id);
        hold["expires_at"] = json!(tomorrow);
        agent.caller.make("/v1/holds", &hold)?;
    }
    for id in &meters {
        let mut meter = buy(id);
        (meter["expires_at"], meter["rates_nanos_per_unit"]) = (json!(tomorrow), json!([1_000]));
        agent.caller.make("/v1/meters", &meter)?;
    }
    // Without limits of its own, an agent has to ask.
    let mut curious = installation.agent(&mut owner, &wallet, &[])?;
    let mut asked = Vec::new();
    for (number, id) in (1..).zip(&questions) {
        // What is asked already is not asked again.
        let mut payment = buy(id);
        payment["amount"]["amount"] = json!(i32::to_string(&number));
        let question = curious.caller.make("/v1/payments", &payment)?;
        asked.push(json!([id, question["digest"]]));
    }
    // What may be frozen, revoked or closed is nothing that the rest depends on.
    let (mut spare_wallets, mut spare_agents) = (Vec::new(), Vec::new());
    for _ in 0..SEEDED {
        let spare = installation.wallet(&mut owner, 0, &[])?;
        spare_agents.push(installation.agent(&mut owner, &spare, &[])?.id);
        spare_wallets.push(installation.wallet(&mut owner, 0, &[])?);
    }
    let operator = installation.server.operator_seed()?;
    let key = |party: &Party| json!({ "key": party.key, "seed": base64url::encode(&party.seed) });
    Ok(json!({
        "keys": {
            "operator": { "key": operator.0, "seed": base64url::encode(&operator.1) },
            "owner": key(&owner), "agent": key(&agent), "payee": key(&mut payee),
        },
        "names": {
            "owner": [owner.id], "wallet": [wallet, second], "payee": [payee.id], "agent": [agent.id],
            "mandate": [mandate], "payment": payments, "hold": holds, "meter": meters, "question": asked,
            "subject": [curious.id, mandate], "spare": spare_agents, "spare wallet": spare_wallets,
        },
    }))
}
