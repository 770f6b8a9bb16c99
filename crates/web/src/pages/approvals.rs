//! Approvals: what is asked of the owner, with everything she needs to say yes or no.

use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::overview::midnight;
use crate::pages::subscriptions::said;
use crate::reasons;
use crate::rule::Saying;
use crate::shown::{Money, Text, machine, moment};
use crate::visit::Visit;
use askama::Template;
use book::{Action, Approve, ApproveAlike, Ask, Id, Limit, PayeeId, Provenance, Refuse, Scope, Time};
use engine::views::{Answer, Form, QuestionRow, View, Whom};
use evidence::Hash;
use http::StatusCode;
use server::problem::Answered;

/// How long a yes to one payment is good, in seconds.
const ONCE_SECONDS: u64 = 600;
/// The questions of one page.
const QUESTIONS: usize = 64;
/// The payments of a wallet among which a seller is counted.
const KNOWN_ROWS: usize = 500;

#[derive(Template)]
#[template(path = "approvals.html")]
struct ApprovalsPage {
    top: Top,
    questions: Vec<Card>,
    answered: Vec<Settled>,
    asking: bool,
}

/// One question.
struct Card {
    id: String,
    said: Text,
    sellers: Vec<Seller>,
    amount: Money,
    category: String,
    /// Whether time alone pays it.
    is_escrow: bool,
    /// Of a subscription: what else would be agreed on.
    plan: Option<String>,
    /// Of a payment by a link: what it is for, and what would be said to the seller.
    what: Option<Text>,
    message: Option<Text>,
    /// Whether a yes may be for the rest of today.
    may_last: bool,
    /// Why the agent would buy it, in its own words.
    claim: Option<Text>,
    because: &'static str,
    rule: Option<String>,
    digest: String,
    when: String,
    machine: String,
    expires: String,
    once: String,
    rest: String,
    refuse: String,
}

struct Seller {
    name: Text,
    id: String,
    known: String,
    vouched: &'static str,
}

/// A question that was answered.
struct Settled {
    seller: Text,
    agent: Text,
    amount: Money,
    what: &'static str,
    when: String,
    machine: String,
}

/// What waits, and what was answered lately.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Approvals).await?;
    let (owner, now) = (visit.owner()?, visit.site.app.clock.now());
    let asked = visit.site.app.ask(move |view| {
        let open = view.open_questions_of_owner(owner, now, None, QUESTIONS)?.rows;
        let lately = view.questions_of_owner(owner, now, None, QUESTIONS)?.rows;
        let open = open.into_iter().map(|row| Ok((facts(view, &row)?, row))).collect::<Answered<Vec<_>>>()?;
        Ok((open, lately))
    });
    let (open, lately) = asked.await?;
    let questions = open.into_iter().map(|(facts, row)| card(visit, facts, row)).collect::<Result<_, _>>()?;
    let answered = lately.into_iter().filter_map(|row| settled(visit, row).transpose()).take(10);
    let answered = answered.collect::<Result<_, _>>()?;
    let asking = !crate::pages::agents::asking(visit)?.is_empty();
    Ok(html(StatusCode::OK, &ApprovalsPage { top, questions, answered, asking }))
}

/// What the views know around a question.
struct Facts {
    /// How often each seller was paid from this wallet, of the newest payments, and who vouches for it.
    sellers: Vec<(PayeeId, usize, Option<Provenance>)>,
    /// The limit that asks, where it still stands as it did.
    limit: Option<Limit>,
}

fn facts(view: &View, row: &QuestionRow) -> Answered<Facts> {
    let buy = &row.purchase;
    let paid = view.payments(Whom::Wallet(buy.wallet), None, KNOWN_ROWS)?.rows;
    let held = view.holds(Whom::Wallet(buy.wallet), None, KNOWN_ROWS)?.rows;
    let mut sellers = Vec::new();
    for payee in buy.to.each() {
        let times = paid.iter().chain(&held).filter(|it| it.purchase.to.each().any(|each| each == payee));
        sellers.push((payee, times.count(), view.payee(payee)?.map(|row| row.provenance)));
    }
    let (version, limits) = match row.rule.scope {
        // A rule further up is not the one this agent was given.
        Scope::Book | Scope::Parent { .. } | Scope::ParentAgent { .. } => (0, Vec::new()),
        Scope::Wallet => view.wallet(buy.wallet)?.map(|it| (it.version, it.limits)).unwrap_or_default(),
        Scope::Agent => {
            let agent = row.agent.map(|agent| view.agent(agent)).transpose()?.flatten();
            agent.map(|it| (it.version, it.limits)).unwrap_or_default()
        }
        Scope::Mandate => {
            let mandate = buy.mandate.map(|mandate| view.mandate(mandate)).transpose()?.flatten();
            mandate.map(|it| (it.version, it.limits)).unwrap_or_default()
        }
    };
    let limit = limits.get(usize::from(row.rule.limit)).cloned().filter(|_| version == row.rule.version);
    Ok(Facts { sellers, limit })
}

