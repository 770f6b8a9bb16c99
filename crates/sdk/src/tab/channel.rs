//! The channels of a tab: each is chosen, opened, used up and closed, and the tab goes on with the next.

use super::file::{ChannelRecord, Stage, TabRecord};
use super::{CallPayment, Errand, NotNow, Signing, Tab, code_of, owed_of, put, rest};
use crate::buyer::NotBought;
use crate::failure::{Answer, Failure};
use crate::limits::TAB_TRIES_MAX;
use evidence::base64url;
use protocols::NANOS;
use protocols::a402::DateTime;
use protocols::voucher::Offer;
use reqwest::header::HeaderMap;
use url::Url;
use wire::account::Algorithm;
use wire::channel::NewChannel;
use wire::meter::Rounding;
use wire::{AmountText, MeterId, Money, PayeeId};

impl Tab<'_> {
    /// Sees to it that there is an open channel with room for one call.
    pub(super) async fn ready(
        &mut self,
        errand: &Errand,
        offer: &Offer,
        payee: PayeeId,
    ) -> Result<(), NotNow> {
        let stage = self.record.as_ref().and_then(|record| record.channel.as_ref()).map(|it| it.stage);
        match stage {
            Some(Stage::Open) => Ok(()),
            Some(Stage::Closing) => self.close_channel().await,
            Some(Stage::Opening) => self.open_channel().await,
            Some(Stage::Asked) => {
                let id = MeterId(self.buyer.client.fresh_id());
                self.change(|channel| {
                    channel.id = id;
                    channel.stage = Stage::Opening;
                })?;
                self.open_channel().await
            }
            None => {
                self.choose_channel(errand, offer, payee)?;
                self.open_channel().await
            }
        }
    }

    /// Puts a new channel on disk, as large as the cap allows.
    pub(super) fn choose_channel(
        &mut self,
        errand: &Errand,
        offer: &Offer,
        payee: PayeeId,
    ) -> Result<(), NotNow> {
        let Money { amount: cap, asset } = self.settings.cap;
        let left = cap.minor().saturating_sub(self.spent().amount.minor());
        let least = offer.deposit_minor.max(offer.price_nanos.div_ceil(NANOS));
        if left < least {
            return Err(NotNow::Payment(CallPayment::CapReached));
        }
        let wanted = self.settings.deposit.map_or(least, |deposit| deposit.amount.minor().max(least));
        let amount = AmountText::new(wanted.min(left)).expect("no more than the cap");
        let client = &self.buyer.client;
        let ends = client.clock().now().after(self.settings.channel_seconds.saturating_mul(NANOS as u64));
        let seed: [u8; 32] = rand::random();
        let channel = ChannelRecord {
            id: MeterId(client.fresh_id()),
            payee,
            deposit: Money { amount, asset },
            expires_at: DateTime::second_of(ends).as_str().to_owned(),
            seed: base64url::encode(&seed),
            at: offer.at.clone(),
            approval: None,
            stage: Stage::Opening,
        };
        let record = TabRecord {
            tab: self.settings.tab.clone(),
            origin: errand.url.origin().ascii_serialization(),
            wallet: self.buyer.settings.wallet,
            mandate: self.buyer.settings.mandate,
            spent: self.spent().amount,
            channel: Some(channel),
        };
        self.file.write(&record)?;
        self.record = Some(record);
        Ok(())
    }

    /// Opens the channel on disk, or learns that it was opened.
    pub(super) async fn open_channel(&mut self) -> Result<(), NotNow> {
        let record = self.record.as_ref().expect("the channel is on disk");
        let channel = record.channel.as_ref().expect("the channel is on disk");
        let signing = Signing::resume(channel, None).map_err(NotBought::Request)?;
        let new = NewChannel {
            id: channel.id,
            wallet: record.wallet,
            mandate: record.mandate,
            payee: channel.payee,
            amount: channel.deposit,
            category: None,
            reference: None,
            approval: channel.approval.clone(),
            expires_at: channel.expires_at.clone(),
            rounding: Rounding::HalfUp,
            algorithm: Algorithm::Ed25519,
            voucher_key: base64url::encode(signing.key.public().bytes()),
        };
        match self.buyer.client.open_channel(&new).await {
            Ok(Answer::Done(_)) => {}
            Ok(Answer::Asked(asked)) => {
                // The same may have been asked before, under another name.
                let question = asked.id.clone();
                self.change(|channel| {
                    channel.approval = Some(question);
                    channel.stage = Stage::Asked;
                })?;
                return Err(NotNow::Payment(CallPayment::Asked(asked)));
            }
            Err(Failure::Refused(problem)) if problem.status < 500 => {
                // An earlier try of ours may have been taken all the same.
                match self.buyer.client.channel(new.id).await {
                    Ok(_) => {}
                    Err(Failure::Refused(unknown)) if unknown.status == 404 => {
                        self.forget_channel(None)?;
                        return Err(NotNow::Payment(CallPayment::Refused(problem)));
                    }
                    Err(failure) => {
                        return Err(NotNow::Payment(CallPayment::Unknown(failure.to_string())));
                    }
                }
            }
            Err(failure) => return Err(NotNow::Payment(CallPayment::Unknown(failure.to_string()))),
        }
        self.change(|channel| channel.stage = Stage::Open)?;
        self.signing = Some(signing);
        Ok(())
    }

    pub(super) fn change(&mut self, change: impl FnOnce(&mut ChannelRecord)) -> Result<(), NotBought> {
        let record = self.record.as_mut().expect("the channel is on disk");
        change(record.channel.as_mut().expect("the channel is on disk"));
        self.file.write(record)?;
        Ok(())
    }

    pub(super) fn forget_channel(&mut self, came_to: Option<u128>) -> Result<(), NotBought> {
        let record = self.record.as_mut().expect("the channel is on disk");
        let spent = record.spent.minor().saturating_add(came_to.unwrap_or(0));
        record.spent = AmountText::new(spent).expect("no more than was set aside");
        record.channel = None;
        self.file.write(record)?;
        self.signing = None;
        self.prices.clear();
        Ok(())
    }

    /// Has the channel settled, and asks our own server what it came to.
    pub(super) async fn close_channel(&mut self) -> Result<(), NotNow> {
        let Some(channel) = self.record.as_ref().and_then(|record| record.channel.clone()) else {
            return Ok(());
        };
        match channel.stage {
            Stage::Asked => return Ok(self.forget_channel(None)?),
            Stage::Opening => self.open_channel().await?,
            Stage::Open | Stage::Closing => {}
        }
        if channel.stage != Stage::Closing {
            self.change(|channel| channel.stage = Stage::Closing)?;
        }
        let told = self.tell_close(&channel).await;
        let state = self.buyer.client.meter(channel.id).await?;
        if state.status == "held" {
            let why = match told {
                Ok(()) => format!("channel `{}` is not settled yet", channel.id),
                Err(NotBought::Seller(why)) => why,
                Err(fault) => fault.to_string(),
            };
            let ends =
                format!("{why}; close again, or its rest comes back by itself at {}", channel.expires_at);
            return Err(NotBought::Seller(ends).into());
        }
        let came_to = state.captured.map_or(0, |captured| captured.amount.minor());
        Ok(self.forget_channel(Some(came_to))?)
    }

    /// Tells the seller what is owed, and that this was all.
    pub(super) async fn tell_close(&mut self, channel: &ChannelRecord) -> Result<(), NotBought> {
        let record = self.record.as_ref().expect("the channel is on disk");
        let address = format!("{}{}/{}/close", record.origin, channel.at, channel.id);
        let url = Url::parse(&address).map_err(|fault| NotBought::Request(fault.to_string()))?;
        let mut why = String::new();
        for turn in 0..TAB_TRIES_MAX {
            let signing = self.signing.as_mut().expect("a channel on disk has its key");
            let mut headers = HeaderMap::new();
            put(&mut headers, &signing.voucher(signing.owed));
            match self.buyer.exchange("POST", &url, headers, Vec::new()).await {
                Ok(answer) if answer.status == 200 => return Ok(()),
                Ok(answer) => match (code_of(&answer).as_deref(), owed_of(&answer)) {
                    (Some("voucher_total"), Some(owed)) => signing.believe(owed)?,
                    (Some("channel_refused"), _) => return Ok(()),
                    (Some("channel_busy" | "unavailable"), _) => tokio::time::sleep(rest(turn)).await,
                    (code, _) => {
                        let code = code.unwrap_or("no code");
                        return Err(NotBought::Seller(format!("status {} ({code})", answer.status)));
                    }
                },
                Err(lost) => {
                    why = lost;
                    tokio::time::sleep(rest(turn)).await;
                }
            }
        }
        Err(NotBought::Seller(if why.is_empty() { "the seller does not close".to_owned() } else { why }))
    }
}
