//! Probes: a book and what its journal replays to must say the same of any command, and count the same money.

use super::ask::Asker;
use super::history::Broken;
use crate::audit::Report;
use crate::world::World;
use book::{Balance, Book};

/// Whether `live` and `replayed` are one book, as far as `probes` questions and every balance can tell (I7, I9).
pub(super) fn same(live: &Book, replayed: &Book, asker: &mut Asker<'_>, probes: u64) -> Result<(), Broken> {
    if live.head() != replayed.head() {
        return Err("I7: the journal replays to another place or time".to_owned());
    }
    if live.next_due() != replayed.next_due() {
        return Err("I7: the journal replays to other holds".to_owned());
    }
    if !live.assets().eq(replayed.assets()) {
        return Err("I7: the journal replays to other fees".to_owned());
    }
    if !live.in_transit().eq(replayed.in_transit()) {
        return Err("I7: the journal replays to other payouts".to_owned());
    }
    for wallet in &asker.world.wallets {
        if live.wallet_balance(wallet.id) != replayed.wallet_balance(wallet.id) {
            return Err(format!("I7: the journal replays to another balance of {}", wallet.id));
        }
    }
    for payee in &asker.world.payees {
        if live.payee_balance(payee.id) != replayed.payee_balance(payee.id) {
            return Err(format!("I7: the journal replays to another balance of {}", payee.id));
        }
    }
    for _ in 0..probes {
        let mut command = asker.command();
        if asker.chance.one_in(4) {
            command = asker.present(command.by);
        }
        let now = asker.now;
        let (one, other) = (live.decide(now, &command), replayed.decide(now, &command));
        if one.decision() != other.decision() {
            let (one, other) = (one.decision(), other.decision());
            return Err(format!(
                "I7: {command:?} is answered with {one:?}, and after a restart with {other:?}"
            ));
        }
    }
    Ok(())
}

/// Whether the auditor counted the same money as the book.
pub(super) fn same_money(book: &Book, report: &Report, world: &World) -> Result<(), Broken> {
    let sums = |balance: Balance| (balance.debits.minor(), balance.credits.minor(), balance.held.minor());
    let wallets = world.wallets.iter().map(|row| (row.id.0, book.wallet_balance(row.id)));
    let payees = world.payees.iter().map(|row| (row.id.0, book.payee_balance(row.id)));
    for (id, found) in wallets.chain(payees) {
        let Some((_, balance)) = found else {
            return Err(format!("I7: the book does not know {}", id.text()));
        };
        if sums(balance) != report.account(id.0) {
            let (book, audit) = (sums(balance), report.account(id.0));
            return Err(format!("I7: {} has {book:?} in the book and {audit:?} by the entries", id.text()));
        }
    }
    for (asset, balance) in book.in_transit() {
        let code = asset.code;
        if sums(balance) != report.in_transit(code.as_str()) {
            return Err(format!("I12: the book and the entries differ in what of {code:?} is on its way"));
        }
    }
    Ok(())
}
