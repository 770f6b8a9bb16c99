//! Papers: the arithmetic of EN 16931 as its rules say it, read back out of what is written.

#![allow(clippy::unwrap_used)]

use invoice::{Bill, Kind, Language, Line, Party, Sums, Tax, pdf, ubl};
use jiff::civil::date;
use proptest::prelude::*;

fn bill(lines: &[(u128, Tax)]) -> Bill {
    let line = |(place, (gross, tax)): (usize, &(u128, Tax))| Line {
        purchase: format!("pay_{place}"),
        text: format!("Work {place}"),
        gross: *gross,
        tax: tax.clone(),
    };
    Bill {
        kind: Kind::Invoice,
        prefix: "INV-".to_owned(),
        number: 7,
        date: date(2026, 11, 23),
        currency: "EUR".to_owned(),
        scale: 2,
        seller: party("Seller & Söhne", Some("DE123456789")),
        buyer: party("王小明 <buyer>", Some("FR12345678901")),
        lines: lines.iter().enumerate().map(line).collect(),
        note: None,
        language: Language::English,
    }
}

fn party(name: &str, vat_id: Option<&str>) -> Party {
    Party {
        id: "pye_1".to_owned(),
        name: name.to_owned(),
        city: Some("Köln".to_owned()),
        country: "DE".to_owned(),
        vat_id: vat_id.map(str::to_owned),
        ..Party::default()
    }
}

fn at(rate_ppm: u32) -> Tax {
    Tax::Standard { rate_ppm }
}

/// The texts of every element of this name within `xml`.
fn all<'x>(xml: &'x str, name: &str) -> Vec<&'x str> {
    let begins = format!("<{name}");
    let mut found = Vec::new();
    for part in xml.split(begins.as_str()).skip(1).filter(|part| part.starts_with(['>', ' '])) {
        let inner = part.split_once('>').unwrap().1;
        found.push(inner.split(format!("</{name}>").as_str()).next().unwrap());
    }
    found
}

fn cents(text: &str) -> u128 {
    text.replace('.', "").parse().unwrap()
}

fn one(xml: &str, name: &str) -> u128 {
    let found = all(xml, name);
    assert_eq!(found.len(), 1, "{name} in {xml}");
    cents(found[0])
}

/// The rules of EN 16931-1 about sums, as the standard words them, on what is written.
fn assert_adds_up(xml: &str) {
    let totals = all(xml, "cac:LegalMonetaryTotal")[0];
    let lines: Vec<u128> = [all(xml, "cac:InvoiceLine"), all(xml, "cac:CreditNoteLine")]
        .concat()
        .iter()
        .map(|line| one(line, "cbc:LineExtensionAmount"))
        .collect();
    let tax = all(xml, "cac:TaxTotal")[0];
    let groups = all(tax, "cac:TaxSubtotal");
    let total_tax = cents(all(tax, "cbc:TaxAmount")[0]);
    let net = one(totals, "cbc:TaxExclusiveAmount");
    let gross = one(totals, "cbc:TaxInclusiveAmount");
    let rounding = all(totals, "cbc:PayableRoundingAmount").first().map_or(0, |text| cents(text));
    assert_eq!(lines.iter().sum::<u128>(), one(totals, "cbc:LineExtensionAmount"), "BR-CO-10");
    assert_eq!(net, one(totals, "cbc:LineExtensionAmount"), "BR-CO-13");
    assert_eq!(total_tax, groups.iter().map(|it| one(it, "cbc:TaxAmount")).sum(), "BR-CO-14");
    assert_eq!(gross, net + total_tax, "BR-CO-15");
    let due = gross + rounding - one(totals, "cbc:PrepaidAmount");
    assert_eq!(due, one(totals, "cbc:PayableAmount"), "BR-CO-16");
    assert_eq!(due, 0, "everything is paid");
    assert!(!groups.is_empty(), "BR-CO-18");
    for group in groups {
        let (basis, amount) = (one(group, "cbc:TaxableAmount"), one(group, "cbc:TaxAmount"));
        let percent: f64 = all(group, "cbc:Percent").first().map_or(0.0, |text| text.parse().unwrap());
        let exact = basis as f64 * percent / 100.0;
        assert!((amount as f64 - exact).abs() <= 0.500_001, "BR-CO-17: {amount} is not {exact}");
        let category = all(group, "cac:TaxCategory")[0];
        let of = |text: &str| {
            (all(text, "cbc:ID")[0].to_owned(), all(text, "cbc:Percent").first().map(|it| it.to_string()))
        };
        let alike: u128 = [all(xml, "cac:InvoiceLine"), all(xml, "cac:CreditNoteLine")]
            .concat()
            .iter()
            .filter(|line| of(all(line, "cac:ClassifiedTaxCategory")[0]) == of(category))
            .map(|line| one(line, "cbc:LineExtensionAmount"))
            .sum();
        assert_eq!(basis, alike, "BR-S-08");
    }
}

