//! An entry as the auditor reads it: plain numbers, names of 16 bytes, nothing of the book's own types.

use super::bytes::{Bytes, Field, Wrong};
pub(super) use super::reasons::{ASKS, DENIALS};

pub(super) type Name = [u8; 16];
pub(super) type Digest = [u8; 32];

/// The largest amount: 10^30.
pub(super) const AMOUNT_MAX: u128 = 1_000_000_000_000_000_000_000_000_000_000;
const ANY: u128 = u128::MAX;
const U64: u128 = u64::MAX as u128;
const U32: u128 = u32::MAX as u128;
const LIST: u128 = 4_096;

#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) seq: u64,
    pub(super) at: u64,
    pub(super) id: Name,
    pub(super) by: By,
    pub(super) action: Action,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Operator { key: Name },
    Owner { owner: Name, key: Name, fresh: bool },
    Agent { agent: Name, key: Name },
    Payee { payee: Name, key: Name },
    Book,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    OpenBook {
        key: Name,
    },
    RegisterAsset {
        code: String,
    },
    RegisterOwner {
        key: Name,
    },
    EnrolKey {
        holder: Holder,
    },
    RevokeKey {
        key: Name,
    },
    OpenWallet {
        owner: Name,
        asset: String,
        limits: Vec<Limit>,
    },
    OpenSubAccount {
        wallet: Name,
        agent: Name,
        limits: Vec<Limit>,
    },
    CloseWallet {
        wallet: Name,
    },
    RegisterPayee {
        owner: Option<Name>,
        asset: String,
        category: String,
        trusted: bool,
        fee_ppm: u128,
        key: Option<Name>,
    },
    EnrolAgent {
        wallet: Name,
        limits: Vec<Limit>,
        key: Name,
    },
    SetLimits {
        subject: Subject,
        version: u32,
        limits: Vec<Limit>,
    },
    GrantMandate {
        wallet: Name,
        agent: Name,
        from: u64,
        until: u64,
        limits: Vec<Limit>,
        inherits: bool,
    },
    Freeze {
        subject: Subject,
    },
    Unfreeze {
        subject: Subject,
    },
    Revoke {
        subject: Subject,
    },
    Approve {
        question: Name,
        digest: Digest,
        until: u64,
    },
    Refuse {
        question: Name,
    },
    Transfer {
        from: Place,
        to: Place,
        amount: u128,
        asset: String,
    },
    Pay {
        purchase: Purchase,
    },
    PlaceHold {
        purchase: Purchase,
        until: u64,
        /// What is left is captured when the time is up.
        is_escrow: bool,
    },
    Dispute {
        hold: Name,
    },
    Capture {
        hold: Name,
        amount: u128,
        last: bool,
    },
    Void {
        hold: Name,
    },
    Expire {
        hold: Name,
    },
    Refund {
        payment: Name,
        amount: u128,
    },
    OpenMeter {
        purchase: Purchase,
        until: u64,
        rates: Vec<u128>,
        rounding: u8,
    },
    Charge {
        meter: Name,
        sequence: u64,
        units: Vec<u128>,
    },
    CloseMeter {
        meter: Name,
    },
    Redeem {
        hold: Name,
    },
    Present {
        nonce: u64,
    },
    ApproveAlike {
        question: Name,
        digest: Digest,
        until: u64,
    },
    Observe {
        item: Digest,
        price: u128,
        asset: String,
        stock: u64,
    },
    GrantQuota {
        wallet: Name,
        payment: Option<Name>,
        is_money: bool,
        units: u64,
        until: u64,
        into: Option<Name>,
    },
    Deduct {
        quota: Name,
        units: u64,
    },
    Restore {
        deduct: Name,
        units: u64,
    },
    Allot {
        from: Name,
        into: Option<Name>,
        agent: Option<Name>,
        units: u64,
    },
    Reclaim {
        quota: Name,
        units: u64,
    },
    OpenChannel {
        purchase: Purchase,
        until: u64,
        rounding: u8,
    },
    Claim {
        channel: Name,
        total: u128,
    },
    Subscribe {
        purchase: Purchase,
        terms: Terms,
        trial_until: Option<u64>,
    },
    Renew {
        subscription: Name,
        from: u64,
    },
    ChangePlan {
        subscription: Name,
        purchase: Purchase,
        terms: Terms,
    },
    CancelSubscription {
        subscription: Name,
    },
    OpenLink {
        asked: super::link::Asked,
    },
    PayLink {
        link: Name,
        purchase: Purchase,
        message: Option<Digest>,
    },
    CloseLink {
        link: Name,
    },
    SetDestination {
        payee: Name,
        destination: Digest,
    },
    RequestPayout {
        payee: Name,
        amount: u128,
        asset: String,
        destination: Digest,
    },
    AdvancePayout {
        payout: Name,
        step: super::payout::Step,
    },
    IssueInvoice {
        purchases: Vec<Name>,
        total: Option<u128>,
    },
    IssueCreditNote {
        invoice: Name,
        total: Option<u128>,
    },
    Delegate {
        parent: Name,
        agent: Name,
        from: u64,
        until: u64,
        limits: Vec<Limit>,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Holder {
    Operator,
    Owner(Name),
    Agent(Name),
    Payee(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Owner(Name),
    Wallet(Name),
    Agent(Name),
    Mandate(Name),
    Payee(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    World,
    Fees,
    /// On its way to banks.
    Transit,
    Wallet(Name),
    Payee(Name),
}

#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) wallet: Name,
    pub(super) mandate: Option<Name>,
    /// A single payee has one share of one.
    pub(super) shares: Vec<(Name, u128)>,
    pub(super) whole: u128,
    pub(super) is_split: bool,
    pub(super) amount: u128,
    pub(super) asset: String,
    pub(super) category: Option<String>,
    pub(super) reference: Option<Digest>,
    pub(super) approval: Option<Name>,
    /// Its bytes as if there were no approval.
    pub(super) bytes_unapproved: Vec<u8>,
}

/// What was agreed beside the price of a period.
#[derive(Clone, Debug)]
pub(super) struct Terms {
    /// Of periods that are months, else days.
    pub(super) is_monthly: bool,
    pub(super) each: u64,
    pub(super) zone: String,
    pub(super) renewals: Option<u64>,
    pub(super) grace: u64,
    pub(super) bytes: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    PerPayment(u128),
    Total(u128),
    Uses(u64),
    Window(Window, u128),
    Velocity(Window, u64),
    PayeesAllowed(Vec<Name>),
    PayeesDenied(Vec<Name>),
    CategoriesAllowed(Vec<String>),
    CategoriesDenied(Vec<String>),
    Validity(u64, u64),
    AskAbove(u128),
    AskFirstContact,
    AskAlways,
    Unknown,
    PriceAtMost { payee: Name, item: Digest, max: u128, seconds: u64 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Window {
    Rolling {
        seconds: u64,
    },
    /// 1 the day, 2 the week, 3 the month.
    Calendar {
        period: u8,
        zone: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    Paid(Moved),
    Held { versions: [u32; 3] },
    Captured(Moved),
    Released { amount: u128 },
    Refunded { parts: Vec<Part> },
    Charged { total: u128 },
    Settled { moved: Moved, released: u128, carry: u128 },
    Asked { rule: Rule, ask: u8, digest: Digest },
    Denied { rule: Rule, denial: u8, left: Option<u128> },
    Subscribed { from: u64, until: u64, paid: Option<Moved> },
    Invoiced { number: u64, amounts: Vec<u128> },
    Credited { number: u64, amounts: Vec<u128> },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) amount: u128,
    pub(super) parts: Vec<Part>,
    pub(super) versions: [u32; 3],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) amount: u128,
    pub(super) fee: u128,
}

/// Which rule decided: 1 the book's, 2 the wallet's, 3 the agent's, 4 the mandate's; its version; which limit of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) scope: u8,
    /// Of a mandate that was delegated from, or its agent: so many delegations up.
    pub(super) above: u8,
    pub(super) version: u32,
    pub(super) limit: u8,
}

/// The fields of an entry, for people.
///
/// # Errors
/// Why the bytes are no entry.
pub fn fields(entry: &[u8]) -> Result<Vec<Field>, String> {
    let mut bytes = Bytes::new(entry);
    read(&mut bytes)?;
    Ok(bytes.fields)
}

pub(super) fn decode(entry: &[u8]) -> Result<Entry, Wrong> {
    read(&mut Bytes::new(entry))
}

fn read(b: &mut Bytes<'_>) -> Result<Entry, Wrong> {
    let entry = Entry {
        seq: b.integer("seq", U64)? as u64,
        at: b.integer("at", U64)? as u64,
        id: b.raw("id")?,
        by: by(b)?,
        action: super::action::action(b)?,
        outcome: outcome(b)?,
    };
    b.finish()?;
    Ok(entry)
}

fn by(b: &mut Bytes<'_>) -> Result<By, Wrong> {
    Ok(match b.choice("by", &["operator", "owner", "agent", "payee", "book"])? {
        1 => By::Operator { key: b.raw("by.key")? },
        2 => By::Owner {
            owner: b.raw("by.owner")?,
            key: b.raw("by.key")?,
            fresh: b.choice("by.presence", &["session", "fresh"])? == 2,
        },
        3 => By::Agent { agent: b.raw("by.agent")?, key: b.raw("by.key")? },
        4 => By::Payee { payee: b.raw("by.payee")?, key: b.raw("by.key")? },
        _ => By::Book,
    })
}

fn outcome(b: &mut Bytes<'_>) -> Result<Outcome, Wrong> {
    let choices = [
        "done",
        "paid",
        "held",
        "captured",
        "released",
        "refunded",
        "charged",
        "settled",
        "asked",
        "denied",
        "subscribed",
        "",
        "",
        "invoiced",
        "credited",
    ];
    Ok(match b.choice("outcome", &choices)? {
        1 => Outcome::Done,
        2 => Outcome::Paid(moved(b)?),
        3 => Outcome::Held { versions: versions(b)? },
        4 => Outcome::Captured(moved(b)?),
        5 => Outcome::Released { amount: amount(b, "amount")? },
        6 => Outcome::Refunded { parts: parts(b)? },
        7 => Outcome::Charged { total: b.integer("total", ANY)? },
        8 => Outcome::Settled {
            moved: moved(b)?,
            released: amount(b, "released")?,
            carry: b.integer("carry", ANY)?,
        },
        9 => Outcome::Asked { rule: rule(b)?, ask: b.choice("ask", &ASKS)?, digest: b.raw("digest")? },
        11 => Outcome::Subscribed {
            from: b.integer("from", U64)? as u64,
            until: b.integer("until", U64)? as u64,
            paid: if b.flag("has paid")? { Some(moved(b)?) } else { None },
        },
        14 => {
            let (number, amounts) = billed(b)?;
            Outcome::Invoiced { number, amounts }
        }
        15 => {
            let (number, amounts) = billed(b)?;
            Outcome::Credited { number, amounts }
        }
        _ => Outcome::Denied {
            rule: rule(b)?,
            denial: b.choice("denial", &DENIALS)?,
            left: if b.flag("has remaining")? { Some(amount(b, "remaining")?) } else { None },
        },
    })
}

fn moved(b: &mut Bytes<'_>) -> Result<Moved, Wrong> {
    let amount_moved = amount(b, "amount")?;
    let parts = match b.choice("parts", &["one", "many"])? {
        1 => vec![Part { amount: amount_moved, fee: amount(b, "fee")? }],
        _ => parts(b)?,
    };
    let versions = versions(b)?;
    Ok(Moved { amount: amount_moved, parts, versions })
}

fn parts(b: &mut Bytes<'_>) -> Result<Vec<Part>, Wrong> {
    let count = b.integer("parts.count", LIST)?;
    (0..count).map(|_| Ok(Part { amount: amount(b, "part.amount")?, fee: amount(b, "part.fee")? })).collect()
}

fn billed(b: &mut Bytes<'_>) -> Result<(u64, Vec<u128>), Wrong> {
    let number = b.integer("number", U64)? as u64;
    let count = b.integer("amounts.count", LIST)?;
    let amounts = (0..count).map(|_| amount(b, "amount")).collect::<Result<_, Wrong>>()?;
    Ok((number, amounts))
}

fn versions(b: &mut Bytes<'_>) -> Result<[u32; 3], Wrong> {
    Ok([
        b.integer("version.wallet", U32)? as u32,
        b.integer("version.agent", U32)? as u32,
        b.integer("version.mandate", U32)? as u32,
    ])
}

fn rule(b: &mut Bytes<'_>) -> Result<Rule, Wrong> {
    let scope = b.choice("rule.scope", &["book", "wallet", "agent", "mandate", "parent", "parent-agent"])?;
    Ok(Rule {
        scope,
        above: if 4 < scope { b.integer("rule.above", 255)? as u8 } else { 0 },
        version: b.integer("rule.version", U32)? as u32,
        limit: b.integer("rule.limit", 255)? as u8,
    })
}

pub(super) fn amount(b: &mut Bytes<'_>, name: &str) -> Result<u128, Wrong> {
    b.integer(name, AMOUNT_MAX)
}
