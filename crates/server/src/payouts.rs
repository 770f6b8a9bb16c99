//! Payouts as the border has them: bank accounts, kept beside the journal, and what the operator's bank is told.
//!
//! The journal has digests of bank accounts. They are salted with a secret of the server's, for the numbers of accounts are
//! few enough to try them all.

use crate::codes::Edge;
use crate::convert::{bits, id, money, time_text};
use crate::problem::{Answered, Problem};
use crate::state::State;
use book::{
    Action, Amount, Code, PayeeId, PayoutBatchId, PayoutId, PayoutStage, PayoutStep, RequestPayout, Time,
};
use engine::View;
use engine::views::PayoutRow;
use evidence::{Hash, MacKey, base64url, derive_key};
use invoice::order::{self, NoOrder, Number, Order, OrderLine};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use wire::payout::{BankAccount, Destination, Payout, PayoutBatch, PayoutStanding, PayoutStatus};

/// A bank account as it is kept.
#[derive(Serialize, Deserialize)]
struct Account {
    salt: String,
    account: BankAccount,
}

/// What a bank is told beside the payouts, as it is kept.
#[derive(Serialize, Deserialize)]
struct Terms {
    from: BankAccount,
    on: String,
}

/// A bank account with its parts as they are compared, or why it is none.
///
/// # Errors
/// [`Edge::TextMalformed`], which says what is wrong.
pub fn bank_account(said: &BankAccount, member: &'static str) -> Answered<order::BankAccount> {
    read(said).map_err(|wrong| {
        let (param, why) = (format!("{member}.{}", wrong.member), format!("It cannot be paid to: {wrong}."));
        Problem::from(Edge::TextMalformed).of(param).because(why)
    })
}

fn read(said: &BankAccount) -> Result<order::BankAccount, NoOrder> {
    let BankAccount { holder, iban, number, bic } = said;
    order::BankAccount::new(holder, iban.as_deref(), number.as_deref(), bic.as_deref())
}

fn plain(account: &order::BankAccount) -> BankAccount {
    let (iban, number) = match &account.number {
        Number::Iban(text) => (Some(text.clone()), None),
        Number::Other(text) => (None, Some(text.clone())),
    };
    BankAccount { holder: account.holder.clone(), iban, number, bic: account.bic.clone() }
}

impl State {
    /// Keeps a seller's bank account, and returns the digest that the journal has of it: the same for the same account.
    ///
    /// # Errors
    /// [`Edge::Internal`] where it cannot be kept.
    pub fn keep_account(&self, payee: PayeeId, account: &order::BankAccount) -> Answered<Hash> {
        let account = plain(account);
        let text = serde_json::to_string(&account).expect("an account is JSON");
        let key = MacKey::new(&derive_key(&self.session_secret, b"payout account"));
        let mac = key.mac(&[&payee.0.0[..], text.as_bytes()].concat());
        self.keep_json(&Account { salt: base64url::encode(&mac.0), account })
    }

    /// A seller's bank account, if it was not erased.
    ///
    /// # Errors
    /// [`Edge::Internal`] where it cannot be read.
    pub fn account(&self, digest: Hash) -> Answered<Option<order::BankAccount>> {
        let kept: Option<Account> = self.said(digest)?;
        Ok(kept.and_then(|kept| read(&kept.account).ok()))
    }

    /// The command that asks for a payout. Where no account is named, it is the one that counts now; where the payout is
    /// there already, that of its first request.
    ///
    /// # Errors
    /// [`Edge::Internal`] where the views cannot be read.
    pub fn payout_request(
        &self,
        view: &View,
        payout: book::Id,
        (payee, amount, asset): (PayeeId, Amount, Code),
        named: Option<Hash>,
    ) -> Answered<Action> {
        let before = view.payout(PayoutId(payout))?.map(|row| row.destination);
        let known = view.paid_out(payee)?.destinations;
        let waiting = known.next.map(|(next, _)| next);
        // Without any, the book says so.
        let destination = named.or(before).or(known.at(self.clock.now())).or(waiting);
        let destination = destination.unwrap_or(Hash([0; 32]));
        Ok(Action::RequestPayout(RequestPayout { payee, amount, asset, destination }))
    }

    /// What of a seller's money can be paid out, and whither.
    ///
    /// # Errors
    /// [`Edge::Internal`] where something cannot be read.
    pub fn payout_standing(&self, view: &View, payee: PayeeId) -> Answered<Option<PayoutStanding>> {
        let Some(row) = view.payee(payee)? else { return Ok(None) };
        let (paid_out, now) = (view.paid_out(payee)?, self.clock.now());
        let known = paid_out.destinations;
        let counts = known.at(now);
        let next = known.next.filter(|(_, from)| now < *from);
        Ok(Some(PayoutStanding {
            payee: wire::PayeeId(bits(payee.0)),
            available: money(row.balance.available(), row.asset),
            in_transit: money(paid_out.in_transit, row.asset),
            paid: money(paid_out.paid, row.asset),
            destination: counts.map(|digest| self.destination(digest, None)).transpose()?,
            next: next.map(|(digest, from)| self.destination(digest, Some(from))).transpose()?,
            livemode: self.livemode,
        }))
    }

    /// A bank account, of which only the holder and the last characters are shown.
    fn destination(&self, digest: Hash, from: Option<Time>) -> Answered<Destination> {
        let account = self.account(digest)?;
        Ok(Destination {
            account: account.as_ref().map(order::BankAccount::masked),
            holder: account.map(|account| account.holder),
            digest: wire::Digest(digest.0),
            counts_from: from.map(time_text),
        })
    }

