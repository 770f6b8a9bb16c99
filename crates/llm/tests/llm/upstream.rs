//! A model that says what the test wrote, cut where the test says.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How calls are answered.
#[derive(Clone, Debug)]
pub(crate) struct Script {
    pub(crate) status: u16,
    pub(crate) kind: &'static str,
    /// Each is a chunk of its own.
    pub(crate) parts: Vec<Vec<u8>>,
    /// Whether the answer is ended as it should be.
    pub(crate) ends: bool,
    /// A permit is taken before each part, where there is one.
    pub(crate) gate: Option<Arc<Semaphore>>,
}

impl Script {
    pub(crate) fn json(body: &serde_json::Value) -> Script {
        Script {
            status: 200,
            kind: "application/json",
            parts: vec![body.to_string().into_bytes()],
            ends: true,
            gate: None,
        }
    }

    pub(crate) fn stream(parts: Vec<Vec<u8>>) -> Script {
        Script { status: 200, kind: "text/event-stream", parts, ends: true, gate: None }
    }

    pub(crate) fn gated(self, gate: &Arc<Semaphore>) -> Script {
        Script { gate: Some(Arc::clone(gate)), ..self }
    }

    pub(crate) fn broken(self) -> Script {
        Script { ends: false, ..self }
    }
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    script: Mutex<Script>,
    /// Head and body of every request.
    requests: Mutex<Vec<String>>,
}

impl Upstream {
    pub(crate) async fn start() -> Arc<Upstream> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Arc::new(Upstream {
            url: format!("http://{}", listener.local_addr().unwrap()),
            script: Mutex::new(Script::json(&serde_json::json!({}))),
            requests: Mutex::default(),
        });
        let serving = Arc::clone(&upstream);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let serving = Arc::clone(&serving);
                tokio::spawn(async move { serving.serve(stream).await });
            }
        });
        upstream
    }

    pub(crate) fn says(&self, script: Script) {
        *self.script.lock().unwrap() = script;
    }

    pub(crate) fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut text = String::new();
        let mut buffer = [0; 65536];
        loop {
            let end = loop {
                let lower = text.to_lowercase();
                let length =
                    lower.split("content-length: ").nth(1).and_then(|rest| rest.split("\r\n").next());
                let length: usize = length.and_then(|length| length.parse().ok()).unwrap_or(0);
                if let Some(head) = lower.find("\r\n\r\n")
                    && head + 4 + length <= text.len()
                {
                    break head + 4 + length;
                }
                match stream.read(&mut buffer).await.ok()? {
                    0 => return None,
                    bytes => text.push_str(&String::from_utf8_lossy(&buffer[..bytes])),
                }
            };
            self.requests.lock().unwrap().push(text[..end].to_owned());
            text.drain(..end);
            let script = self.script.lock().unwrap().clone();
            let head = format!(
                "HTTP/1.1 {} Reason\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\nset-cookie: a=b\r\n\r\n",
                script.status, script.kind
            );
            stream.write_all(head.as_bytes()).await.ok()?;
            for part in script.parts {
                if let Some(gate) = &script.gate {
                    gate.acquire().await.ok()?.forget();
                }
                if part.is_empty() {
                    continue;
                }
                let chunk = [format!("{:x}\r\n", part.len()).as_bytes(), &part, b"\r\n"].concat();
                stream.write_all(&chunk).await.ok()?;
            }
            if !script.ends {
                return stream.shutdown().await.ok();
            }
            stream.write_all(b"0\r\n\r\n").await.ok()?;
        }
    }
}

/// The stream of a chat: `pieces` of content, usage in each chunk if `continuous`, and at the end what `usage` says.
pub(crate) fn chat(pieces: u64, input: u64, continuous: bool, usage: Option<&str>) -> Vec<Vec<u8>> {
    let event = |text: String| format!("data: {text}\n\n").into_bytes();
    let mut parts = vec![event(
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}"#.to_owned(),
    )];
    for at in 1..=pieces {
        let counted = if continuous {
            format!(
                r#","usage":{{"prompt_tokens":{input},"completion_tokens":{at},"total_tokens":{}}}"#,
                input + at
            )
        } else {
            String::new()
        };
        parts.push(event(format!(
            r#"{{"id":"chatcmpl-1","choices":[{{"index":0,"delta":{{"content":"w{} "}}}}]{counted}}}"#,
            at % 10
        )));
    }
    parts.push(event(
        r#"{"id":"chatcmpl-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned(),
    ));
    parts.extend(usage.map(|usage| event(format!(r#"{{"id":"chatcmpl-1","choices":[],"usage":{usage}}}"#))));
    parts.push(event("[DONE]".to_owned()));
    parts
}

/// The stream of a message: `pieces` of content.
pub(crate) fn message(pieces: u64, input: u64, output: u64) -> Vec<Vec<u8>> {
    let event = |kind: &str, rest: &str| {
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{rest}}}\n\n").into_bytes()
    };
    let mut parts = vec![
        event(
            "message_start",
            &format!(r#","message":{{"id":"msg_1","usage":{{"input_tokens":{input},"output_tokens":1}}}}"#),
        ),
        event("content_block_start", r#","index":0,"content_block":{"type":"text","text":""}"#),
    ];
    for _ in 0..pieces {
        parts
            .push(event("content_block_delta", r#","index":0,"delta":{"type":"text_delta","text":"word "}"#));
    }
    parts.push(event("content_block_stop", r#","index":0"#));
    parts.push(event(
        "message_delta",
        &format!(r#","delta":{{"stop_reason":"end_turn"}},"usage":{{"output_tokens":{output}}}"#),
    ));
    parts.push(event("message_stop", ""));
    parts
}
