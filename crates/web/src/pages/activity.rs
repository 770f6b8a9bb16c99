//! Activity: what was decided, as in a bank's app; one page for each decision, with why, by which rule, and the proof.

use crate::limits::{ROWS, SEARCH_ROWS_MAX, TOLD_CHARS_MAX};
use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::line::{Line, is_part, line, lines, why};
use crate::rule::Saying;
use crate::shown::{Money, Text, moment};
use crate::visit::Visit;
use crate::words::Words;
use askama::Template;
use book::{Action, Actor, Entry, HoldId, Limit, LimitSubject, OwnerId, Refusal, RuleRef, Scope, Seq, Void};
use engine::views::{DecisionRow, Form, Kind, PurchaseRow, Ruling, State, Whom};
use http::{HeaderValue, StatusCode, header};
use server::codes::Edge;
use server::problem::Problem;

#[derive(Template)]
#[template(path = "activity.html")]
struct ActivityPage {
    top: Top,
    query: String,
    kinds: Vec<Choice>,
    agents: Vec<Choice>,
    lines: Vec<Line>,
    older: Option<String>,
}

/// One choice of a filter.
pub(crate) struct Choice {
    pub(crate) value: String,
    pub(crate) said: String,
    pub(crate) chosen: bool,
}

/// Which decisions a reader wants to see.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    All,
    Paid,
    Refused,
    Asked,
    Changes,
}

impl Filter {
    const ALL: [(Filter, &'static str); 5] = [
        (Filter::All, "all"),
        (Filter::Paid, "paid"),
        (Filter::Refused, "refused"),
        (Filter::Asked, "asked"),
        (Filter::Changes, "changes"),
    ];

    fn of(text: &str) -> Filter {
        Filter::ALL.iter().find(|(_, name)| *name == text).map_or(Filter::All, |(filter, _)| *filter)
    }

    fn takes(self, row: &DecisionRow) -> bool {
        if is_part(row.kind) {
            return false;
        }
        let spends = row.kind.form().is_some() || matches!(row.kind, Kind::Refund | Kind::Renew);
        match self {
            Filter::All => true,
            Filter::Paid => spends && matches!(row.ruling, Ruling::Allowed),
            Filter::Refused => matches!(row.ruling, Ruling::Denied(_)),
            Filter::Asked => matches!(row.ruling, Ruling::Asked(..)),
            Filter::Changes => row.amount.is_none(),
        }
    }
}

/// The list, newest first.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Activity).await?;
    let (owner, w) = (visit.owner()?, visit.words());
    let filter = Filter::of(visit.asked("kind"));
    let agent: Option<book::AgentId> = visit.asked("agent").parse().ok();
    let query = visit.asked("q").to_lowercase();
    let mut cursor = visit.asked("before").parse::<u64>().ok().map(Seq);
    let mut found = Vec::new();
    let mut looked = 0;
    let older = loop {
        let at = cursor;
        let page = visit
            .site
            .app
            .ask(move |view| {
                let mine = match agent {
                    Some(agent) => view.agent(agent)?.filter(|row| row.owner == owner),
                    None => None,
                };
                let of = mine.map_or(Whom::Owner(owner), |row| Whom::Agent(row.id));
                Ok(view.decisions(of, at, ROWS.saturating_mul(4))?)
            })
            .await?;
        looked += page.rows.len();
        for row in page.rows {
            if filter.takes(&row) && (query.is_empty() || matches(visit, &row, &query)?) {
                found.push(row);
            }
        }
        cursor = page.next;
        if ROWS < found.len() {
            found.truncate(ROWS + 1);
            break found.pop().map(|next| next.seq);
        }
        if cursor.is_none() || SEARCH_ROWS_MAX <= looked {
            break cursor;
        }
    };
    let says = |filter: Filter| match filter {
        Filter::All => w.filter_all,
        Filter::Paid => w.filter_paid,
        Filter::Refused => w.filter_refused,
        Filter::Asked => w.filter_asked,
        Filter::Changes => w.filter_changes,
    };
    let kinds = Filter::ALL.iter().map(|(it, name)| Choice {
        value: (*name).to_owned(),
        said: says(*it).to_owned(),
        chosen: *it == filter,
    });
    let kinds = kinds.collect();
    let agents = agent_choices(visit, agent).await?;
    let older = older.map(|seq| {
        let mut link = url::form_urlencoded::Serializer::new("/activity?".to_owned());
        for name in ["q", "kind", "agent"] {
            link.append_pair(name, visit.asked(name));
        }
        link.append_pair("before", &seq.0.to_string()).finish()
    });
    let query = visit.asked("q").to_owned();
    let lines = lines(visit, found).await?;
    Ok(html(StatusCode::OK, &ActivityPage { top, query, kinds, agents, lines, older }))
}

