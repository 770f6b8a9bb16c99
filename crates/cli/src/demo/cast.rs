//! Who plays in a demonstration: an operator, an owner with a wallet, an agent with limits, and sellers.

use crate::client::{credentials, failed, new_key};
use crate::dev::first_wallet;
use crate::exit::{Failure, Outcome};
use sdk::{Auth, Client, Credentials};
use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use wire::account::{NewAgent, NewOwner, NewPayee, NewTransfer, NewWallet, Payee, Provenance};
use wire::limit::{Limit, Period, Window};
use wire::list::Page;
use wire::money::{AmountText, AssetText, Money};
use wire::{AgentId, OwnerId, PayeeId, TransferId, WalletId};

/// What the wallet begins with.
pub(crate) const BEGINNING: u128 = 1_000;
/// The most one payment of the agent may be.
pub(crate) const PER_PAYMENT: u128 = 50;
/// The most the agent may spend in a day.
pub(crate) const PER_DAY: u128 = 100;

/// The cast of one book.
#[derive(Debug)]
pub(crate) struct Cast {
    server: String,
    operator: Client,
    wallet: WalletId,
    agent: Client,
}

impl Cast {
    /// Everybody anew: keys in `root`, 10.00 CNY in the wallet, an agent that may spend 0.50 at once and 1.00 a day.
    pub(crate) async fn enrol(server: &str, root: &Path) -> Outcome<Cast> {
        let operator = client(server, credentials(&root.join("book"))?)?;
        let owner_file = root.join("owner.json");
        let key = new_key(&operator, &owner_file)?;
        let owner = OwnerId(operator.fresh_id());
        let new = NewOwner { id: owner, key, label: Some("Wen".to_owned()) };
        operator.add_owner(&new).await.map_err(failed)?;
        let wallet = WalletId(operator.fresh_id());
        let new = NewWallet {
            id: wallet,
            owner,
            asset: asset(),
            limits: Vec::new(),
            label: Some("Household".to_owned()),
        };
        operator.open_wallet(&new).await.map_err(failed)?;
        let fill = NewTransfer {
            id: TransferId(operator.fresh_id()),
            from: "world".to_owned(),
            to: wallet.to_string(),
            amount: money(BEGINNING),
        };
        operator.transfer(&fill).await.map_err(failed)?;
        // Who gives somebody else the right to spend has to be there for it: the owner signs this very request.
        let present = client(server, credentials(&owner_file)?)?;
        let agent_file = root.join("agent.json");
        let key = new_key(&present, &agent_file)?;
        let day = Window::Calendar { period: Period::Day, zone: "Asia/Shanghai".to_owned() };
        let limits = vec![
            Limit::PerPayment { max: money(PER_PAYMENT).amount },
            Limit::Window { window: day, max: money(PER_DAY).amount },
        ];
        let new = NewAgent {
            id: AgentId(present.fresh_id()),
            wallet,
            limits,
            key,
            label: Some("Assistant".to_owned()),
        };
        present.add_agent(&new).await.map_err(failed)?;
        let agent = client(server, credentials(&agent_file)?)?.with_auth(Auth::Session);
        Ok(Cast { server: server.to_owned(), operator, wallet, agent })
    }

    /// Those of an earlier life of this directory, or everybody anew.
    pub(crate) async fn of_developer(server: &str, root: &Path) -> Outcome<Cast> {
        let agent_file = root.join("agent.json");
        if !agent_file.exists() {
            return Cast::enrol(server, root).await;
        }
        let operator = client(server, credentials(&root.join("book"))?)?;
        let agent = client(server, credentials(&agent_file)?)?.with_auth(Auth::Session);
        let wallet =
            first_wallet(&operator).await?.ok_or_else(|| Failure::fault("the book has no wallet"))?;
        Ok(Cast { server: server.to_owned(), operator, wallet: wallet.id, agent })
    }

    pub(crate) fn wallet(&self) -> WalletId {
        self.wallet
    }

