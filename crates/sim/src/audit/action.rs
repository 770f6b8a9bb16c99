//! The action of an entry: what was asked, read field by field.

use super::bytes::{Bytes, Wrong};
use super::entry::{Action, Holder, Limit, Name, Place, Purchase, Subject, Terms, Window, amount};
use super::link::Asked;
use super::payout::Step;

const U64: u128 = u64::MAX as u128;
const U32: u128 = u32::MAX as u128;
const LIST: u128 = 4_096;
const CODE: u128 = 16;

const ACTIONS: [&str; 54] = [
    "open-book",
    "register-asset",
    "register-owner",
    "enrol-key",
    "revoke-key",
    "open-wallet",
    "open-sub-account",
    "close-wallet",
    "register-payee",
    "enrol-agent",
    "set-limits",
    "grant-mandate",
    "freeze",
    "unfreeze",
    "revoke",
    "approve",
    "refuse",
    "transfer",
    "pay",
    "place-hold",
    "capture",
    "void",
    "expire",
    "refund",
    "open-meter",
    "charge",
    "close-meter",
    "redeem",
    "present",
    "delegate",
    "observe",
    "approve-alike",
    "grant-quota",
    "deduct",
    "restore",
    "allot",
    "reclaim",
    "open-channel",
    "claim",
    "subscribe",
    "renew",
    "change-plan",
    "cancel-subscription",
    "place-escrow",
    "dispute",
    "open-link",
    "pay-link",
    "close-link",
    "",
    "issue-invoice",
    "issue-credit-note",
    "set-destination",
    "request-payout",
    "advance-payout",
];

pub(super) fn action(b: &mut Bytes<'_>) -> Result<Action, Wrong> {
    let kind = b.choice("action", &ACTIONS)?;
    Ok(match kind {
        1 => {
            b.flag("test")?;
            b.integer("retention_seconds", U64)?;
            let key = b.raw("key")?;
            public_key(b)?;
            Action::OpenBook { key }
        }
        2 => {
            let code = b.text("code", CODE)?;
            b.integer("scale", 255)?;
            Action::RegisterAsset { code }
        }
        3 => {
            let key = b.raw("key")?;
            public_key(b)?;
            Action::RegisterOwner { key }
        }
        4 => {
            let holder = match b.choice("holder", &["operator", "owner", "agent", "payee"])? {
                1 => Holder::Operator,
                2 => Holder::Owner(b.raw("holder.owner")?),
                3 => Holder::Agent(b.raw("holder.agent")?),
                _ => Holder::Payee(b.raw("holder.payee")?),
            };
            public_key(b)?;
            Action::EnrolKey { holder }
        }
        5 => Action::RevokeKey { key: b.raw("key")? },
        6 => Action::OpenWallet { owner: b.raw("owner")?, asset: b.text("asset", CODE)?, limits: limits(b)? },
        7 => Action::OpenSubAccount { wallet: b.raw("wallet")?, agent: b.raw("agent")?, limits: limits(b)? },
        8 => Action::CloseWallet { wallet: b.raw("wallet")? },
        9 => Action::RegisterPayee {
            owner: option(b, "owner")?,
            asset: b.text("asset", CODE)?,
            category: b.text("category", CODE)?,
            trusted: b.choice("provenance", &["registry", "merchant", "owner", "agent", "untrusted"])? <= 3,
            fee_ppm: b.integer("fee_ppm", 1_000_000)?,
            key: {
                let key = option(b, "key")?;
                if key.is_some() {
                    public_key(b)?;
                }
                key
            },
        },
        10 => {
            let wallet = b.raw("wallet")?;
            let limits = limits(b)?;
            let key = b.raw("key")?;
            public_key(b)?;
            Action::EnrolAgent { wallet, limits, key }
        }
        11 => {
            let subject = match b.choice("subject", &["wallet", "agent", "mandate"])? {
                1 => Subject::Wallet(b.raw("subject.wallet")?),
                2 => Subject::Agent(b.raw("subject.agent")?),
                _ => Subject::Mandate(b.raw("subject.mandate")?),
            };
            let version = b.integer("version", U32)? as u32;
            let limits = limits(b)?;
            b.raw::<32>("document")?;
            Action::SetLimits { subject, version, limits }
        }
        12 => {
            let (wallet, agent) = (b.raw("wallet")?, b.raw("agent")?);
            let from = b.integer("valid_from", U64)? as u64;
            let until = b.integer("expires_at", U64)? as u64;
            let limits = limits(b)?;
            b.raw::<32>("document")?;
            let inherits = b.choice("carry", &["inherit", "reset"])? == 1;
            Action::GrantMandate { wallet, agent, from, until, limits, inherits }
        }
        13 => Action::Freeze { subject: subject(b)? },
        14 => Action::Unfreeze { subject: subject(b)? },
        15 => Action::Revoke { subject: subject(b)? },
        16 => Action::Approve {
            question: b.raw("question")?,
            digest: b.raw("digest")?,
            until: b.integer("until", U64)? as u64,
        },
        17 => Action::Refuse { question: b.raw("question")? },
        18 => Action::Transfer {
            from: place(b, "from")?,
            to: place(b, "to")?,
            amount: amount(b, "amount")?,
            asset: b.text("asset", CODE)?,
        },
        33..=37 => return quota(b, kind),
        50 | 51 => return bill(b, kind),
        40..=43 => return subscription(b, kind),
        46..=48 => return link(b, kind),
        52..=54 => return payout(b, kind),
        _ => return spending(b, kind),
    })
}

