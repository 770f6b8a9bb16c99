//! Rules: a sentence becomes plain words, the exact limits, made-up payments and a rehearsal; then the owner agrees.

use crate::page::{Place, Shown, Stop, Top, go, html};
use crate::pages::activity::{Choice, agent_choices};
use crate::pages::agents::{day, own_wallets};
use crate::pages::overview::{CARDS, standing};
use crate::preview::{For, Preview};
use crate::rule::Saying;
use crate::shown::{Text, moment, typed};
use crate::visit::Visit;
use askama::Template;
use book::freeze::Status;
use book::{
    Action, AgentId, Amount, Budget, Carry, GrantMandate, KeyHolder, Level, MandateId, Revoke, Seq, Subject,
    Time, Window, Zone,
};
use engine::views::{MandateRow, WalletRow};
use http::StatusCode;
use server::convert::{bits, limits as limits_of};
use server::routes::intents;
use wire::IntentId;
use wire::act::{ConversationHistory, Intent, IntentAnswer, IntentConfirmation, NewIntent, Words as Said};
use wire::limits::SENTENCE_CHARS_MAX;

/// The rules of one page.
const RULES: usize = 30;
/// The rules of one agent that are looked through for those that hold.
const RULES_OF_AGENT: usize = 300;

#[derive(Template)]
#[template(path = "rules.html")]
struct RulesPage {
    top: Top,
    agents: Vec<Choice>,
    /// What stands in the form before the owner writes.
    sentence: String,
    rules: Vec<Rule>,
    levels: Vec<Choice>,
    older: Option<String>,
}

/// A rule as the list shows it.
struct Rule {
    id: String,
    agent: Text,
    until: String,
    status: &'static str,
    tone: &'static str,
    is_active: bool,
    is_over: bool,
    version: String,
    limits: Vec<String>,
    fresh: [String; 2],
}

#[derive(Template)]
#[template(path = "rule.html")]
struct RulePage {
    top: Top,
    agent: Text,
    /// What was said, under whose name.
    said_by: String,
    said: Vec<String>,
    /// Whose draft it is where it is not the owner's own, said so that nobody misses it.
    not_hers: Option<Text>,
    intent: String,
    /// For whom, as the form that takes other words names it.
    for_agent: String,
    questions: Vec<Question>,
    /// Whom to ask for clearer words, said so that nobody misses to whom hers go.
    may_ask: Option<String>,
    /// The clearer words that came back.
    clearer: Option<Clearer>,
    refused: bool,
    summary: Vec<String>,
    particulars: Vec<String>,
    preview: Option<Preview>,
    agree: Option<Agree>,
    tried: String,
    rehearsed: String,
}

/// What a drafting endpoint made of the owner's words.
enum Clearer {
    /// Other words that say the same, for her to send or not.
    Words(Text),
    /// Why there are none.
    None(String),
}

/// What the owner agrees to.
struct Agree {
    path: String,
    of: String,
    fresh: String,
    /// Further fields of the form.
    fields: Vec<(&'static str, String)>,
    /// Whether there is a rule that it could replace, and what becomes of it where she says nothing.
    replace: Option<Replace>,
}

/// What stands chosen before the owner chooses.
#[derive(Clone, Copy)]
enum Replace {
    /// The new rule in place of the old.
    Chosen,
    /// Nothing: somebody else drew the rule up, who shall not choose which other ends.
    Open,
}

impl Replace {
    fn is_chosen(&self) -> bool {
        match self {
            Replace::Chosen => true,
            Replace::Open => false,
        }
    }
}

/// One thing that is open.
struct Question {
    id: String,
    text: String,
    suggestions: Vec<String>,
}

/// Every rule, newest first.
pub async fn list(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Rules).await?;
    let (owner, w, now) = (visit.owner()?, visit.words(), visit.site.app.clock.now());
    let before = visit.asked("before").parse::<u64>().ok().map(Seq);
    let asked = visit.site.app.ask(move |view| {
        let page = view.mandates_of_owner(owner, before, RULES)?;
        Ok((page.rows, page.next, view.wallets_of(owner, None, CARDS)?.rows))
    });
    let (rows, next, wallets) = asked.await?;
    let older = next.map(|next| format!("/rules?before={}", next.0));
    let rule = |row: &MandateRow| rule(visit, row, &wallets, now).transpose();
    let rules = rows.iter().filter_map(rule).collect::<Result<_, Stop>>()?;
    let agents = agent_choices(visit, visit.asked("agent").parse().ok()).await?;
    let levels = levels(w, Level::L1);
    let sentence = visit.asked("sentence").chars().take(SENTENCE_CHARS_MAX).collect();
    Ok(html(StatusCode::OK, &RulesPage { top, agents, sentence, rules, levels, older }))
}

