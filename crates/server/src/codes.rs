//! The closed list of codes: what each means, its HTTP status, and what to do about it.
//!
//! `docs/errors.md` is made from this list by a test. What rules refuse with is in `denials`.

mod denials;

use book::{Ask, Denial, Reject};
use wire::problem::Next;

pub use denials::denial;

/// What is said about one code, wherever it appears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Explained {
    /// The code, stable for ever.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A few words.
    pub title: &'static str,
    /// Money first, then why, in plain words.
    pub detail: &'static str,
    /// What to do.
    pub next: Next,
    /// Whether the same request may be answered otherwise later.
    pub retryable: bool,
}

const fn explained(
    code: &'static str,
    status: u16,
    title: &'static str,
    detail: &'static str,
    next: Next,
    retryable: bool,
) -> Explained {
    Explained { code, status, title, detail, next, retryable }
}

/// What is said when the owner is asked.
pub fn ask(ask: Ask) -> Explained {
    let (title, detail) = match ask {
        Ask::AboveAmount => {
            ("Above the line", "Nothing was spent. The owner wants to be asked about amounts this large.")
        }
        Ask::FirstContact => {
            ("New payee", "Nothing was spent. This wallet has never paid this payee, so the owner is asked.")
        }
        Ask::Always => {
            ("Asks every time", "Nothing was spent. The owner wants to be asked about every payment.")
        }
        Ask::NoRulesYet => (
            "No rules yet",
            "Nothing was spent. The owner has set no rules for this agent, so the owner is asked.",
        ),
        Ask::PayeeUnverified => (
            "Payee not vouched for",
            "Nothing was spent. Nobody trustworthy has vouched for this payee, so the owner is asked.",
        ),
        Ask::PersonRequired => (
            "A person's to give",
            "Nothing was spent. This link takes a person's word each time, so the owner is asked.",
        ),
    };
    explained(ask.code(), 202, title, detail, Next::AskOwner, false)
}

