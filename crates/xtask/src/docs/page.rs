//! Reading a page: its blocks that run, and what each should print.

use anyhow::bail;

/// One ```` ```bash ```` block and the ```` ```text ```` block behind it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line of its fence, counted from 1.
    pub(super) line: usize,
    pub(super) script: String,
    /// Lines its output must hold, in this order.
    pub(super) expected: Vec<String>,
}

/// A fenced block of any kind.
struct Fenced<'a> {
    line: usize,
    /// What stands behind the fence: `bash`, `bash no-run`, `text`.
    kind: &'a str,
    body: Vec<&'a str>,
}

/// The blocks of a page that run, in order; an error when a fence is never closed.
pub(super) fn blocks(page: &str) -> anyhow::Result<Vec<Block>> {
    let all = fenced(page)?;
    let mut blocks = Vec::new();
    for (at, Fenced { line, kind, body }) in all.iter().enumerate() {
        if *kind != "bash" {
            continue;
        }
        let output = all.get(at + 1).filter(|next| next.kind == "text");
        let lines = output.map(|output| output.body.as_slice()).unwrap_or_default();
        let expected = lines.iter().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty());
        blocks.push(Block { line: *line, script: body.join("\n"), expected: expected.collect() });
    }
    Ok(blocks)
}

/// A fence ends at a line of as many backticks, so that a block may hold a shorter fence.
fn fenced(page: &str) -> anyhow::Result<Vec<Fenced<'_>>> {
    let mut blocks = Vec::new();
    let mut lines = page.lines().enumerate();
    while let Some((at, opening)) = lines.next() {
        let indent = opening.len() - opening.trim_start().len();
        let ticks = opening.trim_start().chars().take_while(|letter| *letter == '`').count();
        if ticks < 3 {
            continue;
        }
        let mut body = Vec::new();
        loop {
            let Some((_, line)) = lines.next() else { bail!("the block at line {} never ends", at + 1) };
            let closing = line.trim();
            if closing.len() >= ticks && closing.chars().all(|letter| letter == '`') {
                break;
            }
            body.push(line.get(indent..).unwrap_or_default());
        }
        let kind = opening.trim().trim_start_matches('`').trim();
        blocks.push(Fenced { line: at + 1, kind, body });
    }
    Ok(blocks)
}

/// Names that mean this machine, and endings of names that no machine has.
const OWN_HOSTS: &[&str] = &["127.0.0.1", "localhost", "[::1]"];
const NOBODY: &[&str] = &[".localhost", ".example", ".test", ".invalid", "example.com", "example.org"];

/// The first host in a script's addresses that is neither this machine nor reserved for examples.
pub(super) fn foreign_host(script: &str) -> Option<&str> {
    let hosts = script.match_indices("://").filter_map(|(at, mark)| {
        let rest = script.get(at + mark.len()..)?;
        let authority =
            rest.split(|letter: char| letter.is_whitespace() || "/?#\"'`)\\".contains(letter)).next()?;
        let host = authority.rsplit('@').next()?;
        Some(if host.starts_with('[') {
            host.split_inclusive(']').next()?
        } else {
            host.split(':').next()?
        })
    });
    let ours = |host: &str| {
        host.is_empty()
            || host.starts_with('$')
            || OWN_HOSTS.contains(&host)
            || NOBODY.iter().any(|end| host.ends_with(end))
    };
    hosts.into_iter().find(|host| !ours(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(line: usize, script: &str, expected: &[&str]) -> Block {
        let expected = expected.iter().map(|line| (*line).to_owned());
        Block { line, script: script.to_owned(), expected: expected.collect() }
    }

    #[test]
    fn blocks_are_read_in_order_with_what_they_print() {
        let rows = [
            ("text\n```bash\na\nb\n```\n", vec![block(2, "a\nb", &[])]),
            ("```bash\na\n```\n\nprints:\n\n```text\nb\n\n  c\n```", vec![block(1, "a", &["b", "c"])]),
            ("```bash\na\n```\n```json\n{}\n```\n```text\nb\n```", vec![block(1, "a", &[])]),
            ("```bash no-run\na\n```\n```text\nb\n```\n```bash\nc\n```", vec![block(7, "c", &[])]),
            ("```rust\n```\n```\nx\n```\n", vec![]),
            ("1. So:\n   ```bash\n   a\n     b\n   ```\n", vec![block(2, "a\n  b", &[])]),
            ("````\n```bash\na\n```\n````\n```bash\nb\n```\n", vec![block(6, "b", &[])]),
        ];
        for (page, expected) in rows {
            assert_eq!(blocks(page).expect("every fence ends"), expected, "{page}");
        }
    }

    #[test]
    fn only_this_machine_is_called() {
        let rows = [
            ("curl http://127.0.0.1:8080/v1/payments", None),
            ("curl http://localhost:8080; curl 'http://[::1]:80/'", None),
            ("pay --payee https://shop.example/buy", None),
            ("curl \"http://$address/v1\" file:///tmp/a", None),
            ("curl https://api.elsewhere.net/v1", Some("api.elsewhere.net")),
            ("curl http://localhost/; curl http://user@elsewhere.net:1/", Some("elsewhere.net")),
            ("curl http://localhost.elsewhere.net", Some("localhost.elsewhere.net")),
        ];
        for (script, expected) in rows {
            assert_eq!(foreign_host(script), expected, "{script}");
        }
    }
}
