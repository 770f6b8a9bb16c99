//! UBL 2.1: a bill as an Invoice or a CreditNote of the core of EN 16931-1, in the syntax of CEN/TS 16931-3-2.

use crate::bill::{Bill, Kind, Line, Party, Tax, Wrong};
use crate::currency::is_currency;
use crate::limits::DECIMALS_MAX;
use crate::sums::Sums;
use crate::xml::Xml;

/// BT-24.
const CORE: &str = "urn:cen.eu:en16931:2017";

const NAMESPACES: &str = "xmlns:cac=\"urn:oasis:names:specification:ubl:schema:xsd:CommonAggregateComponents-2\" \
     xmlns:cbc=\"urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2\"";

/// The bill as XML.
///
/// # Errors
/// [`Wrong`] where it is none, or was not paid with a currency of ISO 4217 of at most two decimals.
pub fn write(bill: &Bill) -> Result<String, Wrong> {
    let sums = Sums::of(bill)?;
    if !is_currency(&bill.currency) {
        return Err(Wrong { rule: "BR-CL-04", what: "what was paid with is no currency of ISO 4217" });
    }
    if DECIMALS_MAX < bill.scale {
        return Err(Wrong { rule: "BR-DEC-09", what: "amounts have more than two decimals" });
    }
    let (root, schema, type_name, code) = match bill.kind {
        Kind::Invoice => ("Invoice", "Invoice-2", "cbc:InvoiceTypeCode", "380"),
        Kind::CreditNote { .. } => ("CreditNote", "CreditNote-2", "cbc:CreditNoteTypeCode", "381"),
    };
    let mut xml = Xml::new(
        root,
        &format!("xmlns=\"urn:oasis:names:specification:ubl:schema:xsd:{schema}\" {NAMESPACES}"),
    );
    xml.leaf("cbc:CustomizationID", CORE);
    xml.leaf("cbc:ID", &bill.printed_number());
    xml.leaf("cbc:IssueDate", &bill.date.to_string());
    xml.leaf(type_name, code);
    xml.maybe("cbc:Note", bill.note.as_deref());
    xml.leaf("cbc:DocumentCurrencyCode", &bill.currency);
    if let Kind::CreditNote { of, issued } = &bill.kind {
        xml.begin("cac:BillingReference");
        xml.begin("cac:InvoiceDocumentReference");
        xml.leaf("cbc:ID", of);
        xml.leaf("cbc:IssueDate", &issued.to_string());
        xml.end();
        xml.end();
    }
    for (role, it) in
        [("cac:AccountingSupplierParty", &bill.seller), ("cac:AccountingCustomerParty", &bill.buyer)]
    {
        xml.begin(role);
        party(&mut xml, it);
        xml.end();
    }
    totals(&mut xml, bill, &sums);
    for ((place, line), net) in (1..).zip(&bill.lines).zip(&sums.lines) {
        self::line(&mut xml, bill, place, line, *net);
    }
    Ok(xml.finish())
}

fn party(xml: &mut Xml, it: &Party) {
    xml.begin("cac:Party");
    if !it.id.is_empty() {
        xml.begin("cac:PartyIdentification");
        xml.leaf("cbc:ID", &it.id);
        xml.end();
    }
    xml.begin("cac:PostalAddress");
    xml.maybe("cbc:StreetName", it.street.as_deref());
    xml.maybe("cbc:CityName", it.city.as_deref());
    xml.maybe("cbc:PostalZone", it.postcode.as_deref());
    xml.begin("cac:Country");
    xml.leaf("cbc:IdentificationCode", &it.country);
    xml.end();
    xml.end();
    if let Some(vat_id) = &it.vat_id {
        xml.begin("cac:PartyTaxScheme");
        xml.leaf("cbc:CompanyID", vat_id);
        scheme(xml);
        xml.end();
    }
    xml.begin("cac:PartyLegalEntity");
    xml.leaf("cbc:RegistrationName", &it.name);
    xml.maybe("cbc:CompanyID", it.registration.as_deref());
    xml.end();
    xml.end();
}

