//! The line to another agent: one of its interfaces, in one of two bindings, with limits on whatever it answers.

use crate::limits::{CALL_TIMEOUT, CONNECT_TIMEOUT};
use protocols::a2a::card::Card;
use protocols::a2a::paying::EXTENSIONS;
use protocols::a2a::{
    CARD_PATH, EXTENSIONS_HEADER, MEDIA_TYPE, Message, OLD_EXTENSIONS_HEADER, Task, VERSION, VERSION_HEADER,
    speaks,
};
use protocols::limits::{A2A_ANSWER_BYTES_MAX, A2A_CARD_BYTES_MAX};
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use url::Url;

/// In which words an agent is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binding {
    JsonRpc,
    HttpJson,
}

/// A line to an agent.
pub(super) struct Line {
    http: Client,
    url: Url,
    binding: Binding,
    key: HeaderValue,
}

impl Line {
    /// A line by the first interface that we speak. One at another origin than the card's is nobody's word but the card's.
    pub(super) fn new(at: &Url, card: &Card, key: &str) -> Result<Line, String> {
        let mut elsewhere = false;
        for interface in card.interfaces.iter().filter(|interface| speaks(&interface.version)) {
            let binding = match interface.binding.as_str() {
                "JSONRPC" => Binding::JsonRpc,
                "HTTP+JSON" => Binding::HttpJson,
                _ => continue,
            };
            match Url::parse(&interface.url) {
                Ok(url) if url.origin() == at.origin() => {
                    let key =
                        HeaderValue::try_from(format!("Bearer {key}")).map_err(|fault| fault.to_string())?;
                    return Ok(Line { http: http()?, url, binding, key });
                }
                Ok(_) | Err(_) => elsewhere = true,
            }
        }
        Err(match elsewhere {
            true => "it is called at another host than its card comes from".to_owned(),
            false => "it speaks neither JSON-RPC nor HTTP+JSON of A2A 1.0".to_owned(),
        })
    }

    /// Says something, and answers the task without waiting for its end.
    pub(super) async fn send(&self, message: &Message) -> Result<Task, String> {
        let params = json!({ "message": message.to_json(), "configuration": { "returnImmediately": true, "historyLength": 0 } });
        let mut result = match self.binding {
            Binding::JsonRpc => self.rpc("SendMessage", params).await?,
            Binding::HttpJson => self.rest(self.http.post(self.below("/message:send")), Some(params)).await?,
        };
        let task = result
            .get_mut("task")
            .map(Value::take)
            .ok_or("it answered without a task, which cannot be followed")?;
        read(task)
    }

    /// The task as it stands.
    pub(super) async fn look(&self, id: &str) -> Result<Task, String> {
        read(match self.binding {
            Binding::JsonRpc => self.rpc("GetTask", json!({ "id": id, "historyLength": 0 })).await?,
            Binding::HttpJson => {
                let is_plain =
                    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
                if !is_plain {
                    return Err("its task has a name that no path has".to_owned());
                }
                self.rest(self.http.get(self.below(&format!("/tasks/{id}?historyLength=0"))), None).await?
            }
        })
    }

    async fn rpc(&self, method: &str, params: Value) -> Result<Value, String> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
        let request =
            self.http.post(self.url.clone()).header(CONTENT_TYPE, "application/json").body(body.to_string());
        let mut answer = self.exchange(request).await?;
        if let Some(error) = answer.get("error") {
            return Err(refused(error));
        }
        answer
            .get_mut("result")
            .map(Value::take)
            .ok_or_else(|| "it answered something else than JSON-RPC".to_owned())
    }

    async fn rest(&self, request: RequestBuilder, params: Option<Value>) -> Result<Value, String> {
        let request = match params {
            Some(params) => request.header(CONTENT_TYPE, MEDIA_TYPE).body(params.to_string()),
            None => request,
        };
        let answer = self.exchange(request).await?;
        match answer.get("error") {
            Some(error) => Err(refused(error)),
            None => Ok(answer),
        }
    }

    async fn exchange(&self, request: RequestBuilder) -> Result<Value, String> {
        let extensions = EXTENSIONS.join(", ");
        let request = request
            .header(VERSION_HEADER, VERSION)
            .header(EXTENSIONS_HEADER, &extensions)
            .header(OLD_EXTENSIONS_HEADER, &extensions)
            .header(ACCEPT, "application/json, application/a2a+json")
            .header(AUTHORIZATION, self.key.clone());
        let body = read_whole(request, A2A_ANSWER_BYTES_MAX).await?;
        serde_json::from_slice(&body).map_err(|_| "it answered something else than JSON".to_owned())
    }

    fn below(&self, path: &str) -> String {
        format!("{}{path}", self.url.as_str().trim_end_matches('/'))
    }
}

/// The card of the agent at an address.
pub(super) async fn card(at: &Url) -> Result<Card, String> {
    let url = at.join(CARD_PATH).map_err(|fault| fault.to_string())?;
    let text = read_whole(http()?.get(url).header(ACCEPT, "application/json"), A2A_CARD_BYTES_MAX).await?;
    Card::read(&text).map_err(|fault| fault.to_string())
}

fn read(task: Value) -> Result<Task, String> {
    Task::read(task).map_err(|fault| fault.to_string())
}

fn http() -> Result<Client, String> {
    let client = Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(CALL_TIMEOUT)
        // Another address is another agent.
        .redirect(reqwest::redirect::Policy::none());
    client.build().map_err(|fault| fault.to_string())
}

async fn read_whole(request: RequestBuilder, bytes_max: usize) -> Result<Vec<u8>, String> {
    let mut response = request.send().await.map_err(|fault| fault.without_url().to_string())?;
    if response.status().is_redirection() {
        return Err("it sends us to another address".to_owned());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|fault| fault.without_url().to_string())? {
        if bytes_max < body.len() + chunk.len() {
            return Err(format!("its answer is longer than {bytes_max} bytes"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What an agent says no with. Its words are a stranger's.
fn refused(error: &Value) -> String {
    let said = error.get("message").and_then(Value::as_str).unwrap_or("it does not say why");
    let said: String = said.chars().take(500).collect();
    format!("it refused: {}", said.escape_debug())
}
