//! AP2: an owner's mandates in that format, and payments that an agent makes under one.

use crate::Money;
use crate::account::{answers, requests};
use crate::id::{HoldId, MandateId, PayeeId, PaymentId, WalletId};

requests! {
    /// States a mandate in AP2's format, for one checkout that is still open.
    pub struct NewOpenMandates {
        /// The key on P-256 with which the agent closes them.
        pub agent_key: Ap2Key,
        /// What may be bought: the constraints of an open checkout mandate, as JSON text. One of them has to be
        /// `checkout.line_items`.
        #[cfg_attr(feature = "schema", schema(max_length = 16384))]
        pub checkout: String,
    }

    /// A public key on P-256, as in a JSON Web Key.
    pub struct Ap2Key {
        /// The first coordinate, in Base64URL.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_-]{43}$"))]
        pub x: String,
        /// The second coordinate, in Base64URL.
        #[cfg_attr(feature = "schema", schema(pattern = "^[A-Za-z0-9_-]{43}$"))]
        pub y: String,
    }

    /// Presents a payment mandate.
    pub struct NewAp2Payment {
        /// The payment's name: the `nonce` that the closed mandate has to state. Sending it again pays nothing again.
        pub id: PaymentId,
        /// The open payment mandate and the closed one behind it, letter by letter.
        #[cfg_attr(feature = "schema", schema(max_length = 65536))]
        pub payment_mandate: String,
        /// The open checkout mandate that was issued with it.
        #[cfg_attr(feature = "schema", schema(max_length = 65536))]
        pub open_checkout: String,
        /// The hash of the checkout that is paid for.
        #[cfg_attr(feature = "schema", schema(max_length = 1024))]
        pub transaction_id: String,
    }

    /// Approves one checkout, in person.
    pub struct NewAp2Approval {
        /// The hold's name: the `nonce` of the payment mandate. Sending it again sets nothing aside again.
        pub id: HoldId,
        /// The wallet that pays.
        pub wallet: WalletId,
        /// Who is paid.
        pub payee: PayeeId,
        /// What the checkout comes to.
        pub amount: Money,
        /// The checkout as its merchant signed it, letter by letter.
        #[cfg_attr(feature = "schema", schema(max_length = 49152))]
        pub checkout_jwt: String,
    }

    /// Presents a payment mandate for a credential that the payee collects.
    pub struct NewAp2Credential {
        /// The hold's name: the `nonce` that the closed mandate has to state. Sending it again sets nothing aside again.
        pub id: HoldId,
        /// The open payment mandate and the closed one behind it, letter by letter.
        #[cfg_attr(feature = "schema", schema(max_length = 65536))]
        pub payment_mandate: String,
        /// The open checkout mandate that was issued with it.
        #[cfg_attr(feature = "schema", schema(max_length = 65536))]
        pub open_checkout: String,
        /// The hash of the checkout that is paid for.
        #[cfg_attr(feature = "schema", schema(max_length = 1024))]
        pub transaction_id: String,
    }
}

answers! {
    /// A mandate in AP2's format.
    pub struct OpenMandates {
        /// Which.
        pub mandate: MandateId,
        /// What may be bought, as an SD-JWT.
        pub open_checkout: String,
        /// What may be paid for it, as an SD-JWT.
        pub open_payment: String,
        /// How the payment refers to the checkout.
        pub open_checkout_hash: String,
        /// The `aud` that closed mandates have to state.
        pub audience: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Whether a presentation would be paid, as far as can be said without paying it.
    pub struct Ap2Verdict {
        /// Whether nothing speaks against it.
        pub valid: bool,
        /// The signed refusal, where something does.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub receipt: Option<String>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What came of a presentation for a credential.
    pub struct Ap2Credential {
        /// The value of x402's `PAYMENT-SIGNATURE`, for the payee, where the money is set aside.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub credential: Option<String>,
        /// The instant from which it is worth nothing.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub expires_at: Option<String>,
        /// The signed refusal, where nothing was set aside.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub receipt: Option<String>,
        /// The place in the journal, where the book was asked.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub entry: Option<u64>,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What an owner has approved in person.
    pub struct Ap2Approval {
        /// The hold that has the money.
        pub id: HoldId,
        /// The closed checkout mandate, for the merchant, as an SD-JWT.
        pub checkout_mandate: String,
        /// The closed payment mandate, as an SD-JWT.
        pub payment_mandate: String,
        /// The hash of the checkout, which both state.
        pub transaction_id: String,
        /// The `aud` of the payment mandate: this server.
        pub audience: String,
        /// The value of x402's `PAYMENT-SIGNATURE`, with which the payee collects the money.
        pub credential: String,
        /// The instant from which it is worth nothing, and the money goes back.
        pub expires_at: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// What came of a presentation.
    pub struct Ap2Settlement {
        /// `Success` where the payee has the money, and else `Error`: nothing was spent.
        pub status: String,
        /// The same, signed: an AP2 payment receipt.
        pub receipt: String,
        /// The place in the journal, where the book was asked.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub entry: Option<u64>,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
