//! An installation with people in it: owners, wallets with money, sellers and agents, made over the public interface.

use std::path::Path;

use book::Id;
use evidence::{SigningKey, base64url};
use serde_json::{Value, json};

use crate::blackbox::caller::{Auth, Call, Caller, now};
use crate::blackbox::server::Server;

/// The asset of every account here.
pub(crate) const ASSET: &str = "CNY/2";

/// So many entries behind a snapshot, a server makes the next: few, so that kills meet it at work.
const SNAPSHOT_EVERY: u64 = 40;

/// A running server, and its operator.
#[derive(Debug)]
pub(crate) struct Installation {
    pub(crate) server: Server,
    pub(crate) operator: Caller,
    /// The log's key, noted when the book was new: what receipts are checked against.
    pub(crate) vkey: String,
    /// The journal as far as it was read.
    pub(crate) journal: Vec<Vec<u8>>,
}

/// Somebody or something with an id and a key.
#[derive(Clone, Debug)]
pub(crate) struct Party {
    pub(crate) id: String,
    pub(crate) key: String,
    /// The secret half of the key: these parties are made up.
    pub(crate) seed: [u8; 32],
    pub(crate) caller: Caller,
}

/// A key that is about to be enrolled.
struct FreshKey {
    id: String,
    seed: [u8; 32],
}

/// A new id.
pub(crate) fn fresh_id() -> Id {
    Id::new(now(), rand::random())
}

/// A new id with the prefix of its kind, such as `pay`.
pub(crate) fn fresh_name(prefix: &str) -> String {
    format!("{prefix}_{}", fresh_id().text())
}

/// Money as the interface writes it.
pub(crate) fn money(amount: u128) -> Value {
    json!({ "amount": amount.to_string(), "asset": ASSET })
}

impl Installation {
    /// A new installation in a process of its own.
    pub(crate) fn start(root: &Path, program: &Path, name: &str) -> anyhow::Result<Installation> {
        Installation::start_with(root, program, name, SNAPSHOT_EVERY)
    }

    /// The same, with a snapshot after so many entries.
    pub(crate) fn start_with(
        root: &Path,
        program: &Path,
        name: &str,
        snapshot_every: u64,
    ) -> anyhow::Result<Installation> {
        let server = Server::start(root, program, name, snapshot_every)?;
        let operator = server.operator()?;
        let vkey = server.public("/log/vkey")?.trim().to_owned();
        Ok(Installation { server, operator, vkey, journal: Vec::new() })
    }

    /// An owner.
    pub(crate) fn owner(&mut self) -> anyhow::Result<Party> {
        let (id, key) = (fresh_name("own"), FreshKey::draw());
        self.operator.make("/v1/owners", &json!({ "id": id, "key": key.shown() }))?;
        Ok(self.party(id, key))
    }

    /// One more key of an owner: another terminal.
    pub(crate) fn terminal(&mut self, owner: &mut Party) -> anyhow::Result<Party> {
        let key = FreshKey::draw();
        let mut body = key.shown();
        body["holder"] = json!(owner.id);
        owner.caller.make("/v1/keys", &body)?;
        Ok(self.party(owner.id.clone(), key))
    }

    /// A wallet with money from outside in it.
    pub(crate) fn wallet(
        &mut self,
        owner: &mut Party,
        amount: u128,
        limits: &[Value],
    ) -> anyhow::Result<String> {
        let id = fresh_name("wal");
        let body = json!({ "id": id, "owner": owner.id, "asset": ASSET, "limits": limits });
        owner.caller.make("/v1/wallets", &body)?;
        if amount != 0 {
            let from_world =
                json!({ "id": fresh_name("trf"), "from": "world", "to": id, "amount": money(amount) });
            self.operator.make("/v1/transfers", &from_world)?;
        }
        Ok(id)
    }

    /// A seller with a key, vouched for by the operator.
    pub(crate) fn payee(&mut self, category: &str) -> anyhow::Result<Party> {
        let (id, key) = (fresh_name("pye"), FreshKey::draw());
        let body = json!({
            "id": id, "asset": ASSET, "category": category, "provenance": "registry", "key": key.shown(),
        });
        self.operator.make("/v1/payees", &body)?;
        Ok(self.party(id, key))
    }

