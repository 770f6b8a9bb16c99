//! What a facilitator answers: whether an authorization would pay what is asked, and that it has, once.

use crate::config::{Config, Token};
use crate::limits::{ASKS_MAX, GAS_MAX, RECEIPT_POLL_MILLIS, RECEIPT_SECONDS_MAX, TURN_SECONDS_MAX};
use crate::node::{AsOf, Fault, Moved, Node, Receipt};
use crate::store::{Evidence, Kept, Key, State, Store};
use crate::transaction::{Settler, Transaction, transfer};
use protocols::evm::number::{Address, Chain, Uint256, hex};
use protocols::evm::{Ask, Reason};
use protocols::sabotage::{Sabotage, has};
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep, timeout};

/// The chains it serves, and what it has sent to them.
#[derive(Debug)]
pub struct Facilitator {
    networks: Vec<Network>,
    store: Store,
    /// What strangers ask at once.
    asks: Semaphore,
}

/// A chain that is served.
#[derive(Debug)]
struct Network {
    chain: Chain,
    node: Node,
    settler: Settler,
    confirmations: u64,
    fee_wei_max: u128,
    tokens: Vec<Served>,
    payees: Vec<Address>,
    /// Of one account, transactions are numbered and sent one after the other.
    turn: Semaphore,
}

/// A token that is served.
#[derive(Debug)]
struct Served {
    token: Token,
    /// Set once the chain has said that it is this token.
    is_known: OnceCell<()>,
}

/// Money that has moved.
#[derive(Clone, Debug)]
pub struct Settlement {
    pub transaction: [u8; 32],
    pub evidence: Evidence,
}

/// Why a payment does not count, or not yet; and the transaction that it is about, where there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    pub reason: Reason,
    pub transaction: Option<[u8; 32]>,
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Refused {
        Refused { reason, transaction: None }
    }
}

/// States something with a key: its name, and the signature.
pub type Sign<'a> = &'a (dyn Fn(&str) -> (String, String) + Sync);

/// What is asked, of which chain and token.
struct Asked<'a> {
    network: &'a Network,
    token: &'a Token,
    ask: &'a Ask,
    key: Key,
    call: Vec<u8>,
    _slot: SemaphorePermit<'a>,
}

/// What may still come of something that was sent.
enum Fate {
    /// The chain has it, or has it before it.
    Open,
    /// Nobody has heard of it, and it is still good.
    Lost,
    /// Another transaction has used the authorization.
    UsedElsewhere([u8; 32]),
    /// It moved nothing, and can move nothing any more.
    Over,
}

impl Facilitator {
    /// Serves what a configuration says, and keeps what it sends in this file.
    ///
    /// # Errors
    /// In words.
    pub fn open(config: Config, path: &std::path::Path) -> Result<Facilitator, String> {
        let store = Store::open(path).map_err(|fault| format!("`{}`: {fault}", path.display()))?;
        let mut networks = Vec::new();
        for it in config.networks {
            let served = |token| Served { token, is_known: OnceCell::new() };
            networks.push(Network {
                chain: it.chain,
                node: Node::new(it.rpc).map_err(|fault| fault.to_string())?,
                settler: it.settler,
                confirmations: it.confirmations,
                fee_wei_max: it.fee_wei_max,
                tokens: it.tokens.into_iter().map(served).collect(),
                payees: it.payees,
                turn: Semaphore::new(ONE),
            });
        }
        Ok(Facilitator { networks, store, asks: Semaphore::new(ASKS_MAX) })
    }

    /// Each chain with its tokens, and the account that sends.
    pub fn served(&self) -> impl Iterator<Item = (Chain, Address, Vec<&Token>)> {
        self.networks.iter().map(|network| {
            let tokens = network.tokens.iter().map(|served| &served.token).collect();
            (network.chain, network.settler.address(), tokens)
        })
    }

