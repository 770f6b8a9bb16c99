//! A chain of tokens: the user's, those of agents who passed it on, and the one that presents it, each bound to the
//! one before it and signed with the key that one names.

use super::mandate::{Family, Lifetime, Mandate, State};
use super::refusal::Refusal;
use super::token::{Hidden, Missing, Step, Token, digest};
use crate::limits::{
    AP2_HOPS_MAX, AP2_PRESENTATION_BYTES_MAX, AP2_PRESENTATION_SECONDS_MAX, CLOCK_SKEW_SECONDS,
};
use book::Time;
use evidence::{Algorithm, PublicKey};
use serde_json::{Map, Value};

/// What joins the tokens of a chain: the `~` that ends one, and another.
const JOINT: &str = "~~";
/// The types of a token that is passed on, in the two spellings in use.
const PASSED_ON: [&str; 2] = ["kb+sd-jwt+kb", "kb-sd-jwt+kb"];
/// The types of a token that ends a chain.
const FINAL: [&str; 2] = ["kb+sd-jwt", "kb-sd-jwt"];

/// Whom and what a presentation has to be made for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// The name of the verifier.
    pub audience: &'a str,
    /// What the verifier drew for this presentation.
    pub nonce: &'a str,
    pub now: Time,
}

/// A chain that was read, and whose signatures nobody has checked yet.
#[derive(Clone, Debug)]
pub struct Claimed {
    text: String,
    tokens: Vec<Token>,
}

/// A chain of mandates that the holder of the root key began, with every signature, binding and time checked.
#[derive(Clone, Debug)]
pub struct Chain {
    text: String,
    links: Vec<Link>,
}

/// How a receipt refers to a presentation, also to one that is no chain: by the hash of the last token's signed part.
pub fn reference_of(text: &str) -> String {
    let last = text.rsplit(JOINT).next().unwrap_or_default();
    digest(last.split('~').next().unwrap_or_default())
}

/// One mandate of a chain, and how others refer to it.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) mandate: Mandate,
    sd_hash: String,
    jwt_hash: String,
}

/// Who approved what is presented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// The user, and just this.
    Direct,
    /// An agent, within what the user left open to it.
    Autonomous,
}

impl Claimed {
    /// Takes a chain apart.
    ///
    /// # Errors
    /// [`Refusal`] of form.
    pub fn read(text: &str) -> Result<Claimed, Refusal> {
        if AP2_PRESENTATION_BYTES_MAX < text.len() {
            return Err(Refusal::TooLong { bytes: text.len() });
        }
        let parts: Vec<&str> = text.split(JOINT).collect();
        if AP2_HOPS_MAX < parts.len() {
            return Err(Refusal::TooManyHops);
        }
        let last = parts.len().saturating_sub(1);
        let whole = |(hop, part): (usize, &&str)| {
            let end = if hop == last { "" } else { "~" };
            Token::read([part, end].concat(), hop)
        };
        let tokens = parts.iter().enumerate().map(whole).collect::<Result<Vec<Token>, Refusal>>()?;
        Ok(Claimed { text: text.to_owned(), tokens })
    }

    /// The name of the key that the first token says it is signed with, for whoever has to find that.
    pub fn key_id(&self) -> Option<&str> {
        self.tokens.first().and_then(|token| token.key_id.as_deref())
    }

