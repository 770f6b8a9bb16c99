//! `Payment-Validation`: how far a seller got with a proof, as four facts that stay apart.
//!
//! Proof, delivery, fulfilment and trade each have their own word: a payment that went well says
//! nothing about a delivery (A402-TEST-005). [`Outcome`] is the only way to make one, and none of its
//! variants claims a step behind the one that failed (A402-TEST-008).

use super::envelope::{self, MethodLayer, put};
use super::error::{ErrorReport, word};
use super::members::{Malformed, Members};
use super::state::TradeState;
use super::text::{DateTime, Fingerprint, Identifier, MethodId, MethodVersion, Uri};
use super::words::words;
use crate::limits::EVIDENCE_REFS_COUNT_MAX;
use serde_json::{Map, Value};

words! {
    /// What was found out about the proof.
    ValidationStatus {
        Valid = "VALID",
        Invalid = "INVALID",
        /// Nobody could say: nothing was delivered, and the payment may well stand.
        Unknown = "UNKNOWN",
    }
}

words! {
    /// What became of the resource.
    DeliveryStatus {
        NotStarted = "NOT_STARTED",
        Started = "STARTED",
        Delivered = "DELIVERED",
        Failed = "FAILED",
        Unknown = "UNKNOWN",
    }
}

words! {
    /// Whether the payment service knows of the delivery.
    FulfillmentStatus {
        NotConfirmed = "NOT_CONFIRMED",
        Pending = "PENDING",
        Confirmed = "CONFIRMED",
        Failed = "FAILED",
        Unknown = "UNKNOWN",
    }
}

words! {
    /// Which of the facts a piece of evidence is about.
    EvidenceKind {
        Payment = "PAYMENT",
        Validation = "VALIDATION",
        Delivery = "DELIVERY",
        Fulfillment = "FULFILLMENT",
        Receipt = "RECEIPT",
    }
}

/// The digest of a piece of evidence, and perhaps where it lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRef {
    pub kind: EvidenceKind,
    pub digest: Fingerprint,
    pub uri: Option<Uri>,
}

/// The payload of a `Payment-Validation` header.
#[derive(Clone, Debug, PartialEq)]
pub struct Validation {
    about: Trade,
    validation_status: ValidationStatus,
    delivery_status: DeliveryStatus,
    fulfillment_status: FulfillmentStatus,
    transaction_state: TradeState,
    validated_at: DateTime,
    error: Option<ErrorReport>,
    evidence_refs: Option<Vec<EvidenceRef>>,
    method: MethodLayer,
}

/// The trade and the request a validation is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    pub method_id: MethodId,
    pub method_version: MethodVersion,
    pub out_trade_no: Identifier,
    pub resource_id: Identifier,
    pub trade_no: Identifier,
    pub request_fingerprint: Fingerprint,
}

/// How far a seller got. Each variant claims what is known and nothing behind it.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The proof is no good. The trade is where it was.
    ProofRefused { error: ErrorReport, trade: TradeState },
    /// The proof could not be checked. The trade is where it was.
    ProofUnchecked { error: ErrorReport, trade: TradeState },
    /// The proof is good and delivery is under way, or will be.
    Delivering,
    /// The proof is good; delivery failed and may be tried again without paying again.
    DeliveryFailed,
    /// The proof is good; whether anything arrived is not known.
    DeliveryUnknown,
    /// Delivered; the payment service has not been told yet, or has not answered.
    Delivered,
    /// Delivered; telling the payment service failed, and only that is to be tried again.
    FulfillmentFailed,
    /// Delivered; whether the payment service has heard of it is not known.
    FulfillmentUnknown,
    /// Delivered and confirmed.
    Finished,
}

