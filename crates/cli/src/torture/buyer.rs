//! A buyer who does one thing wrong.

use super::{Bench, Seen, host_of};
use crate::client::failed;
use crate::exit::{Exit, Failure, Outcome};
use evidence::base64url;
use protocols::a402::Needed;
use protocols::a402::headers::{PAYMENT_NEEDED, PAYMENT_PROOF};
use protocols::a402::wallet::WalletTerms;
use sdk::Answer;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;
use wire::a402::NewA402Payment;
use wire::{HoldId, Money};

/// How many uses of one proof there are at once.
const AT_ONCE: usize = 100;
/// How many slow connections there are.
const SLOW: usize = 50;
/// How long they may be kept.
const SLOW_PATIENCE: Duration = Duration::from_secs(45);
/// How long somebody else may wait meanwhile.
const OTHERS_PATIENCE: Duration = Duration::from_secs(5);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a buyer does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trick {
    /// He shows no proof.
    NoProof,
    /// He shows what is no proof.
    Junk,
    /// He shows a proof a hundred times at once.
    AtOnce,
    /// He shows a proof at another address first.
    OtherAddress,
    /// He hangs up before the answer, and comes again.
    HangUp,
    /// He sends more headers than anybody reads.
    HugeHeaders,
    /// He keeps fifty connections and says hardly anything.
    Slow,
}

impl Trick {
    pub(super) const ALL: [Trick; 7] = [
        Trick::NoProof,
        Trick::Junk,
        Trick::AtOnce,
        Trick::OtherAddress,
        Trick::HangUp,
        Trick::HugeHeaders,
        Trick::Slow,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Trick::NoProof => "no-proof",
            Trick::Junk => "junk-for-a-proof",
            Trick::AtOnce => "proof-100-times-at-once",
            Trick::OtherAddress => "proof-at-another-address",
            Trick::HangUp => "hangs-up-and-comes-again",
            Trick::HugeHeaders => "huge-headers",
            Trick::Slow => "slow-connections",
        }
    }

    /// Whether he pays for it.
    pub(super) fn pays(self) -> bool {
        match self {
            Trick::AtOnce | Trick::OtherAddress | Trick::HangUp => true,
            Trick::NoProof | Trick::Junk | Trick::HugeHeaders | Trick::Slow => false,
        }
    }

    /// Whether he writes to the socket himself.
    pub(super) fn is_raw(self) -> bool {
        match self {
            Trick::HangUp | Trick::Slow => true,
            Trick::NoProof | Trick::Junk | Trick::AtOnce | Trick::OtherAddress | Trick::HugeHeaders => false,
        }
    }
}

/// An answer: its status and its body.
type Got = Result<(u16, Vec<u8>), String>;

