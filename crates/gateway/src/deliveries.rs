//! What was delivered for which payment, on disk: the same answer for a repetition, and the outbox of confirmations. Free
//! calls and coupons that were used are kept beside it, so that what belongs together is kept together.
//!
//! One thread owns the SQLite file. It takes whatever waits, makes it durable with one sync, and answers then. What the
//! payment service knows needs no sync: whoever forgets it asks again, and is told the same. The file is locked: a second
//! gateway on it would deliver a second time.

mod store;

use crate::channels::store as channels;
use crate::channels::tally::Kept;
use crate::limits::{LOCK_WAIT, STORE_BATCH_MAX, STORE_QUEUE_MAX};
use bytes::Bytes;
use protocols::Time;
use rusqlite::Connection;
use std::path::Path;
use store::Store;
use tokio::sync::{mpsc, oneshot};
use wire::HoldId;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Delivered; the payment service is to be told.
    Delivered,
    /// Not delivered; the payment service is to be told.
    Failed,
    /// Delivered, and the seller has the money.
    Confirmed,
    /// Not delivered, and the money went back.
    Voided,
    /// Delivered, and the payment service will not pay: the hold ended before it was told.
    Unsettled,
    /// Begun, and somebody else than us has what is being delivered.
    Begun,
}

impl Stage {
    const ALL: [Stage; 6] =
        [Stage::Delivered, Stage::Failed, Stage::Confirmed, Stage::Voided, Stage::Unsettled, Stage::Begun];

    fn number(self) -> i64 {
        match self {
            Stage::Delivered => 0,
            Stage::Failed => 1,
            Stage::Confirmed => 2,
            Stage::Voided => 3,
            Stage::Unsettled => 4,
            Stage::Begun => 5,
        }
    }

    fn of(number: i64) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.number() == number)
    }
}

/// What was answered for one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The payment.
    pub trade_no: HoldId,
    /// The bill.
    pub out_trade_no: String,
    /// What was sold.
    pub resource_id: String,
    /// The request: nobody else's repetition gets this answer.
    pub fingerprint: String,
    /// Where it stands.
    pub stage: Stage,
    /// The answer's status.
    pub status: u16,
    /// The answer's headers, one a line.
    pub headers: Bytes,
    /// The answer's body; none where it was passed on and too long to be kept.
    pub body: Option<Bytes>,
    /// What it cost, where that depends on the answer.
    pub measured: Option<Measured>,
    /// Until when it has to be kept.
    pub keep_until: Time,
}

/// What an answer cost whose price depends on it, in the asset's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// What was asked, and is held.
    pub held: u128,
    /// What it cost, and is captured.
    pub charged: u128,
    /// How many units; none where there was nothing to count.
    pub units: Option<String>,
    /// What a coupon took off it; none where the bill says so.
    pub off: Option<u128>,
}

/// A delivery that the payment service is to be told about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    /// The payment.
    pub trade_no: HoldId,
    /// How it ended.
    pub stage: Stage,
    /// What it cost, in the asset's smallest unit; none for all that is held.
    pub charged: Option<u128>,
}

/// How a delivery that was begun has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// The payment.
    pub trade_no: HoldId,
    /// How: delivered or failed.
    pub stage: Stage,
    /// The answer's body, where it is kept.
    pub body: Option<Bytes>,
    /// What it cost, where that depends on the answer.
    pub measured: Option<Measured>,
}

/// A coupon that a buyer uses for one payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CouponUse {
    /// The payment.
    pub trade_no: HoldId,
    /// Which coupon.
    pub code: String,
    /// Who pays.
    pub buyer: String,
    /// How much it takes off, in the asset's smallest unit.
    pub off: u128,
    /// How much it may take off in all.
    pub budget: u128,
    /// Whether each buyer may use it once only.
    pub once: bool,
}

/// Whether a coupon could be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Couponed {
    /// It is used for this payment.
    Used,
    /// It has nothing left to give.
    BudgetSpent,
    /// The buyer has used it.
    UsedBefore,
    /// The seller has switched it off.
    SwitchedOff,
}

/// A use of a coupon that was delivered and paid for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaidUse {
    /// The payment.
    pub trade_no: HoldId,
    /// Which coupon.
    pub code: String,
    /// How much it took off, in the asset's smallest unit.
    pub off: u128,
}

