//! What a facilitator answers: whether an authorization would pay what is asked, and that it has, once.
//!
//! Reading order: this file for what is asked and sent, [`pending`] for what becomes of what was sent, [`rounds`] for who
//! looks at that where nobody asks, [`fees`] for what gas may cost.

mod fees;
mod pending;
mod rounds;

use crate::config::{Config, Token};
use crate::limits::{ASKS_MAX, GAS_MAX, RECEIPT_SECONDS_MAX, TURN_SECONDS_MAX};
use crate::node::{AsOf, Fault, Node};
use crate::store::{Behind, Evidence, Kept, Key, Sent, State, Store};
use crate::transaction::{Settler, Transaction, authorization, transfer};
use fees::Fees;
use pending::Fate;
use protocols::evm::number::{Address, Chain, hex};
use protocols::evm::{Ask, Authorization, Domain, Reason};
use protocols::sabotage::{Sabotage, has};
use std::sync::Mutex;
use std::time::Duration;
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::{Instant, timeout};

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
    /// Where the next round begins.
    looked: Mutex<Behind>,
    /// The transaction of which it was said last that nobody may replace it.
    stuck: Mutex<[u8; 32]>,
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

/// An authorization, of which chain and token, and the call that moves what it allows.
struct Asked<'a> {
    network: &'a Network,
    token: &'a Token,
    authorization: Authorization,
    key: Key,
    call: Vec<u8>,
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
                looked: Mutex::new(Behind::NOTHING),
                stuck: Mutex::new([0; 32]),
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
        let (asked, _slot) = self.asked(ask).await?;
        match self.kept(&asked.key, Reason::VerifyUnknown)? {
            Some(kept) if kept.is_open() && !asked.is_sent_in(&kept) => Err(about(Reason::Used, &kept)),
            // What was sent was good when it was sent: what became of it is said when it is settled.
            Some(kept) if kept.is_open() => Ok(()),
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
        let (asked, _slot) = self.asked(ask).await.map_err(|reason| match &before {
            Some(kept) if reason == Reason::VerifyUnknown && kept.is_open() => about(Reason::Pending, kept),
            Some(_) | None => settling(reason).into(),
        })?;
        match before {
            // Another authorization under the same nonce: whichever the token takes, it takes one.
            Some(kept) if kept.is_open() && !asked.is_sent_in(&kept) => {
                let reason = if kept.state == State::Moved { Reason::Used } else { Reason::Pending };
                return Err(about(reason, &kept));
            }
            Some(kept) if kept.is_open() => match self.fate(&asked, &kept).await {
                Ok(Fate::Open) => {
                    let kept = self.replaced(&asked, kept).await;
                    return self.wait(&asked, kept, until, sign).await;
                }
                Ok(Fate::Lost) => {
                    let kept = self.handed_over(&asked, kept).await?;
                    return self.wait(&asked, kept, until, sign).await;
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
                    let evidence = asked.state(kept.named(), kept.first.block, sign);
                    return Ok(Settlement { transaction: kept.named(), evidence });
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
        self.wait(&asked, kept, until, sign).await
    }

    /// What can be said of an ask without any block: whether it is of a token that is served, and pays what is asked.
    async fn asked<'a>(&'a self, ask: &Ask) -> Result<(Asked<'a>, SemaphorePermit<'a>), Reason> {
        let domain = &ask.requirements.domain;
        let network = self.network(domain.chain).ok_or(Reason::Network)?;
        let served = network.serves(domain.token).ok_or(Reason::Token)?;
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
        network.know(served).await.map_err(|words| {
            tracing::warn!(chain = %network.chain, token = %domain.token, words, "a token is not served");
            Reason::VerifyUnknown
        })?;
        let (key, call) = (key_of(ask), transfer(&ask.authorization, &ask.signature));
        let authorization = ask.authorization.clone();
        Ok((Asked { network, token: &served.token, authorization, key, call }, slot))
    }

    fn network(&self, chain: Chain) -> Option<&Network> {
        self.networks.iter().find(|network| network.chain == chain)
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

    /// Writes down a transaction, and sends it.
    async fn send(&self, asked: &Asked<'_>) -> Result<Kept, Refused> {
        let Asked { network, token, authorization, key, call } = asked;
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
        let Some(Fees { tip_wei, fee_wei }) = Fees::new(network.fee_wei_max, latest.base_fee_wei, tip_wei)
        else {
            tracing::warn!(chain = %network.chain, base = latest.base_fee_wei, tip_wei, "gas is dearer than allowed");
            return Err(Reason::SettleUnknown.into());
        };
        let chain = network.chain;
        let data = call.clone();
        let transaction = Transaction { chain, account_nonce, tip_wei, fee_wei, gas, to: contract, data };
        let signed = transaction.sign(&network.settler);
        let first = Sent { signed, block: latest.number, time: latest.timestamp };
        let whom = (authorization.to, authorization.value);
        let begun = self.store.begin(key, whom, account_nonce, &first);
        // Of one process nobody else gets here in this turn; what another has begun is the other's to send.
        if !begun.map_err(|fault| failing(&fault, Reason::SettleUnknown))? {
            return Err(Reason::Pending.into());
        }
        let kept = Kept { state: State::Sent, account_nonce, first, later: Vec::new(), moved_by: None };
        asked.hand_over(&kept).await?;
        Ok(kept)
    }
}

/// One at a time.
const ONE: usize = 1;

impl Network {
    fn serves(&self, token: Address) -> Option<&Served> {
        self.tokens.iter().find(|served| served.token.domain.token == token)
    }

    /// Whether this is the chain, and the token is what the operator says: it tells its signatures from others as he does.
    async fn know(&self, served: &Served) -> Result<(), String> {
        served.is_known.get_or_try_init(|| self.learn(&served.token.domain)).await.copied()
    }

    async fn learn(&self, domain: &Domain) -> Result<(), String> {
        let words = |fault: Fault| fault.to_string();
        let contract = domain.token;
        let (chain, has_code) = (self.node.chain(), self.node.has_code(contract));
        let (chain, has_code) = tokio::try_join!(chain, has_code).map_err(words)?;
        if chain != Some(self.chain) {
            return Err("the node is of another chain".to_owned());
        }
        if !has_code {
            return Err("there is no contract at this address".to_owned());
        }
        if self.node.separator(contract).await.map_err(words)? != domain.separator() {
            return Err("its name, version or chain is another: `DOMAIN_SEPARATOR` differs".to_owned());
        }
        Ok(())
    }
}

impl Asked<'_> {
    /// Whether the chain, as it is, would take it now.
    async fn check(&self, now: u64) -> Result<(), Reason> {
        let Asked { network, token, authorization, call, .. } = self;
        authorization.check_time(now)?;
        let (node, by) = (&network.node, network.settler.address());
        let (is_used, balance, rehearsed) = tokio::join!(
            node.is_used(token, authorization, AsOf::Latest),
            node.balance(token, authorization.from),
            node.rehearse(by, token.domain.token, call),
        );
        let unknown = |fault: Fault| {
            tracing::warn!(chain = %network.chain, %fault, "an authorization cannot be checked");
            Reason::VerifyUnknown
        };
        if is_used.map_err(unknown)? {
            return Err(Reason::Used);
        }
        if balance.map_err(unknown)? < authorization.value {
            return Err(Reason::Balance);
        }
        rehearsed.map_err(|fault| reason_of(&fault, Reason::VerifyUnknown))
    }

    /// Whether it is just this authorization that was sent, and no other that its payer signed with the same nonce.
    fn is_sent_in(&self, kept: &Kept) -> bool {
        sent_in(kept).is_some_and(|(_, sent)| sent == self.authorization)
    }

    /// Hands the newest transaction to the chain. What came of it only the chain says; but where the node says no and has not
    /// heard of it, nobody waits.
    async fn hand_over(&self, kept: &Kept) -> Result<(), Refused> {
        let (node, signed) = (&self.network.node, &kept.newest().signed);
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
        let domain = &self.token.domain;
        let statement = protocols::evm::statement(domain, &self.authorization, transaction, block);
        let (key, signature) = sign(&statement);
        Evidence { statement, key, signature }
    }

    fn unknown(&self, kept: &Kept, fault: &Fault) -> Refused {
        tracing::warn!(chain = %self.network.chain, transaction = hex(&kept.named()), %fault, "nobody knows yet");
        about(Reason::Pending, kept)
    }
}

/// The newest transaction of what is kept, with its account, and the authorization that it carries.
fn sent_in(kept: &Kept) -> Option<((Transaction, Address), Authorization)> {
    let sent = Transaction::read(&kept.newest().signed.raw)?;
    let carried = authorization(&sent.0.data)?;
    Some((sent, carried))
}

fn about(reason: Reason, kept: &Kept) -> Refused {
    Refused { reason, transaction: Some(kept.named()) }
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

/// What is answered where the file is not to be had.
fn failing<T>(fault: &dyn std::error::Error, answer: T) -> T {
    tracing::error!(%fault, "what was sent to chains cannot be read or written");
    answer
}

/// What could not be checked was not settled.
fn settling(reason: Reason) -> Reason {
    if reason == Reason::VerifyUnknown { Reason::SettleUnknown } else { reason }
}

#[cfg(test)]
mod tests {
    use super::*;

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