impl Validation {
    /// Reports `outcome` about a trade.
    pub fn report(about: Trade, outcome: Outcome, validated_at: DateTime, method: MethodLayer) -> Self {
        use DeliveryStatus as D;
        use FulfillmentStatus as F;
        use TradeState as T;
        use ValidationStatus as V;
        let (validation_status, delivery_status, fulfillment_status, transaction_state, error) = match outcome
        {
            Outcome::ProofRefused { error, trade } => {
                (V::Invalid, D::NotStarted, F::NotConfirmed, trade, Some(error))
            }
            Outcome::ProofUnchecked { error, trade } => {
                (V::Unknown, D::NotStarted, F::NotConfirmed, trade, Some(error))
            }
            Outcome::Delivering => (V::Valid, D::Started, F::NotConfirmed, T::WaitSellerFulfillment, None),
            Outcome::DeliveryFailed => (V::Valid, D::Failed, F::NotConfirmed, T::WaitSellerFulfillment, None),
            Outcome::DeliveryUnknown => {
                (V::Valid, D::Unknown, F::NotConfirmed, T::WaitSellerFulfillment, None)
            }
            Outcome::Delivered => (V::Valid, D::Delivered, F::Pending, T::WaitBuyerReceipt, None),
            Outcome::FulfillmentFailed => (V::Valid, D::Delivered, F::Failed, T::WaitBuyerReceipt, None),
            Outcome::FulfillmentUnknown => (V::Valid, D::Delivered, F::Unknown, T::WaitBuyerReceipt, None),
            Outcome::Finished => (V::Valid, D::Delivered, F::Confirmed, T::TradeFinished, None),
        };
        Validation {
            about,
            validation_status,
            delivery_status,
            fulfillment_status,
            transaction_state,
            validated_at,
            error,
            evidence_refs: None,
            method,
        }
    }

    /// Adds references to evidence.
    ///
    /// # Errors
    /// [`Malformed::Misshapen`] for more than 20, or the same one twice.
    pub fn with_evidence(mut self, refs: Vec<EvidenceRef>) -> Result<Self, Malformed> {
        EvidenceRef::check_all(&refs)?;
        self.evidence_refs = Some(refs);
        Ok(self)
    }

    /// The trade and request this is about.
    pub fn about(&self) -> &Trade {
        &self.about
    }

    /// What was found out about the proof, and nothing else.
    pub fn validation_status(&self) -> ValidationStatus {
        self.validation_status
    }

    /// What became of the resource.
    pub fn delivery_status(&self) -> DeliveryStatus {
        self.delivery_status
    }

    /// Whether the payment service knows of the delivery.
    pub fn fulfillment_status(&self) -> FulfillmentStatus {
        self.fulfillment_status
    }

    /// Where the trade stands.
    pub fn transaction_state(&self) -> TradeState {
        self.transaction_state
    }

    /// When this was found out.
    pub fn validated_at(&self) -> &DateTime {
        &self.validated_at
    }

    /// Why the proof is not valid: there exactly if it is not.
    pub fn error(&self) -> Option<&ErrorReport> {
        self.error.as_ref()
    }

    /// References to evidence, at most 20, none twice.
    pub fn evidence_refs(&self) -> &[EvidenceRef] {
        self.evidence_refs.as_deref().unwrap_or_default()
    }

    /// The method's own facts.
    pub fn method(&self) -> &MethodLayer {
        &self.method
    }