/// The owner's agents, as choices of a form.
pub(crate) async fn agent_choices(visit: &Visit, chosen: Option<book::AgentId>) -> Result<Vec<Choice>, Stop> {
    let owner = visit.owner()?;
    let rows = visit.site.app.ask(move |view| Ok(view.agents_of_owner(owner, None, 100)?.rows)).await?;
    let choice = |row: engine::views::AgentRow| {
        let said = visit.agent_called(row.id)?.in_a_line();
        Ok(Choice { value: row.id.to_string(), said, chosen: Some(row.id) == chosen })
    };
    rows.into_iter().map(choice).collect()
}

fn matches(visit: &Visit, row: &DecisionRow, query: &str) -> Result<bool, Stop> {
    let seller = row.payee.map(|payee| visit.seller_called(payee)).transpose()?;
    let agent = row.agent.map(|agent| visit.agent_called(agent)).transpose()?;
    let names = [seller, agent].into_iter().flatten().any(|name| name.text.to_lowercase().contains(query));
    let why = why(visit, row).to_lowercase().contains(query);
    Ok(names || why || row.ruling.reason().is_some_and(|code| code.contains(query)))
}

#[derive(Template)]
#[template(path = "decision.html")]
struct DecisionPage {
    top: Top,
    line: Line,
    said: &'static str,
    /// Whether the owner had said yes to this very payment.
    approved: bool,
    by: Text,
    rules_say: &'static str,
    reason: Option<String>,
    /// Why the agent wanted it, in its own words.
    claim: Option<Text>,
    rules: Vec<RuleSaid>,
    state: Option<String>,
    delivery: Option<&'static str>,
    evidence: String,
    digest: String,
    /// The hold that the owner may take back, where everything is frozen.
    hold: Option<Money>,
    report: Option<(String, String, Text)>,
    can_report: bool,
    pause: Option<String>,
}

/// A rule that took part in a decision, as it stood then.
struct RuleSaid {
    name: String,
    version: String,
    limits: Vec<String>,
}

/// One decision.
pub async fn show(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Activity).await?;
    let w = visit.words();
    let (row, entry, bytes) = find(visit).await?;
    let bought = bought(visit, &row).await?;
    let own = bought.as_ref().filter(|it| it.id == row.id);
    let line = line(visit, &row, own)?;
    let said = match row.ruling {
        Ruling::Denied(_) => w.refused_said,
        Ruling::Asked(..) => w.asked_said,
        Ruling::Allowed => "",
    };
    let approved = entry.command.action.purchase().is_some_and(|buy| buy.approval.is_some());
    let approved = approved && matches!(row.ruling, Ruling::Allowed);
    let agent_paused = row.agent.filter(|_| !matches!(row.ruling, Ruling::Allowed));
    let (reason, rules) = explain(visit, &row, &entry, bought.as_ref()).await?;
    let (state, delivery, hold) = match &bought {
        Some(it) => standing(visit, it)?,
        None => (None, None, None),
    };
    let owner = visit.owner()?;
    let report = match &bought {
        Some(it) => visit.site.store.reported(owner, it.id)?,
        None => None,
    };
    let report = report.map(|(kind, words, at)| {
        let kind = WRONGS
            .iter()
            .find(|(name, _)| *name == kind)
            .map_or(kind.clone(), |(_, said)| said(w).to_owned());
        (w.say(w.wrong_kept, moment(at, &visit.zone, visit.lang)), kind, Text::told(&words))
    });
    // Of a payment that the owner was asked about: what she read then.
    let asked = entry.command.action.purchase().or(bought.as_ref().map(|it| &it.purchase));
    let asked = asked.and_then(|purchase| purchase.approval);
    let claim = match asked.map(|question| visit.claimed(question)).transpose()?.flatten() {
        Some(claim) => Some(claim),
        None => visit.claimed(row.about.unwrap_or(row.id))?,
    };
    let evidence = w.say(w.evidence_text, row.seq.0);
    let digest = hex(evidence::leaf_hash(&bytes));
    let page = DecisionPage {
        top,
        line,
        said,
        approved,
        by: visit.actor_called(row.by)?,
        rules_say: if matches!(row.ruling, Ruling::Allowed) { w.allowed_by } else { w.rule_asked },
        reason,
        claim,
        rules,
        state,
        delivery,
        evidence,
        digest,
        hold,
        can_report: bought.is_some() && report.is_none(),
        report,
        pause: agent_paused.map(|agent| agent.to_string()),
    };
    Ok(html(StatusCode::OK, &page))
}

