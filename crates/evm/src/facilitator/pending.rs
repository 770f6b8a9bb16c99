//! What becomes of what was sent, for whoever looks: it is waited for, handed over again where the node has lost it, replaced
//! where it pays too little, and given up once nothing can come of it.
//!
//! Replacing is safe because of two things that hold whatever is lost in between. All transactions of an attempt have one place
//! among those of their account, so a chain takes one of them; and each is written down before anybody hears of it, so the one
//! that was taken is known to be ours.

use super::fees::Fees;
use super::{Asked, Facilitator, Refused, Settlement, Sign, about, failing, sent_in};
use crate::limits::{RECEIPT_POLL_MILLIS, REPLACE_BLOCKS_MIN, REPLACE_SECONDS_MIN, TRANSACTIONS_MAX};
use crate::node::{AsOf, Block, Fault, Moved, Receipt};
use crate::store::{Found, Kept, Sent};
use crate::transaction::Transaction;
use protocols::evm::Reason;
use protocols::evm::number::{Uint256, hex};
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What may still come of something that was sent.
pub(super) enum Fate {
    /// The chain has it, or has it before it.
    Open,
    /// The node has not heard of the newest of its transactions, and it is still good, or others wait behind its place.
    Lost,
    /// Another transaction has used the authorization.
    UsedElsewhere([u8; 32]),
    /// It moved nothing, and can move nothing any more.
    Over,
}

/// A transaction that is in a block, and what came of it.
pub(super) type Mined = ([u8; 32], Receipt);

impl Facilitator {
    /// Waits until the chain has one of the transactions with as many blocks on it as the operator wants.
    pub(super) async fn wait(
        &self,
        asked: &Asked<'_>,
        mut kept: Kept,
        until: Instant,
        sign: Sign<'_>,
    ) -> Result<Settlement, Refused> {
        loop {
            match asked.buried(&kept).await {
                Ok(Some(mined)) => return self.conclude(asked, &kept, mined, sign).await,
                Ok(None) if Instant::now() < until => sleep(Duration::from_millis(RECEIPT_POLL_MILLIS)).await,
                Ok(None) => return Err(about(Reason::Pending, &kept)),
                Err(fault) if until <= Instant::now() => return Err(asked.unknown(&kept, &fault)),
                Err(_) => sleep(Duration::from_millis(RECEIPT_POLL_MILLIS)).await,
            }
            // Somebody else may have replaced it meanwhile.
            let now = self.kept(&asked.key, Reason::Pending)?;
            kept = now.filter(|now| now.attempt() == kept.attempt()).unwrap_or(kept);
        }
    }

    /// What may still come of what was sent. What is concluded of the chain is of one block, so that nodes which are not
    /// equally far cannot contradict each other unnoticed.
    pub(super) async fn fate(&self, asked: &Asked<'_>, kept: &Kept) -> Result<Fate, Fault> {
        let (node, it) = (&asked.network.node, &asked.authorization);
        for sent in kept.sent() {
            if node.receipt(sent.signed.hash, asked.token, it).await?.is_some() {
                return Ok(Fate::Open);
            }
        }
        if node.knows(kept.newest().signed.hash).await? {
            return Ok(Fate::Open);
        }
        let latest = node.latest().await?;
        let as_of = AsOf::Block(latest.number);
        let used = asked.used(kept, as_of).await?;
        let is_gone = kept.account_nonce < node.account_nonce(asked.by(kept), as_of).await?;
        let is_in_the_way = !is_gone && self.is_in_the_way(asked, kept).await?;
        Ok(match used {
            Some(Some(other)) if !kept.has(other) && !is_in_the_way => Fate::UsedElsewhere(other),
            Some(Some(other)) if !kept.has(other) => Fate::Lost,
            Some(_) => Fate::Open,
            None if is_gone => Fate::Over,
            None if is_late(asked, &latest) && !is_in_the_way => Fate::Over,
            None => Fate::Lost,
        })
    }

    /// Whether what can move nothing any more has to be sent all the same, for its place has to be taken before those behind it
    /// can be: the node has an older one of its transactions, or we have sent something that comes after it.
    async fn is_in_the_way(&self, asked: &Asked<'_>, kept: &Kept) -> Result<bool, Fault> {
        for sent in kept.sent().skip(1) {
            if asked.network.node.knows(sent.signed.hash).await? {
                return Ok(true);
            }
        }
        Ok(self.is_waited_for(asked, kept))
    }

