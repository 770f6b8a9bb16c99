//! Payment links as the auditor follows them: what was asked for, and how often it was paid.

use super::entry::{ASKS, Action, By, Digest, Holder, Name, Outcome, Purchase};
use super::judge::{BOOK, Deal, Judgement, denied, left};
use super::walk::Walk;
use sha2::{Digest as _, Sha256};

const DAY: u64 = 86_400_000_000_000;

/// What a seller asks for.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) shares: Vec<(Name, u128)>,
    pub(super) whole: u128,
    pub(super) is_split: bool,
    pub(super) asset: String,
    pub(super) least: u128,
    pub(super) most: u128,
    pub(super) uses: Option<u128>,
    pub(super) until: u64,
    pub(super) takes_person: bool,
    pub(super) document: Digest,
}

/// A link, and how often it was paid.
#[derive(Debug)]
pub(super) struct Link {
    asked: Asked,
    used: u128,
    is_closed: bool,
}

/// The digest of the link that a command pays, and of what it says to the seller.
pub(super) fn digest(action: &Action) -> Option<Digest> {
    let Action::PayLink { link, message, .. } = action else { return None };
    let said = message.as_ref().map_or(vec![0], |message| [&[1u8][..], message].concat());
    Some(
        Sha256::new()
            .chain_update(b"tollbridge link 1\n")
            .chain_update(link)
            .chain_update(said)
            .finalize()
            .into(),
    )
}

impl Walk {
    /// What should come of a payment by a link.
    pub(super) fn judge_link(&self, at: u64, by: By, action: &Action) -> Judgement {
        match self.try_link(at, by, action) {
            Ok(()) => Judgement::Fine,
            Err(no) => no,
        }
    }

    fn try_link(&self, at: u64, by: By, action: &Action) -> Result<(), Judgement> {
        let Action::PayLink { link, purchase: buy, .. } = action else { return Err(Judgement::Unsure) };
        let row = self.state.links.get(link).ok_or(Judgement::Rejected("link_unknown"))?;
        let agent = self.state.payer(by, buy)?;
        row.allows(at, by, buy)?;
        let mut asked = self.state.weigh(at, agent, buy, Some(buy.amount))?;
        if row.asked.takes_person && agent.is_some() {
            asked = Some((BOOK, "person_required"));
        }
        let deal = Deal { kind: 6, terms: digest(action), moves: Some(buy.amount) };
        self.state.is_approved(at, agent, deal, buy, asked)
    }

    /// Counts that a link was paid; and what takes a person's word is not approved for longer.
    pub(super) fn use_link(&mut self, action: &Action, outcome: &Outcome) {
        if let (Action::PayLink { link, .. }, Outcome::Paid(_)) = (action, outcome) {
            self.state.links.get_mut(link).into_iter().for_each(|row| row.used += 1);
        } else if let Action::ApproveAlike { question, .. } = action {
            let asked = self.state.questions.get(question).map(|row| ASKS[usize::from(row.ask) - 1]);
            self.expect(asked != Some("person_required"), "I9", "a person's word was given in advance");
        }
    }

    /// Believes that a link was opened or closed.
    pub(super) fn believe_link(&mut self, at: u64, id: Name, by: By, action: &Action) {
        if let Action::OpenLink { asked } = action {
            let is_in_time = at < asked.until && asked.until <= at.saturating_add(366 * DAY);
            let is_payable = 0 < asked.least && asked.least <= asked.most && asked.uses != Some(0);
            let weights: u128 = asked.shares.iter().map(|share| share.1).sum();
            let payees = asked.shares.iter().map(|share| self.state.payees.get(&share.0));
            let all_collect = payees.into_iter().all(|payee| {
                payee.is_some_and(|payee| {
                    payee.asset == asked.asset && payee.status == super::state::Status::Active
                })
            });
            self.allowed(self.is_seller(by, asked));
            self.expect(is_in_time && is_payable && weights == asked.whole, "I9", "a link nobody can pay");
            self.expect(all_collect, "I9", "a link to somebody who cannot collect it");
            let row = Link { asked: asked.clone(), used: 0, is_closed: false };
            let replaced = self.state.links.insert(id, row);
            self.expect(replaced.is_none(), "I4", "the link was there before");
        } else if let Action::CloseLink { link } = action {
            let row = self.state.links.get(link);
            let is_open = row.is_some_and(|row| !row.is_closed);
            let is_seller = row.is_some_and(|row| self.is_seller(by, &row.asked));
            self.allowed(is_seller);
            self.expect(is_open, "I9", "a link was closed that was not open");
            self.state.links.get_mut(link).into_iter().for_each(|row| row.is_closed = true);
        }
    }

    /// Whether it is the seller that leads, or the operator.
    fn is_seller(&self, by: By, asked: &Asked) -> bool {
        match by {
            By::Operator { .. } => self.state.is_operator(by).is_ok(),
            By::Payee { payee, key } => {
                asked.shares.first().is_some_and(|share| share.0 == payee)
                    && self.state.key_speaks(key, Holder::Payee(payee)).is_ok()
            }
            By::Owner { .. } | By::Agent { .. } | By::Book => false,
        }
    }
}

impl Link {
    /// Whether a purchase is what it asks for, and may still be paid.
    fn allows(&self, at: u64, by: By, buy: &Purchase) -> Result<(), Judgement> {
        let Asked { shares, whole, is_split, asset, least, most, .. } = &self.asked;
        let same_payees = (shares, whole, is_split) == (&buy.shares, &buy.whole, &buy.is_split);
        if !same_payees || *asset != buy.asset || buy.reference != Some(self.asked.document) {
            return Err(denied("link_mismatch"));
        }
        if self.is_closed {
            return Err(denied("link_closed"));
        }
        if self.asked.uses.is_some_and(|uses| self.used >= uses) {
            return Err(denied("link_used"));
        }
        if at >= self.asked.until {
            return Err(denied("link_expired"));
        }
        if !(*least..=*most).contains(&buy.amount) {
            return Err(left("link_amount", buy.amount.clamp(*least, *most)));
        }
        let is_absent = matches!(by, By::Owner { fresh: false, .. });
        if is_absent && self.asked.takes_person { Err(denied("presence_required")) } else { Ok(()) }
    }
}
