//! One line of an access log: the common and combined formats, and objects of JSON.

use gateway::caller_at;
use gateway::plan::Visit;
use jiff::{Timestamp, fmt::strtime};
use protocols::Time;
use serde_json::{Map, Value};
use std::net::IpAddr;

/// Reads a line. None where it is of no format we know.
pub(crate) fn read(line: &str) -> Option<Visit> {
    if line.trim_start().starts_with('{') { object(line) } else { common(line) }
}

/// `host identity user [time] "METHOD target PROTOCOL" status bytes`, and whatever follows.
fn common(line: &str) -> Option<Visit> {
    let (host, rest) = line.split_once(' ')?;
    let (_, rest) = rest.split_once('[')?;
    let (time, rest) = rest.split_once(']')?;
    let (request, rest) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    let mut words = request.split(' ');
    let (method, target) = (words.next()?, words.next()?);
    let mut numbers = rest.split_whitespace();
    Some(Visit {
        method: method_of(method)?,
        target: path_of(target)?,
        status: numbers.next()?.parse().ok()?,
        bytes: numbers.next().and_then(|bytes| bytes.parse().ok()),
        caller: Some(caller(host)),
        at: strtime::parse("%d/%b/%Y:%H:%M:%S %z", time)
            .and_then(|time| time.to_timestamp())
            .ok()
            .and_then(instant),
    })
}

/// An object with the members that nginx, Caddy, Envoy and others write, whichever are there.
fn object(line: &str) -> Option<Visit> {
    let members: Map<String, Value> = serde_json::from_str(line).ok()?;
    // Caddy has the request in an object of its own.
    let inner = members.get("request").and_then(Value::as_object);
    let find = |names: &[&str]| {
        let found = |members: &Map<String, Value>| names.iter().find_map(|name| members.get(*name).cloned());
        found(&members).or_else(|| inner.and_then(found))
    };
    let text = |names: &[&str]| find(names).and_then(|value| value.as_str().map(str::to_owned));
    let number = |names: &[&str]| {
        let value = find(names)?;
        value.as_u64().or_else(|| value.as_str()?.parse().ok())
    };
    let time = text(&["time", "timestamp", "@timestamp", "ts", "time_iso8601", "start_time"]);
    Some(Visit {
        method: method_of(&text(&["method", "request_method", "verb"])?)?,
        target: path_of(&text(&["uri", "request_uri", "path", "target", "url"])?)?,
        status: u16::try_from(number(&["status", "status_code", "response_code", "code"])?).ok()?,
        bytes: number(&["bytes", "size", "body_bytes_sent", "bytes_sent", "response_size", "length"]),
        caller: text(&["caller", "remote_addr", "remote_ip", "client_ip", "remote", "client", "ip"])
            .map(|host| caller(&host)),
        at: time.and_then(|time| time.parse().ok()).and_then(instant),
    })
}

fn method_of(text: &str) -> Option<String> {
    let is_method = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase());
    is_method.then(|| text.to_owned())
}

/// The path and query of a target, which may be a whole address.
fn path_of(target: &str) -> Option<String> {
    if target.starts_with('/') {
        return Some(target.to_owned());
    }
    let (_, rest) = target.split_once("://")?;
    Some(rest.find('/').map_or("/", |at| rest.get(at..).unwrap_or("/")).to_owned())
}

fn caller(host: &str) -> String {
    host.parse::<IpAddr>().map_or_else(|_| format!("name {host}"), caller_at)
}

fn instant(time: Timestamp) -> Option<Time> {
    u64::try_from(time.as_second()).ok().map(Time::from_seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_format_are_read_and_others_are_not() {
        let common = r#"10.0.0.1 - ann [22/Nov/2026:08:00:01 +0800] "GET /a?b=1 HTTP/1.1" 200 512"#;
        let combined = format!(r#"{common} "https://from.example/" "Agent \"1\"""#);
        for line in [
            common,
            &combined,
            r#"{"time":"2026-11-22T00:00:01Z","remote_addr":"10.0.0.1","method":"GET","uri":"/a?b=1","status":200,"bytes":512}"#,
            r#"{"ts":"2026-11-22T00:00:01Z","request":{"remote_ip":"10.0.0.1","method":"GET","uri":"/a?b=1"},"status":200,"size":512}"#,
            r#"{"@timestamp":"2026-11-22T00:00:01Z","client_ip":"10.0.0.1","request_method":"GET","path":"https://x.example/a?b=1","status":"200","bytes_sent":"512"}"#,
        ] {
            let visit = read(line).unwrap_or_else(|| panic!("{line}"));
            let Visit { method, target, status, bytes, caller, at } = visit;
            assert_eq!(
                (method.as_str(), target.as_str(), status, bytes),
                ("GET", "/a?b=1", 200, Some(512)),
                "{line}"
            );
            assert_eq!(caller.as_deref(), Some("address 10.0.0.1"), "{line}");
            assert_eq!(at, Some(Time::from_seconds(1_795_305_601)), "{line}");
        }
        let short = read(r#"::1 - - [x] "GET / HTTP/1.0" 304 -"#).unwrap();
        assert_eq!((short.bytes, short.at), (None, None));
        for line in [
            "",
            "hello",
            r#"1.1.1.1 - - [x] "\x16\x03" 400 0"#,
            "{}",
            r#"{"method":"get","path":"/","status":200}"#,
            "{",
        ] {
            assert!(read(line).is_none(), "{line}");
        }
    }
}
