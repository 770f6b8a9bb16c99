//! What clients ask about subscriptions: begun, changed, cancelled, and renewed by who may not.

use super::ask::Asker;
use ::book::*;
use evidence::Hash;

const DAY: u64 = 86_400_000_000_000;

impl Asker<'_> {
    /// Something about a subscription, or a new one.
    pub(super) fn subscription(&mut self) -> Option<(Actor, Action)> {
        let world = self.world;
        let known = self.chance.pick_late(&world.subscriptions, 12);
        let Some(known) = known.filter(|_| !self.chance.one_in(3)) else { return self.subscribe() };
        let subscription = known.id;
        match self.chance.below(8) {
            0 => {
                let owner = self.owner(world.wallet(known.subscribe.purchase.wallet)?.owner);
                Some((owner, Action::CancelSubscription(CancelSubscription { subscription })))
            }
            1 => {
                let Payees::One(payee) = known.subscribe.purchase.to else { return None };
                Some((world.payee(payee)?, Action::CancelSubscription(CancelSubscription { subscription })))
            }
            2 => Some((known.by, Action::Renew(Renew { subscription, from: self.now }))),
            _ => {
                let terms = if self.chance.one_in(4) { self.terms() } else { known.subscribe.terms.clone() };
                let mut purchase = known.subscribe.purchase.clone();
                purchase.approval = None;
                if self.chance.one_in(6) {
                    (_, purchase) = self.buy()?;
                } else {
                    purchase.amount = Amount::new(u128::from(self.chance.between(1, 60)))?;
                }
                Some((known.by, Action::ChangePlan(ChangePlan { subscription, purchase, terms })))
            }
        }
    }

    fn subscribe(&mut self) -> Option<(Actor, Action)> {
        let (by, purchase) = self.buy()?;
        let terms = self.terms();
        let trial_until = self.chance.one_in(4).then(|| self.now.after(self.chance.between(1, 3 * DAY)));
        Some((by, Action::Subscribe(Subscribe { purchase, terms, trial_until })))
    }

    fn terms(&mut self) -> Terms {
        let every = if self.chance.one_in(5) {
            Cadence::Months(1)
        } else {
            Cadence::Days(u16::try_from(self.chance.between(1, 4)).unwrap_or(1))
        };
        let zones = ["UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe"];
        let zone = self.chance.pick(&zones).copied().unwrap_or("UTC");
        Terms {
            every,
            zone: Zone::new(zone).expect("a zone of the database"),
            renewals: self.chance.one_in(3).then(|| u32::try_from(self.chance.below(4)).unwrap_or(0)),
            grace_nanos: self.chance.below(4 * DAY),
            document: Hash(self.chance.bytes()),
        }
    }
}
