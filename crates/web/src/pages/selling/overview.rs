//! A seller's figures: what came in, what went back, what waits, who bought, and why purchases were refused.
//!
//! Money is added up by the views, which follow the journal; nothing here counts on its own but the lists of the newest
//! sales.

use crate::chart::{Bars, Share};
use crate::limits::{
    REFUSALS_COUNTED_MAX, REFUSED_BUYERS_MIN, SOLD_NAMES_MAX, TOP_PAGE_ROWS, TOP_ROWS, TOP_SALES_MAX,
};
use crate::page::{Place, Shown, Top, html};
use crate::pages::money::{DAYS, day_label, days_back};
use crate::pages::selling::{Head, Sold, Tab, head, seller};
use crate::shown::{Money, Text, money};
use crate::visit::Visit;
use crate::words::Selling;
use askama::Template;
use book::{AgentId, Amount, Asset, Denial, PayeeId, Seq, Time, WalletId};
use engine::views::{PurchaseRow, RefusedRow, Takings, View, ViewsFault, Whom};
use http::StatusCode;
use std::collections::BTreeMap;

#[derive(Template)]
#[template(path = "seller.html")]
struct SellerPage {
    top: Top,
    head: Head,
    periods: Vec<(&'static str, &'static str, bool)>,
    is_new: bool,
    net: Money,
    captured: Money,
    fees: Money,
    refunded: Money,
    rate: String,
    sales: u64,
    average: Option<Money>,
    held: Money,
    holds: String,
    balance: Money,
    days: Bars,
    refusals: Vec<(&'static str, u64)>,
    refusals_few: String,
    buyers: Vec<Share>,
    things: Vec<Share>,
    newest_only: Option<String>,
    /// Bills that gateways say they made, how many were paid, and which part of them that is.
    offered: Option<(u64, u64, String)>,
}

/// Since when the figures count.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Period {
    Today,
    Week,
    Month,
    All,
}

