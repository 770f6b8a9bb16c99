//! What a rule would do, before anybody agrees to it: sentences, made-up payments, and past ones.
//!
//! Nothing is decided here: each payment is put to the book's own judging of limits.

use crate::limits::REHEARSAL_PAYMENTS_MAX;
use crate::page::Stop;
use crate::reasons;
use crate::rule::Saying;
use crate::shown::{Money, Text, machine, moment, money};
use crate::visit::Visit;
use book::freeze::Status;
use book::{
    AgentId, Amount, Asset, Change, Code, Id, Limit, Past, PastPayee, PayeeId, Rehearsed, Time, WalletId,
    compare, rehearse,
};
use engine::views::{MandateRow, View, Whom};
use server::problem::Answered;
use std::collections::{BTreeSet, HashMap, VecDeque};

/// The rows of a rehearsal that are shown one by one.
const SHOWN_ROWS: usize = 12;

/// Everything that a page shows of a rule.
#[derive(Debug)]
pub struct Preview {
    /// Each limit in words.
    pub said: Vec<String>,
    /// The limits as they are kept.
    pub exact: String,
    /// Made-up payments.
    pub examples: Vec<Example>,
    /// Past payments.
    pub rehearsal: Rehearsal,
    /// How it relates to the rules that hold now.
    pub compared: &'static str,
    /// Whether it lets something through that is not let through now.
    pub is_wider: bool,
}

/// A made-up payment, and what the rule says.
#[derive(Debug)]
pub struct Example {
    /// What is bought, from whom.
    pub said: String,
    /// For how much.
    pub amount: Money,
    /// `allow`, `ask` or `refuse` in words.
    pub verdict: &'static str,
    /// How it is coloured.
    pub tone: &'static str,
    /// Why.
    pub why: String,
}

/// What the rule would have said of past payments.
#[derive(Debug, Default)]
pub struct Rehearsal {
    /// How many there were.
    pub count: usize,
    /// How many of them would have been made.
    pub allowed: usize,
    /// How many the owner would have been asked about.
    pub asked: usize,
    /// How many would have been refused.
    pub denied: usize,
    /// The newest that would not simply have been made.
    pub rows: Vec<PastRow>,
}

/// One past payment that would have gone otherwise.
#[derive(Debug)]
pub struct PastRow {
    /// To whom.
    pub seller: Text,
    /// How much.
    pub amount: Money,
    /// When, for people and for programs.
    pub when: String,
    /// The same for programs.
    pub machine: String,
    /// What would have come of it.
    pub verdict: &'static str,
    /// How it is coloured.
    pub tone: &'static str,
    /// Why.
    pub why: String,
}

/// For which agent and wallet a rule is meant.
#[derive(Clone, Copy, Debug)]
pub struct For {
    /// The agent.
    pub agent: AgentId,
    /// The wallet.
    pub wallet: WalletId,
    /// What it holds.
    pub asset: Asset,
}

/// What the views know of the past.
struct Known {
    past: Vec<Past>,
    contacts: Vec<PayeeId>,
    payees: HashMap<PayeeId, PastPayee>,
    now: Vec<MandateRow>,
}

impl Preview {
    /// The preview of `limits`; `tried` is an amount that the reader wants to see, too.
    ///
    /// # Errors
    /// [`Stop`] where the views do not answer.
    pub async fn of(
        visit: &Visit,
        rule: For,
        limits: &[Limit],
        tried: Option<Amount>,
    ) -> Result<Preview, Stop> {
        let For { agent, wallet, asset } = rule;
        let at = visit.site.app.clock.now();
        let named: Vec<PayeeId> = limits.iter().flat_map(payees_of).collect();
        let known = visit.site.app.ask(move |view| look(view, agent, wallet, &named, at)).await?;
        let saying = Saying::exactly(visit, asset);
        let examples = examples(visit, &saying, limits, &known, at, tried);
        let rehearsal = rehearsal(visit, &saying, limits, &known)?;
        let (compared, is_wider) = compared(visit, limits, &known.now);
        let exact = serde_json::to_string_pretty(&server::convert::limits_text(limits)).unwrap_or_default();
        Ok(Preview { said: saying.all(limits), exact, examples, rehearsal, compared, is_wider })
    }
}

fn payees_of(limit: &Limit) -> Vec<PayeeId> {
    let (Limit::PayeesAllowed { payees } | Limit::PayeesDenied { payees }) = limit else { return Vec::new() };
    payees.clone()
}