fn rule(visit: &Visit, row: &MandateRow, wallets: &[WalletRow], now: Time) -> Result<Option<Rule>, Stop> {
    let w = visit.words();
    let Some(wallet) = wallets.iter().find(|wallet| wallet.id == row.wallet) else { return Ok(None) };
    let saying = Saying::of(visit, wallet.asset);
    let (status, tone) = match row.status {
        Status::Active | Status::Frozen if row.expires_at <= now => (w.expired, "soft"),
        status @ (Status::Active | Status::Frozen | Status::Revoked) => standing(w, status),
    };
    let fresh = || visit.site.app.new_id().text();
    Ok(Some(Rule {
        id: row.id.to_string(),
        agent: visit.agent_called(row.agent)?,
        until: w.say(w.until_date, moment(row.expires_at, &visit.zone, visit.lang)),
        status,
        tone,
        is_active: row.status == Status::Active,
        is_over: row.status == Status::Revoked || row.expires_at <= now,
        version: w.say(w.version, row.version),
        limits: saying.all(&row.limits),
        fresh: [fresh(), fresh()],
    }))
}

/// Reads a sentence: the draft has an address of its own.
pub async fn draw_up(visit: &Visit) -> Shown {
    let (agent, wallet) = agent(visit, visit.field("agent")).await?;
    let here = visit.here()?;
    let id = IntentId(bits(visit.change()?));
    let new = NewIntent {
        id,
        wallet: wire::WalletId(bits(wallet.id.0)),
        agent: wire::AgentId(bits(agent.0)),
        conversation_history: ConversationHistory {
            user_intent_raw: Some(Said::Text(visit.field("sentence").to_owned())),
            user_intent_raw_digest: None,
            input_mode: Some(vec!["TEXT".to_owned()]),
            context_ref: None,
        },
        language: Some(visit.lang.tag().to_owned()),
        zone: Some(here.preferences.zone.clone()),
        delegation_mode: None,
    };
    intents::draw_up(&visit.site.app, KeyHolder::Owner(visit.owner()?), new).await?;
    Ok(go(&format!("/rules/{id}")))
}

/// A draft: its questions, or what it would do.
pub async fn show(visit: &Visit) -> Shown {
    let intent = find(visit).await?;
    page(visit, intent, false, None).await
}

/// Answers a question of a draft.
pub async fn answer(visit: &Visit) -> Shown {
    let intent = find(visit).await?;
    let typed = match visit.field("typed") {
        "" => visit.field("answer"),
        typed => typed,
    };
    let answer = IntentAnswer { question: visit.field("question").to_owned(), answer: typed.to_owned() };
    let viewer = KeyHolder::Owner(visit.owner()?);
    let again = intent.id;
    match intents::answer_one(&visit.site.app, viewer, again, answer).await {
        Ok(_) => Ok(go(&format!("/rules/{again}"))),
        Err(problem) if problem.status() < 500 => page(visit, intent, true, None).await,
        Err(problem) => Err(problem.into()),
    }
}

