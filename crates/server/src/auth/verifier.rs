//! The verifier: a thread that checks the signatures of whatever requests wait, together.
//!
//! One at a time costs three times as much. Nothing waits for company: the thread takes what is there when it is free,
//! so a lone request is checked at once. A bad signature spoils no other; the batch is halved until it is found.

use crate::codes::Edge;
use crate::limits::{SIGNATURES_TOGETHER_MAX, SIGNATURES_WAITING_MAX};
use crate::problem::Answered;
use evidence::{BatchItem, PublicKey, Signature, verify_batch};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// The queue before the verifier's thread. The thread ends with the last handle.
#[derive(Clone, Debug)]
pub struct Verifier(SyncSender<Claim>);

#[derive(Debug)]
struct Claim {
    key: Arc<PublicKey>,
    message: Vec<u8>,
    signature: Signature,
    reply: oneshot::Sender<bool>,
}

impl Verifier {
    /// Starts the thread.
    ///
    /// # Errors
    /// Any failure to start a thread.
    pub fn start() -> io::Result<Verifier> {
        let (queue, claims) = sync_channel(SIGNATURES_WAITING_MAX);
        std::thread::Builder::new().name("verifier".into()).spawn(move || verify(&claims))?;
        Ok(Verifier(queue))
    }

    /// Whether the key signed the message.
    ///
    /// # Errors
    /// [`Edge::Busy`] where too many wait, and [`Edge::Internal`] where the thread is gone.
    pub async fn fits(&self, key: Arc<PublicKey>, message: Vec<u8>, signature: Signature) -> Answered<bool> {
        let (reply, answer) = oneshot::channel();
        match self.0.try_send(Claim { key, message, signature, reply }) {
            Ok(()) => answer.await.map_err(|_| Edge::Internal.into()),
            Err(TrySendError::Full(_)) => Err(Edge::Busy.into()),
            Err(TrySendError::Disconnected(_)) => Err(Edge::Internal.into()),
        }
    }
}

fn verify(claims: &Receiver<Claim>) {
    let mut waiting = Vec::with_capacity(SIGNATURES_TOGETHER_MAX);
    while let Ok(first) = claims.recv() {
        waiting.push(first);
        waiting.extend(claims.try_iter().take(SIGNATURES_TOGETHER_MAX - 1));
        let items: Vec<BatchItem<'_>> = waiting
            .iter()
            .map(|claim| BatchItem { key: &claim.key, message: &claim.message, signature: &claim.signature })
            .collect();
        let fits = verify_batch(&items);
        for (claim, fits) in waiting.drain(..).zip(fits) {
            // Whoever asked may have gone.
            let _ = claim.reply.send(fits);
        }
    }
}
