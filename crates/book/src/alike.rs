//! Approving the rest of today: one yes that is good for whatever is asked in the same way, for a while.
//!
//! It answers a question before it is put, and nothing else: what a limit denies stays denied, money has to be there, and
//! every payment counts. It is for one agent, one wallet, one mandate, the same payees in the same form, no larger than
//! what the owner saw, and for the reason she was asked. Whoever stops any of them for a moment has ended it.

use crate::agent::presence_required;
use crate::approval::Answer;
use crate::book::{Book, Decision};
use crate::canon::canon_struct;
use crate::command::{Action, Actor, Command};
use crate::entry::{Ask, Denial, Outcome, Reject};
use crate::id::Id;
use crate::limits::{ALIKE_MAX, ALIKE_NANOS_MAX};
use crate::money::Amount;
use crate::open::deny;
use crate::purchase::{Kind, Payees, Payer, Purchase};
use crate::table::Slot;
use crate::time::Time;
use evidence::Hash;

/// Says yes to one question, and to what will be asked in the same way until a time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApproveAlike {
    /// The id of the payment or hold that raised the question.
    pub question: Id,
    /// What the owner saw: the question's digest.
    pub digest: Hash,
    /// Good until then, exclusive; at most 24 hours ahead.
    pub until: Time,
}

canon_struct!(ApproveAlike { question, digest, until });

/// What another purchase has to have in common with one that was asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Like {
    pub(crate) agent: Option<Slot>,
    mandate: Option<Slot>,
    kind: Kind,
    to: Payees,
    /// The most it may be.
    amount: Amount,
    ask: Ask,
}

canon_struct!(Like { agent, mandate, kind, to, amount, ask });

/// A yes that is good for a while.
#[derive(Clone, Debug)]
pub(crate) struct Alike {
    like: Like,
    until: Time,
    /// How often what it hangs on had been stopped when it was given.
    stops: u64,
}

canon_struct!(Alike { like, until, stops });

impl ApproveAlike {
    pub(crate) fn decide(&self, book: &Book, at: Time, by: Actor) -> Decision {
        let question = match book.waiting_question(self.question, at, by) {
            Ok(question) => question,
            Err(no) => return no,
        };
        if let Some(no) = presence_required(by) {
            return no;
        }
        if question.digest != self.digest {
            return deny(Denial::ApprovalMismatch);
        }
        // What takes a person's word takes it each time.
        if question.like.ask == Ask::PersonRequired {
            return deny(Denial::Forbidden);
        }
        if self.until <= at || at.after(ALIKE_NANOS_MAX) < self.until {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        let alike = book.wallets.at(question.wallet).alike.iter().flat_map(|alike| alike.iter());
        if ALIKE_MAX <= alike.filter(|alike| at < alike.until).count() {
            return Decision::Reject(Reject::TooMany);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, at: Time) {
        let question = book.questions.get(self.question).expect("decided: the question is known");
        let (wallet, like, until) = (question.wallet, question.like.clone(), self.until);
        let stops = book.times_stopped(Payer { wallet, agent: like.agent, mandate: like.mandate });
        book.answer(self.question, Answer::Approved { until });
        let alike = book.wallets.at_mut(wallet).alike.get_or_insert_default();
        alike.retain(|alike| at < alike.until);
        alike.push(Alike { like, until, stops });
    }
}

impl Book {
    /// What a purchase that is asked about has in common with others.
    pub(crate) fn like(&self, command: &Command, purchase: &Purchase, ask: Ask) -> Like {
        let rows = self.rows(command.by, purchase);
        let kind = if matches!(command.action, Action::Pay(_)) {
            Kind::Pay
        } else if matches!(command.action, Action::PlaceHold(_)) {
            Kind::Hold
        } else if matches!(command.action, Action::PlaceEscrow(_)) {
            Kind::Escrow
        } else if let Action::Subscribe(it) = &command.action {
            it.kind()
        } else if let Action::ChangePlan(it) = &command.action {
            it.kind()
        } else if let Action::PayLink(it) = &command.action {
            it.kind()
        } else {
            Kind::Meter
        };
        let (agent, mandate) = (rows.payer.agent, rows.payer.mandate);
        Like { agent, mandate, kind, to: purchase.to.clone(), amount: purchase.amount, ask }
    }

    /// Whether the owner said yes to what is asked in this way.
    pub(crate) fn is_alike(&self, at: Time, payer: Payer, kind: Kind, buy: &Purchase, ask: Ask) -> bool {
        let alike = self.wallets.at(payer.wallet).alike.iter().flat_map(|alike| alike.iter());
        alike.filter(|alike| at < alike.until).any(|alike| {
            let like = &alike.like;
            like.agent == payer.agent
                && like.mandate == payer.mandate
                && like.kind == kind
                && like.to == buy.to
                && buy.amount <= like.amount
                && like.ask == ask
                && alike.stops == self.times_stopped(payer)
        })
    }

    /// How often the owner, the wallet, the agent, the mandate or anything above them was stopped.
    fn times_stopped(&self, payer: Payer) -> u64 {
        let wallet = self.wallets.at(payer.wallet);
        let parent = wallet.sub.map_or(0, |(parent, _)| self.wallets.at(parent).stops);
        let agent = payer.agent.map_or(0, |agent| self.agents.at(agent).stops);
        let own = [self.owners.at(wallet.owner).stops, wallet.stops, parent, agent];
        let chain = self.lineage(payer.mandate).flat_map(|slot| {
            let mandate = self.mandates.at(slot);
            [mandate.stops, self.agents.at(mandate.agent).stops]
        });
        own.into_iter().chain(chain).fold(0u64, |sum, stops| sum.saturating_add(u64::from(stops)))
    }
}
