//! `cargo xtask freeze`: an agent pays as fast as a crowd of connections can, and is frozen in the middle of it.
//!
//! Whatever is sent after the freeze was answered is refused, and in the journal no payment stands behind the freeze.

use std::path::Path;

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::blackbox::installation::{Installation, money};
use crate::blackbox::server;
use crate::scenarios::crowd;

/// The connections that one agent pays over at once.
const PAYERS: usize = 64;

/// What the wallet of each round begins with: more than a crowd can spend before it is frozen.
const FUNDS: u128 = 1_000_000;

/// Plays `rounds` rounds.
pub(crate) fn run(root: &Path, rounds: usize) -> anyhow::Result<()> {
    let program = server::build(root)?;
    let mut installation = Installation::start(root, &program, "freeze")?;
    let mut owner = installation.owner()?;
    let payee = installation.payee("freeze")?;
    let mut paid_in_all = 0;
    for number in 1..=rounds {
        let wallet = installation.wallet(&mut owner, FUNDS, &[])?;
        let limit = json!({ "kind": "total", "max": FUNDS.to_string() });
        let agent = installation.agent(&mut owner, &wallet, &[limit])?;
        let purchase = json!({ "wallet": wallet, "payee": payee.id, "amount": money(1) });
        let halt = crowd::halt(&mut owner.caller, &agent.id, &agent.caller, PAYERS, &purchase)
            .with_context(|| format!("round {number}"))?;
        let (left, _) = installation.wallet_has(&wallet)?;
        let expected = FUNDS - u128::try_from(halt.paid)?;
        ensure!(left == expected, "round {number}: the wallet has {left}, and not {expected}");
        paid_in_all += halt.paid;
        let micros = halt.after.as_micros();
        println!("✓ round {number}: {} paid, the first refusal after {micros} µs", halt.paid);
    }
    let audited = installation.audit()?;
    installation.server.verify()?;
    println!("✓ {paid_in_all} payments, {rounds} freezes; {} entries audited", audited.entries.len());
    installation.server.discard()
}
