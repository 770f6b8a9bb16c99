//! The client against a real server, through a door that counts requests and can be shut.
#![allow(clippy::unwrap_used)]

use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use evidence::{KeyHistory, NoteVerifier, SigningKey, base64url};
use futures_util::future::join_all;
use sdk::{Answer, Auth, Client, Clock, Credentials, Failure, verify_receipt};
use server::data::{BookKind, Opening, init, open};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use wire::account::{Algorithm, NewAgent, NewKey, NewOwner, NewPayee, NewTransfer, NewWallet, Provenance};
use wire::limit::Limit;
use wire::payment::NewPayment;
use wire::{AgentId, AmountText, KeyId, Money, OwnerId, PayeeId, PaymentId, TransferId, WalletId};

/// Everything of a small book, and its agent's client.
struct House {
    directory: PathBuf,
    operator: Client,
    agent: Client,
    wallet: WalletId,
    payee: PayeeId,
    /// How many arrays of payments passed the door.
    arrays: Arc<AtomicUsize>,
    /// How many answers are to get lost from now on.
    lose: Arc<AtomicUsize>,
}

fn money(minor: u128) -> Money {
    Money { amount: AmountText::new(minor).unwrap(), asset: "CNY/2".parse().unwrap() }
}

fn key(id: KeyId, seed: [u8; 32]) -> NewKey {
    NewKey {
        id,
        algorithm: Algorithm::Ed25519,
        public_key: base64url::encode(SigningKey::ed25519(&seed).public().bytes()),
    }
}

impl House {
    async fn new() -> House {
        let random: u64 = rand::random();
        let directory = std::env::temp_dir().join(format!("tollbridge-sdk-{random:x}"));
        init(&directory, BookKind::Test, "tollbridge.test/book").unwrap();
        let path = directory.clone();
        let app =
            tokio::task::spawn_blocking(move || open(&path, Opening::default()).unwrap()).await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(server::serve(listener, app, axum::Router::new(), std::future::pending()));
        let (arrays, lose) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let door = door(server, Arc::clone(&arrays), Arc::clone(&lose)).await;
        let operator = Credentials::read(&directory.join("keys/operator.toml")).unwrap();
        let operator = Client::new(&door, operator).unwrap();
        let client = |key_id, seed| {
            let key = SigningKey::ed25519(&seed);
            Client::with_clock(&door, Credentials { key_id, key }, Clock::system()).unwrap()
        };
        let id = || operator.fresh_id();
        let (owner_key, agent_key) = (KeyId(id()), KeyId(id()));
        let house = House {
            agent: client(agent_key, [2; 32]),
            wallet: WalletId(id()),
            payee: PayeeId(id()),
            directory,
            arrays,
            lose,
            operator: operator.clone(),
        };
        let owner = OwnerId(id());
        let new_owner = NewOwner { id: owner, key: key(owner_key, [1; 32]), label: None };
        operator.add_owner(&new_owner).await.unwrap();
        let payee = NewPayee {
            id: house.payee,
            owner: None,
            asset: "CNY/2".parse().unwrap(),
            category: "data".to_owned(),
            provenance: Provenance::Registry,
            fee_ppm: 0,
            key: None,
            label: None,
        };
        operator.add_payee(&payee).await.unwrap();
        let owner_client = client(owner_key, [1; 32]).with_auth(Auth::Signed);
        let asset = "CNY/2".parse().unwrap();
        let wallet = NewWallet { id: house.wallet, owner, asset, limits: Vec::new(), label: None };
        owner_client.open_wallet(&wallet).await.unwrap();
        let agent = NewAgent {
            id: AgentId(id()),
            wallet: house.wallet,
            limits: vec![
                Limit::PerPayment { max: AmountText::new(50).unwrap() },
                Limit::AskAbove { amount: AmountText::new(20).unwrap() },
            ],
            key: key(agent_key, [2; 32]),
            label: None,
        };
        owner_client.add_agent(&agent).await.unwrap();
        let transfer = NewTransfer {
            id: TransferId(id()),
            from: "world".to_owned(),
            to: house.wallet.to_string(),
            amount: money(1_000),
        };
        operator.transfer(&transfer).await.unwrap();
        house
    }

    fn payment(&self, minor: u128) -> NewPayment {
        NewPayment {
            id: PaymentId(self.agent.fresh_id()),
            wallet: self.wallet,
            mandate: None,
            payee: Some(self.payee),
            split: None,
            amount: money(minor),
            category: None,
            reference: None,
            approval: None,
            why: None,
        }
    }

    async fn available(&self) -> u128 {
        self.operator.wallet(self.wallet).await.unwrap().available.amount.minor()
    }
}

impl Drop for House {
    fn drop(&mut self) {
        // What a test leaves behind is nobody's.
        let _gone = std::fs::remove_dir_all(&self.directory);
    }
}

