//! Sessions of the `Payment` scheme: what a channel pays here, said in that scheme's words.
//!
//! They are translated at the door, like all of its dialect: a session's credential is a voucher, and what a voucher gets,
//! what survives a crash and what is claimed is `channels`' alone.

use crate::channels::call::NotCounted;
use crate::forward::{Behind, Body};
use crate::gateway::Inner;
use crate::paywall::{Order, whole};
use crate::pricing::Price;
use crate::problem::{Code, Whole};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use protocols::a402::{Currency, DateTime, Identifier};
use protocols::mpp::session::{Action, Problem, SessionCredential, SessionReceipt, Standing, Terms, Unit};
use protocols::mpp::{Challenge, RECEIPT};
use protocols::voucher::{OWED, Voucher, read_sum};
use protocols::{NANOS, Time};
use std::sync::Arc;
use wire::MeterId;

impl Inner {
    /// What is asked for a call or an event that costs so much by voucher; nothing where a channel for it could not be written down.
    pub(crate) fn session_terms(&self, (price_nanos, unit): (u128, Unit)) -> Option<Terms> {
        let seller = &self.config.seller;
        let deposit_minor = self.config.vouchers.offer(price_nanos, &seller.own_prefix).deposit_minor;
        Some(Terms {
            network: seller.network,
            payee: Identifier::parse(seller.payee.to_string()).expect("30 characters are an identifier"),
            currency: Currency::parse(seller.asset.code()).expect("the code of an asset is a currency"),
            scale: seller.asset.scale(),
            authority: seller.server.as_str().to_owned(),
            unit,
            price_nanos,
            deposit_nanos: deposit_minor.checked_mul(NANOS)?,
        })
    }

    /// Asks for it.
    pub(crate) fn session_challenge(&self, terms: &Terms, standing: Option<Standing>) -> Challenge {
        terms.challenge(self.config.seller.public_url.host_str().unwrap_or_default(), standing)
    }

    /// Serves a call of a session, or ends the session.
    pub(crate) async fn serve_session(
        self: &Arc<Inner>,
        request: Request<Body>,
        price: Arc<Price>,
        credential: &SessionCredential,
        behind: Arc<dyn Behind>,
    ) -> Response<Body> {
        let is_asked = price.by_session().is_some_and(|price| self.is_asked(&credential.challenge, price));
        let is_call = match credential.action {
            Action::Open(_) | Action::Voucher(_) => true,
            Action::TopUp { .. } | Action::Close(_) => false,
        };
        if is_asked && !is_call {
            let facts = match self.facts(&request.method().clone(), &request, b"") {
                Ok(facts) => facts,
                Err(refusal) => return whole(refusal),
            };
            return whole(match self.end_session(credential).await {
                Ok(ended) => ended,
                // Whoever was refused is asked anew, and told how the channel stands.
                Err(no) if no.status() == StatusCode::PAYMENT_REQUIRED => {
                    in_its_words(self.with_bill(no, &price, &facts))
                }
                Err(no) => no,
            });
        }
        let order = match self.order(request, price).await {
            Ok(order) => order,
            Err(refusal) => return whole(refusal),
        };
        if !is_asked {
            return whole(self.another_challenge(&order));
        }
        let voucher = *credential.action.voucher();
        if let Some(answer) = self.go_on_with(&order, credential, &voucher).await {
            return whole(answer);
        }
        if let Some((price, Unit::Event)) = order.price.by_session() {
            return self.sell_stream(order, price, credential.clone(), behind).await;
        }
        let answer = self.sell_by_voucher(order, voucher, behind).await;
        let is_refused = answer.extensions().get::<NotCounted>().is_some();
        if is_refused || owed_of(&answer) != Some(voucher.total_nanos) {
            return whole(in_its_words(answer));
        }
        whole(self.with_receipt(answer, credential, (voucher.channel, voucher.total_nanos), 1))
    }

