//! The binding of JSON-RPC: one address, and the method in the body.

use super::{Answer, asker, body_of, call, is_json, said, stream, with_extensions};
use crate::agent::Agent;
use axum::extract::{Request, State};
use axum::response::Response;
use http::Method;
use protocols::a2a::Fault;
use protocols::a2a::call::{Asked, Call};
use serde_json::{Value, json};

const KIND: &str = "application/json";

pub(super) async fn answer(State(agent): State<Agent>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let refuse =
        |status: u16, why: &str| said(status, KIND, &Fault::Request(why.to_owned()).to_rpc(&Value::Null));
    if parts.method != Method::POST {
        return refuse(405, "JSON-RPC is asked by POST");
    }
    if !is_json(&parts.headers, &[KIND]) {
        return refuse(415, "a body of JSON-RPC is `application/json`");
    }
    let body = match body_of(body).await {
        Ok(body) => body,
        Err(fault) => return said(413, KIND, &fault.to_rpc(&Value::Null)),
    };
    let Asked { id, call: asked } = Call::read_rpc(&body);
    let done = match (asker(&parts), asked) {
        (Ok(asker), Ok(asked)) => call(&agent.0.desk, asker, asked).await,
        // What is no request has no version either.
        (_, Err(fault @ (Fault::Parse | Fault::Request(_)))) | (Ok(_), Err(fault)) | (Err(fault), _) => {
            Err(fault)
        }
    };
    let answer = match done {
        Ok(Answer::Value(result)) => {
            said(200, KIND, &json!({ "jsonrpc": "2.0", "id": id, "result": result }))
        }
        Ok(Answer::Stream(following, end)) => stream::answer(following, end, move |event| {
            json!({ "jsonrpc": "2.0", "id": id, "result": event.to_json() }).to_string()
        }),
        // JSON-RPC says no in its body; only who asks, and whether there is room, is also HTTP's to say.
        Err(fault @ (Fault::Unauthenticated | Fault::Busy)) => {
            said(fault.http_code().0, KIND, &fault.to_rpc(&id))
        }
        Err(fault) => said(200, KIND, &fault.to_rpc(&id)),
    };
    with_extensions(&parts.headers, answer)
}