    /// Reads the value of a `Payment-Validation` header.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub fn decode(value: &str) -> Result<Self, Malformed> {
        let (mut protocol, method) = envelope::open(value)?;
        let validation = Validation {
            about: Trade {
                method_id: protocol.text("method_id", MethodId::parse)?,
                method_version: protocol.text("method_version", MethodVersion::parse)?,
                out_trade_no: protocol.text("out_trade_no", Identifier::parse)?,
                resource_id: protocol.text("resource_id", Identifier::parse)?,
                trade_no: protocol.text("trade_no", Identifier::parse)?,
                request_fingerprint: protocol.text("request_fingerprint", Fingerprint::parse)?,
            },
            validation_status: protocol
                .text("validation_status", word(ValidationStatus::parse, "a validation status"))?,
            delivery_status: protocol
                .text("delivery_status", word(DeliveryStatus::parse, "a delivery status"))?,
            fulfillment_status: protocol
                .text("fulfillment_status", word(FulfillmentStatus::parse, "a fulfilment status"))?,
            transaction_state: protocol
                .text("transaction_state", word(TradeState::parse, "a transaction state"))?,
            validated_at: protocol.text("validated_at", DateTime::parse)?,
            error: match protocol.take_if_any("error") {
                Some(value) => Some(ErrorReport::read(value)?),
                None => None,
            },
            evidence_refs: match protocol.take_if_any("evidence_refs") {
                Some(value) => Some(EvidenceRef::read_all(&protocol, value)?),
                None => None,
            },
            method,
        };
        protocol.end()?;
        match (validation.validation_status, &validation.error) {
            (ValidationStatus::Valid, None)
            | (ValidationStatus::Invalid | ValidationStatus::Unknown, Some(_)) => Ok(validation),
            (status, _) => Err(Malformed::ErrorMismatch { status: status.as_str() }),
        }
    }

    /// Writes the value of a `Payment-Validation` header.
    ///
    /// # Errors
    /// [`Malformed`] where an error's details or the method layer hold what no header can carry.
    pub fn encode(&self) -> Result<String, Malformed> {
        let mut protocol = Map::new();
        put(&mut protocol, "method_id", self.about.method_id.as_str());
        put(&mut protocol, "method_version", self.about.method_version.as_str());
        put(&mut protocol, "out_trade_no", self.about.out_trade_no.as_str());
        put(&mut protocol, "resource_id", self.about.resource_id.as_str());
        put(&mut protocol, "trade_no", self.about.trade_no.as_str());
        put(&mut protocol, "request_fingerprint", self.about.request_fingerprint.as_str());
        put(&mut protocol, "validation_status", self.validation_status.as_str());
        put(&mut protocol, "delivery_status", self.delivery_status.as_str());
        put(&mut protocol, "fulfillment_status", self.fulfillment_status.as_str());
        put(&mut protocol, "transaction_state", self.transaction_state.as_str());
        put(&mut protocol, "validated_at", self.validated_at.as_str());
        if let Some(error) = &self.error {
            protocol.insert("error".to_owned(), error.to_json());
        }
        if let Some(refs) = &self.evidence_refs {
            let refs = refs.iter().map(EvidenceRef::to_json).collect();
            protocol.insert("evidence_refs".to_owned(), Value::Array(refs));
        }
        envelope::seal(protocol, &self.method)
    }
}

impl EvidenceRef {
    fn read(value: Value) -> Result<Self, Malformed> {
        let mut members = Members::open("evidence_refs[]", value)?;
        let evidence = EvidenceRef {
            kind: members.text("type", word(EvidenceKind::parse, "a kind of evidence"))?,
            digest: members.text("digest", Fingerprint::parse)?,
            uri: members.text_if_any("uri", Uri::parse)?,
        };
        members.end()?;
        Ok(evidence)
    }

    fn read_all(protocol: &Members, value: Value) -> Result<Vec<Self>, Malformed> {
        let Value::Array(items) = value else {
            return Err(protocol.misshapen("evidence_refs", &value, "a list"));
        };
        let refs: Vec<Self> = items.into_iter().map(Self::read).collect::<Result<_, _>>()?;
        Self::check_all(&refs)?;
        Ok(refs)
    }

    fn check_all(refs: &[Self]) -> Result<(), Malformed> {
        let repeated =
            refs.iter().enumerate().any(|(at, one)| refs.iter().take(at).any(|other| other == one));
        if EVIDENCE_REFS_COUNT_MAX < refs.len() || repeated {
            return Err(Members::unfit("protocol", "evidence_refs", "a list of up to 20, none twice"));
        }
        Ok(())
    }

    fn to_json(&self) -> Value {
        let mut members = Map::new();
        put(&mut members, "type", self.kind.as_str());
        put(&mut members, "digest", self.digest.as_str());
        put(&mut members, "uri", self.uri.as_ref().map(Uri::as_str));
        Value::Object(members)
    }
}