/// Asks for clearer words for a draft of hers.
pub async fn clearer(visit: &Visit) -> Shown {
    let intent = find(visit).await?;
    let viewer = KeyHolder::Owner(visit.owner()?);
    let found = match intents::clearer::clearer(&visit.site.app, viewer, intent.id).await {
        Ok(words) => Clearer::Words(Text::told(&words.sentence)),
        Err(problem) if problem.status() < 500 => Clearer::None(visit.words().no_clearer.to_owned()),
        Err(problem) => return Err(problem.into()),
    };
    page(visit, intent, false, Some(found)).await
}

async fn page(visit: &Visit, intent: Intent, refused: bool, clearer: Option<Clearer>) -> Shown {
    if intent.delegation_id.is_some() {
        return Ok(go("/rules"));
    }
    let top = Top::inside(visit, Place::Rules).await?;
    let agent = AgentId(server::convert::id(intent.agent.0));
    let (_, wallet) = self::agent(visit, &agent.to_string()).await?;
    let rule = For { agent, wallet: wallet.id, asset: wallet.asset };
    let limits = limits_of(&intent.limits)?;
    let ready = intent.summary_digest.clone();
    let tried = typed(visit.asked("try"), wallet.asset);
    let preview = match ready {
        Some(_) => Some(Preview::of(visit, rule, &limits, tried).await?),
        None => None,
    };
    let told = told(visit, &intent)?;
    let stands = if told.is_hers { Replace::Chosen } else { Replace::Open };
    let replace = (!live_rules(visit, agent).await?.is_empty()).then_some(stands);
    let agree = ready.map(|of| Agree {
        path: format!("/rules/{}/agree", intent.id),
        of,
        fresh: visit.site.app.new_id().text(),
        fields: Vec::new(),
        replace,
    });
    let drafter = visit.site.app.drafter.as_ref().filter(|_| told.is_hers && !intent.questions.is_empty());
    let may_ask = drafter.map(|drafter| top.w.say(top.w.clearer_text, drafter.host()));
    let for_agent = agent.to_string();
    let questions = intent.questions.into_iter().map(|it| Question {
        id: it.id,
        text: it.text,
        suggestions: it.suggestions,
    });
    let rehearsed = preview.as_ref().map(|it| top.w.say(top.w.rehearsal_text, it.rehearsal.count));
    let page = RulePage {
        agent: visit.agent_called(agent)?,
        said_by: told.said_by,
        said: vec![Text::told(&sentence(visit, intent.id)?).text],
        not_hers: told.not_hers,
        intent: intent.id.to_string(),
        for_agent,
        may_ask,
        clearer,
        questions: questions.collect(),
        refused,
        summary: intent.summary,
        particulars: intent.particulars,
        preview,
        agree,
        tried: visit.asked("try").to_owned(),
        rehearsed: rehearsed.unwrap_or_default(),
        top,
    };
    Ok(html(if refused { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK }, &page))
}

/// Whose words a draft is made of.
struct Told {
    said_by: String,
    not_hers: Option<Text>,
    is_hers: bool,
}

/// Whether the owner herself said everything that a draft is made of; whoever else did is named.
fn told(visit: &Visit, intent: &Intent) -> Result<Told, Stop> {
    let w = visit.words();
    let called = |agent: wire::AgentId| visit.agent_called(AgentId(server::convert::id(agent.0)));
    let (said, by) = match (intent.drafted_by, intent.answered_by) {
        (Some(agent), _) => (w.agent_drafted, called(agent)?),
        (None, Some(agent)) => (w.agent_answered, called(agent)?),
        (None, None) => return Ok(Told { said_by: w.you_said.to_owned(), not_hers: None, is_hers: true }),
    };
    let said_by = match intent.drafted_by {
        Some(_) => w.say(w.agent_said, &by.text),
        None => w.you_said.to_owned(),
    };
    let not_hers = Some(Text { text: w.say(said, &by.text), odd: by.odd });
    Ok(Told { said_by, not_hers, is_hers: false })
}

