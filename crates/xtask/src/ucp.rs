//! `cargo xtask ucp-conformance`: UCP's public conformance tests against a shop of ours, and against shops that are broken on purpose.
//!
//! The tests are on no registry, so they are not installed: `TOLLBRIDGE_UCP_CONFORMANCE` names the folder of their repository, at
//! [`COMMIT`]; nothing in it is changed. They speak UCP 2026-01-11 and a shop 2026-04-08, so `ucp/translated.py` stands between,
//! which says the same in the other version's members. What answers is the product, as a seller runs it: `ucp/shop.py`.
//! Each test that fails is listed here with its reason. What is not listed and fails, and what is listed and passes, fails the lane.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;

use crate::program;
use crate::sdks::PYTHON;
use crate::suite::{Known, Stage, emptied};

const SUITE: &str = "TOLLBRIDGE_UCP_CONFORMANCE";

/// What of the tests was read, of January 2026: the newest that are public. Their package `ucp-sdk` is 0.1.0.
const COMMIT: &str = "fdced3ad4d92637a55de8f4b71a6dead5a2621c0";

/// Where the results are kept.
const RESULTS: &str = "target/ucp-conformance";

/// The shop, and what runs the tests.
const SHOP: &str = "crates/xtask/src/ucp/shop.py";
const OUTCOMES: &str = "crates/xtask/src/ucp/outcomes.py";

/// How many tests there are.
const TESTS: usize = 59;

/// How many passed when this was written: fewer would be tests that did not run.
const PASSED_MIN: usize = 31;

/// What is broken on purpose, in `crates/protocols/src/sabotage.rs`, and the tests that have to find it.
const SABOTAGE: &[(&str, &[&str])] = &[
    (
        "any-body",
        &[
            "idempotency_test::test_idempotency_complete",
            "idempotency_test::test_idempotency_create",
            "idempotency_test::test_idempotency_update",
        ],
    ),
    (
        "never-over",
        &[
            "checkout_lifecycle_test::test_cannot_update_canceled_checkout",
            "checkout_lifecycle_test::test_cannot_update_completed_checkout",
        ],
    ),
];

/// What is not run, and why.
#[rustfmt::skip]
const LEFT_OUT: &[(&str, &str)] = &[
    ("ap2_test::test_ap2_mandate_completion", "sends a text in the place of a mandate and expects that to be taken: whether it passes says nothing"),
    ("protocol_test::test_discovery_urls", "asks ucp.dev for the pages of its own specification, over the internet"),
];

/// What fails, and why that is so.
#[rustfmt::skip]
const FAILS: &[(&str, &str)] = &[
    ("business_logic_test::test_discount_flow", "a coupon of ours takes off an amount, and never a part: `10OFF` is none"),
    ("business_logic_test::test_multiple_discounts_one_rejected", "the same"),
    ("business_logic_test::test_multiple_discounts_accepted", "the same; and one coupon counts"),
    ("card_credential_test::test_card_credential_payment", "pays by the number of a card, which is taken nowhere here"),
    ("checkout_lifecycle_test::test_complete_is_idempotent", "wants a no to completing again with the token that paid: here that says how the checkout stands, and takes nothing"),
    ("fulfillment_test::test_dynamic_fulfillment", "wants ways of delivery for some countries only: those of a catalogue are for all"),
    ("fulfillment_test::test_known_customer_new_address", "the same"),
    ("fulfillment_test::test_known_customer_one_address", "wants somebody's addresses for an e-mail address that anybody may say: a shop here keeps none"),
    ("fulfillment_test::test_known_customer_multiple_addresses_selection", "the same"),
    ("fulfillment_test::test_known_user_existing_address_reuse", "the same"),
    ("fulfillment_test::test_new_user_new_address_persistence", "the same"),
    ("invalid_input_test::test_invalid_adjustment_status", "puts an order, which 2026-04-08 does not have, for the shop alone changes it: 405, and not 422"),
    ("invalid_input_test::test_malformed_adjustment_payload", "the same"),
    ("order_test::test_order_adjustments", "puts an order, which 2026-04-08 does not have, for the shop alone changes it"),
    ("order_test::test_order_update", "the same"),
    ("protocol_test::test_discovery", "wants the fixture's payment handlers, `google_pay` and `shop_pay` among them, and the extension `buyer_consent`"),
    ("protocol_test::test_version_negotiation", "asks for 400; 2026-04-08 says 422 `version_unsupported`, and that is what is answered"),
    ("simulation_url_security_test::test_simulation_endpoint_correct_secret", "wants `/testing/simulate-shipping`, which no real shop has"),
    ("simulation_url_security_test::test_simulation_endpoint_incorrect_secret", "the same"),
    ("simulation_url_security_test::test_simulation_endpoint_missing_header", "the same"),
    ("validation_test::test_complete_without_fulfillment", "nothing is missing: a shop here takes its first way of delivery where none is selected, and asks for no address"),
    ("validation_test::test_out_of_stock", "asks for 400; here the checkout opens as `incomplete`, and its messages say `out_of_stock`, as 2026-04-08 has it for what another request can mend"),
    ("validation_test::test_structured_error_messages", "the same; and asks for a member `detail`, where 2026-04-08 has `messages`"),
    ("validation_test::test_product_not_found", "asks for 400, which it is, and for the words `not found`"),
    ("validation_test::test_update_inventory_validation", "asks for 400, which it is, and for the word `stock`: 10,001 is more than can be ordered of anything at once"),
    ("webhook_test::test_webhook_event_stream", "wants `/testing/simulate-shipping`, which no real shop has"),
];

