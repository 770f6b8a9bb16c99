//! A bill: who sold what to whom, for how much, and how it is taxed; and what makes it none.

use crate::limits::{AMOUNT_MAX, LINES_MAX, NOTE_CHARS_MAX, PREFIX_BYTES_MAX, RATE_PPM_MAX, TEXT_CHARS_MAX};
use jiff::civil::Date;

/// Everything that an invoice or a credit note says. All of it was paid, or given back, before it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bill {
    /// Which of the two it is.
    pub kind: Kind,
    /// What stands before the number.
    pub prefix: String,
    /// Its number in its series.
    pub number: u64,
    /// The day it was issued.
    pub date: Date,
    /// The code of what was paid with, such as `EUR`.
    pub currency: String,
    /// The decimals of its smallest unit.
    pub scale: u8,
    /// Who sells.
    pub seller: Party,
    /// Who bought.
    pub buyer: Party,
    /// What was sold.
    pub lines: Vec<Line>,
    /// A remark.
    pub note: Option<String>,
    /// In which language labels are written.
    pub language: Language,
}

/// An invoice or a credit note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It bills what was paid.
    Invoice,
    /// It takes back what was refunded.
    CreditNote {
        /// The printed number of the invoice.
        of: String,
        /// The day that was issued.
        issued: Date,
    },
}

/// In which language labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Chinese.
    Chinese,
}

/// A seller or a buyer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Party {
    /// What the book calls it.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Street and number.
    pub street: Option<String>,
    /// The city.
    pub city: Option<String>,
    /// The post code.
    pub postcode: Option<String>,
    /// The country, by its two letters.
    pub country: String,
    /// Its number for value added tax, its country before it.
    pub vat_id: Option<String>,
    /// Its number as a company.
    pub registration: Option<String>,
}

/// One purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What the book calls it.
    pub purchase: String,
    /// What was sold.
    pub text: String,
    /// What was paid for it, in smallest units, tax included. Never nothing.
    pub gross: u128,
    /// How it is taxed.
    pub tax: Tax,
}

/// How a line is taxed: the categories of EN 16931 that what is paid at once needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tax {
    /// `S`: at so many millionths.
    Standard {
        /// Above 0.
        rate_ppm: u32,
    },
    /// `Z`: at a rate of nothing.
    Zero,
    /// `E`: exempt, for a reason.
    Exempt {
        /// As the law says it.
        reason: String,
    },
    /// `AE`: the buyer owes it.
    ReverseCharge,
    /// `O`: there is none, or the seller owes none.
    Outside,
}

impl Tax {
    /// The letter of EN 16931.
    pub fn category(&self) -> &'static str {
        match self {
            Tax::Standard { .. } => "S",
            Tax::Zero => "Z",
            Tax::Exempt { .. } => "E",
            Tax::ReverseCharge => "AE",
            Tax::Outside => "O",
        }
    }

    /// The rate in millionths.
    pub fn rate_ppm(&self) -> u32 {
        match self {
            Tax::Standard { rate_ppm } => *rate_ppm,
            Tax::Zero | Tax::Exempt { .. } | Tax::ReverseCharge | Tax::Outside => 0,
        }
    }

    /// Whether both are one row of the breakdown.
    pub(crate) fn is_like(&self, other: &Tax) -> bool {
        (self.category(), self.rate_ppm()) == (other.category(), other.rate_ppm())
    }
}

/// Why something is no bill: a rule of EN 16931 by its name, or a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// The rule, such as `BR-S-02`.
    pub rule: &'static str,
    /// What is missing or too much.
    pub what: &'static str,
}

impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.what, self.rule)
    }
}

impl std::error::Error for Wrong {}

fn unless(holds: bool, rule: &'static str, what: &'static str) -> Result<(), Wrong> {
    if holds { Ok(()) } else { Err(Wrong { rule, what }) }
}

impl Bill {
    /// The number as printed.
    pub fn printed_number(&self) -> String {
        format!("{}{}", self.prefix, self.number)
    }

    /// Whether it is a bill, whatever amounts it will have.
    ///
    /// # Errors
    /// [`Wrong`], of the first rule that is broken.
    pub fn check(&self) -> Result<(), Wrong> {
        check_prefix(&self.prefix)?;
        check_parties(&self.seller, &self.buyer, self.lines.iter().map(|line| &line.tax))?;
        unless(
            (1..=LINES_MAX).contains(&self.lines.len()),
            "BR-16",
            "a bill has at least one line, and at most 1,000",
        )?;
        let sum = self.lines.iter().try_fold(0u128, |sum, line| sum.checked_add(line.gross));
        unless(sum.is_some_and(|sum| sum <= AMOUNT_MAX), "BR-DEC-14", "the amount is too large for a bill")?;
        self.lines.iter().try_for_each(|line| {
            unless(line.gross != 0, "BR-24", "a line of nothing")?;
            check_line_text(&line.text)
        })?;
        check_note(self.note.as_deref())
    }
}