fn card(visit: &Visit, facts: Facts, row: QuestionRow) -> Result<Card, Stop> {
    let w = visit.words();
    let agent = row.agent.map(|agent| visit.agent_called(agent)).transpose()?;
    let buy = &row.purchase;
    let asset = visit.asset(buy.asset)?;
    let saying = Saying::of(visit, asset);
    let mut sellers = Vec::new();
    for (payee, times, provenance) in facts.sellers {
        let known = if times == 0 { w.new_seller.to_owned() } else { w.say(w.known_seller, times) };
        let vouched = match provenance {
            Some(Provenance::Registry) => w.vouched_registry,
            Some(Provenance::Merchant) => w.vouched_merchant,
            Some(Provenance::Owner) => w.vouched_owner,
            Some(Provenance::Agent) => w.vouched_agent,
            Some(Provenance::Untrusted) | None => w.vouched_untrusted,
        };
        sellers.push(Seller { name: visit.seller_called(payee)?, id: payee.to_string(), known, vouched });
    }
    let until = match row.answer {
        Answer::Waiting { until } => until,
        Answer::Approved { .. } | Answer::Refused | Answer::Used | Answer::Expired => row.at,
    };
    let fresh = || visit.site.app.new_id().text();
    Ok(Card {
        id: row.id.text(),
        said: asks(visit, agent),
        sellers,
        amount: visit.money(buy.amount, buy.asset)?,
        category: buy.category.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        is_escrow: row.form == Form::Escrow,
        plan: row.terms.as_ref().map(|(terms, trial)| said(visit, terms, *trial)),
        what: if row.link.is_some() { told(visit, buy.reference)? } else { None },
        message: told(visit, row.link.and_then(|(_, message)| message))?,
        may_last: row.terms.is_none() && row.ask != Ask::PersonRequired,
        claim: visit.claimed(row.id)?,
        because: reasons::ask(visit.lang, row.ask),
        rule: facts.limit.map(|limit| saying.limit(&limit)),
        digest: row.digest.to_string(),
        when: moment(row.at, &visit.zone, visit.lang),
        machine: machine(row.at),
        expires: w.say(w.expires_in, moment(until, &visit.zone, visit.lang)),
        once: fresh(),
        rest: fresh(),
        refuse: fresh(),
    })
}

/// The text that has this digest, where there is one and it is kept.
fn told(visit: &Visit, digest: Option<Hash>) -> Result<Option<Text>, Stop> {
    let text = digest.map(|digest| visit.site.app.text(digest)).transpose()?.flatten();
    Ok(text.map(|text| Text::of(&text)))
}

/// Who asks; odd where the agent's name is.
fn asks(visit: &Visit, agent: Option<Text>) -> Text {
    let w = visit.words();
    let Text { text, odd } = agent.unwrap_or(Text { text: w.another_agent.to_owned(), odd: false });
    Text { text: w.say(w.asks, text), odd }
}

fn settled(visit: &Visit, row: QuestionRow) -> Result<Option<Settled>, Stop> {
    let w = visit.words();
    let what = match row.answer {
        Answer::Waiting { .. } => return Ok(None),
        Answer::Approved { .. } => w.was_approved,
        Answer::Refused => w.was_refused,
        Answer::Used => w.was_used,
        Answer::Expired => w.was_expired,
    };
    let agent = row.agent.map(|agent| visit.agent_called(agent)).transpose()?;
    let seller = row.purchase.to.each().next().map(|payee| visit.seller_called(payee)).transpose()?;
    let nobody = |said: &str| Text { text: said.to_owned(), odd: false };
    Ok(Some(Settled {
        seller: seller.unwrap_or_else(|| nobody("")),
        agent: agent.unwrap_or_else(|| nobody(w.another_agent)),
        amount: visit.money(row.purchase.amount, row.purchase.asset)?,
        what,
        when: moment(row.at, &visit.zone, visit.lang),
        machine: machine(row.at),
    }))
}

/// Says yes to exactly this payment, for ten minutes.
pub async fn once(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = find(visit).await?;
    let caller = visit.confirmed()?;
    let until = app.clock.now().after(Time::from_seconds(ONCE_SECONDS).0);
    let approve = Approve { question: row.id, digest: seen(visit, &row)?, until };
    app.execute(&caller, visit.change()?, Action::Approve(approve)).await?;
    Ok(go("/approvals"))
}

/// Says yes to this payment and to what is like it until midnight.
pub async fn rest(visit: &Visit) -> Shown {
    let app = &visit.site.app;
    let row = find(visit).await?;
    let caller = visit.confirmed()?;
    let now = app.clock.now();
    let tomorrow = midnight(now, &visit.zone).after(Time::from_seconds(36 * 3_600).0);
    let until = midnight(tomorrow, &visit.zone).min(now.after(Time::from_seconds(86_400).0));
    let alike = ApproveAlike { question: row.id, digest: seen(visit, &row)?, until };
    app.execute(&caller, visit.change()?, Action::ApproveAlike(alike)).await?;
    Ok(go("/approvals"))
}

/// Says no.
pub async fn refuse(visit: &Visit) -> Shown {
    let row = find(visit).await?;
    let caller = visit.caller()?;
    let refuse = Action::Refuse(Refuse { question: row.id });
    visit.site.app.execute(&caller, visit.change()?, refuse).await?;
    Ok(go("/approvals"))
}

/// The question that the address names, where it is the owner's.
async fn find(visit: &Visit) -> Result<QuestionRow, Stop> {
    let (owner, now) = (visit.owner()?, visit.site.app.clock.now());
    let id = visit.path.split('/').nth(2).and_then(Id::from_text).ok_or(Stop::Missing)?;
    let row = visit.site.app.ask(move |view| Ok(view.question(id, now)?)).await?;
    row.filter(|row| row.owner == owner).ok_or(Stop::Missing)
}

/// The digest of what was on the page: the book compares it with what was asked.
pub(crate) fn seen(visit: &Visit, row: &QuestionRow) -> Result<evidence::Hash, Stop> {
    let shown = visit.field("digest");
    if shown == row.digest.to_string() { Ok(row.digest) } else { Err(Stop::Malformed) }
}
