//! The ports of a page, moved together where one of them is taken.

use std::net::{Ipv4Addr, TcpListener};

use anyhow::Context as _;

/// What stands before a port.
const HOST: &str = "127.0.0.1:";

/// The first port that anybody may listen on.
const PORT_MIN: u16 = 1_024;

/// How far ports are moved at a time: further than a page's own lie apart.
const STRIDE: u16 = 100;

/// How often they are moved, until a run gives up.
const TRIES_MAX: u16 = 200;

/// Where the program listens and what it calls when a page does not say.
pub(super) const DEFAULTS: [(&str, &str); 2] =
    [("TOLLBRIDGE_LISTEN", "127.0.0.1:8402"), ("TOLLBRIDGE_SERVER", "http://127.0.0.1:8402")];

/// By how much the ports of a page have to be moved so that all of them are free; 0 where they are.
pub(super) fn free_shift(text: &str) -> anyhow::Result<u16> {
    let ports: Vec<u16> = text.split(HOST).skip(1).filter_map(|rest| leading_port(rest).0).collect();
    let is_free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let all_free = |shift: &u16| ports.iter().all(|port| port.checked_add(*shift).is_some_and(is_free));
    (0..TRIES_MAX).map(|times| times * STRIDE).find(all_free).context("no ports are free for the page")
}

/// A text with its ports moved.
pub(super) fn shifted(text: &str, shift: u16) -> String {
    let mut parts = text.split(HOST);
    let mut moved = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        moved.push_str(HOST);
        let (port, rest) = leading_port(part);
        match port {
            Some(port) => moved.push_str(&format!("{}{rest}", port + shift)),
            None => moved.push_str(part),
        }
    }
    moved
}

/// The port that a text begins with, if anybody may listen there, and what follows it.
fn leading_port(text: &str) -> (Option<u16>, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    (digits.parse().ok().filter(|port| PORT_MIN <= *port), rest)
}