impl Period {
    const ALL: [(Period, &'static str); 4] =
        [(Period::Today, "1"), (Period::Week, "7"), (Period::Month, "30"), (Period::All, "all")];

    fn of(text: &str) -> Period {
        Period::ALL.iter().find(|(_, name)| *name == text).map_or(Period::Month, |(period, _)| *period)
    }

    fn said(self, s: &Selling) -> &'static str {
        match self {
            Period::Today => s.today,
            Period::Week => s.days_7,
            Period::Month => s.days_30,
            Period::All => s.all_time,
        }
    }

    /// So many days before today; none for all time.
    fn days_before(self) -> Option<u64> {
        match self {
            Period::Today => Some(0),
            Period::Week => Some(6),
            Period::Month => Some(DAYS - 1),
            Period::All => None,
        }
    }

    fn begins(self, visit: &Visit) -> Option<Time> {
        let now = visit.site.app.clock.now();
        self.days_before().map(|back| days_back(now, &visit.zone, back))
    }
}

/// The page.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Selling).await?;
    let (w, s) = (visit.words(), visit.lang.selling());
    let row = seller(visit).await?;
    let (payee, asset) = (row.id, row.asset);
    let head = head(visit, &row, Tab::Overview).await?;
    let period = Period::of(visit.asked("days"));
    let since = period.begins(visit);
    let (now, zone) = (visit.site.app.clock.now(), visit.zone.clone());
    let starts: Vec<Time> = (0..DAYS).rev().map(|back| days_back(now, &zone, back)).collect();
    let days = starts.clone();
    let asked = visit.site.app.ask(move |view| {
        let whole = view.takings(payee, None)?;
        let earlier = match since {
            Some(since) => view.takings(payee, Some(since))?,
            None => Takings::default(),
        };
        let mut at = Vec::with_capacity(days.len());
        for start in days {
            at.push(view.takings(payee, Some(start))?);
        }
        let refused = view.refused(payee, since.unwrap_or(Time(0)), REFUSALS_COUNTED_MAX)?;
        let (newest, is_cut) = newest(view, payee, since.unwrap_or(Time(0)))?;
        Ok((whole, earlier, at, refused, newest, is_cut))
    });
    let (whole, earlier, at, refused, newest, is_cut) = asked.await?;
    let taken = whole.since(&earlier);
    let sold = Sold::of(visit, payee, SOLD_NAMES_MAX).await?;
    let back = period.days_before().and_then(|back| i64::try_from(back).ok());
    let offered = visit.site.app.offered(payee, back).await?;
    let count = |count: u64| Amount::new(count.into()).unwrap_or(Amount::ZERO);
    let offered = offered.map(|(bills, paid)| (bills, paid, percent(count(paid), count(bills))));
    let ends = at.iter().skip(1).chain(std::iter::once(&whole));
    let days = starts.iter().zip(at.iter().zip(ends)).map(|(start, (begin, end))| {
        let amount = end.since(begin).captured;
        (day_label(*start, &visit.zone, visit.lang), amount, money(amount, asset))
    });
    let shares = |list: Vec<(String, Amount)>| {
        let plain = |text| Text { text, odd: false };
        let list = list.into_iter().map(|(name, amount)| (plain(name), amount, money(amount, asset)));
        Share::of(list.take(TOP_ROWS).collect())
    };
    let page = SellerPage {
        top,
        head,
        periods: Period::ALL.iter().map(|(it, name)| (*name, it.said(s), *it == period)).collect(),
        is_new: whole == Takings::default(),
        net: less([taken.captured, taken.fees_refunded], [taken.fees, taken.refunded], asset),
        captured: money(taken.captured, asset),
        fees: less([taken.fees, Amount::ZERO], [taken.fees_refunded, Amount::ZERO], asset),
        refunded: money(taken.refunded, asset),
        rate: percent(taken.refunded, taken.captured),
        sales: taken.sales,
        average: average(&taken).map(|amount| money(amount, asset)),
        held: money(taken.held, asset),
        holds: w.say(s.set_aside_count, taken.holds),
        balance: money(row.balance.available(), asset),
        days: Bars::of(days.collect()),
        refusals: causes(&refused).into_iter().map(|(cause, times)| (cause.said(s), times)).collect(),
        refusals_few: w.say(s.refusals_few, REFUSED_BUYERS_MIN),
        buyers: shares(by(&newest, payee, |it| buyer_called(it, s))),
        things: shares(by(&newest, payee, |it| thing_called(it, &sold, s))),
        offered,
        newest_only: is_cut.then(|| w.say(s.newest_only, newest.len())),
    };
    Ok(html(StatusCode::OK, &page))
}

/// What came less what went, which may be more: what is given back today may have been paid yesterday.
fn less(came: [Amount; 2], went: [Amount; 2], asset: Asset) -> Money {
    let sum = |[one, other]: [Amount; 2]| one.checked_add(other).unwrap_or(one);
    let (came, went) = (sum(came), sum(went));
    match came.checked_sub(went) {
        Some(left) => money(left, asset),
        None => {
            let Money { short, exact } = money(went.saturating_sub(came), asset);
            Money { short: format!("−{short}"), exact: format!("-{exact}") }
        }
    }
}

/// One amount in percent of another, to a tenth.
fn percent(part: Amount, whole: Amount) -> String {
    if whole.is_zero() {
        return "0 %".to_owned();
    }
    let tenths = part.minor().saturating_mul(1_000) / whole.minor();
    format!("{}.{} %", tenths / 10, tenths % 10)
}

fn average(it: &Takings) -> Option<Amount> {
    Amount::new(it.captured.minor().checked_div(u128::from(it.sales))?)
}

/// The newest purchases from a seller that were made since a moment, and whether there are more than are looked at.
fn newest(view: &View, payee: PayeeId, since: Time) -> Result<(Vec<PurchaseRow>, bool), ViewsFault> {
    let of = Whom::Payee(payee);
    // Where the lists of payments and of holds go on; the one whose next is newer is read first.
    let (mut found, mut next) = (Vec::new(), [Some(Seq(u64::MAX)); 2]);
    while let Some(newer) = next.into_iter().flatten().max() {
        if TOP_SALES_MAX <= found.len() {
            found.retain(|row: &PurchaseRow| newer < row.seq);
            return Ok((found, true));
        }
        let cursor = Some(newer).filter(|cursor| *cursor != Seq(u64::MAX));
        let at_once = next[0] == Some(newer);
        let page = if at_once {
            view.payments(of, cursor, TOP_PAGE_ROWS)?
        } else {
            view.holds(of, cursor, TOP_PAGE_ROWS)?
        };
        let over = page.rows.last().is_none_or(|row| row.at < since);
        next[usize::from(!at_once)] = page.next.filter(|_| !over);
        found.extend(page.rows.into_iter().filter(|row| since <= row.at));
    }
    Ok((found, false))
}

