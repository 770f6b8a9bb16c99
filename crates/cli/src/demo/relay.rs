//! A relay that can be halted: so that a purchase can be caught in its middle without the service knowing.

use crate::exit::Outcome;
use std::net::SocketAddr;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Whether what arrives goes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flow {
    Open,
    Halted,
}

/// A relay to one address.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) address: SocketAddr,
    flow: watch::Sender<Flow>,
}

impl Relay {
    /// Relays new connections to `host`, which is `name:port`.
    pub(crate) async fn start(host: String) -> Outcome<Relay> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let (flow, flowing) = watch::channel(Flow::Open);
        tokio::spawn(async move {
            while let Ok((from, _)) = listener.accept().await {
                tokio::spawn(relay(from, host.clone(), flowing.clone()));
            }
        });
        Ok(Relay { address, flow })
    }

    /// From now on new connections wait.
    pub(crate) fn halt(&self) {
        self.flow.send_replace(Flow::Halted);
    }

    /// Those that wait go on.
    pub(crate) fn go_on(&self) {
        self.flow.send_replace(Flow::Open);
    }
}

async fn relay(mut from: TcpStream, host: String, mut flowing: watch::Receiver<Flow>) {
    if flowing.wait_for(|flow| *flow == Flow::Open).await.is_err() {
        return;
    }
    let Ok(mut to) = TcpStream::connect(&host).await else { return };
    let through = async {
        // A connection's end is its peers' to notice.
        let _ = copy_bidirectional(&mut from, &mut to).await;
    };
    tokio::select! {
        () = through => {}
        // The next request finds this connection gone and opens another, which waits.
        _ = flowing.wait_for(|flow| *flow == Flow::Halted) => {}
    }
}
