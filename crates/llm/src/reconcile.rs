//! Reconciliation: a provider's invoice beside our records, and every row that differs with the reason why.
//!
//! Rows meet by the id that the provider gave its answer. The invoice is CSV with a header; it needs the columns `id`, `model`,
//! `input_tokens` (all of them, cached ones too) and `output_tokens`, may have `cached_tokens`, and others are not read.

use crate::limits::{INVOICE_BYTES_MAX, INVOICE_ROWS_MAX};
use crate::store::{StoreFault, recorded};
use pricing::{Class, Counted, Ended, Side, UsageRecord};
use std::collections::BTreeMap;
use std::path::Path;

/// Why a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    /// The provider bills a call that we have no record of: it broke off before anything arrived, or was tried twice.
    NotRecorded,
    /// We have a record of a call that the provider does not bill.
    NotBilled,
    /// The provider bills one call twice.
    BilledTwice,
    /// Another model was billed.
    Model,
    /// The caller left early, and the provider went on.
    Cut,
    /// Nobody told us what was used, so we estimated.
    Estimated,
    /// The same input, but more or less of it from a cache.
    CacheClass,
    /// Other counts.
    Units,
}

impl Reason {
    /// The reason as programs read it.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::NotRecorded => "not_recorded",
            Reason::NotBilled => "not_billed",
            Reason::BilledTwice => "billed_twice",
            Reason::Model => "model",
            Reason::Cut => "cut",
            Reason::Estimated => "estimated",
            Reason::CacheClass => "cache_class",
            Reason::Units => "units",
        }
    }
}

/// What one side says of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counts {
    /// The model.
    pub model: String,
    /// All tokens of input.
    pub input: u64,
    /// Those from a cache, where it is said.
    pub cached: Option<u64>,
    /// All tokens of output.
    pub output: u64,
}

/// A row that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The provider's id of the answer.
    pub id: String,
    /// Why.
    pub reason: Reason,
    /// What the provider bills.
    pub billed: Option<Counts>,
    /// What we recorded.
    pub recorded: Option<Counts>,
}

/// What came of the comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reconciled {
    /// How many rows agree.
    pub agreed: usize,
    /// Records whose answer had no id: they cannot be compared.
    pub nameless: usize,
    /// Every row that differs, by its id.
    pub differences: Vec<Difference>,
}