fn spending(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    Ok(match kind {
        19 => Action::Pay { purchase: purchase(b)? },
        20 | 44 => Action::PlaceHold {
            purchase: purchase(b)?,
            until: b.integer("expires_at", U64)? as u64,
            is_escrow: kind == 44,
        },
        45 => Action::Dispute { hold: b.raw("hold")? },
        21 => Action::Capture { hold: b.raw("hold")?, amount: amount(b, "amount")?, last: b.flag("last")? },
        22 => Action::Void { hold: b.raw("hold")? },
        23 => Action::Expire { hold: b.raw("hold")? },
        24 => Action::Refund { payment: b.raw("payment")?, amount: amount(b, "amount")? },
        25 => Action::OpenMeter {
            purchase: purchase(b)?,
            until: b.integer("expires_at", U64)? as u64,
            rates: list(b, "rates", |b| b.integer("rate", U64))?,
            rounding: b.choice("rounding", &["down", "half_up", "up"])?,
        },
        26 => Action::Charge {
            meter: b.raw("meter")?,
            sequence: b.integer("sequence", U64)? as u64,
            units: list(b, "units", |b| b.integer("units", U64))?,
        },
        27 => Action::CloseMeter { meter: b.raw("meter")? },
        28 => {
            let hold = b.raw("hold")?;
            b.raw::<32>("delivery")?;
            Action::Redeem { hold }
        }
        29 => {
            let nonce = b.integer("nonce", U64)? as u64;
            b.raw::<32>("request")?;
            Action::Present { nonce }
        }
        32 => Action::ApproveAlike {
            question: b.raw("question")?,
            digest: b.raw("digest")?,
            until: b.integer("until", U64)? as u64,
        },
        38 => {
            let purchase = purchase(b)?;
            let until = b.integer("expires_at", U64)? as u64;
            let rounding = b.choice("rounding", &["down", "half_up", "up"])?;
            public_key(b)?;
            Action::OpenChannel { purchase, until, rounding }
        }
        39 => {
            let channel = b.raw("channel")?;
            let total = b.integer("total", u128::MAX)?;
            b.raw::<64>("signature")?;
            Action::Claim { channel, total }
        }
        31 => Action::Observe {
            item: b.raw("item")?,
            price: amount(b, "price")?,
            asset: b.text("asset", CODE)?,
            stock: b.integer("stock", U32)? as u64,
        },
        _ => {
            let (parent, agent) = (b.raw("parent")?, b.raw("agent")?);
            let from = b.integer("valid_from", U64)? as u64;
            let until = b.integer("expires_at", U64)? as u64;
            let limits = limits(b)?;
            b.raw::<32>("document")?;
            Action::Delegate { parent, agent, from, until, limits }
        }
    })
}

fn quota(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    let units = |b: &mut Bytes<'_>| Ok::<u64, Wrong>(b.integer("units", U64)? as u64);
    Ok(match kind {
        33 => {
            let (wallet, payment) = (b.raw("wallet")?, option(b, "payment")?);
            let is_money = b.choice("unit", &["count", "nanos"])? == 2;
            let units = units(b)?;
            let until = b.integer("expires_at", U64)? as u64;
            let into = option(b, "into")?;
            b.raw::<32>("document")?;
            Action::GrantQuota { wallet, payment, is_money, units, until, into }
        }
        34 => Action::Deduct { quota: b.raw("quota")?, units: units(b)? },
        35 => Action::Restore { deduct: b.raw("deduct")?, units: units(b)? },
        36 => Action::Allot {
            from: b.raw("from")?,
            into: option(b, "into")?,
            agent: option(b, "agent")?,
            units: units(b)?,
        },
        _ => Action::Reclaim { quota: b.raw("quota")?, units: units(b)? },
    })
}