/// What a seller was paid in a purchase.
pub(crate) fn paid_to(row: &PurchaseRow, payee: PayeeId) -> Amount {
    row.parts.iter().find(|part| part.payee == payee).map_or(Amount::ZERO, |part| part.paid.amount)
}

/// What was paid, by a name, the most first.
fn by(rows: &[PurchaseRow], payee: PayeeId, name: impl Fn(&PurchaseRow) -> String) -> Vec<(String, Amount)> {
    let mut sums: BTreeMap<String, Amount> = BTreeMap::new();
    for row in rows {
        let paid = paid_to(row, payee);
        if !paid.is_zero() {
            let sum = sums.entry(name(row)).or_insert(Amount::ZERO);
            *sum = sum.checked_add(paid).unwrap_or(*sum);
        }
    }
    let mut sums: Vec<(String, Amount)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, amount)| std::cmp::Reverse(*amount));
    sums
}

/// A buyer as sellers know it: by the end of its id, and never by what its owner calls it.
pub(crate) fn buyer_called(row: &PurchaseRow, s: &Selling) -> String {
    match row.agent {
        Some(agent) => agent_end(agent),
        None => format!("{} {}", s.buyer_person, wallet_end(row.purchase.wallet)),
    }
}

fn agent_end(agent: AgentId) -> String {
    format!("agt …{}", end(&agent.0.text()))
}

pub(crate) fn wallet_end(wallet: WalletId) -> String {
    format!("wal …{}", end(&wallet.0.text()))
}

/// The part of an id that chance made.
fn end(text: &str) -> &str {
    text.get(20..).unwrap_or_default()
}

/// What was bought, as far as anybody said.
pub(crate) fn thing_called(row: &PurchaseRow, sold: &Sold, s: &Selling) -> String {
    sold.what(row).map_or(s.by_what_unsaid.to_owned(), |what| Text::of(&what).in_a_line())
}

/// Why purchases were refused, as a seller can understand it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Cause {
    Limit,
    List,
    Money,
    Stopped,
    Answer,
    Price,
    Seller,
    Link,
    Itself,
    Other,
    /// Those that too few buyers had.
    Few,
}

impl Cause {
    fn of(denial: Denial) -> Cause {
        use Denial as D;
        match denial {
            D::PaymentTooLarge
            | D::TotalExceeded
            | D::UsesExceeded
            | D::WindowExceeded
            | D::VelocityExceeded
            | D::OutsideValidity
            | D::NoRules
            | D::ConstraintUnknown => Cause::Limit,
            D::PayeeNotAllowed | D::PayeeDenied | D::CategoryNotAllowed | D::CategoryDenied => Cause::List,
            D::FundsInsufficient => Cause::Money,
            D::OwnerFrozen
            | D::WalletFrozen
            | D::WalletClosed
            | D::AgentFrozen
            | D::AgentRevoked
            | D::MandateFrozen
            | D::MandateRevoked
            | D::MandateExpired
            | D::MandateNotYetValid
            | D::KeyRevoked
            | D::Revoked => Cause::Stopped,
            D::AskRateLimited
            | D::ApprovalPending
            | D::ApprovalRefused
            | D::ApprovalUsed
            | D::ApprovalExpired
            | D::ApprovalMismatch
            | D::RenewalUnapproved => Cause::Answer,
            D::LinkUsed | D::LinkExpired | D::LinkClosed | D::LinkMismatch | D::LinkAmount => Cause::Link,
            D::TriggerNotMet | D::OutOfStock | D::ObservationStale => Cause::Price,
            D::PayeeClosed | D::AssetMismatch => Cause::Seller,
            D::SelfPayment => Cause::Itself,
            D::Forbidden
            | D::AgentNotRegistered
            | D::MandateMismatch
            | D::HoldClosed
            | D::HoldExpired
            | D::CaptureTooLarge
            | D::HoldDisputed
            | D::HoldNotDisputable
            | D::HoldRedeemed
            | D::RefundTooLarge
            | D::MeterSequence
            | D::MeterExceeded
            | D::AccountNotEmpty
            | D::PresenceRequired
            | D::VersionConflict
            | D::DelegationTooWide
            | D::DelegationTooDeep
            | D::DelegationCircular
            | D::QuotaInsufficient
            | D::QuotaExpired
            | D::PaymentGranted
            | D::RestoreTooLarge
            | D::SubscriptionEnded
            | D::BillTotalDiffers
            | D::NothingToInvoice
            | D::NothingToCredit
            | D::DestinationUnset
            | D::DestinationMismatch
            | D::DestinationCooling
            | D::PayoutEnded
            | D::PayoutsStopped => Cause::Other,
        }
    }

