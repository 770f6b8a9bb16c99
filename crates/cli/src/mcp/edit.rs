//! Changing one entry of somebody else's configuration, and not one other byte of it.
//!
//! Texts are changed where the entry is, and read again afterwards: what was there before has to be there still.

use serde_json::{Map, Value};
use std::ops::Range;

/// What our entry is called.
pub(super) const NAME: &str = "tollbridge";

/// A member of an object, by place.
struct Member {
    name: String,
    /// From its name to the end of its value.
    span: Range<usize>,
    value: Range<usize>,
}

/// The members of the object that begins at `open`, and where it ends.
fn members(text: &str, open: usize) -> (Vec<Member>, usize) {
    let bytes = text.as_bytes();
    let mut members = Vec::new();
    let mut at = after_space(bytes, open + 1);
    while bytes.get(at) == Some(&b'"') {
        let start = at;
        let end = after_value(bytes, at);
        let name = serde_json::from_str(&text[start..end]).unwrap_or_default();
        let colon = after_space(bytes, end);
        let value = after_space(bytes, colon + 1);
        let value_end = after_value(bytes, value);
        members.push(Member { name, span: start..value_end, value: value..value_end });
        at = after_space(bytes, value_end);
        if bytes.get(at) != Some(&b',') {
            break;
        }
        at = after_space(bytes, at + 1);
    }
    (members, at)
}

fn after_space(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

/// Where the value that begins at `at` ends. The text is JSON: somebody else has read it already.
fn after_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    loop {
        match bytes.get(at) {
            Some(b'"') => {
                at += 1;
                while let Some(byte) = bytes.get(at).filter(|byte| **byte != b'"') {
                    at += if *byte == b'\\' { 2 } else { 1 };
                }
            }
            Some(b'{' | b'[') => depth += 1,
            Some(b'}' | b']') => depth = depth.saturating_sub(1),
            Some(_) | None => {
                let is_word = |byte: &u8| !matches!(byte, b',' | b'}' | b']') && !byte.is_ascii_whitespace();
                if depth == 0 {
                    while bytes.get(at).is_some_and(is_word) {
                        at += 1;
                    }
                    return at;
                }
            }
        }
        at += 1;
        if depth == 0 {
            return at;
        }
    }
}

fn parsed(text: &str) -> Result<Map<String, Value>, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_)) => {
            Err("it is no JSON object".to_owned())
        }
        Err(fault) => Err(format!("it is not plain JSON (line {}), and is left as it is", fault.line())),
    }
}

/// The text with our entry among its servers, which are called `servers`.
pub(super) fn put_json(text: &str, servers: &str, entry: &Value) -> Result<String, String> {
    let text = if text.trim().is_empty() { "{}\n" } else { text };
    let mut wanted = parsed(text)?;
    let list = wanted.entry(servers).or_insert_with(|| Value::Object(Map::new()));
    let list = list.as_object_mut().ok_or_else(|| format!("its `{servers}` is no object"))?;
    list.insert(NAME.to_owned(), entry.clone());
    let open = text.find('{').expect("an object begins");
    let (root, _) = members(text, open);
    let changed = match root.iter().find(|member| member.name == servers) {
        None => added(text, open, servers, &serde_json::json!({ NAME: entry }), 2),
        Some(list) => {
            let (inner, _) = members(text, list.value.start);
            match inner.iter().find(|member| member.name == NAME) {
                Some(ours) => {
                    let (before, after) = (&text[..ours.value.start], &text[ours.value.end..]);
                    format!("{before}{}{after}", pretty(entry, 4))
                }
                None => added(text, list.value.start, NAME, entry, 4),
            }
        }
    };
    held(&changed, &Value::Object(wanted))
}

/// The text without our entry; none if it is not there.
pub(super) fn take_json(text: &str, servers: &str) -> Result<Option<String>, String> {
    let mut wanted = parsed(text)?;
    let ours = wanted.get_mut(servers).and_then(Value::as_object_mut).and_then(|list| list.remove(NAME));
    if ours.is_none() {
        return Ok(None);
    }
    let open = text.find('{').expect("an object begins");
    let (root, _) = members(text, open);
    let list = root.iter().find(|member| member.name == servers).expect("it was found");
    let (inner, close) = members(text, list.value.start);
    let at = inner.iter().position(|member| member.name == NAME).expect("it was found");
    let before = at.checked_sub(1).and_then(|before| inner.get(before));
    let cut = match (before, inner.get(at + 1)) {
        (Some(before), _) => before.span.end..inner[at].span.end,
        (None, Some(next)) => inner[at].span.start..next.span.start,
        (None, None) => list.value.start + 1..close,
    };
    let changed = format!("{}{}", &text[..cut.start], &text[cut.end..]);
    held(&changed, &Value::Object(wanted)).map(Some)
}

