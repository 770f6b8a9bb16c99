//! What words mean to the grammar, and the longest phrase of the vocabulary that begins at a word.

use crate::category::{self, Category};
use crate::lexer::{Token, lex};
use crate::{chinese, english};
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// The stretch of time that a limit counts over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The `seconds` before each payment: "in any 24 hours".
    Rolling {
        /// How long, in seconds, from 1 to 366 days.
        seconds: u32,
    },
    /// The day, week or month in the draft's zone.
    Calendar(Period),
}

/// A stretch of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday on.
    Week,
    /// From the first on.
    Month,
}

/// What a phrase does in a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sense {
    /// "at most": what follows or precedes is the most.
    Cap,
    /// "at least".
    Floor,
    /// "below": the most, or the price to wait for.
    Below,
    /// "above": the line to ask at, or the price to wait for.
    Above,
    /// "each": for every single payment.
    Each,
    /// "in total".
    Total,
    /// "a day", "weekly".
    Window(Window),
    /// "a year": a window that no mandate can hold.
    WindowUnknown,
    /// "per", "every": makes a window of a length.
    AnyOf,
    /// "any": makes one too, and may stand for nothing in particular.
    Any,
    /// "a", "an".
    Article,
    /// Says nothing by itself.
    Filler,
    And,
    Or,
    To,
    From,
    Until,
    Before,
    After,
    Within,
    For,
    /// "not before" a time of day.
    NotBefore,
    /// "not after" a time of day.
    NotAfter,
    /// "valid": what follows is how long.
    Valid,
    /// "until I stop it".
    OpenEnded,
    OnlyFrom,
    NotFrom,
    /// "at", "在": before the name of a shop, or a place.
    At,
    Only,
    No,
    Buy,
    Spend,
    /// "ask me".
    Ask,
    /// "every time".
    Always,
    /// "new merchants".
    FirstContact,
    If,
    Then,
    /// "drops to".
    Falls,
    /// "rises to".
    Rises,
    Price,
    Notify,
    /// "automatically".
    Auto,
    /// "去": towards a place.
    Go,
    Retry,
    /// "if the payment fails".
    Fails,
    Cancel,
    Pause,
    /// "price deviation".
    Deviation,
    Once,
    Twice,
    Deliver,
    /// A place to deliver to.
    Place,
    /// "as you see fit": the agent chooses.
    Freely,
    /// "about", before an amount.
    Roughly,
    /// A word that stands for a number, a price or a time without saying which.
    Vague,
    /// What tries to lift limits instead of setting them.
    Override,
    /// A word that restricts, where no rule says how.
    Restricts,
    /// A harmless word that looks like another.
    Plain,
    Category(Category),
    When(DayWord),
    DayPart(DayPart),
    Merchant,
    Product,
    LeaveOut,
    Yes,
}

/// A day or a stretch of days, seen from today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayWord {
    Today,
    Tonight,
    Tomorrow,
    AfterTomorrow,
    ThisWeek,
    NextWeek,
    ThisMonth,
    NextMonth,
    ThisYear,
    ThisWeekend,
    NextWeekend,
    EndOfWeek,
    EndOfMonth,
    EndOfNextMonth,
    EndOfYear,
    /// A day of the week, 0 for Monday.
    Weekday(i8, Which),
    /// A month by its name, from 1.
    Month(i8),
}

/// Which of several days of one name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// "Friday": the next one that comes.
    Coming,
    /// "周五": the one of this week, while it lasts.
    OfThisWeek,
    /// "this Friday".
    This,
    /// "next Friday": of this week or the next, depending on who says it.
    Next,
    /// "下周五": of the next week.
    OfNextWeek,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DayPart {
    Morning,
    Noon,
    /// Afternoon and evening.
    Evening,
}

/// A word for money, which may stand for several currencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CurrencyWord {
    /// One currency and no other, by its ISO 4217 code.
    Code(&'static str),
    /// `$`, "dollars", "bucks".
    Dollar,
    /// `元`, `块`: the currency of China, and the word for those of its neighbours.
    Yuan,
    /// `¥`.
    YuanOrYen,
    /// `毛`, `角`: a tenth.
    Jiao,
    /// `分`: a hundredth.
    Fen,
    /// "cents".
    Cent,
}

/// What a word after a number makes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unit {
    Money(CurrencyWord),
    Length(LengthUnit),
    /// "three times".
    Times,
    /// "three cups".
    Pieces,
    Percent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LengthUnit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

type Index<T> = BTreeMap<String, Vec<(Vec<String>, T)>>;

/// The meaning of the longest phrase that begins at `at`, and the token after it.
pub(crate) fn phrase(tokens: &[Token], at: usize) -> Option<(Sense, usize)> {
    static PHRASES: OnceLock<Index<Sense>> = OnceLock::new();
    longest(PHRASES.get_or_init(phrases), tokens, at)
}

/// The unit that stands at `at`, and the token after it.
pub(crate) fn unit(tokens: &[Token], at: usize) -> Option<(Unit, usize)> {
    static UNITS: OnceLock<Index<Unit>> = OnceLock::new();
    longest(UNITS.get_or_init(|| index(words(english::UNITS).chain(words(chinese::UNITS)))), tokens, at)
}

/// The currency named at `at`, before a number or alone, and the token after it.
pub(crate) fn currency(tokens: &[Token], at: usize) -> Option<(CurrencyWord, usize)> {
    static SIGNS: OnceLock<Index<CurrencyWord>> = OnceLock::new();
    let signs = || index(words(english::CURRENCIES).chain(words(chinese::CURRENCIES)));
    longest(SIGNS.get_or_init(signs), tokens, at)
}

/// Every word of a table's rows, which are parted by `|`.
fn words<T: Copy>(rows: &'static [(T, &'static str)]) -> impl Iterator<Item = (&'static str, T)> {
    rows.iter().flat_map(|(value, words)| words.split('|').map(|word| (word.trim(), *value)))
}

fn phrases() -> Index<Sense> {
    let categories = category::all().map(|(word, category)| (word, Sense::Category(category)));
    let mut index = index(words(english::PHRASES).chain(words(chinese::PHRASES)).chain(categories));
    for (text, sense) in chinese::weekdays() {
        insert(&mut index, &text, sense);
    }
    index
}

fn index<T: Copy>(rows: impl Iterator<Item = (&'static str, T)>) -> Index<T> {
    let mut index = BTreeMap::new();
    for (text, value) in rows {
        insert(&mut index, text, value);
    }
    index
}

/// The first row of a phrase wins.
fn insert<T>(index: &mut Index<T>, text: &str, value: T) {
    let words: Vec<String> = lex(text, 0).into_iter().map(|token| token.text).collect();
    let Some(first) = words.first() else {
        return;
    };
    let rows = index.entry(first.clone()).or_default();
    if rows.iter().all(|(known, _)| *known != words) {
        rows.push((words, value));
        rows.sort_by_key(|(words, _)| std::cmp::Reverse(words.len()));
    }
}

fn longest<T: Copy>(index: &Index<T>, tokens: &[Token], at: usize) -> Option<(T, usize)> {
    let rest = tokens.get(at..)?;
    let rows = index.get(&rest.first()?.text)?;
    let fits = |words: &Vec<String>| {
        words.len() <= rest.len()
            && words.iter().zip(rest).all(|(word, token)| *word == token.text && token.is_vocabulary())
    };
    let (words, value) = rows.iter().find(|(words, _)| fits(words))?;
    Some((*value, at.saturating_add(words.len())))
}