    /// The mandates as they are stated, the user's first: whoever signed them, for whomever, and whether or not their time
    /// is over.
    pub fn stated(&self) -> Vec<Result<Mandate, Refusal>> {
        let read = |(hop, token): (usize, &Token)| {
            check_hidden(&token.hidden, hop)?;
            Mandate::read(shown_mandate(token.payload.clone(), hop)?)
        };
        self.tokens.iter().enumerate().map(read).collect()
    }

    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Checks signatures, bindings, addressee and times, from the user's key to the last token.
    ///
    /// The last token has to be made for the verifier. A mandate that the user signed alone, with nobody between, may
    /// say for whom it is, and must be for the verifier if it does.
    ///
    /// # Errors
    /// [`Refusal`].
    pub fn verify(self, root: &PublicKey, expected: &Expected<'_>) -> Result<Chain, Refusal> {
        let last = self.tokens.len().saturating_sub(1);
        let mut links: Vec<Link> = Vec::with_capacity(self.tokens.len());
        for (hop, token) in self.tokens.into_iter().enumerate() {
            let key = match links.last() {
                None => root,
                Some(before) => match before.mandate.agent_key() {
                    Some(key) => key,
                    None => {
                        return Err(out_of_place(hop.saturating_sub(1), &before.mandate, "an open mandate"));
                    }
                },
            };
            match key.algorithm() {
                Algorithm::Es256 => {}
                Algorithm::Ed25519 => return Err(Refusal::Algorithm { hop }),
            }
            if !token.is_signed_by(key) {
                return Err(Refusal::BadSignature { hop });
            }
            check_type(&token, hop)?;
            let claims = Claims::read(&token.payload, hop)?;
            claims.lifetime.check(hop, expected.now)?;
            match links.last() {
                None => claims.check_root(expected, hop == last)?,
                Some(before) => claims.check_hop(before, expected, hop, hop == last)?,
            }
            let (sd_hash, jwt_hash) = (token.sd_hash(), token.jwt_hash());
            check_hidden(&token.hidden, hop)?;
            let mandate = Mandate::read(shown_mandate(token.payload, hop)?)?;
            mandate.lifetime().check(hop, expected.now)?;
            if let Some(first) = links.first()
                && first.mandate.family() != mandate.family()
            {
                return Err(out_of_place(hop, &mandate, first.mandate.family().due()));
            }
            let is_final = token.typ.as_deref().is_some_and(|typ| FINAL.contains(&typ));
            let is_passed_on = token.typ.as_deref().is_some_and(|typ| PASSED_ON.contains(&typ));
            match mandate.state() {
                State::Closed if is_passed_on => return Err(out_of_place(hop, &mandate, "an open mandate")),
                State::Open if is_final => return Err(out_of_place(hop, &mandate, "a closed mandate")),
                State::Closed | State::Open => {}
            }
            links.push(Link { mandate, sd_hash, jwt_hash });
        }
        Ok(Chain { text: self.text, links })
    }
}

impl Chain {
    /// The chain as it came, with its disclosures, byte for byte.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The mandate that ends the chain.
    pub fn presented(&self) -> &Mandate {
        &self.last().mandate
    }

    /// Who approved what is presented.
    pub fn mode(&self) -> Mode {
        if self.links.len() == 1 { Mode::Direct } else { Mode::Autonomous }
    }

    /// How a receipt refers to the presentation: by the hash of the last token's signed part.
    pub fn reference(&self) -> &str {
        &self.last().jwt_hash
    }

    /// Whether a receipt speaks of this presentation, in either of the two forms in use: with or without what is
    /// disclosed of the last token.
    pub fn is_meant_by(&self, reference: &str) -> bool {
        let last = self.last();
        reference == last.jwt_hash || reference == last.sd_hash
    }

    /// The mandates that were left open, the user's first, each under the hash of its signed part.
    pub fn open(&self) -> impl Iterator<Item = (&str, &Mandate)> {
        let open = |link: &&Link| link.mandate.state() == State::Open;
        self.links.iter().filter(open).map(|link| (link.jwt_hash.as_str(), &link.mandate))
    }

    /// The hashes by which a payment may refer to the open checkouts of this chain: with and without disclosures.
    pub fn open_checkouts(&self) -> Vec<String> {
        let is_open = |link: &&Link| matches!(link.mandate, Mandate::OpenCheckout(_));
        let hashes = |link: &Link| [link.sd_hash.clone(), link.jwt_hash.clone()];
        self.links.iter().filter(is_open).flat_map(hashes).collect()
    }

    fn last(&self) -> &Link {
        self.links.last().expect("a chain has at least one token")
    }
}

/// What a token says of itself, beside its mandate.
struct Claims {
    lifetime: Lifetime,
    audience: Option<String>,
    nonce: Option<String>,
    sd_hash: Option<String>,
    jwt_hash: Option<String>,
}