fn hex(evidence::Hash(bytes): evidence::Hash) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A decision of the owner's, and its entry.
async fn find(visit: &Visit) -> Result<(DecisionRow, Entry, Vec<u8>), Stop> {
    let seq = Seq(visit.part::<u64>(1)?);
    let owner = visit.owner()?;
    let row = visit.site.app.ask(move |view| Ok(view.decision(seq)?)).await?;
    let row = row.filter(|row| row.owner == Some(owner)).ok_or(Stop::Missing)?;
    let (entry, bytes) = visit.site.app.entry(seq)?.ok_or(Stop::Missing)?;
    Ok((row, entry, bytes))
}

/// The purchase that a decision made or is about.
async fn bought(visit: &Visit, row: &DecisionRow) -> Result<Option<PurchaseRow>, Stop> {
    let id = row.about.unwrap_or(row.id);
    Ok(visit.site.app.ask(move |view| Ok(view.purchase(id)?)).await?)
}

/// Where a purchase stands: what became of the money, whether it was delivered, and what may be taken back.
#[allow(clippy::type_complexity)]
fn standing(
    visit: &Visit,
    it: &PurchaseRow,
) -> Result<(Option<String>, Option<&'static str>, Option<Money>), Stop> {
    let w = visit.words();
    let code = it.purchase.asset;
    let state = match it.state {
        State::Paid | State::Captured => w.paid,
        State::Held => w.still_held,
        State::Disputed => w.deed_dispute,
        State::Voided | State::Expired => w.released,
    };
    let mut state = format!("{state}: {}", visit.money(it.purchase.amount, code)?.short);
    if !it.refunded.is_zero() {
        state = format!("{state} · {}: {}", w.refunded, visit.money(it.refunded, code)?.short);
    }
    if it.state == State::Captured && it.captured != it.purchase.amount {
        state = format!("{state} · {}: {}", w.captured, visit.money(it.captured, code)?.short);
    }
    let delivery = match (it.redeemed, it.form) {
        (Some(_), _) => Some(w.delivered),
        (None, Form::Hold | Form::Meter | Form::Escrow) => Some(w.not_shown),
        (None, Form::Payment | Form::Subscription) => None,
    };
    let hold = (it.state.is_open()).then(|| visit.money(it.held(), code)).transpose()?;
    Ok((Some(state), delivery, hold))
}

/// Why a decision was as it was: the sentence, and the rules that took part as they stood then.
async fn explain(
    visit: &Visit,
    row: &DecisionRow,
    entry: &Entry,
    bought: Option<&PurchaseRow>,
) -> Result<(Option<String>, Vec<RuleSaid>), Stop> {
    let w = visit.words();
    let Some(buy) = entry.command.action.purchase() else { return Ok((None, Vec::new())) };
    let named: Option<RuleRef> = match row.ruling {
        Ruling::Denied(refusal) => Some(refusal.rule),
        Ruling::Asked(_, rule) => Some(rule),
        Ruling::Allowed => None,
    };
    let versions = bought.map(|it| it.versions).unwrap_or_default();
    let agent = match entry.command.by {
        Actor::Agent { agent, .. } => Some(agent),
        Actor::Owner { .. } | Actor::Operator { .. } | Actor::Payee { .. } | Actor::Book => None,
    };
    let at = |scope: Scope, version: u32| match (&named, scope) {
        (Some(rule), scope) if rule.scope == scope => rule.version,
        (Some(_), _) => 0,
        (None, _) => version,
    };
    let asset = visit.asset(buy.asset)?;
    let saying = Saying::of(visit, asset);
    let subjects = [
        (Scope::Wallet, Some((w.wallet, LimitSubject::Wallet(buy.wallet))), versions.wallet),
        (Scope::Agent, agent.map(|agent| (w.agent_limits, LimitSubject::Agent(agent))), versions.agent),
        (Scope::Mandate, buy.mandate.map(|it| (w.rule_asked, LimitSubject::Mandate(it))), versions.mandate),
    ];
    let mut rules = Vec::new();
    let mut reason = None;
    for (scope, subject, version) in subjects {
        let Some((name, subject)) = subject else { continue };
        let version = at(scope, version);
        if version == 0 {
            continue;
        }
        let limits = limits_at(visit, subject, row.seq, version).await?;
        if let Some(rule) = named.filter(|rule| rule.scope == scope) {
            reason = limits.get(usize::from(rule.limit)).map(|limit| saying.limit(limit));
        }
        rules.push(RuleSaid {
            name: name.to_owned(),
            version: w.say(w.version, version),
            limits: saying.all(&limits),
        });
    }
    if let (Ruling::Denied(Refusal { remaining: Some(left), .. }), Some(said)) = (row.ruling, &reason) {
        let left = visit.money(left, buy.asset)?.short;
        reason = Some(format!("{said} · {}", w.say(w.still_left, left)));
    }
    Ok((reason, rules))
}

