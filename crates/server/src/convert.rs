//! From what is asked on the wire to what is asked of the book. Amounts, ids and times are read here, once.

use crate::codes::Edge;
use crate::directory::Directory;
use crate::problem::{Answered, Problem};
use book::{
    Account, Amount, Asset, Code, Id, KeyHolder, KeyId, Limit, NanosPerUnit, Payees, Period, PublicKeyBytes,
    Purchase, Rounding, Share, Split, Subject, Time, Window, Zone,
};
use evidence::{Hash, KeyError, PublicKey, base64url};
use std::borrow::Cow;
use wire::account::{Algorithm, Carry, NewKey, Provenance};
use wire::{AmountText, AssetText, Money};

/// A wire id as the book's.
pub fn id(bits: u128) -> Id {
    Id(bits.to_be_bytes())
}

/// A book's id as the wire's.
pub fn bits(id: Id) -> u128 {
    u128::from_be_bytes(id.0)
}

/// An amount of the wire as the book's; both have the same bound.
pub fn amount(text: AmountText) -> Amount {
    Amount::new(text.minor()).expect("both bounds are 10^30")
}

/// Money of the book as the wire's.
pub fn money(amount: Amount, asset: Asset) -> Money {
    let amount = AmountText::new(amount.minor()).expect("both bounds are 10^30");
    Money { amount, asset: asset_text(asset) }
}

/// An asset of the book as the wire's.
pub fn asset_text(asset: Asset) -> AssetText {
    AssetText::new(asset.code.as_str(), asset.scale).expect("a registered asset has a name")
}

/// The registered asset that is spelled so.
///
/// # Errors
/// [`Edge::UnitMismatch`] where it is registered with other decimals, and `asset_unknown` where it is not.
pub fn registered(directory: &Directory, text: AssetText, param: &'static str) -> Answered<Asset> {
    let unknown = || Problem::from(book::Reject::AssetUnknown).of(param);
    let asset = Code::new(text.code()).and_then(|code| directory.asset(code)).ok_or_else(unknown)?;
    if asset.scale == text.scale() { Ok(asset) } else { Err(Problem::from(Edge::UnitMismatch).of(param)) }
}

/// A category, or another short name.
///
/// # Errors
/// [`Edge::TextMalformed`].
pub fn code(text: &str, param: impl Into<Cow<'static, str>>) -> Answered<Code> {
    Code::new(text).ok_or_else(|| Problem::from(Edge::TextMalformed).of(param))
}

/// A time, RFC 3339.
///
/// # Errors
/// [`Edge::TextMalformed`].
pub fn time(text: &str, param: impl Into<Cow<'static, str>>) -> Answered<Time> {
    let read = || {
        let nanos = text.parse::<jiff::Timestamp>().ok()?.as_nanosecond();
        u64::try_from(nanos).ok().map(Time)
    };
    read().ok_or_else(|| Problem::from(Edge::TextMalformed).of(param))
}

/// A time as text, UTC, with as many decimals as it needs.
pub fn time_text(time: Time) -> String {
    let nanos = i128::from(time.0);
    jiff::Timestamp::from_nanosecond(nanos)
        .map_or_else(|_| "9999-12-31T23:59:59Z".to_owned(), |time| time.to_string())
}

/// The public key, checked to be worth enrolling.
///
/// # Errors
/// [`Edge::KeyMalformed`], [`Edge::KeyWeak`].
pub fn public_key(algorithm: Algorithm, text: &str, param: &'static str) -> Answered<PublicKeyBytes> {
    let malformed = || Problem::from(Edge::KeyMalformed).of(param);
    let bytes = base64url::decode(text).ok_or_else(malformed)?;
    let refused = |fault: KeyError| match fault {
        KeyError::Malformed => Problem::from(Edge::KeyMalformed).of(param),
        KeyError::Weak => Problem::from(Edge::KeyWeak).of(param),
    };
    match algorithm {
        Algorithm::Ed25519 => {
            PublicKey::ed25519(&bytes).map_err(refused)?;
            bytes.try_into().map(PublicKeyBytes::Ed25519).map_err(|_| malformed())
        }
        Algorithm::Es256 => {
            let (x, y) = bytes.split_at_checked(32).ok_or_else(malformed)?;
            PublicKey::es256(x, y).map_err(refused)?;
            bytes.try_into().map(PublicKeyBytes::Es256).map_err(|_| malformed())
        }
    }
}

