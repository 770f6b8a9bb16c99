//! Signed notes: text with signature lines below it, and the keys of those lines ([c2sp.org/signed-note]).
//!
//! Only Ed25519 keys (signature type `0x01`) sign and verify; lines of other types and of unknown keys
//! are kept and ignored, which is what lets witnesses and new keys add theirs.
//!
//! [c2sp.org/signed-note]: https://c2sp.org/signed-note

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;

use crate::hash::Hash;
use crate::key::{Algorithm, KeyError, PublicKey, Signature, SigningKey};
use crate::limits::{KEY_NAME_BYTES_MAX, NOTE_BYTES_MAX, NOTE_SIGNATURE_COUNT_MAX};

/// What a signature line begins with: an em dash and a space.
const LINE_START: &str = "\u{2014} ";

/// The signature type of Ed25519 over the note's text.
const TYPE_ED25519: u8 = 0x01;

/// Why a note is refused.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NoteError {
    /// The note is longer than [`NOTE_BYTES_MAX`].
    #[error("a note has at most 131072 bytes, not `{0}`")]
    TooLong(usize),
    /// There are more than [`NOTE_SIGNATURE_COUNT_MAX`] signature lines.
    #[error("a note has at most 32 signatures, not `{0}`")]
    TooManySignatures(usize),
    /// The text is not a text, an empty line and signature lines.
    #[error("the note is malformed")]
    Malformed,
    /// No line is by a key that counts here.
    #[error("the note is not signed by `{0}`")]
    NotSigned(String),
    /// A line names a key that counts here, but the signature is not by it.
    #[error("the signature by `{0}` is wrong")]
    BadSignature(String),
}

/// Why a note's key or its text form is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NoteKeyError {
    /// The name is empty, too long, or has a space, a plus or a control character.
    #[error("the key's name is malformed")]
    Name,
    /// The text is not a name, a key id and a key, joined by `+`.
    #[error("the key's text is malformed")]
    Malformed,
    /// The key id does not belong to the name and the key.
    #[error("the key's id does not fit it")]
    Id,
    /// The key is of a type other than Ed25519 over the note's text.
    #[error("the key is not an Ed25519 key for notes")]
    Type,
    /// The key is not worth enrolling.
    #[error(transparent)]
    Key(#[from] KeyError),
}

/// The short name of a note's key: the first four bytes of SHA-256 over name, newline, type and key.
///
/// It finds a key and proves nothing: others with the same id are easily made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

/// A key that checks lines of notes. Its text form is the *vkey*: `name+id+key`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteVerifier {
    name: String,
    id: KeyId,
    key: PublicKey,
}

/// A key that signs notes under a name.
#[derive(Debug)]
pub struct NoteSigner {
    verifier: NoteVerifier,
    key: SigningKey,
}

impl NoteVerifier {
    /// The verifier for `name`, with an Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`NoteKeyError::Name`] or [`NoteKeyError::Type`].
    pub fn new(name: &str, key: PublicKey) -> Result<NoteVerifier, NoteKeyError> {
        if !is_key_name(name) {
            return Err(NoteKeyError::Name);
        }
        if key.algorithm() != Algorithm::Ed25519 {
            return Err(NoteKeyError::Type);
        }
        Ok(NoteVerifier { name: name.to_owned(), id: key_id(name, &key), key })
    }

    /// Reads a vkey: name, eight hexadecimal digits of id, and Base 64 of type and key, joined by `+`.
    ///
    /// # Errors
    ///
    /// [`NoteKeyError`], of every variant.
    pub fn parse(vkey: &str) -> Result<NoteVerifier, NoteKeyError> {
        let mut parts = vkey.splitn(3, '+');
        let (Some(name), Some(id), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(NoteKeyError::Malformed);
        };
        let key = STANDARD.decode(key).map_err(|_| NoteKeyError::Malformed)?;
        let (kind, key) = key.split_first().ok_or(NoteKeyError::Malformed)?;
        if *kind != TYPE_ED25519 {
            return Err(NoteKeyError::Type);
        }
        let verifier = NoteVerifier::new(name, PublicKey::ed25519(key)?)?;
        if verifier.id.to_string() != id {
            return Err(NoteKeyError::Id);
        }
        Ok(verifier)
    }

    /// The name, for a log's key the log's origin.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The key's id.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The key.
    pub fn key(&self) -> &PublicKey {
        &self.key
    }
}

impl fmt::Display for NoteVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[TYPE_ED25519], self.key.bytes()].concat());
        write!(f, "{}+{}+{key}", self.name, self.id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", u32::from_be_bytes(self.0))
    }
}

impl NoteSigner {
    /// The signer for `name`, with an Ed25519 key.
    ///
    /// # Errors
    ///
    /// [`NoteKeyError::Name`] or [`NoteKeyError::Type`].
    pub fn new(name: &str, key: SigningKey) -> Result<NoteSigner, NoteKeyError> {
        Ok(NoteSigner { verifier: NoteVerifier::new(name, key.public().clone())?, key })
    }

