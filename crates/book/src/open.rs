//! Opening a book, and the assets it may hold.

use crate::agent::{Holder, Key, PublicKeyBytes};
use crate::book::{Book, Decision};
use crate::canon::{Code, canon_struct};
use crate::command::Actor;
use crate::entry::{Denial, Outcome, Refusal, Reject, RuleRef};
use crate::id::KeyId;
use crate::limits::{ASSET_SCALE_MAX, ASSETS_MAX, RETENTION_SECONDS_MAX, RETENTION_SECONDS_MIN};
use crate::money::{Amount, Asset};
use crate::time::Time;

/// The first entry of every journal: what kind of book this is, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenBook {
    /// Play money: nothing of this book is worth anything.
    pub test: bool,
    /// How long ids are remembered: between [`RETENTION_SECONDS_MIN`] and [`RETENTION_SECONDS_MAX`].
    pub retention_seconds: u64,
    /// The operator's first key.
    pub key: KeyId,
    /// The key itself.
    pub public_key: PublicKeyBytes,
}

canon_struct!(OpenBook { test, retention_seconds, key, public_key });

/// What the first entry settled.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) test: bool,
    pub(crate) retention_nanos: u64,
}

canon_struct!(Settings { test, retention_nanos });

impl OpenBook {
    pub(crate) fn decide(&self, by: Actor) -> Decision {
        if by != (Actor::Operator { key: self.key }) {
            // Not recorded: the first entry opens the book.
            return Decision::Reject(Reject::KeyUnknown);
        }
        if !(RETENTION_SECONDS_MIN..=RETENTION_SECONDS_MAX).contains(&self.retention_seconds) {
            return Decision::Reject(Reject::TimeOutOfRange);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book, _by: Actor) {
        let retention_nanos = Time::from_seconds(self.retention_seconds).0;
        book.settings = Some(Settings { test: self.test, retention_nanos });
        book.keys.insert(self.key.0, Key::new(Holder::Operator));
    }
}

/// Adds an asset that accounts may be kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterAsset {
    /// Its code, which must be new to the book.
    pub code: Code,
    /// Its decimals, at most [`ASSET_SCALE_MAX`].
    pub scale: u8,
}

canon_struct!(RegisterAsset { code, scale });

impl RegisterAsset {
    pub(crate) fn decide(&self, book: &Book, by: Actor) -> Decision {
        if let Some(no) = book.operator_only(by) {
            return no;
        }
        if ASSET_SCALE_MAX < self.scale {
            return Decision::Reject(Reject::AmountTooLarge);
        }
        if book.asset(self.code).is_some() {
            return Decision::Reject(Reject::AlreadyExists);
        }
        if ASSETS_MAX <= book.assets.len() {
            return Decision::Reject(Reject::TooMany);
        }
        Decision::Record(Outcome::Done)
    }

    pub(crate) fn apply(&self, book: &mut Book) {
        let asset = Asset::new(self.code, self.scale).expect("decided: the scale is in range");
        book.assets.push(AssetRow {
            asset,
            world: Balance::default(),
            fees: Balance::default(),
            in_transit: Balance::default(),
        });
    }
}

/// An asset, and the three accounts every asset has.
#[derive(Debug)]
pub(crate) struct AssetRow {
    pub(crate) asset: Asset,
    /// Everybody outside: what came in was debited here, what went out credited. It alone may owe.
    pub(crate) world: Balance,
    /// The operator's fees.
    pub(crate) fees: Balance,
    /// What sellers are paid out, until their banks have it or say no.
    pub(crate) in_transit: Balance,
}

canon_struct!(AssetRow { asset, world, fees, in_transit });

/// What an account gave, got, and has set aside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    /// Everything ever taken out.
    pub debits: Amount,
    /// Everything ever put in.
    pub credits: Amount,
    /// Set aside by holds: still here, not to be spent.
    pub held: Amount,
}

canon_struct!(Balance { debits, credits, held });

impl Balance {
    /// What can be spent: credits less debits less what is held.
    pub fn available(&self) -> Amount {
        self.credits.saturating_sub(self.debits).saturating_sub(self.held)
    }

    pub(crate) fn debit(&mut self, amount: Amount) {
        self.debits = self.debits.checked_add(amount).expect("decided: the debits fit");
    }

    pub(crate) fn credit(&mut self, amount: Amount) {
        self.credits = self.credits.checked_add(amount).expect("decided: the credits fit");
    }

    pub(crate) fn hold(&mut self, amount: Amount) {
        self.held = self.held.checked_add(amount).expect("decided: the hold fits");
    }

    pub(crate) fn release(&mut self, amount: Amount) {
        self.held = self.held.checked_sub(amount).expect("a hold releases what it placed"); // I6
    }

    /// Whether `amount` more can be credited at all.
    pub(crate) fn has_room(&self, amount: Amount) -> bool {
        self.credits.checked_add(amount).is_some()
    }

    /// I2, for every account but the world.
    pub(crate) fn assert_owes_nothing(&self) {
        let taken = self.debits.checked_add(self.held).expect("within the credits");
        assert!(taken <= self.credits, "I2: an account never owes");
    }
}

/// A denial by a rule of the book itself.
pub(crate) fn deny(denial: Denial) -> Decision {
    Decision::Record(Outcome::Denied(refusal(denial)))
}

pub(crate) fn refusal(denial: Denial) -> Refusal {
    Refusal { rule: RuleRef::BOOK, denial, remaining: None }
}

impl Book {
    /// The answer to anybody but the operator.
    pub(crate) fn operator_only(&self, by: Actor) -> Option<Decision> {
        match by {
            Actor::Operator { key } => self.check_key(key, Holder::Operator),
            Actor::Owner { .. } | Actor::Agent { .. } | Actor::Payee { .. } | Actor::Book => {
                Some(deny(Denial::Forbidden))
            }
        }
    }

    /// Whether this is a book of play money.
    pub fn is_test(&self) -> bool {
        self.settings.as_ref().is_some_and(|settings| settings.test)
    }

    /// The assets, in the order they were registered, with the accounts of the world and of the fees.
    pub fn assets(&self) -> impl Iterator<Item = (Asset, Balance, Balance)> {
        self.assets.iter().map(|row| (row.asset, row.world, row.fees))
    }
}
