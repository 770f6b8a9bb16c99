//! The Rust buyer at a checkout: one call from the items to the order, within what may be spent.

use crate::house::{House, KEY, fen, id};
use axum::body::Body;
use axum::extract::State;
use checkouts::Doors;
use http::{Request, Response, StatusCode};
use protocols::a402::wallet::Network;
use sdk::{Buyer, BuyerSettings, CheckedOut, CheckoutOrder, NewCheckout, NotCheckedOut, Purchases};
use tokio::net::TcpListener;
use url::Url;
use wire::RequestId;

/// The doors behind a socket.
async fn serve(doors: &Doors) -> Url {
    async fn answer(State(doors): State<Doors>, request: Request<Body>) -> Response<Body> {
        let (head, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 100_000).await.unwrap();
        match doors.answer(Request::from_parts(head, body)).await {
            Some(response) => response.map(Body::from),
            None => Response::builder().status(StatusCode::NOT_FOUND).body(Body::empty()).unwrap(),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback(answer).with_state(doors.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    Url::parse(&url).unwrap()
}

fn buyer(house: &House) -> Buyer {
    let settings = BuyerSettings {
        wallet: house.wallet,
        mandate: Some(house.mandate),
        network: Network::Test,
        payees: Vec::new(),
        seller_keys: Default::default(),
    };
    let purchases = Purchases::open(&house.purchases()).unwrap();
    Buyer::new(house.agent.clone(), settings, purchases).unwrap()
}

fn new(shop: &Url, most: u128) -> NewCheckout {
    NewCheckout {
        purchase: RequestId(id()),
        shop: shop.clone(),
        api_key: KEY.to_owned(),
        items: vec![("map".to_owned(), 2)],
        price_max: fen(most),
        why: Some("for the walk".to_owned()),
    }
}

async fn bought(buyer: &Buyer, new: &NewCheckout) -> CheckoutOrder {
    match buyer.check_out(new).await.unwrap() {
        CheckedOut::Bought(order) => *order,
        CheckedOut::Asked(question) => panic!("{question:?}"),
    }
}

#[tokio::test]
async fn a_purchase_is_paid_once_however_often_it_is_done() {
    let house = House::new().await;
    let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
    let new = new(&shop, 300);
    let order = bought(&buyer, &new).await;
    assert_eq!((order.paid, order.payee), (fen(300), house.payee));
    assert_eq!(house.money().await, (9_700, 0, 300));
    assert_eq!(bought(&buyer, &new).await, order);
    assert_eq!(house.money().await, (9_700, 0, 300));
    assert_eq!(house.shop.stock_left().await.unwrap()["map"], 3);
}

#[tokio::test]
async fn nothing_is_set_aside_for_what_is_too_dear_or_not_for_sale() {
    let house = House::new().await;
    let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
    let dear = buyer.check_out(&new(&shop, 299)).await.unwrap_err();
    assert!(matches!(dear, NotCheckedOut::TooDear { price, .. } if price == fen(300)), "{dear}");
    let missing = NewCheckout { items: vec![("no such thing".to_owned(), 1)], ..new(&shop, 300) };
    let missing = buyer.check_out(&missing).await.unwrap_err();
    assert!(matches!(&missing, NotCheckedOut::Refused { code, .. } if code == "invalid"), "{missing}");
    let nobody = NewCheckout { api_key: "nobody's".to_owned(), ..new(&shop, 300) };
    let nobody = buyer.check_out(&nobody).await.unwrap_err();
    assert!(matches!(&nobody, NotCheckedOut::Refused { code, .. } if code == "unauthorized"), "{nobody}");
    assert_eq!(house.money().await, (10_000, 0, 0));
}

#[tokio::test]
async fn the_mandate_ends_what_may_be_spent() {
    let house = House::new().await;
    let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
    // 80.00 may be spent in all, and 79.00 of it is set aside elsewhere.
    house.token("cs_elsewhere", 7_900, None).await;
    let refused = buyer.check_out(&new(&shop, 300)).await.unwrap_err();
    let NotCheckedOut::Server(failure) = refused else { panic!("{refused}") };
    assert_eq!(failure.code(), Some("total_exceeded"));
    assert_eq!(house.money().await, (2_100, 7_900, 0));
}
