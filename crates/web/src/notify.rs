//! Notices: tells an owner who is not looking that something waits, once and not three times.
//!
//! A notice says how many things wait and what the newest is; what comes within [`NOTICE_SECONDS_MIN`] of a notice is
//! told with the next. Nothing can be answered from a notice: it leads to the page that asks.

use crate::limits::{NOTICE_MILLIS_MAX, NOTICE_SECONDS_MIN, NOTICE_TRIES_MAX};
use crate::reasons;
use crate::shown::{Text, money};
use crate::words::Lang;
use crate::{Console, Site};
use book::{OwnerId, Seq, Time};
use engine::views::{DecisionRow, Ruling, Whom};
use evidence::{Secret, base64url};
use serde::Serialize;
use server::webhooks::sign::with_secret;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use url::Url;

/// Where notices go.
#[derive(Debug)]
pub enum Notifier {
    /// One line of JSON each, at the end of a file.
    File(PathBuf),
    /// A POST each, signed as Standard Webhooks 1.0.0 has it where there is a secret.
    Webhook {
        /// To whom.
        url: Url,
        /// What to sign with.
        secret: Option<Secret>,
    },
}

impl Notifier {
    /// Notices at the end of a file, which is made for its owner's eyes alone where it is not there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn file(path: &Path) -> std::io::Result<Notifier> {
        append(path, "")?;
        Ok(Notifier::File(path.to_owned()))
    }
}

/// The secret of a webhook: 32 bytes as Standard Webhooks writes them, `whsec_` and Base64, or in Base64URL.
pub fn secret(text: &str) -> Option<Secret> {
    use base64::Engine;
    let bytes = match text.trim().strip_prefix("whsec_") {
        Some(standard) => base64::engine::general_purpose::STANDARD.decode(standard).ok()?,
        None => base64url::decode(text.trim())?,
    };
    bytes.try_into().ok().map(Secret::new)
}

/// What an owner is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Notice {
    /// Whom it is for.
    pub owner: String,
    /// How many questions have come since the last notice.
    pub asked: u64,
    /// How many payments were refused.
    pub refused: u64,
    /// The newest of them, in the owner's language, money first.
    pub text: String,
    /// The page that shows it.
    pub url: String,
    /// The newest entry it tells of.
    pub entry: u64,
}

/// What has come and was not told.
#[derive(Debug, Default)]
struct Pending {
    asked: u64,
    refused: u64,
    newest: Option<DecisionRow>,
}

/// What is to be told to whom, and who was told something lately.
#[derive(Debug, Default)]
struct Outbox {
    pending: BTreeMap<OwnerId, Pending>,
    told: BTreeMap<OwnerId, Time>,
}

impl Outbox {
    /// Notes a decision, if it is one that an owner is told of.
    fn note(&mut self, row: DecisionRow) {
        let Some(owner) = row.owner.filter(|_| row.agent.is_some() && row.payee.is_some()) else { return };
        let (asked, refused) = match row.ruling {
            Ruling::Asked(..) => (1, 0),
            Ruling::Denied(_) => (0, 1),
            Ruling::Allowed => return,
        };
        let it = self.pending.entry(owner).or_default();
        it.asked = it.asked.saturating_add(asked);
        it.refused = it.refused.saturating_add(refused);
        // What waits for an answer is told before what was refused.
        let newest_asks = it.newest.is_some_and(|row| matches!(row.ruling, Ruling::Asked(..)));
        if asked == 1 || !newest_asks {
            it.newest = Some(row);
        }
    }

    /// Takes out what is to be told now: nothing to whoever was told something a moment ago.
    fn take(&mut self, now: Time) -> Vec<(OwnerId, Pending)> {
        let pause = Time::from_seconds(NOTICE_SECONDS_MIN).0;
        self.told.retain(|_, at| now < at.after(pause));
        let told = &mut self.told;
        let due: Vec<_> = self.pending.extract_if(.., |owner, _| !told.contains_key(owner)).collect();
        told.extend(due.iter().map(|(owner, _)| (*owner, now)));
        due
    }
}

/// Follows the decisions for as long as the server runs. What was not told before a restart is told after it.
pub async fn run(site: Site, notifier: Notifier) {
    const MARK: &str = "notices";
    let app = &site.app;
    let begin = site.store.mark(MARK).ok().flatten().unwrap_or_else(|| app.engine.size());
    let (mut next, mut kept) = (Seq(begin), None);
    let mut outbox = Outbox::default();
    loop {
        let rest = tokio::time::timeout(Duration::from_secs(1), app.reads.moved(next)).await;
        if rest == Ok(false) {
            return;
        }
        let from = next;
        match app.ask(move |view| Ok(view.decisions_from(Whom::Everybody, from, 256)?)).await {
            Ok(found) => {
                found.rows.into_iter().for_each(|row| outbox.note(row));
                next = found.next;
            }
            Err(problem) => tracing::warn!(code = problem.code(), "decisions cannot be read for notices"),
        }
        let now = app.wall_clock();
        for (owner, pending) in outbox.take(now) {
            if let Some(notice) = notice(&site, owner, &pending) {
                send(&notifier, &notice, now).await;
            }
        }
        if outbox.pending.is_empty() && kept != Some(next) {
            match site.store.set_mark(MARK, next.0) {
                Ok(()) => kept = Some(next),
                Err(fault) => tracing::warn!(%fault, "the place of notices was not kept"),
            }
        }
    }
}

