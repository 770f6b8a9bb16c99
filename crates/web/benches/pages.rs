//! How long the server takes over each page of a large wallet: 10,000 payments, 50 agents, 300 rules.

use axum::body::Body;
use axum::extract::Request;
use book::{
    Account, Action, AgentId, Amount, Capture, Carry, Code, EnrolAgent, GrantMandate, HoldId, KeyHolder,
    KeyId, Limit, MandateId, OpenWallet, OwnerId, PartsPerMillion, Pay, PayeeId, Payees, PlaceHold, Presence,
    Provenance, PublicKeyBytes, Purchase, Refund, RegisterOwner, RegisterPayee, Time, Transfer, WalletId,
};
use evidence::{Hash, SigningKey, base64url};
use http_body_util::BodyExt;
use server::App;
use server::data::{BookKind, Opening, init, open};
use std::time::Instant;
use tower::ServiceExt;
use url::Url;
use web::store::Session;
use web::visit::{SESSION_COOKIE, token_hash};

const PAYMENTS: usize = 10_000;
const AGENTS: usize = 50;
const RULES: usize = 300;
const SELLERS: usize = 40;
const ROUNDS: usize = 200;
const REQUEST: Hash = Hash([0; 32]);

fn key(number: usize) -> PublicKeyBytes {
    let mut seed = [7; 32];
    seed[..8].copy_from_slice(&number.to_be_bytes());
    let public = SigningKey::ed25519(&seed).public().bytes().try_into();
    PublicKeyBytes::Ed25519(public.expect("an Ed25519 key has 32 bytes"))
}

fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("a small amount")
}

async fn fill(app: &App) -> (OwnerId, KeyId) {
    let (owner, owner_key) = (OwnerId(app.new_id()), KeyId(app.new_id()));
    let desk = || app.desk(REQUEST).expect("there is a desk");
    let cny = Code::new("CNY").expect("three letters");
    let done = |answer: server::problem::Answered<_>| {
        answer.map(|_: server::answer::Answer| ()).expect("it is done")
    };
    done(
        app.execute(
            &desk(),
            owner.0,
            Action::RegisterOwner(RegisterOwner { key: owner_key, public_key: key(0) }),
        )
        .await,
    );
    let here = || app.visitor(KeyHolder::Owner(owner), owner_key, Presence::Fresh, REQUEST);
    let wallet = WalletId(app.new_id());
    done(
        app.execute(
            &here(),
            wallet.0,
            Action::OpenWallet(OpenWallet { owner, asset: cny, limits: Vec::new() }),
        )
        .await,
    );
    let (from, to) = (Account::World, Account::Wallet(wallet));
    let money = Transfer { from, to, amount: amount(1_000_000_000), asset: cny };
    done(app.execute(&desk(), app.new_id(), Action::Transfer(money)).await);
    let mut sellers = Vec::new();
    for number in 0..SELLERS {
        let payee = PayeeId(app.new_id());
        let register = RegisterPayee {
            owner: None,
            asset: cny,
            category: Code::new("pages").expect("a word"),
            provenance: Provenance::Registry,
            fee: PartsPerMillion::new(0).expect("no fee is a fee"),
            key: None,
        };
        done(app.execute(&desk(), payee.0, Action::RegisterPayee(register)).await);
        app.keep_label(payee.0, Some(&format!("Seller {number}")));
        sellers.push(payee);
    }
    let mut agents = Vec::new();
    for number in 0..AGENTS {
        let (agent, agent_key) = (AgentId(app.new_id()), KeyId(app.new_id()));
        let limits = vec![Limit::PerPayment { max: amount(100_000) }];
        let enrol = EnrolAgent { wallet, limits, key: agent_key, public_key: key(number + 1) };
        done(app.execute(&here(), agent.0, Action::EnrolAgent(enrol)).await);
        app.keep_label(agent.0, Some(&format!("Agent {number}")));
        agents.push((agent, agent_key, None));
    }
    let now = app.clock.now();
    for number in 0..RULES {
        let mandate = MandateId(app.new_id());
        let (agent, _, rule) = &mut agents[number % AGENTS];
        let grant = GrantMandate {
            wallet,
            agent: *agent,
            valid_from: now,
            expires_at: now.after(Time::from_seconds(86_400 * 30).0),
            limits: vec![
                Limit::PerPayment { max: amount(50_000) },
                Limit::Total { max: amount(100_000_000) },
            ],
            document: REQUEST,
            carry: Carry::Inherit,
        };
        done(app.execute(&here(), mandate.0, Action::GrantMandate(grant)).await);
        *rule = Some(mandate);
    }
    for first in (0..PAYMENTS).step_by(200) {
        let (agent, agent_key, mandate) = agents[first / 200 % AGENTS];
        let payments = (first..first + 200).map(|number| {
            let purchase = Purchase {
                wallet,
                mandate,
                to: Payees::One(sellers[number * 7 % SELLERS]),
                amount: amount(1 + u128::try_from(number % 997).expect("it fits")),
                asset: cny,
                category: None,
                reference: None,
                approval: None,
            };
            (app.new_id(), Action::Pay(Pay { purchase }))
        });
        let caller = app.visitor(KeyHolder::Agent(agent), agent_key, Presence::Fresh, REQUEST);
        let answers = app.execute_all(&caller, payments.collect()).await.expect("the unit is taken");
        answers.into_iter().for_each(done);
    }
    (owner, owner_key)
}

