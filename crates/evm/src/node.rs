//! What a node is asked of a chain: how things stand with an authorization, a token and an account, as of a block.

use crate::config::Token;
pub use crate::rpc::Fault;
use crate::rpc::Rpc;
use crate::transaction::{Signed, call};
use protocols::evm::Authorization;
use protocols::evm::keccak;
use protocols::evm::number::{Address, Chain, Uint256, hex, read_hex};
use serde_json::{Value, json};
use url::Url;

/// A node of one chain.
#[derive(Debug)]
pub struct Node(Rpc);

/// A block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    pub number: u64,
    /// In seconds since 1970.
    pub timestamp: u64,
    /// What a unit of gas costs in it.
    pub base_fee_wei: u128,
}

/// Which state of a chain is asked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsOf {
    /// The newest block.
    Latest,
    /// The newest block, and what waits for the next.
    Pending,
    /// This block.
    Block(u64),
}

/// What came of a transaction that is in a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub block: u64,
    /// Whether it did what the authorization allows: it went through, and the token says who got how much.
    pub moved: Moved,
}

/// Whether a transaction moved the money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moved {
    /// It did.
    Yes,
    /// The token refused, so it moved nothing.
    No,
    /// It went through, and the token says nothing of this transfer.
    Unsaid,
}

impl AsOf {
    fn tag(self) -> String {
        match self {
            AsOf::Latest => "latest".to_owned(),
            AsOf::Pending => "pending".to_owned(),
            AsOf::Block(number) => format!("{number:#x}"),
        }
    }
}

impl Node {
    /// A node at this address.
    ///
    /// # Errors
    /// Where nothing can be sent at all.
    pub fn new(rpc: Url) -> reqwest::Result<Node> {
        Rpc::new(rpc).map(Node)
    }

    /// Which chain it is of.
    ///
    /// # Errors
    /// [`Fault`], here and below.
    pub async fn chain(&self) -> Result<Option<Chain>, Fault> {
        Ok(Chain::new(self.quantity("eth_chainId", json!([])).await?))
    }

