//! PDF: a bill on pages of A4 to read and to print out. It says what the XML says, and what it says can be copied out of it.

use crate::bill::{Bill, Kind, Party, Tax, Wrong};
use crate::font::Fonts;
use crate::sums::Sums;
use crate::ubl::decimal;
use crate::words::{Words, title};
use krilla::Document;
use krilla::SerializeSettings;
use krilla::geom::{PathBuilder, Rect};
use krilla::metadata::Metadata;
use krilla::page::PageSettings;
use krilla::surface::Surface;

/// A4, in points.
const WIDTH: f32 = 595.0;
const HEIGHT: f32 = 842.0;
const LEFT: f32 = 56.0;
const RIGHT: f32 = WIDTH - 56.0;
const TOP: f32 = 64.0;
/// Nothing but the number of the page stands below.
const BOTTOM: f32 = HEIGHT - 72.0;

const TITLE: f32 = 20.0;
const TEXT: f32 = 9.5;
const SMALL: f32 = 8.0;
const LEADING: f32 = 14.0;

/// Where the columns of the table end.
const WHAT_WIDTH: f32 = 250.0;
const TAX_END: f32 = LEFT + 340.0;
const NET_END: f32 = LEFT + 412.0;

/// Something at a place of a page.
#[derive(Debug)]
enum Mark {
    Text { x: f32, y: f32, size: f32, text: String },
    Rule { y: f32 },
}

/// Pages that are filled from top to bottom.
struct Sheets<'f> {
    fonts: &'f Fonts,
    pages: Vec<Vec<Mark>>,
    y: f32,
}

impl Sheets<'_> {
    fn mark(&mut self, mark: Mark) {
        if let Some(page) = self.pages.last_mut() {
            page.push(mark);
        }
    }

    fn text(&mut self, x: f32, size: f32, text: &str) {
        let (y, text) = (self.y, text.to_owned());
        self.mark(Mark::Text { x, y, size, text });
    }

    /// A text that ends at `x`.
    fn text_to(&mut self, x: f32, size: f32, text: &str) {
        self.text(x - self.fonts.width(text, size), size, text);
    }

    fn rule(&mut self) {
        let y = self.y - LEADING + 4.0;
        self.mark(Mark::Rule { y });
    }

    fn down(&mut self, by: f32) {
        self.y += by;
    }

    /// Begins another page where less than `needed` is left on this one; true where it did.
    fn needs(&mut self, needed: f32) -> bool {
        if self.y + needed <= BOTTOM {
            return false;
        }
        self.pages.push(Vec::new());
        self.y = TOP;
        true
    }
}

/// The bill as PDF.
///
/// # Errors
/// [`Wrong`] where it is none.
pub fn write(bill: &Bill) -> Result<Vec<u8>, Wrong> {
    let sums = Sums::of(bill)?;
    let (fonts, words) = (Fonts::new(), Words::of(bill.language));
    let mut sheets = Sheets { fonts: &fonts, pages: vec![Vec::new()], y: TOP };
    head(&mut sheets, bill, words);
    table(&mut sheets, bill, &sums, words);
    totals(&mut sheets, bill, &sums, words);
    if let Some(note) = &bill.note {
        sheets.down(LEADING);
        for line in fonts.lines(note, TEXT, RIGHT - LEFT) {
            sheets.needs(LEADING);
            sheets.text(LEFT, TEXT, &line);
            sheets.down(LEADING);
        }
    }
    let pages = sheets.pages;
    Ok(print(bill, &fonts, words, &pages))
}

fn head(sheets: &mut Sheets<'_>, bill: &Bill, words: &Words) {
    sheets.text(LEFT, TITLE, title(&bill.kind, bill.language));
    let mut facts = vec![(words.number, bill.printed_number()), (words.date, bill.date.to_string())];
    if let Kind::CreditNote { of, issued } = &bill.kind {
        facts.push((words.of, format!("{of}, {issued}")));
    }
    for (label, value) in facts {
        sheets.text_to(RIGHT, TEXT, &format!("{label} {value}"));
        sheets.down(LEADING);
    }
    sheets.down(LEADING * 1.5);
    let top = sheets.y;
    let middle = (LEFT + RIGHT) / 2.0;
    let mut lowest = top;
    for (x, label, party) in [(LEFT, words.seller, &bill.seller), (middle, words.buyer, &bill.buyer)] {
        sheets.y = top;
        sheets.text(x, SMALL, label);
        sheets.down(LEADING);
        for line in address(party, words) {
            for line in sheets.fonts.lines(&line, TEXT, middle - LEFT - 12.0) {
                sheets.text(x, TEXT, &line);
                sheets.down(LEADING);
            }
        }
        lowest = lowest.max(sheets.y);
    }
    sheets.y = lowest;
    sheets.down(LEADING * 1.5);
}

