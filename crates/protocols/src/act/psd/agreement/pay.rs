//! A payment under a standing agreement, and the answer to it.

use crate::a402::{AmountText, Currency, Fingerprint, Identifier, SignatureText, Uri};
use crate::act::object::{Malformed, messages, object};
use crate::act::psd::instant::TradeStatus;
use crate::act::psd::signature::signed_request;
use crate::act::text::{Sentence, UtcTime, Word};

object! {
    /// Asks for a payment under an agreement.
    pub struct PayRequest closed "request" checked check {
        required request_id: Identifier,
        /// One of the agreement's two numbers.
        optional agreement_no: Identifier,
        optional external_agreement_no: Identifier,
        required buyer_agent_id: Identifier,
        required principal_id: Identifier,
        required merchant_id: Identifier,
        required merchant_order_id: Identifier,
        optional cart_snapshot_hash: Fingerprint,
        required amount: AmountText,
        required currency: Currency,
        required payment_method: Identifier,
        optional payment_token: Identifier,
        optional subaccount_id: Identifier,
        optional subaccount_proof: SignatureText,
        required subject: Sentence,
        optional description: Sentence,
        optional goods_detail: Vec<GoodsDetail>,
        required notify_url: Uri,
        required timestamp: UtcTime,
        required signature: SignatureText,
        optional signature_covered_fields: Vec<Identifier>,
    }
}

object! {
    /// One position of what is bought.
    pub struct GoodsDetail closed "goods_detail" {
        required goods_id: Identifier,
        required goods_name: Sentence,
        required quantity: u64,
        required price: AmountText,
        optional goods_category: Identifier,
    }
}

object! {
    /// How it went (DLP-03).
    pub struct PayResponse open_ended "response" {
        required request_id: Identifier,
        required trade_no: Identifier,
        /// The merchant's order.
        required out_trade_no: Identifier,
        required agreement_no: Identifier,
        required trade_status: TradeStatus,
        /// What was really paid.
        required amount: AmountText,
        required currency: Currency,
        required buyer_principal_id: Identifier,
        required buyer_agent_id: Identifier,
        required payment_method: Identifier,
        optional payment_time: UtcTime,
        /// All that was paid under the agreement, this payment included.
        required deducted_amount_total: AmountText,
        optional error_code: Word,
        optional error_message: Sentence,
        required timestamp: UtcTime,
    }
}

messages!(PayRequest in "request", PayResponse in "response");
signed_request!(PayRequest lists its coverage, must cover must_cover);

/// By which number a payment names its agreement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgreementKey<'a> {
    AgreementNo(&'a Identifier),
    ExternalAgreementNo(&'a Identifier),
}

impl PayRequest {
    /// The agreement the request names; nothing where it names none, or two.
    pub fn agreement(&self) -> Option<AgreementKey<'_>> {
        match (&self.agreement_no, &self.external_agreement_no) {
            (Some(number), None) => Some(AgreementKey::AgreementNo(number)),
            (None, Some(number)) => Some(AgreementKey::ExternalAgreementNo(number)),
            (Some(_), Some(_)) | (None, None) => None,
        }
    }
}

fn check(request: &PayRequest) -> Result<(), Malformed> {
    let broken = |name, rule| Err(Malformed::Rule { path: "request", name, rule });
    if request.agreement().is_none() {
        return broken("agreement_no", "either it or `external_agreement_no` must be there");
    }
    match (&request.payment_token, &request.subaccount_id, &request.subaccount_proof) {
        (None, None, None) | (Some(_), None, None) | (None, Some(_), Some(_)) => Ok(()),
        (Some(_), _, _) | (None, Some(_), None) | (None, None, Some(_)) => {
            broken("payment_token", "at most one tool may be there, a sub-account with its proof")
        }
    }
}

/// What the text of version 2.0 asks for and what its sample covers, both.
fn must_cover(request: &PayRequest) -> Vec<&'static str> {
    let number = match request.agreement_no {
        Some(_) => "agreement_no",
        None => "external_agreement_no",
    };
    let fixed = ["request_id", "merchant_order_id", "amount", "currency", "timestamp"];
    [number, "buyer_agent_id", "merchant_id"].into_iter().chain(fixed).collect()
}