    /// Says whether an authorization would pay what is asked, at this time in seconds since 1970. Nothing moves.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn verify(&self, ask: &Ask, now: u64) -> Result<(), Refused> {
        let asked = self.asked(ask).await?;
        match self.kept(&asked.key, Reason::VerifyUnknown)? {
            // What was sent was good when it was sent: what became of it is said when it is settled.
            Some(kept) if kept.state == State::Sent => Ok(()),
            Some(kept) if kept.state == State::Settled && !has(Sabotage::AnyTime) => {
                Err(about(Reason::Used, &kept))
            }
            Some(kept) if kept.state == State::Settled => Ok(()),
            Some(_) | None => Ok(asked.check(now).await?),
        }
    }

    /// Moves the money, once, and waits until the chain has it, or says that it does not know yet.
    ///
    /// # Errors
    /// [`Refused`]. With [`Reason::Pending`], ask again.
    pub async fn settle(&self, ask: &Ask, now: u64, sign: Sign<'_>) -> Result<Settlement, Refused> {
        let until = Instant::now() + Duration::from_secs(RECEIPT_SECONDS_MAX);
        // Before anything else, so that nothing that was sent is called unsent, whatever is not to be had now.
        let before = self.kept(&key_of(ask), Reason::Pending)?;
        let asked = self.asked(ask).await.map_err(|reason| match &before {
            Some(kept) if reason == Reason::VerifyUnknown && kept.state == State::Sent => {
                about(Reason::Pending, kept)
            }
            Some(_) | None => settling(reason).into(),
        })?;
        match before {
            Some(kept) if kept.state == State::Sent => match asked.fate(&kept).await {
                Ok(Fate::Open) => return self.wait(&asked, &kept, until, sign).await,
                Ok(Fate::Lost) => {
                    asked.hand_over(&kept).await?;
                    return self.wait(&asked, &kept, until, sign).await;
                }
                Ok(Fate::UsedElsewhere(other)) => {
                    self.give_up(&asked, &kept)?;
                    return Err(Refused { reason: Reason::Used, transaction: Some(other) });
                }
                Ok(Fate::Over) => self.give_up(&asked, &kept)?,
                Err(fault) => return Err(asked.unknown(&kept, &fault)),
            },
            Some(kept) if kept.state == State::Settled => {
                if has(Sabotage::AnyTime) {
                    let evidence = asked.state(kept.signed.hash, kept.since_block, sign);
                    return Ok(Settlement { transaction: kept.signed.hash, evidence });
                }
                return Err(about(Reason::Used, &kept));
            }
            Some(_) | None => {}
        }
        let checked = asked.check(now).await;
        let kept = match (checked, self.begun(&asked.key)?) {
            (Ok(()) | Err(_), Some(kept)) => kept,
            (Ok(()), None) => self.send(&asked).await?,
            (Err(reason), None) => return Err(settling(reason).into()),
        };
        self.wait(&asked, &kept, until, sign).await
    }

    /// What can be said of an ask without any block: whether it is of a token that is served, and pays what is asked.
    async fn asked<'a>(&'a self, ask: &'a Ask) -> Result<Asked<'a>, Reason> {
        let domain = &ask.requirements.domain;
        let network = self.networks.iter().find(|network| network.chain == domain.chain);
        let network = network.ok_or(Reason::Network)?;
        let served = network.tokens.iter().find(|served| served.token.domain.token == domain.token);
        let served = served.ok_or(Reason::Token)?;
        if served.token.domain.name != domain.name {
            return Err(Reason::Name);
        }
        if served.token.domain.version != domain.version {
            return Err(Reason::TokenVersion);
        }
        ask.check()?;
        if !network.payees.contains(&ask.requirements.pay_to)
            || ask.authorization.value < served.token.amount_min
        {
            return Err(Reason::Requirements);
        }
        let slot = self.asks.try_acquire().map_err(|_| Reason::VerifyUnknown)?;
        let known = served.is_known.get_or_try_init(|| network.know(&served.token)).await;
        known.map_err(|words| {
            tracing::warn!(chain = %network.chain, token = %domain.token, words, "a token is not served");
            Reason::VerifyUnknown
        })?;
        let call = transfer(&ask.authorization, &ask.signature);
        let key = key_of(ask);
        Ok(Asked { network, token: &served.token, ask, key, call, _slot: slot })
    }

    /// What was sent for this authorization before.
    fn kept(&self, key: &Key, unknown: Reason) -> Result<Option<Kept>, Reason> {
        let found = self.store.find(key).map_err(|fault| failing(&fault, unknown))?;
        Ok(found.filter(|_| !has(Sabotage::Forgets)))
    }

    /// What somebody began who asked at the same time, and is not over.
    fn begun(&self, key: &Key) -> Result<Option<Kept>, Reason> {
        Ok(self.kept(key, Reason::Pending)?.filter(|kept| kept.state != State::Over))
    }

    fn give_up(&self, asked: &Asked<'_>, kept: &Kept) -> Result<(), Refused> {
        let given_up = self.store.give_up(&asked.key, kept.signed.hash);
        given_up.map_err(|fault| Refused {
            reason: failing(&fault, Reason::Pending),
            ..about(Reason::Pending, kept)
        })
    }

    /// Writes down a transaction, and sends it.
    async fn send(&self, asked: &Asked<'_>) -> Result<Kept, Refused> {
        let Asked { network, token, ask, key, call, .. } = asked;
        let turn = timeout(Duration::from_secs(TURN_SECONDS_MAX), network.turn.acquire()).await;
        let Ok(Ok(_turn)) = turn else { return Err(Reason::SettleUnknown.into()) };
        if let Some(kept) = self.begun(key)? {
            return Ok(kept);
        }
        let (by, contract) = (network.settler.address(), token.domain.token);
        let prepared = tokio::try_join!(
            network.node.account_nonce(by, AsOf::Pending),
            network.node.gas(by, contract, call),
            network.node.latest(),
            network.node.tip_wei(),
        );
        let (account_nonce, gas, latest, tip_wei) =
            prepared.map_err(|fault| reason_of(&fault, Reason::SettleUnknown))?;
        let gas = gas.saturating_add(gas / 4);
        if GAS_MAX < gas {
            return Err(Reason::Simulation.into());
        }
        let Some(fee_wei) = fee(network.fee_wei_max, latest.base_fee_wei, tip_wei) else {
            tracing::warn!(chain = %network.chain, base = latest.base_fee_wei, tip_wei, "gas is dearer than allowed");
            return Err(Reason::SettleUnknown.into());
        };
        let chain = network.chain;
        let data = call.clone();
        let transaction = Transaction { chain, account_nonce, tip_wei, fee_wei, gas, to: contract, data };
        let signed = transaction.sign(&network.settler);
        let kept = Kept { state: State::Sent, signed, account_nonce, since_block: latest.number };
        let whom = (ask.authorization.to, ask.authorization.value);
        let is_first =
            self.store.begin(key, whom, &kept).map_err(|fault| failing(&fault, Reason::SettleUnknown))?;
        // Of one process nobody else gets here in this turn; what another has begun is the other's to send.
        if !is_first {
            return Err(Reason::Pending.into());
        }
        asked.hand_over(&kept).await?;
        Ok(kept)
    }

    /// Waits until the chain has a transaction with as many blocks on it as the operator wants.
    async fn wait(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        until: Instant,
        sign: Sign<'_>,
    ) -> Result<Settlement, Refused> {
        loop {
            match asked.buried(kept).await {
                Ok(Some(receipt)) => return self.conclude(asked, kept, receipt, sign).await,
                Ok(None) if Instant::now() < until => sleep(Duration::from_millis(RECEIPT_POLL_MILLIS)).await,
                Ok(None) => return Err(about(Reason::Pending, kept)),
                Err(fault) if until <= Instant::now() => return Err(asked.unknown(kept, &fault)),
                Err(_) => sleep(Duration::from_millis(RECEIPT_POLL_MILLIS)).await,
            }
        }
    }

    async fn conclude(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        receipt: Receipt,
        sign: Sign<'_>,
    ) -> Result<Settlement, Refused> {
        let transaction = kept.signed.hash;
        match receipt.moved {
            Moved::Yes => {}
            Moved::No => {
                // Anybody may send an authorization, and who was first has moved the money.
                let used =
                    asked.used(kept, AsOf::Latest).await.map_err(|fault| asked.unknown(kept, &fault))?;
                self.give_up(asked, kept)?;
                return Err(match used {
                    Some(transaction) => Refused { reason: Reason::Used, transaction },
                    None => about(Reason::Failed, kept),
                });
            }
            Moved::Unsaid => {
                let transaction = hex(&transaction);
                tracing::error!(transaction, "a token took an authorization and says nothing of a transfer");
                return Err(about(Reason::Pending, kept));
            }
        }
        let evidence = asked.state(transaction, receipt.block, sign);
        let settled = self.store.settle(&asked.key, transaction, (receipt.block, &evidence));
        let is_first = settled.map_err(|fault| Refused {
            reason: failing(&fault, Reason::Pending),
            ..about(Reason::Pending, kept)
        })?;
        if !is_first {
            return Err(about(Reason::Used, kept));
        }
        let (chain, transaction_text) = (asked.network.chain, hex(&transaction));
        tracing::info!(%chain, transaction = transaction_text, block = receipt.block, "a payment is settled");
        Ok(Settlement { transaction, evidence })
    }
}

