//! What a seller's pages say is what the journal says, and says nothing of buyers that the API would not.

#![allow(clippy::unwrap_used)]

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use book::{
    Account, Action, AgentId, Amount, Capture, Code, EnrolAgent, HoldId, Id, KeyHolder, KeyId, Limit,
    OpenWallet, Outcome, OwnerId, Parts, PartsPerMillion, Pay, PayeeId, Payees, PlaceHold, Presence,
    Provenance, PublicKeyBytes, Purchase, Refund, RegisterOwner, RegisterPayee, Seq, Time, Transfer, Void,
    WalletId,
};
use evidence::{Hash, SigningKey, base64url};
use http_body_util::BodyExt;
use server::App;
use server::answer::Answer;
use server::coupons::{Coupon, Off};
use server::data::{BookKind, Opening, init};
use server::problem::Answered;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use tower::ServiceExt;
use url::Url;
use web::store::Session;
use web::visit::{SESSION_COOKIE, token_hash};

const REQUEST: Hash = Hash([0; 32]);
/// What an owner calls her agent: hers to know.
const SECRET: &str = "Wen's assistant for surprises";

fn amount(minor: u128) -> Amount {
    Amount::new(minor).unwrap()
}

fn cny() -> Code {
    Code::new("CNY").unwrap()
}

/// A book with pages, two sellers of two owners, and three buyers.
struct Shop {
    directory: PathBuf,
    app: App,
    router: Router,
    mine: (PayeeId, KeyId),
    buyers: Vec<(WalletId, AgentId, KeyId)>,
    keys: u64,
}

impl Drop for Shop {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.directory).ok();
    }
}

impl Shop {
    async fn open() -> Shop {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let directory =
            std::env::temp_dir().join(format!("tollbridge-selling-{}-{number}", std::process::id()));
        init(&directory, BookKind::Test, "test.invalid/selling").unwrap();
        let app = server::data::open(&directory, Opening::default()).unwrap();
        let site = web::open(app.clone(), &directory, Url::parse("http://localhost:8402").unwrap()).unwrap();
        let mut shop = Shop {
            directory,
            app: app.clone(),
            router: web::router(site.clone()),
            mine: (PayeeId::default(), KeyId::default()),
            buyers: Vec::new(),
            keys: 0,
        };
        // Owners are told apart by their tokens: the first sells, the second is somebody else.
        for token in [1, 2] {
            let (owner, key) = shop.owner().await;
            let session = Session { owner, key, csrf: "csrf".to_owned() };
            site.store.open_session(token_hash(&[token; 32]), &session, app.wall_clock()).unwrap();
            let (payee, key) = (PayeeId(app.new_id()), KeyId(app.new_id()));
            let register = RegisterPayee {
                owner: Some(owner),
                asset: cny(),
                category: Code::new("pages").unwrap(),
                provenance: Provenance::Registry,
                fee: PartsPerMillion::new(12_500).unwrap(),
                key: Some((key, shop.public_key())),
            };
            shop.desk(payee.0, Action::RegisterPayee(register)).await.unwrap();
            app.keep_label(payee.0, Some(if token == 1 { "Pages of mine" } else { "Somebody else's" }));
            if token == 1 {
                shop.mine = (payee, key);
            }
        }
        for _ in 0..3 {
            shop.buyer().await;
        }
        shop
    }

    fn public_key(&mut self) -> PublicKeyBytes {
        self.keys += 1;
        let mut seed = [7; 32];
        seed[..8].copy_from_slice(&self.keys.to_be_bytes());
        PublicKeyBytes::Ed25519(SigningKey::ed25519(&seed).public().bytes().try_into().unwrap())
    }

    async fn desk(&self, id: Id, action: Action) -> Answered<Answer> {
        self.app.execute(&self.app.desk(REQUEST).unwrap(), id, action).await
    }

    async fn by(&self, holder: KeyHolder, key: KeyId, id: Id, action: Action) -> Answered<Answer> {
        self.app.execute(&self.app.visitor(holder, key, Presence::Fresh, REQUEST), id, action).await
    }

    async fn owner(&mut self) -> (OwnerId, KeyId) {
        let (owner, key) = (OwnerId(self.app.new_id()), KeyId(self.app.new_id()));
        let register = RegisterOwner { key, public_key: self.public_key() };
        self.desk(owner.0, Action::RegisterOwner(register)).await.unwrap();
        (owner, key)
    }