    /// A payout in the words of the API.
    ///
    /// # Errors
    /// [`Edge::Internal`] where something cannot be read.
    pub fn payout_text(&self, row: &PayoutRow) -> Answered<Payout> {
        let asset = self.directory.asset(row.asset).ok_or(Problem::from(Edge::Internal))?;
        Ok(Payout {
            id: wire::PayoutId(bits(row.id.0)),
            payee: wire::PayeeId(bits(row.payee.0)),
            amount: money(row.amount, asset),
            status: match row.stage {
                PayoutStage::Requested => PayoutStatus::Requested,
                PayoutStage::Sent => PayoutStatus::Sent,
                PayoutStage::Paid => PayoutStatus::Paid,
                PayoutStage::Failed => PayoutStatus::Failed,
            },
            destination: self.destination(row.destination, None)?,
            batch: row.batch.map(|batch| wire::PayoutBatchId(bits(batch.0))),
            sent_at: row.sent.map(time_text),
            ended_at: row.ended.map(time_text),
            said: row.said.map(|digest| self.text(digest)).transpose()?.flatten(),
            entry: row.seq.0,
            at: time_text(row.at),
        })
    }

    /// Keeps what a bank is told beside the payouts.
    ///
    /// # Errors
    /// [`Edge::TextMalformed`] where it is no account or no day.
    pub fn keep_order(&self, from: &BankAccount, on: &str) -> Answered<Hash> {
        let from = plain(&bank_account(from, "from")?);
        let day: Option<Date> = on.parse().ok();
        let day = day.filter(|day| day.to_string() == on);
        let day = day.ok_or_else(|| Problem::from(Edge::TextMalformed).of("on"))?;
        self.keep_json(&Terms { from, on: day.to_string() })
    }

    /// A batch in the words of the API; one without payouts where there is none.
    ///
    /// # Errors
    /// [`Edge::Internal`] where something cannot be read.
    pub fn batch_text(&self, batch: PayoutBatchId, on: &str, rows: &[PayoutRow]) -> Answered<PayoutBatch> {
        let name = wire::PayoutBatchId(bits(batch.0));
        let asset = rows.first().and_then(|row| self.directory.asset(row.asset));
        let total = rows.iter().try_fold(Amount::ZERO, |sum, row| sum.checked_add(row.amount));
        Ok(PayoutBatch {
            id: name,
            count: u64::try_from(rows.len()).unwrap_or(u64::MAX),
            total: total.zip(asset).map(|(total, asset)| money(total, asset)),
            on: on.to_owned(),
            payouts: rows.iter().map(|row| self.payout_text(row)).collect::<Answered<_>>()?,
            file: format!("/v1/payouts/batches/{name}.xml"),
            livemode: self.livemode,
        })
    }

    /// On which day the bank is to pay a batch.
    ///
    /// # Errors
    /// [`Edge::Internal`] where it cannot be read.
    pub fn batch_day(&self, rows: &[PayoutRow]) -> Answered<String> {
        Ok(self.terms(rows)?.map(|terms| terms.on).unwrap_or_default())
    }

    /// What the bank is told: the same bytes each time.
    ///
    /// # Errors
    /// [`Edge::PaperUnavailable`] where an account was erased meanwhile.
    pub fn batch_order(&self, batch: PayoutBatchId, rows: &[PayoutRow]) -> Answered<String> {
        let unavailable = |why: &str| {
            Problem::from(Edge::PaperUnavailable).because(format!("There is none because {why}."))
        };
        let asset = rows.first().and_then(|row| self.directory.asset(row.asset));
        let asset = asset.ok_or_else(|| unavailable("nothing is in it"))?;
        let terms = self.terms(rows)?.ok_or_else(|| unavailable("what was ordered was erased"))?;
        let line = |row: &PayoutRow| {
            let to = self.account(row.destination)?;
            let to = to.ok_or_else(|| unavailable("a bank account was erased"))?;
            Ok(OrderLine { id: row.id.to_string(), to, minor: row.amount.minor() })
        };
        let order = Order {
            id: batch.to_string(),
            made_at: rows.iter().filter_map(|row| row.sent).min().map(time_text).unwrap_or_default(),
            on: terms.on,
            from: bank_account(&terms.from, "from")?,
            currency: asset.code.as_str().to_owned(),
            scale: asset.scale,
            lines: rows.iter().map(line).collect::<Answered<_>>()?,
        };
        order::pain001(&order).map_err(|wrong| unavailable(&wrong.to_string()))
    }

    fn terms(&self, rows: &[PayoutRow]) -> Answered<Option<Terms>> {
        let digest = rows.first().and_then(|row| row.order);
        Ok(digest.map(|digest| self.said(digest)).transpose()?.flatten())
    }

    fn keep_json(&self, document: &impl Serialize) -> Answered<Hash> {
        self.keep_text(&serde_json::to_string(document).expect("a document is JSON"))
    }
}

/// The command that says that a payout was handed to the bank in `batch`, under a name that follows from both: asked twice,
/// it is one command.
pub(crate) fn send(batch: PayoutBatchId, payout: PayoutId, order: Hash) -> (book::Id, Action) {
    let Hash(bytes) = Hash::of(&[&batch.0.0[..], &payout.0.0[..]].concat());
    let random = std::array::from_fn(|place| bytes.get(place).copied().unwrap_or_default());
    let action = book::AdvancePayout { payout, step: PayoutStep::Sent { batch, order } };
    (book::Id::new(batch.0.made_at(), random), Action::AdvancePayout(action))
}

/// The name of a batch on the wire as the book has it.
pub(crate) fn batch_id(batch: wire::PayoutBatchId) -> PayoutBatchId {
    PayoutBatchId(id(batch.0))
}