/// Whether a seller lets a coupon count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Switch {
    /// As far as the price list says so.
    On,
    /// Not at all.
    Off,
}

/// A free call that somebody makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreeCall {
    /// What is sold.
    pub resource_id: String,
    /// Who calls.
    pub caller: String,
    /// In which period: a day, a month, or nothing for all time.
    pub period: String,
    /// How many there are in it.
    pub count: u32,
}

/// Why a delivery could not be stored or found.
#[derive(Clone, Debug, thiserror::Error)]
#[error("deliveries: {0}")]
pub struct StoreFault(String);

type Reply<T> = oneshot::Sender<Result<T, StoreFault>>;

#[derive(Debug)]
enum Task {
    Ask(Question),
    Do(Change),
}

#[derive(Debug)]
enum Question {
    Find(HoldId, Reply<Option<Delivery>>),
    Due(usize, Reply<Vec<Due>>),
    MayUse(CouponUse, Reply<Couponed>),
    Given(Vec<String>, Reply<Vec<u128>>),
    PaidUses(Time, usize, Reply<Vec<PaidUse>>),
    VoucherAnswer(i64, Reply<Option<channels::Answer>>),
}

#[derive(Debug)]
enum Change {
    Store(Box<Delivery>, Reply<()>),
    /// A begun delivery; whoever has it says until when how it ended.
    Begin(Box<Delivery>, Option<Time>, Reply<()>),
    Finish(Box<Ending>, Reply<bool>),
    UseCoupon(Box<CouponUse>, Reply<Couponed>),
    SwitchCoupons(Vec<(String, Switch)>, Reply<()>),
    ToldUses(Vec<HoldId>, Reply<()>),
    TakeFree(FreeCall, Reply<Option<u32>>),
    GiveBackFree(FreeCall, Reply<()>),
    End(HoldId, Stage, Reply<()>),
    Forget(Time, Reply<()>),
    OpenChannel(Box<channels::Opened>, Reply<i64>),
    KeepVoucher(Box<channels::Delivered>, Reply<()>),
    CloseChannel(i64, Kept, Reply<()>),
    Claimed(i64, u128, channels::Stage, Reply<()>),
}

/// The deliveries of one gateway. The file is closed when the last clone is dropped.
#[derive(Clone, Debug)]
pub struct Deliveries(mpsc::Sender<Task>);

impl Deliveries {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// [`StoreFault`]; also where another gateway has it open.
    pub fn open(path: &Path) -> Result<Deliveries, StoreFault> {
        Deliveries::open_with_channels(path).map(|(deliveries, _)| deliveries)
    }

    /// The same, and the channels that have not ended.
    pub(crate) fn open_with_channels(path: &Path) -> Result<(Deliveries, Vec<channels::Opened>), StoreFault> {
        let connection = Connection::open(path).map_err(fault)?;
        connection.busy_timeout(LOCK_WAIT).map_err(fault)?;
        connection
            .execute_batch(
                "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;",
            )
            .map_err(fault)?;
        let store = Store::open(connection).map_err(fault)?;
        let opened = channels::open_channels(&store.connection).map_err(fault)?;
        let (sender, tasks) = mpsc::channel(STORE_QUEUE_MAX);
        std::thread::Builder::new()
            .name("deliveries".to_owned())
            .spawn(move || run(&store, tasks))
            .map_err(fault)?;
        Ok((Deliveries(sender), opened))
    }

