//! What was paid in a dialect in which sellers sign nothing: x402, and the `Payment` scheme.

use crate::account::answers;
use crate::id::HoldId;

answers! {
    /// What was asked for and paid.
    pub struct UnsignedPayment {
        /// The hold: the `transaction` of x402, and the `reference` of a receipt in the `Payment` scheme.
        pub hold: HoldId,
        /// The dialect's `payload`, to send with the original request.
        pub payload: UnsignedPayload,
        /// The instant from which the payload is worth nothing.
        pub expires_at: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The member `payload` of a payment on our network.
    pub struct UnsignedPayload {
        /// The payment service's signed statement.
        pub credential: String,
    }
}
