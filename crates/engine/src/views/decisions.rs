//! Finding what was decided, and what owners were asked.

use crate::limits::{VIEWS_PAGE_ROWS_MAX, VIEWS_SCAN_ROWS_MAX};
use crate::views::ViewsFault;
use crate::views::links::AskedLink;
use crate::views::purchases::befores;
use crate::views::reader::{Linked, Page, View, Whom};
use crate::views::rows::{Answer, DecisionRow, QuestionRow, select_decision};
use crate::views::stored::{Canonical, Columns, stored};
use crate::views::subjects::{self, Chain, Role};
use crate::views::subscriptions::AskedTerms;
use book::limits::ASK_NANOS_MAX;
use book::{AgentId, Ask, Id, OwnerId, Purchase, RuleRef, Seq, Time, WalletId};
use rusqlite::Result;

macro_rules! select_question {
    ($rest:literal) => {
        concat!(
            "SELECT seq, at, id, form, owner, agent, purchase, digest, ask, rule, answer, until, answered, used, terms, link
             FROM questions",
            $rest
        )
    };
}

/// Decisions from a place on, oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upward {
    /// Oldest first.
    pub rows: Vec<DecisionRow>,
    /// Where to go on.
    pub next: Seq,
}

impl View {
    /// The entry at a place.
    pub fn decision(&self, seq: Seq) -> Result<Option<DecisionRow>, ViewsFault> {
        let query = select_decision!(" FROM decisions d WHERE d.seq = ?1");
        self.find(query, stored![seq], DecisionRow::read)
    }

    /// The entry of a command, however long ago; not of one that presented a nonce.
    pub fn decision_of(&self, command: Id) -> Result<Option<DecisionRow>, ViewsFault> {
        let query =
            select_decision!(" FROM decisions d WHERE d.id = ?1 AND d.kind <> 29 ORDER BY d.seq LIMIT 1");
        self.find(query, stored![command], DecisionRow::read)
    }

