//! `Payment-Proof`: what a buyer shows on the second request. All of it is a claim until checked.

use super::credential::Credential;
use super::envelope::{self, MethodLayer, demand_idempotency_key, put};
use super::members::{Malformed, Members};
use super::text::{CredentialText, DateTime, Fingerprint, HttpMethod, Identifier, MethodId, MethodVersion};
use super::wallet::{Network, network_layer};
use serde_json::Map;

/// A claim to have paid. Only [`super::check_proof`] makes more of it (A402-TEST-003).
#[derive(Clone, Debug)]
pub struct Proof {
    pub method_id: MethodId,
    pub method_version: MethodVersion,
    pub out_trade_no: Identifier,
    pub resource_id: Identifier,
    pub buyer_unique_id: Identifier,
    /// The payment service's statement.
    pub payment_proof: CredentialText,
    /// The payment service's number of the payment.
    pub trade_no: Identifier,
    /// The instant from which the proof is worth nothing.
    pub expires_at: DateTime,
    pub request_method: HttpMethod,
    pub request_fingerprint: Fingerprint,
    /// The demand's, present under the same condition.
    pub idempotency_key: Option<Identifier>,
    pub method: MethodLayer,
}

impl Proof {
    /// The proof that goes with a credential, `payment_proof` being the credential as it was signed.
    pub fn of(credential: Credential, payment_proof: CredentialText, method: MethodLayer) -> Proof {
        Proof {
            method_id: credential.method_id,
            method_version: credential.method_version,
            out_trade_no: credential.out_trade_no,
            resource_id: credential.resource_id,
            buyer_unique_id: credential.buyer_unique_id,
            payment_proof,
            trade_no: credential.trade_no,
            expires_at: credential.expires_at,
            request_method: credential.request_method,
            request_fingerprint: credential.request_fingerprint,
            idempotency_key: credential.idempotency_key,
            method,
        }
    }

    /// The proof that a credential makes by itself, as other dialects carry it. All of it is a claim.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub fn of_credential(text: CredentialText) -> Result<Proof, Malformed> {
        let credential = Credential::claimed(&text)?;
        let network = Network::of(&credential.method_id);
        let network = network.ok_or_else(|| Members::unfit("credential", "method_id", "a method of ours"))?;
        Ok(Proof::of(credential, text, network_layer(network)))
    }

    /// Reads the value of a `Payment-Proof` header.
    ///
    /// # Errors
    /// [`Malformed`], naming the member.
    pub fn decode(value: &str) -> Result<Self, Malformed> {
        let (mut protocol, method) = envelope::open(value)?;
        let proof = Proof {
            method_id: protocol.text("method_id", MethodId::parse)?,
            method_version: protocol.text("method_version", MethodVersion::parse)?,
            out_trade_no: protocol.text("out_trade_no", Identifier::parse)?,
            resource_id: protocol.text("resource_id", Identifier::parse)?,
            buyer_unique_id: protocol.text("buyer_unique_id", Identifier::parse)?,
            payment_proof: protocol.text("payment_proof", CredentialText::parse)?,
            trade_no: protocol.text("trade_no", Identifier::parse)?,
            expires_at: protocol.text("expires_at", DateTime::parse)?,
            request_method: protocol.text("request_method", HttpMethod::parse)?,
            request_fingerprint: protocol.text("request_fingerprint", Fingerprint::parse)?,
            idempotency_key: protocol.text_if_any("idempotency_key", Identifier::parse)?,
            method,
        };
        demand_idempotency_key(&proof.request_method, proof.idempotency_key.as_ref())?;
        protocol.end()?;
        Ok(proof)
    }

    /// Writes the value of a `Payment-Proof` header.
    ///
    /// # Errors
    /// [`Malformed`] for a value that [`Proof::decode`] would refuse.
    pub fn encode(&self) -> Result<String, Malformed> {
        demand_idempotency_key(&self.request_method, self.idempotency_key.as_ref())?;
        let mut protocol = Map::new();
        put(&mut protocol, "method_id", self.method_id.as_str());
        put(&mut protocol, "method_version", self.method_version.as_str());
        put(&mut protocol, "out_trade_no", self.out_trade_no.as_str());
        put(&mut protocol, "resource_id", self.resource_id.as_str());
        put(&mut protocol, "buyer_unique_id", self.buyer_unique_id.as_str());
        put(&mut protocol, "payment_proof", self.payment_proof.reveal());
        put(&mut protocol, "trade_no", self.trade_no.as_str());
        put(&mut protocol, "expires_at", self.expires_at.as_str());
        put(&mut protocol, "request_method", self.request_method.as_str());
        put(&mut protocol, "request_fingerprint", self.request_fingerprint.as_str());
        let key = self.idempotency_key.as_ref().map(Identifier::as_str);
        put(&mut protocol, "idempotency_key", key);
        envelope::seal(protocol, &self.method)
    }
}