/// What is said of a request that is no question for the book.
pub fn reject(reject: Reject) -> Explained {
    use Next::{NewId, Stop};
    let (status, title, detail, next) = match reject {
        Reject::IdReused => (
            409,
            "Id used for something else",
            "Nothing was done now. The id was used for another command.",
            NewId,
        ),
        Reject::IdStale => {
            (422, "Id too old", "Nothing was done now. The id is older than ids are remembered.", NewId)
        }
        Reject::IdFromFuture => {
            (422, "Id from the future", "Nothing was done. The id says it was made in the future.", NewId)
        }
        Reject::NonceUsed => (
            409,
            "Nonce used",
            "Nothing was done now. The nonce was used, or is older than nonces are remembered.",
            Next::SameId,
        ),
        Reject::NonceFromFuture => {
            (422, "Nonce from the future", "Nothing was done. The nonce lies in the future.", Next::SameId)
        }
        Reject::AssetUnknown => (404, "No such asset", "Nothing was done. There is no such asset.", NewId),
        Reject::OwnerUnknown => (404, "No such owner", "Nothing was done. There is no such owner.", NewId),
        Reject::WalletUnknown => (404, "No such wallet", "Nothing was done. There is no such wallet.", NewId),
        Reject::PayeeUnknown => (404, "No such payee", "Nothing was done. There is no such payee.", NewId),
        Reject::AgentUnknown => (404, "No such agent", "Nothing was done. There is no such agent.", NewId),
        Reject::KeyUnknown => (404, "No such key", "Nothing was done. There is no such key.", NewId),
        Reject::QuotaUnknown => (404, "No such quota", "Nothing was done. There is no such quota.", NewId),
        Reject::DeductionUnknown => {
            (404, "No such deduction", "Nothing was taken under this id. There is no such deduction.", NewId)
        }
        Reject::SubscriptionUnknown => {
            (404, "No such subscription", "Nothing was done. There is no such subscription.", NewId)
        }
        Reject::TermsMalformed => (
            422,
            "Terms malformed",
            "Nothing was done. The periods or the grace of these terms are too short or too long.",
            NewId,
        ),
        Reject::LinkUnknown => (404, "No such link", "Nothing was spent. There is no such link.", Stop),
        Reject::LinkMalformed => (
            422,
            "Link malformed",
            "Nothing was done. The link asks for nothing, for more at least than at most, or no time at all.",
            NewId,
        ),
        Reject::InvoiceUnknown => {
            (404, "No such invoice", "Nothing was done. There is no such invoice or credit note.", NewId)
        }
        Reject::PurchasesMalformed => (
            422,
            "Purchases malformed",
            "Nothing was issued. An invoice is of 1 to 1,000 purchases, each named once.",
            NewId,
        ),
        Reject::BuyersDiffer => (
            422,
            "More than one buyer",
            "Nothing was issued. The purchases were made by more than one owner; each gets an invoice of her own.",
            NewId,
        ),
        Reject::PayoutUnknown => {
            (404, "No such payout", "Nothing was changed. There is no such payout.", NewId)
        }
        Reject::PayoutSent => (
            409,
            "Handed to the bank already",
            "Nothing was sent again. The payout was handed to the bank in another batch.",
            Stop,
        ),
        Reject::MandateUnknown => {
            (404, "No such mandate", "Nothing was done. There is no such mandate.", NewId)
        }
        Reject::QuestionUnknown => {
            (404, "No such question", "Nothing was done. There is no such question.", Stop)
        }
        Reject::PaymentUnknown => (
            404,
            "No such payment",
            "Nothing was done. There is no such payment, or none that is remembered.",
            Stop,
        ),
        Reject::HoldUnknown => (
            404,
            "No such hold",
            "Nothing was done. There is no such hold, or none that is remembered.",
            Stop,
        ),
        Reject::MeterUnknown => (
            404,
            "No such meter",
            "Nothing was done. There is no such meter, or none that is remembered.",
            Stop,
        ),
        Reject::AmountZero => (422, "Amount is nothing", "Nothing was done. The amount is nothing.", NewId),
        Reject::AmountTooLarge => {
            (422, "Amount too large", "Nothing was done. The amount does not fit.", NewId)
        }
        Reject::SplitNotWhole => (
            422,
            "Shares are not the whole",
            "Nothing was done. The shares are not the whole, or too many, or none.",
            NewId,
        ),
        Reject::LimitsMalformed => (
            422,
            "Limits malformed",
            "Nothing was done. The limits or rates are malformed, or too many.",
            NewId,
        ),
        Reject::TimeOutOfRange => (
            422,
            "Time out of range",
            "Nothing was done. A time is too near, too far or the wrong way round.",
            NewId,
        ),
        Reject::BookState => {
            (409, "Book not open", "Nothing was done. The book is open already, or not yet.", Stop)
        }
        Reject::AlreadyExists => (409, "Name taken", "Nothing was done. The name is taken.", NewId),
        Reject::TooMany => {
            (409, "Too many", "Nothing was done. The book has as many of these as it can.", Stop)
        }
        Reject::AccountsMismatch => (
            422,
            "Accounts do not fit",
            "Nothing was done. The accounts are not of one owner and one asset.",
            NewId,
        ),
    };
    explained(reject.code(), status, title, detail, next, false)
}

