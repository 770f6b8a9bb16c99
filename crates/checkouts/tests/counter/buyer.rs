//! The Rust buyer at a checkout of either dialect: one call from the items to the order, within what may be spent.

use crate::house::{House, KEY, fen, fresh};
use axum::body::Body;
use axum::extract::State;
use checkouts::Doors;
use http::{Request, Response, StatusCode};
use protocols::a402::wallet::Network;
use sdk::{
    Buyer, BuyerSettings, CheckedOut, CheckoutDialect, CheckoutOrder, NewCheckout, NotCheckedOut,
    PurchaseFault, Purchases,
};
use tokio::net::TcpListener;
use url::Url;

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

fn new(house: &House, shop: &Url, dialect: CheckoutDialect, most: u128) -> NewCheckout {
    NewCheckout {
        purchase: fresh(),
        // The shop says another address of itself than this socket's, so its door is named.
        shop: shop.join(dialect.place()).unwrap(),
        dialect: None,
        api_key: Some(KEY.to_owned()),
        profile: None,
        items: vec![("map".to_owned(), 2)],
        price_max: fen(most),
        why: Some(format!("for the walk of {}", house.wallet)),
    }
}

async fn bought(buyer: &Buyer, new: &NewCheckout) -> CheckoutOrder {
    match buyer.check_out(new).await.unwrap() {
        CheckedOut::Bought(order) => *order,
        CheckedOut::Asked { question, ask } => panic!("{question}: {ask}"),
    }
}

#[tokio::test]
async fn a_purchase_is_paid_once_however_often_it_is_done() {
    for dialect in CheckoutDialect::ALL {
        let house = House::new().await;
        let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
        let new = new(&house, &shop, dialect, 300);
        let order = bought(&buyer, &new).await;
        assert_eq!((order.paid, order.payee), (fen(300), house.payee));
        assert_eq!(house.money().await, (9_700, 0, 300));
        assert_eq!(bought(&buyer, &new).await, order);
        // Without what it remembers of the end, it finds out again.
        let file = std::fs::read_dir(house.purchases()).unwrap().map(|file| file.unwrap().path());
        let file = file.into_iter().find(|path| path.extension().is_some_and(|it| it == "json")).unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(text.contains(r#""stage":"bought""#), "{text}");
        std::fs::write(&file, text.replace(r#""stage":"bought""#, r#""stage":"paying""#)).unwrap();
        assert_eq!(bought(&buyer, &new).await, order);
        assert_eq!(house.money().await, (9_700, 0, 300));
        assert_eq!(house.shop.stock_left().await.unwrap()["map"], 3);
        // The name is that of this purchase.
        let other = NewCheckout { items: vec![("map".to_owned(), 1)], ..new };
        let reused = buyer.check_out(&other).await.unwrap_err();
        assert!(matches!(reused, NotCheckedOut::Purchase(PurchaseFault::KeyReused(_))), "{reused}");
        assert_eq!(house.money().await, (9_700, 0, 300));
    }
}

#[tokio::test]
async fn nothing_is_set_aside_for_what_is_too_dear_or_not_for_sale() {
    let house = House::new().await;
    let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
    for dialect in CheckoutDialect::ALL {
        let new = || new(&house, &shop, dialect, 300);
        let dear = NewCheckout { price_max: fen(299), ..new() };
        let dear = buyer.check_out(&dear).await.unwrap_err();
        assert!(matches!(dear, NotCheckedOut::TooDear { price, .. } if price == fen(300)), "{dear}");
        let missing = NewCheckout { items: vec![("no such thing".to_owned(), 1)], ..new() };
        let missing = buyer.check_out(&missing).await.unwrap_err();
        let says = match dialect {
            CheckoutDialect::Acp => "invalid",
            CheckoutDialect::Ucp => "item_unavailable",
        };
        assert!(matches!(&missing, NotCheckedOut::Refused { code, .. } if code == says), "{missing}");
        let nobody = NewCheckout { api_key: Some("nobody's".to_owned()), ..new() };
        let nobody = buyer.check_out(&nobody).await.unwrap_err();
        assert!(matches!(&nobody, NotCheckedOut::Refused { code, .. } if code == "unauthorized"), "{nobody}");
        let many = NewCheckout { items: vec![("map".to_owned(), 6)], price_max: fen(5_000), ..new() };
        let many = buyer.check_out(&many).await.unwrap_err();
        assert!(matches!(&many, NotCheckedOut::Refused { code, .. } if code == "not_ready"), "{many}");
    }
    assert_eq!(house.money().await, (10_000, 0, 0));
}

#[tokio::test]
async fn the_mandate_ends_what_may_be_spent() {
    let house = House::new().await;
    let (shop, buyer) = (serve(&house.doors).await, buyer(&house));
    // 80.00 may be spent in all, and 79.00 of it is set aside elsewhere.
    house.token("cs_elsewhere", 7_900, None).await;
    for dialect in CheckoutDialect::ALL {
        let refused = buyer.check_out(&new(&house, &shop, dialect, 300)).await.unwrap_err();
        let NotCheckedOut::Server(failure) = refused else { panic!("{refused}") };
        assert_eq!(failure.code(), Some("total_exceeded"));
    }
    assert_eq!(house.money().await, (2_100, 7_900, 0));
}
