//! What is said of each refusal of a rule.

use super::{Explained, explained};
use book::Denial;
use wire::problem::Next;

/// What is said of a rule's no.
pub fn denial(denial: Denial) -> Explained {
    use Next::{AskOwner, NewId, Stop};
    let (title, detail, next) = match denial {
        Denial::Forbidden => ("Not allowed", "Nothing was changed. Whoever asks may not do this.", Stop),
        Denial::KeyRevoked => ("Key revoked", "Nothing was changed. The key was revoked.", Stop),
        Denial::OwnerFrozen => {
            ("Everything is frozen", "Nothing was spent. The owner has frozen everything.", AskOwner)
        }
        Denial::WalletFrozen => ("Wallet frozen", "Nothing was spent. The wallet is frozen.", AskOwner),
        Denial::WalletClosed => ("Wallet closed", "Nothing was spent. The wallet is closed.", Stop),
        Denial::AgentFrozen => ("Agent frozen", "Nothing was spent. The agent is frozen.", AskOwner),
        Denial::AgentRevoked => ("Agent revoked", "Nothing was spent. The agent was revoked.", Stop),
        Denial::AgentNotRegistered => (
            "Not this agent's wallet",
            "Nothing was spent. The agent is not registered with this wallet.",
            Stop,
        ),
        Denial::MandateFrozen => ("Mandate frozen", "Nothing was spent. The mandate is frozen.", AskOwner),
        Denial::MandateRevoked => {
            ("Mandate revoked", "Nothing was spent. The mandate was revoked.", AskOwner)
        }
        Denial::MandateExpired => {
            ("Mandate expired", "Nothing was spent. The mandate has expired.", AskOwner)
        }
        Denial::MandateNotYetValid => {
            ("Mandate not valid yet", "Nothing was spent. The mandate is not valid yet.", NewId)
        }
        Denial::MandateMismatch => (
            "Another agent's mandate",
            "Nothing was spent. The mandate is for another agent or wallet.",
            Stop,
        ),
        Denial::NoRules => (
            "Mandate without limits",
            "Nothing was spent. The mandate has no limits, so it allows nothing.",
            AskOwner,
        ),
        Denial::ConstraintUnknown => (
            "Unknown constraint",
            "Nothing was spent. A constraint is not known to this server, so it denies.",
            AskOwner,
        ),
        Denial::PaymentTooLarge => {
            ("Payment too large", "Nothing was spent. The amount is above what one payment may be.", AskOwner)
        }
        Denial::TotalExceeded => {
            ("Total used up", "Nothing was spent. The amount is above what may be spent in all.", AskOwner)
        }
        Denial::UsesExceeded => {
            ("Uses used up", "Nothing was spent. Every allowed payment was made.", AskOwner)
        }
        Denial::WindowExceeded => (
            "Limit of this period used up",
            "Nothing was spent. The amount is above what may be spent in this period.",
            NewId,
        ),
        Denial::VelocityExceeded => {
            ("Too many payments", "Nothing was spent. Too many payments were made in this period.", NewId)
        }
        Denial::OutsideValidity => (
            "Outside the allowed time",
            "Nothing was spent. The limit allows payments at another time only.",
            NewId,
        ),
        Denial::PayeeNotAllowed => {
            ("Payee not allowed", "Nothing was spent. This payee is not among those allowed.", AskOwner)
        }
        Denial::PayeeDenied => {
            ("Payee denied", "Nothing was spent. The owner does not allow this payee.", Stop)
        }
        Denial::CategoryNotAllowed => {
            ("Category not allowed", "Nothing was spent. This category is not among those allowed.", AskOwner)
        }
        Denial::CategoryDenied => {
            ("Category denied", "Nothing was spent. The owner does not allow this category.", Stop)
        }
        Denial::AssetMismatch => (
            "Another asset",
            "Nothing was spent. The wallet and the payee are not kept in this asset.",
            NewId,
        ),
        Denial::SelfPayment => (
            "Payment to oneself",
            "Nothing was spent. The wallet and the payee belong to the same owner.",
            Stop,
        ),
        Denial::PayeeClosed => {
            ("Payee closed", "Nothing was spent. The payee takes no payments now.", Next::Stop)
        }
        Denial::FundsInsufficient => {
            ("Not enough money", "Nothing was moved. There is not enough money in the account.", AskOwner)
        }
        Denial::HoldClosed => ("Hold closed", "Nothing was moved. The hold has ended.", Stop),
        Denial::HoldExpired => ("Hold expired", "Nothing was moved. The hold's time is over.", Stop),
        Denial::CaptureTooLarge => ("Capture too large", "Nothing was moved. The hold has less left.", NewId),
        Denial::HoldRedeemed => {
            ("Hold redeemed", "Nothing was changed. The hold was redeemed for another delivery.", Stop)
        }
        Denial::RefundTooLarge => {
            ("Refund too large", "Nothing was moved. Less than that is left to refund.", NewId)
        }
        Denial::MeterSequence => (
            "Charge counted already",
            "Nothing was charged. A charge with this number, or a later one, is counted already.",
            Stop,
        ),
        Denial::MeterExceeded => (
            "Meter used up",
            "Nothing was charged. The work costs more than the meter's hold covers.",
            AskOwner,
        ),
        Denial::AccountNotEmpty => {
            ("Account not empty", "Nothing was changed. The account still holds money.", NewId)
        }
        Denial::AskRateLimited => {
            ("Too many questions", "Nothing was spent. Too many questions wait for the owner.", NewId)
        }
        Denial::ApprovalPending => {
            ("Not answered yet", "Nothing was spent. The owner has not answered yet.", AskOwner)
        }
        Denial::ApprovalRefused => ("Refused by the owner", "Nothing was spent. The owner refused.", Stop),
        Denial::ApprovalUsed => ("Approval used", "Nothing was spent again. The approval was used.", Stop),
        Denial::ApprovalExpired => {
            ("Approval expired", "Nothing was spent. The approval has expired.", AskOwner)
        }
        Denial::ApprovalMismatch => {
            ("Approved something else", "Nothing was spent. The approval is for something else.", AskOwner)
        }
        Denial::PresenceRequired => (
            "Sign this request itself",
            "Nothing was changed. The owner has to sign this very request.",
            NewId,
        ),
        Denial::VersionConflict => {
            ("Limits changed meanwhile", "Nothing was changed. The limits were changed meanwhile.", NewId)
        }
        Denial::Revoked => ("Revoked", "Nothing was changed. What was revoked stays revoked.", Stop),
        Denial::DelegationTooWide => (
            "More than there is to delegate",
            "Nothing was delegated. The mandate would claim more, or last longer, than the one above it.",
            NewId,
        ),
        Denial::DelegationTooDeep => (
            "Delegated too often",
            "Nothing was delegated. The mandate has been delegated as often as one can be.",
            Stop,
        ),
        Denial::DelegationCircular => (
            "Delegated in a circle",
            "Nothing was delegated. The agent has this mandate, or one it was delegated from.",
            Stop,
        ),
        Denial::TriggerNotMet => (
            "Not at this price",
            "Nothing was spent. The owner allows one item of one seller, for no more than the seller asks and she set.",
            NewId,
        ),
        Denial::OutOfStock => ("Out of stock", "Nothing was spent. The seller says that it has none.", NewId),
        Denial::ObservationStale => (
            "No fresh price",
            "Nothing was spent. The seller has not said of late what the item costs.",
            NewId,
        ),
        Denial::QuotaInsufficient => (
            "Quota used up",
            "Nothing was used. The quota has too few units left; buy more, or ask for fewer.",
            AskOwner,
        ),
        Denial::QuotaExpired => ("Quota over", "Nothing was used. The quota's time is over.", AskOwner),
        Denial::PaymentGranted => (
            "Granted already",
            "Nothing was granted now. A quota was granted for this payment already.",
            Stop,
        ),
        Denial::RestoreTooLarge => (
            "More than was taken",
            "Nothing was restored. The deduction has fewer units left to restore.",
            NewId,
        ),
        Denial::SubscriptionEnded => {
            ("Subscription over", "Nothing was changed. The subscription was cancelled, or has ended.", Stop)
        }
        Denial::RenewalUnapproved => (
            "Not renewed unasked",
            "Nothing was spent. The agent subscribed without asking, and the owner wants to be asked about this now.",
            AskOwner,
        ),
        Denial::LinkUsed => {
            ("Link paid already", "Nothing was spent. The link was paid as often as it may be.", Stop)
        }
        Denial::LinkExpired => ("Link expired", "Nothing was spent. The link's time is over.", Stop),
        Denial::LinkClosed => ("Link closed", "Nothing was spent. The seller has closed the link.", Stop),
        Denial::LinkMismatch => (
            "Not what the link asks for",
            "Nothing was spent. The link pays others, in another asset, or for something else.",
            Stop,
        ),
        Denial::LinkAmount => (
            "Another amount than the link asks for",
            "Nothing was spent. The amount is below or above what the link asks for; `remaining` is the nearest that is not.",
            NewId,
        ),
        Denial::HoldDisputed => (
            "Disputed",
            "Nothing moved. The buyer objected; only the owner can capture the hold now, and only the seller give it back.",
            Stop,
        ),
        Denial::HoldNotDisputable => (
            "Nothing to object to",
            "Nothing was changed. The hold goes back by itself when its time is up.",
            Stop,
        ),
        Denial::BillTotalDiffers => (
            "Comes to another sum",
            "Nothing was issued, and no number was used. What was paid, less what was refunded or is on an invoice, comes to another sum.",
            NewId,
        ),
        Denial::NothingToInvoice => (
            "Nothing left to invoice",
            "Nothing was issued, and no number was used. Of one of the purchases everything was refunded, or is on an invoice.",
            NewId,
        ),
        Denial::NothingToCredit => (
            "Nothing to credit",
            "Nothing was issued, and no number was used. Nothing was refunded since the invoice that no credit note says.",
            Stop,
        ),
        Denial::DestinationUnset => {
            ("No bank account", "Nothing was paid out. No bank account was named for this seller.", Stop)
        }
        Denial::DestinationMismatch => {
            ("Another bank account", "Nothing was paid out. Payouts go to another bank account now.", NewId)
        }
        Denial::DestinationCooling => (
            "Bank account too new",
            "Nothing was paid out. The bank account was named less than a day ago, and does not count yet.",
            NewId,
        ),
        Denial::PayoutEnded => {
            ("Payout has ended", "Nothing was changed. The payout was paid, or has come back.", Stop)
        }
        Denial::PayoutsStopped => (
            "Payouts stopped",
            "Nothing was paid out. The operator has stopped this seller, so that nothing of it leaves.",
            Stop,
        ),
    };
    explained(denial.code(), 403, title, detail, next, false)
}
