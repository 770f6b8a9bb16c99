//! Rows about work that is paid for before it is done: quotas, and channels with their vouchers.

use super::commands::Asked;
use super::names::{Names, Thing, public_key, time_option};
use super::words::{self, Words};
use book::{
    Action, AgentId, Allot, Claim, Command, Deduct, GrantQuota, KeyId, MeterId, Nanos, QuotaId, QuotaUnit,
    Reclaim, Restore, Time, VoucherSignature, WalletId,
};
use evidence::{Hash, Signature};

impl Names {
    /// What a row about quotas asks for.
    pub(super) fn prepaid(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        match verb {
            "grant-quota" => self.grant_quota(words, now),
            "deduct" => {
                let (name, of) = (words.next("a name")?, words.next("a quota")?);
                let units = words::number(&words.next("units")?)?;
                let (seller, owner) = (self.seller(&of), self.speaker(&of));
                self.set(&name, Thing::Purchase { owner, payee: seller.clone() });
                let quota = QuotaId(self.name(&of, now));
                self.prepaid_by(&name, &seller, Action::Deduct(Deduct { quota, units }), words, now)
            }
            "restore" => {
                let of = words.next("a deduction")?;
                let units = words::number(&words.next("units")?)?;
                let restore = Restore { deduct: self.name(&of, now), units };
                let by = self.actor(words, &self.seller(&of), now)?;
                let id = self.request(words, now);
                Ok(vec![(Command { id, by, action: Action::Restore(restore) }, "done")])
            }
            "allot" => {
                let (name, of) = (words.next("a name")?, words.next("a quota")?);
                let units = words::number(&words.next("units")?)?;
                let (seller, owner) = (self.seller(&of), self.speaker(&of));
                self.set(&name, Thing::Quota { owner: owner.clone(), payee: seller });
                let allot = Allot {
                    from: QuotaId(self.name(&of, now)),
                    into: words.option("into").map(|into| QuotaId(self.name(&into, now))),
                    agent: words.option("for").map(|agent| AgentId(self.name(&agent, now))),
                    units,
                };
                self.prepaid_by(&name, &owner, Action::Allot(allot), words, now)
            }
            _ => {
                let of = words.next("a quota")?;
                let units = words::number(&words.next("units")?)?;
                let reclaim = Reclaim { quota: QuotaId(self.name(&of, now)), units };
                let by = self.actor(words, &self.speaker(&of), now)?;
                let id = self.request(words, now);
                Ok(vec![(Command { id, by, action: Action::Reclaim(reclaim) }, "done")])
            }
        }
    }

    /// `grant-quota Q1 M1 W1 100 [for P1] [money] [into Q0] [until +30d]`: what a seller owes in work.
    fn grant_quota(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, seller) = (words.next("a name")?, words.next("a payee")?);
        let wallet = words.next("a wallet")?;
        let units = words::number(&words.next("units")?)?;
        let owner = self.speaker(&wallet);
        self.set(&name, Thing::Quota { owner, payee: seller.clone() });
        let grant = GrantQuota {
            wallet: WalletId(self.name(&wallet, now)),
            payment: words.option("for").map(|payment| self.name(&payment, now)),
            unit: if words.flag("money") { QuotaUnit::Nanos } else { QuotaUnit::Count },
            units,
            expires_at: time_option(words, "until", "+30d", now)?,
            into: words.option("into").map(|into| QuotaId(self.name(&into, now))),
            document: Hash::of(b"what is sold"),
        };
        self.prepaid_by(&name, &seller, Action::GrantQuota(grant), words, now)
    }

    /// `claim C1 4789200000`: what a voucher says. Whether it is signed is for the border to know.
    pub(super) fn claim(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let of = words.next("a channel")?;
        let total = Nanos::new(words::number(&words.next("billionths")?)?);
        let channel = MeterId(self.name(&of, now));
        let signature = VoucherSignature(Signature([7; 64]));
        let by = self.actor(words, &self.seller(&of), now)?;
        let id = self.request(words, now);
        Ok(vec![(Command { id, by, action: Action::Claim(Claim { channel, total, signature }) }, "charged")])
    }

    /// The key that a channel's vouchers are signed with.
    pub(super) fn voucher_key(&mut self, channel: &str, now: Time) -> book::PublicKeyBytes {
        public_key(KeyId(self.name(&format!("{channel}.vouchers"), now)))
    }

    fn prepaid_by(
        &mut self,
        name: &str,
        by: &str,
        action: Action,
        words: &mut Words,
        now: Time,
    ) -> Result<Vec<Asked>, String> {
        let by = self.actor(words, by, now)?;
        let id = self.name(name, now);
        Ok(vec![(Command { id, by, action }, "done")])
    }
}