    fn is_waited_for(&self, asked: &Asked<'_>, kept: &Kept) -> bool {
        let found = self.store.is_waited_for(&asked.key, kept.account_nonce);
        // Waiting for what nobody waits for costs a fee; the other way round, payments.
        found.unwrap_or_else(|fault| failing(&fault, true))
    }

    /// What is kept of something that the node has lost, after it was replaced or handed over.
    pub(super) async fn handed_over(&self, asked: &Asked<'_>, kept: Kept) -> Result<Kept, Refused> {
        let (before, kept) = (kept.later.len(), self.replaced(asked, kept).await);
        if kept.later.len() == before {
            asked.hand_over(&kept).await?;
        }
        Ok(kept)
    }

    /// What is kept of something, after it was replaced where that was due.
    pub(super) async fn replaced(&self, asked: &Asked<'_>, mut kept: Kept) -> Kept {
        let due = match self.replacement(asked, &kept).await {
            Ok(due) => due,
            Err(fault) => {
                tracing::warn!(chain = %asked.network.chain, %fault, "nobody knows whether a transaction pays enough");
                None
            }
        };
        let Some(newer) = due else { return kept };
        match self.store.replace(&asked.key, &kept, &newer) {
            Ok(true) => {}
            // Somebody else was faster, or it has ended: who asks again sees it.
            Ok(false) => return kept,
            Err(fault) => return failing(&fault, kept),
        }
        let (chain, was, by) = (asked.network.chain, hex(&kept.named()), hex(&newer.signed.hash));
        tracing::info!(%chain, was, by, "a transaction that no block took is replaced by one that pays more");
        kept.later.push(newer);
        // Where the node says no, one of those before may just have been taken.
        let _refused = asked.hand_over(&kept).await;
        kept
    }

    /// The transaction that is to replace the newest, where that was passed by for long enough and pays too little, or nobody
    /// knows why it was not taken.
    async fn replacement(&self, asked: &Asked<'_>, kept: &Kept) -> Result<Option<Sent>, Fault> {
        let (network, newest) = (asked.network, kept.newest());
        let latest = network.node.latest().await?;
        let is_passed_by = newest.block.saturating_add(REPLACE_BLOCKS_MIN) <= latest.number
            && newest.time.saturating_add(REPLACE_SECONDS_MIN) <= latest.timestamp;
        let Some(((was, by), _)) = sent_in(kept).filter(|_| is_passed_by) else { return Ok(None) };
        // Of another account's transactions nobody here can replace one.
        if by != network.settler.address() {
            return Ok(None);
        }
        let mined = network.node.account_nonce(by, AsOf::Block(latest.number)).await?;
        let is_underpriced = was.fee_wei < latest.base_fee_wei;
        // What waits for another place waits for those before it, whatever it pays.
        let is_next = was.account_nonce == mined;
        if was.account_nonce < mined || !(is_underpriced || is_next) {
            return Ok(None);
        }
        if is_late(asked, &latest) && !self.is_waited_for(asked, kept) {
            return Ok(None);
        }
        let tip_wei = network.node.tip_wei().await?;
        let fees = Fees { tip_wei: was.tip_wei, fee_wei: was.fee_wei };
        let raised = fees.raised(network.fee_wei_max, latest.base_fee_wei, tip_wei);
        let Some(Fees { tip_wei, fee_wei }) = raised.filter(|_| kept.later.len() + 1 < TRANSACTIONS_MAX)
        else {
            asked.say_stuck(kept, &latest);
            return Ok(None);
        };
        let signed = Transaction { tip_wei, fee_wei, ..was }.sign(&network.settler);
        Ok(Some(Sent { signed, block: latest.number, time: latest.timestamp }))
    }

    /// Says that the money has moved, to the first who asks.
    async fn conclude(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        mined: Mined,
        sign: Sign<'_>,
    ) -> Result<Settlement, Refused> {
        let (transaction, block) = self.moved(asked, kept, mined).await?;
        let evidence = asked.state(transaction, block, sign);
        let found = Found { by: transaction, block, evidence: &evidence };
        let settled = self.store.settle(&asked.key, kept.attempt(), &found);
        let refused = |reason| Refused { reason, transaction: Some(transaction) };
        if !settled.map_err(|fault| refused(failing(&fault, Reason::Pending)))? {
            return Err(refused(Reason::Used));
        }
        let chain = asked.network.chain;
        tracing::info!(%chain, transaction = hex(&transaction), block, "a payment is settled");
        Ok(Settlement { transaction, evidence })
    }

