//! What somebody who is confused, or means harm, asks for: far too much, or nothing.

use super::ask::Asker;
use super::rule::amount;
use ::book::*;

impl Asker<'_> {
    /// Makes what is asked for too much, or nothing.
    pub(super) fn swell(&mut self, action: &mut Action) {
        let much = [0, 1, u128::from(u64::MAX), limits::AMOUNT_MAX / 3, limits::AMOUNT_MAX];
        let much = amount(self.chance.pick(&much).copied().unwrap_or_default());
        match action {
            Action::Pay(it) => it.purchase.amount = much,
            Action::PlaceHold(it) => it.purchase.amount = much,
            Action::PlaceEscrow(it) => it.purchase.amount = much,
            Action::OpenMeter(it) => it.purchase.amount = much,
            Action::OpenChannel(it) => it.purchase.amount = much,
            Action::Subscribe(it) => it.purchase.amount = much,
            Action::ChangePlan(it) => it.purchase.amount = much,
            Action::PayLink(it) => it.purchase.amount = much,
            Action::OpenLink(it) => it.most = much,
            Action::Claim(it) => it.total = Nanos::new(much.minor()),
            Action::GrantQuota(it) => it.units = u64::MAX,
            Action::Deduct(it) => it.units = u64::MAX,
            Action::Restore(it) => it.units = u64::MAX,
            Action::Allot(it) => it.units = u64::MAX,
            Action::Reclaim(it) => it.units = u64::MAX,
            Action::Capture(it) => it.amount = much,
            Action::Refund(it) => it.amount = much,
            Action::Transfer(it) => it.amount = much,
            Action::RequestPayout(it) => it.amount = much,
            Action::Charge(it) => it.units.iter_mut().for_each(|units| *units = u64::MAX),
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
            | Action::Void(_)
            | Action::Expire(_)
            | Action::CloseMeter(_)
            | Action::Redeem(_)
            | Action::Present(_)
            | Action::Observe(_)
            | Action::ApproveAlike(_)
            | Action::Renew(_)
            | Action::CancelSubscription(_)
            | Action::Dispute(_)
            | Action::SetDestination(_)
            | Action::AdvancePayout(_)
            | Action::CloseLink(_)
            | Action::IssueInvoice(_)
            | Action::IssueCreditNote(_) => {}
        }
    }
}
