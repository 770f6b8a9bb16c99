//! Rows about payouts: bank accounts named, money sent there, and what the bank said.

use super::commands::Asked;
use super::names::Names;
use super::words::{self, Words};
use book::{
    Action, AdvancePayout, Command, PayeeId, PayoutBatchId, PayoutId, PayoutStep, RequestPayout,
    SetDestination, Time,
};
use evidence::Hash;

impl Names {
    /// What a row about payouts asks for.
    pub(super) fn payouts(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        match verb {
            "destination" => self.destination(words, now),
            "payout" => self.payout(words, now),
            _ => self.advance_payout(verb, words, now),
        }
    }

    /// `destination M1 bank`, by the seller where nobody is named.
    fn destination(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (payee, account) = (words.next("a payee")?, words.next("a bank account")?);
        let destination = Hash::of(account.as_bytes());
        let set = SetDestination { payee: PayeeId(self.name(&payee, now)), destination };
        let (id, by) = (self.request(words, now), self.actor(words, &payee, now)?);
        Ok(vec![(Command { id, by, action: Action::SetDestination(set) }, "done")])
    }

    /// `payout B1 M1 50 [to bank] [asset X]`.
    fn payout(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, payee) = (words.next("a name")?, words.next("a payee")?);
        let account = words.option("to").unwrap_or_else(|| "bank".to_owned());
        let first = self.first_asset()?;
        let request = RequestPayout {
            payee: PayeeId(self.name(&payee, now)),
            amount: words::amount(&words.next("an amount")?)?,
            asset: self.asset_option(words, first)?,
            destination: Hash::of(account.as_bytes()),
        };
        let (id, by) = (self.name(&name, now), self.actor(words, &payee, now)?);
        Ok(vec![(Command { id, by, action: Action::RequestPayout(request) }, "done")])
    }

    /// `sent B1 [batch T1]`, `arrived B1` or `bounced B1`, by the operator where nobody is named.
    fn advance_payout(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let payout = PayoutId(self.name(&words.next("a payout")?, now));
        let said = Hash::of(b"what the bank said");
        let step = match verb {
            "sent" => {
                let batch = words.option("batch").unwrap_or_else(|| "batch".to_owned());
                PayoutStep::Sent { batch: PayoutBatchId(self.name(&batch, now)), order: said }
            }
            "arrived" => PayoutStep::Paid { said },
            _ => PayoutStep::Failed { said },
        };
        let (id, by) = (self.request(words, now), self.actor(words, "OP", now)?);
        let action = Action::AdvancePayout(AdvancePayout { payout, step });
        Ok(vec![(Command { id, by, action }, "done")])
    }
}
