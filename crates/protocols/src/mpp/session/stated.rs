//! What a seller states in a session: a receipt of what was delivered, and what a stream needs to go on.

use super::{channel, channel_text, sum};
use crate::a402::DateTime;
use crate::a402::members::{Malformed, Members};
use crate::json;
use crate::limits::HEADER_VALUE_BYTES_MAX;
use crate::mpp::{Fault, METHOD, short};
use evidence::base64url;
use serde_json::{Value, json};

/// What the seller states of a call that was delivered, or of a channel that was closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionReceipt {
    pub challenge_id: String,
    /// The bits of the channel's name.
    pub channel: u128,
    /// What the latest voucher says that was taken.
    pub accepted_nanos: u128,
    /// What everything that was delivered comes to.
    pub spent_nanos: u128,
    /// How many calls this is the receipt of.
    pub units: u32,
    pub at: DateTime,
}

/// What a stream says when it goes on with a voucher only: just what waits then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedVoucher {
    /// The bits of the channel's name.
    pub channel: u128,
    /// What the next voucher has to say.
    pub required_nanos: u128,
    /// What the latest voucher says that was taken.
    pub accepted_nanos: u128,
    /// The most that the channel may come to: where more is required, the stream has ended.
    pub deposit_nanos: u128,
}

impl SessionReceipt {
    /// The name of the event that ends a stream.
    pub const EVENT: &str = "payment-receipt";

    /// Writes the value of a `Payment-Receipt` header.
    pub fn encode(&self) -> String {
        base64url::encode(&json::canonical(&self.to_json()))
    }

    /// Writes it as an event of a stream.
    pub fn to_event(&self) -> String {
        format!("event: {}\ndata: {}\n\n", SessionReceipt::EVENT, self.to_json())
    }

    fn to_json(&self) -> Value {
        let channel = channel_text(self.channel);
        json!({
            "status": "success",
            "method": METHOD,
            "intent": "session",
            "timestamp": self.at.as_str(),
            "reference": channel,
            "challengeId": self.challenge_id,
            "channelId": channel,
            "acceptedCumulative": self.accepted_nanos.to_string(),
            "spent": self.spent_nanos.to_string(),
            "units": self.units,
        })
    }

    /// Reads the value of a `Payment-Receipt` header. What we do not know in it is passed over.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn decode(value: &str) -> Result<SessionReceipt, Fault> {
        if HEADER_VALUE_BYTES_MAX < value.len() {
            return Err(Malformed::TooLong { bytes: value.len() }.into());
        }
        let text = base64url::decode(value).ok_or(Fault::Encoding)?;
        let mut members = Members::open("receipt", json::parse(&text).map_err(Malformed::from)?)?;
        let said = |members: &mut Members, name| members.text(name, Ok);
        let is_ours = said(&mut members, "status")? == "success"
            && said(&mut members, "method")? == METHOD
            && said(&mut members, "intent")? == "session";
        if !is_ours {
            return Err(Fault::Method);
        }
        Ok(SessionReceipt {
            challenge_id: members.text("challengeId", short)?,
            channel: members.text("channelId", channel)?,
            accepted_nanos: members.text("acceptedCumulative", sum)?,
            spent_nanos: members.text("spent", sum)?,
            units: members.integer("units", (0, u32::MAX))?,
            at: members.text("timestamp", DateTime::parse)?,
        })
    }
}

impl NeedVoucher {
    /// The name of the event.
    pub const EVENT: &str = "payment-need-voucher";

    /// Writes it as an event of a stream.
    pub fn to_event(&self) -> String {
        let data = json!({
            "channelId": channel_text(self.channel),
            "requiredCumulative": self.required_nanos.to_string(),
            "acceptedCumulative": self.accepted_nanos.to_string(),
            "deposit": self.deposit_nanos.to_string(),
        });
        format!("event: {}\ndata: {data}\n\n", NeedVoucher::EVENT)
    }

    /// Reads the data of such an event.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn read(data: &str) -> Result<NeedVoucher, Fault> {
        if HEADER_VALUE_BYTES_MAX < data.len() {
            return Err(Malformed::TooLong { bytes: data.len() }.into());
        }
        let value = json::parse(data.as_bytes()).map_err(Malformed::from)?;
        let mut members = Members::open("event", value)?;
        let said = NeedVoucher {
            channel: members.text("channelId", channel)?,
            required_nanos: members.text("requiredCumulative", sum)?,
            accepted_nanos: members.text("acceptedCumulative", sum)?,
            deposit_nanos: members.text("deposit", sum)?,
        };
        members.end()?;
        Ok(said)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_stream_needs_is_read_as_it_was_written() {
        let said = NeedVoucher { channel: 5, required_nanos: 3, accepted_nanos: 2, deposit_nanos: 9 };
        let event = said.to_event();
        let data = event.strip_prefix("event: payment-need-voucher\ndata: ").unwrap();
        let data = data.strip_suffix("\n\n").unwrap();
        assert!(!data.contains('\n'), "{data}");
        assert_eq!(NeedVoucher::read(data), Ok(said));
        for wrong in ["", "{}", "[]", &data.replace("\"3\"", "3"), &data.replace("\"3\"", "\"03\"")] {
            assert!(NeedVoucher::read(wrong).is_err(), "{wrong}");
        }
        assert!(NeedVoucher::read(&data.replace('{', "{\"more\":\"1\",")).is_err());
    }

    #[test]
    fn a_receipt_is_read_as_it_was_written() {
        let receipt = SessionReceipt {
            challenge_id: "session_1".to_owned(),
            channel: 5,
            accepted_nanos: 2,
            spent_nanos: 2,
            units: 1,
            at: DateTime::parse("2026-11-23T10:00:00Z").unwrap(),
        };
        assert_eq!(SessionReceipt::decode(&receipt.encode()), Ok(receipt));
        for wrong in
            ["", "e30", "!", &base64url::encode(br#"{"status":"success","method":"toll","intent":"charge"}"#)]
        {
            assert!(SessionReceipt::decode(wrong).is_err(), "{wrong}");
        }
    }
}