/// The words that a draft was made of.
fn sentence(visit: &Visit, intent: IntentId) -> Result<String, Stop> {
    let words = intents::words_of(&visit.site.app, intent)?;
    Ok(match words {
        Some(Said::Text(text)) => text,
        Some(Said::Dialogue(turns)) => {
            turns.into_iter().map(|turn| turn.content).collect::<Vec<_>>().join(" / ")
        }
        None => String::new(),
    })
}

/// Agrees to a draft: issues its credential and grants the mandate.
pub async fn agree(visit: &Visit) -> Shown {
    let intent = find(visit).await?;
    let caller = visit.confirmed()?;
    let agent = AgentId(server::convert::id(intent.agent.0));
    let before = live_rules(visit, agent).await?;
    let yes = IntentConfirmation {
        id: wire::MandateId(bits(visit.change()?)),
        of: visit.field("of").to_owned(),
        user_confirmation_method: Some("PASSKEY".to_owned()),
    };
    intents::confirm(&visit.site.app, &caller, intent.id, yes).await?;
    replace(visit, before).await?;
    Ok(go("/rules"))
}

/// Ends the rules that a new one replaces, where the owner said so.
async fn replace(visit: &Visit, before: Vec<MandateId>) -> Result<(), Stop> {
    if visit.field("replace") != "yes" {
        return Ok(());
    }
    for mandate in before.into_iter().filter(|it| it.0 != visit.change().unwrap_or(it.0)) {
        let end = Action::Revoke(Revoke { subject: Subject::Mandate(mandate) });
        let app = &visit.site.app;
        app.execute(&visit.caller()?, app.new_id(), end).await?;
    }
    Ok(())
}

/// A level, and what it would do.
pub async fn show_ready(visit: &Visit) -> Shown {
    let top = Top::inside(visit, Place::Rules).await?;
    let w = visit.words();
    let (agent, wallet) = agent(visit, visit.asked("agent")).await?;
    let asked = |name: &str| visit.asked(name).to_owned();
    let ready = Ready::of(visit, &wallet, asked)?;
    let rule = For { agent, wallet: wallet.id, asset: wallet.asset };
    let tried = typed(visit.asked("try"), wallet.asset);
    let preview = Preview::of(visit, rule, &ready.limits, tried).await?;
    let rehearsed = w.say(w.rehearsal_text, preview.rehearsal.count);
    let replace = (!live_rules(visit, agent).await?.is_empty()).then_some(Replace::Chosen);
    let fields = Ready::FIELDS.iter().map(|name| (*name, asked(name))).chain([("agent", agent.to_string())]);
    let agree = Agree {
        path: "/rules/ready".to_owned(),
        of: String::new(),
        fresh: visit.site.app.new_id().text(),
        fields: fields.collect(),
        replace,
    };
    let page = RulePage {
        agent: visit.agent_called(agent)?,
        for_agent: String::new(),
        may_ask: None,
        clearer: None,
        said_by: w.you_said.to_owned(),
        said: vec![said(w, ready.level).to_owned()],
        not_hers: None,
        intent: String::new(),
        questions: Vec::new(),
        refused: false,
        summary: Vec::new(),
        particulars: Vec::new(),
        preview: Some(preview),
        agree: Some(agree),
        tried: asked("try"),
        rehearsed,
        top,
    };
    Ok(html(StatusCode::OK, &page))
}

/// Agrees to a level.
pub async fn agree_ready(visit: &Visit) -> Shown {
    let (agent, wallet) = agent(visit, visit.field("agent")).await?;
    let ready = Ready::of(visit, &wallet, |name| visit.field(name).to_owned())?;
    let caller = visit.confirmed()?;
    let before = live_rules(visit, agent).await?;
    let app = &visit.site.app;
    let now = app.clock.now();
    let w = visit.words();
    let document = app.keep_text(&w.say_two(w.ready_document, ready.level.code(), ready.days))?;
    let grant = GrantMandate {
        wallet: wallet.id,
        agent,
        valid_from: now,
        expires_at: now.after(Time::from_seconds(ready.days.saturating_mul(86_400)).0),
        limits: ready.limits,
        document,
        // The page showed the whole of each limit, and she has just agreed to it.
        carry: Carry::Reset,
    };
    app.execute(&caller, visit.change()?, Action::GrantMandate(grant)).await?;
    replace(visit, before).await?;
    Ok(go("/rules"))
}