fn totals(xml: &mut Xml, bill: &Bill, sums: &Sums) {
    let money = |xml: &mut Xml, name: &'static str, minor: u128| {
        xml.leaf_of(name, Some(("currencyID", &bill.currency)), &decimal(minor, bill.scale));
    };
    xml.begin("cac:TaxTotal");
    money(xml, "cbc:TaxAmount", sums.tax);
    for group in &sums.groups {
        xml.begin("cac:TaxSubtotal");
        money(xml, "cbc:TaxableAmount", group.net);
        money(xml, "cbc:TaxAmount", group.amount);
        xml.begin("cac:TaxCategory");
        category(xml, &group.tax);
        xml.maybe("cbc:TaxExemptionReason", reason(&group.tax));
        scheme(xml);
        xml.end();
        xml.end();
    }
    xml.end();
    xml.begin("cac:LegalMonetaryTotal");
    money(xml, "cbc:LineExtensionAmount", sums.net);
    money(xml, "cbc:TaxExclusiveAmount", sums.net);
    money(xml, "cbc:TaxInclusiveAmount", sums.gross);
    money(xml, "cbc:PrepaidAmount", sums.paid);
    if sums.rounding != 0 {
        money(xml, "cbc:PayableRoundingAmount", sums.rounding);
    }
    money(xml, "cbc:PayableAmount", 0);
    xml.end();
}

fn line(xml: &mut Xml, bill: &Bill, place: u32, it: &Line, net: u128) {
    let (name, quantity) = match bill.kind {
        Kind::Invoice => ("cac:InvoiceLine", "cbc:InvoicedQuantity"),
        Kind::CreditNote { .. } => ("cac:CreditNoteLine", "cbc:CreditedQuantity"),
    };
    let net = decimal(net, bill.scale);
    xml.begin(name);
    xml.leaf("cbc:ID", &place.to_string());
    // One of what was sold (UN/ECE Recommendation 20), so that its price is its amount.
    xml.leaf_of(quantity, Some(("unitCode", "C62")), "1");
    xml.leaf_of("cbc:LineExtensionAmount", Some(("currencyID", &bill.currency)), &net);
    xml.begin("cac:DocumentReference");
    xml.leaf("cbc:ID", &it.purchase);
    xml.leaf("cbc:DocumentTypeCode", "130");
    xml.end();
    xml.begin("cac:Item");
    xml.leaf("cbc:Name", &it.text);
    xml.begin("cac:ClassifiedTaxCategory");
    category(xml, &it.tax);
    scheme(xml);
    xml.end();
    xml.end();
    xml.begin("cac:Price");
    xml.leaf_of("cbc:PriceAmount", Some(("currencyID", &bill.currency)), &net);
    xml.end();
    xml.end();
}

/// The letter and the rate. What is outside of tax has no rate (BR-O-05).
fn category(xml: &mut Xml, tax: &Tax) {
    xml.leaf("cbc:ID", tax.category());
    if *tax != Tax::Outside {
        xml.leaf("cbc:Percent", &percent(tax.rate_ppm()));
    }
}

fn scheme(xml: &mut Xml) {
    xml.begin("cac:TaxScheme");
    xml.leaf("cbc:ID", "VAT");
    xml.end();
}

fn reason(tax: &Tax) -> Option<&str> {
    match tax {
        Tax::Standard { .. } | Tax::Zero => None,
        Tax::Exempt { reason } => Some(reason),
        Tax::ReverseCharge => Some("Reverse charge"),
        Tax::Outside => Some("Not subject to VAT"),
    }
}

/// An amount of smallest units, with its decimals.
pub(crate) fn decimal(minor: u128, scale: u8) -> String {
    let digits = format!("{minor:0>width$}", width = usize::from(scale) + 1);
    let (whole, rest) = digits.split_at(digits.len() - usize::from(scale));
    if rest.is_empty() { whole.to_owned() } else { format!("{whole}.{rest}") }
}

/// Millionths as hundredths, without zeros that say nothing: 190000 is `19`.
pub(crate) fn percent(ppm: u32) -> String {
    let text = decimal(u128::from(ppm), 4);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
