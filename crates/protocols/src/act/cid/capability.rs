//! `CID-PCA-NEG`: by which method a merchant can be paid, as it publishes it, or as it answers when it is asked.
//!
//! Nothing here is believed because it was sent: [`Source`] says where a declaration came from, and [`Pinned`] to whom a
//! payment service's name belongs.

use super::modern;
use crate::a402::{Currency, Identifier, Uri, words::words};
use crate::act::amount::AmountNumber;
use crate::act::object::{Malformed, messages, object, word_fields};
use url::Url;

words! {
    /// How a merchant tells its methods.
    Mode {
        /// It publishes a file.
        OneWay = "one-way",
        /// It answers a question.
        TwoWay = "two-way",
    }
}

word_fields!(Mode);

object! {
    /// What a merchant's Agent Card holds under [`NODE`].
    pub struct Declaration open_ended "act:payment:negotiation" checked declared {
        required mode: Mode,
        optional capability_url: Uri,
        optional negotiation_endpoint: Uri,
    }
}

/// The member of `capabilities` in an Agent Card that holds a [`Declaration`].
pub const NODE: &str = "act:payment:negotiation";

/// The path of a merchant's [`CapabilityFile`].
pub const CAPABILITY_PATH: &str = "/.well-known/act-payment-capability.json";

/// The path at which a merchant answers a [`NegotiationRequest`].
pub const NEGOTIATION_PATH: &str = "/act/payment/negotiate";

object! {
    /// What a merchant publishes.
    pub struct CapabilityFile open_ended "act-payment-capability" {
        required version: Identifier,
        required role: Identifier,
        required agent_id: Identifier,
        required supported_methods: Vec<PublishedMethod>,
    }
}

object! {
    /// A method, and the services that carry it out.
    pub struct PublishedMethod open_ended "supported_methods" {
        required method_id: Identifier,
        required psps: Vec<PublishedPsp>,
    }
}

object! {
    /// A service that carries a method out.
    pub struct PublishedPsp open_ended "psps" {
        required psp_id: Identifier,
        required endpoint: Uri,
        required method_schema_url: Uri,
    }
}

object! {
    /// What a buyer asks.
    pub struct NegotiationRequest closed "request" {
        required agent_id: Identifier,
        required buyer_supported_methods: Vec<Identifier>,
        optional currency: Currency,
        optional estimated_amount: AmountNumber,
    }
}

object! {
    /// What a merchant answers. An empty list is a no.
    pub struct NegotiationResponse open_ended "response" {
        required supported_methods: Vec<Method>,
    }
}

object! {
    /// What a payment needs to know: the four are fixed together, or nothing is (PCA-04).
    pub struct Method open_ended "supported_methods" {
        required method_id: Identifier,
        required psp_id: Identifier,
        required endpoint: Uri,
        required method_schema_url: Uri,
    }
}

messages!(
    Declaration in "act:payment:negotiation",
    CapabilityFile in "act-payment-capability",
    NegotiationRequest in "request",
    NegotiationResponse in "response",
    Method in "supported_methods"
);

impl NegotiationRequest {
    /// Reads a request, also one with names of version 2.0.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(text: &[u8]) -> Result<NegotiationRequest, Malformed> {
        let names = &[("supported_methods", "buyer_supported_methods"), ("amount_currency", "currency")];
        NegotiationRequest::from_json(&modern("request", text, names)?)
    }
}

impl NegotiationResponse {
    /// Reads an answer, also one with names of version 2.0.
    ///
    /// # Errors
    /// [`Malformed`].
    pub fn read(text: &[u8]) -> Result<NegotiationResponse, Malformed> {
        NegotiationResponse::from_json(&modern(
            "response",
            text,
            &[("matched_methods", "supported_methods")],
        )?)
    }
}

impl CapabilityFile {
    /// The methods in the flat form of an answer.
    pub fn methods(&self) -> Vec<Method> {
        let each = self.supported_methods.iter().flat_map(|method| {
            method.psps.iter().map(|psp| Method {
                method_id: method.method_id.clone(),
                psp_id: psp.psp_id.clone(),
                endpoint: psp.endpoint.clone(),
                method_schema_url: psp.method_schema_url.clone(),
            })
        });
        each.collect()
    }
}