    /// The verifier of this signer's lines.
    pub fn verifier(&self) -> &NoteVerifier {
        &self.verifier
    }

    /// The signature line for a text, newline included.
    pub(crate) fn line(&self, text: &str) -> String {
        let signature = self.key.sign(text.as_bytes());
        let bytes = [self.verifier.id.0.as_slice(), signature.as_bytes()].concat();
        format!("{LINE_START}{} {}\n", self.verifier.name, STANDARD.encode(bytes))
    }
}

/// A note taken apart, nothing about it checked but its form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    text: &'a str,
    lines: Vec<NoteLine<'a>>,
}

/// A signature line: who, with which key, and the signature's bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteLine<'a> {
    /// The name of the key.
    pub name: &'a str,
    /// The id of the key.
    pub id: KeyId,
    /// The signature, as long as its type makes it.
    pub signature: Vec<u8>,
}

impl<'a> Note<'a> {
    /// Takes a note apart.
    ///
    /// # Errors
    ///
    /// [`NoteError::TooLong`], [`NoteError::TooManySignatures`] or [`NoteError::Malformed`].
    pub fn parse(note: &'a str) -> Result<Note<'a>, NoteError> {
        if NOTE_BYTES_MAX < note.len() {
            return Err(NoteError::TooLong(note.len()));
        }
        if note.bytes().any(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::Malformed);
        }
        // The text may have empty lines of its own; the last one ends it.
        let gap = note.rfind("\n\n").ok_or(NoteError::Malformed)?;
        let text_length = gap.checked_add(1).ok_or(NoteError::Malformed)?;
        let (text, rest) = note.split_at_checked(text_length).ok_or(NoteError::Malformed)?;
        let lines =
            rest.strip_prefix('\n').and_then(|rest| rest.strip_suffix('\n')).ok_or(NoteError::Malformed)?;
        let line_count = lines.split('\n').count();
        if NOTE_SIGNATURE_COUNT_MAX < line_count {
            return Err(NoteError::TooManySignatures(line_count));
        }
        let lines: Option<Vec<NoteLine<'a>>> = lines.split('\n').map(parse_line).collect();
        Ok(Note { text, lines: lines.ok_or(NoteError::Malformed)? })
    }

    /// The text, its last newline included: what the signatures are over.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// The signature lines, in order.
    pub fn lines(&self) -> &[NoteLine<'a>] {
        &self.lines
    }

    /// Checks that this key signed the text. If it has several lines, each has to be right.
    ///
    /// # Errors
    ///
    /// [`NoteError::NotSigned`] or [`NoteError::BadSignature`].
    pub fn verify(&self, verifier: &NoteVerifier) -> Result<(), NoteError> {
        let mut signed = false;
        for line in self.lines.iter().filter(|line| line.name == verifier.name && line.id == verifier.id) {
            Signature::from_slice(&line.signature)
                .and_then(|signature| verifier.key.verify(self.text.as_bytes(), &signature))
                .map_err(|_| NoteError::BadSignature(verifier.name.clone()))?;
            signed = true;
        }
        if signed { Ok(()) } else { Err(NoteError::NotSigned(verifier.name.clone())) }
    }
}

/// Adds this signer's line to a note, below those it has.
///
/// # Errors
///
/// Those of [`Note::parse`], also when the note would become too long.
pub fn add_signature(note: &str, signer: &NoteSigner) -> Result<String, NoteError> {
    let longer = format!("{note}{}", signer.line(Note::parse(note)?.text));
    Note::parse(&longer)?;
    Ok(longer)
}

fn parse_line(line: &str) -> Option<NoteLine<'_>> {
    let (name, signature) = line.strip_prefix(LINE_START)?.split_once(' ')?;
    if !is_key_name(name) {
        return None;
    }
    let bytes = STANDARD.decode(signature).ok()?;
    let (id, signature) = bytes.split_first_chunk::<4>()?;
    if signature.is_empty() {
        return None;
    }
    Some(NoteLine { name, id: KeyId(*id), signature: signature.to_vec() })
}

/// Whether a key may have this name: not empty, no space of any kind, no plus, nothing unprintable.
pub(crate) fn is_key_name(name: &str) -> bool {
    let forbidden = |c: char| c.is_whitespace() || c.is_control() || c == '+';
    !name.is_empty() && name.len() <= KEY_NAME_BYTES_MAX && !name.contains(forbidden)
}

fn key_id(name: &str, key: &PublicKey) -> KeyId {
    let preimage = [name.as_bytes(), b"\n", &[TYPE_ED25519], key.bytes()].concat();
    let [a, b, c, d, ..] = Hash::of(&preimage).0;
    KeyId([a, b, c, d])
}
