//! `bench mcp`: how many quotes a second an agent's tools pay, over standard input and output.
//!
//! Every `pay` is a whole purchase: the quote is on disk as begun, the bill before it is paid, the proof when it came, the seller
//! delivers for it, and the answer is kept with its receipt. Everything runs on the same processors.

use super::ledger::Round;
use super::market::Market;
use super::report::{Bar, Figures};
use crate::args::Bench;
use crate::demo::stage::PARENT;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Instant;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// The calls that are under way at once.
const TOGETHER: usize = 64;
/// The quotes that each round pays: not more than may wait.
const QUOTES: usize = 800;

/// The program with an agent's tools, and its client.
struct Tools {
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
    asked: u64,
    _child: Child,
}

/// Measures quotes, and payments of them.
pub(super) fn tools(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    runtime::run(async {
        let market = Market::open(scratch).await?;
        let mut tools = Tools::start(&market, scratch).await?;
        let (mut quoted, mut paid) = (Vec::new(), Vec::new());
        let bar = output.progress(u64::from(args.rounds), "paying quotes");
        for _ in 0..args.rounds {
            let goods = json!({ "url": market.page() });
            let (quotes, round) = tools.call_all("quote", vec![goods; QUOTES]).await?;
            quoted.push(round);
            let quotes = quotes.iter().map(|quote| json!({ "quote": quote["quote"] })).collect();
            let (answers, round) = tools.call_all("pay", quotes).await?;
            paid.push(round);
            if let Some(bad) = answers.iter().find(|answer| !is_bought(answer)) {
                return Err(Failure::fault(format!("a quote was not paid: {bad}")));
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        for (name, rounds, least) in
            [("mcp_quotes_per_s", quoted, Bar::None), ("mcp_pays_per_s", paid, Bar::AtLeast(3_000.0))]
        {
            figures.rounds(output, name, &rounds, least);
        }
        Ok(())
    })
}

fn is_bought(answer: &Value) -> bool {
    answer["status"] == 200 && (answer["payment"] == "paid" || answer["payment"] == "held")
}

impl Tools {
    async fn start(market: &Market, scratch: &Path) -> Outcome<Tools> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["mcp", "serve", "--local-sellers", "--server", market.server()])
            .arg("--key")
            .arg(market.agent_file())
            .arg("--keep")
            .arg(scratch.join("desk"))
            .env(PARENT, std::process::id().to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let ended = || Failure::fault("the tools did not start");
        let to = child.stdin.take().ok_or_else(ended)?;
        let from = BufReader::new(child.stdout.take().ok_or_else(ended)?).lines();
        let mut tools = Tools { to, from, asked: 0, _child: child };
        let me = json!({ "name": "bench", "version": env!("CARGO_PKG_VERSION") });
        let hello = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me });
        tools.ask("initialize", &hello).await?;
        tools.answer().await?;
        tools.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" })).await?;
        Ok(tools)
    }

    /// Calls a tool with all of these arguments, [`TOGETHER`] at once. Answers what it said, in any order.
    async fn call_all(&mut self, tool: &str, arguments: Vec<Value>) -> Outcome<(Vec<Value>, Round)> {
        let began = Instant::now();
        let mut waiting = arguments.into_iter();
        let (mut under_way, mut answers, mut millis) = (HashMap::new(), Vec::new(), Vec::new());
        loop {
            while under_way.len() < TOGETHER {
                let Some(arguments) = waiting.next() else { break };
                let id = self.ask("tools/call", &json!({ "name": tool, "arguments": arguments })).await?;
                under_way.insert(id, Instant::now());
            }
            if under_way.is_empty() {
                break;
            }
            let mut answer = self.answer().await?;
            let asked_at = answer["id"].as_u64().and_then(|id| under_way.remove(&id));
            let asked_at = asked_at.ok_or_else(|| Failure::fault("an answer to nothing"))?;
            millis.push(asked_at.elapsed().as_secs_f64() * 1e3);
            if answer["result"]["isError"] != false {
                return Err(Failure::fault(format!("`{tool}` failed: {answer}")));
            }
            answers.push(answer["result"]["structuredContent"].take());
        }
        Ok((answers, Round::of(millis.len() as f64, millis, began)))
    }

    async fn ask(&mut self, method: &str, params: &Value) -> Outcome<u64> {
        self.asked += 1;
        self.say(&json!({ "jsonrpc": "2.0", "id": self.asked, "method": method, "params": params })).await?;
        Ok(self.asked)
    }

    async fn say(&mut self, message: &Value) -> Outcome {
        self.to.write_all(format!("{message}\n").as_bytes()).await?;
        Ok(())
    }

    async fn answer(&mut self) -> Outcome<Value> {
        let line = self.from.next_line().await?.ok_or_else(|| Failure::fault("the tools ended"))?;
        serde_json::from_str(&line).map_err(Failure::fault)
    }
}
