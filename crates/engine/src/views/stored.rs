//! How values lie in the columns of the views: nothing is rounded, and nothing is read back that was not written.
//!
//! Money and billionths are integers below 2^63 and 16 big-endian bytes from there on, for SQLite's integers end there and
//! its reals lie. Positions and times are integers, bit for bit. What has canonical bytes lies as these.

use book::canon::{self, Canon};
use book::freeze::Status;
use book::{
    Action, AgentId, Amount, Code, CreditNoteId, HoldId, Id, InvoiceId, KeyId, LinkId, MandateId, MeterId,
    Nanos, OwnerId, PayeeId, PaymentId, PayoutBatchId, PayoutId, QuotaId, RefundId, Seq, SubscriptionId,
    Time, TransferId, WalletId,
};
use evidence::Hash;
use rusqlite::Row;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, Value, ValueRef};

/// A value that lies in one column.
pub(super) trait Column: Sized {
    fn put(&self) -> ToSqlOutput<'_>;
    fn take(value: ValueRef<'_>) -> FromSqlResult<Self>;
}

/// A value on its way into a column.
pub(super) struct Stored<'a, T>(pub(super) &'a T);

impl<T: Column> ToSql for Stored<'_, T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.put())
    }
}

/// A value on its way out of a column.
struct Taken<T>(T);

impl<T: Column> FromSql for Taken<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        T::take(value).map(Taken)
    }
}

/// The columns of a row, from left to right.
pub(super) struct Columns<'r> {
    row: &'r Row<'r>,
    at: usize,
}

impl<'r> Columns<'r> {
    pub(super) fn of(row: &'r Row<'r>) -> Columns<'r> {
        Columns { row, at: 0 }
    }

    pub(super) fn next<T: Column>(&mut self) -> rusqlite::Result<T> {
        let Taken(value) = self.row.get(self.at)?;
        self.at = self.at.saturating_add(1);
        Ok(value)
    }
}

/// The parameters of a statement.
macro_rules! stored {
    ($($value:expr),* $(,)?) => {
        rusqlite::params![$($crate::views::stored::Stored(&$value)),*]
    };
}

pub(super) use stored;

fn bits(number: u64) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(Value::Integer(i64::from_be_bytes(number.to_be_bytes())))
}

fn number(value: ValueRef<'_>) -> FromSqlResult<u64> {
    Ok(u64::from_be_bytes(value.as_i64()?.to_be_bytes()))
}

impl<T: Column> Column for Option<T> {
    fn put(&self) -> ToSqlOutput<'_> {
        match self {
            Some(value) => value.put(),
            None => ToSqlOutput::Owned(Value::Null),
        }
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Null => Ok(None),
            ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) | ValueRef::Blob(_) => {
                T::take(value).map(Some)
            }
        }
    }
}

macro_rules! numbers {
    ($($type:ty),*) => {$(
        impl Column for $type {
            fn put(&self) -> ToSqlOutput<'_> {
                bits(u64::from(*self))
            }

            fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
                <$type>::try_from(number(value)?).map_err(|_| FromSqlError::OutOfRange(0))
            }
        }
    )*};
}

numbers!(u8, u32, u64);

impl Column for bool {
    fn put(&self) -> ToSqlOutput<'_> {
        bits(u64::from(*self))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match number(value)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

impl Column for Seq {
    fn put(&self) -> ToSqlOutput<'_> {
        bits(self.0)
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        number(value).map(Seq)
    }
}

impl Column for Time {
    fn put(&self) -> ToSqlOutput<'_> {
        bits(self.0)
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        number(value).map(Time)
    }
}

fn wide(number: u128) -> ToSqlOutput<'static> {
    ToSqlOutput::Owned(match i64::try_from(number) {
        Ok(number) => Value::Integer(number),
        Err(_) => Value::Blob(number.to_be_bytes().to_vec()),
    })
}

fn wide_number(value: ValueRef<'_>) -> FromSqlResult<u128> {
    let invalid = FromSqlError::InvalidType;
    match value {
        ValueRef::Integer(number) => u128::try_from(number).map_err(|_| invalid),
        ValueRef::Blob(bytes) => Ok(u128::from_be_bytes(bytes.try_into().map_err(|_| invalid)?)),
        ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) => Err(invalid),
    }
}