/// A named key.
///
/// # Errors
/// Those of [`public_key`].
pub fn new_key(key: &NewKey) -> Answered<(KeyId, PublicKeyBytes)> {
    let bytes = public_key(key.algorithm, &key.public_key, "key.public_key")?;
    Ok((KeyId(id(key.id.0)), bytes))
}

/// Whom a new key speaks for.
///
/// # Errors
/// [`Edge::BodyMalformed`].
pub fn key_holder(text: &str) -> Answered<KeyHolder> {
    let holder = match text.split_once('_').map(|(prefix, _)| prefix) {
        None if text == "operator" => Some(KeyHolder::Operator),
        Some("own") => text.parse().ok().map(KeyHolder::Owner),
        Some("agt") => text.parse().ok().map(KeyHolder::Agent),
        Some("pye") => text.parse().ok().map(KeyHolder::Payee),
        None | Some(_) => None,
    };
    holder.ok_or_else(|| Problem::from(Edge::BodyMalformed).of("holder"))
}

/// What is to be stopped or started.
///
/// # Errors
/// [`Edge::BodyMalformed`].
pub fn subject(text: &str) -> Answered<Subject> {
    let subject = match text.split_once('_').map(|(prefix, _)| prefix) {
        Some("own") => text.parse().ok().map(Subject::Owner),
        Some("wal") => text.parse().ok().map(Subject::Wallet),
        Some("agt") => text.parse().ok().map(Subject::Agent),
        Some("mdt") => text.parse().ok().map(Subject::Mandate),
        Some("pye") => text.parse().ok().map(Subject::Payee),
        None | Some(_) => None,
    };
    subject.ok_or_else(|| Problem::from(Edge::BodyMalformed).of("subject"))
}

/// An account of a transfer.
///
/// # Errors
/// [`Edge::BodyMalformed`].
pub fn account(text: &str, param: &'static str) -> Answered<Account> {
    let account = match text.split_once('_').map(|(prefix, _)| prefix) {
        None if text == "world" => Some(Account::World),
        None if text == "fees" => Some(Account::Fees),
        Some("wal") => text.parse().ok().map(Account::Wallet),
        Some("pye") => text.parse().ok().map(Account::Payee),
        None | Some(_) => None,
    };
    account.ok_or_else(|| Problem::from(Edge::BodyMalformed).of(param))
}

/// An account as text.
pub fn account_text(account: Account) -> String {
    match account {
        Account::World => "world".to_owned(),
        Account::Fees => "fees".to_owned(),
        Account::Wallet(id) => id.to_string(),
        Account::Payee(id) => id.to_string(),
    }
}

/// The id of a payment, hold, meter or subscription: whatever was bought.
///
/// # Errors
/// [`Edge::BodyMalformed`].
pub fn purchase_id(text: &str, param: &'static str) -> Answered<Id> {
    let (prefix, rest) = text.split_once('_').unwrap_or_default();
    let id = Id::from_text(rest).filter(|_| matches!(prefix, "pay" | "hld" | "mtr" | "sub"));
    id.ok_or_else(|| Problem::from(Edge::BodyMalformed).of(param))
}

/// What is to be bought, whichever way it is paid.
#[derive(Debug)]
pub struct Buy<'a> {
    /// The wallet that pays.
    pub wallet: wire::WalletId,
    /// Under which mandate.
    pub mandate: Option<wire::MandateId>,
    /// Who collects: either this,
    pub payee: Option<wire::PayeeId>,
    /// or this.
    pub split: Option<&'a wire::payment::Split>,
    /// How much.
    pub amount: Money,
    /// What is bought.
    pub category: Option<&'a str>,
    /// Its digest.
    pub reference: Option<wire::Digest>,
    /// The question whose approval this uses.
    pub approval: Option<&'a str>,
}

