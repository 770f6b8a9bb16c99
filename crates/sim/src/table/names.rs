//! Names of a table: each stands for one identifier, made when the name is first used, and for the thing it names.

use super::words::{self, Words};
use book::{
    Account, Actor, AgentId, Code, Id, KeyId, OwnerId, PayeeId, Presence, PublicKeyBytes, Time, WalletId,
};
use evidence::Hash;
use std::collections::BTreeMap;

/// What a name stands for, and who speaks for it where a row does not say.
#[derive(Clone, Debug)]
pub(super) enum Thing {
    Operator,
    Owner,
    Wallet { owner: String, asset: Code },
    Payee,
    Agent { owner: String },
    Mandate { owner: String },
    Purchase { owner: String, payee: String },
    Quota { owner: String, payee: String },
    Subscription { owner: String, payee: String },
    Link { payee: String },
}

/// Every name that the rows used so far.
#[derive(Debug, Default)]
pub(super) struct Names {
    ids: BTreeMap<String, Id>,
    things: BTreeMap<String, Thing>,
    /// The asset meant where a row names none: the first.
    pub(super) asset: Option<Code>,
    /// What the owner saw, by the payment that raised the question.
    pub(super) questions: BTreeMap<Id, Hash>,
    requests: u32,
}

impl Names {
    /// The identifier of `name`, made at `made_at` if it is new.
    pub(super) fn name(&mut self, name: &str, made_at: Time) -> Id {
        let id = self.ids.entry(name.to_owned()).or_insert_with(|| {
            let hash = Hash::of(name.as_bytes()).0;
            let random = hash.first_chunk().expect("32 bytes have 16");
            Id::new(made_at, *random)
        });
        *id
    }

    pub(super) fn known(&self, name: &str) -> Option<Id> {
        self.ids.get(name).copied()
    }

    pub(super) fn thing(&self, name: &str) -> Option<&Thing> {
        self.things.get(name)
    }