impl Column for Amount {
    fn put(&self) -> ToSqlOutput<'_> {
        wide(self.minor())
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Amount::new(wide_number(value)?).ok_or(FromSqlError::InvalidType)
    }
}

impl Column for Nanos {
    fn put(&self) -> ToSqlOutput<'_> {
        wide(self.get())
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        wide_number(value).map(Nanos::new)
    }
}

impl Column for Id {
    fn put(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Blob(&self.0))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Id(bytes))
    }
}

macro_rules! named {
    ($($name:ident),*) => {$(
        impl Column for $name {
            fn put(&self) -> ToSqlOutput<'_> {
                self.0.put()
            }

            fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
                Id::take(value).map($name)
            }
        }
    )*};
}

named!(
    OwnerId,
    WalletId,
    PayeeId,
    AgentId,
    KeyId,
    MandateId,
    PaymentId,
    HoldId,
    MeterId,
    QuotaId,
    RefundId,
    SubscriptionId,
    LinkId,
    PayoutBatchId,
    PayoutId,
    InvoiceId,
    CreditNoteId,
    TransferId
);

impl Column for Hash {
    fn put(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Blob(&self.0))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let bytes = value.as_blob()?.try_into().map_err(|_| FromSqlError::InvalidType)?;
        Ok(Hash(bytes))
    }
}

impl Column for Code {
    fn put(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Borrowed(ValueRef::Text(self.as_str().as_bytes()))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Code::new(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

impl Column for Status {
    fn put(&self) -> ToSqlOutput<'_> {
        bits(match self {
            Status::Active => 1,
            Status::Frozen => 2,
            Status::Revoked => 3,
        })
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match number(value)? {
            1 => Ok(Status::Active),
            2 => Ok(Status::Frozen),
            3 => Ok(Status::Revoked),
            _ => Err(FromSqlError::InvalidType),
        }
    }
}

/// A value that lies as its canonical bytes.
pub(super) struct Canonical<T>(pub(super) T);

impl<T: Canon> Column for Canonical<T> {
    fn put(&self) -> ToSqlOutput<'_> {
        ToSqlOutput::Owned(Value::Blob(canon::bytes(&self.0)))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        canon::value(value.as_blob()?).map(Canonical).map_err(FromSqlError::other)
    }
}

/// Declares the kinds of entries: their numbers in the journal, and their codes for everybody else.
macro_rules! kinds {
    ($($number:literal $name:ident $code:literal,)*) => {
        /// What an entry's command asked for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[allow(missing_docs)]
        pub enum Kind { $($name,)* }

        impl Kind {
            /// Every kind.
            pub const ALL: &'static [Kind] = &[$(Kind::$name),*];

            /// The kind of `action`.
            pub fn of(action: &Action) -> Kind {
                match action { $(Action::$name(_) => Kind::$name,)* }
            }

            /// Its number in the journal, which is never used for another.
            pub fn number(self) -> u8 {
                match self { $(Kind::$name => $number,)* }
            }

            /// Its code, stable for ever.
            pub fn code(self) -> &'static str {
                match self { $(Kind::$name => $code,)* }
            }
        }
    };
}

kinds! {
    1 OpenBook "open_book",
    2 RegisterAsset "register_asset",
    3 RegisterOwner "register_owner",
    4 EnrolKey "enrol_key",
    5 RevokeKey "revoke_key",
    6 OpenWallet "open_wallet",
    7 OpenSubAccount "open_sub_account",
    8 CloseWallet "close_wallet",
    9 RegisterPayee "register_payee",
    10 EnrolAgent "enrol_agent",
    11 SetLimits "set_limits",
    12 GrantMandate "grant_mandate",
    13 Freeze "freeze",
    14 Unfreeze "unfreeze",
    15 Revoke "revoke",
    16 Approve "approve",
    17 Refuse "refuse",
    18 Transfer "transfer",
    19 Pay "pay",
    20 PlaceHold "place_hold",
    21 Capture "capture",
    22 Void "void",
    23 Expire "expire",
    24 Refund "refund",
    25 OpenMeter "open_meter",
    26 Charge "charge",
    27 CloseMeter "close_meter",
    28 Redeem "redeem",
    29 Present "present",
    30 Delegate "delegate",
    31 Observe "observe",
    32 ApproveAlike "approve_alike",
    33 GrantQuota "grant_quota",
    34 Deduct "deduct",
    35 Restore "restore",
    36 Allot "allot",
    37 Reclaim "reclaim",
    38 OpenChannel "open_channel",
    39 Claim "claim",
    40 Subscribe "subscribe",
    41 Renew "renew",
    42 ChangePlan "change_plan",
    43 CancelSubscription "cancel_subscription",
    44 PlaceEscrow "place_escrow",
    45 Dispute "dispute",
    46 OpenLink "open_link",
    47 PayLink "pay_link",
    48 CloseLink "close_link",
    50 IssueInvoice "issue_invoice",
    51 IssueCreditNote "issue_credit_note",
    52 SetDestination "set_destination",
    53 RequestPayout "request_payout",
    54 AdvancePayout "advance_payout",
}

