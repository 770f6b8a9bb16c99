//! Commands: everything a book can be asked to do, and who may ask.

use crate::agent::{EnrolAgent, EnrolKey, Present, RevokeKey};
use crate::alike::ApproveAlike;
use crate::approval::{Approve, Refuse};
use crate::canon::{canon_enum, canon_struct};
use crate::channel::{Claim, OpenChannel};
use crate::delegate::Delegate;
use crate::entry::Reject;
use crate::escrow::{Dispute, PlaceEscrow};
use crate::freeze::{Freeze, Revoke, Unfreeze};
use crate::hold::{Capture, Expire, PlaceHold, Redeem, Void};
use crate::id::{AgentId, Id, KeyId, OwnerId, PayeeId};
use crate::invoice::{IssueCreditNote, IssueInvoice};
use crate::limit::{Limit, well_formed};
use crate::limits::RATES_MAX;
use crate::link::{CloseLink, OpenLink, PayLink};
use crate::mandate::{GrantMandate, SetLimits};
use crate::meter::{Charge, CloseMeter, OpenMeter};
use crate::observe::Observe;
use crate::open::{OpenBook, RegisterAsset};
use crate::pay::Pay;
use crate::payee::RegisterPayee;
use crate::payout::{AdvancePayout, RequestPayout, SetDestination};
use crate::purchase::Purchase;
use crate::quota::{Allot, Deduct, GrantQuota, Reclaim, Restore};
use crate::refund::Refund;
use crate::renewal::Renew;
use crate::subscription::{CancelSubscription, ChangePlan, Subscribe, Terms};
use crate::transfer::Transfer;
use crate::wallet::{CloseWallet, OpenSubAccount, OpenWallet, RegisterOwner};

/// One request to the book.
///
/// `id` makes it happen once: the same command under the same id is answered with the entry it already has, another
/// command under that id is rejected. Where the command makes something, `id` becomes its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Chosen by whoever asks; carries the time it was made.
    pub id: Id,
    /// Who asks, as proved at the border.
    pub by: Actor,
    /// What is asked.
    pub action: Action,
}

canon_struct!(Command { id, by, action });

/// Who asks. The border has checked the key's signature, or a session opened with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Whoever runs the installation.
    Operator { key: KeyId },
    /// A person or organisation, present as said.
    Owner { owner: OwnerId, key: KeyId, presence: Presence },
    /// A program that spends.
    Agent { agent: AgentId, key: KeyId },
    /// A seller.
    Payee { payee: PayeeId, key: KeyId },
    /// The book itself, for what happens by the passing of time.
    Book,
}

canon_enum!(Actor {
    1 => Operator { key },
    2 => Owner { owner, key, presence },
    3 => Agent { agent, key },
    4 => Payee { payee, key },
    5 => Book,
});

/// How sure the border is that the owner is there now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Logged in.
    Session,
    /// Authenticated for this very request.
    Fresh,
}

canon_enum!(Presence { 1 => Session, 2 => Fresh });

/// What can be asked. Numbers are kinds of entries: they are never reused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Action {
    OpenBook(OpenBook),
    RegisterAsset(RegisterAsset),
    RegisterOwner(RegisterOwner),
    EnrolKey(EnrolKey),
    RevokeKey(RevokeKey),
    OpenWallet(OpenWallet),
    OpenSubAccount(OpenSubAccount),
    CloseWallet(CloseWallet),
    RegisterPayee(RegisterPayee),
    EnrolAgent(EnrolAgent),
    SetLimits(SetLimits),
    GrantMandate(GrantMandate),
    Freeze(Freeze),
    Unfreeze(Unfreeze),
    Revoke(Revoke),
    Approve(Approve),
    Refuse(Refuse),
    Transfer(Transfer),
    Pay(Pay),
    PlaceHold(PlaceHold),
    Capture(Capture),
    Void(Void),
    Expire(Expire),
    Refund(Refund),
    OpenMeter(OpenMeter),
    Charge(Charge),
    CloseMeter(CloseMeter),
    Redeem(Redeem),
    Present(Present),
    Delegate(Delegate),
    Observe(Observe),
    ApproveAlike(ApproveAlike),
    GrantQuota(GrantQuota),
    Deduct(Deduct),
    Restore(Restore),
    Allot(Allot),
    Reclaim(Reclaim),
    OpenChannel(OpenChannel),
    Claim(Claim),
    Subscribe(Subscribe),
    Renew(Renew),
    ChangePlan(ChangePlan),
    CancelSubscription(CancelSubscription),
    OpenLink(OpenLink),
    PayLink(PayLink),
    CloseLink(CloseLink),
    PlaceEscrow(PlaceEscrow),
    Dispute(Dispute),
    IssueInvoice(IssueInvoice),
    IssueCreditNote(IssueCreditNote),
    SetDestination(SetDestination),
    RequestPayout(RequestPayout),
    AdvancePayout(AdvancePayout),
}

