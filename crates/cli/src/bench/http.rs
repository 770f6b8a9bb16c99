//! The server over loopback: a child process on the same processors as the clients that load it.
//!
//! Requests are written down, authenticated and all, before a round begins, so that what is measured is the server and
//! the cheapest client there can be. Every answer is read and has to be a payment.

use super::a402;
use super::ledger::{Round, done};
use super::report::{Bar, Figures};
use super::workload::{Place, Workload, spender_key};
use crate::args::Bench;
use crate::client;
use crate::demo::stage::{Process, free_address};
use crate::exit::{Failure, Outcome};
use crate::output::Output;
use crate::runtime;
use axum::http::Method;
use book::Time;
use engine::Clock;
use sdk::{Auth, Client, Credentials};
use server::data::{BookKind, Opening};
use std::collections::VecDeque;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use wire::version::{VERSION, VERSION_HEADER};

/// The agents that pay; each request is by one of them.
const AGENTS: usize = 256;
const PATH: &str = "/v1/payments";

/// One way to pay over HTTP.
struct Way {
    name: &'static str,
    auth: Auth,
    per_request: usize,
    connections: usize,
    requests: usize,
    bar: f64,
}

const WAYS: [Way; 3] = [
    Way {
        name: "http_array_payments_per_s",
        auth: Auth::Session,
        per_request: 100,
        connections: 64,
        requests: 6_400,
        bar: 350_000.0,
    },
    Way {
        name: "http_single_payments_per_s",
        auth: Auth::Session,
        per_request: 1,
        connections: 384,
        requests: 96_000,
        bar: 35_000.0,
    },
    Way {
        name: "http_signed_payments_per_s",
        auth: Auth::Signed,
        per_request: 1,
        connections: 384,
        requests: 48_000,
        bar: 25_000.0,
    },
];

/// Measures every way.
pub(super) fn measure(output: &Output, figures: &mut Figures, args: &Bench, scratch: &Path) -> Outcome {
    let book = scratch.join("served");
    server::data::init(&book, BookKind::Test, "bench.tollbridge.invalid")?;
    let mut workload = Workload::new();
    fill(output, &book, &mut workload, args.wallets)?;
    let at = free_address()?;
    let words = ["serve", "--data", &book.display().to_string(), "--listen", &at.to_string()];
    let began = Instant::now();
    let mut server = Process::start(&words, at, &scratch.join("server.log"))?;
    figures.one(output, "server_start_ms", began.elapsed().as_secs_f64() * 1e3, Bar::None);
    figures.one(output, "server_resident_bytes", server.resident_bytes() as f64, Bar::None);
    runtime::run(async {
        let clients = clients(&workload, at)?;
        for way in &WAYS {
            let bar = output.progress(u64::from(args.rounds), way.name);
            let mut rounds = Vec::new();
            for _ in 0..args.rounds {
                let requests = requests(way, &mut workload, &clients, at).await?;
                rounds.push(load(way, at, requests).await?);
                bar.inc(1);
            }
            bar.finish_and_clear();
            figures.rounds(output, way.name, &rounds, Bar::AtLeast(way.bar));
        }
        a402::measure(output, figures, args, scratch, at, &clients, &workload).await
    })?;
    server.stop()
}

/// Makes the rows of the workload in a served book, before it is served.
fn fill(output: &Output, book: &Path, workload: &mut Workload, wallets: u32) -> Outcome {
    let operator = client::credentials(book)?.key_id;
    let app = server::data::open(book, Opening::default())?;
    let bar = output.progress(u64::from(wallets), "making wallets");
    let (mut waiting, mut wrong) = (VecDeque::new(), None);
    let place = Place::Opened(book::KeyId(book::Id(operator.0.to_be_bytes())));
    workload.set_up(Clock::default().now(), wallets, place, |unit| {
        if 240 <= waiting.len() {
            wrong = wrong.take().or(waiting.pop_front().and_then(|ticket| done(ticket).err()));
        }
        match app.engine.submit(unit) {
            Ok(ticket) => waiting.push_back(ticket),
            Err(busy) => wrong = Some(Failure::fault(busy)),
        }
        bar.inc(1);
    });
    waiting.into_iter().try_for_each(done)?;
    bar.finish_and_clear();
    wrong.map_or(Ok(()), Err)
}

