//! `bench gateway` and `bench vouchers`: what the gateway adds to a call, and how many it can take payment for.

use super::ledger::Round;
use super::market::{Line, Market};
use super::report::{Bar, Figures, median};
use crate::args::Bench;
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use std::path::Path;
use std::time::{Duration, Instant};

/// The calls a second of the open loop.
const RATE: u32 = 1_000;
/// The connections of the open loop, each with its share of the calls.
const OPEN_LINES: u32 = 50;
/// How long one round of it lasts, in seconds.
const ROUND_SECONDS: u32 = 5;
/// The sessions of the closed loop.
const SESSIONS: usize = 128;
/// The calls of each in one round.
const CALLS: usize = 300;

/// Measures what the gateway adds at [`RATE`] calls a second, sent whether or not the earlier ones are answered.
pub(super) fn added(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    runtime::run(async {
        let market = Market::open(scratch).await?;
        let (mut bare, mut unpriced, mut paid) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..OPEN_LINES {
            bare.push(market.bare().await?);
            unpriced.push(market.unpriced().await?);
            paid.push(market.paid().await?);
        }
        let mut found: [Vec<Round>; 3] = Default::default();
        let bar = output.progress(u64::from(args.rounds), "calling");
        for _ in 0..args.rounds {
            // In turn, so that what else the machine does falls on all three.
            for (lines, found) in [&mut bare, &mut unpriced, &mut paid].into_iter().zip(&mut found) {
                found.push(open_loop(lines).await?);
            }
            bar.inc(1);
        }
        bar.finish_and_clear();
        let [bare, unpriced, paid] = found;
        for (name, rounds, bar) in [("unpriced", &unpriced, 3.0), ("paid", &paid, 3.0)] {
            let added = |of: fn(&Round) -> f64| -> Vec<f64> {
                rounds.iter().zip(&bare).map(|(through, bare)| of(through) - of(bare)).collect()
            };
            let name = |percent: &str| format!("gateway_{name}_added_{percent}_ms");
            figures.median(output, &name("p50"), &added(|round| round.p50_ms), Bar::None);
            figures.median(output, &name("p99"), &added(|round| round.p99_ms), Bar::AtMost(bar));
        }
        let of_bare = |of: fn(&Round) -> f64| median(&bare.iter().map(of).collect::<Vec<f64>>());
        figures.one(output, "gateway_bare_p50_ms", of_bare(|round| round.p50_ms), Bar::None);
        figures.one(output, "gateway_bare_p99_ms", of_bare(|round| round.p99_ms), Bar::None);
        Ok(())
    })
}

/// Measures paid calls, beside the same calls through the gateway and past it without payment.
pub(super) fn vouchers(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    runtime::run(async {
        let market = Market::open(scratch).await?;
        let (mut bare, mut unpriced, mut paid) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..SESSIONS {
            bare.push(market.bare().await?);
            unpriced.push(market.unpriced().await?);
            paid.push(market.paid().await?);
        }
        let ways = [
            ("bare_calls_per_s", &mut bare, Bar::None),
            ("proxied_calls_per_s", &mut unpriced, Bar::None),
            ("voucher_calls_per_s", &mut paid, Bar::AtLeast(8_000.0)),
        ];
        for (name, lines, least) in ways {
            let bar = output.progress(u64::from(args.rounds), name);
            let mut rounds = Vec::new();
            for _ in 0..args.rounds {
                rounds.push(closed_loop(lines).await?);
                bar.inc(1);
            }
            bar.finish_and_clear();
            figures.rounds(output, name, &rounds, least);
        }
        Ok(())
    })
}

/// Calls at their times. A call that could not be sent at its time has waited since then.
async fn open_loop(lines: &mut Vec<Line>) -> Outcome<Round> {
    let began = Instant::now();
    let between = Duration::from_secs(1) / RATE;
    let tasks: Vec<_> = (0u32..)
        .zip(lines.drain(..))
        .map(|(place, mut line)| {
            tokio::spawn(async move {
                let mut millis = Vec::new();
                let mut free_since = began;
                for turn in 0..RATE * ROUND_SECONDS / OPEN_LINES {
                    let due = began + between * (turn * OPEN_LINES + place);
                    tokio::time::sleep_until(due.into()).await;
                    // The timer's own lateness is not the service's.
                    let from = if due < free_since { due } else { Instant::now() };
                    line.call().await?;
                    free_since = Instant::now();
                    millis.push((free_since - from).as_secs_f64() * 1e3);
                }
                Ok::<_, Failure>((line, millis))
            })
        })
        .collect();
    gather(lines, tasks, began).await
}

/// Calls as fast as they are answered.
async fn closed_loop(lines: &mut Vec<Line>) -> Outcome<Round> {
    let began = Instant::now();
    let tasks: Vec<_> = lines
        .drain(..)
        .map(|mut line| {
            tokio::spawn(async move {
                let mut millis = Vec::with_capacity(CALLS);
                for _ in 0..CALLS {
                    let from = Instant::now();
                    line.call().await?;
                    millis.push(from.elapsed().as_secs_f64() * 1e3);
                }
                Ok::<_, Failure>((line, millis))
            })
        })
        .collect();
    gather(lines, tasks, began).await
}

/// A line after its calls, and how long each took in milliseconds.
type Called = Outcome<(Line, Vec<f64>)>;

async fn gather(
    lines: &mut Vec<Line>,
    tasks: Vec<tokio::task::JoinHandle<Called>>,
    began: Instant,
) -> Outcome<Round> {
    let mut all = Vec::new();
    for task in tasks {
        let (line, millis) = task.await.map_err(Failure::fault)??;
        lines.push(line);
        all.extend(millis);
    }
    Ok(Round::of(all.len() as f64, all, began))
}
