//! The bytes of an entry, read as `docs/entry-format.md` says, and what each of them was.

use std::ops::Range;

/// A part of an entry: where it lies, what it is called, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its place in the entry.
    pub bytes: Range<usize>,
    /// Its name.
    pub name: String,
    /// Its value, for people.
    pub value: String,
}

/// The part of an entry that is not read yet, and the fields that were.
pub(super) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
    pub(super) fields: Vec<Field>,
}

/// Why bytes are no entry.
pub(super) type Wrong = String;

impl<'a> Bytes<'a> {
    pub(super) fn new(all: &'a [u8]) -> Bytes<'a> {
        Bytes { all, at: 0, fields: Vec::new() }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn since(&self, start: usize) -> &'a [u8] {
        &self.all[start..self.at]
    }

    pub(super) fn finish(&self) -> Result<(), Wrong> {
        if self.at == self.all.len() {
            return Ok(());
        }
        Err(format!("{} bytes are left over", self.all.len() - self.at))
    }

    /// An integer: groups of seven bits, lowest first, in as few bytes as possible.
    pub(super) fn integer(&mut self, name: &str, max: u128) -> Result<u128, Wrong> {
        let start = self.at;
        let (mut value, mut shift) = (0u128, 0u32);
        loop {
            let byte = self.take(1, name)?[0];
            let group = u128::from(byte & 127);
            if shift == 126 && group > 3 || shift > 126 {
                return Err(format!("{name}: more than 128 bits"));
            }
            value |= group << shift;
            shift += 7;
            if byte < 128 {
                if byte == 0 && shift > 7 {
                    return Err(format!("{name}: a shorter spelling exists"));
                }
                break;
            }
        }
        if value > max {
            return Err(format!("{name}: {value} is above {max}"));
        }
        self.note(start, name, value.to_string());
        Ok(value)
    }

    pub(super) fn raw<const N: usize>(&mut self, name: &str) -> Result<[u8; N], Wrong> {
        let start = self.at;
        let bytes = self.take(N, name)?;
        let mut raw = [0; N];
        raw.copy_from_slice(bytes);
        let shown = bytes.iter().take(4).map(|byte| format!("{byte:02x}"));
        self.note(start, name, format!("{}…", shown.collect::<String>()));
        Ok(raw)
    }

    /// A length and as many bytes of ASCII.
    pub(super) fn text(&mut self, name: &str, max: u128) -> Result<String, Wrong> {
        let start = self.at;
        let length = self.integer(name, max)?;
        self.fields.pop();
        let bytes = self.take(length as usize, name)?;
        let text = String::from_utf8(bytes.to_vec()).map_err(|_| format!("{name}: no text"))?;
        let others = if name == "zone" { "_-/+" } else { "_-./" };
        let allowed = |letter: char| letter.is_ascii_alphanumeric() || others.contains(letter);
        if text.is_empty() || !text.chars().all(allowed) {
            return Err(format!("{name}: letters that no name has"));
        }
        self.note(start, name, text.clone());
        Ok(text)
    }

    /// One byte that says which of several follows, counted from 1.
    pub(super) fn choice(&mut self, name: &str, choices: &[&str]) -> Result<u8, Wrong> {
        let start = self.at;
        let byte = self.take(1, name)?[0];
        let chosen = usize::from(byte).checked_sub(1).and_then(|place| choices.get(place));
        // A number without a name is nobody's.
        let chosen = chosen.filter(|name| !name.is_empty());
        let chosen = chosen.ok_or_else(|| format!("{name}: {byte} is none of {}", choices.len()))?;
        self.note(start, name, (*chosen).to_owned());
        Ok(byte)
    }

    /// One byte: 1 for yes, 0 for no.
    pub(super) fn flag(&mut self, name: &str) -> Result<bool, Wrong> {
        let start = self.at;
        let byte = self.take(1, name)?[0];
        let word = match byte {
            0 => "no",
            1 => "yes",
            _ => return Err(format!("{name}: {byte} is neither yes nor no")),
        };
        self.note(start, name, word.to_owned());
        Ok(byte == 1)
    }

    fn take(&mut self, count: usize, name: &str) -> Result<&'a [u8], Wrong> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.all.len());
        let end = end.ok_or_else(|| format!("{name}: the bytes end too early"))?;
        let taken = &self.all[self.at..end];
        self.at = end;
        Ok(taken)
    }

    fn note(&mut self, start: usize, name: &str, value: String) {
        self.fields.push(Field { bytes: start..self.at, name: name.to_owned(), value });
    }
}