#[test]
fn a_bill_is_written_as_ubl() {
    let xml =
        ubl::write(&bill(&[(11_900, at(190_000)), (10_700, at(70_000)), (2_380, at(190_000))])).unwrap();
    assert_adds_up(&xml);
    for part in [
        "<Invoice xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:Invoice-2\"",
        "<cbc:CustomizationID>urn:cen.eu:en16931:2017</cbc:CustomizationID>",
        "<cbc:ID>INV-7</cbc:ID>",
        "<cbc:IssueDate>2026-11-23</cbc:IssueDate>",
        "<cbc:InvoiceTypeCode>380</cbc:InvoiceTypeCode>",
        "<cbc:RegistrationName>Seller &amp; Söhne</cbc:RegistrationName>",
        "<cbc:RegistrationName>王小明 &lt;buyer&gt;</cbc:RegistrationName>",
        "<cbc:TaxableAmount currencyID=\"EUR\">120.00</cbc:TaxableAmount>",
        "<cbc:TaxAmount currencyID=\"EUR\">22.80</cbc:TaxAmount>",
        "<cbc:TaxAmount currencyID=\"EUR\">29.80</cbc:TaxAmount>",
        "<cbc:Percent>19</cbc:Percent>",
        "<cbc:TaxInclusiveAmount currencyID=\"EUR\">249.80</cbc:TaxInclusiveAmount>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    assert!(!xml.contains("PayableRoundingAmount"));
}

#[test]
fn a_credit_note_names_its_invoice() {
    let mut note = bill(&[(2_000, at(60_000))]);
    note.kind = Kind::CreditNote { of: "INV-7".to_owned(), issued: date(2026, 11, 1) };
    note.prefix = "CRN-".to_owned();
    let xml = ubl::write(&note).unwrap();
    assert_adds_up(&xml);
    for part in [
        "<cbc:CreditNoteTypeCode>381</cbc:CreditNoteTypeCode>",
        "<cbc:ID>CRN-7</cbc:ID>",
        "<cbc:IssueDate>2026-11-01</cbc:IssueDate>",
        "<cbc:CreditedQuantity unitCode=\"C62\">1</cbc:CreditedQuantity>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
}

/// 3 at 20 %: 2 and no tax is 2, 3 and 1 of tax is 4. What is left stands as rounding.
#[test]
fn what_no_net_amount_comes_to_is_rounding() {
    let sums = Sums::of(&bill(&[(3, at(200_000))])).unwrap();
    assert_eq!((sums.net, sums.tax, sums.gross, sums.rounding, sums.paid), (2, 0, 2, 1, 3));
    assert_adds_up(&ubl::write(&bill(&[(3, at(200_000))])).unwrap());
    let exact = Sums::of(&bill(&[(1_999, at(190_000))])).unwrap();
    assert_eq!((exact.net, exact.tax, exact.rounding), (1_680, 319, 0));
}

#[test]
fn what_is_not_taxed_says_why() {
    let exempt = Tax::Exempt { reason: "§ 4 Nr. 21 UStG".to_owned() };
    let mut plain = bill(&[(500, Tax::Outside), (700, Tax::Outside)]);
    (plain.seller.vat_id, plain.buyer.vat_id) = (None, None);
    for (bill, part) in [
        (bill(&[(500, exempt.clone()), (119, at(190_000))]), "<cbc:TaxExemptionReason>§ 4 Nr. 21 UStG<"),
        (bill(&[(500, Tax::ReverseCharge)]), "<cbc:TaxExemptionReason>Reverse charge<"),
        (bill(&[(500, Tax::Zero)]), "<cbc:Percent>0</cbc:Percent>"),
        (plain, "<cbc:TaxExemptionReason>Not subject to VAT<"),
    ] {
        let xml = ubl::write(&bill).unwrap();
        assert_adds_up(&xml);
        assert!(xml.contains(part), "{part} is not in {xml}");
        assert_eq!(xml.contains("cbc:Percent"), !part.contains("Not subject"), "BR-O-05");
    }
}

#[test]
fn what_breaks_a_rule_is_no_bill() {
    type Break = fn(&mut Bill);
    let broken: &[(&str, Break)] = &[
        ("BR-06", |it| it.seller.name = " ".to_owned()),
        ("BR-07", |it| it.buyer.name = String::new()),
        ("BR-09", |it| it.seller.country = "Germany".to_owned()),
        ("BR-11", |it| it.buyer.country = "de".to_owned()),
        ("BR-16", |it| it.lines.clear()),
        ("BR-24", |it| it.lines[0].gross = 0),
        ("BR-25", |it| it.lines[0].text = "two\nlines".to_owned()),
        ("BR-02", |it| it.prefix = "ÄÖÜ".to_owned()),
        ("BT-22", |it| it.note = Some(String::new())),
        ("BR-CO-09", |it| it.seller.vat_id = Some("123".to_owned())),
        ("BR-S-02", |it| it.seller.vat_id = None),
        ("BR-S-05", |it| it.lines[0].tax = at(0)),
        ("BR-E-10", |it| it.lines[0].tax = Tax::Exempt { reason: String::new() }),
        ("BR-O-11", |it| it.lines[0].tax = Tax::Outside),
        ("BR-O-02", |it| it.lines.iter_mut().for_each(|line| line.tax = Tax::Outside)),
        ("BR-AE-02", |it| {
            it.lines[0].tax = Tax::ReverseCharge;
            it.buyer.vat_id = None;
        }),
        ("BR-DEC-14", |it| it.lines[0].gross = u128::MAX),
        ("BR-CL-04", |it| it.currency = "CREDITS".to_owned()),
        ("BR-DEC-09", |it| it.scale = 6),
    ];
    for (rule, breaks) in broken {
        let mut bill = bill(&[(119, at(190_000)), (107, at(70_000))]);
        assert!(ubl::write(&bill).is_ok());
        breaks(&mut bill);
        assert_eq!(ubl::write(&bill).unwrap_err().rule, *rule);
    }
}

/// The text of every page, without the spaces between lines that a reader makes up.
fn text_of(pdf: &[u8]) -> (usize, String) {
    let document = lopdf::Document::load_mem(pdf).unwrap();
    let pages: Vec<u32> = document.get_pages().keys().copied().collect();
    let text = document.extract_text(&pages).unwrap();
    (pages.len(), text.chars().filter(|it| !it.is_whitespace()).collect())
}

#[test]
fn a_bill_is_printed_and_read_back() {
    let mut printed = bill(&[(11_900, at(190_000)), (3, at(70_000))]);
    printed.lines[0].text = "模型调用（十一月）".to_owned();
    printed.note = Some("Paid by an agent. 由智能体付款。".to_owned());
    for language in [Language::English, Language::Chinese] {
        printed.language = language;
        let bytes = pdf::write(&printed).unwrap();
        assert_eq!(bytes, pdf::write(&printed).unwrap(), "the same bill has the same bytes");
        let (pages, text) = text_of(&bytes);
        assert_eq!(pages, 1);
        for part in [
            "INV-7",
            "2026-11-23",
            "Seller&Söhne",
            "王小明<buyer>",
            "模型调用（十一月）",
            "由智能体付款。",
            "119.00",
            "100.00",
            "DE123456789",
            "pay_1",
        ] {
            assert!(text.contains(part), "{part} is not in {text}");
        }
        assert_eq!(text.contains("商业发票"), language == Language::Chinese, "{text}");
        assert_eq!(text.contains("Amountdue0.00"), language == Language::English, "{text}");
    }
}

#[test]
fn a_thousand_lines_take_several_pages_and_none_is_lost() {
    let lines: Vec<(u128, Tax)> = (1..=1_000).map(|gross| (gross, at(130_000))).collect();
    let long = bill(&lines);
    let (pages, text) = text_of(&pdf::write(&long).unwrap());
    assert!((30..80).contains(&pages), "{pages}");
    let missing: Vec<usize> = (0..1_000).filter(|place| !text.contains(&format!("pay_{place}"))).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert_adds_up(&ubl::write(&long).unwrap());
}

proptest! {
    #[test]
    fn every_bill_adds_up(
        lines in proptest::collection::vec((1u128..10_000_000, 0usize..6), 1..40),
    ) {
        let taxes = [
            at(190_000), at(70_000), at(55_000), at(1_000_000), Tax::Zero, Tax::ReverseCharge,
        ];
        let lines: Vec<(u128, Tax)> = lines.iter().map(|(gross, tax)| (*gross, taxes[*tax].clone())).collect();
        let bill = bill(&lines);
        let sums = Sums::of(&bill).unwrap();
        prop_assert!(sums.rounding <= u128::try_from(sums.groups.len()).unwrap());
        prop_assert_eq!(sums.gross + sums.rounding, lines.iter().map(|line| line.0).sum::<u128>());
        for (net, (gross, _)) in sums.lines.iter().zip(&lines) {
            prop_assert!(net <= gross);
        }
        assert_adds_up(&ubl::write(&bill).unwrap());
    }
}