    async fn buyer(&mut self) {
        let (owner, key) = self.owner().await;
        let (wallet, agent, agent_key) =
            (WalletId(self.app.new_id()), AgentId(self.app.new_id()), KeyId(self.app.new_id()));
        let holder = KeyHolder::Owner(owner);
        let open = OpenWallet { owner, asset: cny(), limits: Vec::new() };
        self.by(holder, key, wallet.0, Action::OpenWallet(open)).await.unwrap();
        let (from, to) = (Account::World, Account::Wallet(wallet));
        let fill = Transfer { from, to, amount: amount(1_000_000), asset: cny() };
        self.desk(self.app.new_id(), Action::Transfer(fill)).await.unwrap();
        let limits = vec![Limit::PerPayment { max: amount(1_000) }];
        let enrol = EnrolAgent { wallet, limits, key: agent_key, public_key: self.public_key() };
        self.by(holder, key, agent.0, Action::EnrolAgent(enrol)).await.unwrap();
        self.app.keep_label(agent.0, Some(SECRET));
        self.buyers.push((wallet, agent, agent_key));
    }

    fn purchase(&self, buyer: usize, minor: u128) -> Purchase {
        Purchase {
            wallet: self.buyers[buyer].0,
            mandate: None,
            to: Payees::One(self.mine.0),
            amount: amount(minor),
            asset: cny(),
            category: Some(Code::new(if minor.is_multiple_of(2) { "maps" } else { "tides" }).unwrap()),
            reference: None,
            approval: None,
        }
    }

    /// Buys at once; none where a rule says no.
    async fn pay(&self, buyer: usize, minor: u128) -> Option<Id> {
        let (_, agent, key) = self.buyers[buyer];
        let (id, pay) = (self.app.new_id(), Pay { purchase: self.purchase(buyer, minor) });
        self.by(KeyHolder::Agent(agent), key, id, Action::Pay(pay)).await.ok().map(|_| id)
    }

    async fn hold(&self, buyer: usize, minor: u128) -> Id {
        let (_, agent, key) = self.buyers[buyer];
        let expires_at = self.app.clock.now().after(Time::from_seconds(3_600).0);
        let place = PlaceHold { purchase: self.purchase(buyer, minor), expires_at };
        let id = self.app.new_id();
        self.by(KeyHolder::Agent(agent), key, id, Action::PlaceHold(place)).await.unwrap();
        id
    }

    async fn sell(&self, action: Action) {
        let (payee, key) = self.mine;
        self.by(KeyHolder::Payee(payee), key, self.app.new_id(), action).await.unwrap();
    }

    async fn history(&self) {
        for number in 0..60u128 {
            let buyer = usize::try_from(number % 3).unwrap();
            let minor = 1 + number * 37 % 900;
            match number % 6 {
                0 | 1 => {
                    let paid = self.pay(buyer, minor).await.unwrap();
                    if number % 4 == 0 {
                        self.sell(Action::Refund(Refund {
                            payment: paid,
                            amount: amount(minor.div_ceil(3)),
                        }))
                        .await;
                    }
                }
                2 | 3 => {
                    let hold = HoldId(self.hold(buyer, minor + 10).await);
                    self.sell(Action::Capture(Capture {
                        hold,
                        amount: amount(minor),
                        last: number % 3 != 0,
                    }))
                    .await;
                }
                4 => {
                    let hold = HoldId(self.hold(buyer, minor).await);
                    self.sell(Action::Void(Void { hold })).await;
                }
                _ => assert_eq!(self.pay(usize::try_from(number / 6 % 3).unwrap(), 1_001).await, None),
            }
        }
        self.hold(0, 77).await;
    }