/// A party as on an envelope, and its numbers.
fn address(party: &Party, words: &Words) -> Vec<String> {
    let city: Vec<&str> = [&party.postcode, &party.city].into_iter().flatten().map(String::as_str).collect();
    let mut lines = vec![party.name.clone()];
    lines.extend(party.street.clone());
    lines.extend(Some(city.join(" ")).filter(|line| !line.is_empty()));
    lines.push(party.country.clone());
    lines.extend(party.vat_id.as_ref().map(|id| format!("{} {id}", words.vat_id)));
    lines.extend(party.registration.as_ref().map(|id| format!("{} {id}", words.registration)));
    lines
}

fn table_head(sheets: &mut Sheets<'_>, bill: &Bill, words: &Words) {
    sheets.text(LEFT, SMALL, words.what);
    sheets.text_to(TAX_END, SMALL, words.tax);
    sheets.text_to(NET_END, SMALL, words.net);
    sheets.text_to(RIGHT, SMALL, &format!("{} ({})", words.gross, bill.currency));
    sheets.down(LEADING);
    sheets.rule();
    sheets.down(4.0);
}

fn table(sheets: &mut Sheets<'_>, bill: &Bill, sums: &Sums, words: &Words) {
    table_head(sheets, bill, words);
    for (line, net) in bill.lines.iter().zip(&sums.lines) {
        let said = sheets.fonts.lines(&line.text, TEXT, WHAT_WIDTH);
        let rows: f32 = said.iter().map(|_| LEADING).sum();
        if sheets.needs(rows + LEADING) {
            table_head(sheets, bill, words);
        }
        sheets.text_to(TAX_END, TEXT, &words.tax_called(&line.tax));
        sheets.text_to(NET_END, TEXT, &decimal(*net, bill.scale));
        sheets.text_to(RIGHT, TEXT, &decimal(line.gross, bill.scale));
        for text in said {
            sheets.text(LEFT, TEXT, &text);
            sheets.down(LEADING);
        }
        sheets.text(LEFT, SMALL, &line.purchase);
        sheets.down(LEADING);
    }
    sheets.rule();
    sheets.down(4.0);
}

fn totals(sheets: &mut Sheets<'_>, bill: &Bill, sums: &Sums, words: &Words) {
    let mut rows = vec![(words.total_net.to_owned(), sums.net)];
    for group in &sums.groups {
        let of = decimal(group.net, bill.scale);
        let called = match &group.tax {
            Tax::Standard { .. } | Tax::Zero => {
                format!("{} {} ({of})", words.total_tax, words.tax_called(&group.tax))
            }
            Tax::Exempt { reason } => format!("{}: {reason}", words.exempt),
            Tax::ReverseCharge => words.reverse.to_owned(),
            Tax::Outside => words.outside.to_owned(),
        };
        rows.push((called, group.amount));
    }
    if sums.rounding != 0 {
        rows.push((words.rounding.to_owned(), sums.rounding));
    }
    let gross = format!("{} ({})", words.gross, bill.currency);
    let paid = match bill.kind {
        Kind::Invoice => words.paid,
        Kind::CreditNote { .. } => words.returned,
    };
    rows.extend([(gross, sums.paid), (paid.to_owned(), sums.paid), (words.due.to_owned(), 0)]);
    for (label, minor) in rows {
        let said = sheets.fonts.lines(&label, TEXT, NET_END - LEFT);
        for (place, label) in said.iter().enumerate() {
            sheets.needs(LEADING);
            sheets.text_to(NET_END, TEXT, label);
            if place + 1 == said.len() {
                sheets.text_to(RIGHT, TEXT, &decimal(minor, bill.scale));
            }
            sheets.down(LEADING);
        }
    }
}

fn print(bill: &Bill, fonts: &Fonts, words: &Words, pages: &[Vec<Mark>]) -> Vec<u8> {
    let mut document =
        Document::new_with(SerializeSettings { xmp_metadata: false, ..SerializeSettings::default() });
    document
        .set_metadata(Metadata::new().title(bill.printed_number()).authors(vec![bill.seller.name.clone()]));
    for (number, marks) in (1..).zip(pages) {
        let size = PageSettings::from_wh(WIDTH, HEIGHT).expect("a page has a size");
        let mut page = document.start_page_with(size);
        let mut surface = page.surface();
        for mark in marks {
            match mark {
                Mark::Text { x, y, size, text } => fonts.draw(&mut surface, *x, *y, *size, text),
                Mark::Rule { y } => rule(&mut surface, *y),
            }
        }
        let foot = format!("{}  ·  {} {number}/{}", bill.printed_number(), words.page, pages.len());
        fonts.draw(&mut surface, LEFT, HEIGHT - 40.0, SMALL, &foot);
        surface.finish();
        page.finish();
    }
    document.finish().expect("texts and lines in fonts of ours are a document")
}

fn rule(surface: &mut Surface<'_>, y: f32) {
    let mut path = PathBuilder::new();
    if let Some(rect) = Rect::from_ltrb(LEFT, y, RIGHT, y + 0.6) {
        path.push_rect(rect);
    }
    path.finish().iter().for_each(|path| surface.draw_path(path));
}
