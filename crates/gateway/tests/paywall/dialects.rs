//! One purchase in each dialect: it leaves the same entries and receipts, and the same limits hold over all of them.

use crate::house::{House, id};
use crate::{mpp, x402};
use evidence::{KeyHistory, base64url};
use protocols::a402::headers::PAYMENT_PROOF;
use protocols::mpp::CREDENTIAL;
use protocols::x402::PAYMENT_SIGNATURE;
use sdk::{Answer, Failure};
use wire::account::SetLimits;
use wire::limit::Limit;
use wire::{AmountText, HoldId, RequestId};

#[derive(Clone, Copy, Debug)]
enum Dialect {
    A402,
    X402,
    Mpp,
}

impl Dialect {
    const ALL: [Dialect; 3] = [Dialect::A402, Dialect::X402, Dialect::Mpp];
}

/// What is shown to the seller, and where the payment stands in the journal.
struct Paid {
    header: (&'static str, String),
    hold: HoldId,
    entry: u64,
}

fn done<T>(answer: Answer<T>) -> T {
    match answer {
        Answer::Done(paid) => paid,
        Answer::Asked(asked) => panic!("{asked:?}"),
    }
}

async fn pay(house: &House, dialect: Dialect) -> Result<Paid, Failure> {
    let bill = house.get("/search").await;
    Ok(match dialect {
        Dialect::A402 => {
            let paid = done(house.try_to_pay(&bill).await?);
            Paid { header: (PAYMENT_PROOF, paid.payment_proof), hold: paid.hold, entry: paid.entry }
        }
        Dialect::X402 => {
            let asked = x402::asked(&bill);
            let paid = done(x402::try_to_pay(house, &asked, id()).await?);
            let payload = x402::encode(&x402::signature(&asked, &paid));
            Paid { header: (PAYMENT_SIGNATURE, payload), hold: paid.hold, entry: paid.entry }
        }
        Dialect::Mpp => {
            let asked = mpp::challenge(&bill);
            let paid = done(mpp::try_to_pay(house, &asked).await?);
            let credential = mpp::authorization(&asked, &paid.payload.credential);
            Paid { header: (CREDENTIAL, credential), hold: paid.hold, entry: paid.entry }
        }
    })
}

#[tokio::test]
async fn one_purchase_leaves_the_same_in_each_dialect() {
    let mut kinds = Vec::new();
    for dialect in Dialect::ALL {
        let house = House::new().await;
        let vkey =
            reqwest::get(format!("{}/log/vkey", house.tunnel.url)).await.unwrap().text().await.unwrap();
        let keys = KeyHistory::parse(&vkey).unwrap();
        let paid = pay(&house, dialect).await.unwrap();
        let (name, value) = &paid.header;
        assert_eq!(house.send("GET", "/search", &[(name, value)], "").await.status, 200, "{dialect:?}");
        house.settled().await;
        assert_eq!(house.money().await, (97, 0, 3), "{dialect:?}");

        let mut entries = Vec::new();
        let mut seq = paid.entry;
        while let Ok(entry) = house.operator.entry(seq).await {
            let receipt = house.operator.receipt(seq).await.unwrap();
            let recorded = sdk::verify_receipt(&receipt, &keys).unwrap().into_inner();
            assert_eq!(base64url::encode(&recorded.entry), entry.bytes);
            let by = entry.by.split('_').next().unwrap_or_default().to_owned();
            // That a request was signed is an entry too, for whoever asks.
            if entry.action != "present" {
                entries.push((by, entry.action, entry.outcome, entry.code, recorded.entry.len()));
            }
            seq += 1;
        }
        let deeds = entries.iter().map(|(by, action, outcome, ..)| [by, action, outcome].map(String::as_str));
        assert_eq!(
            deeds.collect::<Vec<_>>(),
            [["agt", "place_hold", "held"], ["pye", "redeem", "done"], ["pye", "capture", "captured"]],
            "{dialect:?}"
        );
        kinds.push(entries);
    }
    assert!(kinds.windows(2).all(|pair| pair[0] == pair[1]), "{kinds:?}");
}

/// RT-11: what one dialect has spent is spent in all; and what is refused in one is not allowed in another.
#[tokio::test]
async fn limits_hold_in_total_over_all_dialects() {
    for last in Dialect::ALL {
        let house = House::new().await;
        let limits = vec![Limit::Total { max: AmountText::new(8).unwrap() }];
        let set = SetLimits { version: 0, limits, document: String::new() };
        house.owner.set_agent_limits(RequestId(id()), house.agent_id, &set).await.unwrap();
        for first in Dialect::ALL.into_iter().filter(|first| *first as u8 != last as u8) {
            let paid = pay(&house, first).await.unwrap();
            assert_eq!(house.money().await.2, 0, "{:?}", paid.hold);
        }
        let refused = pay(&house, last).await.err().and_then(|fault| fault.code().map(str::to_owned));
        assert_eq!(refused.as_deref(), Some("total_exceeded"), "{last:?}");
        assert_eq!(house.money().await, (94, 6, 0), "{last:?}");
    }
}

/// PR-11: one payment buys one delivery, in whichever dialects it is shown, at once and again.
#[tokio::test]
async fn one_authority_shown_in_every_dialect_is_one_delivery() {
    let house = House::new().await;
    let bill = house.get("/search").await;
    let (asked, challenge) = (x402::asked(&bill), mpp::challenge(&bill));
    let paid = done(house.try_to_pay(&bill).await.unwrap());
    let proof: serde_json::Value =
        serde_json::from_slice(&base64url::decode(&paid.payment_proof).unwrap()).unwrap();
    let credential = proof["protocol"]["payment_proof"].as_str().unwrap();
    let payload = serde_json::json!({"x402Version": 2, "resource": asked["resource"],
        "accepted": asked["accepts"][0], "payload": {"credential": credential}});
    let shown = [
        (PAYMENT_PROOF, paid.payment_proof.clone()),
        (PAYMENT_SIGNATURE, x402::encode(&payload)),
        (CREDENTIAL, mpp::authorization(&challenge, credential)),
    ];
    let at_once = shown.iter().cycle().take(12).map(|(name, value)| {
        let headers = [(*name, value.clone())];
        let house = &house;
        async move {
            let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
            house.send("GET", "/search", &headers, "").await.status
        }
    });
    let statuses = futures_util::future::join_all(at_once).await;
    assert!(statuses.contains(&200), "{statuses:?}");
    house.settled().await;
    for (name, value) in &shown {
        assert_eq!(house.send("GET", "/search", &[(name, value)], "").await.status, 200, "{name}");
    }
    house.settled().await;
    assert_eq!((house.upstream.calls(), house.money().await), (1, (97, 0, 3)));
}