    /// What was delivered for a payment, if anything.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn find(&self, trade_no: HoldId) -> Result<Option<Delivery>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::Find(trade_no, reply))).await
    }

    /// What the payment service is still to be told, oldest first.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn due(&self, count_max: usize) -> Result<Vec<Due>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::Due(count_max, reply))).await
    }

    /// Keeps a delivery. When this returns, it survives power loss.
    ///
    /// # Errors
    /// [`StoreFault`]; also where the payment has one.
    pub async fn store(&self, delivery: Delivery) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Store(Box::new(delivery), reply))).await
    }

    /// Keeps that a delivery was begun whose answer goes to the buyer before it has ended, or is somebody else's to give. One
    /// without a `deadline` is over with this process; one with it has not been delivered when nobody says so until then.
    ///
    /// # Errors
    /// [`StoreFault`]; also where the payment has one.
    pub async fn begin(&self, delivery: Delivery, deadline: Option<Time>) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Begin(Box::new(delivery), deadline, reply))).await
    }

    /// Keeps how a delivery that was begun ended. Answers false, and changes nothing, where none is under way.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn finish(&self, ending: Ending) -> Result<bool, StoreFault> {
        self.ask(|reply| Task::Do(Change::Finish(Box::new(ending), reply))).await
    }

    /// Whether a coupon could be used now.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn may_use(&self, coupon: CouponUse) -> Result<Couponed, StoreFault> {
        self.ask(|reply| Task::Ask(Question::MayUse(coupon, reply))).await
    }

    /// Uses a coupon for one payment; once for the same payment, however often it is said. A delivery that fails gives it back.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn use_coupon(&self, coupon: CouponUse) -> Result<Couponed, StoreFault> {
        self.ask(|reply| Task::Do(Change::UseCoupon(Box::new(coupon), reply))).await
    }

    /// How much each of these coupons has given, or set aside for what is being delivered, in the asset's smallest unit.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn given(&self, codes: Vec<String>) -> Result<Vec<u128>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::Given(codes, reply))).await
    }

    /// Uses of coupons that were delivered and paid for, and that the payment service was not told of yet.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn paid_uses(&self, now: Time, count_max: usize) -> Result<Vec<PaidUse>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::PaidUses(now, count_max, reply))).await
    }

    /// Writes down of which uses the payment service was told.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn told_uses(&self, uses: Vec<HoldId>) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::ToldUses(uses, reply))).await
    }

    /// Writes down which coupons the seller lets count. When this returns, it survives power loss.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn switch_coupons(&self, coupons: Vec<(String, Switch)>) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::SwitchCoupons(coupons, reply))).await
    }

    /// Takes one of a caller's free calls. Answers how many are left, and nothing where there was none.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn take_free(&self, call: FreeCall) -> Result<Option<u32>, StoreFault> {
        self.ask(|reply| Task::Do(Change::TakeFree(call, reply))).await
    }

    /// Gives a free call back that delivered nothing.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn give_back_free(&self, call: FreeCall) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::GiveBackFree(call, reply))).await
    }

    /// Writes down that the payment service knows.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn end(&self, trade_no: HoldId, stage: Stage) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::End(trade_no, stage, reply))).await
    }

    /// Forgets what is over and can be asked for no more, and gives up what was begun and not ended in time.
    ///
    /// # Errors
    /// [`StoreFault`].
    pub async fn forget(&self, now: Time) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Forget(now, reply))).await
    }

    /// Keeps a channel that is new to us. Answers its row.
    pub(crate) async fn open_channel(&self, new: channels::Opened) -> Result<i64, StoreFault> {
        self.ask(|reply| Task::Do(Change::OpenChannel(Box::new(new), reply))).await
    }

    /// Keeps a voucher and what was answered for it. When this returns, it survives power loss.
    pub(crate) async fn keep_voucher(&self, delivered: channels::Delivered) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::KeepVoucher(Box::new(delivered), reply))).await
    }

    /// Keeps that the buyer has closed a channel, and his last voucher.
    pub(crate) async fn close_channel(&self, number: i64, kept: Kept) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::CloseChannel(number, kept, reply))).await
    }

    /// Writes down what the payment service knows of a channel.
    pub(crate) async fn claimed(
        &self,
        number: i64,
        claimed: u128,
        stage: channels::Stage,
    ) -> Result<(), StoreFault> {
        self.ask(|reply| Task::Do(Change::Claimed(number, claimed, stage, reply))).await
    }

    /// What was answered for a channel's latest voucher.
    pub(crate) async fn voucher_answer(&self, number: i64) -> Result<Option<channels::Answer>, StoreFault> {
        self.ask(|reply| Task::Ask(Question::VoucherAnswer(number, reply))).await
    }

    async fn ask<T>(&self, task: impl FnOnce(Reply<T>) -> Task) -> Result<T, StoreFault> {
        let gone = || StoreFault("the store has ended".to_owned());
        let (reply, answer) = oneshot::channel();
        self.0.send(task(reply)).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

fn fault(fault: impl std::fmt::Display) -> StoreFault {
    StoreFault(fault.to_string())
}

/// Answers that are held back until what they tell is durable.
type Held = Box<dyn FnOnce(Option<&StoreFault>)>;

fn run(store: &Store, mut tasks: mpsc::Receiver<Task>) {
    let mut batch = Vec::with_capacity(STORE_BATCH_MAX);
    loop {
        match tasks.blocking_recv() {
            Some(task) => batch.push(task),
            None => return,
        }
        while batch.len() < STORE_BATCH_MAX {
            match tasks.try_recv() {
                Ok(task) => batch.push(task),
                Err(_) => break,
            }
        }
        // A question is about what was answered before it was asked, so it need not wait for what comes with it.
        let mut changes = Vec::with_capacity(batch.len());
        for task in batch.drain(..) {
            match task {
                Task::Ask(question) => answer(store, question),
                Task::Do(change) => changes.push(change),
            }
        }
        if changes.is_empty() {
            continue;
        }
        let outcome = store.begin(is_relied_on(&changes)).map_err(fault);
        let held: Vec<Held> = changes.into_iter().map(|change| perform(store, change)).collect();
        let outcome = outcome.and_then(|()| store.commit().map_err(fault));
        if outcome.is_err() {
            store.roll_back();
        }
        for answer in held {
            answer(outcome.as_ref().err());
        }
    }
}

fn answer(store: &Store, question: Question) {
    match question {
        Question::Find(trade_no, reply) => tell(reply, store.find(trade_no).map_err(fault)),
        Question::Due(count_max, reply) => tell(reply, store.due(count_max).map_err(fault)),
        Question::MayUse(coupon, reply) => tell(reply, store.may_use(&coupon).map_err(fault)),
        Question::Given(codes, reply) => tell(reply, store.given_of(&codes).map_err(fault)),
        Question::PaidUses(now, count_max, reply) => {
            tell(reply, store.paid_uses(now, count_max).map_err(fault));
        }
        Question::VoucherAnswer(number, reply) => {
            tell(reply, channels::answer(&store.connection, number).map_err(fault));
        }
    }
}

/// Answers. Whoever asked may have gone.
fn tell<T>(reply: Reply<T>, answer: Result<T, StoreFault>) {
    let _gone = reply.send(answer);
}

/// Whether somebody relies on one of these to be durable.
fn is_relied_on(changes: &[Change]) -> bool {
    changes.iter().any(|change| match change {
        Change::Store(..)
        | Change::Begin(..)
        | Change::Finish(..)
        | Change::UseCoupon(..)
        | Change::SwitchCoupons(..)
        | Change::TakeFree(..)
        | Change::KeepVoucher(..)
        | Change::CloseChannel(..) => true,
        Change::GiveBackFree(..)
        | Change::ToldUses(..)
        | Change::End(..)
        | Change::Forget(..)
        | Change::OpenChannel(..)
        | Change::Claimed(..) => false,
    })
}

fn perform(store: &Store, change: Change) -> Held {
    match change {
        Change::Store(delivery, reply) => hold(reply, store.store(&delivery)),
        Change::Begin(delivery, deadline, reply) => hold(reply, store.begin_delivery(&delivery, deadline)),
        Change::Finish(ending, reply) => hold(reply, store.finish(&ending)),
        Change::UseCoupon(coupon, reply) => hold(reply, store.use_coupon(&coupon)),
        Change::SwitchCoupons(coupons, reply) => hold(reply, store.switch_coupons(&coupons)),
        Change::ToldUses(uses, reply) => hold(reply, store.told_uses(&uses)),
        Change::TakeFree(call, reply) => hold(reply, store.take_free(&call)),
        Change::GiveBackFree(call, reply) => hold(reply, store.give_back_free(&call)),
        Change::End(trade_no, stage, reply) => hold(reply, store.end(trade_no, stage)),
        Change::Forget(now, reply) => hold(reply, store.forget(now)),
        Change::OpenChannel(new, reply) => hold(reply, channels::open(&store.connection, &new)),
        Change::KeepVoucher(new, reply) => hold(reply, channels::deliver(&store.connection, &new)),
        Change::CloseChannel(number, kept, reply) => {
            hold(reply, channels::close(&store.connection, number, &kept))
        }
        Change::Claimed(number, claimed, stage, reply) => {
            hold(reply, channels::claimed(&store.connection, number, claimed, stage))
        }
    }
}

fn hold<T: 'static>(reply: Reply<T>, result: Result<T, rusqlite::Error>) -> Held {
    Box::new(move |not_kept| {
        tell(
            reply,
            match not_kept {
                Some(fault) => Err(fault.clone()),
                None => result.map_err(fault),
            },
        );
    })
}