    /// The newest block.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn latest(&self) -> Result<Block, Fault> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block = self.0.ask(METHOD, json!(["latest", false])).await?;
        let read = |name: &str| block.get(name).and_then(quantity);
        let (number, timestamp) = (read("number").and_then(small), read("timestamp").and_then(small));
        let (Some(number), Some(timestamp), Some(base_fee_wei)) = (number, timestamp, read("baseFeePerGas"))
        else {
            return Err(Fault::Malformed(METHOD));
        };
        Ok(Block { number, timestamp, base_fee_wei })
    }

    /// Whether a contract is at this address.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn has_code(&self, address: Address) -> Result<bool, Fault> {
        let code = self.0.ask("eth_getCode", json!([address.to_string(), "latest"])).await?;
        Ok(code.as_str().ok_or(Fault::Malformed("eth_getCode"))?.len() > 2)
    }

    /// What a token says tells its signatures from others.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn separator(&self, token: Address) -> Result<[u8; 32], Fault> {
        self.word(token, call("DOMAIN_SEPARATOR()", &[]), AsOf::Latest).await
    }

    /// Whether an authorization was used, or cancelled.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn is_used(&self, token: &Token, it: &Authorization, as_of: AsOf) -> Result<bool, Fault> {
        let data = call("authorizationState(address,bytes32)", &[it.from.word(), it.nonce]);
        Ok(self.word(token.domain.token, data, as_of).await? != [0; 32])
    }

    /// How much of a token somebody has.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn balance(&self, token: &Token, of: Address) -> Result<Uint256, Fault> {
        let data = call("balanceOf(address)", &[of.word()]);
        self.word(token.domain.token, data, AsOf::Latest).await.map(Uint256::from_bytes)
    }

    /// Tries a call of a contract by an account, without any effect.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Reverted`] where the contract says no.
    pub async fn rehearse(&self, by: Address, contract: Address, data: &[u8]) -> Result<(), Fault> {
        let (from, to, data) = (by.to_string(), contract.to_string(), prefixed(data));
        self.0.ask("eth_call", json!([{ "from": from, "to": to, "data": data }, "latest"])).await.map(drop)
    }

    /// How much gas a call takes.
    ///
    /// # Errors
    /// [`Fault`]; [`Fault::Reverted`] where the contract says no.
    pub async fn gas(&self, by: Address, contract: Address, data: &[u8]) -> Result<u64, Fault> {
        let (from, to, data) = (by.to_string(), contract.to_string(), prefixed(data));
        self.quantity("eth_estimateGas", json!([{ "from": from, "to": to, "data": data }])).await
    }

    /// What it takes beyond a block's own fee to be in it soon.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn tip_wei(&self) -> Result<u128, Fault> {
        const METHOD: &str = "eth_maxPriorityFeePerGas";
        quantity(&self.0.ask(METHOD, json!([])).await?).ok_or(Fault::Malformed(METHOD))
    }

    /// How many transactions an account has sent.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn account_nonce(&self, of: Address, as_of: AsOf) -> Result<u64, Fault> {
        self.quantity("eth_getTransactionCount", json!([of.to_string(), as_of.tag()])).await
    }

    /// Hands a transaction to the chain.
    ///
    /// # Errors
    /// [`Fault`]. After any, it may still have got there.
    pub async fn send(&self, signed: &Signed) -> Result<(), Fault> {
        self.0.ask("eth_sendRawTransaction", json!([prefixed(&signed.raw)])).await.map(drop)
    }

    /// Whether the node knows of a transaction, in a block or waiting for one.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn knows(&self, hash: [u8; 32]) -> Result<bool, Fault> {
        Ok(!self.0.ask("eth_getTransactionByHash", json!([prefixed(&hash)])).await?.is_null())
    }

    /// What came of a transaction; none while it is in no block.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn receipt(
        &self,
        hash: [u8; 32],
        token: &Token,
        it: &Authorization,
    ) -> Result<Option<Receipt>, Fault> {
        const METHOD: &str = "eth_getTransactionReceipt";
        let receipt = self.0.ask(METHOD, json!([prefixed(&hash)])).await?;
        if receipt.is_null() {
            return Ok(None);
        }
        read_receipt(&receipt, token, it).map(Some).ok_or(Fault::Malformed(METHOD))
    }

    /// The transaction that used or cancelled an authorization, if one did from this block on.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn used_by(
        &self,
        token: &Token,
        it: &Authorization,
        from: u64,
    ) -> Result<Option<[u8; 32]>, Fault> {
        const METHOD: &str = "eth_getLogs";
        let events = [&b"AuthorizationUsed(address,bytes32)"[..], b"AuthorizationCanceled(address,bytes32)"];
        let events = events.map(|event| prefixed(&keccak(event)));
        let topics = json!([events, prefixed(&it.from.word()), prefixed(&it.nonce)]);
        let (address, from) = (token.domain.token.to_string(), AsOf::Block(from).tag());
        let filter =
            json!([{ "address": address, "topics": topics, "fromBlock": from, "toBlock": "latest" }]);
        let logs = self.0.ask(METHOD, filter).await?;
        let Some(log) = logs.as_array().ok_or(Fault::Malformed(METHOD))?.first() else { return Ok(None) };
        let hash = log.get("transactionHash").and_then(Value::as_str).and_then(read_hex);
        hash.map(Some).ok_or(Fault::Malformed(METHOD))
    }

    async fn word(&self, contract: Address, data: Vec<u8>, as_of: AsOf) -> Result<[u8; 32], Fault> {
        let question = json!([{ "to": contract.to_string(), "data": prefixed(&data) }, as_of.tag()]);
        let answer = self.0.ask("eth_call", question).await?;
        answer.as_str().and_then(read_hex).ok_or(Fault::Malformed("eth_call"))
    }

    async fn quantity(&self, method: &'static str, params: Value) -> Result<u64, Fault> {
        let answer = self.0.ask(method, params).await?;
        quantity(&answer).and_then(small).ok_or(Fault::Malformed(method))
    }
}

fn read_receipt(receipt: &Value, token: &Token, it: &Authorization) -> Option<Receipt> {
    let block = receipt.get("blockNumber").and_then(quantity).and_then(small)?;
    let moved = match quantity(receipt.get("status")?)? {
        0 => Moved::No,
        1 if receipt.get("logs")?.as_array()?.iter().any(|log| is_transfer(log, token, it)) => Moved::Yes,
        1 => Moved::Unsaid,
        2.. => return None,
    };
    Some(Receipt { block, moved })
}