/// Declares the codes of the border.
macro_rules! edges {
    ($($(#[$doc:meta])* $name:ident $code:literal $status:literal $title:literal $detail:literal $next:ident $retryable:literal,)*) => {
        /// What goes wrong before the book is asked, or behind it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Edge { $($(#[$doc])* $name,)* }

        impl Edge {
            /// The whole list.
            pub const ALL: &'static [Edge] = &[$(Edge::$name),*];

            /// What is said of it.
            pub fn explained(self) -> Explained {
                match self {
                    $(Edge::$name => explained($code, $status, $title, $detail, Next::$next, $retryable),)*
                }
            }
        }
    };
}

edges! {
    /// Nobody signed.
    SignatureMissing "signature_missing" 401 "Not signed" "Nothing was done. The request is neither signed nor sent in a session." SameId false,
    /// The signature's headers cannot be read.
    SignatureMalformed "signature_malformed" 401 "Signature malformed" "Nothing was done. The signature's headers are malformed, or do not cover what they must." SameId false,
    /// The signature does not fit.
    SignatureInvalid "signature_invalid" 401 "Signature does not fit" "Nothing was done. The signature does not fit the key and the request." SameId false,
    /// Signed too long ago, or in the future.
    SignatureStale "signature_stale" 401 "Signed at another time" "Nothing was done. The request was signed too long ago, or in the future." SameId false,
    /// No such key.
    SignerUnknown "signer_unknown" 401 "Signer not known" "Nothing was done. There is no such key." Stop false,
    /// The digest is missing or wrong.
    DigestMismatch "content_digest_mismatch" 401 "Body does not fit its digest" "Nothing was done. `Content-Digest` is missing, malformed, or not that of the body." SameId false,
    /// The session is not one of ours.
    SessionInvalid "session_invalid" 401 "Session or code wrong" "Nothing was done. There is no such session, or the code does not fit the request." SameId false,
    /// The session is over.
    SessionExpired "session_expired" 401 "Session over" "Nothing was done. The session is over; open another one." SameId true,
    /// Bearer secrets move no money.
    SchemeUnsupported "scheme_unsupported" 401 "Kind of credential not accepted" "Nothing was done. This kind of credential opens nothing here; sign the request, or open a session." Stop false,
    /// Somebody else's route.
    AudienceWrong "audience_wrong" 403 "Not for this kind of key" "Nothing was done. This is not for keys of this kind." Stop false,
    /// No such route.
    NotFound "not_found" 404 "Nothing here" "Nothing was done. There is nothing at this address." Stop false,
    /// Another method.
    MethodNotAllowed "method_not_allowed" 405 "Method not allowed" "Nothing was done. This address does not take this method." Stop false,
    /// The request took too long to come.
    RequestTimeout "request_timeout" 408 "Too slow" "Nothing was done. The request took too long to arrive." SameId true,
    /// The body is too long.
    BodyTooLarge "body_too_large" 413 "Body too long" "Nothing was done. The body is longer than allowed." NewId false,
    /// The body is not JSON.
    ContentTypeUnsupported "content_type_unsupported" 415 "Not JSON" "Nothing was done. The body has to be `application/json`." SameId false,
    /// The target is too long.
    TargetTooLong "target_too_long" 414 "Address too long" "Nothing was done. The address is longer than allowed." Stop false,
    /// The body does not have its shape.
    BodyMalformed "body_malformed" 400 "Body malformed" "Nothing was done. The body does not have the shape it must have." NewId false,
    /// A parameter of the address.
    ParamMalformed "param_malformed" 400 "Parameter malformed" "Nothing was done. A parameter of the address is malformed or not known." Stop false,
    /// The cursor is not one of ours.
    CursorInvalid "cursor_invalid" 400 "Cursor malformed" "Nothing was done. The cursor is not one that was given out." Stop false,
    /// Another version.
    VersionUnknown "version_unknown" 400 "Version not known" "Nothing was done. This version of the API is not known here." Stop false,
    /// A header of ours is malformed.
    HeaderMalformed "header_malformed" 400 "Header malformed" "Nothing was done. A header is malformed or comes more than once." Stop false,
    /// The change has no id.
    IdempotencyKeyMissing "idempotency_key_missing" 400 "Change without an id" "Nothing was done. The change needs an `Idempotency-Key`, so that it happens once." NewId false,
    /// The id of the change is malformed.
    IdempotencyKeyInvalid "idempotency_key_invalid" 400 "Id of the change malformed" "Nothing was done. `Idempotency-Key` has to be 26 characters, like a ULID." NewId false,
    /// Too many items.
    TooManyItems "too_many_items" 413 "Too many items" "Nothing was done. The request has more items than one request may have." NewId false,
    /// Two items of an array have one id.
    ItemRepeated "item_repeated" 422 "Two items with one id" "Nothing was done. Two items of the request have the same id." NewId false,
    /// The asset is not registered so.
    UnitMismatch "unit_mismatch" 422 "Unit does not fit" "Nothing was done. The asset is not spelled as it is registered, or is not the account's." NewId false,
    /// The key is not worth enrolling.
    KeyMalformed "key_malformed" 422 "Key malformed" "Nothing was done. The bytes are not a public key of this algorithm." NewId false,
    /// The key is weak.
    KeyWeak "key_weak" 422 "Key weak" "Nothing was done. The key is weak: one signature could fit many messages." NewId false,
    /// A code or zone is not one.
    TextMalformed "text_malformed" 422 "Text malformed" "Nothing was done. A category, zone, time or label is not one." NewId false,
    /// No such entry.
    EntryUnknown "entry_unknown" 404 "No such entry" "Nothing was done. There is no such entry." Stop false,
    /// No such trade.
    TradeUnknown "trade_unknown" 404 "No such trade" "Nothing was done. There is no such trade." Stop false,
    /// The entry is not yet under a checkpoint.
    ReceiptPending "receipt_pending" 409 "Not yet signed" "The entry is recorded, and not yet under a signed checkpoint. Ask again in a moment." SameId true,
    /// Only in a test book.
    LiveBook "live_book" 403 "Real money" "Nothing was done. The clock of a book of real money cannot be moved." Stop false,
    /// A voucher that the buyer did not sign.
    VoucherInvalid "voucher_invalid" 422 "Voucher does not fit" "Nothing was claimed. The voucher is not signed with the channel's key, or for another channel or sum." Stop false,
    /// Nobody can be let in.
    DeskClosed "desk_closed" 409 "Nobody at the desk" "Nothing was done. This server holds no key to let people in: start it once with the operator's key in its data directory." Stop false,
    /// No such pairing code or connection.
    ConnectionUnknown "connection_unknown" 404 "No such connection" "Nothing was done. There is no such code or connection, or its time is over; ask the owner for a new code." Stop false,
    /// A402: the demand or proof is refused.
    A402Refused "a402_refused" 422 "A402 demand or proof refused" "Nothing was spent. The demand for payment or the proof is refused." Stop false,
    /// A402: paid in the moment the demand ran out.
    HeldWithoutProof "held_without_proof" 409 "Held, and no proof" "The money is held and goes back by itself when the hold ends: the demand ran out while it was paid, so there is no proof of it." Stop false,
    /// Asked for in a dialect in which sellers sign nothing, and not to be paid here.
    BillRefused "bill_refused" 422 "Bill refused" "Nothing was spent. What is asked for cannot be paid here." Stop false,
    /// A payment in such a dialect does not count.
    CredentialRefused "credential_refused" 422 "Payment refused" "Nothing was moved. The payment does not count for this." Stop false,
    /// A mandate cannot be said in AP2's format.
    OpenMandateRefused "open_mandate_refused" 422 "Not to be said in AP2" "Nothing was signed. This cannot be stated as a mandate of AP2." NewId false,
    /// It was collected before.
    AlreadySettled "already_settled" 409 "Collected before" "Nothing was moved now. The seller has the money of this payment already." Stop false,
    /// A card's number.
    CardRefused "card_refused" 422 "No cards" "Nothing was spent, and nothing of it was kept. Numbers of cards are not taken here: a token is made of a wallet's money, with `type` `tollbridge`." NewId false,
    /// A token that cannot be.
    TokenRefused "token_refused" 422 "Token cannot be" "Nothing was set aside or taken. A token for this cannot be made or read." NewId false,
    /// No such token, or somebody else's.
    TokenUnknown "token_unknown" 404 "No such token" "Nothing was taken. There is no such token for this seller." Stop false,
    /// A token for another checkout, or for a cart that is no longer this one.
    TokenElsewhere "token_elsewhere" 409 "Token for something else" "Nothing was taken. The token is for another checkout of this seller, or for another cart." Stop false,
    /// Taken, or gone back.
    TokenTaken "token_taken" 409 "Token used up" "Nothing was taken now. This token was taken already, or its money went back." Stop false,
    /// No such intent.
    IntentUnknown "intent_unknown" 404 "No such intent" "Nothing was done. There is no such intent." Stop false,
    /// The sentence cannot be read.
    IntentMalformed "intent_malformed" 422 "Intent cannot be read" "Nothing was done. The words or the answer cannot be taken." NewId false,
    /// Something is still open.
    IntentOpen "intent_open" 409 "Questions are open" "Nothing was granted. Something in the intent is still open; answer the questions first." AskOwner false,
    /// Another summary was confirmed.
    IntentChanged "intent_changed" 409 "Not what was shown" "Nothing was granted. The confirmation is for another summary, or the intent was confirmed or changed meanwhile." AskOwner false,
    /// Nobody drafts here.
    DrafterMissing "drafter_missing" 409 "Nobody drafts here" "Nothing was changed. This server has no drafting endpoint; answer the questions instead." Stop false,
    /// What was drafted cannot be shown.
    DraftUnusable "draft_unusable" 422 "No clearer words" "Nothing was changed. There are no clearer words that say the same; answer the questions instead." Stop true,
    /// No such credential.
    CredentialUnknown "credential_unknown" 404 "No such credential" "Nothing was done. There is no such credential." Stop false,
    /// The credential does not change so.
    CredentialState "credential_state" 409 "Credential does not change so" "Nothing was changed. The credential does not go from its state to the one asked for, or not for whoever asks." Stop false,
    /// No such agreement.
    AgreementUnknown "agreement_unknown" 404 "No such agreement" "Nothing was done. There is no such agreement." Stop false,
    /// The agreement's task makes no such move.
    AgreementState "agreement_state" 409 "Agreement does not change so" "Nothing was changed. The agreement does not go from its state to the one asked for." Stop false,
    /// No such order.
    OrderUnknown "order_unknown" 404 "No such order" "Nothing was done. There is no such order." Stop false,
    /// The order cannot be taken.
    OrderMalformed "order_malformed" 422 "Order malformed" "Nothing was done. The order cannot be taken as it is." NewId false,
    /// A payment service: what is asked cannot be taken as it is.
    ActRefused "act_refused" 422 "Payment request refused" "Nothing was spent. The request cannot be taken as it is." Stop false,
    /// A payment service: what is asked is not allowed.
    ActNotAllowed "act_not_allowed" 403 "Payment not allowed" "Nothing was spent. The authorization or the payment tool does not allow this payment." AskOwner false,
    /// A payment service: used before.
    ActDuplicate "act_duplicate" 409 "Request id used" "Nothing was spent now. The request id was used for another request." NewId false,
    /// A payment service: not known.
    ActRequestUnknown "act_request_unknown" 404 "No such payment request" "Nothing was recorded under this request id." SameId false,
    /// No such webhook.
    WebhookUnknown "webhook_unknown" 404 "No such webhook" "Nothing was done. There is no such webhook, or it was sent no such message." Stop false,
    /// A webhook that cannot be.
    WebhookMalformed "webhook_malformed" 422 "Webhook cannot be" "Nothing was done. The address has to be one of the public Internet, over HTTPS, and the types of events have to be known." NewId false,
    /// No such service.
    ServiceUnknown "service_unknown" 404 "No such service" "Nothing was done. There is no such service on the market." Stop false,
    /// A service that cannot be.
    ServiceMalformed "service_malformed" 422 "Service cannot be" "Nothing was done. A service has a name and a description that show as they are, a price, an address of the public Internet over HTTPS, and schemas in JSON." NewId false,
    /// A name that buyers would take for another's.
    ServiceNameAlike "service_name_alike" 409 "Name looks like another's" "Nothing was done. Buyers would take the name for that of another seller's service." NewId false,
    /// What is said of an invoice breaks a rule.
    BillMalformed "bill_malformed" 422 "Invoice cannot be" "Nothing was issued, and no number was used. What is said of it breaks a rule of invoices." NewId false,
    /// There is no paper in this form.
    PaperUnavailable "paper_unavailable" 409 "No such paper" "What was recorded stands, and there is no paper of it in this form." Stop false,
    /// The queue is full.
    Busy "busy" 503 "Busy" "Nothing was done. Too many requests wait; try again in a moment." SameId true,
    /// The disk is full.
    DiskFull "disk_full" 503 "Disk full" "Nothing was done. The disk is full: only what ends or returns something is taken." SameId true,
    /// Not ready yet.
    NotReady "not_ready" 503 "Not ready" "Nothing was done. The server is starting or stopping." SameId true,
    /// The views are behind.
    ViewsBehind "views_behind" 503 "Not shown yet" "Nothing was changed. What was asked for is not shown yet; try again in a moment, or with `at_least`." SameId true,
    /// It may have happened.
    OutcomeUnknown "outcome_unknown" 500 "Not known yet" "It is not known whether this happened. Send it again under the same id: it happens once." SameId true,
    /// Our fault; nothing happened.
    Internal "internal" 500 "Our fault" "Something went wrong on our side. Send it again under the same id: it happens once." SameId true,
}

/// The whole list, in the order of the documentation.
pub fn all() -> Vec<Explained> {
    let asks = Ask::ALL.iter().map(|code| ask(*code));
    let denials = Denial::ALL.iter().map(|code| denial(*code));
    let rejects = Reject::ALL.iter().map(|code| reject(*code));
    let edges = Edge::ALL.iter().map(|code| code.explained());
    asks.chain(denials).chain(rejects).chain(edges).collect()
}

/// The documentation of the list, as Markdown.
pub fn page() -> String {
    let mut page = String::from(
        "# Codes\n\nThe closed list of `code` in answers that are not what was asked for. Codes are stable for ever.\n\n\
         `next` says what to do: `stop`, send again under the `same_id`, correct and send under a `new_id`, or `ask_owner`.\n\n\
         | code | status | next | retryable | meaning |\n| --- | --- | --- | --- | --- |\n",
    );
    for code in all() {
        let next = match code.next {
            Next::Stop => "stop",
            Next::SameId => "same_id",
            Next::NewId => "new_id",
            Next::AskOwner => "ask_owner",
        };
        let retryable = if code.retryable { "yes" } else { "no" };
        let line =
            format!("| `{}` | {} | `{next}` | {retryable} | {} |\n", code.code, code.status, code.detail);
        page.push_str(&line);
    }
    page
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_code_has_one_meaning() {
        let codes: Vec<&str> = all().iter().map(|code| code.code).collect();
        assert_eq!(codes.iter().collect::<BTreeSet<_>>().len(), codes.len());
    }

    #[test]
    fn the_page_of_codes_is_up_to_date() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, page()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap_or_default(), page(), "run again with UPDATE=1");
    }
}
