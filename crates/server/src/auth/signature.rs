//! Signed requests: HTTP Message Signatures (RFC 9421) over method, authority, path, query and body (RFC 9530).
//!
//! One signature counts: the one tagged `tollbridge`. It has to cover exactly the components below, in this order, so
//! that there is one base for one request. The algorithm is a property of the key that is named, never of the message.

use super::Shown;
use crate::codes::Edge;
use crate::limits::SIGNATURE_HEADER_BYTES_MAX;
use crate::problem::{Answered, Problem};
use crate::request::Call;
use crate::state::State;
use book::{KeyId, Presence};
use evidence::{Hash, Signature};
use sfv::{BareItem, Dictionary, FieldType, InnerList, Item, List, ListEntry, Parser};
use wire::limits::SIGNATURE_SKEW_SECONDS_MAX;
use wire::version::SIGNATURE_TAG;

/// The header with what is signed.
pub const SIGNATURE_INPUT: &str = "signature-input";
const SIGNATURE: &str = "signature";
const CONTENT_DIGEST: &str = "content-digest";

/// What a signature covers; the last only where there is a body.
const COMPONENTS: [&str; 5] = ["@method", "@authority", "@path", "@query", CONTENT_DIGEST];

/// Checks that the request is signed by the key it names.
pub(crate) async fn open(state: &State, call: &Call) -> Answered<Shown> {
    let input = dictionary(call, SIGNATURE_INPUT)?;
    let signatures = dictionary(call, SIGNATURE)?;
    let mut ours = input.iter().filter_map(|(label, entry)| match entry {
        ListEntry::InnerList(list) if tag(list) == Some(SIGNATURE_TAG) => Some((label, list)),
        ListEntry::InnerList(_) | ListEntry::Item(_) => None,
    });
    let (Some((label, covered)), None) = (ours.next(), ours.next()) else {
        return Err(malformed("Signature-Input"));
    };
    let Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(signature), .. })) =
        signatures.get(label)
    else {
        return Err(malformed("Signature"));
    };
    let signature = Signature::from_slice(signature).map_err(|_| Problem::from(Edge::SignatureInvalid))?;
    let params = Params::read(covered)?;
    let now_seconds = state.wall_clock().0 / 1_000_000_000;
    if now_seconds.abs_diff(params.created) > SIGNATURE_SKEW_SECONDS_MAX {
        return Err(Edge::SignatureStale.into());
    }
    check_digest(call)?;
    let base = base(call, covered)?;
    let enrolled = state.directory.key(params.key).ok_or_else(|| Problem::from(Edge::SignerUnknown))?;
    let request = Hash::of(base.as_bytes());
    if !state.verifier.fits(enrolled.key, base.into_bytes(), signature).await? {
        return Err(Edge::SignatureInvalid.into());
    }
    Ok(Shown { key: params.key, presence: Presence::Fresh, nonce: params.nonce, request })
}

struct Params {
    created: u64,
    key: KeyId,
    nonce: u64,
}

impl Params {
    /// The four parameters there have to be, and no other.
    fn read(covered: &InnerList) -> Answered<Params> {
        let (mut created, mut key, mut nonce) = (None, None, None);
        for (name, value) in &covered.params {
            match (name.as_str(), value) {
                ("created", BareItem::Integer(seconds)) => created = u64::try_from(i64::from(*seconds)).ok(),
                ("keyid", BareItem::String(text)) => key = text.as_str().parse().ok(),
                ("nonce", BareItem::String(text)) => nonce = read_nonce(text.as_str()),
                ("tag", BareItem::String(_)) => {}
                (_, _) => return Err(malformed("Signature-Input")),
            }
        }
        match (created, key, nonce) {
            (Some(created), Some(key), Some(nonce)) => Ok(Params { created, key, nonce }),
            (_, _, _) => Err(malformed("Signature-Input")),
        }
    }
}

/// A nonce in its one spelling.
pub(crate) fn read_nonce(text: &str) -> Option<u64> {
    text.parse().ok().filter(|nonce: &u64| nonce.to_string() == text)
}

/// The bytes that are signed (RFC 9421 section 2.5).
fn base(call: &Call, covered: &InnerList) -> Answered<String> {
    let expected = if call.body.is_empty() { &COMPONENTS[..4] } else { &COMPONENTS[..] };
    let same = |(item, name): (&Item, &&str)| {
        item.params.is_empty() && matches!(&item.bare_item, BareItem::String(text) if text.as_str() == *name)
    };
    if covered.items.len() != expected.len() || !covered.items.iter().zip(expected).all(same) {
        return Err(malformed("Signature-Input"));
    }
    let authority = call.authority.as_deref().ok_or_else(|| malformed("Host"))?;
    let mut base = String::with_capacity(512);
    for name in expected {
        let value = match *name {
            "@method" => call.method.as_str(),
            "@authority" => authority,
            "@path" => call.path(),
            "@query" => {
                base.push_str("\"@query\": ?");
                base.push_str(call.query().unwrap_or_default());
                base.push('\n');
                continue;
            }
            header => call.text_header(header)?.ok_or_else(|| malformed("Content-Digest"))?,
        };
        base.push('"');
        base.push_str(name);
        base.push_str("\": ");
        base.push_str(value);
        base.push('\n');
    }
    let list: List = vec![ListEntry::InnerList(covered.clone())];
    base.push_str("\"@signature-params\": ");
    base.push_str(&list.serialize().unwrap_or_default());
    Ok(base)
}

/// Checks `Content-Digest` against the body that came.
fn check_digest(call: &Call) -> Answered<()> {
    if call.body.is_empty() {
        return Ok(());
    }
    let mismatch = || Problem::from(Edge::DigestMismatch).of("Content-Digest");
    let text = call.text_header(CONTENT_DIGEST)?.ok_or_else(mismatch)?;
    let digests: Dictionary = Parser::new(text).parse().map_err(|_| mismatch())?;
    match digests.get("sha-256") {
        Some(ListEntry::Item(Item { bare_item: BareItem::ByteSequence(bytes), .. }))
            if *bytes == Hash::of(&call.body).as_bytes() =>
        {
            Ok(())
        }
        Some(_) | None => Err(mismatch()),
    }
}

fn dictionary(call: &Call, name: &'static str) -> Answered<Dictionary> {
    let text = call.text_header(name)?.ok_or_else(|| malformed(name))?;
    if SIGNATURE_HEADER_BYTES_MAX < text.len() {
        return Err(malformed(name));
    }
    Parser::new(text).parse().map_err(|_| malformed(name))
}

fn tag(list: &InnerList) -> Option<&str> {
    if let BareItem::String(text) = list.params.get("tag")? { Some(text.as_str()) } else { None }
}

fn malformed(header: &'static str) -> Problem {
    Problem::from(Edge::SignatureMalformed).of(header)
}