/// One at a time.
const ONE: usize = 1;

impl Network {
    /// Whether this is the chain, and the token is what the operator says: it tells its signatures from others as he does.
    async fn know(&self, token: &Token) -> Result<(), String> {
        let words = |fault: Fault| fault.to_string();
        let contract = token.domain.token;
        let (chain, has_code) = (self.node.chain(), self.node.has_code(contract));
        let (chain, has_code) = tokio::try_join!(chain, has_code).map_err(words)?;
        if chain != Some(self.chain) {
            return Err("the node is of another chain".to_owned());
        }
        if !has_code {
            return Err("there is no contract at this address".to_owned());
        }
        if self.node.separator(contract).await.map_err(words)? != token.domain.separator() {
            return Err("its name, version or chain is another: `DOMAIN_SEPARATOR` differs".to_owned());
        }
        Ok(())
    }
}

impl Asked<'_> {
    /// Whether the chain, as it is, would take it now.
    async fn check(&self, now: u64) -> Result<(), Reason> {
        let Asked { network, token, ask, call, .. } = self;
        ask.authorization.check_time(now)?;
        let (node, by) = (&network.node, network.settler.address());
        let (is_used, balance, rehearsed) = tokio::join!(
            node.is_used(token, &ask.authorization, AsOf::Latest),
            node.balance(token, ask.authorization.from),
            node.rehearse(by, token.domain.token, call),
        );
        let unknown = |fault: Fault| {
            tracing::warn!(chain = %network.chain, %fault, "an authorization cannot be checked");
            Reason::VerifyUnknown
        };
        if is_used.map_err(unknown)? {
            return Err(Reason::Used);
        }
        if balance.map_err(unknown)? < ask.authorization.value {
            return Err(Reason::Balance);
        }
        rehearsed.map_err(|fault| reason_of(&fault, Reason::VerifyUnknown))
    }

    /// What may still come of what was sent. What is concluded of the chain is of one block, so that nodes which are not
    /// equally far cannot contradict each other unnoticed.
    async fn fate(&self, kept: &Kept) -> Result<Fate, Fault> {
        let Asked { network, token, ask, .. } = self;
        let (node, it, hash) = (&network.node, &ask.authorization, kept.signed.hash);
        if node.receipt(hash, token, it).await?.is_some() || node.knows(hash).await? {
            return Ok(Fate::Open);
        }
        let latest = node.latest().await?;
        let as_of = AsOf::Block(latest.number);
        if let Some(by) = self.used(kept, as_of).await? {
            return Ok(match by {
                Some(other) if other != hash => Fate::UsedElsewhere(other),
                Some(_) | None => Fate::Open,
            });
        }
        let sent = node.account_nonce(network.settler.address(), as_of).await?;
        let is_late = it.valid_before <= Uint256::from(latest.timestamp);
        Ok(if is_late || kept.account_nonce < sent { Fate::Over } else { Fate::Lost })
    }

    /// Whether the authorization was used, and by which transaction, where the node says.
    async fn used(&self, kept: &Kept, as_of: AsOf) -> Result<Option<Option<[u8; 32]>>, Fault> {
        let Asked { network: Network { node, .. }, token, ask, .. } = self;
        if !node.is_used(token, &ask.authorization, as_of).await? {
            return Ok(None);
        }
        Ok(Some(node.used_by(token, &ask.authorization, kept.since_block).await?))
    }

    /// What came of a transaction that has as many blocks on it as the operator wants.
    async fn buried(&self, kept: &Kept) -> Result<Option<Receipt>, Fault> {
        let node = &self.network.node;
        let receipt = node.receipt(kept.signed.hash, self.token, &self.ask.authorization).await?;
        let Some(receipt) = receipt else { return Ok(None) };
        if self.network.confirmations == 1 {
            return Ok(Some(receipt));
        }
        let last = receipt.block.saturating_add(self.network.confirmations - 1);
        Ok((last <= node.latest().await?.number).then_some(receipt))
    }

    /// Hands a transaction to the chain. What came of it only the chain says; but where the node says no and has not heard
    /// of it, nobody waits.
    async fn hand_over(&self, kept: &Kept) -> Result<(), Refused> {
        let (node, signed) = (&self.network.node, &kept.signed);
        let Err(fault) = node.send(signed).await else { return Ok(()) };
        let (chain, transaction) = (self.network.chain, hex(&signed.hash));
        tracing::warn!(%chain, transaction, %fault, "the node did not say that it took a transaction");
        let is_known = match fault {
            Fault::Refused(_) | Fault::Reverted(_) => node.knows(signed.hash).await,
            Fault::Unreachable(_) | Fault::Malformed(_) => return Ok(()),
        };
        match is_known {
            Ok(false) => Err(about(Reason::Pending, kept)),
            Ok(true) | Err(_) => Ok(()),
        }
    }

    /// What is stated of money that has moved.
    fn state(&self, transaction: [u8; 32], block: u64, sign: Sign<'_>) -> Evidence {
        let statement = protocols::evm::statement(self.ask, transaction, block);
        let (key, signature) = sign(&statement);
        Evidence { statement, key, signature }
    }

    fn unknown(&self, kept: &Kept, fault: &Fault) -> Refused {
        tracing::warn!(chain = %self.network.chain, transaction = hex(&kept.signed.hash), %fault, "nobody knows yet");
        about(Reason::Pending, kept)
    }
}

