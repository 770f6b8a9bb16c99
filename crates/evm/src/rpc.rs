//! JSON-RPC over HTTP, to one node: one question, one answer, nothing tried twice.

use crate::limits::{RPC_ANSWER_BYTES_MAX, RPC_SECONDS_MAX, RPC_WORDS_CHARS_MAX};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;
use url::Url;

/// Why there is no answer to a question.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The node is not there, or not in time. What it was told, it may have heard.
    #[error("the node does not answer: {0}")]
    Unreachable(String),
    /// It answered something else.
    #[error("the node's answer to `{0}` cannot be read")]
    Malformed(&'static str),
    /// It answered that a contract said no.
    #[error("reverted: {0}")]
    Reverted(String),
    /// It said no itself.
    #[error("the node refuses: {0}")]
    Refused(String),
}

/// A node, and how it is asked.
pub(crate) struct Rpc {
    client: reqwest::Client,
    url: Url,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    result: Value,
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    code: i64,
    #[serde(default)]
    message: String,
}

impl std::fmt::Debug for Rpc {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Rpc({})", self.url.host_str().unwrap_or_default())
    }
}

impl Rpc {
    /// Asks at this address, and nowhere it would send us.
    ///
    /// # Errors
    /// Where nothing can be sent at all.
    pub(crate) fn new(url: Url) -> reqwest::Result<Rpc> {
        let client = reqwest::Client::builder()
            .timeout(Duration::from_secs(RPC_SECONDS_MAX))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .build()?;
        Ok(Rpc { client, url })
    }

    /// Asks one question.
    ///
    /// # Errors
    /// [`Fault`].
    pub(crate) async fn ask(&self, method: &'static str, params: Value) -> Result<Value, Fault> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let text = self.send(body).await?;
        let answer: Answer = serde_json::from_slice(&text).map_err(|_| Fault::Malformed(method))?;
        answer.error.map_or(Ok(answer.result), |refusal| Err(refusal.into()))
    }

    async fn send(&self, body: String) -> Result<Vec<u8>, Fault> {
        // The address may have a secret in it, and stays out of what is logged.
        let unreachable = |fault: reqwest::Error| Fault::Unreachable(plain(&fault.without_url().to_string()));
        let request = self.client.post(self.url.clone()).header("content-type", "application/json");
        let mut answer = request.body(body).send().await.map_err(unreachable)?;
        let mut text = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            text.extend_from_slice(&chunk);
            if RPC_ANSWER_BYTES_MAX < text.len() {
                return Err(Fault::Unreachable("its answer is too long".to_owned()));
            }
        }
        Ok(text)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        // 3 is what nodes have agreed on; some say it in words only, and some by a number of their own.
        let is_revert =
            matches!(refusal.code, 3 | -32015) || refusal.message.to_lowercase().contains("revert");
        let words = plain(&refusal.message);
        if is_revert { Fault::Reverted(words) } else { Fault::Refused(words) }
    }
}

/// Words of somebody else, fit for a log.
fn plain(words: &str) -> String {
    let words = words.chars().take(RPC_WORDS_CHARS_MAX);
    words.map(|letter| if letter.is_control() { ' ' } else { letter }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_contracts_no_is_told_from_the_nodes() {
        for (code, message, is_revert) in [
            (3, "execution reverted: FiatToken: authorization is used", true),
            (-32000, "execution reverted", true),
            (-32015, "VM execution error.", true),
            (-32000, "nonce too low", false),
            (-32005, "too many requests", false),
            (-32003, "insufficient funds for gas * price + value", false),
        ] {
            let fault = Fault::from(Refusal { code, message: message.to_owned() });
            assert_eq!(matches!(fault, Fault::Reverted(_)), is_revert, "{message}");
        }
        assert_eq!(plain(&format!("a\nb{}", "c".repeat(300))).chars().count(), RPC_WORDS_CHARS_MAX);
        assert!(!plain("a\nb\u{1b}[0m").contains(char::is_control));
    }
}
