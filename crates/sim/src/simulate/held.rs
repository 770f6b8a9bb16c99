//! What clients ask about what is set aside: captured, given back, counted, redeemed, and objected to.

use super::ask::Asker;
use super::rule::amount;
use ::book::*;
use evidence::{Hash, Signature};

impl Asker<'_> {
    /// Something about a hold: that of a meter or a channel, too.
    pub(super) fn with_hold(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let holds = if self.chance.one_in(10) { &world.ended } else { &world.holds };
        let held = self.chance.pick_late(holds, 40)?;
        let owner = world.wallet(held.wallet)?.owner;
        if self.chance.one_in(8) {
            return self.dispute(held.id, held.wallet, owner);
        }
        if self.chance.one_in(16) {
            let agent = self.agent_of(held.wallet)?;
            let all = if self.chance.one_in(4) { held.amount.minor() / 2 } else { held.amount.minor() };
            return Some((
                agent,
                Action::Capture(Capture { hold: held.id, amount: amount(all), last: true }),
            ));
        }
        let by = match self.chance.below(12) {
            0 => world.operator(),
            1 => self.owner(owner),
            _ => world.payee(held.payee).unwrap_or(world.operator()),
        };
        let meter = MeterId(held.id.0);
        let action = match self.chance.below(10) {
            0 => Action::Void(Void { hold: held.id }),
            1 => Action::Redeem(Redeem { hold: held.id, delivery: Hash(self.chance.bytes()) }),
            2 if 0 < held.rates || held.is_channel => Action::CloseMeter(CloseMeter { meter }),
            _ if held.is_channel => {
                let total = Nanos::new(u128::from(self.chance.below(1_000_000_007)) * held.amount.minor());
                let signature = VoucherSignature(Signature(self.chance.bytes()));
                Action::Claim(Claim { channel: meter, total, signature })
            }
            _ if 0 < held.rates => {
                let sequence = held.sequence + self.chance.below(3);
                let each = 1 + (held.amount.minor() / 6).min(1 << 60) as u64;
                let units = (0..held.rates).map(|_| self.chance.below(each)).collect();
                Action::Charge(Charge { meter, sequence, units })
            }
            _ => {
                let part = held.amount.minor() / u128::from(self.chance.weigh(&[(1, 1u64), (2, 2), (1, 3)]));
                Action::Capture(Capture { hold: held.id, amount: amount(part), last: self.chance.one_in(3) })
            }
        };
        Some((by, action))
    }

    /// An objection: of the owner, or of some agent that may have placed it.
    fn dispute(&mut self, hold: HoldId, wallet: WalletId, owner: OwnerId) -> Option<(Actor, Action)> {
        let by = match self.agent_of(wallet) {
            Some(agent) if !self.chance.one_in(3) => agent,
            _ => self.owner(owner),
        };
        Some((by, Action::Dispute(Dispute { hold })))
    }

    /// An agent of a wallet: it may have placed a hold there.
    fn agent_of(&mut self, wallet: WalletId) -> Option<Actor> {
        let agents: Vec<_> = self.world.agents.iter().filter(|row| row.wallet == wallet).collect();
        let (agent, key) = self.chance.pick(&agents).and_then(|row| Some((row.id, *row.keys.first()?)))?;
        Some(Actor::Agent { agent, key })
    }
}