fn bill(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    let total = |b: &mut Bytes<'_>| -> Result<Option<u128>, Wrong> {
        let total = if b.flag("has total")? { Some(amount(b, "total")?) } else { None };
        b.raw::<32>("document")?;
        Ok(total)
    };
    Ok(if kind == 50 {
        let purchases = list(b, "purchases", |b| b.raw("purchase"))?;
        Action::IssueInvoice { purchases, total: total(b)? }
    } else {
        let invoice = b.raw("invoice")?;
        Action::IssueCreditNote { invoice, total: total(b)? }
    })
}

fn subscription(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    Ok(match kind {
        40 => {
            let (purchase, terms) = (purchase(b)?, terms(b)?);
            let has_trial = b.flag("has trial_until")?;
            let trial_until = if has_trial { Some(b.integer("trial_until", U64)? as u64) } else { None };
            Action::Subscribe { purchase, terms, trial_until }
        }
        41 => Action::Renew { subscription: b.raw("subscription")?, from: b.integer("from", U64)? as u64 },
        42 => {
            let subscription = b.raw("subscription")?;
            Action::ChangePlan { subscription, purchase: purchase(b)?, terms: terms(b)? }
        }
        _ => Action::CancelSubscription { subscription: b.raw("subscription")? },
    })
}

fn link(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    Ok(match kind {
        46 => {
            let (is_split, whole, shares) = payees(b)?;
            let asset = b.text("asset", CODE)?;
            let (least, most) = (amount(b, "least")?, amount(b, "most")?);
            let uses = if b.flag("has uses")? { Some(b.integer("uses", U32)?) } else { None };
            let until = b.integer("until", U64)? as u64;
            let takes_person = b.choice("by", &["anyone", "owner"])? == 2;
            let document = b.raw("document")?;
            let asked =
                Asked { shares, whole, is_split, asset, least, most, uses, until, takes_person, document };
            Action::OpenLink { asked }
        }
        47 => {
            let (link, purchase) = (b.raw("link")?, purchase(b)?);
            let message = if b.flag("has message")? { Some(b.raw("message")?) } else { None };
            Action::PayLink { link, purchase, message }
        }
        _ => Action::CloseLink { link: b.raw("link")? },
    })
}

fn payout(b: &mut Bytes<'_>, kind: u8) -> Result<Action, Wrong> {
    Ok(match kind {
        52 => Action::SetDestination { payee: b.raw("payee")?, destination: b.raw("destination")? },
        53 => Action::RequestPayout {
            payee: b.raw("payee")?,
            amount: amount(b, "amount")?,
            asset: b.text("asset", CODE)?,
            destination: b.raw("destination")?,
        },
        _ => {
            let payout = b.raw("payout")?;
            let step = match b.choice("step", &["sent", "paid", "failed"])? {
                1 => Step::Sent,
                2 => Step::Paid,
                _ => Step::Failed,
            };
            if step == Step::Sent {
                b.raw::<16>("step.batch")?;
                b.raw::<32>("step.order")?;
            } else {
                b.raw::<32>("step.said")?;
            }
            Action::AdvancePayout { payout, step }
        }
    })
}

fn terms(b: &mut Bytes<'_>) -> Result<Terms, Wrong> {
    let start = b.at();
    let is_monthly = b.choice("every", &["days", "months"])? == 2;
    let each = b.integer("every.count", u128::from(u16::MAX))? as u64;
    let zone = b.text("zone", 64)?;
    jiff::tz::TimeZone::get(&zone).map_err(|_| format!("`{zone}` is no zone"))?;
    let is_limited = b.flag("has renewals")?;
    let renewals = if is_limited { Some(b.integer("renewals", U32)? as u64) } else { None };
    let grace = b.integer("grace_nanos", U64)? as u64;
    b.raw::<32>("document")?;
    let bytes = b.since(start).to_vec();
    Ok(Terms { is_monthly, each, zone, renewals, grace, bytes })
}

fn purchase(b: &mut Bytes<'_>) -> Result<Purchase, Wrong> {
    let start = b.at();
    let wallet = b.raw("wallet")?;
    let mandate = option(b, "mandate")?;
    let (is_split, whole, shares) = payees(b)?;
    let amount = amount(b, "amount")?;
    let asset = b.text("asset", CODE)?;
    let category = if b.flag("has category")? { Some(b.text("category", CODE)?) } else { None };
    let reference = if b.flag("has reference")? { Some(b.raw("reference")?) } else { None };
    let mut bytes_unapproved = b.since(start).to_vec();
    bytes_unapproved.push(0);
    let approval = option(b, "approval")?;
    Ok(Purchase {
        wallet,
        mandate,
        shares,
        whole,
        is_split,
        amount,
        asset,
        category,
        reference,
        approval,
        bytes_unapproved,
    })
}

/// Whether they share, what all shares add up to, and each.
type Payees = (bool, u128, Vec<(Name, u128)>);

