//! ACT 2.1 seen from outside: intents, credentials, their life, and payments, one test for each requirement.
//!
//! A test's name begins with the id of the requirement it shows. Left to the server, which alone can show
//! them: ICS-12 (records kept), ISS-04 (distinct ids, as far as the drawing of them goes), the delivery of
//! events of ISS-12 and LCM-07, BND-02 (redirection), SUB-01 and SUB-06 (recognising the principal, moving
//! money), the moving and notifying of INS-08, DEL-09, DEL-11, AUP-02 and AUP-09, totals under concurrency
//! (DEL-08), DLA-02 and DLP-03 (pushes), GEN-01 (events and records) and PSD-TEST-003 (balances).

// The lint knows tests, but not the functions they share.
#![allow(clippy::unwrap_used)]

mod agreements;
mod artefacts;
mod autonomous;
mod binding;
mod commerce;
mod credential;
mod delegated;
mod golden;
mod instant;
mod intent;
mod lifecycle;
mod presence;
mod strangers;
mod subaccount;
mod world;
