//! The figures of a run: a table for people, one object per line for programs, and all of them together in the last.

use super::ledger::Round;
use crate::output::Output;
use comfy_table::{CellAlignment, Table, presets::UTF8_HORIZONTAL_ONLY};
use serde_json::{Map, Value, json};

/// Figures, in the order they were measured.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    rows: Vec<[String; 5]>,
    all: Map<String, Value>,
}

/// What a figure has to reach.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Bar {
    AtLeast(f64),
    AtMost(f64),
    None,
}

impl Figures {
    /// A figure measured once.
    pub(crate) fn one(&mut self, output: &Output, name: &str, value: f64, bar: Bar) {
        self.keep(output, name, value, bar, None, &[value]);
    }

    /// A figure measured several times: the median counts.
    pub(crate) fn median(&mut self, output: &Output, name: &str, values: &[f64], bar: Bar) {
        self.keep(output, name, median(values), bar, None, values);
    }

    /// So many a second, in rounds: the median counts, of the latencies too.
    pub(crate) fn rounds(&mut self, output: &Output, name: &str, rounds: &[Round], bar: Bar) {
        let each = |of: fn(&Round) -> f64| -> Vec<f64> { rounds.iter().map(of).collect() };
        let latency = (median(&each(|round| round.p50_ms)), median(&each(|round| round.p99_ms)));
        let per_s = each(|round| round.per_s);
        self.keep(output, name, median(&per_s), bar, Some(latency), &per_s);
    }

    /// Something to know that is no figure.
    pub(crate) fn note(&mut self, name: &str, value: impl Into<Value>) {
        self.all.insert(name.to_owned(), value.into());
    }

    /// The table, or the last line.
    pub(crate) fn finish(self, output: &Output) {
        let mut table = Table::new();
        table.load_style(UTF8_HORIZONTAL_ONLY).set_header(["figure", "median", "p50 ms", "p99 ms", "bar"]);
        table.add_rows(self.rows);
        for column in table.column_iter_mut().skip(1) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        output.line(table);
        output.object(&self.all);
    }

    fn keep(
        &mut self,
        output: &Output,
        name: &str,
        value: f64,
        bar: Bar,
        latency: Option<(f64, f64)>,
        rounds: &[f64],
    ) {
        let mut object = json!({ "figure": name, "median": tidy(value), "rounds": rounds.iter().map(|it| tidy(*it)).collect::<Vec<f64>>() });
        self.all.insert(name.to_owned(), json!(tidy(value)));
        let mut millis = [String::new(), String::new()];
        if let Some((p50, p99)) = latency {
            object["p50_ms"] = json!(tidy(p50));
            object["p99_ms"] = json!(tidy(p99));
            self.all.insert(format!("{name}_p50_ms"), json!(tidy(p50)));
            self.all.insert(format!("{name}_p99_ms"), json!(tidy(p99)));
            millis = [text(p50), text(p99)];
        }
        let (verdict, mark) = match bar {
            Bar::AtLeast(least) => (Some(least <= value), format!("≥ {}", text(least))),
            Bar::AtMost(most) => (Some(value <= most), format!("≤ {}", text(most))),
            Bar::None => (None, String::new()),
        };
        let mark = match verdict {
            Some(true) => format!("{mark} ✓"),
            Some(false) => format!("{mark} ✗"),
            None => mark,
        };
        object["reached"] = json!(verdict);
        output.object(&object);
        let [p50, p99] = millis;
        self.rows.push([name.to_owned(), text(value), p50, p99, mark]);
    }
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// As many digits as mean something.
fn tidy(value: f64) -> f64 {
    let factor = if value < 100.0 { 1_000.0 } else { 1.0 };
    (value * factor).round() / factor
}

fn text(value: f64) -> String {
    if value < 100.0 && value.fract() != 0.0 {
        return format!("{value:.3}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place != 0 && (digits.len() - place) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}