impl Buy<'_> {
    /// The purchase as the book knows it.
    ///
    /// # Errors
    /// A [`Problem`] with the member that is wrong.
    pub fn purchase(&self, directory: &Directory) -> Answered<Purchase> {
        let asset = registered(directory, self.amount.asset, "amount.asset")?;
        let to = match (self.payee, self.split) {
            (Some(payee), None) => Payees::One(book::PayeeId(id(payee.0))),
            (None, Some(split)) => Payees::Split(Split {
                whole: split.whole,
                shares: split
                    .shares
                    .iter()
                    .map(|share| Share { payee: book::PayeeId(id(share.payee.0)), weight: share.weight })
                    .collect(),
            }),
            (Some(_), Some(_)) | (None, None) => {
                let problem = Problem::from(Edge::BodyMalformed).of("payee");
                return Err(problem.because("either `payee` or `split` is needed, not both."));
            }
        };
        Ok(Purchase {
            wallet: book::WalletId(id(self.wallet.0)),
            mandate: self.mandate.map(|mandate| book::MandateId(id(mandate.0))),
            to,
            amount: amount(self.amount.amount),
            asset: asset.code,
            category: self.category.map(|text| code(text, "category")).transpose()?,
            reference: self.reference.map(|digest| Hash(digest.0)),
            approval: self.approval.map(|text| purchase_id(text, "approval")).transpose()?,
        })
    }
}

/// Limits of the wire as the book's.
///
/// # Errors
/// A [`Problem`] with the limit that is wrong.
pub fn limits(limits: &[wire::limit::Limit]) -> Answered<Vec<Limit>> {
    limits.iter().enumerate().map(|(place, it)| limit(it, place)).collect()
}

fn limit(it: &wire::limit::Limit, place: usize) -> Answered<Limit> {
    use wire::limit::Limit as W;
    let param = |name: &str| format!("limits[{place}].{name}");
    let payees = |list: &[wire::PayeeId]| list.iter().map(|payee| book::PayeeId(id(payee.0))).collect();
    let codes = |list: &[String]| -> Answered<Vec<Code>> {
        list.iter().map(|text| code(text, param("categories"))).collect()
    };
    Ok(match it {
        W::PerPayment { max } => Limit::PerPayment { max: amount(*max) },
        W::Total { max } => Limit::Total { max: amount(*max) },
        W::Uses { max } => Limit::Uses { max: *max },
        W::Window { window: w, max } => {
            Limit::Window { window: window(w, param("window"))?, max: amount(*max) }
        }
        W::Velocity { window: w, max } => Limit::Velocity { window: window(w, param("window"))?, max: *max },
        W::PayeesAllowed { payees: list } => Limit::PayeesAllowed { payees: payees(list) },
        W::PayeesDenied { payees: list } => Limit::PayeesDenied { payees: payees(list) },
        W::CategoriesAllowed { categories } => Limit::CategoriesAllowed { categories: codes(categories)? },
        W::CategoriesDenied { categories } => Limit::CategoriesDenied { categories: codes(categories)? },
        W::Validity { from, until } => {
            Limit::Validity { from: time(from, param("from"))?, until: time(until, param("until"))? }
        }
        W::AskAbove { amount: line } => Limit::AskAbove { amount: amount(*line) },
        W::AskFirstContact => Limit::AskFirstContact,
        W::AskAlways => Limit::AskAlways,
        W::Unknown { constraint } => Limit::Unknown { constraint: Box::new(Hash(constraint.0)) },
        W::PriceAtMost { payee, item, max, within_seconds } => Limit::PriceAtMost {
            trigger: Box::new(book::Trigger {
                payee: book::PayeeId(id(payee.0)),
                item: Hash(item.0),
                max: amount(*max),
                within_seconds: *within_seconds,
            }),
        },
    })
}

fn window(window: &wire::limit::Window, param: String) -> Answered<Window> {
    match window {
        wire::limit::Window::Rolling { seconds } => Ok(Window::Rolling { seconds: *seconds }),
        wire::limit::Window::Calendar { period, zone } => {
            let zone = Zone::new(zone).ok_or_else(|| Problem::from(Edge::TextMalformed).of(param))?;
            let period = match period {
                wire::limit::Period::Day => Period::Day,
                wire::limit::Period::Week => Period::Week,
                wire::limit::Period::Month => Period::Month,
            };
            Ok(Window::Calendar { period, zone })
        }
    }
}