fn payees(b: &mut Bytes<'_>) -> Result<Payees, Wrong> {
    if b.choice("to", &["one", "split"])? == 1 {
        return Ok((false, 1, vec![(b.raw("payee")?, 1)]));
    }
    let whole = b.integer("whole", U32)?;
    let share = |b: &mut Bytes<'_>| Ok((b.raw("share.payee")?, b.integer("share.weight", U32)?));
    Ok((true, whole, list(b, "shares", share)?))
}

fn limits(b: &mut Bytes<'_>) -> Result<Vec<Limit>, Wrong> {
    list(b, "limits", limit)
}

fn limit(b: &mut Bytes<'_>) -> Result<Limit, Wrong> {
    let kinds = [
        "per-payment",
        "total",
        "uses",
        "window",
        "velocity",
        "payees-allowed",
        "payees-denied",
        "categories-allowed",
        "categories-denied",
        "validity",
        "ask-above",
        "ask-first-contact",
        "ask-always",
        "unknown",
        "price-at-most",
    ];
    let payee = |b: &mut Bytes<'_>| b.raw("payee");
    let category = |b: &mut Bytes<'_>| b.text("category", CODE);
    Ok(match b.choice("limit", &kinds)? {
        1 => Limit::PerPayment(amount(b, "max")?),
        2 => Limit::Total(amount(b, "max")?),
        3 => Limit::Uses(b.integer("max", U64)? as u64),
        4 => Limit::Window(window(b)?, amount(b, "max")?),
        5 => Limit::Velocity(window(b)?, b.integer("max", U32)? as u64),
        6 => Limit::PayeesAllowed(list(b, "payees", payee)?),
        7 => Limit::PayeesDenied(list(b, "payees", payee)?),
        8 => Limit::CategoriesAllowed(list(b, "categories", category)?),
        9 => Limit::CategoriesDenied(list(b, "categories", category)?),
        10 => Limit::Validity(b.integer("from", U64)? as u64, b.integer("until", U64)? as u64),
        11 => Limit::AskAbove(amount(b, "amount")?),
        12 => Limit::AskFirstContact,
        13 => Limit::AskAlways,
        14 => {
            b.raw::<32>("constraint")?;
            Limit::Unknown
        }
        _ => Limit::PriceAtMost {
            payee: b.raw("payee")?,
            item: b.raw("item")?,
            max: amount(b, "max")?,
            seconds: b.integer("within_seconds", U32)? as u64,
        },
    })
}

fn window(b: &mut Bytes<'_>) -> Result<Window, Wrong> {
    Ok(match b.choice("window", &["rolling", "calendar"])? {
        1 => Window::Rolling { seconds: b.integer("seconds", U32)? as u64 },
        _ => {
            let period = b.choice("period", &["day", "week", "month"])?;
            let zone = b.text("zone", 64)?;
            jiff::tz::TimeZone::get(&zone).map_err(|_| format!("`{zone}` is no zone"))?;
            Window::Calendar { period, zone }
        }
    })
}

fn subject(b: &mut Bytes<'_>) -> Result<Subject, Wrong> {
    let subjects = ["owner", "wallet", "agent", "mandate", "payee"];
    Ok(match b.choice("subject", &subjects)? {
        1 => Subject::Owner(b.raw("subject.owner")?),
        2 => Subject::Wallet(b.raw("subject.wallet")?),
        3 => Subject::Agent(b.raw("subject.agent")?),
        4 => Subject::Mandate(b.raw("subject.mandate")?),
        _ => Subject::Payee(b.raw("subject.payee")?),
    })
}

fn place(b: &mut Bytes<'_>, name: &str) -> Result<Place, Wrong> {
    Ok(match b.choice(name, &["world", "fees", "wallet", "payee"])? {
        1 => Place::World,
        2 => Place::Fees,
        3 => Place::Wallet(b.raw("wallet")?),
        _ => Place::Payee(b.raw("payee")?),
    })
}

fn public_key(b: &mut Bytes<'_>) -> Result<(), Wrong> {
    match b.choice("public key", &["ed25519", "es256"])? {
        1 => b.raw::<32>("public key").map(drop),
        _ => b.raw::<64>("public key").map(drop),
    }
}

fn option(b: &mut Bytes<'_>, name: &str) -> Result<Option<Name>, Wrong> {
    if b.flag(&format!("has {name}"))? { b.raw(name).map(Some) } else { Ok(None) }
}

fn list<T>(
    b: &mut Bytes<'_>,
    name: &str,
    mut item: impl FnMut(&mut Bytes<'_>) -> Result<T, Wrong>,
) -> Result<Vec<T>, Wrong> {
    let count = b.integer(&format!("{name}.count"), LIST)?;
    (0..count).map(|_| item(b)).collect()
}
