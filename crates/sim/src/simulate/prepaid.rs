//! What clients ask about work that is counted: meters, channels, and quotas that are granted, used and divided.

use super::ask::Asker;
use ::book::*;
use evidence::Hash;

const DAY: u64 = 86_400_000_000_000;

impl Asker<'_> {
    /// A meter or a channel that an agent opens.
    pub(super) fn open_meter(&mut self) -> Option<(Actor, Action)> {
        let (by, purchase) = self.buy()?;
        let expires_at = self.expiry();
        let count = self.chance.between(1, 3);
        let rates = (0..count).map(|_| NanosPerUnit(self.chance.below(2_000_000_000))).collect();
        let rounding = self.chance.weigh(&[(1, Rounding::Down), (1, Rounding::HalfUp), (1, Rounding::Up)]);
        if self.chance.one_in(3) {
            let voucher_key = PublicKeyBytes::Ed25519(self.chance.bytes());
            let channel = OpenChannel { purchase, expires_at, rounding, voucher_key };
            return Some((by, Action::OpenChannel(channel)));
        }
        Some((by, Action::OpenMeter(OpenMeter { purchase, expires_at, rates, rounding })))
    }

    /// Something about a quota, a subscription or an invoice.
    pub(super) fn prepaid(&mut self) -> Option<(Actor, Action)> {
        match self.chance.below(6) {
            0 => self.bill(),
            1 | 2 => self.subscription(),
            _ => self.quota(),
        }
    }

    /// Something about a quota, or a new one for what was paid.
    fn quota(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let quota = self.chance.pick_late(&world.quotas, 12);
        let Some(quota) = quota.filter(|_| !self.chance.one_in(5)) else { return self.grant_quota() };
        let seller = world.payee(quota.payee)?;
        let units = self.chance.below(40);
        match self.chance.below(10) {
            0 => {
                let grant = GrantQuota {
                    wallet: quota.wallet,
                    payment: self.chance.pick_late(&world.bought, 20).map(|bought| bought.id),
                    unit: quota.unit,
                    units: units * 3,
                    expires_at: self.until(),
                    into: Some(quota.id),
                    document: Hash(self.chance.bytes()),
                };
                Some((seller, Action::GrantQuota(grant)))
            }
            1..=4 => Some((seller, Action::Deduct(Deduct { quota: quota.id, units }))),
            5 | 6 => {
                let deduct = *self.chance.pick_late(&quota.deductions, 6)?;
                Some((seller, Action::Restore(Restore { deduct, units: units / 2 })))
            }
            7 | 8 => {
                let agents: Vec<AgentId> = (world.agents.iter())
                    .filter(|agent| agent.wallet == quota.wallet)
                    .map(|agent| agent.id)
                    .collect();
                let into = self.chance.pick_late(&world.quotas, 6).map(|row| row.id);
                let into = into.filter(|_| self.chance.one_in(3));
                let agent = self.chance.pick(&agents).copied().filter(|_| into.is_none());
                let owner = self.owner(world.wallet(quota.wallet)?.owner);
                Some((owner, Action::Allot(Allot { from: quota.id, into, agent, units })))
            }
            _ => {
                let owner = self.owner(world.wallet(quota.wallet)?.owner);
                Some((owner, Action::Reclaim(Reclaim { quota: quota.id, units })))
            }
        }
    }

    /// A seller that grants a quota, for a payment more often than as a present.
    fn grant_quota(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let bought = self.chance.pick_late(&world.bought, 20)?;
        let wallet = self.chance.pick(&world.wallets)?.id;
        let (wallet, payment) =
            if self.chance.one_in(4) { (wallet, None) } else { (bought.wallet, Some(bought.id)) };
        let grant = GrantQuota {
            wallet,
            payment,
            unit: if self.chance.one_in(2) { QuotaUnit::Count } else { QuotaUnit::Nanos },
            units: self.chance.below(200),
            expires_at: self.until(),
            into: None,
            document: Hash(self.chance.bytes()),
        };
        Some((world.payee(bought.payee)?, Action::GrantQuota(grant)))
    }

    fn until(&mut self) -> Time {
        self.now.after(self.chance.between(1, 20 * DAY))
    }
}
