//! Sessions of the `Payment` scheme through real processes: a gateway that is killed in mid-session.

use crate::books::Directory;
use crate::tabs::TickShop;
use evidence::{SigningKey, base64url};
use protocols::Time;
use protocols::a402::DateTime;
use protocols::mpp::session::{Action, SessionCredential, SessionReceipt, Terms};
use protocols::mpp::{CHALLENGE, CREDENTIAL, Challenge, RECEIPT};
use protocols::voucher::Voucher;
use reqwest::Response;
use sdk::{Answer, Client, Clock, Credentials};
use serde_json::Value;
use std::path::Path;
use wire::account::{Algorithm, Mandate};
use wire::channel::NewChannel;
use wire::meter::Rounding;
use wire::{AmountText, MeterId, Money};

/// A tenth of a fen, in billionths.
const TICK: u128 = 100_000_000;

/// A buyer who speaks the scheme, and nothing of ours.
struct Buyer {
    http: reqwest::Client,
    url: String,
    challenge: Challenge,
    key: SigningKey,
    channel: u128,
}

impl Buyer {
    async fn open(shop: &TickShop, directory: &Directory) -> Buyer {
        let (http, url) = (reqwest::Client::new(), format!("http://{}/tick.txt", shop.at));
        let asked = http.get(&url).send().await.expect("it answers");
        let challenge = session_of(&asked).expect("it is sold by session");
        let (terms, _) = Terms::read(&challenge).expect("it was read");
        let key_file = format!("{}/dev/agent.json", directory.text());
        let credentials = Credentials::read(Path::new(&key_file)).expect("it is a key");
        let client = Client::new(&terms.authority, credentials).expect("it is a server");
        let mandates = client.list::<Mandate>("/v1/mandates", 100, None).await.expect("it answers");
        let key = SigningKey::ed25519(&[7; 32]);
        let id = MeterId(client.fresh_id());
        let ends = Clock::system().now().after(Time::from_seconds(3_600).0);
        let new = NewChannel {
            id,
            wallet: shop.dev.text("wallet").parse().expect("it is a wallet"),
            mandate: mandates.data.first().map(|mandate| mandate.id),
            payee: terms.payee.as_str().parse().expect("it is a payee"),
            amount: Money {
                amount: AmountText::new(50).expect("it is not much"),
                asset: "CNY/2".parse().expect("it is an asset"),
            },
            category: None,
            reference: None,
            approval: None,
            expires_at: DateTime::second_of(ends).as_str().to_owned(),
            rounding: Rounding::HalfUp,
            algorithm: Algorithm::Ed25519,
            voucher_key: base64url::encode(key.public().bytes()),
        };
        let opened = client.open_channel(&new).await.expect("it answers");
        assert!(matches!(opened, Answer::Done(_)), "the owner is asked");
        Buyer { http, url, challenge, key, channel: id.0 }
    }

    fn voucher(&self, total: u128) -> Voucher {
        Voucher::sign(&self.key, self.channel, total)
    }

    async fn show(&self, action: Action) -> Result<Response, reqwest::Error> {
        let shown = SessionCredential { challenge: self.challenge.clone(), action }.encode();
        self.http.get(&self.url).header(CREDENTIAL, shown).send().await
    }
}

/// What an answer asks for by session.
fn session_of(answer: &Response) -> Option<Challenge> {
    let texts = answer.headers().get_all(CHALLENGE).iter().filter_map(|value| value.to_str().ok());
    let mut read = texts.filter_map(|text| {
        let parameters = text.strip_prefix("Payment ")?.split(", ").map(|parameter| {
            let (name, value) = parameter.split_once('=').expect("a parameter");
            (name.to_owned(), Value::from(value.trim_matches('"')))
        });
        Challenge::parse(&Value::Object(parameters.collect()).to_string()).ok()
    });
    read.find(|challenge| Terms::read(challenge).is_ok())
}

fn receipt(answer: &Response) -> Option<SessionReceipt> {
    SessionReceipt::decode(answer.headers().get(RECEIPT)?.to_str().ok()?).ok()
}

#[test]
fn a_gateway_that_is_killed_in_mid_session_delivers_nothing_unpaid_and_counts_nothing_twice() {
    let directory = Directory::new();
    let mut shop = TickShop::open(&directory);
    let before = shop.left();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().worker_threads(2).build();
    runtime.expect("there are threads").block_on(async {
        let buyer = Buyer::open(&shop, &directory).await;
        let mut owed = 0;
        for life in 0..10_u64 {
            for _ in 0..4 {
                let answer =
                    buyer.show(Action::Voucher(buyer.voucher(owed + TICK))).await.expect("it answers");
                owed += TICK;
                assert_eq!(receipt(&answer).expect("a receipt").spent_nanos, owed);
                assert_eq!(answer.text().await.expect("it is whole"), "tick\n");
            }
            // Killed with a call somewhere between the door and the answer.
            let (shown, ()) = tokio::join!(buyer.show(Action::Voucher(buyer.voucher(owed + TICK))), async {
                for _ in 0..life {
                    tokio::task::yield_now().await;
                }
                tokio::task::block_in_place(|| shop.kill());
            });
            let was_answered = shown.is_ok_and(|answer| answer.status() == 200);
            shop.restart();
            // The same credential is answered for the same sum, whether the call was delivered before or not.
            let again = buyer.show(Action::Voucher(buyer.voucher(owed + TICK))).await.expect("it answers");
            assert_eq!(receipt(&again).expect("a receipt").spent_nanos, owed + TICK, "{was_answered}");
            owed += TICK;
            // One that was used up pays for nothing more.
            let used_up = buyer.show(Action::Voucher(buyer.voucher(owed - TICK))).await.expect("it answers");
            assert_eq!((used_up.status().as_u16(), receipt(&used_up)), (402, None));
        }
        assert_eq!(owed, 50 * TICK);
        let closed = buyer.show(Action::Close(buyer.voucher(owed))).await.expect("it answers");
        assert_eq!((closed.status().as_u16(), receipt(&closed).expect("a receipt").spent_nanos), (204, owed));
    });
    assert_eq!(before - shop.left(), 5);
}
