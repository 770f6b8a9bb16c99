//! The place of a test's gateway: a port that stays its own, and the patience of whoever waits there.

use std::time::{Duration, Instant};
use tokio::net::{TcpListener, TcpSocket};

/// After how long a test says what it waits for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A port of its own, so that a gateway that is started again is at the same address. Nobody else gets it while the socket
/// is there, which does not listen.
pub(crate) fn a_place() -> (TcpSocket, u16) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseaddr(true).expect("a socket that shares its port");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a port is free");
    let port = socket.local_addr().expect("it is bound").port();
    (socket, port)
}

/// Listens at a place of ours, where a gateway may be closing.
pub(crate) async fn listener_at(port: u16) -> TcpListener {
    let begun = Instant::now();
    loop {
        match TcpListener::bind(("127.0.0.1", port)).await {
            Ok(listener) => return listener,
            Err(fault) => assert!(begun.elapsed() < PATIENCE, "port {port}: {fault}"),
        }
        tokio::task::yield_now().await;
    }
}

/// A client that does not wait for ever.
pub(crate) fn http() -> reqwest::Client {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    client.build().expect("a client")
}