fn clients(workload: &Workload, at: SocketAddr) -> Outcome<Vec<Client>> {
    let mut clients = Vec::new();
    for (number, spender) in (0u32..).zip(workload.spenders().iter().take(AGENTS)) {
        let key_id = wire::KeyId(u128::from_be_bytes(spender.key.0.0));
        let credentials = Credentials { key_id, key: spender_key(number) };
        clients.push(Client::new(&format!("http://{at}"), credentials).map_err(Failure::fault)?);
    }
    Ok(clients)
}

/// The requests of one round, byte for byte.
async fn requests(
    way: &Way,
    workload: &mut Workload,
    clients: &[Client],
    at: SocketAddr,
) -> Outcome<Vec<Vec<u8>>> {
    let mut requests = Vec::with_capacity(way.requests);
    for number in 0..way.requests {
        let (client, spender) =
            (&clients[number % clients.len()], workload.spenders()[number % clients.len()]);
        let now: Time = Clock::default().now();
        let payments: Vec<String> =
            (0..way.per_request).map(|_| workload.payment_text(now, spender)).collect();
        let body = if way.per_request == 1 { payments.concat() } else { format!("[{}]", payments.join(",")) };
        let as_told = client.with_auth(way.auth);
        let headers = as_told.auth_headers(Method::POST, PATH, body.clone().into_bytes());
        let headers = headers.await.map_err(client::failed)?;
        let mut text = format!(
            "POST {PATH} HTTP/1.1\r\nhost: {at}\r\ncontent-type: application/json\r\n{VERSION_HEADER}: {VERSION}\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in headers {
            write!(text, "{name}: {value}\r\n").expect("a text takes text");
        }
        text.push_str("\r\n");
        text.push_str(&body);
        requests.push(text.into_bytes());
    }
    Ok(requests)
}

/// Sends all requests over so many connections, each the next as soon as it has an answer.
async fn load(way: &Way, at: SocketAddr, requests: Vec<Vec<u8>>) -> Outcome<Round> {
    let mut shares: Vec<Vec<Vec<u8>>> = vec![Vec::new(); way.connections];
    for (number, request) in requests.into_iter().enumerate() {
        shares[number % way.connections].push(request);
    }
    let mut connections = Vec::new();
    for share in shares {
        let stream = TcpStream::connect(at).await?;
        stream.set_nodelay(true)?;
        connections.push((stream, share));
    }
    let (began, per_request) = (Instant::now(), way.per_request);
    let tasks: Vec<_> = connections
        .into_iter()
        .map(|(stream, share)| tokio::spawn(converse(stream, share, per_request)))
        .collect();
    let mut millis = Vec::new();
    for task in tasks {
        millis.extend(task.await.map_err(Failure::fault)??);
    }
    let payments = (millis.len() * way.per_request) as f64;
    Ok(Round::of(payments, millis, began))
}

async fn converse(mut stream: TcpStream, requests: Vec<Vec<u8>>, per_request: usize) -> Outcome<Vec<f64>> {
    let mut millis = Vec::with_capacity(requests.len());
    let mut buffer = Vec::with_capacity(64 * 1024);
    for request in requests {
        let began = Instant::now();
        stream.write_all(&request).await?;
        buffer.clear();
        let end = loop {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Err(Failure::fault("the server closed the connection"));
            }
            if let Some(end) = whole(&buffer) {
                break end;
            }
        };
        millis.push(began.elapsed().as_secs_f64() * 1e3);
        let answer = buffer.get(..end).unwrap_or_default();
        let paid = answer.windows(PAID.len()).filter(|window| *window == PAID).count();
        if paid != per_request {
            let text = String::from_utf8_lossy(answer);
            return Err(Failure::fault(format!(
                "a payment was not made: {}",
                text.chars().take(2_000).collect::<String>()
            )));
        }
    }
    Ok(millis)
}

const PAID: &[u8] = b"\"status\":\"paid\"";

/// Where the answer ends, once all of it is there.
pub(super) fn whole(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(buffer.get(..head)?).ok()?.to_ascii_lowercase();
    let length = text.split("content-length:").nth(1)?.split("\r\n").next()?.trim().parse::<usize>().ok()?;
    (head + length <= buffer.len()).then_some(head + length)
}