    /// A page, as the owner with this token sees it: its status and text.
    async fn page(&self, token: u8, path: &str) -> (u16, String) {
        let cookie = format!("{SESSION_COOKIE}={}", base64url::encode(&[token; 32]));
        let request = Request::builder().uri(path).header("host", "localhost:8402").header("cookie", cookie);
        self.answer(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, token: u8, path: &str, form: &str) -> (u16, String) {
        let request = Request::builder()
            .method("POST")
            .uri(path)
            .header("host", "localhost:8402")
            .header("origin", "http://localhost:8402")
            .header("content-type", "application/x-www-form-urlencoded")
            .header("cookie", format!("{SESSION_COOKIE}={}", base64url::encode(&[token; 32])));
        self.answer(request.body(Body::from(format!("csrf=csrf&{form}"))).unwrap()).await
    }

    async fn answer(&self, request: Request) -> (u16, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    /// What the entries of the journal add up to for the seller: captured, fees, refunded, fees given back, held, sales.
    fn ledger(&self) -> [u128; 6] {
        let mut sums = [0; 6];
        let mut held = std::collections::BTreeMap::new();
        for seq in 0..self.app.engine.size() {
            let (entry, _) = self.app.entry(Seq(seq)).unwrap().unwrap();
            match (&entry.command.action, &entry.outcome) {
                (Action::Pay(_), Outcome::Paid(moved)) | (Action::Capture(_), Outcome::Captured(moved)) => {
                    let Parts::One { fee } = moved.parts else { panic!("one seller") };
                    sums[0] += moved.amount.minor();
                    sums[1] += fee.minor();
                    sums[5] += 1;
                    if let Action::Capture(it) = &entry.command.action {
                        let left = held[&it.hold.0] - moved.amount.minor();
                        held.insert(it.hold.0, if it.last { 0 } else { left });
                    }
                }
                (Action::PlaceHold(it), Outcome::Held(_)) => {
                    held.insert(entry.command.id, it.purchase.amount.minor());
                }
                (Action::Void(it), Outcome::Released(_)) => {
                    held.insert(it.hold.0, 0);
                }
                (Action::Refund(_), Outcome::Refunded(refunded)) => {
                    for part in &refunded.parts {
                        sums[2] += part.amount.minor() + part.fee.minor();
                        sums[3] += part.fee.minor();
                    }
                }
                _ => {}
            }
        }
        sums[4] = held.values().sum();
        sums
    }
}

/// The exact number behind what a page says under a heading.
fn number(page: &str, heading: &str) -> u128 {
    let (_, rest) = page.split_once(heading).unwrap_or_else(|| panic!("no {heading}: {page}"));
    let (_, rest) = rest.split_once("<data value=\"").unwrap();
    rest.split_once(" CNY/2").unwrap().0.parse().unwrap()
}

fn column(csv: &str, name: &str) -> u128 {
    let mut lines = csv.lines();
    let place = lines.next().unwrap().split(',').position(|it| it == name).unwrap();
    let cents = |line: &str| line.split(',').nth(place).unwrap().replace('.', "").parse::<u128>().unwrap();
    lines.map(cents).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn figures_and_files_equal_the_journal() {
    let shop = Shop::open().await;
    shop.history().await;
    let [captured, fees, refunded, fees_refunded, held, sales] = shop.ledger();
    assert!(0 < fees_refunded && 0 < held && 20 < sales, "{:?}", shop.ledger());
    let payee = shop.mine.0;
    for days in ["1", "7", "30", "all"] {
        let (status, page) = shop.page(1, &format!("/selling/{payee}?days={days}")).await;
        assert_eq!(status, 200);
        assert_eq!(number(&page, "Buyers paid</dt>"), captured);
        assert_eq!(number(&page, "<dt>Fees</dt>"), fees - fees_refunded);
        assert_eq!(number(&page, "<dt>Refunds</dt>"), refunded);
        assert_eq!(number(&page, "<h2>Left for you</h2>"), captured - fees - (refunded - fees_refunded));
        assert_eq!(number(&page, "Set aside, not collected yet</dt>"), held);
        assert_eq!(number(&page, "Average price</dt>"), captured / sales);
        assert!(page.contains(&format!("<p class=\"big\">{sales}</p>")), "{page}");
        // Refusals of three buyers for one cause: they stand for themselves.
        assert!(page.contains("Above a limit of the buyer&#39;s</th><td class=\"number\">10</td>"), "{page}");
    }
    let (status, csv) = shop.page(1, &format!("/selling/{payee}/sales.csv")).await;
    assert_eq!(status, 200);
    let sums = ["captured", "fee", "refunded", "fee_refunded", "net"].map(|name| column(&csv, name));
    let net = captured - fees - (refunded - fees_refunded);
    assert_eq!(sums, [captured, fees, refunded, fees_refunded, net]);
    let (_, csv) = shop.page(1, &format!("/selling/{payee}/sales.csv?from=2020-01-01&to=2020-12-31")).await;
    assert_eq!(csv.lines().count(), 1);
    let (_, csv) = shop.page(1, &format!("/selling/{payee}/sales.csv?state=back")).await;
    assert_eq!((csv.lines().count(), column(&csv, "captured")), (11, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn sales_are_found_and_followed_page_by_page() {
    let shop = Shop::open().await;
    shop.history().await;
    let list = format!("/selling/{}/sales", shop.mine.0);
    let (mut path, mut links) = (list.clone(), std::collections::BTreeSet::new());
    let mut pages = 0;
    loop {
        let (status, page) = shop.page(1, &path).await;
        assert_eq!(status, 200);
        pages += 1;
        let link = format!("href=\"{list}/");
        let found = page.split(&link).skip(1);
        links.extend(found.map(|it| it.split_once('"').unwrap().0.to_owned()));
        let Some((before, _)) = page.split_once("\">Older") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&#38;", "&").replace("&amp;", "&");
    }
    assert_eq!((links.len(), pages), (51, 3));
    let agent = shop.buyers[0].1.to_string().to_lowercase();
    let (_, page) = shop.page(1, &format!("{list}?q={agent}&state=held")).await;
    assert!(!page.contains("Given back</a>") && page.contains("Set aside</a>"), "{page}");
    let (_, page) = shop.page(1, &format!("{list}?q=nothing-of-the-kind")).await;
    assert!(page.contains("No such sales."), "{page}");
    for entry in links {
        let (status, page) = shop.page(1, &format!("{list}/{entry}")).await;
        assert_eq!(status, 200, "{page}");
        assert!(!page.contains(SECRET) && page.contains("agt_"), "{page}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_else_sees_them_and_nothing_happens_without_a_passkey() {
    let shop = Shop::open().await;
    let paid = shop.pay(0, 500).await.unwrap();
    let payee = shop.mine.0;
    let entry = shop.app.ask(move |view| Ok(view.purchase(paid)?.unwrap().seq.0)).await.unwrap();
    let paths = [
        "",
        "/sales",
        "/sales.csv",
        "/keys",
        "/coupons",
        "/quotas",
        &format!("/sales/{entry}"),
        &format!("/sales/{entry}/receipt"),
    ];
    for path in paths {
        let path = format!("/selling/{payee}{path}");
        assert_eq!(shop.page(2, &path).await.0, 404, "{path}");
        assert_eq!(shop.page(3, &path).await.0, 303, "{path}");
        let (status, page) = shop.page(1, &path).await;
        // A receipt is there once the log has published its entry.
        assert!(status == 200 || path.ends_with("receipt"), "{path}: {page}");
        assert!(!page.contains(SECRET), "{page}");
    }
    let coupon = Coupon {
        code: "SPRING".to_owned(),
        off: Off::Percent(50),
        budget: amount(100),
        given: amount(0),
        once_per_buyer: false,
        until: None,
    };
    shop.app.coupons.keep(payee, "gateway-1", &[coupon], &[], shop.app.wall_clock()).unwrap();
    let size = shop.app.engine.size();
    let id = shop.app.new_id().text();
    let (key, wallet) = (shop.mine.1, shop.buyers[0].0);
    let quota = format!("id={id}&wallet={wallet}&unit=count&units=10&days=30&what=maps");
    for (path, form) in [
        ("/selling/new".to_owned(), format!("id={id}&name=Tides&domain=&category=tides&asset=CNY")),
        (format!("/selling/{payee}/sales/{entry}/refund"), format!("id={id}&amount=1.00")),
        (format!("/selling/{payee}/keys/end"), format!("id={id}&key={key}")),
        (format!("/selling/{payee}/coupons/SPRING/off"), String::new()),
        (format!("/selling/{payee}/quotas"), quota),
    ] {
        let (status, page) = shop.send(1, &path, &form).await;
        assert_eq!(status, 403, "{path}: {page}");
    }
    assert!(shop.app.coupons.switched_off(payee).unwrap().is_empty());
    for path in ["coupons/SPRING", "coupons/SPRING/off", "coupons/SPRING/on", "coupons/AUTUMN/off", "quotas"]
    {
        let (status, _) = shop.send(2, &format!("/selling/{payee}/{path}"), &format!("id={id}")).await;
        assert!(matches!(status, 404 | 405), "{path}: {status}");
    }
    for (form, why) in [
        ("name=&domain=&category=a&asset=CNY", "The name is empty"),
        ("name=Pages+of+mine&domain=&category=a&asset=CNY", "under this name already"),
        ("name=pages+OF+mine&domain=&category=a&asset=CNY", "under this name already"),
        ("name=p%D0%B0ypal&domain=&category=a&asset=CNY", "imitates characters"),
        ("name=Tides&domain=localhost&category=a&asset=CNY", "That is no domain"),
        ("name=Tides&domain=&category=a+b&asset=CNY", "has to be a word"),
    ] {
        let (status, page) = shop.send(1, "/selling/new", &format!("id={id}&{form}")).await;
        assert_eq!(status, 422, "{form}");
        assert!(page.contains(why), "{form}: {page}");
    }
    let (status, page) = shop.send(1, &format!("/selling/{payee}/sales/{entry}/refund"), "amount=5.01").await;
    assert!(status == 422 && page.contains("more than is left"), "{page}");
    assert_eq!(shop.app.engine.size(), size);
    // Whoever has nothing to sell with finds no such place, but a way to it.
    let (_, page) = shop.page(1, "/account").await;
    assert!(page.contains("href=\"/selling\"") && !page.contains("/selling/new"), "{page}");
}