/// The text with one more member at the end of the object that begins at `open`.
fn added(text: &str, open: usize, name: &str, value: &Value, indent: usize) -> String {
    let (members, close) = members(text, open);
    let (space, value) = (" ".repeat(indent), pretty(value, indent));
    match members.last() {
        Some(last) => {
            let (before, after) = text.split_at(last.span.end);
            format!("{before},\n{space}\"{name}\": {value}{after}")
        }
        None => {
            let outer = " ".repeat(indent - 2);
            format!("{}\n{space}\"{name}\": {value}\n{outer}{}", &text[..=open], &text[close..])
        }
    }
}

fn pretty(value: &Value, indent: usize) -> String {
    let text = serde_json::to_string_pretty(value).expect("an entry is JSON");
    text.replace('\n', &format!("\n{}", " ".repeat(indent)))
}

fn held(changed: &str, wanted: &Value) -> Result<String, String> {
    match serde_json::from_str::<Value>(changed) {
        Ok(value) if value == *wanted => Ok(changed.to_owned()),
        Ok(_) | Err(_) => Err("it cannot be changed without changing the rest of it".to_owned()),
    }
}

/// The text of TOML with our entry as its last table.
pub(super) fn put_toml(text: &str, command: &str, words: &[String]) -> Result<String, String> {
    let bare = match take_toml(text)? {
        Some(bare) => bare,
        None => text.to_owned(),
    };
    let quoted = |text: &str| toml::Value::String(text.to_owned()).to_string();
    let words: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    let gap = if bare.is_empty() || bare.ends_with("\n\n") { "" } else { "\n" };
    let end = if bare.is_empty() || bare.ends_with('\n') { "" } else { "\n" };
    let changed = format!(
        "{bare}{end}{gap}[mcp_servers.{NAME}]\ncommand = {}\nargs = [{}]\n",
        quoted(command),
        words.join(", ")
    );
    toml_without_ours(&changed).and_then(|after| match toml_without_ours(&bare) {
        Ok(before) if before == after => Ok(changed),
        Ok(_) | Err(_) => Err("it cannot be changed without changing the rest of it".to_owned()),
    })
}

/// The text without our table; none if it is not there.
pub(super) fn take_toml(text: &str) -> Result<Option<String>, String> {
    let before = toml_without_ours(text)?;
    let table: toml::Table = text.parse().map_err(|_| "it is not TOML".to_owned())?;
    if table.get("mcp_servers").and_then(|servers| servers.get(NAME)).is_none() {
        return Ok(None);
    }
    let head = format!("[mcp_servers.{NAME}]");
    let mut kept = String::new();
    let mut is_ours = false;
    for line in text.split_inclusive('\n') {
        let word = line.trim();
        if word == head {
            is_ours = true;
        } else if word.starts_with('[') {
            is_ours = false;
        }
        if !is_ours {
            kept.push_str(line);
        }
    }
    let kept = if kept.ends_with("\n\n") { kept[..kept.len() - 1].to_owned() } else { kept };
    match toml_without_ours(&kept) {
        Ok(after) if after == before && !kept.contains(&head) => Ok(Some(kept)),
        Ok(_) | Err(_) => Err(format!("`mcp_servers.{NAME}` is written in a way that is not ours")),
    }
}

fn toml_without_ours(text: &str) -> Result<toml::Table, String> {
    let mut table: toml::Table =
        text.parse().map_err(|_| "it is not TOML, and is left as it is".to_owned())?;
    if let Some(toml::Value::Table(servers)) = table.get_mut("mcp_servers") {
        servers.remove(NAME);
        if servers.is_empty() {
            table.remove("mcp_servers");
        }
    }
    Ok(table)
}