    /// Every name of a thing.
    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.things.keys().map(String::as_str)
    }

    pub(super) fn set(&mut self, name: &str, thing: Thing) {
        // Whoever tries to register a name again does not change what it stands for.
        self.things.entry(name.to_owned()).or_insert(thing);
    }

    /// `stranger agent A9 O1`: a name for something that this book does not have.
    pub(super) fn stranger(&mut self, words: &mut Words) -> Result<(), String> {
        let kind = words.next("a kind")?;
        let name = words.next("a name")?;
        let owner = words.next("an owner").unwrap_or_else(|_| name.clone());
        let thing = match kind.as_str() {
            "owner" => Thing::Owner,
            "payee" => Thing::Payee,
            "agent" => Thing::Agent { owner },
            "operator" => Thing::Operator,
            "wallet" => Thing::Wallet { owner, asset: self.first_asset()? },
            "mandate" => Thing::Mandate { owner },
            "quota" => Thing::Quota { payee: owner.clone(), owner },
            "subscription" => Thing::Subscription { payee: owner.clone(), owner },
            "link" => Thing::Link { payee: owner },
            "purchase" => Thing::Purchase { payee: owner.clone(), owner },
            _ => return Err(format!("`{kind}` is no kind")),
        };
        self.set(&name, thing);
        Ok(())
    }

    /// An identifier for a request that makes nothing with a name: `id Q1`, or one of its own.
    pub(super) fn request(&mut self, words: &mut Words, now: Time) -> Id {
        match words.option("id") {
            Some(name) => self.name(&name, now),
            None => {
                self.requests += 1;
                let name = format!("request {}", self.requests);
                self.name(&name, now)
            }
        }
    }

    /// The first key of whoever is named so.
    pub(super) fn key(&mut self, name: &str, now: Time) -> KeyId {
        KeyId(self.name(&format!("{name}.key"), now))
    }

    /// Whoever `by` names, or `default`; `fresh` for an owner who just authenticated, `with` for another key.
    pub(super) fn actor(&mut self, words: &mut Words, default: &str, now: Time) -> Result<Actor, String> {
        let name = words.option("by").unwrap_or_else(|| default.to_owned());
        let key = match words.option("with") {
            Some(key) => KeyId(self.name(&key, now)),
            None => self.key(&name, now),
        };
        let presence = if words.flag("fresh") { Presence::Fresh } else { Presence::Session };
        if name == "nobody" {
            return Ok(Actor::Book);
        }
        let thing = self.things.get(&name).cloned();
        let id = self.name(&name, now);
        match thing {
            Some(Thing::Operator) => Ok(Actor::Operator { key }),
            Some(Thing::Owner) => Ok(Actor::Owner { owner: OwnerId(id), key, presence }),
            Some(Thing::Agent { .. }) => Ok(Actor::Agent { agent: AgentId(id), key }),
            Some(Thing::Payee) => Ok(Actor::Payee { payee: PayeeId(id), key }),
            Some(
                Thing::Wallet { .. }
                | Thing::Mandate { .. }
                | Thing::Purchase { .. }
                | Thing::Quota { .. }
                | Thing::Subscription { .. }
                | Thing::Link { .. },
            )
            | None => Err(format!("`{name}` cannot ask for anything")),
        }
    }

    /// Who speaks for `name` where a row does not say: itself, or its owner.
    pub(super) fn speaker(&self, name: &str) -> String {
        match self.things.get(name) {
            Some(
                Thing::Wallet { owner, .. }
                | Thing::Agent { owner }
                | Thing::Mandate { owner }
                | Thing::Purchase { owner, .. }
                | Thing::Quota { owner, .. }
                | Thing::Subscription { owner, .. },
            ) => owner.clone(),
            Some(Thing::Operator | Thing::Owner) => name.to_owned(),
            Some(Thing::Link { payee }) => payee.clone(),
            Some(Thing::Payee) | None => "OP".to_owned(),
        }
    }

    /// The first payee of a payment, hold or meter, or whoever owes a quota's work: its seller.
    pub(super) fn seller(&self, name: &str) -> String {
        match self.things.get(name) {
            Some(
                Thing::Purchase { payee, .. }
                | Thing::Quota { payee, .. }
                | Thing::Subscription { payee, .. }
                | Thing::Link { payee },
            ) => payee.clone(),
            _ => "OP".to_owned(),
        }
    }

    pub(super) fn account(&mut self, name: &str, now: Time) -> Account {
        let id = self.name(name, now);
        match (name, self.things.get(name)) {
            ("world", _) => Account::World,
            ("fees", _) => Account::Fees,
            (_, Some(Thing::Payee)) => Account::Payee(PayeeId(id)),
            _ => Account::Wallet(WalletId(id)),
        }
    }

    pub(super) fn first_asset(&self) -> Result<Code, String> {
        self.asset.ok_or_else(|| "no asset yet".to_owned())
    }

    /// The asset of the wallet `name`, or the first one.
    pub(super) fn asset_of(&self, name: &str) -> Result<Code, String> {
        match self.things.get(name) {
            Some(Thing::Wallet { asset, .. }) => Ok(*asset),
            _ => self.first_asset(),
        }
    }

    /// `asset USD` anywhere in the row, or `default`.
    pub(super) fn asset_option(&self, words: &mut Words, default: Code) -> Result<Code, String> {
        match words.option("asset") {
            Some(text) => super::limits::code(&text),
            None => Ok(default),
        }
    }
}

/// A public key for the key named `key`.
pub(super) fn public_key(key: KeyId) -> PublicKeyBytes {
    PublicKeyBytes::Ed25519(Hash::of(&key.0.0).0)
}

/// A time behind `key`, or `default` from now.
pub(super) fn time_option(words: &mut Words, key: &str, default: &str, now: Time) -> Result<Time, String> {
    let word = words.option(key).unwrap_or_else(|| default.to_owned());
    words::time(&word, now)
}