const KNOWN: Known = Known { fails: FAILS, is: |test, known| test == known };

/// What came of the tests.
struct Found {
    passed: usize,
    failed: Vec<String>,
}

/// Runs the tests, and lets them find what is broken.
pub(crate) fn run(root: &Path) -> anyhow::Result<()> {
    let Some(suite) = std::env::var_os(SUITE) else {
        println!("  skipped: nobody says where the tests are; see {SUITE}");
        return Ok(());
    };
    let suite = Path::new(&suite);
    ensure!(
        suite.join("integration_test_utils.py").is_file(),
        "{} does not have the tests: clone Universal-Commerce-Protocol/conformance at {COMMIT}",
        suite.display()
    );
    let built = program::build(root, "tollbridge", &[])?;
    let found = tried(root, suite, &built, "good")?;
    println!(
        "  of {TESTS}: {} passed, {} failed as listed or not, {} were left out",
        found.passed,
        found.failed.len(),
        LEFT_OUT.len()
    );
    judge(&found)?;
    let built = program::build(root, "tollbridge", &["cli/sabotage"])?;
    for (bug, tests) in SABOTAGE {
        let found = tried(root, suite, &program::with_bug(&root.join(RESULTS), &built, bug)?, bug)?;
        let more = KNOWN.unlisted(&found.failed);
        println!("  {bug}: {} passed, {} more failed", found.passed, more.len());
        for test in *tests {
            ensure!(more.iter().any(|failed| failed == test), "`{test}` does not find `{bug}`: {more:#?}");
        }
    }
    Ok(())
}

/// Runs the tests against a program, whose results are kept under `name`.
fn tried(root: &Path, suite: &Path, program: &Path, name: &str) -> anyhow::Result<Found> {
    let shop = Stage::start(root, SHOP, program)?;
    // Where the shop is, and the port at which it finds who is told of orders.
    let (url, events) = shop.said.split_once(' ').context("the shop ended")?;
    let results = emptied(root.join(RESULTS).join(format!("{name}-results")))?;
    let mut tests = Command::new(root.join(PYTHON).join("python"));
    tests.arg(root.join(OUTCOMES)).arg(suite).args([url, events]).arg(&results);
    tests.args(LEFT_OUT.iter().map(|(test, _)| test)).env("PYTHONDONTWRITEBYTECODE", "1");
    let status = tests.status().context("the tests do not start")?;
    ensure!(status.success(), "the tests: {status}; see {}", results.display());
    read(&std::fs::read_to_string(results.join("outcomes.jsonl"))?)
}

/// Reads what `ucp/outcomes.py` writes.
fn read(text: &str) -> anyhow::Result<Found> {
    let mut found = Found { passed: 0, failed: Vec::new() };
    for line in text.lines() {
        let row: Value = serde_json::from_str(line).context("a result cannot be read")?;
        let text = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("outcome") {
            "passed" => found.passed += 1,
            "failed" => found.failed.push(text("test").to_owned()),
            _ => bail!("no outcome: {line}"),
        }
    }
    Ok(found)
}

/// Holds what came of the tests against what is listed.
fn judge(found: &Found) -> anyhow::Result<()> {
    KNOWN.judge(&found.failed)?;
    let tried = found.passed + found.failed.len() + LEFT_OUT.len();
    ensure!(tried == TESTS, "{tried} tests, and not {TESTS}");
    ensure!(PASSED_MIN <= found.passed, "only {} passed", found.passed);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_as_listed_is_said() {
        let row =
            |test: &str, outcome: &str| serde_json::json!({ "test": test, "outcome": outcome }).to_string();
        let passed = (0..PASSED_MIN).map(|at| row(&format!("t{at}"), "passed"));
        let good: Vec<String> = passed.chain(FAILS.iter().map(|(test, _)| row(test, "failed"))).collect();
        let judged = |rows: &[String]| read(&rows.join("\n")).and_then(|found| judge(&found));
        judged(&good).unwrap();
        for more in [row("new", "failed"), row("new", "passed")] {
            assert!(judged(&[&good[..], &[more]].concat()).is_err());
        }
        for (at, wrong) in [(0, row("t0", "failed")), (PASSED_MIN, row(FAILS[0].0, "passed"))] {
            let mut rows = good.clone();
            assert!(judged(&[&rows[..at], &rows[at + 1..]].concat()).is_err(), "{wrong}");
            rows[at] = wrong;
            assert!(judged(&rows).is_err(), "{}", rows[at]);
        }
        assert!(read("{}").is_err());
    }
}
