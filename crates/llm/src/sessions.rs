//! Sessions: a deposit becomes a key, a further one tops it up, and closing it settles what was used.
//!
//! A key is made from the payment and the gateway's secret, so whoever lost the answer asks again with the same proof and
//! gets the same key. Only its hash is stored. It can spend its deposits here and do nothing else.

use crate::decimal::in_words;
use crate::gateway::Inner;
use crate::ledger::{Deposit, Session};
use crate::limits::{CLOSE_WAIT, DEPOSITS_COUNT_MAX, PAY_WINDOW_SECONDS};
use crate::refusal::{Code, Whole, json};
use crate::routes::{OWN, key, query};
use crate::store::StoreFault;
use evidence::{Hash, base64url};
use http::{HeaderMap, HeaderName, HeaderValue, Request};
use listen::RequestBody;
use pricing::{Bill, NANOS, Nanos};
use protocols::Time;
use protocols::a402::headers::{Aliases, HeaderRole, PAYMENT_NEEDED, find};
use protocols::a402::wallet::method_version;
use protocols::a402::{
    AmountText, Currency, Identifier, Offer, Proof, ProofCheck, RequestFacts, VerifiedProof,
    check_proof_of_offer,
};
use protocols::llm::Family;
use sdk::Failure;
use serde_json::{Value, json as object};
use std::sync::Arc;
use wire::a402::{A402Facts, A402Outcome, NewA402Confirmation, NewA402Verification};
use wire::{HoldId, MeterId, RequestId};

/// What is sold, in bills.
const RESOURCE: &str = "llm-deposit";

/// Comes before what keys are made of, so that the secret may have other uses.
const KEY_DOMAIN: &str = "toll:llm-key/1\n";

#[allow(clippy::result_large_err)]
impl Inner {
    /// A refusal that says how to pay: a bill for a deposit that is enough for `most`, and where it is to be taken.
    pub(crate) fn ask_for_deposit(&self, code: Code, family: Family, message: &str, most: u128) -> Whole {
        let terms = &self.config.deposit;
        let minor = terms.default_minor.max(most.div_ceil(NANOS));
        let mut answer = if minor <= terms.max_minor {
            let target = format!("{OWN}/sessions?deposit={}", self.amount(minor));
            let url = self.address(&target);
            let message =
                format!("{message} Pay the deposit of the header `Payment-Needed`, then POST {url}.");
            match RequestFacts::of("POST", &url, "", b"") {
                Ok(facts) => self.with_bill(self.refuse(code, family, &message), minor, &facts),
                Err(_) => self.refuse(Code::Internal, family, "Nothing was spent. It cannot be billed."),
            }
        } else {
            let message = format!("{message} It is more than the largest deposit here.");
            self.refuse(code, family, &message)
        };
        let sessions = format!("<{}>; rel=\"payment\"", self.address(&format!("{OWN}/sessions")));
        if let Ok(link) = HeaderValue::try_from(sessions) {
            answer.headers_mut().insert(http::header::LINK, link);
        }
        answer
    }

    fn address(&self, target: &str) -> String {
        format!("{}{target}", self.config.seller.public_url.as_str().trim_end_matches('/'))
    }

    fn amount(&self, minor: u128) -> AmountText {
        AmountText::of_minor(minor, self.config.seller.asset.scale()).expect("deposits are bounded")
    }

    fn offer(&self, minor: u128) -> Offer {
        let seller = &self.config.seller;
        Offer {
            method_id: seller.network.method_id(),
            method_version: method_version(),
            amount: self.amount(minor),
            currency: Currency::parse(seller.asset.code()).expect("the code of an asset is a currency"),
            resource_id: Identifier::parse(RESOURCE).expect("it is short"),
            seller_unique_id: Identifier::parse(seller.payee.to_string()).expect("30 characters"),
            replay_window_seconds: self.config.deposit.lasts_seconds,
            commerce_confirmation: None,
        }
    }

    fn with_bill(&self, mut answer: Whole, minor: u128, facts: &RequestFacts) -> Whole {
        let pay_before = self.service.now().after(Time::from_seconds(PAY_WINDOW_SECONDS.into()).0);
        let demand = self.offer(minor).bill(facts, &self.secret, rand::random(), pay_before);
        let layer = self.config.seller.terms().to_metered_layer();
        let needed = demand.sign(layer, &self.seller_key).and_then(|needed| needed.encode());
        match needed.map(HeaderValue::try_from) {
            Ok(Ok(value)) => {
                let name = HeaderName::try_from(PAYMENT_NEEDED).expect("our names are header names");
                answer.headers_mut().insert(name, value);
                answer
            }
            // Only what the buyer sent can make a bill that no header carries.
            Ok(Err(_)) | Err(_) => {
                self.refuse(Code::Malformed, Family::OpenAi, "Nothing was spent. It cannot be billed.")
            }
        }
    }

