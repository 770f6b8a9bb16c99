//! Which chains and tokens a facilitator serves, and from which account: a small file of the operator's.
//!
//! A node is only ever asked at the address that stands there; nothing that a stranger sends names one.

use crate::limits::{
    CONFIG_BYTES_MAX, CONFIRMATIONS_MAX, FEE_GWEI_DEFAULT, NETWORKS_MAX, PAYEES_MAX, TOKENS_MAX,
};
use crate::transaction::Settler;
use protocols::evm::Domain;
use protocols::evm::number::{Address, Chain, Uint256};
use protocols::limits::EVM_NAME_BYTES_MAX;
use serde::Deserialize;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use url::{Host, Url};
use zeroize::Zeroizing;

/// What a facilitator serves.
#[derive(Debug)]
pub struct Config {
    pub networks: Vec<Network>,
}

/// One chain.
pub struct Network {
    pub chain: Chain,
    /// Where its node is asked. It may have a secret in it, so it is never shown.
    pub rpc: Url,
    pub settler: Settler,
    /// So many blocks have to have a transfer, its own one included.
    pub confirmations: u64,
    /// What a unit of gas may cost at most.
    pub fee_wei_max: u128,
    pub tokens: Vec<Token>,
    /// Who may be paid: for anybody else no fee is spent.
    pub payees: Vec<Address>,
}

/// One token.
#[derive(Clone, Debug)]
pub struct Token {
    pub domain: Domain,
    pub decimals: u8,
    /// Less than this is not worth the fee of sending it.
    pub amount_min: Uint256,
}

impl std::fmt::Debug for Network {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Network({}, {:?}, {:?})", self.chain, self.settler, self.tokens)
    }
}

/// Why a configuration cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigFault {
    #[error("`{path}`: {fault}")]
    Files { path: String, fault: io::Error },
    #[error("`{path}` may be read or changed by others: its mode is `{mode:o}`, and has to be `600`")]
    Exposed { path: String, mode: u32 },
    #[error("`{path}` is malformed: {why}")]
    Malformed { path: String, why: String },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileText {
    network: Vec<NetworkText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NetworkText {
    chain_id: u64,
    rpc: String,
    settler_key_file: PathBuf,
    #[serde(default = "one")]
    confirmations: u64,
    #[serde(default = "fee_gwei_default")]
    fee_gwei_max: u64,
    pay_to: Vec<String>,
    token: Vec<TokenText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenText {
    address: String,
    name: String,
    version: String,
    decimals: u8,
    amount_min: String,
}

fn one() -> u64 {
    1
}

fn fee_gwei_default() -> u64 {
    FEE_GWEI_DEFAULT
}

impl Config {
    /// Reads the file, and the keys beside it that it names.
    ///
    /// # Errors
    /// [`ConfigFault`].
    pub fn read(path: &Path) -> Result<Config, ConfigFault> {
        let text = read_text(path)?;
        let malformed = |why: String| ConfigFault::Malformed { path: path.display().to_string(), why };
        let file: FileText = toml::from_str(&text).map_err(|fault| malformed(fault.message().to_owned()))?;
        if file.network.is_empty() || NETWORKS_MAX < file.network.len() {
            return Err(malformed("it has 1 to 16 `[[network]]`".to_owned()));
        }
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut networks: Vec<Network> = Vec::new();
        for text in file.network {
            let settler = read_key(&folder.join(&text.settler_key_file))?;
            let network = network(text, settler).map_err(malformed)?;
            if networks.iter().any(|other| other.chain == network.chain) {
                return Err(malformed(format!("`{}` comes twice", network.chain)));
            }
            networks.push(network);
        }
        Ok(Config { networks })
    }
}

fn network(text: NetworkText, settler: Settler) -> Result<Network, String> {
    let chain = Chain::new(text.chain_id).ok_or("`chain_id` is no number of a chain")?;
    let rpc = Url::parse(&text.rpc).ok().filter(is_allowed);
    let rpc = rpc.ok_or("`rpc` is neither an https address nor an http address of this machine")?;
    if !(1..=CONFIRMATIONS_MAX).contains(&text.confirmations) {
        return Err("`confirmations` is a number from 1 to 64".to_owned());
    }
    if text.token.is_empty() || TOKENS_MAX < text.token.len() {
        return Err(format!("`{chain}` has 1 to 64 `[[network.token]]`"));
    }
    let mut tokens: Vec<Token> = Vec::new();
    for token in text.token {
        let address = Address::parse(&token.address)
            .ok_or_else(|| format!("`{}` is no address, or its checksum is wrong", token.address))?;
        let is_name = |text: &str| !text.is_empty() && text.len() <= EVM_NAME_BYTES_MAX;
        if !is_name(&token.name) || !is_name(&token.version) {
            return Err(format!("`name` and `version` of `{address}` have 1 to 64 bytes"));
        }
        if tokens.iter().any(|other| other.domain.token == address) {
            return Err(format!("`{address}` comes twice"));
        }
        let amount_min = Uint256::parse(&token.amount_min).filter(|least| Uint256::from(0) < *least);
        let amount_min =
            amount_min.ok_or_else(|| format!("`amount_min` of `{address}` is no number above 0"))?;
        let domain = Domain { name: token.name, version: token.version, chain, token: address };
        tokens.push(Token { domain, decimals: token.decimals, amount_min });
    }
    if text.pay_to.is_empty() || PAYEES_MAX < text.pay_to.len() {
        return Err(format!("`pay_to` of `{chain}` names 1 to 1024 accounts"));
    }
    let read = |text: &String| {
        Address::parse(text).ok_or_else(|| format!("`{text}` is no address, or its checksum is wrong"))
    };
    let payees = text.pay_to.iter().map(read).collect::<Result<Vec<Address>, String>>()?;
    let fee_wei_max = u128::from(text.fee_gwei_max) * 1_000_000_000;
    Ok(Network { chain, rpc, settler, confirmations: text.confirmations, fee_wei_max, tokens, payees })
}

/// A node says whether money has moved, so nobody between may: TLS, or this machine itself.
fn is_allowed(rpc: &Url) -> bool {
    let is_here = match rpc.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    };
    rpc.scheme() == "https" || (rpc.scheme() == "http" && is_here)
}

fn read_key(path: &Path) -> Result<Settler, ConfigFault> {
    let files = |fault| ConfigFault::Files { path: path.display().to_string(), fault };
    let mode = fs::metadata(path).map_err(files)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(ConfigFault::Exposed { path: path.display().to_string(), mode });
    }
    let text = Zeroizing::new(read_text(path)?);
    Settler::parse(&text).ok_or_else(|| ConfigFault::Malformed {
        path: path.display().to_string(),
        why: "it is not the 64 hexadecimal digits of a key".to_owned(),
    })
}