/// A seller of 10,000 sales to 20 agents: a third at once, a third set aside and captured, a third set aside; every
/// sixtieth is refunded in part.
async fn sell(app: &App) -> (OwnerId, KeyId, PayeeId) {
    let cny = Code::new("CNY").expect("three letters");
    let desk = || app.desk(REQUEST).expect("there is a desk");
    let done = |answer: server::problem::Answered<server::answer::Answer>| drop(answer.expect("it is done"));
    let mut owners = Vec::new();
    for number in [9_001, 9_002] {
        let (owner, owner_key) = (OwnerId(app.new_id()), KeyId(app.new_id()));
        let register = RegisterOwner { key: owner_key, public_key: key(number) };
        done(app.execute(&desk(), owner.0, Action::RegisterOwner(register)).await);
        owners.push((owner, owner_key));
    }
    let [(seller_owner, seller_owner_key), (buyer, buyer_key)] = owners[..] else { panic!("two owners") };
    let (payee, payee_key) = (PayeeId(app.new_id()), KeyId(app.new_id()));
    let register = RegisterPayee {
        owner: Some(seller_owner),
        asset: cny,
        category: Code::new("pages").expect("a word"),
        provenance: Provenance::Registry,
        fee: PartsPerMillion::new(10_000).expect("a hundredth"),
        key: Some((payee_key, key(9_003))),
    };
    done(app.execute(&desk(), payee.0, Action::RegisterPayee(register)).await);
    let here = || app.visitor(KeyHolder::Owner(buyer), buyer_key, Presence::Fresh, REQUEST);
    let wallet = WalletId(app.new_id());
    let open = OpenWallet { owner: buyer, asset: cny, limits: Vec::new() };
    done(app.execute(&here(), wallet.0, Action::OpenWallet(open)).await);
    let (from, to) = (Account::World, Account::Wallet(wallet));
    let money = Transfer { from, to, amount: amount(1_000_000_000), asset: cny };
    done(app.execute(&desk(), app.new_id(), Action::Transfer(money)).await);
    for number in 0..20 {
        let (agent, agent_key) = (AgentId(app.new_id()), KeyId(app.new_id()));
        let limits = vec![Limit::PerPayment { max: amount(100_000) }];
        let enrol = EnrolAgent { wallet, limits, key: agent_key, public_key: key(9_100 + number) };
        done(app.execute(&here(), agent.0, Action::EnrolAgent(enrol)).await);
        let (mut unit, mut seller_unit) = (Vec::new(), Vec::new());
        for sale in 0..PAYMENTS / 20 {
            let minor = 1 + u128::try_from(sale).expect("it fits");
            let purchase = |amount| Purchase {
                wallet,
                mandate: None,
                to: Payees::One(payee),
                amount,
                asset: cny,
                category: Some(Code::new(["maps", "tides", "words"][sale % 3]).expect("a word")),
                reference: None,
                approval: None,
            };
            let (id, expires_at) = (app.new_id(), app.clock.now().after(Time::from_seconds(86_400).0));
            let purchase = purchase(amount(minor));
            unit.push((
                id,
                match sale % 3 {
                    0 => Action::Pay(Pay { purchase }),
                    _ => Action::PlaceHold(PlaceHold { purchase, expires_at }),
                },
            ));
            if sale % 3 == 1 {
                let capture = Capture { hold: HoldId(id), amount: amount(minor), last: true };
                seller_unit.push((app.new_id(), Action::Capture(capture)));
            }
            if sale % 20 == 0 && sale % 3 == 0 {
                seller_unit.push((app.new_id(), Action::Refund(Refund { payment: id, amount: amount(1) })));
            }
        }
        let caller = app.visitor(KeyHolder::Agent(agent), agent_key, Presence::Fresh, REQUEST);
        app.execute_all(&caller, unit).await.expect("the unit is taken").into_iter().for_each(done);
        let seller = app.visitor(KeyHolder::Payee(payee), payee_key, Presence::Fresh, REQUEST);
        app.execute_all(&seller, seller_unit).await.expect("the unit is taken").into_iter().for_each(done);
    }
    (seller_owner, seller_owner_key, payee)
}

