//! What an entry changed, once it is known whether it should have.

use super::delegate::Delegated;
use super::entry::{Action, By, Holder, Moved, Name, Outcome, Part, Place, Subject};
use super::money::shares;
use super::state::{Agent, Answer, Hold, Key, Mandate, Meter, Payee, Status, Wallet};
use super::usage::{Policy, Usage};
use super::walk::Walk;

const WEEK: u64 = 7 * 86_400_000_000_000;
const LONGEST_HOLD: u64 = 90 * 86_400_000_000_000;

impl Walk {
    pub(super) fn believe(&mut self, at: u64, id: Name, by: By, action: &Action, outcome: &Outcome) {
        match (action, outcome) {
            (Action::Pay { purchase } | Action::PayLink { purchase, .. }, Outcome::Paid(moved)) => {
                let versions = self.versions(by, purchase);
                self.expect(moved.amount == purchase.amount, "I1", "another amount was paid");
                self.expect(moved.versions == versions, "I9", "other limits decided");
                self.count(at, id, by, purchase, None);
                self.move_to_payees(id, moved);
            }
            (Action::PlaceHold { purchase, until, is_escrow }, Outcome::Held { versions }) => {
                self.place(at, id, by, purchase, *until, *versions, None);
                self.hold_mut(id).into_iter().for_each(|hold| hold.is_escrow = *is_escrow);
            }
            (Action::OpenMeter { purchase, until, rates, rounding }, Outcome::Held { versions }) => {
                let rates = rates.clone();
                let meter =
                    Meter { rates, rounding: *rounding, sequence: 0, total: 0, is_by_vouchers: false };
                self.place(at, id, by, purchase, *until, *versions, Some(meter));
            }
            (Action::OpenChannel { purchase, until, rounding }, Outcome::Held { versions }) => {
                let rates = Vec::new();
                let meter = Meter { rates, rounding: *rounding, sequence: 0, total: 0, is_by_vouchers: true };
                self.place(at, id, by, purchase, *until, *versions, Some(meter));
            }
            (Action::Claim { channel, total: said }, Outcome::Charged { total }) => {
                self.expect(said == total, "I6", "another sum was counted");
                let meter = self.hold_mut(*channel).and_then(|hold| hold.meter.as_mut());
                meter.into_iter().for_each(|meter| meter.total = *total);
            }
            (Action::Capture { hold, amount, last }, Outcome::Captured(moved)) => {
                self.expect(moved.amount == *amount, "I1", "another amount was captured");
                self.capture(*hold, moved);
                let left = self.hold(*hold).map_or(0, |hold| hold.amount - hold.captured);
                if *last || left == 0 {
                    self.end_hold(*hold);
                }
            }
            (Action::Void { hold }, Outcome::Released { amount }) => {
                self.may_void(*hold, by);
                self.release(*hold, *amount);
            }
            (Action::Expire { hold }, Outcome::Released { amount }) => {
                self.is_due(*hold, at, by);
                let metered = self.hold(*hold).filter(|hold| hold.meter.is_some());
                let is_metered =
                    metered.is_some_and(|metered| self.state.can_all_count(*hold, metered.amount));
                self.expect(!is_metered, "I6", "a meter that expires is settled");
                self.expect(!self.is_captured_by_time(*hold), "I6", "an escrow was not captured");
                self.release(*hold, *amount);
            }
            (Action::Expire { hold }, Outcome::Captured(moved)) => {
                self.is_due(*hold, at, by);
                self.capture_by_time(*hold, moved);
            }
            (Action::Expire { hold }, Outcome::Settled { moved, released, carry }) => {
                self.is_due(*hold, at, by);
                self.settle(*hold, moved, *released, *carry);
            }
            (Action::CloseMeter { meter }, Outcome::Settled { moved, released, carry }) => {
                self.settle(*meter, moved, *released, *carry);
            }
            (Action::Charge { meter, sequence, units }, Outcome::Charged { total }) => {
                self.charge(*meter, *sequence, units, *total)
            }
            (Action::Refund { payment, amount }, Outcome::Refunded { parts }) => {
                self.refund(*payment, *amount, parts)
            }
            (_, Outcome::Subscribed { .. }) => self.believe_term(at, id, by, action, outcome),
            (_, Outcome::Done) => self.believe_done(at, id, by, action),
            _ => self.wrong("form", "the outcome is not one of this action"),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // The rest is in `believe_more`.
    fn believe_done(&mut self, at: u64, id: Name, by: By, action: &Action) {
        match action {
            Action::OpenBook { key, .. } => {
                self.expect(by == By::Operator { key: *key }, "form", "opened by a stranger");
                self.state.is_open = true;
                self.add_key(*key, Holder::Operator);
            }
            Action::RegisterAsset { code } => {
                self.allowed(self.state.is_operator(by).is_ok());
                self.state.assets.insert(code.clone());
            }
            Action::RegisterOwner { key } => {
                self.allowed(self.state.is_operator(by).is_ok());
                self.state.owners.insert(id, Status::Active);
                self.add_key(*key, Holder::Owner(id));
            }
            Action::RegisterPayee { owner, asset, category, trusted, fee_ppm, key } => {
                self.allowed(self.state.is_operator(by).is_ok());
                let payee = Payee {
                    owner: *owner,
                    asset: asset.clone(),
                    category: category.clone(),
                    is_trusted: *trusted,
                    fee_ppm: *fee_ppm,
                    fee_carry: 0,
                    status: Status::Active,
                    observed: Vec::new(),
                };
                self.state.payees.insert(id, payee);
                if let Some(key) = key {
                    self.add_key(*key, Holder::Payee(id));
                }
            }
            Action::EnrolKey { holder } => {
                self.may_change_key(by, *holder, true);
                self.add_key(id, *holder);
            }
            Action::RevokeKey { key } => {
                let holder = self.state.keys.get(key).map(|row| row.holder);
                self.expect(holder.is_some(), "form", "no such key");
                if let Some(holder) = holder {
                    self.may_change_key(by, holder, false);
                }
                if let Some(row) = self.state.keys.get_mut(key) {
                    row.is_revoked = true;
                }
            }
            Action::Present { nonce } => self.present(at, by, *nonce),
            Action::OpenWallet { owner, asset, limits } => {
                self.allowed(self.state.is_owner(by, *owner).is_ok() || self.state.is_operator(by).is_ok());
                self.open_wallet(at, id, *owner, asset, limits.clone(), None);
            }
            Action::OpenSubAccount { wallet, agent, limits } => {
                let Some(row) = self.state.wallets.get(wallet) else {
                    self.wrong("form", "no such wallet");
                    return;
                };
                let (owner, asset) = (row.owner, row.asset.clone());
                self.allowed(self.state.is_owner(by, owner).is_ok());
                self.open_wallet(at, id, owner, &asset, limits.clone(), Some((*wallet, *agent)));
            }
            Action::EnrolAgent { wallet, limits, key } => {
                self.allowed_to_owner(by, Subject::Wallet(*wallet));
                self.expect(limits.is_empty() || is_fresh(by), "I9", "an absent owner let an agent spend");
                let policy = (!limits.is_empty()).then(|| Policy::new(limits.clone(), Usage::default(), at));
                let agent =
                    Agent { wallet: *wallet, status: Status::Active, policy, ended: None, asked: (0, 0) };
                self.state.agents.insert(id, agent);
                self.add_key(*key, Holder::Agent(id));
            }
            Action::GrantMandate { wallet, agent, from, until, limits, inherits } => {
                self.allowed_to_owner(by, Subject::Wallet(*wallet));
                self.expect(is_fresh(by), "I9", "granted by an absent owner");
                let ended = self.state.agents.get_mut(agent).and_then(|row| row.ended.take());
                let usage = ended.filter(|_| *inherits).unwrap_or_default();
                let mandate = Mandate {
                    wallet: *wallet,
                    agent: *agent,
                    status: Status::Active,
                    from: *from,
                    until: *until,
                    policy: Policy::new(limits.clone(), usage, at),
                    parent: None,
                };
                self.state.mandates.insert(id, mandate);
            }
            Action::Delegate { parent, agent, from, until, limits } => {
                self.delegate(
                    at,
                    id,
                    by,
                    Delegated { parent: *parent, agent: *agent, from: *from, until: *until, limits },
                );
            }
            Action::SetLimits { subject, version, limits } => {
                self.set_limits(at, by, *subject, *version, limits.clone())
            }
            _ => self.believe_more(at, id, by, action),
        }
    }

    #[allow(clippy::wildcard_enum_match_arm)] // All others move money, and have an outcome of their own.
    fn believe_more(&mut self, at: u64, id: Name, by: By, action: &Action) {
        match action {
            Action::CloseWallet { wallet } => self.close_wallet(by, *wallet),
            Action::Freeze { subject } => {
                self.may_stop(by, *subject);
                self.expect(self.state.status(*subject) != Some(Status::Ended), "I9", "it had ended");
                self.state.set_status(*subject, Status::Frozen);
                self.end_alike(*subject);
            }
            Action::Unfreeze { subject } => {
                let is_payee = matches!(subject, Subject::Payee(_));
                self.may_stop(by, *subject);
                self.expect(is_payee || is_fresh(by), "I9", "started by an absent owner");
                self.expect(self.state.status(*subject) != Some(Status::Ended), "I9", "it had ended");
                self.state.set_status(*subject, Status::Active);
            }
            Action::Revoke { subject } => {
                if !self.is_handed_back(by, *subject) {
                    self.may_stop(by, *subject);
                }
                self.revoke(at, *subject);
            }
            Action::Approve { question, digest, until } => {
                let is_same = self.state.questions.get(question).is_some_and(|row| row.digest == *digest);
                self.expect(is_same, "I9", "another question was approved");
                self.expect(at < *until && *until <= at.saturating_add(WEEK), "I9", "approved for too long");
                self.answer(at, by, *question, Answer::Approved { until: *until });
            }
            Action::Observe { item, price, asset, stock } => {
                let By::Payee { payee, key } = by else {
                    self.wrong("I9", "a price that no seller named");
                    return;
                };
                self.allowed(self.state.key_speaks(key, Holder::Payee(payee)).is_ok());
                let Some(row) = self.state.payees.get_mut(&payee) else { return };
                let is_own = row.asset == *asset && row.status == Status::Active;
                row.observed.retain(|seen| seen.0 != *item);
                if row.observed.len() == 64 {
                    row.observed.remove(0);
                }
                row.observed.push((*item, *price, *stock, at));
                self.expect(is_own && *price != 0, "I9", "a price that is none");
            }
            Action::ApproveAlike { question, digest, until } => {
                let is_same = self.state.questions.get(question).is_some_and(|row| row.digest == *digest);
                self.expect(is_same && is_fresh(by), "I9", "another question, or by an absent owner");
                self.expect(at < *until && *until <= at.saturating_add(WEEK / 7), "I9", "for too long");
                self.answer(at, by, *question, Answer::Approved { until: *until });
                self.state.questions.get_mut(question).into_iter().for_each(|row| row.alike = Some(*until));
            }
            Action::Refuse { question } => self.answer(at, by, *question, Answer::Refused),
            Action::Transfer { from, to, amount, asset } => self.transfer(by, *from, *to, *amount, asset),
            Action::Redeem { hold } => {
                if let Some(hold) = self.hold_mut(*hold) {
                    hold.is_redeemed = true;
                }
            }
            Action::Dispute { hold } => self.dispute(*hold),
            _ => self.believe_quota(at, id, by, action),
        }
    }

    pub(super) fn allowed(&mut self, is_allowed: bool) {
        self.expect(is_allowed, "I9", "asked by somebody who may not");
    }

    fn allowed_to_owner(&mut self, by: By, subject: Subject) {
        let owner = self.state.owner_of(subject);
        self.allowed(owner.is_some_and(|owner| self.state.is_owner(by, owner).is_ok()));
    }

    fn may_stop(&mut self, by: By, subject: Subject) {
        let owner = self.state.owner_of(subject);
        let is_owner = owner.is_some_and(|owner| self.state.is_owner(by, owner).is_ok());
        self.allowed(is_owner || self.state.is_operator(by).is_ok());
    }

    /// Whether an agent ends its own mandate, or one that was delegated from its own.
    fn is_handed_back(&self, by: By, subject: Subject) -> bool {
        let (By::Agent { agent, key }, Subject::Mandate(mandate)) = (by, subject) else { return false };
        let is_its_key = self
            .state
            .keys
            .get(&key)
            .is_some_and(|row| row.holder == Holder::Agent(agent) && !row.is_revoked);
        let mandates = &self.state.mandates;
        let row = mandates.get(&mandate);
        let parent = row.and_then(|row| row.parent).and_then(|parent| mandates.get(&parent));
        is_its_key && [row, parent].into_iter().flatten().any(|row| row.agent == agent)
    }

    fn add_key(&mut self, key: Name, holder: Holder) {
        let row = Key { holder, is_revoked: false, nonces: Default::default() };
        let replaced = self.state.keys.insert(key, row);
        self.expect(replaced.is_none(), "I4", "the key was there before");
    }

    fn may_change_key(&mut self, by: By, holder: Holder, adds: bool) {
        let state = &self.state;
        let is_operator = state.is_operator(by).is_ok();
        let is_allowed = match holder {
            Holder::Operator => is_operator,
            Holder::Owner(owner) => state.is_owner(by, owner).is_ok() && (!adds || is_fresh(by)),
            Holder::Agent(agent) => {
                let owner = state.owner_of(Subject::Agent(agent));
                owner.is_some_and(|owner| state.is_owner(by, owner).is_ok()) && (!adds || is_fresh(by))
            }
            Holder::Payee(payee) => {
                let itself = matches!(by, By::Payee { payee: named, key }
                    if named == payee && state.key_speaks(key, holder).is_ok());
                is_operator || itself
            }
        };
        self.allowed(is_allowed);
    }

    fn present(&mut self, at: u64, by: By, nonce: u64) {
        let (key, holder) = match by {
            By::Operator { key } => (key, Holder::Operator),
            By::Owner { owner, key, .. } => (key, Holder::Owner(owner)),
            By::Agent { agent, key } => (key, Holder::Agent(agent)),
            By::Payee { payee, key } => (key, Holder::Payee(payee)),
            By::Book => {
                self.wrong("form", "the book presents nothing");
                return;
            }
        };
        self.allowed(self.state.key_speaks(key, holder).is_ok());
        self.expect(nonce <= at.saturating_add(60_000_000_000) / 1_000, "I9", "a nonce from the future");
        let is_new = self.state.keys.get_mut(&key).is_some_and(|row| row.nonces.insert(nonce));
        self.expect(is_new, "I4", "the nonce was used before");
    }

    fn open_wallet(
        &mut self,
        at: u64,
        id: Name,
        owner: Name,
        asset: &str,
        limits: Vec<super::entry::Limit>,
        sub: Option<(Name, Name)>,
    ) {
        let policy = (!limits.is_empty()).then(|| Policy::new(limits, Usage::default(), at));
        let wallet = Wallet {
            owner,
            asset: asset.to_owned(),
            status: Status::Active,
            sub,
            policy,
            known: Default::default(),
        };
        self.expect(self.state.assets.contains(asset), "form", "no such asset");
        let replaced = self.state.wallets.insert(id, wallet);
        self.expect(replaced.is_none(), "I4", "the wallet was there before");
    }

    fn set_limits(
        &mut self,
        at: u64,
        by: By,
        subject: Subject,
        version: u32,
        limits: Vec<super::entry::Limit>,
    ) {
        self.allowed_to_owner(by, subject);
        let first = || Policy { version: 0, ..Policy::new(Vec::new(), Usage::default(), at) };
        let policy = match subject {
            Subject::Wallet(name) => {
                let row = self.state.wallets.get_mut(&name);
                row.map(|row| row.policy.get_or_insert_with(first))
            }
            Subject::Agent(name) => {
                let row = self.state.agents.get_mut(&name);
                row.map(|row| row.policy.get_or_insert_with(first))
            }
            Subject::Mandate(name) => self.state.mandates.get_mut(&name).map(|row| &mut row.policy),
            Subject::Owner(_) | Subject::Payee(_) => None,
        };
        let Some(policy) = policy else {
            self.wrong("form", "it has no limits");
            return;
        };
        let is_current = policy.version == version;
        policy.amend(limits, at);
        self.expect(is_current, "I9", "other limits were replaced than were meant");
    }

    fn close_wallet(&mut self, by: By, name: Name) {
        self.allowed_to_owner(by, Subject::Wallet(name));
        let Some(row) = self.state.wallets.get_mut(&name) else { return };
        row.status = Status::Ended;
        let (asset, sub) = (row.asset.clone(), row.sub);
        let sums = self.state.sums(Place::Wallet(name), &asset);
        self.expect(sums.held == 0, "I6", "closed with money set aside");
        match sub {
            Some((parent, agent)) => {
                let (from, to) = (Place::Wallet(name), Place::Wallet(parent));
                self.state.post(from, to, &asset, sums.available());
                self.state.set_status(Subject::Agent(agent), Status::Ended);
            }
            None => self.expect(sums.available() == 0, "I2", "closed with money in it"),
        }
    }

    fn answer(&mut self, at: u64, by: By, question: Name, answer: Answer) {
        let Some(row) = self.state.questions.get(&question) else {
            self.wrong("form", "no such question");
            return;
        };
        let is_open = row.answer == Answer::Waiting && at < row.at.saturating_add(WEEK / 7);
        let wallet = row.wallet;
        self.expect(is_open, "I9", "the question was not open");
        self.allowed_to_owner(by, Subject::Wallet(wallet));
        if let Some(row) = self.state.questions.get_mut(&question) {
            row.answer = answer;
        }
    }

    fn transfer(&mut self, by: By, from: Place, to: Place, amount: u128, asset: &str) {
        let state = &self.state;
        let owner = |place: Place| match place {
            Place::World | Place::Fees | Place::Transit => None,
            Place::Wallet(name) => state.wallets.get(&name).map(|row| row.owner),
            Place::Payee(name) => state.payees.get(&name).and_then(|row| row.owner),
        };
        let is_operator = state.is_operator(by).is_ok();
        let is_giver = owner(from).is_some_and(|owner| state.is_owner(by, owner).is_ok());
        let is_allowed = match (from, to) {
            (Place::World, Place::Wallet(_) | Place::Payee(_))
            | (Place::Fees | Place::Payee(_), Place::World) => is_operator,
            (Place::Wallet(_), Place::World) => is_giver && is_fresh(by),
            (Place::Wallet(_) | Place::Payee(_), Place::Wallet(_) | Place::Payee(_)) => {
                is_giver && owner(from) == owner(to) && from != to
            }
            _ => false,
        };
        let runs = match from {
            Place::Wallet(name) => {
                let row = state.wallets.get(&name);
                row.is_some_and(|row| {
                    row.status == Status::Active && state.owners.get(&row.owner) == Some(&Status::Active)
                })
            }
            Place::World | Place::Fees | Place::Transit | Place::Payee(_) => true,
        };
        self.allowed(is_allowed);
        self.expect(runs, "I9", "money left what is stopped");
        self.expect(amount != 0, "form", "nothing was moved");
        for place in [from, to] {
            let is_same = match place {
                Place::Wallet(name) => self.state.wallets.get(&name).is_some_and(|row| row.asset == asset),
                Place::Payee(name) => self.state.payees.get(&name).is_some_and(|row| row.asset == asset),
                Place::World | Place::Fees => self.state.assets.contains(asset),
                Place::Transit => false,
            };
            self.expect(is_same, "I1", "another asset was moved");
        }
        self.state.post(from, to, asset, amount);
    }

    fn versions(&self, by: By, purchase: &super::entry::Purchase) -> [u32; 3] {
        let agent = match by {
            By::Agent { agent, .. } => Some(agent),
            By::Operator { .. } | By::Owner { .. } | By::Payee { .. } | By::Book => None,
        };
        self.state.versions(purchase.wallet, agent, purchase.mandate)
    }

    #[allow(clippy::too_many_arguments)] // A hold is all of these.
    fn place(
        &mut self,
        at: u64,
        id: Name,
        by: By,
        purchase: &super::entry::Purchase,
        until: u64,
        versions: [u32; 3],
        meter: Option<Meter>,
    ) {
        let decided = self.versions(by, purchase);
        self.expect(versions == decided, "I9", "other limits decided");
        self.expect(at < until && until <= at.saturating_add(LONGEST_HOLD), "I6", "held for too long");
        let hold = Hold {
            amount: purchase.amount,
            captured: 0,
            placed_at: at,
            until,
            is_open: true,
            is_redeemed: false,
            is_escrow: false,
            is_disputed: false,
            meter,
        };
        self.count(at, id, by, purchase, Some(hold));
        self.held_mut(purchase.wallet).held += purchase.amount;
    }

    pub(super) fn hold(&self, name: Name) -> Option<&Hold> {
        self.state.bought.get(&name)?.hold.as_ref()
    }

    pub(super) fn hold_mut(&mut self, name: Name) -> Option<&mut Hold> {
        self.state.bought.get_mut(&name)?.hold.as_mut()
    }

    pub(super) fn capture(&mut self, name: Name, moved: &Moved) {
        self.expect(moved.versions == [0; 3], "form", "a capture is decided by no limits");
        let Some(wallet) = self.state.bought.get(&name).map(|bought| bought.purchase.wallet) else {
            self.wrong("form", "no such hold");
            return;
        };
        let Some(hold) = self.hold_mut(name) else { return };
        let (is_open, left) = (hold.is_open, hold.amount - hold.captured);
        if !is_open || left < moved.amount {
            self.wrong("I6", "more was captured than was held");
            return;
        }
        hold.captured += moved.amount;
        let sums = self.held_mut(wallet);
        sums.held = sums.held.saturating_sub(moved.amount);
        self.move_to_payees(name, moved);
    }

    fn may_void(&mut self, name: Name, by: By) {
        let Some(bought) = self.state.bought.get(&name) else { return };
        let is_allowed = match by {
            By::Payee { payee, key } => {
                let is_seller = bought.purchase.shares.first().is_some_and(|share| share.0 == payee);
                is_seller && self.state.key_speaks(key, Holder::Payee(payee)).is_ok()
            }
            By::Operator { .. } => self.state.is_operator(by).is_ok(),
            By::Owner { .. } => {
                let owner = self.state.wallets[&bought.purchase.wallet].owner;
                self.state.is_owner(by, owner).is_ok() && self.is_stopped(bought)
            }
            By::Agent { .. } | By::Book => false,
        };
        self.allowed(is_allowed);
    }

    fn is_due(&mut self, name: Name, at: u64, by: By) {
        let is_due = self.hold(name).is_some_and(|hold| hold.until <= at);
        self.expect(is_due && by == By::Book, "I6", "a hold expired before its time");
    }

    fn release(&mut self, name: Name, amount: u128) {
        let left = self.hold(name).filter(|hold| hold.is_open);
        let left = left.map(|hold| hold.amount - hold.captured);
        self.expect(left == Some(amount), "I6", "another amount was released than was left");
        if left.is_some() {
            self.end_hold(name);
        }
    }

    fn refund(&mut self, name: Name, amount: u128, parts: &[Part]) {
        let Some(bought) = self.state.bought.get(&name) else {
            self.wrong("form", "no such payment");
            return;
        };
        let weights = bought.paid.iter();
        let weights = weights.flat_map(|paid| {
            [paid.amount.saturating_sub(paid.fee + paid.back), paid.fee.saturating_sub(paid.fee_back)]
        });
        let weights: Vec<u128> = weights.collect();
        if weights.iter().sum::<u128>() < amount || amount == 0 {
            self.wrong("I1", "more went back than was paid");
            return;
        }
        let should_be = shares(amount, &weights);
        let is: Vec<u128> = parts.iter().flat_map(|part| [part.amount, part.fee]).collect();
        let wallet = self.state.refund_target(bought.purchase.wallet);
        let payees: Vec<Name> = bought.paid.iter().map(|paid| paid.payee).collect();
        self.expect(is == should_be, "I1", "the refund is divided wrongly");
        let asset = self.state.wallets[&wallet].asset.clone();
        for (payee, part) in payees.into_iter().zip(parts) {
            self.state.post(Place::Payee(payee), Place::Wallet(wallet), &asset, part.amount);
            self.state.post(Place::Fees, Place::Wallet(wallet), &asset, part.fee);
        }
        if let Some(bought) = self.state.bought.get_mut(&name) {
            for (paid, part) in bought.paid.iter_mut().zip(parts) {
                paid.back += part.amount;
                paid.fee_back += part.fee;
            }
        }
    }
}

fn is_fresh(by: By) -> bool {
    matches!(by, By::Owner { fresh: true, .. })
}
