//! The facilitator on EVM chains, in the words of x402. What moves there is in no account of the book; what is left of it
//! here is the server's signed statement, kept and handed to the seller.

use crate::answer::json;
use crate::bills::credential_key_id;
use crate::chains::sign;
use crate::request::Call;
use crate::state::App;
use axum::response::Response;
use evidence::base64url;
use http::StatusCode;
use protocols::evm::number::hex;
use protocols::evm::{Ask, Reason, is_asked};
use protocols::x402::VERSION;
use serde_json::{Map, Value, json as object};

/// Which chains and tokens are served beside the book's own network, and which accounts send.
pub(super) fn supported(app: &App, mut kinds: Vec<Value>) -> (Vec<Value>, Value) {
    let mut signers = Map::new();
    let x = base64url::encode(app.credential_key.public().bytes());
    let key = credential_key_id(app);
    let stated_by = object!({ "kty": "OKP", "crv": "Ed25519", "x": x, "kid": key.as_str() });
    for (chain, settler, tokens) in app.evm.iter().flat_map(evm::Facilitator::served) {
        let assets: Vec<Value> = tokens
            .iter()
            .map(|token| {
                object!({
                    "asset": token.domain.token.to_string(),
                    "name": token.domain.name,
                    "version": token.domain.version,
                    "decimals": token.decimals,
                })
            })
            .collect();
        kinds.push(object!({
            "x402Version": VERSION,
            "scheme": "exact",
            "network": chain.to_string(),
            "extra": { "assetTransferMethod": "eip3009", "assets": assets, "settlementKey": stated_by },
        }));
        signers.insert(chain.to_string(), object!([settler.to_string()]));
    }
    (kinds, Value::Object(signers))
}

/// Says whether a payment on a chain counts; none where no chain is asked about.
pub(super) async fn verify(app: &App, call: &Call) -> Option<Response> {
    let facilitator = app.evm.as_ref().filter(|_| is_asked(&call.body))?;
    let (payer, verified) = match Ask::read(&call.body) {
        Ok(ask) => {
            let verified = facilitator.verify(&ask, now(app)).await;
            (Some(ask.authorization.from.to_string()), verified.map_err(|refused| refused.reason))
        }
        Err(reason) => (None, Err(reason)),
    };
    let said = match verified {
        Ok(()) => object!({ "isValid": true, "payer": payer }),
        Err(reason) => object!({
            "isValid": false,
            "invalidReason": reason.as_str(),
            "invalidMessage": reason.words(),
            "payer": payer,
        }),
    };
    Some(json(StatusCode::OK, &said))
}

/// Settles a payment on a chain; none where no chain is asked about.
pub(super) async fn settle(app: &App, call: &Call) -> Option<Response> {
    let facilitator = app.evm.as_ref().filter(|_| is_asked(&call.body))?;
    let ask = match Ask::read(&call.body) {
        Ok(ask) => ask,
        Err(reason) => return Some(json(StatusCode::OK, &not_settled(reason))),
    };
    let sign = |statement: &str| sign(app, statement);
    let (network, payer) = (ask.requirements.domain.chain.to_string(), ask.authorization.from.to_string());
    let said = match facilitator.settle(&ask, now(app), &sign).await {
        Ok(settlement) => {
            let evidence = &settlement.evidence;
            let evidence = object!({
                "statement": evidence.statement,
                "key": evidence.key,
                "signature": evidence.signature,
            });
            object!({
                "success": true,
                "transaction": format!("0x{}", hex(&settlement.transaction)),
                "network": network,
                "payer": payer,
                "amount": ask.authorization.value.to_string(),
                "extensions": { "toll-settlement": evidence },
            })
        }
        Err(refused) => {
            let mut said = not_settled(refused.reason);
            let transaction = refused.transaction.map(|hash| format!("0x{}", hex(&hash)));
            said["transaction"] = transaction.unwrap_or_default().into();
            said["network"] = network.into();
            said["payer"] = payer.into();
            said
        }
    };
    Some(json(StatusCode::OK, &said))
}

fn not_settled(reason: Reason) -> Value {
    object!({
        "success": false,
        "errorReason": reason.as_str(),
        "errorMessage": reason.words(),
        "transaction": "",
        "network": "",
    })
}

/// Chains have the time of the world, also where a test book's is ahead.
fn now(app: &App) -> u64 {
    app.wall_clock().0 / 1_000_000_000
}
