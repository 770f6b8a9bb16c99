//! The registry: finding owners, wallets, payees, agents, mandates, keys and assets.

use crate::views::ViewsFault;
use crate::views::batch::balance;
use crate::views::reader::{Page, View};
use crate::views::rows::{
    AgentRow, AssetRow, BookRow, KeyRow, MandateRow, OwnerRow, PayeeRow, Spent, SubAccount, WalletRow,
};
use crate::views::said::{ChangeRow, ObservationRow};
use crate::views::stored::{Canonical, Columns, stored};
use crate::views::total::Total;
use book::open::Balance;
use book::{
    Actor, AgentId, Amount, Asset, Code, KeyHolder, KeyId, Limit, MandateId, OwnerId, PartsPerMillion,
    PayeeId, Provenance, PublicKeyBytes, Seq, WalletId,
};
use rusqlite::Result;
use rusqlite::types::FromSqlError;

macro_rules! select_wallet {
    ($rest:literal) => {
        concat!(
            "SELECT w.seq, w.at, w.id, w.owner, w.asset, a.scale, w.status, w.parent, w.agent, w.limits, w.version,
             s.debits, s.credits, s.held, s.spent, s.uses
             FROM wallets w JOIN assets a ON a.code = w.asset JOIN standings s ON s.seq = w.seq",
            $rest
        )
    };
}

macro_rules! select_payee {
    ($rest:literal) => {
        concat!(
            "SELECT p.seq, p.at, p.id, p.owner, p.asset, a.scale, p.status, p.category, p.provenance, p.fee,
             s.debits, s.credits, s.held
             FROM payees p JOIN assets a ON a.code = p.asset JOIN standings s ON s.seq = p.seq",
            $rest
        )
    };
}

macro_rules! select_agent {
    ($rest:literal) => {
        concat!(
            "SELECT g.seq, g.at, g.id, g.wallet, w.owner, g.status, g.limits, g.version, s.spent, s.uses
             FROM agents g JOIN wallets w ON w.id = g.wallet JOIN standings s ON s.seq = g.seq",
            $rest
        )
    };
}

macro_rules! select_mandate {
    ($rest:literal) => {
        concat!(
            "SELECT m.seq, m.at, m.id, m.wallet, w.owner, m.agent, m.status, m.valid_from, m.expires_at, m.document,
             m.limits, m.version, m.inherited_spent, m.inherited_uses, s.spent, s.uses, m.parent, m.depth,
             (SELECT max(c.seq) FROM changes c WHERE c.mandate = m.id)
             FROM mandates m JOIN wallets w ON w.id = m.wallet JOIN standings s ON s.seq = m.seq",
            $rest
        )
    };
}

macro_rules! select_observation {
    ($rest:literal) => {
        concat!("SELECT o.seq, o.at, o.payee, o.item, o.price, o.asset, o.stock FROM observations o", $rest)
    };
}

macro_rules! select_key {
    ($rest:literal) => {
        concat!("SELECT k.seq, k.at, k.id, k.holder, k.public_key, k.revoked FROM keys k", $rest)
    };
}

impl View {
    /// What kind of book this is; none before it was opened.
    pub fn book(&self) -> Result<Option<BookRow>, ViewsFault> {
        self.find("SELECT at, test, retention FROM opened", &[], |columns| {
            Ok(BookRow { at: columns.next()?, test: columns.next()?, retention_seconds: columns.next()? })
        })
    }

    /// The assets, in the order they were registered.
    pub fn assets(&self) -> Result<Vec<AssetRow>, ViewsFault> {
        self.all(
            "SELECT seq, at, code, scale, world_debits, world_credits, fees_debits, fees_credits,
             transit_debits, transit_credits FROM assets ORDER BY seq",
            &[],
            |columns| {
                Ok(AssetRow {
                    seq: columns.next()?,
                    at: columns.next()?,
                    asset: asset(columns)?,
                    world: balance(columns.next()?, columns.next()?),
                    fees: balance(columns.next()?, columns.next()?),
                    transit: balance(columns.next()?, columns.next()?),
                })
            },
        )
    }

    /// The asset with that code.
    pub fn asset(&self, code: Code) -> Result<Option<Asset>, ViewsFault> {
        self.find("SELECT code, scale FROM assets WHERE code = ?1", stored![code], asset)
    }

    /// An owner.
    pub fn owner(&self, id: OwnerId) -> Result<Option<OwnerRow>, ViewsFault> {
        self.find("SELECT seq, at, id, status FROM owners WHERE id = ?1", stored![id], owner)
    }

