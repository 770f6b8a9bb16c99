//! The stage of a story: who is on it, what each account has to have, and whether it has.

use std::collections::BTreeMap;

use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

use crate::blackbox::caller::now;
use crate::blackbox::installation::{Installation, Party};
use crate::scenarios::deeds::digest;
use crate::scenarios::story::Movement;

/// The account of everything that is set aside.
const HELD: &str = "ESC";

/// What is on its way to sellers' banks, as stories call it.
const IN_TRANSIT: &str = "BANK";

/// How long a seller's word on a price is gone by, in seconds.
const PRICE_GOOD_SECONDS: u32 = 3_600;

/// Everybody and everything of one story, by the names it uses.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) installation: Installation,
    pub(crate) things: BTreeMap<String, Thing>,
    /// What each account has to have.
    balances: BTreeMap<String, i128>,
    /// How far the clock is ahead of ours, in seconds.
    pub(crate) ahead_seconds: u64,
    /// The payments that were made so far.
    pub(crate) paid: usize,
    pub(crate) changes: Changes,
    pub(crate) acts: crate::scenarios::act::Sent,
}

/// What stories send again: requests as they went out, and what their charges counted to.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) refund: Option<Value>,
    pub(crate) charges: Vec<Value>,
    pub(crate) sequences: BTreeMap<String, u64>,
    pub(crate) deduction: Value,
}

/// Something that a story has a name for.
#[derive(Clone, Debug)]
pub(crate) enum Thing {
    Owner(Party),
    Terminal(Party),
    Payee(Party),
    Agent {
        party: Party,
        wallet: String,
    },
    Wallet {
        id: String,
        owner: String,
    },
    Mandate(String),
    /// A sentence that an agent heard.
    Intent(String),
    /// What a seller confirmed.
    Order(String),
    /// A payment, hold or meter.
    Purchase(String),
    Question {
        id: String,
        digest: String,
    },
}

impl Stage {
    pub(crate) fn new(installation: Installation) -> Stage {
        let balances = BTreeMap::from([(HELD.to_owned(), 0), (IN_TRANSIT.to_owned(), 0)]);
        Stage {
            installation,
            things: BTreeMap::new(),
            balances,
            ahead_seconds: 0,
            paid: 0,
            changes: Changes::default(),
            acts: crate::scenarios::act::Sent::default(),
        }
    }

    pub(crate) fn thing(&self, name: &str) -> anyhow::Result<&Thing> {
        self.things.get(name).with_context(|| format!("nothing is called `{name}`"))
    }

    /// The id of something.
    pub(crate) fn id(&self, name: &str) -> anyhow::Result<String> {
        Ok(match self.thing(name)? {
            Thing::Owner(party) | Thing::Payee(party) | Thing::Agent { party, .. } => party.id.clone(),
            Thing::Terminal(party) => party.key.clone(),
            Thing::Wallet { id, .. }
            | Thing::Mandate(id)
            | Thing::Intent(id)
            | Thing::Order(id)
            | Thing::Purchase(id)
            | Thing::Question { id, .. } => id.clone(),
        })
    }

    /// Somebody who sells.
    pub(crate) fn things_that_sell(&self) -> Option<String> {
        self.things.iter().find(|(_, thing)| matches!(thing, Thing::Payee(_))).map(|(name, _)| name.clone())
    }

    /// Whoever acts in a step.
    pub(crate) fn party(&self, name: &str) -> anyhow::Result<Party> {
        match self.thing(name)? {
            Thing::Owner(party)
            | Thing::Terminal(party)
            | Thing::Payee(party)
            | Thing::Agent { party, .. } => Ok(party.clone()),
            Thing::Wallet { .. }
            | Thing::Mandate(_)
            | Thing::Intent(_)
            | Thing::Order(_)
            | Thing::Purchase(_)
            | Thing::Question { .. } => {
                bail!("`{name}` cannot act")
            }
        }
    }

    pub(crate) fn put(&mut self, name: &str, thing: Thing) -> anyhow::Result<()> {
        let before = self.things.insert(name.to_owned(), thing);
        ensure!(before.is_none(), "two things are called `{name}`");
        Ok(())
    }

    /// An account that begins with that much.
    pub(crate) fn open(&mut self, name: &str, amount: u128) -> anyhow::Result<()> {
        self.balances.insert(name.to_owned(), i128::try_from(amount)?);
        Ok(())
    }

    /// The time of the book, in seconds since 1970.
    pub(crate) fn now_seconds(&self) -> u64 {
        now().0 / 1_000_000_000 + self.ahead_seconds
    }

    /// Puts the clock forward.
    pub(crate) fn advance(&mut self, seconds: u64) -> anyhow::Result<()> {
        self.installation.advance(seconds)?;
        self.ahead_seconds += seconds;
        Ok(())
    }