fn look(view: &View, agent: AgentId, wallet: WalletId, named: &[PayeeId], at: Time) -> Answered<Known> {
    let mut rows = Vec::new();
    for held in [false, true] {
        let mut cursor = None;
        loop {
            let of = Whom::Wallet(wallet);
            let page = if held { view.holds(of, cursor, 1_000)? } else { view.payments(of, cursor, 1_000)? };
            rows.extend(page.rows);
            cursor = page.next;
            if cursor.is_none() || REHEARSAL_PAYMENTS_MAX <= rows.len() {
                break;
            }
        }
    }
    rows.sort_by_key(|row| row.seq);
    let mut payees: HashMap<PayeeId, PastPayee> = HashMap::new();
    let sellers: BTreeSet<PayeeId> = rows
        .iter()
        .flat_map(|row| row.purchase.to.each().collect::<Vec<_>>())
        .chain(named.iter().copied())
        .collect();
    for payee in sellers {
        if let Some(row) = view.payee(payee)? {
            let is_trusted = row.provenance.is_trusted();
            payees.insert(payee, PastPayee { payee, category: row.category, is_trusted });
        }
    }
    let first = rows.len().saturating_sub(REHEARSAL_PAYMENTS_MAX);
    let mut past = Vec::new();
    for row in rows.get(first..).unwrap_or_default() {
        let to: Vec<PastPayee> =
            row.purchase.to.each().filter_map(|payee| payees.get(&payee).copied()).collect();
        if to.is_empty() {
            continue;
        }
        let (amount, category) = (row.purchase.amount, row.purchase.category);
        past.push(Past { at: row.at, amount, payees: to, category });
    }
    let contacts: BTreeSet<PayeeId> =
        rows.iter().flat_map(|row| row.purchase.to.each().collect::<Vec<_>>()).collect();
    let live = |row: &MandateRow| row.status != Status::Revoked && at < row.expires_at;
    let now = view.mandates_of_agent(agent, None, 100)?.rows.into_iter().filter(live).collect();
    Ok(Known { past, contacts: contacts.into_iter().collect(), payees, now })
}

/// Payments just inside and just outside of each limit.
fn examples(
    visit: &Visit,
    saying: &Saying<'_>,
    limits: &[Limit],
    known: &Known,
    at: Time,
    tried: Option<Amount>,
) -> Vec<Example> {
    let w = visit.words();
    let allowed = limits.iter().find_map(|limit| {
        let Limit::PayeesAllowed { payees } = limit else { return None };
        payees.first().copied()
    });
    let denied: Vec<PayeeId> = limits
        .iter()
        .flat_map(
            |limit| if let Limit::PayeesDenied { payees } = limit { payees.clone() } else { Vec::new() },
        )
        .collect();
    let category = limits.iter().find_map(|limit| {
        let Limit::CategoriesAllowed { categories } = limit else { return None };
        categories.first().copied()
    });
    let usual = allowed.or_else(|| known.contacts.iter().find(|payee| !denied.contains(payee)).copied());
    let usual = usual.and_then(|payee| known.payees.get(&payee).copied());
    let any = Code::new("goods").expect("a word is a code");
    let stranger =
        PastPayee { payee: PayeeId(Id([0; 16])), category: category.unwrap_or(any), is_trusted: true };
    let usual = usual.unwrap_or(stranger);
    let usual = PastPayee { category: category.unwrap_or(usual.category), ..usual };

    let caps = limits.iter().filter_map(|limit| {
        let (Limit::PerPayment { max } | Limit::Total { max } | Limit::Window { max, .. }) = limit else {
            return None;
        };
        Some(*max)
    });
    let cap = caps.min();
    let one = Amount::new(1).expect("1 is an amount");
    let mut amounts: BTreeSet<Amount> = BTreeSet::new();
    if let Some(cap) = cap {
        amounts.extend(Amount::new(cap.minor() / 2));
        amounts.insert(cap);
        amounts.extend(cap.checked_add(one));
    }
    for limit in limits {
        if let Limit::AskAbove { amount } = limit {
            amounts.insert(*amount);
            amounts.extend(amount.checked_add(one));
        }
    }
    if amounts.is_empty() {
        amounts.extend(Amount::new(10u128.saturating_pow(u32::from(saying.asset.scale) + 1)));
    }
    let small = amounts.iter().next().copied().unwrap_or(one);
    let mut tries: Vec<(Amount, PastPayee)> = amounts.into_iter().map(|amount| (amount, usual)).collect();
    if let Some(tried) = tried {
        tries.insert(0, (tried, usual));
    }
    if usual.payee != stranger.payee {
        tries.push((small, stranger));
    }
    if category.is_some() {
        let other = Code::new("other").expect("a word is a code");
        tries.push((small, PastPayee { category: other, ..usual }));
    }
    for payee in denied.iter().take(1).filter_map(|payee| known.payees.get(payee)) {
        tries.push((small, *payee));
    }
    let tries = tries.into_iter().filter(|(amount, _)| !amount.is_zero());
    let show = |(amount, payee): (Amount, PastPayee)| {
        let past = [Past { at, amount, payees: vec![payee], category: None }];
        let found = rehearse(limits, at, &known.contacts, &past).into_iter().next();
        let name =
            if payee.payee == stranger.payee { w.new_seller.to_owned() } else { saying.seller(payee.payee) };
        let (verdict, tone, why) = verdict(visit, saying, limits, found);
        let said = format!("{name} · {}", payee.category.as_str());
        Example { said, amount: money(amount, saying.asset), verdict, tone, why }
    };
    tries.map(show).collect()
}

