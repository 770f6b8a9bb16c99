//! One HTTP/1.1 connection, written out: what a stranger with a socket can do, and no retry that hides anything.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 * 1_024 * 1_024;

/// A request as it goes out.
#[derive(Clone, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) target: &'a str,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: &'a [u8],
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// No answer.
#[derive(Debug)]
pub(crate) enum Lost {
    /// The request never left: nothing has happened.
    Unsent(String),
    /// The request may have arrived: nobody knows whether it happened.
    Unknown(String),
}

impl Lost {
    pub(crate) fn why(&self) -> &str {
        match self {
            Lost::Unsent(why) | Lost::Unknown(why) => why,
        }
    }
}

/// A connection that is made when it is needed and made again when it broke.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Connection {
        Connection { address, open: None }
    }

    /// Sends one request and waits for its answer.
    pub(crate) fn exchange(&mut self, request: &Request<'_>) -> Result<Reply, Lost> {
        let mut stream = match self.open.take() {
            Some(stream) if is_usable(stream.get_ref()) => stream,
            Some(_) | None => connect(self.address).map_err(|fault| Lost::Unsent(fault.to_string()))?,
        };
        let exchanged = send(stream.get_mut(), self.address, request).and_then(|()| receive(&mut stream));
        let (reply, keep) = exchanged.map_err(|fault| Lost::Unknown(fault.to_string()))?;
        self.open = keep.then_some(stream);
        Ok(reply)
    }
}

fn connect(address: SocketAddr) -> io::Result<BufReader<TcpStream>> {
    let stream = TcpStream::connect_timeout(&address, CONNECT_TIMEOUT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    stream.set_write_timeout(Some(ANSWER_TIMEOUT))?;
    Ok(BufReader::new(stream))
}

/// Whether the server has not closed a kept connection meanwhile: a request on a dead one would be lost for nothing.
fn is_usable(stream: &TcpStream) -> bool {
    let peeked = stream.set_nonblocking(true).and_then(|()| stream.peek(&mut [0]));
    let waits = matches!(peeked, Err(fault) if fault.kind() == io::ErrorKind::WouldBlock);
    stream.set_nonblocking(false).is_ok() && waits
}

fn send(stream: &mut TcpStream, address: SocketAddr, request: &Request<'_>) -> io::Result<()> {
    let Request { method, target, headers, body } = request;
    let mut head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    if !body.is_empty() || *method != "GET" {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    head.push_str("\r\n");
    let mut bytes = head.into_bytes();
    bytes.extend_from_slice(body);
    stream.write_all(&bytes)
}

fn receive(stream: &mut BufReader<TcpStream>) -> io::Result<(Reply, bool)> {
    let malformed = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what} of the answer"));
    let status_line = line(stream)?;
    let status = status_line.split(' ').nth(1).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| malformed("status"))?;
    let (mut length, mut chunked, mut keep) = (None, false, true);
    loop {
        let header = line(stream)?;
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').ok_or_else(|| malformed("header"))?;
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = Some(value.parse().map_err(|_| malformed("length"))?),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            "connection" => keep = !value.eq_ignore_ascii_case("close"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            let length = usize::from_str_radix(&line(stream)?, 16).map_err(|_| malformed("chunk"))?;
            read_into(stream, &mut body, length)?;
            line(stream)?;
            if length == 0 {
                break;
            }
        }
    } else {
        read_into(stream, &mut body, length.unwrap_or_default())?;
    }
    Ok((Reply { status, body }, keep))
}

fn read_into(stream: &mut BufReader<TcpStream>, body: &mut Vec<u8>, length: usize) -> io::Result<()> {
    let begin = body.len();
    if ANSWER_BYTES_MAX < begin.saturating_add(length) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the answer is too long"));
    }
    body.resize(begin + length, 0);
    stream.read_exact(&mut body[begin..])
}

fn line(stream: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if stream.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
