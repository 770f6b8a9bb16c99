//! What words were understood as, and what they leave in doubt.

use crate::category::Category;
use crate::decimal::Decimal;
use crate::money::Currency;
use crate::question::Code;
use crate::sense::Window;
use crate::text::Span;
use jiff::Timestamp;
use jiff::civil::Time;

/// One thing that the words of one stretch of text say. Amounts are in whole units of the draft's currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The most that one payment may be, inclusive.
    PerPayment(Decimal),
    /// The least that one payment may be, inclusive.
    PerPaymentMin(Decimal),
    /// The most that may be spent in all, inclusive.
    Total(Decimal),
    /// The most that may be spent in one window, inclusive.
    InWindow(Window, Decimal),
    /// The most, without saying of what; the draft decides from the rest of the sentence, or asks.
    Most(Decimal),
    /// How many payments.
    Uses(u32),
    /// How many payments in one window.
    Velocity(Window, u32),
    /// One thing is to be bought: "a flight".
    OneErrand,
    /// How many pieces of it.
    Pieces(u32),
    /// Payments above this ask first.
    AskAbove(Decimal),
    /// Every payment asks first.
    AskAlways,
    /// A payee that was never paid before asks first.
    AskFirstContact,
    /// Only these merchants, by name.
    PayeeAllowed(String),
    /// Not this merchant, by name.
    PayeeDenied(String),
    /// Only these categories.
    CategoryAllowed(Category),
    /// Not this category.
    CategoryDenied(Category),
    /// What the purchase is about, where nothing says that it may be nothing else.
    About(Category),
    /// Not before this moment.
    From(Timestamp),
    /// Until this moment, exclusive.
    Until(Timestamp),
    /// Until the owner ends it.
    OpenEnded,
    /// Wait for a price.
    Trigger(Trigger),
    /// What happens at that price.
    TriggerAction(TriggerAction),
    /// Who chooses the target.
    Mode(Mode),
    /// How far the price may be from the one shown, in percent, inclusive.
    Tolerance(Decimal),
    /// What happens when it is further.
    OnDeviation(OnDeviation),
    /// What happens when a payment fails.
    OnFailure(OnFailure),
    /// When it has to be delivered, at the latest.
    DeliverBy(Timestamp),
    /// Where it has to be delivered.
    DeliverTo(String),
    /// What is bought takes place no earlier in the day, on the clocks of the zone.
    NotBefore(Time),
    /// What is bought takes place no later in the day.
    NotAfter(Time),
    /// Something about the goods that no limit can hold; the agent has to keep it.
    Wish(String),
    /// A word that says which currency.
    Currency(Currency),
    /// What to buy, in the owner's words.
    Goal,
    /// What the owner said to leave out.
    LeftOut,
}

/// A price to wait for. The amount is in whole units of the draft's currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// At this price or below.
    AtOrBelow(Decimal),
    /// At this price or above.
    AtOrAbove(Decimal),
}

impl Trigger {
    /// The price.
    pub fn price(self) -> Decimal {
        match self {
            Trigger::AtOrBelow(price) | Trigger::AtOrAbove(price) => price,
        }
    }
}

/// What happens when the price is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerAction {
    /// It is bought.
    Buy,
    /// The owner is told, and confirms or not.
    NotifyAndConfirm,
}

/// ACT's delegation mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The target is fixed: `SPECIFIED`.
    Specified,
    /// Only the goal and the limits are: `BOUNDED`.
    Bounded,
}

/// ACT's `price_deviation_action`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDeviation {
    /// `PAUSE_AND_NOTIFY`.
    PauseAndNotify,
    /// `AUTO_CANCEL`.
    AutoCancel,
}

/// ACT's `on_payment_failure` and `max_retry_count`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// `AUTO_RETRY`, at most so many times.
    Retry(u32),
    /// `CANCEL`.
    Cancel,
}

/// A meaning, and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reading {
    /// What.
    pub meaning: Meaning,
    /// Where; the text there says so literally: for an amount, the number and its currency.
    pub span: Span,
    /// All the words that it was read from: "at most", "a day" and the like too.
    pub whole: Span,
}

impl Reading {
    pub(crate) fn new(meaning: Meaning, span: Span) -> Reading {
        Reading { meaning, span, whole: span }
    }
}

/// Something that stays open until the owner says what it means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Doubt {
    pub(crate) code: Code,
    pub(crate) span: Span,
    pub(crate) matter: Matter,
}

/// What an answer is applied to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Matter {
    /// The answer says all of it.
    Words,
    /// An amount without a role.
    Amount(Decimal),
    /// An amount is missing for this.
    Scope(Scope),
    /// A word for several currencies.
    Currencies(Vec<Currency>),
    /// A name that may be a merchant's.
    Name(String),
    /// Something is not to be bought.
    Avoid(String),
    /// Only something is to be bought.
    Require(String),
    /// How often a failed payment is tried again.
    Retries,
    /// When it begins.
    Begins,
    /// When it ends.
    Ends,
    /// When it has to be delivered.
    Delivery,
}

/// What an amount is the most of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Each,
    Total,
    Window(Window),
    /// Nothing says so.
    Open,
    /// Not the most, but the least of each.
    Least,
    AskAbove,
    TriggerBelow,
    TriggerAbove,
}

impl Scope {
    pub(crate) fn of(self, amount: Decimal) -> Meaning {
        match self {
            Scope::Each => Meaning::PerPayment(amount),
            Scope::Total => Meaning::Total(amount),
            Scope::Window(window) => Meaning::InWindow(window, amount),
            Scope::Open => Meaning::Most(amount),
            Scope::Least => Meaning::PerPaymentMin(amount),
            Scope::AskAbove => Meaning::AskAbove(amount),
            Scope::TriggerBelow => Meaning::Trigger(Trigger::AtOrBelow(amount)),
            Scope::TriggerAbove => Meaning::Trigger(Trigger::AtOrAbove(amount)),
        }
    }
}

impl Meaning {
    /// The amount in it, if there is one.
    pub fn amount(&self) -> Option<Decimal> {
        match self {
            Meaning::PerPayment(amount)
            | Meaning::PerPaymentMin(amount)
            | Meaning::Total(amount)
            | Meaning::InWindow(_, amount)
            | Meaning::Most(amount)
            | Meaning::AskAbove(amount) => Some(*amount),
            Meaning::Trigger(trigger) => Some(trigger.price()),
            Meaning::Uses(_)
            | Meaning::Velocity(..)
            | Meaning::OneErrand
            | Meaning::Pieces(_)
            | Meaning::AskAlways
            | Meaning::AskFirstContact
            | Meaning::PayeeAllowed(_)
            | Meaning::PayeeDenied(_)
            | Meaning::CategoryAllowed(_)
            | Meaning::CategoryDenied(_)
            | Meaning::About(_)
            | Meaning::From(_)
            | Meaning::Until(_)
            | Meaning::OpenEnded
            | Meaning::TriggerAction(_)
            | Meaning::Mode(_)
            | Meaning::Tolerance(_)
            | Meaning::OnDeviation(_)
            | Meaning::OnFailure(_)
            | Meaning::DeliverBy(_)
            | Meaning::DeliverTo(_)
            | Meaning::NotBefore(_)
            | Meaning::NotAfter(_)
            | Meaning::Wish(_)
            | Meaning::Currency(_)
            | Meaning::Goal
            | Meaning::LeftOut => None,
        }
    }
}