/// What past payments would have come to.
fn rehearsal(visit: &Visit, saying: &Saying<'_>, limits: &[Limit], known: &Known) -> Result<Rehearsal, Stop> {
    let Some(first) = known.past.first() else { return Ok(Rehearsal::default()) };
    // Whom the wallet had paid before each payment is not known here: whom it knows now counts as known.
    let found = rehearse(limits, first.at, &known.contacts, &known.past);
    let mut rehearsal = Rehearsal { count: known.past.len(), ..Rehearsal::default() };
    let mut otherwise = VecDeque::new();
    for (it, past) in found.iter().zip(&known.past) {
        let count = match it {
            Rehearsed::Allowed => &mut rehearsal.allowed,
            Rehearsed::Asked { .. } => &mut rehearsal.asked,
            Rehearsed::Denied(_) => &mut rehearsal.denied,
        };
        *count = count.saturating_add(1);
        if *it != Rehearsed::Allowed {
            otherwise.truncate(SHOWN_ROWS - 1);
            otherwise.push_front((it, past));
        }
    }
    // Only what is shown is put in words: a rule that asks always has as many rows as there are payments.
    let show = |(it, past): (&Rehearsed, &Past)| {
        let (verdict, tone, why) = verdict(visit, saying, limits, Some(*it));
        let when = moment(past.at, &visit.zone, visit.lang);
        let amount = money(past.amount, saying.asset);
        let seller = past.payees.first().map(|it| visit.seller_called(it.payee)).transpose()?;
        Ok(seller.map(|seller| PastRow {
            seller,
            amount,
            when,
            machine: machine(past.at),
            verdict,
            tone,
            why,
        }))
    };
    rehearsal.rows =
        otherwise.into_iter().filter_map(|row| show(row).transpose()).collect::<Result<_, Stop>>()?;
    Ok(rehearsal)
}

fn verdict(
    visit: &Visit,
    saying: &Saying<'_>,
    limits: &[Limit],
    found: Option<Rehearsed>,
) -> (&'static str, &'static str, String) {
    let w = visit.words();
    let limit = |rule: book::RuleRef| {
        let found = limits.get(usize::from(rule.limit)).filter(|_| rule.scope == book::Scope::Mandate);
        found.map(|limit| saying.limit(limit))
    };
    match found {
        Some(Rehearsed::Allowed) => (w.would_allow, "good", String::new()),
        Some(Rehearsed::Asked { rule, ask }) => {
            let why = limit(rule).unwrap_or_else(|| reasons::ask(visit.lang, ask).to_owned());
            (w.would_ask, "ask", why)
        }
        Some(Rehearsed::Denied(refusal)) => {
            let why =
                limit(refusal.rule).unwrap_or_else(|| reasons::denial(visit.lang, refusal.denial).to_owned());
            (w.would_deny, "deny", why)
        }
        None => (w.would_deny, "deny", String::new()),
    }
}

/// How limits relate to the rules that hold now: to the narrowest change that any of them is.
fn compared(visit: &Visit, limits: &[Limit], now: &[MandateRow]) -> (&'static str, bool) {
    let w = visit.words();
    let changes = now.iter().map(|row| compare(&row.limits, limits).change());
    let found = changes.reduce(|one, other| if one.is_no_wider() { one } else { other });
    match found {
        None => (w.compare_first, true),
        Some(Change::Narrower) => (w.compare_narrower, false),
        Some(Change::Same) => (w.compare_same, false),
        Some(Change::Wider) => (w.compare_wider, true),
        Some(Change::Mixed) => (w.compare_mixed, true),
    }
}
