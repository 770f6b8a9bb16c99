//! Rows about subscriptions: what is agreed, changed and cancelled, and where one stands.

use super::Run;
use super::commands::Asked;
use super::names::{Names, Thing};
use super::words::{self, Words};
use book::{
    Action, Cadence, CancelSubscription, ChangePlan, Command, Renew, Subscribe, SubscriptionId, Terms, Time,
    Zone,
};
use evidence::Hash;

impl Names {
    /// What a row about subscriptions asks for.
    pub(super) fn subscription(
        &mut self,
        verb: &str,
        words: &mut Words,
        now: Time,
    ) -> Result<Vec<Asked>, String> {
        match verb {
            "subscribe" => self.subscribe(words, now),
            "change-plan" => {
                let (name, of) = (words.next("a name")?, words.next("a subscription")?);
                let who = words.next("who pays")?;
                let terms = terms(words)?;
                let (wallet, payee) = words.wallet_and_payee()?;
                let owner = self.speaker(&wallet);
                self.set(&name, Thing::Purchase { owner, payee });
                let purchase = self.purchase(words, now)?;
                let subscription = SubscriptionId(self.name(&of, now));
                let action = Action::ChangePlan(ChangePlan { subscription, purchase, terms });
                let by = self.actor(words, &who, now)?;
                Ok(vec![(Command { id: self.name(&name, now), by, action }, "subscribed")])
            }
            _ => {
                let of = words.next("a subscription")?;
                let subscription = SubscriptionId(self.name(&of, now));
                let action = if verb == "renew" {
                    Action::Renew(Renew { subscription, from: now })
                } else {
                    Action::CancelSubscription(CancelSubscription { subscription })
                };
                let by = self.actor(words, &self.speaker(&of), now)?;
                Ok(vec![(Command { id: self.request(words, now), by, action }, "done")])
            }
        }
    }

    /// `subscribe S1 A1 W1 D1 M1 3000 every 30d [zone Asia/Shanghai] [trial +14d] [renewals 3] [grace 3d]`.
    fn subscribe(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, who) = (words.next("a name")?, words.next("who pays")?);
        let terms = terms(words)?;
        let trial_until = words.option("trial").map(|until| words::time(&until, now)).transpose()?;
        let (wallet, payee) = words.wallet_and_payee()?;
        let owner = self.speaker(&wallet);
        self.set(&name, Thing::Subscription { owner, payee });
        let purchase = self.purchase(words, now)?;
        let action = Action::Subscribe(Subscribe { purchase, terms, trial_until });
        let by = self.actor(words, &who, now)?;
        Ok(vec![(Command { id: self.name(&name, now), by, action }, "subscribed")])
    }
}

fn terms(words: &mut Words) -> Result<Terms, String> {
    let every = words.option("every").ok_or("a plan is `every 30d` or `every 1mo`")?;
    let every = match (every.strip_suffix("mo"), every.strip_suffix('d')) {
        (Some(months), _) => Cadence::Months(words::number(months)?),
        (None, Some(days)) => Cadence::Days(words::number(days)?),
        (None, None) => return Err(format!("nothing is every `{every}`")),
    };
    let zone = words.option("zone").unwrap_or_else(|| "UTC".to_owned());
    let renewals = words.option("renewals").map(|most| words::number(&most)).transpose()?;
    let grace = words.option("grace").unwrap_or_else(|| "3d".to_owned());
    Ok(Terms {
        every,
        zone: Zone::new(&zone).ok_or_else(|| format!("`{zone}` is no zone"))?,
        renewals,
        grace_nanos: words::nanos(&grace)?,
        document: Hash::of(b"what is promised"),
    })
}

impl Run {
    /// `subscription S1 until 2026-12-22T09:00:00Z next never grace none`: what must be so of a subscription.
    pub(super) fn check_subscription(&self, words: &mut Words) -> Result<(), String> {
        let name = words.next("a subscription")?;
        let found = self.names.known(&name).and_then(|id| self.book.subscription(SubscriptionId(id)));
        let state = found.ok_or_else(|| format!("no subscription `{name}`"))?;
        while words.peek().is_some() {
            let what = words.next("what of it")?;
            let found = match what.as_str() {
                "trial" if state.is_trial => continue,
                "cancelled" if state.is_cancelled => continue,
                "from" => Some(state.from),
                "until" => Some(state.until),
                "next" => state.next_try,
                "grace" => state.grace_until,
                _ => return Err(format!("`{what}` is not so: {state:?}")),
            };
            let expected = match words.next("a time")?.as_str() {
                "never" => None,
                time => Some(words::time(time, self.clock)?),
            };
            if found != expected {
                return Err(format!("{what} is {found:?}, not {expected:?}"));
            }
        }
        Ok(())
    }
}
