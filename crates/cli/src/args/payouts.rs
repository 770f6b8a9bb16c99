//! The words for payouts: the seller's, and the operator's.

use super::Caller;
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// An account at a bank.
#[derive(Debug, Args)]
pub(crate) struct BankAccountArgs {
    /// Whose account it is, as the bank knows the holder.
    #[arg(long, value_name = "NAME")]
    pub(crate) holder: String,
    /// Its IBAN.
    #[arg(long, value_name = "IBAN", required_unless_present = "number", conflicts_with = "number")]
    pub(crate) iban: Option<String>,
    /// Its number, where it has no IBAN.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) number: Option<String>,
    /// The bank's BIC.
    #[arg(long, value_name = "BIC")]
    pub(crate) bic: Option<String>,
}

/// What a seller asks about its own money.
#[derive(Debug, Subcommand)]
pub(crate) enum SellerPayout {
    /// Show what can be paid out, what is on its way, and where it goes.
    Show {
        #[command(flatten)]
        caller: Caller,
    },
    /// Name the bank account that payouts go to. It counts a day later; naming the one before takes it back.
    Account {
        #[command(flatten)]
        caller: Caller,
        #[command(flatten)]
        account: BankAccountArgs,
    },
    /// Have so much paid out.
    Request {
        #[command(flatten)]
        caller: Caller,
        /// How much, such as `72.00`.
        #[arg(value_name = "AMOUNT")]
        amount: String,
        /// The payout's name: sent again under it, nothing is paid again.
        #[arg(long, value_name = "PAYOUT")]
        id: Option<String>,
    },
    /// List the newest payouts of the seller.
    List {
        #[command(flatten)]
        caller: Caller,
    },
}

/// What an operator does about payouts.
#[derive(Debug, Subcommand)]
pub(crate) enum PayoutCommand {
    /// List the newest payouts of all sellers.
    List {
        #[command(flatten)]
        caller: Caller,
    },
    /// Name a seller's bank account that was looked at: it counts at once.
    Account {
        #[command(flatten)]
        caller: Caller,
        /// Whose.
        #[arg(value_name = "PAYEE")]
        payee: String,
        #[command(flatten)]
        account: BankAccountArgs,
    },
    /// Take the payouts that wait, and write what the bank is told: ISO 20022, pain.001.001.09. Each is taken once.
    Export {
        #[command(flatten)]
        caller: Caller,
        /// Which currency, such as `CNY/2`.
        #[arg(long, value_name = "ASSET")]
        asset: String,
        /// The account that pays: the operator's own.
        #[command(flatten)]
        account: BankAccountArgs,
        /// On which day the bank is to pay, such as `2026-11-24`.
        #[arg(long, value_name = "DAY")]
        on: String,
        /// A new file for the bank.
        #[arg(long, short, value_name = "FILE")]
        out: PathBuf,
        /// The batch's name: asked for again under it, the same file is written.
        #[arg(long, value_name = "BATCH")]
        id: Option<String>,
    },
    /// Say that the bank has paid.
    Settle {
        #[command(flatten)]
        caller: Caller,
        /// Which.
        #[arg(value_name = "PAYOUT")]
        payout: String,
        /// The bank's reference.
        #[arg(long, value_name = "TEXT")]
        reference: String,
    },
    /// Say that the bank has not paid and will not: the money is the seller's again.
    Fail {
        #[command(flatten)]
        caller: Caller,
        /// Which.
        #[arg(value_name = "PAYOUT")]
        payout: String,
        /// Why, for the seller to read.
        #[arg(long, value_name = "TEXT")]
        why: String,
    },
}
