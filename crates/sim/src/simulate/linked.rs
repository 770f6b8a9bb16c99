//! What clients ask about payment links: opened, closed, and paid by who may and who may not.

use super::ask::Asker;
use super::rule::amount;
use ::book::*;
use evidence::Hash;

impl Asker<'_> {
    /// Something about a link, or a new one.
    pub(super) fn link(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let known = self.chance.pick_late(&world.links, 8);
        let Some((id, asked)) = known.filter(|_| !self.chance.one_in(4)) else { return self.open_link() };
        if self.chance.one_in(12) {
            let Payees::One(payee) = asked.to else { return None };
            return Some((world.payee(payee)?, Action::CloseLink(CloseLink { link: *id })));
        }
        let (by, mut purchase) = self.buy()?;
        if !self.chance.one_in(12) {
            purchase.to = asked.to.clone();
            purchase.reference = Some(asked.document);
        }
        if !self.chance.one_in(8) {
            let most = asked.most.minor().saturating_sub(asked.least.minor());
            let more = self.chance.below(most.min(1 << 60) as u64 + 1);
            purchase.amount = amount(asked.least.minor() + u128::from(more));
        }
        let message = self.chance.one_in(4).then_some(Hash([7; 32]));
        Some((by, Action::PayLink(PayLink { link: *id, purchase, message })))
    }

    fn open_link(&mut self) -> Option<(Actor, Action)> {
        let (_, purchase) = self.buy()?;
        let Payees::One(payee) = purchase.to else { return None };
        let least = amount(self.chance.between(1, 40).into());
        let open = OpenLink {
            to: purchase.to,
            asset: purchase.asset,
            least,
            most: amount(least.minor() * u128::from(self.chance.between(1, 4))),
            uses: (!self.chance.one_in(3)).then(|| self.chance.between(1, 3) as u32),
            until: self.expiry(),
            by: if self.chance.one_in(3) { LinkPayer::Owner } else { LinkPayer::Anyone },
            document: Hash(self.chance.bytes()),
        };
        Some((self.world.payee(payee)?, Action::OpenLink(open)))
    }
}
