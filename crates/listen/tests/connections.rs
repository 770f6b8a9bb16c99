//! Strangers' connections over real sockets.

#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use listen::{LINGER_BYTES_MAX, LINGER_TIMEOUT, Limits, RequestBody};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

const LIMITS: Limits = Limits {
    head_timeout: Duration::from_millis(200),
    head_bytes_max: 16 * 1024,
    header_count_max: 16,
    connection_count_max: 64,
    shutdown_timeout: Duration::from_secs(5),
};

/// `/read` says how much came; everything else says no without looking.
async fn answer(request: Request<RequestBody>) -> Result<Response<Full<Bytes>>, Infallible> {
    if request.uri().path() == "/read" {
        let read = request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
        return Ok(Response::new(Full::from(read.to_string())));
    }
    let mut no = Response::new(Full::from("no, and here is why"));
    *no.status_mut() = StatusCode::PAYLOAD_TOO_LARGE;
    Ok(no)
}

async fn listener() -> (SocketAddr, oneshot::Sender<()>, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move { stopped.await.unwrap() };
    let serving = tokio::spawn(listen::serve(listener, LIMITS, service_fn(answer), stopped));
    (address, stop, serving)
}

/// Sends a head and `bytes` of body, whole, and only then reads all there is.
async fn exchange(address: SocketAddr, head: &str, bytes: usize) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(address).await?;
    stream
        .write_all(format!("{head}\r\nContent-Length: {bytes}\r\nConnection: close\r\n\r\n").as_bytes())
        .await?;
    stream.write_all(&vec![b'x'; bytes]).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    Ok(answer)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_reaches_whoever_is_still_sending() {
    let (address, _stop, _serving) = listener().await;
    for _ in 0..50 {
        let answer = exchange(address, "POST /no HTTP/1.1\r\nHost: a", 4_000_000).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
        assert!(answer.ends_with("no, and here is why"), "{answer}");
    }
    let read = exchange(address, "POST /read HTTP/1.1\r\nHost: a", 4_000_000).await.unwrap();
    assert!(read.ends_with("4000000"), "{read}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endless_body_is_not_read_for_ever() {
    let (address, _stop, _serving) = listener().await;
    let more = exchange(address, "POST /no HTTP/1.1\r\nHost: a", LINGER_BYTES_MAX * 4);
    assert!(tokio::time::timeout(LINGER_TIMEOUT * 5, more).await.unwrap().is_err(), "cut off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_waits_to_be_asked_for_a_body_is_not() {
    let (address, _stop, _serving) = listener().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let read = tokio::time::timeout(LINGER_TIMEOUT / 2, stream.read_to_string(&mut answer)).await;
    read.expect("nothing lingers").unwrap();
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let (address, stop, serving) = listener().await;
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /no HTTP/1.1\r\nHost").await.unwrap();
    let mut answer = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(5), stream.read_to_end(&mut answer)).await;
    assert!(ended.is_ok(), "the connection ends");
    stop.send(()).unwrap();
    serving.await.unwrap();
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
