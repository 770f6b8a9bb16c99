//! Payments that wait together travel together: while one request is under way, the next array fills.
//!
//! There is no timer and nothing to tune: a payment that comes alone leaves at once, and a thousand that come while the
//! server writes leave as one request.

use crate::client::{Client, Inner, json, parse, refused};
use crate::failure::{Answer, Failure};
use crate::limits::PAYMENTS_WAITING_MAX;
use reqwest::Method;
use std::sync::{Arc, Weak};
use tokio::sync::{mpsc, oneshot};
use wire::limits::PAYMENTS_MAX;
use wire::payment::{NewPayment, Payment, PaymentResult};

type Paid = Result<Answer<Payment>, Failure>;

/// One payment, and who waits for it.
#[derive(Debug)]
struct Waiting {
    payment: NewPayment,
    answer: oneshot::Sender<Paid>,
}

/// Where payments are handed in.
#[derive(Debug)]
pub(crate) struct Payer(mpsc::Sender<Waiting>);

impl Client {
    /// Pays at once. Concurrent payments share requests by themselves.
    ///
    /// The id is the caller's, so asking again after [`Failure::Unknown`] with the same payment pays nothing twice.
    ///
    /// # Errors
    /// [`Failure`].
    pub async fn pay(&self, payment: NewPayment) -> Result<Answer<Payment>, Failure> {
        let (answer, answered) = oneshot::channel();
        let payer = self.inner.payer.get_or_init(|| Payer::start(self));
        let ended = || Failure::Unknown("the sender of payments has ended".to_owned());
        payer
            .0
            .send(Waiting { payment, answer })
            .await
            .map_err(|_| Failure::Unreachable("the sender of payments has ended".to_owned()))?;
        answered.await.map_err(|_| ended())?
    }

    /// Pays many, in one request: at most 1,000. Each is answered for itself.
    ///
    /// # Errors
    /// [`Failure`], which is then the answer of them all.
    pub async fn pay_all(&self, payments: &[NewPayment]) -> Result<Vec<Paid>, Failure> {
        let draft = self.draft(Method::POST, "/v1/payments", json(&payments), None)?;
        let reply = self.send(draft).await?;
        if !reply.status.is_success() {
            return Err(refused(&reply));
        }
        let results: Vec<PaymentResult> = parse(&reply.body)?;
        if results.len() != payments.len() {
            return Err(Failure::Unreadable("it is not one result for each payment".to_owned()));
        }
        Ok(results.into_iter().map(item).collect())
    }
}

impl Payer {
    fn start(client: &Client) -> Payer {
        let (sender, waiting) = mpsc::channel(PAYMENTS_WAITING_MAX);
        // The task must not keep the client alive: it ends when the last clone is dropped.
        tokio::spawn(send_all(Arc::downgrade(&client.inner), waiting));
        Payer(sender)
    }
}

async fn send_all(inner: Weak<Inner>, mut waiting: mpsc::Receiver<Waiting>) {
    let mut batch = Vec::with_capacity(PAYMENTS_MAX);
    while waiting.recv_many(&mut batch, PAYMENTS_MAX).await != 0 {
        let (payments, answers): (Vec<_>, Vec<_>) =
            batch.drain(..).map(|one| (one.payment, one.answer)).unzip();
        let outcome = match inner.upgrade() {
            Some(inner) => Client::of(inner).pay_all(&payments).await,
            None => return,
        };
        match outcome {
            Ok(results) => {
                for (answer, result) in answers.into_iter().zip(results) {
                    // Whoever stopped waiting asks again under the same id.
                    let _gone = answer.send(result);
                }
            }
            Err(failure) => {
                for answer in answers {
                    let _gone = answer.send(Err(failure.clone()));
                }
            }
        }
    }
}

fn item(result: PaymentResult) -> Paid {
    if let Some(payment) = result.answer {
        return Ok(Answer::Done(payment));
    }
    if let Some(asked) = result.asked {
        return Ok(Answer::Asked(Box::new(asked)));
    }
    match result.problem {
        Some(problem) => Err(Failure::Refused(Box::new(problem))),
        None => Err(Failure::Unreadable(format!("status {} says nothing", result.status))),
    }
}
