//! An agreement as it stands: what was applied for, read beside the mandate that it became.

use super::super::facts::number;
use super::super::task::task;
use crate::convert::bits;
use crate::papers::{AgreementPaper, Party};
use crate::problem::Answered;
use crate::routes::intents::draft::{identifier, unreadable};
use crate::state::State;
use book::{Amount, Id, Limit, MandateId, Time};
use engine::View;
use engine::views::MandateRow;
use evidence::Hash;
use protocols::act::psd::agreement::{Agreement, AgreementStatus, ApplyRequest, TaskState};
use protocols::act::{AmountNumber, Identifier, UtcTime, Word};
use wire::act::StandingAgreement;

/// What an agreement's number begins with.
const NUMBER: &str = "agr";

/// An agreement as it stands.
pub(crate) struct Found {
    /// What was applied for.
    pub(crate) paper: AgreementPaper,
    /// Its mandate, once it is signed.
    pub(crate) row: Option<MandateRow>,
    /// Where its task stands.
    pub(crate) state: TaskState,
    /// As ACT shows it.
    pub(crate) shown: Agreement,
}

/// The one agreement of a party with this number, or with this number of the agent's own.
pub(crate) fn find(
    app: &State,
    view: &View,
    of: Party,
    number: Option<&Identifier>,
    external: Option<&Identifier>,
) -> Answered<Option<Found>> {
    let paper = match (number, external) {
        (Some(number), None) => {
            let Some(mandate) = mandate_of(number.as_str()) else { return Ok(None) };
            app.papers.agreement(mandate).map_err(|fault| unreadable(&fault))?
        }
        (None, Some(external)) => {
            // Two agents of one owner may call theirs the same: then nobody can say which is meant.
            let named = app.papers.agreements(of, Some(external.as_str()), 2);
            let mut named = named.map_err(|fault| unreadable(&fault))?;
            if named.len() == 1 { named.pop() } else { None }
        }
        (Some(_), Some(_)) | (None, None) => None,
    };
    let is_its = |paper: &AgreementPaper| match of {
        Party::Agent(agent) => paper.agent == agent,
        Party::Owner(owner) => paper.owner == owner,
    };
    paper.filter(is_its).map(|paper| found(view, paper, app.clock.now())).transpose()
}

/// Where the task of an application stands, and its mandate.
pub(super) fn standing(
    view: &View,
    paper: &AgreementPaper,
    now: Time,
) -> Answered<(TaskState, Option<MandateRow>)> {
    // Whatever else goes by that name is not what was applied for.
    let digest = Hash::of(paper.text.as_bytes());
    let row = view.mandate(paper.mandate)?.filter(|row| row.document == digest);
    let state = match &row {
        Some(row) => task(view, row, now)?,
        None => {
            let is_over = read(paper)?.sign_validity.end_time.time() <= now;
            let is_spoilt = view.decision_of(paper.mandate.0)?.is_some();
            if paper.is_declined || is_over || is_spoilt { TaskState::Invalid } else { TaskState::Signing }
        }
    };
    Ok((state, row))
}

/// An agreement as it stands. What its limits are the book says, once it is signed.
pub(crate) fn found(view: &View, paper: AgreementPaper, now: Time) -> Answered<Found> {
    let request = read(&paper)?;
    let (state, row) = standing(view, &paper, now)?;
    let asset = match &row {
        Some(row) => view.wallet(row.wallet)?.map(|wallet| wallet.asset),
        None => None,
    };
    let text = |amount: Amount| Some(number(amount, asset?)?.to_text());
    let limit = |pick: fn(&Limit) -> Option<Amount>| {
        row.as_ref().and_then(|row| row.limits.iter().find_map(pick)).and_then(text)
    };
    let single = limit(|limit| if let Limit::PerPayment { max } = limit { Some(*max) } else { None });
    let total = limit(|limit| if let Limit::Total { max } = limit { Some(*max) } else { None });
    let spent = row.as_ref().and_then(|row| text(row.spent.amount));
    let ended = match (state, row.as_ref().and_then(|row| row.changed)) {
        (TaskState::Cancelled | TaskState::Terminate, Some(seq)) => view.decision(seq)?.map(|row| row.at),
        (_, _) => None,
    };
    let reason = match state {
        TaskState::Cancelled => paper.cancelled.clone().unwrap_or_else(|| "USER_INITIATED".to_owned()),
        TaskState::Expired => "EXPIRY".to_owned(),
        TaskState::Terminate => "RISK".to_owned(),
        TaskState::Signing | TaskState::Normal | TaskState::Finished | TaskState::Invalid => String::new(),
    };
    let shown = Agreement {
        agreement_no: identifier(&number_of(paper.mandate)),
        external_agreement_no: request.external_agreement_no,
        status: state.agreement(),
        validity: request.sign_validity,
        principal_id: request.principal_id,
        agent_id: request.agent_id,
        agreement_type: request.agreement_type,
        single_amount_limit: single.unwrap_or(request.single_amount_limit),
        total_amount_limit: if row.is_some() { total } else { request.total_amount_limit },
        times_limit: match &row {
            Some(row) => row
                .limits
                .iter()
                .find_map(|limit| if let Limit::Uses { max } = limit { Some(*max) } else { None }),
            None => request.times_limit,
        },
        currency: request.currency,
        deducted_amount_total: spent.unwrap_or_else(|| AmountNumber::ZERO.to_text()),
        allowed_merchants: request.allowed_merchants,
        allowed_payment_methods: Some(request.allowed_payment_methods),
        sign_time: row.as_ref().map(|row| UtcTime::second_of(row.at)),
        cancel_time: ended.map(UtcTime::second_of),
        cancel_reason: Word::parse(reason).ok(),
        task_state: Some(state),
    };
    debug_assert!(shown.status != AgreementStatus::Signed || row.is_some(), "what is signed is a mandate");
    Ok(Found { paper, row, state, shown })
}

pub(super) fn standing_agreement(app: &State, found: &Found) -> StandingAgreement {
    StandingAgreement {
        agreement_no: number_of(found.paper.mandate),
        mandate: found.row.as_ref().map(|row| wire::MandateId(bits(row.id.0))),
        task_state: found.state.as_str().to_owned(),
        digest: wire::Digest(Hash::of(found.paper.text.as_bytes()).0),
        application: found.paper.text.clone(),
        agreement: found.shown.to_json(),
        livemode: app.livemode,
    }
}

pub(super) fn read(paper: &AgreementPaper) -> Answered<ApplyRequest> {
    ApplyRequest::from_json(paper.text.as_bytes()).map_err(|fault| unreadable(&fault))
}

pub(super) fn number_of(mandate: MandateId) -> String {
    format!("{NUMBER}_{}", mandate.0.text())
}

pub(super) fn mandate_of(number: &str) -> Option<MandateId> {
    Id::from_text(number.strip_prefix(NUMBER)?.strip_prefix('_')?).map(MandateId)
}

/// Where an agent wants to be told what becomes of its application.
pub(crate) fn notify_url(paper: &AgreementPaper) -> Answered<String> {
    Ok(read(paper)?.notify_url.as_str().to_owned())
}

/// What an agent is told of an agreement: how it stands now, as ACT shows it.
pub(crate) fn told_of(found: &Found) -> Answered<serde_json::Value> {
    serde_json::from_str(&found.shown.to_json()).map_err(|fault| unreadable(&fault))
}
