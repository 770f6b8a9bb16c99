//! What is kept of channels, beside the deliveries: the latest voucher of each, what was answered for it, and how far it
//! was claimed. One row a channel, replaced with each voucher that is kept.

use crate::channels::tally::Kept;
use bytes::Bytes;
use evidence::{PublicKey, Signature};
use protocols::Time;
use protocols::a402::Fingerprint;
use rusqlite::{Connection, Error, OptionalExtension, Row, params};
use wire::MeterId;

/// Sums are text: they may be larger than SQLite's integers.
pub(crate) const SCHEMA: &str = "
CREATE TABLE channels (
  number INTEGER PRIMARY KEY,
  channel TEXT NOT NULL UNIQUE,
  voucher_key BLOB NOT NULL,
  deposit TEXT NOT NULL,
  expires_seconds INTEGER NOT NULL,
  total TEXT NOT NULL,
  signature BLOB,
  request TEXT,
  claimed TEXT NOT NULL,
  stage INTEGER NOT NULL,
  status INTEGER,
  headers BLOB,
  body BLOB
) STRICT;
CREATE INDEX channels_over ON channels (expires_seconds) WHERE stage = 2;
";

/// Where a channel stands with us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Calls are taken.
    Open,
    /// The buyer has closed it, and the payment service is to be told.
    Closing,
    /// It has ended.
    Over,
}

impl Stage {
    const ALL: [Stage; 3] = [Stage::Open, Stage::Closing, Stage::Over];

    fn number(self) -> i64 {
        match self {
            Stage::Open => 0,
            Stage::Closing => 1,
            Stage::Over => 2,
        }
    }

    fn of(number: i64) -> Option<Stage> {
        Stage::ALL.into_iter().find(|stage| stage.number() == number)
    }
}

/// A channel as it is kept.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// The row, once there is one.
    pub(crate) number: i64,
    pub(crate) channel: MeterId,
    pub(crate) key: PublicKey,
    /// In billionths.
    pub(crate) deposit: u128,
    pub(crate) expires_at: Time,
    pub(crate) kept: Kept,
    /// In billionths.
    pub(crate) claimed: u128,
    pub(crate) stage: Stage,
}

/// A voucher that was checked, and what was answered for it.
#[derive(Clone, Debug)]
pub(crate) struct Delivered {
    pub(crate) number: i64,
    pub(crate) kept: Kept,
    /// None for a stream, which is not given again.
    pub(crate) answer: Option<Answer>,
}

/// What was answered for a voucher.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// One a line.
    pub(crate) headers: Bytes,
    pub(crate) body: Bytes,
}

/// The channels that have not ended.
pub(crate) fn open_channels(connection: &Connection) -> Result<Vec<Opened>, Error> {
    let mut statement = connection.prepare(
        "SELECT number, channel, voucher_key, deposit, expires_seconds, total, signature, request, claimed, stage
         FROM channels WHERE stage <> 2",
    )?;
    statement.query_map([], opened)?.collect()
}

/// Keeps a channel that is new to us. Answers the row of the one that was there, if it was.
pub(crate) fn open(connection: &Connection, new: &Opened) -> Result<i64, Error> {
    connection
        .prepare_cached(
            "INSERT INTO channels (channel, voucher_key, deposit, expires_seconds, total, claimed, stage)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (channel) DO NOTHING",
        )?
        .execute(params![
            new.channel.to_string(),
            new.key.bytes(),
            new.deposit.to_string(),
            seconds(new.expires_at),
            new.kept.total.to_string(),
            new.claimed.to_string(),
            new.stage.number(),
        ])?;
    connection
        .prepare_cached("SELECT number FROM channels WHERE channel = ?1")?
        .query_row([new.channel.to_string()], |row| row.get(0))
}

/// Keeps the latest voucher of a channel.
pub(crate) fn deliver(connection: &Connection, delivered: &Delivered) -> Result<(), Error> {
    let Delivered { number, kept, answer } = delivered;
    connection
        .prepare_cached(
            "UPDATE channels SET total = ?2, signature = ?3, request = ?4, status = ?5, headers = ?6, body = ?7
             WHERE number = ?1",
        )?
        .execute(params![
            number,
            kept.total.to_string(),
            kept.signature.as_ref().map(|signature| &signature.as_bytes()[..]),
            kept.request.as_ref().map(Fingerprint::as_str),
            answer.as_ref().map(|answer| answer.status),
            answer.as_ref().map(|answer| &answer.headers[..]),
            answer.as_ref().map(|answer| &answer.body[..]),
        ])?;
    Ok(())
}

/// Keeps that the buyer has closed a channel, and his last voucher.
pub(crate) fn close(connection: &Connection, number: i64, kept: &Kept) -> Result<(), Error> {
    let signature = kept.signature.as_ref().map(|signature| &signature.as_bytes()[..]);
    connection
        .prepare_cached("UPDATE channels SET stage = 1, total = ?2, signature = ?3 WHERE number = ?1")?
        .execute(params![number, kept.total.to_string(), signature])?;
    Ok(())
}

/// Keeps what the payment service knows.
pub(crate) fn claimed(
    connection: &Connection,
    number: i64,
    claimed: u128,
    stage: Stage,
) -> Result<(), Error> {
    connection
        .prepare_cached("UPDATE channels SET claimed = ?2, stage = ?3 WHERE number = ?1")?
        .execute(params![number, claimed.to_string(), stage.number()])?;
    Ok(())
}

/// What was answered for the latest voucher that was kept.
pub(crate) fn answer(connection: &Connection, number: i64) -> Result<Option<Answer>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT status, headers, body FROM channels WHERE number = ?1 AND status IS NOT NULL",
    )?;
    statement
        .query_row([number], |row| {
            Ok(Answer {
                status: row.get(0)?,
                headers: row.get::<_, Vec<u8>>(1)?.into(),
                body: row.get::<_, Vec<u8>>(2)?.into(),
            })
        })
        .optional()
}

/// Forgets the channels that ended, and whose time was over before `until`.
pub(crate) fn forget(connection: &Connection, until: Time) -> Result<(), Error> {
    connection
        .prepare_cached("DELETE FROM channels WHERE stage = 2 AND expires_seconds < ?1")?
        .execute([seconds(until)])?;
    Ok(())
}

fn opened(row: &Row<'_>) -> Result<Opened, Error> {
    let key: Vec<u8> = row.get(2)?;
    let signature: Option<Vec<u8>> = row.get(6)?;
    let signature = signature.map(|bytes| Signature::from_slice(&bytes)).transpose();
    let stage: i64 = row.get(9)?;
    Ok(Opened {
        number: row.get(0)?,
        channel: text(row, 1)?,
        key: PublicKey::ed25519(&key).map_err(|_| Error::InvalidQuery)?,
        deposit: text(row, 3)?,
        expires_at: Time::from_seconds(row.get::<_, u32>(4)?.into()),
        kept: Kept {
            total: text(row, 5)?,
            signature: signature.map_err(|_| Error::InvalidQuery)?,
            request: row
                .get::<_, Option<String>>(7)?
                .map(Fingerprint::parse)
                .transpose()
                .map_err(|_| Error::InvalidQuery)?,
        },
        claimed: text(row, 8)?,
        stage: Stage::of(stage).ok_or(Error::IntegralValueOutOfRange(9, stage))?,
    })
}

fn text<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> Result<T, Error> {
    row.get::<_, String>(column)?.parse().map_err(|_| Error::InvalidQuery)
}

fn seconds(time: Time) -> u32 {
    u32::try_from(time.0 / 1_000_000_000).unwrap_or(u32::MAX)
}