/// The lines that differ, with two of those around them, as `diff -u` shows them.
pub(super) fn difference(before: &str, after: &str) -> String {
    const AROUND: usize = 2;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let shorter = old.len().min(new.len()) - same;
    let tail =
        old.iter().rev().zip(new.iter().rev()).take(shorter).take_while(|(old, new)| old == new).count();
    let lines = |sign: char, lines: &[&str]| -> String {
        lines.iter().map(|line| format!("{sign}{line}\n")).collect()
    };
    let start = same.saturating_sub(AROUND);
    let (old_end, new_end) = (old.len() - tail, new.len() - tail);
    let end = (old_end + AROUND).min(old.len());
    [
        format!("@@ line {} @@\n", start + 1),
        lines(' ', &old[start..same]),
        lines('-', &old[same..old_end]),
        lines('+', &new[same..new_end]),
        lines(' ', &old[old_end..end]),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry() -> Value {
        json!({"command": "/bin/tollbridge", "args": ["mcp", "serve"]})
    }

    #[test]
    fn an_entry_goes_in_and_out_and_nothing_else_moves() {
        for text in [
            "{\n  \"mcpServers\": {\n    \"other\": {\"command\": \"x\", \"args\": [\"}\", \"\\\"{\"]}\n  }\n}\n",
            "{\"a\":[1,{\"mcpServers\":{}}],\"mcpServers\":{\"z\":{}},\"b\":1.50}",
            "{\n\t\"numbers\": 1e5,\n\t\"mcpServers\": { \"é\": { } } }",
        ] {
            let put = put_json(text, "mcpServers", &entry()).unwrap();
            assert_eq!(parsed(&put).unwrap()["mcpServers"][NAME], entry());
            assert_eq!(put_json(&put, "mcpServers", &entry()).unwrap(), put);
            assert_eq!(take_json(&put, "mcpServers").unwrap().as_deref(), Some(text));
            assert_eq!(take_json(text, "mcpServers").unwrap(), None);
        }
    }

    #[test]
    fn an_empty_configuration_gets_what_it_needs() {
        for text in ["", "\n", "{}", "{ }\n"] {
            let put = put_json(text, "servers", &entry()).unwrap();
            assert_eq!(Value::Object(parsed(&put).unwrap()), json!({"servers": {NAME: entry()}}));
            let taken = take_json(&put, "servers").unwrap().unwrap();
            assert_eq!(Value::Object(parsed(&taken).unwrap()), json!({"servers": {}}));
        }
        let put = put_json("{\"first\": {\"mcpServers\": 1}}", "mcpServers", &entry()).unwrap();
        assert!(put.starts_with("{\"first\": {\"mcpServers\": 1},\n  \"mcpServers\": {"), "{put}");
    }

    #[test]
    fn what_is_not_understood_is_left_alone() {
        for text in ["{ // mine\n}", "[]", "{\"mcpServers\": []}", "{\"mcpServers\": {}", "nonsense"] {
            assert!(put_json(text, "mcpServers", &entry()).is_err(), "{text}");
        }
        for text in ["= 1", "mcp_servers = { tollbridge = { command = \"x\" } }\n"] {
            assert!(put_toml(text, "x", &[]).is_err(), "{text}");
        }
    }

    #[test]
    fn a_table_goes_in_and_out_and_nothing_else_moves() {
        let words = ["mcp".to_owned(), "a \"b\"".to_owned()];
        for text in ["", "model = \"m\"\n", "# mine\n[mcp_servers.other]\ncommand = \"x\"\n", "[a]\nb = 1"] {
            let put = put_toml(text, "/bin/tollbridge", &words).unwrap();
            let table: toml::Table = put.parse().unwrap();
            assert_eq!(table["mcp_servers"][NAME]["args"][1].as_str(), Some("a \"b\""));
            assert_eq!(put_toml(&put, "/bin/tollbridge", &words).unwrap(), put);
            let taken = take_toml(&put).unwrap().unwrap();
            assert_eq!(taken.trim_end(), text.trim_end());
            assert_eq!(take_toml(text).unwrap(), None);
        }
    }

    #[test]
    fn a_difference_is_what_differs() {
        let shown = difference("a\nb\nc\nd\ne\n", "a\nb\nc\nX\nd\ne\n");
        assert_eq!(shown, "@@ line 2 @@\n b\n c\n+X\n d\n e\n");
        assert_eq!(difference("", "a\n"), "@@ line 1 @@\n+a\n");
        assert_eq!(difference("a\na\n", "a\n"), "@@ line 1 @@\n a\n-a\n");
    }
}