impl Column for Kind {
    fn put(&self) -> ToSqlOutput<'_> {
        bits(u64::from(self.number()))
    }

    fn take(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = u8::take(value)?;
        let found = Kind::ALL.iter().find(|kind| kind.number() == number);
        found.copied().ok_or(FromSqlError::InvalidType)
    }
}

/// Declares how a closed list lies in a column, by number.
macro_rules! numbered {
    ($name:ident { $($number:literal $variant:ident,)* }) => {
        impl $crate::views::stored::Column for $name {
            fn put(&self) -> rusqlite::types::ToSqlOutput<'_> {
                let number: i64 = match self { $($name::$variant => $number,)* };
                rusqlite::types::ToSqlOutput::Owned(rusqlite::types::Value::Integer(number))
            }

            fn take(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
                match value.as_i64()? {
                    $($number => Ok($name::$variant),)*
                    _ => Err(rusqlite::types::FromSqlError::InvalidType),
                }
            }
        }
    };
}

pub(super) use numbered;

#[cfg(test)]
mod tests {
    use super::*;
    use book::limits::AMOUNT_MAX;

    fn round<T: Column>(value: &T) -> T {
        match value.put() {
            ToSqlOutput::Owned(owned) => T::take(ValueRef::from(&owned)).unwrap(),
            ToSqlOutput::Borrowed(borrowed) => T::take(borrowed).unwrap(),
            other => panic!("neither owned nor borrowed: {other:?}"),
        }
    }

    #[test]
    fn the_largest_values_survive_their_columns() {
        let edge = u128::from(u64::MAX >> 1);
        for minor in [0, 1, edge, edge + 1, u128::from(u64::MAX) + 1, AMOUNT_MAX] {
            let amount = Amount::new(minor).unwrap();
            assert_eq!(round(&amount), amount);
        }
        assert_eq!(round(&Nanos::new(u128::MAX)), Nanos::new(u128::MAX));
        assert_eq!(round(&Time::MAX), Time::MAX);
        assert_eq!(round(&Some(Seq(u64::MAX))), Some(Seq(u64::MAX)));
        assert_eq!(round(&None::<Seq>), None);
    }

    #[test]
    fn too_much_money_is_not_read() {
        let bytes = (AMOUNT_MAX + 1).to_be_bytes();
        assert!(Amount::take(ValueRef::Blob(&bytes)).is_err());
        for other in [
            ValueRef::Blob(&[0; 15]),
            ValueRef::Integer(-1),
            ValueRef::Real(1.0),
            ValueRef::Text(b"1"),
            ValueRef::Null,
        ] {
            assert!(Amount::take(other).is_err(), "{other:?}");
        }
    }

    #[test]
    fn kinds_are_numbered_as_in_the_journal() {
        let expire = Action::Expire(book::Expire { hold: HoldId::default() });
        let redeem = Action::Redeem(book::Redeem { hold: HoldId::default(), delivery: Hash([0; 32]) });
        for action in [expire, redeem] {
            assert_eq!(Kind::of(&action).number(), canon::bytes(&action)[0]);
        }
        let numbers: Vec<u8> = Kind::ALL.iter().map(|kind| kind.number()).collect();
        assert_eq!(numbers, (1..=48).chain(50..=54).collect::<Vec<u8>>());
    }
}