    fn said(self, s: &Selling) -> &'static str {
        match self {
            Cause::Limit => s.cause_limit,
            Cause::List => s.cause_list,
            Cause::Money => s.cause_money,
            Cause::Stopped => s.cause_stopped,
            Cause::Answer => s.cause_answer,
            Cause::Price => s.cause_price,
            Cause::Seller => s.cause_seller,
            Cause::Link => s.cause_link,
            Cause::Itself => s.cause_self,
            Cause::Other => s.cause_other,
            Cause::Few => s.cause_few,
        }
    }
}

/// Refusals by cause, the most frequent first. A cause stands for itself only where it says nothing of one buyer.
fn causes(rows: &[RefusedRow]) -> Vec<(Cause, u64)> {
    let mut sums: BTreeMap<Cause, (u64, u64)> = BTreeMap::new();
    for row in rows {
        let (times, buyers) = sums.entry(Cause::of(row.denial)).or_default();
        *times = times.saturating_add(row.times);
        // The same buyers may have had several denials: no more than the most that one of them says.
        *buyers = row.buyers.max(*buyers);
    }
    let mut shown: BTreeMap<Cause, u64> = BTreeMap::new();
    for (cause, (times, buyers)) in sums {
        let cause = if buyers < REFUSED_BUYERS_MIN { Cause::Few } else { cause };
        let sum = shown.entry(cause).or_default();
        *sum = sum.saturating_add(times);
    }
    let mut shown: Vec<(Cause, u64)> = shown.into_iter().collect();
    shown.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(denial: Denial, times: u64, buyers: u64) -> RefusedRow {
        RefusedRow { denial, times, buyers }
    }

    #[test]
    fn no_cause_tells_of_one_buyer() {
        let rows = [
            row(Denial::PaymentTooLarge, 5, 3),
            row(Denial::WindowExceeded, 2, 1),
            row(Denial::FundsInsufficient, 9, 2),
            row(Denial::OwnerFrozen, 1, 1),
        ];
        assert_eq!(causes(&rows), [(Cause::Few, 10), (Cause::Limit, 7)]);
        assert_eq!(causes(&[]), []);
    }

    #[test]
    fn more_may_go_than_came() {
        let amount = |minor| Amount::new(minor).unwrap();
        let asset = Asset::new(book::Code::new("CNY").unwrap(), 2).unwrap();
        let left = less([amount(500), amount(6)], [amount(6), amount(100)], asset);
        assert_eq!((left.short.as_str(), left.exact.as_str()), ("¥4.00", "400 CNY/2"));
        let owed = less([amount(0), amount(1)], [amount(0), amount(101)], asset);
        assert_eq!((owed.short.as_str(), owed.exact.as_str()), ("−¥1.00", "-100 CNY/2"));
    }

    #[test]
    fn parts_are_told_to_a_tenth() {
        let amount = |minor| Amount::new(minor).unwrap();
        for (part, whole, said) in [(0, 0, "0 %"), (1, 3, "33.3 %"), (3, 3, "100.0 %"), (1, 1_000, "0.1 %")] {
            assert_eq!(percent(amount(part), amount(whole)), said);
        }
    }
}