    /// Notes that the money has moved, and tells nobody: that is for who asks.
    pub(super) async fn note(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        mined: Mined,
        sign: Sign<'_>,
    ) -> Result<(), Refused> {
        let (by, block) = self.moved(asked, kept, mined).await?;
        let evidence = asked.state(by, block, sign);
        let found = Found { by, block, evidence: &evidence };
        let noted = self.store.note_moved(&asked.key, kept.attempt(), &found);
        if noted.map_err(|fault| Refused::from(failing(&fault, Reason::Pending)))? {
            let chain = asked.network.chain;
            tracing::info!(%chain, transaction = hex(&by), block, "a payment has arrived, and nobody has asked yet");
        }
        Ok(())
    }

    /// The transaction that has moved the money, and its block; gives up where the token refused it.
    async fn moved(
        &self,
        asked: &Asked<'_>,
        kept: &Kept,
        (transaction, receipt): Mined,
    ) -> Result<([u8; 32], u64), Refused> {
        match receipt.moved {
            Moved::Yes => Ok((transaction, receipt.block)),
            Moved::No => {
                // Anybody may send an authorization, and who was first has moved the money.
                let used =
                    asked.used(kept, AsOf::Latest).await.map_err(|fault| asked.unknown(kept, &fault))?;
                self.give_up(asked, kept)?;
                Err(match used {
                    Some(transaction) => Refused { reason: Reason::Used, transaction },
                    None => Refused { reason: Reason::Failed, transaction: Some(transaction) },
                })
            }
            Moved::Unsaid => {
                let transaction = hex(&transaction);
                tracing::error!(transaction, "a token took an authorization and says nothing of a transfer");
                Err(about(Reason::Pending, kept))
            }
        }
    }

    pub(super) fn give_up(&self, asked: &Asked<'_>, kept: &Kept) -> Result<(), Refused> {
        let given_up = self.store.give_up(&asked.key, kept.attempt());
        given_up.map_err(|fault| Refused {
            reason: failing(&fault, Reason::Pending),
            ..about(Reason::Pending, kept)
        })
    }
}

impl Asked<'_> {
    /// What came of the one of the transactions that has as many blocks on it as the operator wants.
    pub(super) async fn buried(&self, kept: &Kept) -> Result<Option<Mined>, Fault> {
        let node = &self.network.node;
        for sent in kept.sent() {
            let hash = sent.signed.hash;
            let Some(receipt) = node.receipt(hash, self.token, &self.authorization).await? else { continue };
            if self.network.confirmations == 1 {
                return Ok(Some((hash, receipt)));
            }
            let last = receipt.block.saturating_add(self.network.confirmations - 1);
            return Ok((last <= node.latest().await?.number).then_some((hash, receipt)));
        }
        Ok(None)
    }

    /// Whether the authorization was used, and by which transaction, where the node says.
    async fn used(&self, kept: &Kept, as_of: AsOf) -> Result<Option<Option<[u8; 32]>>, Fault> {
        let Asked { network, token, authorization, .. } = self;
        if !network.node.is_used(token, authorization, as_of).await? {
            return Ok(None);
        }
        Ok(Some(network.node.used_by(token, authorization, kept.first.block).await?))
    }

    /// Whose transactions they are: of the account that was the settler's when they were signed.
    fn by(&self, kept: &Kept) -> protocols::evm::number::Address {
        sent_in(kept).map_or(self.network.settler.address(), |((_, by), _)| by)
    }

    /// Says once of each transaction that it waits for cheaper gas, or for the operator.
    fn say_stuck(&self, kept: &Kept, latest: &Block) {
        let (chain, hash) = (self.network.chain, kept.newest().signed.hash);
        let mut stuck = self.network.stuck.lock().unwrap_or_else(PoisonError::into_inner);
        if *stuck == hash {
            return;
        }
        *stuck = hash;
        let (transaction, base_fee_wei) = (hex(&hash), latest.base_fee_wei);
        let transactions = kept.later.len() + 1;
        tracing::warn!(
            %chain, transaction, transactions, base_fee_wei, fee_wei_max = self.network.fee_wei_max,
            "no block takes a payment, and what it pays for gas may not be raised: it waits, and so do those behind it. \
             Raise `fee_gwei_max` and start again, or wait until gas is cheaper"
        );
    }
}

/// Whether the token would refuse it in a block that comes now.
fn is_late(asked: &Asked<'_>, latest: &Block) -> bool {
    asked.authorization.valid_before <= Uint256::from(latest.timestamp)
}