#[tokio::main]
async fn main() {
    let directory = std::env::temp_dir().join(format!("tollbridge-pages-{}", std::process::id()));
    init(&directory, BookKind::Test, "bench.invalid/pages").expect("the directory is made");
    let app = open(&directory, Opening::default()).expect("the book opens");
    let (owner, key) = fill(&app).await;
    let site = web::open(app.clone(), &directory, Url::parse("http://localhost:8402").expect("a URL"));
    let site = site.expect("the pages open");
    let token = [5; 32];
    let session = Session { owner, key, csrf: "csrf".to_owned() };
    site.store.open_session(token_hash(&token), &session, app.wall_clock()).expect("a session is kept");
    let router = web::router(site.clone());
    let store = &site.store;
    let agent =
        app.ask(move |view| Ok(view.agents_of_owner(owner, None, 1)?.rows)).await.expect("views answer");
    let agent = agent[0].id;
    let size = app.engine.size();
    let rule =
        format!("/rules/ready?agent={agent}&level=L1&small=1&per_payment=5&per_day=50&total=500&days=30");
    let pages = [
        "/".to_owned(),
        "/agents".to_owned(),
        format!("/agents/{agent}"),
        "/rules".to_owned(),
        "/approvals".to_owned(),
        "/activity".to_owned(),
        "/activity?q=seller+39&kind=paid".to_owned(),
        format!("/activity/{}", size - 1),
        "/money".to_owned(),
        "/account".to_owned(),
        rule,
    ];
    let pages = pages.into_iter().map(|page| (page, token));
    let token = [6; 32];
    let (seller_owner, seller_key, payee) = sell(&app).await;
    let session = Session { owner: seller_owner, key: seller_key, csrf: "csrf".to_owned() };
    store.open_session(token_hash(&token), &session, app.wall_clock()).expect("a session is kept");
    let newest =
        move |view: &engine::View| Ok(view.payments(engine::views::Whom::Payee(payee), None, 1)?.rows);
    let sale = app.ask(newest).await.expect("views answer")[0].seq.0;
    let selling = [
        format!("/selling/{payee}?days=30"),
        format!("/selling/{payee}?days=all"),
        format!("/selling/{payee}/sales"),
        format!("/selling/{payee}/sales?q=nothing"),
        format!("/selling/{payee}/sales/{sale}"),
        format!("/selling/{payee}/keys"),
    ];
    println!("{PAYMENTS} payments, {AGENTS} agents, {RULES} rules; {ROUNDS} requests each");
    for (page, token) in pages.chain(selling.into_iter().map(|page| (page, token))) {
        let mut micros = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let request = Request::builder()
                .uri(&page)
                .header("host", "localhost:8402")
                .header("cookie", format!("{SESSION_COOKIE}={}", base64url::encode(&token)))
                .body(Body::empty())
                .expect("a request");
            let began = Instant::now();
            let response = router.clone().oneshot(request).await.expect("the router answers");
            assert_eq!(response.status(), 200, "{page}");
            bytes = response.into_body().collect().await.expect("the body is read").to_bytes().len();
            micros.push(began.elapsed().as_micros());
        }
        micros.sort_unstable();
        let (half, most) = (micros[ROUNDS / 2], micros[ROUNDS * 99 / 100]);
        let name = page.split_once("?agent").map_or(page.as_str(), |(name, _)| name);
        let name = name.replace(&payee.to_string(), "…");
        println!("{name:<40} p50 {:>8.2} ms   p99 {:>8.2} ms   {:>7} bytes", ms(half), ms(most), bytes);
    }
    std::fs::remove_dir_all(&directory).ok();
}

fn ms(micros: u128) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1_000.0
}
