//! Small files that are there whole or not at all: written beside, synced, named, and the directory synced.

use std::fs::{File, OpenOptions, hard_link, remove_file, rename};
use std::io::{ErrorKind, Result, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Replaces a file, or makes it, for its owner's eyes only. When this returns, it survives power loss; until then, what was
/// there does.
///
/// # Errors
/// The disk, or the directory.
pub fn replace_file(path: &Path, content: &[u8]) -> Result<()> {
    let beside = write_beside(path, content)?;
    rename(&beside, path).inspect_err(|_| discard(&beside))?;
    sync_place_of(path)
}

/// The same for a file that is not there yet; one that is there stays as it is.
///
/// # Errors
/// The disk, or the directory.
pub fn make_file(path: &Path, content: &[u8]) -> Result<()> {
    let beside = write_beside(path, content)?;
    let linked = hard_link(&beside, path);
    discard(&beside);
    match linked {
        Err(fault) if fault.kind() != ErrorKind::AlreadyExists => Err(fault),
        // Also what somebody else has linked may not be synced yet.
        Ok(()) | Err(_) => sync_place_of(path),
    }
}

/// Writes a file beside `path`: two at once write to two files.
fn write_beside(path: &Path, content: &[u8]) -> Result<PathBuf> {
    let beside = path.with_extension(format!("{:016x}.new", rand::random::<u64>()));
    let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(content).and_then(|()| file.sync_all()).inspect_err(|_| discard(&beside))?;
    Ok(beside)
}

/// Takes a file beside away; one that stays takes only room.
fn discard(beside: &Path) {
    let _gone = remove_file(beside);
}

/// Has the directory of `path` on disk.
fn sync_place_of(path: &Path) -> Result<()> {
    let place = path.parent().filter(|place| !place.as_os_str().is_empty());
    File::open(place.unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_file_is_replaced_for_its_owner_alone_and_nothing_is_left_beside() {
        let directory =
            std::env::temp_dir().join(format!("tollbridge-whole-{:032x}", rand::random::<u128>()));
        std::fs::create_dir(&directory).unwrap();
        let path = directory.join("one.json");
        make_file(&path, b"first").unwrap();
        make_file(&path, b"second").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        replace_file(&path, b"third").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 1);
        let taken = directory.join("taken");
        std::fs::create_dir(&taken).unwrap();
        assert!(replace_file(&taken, b"").is_err(), "a directory stays");
        assert_eq!(std::fs::read_dir(&directory).unwrap().count(), 2);
        assert!(replace_file(&directory.join("nowhere").join("one"), b"").is_err());
        std::fs::remove_dir_all(&directory).unwrap();
    }
}