async fn door(server: String, arrays: Arc<AtomicUsize>, lose: Arc<AtomicUsize>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let http = reqwest::Client::new();
    let app = axum::Router::new().fallback(move |request: Request<Body>| {
        let (server, http, arrays, lose) = (server.clone(), http.clone(), arrays.clone(), lose.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body: Bytes = axum::body::to_bytes(body, 1 << 21).await.unwrap();
            if parts.uri.path() == "/v1/payments" {
                arrays.fetch_add(1, Ordering::SeqCst);
            }
            let address = format!("{server}{}", parts.uri);
            let answer =
                http.request(parts.method, address).headers(parts.headers).body(body).send().await.unwrap();
            let loses = lose.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
            let status = if loses.is_ok() { 503 } else { answer.status().as_u16() };
            Response::builder().status(status).body(Body::from(answer.bytes().await.unwrap())).unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, app).await });
    url
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payments_that_wait_together_travel_together() {
    let house = House::new().await;
    let payments: Vec<NewPayment> = (0..200).map(|_| house.payment(1)).collect();
    let paid = join_all(payments.iter().map(|payment| house.agent.pay(payment.clone()))).await;
    for (payment, paid) in payments.iter().zip(paid) {
        let Ok(Answer::Done(paid)) = paid else { panic!("{paid:?}") };
        assert_eq!((paid.id, paid.repeated), (payment.id, false), "each is answered for itself");
    }
    assert_eq!(house.available().await, 800);
    let arrays = house.arrays.load(Ordering::SeqCst);
    assert!(arrays <= 20, "{arrays} requests for 200 payments");
    // Again, under the same ids: nothing moves.
    let paid = join_all(payments.iter().map(|payment| house.agent.pay(payment.clone()))).await;
    assert!(paid.iter().all(|paid| matches!(paid, Ok(Answer::Done(paid)) if paid.repeated)));
    assert_eq!(house.available().await, 800);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_answer_of_an_array_does_not_speak_for_the_others() {
    let house = House::new().await;
    let amounts = [1, 30, 60, 2];
    let [small, asked, large, other] =
        join_all(amounts.map(|minor| house.agent.pay(house.payment(minor)))).await.try_into().unwrap();
    assert!(matches!(small, Ok(Answer::Done(_))), "{small:?}");
    assert!(matches!(&asked, Ok(Answer::Asked(asked)) if asked.ask == "above_amount"), "{asked:?}");
    assert_eq!(large.unwrap_err().code(), Some("payment_too_large"));
    assert!(matches!(other, Ok(Answer::Done(_))), "{other:?}");
    assert_eq!(house.available().await, 997);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_is_asked_for_again_and_not_too_often() {
    let house = House::new().await;
    house.agent.me().await.unwrap();
    house.lose.store(2, Ordering::SeqCst);
    let Ok(Answer::Done(paid)) = house.agent.pay(house.payment(10)).await else { panic!() };
    assert!(paid.repeated, "the first try was done");
    house.lose.store(1_000, Ordering::SeqCst);
    let payment = house.payment(10);
    let lost = house.agent.pay(payment.clone()).await.unwrap_err();
    assert!(lost.is_unknown() || matches!(&lost, Failure::Refused(_)), "{lost:?}");
    assert_eq!(1_000 - house.lose.swap(0, Ordering::SeqCst), 5, "five tries, and no more");
    house.agent.pay(payment).await.unwrap();
    assert_eq!(house.available().await, 980);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_receipt_is_checked_without_the_server() {
    let house = House::new().await;
    let Ok(Answer::Done(paid)) = house.agent.with_auth(Auth::Signed).pay(house.payment(10)).await else {
        panic!()
    };
    let receipt = house.agent.receipt(paid.entry).await.unwrap();
    let keys = KeyHistory::of(NoteVerifier::parse(&receipt.vkey).unwrap());
    let recorded = verify_receipt(&receipt, &keys).unwrap().into_inner();
    assert_eq!(recorded.index, paid.entry);
    let mut other = receipt.clone();
    other.entry += 1;
    assert!(verify_receipt(&other, &keys).is_err());
    let mut other = receipt.clone();
    other.bytes = base64url::encode(b"another entry");
    assert!(verify_receipt(&other, &keys).is_err());
    let stranger = evidence::NoteSigner::new("tollbridge.test/book", SigningKey::ed25519(&[9; 32])).unwrap();
    assert!(verify_receipt(&receipt, &KeyHistory::of(stranger.verifier().clone())).is_err());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_not_there_is_told_from_one_that_does_not_answer() {
    let credentials = || Credentials { key_id: KeyId(1), key: SigningKey::ed25519(&[7; 32]) };
    let nobody = Client::new("http://127.0.0.1:9", credentials()).unwrap();
    assert!(matches!(nobody.me().await, Err(Failure::Unreachable(_))));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            drop(stream)
        }
    });
    let silent = Client::new(&url, credentials()).unwrap();
    assert!(matches!(silent.me().await, Err(Failure::Unknown(_))));
    for address in
        ["", "pay.example", "ftp://pay.example", "http://pay.example/api", "http://pay.example/?a=1"]
    {
        assert!(Client::new(address, credentials()).is_err(), "{address}");
    }
}
