//! A seller's own secret in a file: made once, never changed, readable by nobody else.

use crate::whole::make_file;
use evidence::{MacKey, Secret};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Reads the secret at `path`, or makes it. Without the same one, whatever was given out under it is worth nothing.
///
/// # Errors
/// The file cannot be read, or not be made.
pub fn kept_secret(path: &Path) -> std::io::Result<MacKey> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    match File::open(path) {
        Ok(mut file) => file.read_exact(&mut bytes[..])?,
        Err(fault) if fault.kind() == ErrorKind::NotFound => {
            *bytes = rand::random();
            make_file(path, &bytes[..])?;
            // Of two that make it at once, one has made it.
            File::open(path)?.read_exact(&mut bytes[..])?;
        }
        Err(fault) => return Err(fault),
    }
    Ok(MacKey::new(&Secret::new(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_for_its_owner_alone_and_never_replaced() {
        let directory =
            std::env::temp_dir().join(format!("tollbridge-secret-{:032x}", rand::random::<u128>()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("bill.key");
        let first = kept_secret(&path).unwrap().mac(b"bill");
        assert_eq!(kept_secret(&path).unwrap().mac(b"bill").0, first.0);
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);

        std::fs::write(&path, [7; 31]).unwrap();
        assert_eq!(kept_secret(&path).unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(std::fs::read(&path).unwrap(), [7; 31]);
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