    fn refuse_session(&self, code: Code, message: &str) -> Whole {
        self.refuse(code, Family::OpenAi, message)
    }

    /// Takes a deposit, or bills one.
    pub(crate) async fn open_session(
        self: &Arc<Inner>,
        request: Request<RequestBody>,
    ) -> Result<Whole, Whole> {
        let presented = key(request.headers())
            .map_err(|_| self.refuse_session(Code::Malformed, "Nothing was spent. Two keys came."))?;
        let topped_up = match &presented {
            Some(key) => match self.ledger.find(key) {
                None => {
                    return Err(
                        self.refuse_session(Code::KeyUnknown, "Nothing was spent. The key is not known.")
                    );
                }
                Some(session) if session.closed => {
                    return Err(
                        self.refuse_session(Code::SessionClosed, "Nothing was spent. The session is closed.")
                    );
                }
                Some(session) if DEPOSITS_COUNT_MAX <= session.deposits.len() => {
                    let why =
                        "Nothing was spent. The session has too many deposits: close it, and open another.";
                    return Err(self.refuse_session(Code::Malformed, why));
                }
                Some(_) => presented,
            },
            None => None,
        };
        let minor = self.deposit_asked(&request)?;
        let facts = self.facts(&request)?;
        let named = request.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
        let proof = find(HeaderRole::Proof, Aliases::Off, named)
            .map_err(|fault| self.refuse_session(Code::Malformed, &format!("Nothing was spent. {fault}.")))?
            .map(str::to_owned);
        let Some(value) = proof else {
            let words = in_words(minor * NANOS, &self.config.seller.asset);
            let message = format!(
                "Nothing was spent. A deposit of {words} opens a session; what is not used goes back."
            );
            return Ok(self.with_bill(self.refuse_session(Code::PaymentRequired, &message), minor, &facts));
        };
        let refused = |why: &str| {
            let message = format!("Nothing was spent now. The proof does not count: {why}.");
            self.with_bill(self.refuse_session(Code::ProofRefused, &message), minor, &facts)
        };
        let proof = Proof::decode(&value).map_err(|fault| refused(&fault.to_string()))?;
        let ring = self.service.ring().await.map_err(|why| self.unavailable(&why))?;
        let check = ProofCheck { proof: &proof, request: &facts, psp_keys: &ring, now: self.service.now() };
        let verified = check_proof_of_offer(&self.offer(minor), &self.secret, check)
            .map_err(|refusal| refused(&refusal.to_string()))?;
        let meter = self.redeem(&value, &verified).await.map_err(|no| match no {
            NotRedeemed::Refused(why) => refused(&why),
            NotRedeemed::Unavailable(why) => self.unavailable(&why),
        })?;
        self.take(meter, &verified, topped_up).await.map_err(|fault| self.broken(&fault))
    }

    fn unavailable(&self, why: &str) -> Whole {
        tracing::warn!(why, "the payment service could not be asked");
        let message = "Nothing is known about the payment now: the payment service cannot be asked. Send the same proof \
                       again; pay nothing again.";
        self.refuse_session(Code::Unavailable, message)
    }

    pub(crate) fn broken(&self, fault: &StoreFault) -> Whole {
        tracing::error!(%fault, "the store failed");
        self.refuse_session(Code::Internal, "The store of this gateway failed. Try the same again.")
    }

    /// How much the buyer wants to pay in advance, in smallest units.
    fn deposit_asked<B>(&self, request: &Request<B>) -> Result<u128, Whole> {
        let terms = &self.config.deposit;
        let Some(text) = query(request, "deposit") else { return Ok(terms.default_minor) };
        let scale = self.config.seller.asset.scale();
        let minor = AmountText::parse(text).ok().and_then(|amount| amount.minor(scale));
        minor.filter(|minor| (terms.min_minor..=terms.max_minor).contains(minor)).ok_or_else(|| {
            let asset = &self.config.seller.asset;
            let bounds = [terms.min_minor, terms.max_minor].map(|minor| in_words(minor * NANOS, asset));
            let message = format!("Nothing was spent. A deposit is from {} to {}.", bounds[0], bounds[1]);
            self.refuse_session(Code::Malformed, &message)
        })
    }