    /// What was decided, newest first.
    pub fn decisions(
        &self,
        of: Whom,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<DecisionRow>, ViewsFault> {
        let Some(subject) = of.subject() else {
            let query = select_decision!(" FROM decisions d WHERE d.seq <= ?1 ORDER BY d.seq DESC LIMIT ?2");
            return self.page(query, None, cursor, limit, DecisionRow::read, |row| row.seq);
        };
        let read = |seq| self.line(subject, seq);
        self.chain(subject, Chain::Decisions, cursor, limit, read)
    }

    /// What was decided from place `from` on, oldest first: up to `limit` rows out of [`VIEWS_SCAN_ROWS_MAX`] entries. An
    /// answer without rows is not the end: go on where it says, until that is where the views are.
    pub fn decisions_from(&self, of: Whom, from: Seq, limit: usize) -> Result<Upward, ViewsFault> {
        if VIEWS_PAGE_ROWS_MAX < limit {
            return Err(ViewsFault::PageTooLong(limit));
        }
        let end = Seq(from.0.saturating_add(VIEWS_SCAN_ROWS_MAX)).min(self.position());
        let count = u64::try_from(limit).unwrap_or(u64::MAX);
        let rows = match of.subject() {
            None => {
                let query = select_decision!(
                    " FROM decisions d WHERE ?1 <= d.seq AND d.seq < ?2 ORDER BY d.seq LIMIT ?3"
                );
                self.all(query, stored![from, end, count], DecisionRow::read)?
            }
            Some((role, id)) => {
                let subject = subjects::read(self.connection(), role, id)?;
                let last = subject.and_then(|subject| subject.last(Chain::Decisions));
                if last.is_none_or(|last| last < from) {
                    return Ok(Upward { rows: Vec::new(), next: from.max(self.position()) });
                }
                self.all(upward(role), stored![from, end, count, id], DecisionRow::read)?
            }
        };
        let next = match rows.get(limit.saturating_sub(1)) {
            Some(last) => last.seq.next(),
            None => from.max(end),
        };
        Ok(Upward { rows, next })
    }

    fn line(&self, (role, id): (Role, Id), seq: Seq) -> Result<Option<Linked<DecisionRow>>, ViewsFault> {
        let query = select_decision!(
            ", d.owner_before, d.wallet_before, d.agent_before, d.payee_before, d.mandate_before
             FROM decisions d WHERE d.seq = ?1"
        );
        let found =
            self.find(query, stored![seq], |columns| Ok((DecisionRow::read(columns)?, befores(columns)?)))?;
        let Some((row, [owner, wallet, agent, payee, mandate])) = found else {
            return Ok(None);
        };
        let (named, before) = match role {
            Role::Owner => (row.owner.map(|id| id.0), owner),
            Role::Wallet => (row.wallet.map(|id| id.0), wallet),
            Role::Agent => (row.agent.map(|id| id.0), agent),
            Role::Payee => (row.payee.map(|id| id.0), payee),
            Role::Mandate => (row.mandate.map(|id| id.0), mandate),
        };
        Ok(Some((row, before.filter(|_| named == Some(id)))))
    }

    /// A question, as it stands at `now`.
    pub fn question(&self, id: Id, now: Time) -> Result<Option<QuestionRow>, ViewsFault> {
        let read = |columns: &mut Columns<'_>| question(columns, now);
        self.find(select_question!(" WHERE id = ?1"), stored![id], read)
    }

    /// What an owner was asked, as it stands at `now`.
    pub fn questions_of_owner(
        &self,
        owner: OwnerId,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query = select_question!(" WHERE owner = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        self.questions(query, owner.0, now, cursor, limit)
    }

    /// What anybody was asked, as it stands at `now`.
    pub fn questions_of_all(
        &self,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query = select_question!(" WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        let read = |columns: &mut Columns<'_>| question(columns, now);
        self.page(query, None, cursor, limit, read, |row| row.seq)
    }

    /// What an agent's purchases made its owner be asked, as it stands at `now`.
    pub fn questions_of_agent(
        &self,
        agent: AgentId,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query = select_question!(" WHERE agent = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        self.questions(query, agent.0, now, cursor, limit)
    }

    /// What was asked about a wallet, as it stands at `now`.
    pub fn questions_of_wallet(
        &self,
        wallet: WalletId,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query = select_question!(" WHERE wallet = ?3 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        self.questions(query, wallet.0, now, cursor, limit)
    }

    /// What still waits for an owner's answer at `now`.
    pub fn open_questions_of_owner(
        &self,
        owner: OwnerId,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query =
            select_question!(" WHERE owner = ?3 AND answer = 1 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        let page = self.questions(query, owner.0, now, cursor, limit)?;
        Ok(waiting(page))
    }

    /// What about a wallet still waits for its owner's answer at `now`.
    pub fn open_questions_of_wallet(
        &self,
        wallet: WalletId,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let query =
            select_question!(" WHERE wallet = ?3 AND answer = 1 AND seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        let page = self.questions(query, wallet.0, now, cursor, limit)?;
        Ok(waiting(page))
    }

    fn questions(
        &self,
        query: &str,
        of: Id,
        now: Time,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<QuestionRow>, ViewsFault> {
        let read = |columns: &mut Columns<'_>| question(columns, now);
        self.page(query, Some(of), cursor, limit, read, |row| row.seq)
    }
}

/// Questions wait equally long: behind the first that has waited too long, all have.
fn waiting(mut page: Page<QuestionRow>) -> Page<QuestionRow> {
    let waits = |row: &QuestionRow| matches!(row.answer, Answer::Waiting { .. });
    if let Some(end) = page.rows.iter().position(|row| !waits(row)) {
        page.rows.truncate(end);
        page.next = None;
    }
    page
}

/// A subject's decisions upward: those with a column for it, and those that are linked to it.
fn upward(role: Role) -> &'static str {
    macro_rules! query {
        ($column:literal) => {
            concat!(
                select_decision!(" FROM decisions d WHERE ?1 <= d.seq AND d.seq < ?2 AND (d."),
                $column,
                " = ?4 AND d.",
                $column,
                "_before IS NOT NULL OR EXISTS
                 (SELECT 1 FROM links l WHERE l.subject = ?4 AND l.chain = 1 AND l.seq = d.seq))
                 ORDER BY d.seq LIMIT ?3"
            )
        };
    }
    match role {
        Role::Owner => query!("owner"),
        Role::Wallet => query!("wallet"),
        Role::Agent => query!("agent"),
        Role::Payee => query!("payee"),
        Role::Mandate => query!("mandate"),
    }
}

fn question(columns: &mut Columns<'_>, now: Time) -> Result<QuestionRow> {
    let mut row = QuestionRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        form: columns.next()?,
        owner: columns.next()?,
        agent: columns.next()?,
        purchase: columns.next::<Canonical<Purchase>>()?.0,
        digest: columns.next()?,
        ask: columns.next::<Canonical<Ask>>()?.0,
        rule: columns.next::<Canonical<RuleRef>>()?.0,
        answer: Answer::Expired,
        answered: None,
        used: None,
        terms: None,
        link: None,
    };
    let answer: u8 = columns.next()?;
    let until: Option<Time> = columns.next()?;
    let until = until.unwrap_or(row.at.after(ASK_NANOS_MAX));
    row.answer = match answer {
        1 if now < until => Answer::Waiting { until },
        2 if now < until => Answer::Approved { until },
        3 => Answer::Refused,
        4 => Answer::Used,
        _ => Answer::Expired,
    };
    row.answered = columns.next()?;
    row.used = columns.next()?;
    row.terms = columns.next::<Option<Canonical<AskedTerms>>>()?.map(|terms| terms.0);
    row.link = columns.next::<Option<Canonical<AskedLink>>>()?.map(|link| link.0);
    Ok(row)
}
