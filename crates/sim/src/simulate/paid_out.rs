//! What clients ask about payouts: bank accounts named and stolen, money sent there, and banks that say yes, no, or both.

use super::ask::Asker;
use super::rule::price;
use ::book::*;
use evidence::Hash;

impl Asker<'_> {
    /// Something about payouts.
    pub(super) fn payout(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let known = self.chance.pick_late(&world.payouts, 6).copied();
        if let Some(payout) = known.filter(|_| self.chance.one_in(3)) {
            let said = Hash(self.chance.bytes());
            let step = match self.chance.below(3) {
                0 => PayoutStep::Sent { batch: PayoutBatchId::default(), order: said },
                1 => PayoutStep::Paid { said },
                _ => PayoutStep::Failed { said },
            };
            return Some((world.operator(), Action::AdvancePayout(AdvancePayout { payout, step })));
        }
        let payee = self.chance.pick(&world.payees)?;
        let itself = world.payee(payee.id).filter(|_| !self.chance.one_in(3));
        let by = itself.unwrap_or(world.operator());
        // A bank account of few, so that those named and those paid out to meet.
        let destination = Hash([if self.chance.one_in(5) { 2 } else { 1 }; 32]);
        if self.chance.one_in(3) {
            return Some((by, Action::SetDestination(SetDestination { payee: payee.id, destination })));
        }
        let times = u128::from(self.chance.between(1, 9));
        let amount = price(self.chance, payee.asset, times);
        let request = RequestPayout { payee: payee.id, amount, asset: payee.asset, destination };
        Some((by, Action::RequestPayout(request)))
    }
}
