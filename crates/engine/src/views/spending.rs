//! Spending: payments, holds, meters, refunds and transfers, and whose the money is after each.

use crate::views::ViewsFault;
use crate::views::activity::Touched;
use crate::views::batch::{Batch, lower, raise};
use crate::views::rows::{Form, PURCHASE_BY_ID, PartRow, PurchaseRow, State};
use crate::views::stored::{Canonical, stored};
use crate::views::subjects::{Chain, Role};
use book::freeze::Status;
use book::limits::DISPUTE_NANOS;
use book::{
    Account, Action, Actor, AgentId, Amount, Capture, Entry, Id, MandateId, Moved, Nanos, NanosPerUnit,
    Outcome, Part, Parts, PublicKeyBytes, Purchase, Refund, Refunded, Rounding, Transfer, Versions, WalletId,
};

impl Batch<'_> {
    /// Moves or sets aside what an entry says was moved or set aside.
    pub(super) fn spend(&mut self, entry: &Entry, touched: &mut Touched) -> Result<(), ViewsFault> {
        let bought = touched.bought.take();
        match (&entry.command.action, &entry.outcome, bought) {
            (Action::Transfer(it), _, _) => self.transfer(entry, it),
            (Action::Pay(it), Outcome::Paid(moved), _) => self.pay(entry, &it.purchase, moved),
            (Action::PayLink(it), Outcome::Paid(moved), _) => self.pay(entry, &it.purchase, moved),
            (Action::PlaceHold(it), Outcome::Held(versions), _) => {
                self.hold(entry, Form::Hold, &it.purchase, it.expires_at, *versions)
            }
            (Action::PlaceEscrow(it), Outcome::Held(versions), _) => {
                self.hold(entry, Form::Escrow, &it.purchase, it.expires_at, *versions)
            }
            (Action::Dispute(_), Outcome::Done, Some(bought)) => self.dispute(bought),
            (Action::OpenMeter(it), Outcome::Held(versions), _) => {
                self.hold(entry, Form::Meter, &it.purchase, it.expires_at, *versions)?;
                self.meter(entry, it.rates.clone(), it.rounding, None)
            }
            (Action::OpenChannel(it), Outcome::Held(versions), _) => {
                self.hold(entry, Form::Meter, &it.purchase, it.expires_at, *versions)?;
                self.meter(entry, Vec::new(), it.rounding, Some(it.voucher_key))
            }
            (Action::Claim(_), Outcome::Charged(metered), Some(bought)) => self.run_one(
                "UPDATE meters SET charges = charges + 1, total = ?2 WHERE seq = ?1",
                stored![bought.seq, metered.total],
            ),
            (Action::Capture(it), Outcome::Captured(moved), Some(bought)) => {
                self.capture(entry, it, moved, bought)
            }
            (Action::Void(_), Outcome::Released(released), Some(bought)) => {
                touched.amount = Some(released.amount);
                self.end(entry, bought, State::Voided)
            }
            (Action::Expire(_), Outcome::Released(released), Some(bought)) => {
                touched.amount = Some(released.amount);
                self.end(entry, bought, State::Expired)
            }
            (Action::Expire(_), Outcome::Captured(moved), Some(mut bought)) => {
                touched.amount = Some(moved.amount);
                self.draw(&mut bought, moved)?;
                self.end(entry, bought, State::Captured)
            }
            (Action::Expire(_), Outcome::Settled(settled), Some(bought)) => {
                touched.amount = Some(settled.moved.amount);
                self.settle(entry, &settled.moved, settled.carry, bought, State::Expired)
            }
            (Action::CloseMeter(_), Outcome::Settled(settled), Some(bought)) => {
                touched.amount = Some(settled.moved.amount);
                self.settle(entry, &settled.moved, settled.carry, bought, State::Captured)
            }
            (Action::Charge(it), Outcome::Charged(metered), Some(bought)) => self.run_one(
                "UPDATE meters SET sequence = ?2, charges = charges + 1, total = ?3 WHERE seq = ?1",
                stored![bought.seq, it.sequence, metered.total],
            ),
            (Action::Redeem(it), Outcome::Done, Some(mut bought)) => {
                bought.redeemed = Some(it.delivery);
                self.save(&bought)
            }
            (Action::Refund(it), Outcome::Refunded(refunded), Some(bought)) => {
                self.refund(entry, it, refunded, bought)
            }
            _ => Err(self.disagrees()),
        }
    }

    fn transfer(&mut self, entry: &Entry, it: &Transfer) -> Result<(), ViewsFault> {
        let seq = entry.seq;
        raise(self.debits(it.from, it)?, it.amount, seq)?;
        raise(self.credits(it.to, it)?, it.amount, seq)?;
        self.run(
            "INSERT INTO transfers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            stored![
                seq,
                entry.at,
                entry.command.id,
                Canonical(it.from),
                Canonical(it.to),
                it.amount,
                it.asset,
            ],
        )?;
        for account in [it.from, it.to] {
            let id = match account {
                Account::World | Account::Fees => continue,
                Account::Wallet(id) => id.0,
                Account::Payee(id) => id.0,
            };
            self.run("INSERT INTO transfer_accounts VALUES (?1, ?2)", stored![id, seq])?;
        }
        Ok(())
    }

    fn debits(&mut self, account: Account, it: &Transfer) -> Result<&mut Amount, ViewsFault> {
        Ok(match account {
            Account::World => &mut self.asset_mut(it.asset)?.world.debits,
            Account::Fees => &mut self.asset_mut(it.asset)?.fees.debits,
            Account::Wallet(id) => &mut self.subject_mut(Role::Wallet, id.0)?.balance.debits,
            Account::Payee(id) => &mut self.subject_mut(Role::Payee, id.0)?.balance.debits,
        })
    }

    fn credits(&mut self, account: Account, it: &Transfer) -> Result<&mut Amount, ViewsFault> {
        Ok(match account {
            Account::World => &mut self.asset_mut(it.asset)?.world.credits,
            Account::Fees => &mut self.asset_mut(it.asset)?.fees.credits,
            Account::Wallet(id) => &mut self.subject_mut(Role::Wallet, id.0)?.balance.credits,
            Account::Payee(id) => &mut self.subject_mut(Role::Payee, id.0)?.balance.credits,
        })
    }

    /// Notes a payment that is part of a plan: of an agent, or of the owner.
    pub(super) fn pay_as(
        &mut self,
        entry: &Entry,
        agent: Option<AgentId>,
        purchase: &Purchase,
        moved: &Moved,
    ) -> Result<(), ViewsFault> {
        let purchase = Purchase { amount: moved.amount, ..purchase.clone() };
        let mut bought =
            self.buy_as(entry, agent, (Form::Payment, State::Paid), &purchase, moved.versions)?;
        self.pay_out(&mut bought, moved)?;
        self.insert(&bought, Chain::Payments)
    }

    /// Uses an approval up.
    pub(super) fn use_approval(&self, question: Option<Id>) -> Result<(), ViewsFault> {
        if let Some(question) = question {
            let seq = self.seq;
            self.run("UPDATE questions SET answer = 4, used = ?2 WHERE id = ?1", stored![question, seq])?;
        }
        Ok(())
    }

    fn pay(&mut self, entry: &Entry, purchase: &Purchase, moved: &Moved) -> Result<(), ViewsFault> {
        let mut bought = self.buy(entry, Form::Payment, State::Paid, purchase, moved.versions)?;
        self.pay_out(&mut bought, moved)?;
        self.insert(&bought, Chain::Payments)
    }

    fn hold(
        &mut self,
        entry: &Entry,
        form: Form,
        purchase: &Purchase,
        expires_at: book::Time,
        versions: Versions,
    ) -> Result<(), ViewsFault> {
        let mut bought = self.buy(entry, form, State::Held, purchase, versions)?;
        bought.expires_at = Some(expires_at);
        let seq = self.seq;
        let wallet = self.subject_mut(Role::Wallet, purchase.wallet.0)?;
        raise(&mut wallet.balance.held, purchase.amount, seq)?;
        for payee in purchase.to.each() {
            let takings = self.takings_mut(payee)?;
            takings.holds = takings.holds.saturating_add(1);
        }
        self.set_aside(purchase, Amount::ZERO, purchase.amount)?;
        self.insert(&bought, Chain::Holds)
    }

    fn meter(
        &mut self,
        entry: &Entry,
        rates: Vec<NanosPerUnit>,
        rounding: Rounding,
        voucher_key: Option<PublicKeyBytes>,
    ) -> Result<(), ViewsFault> {
        let (rates, rounding, voucher_key) =
            (Canonical(rates), Canonical(rounding), voucher_key.map(Canonical));
        self.run(
            "INSERT INTO meters VALUES (?1, ?2, ?3, 0, 0, ?4, NULL, ?5)",
            stored![entry.seq, rates, rounding, Nanos::ZERO, voucher_key],
        )?;
        Ok(())
    }

    fn capture(
        &mut self,
        entry: &Entry,
        it: &Capture,
        moved: &Moved,
        mut bought: PurchaseRow,
    ) -> Result<(), ViewsFault> {
        self.draw(&mut bought, moved)?;
        if it.last || bought.held().is_zero() {
            return self.end(entry, bought, State::Captured);
        }
        self.save(&bought)
    }

    fn settle(
        &mut self,
        entry: &Entry,
        moved: &Moved,
        carry: Nanos,
        mut bought: PurchaseRow,
        state: State,
    ) -> Result<(), ViewsFault> {
        self.draw(&mut bought, moved)?;
        self.run_one("UPDATE meters SET carry = ?2 WHERE seq = ?1", stored![bought.seq, carry])?;
        self.end(entry, bought, state)
    }

    /// What is held waits for longer, and then goes back.
    fn dispute(&mut self, mut bought: PurchaseRow) -> Result<(), ViewsFault> {
        bought.state = State::Disputed;
        bought.expires_at = bought.expires_at.map(|at| at.after(DISPUTE_NANOS));
        self.run_one(
            "UPDATE purchases SET expires_at = ?2 WHERE seq = ?1",
            stored![bought.seq, bought.expires_at],
        )?;
        self.save(&bought)
    }

    /// Pays from what is held.
    fn draw(&mut self, bought: &mut PurchaseRow, moved: &Moved) -> Result<(), ViewsFault> {
        let seq = self.seq;
        let wallet = self.subject_mut(Role::Wallet, bought.purchase.wallet.0)?;
        lower(&mut wallet.balance.held, moved.amount, seq)?;
        let before = bought.held();
        self.pay_out(bought, moved)?;
        self.set_aside(&bought.purchase, before, bought.held())
    }

    /// Gives back what is held and ends the hold. The use itself is given back too where nothing was captured.
    fn end(&mut self, entry: &Entry, mut bought: PurchaseRow, state: State) -> Result<(), ViewsFault> {
        let (left, unused, seq) = (bought.held(), bought.captured.is_zero(), self.seq);
        let wallet = self.subject_mut(Role::Wallet, bought.purchase.wallet.0)?;
        lower(&mut wallet.balance.held, left, seq)?;
        for (role, id) in self.payers(bought.agent.map(|agent| agent.0), &bought.purchase)? {
            let payer = self.subject_mut(role, id)?;
            lower(&mut payer.spent, left, seq)?;
            payer.uses = payer.uses.saturating_sub(u64::from(unused));
        }
        for payee in bought.purchase.to.each() {
            let takings = self.takings_mut(payee)?;
            takings.holds = takings.holds.saturating_sub(1);
        }
        self.set_aside(&bought.purchase, left, Amount::ZERO)?;
        bought.released = left;
        bought.state = state;
        bought.ended_at = Some(entry.at);
        self.save(&bought)
    }

    fn refund(
        &mut self,
        entry: &Entry,
        it: &Refund,
        refunded: &Refunded,
        mut bought: PurchaseRow,
    ) -> Result<(), ViewsFault> {
        let seq = entry.seq;
        if bought.parts.len() != refunded.parts.len() {
            return Err(self.disagrees());
        }
        for (row, part) in bought.parts.iter_mut().zip(&refunded.parts) {
            raise(&mut row.refunded.amount, part.amount, seq)?;
            raise(&mut row.refunded.fee, part.fee, seq)?;
            let payee = self.subject_mut(Role::Payee, row.payee.0)?;
            raise(&mut payee.balance.debits, part.amount, seq)?;
            let asset = self.asset_mut(bought.purchase.asset)?;
            raise(&mut asset.fees.debits, part.fee, seq)?;
            let takings = self.takings_mut(row.payee)?;
            raise(&mut takings.refunded, part.amount, seq)?;
            raise(&mut takings.refunded, part.fee, seq)?;
            raise(&mut takings.fees_refunded, part.fee, seq)?;
            let is_none = part.amount.is_zero() && part.fee.is_zero();
            takings.refunds = takings.refunds.saturating_add(u64::from(!is_none));
        }
        let wallet = self.source(bought.purchase.wallet)?;
        raise(&mut self.subject_mut(Role::Wallet, wallet.0)?.balance.credits, it.amount, seq)?;
        raise(&mut bought.refunded, it.amount, seq)?;
        self.run(
            "INSERT INTO refunds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            stored![
                seq,
                entry.at,
                entry.command.id,
                bought.seq,
                it.amount,
                wallet,
                Canonical(refunded.parts.clone()),
            ],
        )?;
        self.owe_credit(&bought)?;
        self.save(&bought)
    }

    /// Where a refund goes: for a sub-account that is closed, to the wallet that filled it.
    fn source(&self, payer: WalletId) -> Result<WalletId, ViewsFault> {
        let found =
            self.find("SELECT status, parent FROM wallets WHERE id = ?1", stored![payer], |columns| {
                Ok((columns.next::<Status>()?, columns.next::<Option<WalletId>>()?))
            })?;
        match found.ok_or_else(|| self.disagrees())? {
            (Status::Revoked, Some(parent)) => Ok(parent),
            (Status::Active | Status::Frozen | Status::Revoked, _) => Ok(payer),
        }
    }

    /// Counts a purchase for the wallet, the agent and the mandate, and uses up the approval it was made with.
    fn buy(
        &mut self,
        entry: &Entry,
        form: Form,
        state: State,
        purchase: &Purchase,
        versions: Versions,
    ) -> Result<PurchaseRow, ViewsFault> {
        let agent = match entry.command.by {
            Actor::Agent { agent, .. } => Some(agent),
            Actor::Operator { .. } | Actor::Owner { .. } | Actor::Payee { .. } | Actor::Book => None,
        };
        self.buy_as(entry, agent, (form, state), purchase, versions)
    }

    fn buy_as(
        &mut self,
        entry: &Entry,
        agent: Option<AgentId>,
        (form, state): (Form, State),
        purchase: &Purchase,
        versions: Versions,
    ) -> Result<PurchaseRow, ViewsFault> {
        let seq = entry.seq;
        for (role, id) in self.payers(agent.map(|agent| agent.0), purchase)? {
            let payer = self.subject_mut(role, id)?;
            raise(&mut payer.spent, purchase.amount, seq)?;
            payer.uses = payer.uses.saturating_add(1);
        }
        self.use_approval(purchase.approval)?;
        let owner = self.subject_mut(Role::Wallet, purchase.wallet.0)?.owner;
        Ok(PurchaseRow {
            seq,
            at: entry.at,
            id: entry.command.id,
            form,
            state,
            owner,
            agent,
            purchase: purchase.clone(),
            versions,
            parts: Vec::new(),
            captured: Amount::ZERO,
            released: Amount::ZERO,
            refunded: Amount::ZERO,
            expires_at: None,
            redeemed: None,
            ended_at: None,
        })
    }

    /// Moves money from the wallet to the payees and the fees, and notes each part.
    fn pay_out(&mut self, bought: &mut PurchaseRow, moved: &Moved) -> Result<(), ViewsFault> {
        let seq = self.seq;
        let PurchaseRow { purchase, parts, .. } = bought;
        let wallet = self.subject_mut(Role::Wallet, purchase.wallet.0)?;
        raise(&mut wallet.balance.debits, moved.amount, seq)?;
        if parts.is_empty() {
            let nothing = Part { amount: Amount::ZERO, fee: Amount::ZERO };
            parts.extend(purchase.to.each().map(|payee| PartRow { payee, paid: nothing, refunded: nothing }));
        }
        let one;
        let list = match &moved.parts {
            Parts::One { fee } => {
                one = [Part { amount: moved.amount, fee: *fee }];
                one.as_slice()
            }
            Parts::Many { parts } => parts,
        };
        if list.len() != parts.len() {
            return Err(self.disagrees());
        }
        for (row, part) in parts.iter_mut().zip(list) {
            let is_first = row.paid.amount.is_zero() && !part.amount.is_zero();
            let takings = self.takings_mut(row.payee)?;
            raise(&mut takings.captured, part.amount, seq)?;
            raise(&mut takings.fees, part.fee, seq)?;
            takings.sales = takings.sales.saturating_add(u64::from(is_first));
            raise(&mut row.paid.amount, part.amount, seq)?;
            raise(&mut row.paid.fee, part.fee, seq)?;
            let mut net = part.amount;
            lower(&mut net, part.fee, seq)?;
            raise(&mut self.subject_mut(Role::Payee, row.payee.0)?.balance.credits, net, seq)?;
            if !part.fee.is_zero() {
                raise(&mut self.asset_mut(purchase.asset)?.fees.credits, part.fee, seq)?;
            }
        }
        raise(&mut bought.captured, moved.amount, seq)
    }

    /// Writes a new purchase, and puts it into the lists of those it concerns.
    fn insert(&mut self, bought: &PurchaseRow, chain: Chain) -> Result<(), ViewsFault> {
        let purchase = &bought.purchase;
        let mut payees = purchase.to.each().map(|payee| payee.0);
        let mut link = |role, id: Option<Id>| match id {
            Some(id) => self.link(role, id, chain),
            None => Ok(None),
        };
        let owner = link(Role::Owner, bought.owner.map(|owner| owner.0))?;
        let wallet = link(Role::Wallet, Some(purchase.wallet.0))?;
        let agent = link(Role::Agent, bought.agent.map(|agent| agent.0))?;
        let payee = link(Role::Payee, payees.next())?;
        let mandate = link(Role::Mandate, purchase.mandate.map(|mandate| mandate.0))?;
        for payee in payees {
            self.link_other(true, Role::Payee, payee, chain)?;
        }
        // Of those above a delegated mandate it is a spending too.
        let own = 2usize.saturating_add(usize::from(bought.agent.is_some()));
        let payers = self.payers(bought.agent.map(|agent| agent.0), purchase)?;
        for (role, id) in payers.into_iter().skip(own) {
            self.link_other(true, role, id, chain)?;
        }
        let held_from = Some(purchase.wallet).filter(|_| bought.state.is_open());
        self.run(
            "INSERT INTO purchases VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, NULL, NULL,
             ?15, ?16, ?17, ?18, ?19, ?20)",
            stored![
                bought.seq,
                bought.at,
                bought.id,
                bought.form,
                bought.state,
                bought.owner,
                bought.agent,
                Canonical(purchase.clone()),
                Canonical(bought.versions),
                Canonical(parts(bought)),
                bought.captured,
                bought.released,
                bought.refunded,
                bought.expires_at,
                held_from,
                owner,
                wallet,
                agent,
                payee,
                mandate,
            ],
        )?;
        Ok(())
    }

    /// Writes what may change of a purchase.
    fn save(&mut self, bought: &PurchaseRow) -> Result<(), ViewsFault> {
        let held_from = Some(bought.purchase.wallet).filter(|_| bought.state.is_open());
        self.run_one(
            "UPDATE purchases SET state = ?2, parts = ?3, captured = ?4, released = ?5, refunded = ?6, redeemed = ?7,
             ended_at = ?8, held_from = ?9 WHERE seq = ?1",
            stored![
                bought.seq,
                bought.state,
                Canonical(parts(bought)),
                bought.captured,
                bought.released,
                bought.refunded,
                bought.redeemed,
                bought.ended_at,
                held_from,
            ],
        )
    }

    /// Whose spending a purchase counts as: the mandates above its own, and their agents, included.
    fn payers(&mut self, agent: Option<Id>, purchase: &Purchase) -> Result<Vec<(Role, Id)>, ViewsFault> {
        let mut payers = vec![(Role::Wallet, purchase.wallet.0)];
        payers.extend(agent.map(|id| (Role::Agent, id)));
        let mut next = purchase.mandate;
        while let Some(mandate) = next {
            payers.push((Role::Mandate, mandate.0));
            next = None;
            if self.subject_mut(Role::Mandate, mandate.0)?.is_delegated {
                let above = self.find(
                    "SELECT p.id, p.agent FROM mandates m JOIN mandates p ON p.id = m.parent WHERE m.id = ?1",
                    stored![mandate],
                    |columns| Ok((columns.next::<MandateId>()?, columns.next::<AgentId>()?)),
                )?;
                let (parent, agent) = above.ok_or_else(|| self.disagrees())?;
                payers.push((Role::Agent, agent.0));
                next = Some(parent);
            }
        }
        Ok(payers)
    }

    /// The purchase of that name.
    pub(super) fn purchase(&self, id: Id) -> Result<Option<PurchaseRow>, ViewsFault> {
        self.find(PURCHASE_BY_ID, stored![id], PurchaseRow::read)
    }
}

/// The parts of a purchase as they lie in its column; whose they are, the purchase says.
fn parts(bought: &PurchaseRow) -> Vec<(Part, Part)> {
    let part = |row: &PartRow| (row.paid, row.refunded);
    bought.parts.iter().map(part).collect()
}