canon_enum!(Action {
    1 => OpenBook(it),
    2 => RegisterAsset(it),
    3 => RegisterOwner(it),
    4 => EnrolKey(it),
    5 => RevokeKey(it),
    6 => OpenWallet(it),
    7 => OpenSubAccount(it),
    8 => CloseWallet(it),
    9 => RegisterPayee(it),
    10 => EnrolAgent(it),
    11 => SetLimits(it),
    12 => GrantMandate(it),
    13 => Freeze(it),
    14 => Unfreeze(it),
    15 => Revoke(it),
    16 => Approve(it),
    17 => Refuse(it),
    18 => Transfer(it),
    19 => Pay(it),
    20 => PlaceHold(it),
    21 => Capture(it),
    22 => Void(it),
    23 => Expire(it),
    24 => Refund(it),
    25 => OpenMeter(it),
    26 => Charge(it),
    27 => CloseMeter(it),
    28 => Redeem(it),
    29 => Present(it),
    30 => Delegate(it),
    31 => Observe(it),
    32 => ApproveAlike(it),
    33 => GrantQuota(it),
    34 => Deduct(it),
    35 => Restore(it),
    36 => Allot(it),
    37 => Reclaim(it),
    38 => OpenChannel(it),
    39 => Claim(it),
    40 => Subscribe(it),
    41 => Renew(it),
    42 => ChangePlan(it),
    43 => CancelSubscription(it),
    44 => PlaceEscrow(it),
    45 => Dispute(it),
    46 => OpenLink(it),
    47 => PayLink(it),
    48 => CloseLink(it),
    50 => IssueInvoice(it),
    51 => IssueCreditNote(it),
    52 => SetDestination(it),
    53 => RequestPayout(it),
    54 => AdvancePayout(it),
});

impl Action {
    /// Why an entry could not hold this, whatever came of it. Even a refusal is written down, and must be read again.
    pub(crate) fn malformed(&self) -> Option<Reject> {
        let unless = |holds: bool, reject: Reject| if holds { None } else { Some(reject) };
        let limits = |limits: &[Limit]| unless(well_formed(limits), Reject::LimitsMalformed);
        let kinds = |count: usize| unless((1..=RATES_MAX).contains(&count), Reject::LimitsMalformed);
        let whole = |purchase: &Purchase| unless(purchase.to.is_whole(), Reject::SplitNotWhole);
        let terms = |terms: &Terms| unless(terms.are_well_formed(), Reject::TermsMalformed);
        match self {
            Action::OpenWallet(it) => limits(&it.limits),
            Action::OpenSubAccount(it) => limits(&it.limits),
            Action::EnrolAgent(it) => limits(&it.limits),
            Action::SetLimits(it) => limits(&it.limits),
            Action::GrantMandate(it) => limits(&it.limits),
            Action::Delegate(it) => limits(&it.limits),
            Action::Pay(it) => whole(&it.purchase),
            Action::PlaceHold(it) => whole(&it.purchase),
            Action::OpenMeter(it) => whole(&it.purchase).or_else(|| kinds(it.rates.len())),
            Action::OpenChannel(it) => whole(&it.purchase),
            Action::Subscribe(it) => whole(&it.purchase).or_else(|| terms(&it.terms)),
            Action::ChangePlan(it) => whole(&it.purchase).or_else(|| terms(&it.terms)),
            Action::OpenLink(it) => unless(it.to.is_whole(), Reject::SplitNotWhole)
                .or_else(|| unless(it.is_well_formed(), Reject::LinkMalformed)),
            Action::PayLink(it) => whole(&it.purchase),
            Action::PlaceEscrow(it) => whole(&it.purchase),
            Action::Charge(it) => kinds(it.units.len()),
            Action::IssueInvoice(it) => unless(it.is_well_formed(), Reject::PurchasesMalformed),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Restore(_)
            | Action::Allot(_)
            | Action::Reclaim(_)
            | Action::Claim(_)
            | Action::Renew(_)
            | Action::CancelSubscription(_)
            | Action::CloseLink(_)
            | Action::Dispute(_)
            | Action::IssueCreditNote(_)
            | Action::SetDestination(_)
            | Action::RequestPayout(_)
            | Action::AdvancePayout(_) => None,
        }
    }

