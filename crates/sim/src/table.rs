//! Tables: a story told in rows, one for each fact or command, tried on a book, by replay, and in every journal.
//!
//! ```text
//! at       2026-11-22T09:00:00Z
//! asset    CNY/2
//! owner    O1
//! wallet   W1 O1 1000              limits: day 500 Asia/Shanghai; ask-above 300
//! payee    M1 food fee 6250
//! agent    A1 W1
//! mandate  D1 W1 A1 until +30d     limits: per-payment 100; total 100
//! pay      P1 A1 W1 D1 M1 60       paid
//! pay      P1 A1 W1 D1 M1 60       repeat
//! pay      P2 A1 W1 D1 M1 41       denied total_exceeded left 40 by mandate v1 #1
//! balance  W1 available 940
//! ```
//!
//! A row is what is asked and, from the first word of a verdict on, what must come of it. A row without a verdict must
//! be done. Only what a verdict says is compared: `denied forbidden` leaves open by whom. `docs/tables.md` lists the
//! rows; [`commands`](self) knows the API, so that rows need not.
//!
//! After every row, debits equal credits in every asset, and a second book that only ever replayed the entries'
//! bytes decides the row's command as the first one did.

mod billed;
mod commands;
mod limits;
mod linked;
mod names;
mod paid_out;
mod prepaid;
mod subscribed;
mod verdict;
mod words;

use crate::audit;
use crate::homes::{self, Step};
use book::{Amount, Balance, Book, Command, Decision, Entry, Time, Verdict};
use names::{Names, Thing};
use std::collections::BTreeMap;
use std::mem::discriminant;
use verdict::Facts;
use words::Words;

/// Runs a table, replays it from every journal, and has it audited.
///
/// # Panics
/// Where anything is not as the table says, naming the row.
#[track_caller]
pub fn check(table: &str) -> Run {
    let run = match run(table) {
        Ok(run) => run,
        Err(wrong) => panic!("{wrong}"),
    };
    if let Err(wrong) = run.confirm() {
        panic!("{wrong}");
    }
    run
}

/// What came of a table.
#[derive(Debug)]
pub struct Run {
    /// The book behind the last row.
    pub book: Book,
    /// The canonical bytes of every entry.
    pub entries: Vec<Vec<u8>>,
    /// The Merkle root behind each of them.
    pub roots: Vec<evidence::Hash>,
    frontier: evidence::Frontier,
    replica: Book,
    clock: Time,
    names: Names,
    places: BTreeMap<book::Id, book::Seq>,
    /// What a writer would have been given; none once time passed without anybody looking.
    steps: Option<Vec<Step>>,
}

/// Runs the rows of a table on one book, with another following by replay.
///
/// # Errors
/// The row that went wrong, and how.
pub fn run(table: &str) -> Result<Run, String> {
    let mut run = Run {
        book: Book::default(),
        entries: Vec::new(),
        roots: Vec::new(),
        frontier: evidence::Frontier::default(),
        replica: Book::default(),
        clock: words::time("2026-11-22T09:00:00Z", Time(0))?,
        names: Names::default(),
        places: BTreeMap::new(),
        steps: Some(Vec::new()),
    };
    for (number, row) in (1..).zip(table.lines()) {
        let row = row.trim();
        if !row.is_empty() && !row.starts_with("//") {
            run.rows(row).map_err(|wrong| format!("row {number}: `{row}`\n  {wrong}"))?;
        }
    }
    Ok(run)
}

impl Run {
    /// The same everywhere: in every journal, by replay, and to the auditor.
    ///
    /// # Errors
    /// What differs.
    pub fn confirm(&self) -> Result<(), String> {
        match &self.steps {
            Some(steps) => homes::same_by_writer(steps, &self.entries)?,
            None => homes::same_everywhere(&self.entries, &self.roots)?,
        }
        self.audit()
    }

    /// Nothing to object to for the auditor, who comes to the same money and the same root.
    ///
    /// # Errors
    /// What it objects to.
    pub fn audit(&self) -> Result<(), String> {
        let report = audit::audit(&self.entries);
        if let Some(violation) = report.violations.first() {
            return Err(format!("the auditor objects: {violation}"));
        }
        if self.roots.last().is_some_and(|root| root.0 != report.root) {
            return Err("the auditor finds another root".to_owned());
        }
        for (name, balance) in self.balances() {
            let id = self.names.known(&name).map_or([0; 16], |id| id.0);
            let theirs = report.account(id);
            if (balance.debits.minor(), balance.credits.minor(), balance.held.minor()) != theirs {
                return Err(format!(
                    "`{name}` has {balance:?}, the auditor finds (debits, credits, held) {theirs:?}"
                ));
            }
        }
        Ok(())
    }

    /// Runs one line, which may stand for several rows: `3x pay P* …` is `P1`, `P2` and `P3`.
    fn rows(&mut self, line: &str) -> Result<(), String> {
        let (first, rest) = line.split_once(' ').unwrap_or((line, ""));
        let times = first.strip_suffix('x').and_then(|times| times.parse::<u32>().ok());
        let Some(times) = times else { return self.row(line) };
        for turn in 1..=times {
            self.row(&rest.trim().replace('*', &turn.to_string()))
                .map_err(|wrong| format!("{wrong} (turn {turn} of {times})"))?;
        }
        Ok(())
    }

