//! `seller statement` and `seller reconcile`: what came in and went out in a time, for accounting programs; and what a
//! seller's own records say otherwise.

use super::account::Books;
use crate::args::{SellerReconcile, SellerStatement, StatementForm};
use crate::client::connect;
use crate::exit::{Exit, Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use book::Time;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// A time, from an instant on and before another, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug)]
struct Span {
    from: u64,
    to: u64,
}

impl Span {
    /// Whole days: from the first, through the last.
    fn read(from: Option<&str>, to: Option<&str>, zone: &str) -> Outcome<Span> {
        let zone = TimeZone::get(zone).map_err(Failure::usage)?;
        let instant = |day: Date| -> Outcome<u64> {
            let at = day.to_zoned(zone.clone()).map_err(Failure::usage)?.timestamp();
            u64::try_from(at.as_nanosecond()).map_err(|_| Failure::usage("a day is before 1970"))
        };
        let day = |text: &str| text.parse::<Date>().map_err(Failure::usage);
        let from = from.map(|text| day(text).and_then(instant)).transpose()?.unwrap_or(0);
        let through = |text| day(text)?.tomorrow().map_err(Failure::usage).and_then(instant);
        let to = to.map(through).transpose()?.unwrap_or(u64::MAX);
        if to <= from {
            Err(Failure::usage("the last day is before the first"))
        } else {
            Ok(Span { from, to })
        }
    }
}

#[derive(Serialize)]
struct Written {
    movements: usize,
    opening: wire::Money,
    closing: wire::Money,
}

/// Writes a statement.
pub(super) fn statement(output: &Output, args: &SellerStatement) -> Outcome {
    let span = Span::read(args.from.as_deref(), args.to.as_deref(), &args.zone)?;
    runtime::run(async {
        let books = Books::read(&connect(&args.caller)?).await?;
        let text = match args.form {
            StatementForm::Csv => csv(&books, span)?,
            StatementForm::Camt053 => camt053(&books, span)?,
        };
        let count = books.movements.iter().filter(|it| span.from <= it.at.0 && it.at.0 < span.to).count();
        let opening = books.money(books.balance_before(span.from)?)?;
        let closing = books.money(books.balance_before(span.to)?)?;
        let Some(path) = &args.out else {
            output.product(&text);
            return Ok(());
        };
        std::fs::write(path, text).map_err(|fault| Failure::from(fault).during(path.display()))?;
        output.line(format!("{count} movements, from {} to {}", opening.in_words(), closing.in_words()));
        output.object(&Written { movements: count, opening, closing });
        Ok(())
    })
}

/// RFC 4180.
fn csv(books: &Books, span: Span) -> Outcome<String> {
    let mut text = String::from("entry,time,what,of,amount,currency,balance\r\n");
    let mut balance = books.balance_before(span.from)?;
    for it in books.movements.iter().filter(|it| span.from <= it.at.0 && it.at.0 < span.to) {
        balance = if it.kind.comes_in() { balance + it.minor } else { balance - it.minor };
        let sign = if it.kind.comes_in() { "" } else { "-" };
        let (amount, left) = (books.decimal(it.minor)?, books.decimal(balance)?);
        let (time, code) = (stamp(it.at), books.asset.code());
        write!(text, "{},{time},{},{},{sign}{amount},{code},{left}\r\n", it.entry, it.kind.word(), it.of)
            .expect("a text grows");
    }
    Ok(text)
}

/// ISO 20022, `camt.053.001.08`: a statement as a bank gives it.
fn camt053(books: &Books, span: Span) -> Outcome<String> {
    let code = books.asset.code();
    let movements: Vec<_> =
        books.movements.iter().filter(|it| span.from <= it.at.0 && it.at.0 < span.to).collect();
    // Without days it is about all there is.
    let first = movements.first().map_or(Time(0), |it| it.at);
    let last = movements.last().map_or(first, |it| it.at);
    let from = if span.from == 0 { first } else { Time(span.from) };
    let to = if span.to == u64::MAX { last } else { Time(span.to) };
    let id = format!("{}-{}", last.0, movements.len());
    let made = stamp(to);
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt>\n\
         <GrpHdr><MsgId>{id}</MsgId><CreDtTm>{made}</CreDtTm></GrpHdr>\n\
         <Stmt><Id>{id}</Id><CreDtTm>{made}</CreDtTm><FrToDt><FrDtTm>{}</FrDtTm><ToDtTm>{made}</ToDtTm></FrToDt>\n\
         <Acct><Id><Othr><Id>{}</Id></Othr></Id><Ccy>{code}</Ccy></Acct>\n",
        stamp(from),
        books.payee,
    );
    for (kind, at, minor) in
        [("OPBD", from, books.balance_before(span.from)?), ("CLBD", to, books.balance_before(span.to)?)]
    {
        writeln!(
            text,
            "<Bal><Tp><CdOrPrtry><Cd>{kind}</Cd></CdOrPrtry></Tp><Amt Ccy=\"{code}\">{}</Amt>\
             <CdtDbtInd>CRDT</CdtDbtInd><Dt><DtTm>{}</DtTm></Dt></Bal>",
            books.decimal(minor)?,
            stamp(at)
        )
        .expect("a text grows");
    }
    for (place, it) in movements.iter().enumerate() {
        let side = if it.kind.comes_in() { "CRDT" } else { "DBIT" };
        writeln!(
            text,
            "<Ntry><NtryRef>{}-{place}</NtryRef><Amt Ccy=\"{code}\">{}</Amt><CdtDbtInd>{side}</CdtDbtInd>\
             <Sts><Cd>BOOK</Cd></Sts><BookgDt><DtTm>{}</DtTm></BookgDt><AcctSvcrRef>{}</AcctSvcrRef>\
             <BkTxCd><Prtry><Cd>{}</Cd></Prtry></BkTxCd>\
             <NtryDtls><TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs></TxDtls></NtryDtls></Ntry>",
            it.entry,
            books.decimal(it.minor)?,
            stamp(it.at),
            it.entry,
            it.kind.word(),
            it.of
        )
        .expect("a text grows");
    }
    text.push_str("</Stmt></BkToCstmrStmt></Document>\n");
    Ok(text)
}

