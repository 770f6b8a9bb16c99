//! An upstream that knows nothing of payments, and can break in every way a service breaks.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// How the next requests are answered.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// With 200 and the number of the call.
    Well,
    /// With this status.
    Status(u16),
    /// With 200, once the gate is open.
    Gated(Arc<Semaphore>),
    /// Never.
    Silent,
    /// By closing the connection.
    HangUp,
    /// With less than was promised.
    Truncated,
    /// With this many bytes.
    Long(usize),
    /// With 200, these headers, and this body.
    Says(&'static str, String),
    /// With these pieces, one for each permit; then properly, or by closing the connection.
    Pieces { kind: &'static str, pieces: Vec<String>, gate: Arc<Semaphore>, ends: bool },
}

#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) url: String,
    pub(crate) mood: Mutex<Mood>,
    /// Head and body of every request.
    requests: Mutex<Vec<String>>,
}

impl Upstream {
    pub(crate) async fn start() -> Arc<Upstream> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let upstream = Arc::new(Upstream {
            url: format!("http://{}", listener.local_addr().unwrap()),
            mood: Mutex::new(Mood::Well),
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

    pub(crate) fn calls(&self) -> usize {
        self.requests.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> String {
        self.requests.lock().unwrap().last().cloned().unwrap_or_default()
    }

    pub(crate) fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    async fn serve(&self, mut stream: TcpStream) -> Option<()> {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        loop {
            let bytes = stream.read(&mut buffer).await.ok()?;
            text.push_str(&String::from_utf8_lossy(&buffer[..bytes]));
            let lower = text.to_lowercase();
            let Some(head) = lower.find("\r\n\r\n") else {
                if bytes == 0 {
                    return None;
                }
                continue;
            };
            let length = lower
                .split("content-length: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next()?.parse::<usize>().ok())
                .unwrap_or(0);
            if text.len() == head + 4 + length || bytes == 0 {
                break;
            }
        }
        let call = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(text);
            requests.len()
        };
        let mood = self.mood.lock().unwrap().clone();
        let mut more = "";
        let (status, promised, body) = match mood {
            Mood::Well => (200, None, format!("{{\"call\":{call}}}")),
            Mood::Status(status) => (status, None, format!("status {status}")),
            Mood::Gated(gate) => {
                let _open = gate.acquire().await.unwrap();
                (200, None, format!("{{\"call\":{call}}}"))
            }
            Mood::Silent => std::future::pending().await,
            Mood::HangUp => return None,
            Mood::Truncated => (200, Some(1_000), "half".to_owned()),
            Mood::Long(bytes) => (200, None, "x".repeat(bytes)),
            Mood::Says(headers, body) => {
                more = headers;
                (200, None, body)
            }
            Mood::Pieces { kind, pieces, gate, ends } => {
                let head =
                    format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\n\r\n");
                stream.write_all(head.as_bytes()).await.ok()?;
                for piece in pieces {
                    gate.acquire().await.unwrap().forget();
                    let chunk = format!("{:x}\r\n{piece}\r\n", piece.len());
                    stream.write_all(chunk.as_bytes()).await.ok()?;
                }
                gate.acquire().await.unwrap().forget();
                if ends {
                    stream.write_all(b"0\r\n\r\n").await.ok()?;
                }
                return stream.shutdown().await.ok();
            }
        };
        let promised = promised.unwrap_or(body.len());
        let answer = format!(
            "HTTP/1.1 {status} Some Reason\r\nContent-Type: application/json\r\nContent-Length: {promised}\r\n\
             Payment-Validation: forged\r\nX-Upstream: yes\r\nConnection: close, x-hop\r\nX-Hop: 1\r\n{more}\r\n{body}"
        );
        stream.write_all(answer.as_bytes()).await.ok()?;
        stream.shutdown().await.ok()
    }
}
