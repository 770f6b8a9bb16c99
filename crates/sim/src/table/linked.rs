//! Rows about payment links: opened, paid and closed.

use super::commands::Asked;
use super::names::{Names, Thing, time_option};
use super::words::{self, Words};
use book::{Action, CloseLink, Command, LinkId, LinkPayer, OpenLink, PayLink, Time};
use evidence::Hash;

impl Names {
    /// What a row about links asks for.
    pub(super) fn links(&mut self, verb: &str, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        match verb {
            "link" => self.open_link(words, now),
            "pay-link" => self.pay_link(words, now),
            _ => {
                let name = words.next("a link")?;
                let link = LinkId(self.name(&name, now));
                let by = self.actor(words, &self.seller(&name), now)?;
                let action = Action::CloseLink(CloseLink { link });
                Ok(vec![(Command { id: self.request(words, now), by, action }, "done")])
            }
        }
    }

    /// `link L1 M1 500` or `link L1 M1=9,M2=1 1 most 20000`, then `uses 1`, `until +1d` and `person` if wanted.
    fn open_link(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, to) = (words.next("a name")?, words.next("who is paid")?);
        let payee = to.split(['=', ',']).next().unwrap_or(&to).to_owned();
        let least = words::amount(&words.next("an amount")?)?;
        let most = words.option("most").map(|most| words::amount(&most)).transpose()?;
        let first = self.first_asset()?;
        self.set(&name, Thing::Link { payee: payee.clone() });
        let open = OpenLink {
            to: self.payees_of(&to, now)?,
            asset: self.asset_option(words, first)?,
            least,
            most: most.unwrap_or(least),
            uses: words.option("uses").map(|uses| words::number(&uses)).transpose()?,
            until: time_option(words, "until", "+7d", now)?,
            by: if words.flag("person") { LinkPayer::Owner } else { LinkPayer::Anyone },
            document: document(&name),
        };
        let by = self.actor(words, &payee, now)?;
        Ok(vec![(Command { id: self.name(&name, now), by, action: Action::OpenLink(open) }, "done")])
    }

    /// `pay-link P1 L1 A1 W1 D1 M1 500 [says thanks]`.
    fn pay_link(&mut self, words: &mut Words, now: Time) -> Result<Vec<Asked>, String> {
        let (name, of) = (words.next("a name")?, words.next("a link")?);
        let who = words.next("who pays")?;
        let message = words.option("says").map(|said| Hash::of(said.as_bytes()));
        let (wallet, payee) = words.wallet_and_payee()?;
        let owner = self.speaker(&wallet);
        self.set(&name, Thing::Purchase { owner, payee });
        let mut purchase = self.purchase(words, now)?;
        purchase.reference = purchase.reference.or(Some(document(&of)));
        let link = LinkId(self.name(&of, now));
        let action = Action::PayLink(PayLink { link, purchase, message });
        let by = self.actor(words, &who, now)?;
        Ok(vec![(Command { id: self.name(&name, now), by, action }, "paid")])
    }
}

/// What a link is for.
fn document(link: &str) -> Hash {
    Hash::of(format!("what {link} is for").as_bytes())
}