/// What a unit of gas may cost: twice what a block asks now, so that it is still enough some blocks later; none where that
/// is dearer than allowed.
fn fee(wei_max: u128, base_wei: u128, tip_wei: u128) -> Option<u128> {
    let now = base_wei.checked_add(tip_wei)?;
    (now <= wei_max).then(|| now.saturating_add(base_wei).min(wei_max))
}

fn about(reason: Reason, kept: &Kept) -> Refused {
    Refused { reason, transaction: Some(kept.signed.hash) }
}

fn key_of(ask: &Ask) -> Key {
    Key::of(&ask.requirements.domain, &ask.authorization)
}

/// The token's no is known; anything else is not.
fn reason_of(fault: &Fault, unknown: Reason) -> Reason {
    match fault {
        Fault::Reverted(_) => Reason::Simulation,
        Fault::Unreachable(_) | Fault::Malformed(_) | Fault::Refused(_) => unknown,
    }
}

fn failing(fault: &dyn std::error::Error, reason: Reason) -> Reason {
    tracing::error!(%fault, "what was sent to chains cannot be read or written");
    reason
}

/// What could not be checked was not settled.
fn settling(reason: Reason) -> Reason {
    if reason == Reason::VerifyUnknown { Reason::SettleUnknown } else { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_paid_for_gas_than_allowed() {
        for (wei_max, base_wei, tip_wei, pays) in [
            (100, 10, 1, Some(21)),
            (100, 49, 2, Some(100)),
            (100, 99, 1, Some(100)),
            (100, 99, 2, None),
            (100, 0, 101, None),
            (100, u128::MAX, 1, None),
            (u128::MAX, u128::MAX - 1, 1, Some(u128::MAX)),
        ] {
            assert_eq!(fee(wei_max, base_wei, tip_wei), pays, "{wei_max} {base_wei} {tip_wei}");
        }
    }

    #[test]
    fn only_the_tokens_no_is_known() {
        for (fault, reason) in [
            (Fault::Reverted("no".to_owned()), Reason::Simulation),
            (Fault::Refused("busy".to_owned()), Reason::SettleUnknown),
            (Fault::Unreachable("gone".to_owned()), Reason::SettleUnknown),
            (Fault::Malformed("eth_call"), Reason::SettleUnknown),
        ] {
            assert_eq!(reason_of(&fault, Reason::SettleUnknown), reason);
        }
        assert_eq!(settling(Reason::VerifyUnknown), Reason::SettleUnknown);
        assert_eq!(settling(Reason::Used), Reason::Used);
    }
}