    /// A seller with a name, of whose takings the operator keeps so many millionths.
    pub(crate) fn named_payee(&mut self, category: &str, label: &str, fee_ppm: u32) -> anyhow::Result<Party> {
        let (id, key) = (fresh_name("pye"), FreshKey::draw());
        let body = json!({
            "id": id, "asset": ASSET, "category": category, "provenance": "registry", "key": key.shown(),
            "label": label, "fee_ppm": fee_ppm,
        });
        self.operator.make("/v1/payees", &body)?;
        Ok(self.party(id, key))
    }

    /// One more key of an agent.
    pub(crate) fn key_of(&mut self, owner: &mut Party, agent: &str) -> anyhow::Result<Party> {
        let key = FreshKey::draw();
        let mut body = key.shown();
        body["holder"] = json!(agent);
        owner.caller.make("/v1/keys", &body)?;
        Ok(self.party(agent.to_owned(), key))
    }

    /// An agent of a wallet.
    pub(crate) fn agent(
        &mut self,
        owner: &mut Party,
        wallet: &str,
        limits: &[Value],
    ) -> anyhow::Result<Party> {
        let (id, key) = (fresh_name("agt"), FreshKey::draw());
        let body = json!({ "id": id, "wallet": wallet, "limits": limits, "key": key.shown() });
        owner.caller.make("/v1/agents", &body)?;
        Ok(self.party(id, key))
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&mut self, seconds: u64) -> anyhow::Result<()> {
        let body = json!({ "seconds": seconds });
        let call = Call { method: "POST", target: "/v1/clock/advance", change: None, body: Some(&body) };
        self.operator.must(Auth::Signed, &call).map(drop)
    }

    /// What a wallet can spend and has set aside.
    pub(crate) fn wallet_has(&mut self, id: &str) -> anyhow::Result<(u128, u128)> {
        let wallet = self.operator.get(&format!("/v1/wallets/{id}"))?;
        Ok((amount(&wallet["available"])?, amount(&wallet["held"])?))
    }

    /// What a seller has.
    pub(crate) fn payee_has(&mut self, id: &str) -> anyhow::Result<u128> {
        amount(&self.operator.get(&format!("/v1/payees/{id}"))?["available"])
    }

    /// What came in from outside and is still here, and what of it are fees.
    pub(crate) fn circulation(&mut self) -> anyhow::Result<(u128, u128)> {
        let ours = self.asset()?;
        Ok((text_amount(&ours["in_circulation"])?, text_amount(&ours["fees"])?))
    }

    /// What is on its way to sellers' banks.
    pub(crate) fn in_transit(&mut self) -> anyhow::Result<u128> {
        text_amount(&self.asset()?["in_transit"])
    }

    fn asset(&mut self) -> anyhow::Result<Value> {
        let assets = self.operator.get("/v1/assets")?;
        let ours = assets["data"].as_array().into_iter().flatten().find(|asset| asset["asset"] == ASSET);
        ours.cloned().ok_or_else(|| anyhow::anyhow!("no asset {ASSET}: {assets}"))
    }

    fn party(&self, id: String, key: FreshKey) -> Party {
        let caller = Caller::new(self.server.address(), &key.id, SigningKey::ed25519(&key.seed));
        Party { id, key: key.id, seed: key.seed, caller }
    }
}

impl FreshKey {
    fn draw() -> FreshKey {
        FreshKey { id: fresh_name("key"), seed: rand::random() }
    }

    fn shown(&self) -> Value {
        let public_key = base64url::encode(SigningKey::ed25519(&self.seed).public().bytes());
        json!({ "id": self.id, "algorithm": "ed25519", "public_key": public_key })
    }
}

fn amount(money: &Value) -> anyhow::Result<u128> {
    anyhow::ensure!(money["asset"] == ASSET, "not an amount of {ASSET}: {money}");
    text_amount(&money["amount"])
}

fn text_amount(text: &Value) -> anyhow::Result<u128> {
    let amount = text.as_str().and_then(|text| text.parse().ok());
    amount.ok_or_else(|| anyhow::anyhow!("not an amount: {text}"))
}