/// Whether a token says that just this was moved.
fn is_transfer(log: &Value, token: &Token, it: &Authorization) -> bool {
    let by = log.get("address").and_then(Value::as_str).and_then(Address::parse);
    let topics = log.get("topics").and_then(Value::as_array);
    let read = |value: &Value| value.as_str().and_then(read_hex::<32>);
    let topics: Option<Vec<[u8; 32]>> = topics.and_then(|topics| topics.iter().map(read).collect());
    let expected = vec![keccak(b"Transfer(address,address,uint256)"), it.from.word(), it.to.word()];
    let value = log.get("data").and_then(read);
    by == Some(token.domain.token) && topics == Some(expected) && value == Some(*it.value.bytes())
}

fn prefixed(bytes: &[u8]) -> String {
    format!("0x{}", hex(bytes))
}

/// A number as nodes write them.
fn quantity(value: &Value) -> Option<u128> {
    let digits = value.as_str()?.strip_prefix("0x").filter(|digits| !digits.starts_with('+'))?;
    u128::from_str_radix(digits, 16).ok()
}

fn small(number: u128) -> Option<u64> {
    u64::try_from(number).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocols::evm::Domain;

    fn address(byte: u8) -> Address {
        Address::from_bytes([byte; 20])
    }

    fn token() -> Token {
        let domain = Domain {
            name: "USD Coin".to_owned(),
            version: "2".to_owned(),
            chain: Chain::new(1).unwrap(),
            token: address(7),
        };
        Token { domain, decimals: 6, amount_min: 1.into() }
    }

    fn authorization() -> Authorization {
        Authorization {
            from: address(1),
            to: address(2),
            value: Uint256::from(10_000),
            valid_after: Uint256::from(0),
            valid_before: Uint256::from(9),
            nonce: [3; 32],
        }
    }

    fn receipt() -> Value {
        let topics = [
            prefixed(&keccak(b"Transfer(address,address,uint256)")),
            prefixed(&address(1).word()),
            prefixed(&address(2).word()),
        ];
        let log = json!({ "address": address(7).to_string(), "topics": topics, "data": prefixed(Uint256::from(10_000).bytes()) });
        json!({ "status": "0x1", "blockNumber": "0x10", "logs": [{ "address": "0x", "topics": [] }, log] })
    }

    #[test]
    fn money_has_moved_where_the_token_says_so_of_just_this_transfer() {
        let read = |receipt: &Value| read_receipt(receipt, &token(), &authorization());
        assert_eq!(read(&receipt()), Some(Receipt { block: 16, moved: Moved::Yes }));
        let other = prefixed(&address(9).word());
        for (pointer, value, moved) in [
            ("/status", json!("0x0"), Some(Moved::No)),
            ("/status", json!("0x2"), None),
            ("/status", Value::Null, None),
            ("/blockNumber", Value::Null, None),
            ("/logs", json!([]), Some(Moved::Unsaid)),
            ("/logs", Value::Null, None),
            ("/logs/1/address", json!(address(8).to_string()), Some(Moved::Unsaid)),
            ("/logs/1/topics/0", json!(other), Some(Moved::Unsaid)),
            ("/logs/1/topics/1", json!(other), Some(Moved::Unsaid)),
            ("/logs/1/topics/2", json!(other), Some(Moved::Unsaid)),
            ("/logs/1/data", json!(prefixed(Uint256::from(9_999).bytes())), Some(Moved::Unsaid)),
        ] {
            let mut changed = receipt();
            *changed.pointer_mut(pointer).unwrap() = value.clone();
            assert_eq!(read(&changed).map(|receipt| receipt.moved), moved, "{pointer} {value}");
        }
    }

    #[test]
    fn a_nodes_number_is_hexadecimal() {
        assert_eq!(quantity(&json!("0x0")), Some(0));
        assert_eq!(quantity(&json!("0xff")), Some(255));
        for wrong in [json!("ff"), json!("0x"), json!("0x+1"), json!("0xg"), json!(255), Value::Null] {
            assert_eq!(quantity(&wrong), None, "{wrong}");
        }
        assert_eq!(AsOf::Block(16).tag(), "0x10");
    }
}