/// Limits of the book as the wire's.
pub fn limits_text(limits: &[Limit]) -> Vec<wire::limit::Limit> {
    limits.iter().map(limit_text).collect()
}

fn limit_text(limit: &Limit) -> wire::limit::Limit {
    use wire::limit::Limit as W;
    let max = |amount: &Amount| AmountText::new(amount.minor()).expect("both bounds are 10^30");
    let payees = |list: &[book::PayeeId]| list.iter().map(|payee| wire::PayeeId(bits(payee.0))).collect();
    let codes = |list: &[Code]| list.iter().map(|code| code.as_str().to_owned()).collect();
    match limit {
        Limit::PerPayment { max: line } => W::PerPayment { max: max(line) },
        Limit::Total { max: line } => W::Total { max: max(line) },
        Limit::Uses { max } => W::Uses { max: *max },
        Limit::Window { window, max: line } => W::Window { window: window_text(window), max: max(line) },
        Limit::Velocity { window, max } => W::Velocity { window: window_text(window), max: *max },
        Limit::PayeesAllowed { payees: list } => W::PayeesAllowed { payees: payees(list) },
        Limit::PayeesDenied { payees: list } => W::PayeesDenied { payees: payees(list) },
        Limit::CategoriesAllowed { categories } => W::CategoriesAllowed { categories: codes(categories) },
        Limit::CategoriesDenied { categories } => W::CategoriesDenied { categories: codes(categories) },
        Limit::Validity { from, until } => W::Validity { from: time_text(*from), until: time_text(*until) },
        Limit::AskAbove { amount } => W::AskAbove { amount: max(amount) },
        Limit::AskFirstContact => W::AskFirstContact,
        Limit::AskAlways => W::AskAlways,
        Limit::Unknown { constraint } => W::Unknown { constraint: wire::Digest(constraint.0) },
        Limit::PriceAtMost { trigger } => W::PriceAtMost {
            payee: wire::PayeeId(bits(trigger.payee.0)),
            item: wire::Digest(trigger.item.0),
            max: max(&trigger.max),
            within_seconds: trigger.within_seconds,
        },
    }
}

fn window_text(window: &Window) -> wire::limit::Window {
    match window {
        Window::Rolling { seconds } => wire::limit::Window::Rolling { seconds: *seconds },
        Window::Calendar { period, zone } => wire::limit::Window::Calendar {
            period: match period {
                Period::Day => wire::limit::Period::Day,
                Period::Week => wire::limit::Period::Week,
                Period::Month => wire::limit::Period::Month,
            },
            zone: zone.name().to_owned(),
        },
    }
}

/// Who vouches for a payee, as the book knows it.
pub fn provenance(it: Provenance) -> book::Provenance {
    match it {
        Provenance::Registry => book::Provenance::Registry,
        Provenance::Merchant => book::Provenance::Merchant,
        Provenance::Owner => book::Provenance::Owner,
        Provenance::Agent => book::Provenance::Agent,
        Provenance::Untrusted => book::Provenance::Untrusted,
    }
}

/// Who vouches for a payee, as the wire says it.
pub fn provenance_text(it: book::Provenance) -> Provenance {
    match it {
        book::Provenance::Registry => Provenance::Registry,
        book::Provenance::Merchant => Provenance::Merchant,
        book::Provenance::Owner => Provenance::Owner,
        book::Provenance::Agent => Provenance::Agent,
        book::Provenance::Untrusted => Provenance::Untrusted,
    }
}

/// What a mandate begins with, as the book knows it.
pub fn carry(it: Carry) -> book::Carry {
    match it {
        Carry::Inherit => book::Carry::Inherit,
        Carry::Reset => book::Carry::Reset,
    }
}

/// How a meter is rounded, as the book knows it.
pub fn rounding(it: wire::meter::Rounding) -> Rounding {
    match it {
        wire::meter::Rounding::Down => Rounding::Down,
        wire::meter::Rounding::HalfUp => Rounding::HalfUp,
        wire::meter::Rounding::Up => Rounding::Up,
    }
}

/// Prices of a meter as the book knows them.
pub fn rates(rates: &[u64]) -> Vec<NanosPerUnit> {
    rates.iter().map(|nanos| NanosPerUnit(*nanos)).collect()
}