impl Books {
    fn decimal(&self, minor: u128) -> Outcome<String> {
        Ok(self.money(minor)?.decimal())
    }

    fn minor(&self, text: &str) -> Option<i128> {
        let (sign, text) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
        let money = crate::money::read(text, self.asset).ok()?;
        i128::try_from(money.amount.minor()).ok().map(|minor| sign * minor)
    }
}

fn stamp(at: Time) -> String {
    let at = Timestamp::from_nanosecond(i128::from(at.0)).unwrap_or(Timestamp::MAX);
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// How a seller's record and the book differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Difference {
    /// The book has it, and the record does not.
    Missing,
    /// The record has it, and the book does not.
    Extra,
    /// Both have it, with other amounts.
    Amount,
    /// The record has it twice.
    Twice,
}

#[derive(Serialize)]
struct Differs<'a> {
    difference: Difference,
    id: &'a str,
    book: Option<String>,
    record: Option<String>,
}

#[derive(Serialize)]
struct Compared {
    agree: usize,
    differ: usize,
}

/// Compares a seller's own record of sales with the book.
pub(super) fn reconcile(output: &Output, args: &SellerReconcile) -> Outcome {
    let span = Span::read(args.from.as_deref(), args.to.as_deref(), &args.zone)?;
    let record = std::fs::read_to_string(&args.record)
        .map_err(|fault| Failure::from(fault).during(args.record.display()))?;
    runtime::run(async {
        let books = Books::read(&connect(&args.caller)?).await?;
        let (rows, twice) = rows(&books, &record)?;
        let sales = books.sales(span.from, span.to);
        let (agree, mut differences) = compare(&sales, &rows);
        differences.extend(twice.iter().map(|id| (Difference::Twice, id.as_str())));
        for (difference, id) in &differences {
            let sale = sales.get(*id).map(|sale| signed(&books, net(*sale))).transpose()?;
            let row = rows.get(*id).map(|row| signed(&books, *row)).transpose()?;
            let said = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".to_owned());
            let word = match difference {
                Difference::Missing => "missing in the record",
                Difference::Extra => "not in the book",
                Difference::Amount => "another amount",
                Difference::Twice => "twice in the record",
            };
            output.line(format!("{id}  {word}: book {}, record {}", said(&sale), said(&row)));
            output.object(&Differs { difference: *difference, id, book: sale, record: row });
        }
        output.line(format!("{agree} sales agree, {} differ", differences.len()));
        output.object(&Compared { agree, differ: differences.len() });
        if differences.is_empty() { Ok(()) } else { Err(Failure::said(Exit::False)) }
    })
}

fn signed(books: &Books, minor: i128) -> Outcome<String> {
    let sign = if minor < 0 { "-" } else { "" };
    Ok(format!("{sign}{}", books.decimal(minor.unsigned_abs())?))
}

/// What a sale came to.
fn net((paid, back): (u128, u128)) -> i128 {
    let whole = |minor: u128| i128::try_from(minor).unwrap_or(i128::MAX);
    whole(paid).saturating_sub(whole(back))
}