    /// The operator's client.
    pub(crate) fn operator(&self) -> &Client {
        &self.operator
    }

    /// The agent's client.
    pub(crate) fn agent(&self) -> &Client {
        &self.agent
    }

    /// What the wallet has.
    pub(crate) async fn left(&self) -> Outcome<u128> {
        Ok(self.agent.wallet(self.wallet).await.map_err(failed)?.available.amount.minor())
    }

    /// Registers a seller, and writes the configuration of its gateway: `price` CNY for every `GET` below `/`.
    pub(crate) async fn shop(
        &self,
        root: &Path,
        name: &str,
        price: &str,
        upstream: &str,
        at: SocketAddr,
    ) -> Outcome<PathBuf> {
        let key_file = root.join(format!("{name}-seller.json"));
        let payee = if key_file.exists() {
            self.payee_called(name).await?
        } else {
            register_seller(&self.operator, name, &key_file).await?
        };
        Shop { name, payee, price, server: &self.server, upstream, at }.write(root)
    }

    async fn payee_called(&self, name: &str) -> Outcome<PayeeId> {
        let page: Page<Payee> = self.operator.list("/v1/payees", 100, None).await.map_err(failed)?;
        let found = page.data.into_iter().find(|payee| payee.label.as_deref() == Some(name));
        found.map(|payee| payee.id).ok_or_else(|| Failure::fault(format!("the book has no payee `{name}`")))
    }
}

/// Registers a seller with a new key.
pub(crate) async fn register_seller(operator: &Client, name: &str, key_file: &Path) -> Outcome<PayeeId> {
    let key = new_key(operator, key_file)?;
    let id = PayeeId(operator.fresh_id());
    let new = NewPayee {
        id,
        owner: None,
        asset: asset(),
        category: "pages".to_owned(),
        provenance: Provenance::Registry,
        fee_ppm: 0,
        key: Some(key),
        label: Some(name.to_owned()),
    };
    operator.add_payee(&new).await.map_err(failed)?;
    Ok(id)
}

/// A gateway before a service.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Shop<'a> {
    pub(crate) name: &'a str,
    pub(crate) payee: PayeeId,
    /// In CNY, such as `0.30`.
    pub(crate) price: &'a str,
    pub(crate) server: &'a str,
    pub(crate) upstream: &'a str,
    pub(crate) at: SocketAddr,
}

impl Shop<'_> {
    /// Writes the gateway's configuration: the price is for every `GET`.
    pub(crate) fn write(&self, root: &Path) -> Outcome<PathBuf> {
        let Shop { name, payee, price, server, upstream, at } = self;
        let text = format!(
            "# What `{name}` sells, and for how much.\n\
             [seller]\nserver = \"{server}\"\npayee = \"{payee}\"\nkey_file = \"{name}-seller.json\"\n\
             network = \"toll:test\"\npublic_url = \"http://{at}\"\nasset = \"CNY/2\"\ndata = \"{name}-gateway\"\n\n\
             [upstream]\nurl = \"{upstream}\"\n\n\
             [[price]]\nmethod = \"GET\"\npath = \"/\"\namount = \"{price} CNY\"\ndescription = \"The list\"\n\n\
             [[price]]\nmethod = \"GET\"\npath = \"/*\"\namount = \"{price} CNY\"\ndescription = \"One page\"\n"
        );
        let path = root.join(format!("{name}-prices.toml"));
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// Signs each request.
fn client(server: &str, credentials: Credentials) -> Outcome<Client> {
    Ok(Client::new(server, credentials).map_err(Failure::usage)?.with_auth(Auth::Signed))
}

pub(crate) fn asset() -> AssetText {
    AssetText::new("CNY", 2).expect("CNY/2 is an asset")
}

pub(crate) fn money(minor: u128) -> Money {
    Money { amount: AmountText::new(minor).expect("the demonstration's amounts are small"), asset: asset() }
}