/// A level with its amounts, out of a form.
struct Ready {
    level: Level,
    days: u64,
    limits: Vec<book::Limit>,
}

impl Ready {
    const FIELDS: [&str; 6] = ["level", "small", "per_payment", "per_day", "total", "days"];

    fn of(visit: &Visit, wallet: &WalletRow, field: impl Fn(&str) -> String) -> Result<Ready, Stop> {
        let amount = |name: &str| -> Result<Amount, Stop> {
            typed(&field(name), wallet.asset).filter(|it| !it.is_zero()).ok_or(Stop::Malformed)
        };
        let level = Level::ALL.iter().find(|level| level.code() == field("level")).ok_or(Stop::Malformed)?;
        let days =
            field("days").parse().ok().filter(|days| (1..=366).contains(days)).ok_or(Stop::Malformed)?;
        let zone = match day(visit) {
            Window::Calendar { zone, .. } => zone,
            Window::Rolling { .. } => Zone::new("UTC").ok_or(Stop::Malformed)?,
        };
        let budget = Budget {
            small: amount("small")?,
            per_payment: amount("per_payment")?,
            per_day: amount("per_day")?,
            zone,
            total: amount("total")?,
            payees: Vec::new(),
        };
        Ok(Ready { level: *level, days, limits: level.limits(&budget) })
    }
}

fn said(w: &'static crate::words::Words, level: Level) -> &'static str {
    match level {
        Level::L0 => w.level_0,
        Level::L1 => w.level_1,
        Level::L2 => w.level_2,
        Level::L3 => w.level_3,
        Level::L4 => w.level_4,
        Level::L5 => w.level_5,
    }
}

fn levels(w: &'static crate::words::Words, chosen: Level) -> Vec<Choice> {
    let choice = |level: &Level| Choice {
        value: level.code().to_owned(),
        said: said(w, *level).to_owned(),
        chosen: *level == chosen,
    };
    Level::ALL.iter().map(choice).collect()
}

/// An agent of the owner's that can still be given rules, and its wallet.
async fn agent(visit: &Visit, text: &str) -> Result<(AgentId, WalletRow), Stop> {
    let id: AgentId = text.parse().map_err(|_| Stop::Malformed)?;
    let owner = visit.owner()?;
    let row = visit.site.app.ask(move |view| Ok(view.agent(id)?.filter(|row| row.owner == owner))).await?;
    let row = row.ok_or(Stop::Missing)?;
    let wallet = own_wallets(visit).await?.into_iter().find(|wallet| wallet.id == row.wallet);
    Ok((id, wallet.ok_or(Stop::Missing)?))
}

/// The rules of an agent that are neither ended nor over.
async fn live_rules(visit: &Visit, agent: AgentId) -> Result<Vec<MandateId>, Stop> {
    let now = visit.site.app.clock.now();
    let rows =
        visit.site.app.ask(move |view| Ok(view.mandates_of_agent(agent, None, RULES_OF_AGENT)?.rows)).await?;
    let live = |row: &MandateRow| row.status != Status::Revoked && now < row.expires_at;
    Ok(rows.into_iter().filter(live).map(|row| row.id).collect())
}

/// The draft that the address names, for its owner.
async fn find(visit: &Visit) -> Result<Intent, Stop> {
    let id: IntentId = visit.part(1)?;
    Ok(intents::look_up(&visit.site.app, KeyHolder::Owner(visit.owner()?), id).await?)
}