fn notice(site: &Console, owner: OwnerId, it: &Pending) -> Option<Notice> {
    let row = it.newest?;
    let lang = site.store.preferences(owner).ok().flatten().and_then(|it| it.language);
    let lang = lang.as_deref().and_then(Lang::of).unwrap_or(Lang::English);
    let w = lang.words();
    let called = |id| Text::of(&site.app.label(id).ok().flatten().unwrap_or_default()).text;
    let asset = row.asset.and_then(|code| site.app.directory.asset(code));
    let amount = row.amount.zip(asset).map(|(amount, asset)| money(amount, asset).short).unwrap_or_default();
    let seller = row.payee.map(|payee| called(payee.0)).unwrap_or_default();
    let agent = row.agent.map(|agent| called(agent.0)).unwrap_or_default();
    let (said, why, page) = match row.ruling {
        Ruling::Asked(ask, _) => (w.asks, reasons::ask(lang, ask), "approvals".to_owned()),
        Ruling::Denied(refusal) => {
            (w.was_refused_for, reasons::denial(lang, refusal.denial), format!("activity/{}", row.seq.0))
        }
        Ruling::Allowed => return None,
    };
    Some(Notice {
        owner: owner.to_string(),
        asked: it.asked,
        refused: it.refused,
        text: format!("{}: {amount} · {seller}. {why}", w.say(said, agent)),
        url: site.public_url.join(&page).ok()?.to_string(),
        entry: row.seq.0,
    })
}

/// Sends a notice, and tries again a few times: a notice that is lost loses nothing else.
async fn send(notifier: &Notifier, notice: &Notice, now: Time) {
    let body = serde_json::to_string(notice).expect("a notice is JSON");
    for again in 0..NOTICE_TRIES_MAX {
        let sent = match notifier {
            Notifier::File(path) => append(path, &format!("{body}\n")).map_err(|fault| fault.to_string()),
            Notifier::Webhook { url, secret } => post(url, secret.as_ref(), notice, &body, now).await,
        };
        match sent {
            Ok(()) => return,
            Err(fault) => tracing::warn!(%fault, again, "a notice was not sent"),
        }
        if again + 1 < NOTICE_TRIES_MAX {
            tokio::time::sleep(Duration::from_secs(1 << again)).await;
        }
    }
}

/// Who buys what of whom is nobody else's business on this machine.
fn append(path: &Path, text: &str) -> std::io::Result<()> {
    File::options().create(true).append(true).mode(0o600).open(path)?.write_all(text.as_bytes())
}

async fn post(
    url: &Url,
    secret: Option<&Secret>,
    notice: &Notice,
    body: &str,
    now: Time,
) -> Result<(), String> {
    let client = reqwest::Client::builder()
        .timeout(Duration::from_millis(NOTICE_MILLIS_MAX))
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|fault| fault.to_string())?;
    let (id, seconds) = (format!("notice_{}_{}", notice.owner, notice.entry), now.0 / 1_000_000_000);
    let mut request = client
        .post(url.clone())
        .header("content-type", "application/json")
        .header("webhook-id", &id)
        .header("webhook-timestamp", seconds.to_string());
    if let Some(secret) = secret {
        request = request.header("webhook-signature", with_secret(secret, &id, seconds, body));
    }
    let answer = request.body(body.to_owned()).send().await.map_err(|fault| fault.to_string())?;
    if answer.status().is_success() { Ok(()) } else { Err(format!("answered {}", answer.status())) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use book::{Actor, AgentId, Ask, Denial, Id, PayeeId, Refusal, RuleRef};
    use engine::views::Kind;

    fn row(seq: u64, owner: u8, ruling: Ruling) -> DecisionRow {
        DecisionRow {
            seq: Seq(seq),
            at: Time::from_seconds(seq),
            id: Id([0; 16]),
            kind: Kind::Pay,
            by: Actor::Book,
            ruling,
            amount: None,
            asset: None,
            about: None,
            owner: Some(OwnerId(Id([owner; 16]))),
            wallet: None,
            agent: Some(AgentId(Id([1; 16]))),
            payee: Some(PayeeId(Id([2; 16]))),
            mandate: None,
        }
    }

    #[test]
    fn an_owner_is_told_once_and_then_left_alone_for_a_while() {
        let asked = Ruling::Asked(Ask::Always, RuleRef::BOOK);
        let refusal = Refusal { rule: RuleRef::BOOK, denial: Denial::NoRules, remaining: None };
        let mut outbox = Outbox::default();
        let at = Time::from_seconds;
        outbox.note(row(1, 7, asked));
        outbox.note(row(2, 7, Ruling::Allowed));
        let told = outbox.take(at(100));
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].1.asked, told[0].1.refused), (1, 0));

        for seq in 3..6 {
            outbox.note(row(seq, 7, asked));
        }
        outbox.note(row(6, 7, Ruling::Denied(refusal)));
        assert!(outbox.take(at(100 + NOTICE_SECONDS_MIN - 1)).is_empty(), "not so soon again");
        outbox.note(row(7, 8, asked));
        assert_eq!(outbox.take(at(100 + NOTICE_SECONDS_MIN - 1)).len(), 1, "somebody else is told at once");

        let told = outbox.take(at(100 + NOTICE_SECONDS_MIN));
        assert_eq!((told[0].1.asked, told[0].1.refused), (3, 1));
        assert_eq!(
            told[0].1.newest.map(|row| row.seq),
            Some(Seq(5)),
            "what waits comes before what was refused"
        );
        assert!(outbox.take(at(1_000)).is_empty());
    }

    #[test]
    fn a_secret_is_read_as_the_standard_writes_it_and_in_base64url() {
        let (standard, url) = (
            "whsec_+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/v7+/s=\n",
            "-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_v7-_s",
        );
        for text in [standard, url] {
            assert_eq!(secret(text).map(|it| *it.expose()), Some([0xfb; 32]), "{text}");
        }
        for text in ["", "whsec_", "whsec_AAAA", "AAAA", &format!("whsec_{url}")] {
            assert!(secret(text).is_none(), "{text}");
        }
    }
}
