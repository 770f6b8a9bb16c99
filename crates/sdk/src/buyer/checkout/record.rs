//! What is known about a purchase at a checkout, on disk before anything is set aside for it.

use super::{CheckoutDialect, NewCheckout, NotCheckedOut, no};
use crate::limits::ATTEMPTS_MAX;
use crate::purchase::{OwnFile, PurchaseFault, Purchases};
use evidence::{Hash, base64url};
use serde::{Deserialize, Serialize};
use url::Url;
use wire::{HoldId, MandateId, Money, PayeeId, RequestId, WalletId};

/// Comes before the bytes that a request's fingerprint is made of.
const DOMAIN: &str = "toll:checkout/1";

/// An order that was sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckoutOrder {
    /// `acp` or `ucp`.
    pub dialect: String,
    /// The shop's name of the checkout.
    pub session: String,
    /// The shop's number of the order.
    pub order: String,
    /// Where it can be looked at.
    pub url: String,
    /// Who was paid.
    pub payee: PayeeId,
    /// How much.
    pub paid: Money,
    /// By which hold.
    pub hold: HoldId,
}

/// Where a purchase stands, as far as this side knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Stage {
    /// Nothing is set aside under this name.
    Begun,
    /// The token may be made, and the shop may have it.
    Paying,
    /// The owner is asked. Nothing was spent under this name, and nothing will be.
    Asked,
    /// The server refused, or the money went back. Nothing will be spent under this name.
    Over,
    /// It is sold.
    Bought,
}

/// The cart that is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cart {
    pub(super) session: String,
    pub(super) cart: String,
    pub(super) handler: String,
    pub(super) payee: PayeeId,
    pub(super) total_minor: u64,
    pub(super) currency: String,
}

/// The file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    pub(super) purchase: String,
    /// The fingerprint of what is wanted, of whom, from which wallet.
    pub(super) request: String,
    pub(super) dialect: String,
    /// The address of the shop's door.
    pub(super) door: String,
    pub(super) attempt: u32,
    /// Names the attempt: its token, and what the shop is asked.
    pub(super) id: RequestId,
    /// The mandate it is paid under, whatever the settings say later: another try must be the same payment.
    pub(super) mandate: Option<MandateId>,
    pub(super) cart: Option<Cart>,
    /// The question whose answer it waits for, or uses.
    pub(super) approval: Option<String>,
    pub(super) order: Option<CheckoutOrder>,
    pub(super) stage: Stage,
}

impl Record {
    /// What is set aside for it.
    pub(super) fn hold(&self) -> HoldId {
        HoldId(self.id.0)
    }

    pub(super) fn dialect(&self) -> Result<CheckoutDialect, NotCheckedOut> {
        CheckoutDialect::parse(&self.dialect)
            .ok_or_else(|| no("the purchase is kept in a dialect of nobody's"))
    }

    pub(super) fn door(&self) -> Result<Url, NotCheckedOut> {
        Url::parse(&self.door).map_err(|_| no("the purchase is kept with an address of nobody's"))
    }
}

/// The file of a purchase that nobody else can make meanwhile.
pub(super) struct Kept {
    file: OwnFile,
    purchase: String,
    request: String,
}

impl Kept {
    pub(super) fn lock(
        purchases: &Purchases,
        new: &NewCheckout,
        wallet: WalletId,
    ) -> Result<Kept, PurchaseFault> {
        let file = purchases.own_file("checkout-", &new.purchase)?;
        let items = new.items.iter().map(|(item, quantity)| format!("\n{quantity} {}", item.escape_debug()));
        let text = format!("{DOMAIN}\n{wallet}\n{}{}", new.shop, items.collect::<String>());
        let request = base64url::encode(Hash::of(text.as_bytes()).as_bytes());
        Ok(Kept { file, purchase: new.purchase.clone(), request })
    }

    /// What is known, if it was begun.
    pub(super) fn read(&self) -> Result<Option<Record>, PurchaseFault> {
        let Some(text) = self.file.read()? else { return Ok(None) };
        match serde_json::from_slice::<Record>(&text) {
            Ok(record) if record.purchase != self.purchase => {
                Err(PurchaseFault::Damaged(self.file.path.clone()))
            }
            // What was sold is known, or nothing is.
            Ok(Record { stage: Stage::Bought, order: None, .. }) => {
                Err(PurchaseFault::Damaged(self.file.path.clone()))
            }
            Ok(record) if record.request != self.request => {
                Err(PurchaseFault::KeyReused(self.purchase.clone()))
            }
            Ok(record) => Ok(Some(record)),
            Err(_) => Err(PurchaseFault::Damaged(self.file.path.clone())),
        }
    }

    /// Keeps what is known. When this returns, it survives power loss.
    pub(super) async fn write(&self, record: &Record) -> Result<(), PurchaseFault> {
        assert_eq!(record.purchase, self.purchase, "the file is that of the purchase");
        self.file.replace(serde_json::to_vec(record).expect("a record is JSON")).await
    }

    /// A purchase's first attempt.
    pub(super) fn begin(
        &self,
        door: &(CheckoutDialect, Url),
        id: RequestId,
        mandate: Option<MandateId>,
    ) -> Record {
        Record {
            purchase: self.purchase.clone(),
            request: self.request.clone(),
            dialect: door.0.as_str().to_owned(),
            door: door.1.to_string(),
            attempt: 1,
            id,
            mandate,
            cart: None,
            approval: None,
            order: None,
            stage: Stage::Begun,
        }
    }

    /// The attempt after one under whose name nothing will be spent.
    pub(super) fn next(
        &self,
        before: Record,
        id: RequestId,
        mandate: Option<MandateId>,
    ) -> Result<Record, PurchaseFault> {
        if ATTEMPTS_MAX <= before.attempt {
            return Err(PurchaseFault::TriedTooOften(self.purchase.clone()));
        }
        // The owner's answer is for a payment under the mandate that she was asked about.
        let mandate = if before.stage == Stage::Asked { before.mandate } else { mandate };
        let attempt = before.attempt + 1;
        Ok(Record { attempt, id, mandate, cart: None, approval: None, stage: Stage::Begun, ..before })
    }
}
