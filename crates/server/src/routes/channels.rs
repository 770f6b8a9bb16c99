//! Channels: opened by agents, claimed by sellers with the vouchers they were given. They are closed as meters are.

use crate::answer::Answer;
use crate::auth::Kind;
use crate::codes::Edge;
use crate::convert::{Buy, bits, id, money, public_key, rounding, time, time_text};
use crate::directory::parse_key;
use crate::problem::{Answered, Problem};
use crate::reads::{self, show};
use crate::request::{Call, path_id};
use crate::standing::Standing;
use crate::state::App;
use axum::extract::{Path, State};
use axum::response::Response;
use book::{
    Action, Claim, MeterId, Nanos, OpenChannel, PublicKeyBytes, Reject, VoucherSignature, voucher_bytes,
};
use evidence::{Signature, base64url};
use wire::account::Algorithm;
use wire::answer::Asked;
use wire::channel::{Channel, NewChannel, NewClaim};
use wire::meter::{Charge, Meter};

/// Sets aside the most that vouchers may come to.
#[utoipa::path(post, path = "/v1/channels", tag = "channels", request_body = NewChannel,
    responses((status = 201, description = "Opened", body = Meter), (status = 202, description = "The owner is asked", body = Asked)))]
pub async fn create_channel(State(app): State<App>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Agent, Kind::Owner]).await?;
    let channel: NewChannel = call.json()?;
    let buy = Buy {
        wallet: channel.wallet,
        mandate: channel.mandate,
        payee: Some(channel.payee),
        split: None,
        amount: channel.amount,
        category: channel.category.as_deref(),
        reference: channel.reference,
        approval: channel.approval.as_deref(),
    };
    let action = Action::OpenChannel(OpenChannel {
        purchase: buy.purchase(&app.directory)?,
        expires_at: time(&channel.expires_at, "expires_at")?,
        rounding: rounding(channel.rounding),
        voucher_key: public_key(channel.algorithm, &channel.voucher_key, "voucher_key")?,
    });
    app.execute(&caller, id(channel.id.0), action).await
}

/// One channel as it stands now, with the key that its vouchers are checked with.
#[utoipa::path(get, path = "/v1/channels/{id}", tag = "channels", params(("id" = wire::MeterId, Path), ("at_least" = Option<u64>, Query, description = "Before which entry everything has to be shown; by default all that was answered until now")),
    responses((status = 200, description = "The channel", body = Channel)))]
pub async fn get_channel(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Response> {
    let caller = app.caller(&call, Kind::ALL).await?;
    let channel: MeterId = path_id(&text)?;
    show(&app, &call, move |app, view| {
        let absent = || Problem::from(Reject::MeterUnknown);
        let row = view.meter(channel)?.ok_or_else(absent)?;
        let key = row.voucher_key.ok_or_else(absent)?;
        if !reads::sees_purchase(caller.holder, &row.purchase) {
            return Err(absent());
        }
        let asset = app.directory.asset(row.purchase.purchase.asset).ok_or(Problem::from(Edge::Internal))?;
        let payee = row.purchase.purchase.to.each().next().ok_or(Problem::from(Edge::Internal))?;
        let standing = Standing::from(row.purchase);
        let (algorithm, key) = match key {
            PublicKeyBytes::Ed25519(bytes) => (Algorithm::Ed25519, base64url::encode(&bytes)),
            PublicKeyBytes::Es256(bytes) => (Algorithm::Es256, base64url::encode(&bytes)),
        };
        Ok(Channel {
            id: wire::MeterId(bits(channel.0)),
            status: standing.status.code().to_owned(),
            wallet: wire::WalletId(bits(standing.purchase.wallet.0)),
            payee: wire::PayeeId(bits(payee.0)),
            amount: money(standing.purchase.amount, asset),
            claimed_nanos: row.total.get().to_string(),
            expires_at: standing.expires_at.map(time_text).unwrap_or_default(),
            algorithm,
            voucher_key: key,
            entry: standing.seq.0,
            livemode: app.livemode,
        })
    })
    .await
}

/// Claims what the latest voucher says: all that was not claimed before.
#[utoipa::path(post, path = "/v1/channels/{id}/claim", tag = "channels", request_body = NewClaim,
    params(("id" = wire::MeterId, Path), ("Idempotency-Key" = String, Header)),
    responses((status = 201, description = "Counted", body = Charge)))]
pub async fn claim_channel(State(app): State<App>, Path(text): Path<String>, call: Call) -> Answered<Answer> {
    let caller = app.caller(&call, &[Kind::Payee]).await?;
    let (channel, change): (MeterId, _) = (path_id(&text)?, call.change_id()?);
    let claim: NewClaim = call.json()?;
    let total = read_total(&claim.total_nanos)?;
    let invalid = || Problem::from(Edge::VoucherInvalid);
    let signature = base64url::decode(&claim.signature).ok_or_else(invalid)?;
    let signature = Signature::from_slice(&signature).map_err(|_| invalid())?;
    let absent = || Problem::from(Reject::MeterUnknown);
    let opened = app.bought(channel.0).await?.ok_or_else(absent)?;
    let (entry, _) = app.entry(opened.seq)?.ok_or(Problem::from(Edge::Internal))?;
    let Action::OpenChannel(open) = &entry.command.action else { return Err(absent()) };
    let key = parse_key(&open.voucher_key).ok_or_else(invalid)?;
    key.verify(&voucher_bytes(channel, total), &signature).map_err(|_| invalid())?;
    let claim = Claim { channel, total, signature: VoucherSignature(signature) };
    app.execute(&caller, change, Action::Claim(claim)).await
}

/// Billionths in their one spelling.
fn read_total(text: &str) -> Answered<Nanos> {
    let total: Option<u128> = text.parse().ok().filter(|total: &u128| total.to_string() == text);
    total.map(Nanos::new).ok_or_else(|| Problem::from(Edge::BodyMalformed).of("total_nanos"))
}