    /// Gives a voucher to the stream that waits for it, if one does.
    async fn go_on_with(
        self: &Arc<Inner>,
        order: &Order,
        credential: &SessionCredential,
        voucher: &Voucher,
    ) -> Option<Whole> {
        let channel = self.channels.find(MeterId(voucher.channel))?;
        Some(match self.pay_stream(order, &channel, voucher).await? {
            Ok(()) => self.with_receipt(ended(), credential, (voucher.channel, voucher.total_nanos), 0),
            Err(no) => in_its_words(no),
        })
    }

    /// Whether a challenge that came back is the one that is asked now.
    fn is_asked(&self, shown: &Challenge, price: (u128, Unit)) -> bool {
        let Some(terms) = self.session_terms(price) else { return false };
        let asked = self.session_challenge(&terms, None);
        let is_same = Terms::read(shown).is_ok_and(|(read, _)| read == terms);
        is_same && shown.id == asked.id && shown.realm == asked.realm && shown.expires.is_none()
    }

    fn another_challenge(&self, order: &Order) -> Whole {
        self.metrics.vouchers_refused.count();
        let detail =
            "Nothing was spent. The credential is for another challenge than the one that is asked here now.";
        let mut no = self.with_bill(self.problem(Code::VoucherRefused, detail), &order.price, &order.facts);
        no.extensions_mut().insert(NotCounted(Problem::ChallengeNotFound));
        in_its_words(no)
    }

    /// Closes a channel; another one may be there for what comes.
    async fn end_session(self: &Arc<Inner>, credential: &SessionCredential) -> Result<Whole, Whole> {
        let (last, next) = match credential.action {
            Action::TopUp { last, next } => (last, Some(next)),
            Action::Open(last) | Action::Voucher(last) | Action::Close(last) => (last, None),
        };
        if let Some(next) = next {
            // Nothing is closed for a channel that nothing could be paid by.
            if next == last.channel {
                let why = "a channel is as large as it was opened, so another one has to take its place";
                return Err(self.not_closed(Problem::AmountExceedsDeposit, why));
            }
            self.check_usable(MeterId(next)).await?;
        }
        self.close(last).await?;
        // Of the one that goes on nothing is said: its key has signed nothing here.
        Ok(self.with_receipt(ended(), credential, (last.channel, last.total_nanos), 0))
    }

    fn with_receipt(
        &self,
        mut answer: Whole,
        credential: &SessionCredential,
        stands: (u128, u128),
        units: u32,
    ) -> Whole {
        let receipt = receipt_of(&credential.challenge.id, stands, units, self.service.now());
        let receipt = HeaderValue::try_from(receipt.encode()).expect("Base64URL is a header");
        answer.headers_mut().insert(HeaderName::from_static(RECEIPT), receipt);
        answer
    }
}

/// What is stated of a channel, and how much of it is owed.
pub(crate) fn receipt_of(
    challenge_id: &str,
    (channel, nanos): (u128, u128),
    units: u32,
    now: Time,
) -> SessionReceipt {
    SessionReceipt {
        challenge_id: challenge_id.to_owned(),
        channel,
        accepted_nanos: nanos,
        spent_nanos: nanos,
        units,
        at: DateTime::second_of(now),
    }
}

/// An answer without anything.
fn ended() -> Whole {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Gives a refusal the scheme's own address; code, words and status stay ours.
pub(crate) fn in_its_words(mut answer: Whole) -> Whole {
    let Some(NotCounted(problem)) = answer.extensions().get::<NotCounted>().copied() else { return answer };
    if let Ok(mut said) = serde_json::from_slice::<wire::Problem>(answer.body()) {
        said.kind = problem.address().to_owned();
        *answer.body_mut() = Bytes::from(serde_json::to_vec(&said).expect("a problem is JSON"));
        answer.headers_mut().remove(CONTENT_LENGTH);
    }
    answer
}

fn owed_of(answer: &Whole) -> Option<u128> {
    answer.headers().get(OWED)?.to_str().ok().and_then(read_sum)
}