    /// What it would buy, where it is a purchase.
    pub fn purchase(&self) -> Option<&Purchase> {
        match self {
            Action::Pay(it) => Some(&it.purchase),
            Action::PlaceHold(it) => Some(&it.purchase),
            Action::OpenMeter(it) => Some(&it.purchase),
            Action::OpenChannel(it) => Some(&it.purchase),
            Action::Subscribe(it) => Some(&it.purchase),
            Action::ChangePlan(it) => Some(&it.purchase),
            Action::PayLink(it) => Some(&it.purchase),
            Action::PlaceEscrow(it) => Some(&it.purchase),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Delegate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::Refund(_)
            | Action::Charge(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Restore(_)
            | Action::Allot(_)
            | Action::Reclaim(_)
            | Action::Claim(_)
            | Action::Renew(_)
            | Action::CancelSubscription(_)
            | Action::OpenLink(_)
            | Action::CloseLink(_)
            | Action::Dispute(_)
            | Action::IssueInvoice(_)
            | Action::IssueCreditNote(_)
            | Action::SetDestination(_)
            | Action::RequestPayout(_)
            | Action::AdvancePayout(_) => None,
        }
    }

    /// The payment, hold or meter that it goes on with.
    pub fn sequel_of(&self) -> Option<Id> {
        match self {
            Action::Capture(it) => Some(it.hold.0),
            Action::Void(it) => Some(it.hold.0),
            Action::Expire(it) => Some(it.hold.0),
            Action::Redeem(it) => Some(it.hold.0),
            Action::Charge(it) => Some(it.meter.0),
            Action::Claim(it) => Some(it.channel.0),
            Action::CloseMeter(it) => Some(it.meter.0),
            Action::Refund(it) => Some(it.payment),
            Action::Restore(it) => Some(it.deduct),
            Action::Dispute(it) => Some(it.hold.0),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::RevokeKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Delegate(_)
            | Action::Freeze(_)
            | Action::Unfreeze(_)
            | Action::Revoke(_)
            | Action::Approve(_)
            | Action::Refuse(_)
            | Action::Transfer(_)
            | Action::Pay(_)
            | Action::PlaceHold(_)
            | Action::OpenMeter(_)
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Allot(_)
            | Action::Reclaim(_)
            | Action::OpenChannel(_)
            | Action::Subscribe(_)
            | Action::Renew(_)
            | Action::ChangePlan(_)
            | Action::CancelSubscription(_)
            | Action::OpenLink(_)
            | Action::PayLink(_)
            | Action::CloseLink(_)
            | Action::PlaceEscrow(_)
            | Action::IssueInvoice(_)
            | Action::IssueCreditNote(_)
            | Action::SetDestination(_)
            | Action::RequestPayout(_)
            | Action::AdvancePayout(_) => None,
        }
    }

    /// Whether the command only ends or lessens what is under way: what is still taken when the disk is nearly full.
    pub fn closes(&self) -> bool {
        match self {
            Action::Capture(_)
            | Action::Void(_)
            | Action::Expire(_)
            | Action::CloseMeter(_)
            | Action::Freeze(_)
            | Action::Revoke(_)
            | Action::RevokeKey(_)
            | Action::Refuse(_)
            | Action::CancelSubscription(_)
            | Action::CloseLink(_)
            | Action::Dispute(_) => true,
            Action::AdvancePayout(it) => it.step.ends(),
            Action::OpenBook(_)
            | Action::RegisterAsset(_)
            | Action::RegisterOwner(_)
            | Action::EnrolKey(_)
            | Action::OpenWallet(_)
            | Action::OpenSubAccount(_)
            | Action::CloseWallet(_)
            | Action::RegisterPayee(_)
            | Action::EnrolAgent(_)
            | Action::SetLimits(_)
            | Action::GrantMandate(_)
            | Action::Delegate(_)
            | Action::Unfreeze(_)
            | Action::Approve(_)
            | Action::Transfer(_)
            | Action::Pay(_)
            | Action::PlaceHold(_)
            | Action::Refund(_)
            | Action::OpenMeter(_)
            | Action::Charge(_)
            | Action::Redeem(_)
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::GrantQuota(_)
            | Action::Deduct(_)
            | Action::Restore(_)
            | Action::Allot(_)
            | Action::Reclaim(_)
            | Action::OpenChannel(_)
            | Action::Claim(_)
            | Action::Subscribe(_)
            | Action::Renew(_)
            | Action::ChangePlan(_)
            | Action::OpenLink(_)
            | Action::PayLink(_)
            | Action::PlaceEscrow(_)
            | Action::IssueInvoice(_)
            | Action::IssueCreditNote(_)
            | Action::SetDestination(_)
            | Action::RequestPayout(_) => false,
        }
    }
}