/// The limits of a subject as they stood at an entry: the version is found by walking back through what changed it.
async fn limits_at(visit: &Visit, subject: LimitSubject, seq: Seq, version: u32) -> Result<Vec<Limit>, Stop> {
    let of = match subject {
        LimitSubject::Wallet(id) => Whom::Wallet(id),
        LimitSubject::Agent(id) => Whom::Agent(id),
        LimitSubject::Mandate(id) => Whom::Mandate(id),
    };
    let app = visit.site.app.clone();
    let found = visit.site.app.ask(move |view| {
        let mut cursor = Some(seq);
        let mut looked = 0;
        while let Some(at) = cursor {
            let page = view.decisions(of, Some(at), 1_000)?;
            for row in page.rows.iter().filter(|row| matches!(row.ruling, Ruling::Allowed)) {
                let sets = matches!(
                    row.kind,
                    Kind::SetLimits
                        | Kind::GrantMandate
                        | Kind::Delegate
                        | Kind::EnrolAgent
                        | Kind::OpenWallet
                        | Kind::OpenSubAccount
                );
                if !sets {
                    continue;
                }
                let (entry, _) = app.entry(row.seq)?.ok_or(Problem::from(Edge::Internal))?;
                let id = entry.command.id;
                let made_it = |made: Whom| version == 1 && of == made;
                let action = entry.command.action;
                let limits = if let Action::SetLimits(it) = action {
                    let next = it.version.checked_add(1);
                    (it.subject == subject && next == Some(version)).then_some(it.limits)
                } else if let Action::GrantMandate(it) = action {
                    made_it(Whom::Mandate(book::MandateId(id))).then_some(it.limits)
                } else if let Action::Delegate(it) = action {
                    made_it(Whom::Mandate(book::MandateId(id))).then_some(it.limits)
                } else if let Action::EnrolAgent(it) = action {
                    made_it(Whom::Agent(book::AgentId(id))).then_some(it.limits)
                } else if let Action::OpenWallet(it) = action {
                    made_it(Whom::Wallet(book::WalletId(id))).then_some(it.limits)
                } else if let Action::OpenSubAccount(it) = action {
                    made_it(Whom::Wallet(book::WalletId(id))).then_some(it.limits)
                } else {
                    None
                };
                if let Some(limits) = limits {
                    return Ok(Some(limits));
                }
            }
            looked += page.rows.len();
            cursor = page.next.filter(|_| looked < 20_000);
        }
        Ok(None)
    });
    Ok(found.await?.unwrap_or_default())
}

/// The receipt, for anybody to check.
pub async fn receipt(visit: &Visit) -> Shown {
    let (row, _, bytes) = find(visit).await?;
    let receipt = server::routes::entries::receipt(&visit.site.app, row.seq, &bytes)?;
    let mut response = server::answer::json(StatusCode::OK, &receipt);
    let name = format!("attachment; filename=\"receipt-{}.json\"", row.seq.0);
    let name = HeaderValue::from_str(&name).expect("a number is ASCII");
    response.headers_mut().insert(header::CONTENT_DISPOSITION, name);
    Ok(response)
}

/// A sentence in whatever language the words are in.
type Said = fn(&Words) -> &'static str;

/// What can be wrong with a purchase.
const WRONGS: [(&str, Said); 4] = [
    ("not_delivered", |w| w.wrong_not_delivered),
    ("goods", |w| w.wrong_goods),
    ("amount", |w| w.wrong_amount),
    ("not_me", |w| w.wrong_not_me),
];

/// Keeps what the owner says is wrong with a purchase.
pub async fn report(visit: &Visit) -> Shown {
    let (row, ..) = find(visit).await?;
    let bought = bought(visit, &row).await?.ok_or(Stop::Missing)?;
    let kind = visit.field("kind");
    if !WRONGS.iter().any(|(known, _)| *known == kind) {
        return Err(Stop::Malformed);
    }
    let words: String = visit.field("words").chars().take(TOLD_CHARS_MAX).collect();
    let owner: OwnerId = visit.owner()?;
    visit.site.store.report(owner, bought.id, kind, &words, visit.site.app.clock.now())?;
    Ok(go(&format!("/activity/{}", row.seq.0)))
}

/// Takes held money back: the seller has not collected it.
pub async fn release(visit: &Visit) -> Shown {
    let (row, ..) = find(visit).await?;
    let bought = bought(visit, &row).await?.ok_or(Stop::Missing)?;
    let caller = visit.confirmed()?;
    let void = Action::Void(Void { hold: HoldId(bought.id) });
    visit.site.app.execute(&caller, visit.change()?, void).await?;
    Ok(go(&format!("/activity/{}", row.seq.0)))
}