/// What agrees, and what differs.
fn compare<'a>(
    sales: &'a BTreeMap<String, (u128, u128)>,
    rows: &'a BTreeMap<String, i128>,
) -> (usize, Vec<(Difference, &'a str)>) {
    let mut differences = Vec::new();
    let mut agree = 0;
    for (id, sale) in sales {
        match rows.get(id) {
            None => differences.push((Difference::Missing, id.as_str())),
            Some(row) if *row != net(*sale) => differences.push((Difference::Amount, id.as_str())),
            Some(_) => agree += 1,
        }
    }
    let extra = rows.keys().filter(|id| !sales.contains_key(*id));
    differences.extend(extra.map(|id| (Difference::Extra, id.as_str())));
    (agree, differences)
}

/// The rows of a record by their id, and the ids that come twice.
fn rows(books: &Books, text: &str) -> Outcome<(BTreeMap<String, i128>, Vec<String>)> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(text.as_bytes());
    let heads = reader.headers().map_err(Failure::usage)?.clone();
    let column = |name: &str| {
        let place = heads.iter().position(|head| head.eq_ignore_ascii_case(name));
        place.ok_or_else(|| Failure::usage(format!("the record has no column `{name}` in its first line")))
    };
    let (id, amount) = (column("id")?, column("amount")?);
    let (mut rows, mut twice) = (BTreeMap::new(), Vec::new());
    for (number, row) in reader.records().enumerate() {
        let row = row.map_err(Failure::usage)?;
        let wrong = |why: &str| Failure::usage(format!("row {} of the record: {why}", number + 2));
        let id = row.get(id).filter(|id| !id.is_empty()).ok_or_else(|| wrong("it has no id"))?;
        let amount = row.get(amount).and_then(|text| books.minor(text));
        let amount = amount.ok_or_else(|| wrong("its amount is none, such as 0.01"))?;
        if rows.insert(id.to_owned(), amount).is_some() {
            twice.push(id.to_owned());
        }
    }
    Ok((rows, twice))
}

#[cfg(test)]
mod tests {
    use super::super::account::{Kind, Movement};
    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    fn books() -> Books {
        let movement = |entry: u64, day: u64, kind, of: &str, minor, beside| Movement {
            entry,
            at: Time(day * DAY + 1),
            kind,
            of: of.to_owned(),
            minor,
            beside,
        };
        Books {
            payee: "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D".parse().unwrap(),
            asset: "CNY/2".parse().unwrap(),
            movements: vec![
                movement(4, 0, Kind::Sale, "pay_a", 1_000, 0),
                movement(4, 0, Kind::Fee, "pay_a", 10, 0),
                movement(7, 1, Kind::Sale, "hld_b", 5, 0),
                movement(9, 2, Kind::Refund, "pay_a", 248, 2),
                movement(11, 3, Kind::Payout, "trf_c", 700, 0),
            ],
        }
    }

    #[test]
    fn a_statement_begins_where_the_last_one_ended() {
        let books = books();
        let all = csv(&books, Span::read(None, None, "UTC").unwrap()).unwrap();
        let last = all.lines().last().unwrap();
        assert_eq!(last, "11,1970-01-04T00:00:00Z,payout,trf_c,-7.00,CNY,0.47");
        let span = Span::read(Some("1970-01-02"), Some("1970-01-03"), "UTC").unwrap();
        let two = csv(&books, span).unwrap();
        let lines: Vec<_> = two.lines().skip(1).collect();
        assert_eq!(lines.len(), 2);
        assert!(lines[0].ends_with("sale,hld_b,0.05,CNY,9.95"), "{}", lines[0]);
        let camt = camt053(&books, span).unwrap();
        assert!(camt.contains("<Cd>OPBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">9.90</Amt>"), "{camt}");
        assert!(camt.contains("<Cd>CLBD</Cd></CdOrPrtry></Tp><Amt Ccy=\"CNY\">7.47</Amt>"), "{camt}");
        assert_eq!(camt.matches("<Ntry>").count(), 2);
        // Whole days are those of the zone: in Shanghai the second began eight hours earlier.
        assert_eq!(Span::read(Some("1970-01-02"), None, "Asia/Shanghai").unwrap().from, 16 * DAY / 24);
        assert!(Span::read(Some("1970-01-03"), Some("1970-01-02"), "UTC").is_err());
    }

    #[test]
    fn every_row_that_is_missing_extra_changed_or_twice_is_found() {
        let books = books();
        let sales = books.sales(0, u64::MAX);
        let check = |record: &str| {
            let (rows, twice) = rows(&books, record).unwrap();
            let (agree, found) = compare(&sales, &rows);
            let found: Vec<_> = found.into_iter().map(|(kind, id)| (kind, id.to_owned())).collect();
            (agree, found, twice)
        };
        assert_eq!(check("id,amount\npay_a,7.50\nhld_b,0.05\n"), (2, vec![], vec![]));
        let (agree, found, twice) = check("Amount , ID\n10.00,pay_a\n0.05,hld_x\n0.05,hld_x\n");
        assert_eq!((agree, twice), (0, vec!["hld_x".to_owned()]));
        let expected = [
            (Difference::Missing, "hld_b".to_owned()),
            (Difference::Amount, "pay_a".to_owned()),
            (Difference::Extra, "hld_x".to_owned()),
        ];
        assert_eq!(found, expected);
        for bad in
            ["amount\n1.00\n", "id,amount\npay_a,1.005\n", "id,amount\n,1.00\n", "id,amount\npay_a,x\n"]
        {
            assert!(rows(&books, bad).is_err(), "{bad}");
        }
    }
}