impl Claims {
    fn read(payload: &Map<String, Value>, hop: usize) -> Result<Claims, Refusal> {
        let text = |claim: &'static str| match payload.get(claim) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(_) => Err(Refusal::Claim { hop, claim }),
        };
        let second = |claim: &'static str| match payload.get(claim) {
            None => Ok(None),
            Some(value) => value.as_u64().map(Some).ok_or(Refusal::Claim { hop, claim }),
        };
        Ok(Claims {
            lifetime: Lifetime {
                issued_at: second("iat")?,
                valid_from: second("nbf")?,
                expires_at: second("exp")?,
            },
            audience: text("aud")?,
            nonce: text("nonce")?,
            sd_hash: text("sd_hash")?,
            jwt_hash: text("issuer_jwt_hash")?,
        })
    }

    /// The user's own token: nothing comes before it. Whom it is for, it says only where it ends the chain.
    fn check_root(&self, expected: &Expected<'_>, is_last: bool) -> Result<(), Refusal> {
        if self.sd_hash.is_some() || self.jwt_hash.is_some() {
            return Err(Refusal::Unbound { hop: 0 });
        }
        if !is_last {
            return Ok(());
        }
        if self.audience.as_deref().is_some_and(|audience| audience != expected.audience) {
            return Err(Refusal::Audience);
        }
        if self.nonce.as_deref().is_some_and(|nonce| nonce != expected.nonce) {
            return Err(Refusal::Nonce);
        }
        Ok(())
    }

    /// A token that passes the one before it on: bound to it, and addressed; the last one to the verifier, just now.
    fn check_hop(
        &self,
        before: &Link,
        expected: &Expected<'_>,
        hop: usize,
        is_last: bool,
    ) -> Result<(), Refusal> {
        let is_bound = match (&self.sd_hash, &self.jwt_hash) {
            (Some(hash), None) => *hash == before.sd_hash,
            (None, Some(hash)) => *hash == before.jwt_hash,
            (Some(_), Some(_)) | (None, None) => false,
        };
        if !is_bound {
            return Err(Refusal::Unbound { hop });
        }
        let stated = |said: &Option<String>, claim| said.clone().ok_or(Refusal::Claim { hop, claim });
        let (audience, nonce) = (stated(&self.audience, "aud")?, stated(&self.nonce, "nonce")?);
        let issued_at = self.lifetime.issued_at.ok_or(Refusal::Claim { hop, claim: "iat" })?;
        if !is_last {
            return Ok(());
        }
        if audience != expected.audience {
            return Err(Refusal::Audience);
        }
        if nonce != expected.nonce {
            return Err(Refusal::Nonce);
        }
        let seconds_max = AP2_PRESENTATION_SECONDS_MAX.saturating_add(CLOCK_SKEW_SECONDS);
        if issued_at.saturating_add(seconds_max) < seconds(expected.now) {
            return Err(Refusal::TooOld);
        }
        Ok(())
    }
}

impl Lifetime {
    /// Whether it has begun and is not over; clocks may differ by a minute where it begins.
    pub(super) fn check(&self, hop: usize, now: Time) -> Result<(), Refusal> {
        let now = seconds(now);
        let soon = now.saturating_add(CLOCK_SKEW_SECONDS);
        if self.issued_at.is_some_and(|at| soon < at) {
            return Err(Refusal::IssuedInFuture { hop });
        }
        if self.valid_from.is_some_and(|at| soon < at) {
            return Err(Refusal::NotYetValid { hop });
        }
        if self.expires_at.is_some_and(|at| at <= now) {
            return Err(Refusal::Expired { hop });
        }
        Ok(())
    }
}

/// The second in which `at` lies.
pub(super) fn seconds(at: Time) -> u64 {
    at.0 / 1_000_000_000
}

fn check_type(token: &Token, hop: usize) -> Result<(), Refusal> {
    let typ = token.typ.as_deref().unwrap_or_default();
    let passes_on = PASSED_ON.contains(&typ) || FINAL.contains(&typ);
    let is_root = typ.ends_with("+sd-jwt") && !passes_on;
    let fits = if hop == 0 { is_root } else { passes_on };
    if fits { Ok(()) } else { Err(Refusal::OtherType { hop }) }
}

/// The one mandate that a token shows.
fn shown_mandate(mut payload: Map<String, Value>, hop: usize) -> Result<Value, Refusal> {
    let Some(Value::Array(shown)) = payload.remove("delegate_payload") else {
        return Err(Refusal::NotOneMandate { hop });
    };
    match <[Value; 1]>::try_from(shown) {
        Ok([mandate]) => Ok(mandate),
        Err(_) => Err(Refusal::NotOneMandate { hop }),
    }
}

/// Refuses to overlook what is hidden, unless showing it could only allow more: other mandates of the same token, other
/// merchants, payees, instruments and items that would have been as good.
fn check_hidden(hidden: &[Hidden], hop: usize) -> Result<(), Refusal> {
    let widens_only = |place: &Hidden| {
        let names: Vec<&str> = place.at.iter().map(Step::name).collect();
        let is_list = match names.as_slice() {
            ["delegate_payload"]
            | ["delegate_payload", "", "constraints", "", "allowed"]
            | ["delegate_payload", "", "constraints", "", "items", "", "acceptable_items"] => true,
            [..] => false,
        };
        is_list && place.what == Missing::Element
    };
    if hidden.iter().all(widens_only) { Ok(()) } else { Err(Refusal::Hidden { hop }) }
}

impl Step {
    /// The name of a member; nothing for an element, and no member of a mandate has that name.
    fn name(&self) -> &str {
        match self {
            Step::Member(name) => name,
            Step::Element => "",
        }
    }
}

fn out_of_place(hop: usize, found: &Mandate, due: &'static str) -> Refusal {
    Refusal::OutOfPlace { hop, found: found.vct(), due }
}

impl Family {
    fn due(self) -> &'static str {
        match self {
            Family::Checkout => "a mandate for a checkout",
            Family::Payment => "a mandate for a payment",
        }
    }
}