fn read_text(path: &Path) -> Result<String, ConfigFault> {
    let mut text = String::new();
    let opened = fs::File::open(path);
    let read = opened.and_then(|file| file.take(CONFIG_BYTES_MAX).read_to_string(&mut text));
    read.map_err(|fault| ConfigFault::Files { path: path.display().to_string(), fault })?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[[network]]
chain_id = 31337
rpc = "http://127.0.0.1:8545"
settler_key_file = "settler.key"
pay_to = ["0x70997970C51812dc3A010C7d01b50e0d17dc79C8"]
[[network.token]]
address = "0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913"
name = "USD Coin"
version = "2"
decimals = 6
amount_min = "1000"
"#;

    /// Reads `text` beside a key whose file has this mode.
    fn read(text: &str, mode: u32) -> Result<Config, ConfigFault> {
        let folder = std::env::temp_dir().join(format!("tollbridge-evm-{}-{mode:o}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (config, key) = (folder.join("evm.toml"), folder.join("settler.key"));
        fs::write(&config, text).unwrap();
        fs::write(&key, format!("0x{}\n", "11".repeat(32))).unwrap();
        fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
        let read = Config::read(&config);
        fs::remove_dir_all(&folder).unwrap();
        read
    }

    #[test]
    fn a_configuration_names_chains_tokens_and_a_key_for_its_owners_eyes() {
        let config = read(GOOD, 0o600).unwrap();
        let network = &config.networks[0];
        assert_eq!((network.chain.number(), network.confirmations), (31_337, 1));
        assert_eq!(network.fee_wei_max, 100_000_000_000);
        assert_eq!(network.tokens[0].decimals, 6);
        assert!(matches!(read(GOOD, 0o644), Err(ConfigFault::Exposed { .. })));
        for (from, to) in [
            ("chain_id = 31337", "chain_id = 0"),
            ("http://127.0.0.1:8545", "http://node.example:8545"),
            ("http://127.0.0.1:8545", "ws://127.0.0.1:8545"),
            ("dA02913", "da02913"),
            ("name = \"USD Coin\"", "name = \"\""),
            ("[\"0x70997970C51812dc3A010C7d01b50e0d17dc79C8\"]", "[]"),
            ("50e0d17dc79C8", "50e0d17dc79c8"),
            ("decimals = 6", "decimals = -1"),
            ("\"1000\"", "\"0\""),
            ("\"1000\"", "\"-1\""),
            ("amount_min = \"1000\"\n", ""),
            ("decimals = 6", "decimals = 6\nmore = 1"),
            ("[[network.token]]", "confirmations = 0\n[[network.token]]"),
            ("[[network.token]]", "confirmations = 65\n[[network.token]]"),
            ("settler.key", "nowhere.key"),
        ] {
            assert!(read(&GOOD.replace(from, to), 0o600).is_err(), "{to}");
        }
        assert!(read(&GOOD.repeat(2), 0o400).is_err());
        assert!(read("network = []", 0o600).is_err());
        assert!(
            read(&GOOD.replace("http://127.0.0.1:8545", "https://node.example/v1/secret"), 0o600).is_ok()
        );
    }
}
