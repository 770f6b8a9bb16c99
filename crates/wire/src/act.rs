//! ACT: intents an owner says and confirms, the credentials issued on them, and the orders sellers confirm.
//!
//! The messages of the payment services are ACT's own and are described in `docs/act.md`; these shapes are ours.

use crate::account::{answers, requests};
use crate::id::{AgentId, Digest, IntentId, MandateId, OrderId, PayeeId, WalletId};
use crate::money::Money;
use serde::{Deserialize, Serialize};

requests! {
    /// What an owner said, for one agent to spend from one wallet.
    pub struct NewIntent {
        /// Its name.
        pub id: IntentId,
        /// The wallet that would pay.
        pub wallet: WalletId,
        /// The agent that would spend.
        pub agent: AgentId,
        /// The words, or their digest and where they lie.
        pub conversation_history: ConversationHistory,
        /// `en` or `zh`: what questions and summary are written in; by default the language of the words.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(en|zh)$"))]
        pub language: Option<String>,
        /// The zone that days begin in, such as `Asia/Shanghai`; by default UTC.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub zone: Option<String>,
        /// `SPECIFIED` or `BOUNDED`, where the words do not say it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(pattern = "^(SPECIFIED|BOUNDED)$"))]
        pub delegation_mode: Option<String>,
    }

    /// What an intent was drawn from. Either the words or their digest; with the digest, where they lie.
    pub struct ConversationHistory {
        /// The words.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub user_intent_raw: Option<Words>,
        /// The digest of what cannot be passed on: `sha-256:` and 43 characters of Base64URL.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub user_intent_raw_digest: Option<String>,
        /// How the owner spoke: `TEXT`, `VOICE`, `IMAGE`, `INTERACTIVE_CARD`, `OTHER`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub input_mode: Option<Vec<String>>,
        /// Where the material of the digest lies.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 256))]
        pub context_ref: Option<String>,
    }

    /// One turn of a dialogue.
    pub struct Turn {
        /// `USER` or `ASSISTANT`.
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub role: String,
        /// What was said.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub content: String,
        /// When.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub create_time: Option<String>,
    }

    /// An answer to one open question of an intent.
    pub struct IntentAnswer {
        /// Which question, by its id.
        #[cfg_attr(feature = "schema", schema(max_length = 4096))]
        pub question: String,
        /// The answer.
        #[cfg_attr(feature = "schema", schema(max_length = 1000))]
        pub answer: String,
    }

    /// The owner's yes to the summary of an intent. It issues the credential and grants the mandate in one.
    pub struct IntentConfirmation {
        /// The name of the mandate: the credential's `delegation_id`.
        pub id: MandateId,
        /// The digest of the summary that was shown.
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub of: String,
        /// By what the owner was recognised, such as `PASSKEY`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub user_confirmation_method: Option<String>,
    }

    /// What a buyer ordered, in the seller's own words. It says so once; it cannot be changed.
    pub struct NewOrder {
        /// Its name: the `merchant_order_id` or `out_trade_no` of payments for it.
        pub id: OrderId,
        /// How much is to be paid.
        pub amount: Money,
        /// What is bought, the most telling category first.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        #[cfg_attr(feature = "schema", schema(max_items = 16))]
        pub categories: Vec<String>,
        /// The digest of the cart that was locked: `sha-256:` and 43 characters of Base64URL.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 64))]
        pub cart_snapshot_hash: Option<String>,
        /// The name of who is paid, as the payer is shown it.
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub payee_name: String,
        /// Until when the order holds.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub pay_before: Option<String>,
        /// The seller's own number of it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub merchant_reference: Option<String>,
        /// Where the money is to wait for the delivery: until when the seller captures it. Without it, it is paid at once.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub fulfil_by: Option<String>,
    }

    /// What an agent needs to know before it can buy.
    pub struct AgentQuestion {
        /// The question, in its own words.
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub question: String,
        /// The answers there are; none where any will do.
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        #[cfg_attr(feature = "schema", schema(max_items = 16))]
        pub suggestions: Vec<String>,
    }
}

/// What was said: one text, or a dialogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Words {
    /// One text.
    Text(String),
    /// A dialogue of at least one turn.
    Dialogue(Vec<Turn>),
}