    /// Moves what has to move, and asks the server whether it did: exactly that, and nothing else.
    pub(crate) fn settle(&mut self, movements: &[(String, Movement)], paid: usize) -> anyhow::Result<()> {
        let paid = i128::try_from(paid)?;
        for (account, movement) in movements {
            let balance =
                self.balances.get_mut(account).with_context(|| format!("no account `{account}`"))?;
            *balance += match movement {
                Movement::By(amount) => *amount,
                Movement::ByPaid(sign) => sign * paid,
            };
        }
        let actual = self.read_balances()?;
        for (account, expected) in &self.balances {
            let actual = actual.get(account).copied().unwrap_or_default();
            ensure!(*expected == actual, "{account} has {actual}, and not {expected}");
        }
        Ok(())
    }

    /// What every account has; all of it together is what came in from outside.
    fn read_balances(&mut self) -> anyhow::Result<BTreeMap<String, i128>> {
        let mut balances = BTreeMap::new();
        let mut held_in_all = 0;
        for (name, thing) in &self.things {
            match thing {
                Thing::Wallet { id, .. } => {
                    let (available, held) = self.installation.wallet_has(id)?;
                    balances.insert(name.clone(), i128::try_from(available)?);
                    held_in_all += held;
                }
                Thing::Payee(party) => {
                    let available = self.installation.payee_has(&party.id)?;
                    balances.insert(name.clone(), i128::try_from(available)?);
                }
                Thing::Owner(_)
                | Thing::Terminal(_)
                | Thing::Agent { .. }
                | Thing::Mandate(_)
                | Thing::Intent(_)
                | Thing::Order(_)
                | Thing::Purchase(_)
                | Thing::Question { .. } => {}
            }
        }
        balances.insert(HELD.to_owned(), i128::try_from(held_in_all)?);
        balances.insert(IN_TRANSIT.to_owned(), i128::try_from(self.installation.in_transit()?)?);
        let (in_circulation, fees) = self.installation.circulation()?;
        let sum: i128 = balances.values().sum();
        ensure!(
            sum + i128::try_from(fees)? == i128::try_from(in_circulation)?,
            "accounts have {sum} and fees {fees}, but {in_circulation} came in"
        );
        Ok(balances)
    }

    /// Audits the whole journal, and finds every account in it with what it has to have.
    pub(crate) fn audit(&mut self) -> anyhow::Result<usize> {
        let audited = self.installation.audit()?;
        let mut held_in_all = 0;
        for (name, thing) in &self.things {
            let id = match thing {
                Thing::Wallet { id, .. } => id,
                Thing::Payee(party) => &party.id,
                Thing::Owner(_)
                | Thing::Terminal(_)
                | Thing::Agent { .. }
                | Thing::Mandate(_)
                | Thing::Intent(_)
                | Thing::Order(_)
                | Thing::Purchase(_)
                | Thing::Question { .. } => continue,
            };
            let (available, held) = audited.account(id)?;
            let expected = self.balances.get(name).copied().unwrap_or_default();
            ensure!(
                i128::try_from(available)? == expected,
                "the auditor: {name} has {available}, not {expected}"
            );
            held_in_all += held;
        }
        ensure!(
            Some(&i128::try_from(held_in_all)?) == self.balances.get(HELD),
            "the auditor: held {held_in_all}"
        );
        Ok(audited.entries.len())
    }

    /// Reads limits as stories write them, such as `per_payment 500 , day 900 Asia/Shanghai , not payees M`.
    pub(crate) fn limits(&self, words: &[String]) -> anyhow::Result<Vec<Value>> {
        let terms = words.split(|word| word == ",").filter(|term| !term.is_empty());
        terms.map(|term| self.limit(&term.iter().map(String::as_str).collect::<Vec<_>>())).collect()
    }

    fn limit(&self, term: &[&str]) -> anyhow::Result<Value> {
        let ids = |names: &[&str]| names.iter().map(|name| self.id(name)).collect::<anyhow::Result<Vec<_>>>();
        Ok(match term {
            ["per_payment", max] => json!({ "kind": "per_payment", "max": max }),
            ["total", max] => json!({ "kind": "total", "max": max }),
            ["uses", max] => json!({ "kind": "uses", "max": max.parse::<u64>()? }),
            ["ask_always"] => json!({ "kind": "ask_always" }),
            ["price", "of", item, "from", payee, "at", "most", max] => {
                let (payee, item) = (self.id(payee)?, digest(item));
                json!({
                    "kind": "price_at_most", "payee": payee, "item": item, "max": max,
                    "within_seconds": PRICE_GOOD_SECONDS,
                })
            }
            ["ask_above", amount] => json!({ "kind": "ask_above", "amount": amount }),
            ["day", max, zone] => {
                let window = json!({ "kind": "calendar", "period": "day", "zone": zone });
                json!({ "kind": "window", "window": window, "max": max })
            }
            ["categories", names @ ..] => json!({ "kind": "categories_allowed", "categories": names }),
            ["payees", names @ ..] => json!({ "kind": "payees_allowed", "payees": ids(names)? }),
            ["not", "payees", names @ ..] => json!({ "kind": "payees_denied", "payees": ids(names)? }),
            _ => bail!("no limit is written `{}`", term.join(" ")),
        })
    }
}
