//! Golden entries: bytes as text that a person can review, one field a line.

use crate::audit;
use std::path::Path;

/// The fields of an entry, a line each: its bytes in hexadecimal, its name, and its value in words.
///
/// # Errors
/// Why the auditor cannot read the entry.
pub fn text(title: &str, entry: &[u8]) -> Result<String, String> {
    let mut text = format!("# {title}\n");
    for field in audit::fields(entry)? {
        let bytes = entry.get(field.bytes.clone()).unwrap_or_default();
        let mut lines = bytes.chunks(16).map(hex);
        let first = lines.next().unwrap_or_default();
        text.push_str(&format!("{first:<32}  # {} = {}\n", field.name, field.value));
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
    Ok(text)
}

/// Compares an entry with the golden file at `path`; with `UPDATE=1` in the environment, rewrites it instead.
///
/// # Errors
/// Where the entry has other bytes than the file, or there is no file.
pub fn compare(path: &Path, title: &str, entry: &[u8]) -> Result<(), String> {
    let now = text(title, entry)?;
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        return std::fs::write(path, now).map_err(|fault| format!("{}: {fault}", path.display()));
    }
    let golden = std::fs::read_to_string(path).map_err(|fault| format!("{}: {fault}", path.display()))?;
    if bytes(&golden)? == entry && golden == now {
        return Ok(());
    }
    let path = path.display();
    Err(format!("{path} says\n{golden}\nbut now it is\n{now}\nif that is meant, review it with UPDATE=1"))
}

/// The bytes that a golden text stands for: all hexadecimal digits in front of `#`.
///
/// # Errors
/// Where something else stands there.
pub fn bytes(text: &str) -> Result<Vec<u8>, String> {
    let digits: String = text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).collect();
    let pairs = digits.as_bytes().chunks(2);
    pairs
        .map(|pair| {
            let pair = std::str::from_utf8(pair).map_err(|_| "no text".to_owned())?;
            u8::from_str_radix(pair, 16).map_err(|_| format!("`{pair}` is no byte"))
        })
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