    /// What a payment for this request is bound to. Its body is not read.
    fn facts<B>(&self, request: &Request<B>) -> Result<RequestFacts, Whole> {
        let text = |name: &str| match request.headers().get(name).map(HeaderValue::to_str) {
            None => Ok(None),
            Some(Ok(text)) => Ok(Some(text.to_owned())),
            Some(Err(_)) => {
                let message = format!("Nothing was spent. `{name}` is not a text.");
                Err(self.refuse_session(Code::Malformed, &message))
            }
        };
        let target = request.uri().path_and_query().map_or("/", |target| target.as_str());
        let content_type = text("content-type")?.unwrap_or_default();
        let malformed = |fault: &dyn std::fmt::Display| {
            self.refuse_session(Code::Malformed, &format!("Nothing was spent. It cannot be billed: {fault}."))
        };
        let mut facts = RequestFacts::of("POST", &self.address(target), &content_type, b"")
            .map_err(|fault| malformed(&fault))?;
        let name = text("idempotency-key")?.map(Identifier::parse).transpose();
        facts.idempotency_key = name.map_err(|fault| malformed(&fault))?;
        Ok(facts)
    }

    /// Uses the payment up for a deposit here, and answers its meter.
    async fn redeem(&self, value: &str, verified: &VerifiedProof) -> Result<MeterId, NotRedeemed> {
        let credential = verified.credential();
        let asked = NewA402Verification {
            payment_proof: value.to_owned(),
            facts: A402Facts {
                request_method: credential.request_method.as_str().to_owned(),
                request_fingerprint: credential.request_fingerprint.as_str().to_owned(),
                resource_id: credential.resource_id.as_str().to_owned(),
                out_trade_no: credential.out_trade_no.as_str().to_owned(),
                idempotency_key: credential.idempotency_key.as_ref().map(|key| key.as_str().to_owned()),
            },
        };
        let client = &self.service.client;
        let found = match client.a402_verify(RequestId(client.fresh_id()), &asked).await {
            Ok(found) => found,
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                return Err(NotRedeemed::Refused(problem.detail.trim_end_matches('.').to_owned()));
            }
            Err(failure) => return Err(NotRedeemed::Unavailable(failure.to_string())),
        };
        let Some(meter) = found.meter else {
            // A payment service that knows no deposits holds the whole amount: it goes back.
            let back =
                NewA402Confirmation { trade_no: found.trade_no, outcome: A402Outcome::Failed, amount: None };
            let told = client.a402_confirm(RequestId(client.fresh_id()), &back).await;
            let why = "the payment service opened no meter for it";
            tracing::error!(trade_no = %found.trade_no, returned = told.is_ok(), why);
            return Err(NotRedeemed::Refused(why.to_owned()));
        };
        if self.ledger.of_meter(meter).is_none() && found.repeated {
            // Redeemed before, and nothing kept: we died in between. What is over meanwhile opens nothing.
            let trade = client.a402_trade(found.trade_no).await;
            let trade = trade.map_err(|failure| NotRedeemed::Unavailable(failure.to_string()))?;
            if trade.payment_status != "held" {
                return Err(NotRedeemed::Refused("it was used, and the deposit is over".to_owned()));
            }
        }
        Ok(meter)
    }

    /// Keeps a deposit, and answers its session.
    async fn take(
        &self,
        meter: MeterId,
        verified: &VerifiedProof,
        topped_up: Option<Hash>,
    ) -> Result<Whole, StoreFault> {
        let fresh = self.fresh_key(meter);
        let (key, secret) = match (self.ledger.of_meter(meter), topped_up) {
            (Some((key, _)), _) if key == Hash::of(fresh.as_bytes()) => (key, Some(fresh)),
            (Some((key, _)), _) => (key, None),
            (None, Some(key)) => (key, None),
            (None, None) => (Hash::of(fresh.as_bytes()), Some(fresh)),
        };
        if self.ledger.of_meter(meter).is_none() {
            let amount = verified.credential().amount.minor(self.config.seller.asset.scale());
            let minor = amount.ok_or_else(|| StoreFault("a deposit is not in smallest units".to_owned()))?;
            let deposit = Deposit {
                meter,
                trade_no: HoldId(meter.0),
                amount: minor * NANOS,
                spent: 0,
                reserved: 0,
                ends_at: verified.keep_until(),
                settled: false,
            };
            self.store.add_deposit(key, deposit.clone()).await?;
            self.ledger.add(key, deposit);
            self.metrics.deposits.count();
        }
        let session = self.ledger.find(&key).expect("it was added");
        let mut shown = self.shown(&session);
        if let (Some(secret), Some(shown)) = (secret, shown.as_object_mut()) {
            shown.insert("api_key".to_owned(), Value::String(secret));
        }
        Ok(json(201, &shown))
    }

    fn fresh_key(&self, meter: MeterId) -> String {
        let mac = self.secret.mac(format!("{KEY_DOMAIN}{meter}").as_bytes());
        format!("sk-toll-{}", base64url::encode(&mac.0))
    }

    /// A session for its owner.
    fn shown(&self, session: &Session) -> Value {
        let asset = &self.config.seller.asset;
        let deposits = session.deposits.iter().map(|deposit| {
            object!({
                "meter": deposit.meter.to_string(), "deposit": in_words(deposit.amount, asset),
                "spent": in_words(deposit.spent, asset), "reserved": in_words(deposit.reserved, asset),
                "settled": deposit.settled,
                "ends_at": protocols::a402::DateTime::second_of(deposit.ends_at).as_str(),
            })
        });
        object!({
            "session": session.name.to_string(), "closed": session.closed,
            "openai_base_url": self.address("/v1"), "anthropic_base_url": self.address(""),
            "spent": in_words(session.spent(), asset), "left": in_words(session.left(self.service.now()), asset),
            "deposits": deposits.collect::<Vec<_>>(),
        })
    }

    fn session_of(&self, key: &Hash) -> Result<Session, Whole> {
        let unknown = || self.refuse_session(Code::KeyUnknown, "Nothing was spent. The key is not known.");
        self.ledger.find(key).ok_or_else(unknown)
    }

    /// Shows a session.
    pub(crate) fn show_session(&self, key: &Hash) -> Result<Whole, Whole> {
        Ok(json(200, &self.shown(&self.session_of(key)?)))
    }

    /// Ends a session: what was used is settled, the rest goes back. Calls under way end first.
    pub(crate) async fn close_session(self: &Arc<Inner>, key: Hash) -> Result<Whole, Whole> {
        self.session_of(&key)?;
        self.store.close(key).await.map_err(|fault| self.broken(&fault))?;
        self.ledger.close(&key);
        let inner = Arc::clone(self);
        // It goes on when whoever asked has left.
        let settling = tokio::spawn(async move { inner.sweep().await });
        let _settled_later = tokio::time::timeout(CLOSE_WAIT, settling).await;
        self.outbox.notify_one();
        let session = self.session_of(&key)?;
        let status = if session.deposits.iter().all(|deposit| deposit.settled) { 200 } else { 202 };
        Ok(json(status, &self.shown(&session)))
    }

    /// The bill of one of a session's meters: the newest, where none is named.
    pub(crate) async fn bill(&self, key: &Hash, named: Option<MeterId>) -> Result<Whole, Whole> {
        let session = self.session_of(key)?;
        let wanted = |deposit: &&Deposit| named.is_none_or(|meter| meter == deposit.meter);
        let Some(deposit) = session.deposits.iter().rfind(wanted) else {
            return Err(
                self.refuse_session(Code::NotSold, "Nothing was spent. The session has no such meter.")
            );
        };
        let records = self.store.records(deposit.meter).await.map_err(|fault| self.broken(&fault))?;
        let records: Vec<Value> =
            records.iter().filter_map(|text| serde_json::from_slice(text).ok()).collect();
        let cost = |record: &Value| record["body"]["cost"].as_str()?.parse::<u128>().ok();
        let exact: u128 = records.iter().filter_map(cost).sum();
        let mut names: Vec<&str> =
            records.iter().filter_map(|record| record["body"]["catalogue"].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        let mut catalogues: Vec<_> = names.into_iter().filter_map(|name| self.history.named(name)).collect();
        catalogues.sort_by_key(|catalogue| catalogue.body().version());
        let bill = Bill {
            meter: deposit.meter.to_string(),
            amount: Bill::settled(Nanos::new(exact)).unwrap_or_default().minor().to_string(),
            catalogues: catalogues.into_iter().map(|catalogue| catalogue.to_value()).collect(),
            records,
        };
        Ok(json(200, &serde_json::to_value(bill).expect("a bill is JSON")))
    }
}

/// Why a proof opens nothing.
enum NotRedeemed {
    Refused(String),
    Unavailable(String),
}

/// The name that a caller gave a call, so that it is made once.
pub(crate) fn idempotency_key(headers: &HeaderMap) -> Option<&str> {
    headers.get("idempotency-key").and_then(|value| value.to_str().ok())
}
