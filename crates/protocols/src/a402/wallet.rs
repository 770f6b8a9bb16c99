//! Our payment method: a transfer between two wallets of one Tollbridge network.
//!
//! Its document is `docs/method-toll-wallet.md`. The main and the test network are two methods, so no
//! payment with play money can be taken for one with real money, by anybody who compares method ids.

use super::envelope::{MethodLayer, put};
use super::error::ErrorId;
use super::members::{Malformed, Members};
use super::needed::Demand;
use super::text::{AmountText, Identifier, MethodId, MethodVersion, Misshapen, Uri};
use super::words::words;
use serde_json::{Map, Value};

words! {
    /// Which money moves.
    Network {
        /// Real money.
        Main = "toll:main",
        /// Play money.
        Test = "toll:test",
    }
}

impl Network {
    /// The id of the wallet method on this network.
    pub fn method_id(self) -> MethodId {
        MethodId::parse(format!("{self}/wallet")).expect("both names make a method id")
    }

    /// The network whose wallet method this is.
    pub fn of(method_id: &MethodId) -> Option<Network> {
        Network::ALL.iter().copied().find(|network| network.method_id() == *method_id)
    }
}

/// The version of the method's document that this module follows.
pub fn method_version() -> MethodVersion {
    MethodVersion::parse("1.0.0").expect("`1.0.0` is a version")
}

/// An asset by its code and the decimals of its smallest unit: `USD/2` counts cents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AssetText {
    text: String,
    scale: u8,
}

impl AssetText {
    /// The largest scale an A402 amount can express.
    pub const SCALE_MAX: u8 = 18;

    /// Takes a text like `USD/2`: three capitals, a slash, and a scale from 0 to 18.
    pub fn parse(text: impl Into<String>) -> Result<Self, Misshapen> {
        let text = text.into();
        let scale = text.split_once('/').and_then(|(code, scale)| {
            let number: u8 = scale.parse().ok()?;
            let code_fits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase());
            let scale_fits = number <= Self::SCALE_MAX && number.to_string() == scale;
            (code_fits && scale_fits).then_some(number)
        });
        match scale {
            Some(scale) => Ok(AssetText { text, scale }),
            None => Err(Misshapen::new(&text, "an asset like `USD/2`")),
        }
    }

    /// The currency's code.
    pub fn code(&self) -> &str {
        self.text.split('/').next().unwrap_or_default()
    }

    /// The number of decimals of the smallest unit.
    pub fn scale(&self) -> u8 {
        self.scale
    }

    /// The text, letter by letter.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

/// The method layer of a demand to be paid from wallet to wallet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletTerms {
    pub network: Network,
    /// Where the payment service takes payments. A buyer pays only at his own.
    pub psp: Uri,
    /// The wallet to be paid.
    pub payee: Identifier,
    pub asset: AssetText,
}

/// Why a demand is not one of our method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsFault {
    #[error("`{method_id}` `{method_version}` is not the wallet method")]
    OtherMethod { method_id: MethodId, method_version: MethodVersion },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    #[error("`method.network` is not the network of `protocol.method_id`")]
    NetworkDiffers,
    #[error("`method.asset` is not of the currency of `protocol.currency`")]
    CurrencyDiffers,
    #[error("`method.psp` on the main network does not begin with `https:`")]
    PspInTheOpen,
    /// It is never rounded.
    #[error("amount `{amount}` is not a whole number of the asset's smallest units")]
    AmountTooFine { amount: AmountText },
}

impl TermsFault {
    /// The catalogue's error for this.
    pub fn error_id(&self) -> ErrorId {
        match self {
            TermsFault::OtherMethod { .. } => ErrorId::MethodUnsupported,
            TermsFault::Malformed(_)
            | TermsFault::NetworkDiffers
            | TermsFault::CurrencyDiffers
            | TermsFault::PspInTheOpen
            | TermsFault::AmountTooFine { .. } => ErrorId::RequestInvalid,
        }
    }
}

impl WalletTerms {
    /// The terms as a method layer.
    pub fn to_layer(&self) -> MethodLayer {
        let mut members = Map::new();
        put(&mut members, "network", self.network.as_str());
        put(&mut members, "psp", self.psp.as_str());
        put(&mut members, "payee", self.payee.as_str());
        put(&mut members, "asset", self.asset.as_str());
        MethodLayer::new(members).expect("four members are not none")
    }

    /// The terms as a method layer of a demand for a deposit, of which only what is counted is collected.
    pub fn to_metered_layer(&self) -> MethodLayer {
        let mut members = self.to_layer().members().clone();
        members.insert("metered".to_owned(), Value::Bool(true));
        MethodLayer::new(members).expect("five members are not none")
    }

    /// Reads the terms of a demand. Members we do not know are left alone.
    ///
    /// # Errors
    /// [`TermsFault`]: nothing is paid.
    pub fn read(demand: &Demand, method: &MethodLayer) -> Result<Self, TermsFault> {
        let other_method = || TermsFault::OtherMethod {
            method_id: demand.method_id.clone(),
            method_version: demand.method_version.clone(),
        };
        let network = Network::of(&demand.method_id).ok_or_else(other_method)?;
        if demand.method_version != method_version() {
            return Err(other_method());
        }
        let mut members = Members::open("method", Value::Object(method.members().clone()))?;
        let named = members.text("network", Identifier::parse)?;
        let terms = WalletTerms {
            network,
            psp: members.text("psp", Uri::parse)?,
            payee: members.text("payee", Identifier::parse)?,
            asset: members.text("asset", AssetText::parse)?,
        };
        if named.as_str() != network.as_str() {
            return Err(TermsFault::NetworkDiffers);
        }
        if terms.asset.code() != demand.currency.as_str() {
            return Err(TermsFault::CurrencyDiffers);
        }
        if network == Network::Main && !terms.psp.as_str().starts_with("https:") {
            return Err(TermsFault::PspInTheOpen);
        }
        Ok(terms)
    }

    /// The amount of a demand in the smallest units of its asset.
    ///
    /// # Errors
    /// [`TermsFault::AmountTooFine`].
    pub fn amount_minor(&self, demand: &Demand) -> Result<u128, TermsFault> {
        demand
            .amount
            .minor(self.asset.scale())
            .ok_or_else(|| TermsFault::AmountTooFine { amount: demand.amount.clone() })
    }
}

/// How a demand of our method is collected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Collection {
    /// The amount, whole.
    Whole,
    /// What was counted of it: the amount is a deposit, and what is left goes back.
    Metered,
}

impl Collection {
    /// Reads the member `metered`; where it is absent, the amount is collected whole.
    ///
    /// # Errors
    /// [`Malformed`], where it is there and is neither `true` nor `false`: nothing is paid.
    pub fn read(method: &MethodLayer) -> Result<Self, Malformed> {
        match method.members().get("metered") {
            None | Some(Value::Bool(false)) => Ok(Collection::Whole),
            Some(Value::Bool(true)) => Ok(Collection::Metered),
            Some(Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_)) => {
                Err(Members::unfit("method", "metered", "`true` or `false`"))
            }
        }
    }
}

/// The method layer of a proof or a validation: the network, and nothing else.
pub fn network_layer(network: Network) -> MethodLayer {
    let mut members = Map::new();
    put(&mut members, "network", network.as_str());
    MethodLayer::new(members).expect("one member is not none")
}
