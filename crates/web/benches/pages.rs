//! How long the server takes over each page of a large wallet: 10,000 payments, 50 agents, 300 rules.

use axum::body::Body;
use axum::extract::Request;
use book::{
    Account, Action, AgentId, Amount, Carry, Code, EnrolAgent, GrantMandate, KeyHolder, KeyId, Limit,
    MandateId, OpenWallet, OwnerId, PartsPerMillion, Pay, PayeeId, Payees, Presence, Provenance,
    PublicKeyBytes, Purchase, RegisterOwner, RegisterPayee, Time, Transfer, WalletId,
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
    let router = web::router(site);
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
    println!("{PAYMENTS} payments, {AGENTS} agents, {RULES} rules; {ROUNDS} requests each");
    for page in pages {
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
        println!("{name:<40} p50 {:>8.2} ms   p99 {:>8.2} ms   {:>7} bytes", ms(half), ms(most), bytes);
    }
    std::fs::remove_dir_all(&directory).ok();
}

fn ms(micros: u128) -> f64 {
    f64::from(u32::try_from(micros).unwrap_or(u32::MAX)) / 1_000.0
}
