//! The limits of a purchase: those of the credential that allows it, or, without one, those that the shops were told.

use super::record::{Book, Record};
use crate::client::failed;
use crate::exit::{Exit, Failure, Outcome};
use protocols::Time;
use protocols::a402::Keyring;
use protocols::act::cid::transfer::Constraints;
use protocols::act::iac::{ClaimedIac, IacPayload};
use protocols::act::intent::{Commerce, DelegationMode, Extension, Fulfillment};
use protocols::act::{AmountNumber, Identifier, Sentence, UtcTime};
use sdk::shopping::Shopper;
use wire::MandateId;
use wire::act::{Credential, CredentialKeys};

/// What a purchase has to keep to.
#[derive(Clone, Debug)]
pub(crate) struct Limits {
    pub(crate) payload: IacPayload,
    delegation: Option<String>,
}

impl Limits {
    /// Those of the credential, where there is one. It was verified when it was fetched.
    pub(crate) fn of_credential(record: &Record) -> Outcome<Option<Limits>> {
        let Some(text) = &record.credential else { return Ok(None) };
        let claimed = ClaimedIac::read(text).map_err(Failure::fault)?;
        let payload = claimed.claimed().payload.clone();
        Ok(Some(Limits { payload, delegation: record.delegation_id.clone() }))
    }

    /// Those of the credential, or else what the shops were told.
    pub(crate) fn of(record: &Record, told: Option<&Constraints>, now: Time) -> Outcome<Limits> {
        if let Some(limits) = Limits::of_credential(record)? {
            return Ok(limits);
        }
        let told = told.cloned().unwrap_or_default();
        let none = Identifier::parse("none").map_err(Failure::fault)?;
        let most = AmountNumber::new(protocols::limits::ACT_AMOUNT_HUNDREDTHS_MAX).unwrap_or_default();
        let within = told.max_delivery_seconds.map(|seconds| Sentence::parse(format!("PT{seconds}S")));
        let payload = IacPayload {
            delegation_id: none.clone(),
            intent_id: Some(none.clone()),
            conversation_history: None,
            delegator_identity: none.clone(),
            agent_id: none,
            delegation_mode: Some(DelegationMode::Specified),
            validity_start_time: UtcTime::second_of(Time(0)),
            validity_end_time: UtcTime::second_of(now.after(Time::from_seconds(86_400).0)),
            max_total_amount: told.max_amount.unwrap_or(most),
            currency: told.currency,
            allowed_payment_methods: None,
            user_confirmation_method: None,
            user_confirmation_timestamp: None,
            source_isr_digest: None,
            ext: Some(Extension {
                commerce: Some(Commerce {
                    max_single_amount: told.max_amount,
                    min_single_amount: None,
                    allowed_categories: told.allowed_categories,
                    forbidden_categories: told.forbidden_categories,
                    allowed_merchants: told.allowed_merchants,
                    forbidden_merchants: told.forbidden_merchants,
                }),
                agent_behavior: None,
                fulfillment: Some(Fulfillment {
                    delivery_time_requirement: within.transpose().map_err(Failure::fault)?,
                    delivery_address: None,
                }),
                vendor_private: None,
            }),
        };
        Ok(Limits { payload, delegation: None })
    }

    /// Tells shops nothing looser than the credential is.
    pub(crate) fn tighten(&self, constraints: &mut Constraints) {
        let commerce = self.payload.ext.as_ref().and_then(|ext| ext.commerce.as_ref());
        let single = commerce.and_then(|limits| limits.max_single_amount);
        let most = single.unwrap_or(self.payload.max_total_amount).min(self.payload.max_total_amount);
        constraints.max_amount = Some(constraints.max_amount.map_or(most, |told| told.min(most)));
        constraints.currency = Some(self.payload.currency_or_default());
        if constraints.allowed_categories.is_none() {
            constraints.allowed_categories = commerce.and_then(|limits| limits.allowed_categories.clone());
        }
        constraints.forbidden_categories = commerce.and_then(|limits| limits.forbidden_categories.clone());
        constraints.allowed_merchants = commerce.and_then(|limits| limits.allowed_merchants.clone());
        constraints.forbidden_merchants = commerce.and_then(|limits| limits.forbidden_merchants.clone());
    }

    /// What purchases beside this one have paid under the same credential, as the payment service confirmed it.
    pub(crate) fn spent(&self, book: &Book) -> Outcome<AmountNumber> {
        let Some(delegation) = &self.delegation else { return Ok(AmountNumber::ZERO) };
        let mut sum = AmountNumber::ZERO;
        for amount in book.paid_under(delegation)? {
            let amount = AmountNumber::parse(&amount).map_err(Failure::fault)?;
            let added = sum.checked_add(amount);
            sum = added
                .ok_or_else(|| Failure::fault("what was paid under the credential is beyond every amount"))?;
        }
        Ok(sum)
    }
}

/// Fetches the credential, checks it against its issuer's keys, and keeps it with the purchase.
pub(crate) async fn fetch(shopper: &Shopper, delegation: &str, record: &mut Record) -> Outcome {
    let client = shopper.client();
    let id: MandateId =
        delegation.parse().map_err(|fault| Failure::usage(format!("`{delegation}`: {fault}")))?;
    let credential: Credential = client.get(&format!("/v1/credentials/{id}")).await.map_err(failed)?;
    let keys: CredentialKeys = client.get("/v1/credentials/keys").await.map_err(failed)?;
    let claimed = ClaimedIac::read(&credential.credential).map_err(Failure::fault)?;
    let mut ring = Keyring::default();
    for key in &keys.keys {
        let coordinates = [&key.x, &key.y].map(|text| evidence::base64url::decode(text));
        let [Some(x), Some(y)] = coordinates else { continue };
        let Ok(public) =
            evidence::PublicKey::from_bytes(evidence::Algorithm::Es256, &[&[4][..], &x, &y].concat())
        else {
            continue;
        };
        let name = Identifier::parse(key.kid.as_str()).map_err(Failure::fault)?;
        ring.trust(name, claimed.claimed().payload.delegator_identity.clone(), public);
    }
    let verified = claimed.verify(&ring, shopper.now());
    let verified = verified.map_err(|no| Failure::new(Exit::Refused, format!("nothing was spent: {no}")))?;
    record.delegation_id = Some(delegation.to_owned());
    record.intent_id = verified.payload().intent_id.as_ref().map(|id| id.as_str().to_owned());
    record.credential = Some(credential.credential);
    Ok(())
}