/// Whether this may stand before a number.
///
/// # Errors
/// [`Wrong`] where it may not.
pub fn check_prefix(prefix: &str) -> Result<(), Wrong> {
    let plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '/' | '.' | '_' | '-');
    let fits = prefix.len() <= PREFIX_BYTES_MAX && prefix.chars().all(plain);
    unless(fits, "BR-02", "before the number stand at most 16 letters, digits, and `/._-`")
}

/// Whether this may be a remark.
///
/// # Errors
/// [`Wrong`] where it may not.
pub fn check_note(note: Option<&str>) -> Result<(), Wrong> {
    let is_note = |note: &str| {
        let plain = |it: char| !it.is_control() || it == '\n';
        !note.is_empty() && note.chars().count() <= NOTE_CHARS_MAX && note.chars().all(plain)
    };
    unless(note.is_none_or(is_note), "BT-22", "a remark has 1 to 2,000 characters")
}

/// Whether these two may sell and buy what is taxed so.
///
/// # Errors
/// [`Wrong`], of the first rule that is broken.
pub fn check_parties<'a>(
    seller: &Party,
    buyer: &Party,
    taxes: impl Iterator<Item = &'a Tax> + Clone,
) -> Result<(), Wrong> {
    for (party, named, placed) in [(seller, "BR-06", "BR-09"), (buyer, "BR-07", "BR-11")] {
        let what = "a party has a name, of at most 200 characters";
        check_text(&party.name, TEXT_CHARS_MAX, named, what)?;
        let letters = party.country.len() == 2 && party.country.bytes().all(|it| it.is_ascii_uppercase());
        unless(letters, placed, "a party has a country, by its two letters")?;
        let rest = [&party.street, &party.city, &party.postcode, &party.vat_id, &party.registration];
        rest.into_iter().flatten().try_for_each(|text| {
            check_text(
                text,
                TEXT_CHARS_MAX,
                "BG-5",
                "a text of an address or a number has 1 to 200 characters",
            )
        })?;
        let begins = |id: &String| id.bytes().take(2).filter(u8::is_ascii_uppercase).count() == 2;
        unless(
            party.vat_id.as_ref().is_none_or(begins),
            "BR-CO-09",
            "a number for value added tax begins with its country",
        )?;
    }
    let outside = taxes.clone().filter(|tax| **tax == Tax::Outside).count();
    if outside != 0 {
        unless(
            outside == taxes.clone().count(),
            "BR-O-11",
            "either every line is outside of tax, or none is",
        )?;
        let numbers = seller.vat_id.is_some() || buyer.vat_id.is_some();
        return unless(
            !numbers,
            "BR-O-02",
            "where there is no value added tax, nobody gives a number for it",
        );
    }
    for tax in taxes {
        unless(seller.vat_id.is_some(), "BR-S-02", "who charges value added tax gives a number for it")?;
        match tax {
            Tax::Standard { rate_ppm } => {
                let is_rate = (1..=RATE_PPM_MAX).contains(rate_ppm);
                unless(is_rate, "BR-S-05", "a rate is above nothing, and at most the whole")?;
            }
            Tax::Exempt { reason } => {
                check_text(reason, TEXT_CHARS_MAX, "BR-E-10", "what is exempt is so for a reason")?;
            }
            Tax::ReverseCharge => {
                let known = buyer.vat_id.is_some() || buyer.registration.is_some();
                unless(known, "BR-AE-02", "a buyer who owes the tax gives a number")?;
            }
            Tax::Zero | Tax::Outside => {}
        }
    }
    Ok(())
}

/// Whether this may say what was sold.
///
/// # Errors
/// [`Wrong`] where it may not.
pub fn check_line_text(text: &str) -> Result<(), Wrong> {
    check_text(text, TEXT_CHARS_MAX, "BR-25", "a line says what was sold, in at most 200 characters")
}

fn check_text(text: &str, chars_max: usize, rule: &'static str, what: &'static str) -> Result<(), Wrong> {
    let count = text.trim().chars().count();
    unless(count != 0 && text.chars().count() <= chars_max && !text.chars().any(char::is_control), rule, what)
}