/// Why nothing was compared.
#[derive(Debug, thiserror::Error)]
pub enum InvoiceFault {
    /// The invoice.
    #[error("invoice, line {line}: {why}")]
    Row {
        /// Counted from 1.
        line: usize,
        /// What is wrong.
        why: String,
    },
    /// The records.
    #[error(transparent)]
    Store(#[from] StoreFault),
}

/// Compares an invoice with the records in a gateway's data directory, which may be serving.
///
/// # Errors
/// [`InvoiceFault`].
pub fn reconcile(data: &Path, invoice: &str) -> Result<Reconciled, InvoiceFault> {
    compare(&rows(invoice)?, recorded(data)?)
}

fn compare(
    rows: &[(usize, String, Counts)],
    records: Vec<(Option<String>, UsageRecord)>,
) -> Result<Reconciled, InvoiceFault> {
    let mut found = Reconciled::default();
    let mut ours: BTreeMap<String, UsageRecord> = BTreeMap::new();
    for (id, record) in records {
        match id {
            Some(id) => drop(ours.insert(id, record)),
            None => found.nameless += 1,
        }
    }
    let mut seen: BTreeMap<&str, ()> = BTreeMap::new();
    for (_, id, billed) in rows {
        let twice = seen.insert(id, ()).is_some();
        let record = ours.get(id);
        let reason = match record {
            _ if twice => Some(Reason::BilledTwice),
            None => Some(Reason::NotRecorded),
            Some(record) => reason(billed, record),
        };
        match reason {
            None => found.agreed += 1,
            Some(reason) => found.differences.push(Difference {
                id: id.clone(),
                reason,
                billed: Some(billed.clone()),
                recorded: record.map(counts),
            }),
        }
    }
    let unbilled = ours.iter().filter(|(id, _)| !seen.contains_key(id.as_str()));
    found.differences.extend(unbilled.map(|(id, record)| Difference {
        id: id.clone(),
        reason: Reason::NotBilled,
        billed: None,
        recorded: Some(counts(record)),
    }));
    found.differences.sort_by(|a, b| (&a.id, a.reason).cmp(&(&b.id, b.reason)));
    Ok(found)
}

fn counts(record: &UsageRecord) -> Counts {
    Counts {
        model: record.model.clone(),
        input: record.usage.of_side(Side::Input),
        cached: Some(record.usage.of(Class::CachedInput)),
        output: record.usage.of_side(Side::Output),
    }
}

/// Why a row and its record differ; none where they agree.
fn reason(billed: &Counts, record: &UsageRecord) -> Option<Reason> {
    let ours = counts(record);
    let same_units = billed.input == ours.input && billed.output == ours.output;
    let same_cache = billed.cached.is_none() || billed.cached == ours.cached;
    if billed.model != ours.model {
        return Some(Reason::Model);
    }
    if same_units && same_cache {
        return None;
    }
    match (record.ended, record.counted) {
        (Ended::Cut, _) => Some(Reason::Cut),
        (Ended::Done, Counted::Estimated) => Some(Reason::Estimated),
        (Ended::Done, Counted::Reported) if same_units => Some(Reason::CacheClass),
        (Ended::Done, Counted::Reported) => Some(Reason::Units),
    }
}

/// The rows of an invoice, each with its line.
fn rows(invoice: &str) -> Result<Vec<(usize, String, Counts)>, InvoiceFault> {
    let wrong = |line: usize, why: &str| InvoiceFault::Row { line, why: why.to_owned() };
    if INVOICE_BYTES_MAX < invoice.len() {
        return Err(wrong(1, &format!("it is longer than {INVOICE_BYTES_MAX} bytes")));
    }
    let mut lines = invoice.lines().enumerate().map(|(at, line)| (at + 1, line));
    let (_, header) = lines.next().ok_or_else(|| wrong(1, "it is empty"))?;
    let header = fields(header).ok_or_else(|| wrong(1, "a quoted field does not end"))?;
    let column = |name: &str| header.iter().position(|field| field == name);
    let needed =
        |name: &'static str| column(name).ok_or_else(|| wrong(1, &format!("it has no column `{name}`")));
    let (id, model) = (needed("id")?, needed("model")?);
    let (input, output, cached) =
        (needed("input_tokens")?, needed("output_tokens")?, column("cached_tokens"));
    let mut rows = Vec::new();
    for (line, text) in lines.filter(|(_, text)| !text.trim().is_empty()) {
        if rows.len() == INVOICE_ROWS_MAX {
            return Err(wrong(line, &format!("it has more than {INVOICE_ROWS_MAX} rows")));
        }
        let fields = fields(text).ok_or_else(|| wrong(line, "a quoted field does not end on its line"))?;
        let text = |at: usize| fields.get(at).cloned().ok_or_else(|| wrong(line, "it has too few fields"));
        let number = |at: usize| {
            let text = text(at)?;
            text.parse::<u64>().map_err(|_| wrong(line, &format!("`{text}` is not a count")))
        };
        let counts = Counts {
            model: text(model)?,
            input: number(input)?,
            cached: cached.map(number).transpose()?,
            output: number(output)?,
        };
        rows.push((line, text(id)?, counts));
    }
    Ok(rows)
}

/// The fields of a line of CSV (RFC 4180): quoted or not, a quote in quotes written twice.
fn fields(line: &str) -> Option<Vec<String>> {
    let mut fields = vec![String::new()];
    let mut characters = line.trim_start_matches('\u{feff}').chars().peekable();
    let mut is_quoted = false;
    while let Some(character) = characters.next() {
        let field = fields.last_mut()?;
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                field.push('"');
            }
            '"' if is_quoted || field.is_empty() => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => field.push(other),
        }
    }
    (!is_quoted).then_some(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use pricing::{Nanos, Usage};

    fn record(model: &str, counts: (u64, u64, u64), counted: Counted, ended: Ended) -> UsageRecord {
        let (fresh, cached, output) = counts;
        UsageRecord {
            meter: "mtr".to_owned(),
            sequence: 1,
            at: jiff::Timestamp::UNIX_EPOCH,
            catalogue: String::new(),
            model: model.to_owned(),
            usage: Usage::call()
                .with(Class::Input, fresh)
                .with(Class::CachedInput, cached)
                .with(Class::Output, output),
            counted,
            ended,
            cost: Nanos::ZERO,
            request: String::new(),
        }
    }

    #[test]
    fn every_row_that_differs_is_found_with_its_reason() {
        use Counted::{Estimated, Reported};
        use Ended::{Cut, Done};
        let rows: &[(&str, Option<UsageRecord>, &str, Option<Reason>)] = &[
            ("a", Some(record("m", (10, 5, 7), Reported, Done)), "a,m,15,7,5", None),
            ("b", Some(record("m", (10, 5, 7), Reported, Done)), "b,m,15,7,6", Some(Reason::CacheClass)),
            ("c", Some(record("m", (10, 5, 7), Reported, Done)), "c,m,16,7,5", Some(Reason::Units)),
            ("d", Some(record("m", (10, 5, 7), Estimated, Done)), "d,m,16,7,5", Some(Reason::Estimated)),
            ("e", Some(record("m", (10, 5, 3), Reported, Cut)), "e,m,15,7,5", Some(Reason::Cut)),
            ("f", Some(record("m", (10, 5, 7), Reported, Done)), "\"f\",\"n\",15,7,5", Some(Reason::Model)),
            ("g", None, "g,m,15,7,5", Some(Reason::NotRecorded)),
            ("h", Some(record("m", (10, 5, 7), Reported, Done)), "", Some(Reason::NotBilled)),
            (
                "i",
                Some(record("m", (1, 0, 1), Reported, Done)),
                "i,m,1,1,0\ni,m,1,1,0",
                Some(Reason::BilledTwice),
            ),
        ];
        let invoice: String = rows.iter().map(|(_, _, line, _)| format!("{line}\n")).collect();
        let invoice =
            super::rows(&format!("id,model,input_tokens,output_tokens,cached_tokens\n{invoice}")).unwrap();
        let mut records: Vec<_> = rows
            .iter()
            .filter_map(|(id, record, ..)| Some((Some((*id).to_owned()), record.clone()?)))
            .collect();
        records.push((None, record("m", (1, 1, 1), Reported, Done)));
        let found = compare(&invoice, records).unwrap();
        assert_eq!((found.agreed, found.nameless), (2, 1));
        let reasons: Vec<_> = found.differences.iter().map(|it| (it.id.as_str(), it.reason)).collect();
        let expected: Vec<_> = rows.iter().filter_map(|(id, _, _, reason)| Some((*id, (*reason)?))).collect();
        assert_eq!(reasons, expected);
    }

    #[test]
    fn an_invoice_is_read_whole_or_not_at_all() {
        assert_eq!(fields("a,\"b,\"\"c\"\"\",,d").unwrap(), ["a", "b,\"c\"", "", "d"]);
        for (invoice, line) in [
            ("", 1),
            ("id,model,input_tokens\n", 1),
            ("id,model,input_tokens,output_tokens\na,m,1,-1\n", 2),
            ("id,model,input_tokens,output_tokens\na,m,1\n", 2),
            ("id,model,input_tokens,output_tokens\n\n\"a,m,1,1\n", 3),
        ] {
            let fault = rows(invoice).unwrap_err().to_string();
            assert!(fault.starts_with(&format!("invoice, line {line}: ")), "{fault}");
        }
    }
}