/// Where a message was asked for, and where it came from.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The address in the declaration.
    pub declared: &'a Url,
    /// The address that answered, after whatever redirects.
    pub answered: &'a Url,
    /// The host of the Agent Card that holds the declaration.
    pub card: &'a Url,
}

/// To whom the names of payment services belong: what the buyer knows, not what it was told.
#[derive(Clone, Debug, Default)]
pub struct Pinned(Vec<(Identifier, url::Origin)>);

impl Pinned {
    /// Adds a service that the buyer has an account at.
    pub fn pin(&mut self, psp_id: Identifier, address: &Url) {
        self.0.push((psp_id, address.origin()));
    }

    fn is(&self, psp_id: &Identifier, address: &Url) -> bool {
        self.0.iter().any(|(name, origin)| name == psp_id && *origin == address.origin())
    }
}

/// Why nothing is paid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoMethod {
    /// The file or the answer did not come from where it was declared (PCA-07).
    #[error("it came from `{0}`, which is not the address that was declared")]
    Foreign(String),
    /// The address is no place for it.
    #[error("`{0}` is not an https address")]
    Insecure(String),
    /// It does not hold together, or belongs to nobody we know (PCA-08).
    #[error("`{endpoint}` is not of `{psp_id}`")]
    NotOfPsp { psp_id: String, endpoint: String },
    /// Nothing that both sides can do is allowed (PCA-05).
    #[error("no method of the merchant's is one that the buyer has and may use")]
    NoMatch,
}

/// Whether a message came from where it was declared to be. Plain HTTP is taken from the machine itself, for trials.
///
/// # Errors
/// [`NoMethod::Insecure`] and [`NoMethod::Foreign`].
pub fn confirm_source(source: Source<'_>) -> Result<(), NoMethod> {
    if !is_secure(source.declared) {
        return Err(NoMethod::Insecure(source.declared.to_string()));
    }
    if source.declared != source.answered {
        return Err(NoMethod::Foreign(source.answered.to_string()));
    }
    if source.card.origin() != source.declared.origin() {
        return Err(NoMethod::Foreign(source.declared.to_string()));
    }
    Ok(())
}

/// Whether an address may be asked: https, or this machine.
pub fn is_secure(url: &Url) -> bool {
    let is_here = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(_)) | None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_here)
}

/// The method to pay by: the first of the buyer's, in its order, that the merchant has, that the limits allow, and whose
/// service is pinned and consistent.
///
/// # Errors
/// [`NoMethod`]: nothing is paid.
pub fn choose(
    offered: &[Method],
    buyers: &[Identifier],
    allowed: Option<&[Identifier]>,
    pinned: &Pinned,
) -> Result<Method, NoMethod> {
    let is_allowed = |method: &&Identifier| allowed.is_none_or(|list| list.contains(method));
    let mut odd = None;
    for ours in buyers.iter().filter(is_allowed) {
        for method in offered.iter().filter(|method| method.method_id == *ours) {
            match consistent(method, pinned) {
                Ok(()) => return Ok(method.clone()),
                Err(no) => odd = Some(no),
            }
        }
    }
    Err(odd.unwrap_or(NoMethod::NoMatch))
}

/// Whether the four values of a method belong together (PCA-08).
///
/// # Errors
/// [`NoMethod::NotOfPsp`].
pub fn consistent(method: &Method, pinned: &Pinned) -> Result<(), NoMethod> {
    for address in [&method.endpoint, &method.method_schema_url] {
        let not = || NoMethod::NotOfPsp {
            psp_id: method.psp_id.as_str().to_owned(),
            endpoint: address.as_str().to_owned(),
        };
        let url = Url::parse(address.as_str()).map_err(|_| not())?;
        if !is_secure(&url) {
            return Err(NoMethod::Insecure(address.as_str().to_owned()));
        }
        if !pinned.is(&method.psp_id, &url) {
            return Err(not());
        }
    }
    Ok(())
}

fn declared(declaration: &Declaration) -> Result<(), Malformed> {
    let missing = |name| Err(Malformed::Missing { path: NODE, name });
    match declaration.mode {
        Mode::OneWay if declaration.capability_url.is_none() => missing("capability_url"),
        Mode::TwoWay if declaration.negotiation_endpoint.is_none() => missing("negotiation_endpoint"),
        Mode::OneWay | Mode::TwoWay => Ok(()),
    }
}
