//! Whom agents were seen to belong to: an agent whose card was signed once is not taken without that signature, or with
//! another's.

use crate::limits::PIN_BYTES_MAX;
use evidence::{Hash, base64url};
use std::fs::{DirBuilder, File};
use std::io::{ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use url::Url;
use wire::PayeeId;

/// What is known of an agent's card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It is what its seller signed, by a key that the payment service knows.
    Signed,
    /// Nobody signed it.
    Unsigned,
    /// Somebody signed it whom the payment service does not know.
    ByStrangers,
}

impl Seen {
    /// The same in a word.
    pub fn as_str(self) -> &'static str {
        match self {
            Seen::Signed => "signed",
            Seen::Unsigned => "unsigned",
            Seen::ByStrangers => "signed by strangers",
        }
    }
}

/// The notes about agents.
pub(super) struct Pins(PathBuf);

impl Pins {
    pub(super) fn open(directory: &Path) -> std::io::Result<Pins> {
        let place = directory.join("agents");
        DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
        Ok(Pins(place))
    }

    /// Takes note of who vouches for the agent at an address.
    ///
    /// # Errors
    /// What differs from what was seen before, or cannot be remembered.
    pub(super) fn see(&self, at: &Url, vouched: Option<PayeeId>) -> Result<(), String> {
        let origin = at.origin().ascii_serialization();
        let path = self.0.join(base64url::encode(Hash::of(origin.as_bytes()).as_bytes()));
        let mut before = String::new();
        match File::open(&path) {
            Ok(file) => {
                file.take(PIN_BYTES_MAX).read_to_string(&mut before).map_err(|fault| fault.to_string())?;
            }
            Err(fault) if fault.kind() == ErrorKind::NotFound => {}
            Err(fault) => return Err(fault.to_string()),
        }
        let (before, now) = (before.trim(), vouched.map(|payee| payee.to_string()));
        match now {
            Some(now) if before.is_empty() => {
                sdk::replace_file(&path, format!("{now}\n").as_bytes()).map_err(|fault| fault.to_string())
            }
            Some(now) if before == now => Ok(()),
            None if before.is_empty() => Ok(()),
            Some(now) => Err(format!(
                "it is signed by {now}, and was signed by {before} before; if that is meant, remove `{}`",
                path.display()
            )),
            None => Err(format!(
                "it is not signed by {before} any more, who signed it before; if that is meant, remove `{}`",
                path.display()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_signed_once_is_not_taken_otherwise() {
        let directory = std::env::temp_dir().join(format!("tollbridge-pins-{:032x}", rand::random::<u128>()));
        let pins = Pins::open(&directory).unwrap();
        let (one, other) = (PayeeId(1 << 90), PayeeId(2 << 90));
        let at = |text: &str| Url::parse(text).unwrap();
        let here = at("https://a.example/");
        assert!(pins.see(&here, None).is_ok(), "an agent that never was signed");
        assert!(pins.see(&here, Some(one)).is_ok());
        assert!(pins.see(&at("https://a.example/path"), Some(one)).is_ok());
        assert!(pins.see(&here, None).is_err(), "a signature is not left out again");
        assert!(pins.see(&here, Some(other)).is_err());
        assert!(pins.see(&at("https://a.example:8443/"), Some(other)).is_ok(), "another agent");
        assert!(Pins::open(&directory).unwrap().see(&here, Some(other)).is_err(), "after a start, too");
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
