//! The suite's questions: what a server of 2026-07-28 asks for before it answers, with the product's seal on what it lets carry.

use crate::fixtures::{made, whole};
use mcp::state::{is_sealed, sealed};
use rmcp::RoleServer;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, InputRequiredResult, InputResponses,
};
use rmcp::service::RequestContext;
use serde_json::{Map, Value, json};

/// Asks for a text.
fn form(message: &str, member: &str, kind: &str) -> Value {
    let wanted = json!({"type": "object", "properties": {member: {"type": kind}}, "required": [member]});
    json!({
        "method": "elicitation/create",
        "params": {"mode": "form", "message": message, "requestedSchema": wanted},
    })
}

fn sample(prompt: &str, most: u32) -> Value {
    let message = json!({"role": "user", "content": {"type": "text", "text": prompt}});
    json!({"method": "sampling/createMessage", "params": {"messages": [message], "maxTokens": most}})
}

fn roots() -> Value {
    json!({"method": "roots/list", "params": {}})
}

fn asked(requests: Value, state: Option<String>) -> Result<InputRequiredResult, ErrorData> {
    let mut asked = Map::new();
    asked.insert("resultType".to_owned(), json!("input_required"));
    asked.insert("inputRequests".to_owned(), requests);
    asked.extend(state.map(|state| ("requestState".to_owned(), json!(state))));
    made(Value::Object(asked))
}

fn done(text: &str) -> Result<CallToolResponse, ErrorData> {
    whole::<CallToolResult>(json!({"content": [{"type": "text", "text": text}]})).map(Into::into)
}

/// What the client answered to one question, if it is an answer to that.
fn answer<'a>(responses: Option<&'a InputResponses>, name: &str, member: &str) -> Option<&'a Value> {
    let response = responses?.get(name)?;
    match member {
        "" => Some(response),
        member => response.get("content")?.get(member),
    }
}

/// One of the tools that ask.
pub(crate) fn tool(
    request: &CallToolRequestParams,
    context: &RequestContext<RoleServer>,
) -> Result<CallToolResponse, ErrorData> {
    let name = request.name.as_ref();
    let responses = request.input_responses.as_ref();
    let tampered = || ErrorData::invalid_params("`requestState` is not of this call", None);
    // A state is looked at before anything else, whoever is asked.
    let round = match &request.request_state {
        None => 0,
        Some(state) if is_sealed(state, &format!("{name} 1")) => 1,
        Some(state) if is_sealed(state, &format!("{name} 2")) => 2,
        Some(_) => return Err(tampered()),
    };
    let state = |round: u8| Some(sealed(&format!("{name} {round}")));
    let again = match name {
        "test_input_required_result_elicitation" => {
            if let Some(Value::String(user)) = answer(responses, "user_name", "name") {
                return done(&format!("Hello, {user}!"));
            }
            asked(json!({"user_name": form("What is your name?", "name", "string")}), None)
        }
        "test_streaming_elicitation" => {
            asked(json!({"value": form("Provide a value", "value", "string")}), None)
        }
        "test_input_required_result_sampling" => {
            if let Some(said) = answer(responses, "capital_question", "") {
                let text = said.pointer("/content/text").and_then(Value::as_str);
                return done(text.unwrap_or("nothing was said"));
            }
            asked(json!({"capital_question": sample("What is the capital of France?", 100)}), None)
        }
        "test_input_required_result_list_roots" => {
            if let Some(Value::Array(roots)) =
                answer(responses, "client_roots", "").and_then(|it| it.get("roots"))
            {
                return done(&format!("{} roots: {}", roots.len(), json!(roots)));
            }
            asked(json!({"client_roots": roots()}), None)
        }
        "test_input_required_result_request_state" | "test_input_required_result_tampered_state" => {
            if round == 1 && answer(responses, "confirm", "").is_some() {
                return done("state-ok");
            }
            asked(json!({"confirm": form("Please confirm", "ok", "boolean")}), state(1))
        }
        "test_input_required_result_multiple_inputs" => {
            let all = ["user_name", "greeting", "client_roots"];
            if round == 1 && all.iter().all(|name| answer(responses, name, "").is_some()) {
                return done("All of it came.");
            }
            let requests = json!({
                "user_name": form("What is your name?", "name", "string"),
                "greeting": sample("Generate a greeting", 50),
                "client_roots": roots(),
            });
            asked(requests, state(1))
        }
        "test_input_required_result_multi_round" => match round {
            2 if answer(responses, "step2", "").is_some() => return done("Both steps are done."),
            1 if answer(responses, "step1", "").is_some() => asked(
                json!({"step2": form("Step 2: What is your favorite color?", "color", "string")}),
                state(2),
            ),
            _ => asked(json!({"step1": form("Step 1: What is your name?", "name", "string")}), state(1)),
        },
        "test_input_required_result_capabilities" => {
            let client = context.client_capabilities().unwrap_or_default();
            let can = [
                (client.elicitation.is_some(), "ask", form("What is your name?", "name", "string")),
                (client.sampling.is_some(), "sample", sample("Generate a greeting", 50)),
                (client.roots.is_some(), "roots", roots()),
            ];
            let requests: Map<String, Value> = can
                .into_iter()
                .filter(|(can, name, _)| *can && answer(responses, name, "").is_none())
                .map(|(_, name, request)| (name.to_owned(), request))
                .collect();
            if requests.is_empty() {
                return done("Nothing else can be asked.");
            }
            asked(Value::Object(requests), None)
        }
        _ => return Err(ErrorData::invalid_params("there is no such tool", None)),
    };
    again.map(Into::into)
}

/// The prompt that asks.
pub(crate) fn prompt(request: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    if let Some(Value::String(context)) = answer(request.input_responses.as_ref(), "user_context", "context")
    {
        let text = json!({"type": "text", "text": format!("Use this context: {context}")});
        return whole::<GetPromptResult>(json!({"messages": [{"role": "user", "content": text}]}))
            .map(Into::into);
    }
    let request = form("What context should the prompt use?", "context", "string");
    asked(json!({"user_context": request}), None).map(Into::into)
}