answers! {
    /// An intent as it stands: a draft with questions, or rules ready to be confirmed.
    pub struct Intent {
        /// Its name.
        pub id: IntentId,
        /// `questions`, `ready` or `confirmed`.
        pub status: String,
        /// The wallet that would pay.
        pub wallet: WalletId,
        /// The agent that would spend.
        pub agent: AgentId,
        /// The agent that drew it up; none where the owner did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub drafted_by: Option<AgentId>,
        /// The agent that answered a question of it; none where only the owner did.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub answered_by: Option<AgentId>,
        /// What is open, in the order to ask it in.
        pub questions: Vec<IntentQuestion>,
        /// Every term in plain words, money first.
        pub summary: Vec<String>,
        /// What the credential states beside them: names of the agent, the wallet and the merchants, times, mode, the total.
        pub particulars: Vec<String>,
        /// The digest to quote in the confirmation; none while something is open.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub summary_digest: Option<String>,
        /// The rules in ACT's form, as JSON text.
        pub isr: String,
        /// The limits that the mandate would have.
        pub limits: Vec<crate::limit::Limit>,
        /// The credential it became.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub delegation_id: Option<MandateId>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// One thing that is open.
    pub struct IntentQuestion {
        /// What an answer names.
        pub id: String,
        /// From a closed list, such as `CEILING_MISSING`.
        pub code: String,
        /// The question in plain words.
        pub text: String,
        /// The words it is about.
        pub quotes: Vec<String>,
        /// Answers to choose from; others may be typed.
        pub suggestions: Vec<String>,
    }

    /// Other words for those of an intent, for its owner to send as her own, or not.
    pub struct ClearerWords {
        /// The words.
        pub sentence: String,
        /// The host that drafted them, and so was sent the owner's.
        pub drafted_by: String,
        /// What would be understood of them.
        pub summary: Vec<String>,
        /// What they would leave open.
        pub questions: Vec<IntentQuestion>,
        /// False in a book of play money.
        pub livemode: bool,
    }

    /// A credential that was issued.
    pub struct Credential {
        /// Its name, and that of the mandate.
        pub delegation_id: MandateId,
        /// The intent it was selected from.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub intent: Option<IntentId>,
        /// The credential: a compact VC-JWT, `ES256`.
        pub credential: String,
        /// Its digest, which the journal holds.
        pub digest: Digest,
        /// The entry that granted the mandate.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub repeated: Option<bool>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Where a credential stands.
    pub struct CredentialStatus {
        /// Its name.
        pub delegation_id: MandateId,
        /// `Active`, `Suspended`, `Revoked` or `Expired`.
        pub status: String,
        /// Whether it may be used now: an active one not before its window.
        pub usable: bool,
        /// When it came into this state.
        pub changed_at: String,
        /// Who brought it there; nobody where it was time or issuance.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub changed_by: Option<String>,
        /// The moment this is the answer of.
        pub as_of: String,
        /// For how many seconds it may be relied on.
        pub max_age_seconds: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Something that happened to a credential, in ACT's words.
    pub struct CredentialEvent {
        /// Such as `act:delegation:delegation-issued`.
        pub event: String,
        /// The credential.
        pub delegation_id: MandateId,
        /// The intent it was selected from.
        pub intent_id: IntentId,
        /// When it happened.
        pub at: String,
        /// Who did it; nobody where it was time.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub by: Option<String>,
        /// The entry that is the evidence of it; none where it was time.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub entry: Option<u64>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The keys that sign credentials, as a JSON Web Key Set.
    pub struct CredentialKeys {
        /// The keys.
        pub keys: Vec<CredentialKey>,
    }

    /// A key on P-256 that signs credentials and nothing else.
    pub struct CredentialKey {
        /// Its thumbprint.
        pub kid: String,
        /// `EC`.
        pub kty: String,
        /// `P-256`.
        pub crv: String,
        /// A coordinate in Base64URL.
        pub x: String,
        /// The other.
        pub y: String,
        /// `ES256`.
        pub alg: String,
        /// `sig`.
        #[serde(rename = "use")]
        pub used_for: String,
    }

    /// An order as its seller confirmed it.
    pub struct Order {
        /// Its name.
        pub id: OrderId,
        /// The seller.
        pub payee: PayeeId,
        /// How much is to be paid.
        pub amount: Money,
        /// What is bought.
        pub categories: Vec<String>,
        /// The digest of the cart.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub cart_snapshot_hash: Option<String>,
        /// The name of who is paid.
        pub payee_name: String,
        /// Until when the order holds.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub pay_before: Option<String>,
        /// The seller's own number of it.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub merchant_reference: Option<String>,
        /// Until when the seller captures what waits for the delivery; none where it is paid at once.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub fulfil_by: Option<String>,
        /// The digest that a payment for it carries as its `reference`.
        pub reference: Digest,
        /// The payment for it, once there is one.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub trade_no: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

answers! {
    /// The keys with which an agent signs messages, for merchants who check them before they answer.
    pub struct AgentKeys {
        /// Whose they are.
        pub agent: AgentId,
        /// Those that count now.
        pub keys: Vec<crate::a402::A402SellerKey>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What came of a request for a payment.
    pub struct ActTrade {
        /// The request.
        pub request_id: String,
        /// The payment's number, once there is one or will be.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub trade_no: Option<String>,
        /// `TRADE_SUCCESS`, `TRADE_PENDING`, `TRADE_FAILED` or `TRADE_CLOSED`.
        pub trade_status: String,
        /// How much.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub amount: Option<Money>,
        /// What the owner is asked, while it is open.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub question: Option<String>,
        /// When it was paid.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payment_time: Option<String>,
        /// Why it was not.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub error: Option<ActError>,
        /// The entry that decided it.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What an owner is shown before she confirms a payment: letter by letter what was asked for.
    pub struct CashierPrompt {
        /// The question.
        pub question: String,
        /// Who asks.
        pub agent: AgentId,
        /// How much.
        pub amount: String,
        /// Of what.
        pub currency: String,
        /// Who is paid, by the name in the order.
        pub payee_name: String,
        /// Who is paid.
        pub payee: PayeeId,
        /// By which method.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub payment_method: Option<String>,
        /// For which order.
        pub order: OrderId,
        /// The digest to quote in the yes.
        pub digest: Digest,
        /// Until when; none where it waits as long as every question does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub deadline: Option<String>,
        /// `TRADE_PENDING` while it can be answered.
        pub trade_status: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A standing agreement, for its principal and its agent.
    pub struct StandingAgreement {
        /// Its number.
        pub agreement_no: String,
        /// The mandate it is, once it is signed.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub mandate: Option<MandateId>,
        /// `SIGNING`, `NORMAL`, `FINISHED`, `CANCELLED`, `EXPIRED`, `TERMINATE` or `INVALID`.
        pub task_state: String,
        /// The digest of the application, to quote in the yes.
        pub digest: Digest,
        /// What the agent applied for, as it signed it, as JSON.
        pub application: String,
        /// ACT's `Agreement`, as JSON.
        pub agreement: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The standing agreements of somebody, newest first.
    pub struct StandingAgreements {
        /// The agreements.
        pub data: Vec<StandingAgreement>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// A reference to a payment tool, as its principal and its agent see it.
    pub struct PaymentTool {
        /// The reference.
        pub payment_token: String,
        /// Whom it is bound to.
        pub agent: AgentId,
        /// `ACTIVE`, `FROZEN`, `CANCELLED` or `EXPIRED`.
        pub state: String,
        /// From when.
        pub valid_from: String,
        /// Until when.
        pub token_expiry: String,
        /// The most of one payment, in whole units.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub max_amount_per_transaction: Option<String>,
        /// Only these merchants, where there is a list.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub allowed_merchants: Option<Vec<String>>,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}

requests! {
    /// An owner's yes to one payment.
    pub struct CashierYes {
        /// The digest that was shown.
        pub digest: Digest,
    }

    /// An owner's yes to a standing agreement.
    pub struct AgreementYes {
        /// The digest of the application that was shown.
        pub digest: Digest,
    }

    /// Where a reference to a payment tool is to stand.
    pub struct ToolState {
        /// `ACTIVE`, `FROZEN` or `CANCELLED`.
        #[cfg_attr(feature = "schema", schema(pattern = "^(ACTIVE|FROZEN|CANCELLED)$"))]
        pub state: String,
    }
}

/// Why a payment was refused, in ACT's classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct ActError {
    /// The class, such as `CUMULATIVE_AMOUNT_EXCEEDED`.
    pub code: String,
    /// What may be done about it, such as `AFTER_REAUTHORIZATION`.
    pub retry: String,
    /// A sentence for people.
    pub message: String,
    /// The request it answers.
    pub request_id: String,
}