    fn row(&mut self, row: &str) -> Result<(), String> {
        let mut words = Words::new(row);
        match words.next("a row begins with a word")?.as_str() {
            "at" => {
                self.clock = words::time(&words.next("a time")?, self.clock)?;
                self.wake()?;
            }
            "advance" => {
                self.clock = words::time(&words.next("a duration")?, self.clock)?;
                self.wake()?;
            }
            // Time passes and nobody has yet looked what is due.
            "late" => {
                self.clock = words::time(&words.next("a duration")?, self.clock)?;
                self.steps = None;
            }
            "made" => {
                let name = words.next("a name")?;
                let made_at = words::time(&words.next("a time")?, self.clock)?;
                self.names.name(&name, made_at);
            }
            "stranger" => self.names.stranger(&mut words)?,
            "balance" => return self.check_balance(&mut words),
            "quota" => return self.check_quota(&mut words),
            "billed" => return self.check_billed(&mut words),
            "subscription" => return self.check_subscription(&mut words),
            "entries" => {
                let expected = words.next("a number")?;
                if self.entries.len().to_string() != expected {
                    return Err(format!("there are {} entries", self.entries.len()));
                }
            }
            verb => {
                self.open_unless(verb)?;
                let expected = words.split_off_verdict();
                for (command, default) in self.names.commands(verb, &mut words, self.clock)? {
                    self.step(Step::Ask(self.clock, Box::new(command.clone())));
                    self.ask(&command, expected.as_ref().unwrap_or(&Words::new(default)))?;
                }
            }
        }
        words.finish()?;
        self.check_sums()
    }

    /// A table that does not begin with the opening of its book has one with a retention of 400 days.
    fn open_unless(&mut self, verb: &str) -> Result<(), String> {
        if verb == "book" || !self.entries.is_empty() {
            return Ok(());
        }
        self.row("book retention 400d")
    }

    /// Lets the book do what the passing of time brings.
    fn wake(&mut self) -> Result<(), String> {
        self.step(Step::Wake(self.clock));
        while let Some(command) = self.book.due(self.clock) {
            let before = self.entries.len();
            self.ask(&command, &Words::new("whatever"))?;
            if self.entries.len() == before {
                return Err(format!("what is due is refused: {command:?}"));
            }
        }
        Ok(())
    }

    fn step(&mut self, step: Step) {
        if let Some(steps) = &mut self.steps {
            steps.push(step);
        }
    }

    fn ask(&mut self, command: &Command, expected: &Words) -> Result<(), String> {
        let decided = self.book.decide(self.clock, command);
        let decision = decided.decision().clone();
        if *self.replica.decide(self.clock, command).decision() != decision {
            return Err("a replayed book decides otherwise".to_owned());
        }
        let mut bytes = Vec::new();
        let verdict = self.book.execute(self.clock, command, &mut bytes);
        if !decision_is(&decision, &verdict) {
            return Err(format!("decided {decision:?}, but answered {verdict:?}"));
        }
        match &verdict {
            Verdict::Record(seq, outcome) => {
                if let book::Outcome::Asked(question) = outcome {
                    self.names.questions.insert(command.id, question.digest);
                }
                if command.by != book::Actor::Book {
                    self.places.insert(command.id, *seq);
                }
                self.follow(bytes)?;
            }
            Verdict::Repeat(seq)
                if self.places.get(&command.id) != Some(seq) && !self.waits(command, *seq) =>
            {
                return Err(format!("repeated the entry {}, which was another one's", seq.0));
            }
            Verdict::Repeat(_) | Verdict::Reject(_) if !bytes.is_empty() => {
                return Err("wrote bytes without recording anything".to_owned());
            }
            Verdict::Repeat(_) | Verdict::Reject(_) => {}
        }
        Facts::of(&verdict).compare(expected)
    }

    /// Whether the entry at `seq` asked for what `command` would buy, in the same form, in another request of the same
    /// agent: for how long it would be held is not in the question.
    fn waits(&self, command: &Command, seq: book::Seq) -> bool {
        let entry = usize::try_from(seq.0).ok().and_then(|seq| self.entries.get(seq));
        let entry = entry.and_then(|bytes| Entry::from_bytes(bytes).ok());
        entry.is_some_and(|entry| {
            let is_question = matches!(entry.outcome, book::Outcome::Asked(_));
            is_question
                && discriminant(&entry.command.action) == discriminant(&command.action)
                && entry.command.action.purchase() == command.action.purchase()
                && entry.command.by.holder() == command.by.holder()
        })
    }

