//! Standing agreements of version 2.0: `PSD-PAY-DEL-APPLY`, `-QUERY`, `-CANCEL` and `-PAY`.
//!
//! Version 2.1 has none, but payment services still speak them. An [`Agreement`] is kept by the payment
//! service; [`check_agreement_payment`] is its check of a payment under one (ACT 2.1 reference 9.5).
//! [`TaskState`] is what payment services tell of the whole.

mod checks;
mod messages;
mod pay;
mod state;
mod task;

pub use checks::{
    AgreementFacts, AgreementPassed, AgreementRefused, AgreementStep, check_agreement_order,
    check_agreement_payment,
};
pub use messages::{
    AccessParams, Agreement, AgreementStatus, AgreementType, ApplyRequest, ApplyResponse, CancelRequest,
    CancelResponse, CancelStatus, QueryKey, QueryRequest, QueryResponse,
};
pub use pay::{AgreementKey, GoodsDetail, PayRequest, PayResponse};
pub use state::{CancelRefused, NotDecided};
pub use task::{NoSuchMove, TaskEvent, TaskState};