impl Bench<'_> {
    /// What the seller asks for, unasked for anything else.
    pub(super) async fn price(&self) -> Outcome<Money> {
        let needed = self.demand().await?;
        let unread =
            |fault: &dyn std::fmt::Display| Failure::usage(format!("its demand cannot be read: {fault}"));
        let needed = Needed::decode(&needed).map_err(|fault| unread(&fault))?;
        let terms = WalletTerms::read(&needed.demand, &needed.method).map_err(|fault| unread(&fault))?;
        let minor = terms.amount_minor(&needed.demand).map_err(|fault| unread(&fault))?;
        let amount = wire::AmountText::new(minor).ok_or_else(|| Failure::usage("it costs too much"))?;
        let asset = terms.asset.as_str().parse().map_err(|fault: wire::money::NotMoney| unread(&fault))?;
        Ok(Money { amount, asset })
    }

    async fn demand(&self) -> Outcome<String> {
        let answer = client()?.get(&self.args.url).send().await;
        let answer = answer.map_err(|fault| Failure::new(Exit::Unreachable, fault.to_string()))?;
        let status = answer.status();
        let needed = answer.headers().get(PAYMENT_NEEDED).and_then(|value| value.to_str().ok());
        match needed {
            Some(needed) if status.as_u16() == 402 => Ok(needed.to_owned()),
            Some(_) | None => {
                Err(Failure::usage(format!("`{}` is not sold over A402: it answers {status}", self.args.url)))
            }
        }
    }

    /// Pays a demand by hand; what comes back is the proof.
    async fn proof(&self) -> Outcome<String> {
        let payment = NewA402Payment {
            id: HoldId(self.client.fresh_id()),
            wallet: self.settings.wallet,
            mandate: self.settings.mandate,
            payment_needed: self.demand().await?,
            approval: None,
            why: None,
        };
        match self.client.a402_pay(&payment).await.map_err(failed)? {
            Answer::Done(paid) => Ok(paid.payment_proof),
            Answer::Asked(_) => {
                Err(Failure::usage("the owner is asked about each payment: use an agent that may pay this"))
            }
        }
    }

    /// Plays a trick.
    pub(super) async fn trick(&self, trick: Trick) -> Outcome<Seen> {
        match trick {
            Trick::NoProof => self.refused(vec![None]).await,
            Trick::Junk => self.refused(junk().into_iter().map(Some).collect()).await,
            Trick::HugeHeaders => self.huge_headers().await,
            Trick::AtOnce => self.at_once().await,
            Trick::OtherAddress => self.other_address().await,
            Trick::HangUp => self.hang_up().await,
            Trick::Slow => self.slow().await,
        }
    }

    /// Each of these has to be refused, and none may break anything.
    async fn refused(&self, proofs: Vec<Option<String>>) -> Outcome<Seen> {
        let (client, mut seen) = (client()?, Seen::default());
        for proof in proofs {
            match get(&client, &self.args.url, proof.as_deref()).await {
                Ok((status, _)) if (200..300).contains(&status) => seen.deliveries += 1,
                Ok((400..500, _)) => {}
                Ok((status, _)) => {
                    let proof = proof.unwrap_or_default().chars().take(24).collect::<String>();
                    seen.wrong = Some(format!("answers {status} to the proof `{proof}`"));
                }
                Err(why) => seen.wrong = Some(why),
            }
        }
        Ok(seen)
    }

    async fn at_once(&self) -> Outcome<Seen> {
        let (client, proof) = (client()?, self.proof().await?);
        let mut uses = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (client, url, proof) = (client.clone(), self.args.url.clone(), proof.clone());
            uses.spawn(async move { get(&client, &url, Some(&proof)).await });
        }
        let mut seen = Seen::default();
        let mut given = BTreeSet::new();
        for got in uses.join_all().await {
            match got {
                Ok((200..300, body)) => drop(given.insert(body)),
                Ok((500 | 501 | 505..600, _)) => {
                    seen.wrong = Some("answers with a fault of its own".to_owned())
                }
                Ok(_) | Err(_) => {}
            }
        }
        seen.deliveries = given.len();
        Ok(seen)
    }

    async fn other_address(&self) -> Outcome<Seen> {
        let (client, proof) = (client()?, self.proof().await?);
        let mut other = Url::parse(&self.args.url).map_err(Failure::usage)?;
        other.query_pairs_mut().append_pair("torture", "1");
        let mut given = Vec::new();
        if let Ok((200..300, body)) = get(&client, other.as_str(), Some(&proof)).await {
            given.push((other.to_string(), body));
        }
        if let Some(body) = self.insist(&client, &proof).await {
            given.push((self.args.url.clone(), body));
        }
        let wrong = given
            .iter()
            .find(|(url, _)| *url != self.args.url)
            .map(|(url, _)| format!("a proof for another address is taken at `{url}`"));
        Ok(Seen { deliveries: given.len(), wrong })
    }

    /// Shows a proof until something is delivered for it.
    async fn insist(&self, client: &reqwest::Client, proof: &str) -> Option<Vec<u8>> {
        for _ in 0..super::TRIES {
            if let Ok((200..300, body)) = get(client, &self.args.url, Some(proof)).await {
                return Some(body);
            }
            tokio::time::sleep(super::PAUSE).await;
        }
        None
    }

    async fn hang_up(&self) -> Outcome<Seen> {
        let (client, proof) = (client()?, self.proof().await?);
        let url = Url::parse(&self.args.url).map_err(Failure::usage)?;
        let host = host_of(&self.args.url).ok_or_else(|| Failure::usage("it has no host"))?;
        let path = url.query().map_or(url.path().to_owned(), |query| format!("{}?{query}", url.path()));
        let mut connection = TcpStream::connect(&host).await?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {host}\r\n{PAYMENT_PROOF}: {proof}\r\n\r\n");
        connection.write_all(request.as_bytes()).await?;
        drop(connection);
        let given: BTreeSet<_> = [self.insist(&client, &proof).await, self.insist(&client, &proof).await]
            .into_iter()
            .flatten()
            .collect();
        Ok(Seen { deliveries: given.len(), wrong: None })
    }

    async fn huge_headers(&self) -> Outcome<Seen> {
        let mut seen = self.refused(vec![Some("A".repeat(60_000))]).await?;
        let request = client()?.get(&self.args.url).header("x-torture", "a".repeat(1 << 20)).send().await;
        // A connection that is closed says no, too.
        if let Ok(answer) = request
            && !answer.status().is_client_error()
        {
            seen.wrong = Some(format!("answers {} to a megabyte of headers", answer.status()));
        }
        let after = self.refused(vec![None]).await?;
        seen.wrong = seen.wrong.or(after.wrong);
        Ok(seen)
    }

    async fn slow(&self) -> Outcome<Seen> {
        let host = host_of(&self.args.url).ok_or_else(|| Failure::usage("it has no host"))?;
        let mut slow = JoinSet::new();
        for _ in 0..SLOW {
            let mut connection = TcpStream::connect(&host).await?;
            slow.spawn(async move {
                let begin = "GET / HTTP/1.1\r\nhost: slow\r\nx-slow: ";
                if connection.write_all(begin.as_bytes()).await.is_err() {
                    return true;
                }
                let ended = async {
                    let mut bytes = [0; 256];
                    loop {
                        let rest =
                            tokio::time::timeout(Duration::from_secs(1), connection.read(&mut bytes)).await;
                        match rest {
                            // It was told off or shut out.
                            Ok(Ok(0) | Err(_)) => return,
                            Ok(Ok(_)) => {}
                            Err(_) => {
                                if connection.write_all(b"a").await.is_err() {
                                    return;
                                }
                            }
                        }
                    }
                };
                tokio::time::timeout(SLOW_PATIENCE, ended).await.is_ok()
            });
        }
        let meanwhile = tokio::time::timeout(OTHERS_PATIENCE, self.refused(vec![None])).await;
        let mut seen = match meanwhile {
            Ok(seen) => seen?,
            Err(_) => {
                Seen { deliveries: 0, wrong: Some("others wait while slow ones are served".to_owned()) }
            }
        };
        let kept = slow.join_all().await.into_iter().filter(|ended| !ended).count();
        if kept != 0 {
            let after = SLOW_PATIENCE.as_secs();
            seen.wrong =
                Some(format!("{kept} connections that say nothing are kept for more than {after} s"));
        }
        Ok(seen)
    }
}

fn client() -> Outcome<reqwest::Client> {
    let client = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).timeout(PATIENCE);
    client.build().map_err(|fault| Failure::fault(fault.to_string()))
}

async fn get(client: &reqwest::Client, url: &str, proof: Option<&str>) -> Got {
    let mut request = client.get(url);
    if let Some(proof) = proof {
        request = request.header(PAYMENT_PROOF, proof);
    }
    let answer = request.send().await.map_err(|_| "does not answer".to_owned())?;
    let status = answer.status().as_u16();
    let body = answer.bytes().await.map_err(|_| "ends its answer early".to_owned())?;
    Ok((status, body.to_vec()))
}

/// What is no proof, from nothing at all to something that looks like one.
fn junk() -> Vec<String> {
    let json = |text: &str| base64url::encode(text.as_bytes());
    vec![
        String::new(),
        "=".to_owned(),
        "not base64url!".to_owned(),
        "AAAA".to_owned(),
        json("{}"),
        json("[]"),
        json("null"),
        json("{\"payment_proof\":\"\"}"),
        json(&format!("{{\"payment_proof\":\"{}\"}}", "A".repeat(4_000))),
        json(&"[".repeat(2_000)),
        base64url::encode(&[0xff; 300]),
    ]
}