    fn follow(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        let entry = Entry::from_bytes(&bytes).map_err(|malformed| format!("its own entry: {malformed}"))?;
        if entry.to_bytes() != bytes {
            return Err("the entry has two spellings".to_owned());
        }
        self.replica.replay(&bytes).map_err(|wrong| format!("replay: {wrong}"))?;
        if self.replica.head() != self.book.head() {
            return Err("replay comes to another place or time".to_owned());
        }
        if self.replica.next_due() != self.book.next_due() {
            return Err("to a replayed book, something else is due".to_owned());
        }
        self.frontier.push(evidence::leaf_hash(&bytes));
        self.entries.push(bytes);
        self.roots.push(self.frontier.root());
        Ok(())
    }

    fn check_balance(&self, words: &mut Words) -> Result<(), String> {
        let name = words.next("an account")?;
        let Some(balance) = self.balance(&name) else {
            return Err(format!("no account `{name}`"));
        };
        while let Some(what) = words.peek() {
            let what = what.to_owned();
            words.next("what of it")?;
            let found = match what.as_str() {
                "available" => balance.available(),
                "held" => balance.held,
                "debits" => balance.debits,
                "credits" => balance.credits,
                "owes" => balance.debits.saturating_sub(balance.credits),
                _ => return Err(format!("`{what}` is nothing an account has")),
            };
            let expected = words::amount(&words.next("an amount")?)?;
            if found != expected {
                return Err(format!("{what} is {}", found.minor()));
            }
        }
        Ok(())
    }

    /// `quota Q1 left 60 used 30 allotted 10`: what must be so of a quota.
    fn check_quota(&self, words: &mut Words) -> Result<(), String> {
        let name = words.next("a quota")?;
        let quota = self.names.known(&name).and_then(|id| self.book.quota(book::QuotaId(id)));
        let quota = quota.ok_or_else(|| format!("no quota `{name}`"))?;
        while words.peek().is_some() {
            let what = words.next("what of it")?;
            let found = match what.as_str() {
                "granted" => quota.granted,
                "used" => quota.used,
                "allotted" => quota.allotted,
                "left" => quota.left(),
                _ => return Err(format!("`{what}` is nothing a quota has")),
            };
            let expected: u64 = words::number(&words.next("units")?)?;
            if found != expected {
                return Err(format!("{what} is {found}"));
            }
        }
        Ok(())
    }

    fn balance(&self, name: &str) -> Option<Balance> {
        if let Some((side, code)) = name.split_once('/') {
            let row = self.book.assets().find(|row| row.0.code.as_str() == code)?;
            return match side {
                "world" => Some(row.1),
                "fees" => Some(row.2),
                "transit" => self.in_transit(row.0),
                _ => None,
            };
        }
        self.book_balance(name).map(|(_, balance)| balance)
    }

    fn in_transit(&self, asset: book::Asset) -> Option<Balance> {
        self.book.in_transit().find(|row| row.0 == asset).map(|row| row.1)
    }

    fn book_balance(&self, name: &str) -> Option<(book::Asset, Balance)> {
        let id = self.names.known(name)?;
        match self.names.thing(name)? {
            Thing::Wallet { .. } => self.book.wallet_balance(book::WalletId(id)),
            Thing::Payee => self.book.payee_balance(book::PayeeId(id)),
            Thing::Operator
            | Thing::Owner
            | Thing::Agent { .. }
            | Thing::Mandate { .. }
            | Thing::Quota { .. }
            | Thing::Subscription { .. }
            | Thing::Link { .. }
            | Thing::Purchase { .. } => None,
        }
    }

    /// Every wallet and payee that the rows named and the book has.
    fn balances(&self) -> impl Iterator<Item = (String, Balance)> {
        let named = self.names.all();
        named.filter_map(|name| Some((name.to_owned(), self.book_balance(name)?.1)))
    }

    /// I1: in every asset, what was given is what was got. I2: nobody but the world owes.
    fn check_sums(&self) -> Result<(), String> {
        for (asset, world, fees) in self.book.assets() {
            let accounts = self.names.all().filter_map(|name| self.book_balance(name));
            let accounts = accounts.filter(|account| account.0 == asset).map(|account| account.1);
            let (mut debits, mut credits) = (0u128, 0u128);
            for balance in accounts.chain(self.in_transit(asset)).chain([fees]) {
                if balance.credits.minor() < balance.debits.minor() + balance.held.minor() {
                    return Err(format!("an account owes: {balance:?}"));
                }
                debits += balance.debits.minor();
                credits += balance.credits.minor();
            }
            debits += world.debits.minor();
            credits += world.credits.minor();
            if debits != credits {
                let code = asset.code;
                return Err(format!("{code:?}: debits {debits}, credits {credits}"));
            }
        }
        Ok(())
    }
}

fn decision_is(decision: &Decision, verdict: &Verdict) -> bool {
    match (decision, verdict) {
        (Decision::Record(then), Verdict::Record(_, now)) => now == then,
        (Decision::Repeat(then), Verdict::Repeat(now)) => now == then,
        (Decision::Reject(then), Verdict::Reject(now)) => now == then,
        (Decision::Record(_) | Decision::Repeat(_) | Decision::Reject(_), _) => false,
    }
}

/// The amount of `minor` smallest units.
fn minor(minor: u128) -> Result<Amount, String> {
    Amount::new(minor).ok_or_else(|| format!("`{minor}` is more than an amount can be"))
}