    /// All owners.
    pub fn owners(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<OwnerRow>, ViewsFault> {
        let query = "SELECT seq, at, id, status FROM owners WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2";
        self.page(query, None, cursor, limit, owner, |row| row.seq)
    }

    /// A key, revoked or not.
    pub fn key(&self, id: KeyId) -> Result<Option<KeyRow>, ViewsFault> {
        self.find(select_key!(" WHERE id = ?1"), stored![id], key)
    }

    /// All keys, revoked or not.
    pub fn keys(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<KeyRow>, ViewsFault> {
        let query = select_key!(" WHERE seq <= ?1 ORDER BY seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, key, |row| row.seq)
    }

    /// The keys that speak or spoke for somebody, newest first, up to `limit`.
    pub fn keys_of(&self, holder: KeyHolder, limit: usize) -> Result<Vec<KeyRow>, ViewsFault> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let query = select_key!(" WHERE holder = ?1 ORDER BY seq DESC LIMIT ?2");
        self.all(query, stored![Canonical(holder), limit], key)
    }

    /// A wallet or sub-account.
    pub fn wallet(&self, id: WalletId) -> Result<Option<WalletRow>, ViewsFault> {
        self.find(select_wallet!(" WHERE w.id = ?1"), stored![id], wallet)
    }

    /// All wallets and sub-accounts.
    pub fn wallets(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<WalletRow>, ViewsFault> {
        let query = select_wallet!(" WHERE w.seq <= ?1 ORDER BY w.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, wallet, |row| row.seq)
    }

    /// An owner's wallets and sub-accounts.
    pub fn wallets_of(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<WalletRow>, ViewsFault> {
        let query = select_wallet!(" WHERE w.owner = ?3 AND w.seq <= ?1 ORDER BY w.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, wallet, |row| row.seq)
    }

    /// A wallet's sub-accounts.
    pub fn sub_accounts_of(
        &self,
        parent: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<WalletRow>, ViewsFault> {
        let query = select_wallet!(" WHERE w.parent = ?3 AND w.seq <= ?1 ORDER BY w.seq DESC LIMIT ?2");
        self.page(query, Some(parent.0), cursor, limit, wallet, |row| row.seq)
    }

    /// A payee.
    pub fn payee(&self, id: PayeeId) -> Result<Option<PayeeRow>, ViewsFault> {
        self.find(select_payee!(" WHERE p.id = ?1"), stored![id], payee)
    }

    /// All payees.
    pub fn payees(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<PayeeRow>, ViewsFault> {
        let query = select_payee!(" WHERE p.seq <= ?1 ORDER BY p.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, payee, |row| row.seq)
    }

    /// An owner's payees.
    pub fn payees_of(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<PayeeRow>, ViewsFault> {
        let query = select_payee!(" WHERE p.owner = ?3 AND p.seq <= ?1 ORDER BY p.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, payee, |row| row.seq)
    }

    /// An agent.
    pub fn agent(&self, id: AgentId) -> Result<Option<AgentRow>, ViewsFault> {
        self.find(select_agent!(" WHERE g.id = ?1"), stored![id], agent)
    }

    /// All agents.
    pub fn agents(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<AgentRow>, ViewsFault> {
        let query = select_agent!(" WHERE g.seq <= ?1 ORDER BY g.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, agent, |row| row.seq)
    }

    /// A wallet's agents.
    pub fn agents_of(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<AgentRow>, ViewsFault> {
        let query = select_agent!(" WHERE g.wallet = ?3 AND g.seq <= ?1 ORDER BY g.seq DESC LIMIT ?2");
        self.page(query, Some(wallet.0), cursor, limit, agent, |row| row.seq)
    }

    /// The agents of an owner's wallets.
    pub fn agents_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<AgentRow>, ViewsFault> {
        let query = select_agent!(" WHERE w.owner = ?3 AND g.seq <= ?1 ORDER BY g.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, agent, |row| row.seq)
    }

    /// A mandate.
    pub fn mandate(&self, id: MandateId) -> Result<Option<MandateRow>, ViewsFault> {
        self.find(select_mandate!(" WHERE m.id = ?1"), stored![id], mandate)
    }

    /// All mandates.
    pub fn mandates(&self, cursor: Option<Seq>, limit: usize) -> Result<Page<MandateRow>, ViewsFault> {
        let query = select_mandate!(" WHERE m.seq <= ?1 ORDER BY m.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, mandate, |row| row.seq)
    }

    /// The mandates that a wallet's money may be spent under.
    pub fn mandates_of_wallet(
        &self,
        wallet: WalletId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<MandateRow>, ViewsFault> {
        let query = select_mandate!(" WHERE m.wallet = ?3 AND m.seq <= ?1 ORDER BY m.seq DESC LIMIT ?2");
        self.page(query, Some(wallet.0), cursor, limit, mandate, |row| row.seq)
    }

    /// The mandates that the money of an owner's wallets may be spent under.
    pub fn mandates_of_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<MandateRow>, ViewsFault> {
        let query = select_mandate!(" WHERE w.owner = ?3 AND m.seq <= ?1 ORDER BY m.seq DESC LIMIT ?2");
        self.page(query, Some(owner.0), cursor, limit, mandate, |row| row.seq)
    }

    /// An agent's mandates.
    pub fn mandates_of_agent(
        &self,
        agent: AgentId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<MandateRow>, ViewsFault> {
        let query = select_mandate!(" WHERE m.agent = ?3 AND m.seq <= ?1 ORDER BY m.seq DESC LIMIT ?2");
        self.page(query, Some(agent.0), cursor, limit, mandate, |row| row.seq)
    }

    /// What stopped a mandate, and what let it go on.
    pub fn changes_of_mandate(
        &self,
        mandate: MandateId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<ChangeRow>, ViewsFault> {
        const QUERY: &str =
            "SELECT c.seq, c.status, d.at, d.actor FROM changes c JOIN decisions d ON d.seq = c.seq
             WHERE c.mandate = ?3 AND c.seq <= ?1 ORDER BY c.seq DESC LIMIT ?2";
        self.page(QUERY, Some(mandate.0), cursor, limit, change, |row| row.seq)
    }

    /// The latest word of every seller on every item.
    pub fn observations(
        &self,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<ObservationRow>, ViewsFault> {
        let query = select_observation!(" WHERE o.seq <= ?1 ORDER BY o.seq DESC LIMIT ?2");
        self.page(query, None, cursor, limit, observation, |row| row.seq)
    }

    /// The latest word of one seller on every item.
    pub fn observations_of_payee(
        &self,
        payee: PayeeId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<ObservationRow>, ViewsFault> {
        let query = select_observation!(" WHERE o.payee = ?3 AND o.seq <= ?1 ORDER BY o.seq DESC LIMIT ?2");
        self.page(query, Some(payee.0), cursor, limit, observation, |row| row.seq)
    }

    /// The latest word on what an agent's mandates wait for.
    pub fn observations_for_agent(
        &self,
        agent: AgentId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<ObservationRow>, ViewsFault> {
        let query = select_observation!(
            " WHERE o.seq <= ?1 AND o.seq IN (SELECT n.seq FROM mandates m JOIN watches t ON t.mandate = m.id
             JOIN observations n ON n.payee = t.payee AND n.item = t.item WHERE m.agent = ?3)
             ORDER BY o.seq DESC LIMIT ?2"
        );
        self.page(query, Some(agent.0), cursor, limit, observation, |row| row.seq)
    }

    /// The latest word on what the mandates of an owner's wallets wait for.
    pub fn observations_for_owner(
        &self,
        owner: OwnerId,
        cursor: Option<Seq>,
        limit: usize,
    ) -> Result<Page<ObservationRow>, ViewsFault> {
        let query = select_observation!(
            " WHERE o.seq <= ?1 AND o.seq IN (SELECT n.seq FROM wallets w JOIN mandates m ON m.wallet = w.id
             JOIN watches t ON t.mandate = m.id
             JOIN observations n ON n.payee = t.payee AND n.item = t.item WHERE w.owner = ?3)
             ORDER BY o.seq DESC LIMIT ?2"
        );
        self.page(query, Some(owner.0), cursor, limit, observation, |row| row.seq)
    }

    /// Where all money is, asset by asset. Reads every account.
    pub fn totals(&self) -> Result<Vec<Total>, ViewsFault> {
        let mut totals: Vec<Total> = self
            .assets()?
            .iter()
            .map(|row| Total {
                asset: row.asset,
                wallets: 0,
                held: 0,
                payees: 0,
                fees: net(row.fees),
                transit: net(row.transit),
                world: net(row.world),
            })
            .collect();
        let mut statement = self.connection().prepare_cached(
            "SELECT w.asset, 1, s.debits, s.credits, s.held FROM wallets w JOIN standings s ON s.seq = w.seq
             UNION ALL
             SELECT p.asset, 0, s.debits, s.credits, s.held FROM payees p JOIN standings s ON s.seq = p.seq",
        )?;
        let mut rows = statement.query(())?;
        while let Some(row) = rows.next()? {
            let mut columns = Columns::of(row);
            let code: Code = columns.next()?;
            let is_wallet: bool = columns.next()?;
            let balance = money(&mut columns)?;
            let Some(total) = totals.iter_mut().find(|total| total.asset.code == code) else {
                continue;
            };
            let sum = if is_wallet { &mut total.wallets } else { &mut total.payees };
            *sum = sum.saturating_add(net(balance));
            total.held = total.held.saturating_add(signed(balance.held));
        }
        Ok(totals)
    }
}

fn signed(amount: Amount) -> i128 {
    i128::try_from(amount.minor()).expect("AMOUNT_MAX fits")
}

fn net(balance: Balance) -> i128 {
    signed(balance.credits).saturating_sub(signed(balance.debits))
}

fn asset(columns: &mut Columns<'_>) -> Result<Asset> {
    let (code, scale) = (columns.next()?, columns.next()?);
    Asset::new(code, scale).ok_or_else(|| FromSqlError::InvalidType.into())
}

fn money(columns: &mut Columns<'_>) -> Result<Balance> {
    Ok(Balance { debits: columns.next()?, credits: columns.next()?, held: columns.next()? })
}

fn spent(columns: &mut Columns<'_>) -> Result<Spent> {
    Ok(Spent { amount: columns.next()?, uses: columns.next()? })
}

fn limits(columns: &mut Columns<'_>) -> Result<Vec<Limit>> {
    Ok(columns.next::<Canonical<Vec<Limit>>>()?.0)
}

fn owner(columns: &mut Columns<'_>) -> Result<OwnerRow> {
    Ok(OwnerRow { seq: columns.next()?, at: columns.next()?, id: columns.next()?, status: columns.next()? })
}

fn key(columns: &mut Columns<'_>) -> Result<KeyRow> {
    Ok(KeyRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        holder: columns.next::<Canonical<KeyHolder>>()?.0,
        public_key: columns.next::<Canonical<PublicKeyBytes>>()?.0,
        revoked: columns.next()?,
    })
}

fn wallet(columns: &mut Columns<'_>) -> Result<WalletRow> {
    Ok(WalletRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        owner: columns.next()?,
        asset: asset(columns)?,
        status: columns.next()?,
        sub: match (columns.next()?, columns.next()?) {
            (Some(parent), Some(agent)) => Some(SubAccount { parent, agent }),
            (None, _) | (_, None) => None,
        },
        limits: limits(columns)?,
        version: columns.next()?,
        balance: money(columns)?,
        spent: spent(columns)?,
    })
}

fn payee(columns: &mut Columns<'_>) -> Result<PayeeRow> {
    Ok(PayeeRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        owner: columns.next()?,
        asset: asset(columns)?,
        status: columns.next()?,
        category: columns.next()?,
        provenance: columns.next::<Canonical<Provenance>>()?.0,
        fee: columns.next::<Canonical<PartsPerMillion>>()?.0,
        balance: money(columns)?,
    })
}

fn agent(columns: &mut Columns<'_>) -> Result<AgentRow> {
    Ok(AgentRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        wallet: columns.next()?,
        owner: columns.next()?,
        status: columns.next()?,
        limits: limits(columns)?,
        version: columns.next()?,
        spent: spent(columns)?,
    })
}

fn mandate(columns: &mut Columns<'_>) -> Result<MandateRow> {
    Ok(MandateRow {
        seq: columns.next()?,
        at: columns.next()?,
        id: columns.next()?,
        wallet: columns.next()?,
        owner: columns.next()?,
        agent: columns.next()?,
        status: columns.next()?,
        valid_from: columns.next()?,
        expires_at: columns.next()?,
        document: columns.next()?,
        limits: limits(columns)?,
        version: columns.next()?,
        inherited: spent(columns)?,
        spent: spent(columns)?,
        parent: columns.next()?,
        depth: columns.next()?,
        changed: columns.next()?,
    })
}

fn observation(columns: &mut Columns<'_>) -> Result<ObservationRow> {
    Ok(ObservationRow {
        seq: columns.next()?,
        at: columns.next()?,
        payee: columns.next()?,
        item: columns.next()?,
        price: columns.next()?,
        asset: columns.next()?,
        stock: columns.next()?,
    })
}

fn change(columns: &mut Columns<'_>) -> Result<ChangeRow> {
    Ok(ChangeRow {
        seq: columns.next()?,
        status: columns.next()?,
        at: columns.next()?,
        by: columns.next::<Canonical<Actor>>()?.0,
    })
}
