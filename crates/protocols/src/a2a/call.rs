//! What can be asked of an agent, the same in both bindings.

use super::fault::Fault;
use super::fields::{Fields, Violation};
use super::message::{Message, Role};
use super::task::{State, read_time};
use crate::json;
use crate::limits::{
    A2A_DEPTH_MAX, A2A_EXTENSIONS_MAX, A2A_ID_BYTES_MAX, A2A_NAME_BYTES_MAX, A2A_PAGE_DEFAULT, A2A_PAGE_MAX,
    A2A_REQUEST_BYTES_MAX,
};
use book::Time;
use serde_json::{Map, Value};

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A message, answered with its task.
    SendMessage(Box<Send>),
    /// A message, answered with what becomes of its task.
    SendStreamingMessage(Box<Send>),
    /// A task, as it stands.
    GetTask { id: String, history_length: Option<u32> },
    /// The tasks of whoever asks.
    ListTasks(Listing),
    /// A task is no longer wanted.
    CancelTask { id: String },
    /// What becomes of a task from now on.
    SubscribeToTask { id: String },
    /// Any of the four about being told at an address.
    PushNotifications,
    /// The card for those the agent knows.
    GetExtendedAgentCard,
}

/// A message, and how its answer is wanted.
#[derive(Clone, Debug, PartialEq)]
pub struct Send {
    pub message: Message,
    pub wait: Wait,
    pub history_length: Option<u32>,
    pub accepted_output_modes: Vec<String>,
}

/// Until when an answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// Until the task is over, or waits itself.
    UntilDone,
    /// Not at all.
    No,
}

/// Which tasks, and how many of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    pub context_id: Option<String>,
    pub state: Option<State>,
    pub page_size: u32,
    pub page_token: Option<String>,
    pub history_length: Option<u32>,
    /// Only those that changed then or later.
    pub changed_after: Option<Time>,
    pub artifacts: Artifacts,
}

/// Whether a list shows what tasks made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Artifacts {
    Shown,
    LeftOut,
}

/// A call by JSON-RPC, and the id under which it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Asked {
    pub id: Value,
    pub call: Result<Call, Fault>,
}

impl Call {
    /// Reads a body of JSON-RPC.
    pub fn read_rpc(body: &[u8]) -> Asked {
        let refuse = |id, fault| Asked { id, call: Err(fault) };
        let value = match parse(body) {
            Ok(value) => value,
            Err(fault) => return refuse(Value::Null, fault),
        };
        let wrong = |why: &str| Fault::Request(why.to_owned());
        let Value::Object(mut members) = value else {
            return refuse(Value::Null, wrong("it is one request, as an object"));
        };
        let id = match members.remove("id") {
            Some(id @ Value::String(_)) => id,
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => Value::Number(number),
            Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_))
            | None => {
                return refuse(Value::Null, wrong("`id` is a text or an integer"));
            }
        };
        if members.remove("jsonrpc").as_ref().and_then(Value::as_str) != Some("2.0") {
            return refuse(id, wrong("`jsonrpc` is `2.0`"));
        }
        let Some(Value::String(method)) = members.remove("method") else {
            return refuse(id, wrong("`method` is a text"));
        };
        let params = members.remove("params").unwrap_or_else(|| Value::Object(Map::new()));
        Asked { id, call: Call::of(&method, params) }
    }

    /// Reads the parameters of a method.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn of(method: &str, params: Value) -> Result<Call, Fault> {
        let push = |name: &str| {
            ["Create", "Get", "List", "Delete"].iter().any(|verb| {
                let rest = name.strip_prefix(verb);
                rest.is_some_and(|rest| {
                    matches!(rest, "TaskPushNotificationConfig" | "TaskPushNotificationConfigs")
                })
            })
        };
        let known =
            ["SendMessage", "SendStreamingMessage", "GetTask", "ListTasks", "CancelTask", "SubscribeToTask"];
        if push(method) {
            return Ok(Call::PushNotifications);
        }
        if method == "GetExtendedAgentCard" {
            return Ok(Call::GetExtendedAgentCard);
        }
        if !known.contains(&method) {
            return Err(Fault::Method);
        }
        let mut fields =
            Fields::open("", params).map_err(|_| Violation::new("params", "is not an object"))?;
        if fields.text("tenant", A2A_NAME_BYTES_MAX)?.is_some() {
            return Err(fields.wrong("tenant", "names a tenant, and there are none").into());
        }
        let id = |fields: &mut Fields| fields.needed_text("id", A2A_ID_BYTES_MAX);
        Ok(match method {
            "SendMessage" => Call::SendMessage(Box::new(Send::read(fields)?)),
            "SendStreamingMessage" => Call::SendStreamingMessage(Box::new(Send::read(fields)?)),
            "GetTask" => {
                Call::GetTask { id: id(&mut fields)?, history_length: fields.count("historyLength")? }
            }
            "ListTasks" => Call::ListTasks(Listing::read(fields)?),
            "CancelTask" => Call::CancelTask { id: id(&mut fields)? },
            _ => Call::SubscribeToTask { id: id(&mut fields)? },
        })
    }
}

impl Send {
    fn read(mut fields: Fields) -> Result<Send, Fault> {
        let message = Message::read("message", fields.needed("message")?)?;
        if message.role != Role::User {
            return Err(Violation::new("message.role", "is not `ROLE_USER`: who calls is the user").into());
        }
        let mut configuration = Fields::open(
            "configuration",
            fields.take("configuration").unwrap_or_else(|| Value::Object(Map::new())),
        )?;
        if configuration.take("taskPushNotificationConfig").is_some() {
            return Err(Fault::PushNotificationNotSupported);
        }
        let wait = match configuration.flag("returnImmediately")? {
            Some(true) => Wait::No,
            Some(false) | None => Wait::UntilDone,
        };
        Ok(Send {
            message,
            wait,
            history_length: configuration.count("historyLength")?,
            accepted_output_modes: configuration
                .texts("acceptedOutputModes", (A2A_EXTENSIONS_MAX, A2A_NAME_BYTES_MAX))?,
        })
    }
}

impl Listing {
    fn read(mut fields: Fields) -> Result<Listing, Violation> {
        let state = match fields.text("status", A2A_NAME_BYTES_MAX)? {
            None => None,
            Some(name) if name == "TASK_STATE_UNSPECIFIED" => None,
            Some(name) => {
                Some(State::parse(&name).ok_or_else(|| fields.wrong("status", "is no state of a task"))?)
            }
        };
        let page_size = fields.count("pageSize")?.unwrap_or(A2A_PAGE_DEFAULT);
        if !(1..=A2A_PAGE_MAX).contains(&page_size) {
            return Err(fields.wrong("pageSize", format!("is not from 1 to {A2A_PAGE_MAX}")));
        }
        let changed_after = match fields.text("statusTimestampAfter", A2A_ID_BYTES_MAX)? {
            Some(text) => Some(
                read_time(&text).ok_or_else(|| fields.wrong("statusTimestampAfter", "is no time in UTC"))?,
            ),
            None => None,
        };
        Ok(Listing {
            context_id: fields.text("contextId", A2A_ID_BYTES_MAX)?,
            state,
            page_size,
            page_token: fields.text("pageToken", A2A_ID_BYTES_MAX)?,
            history_length: fields.count("historyLength")?,
            changed_after,
            artifacts: match fields.flag("includeArtifacts")? {
                Some(true) => Artifacts::Shown,
                Some(false) | None => Artifacts::LeftOut,
            },
        })
    }
}

/// Reads a body as JSON of one meaning that is not too long and not too deep.
///
/// # Errors
/// [`Fault::Parse`] and [`Fault::Request`].
pub fn parse(body: &[u8]) -> Result<Value, Fault> {
    if A2A_REQUEST_BYTES_MAX < body.len() {
        return Err(Fault::Request(format!("it is longer than {A2A_REQUEST_BYTES_MAX} bytes")));
    }
    let value = json::parse(body).map_err(|_| Fault::Parse)?;
    if A2A_DEPTH_MAX < depth(&value) {
        return Err(Fault::Request(format!("it is nested deeper than {A2A_DEPTH_MAX}")));
    }
    Ok(value)
}

/// How deep a value is nested. What was parsed is never deeper than JSON may be.
fn depth(value: &Value) -> usize {
    let inner = match value {
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => return 0,
        Value::Array(list) => list.iter().map(depth).max(),
        Value::Object(members) => members.values().map(depth).max(),
    };
    inner.unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rpc(value: &Value) -> Asked {
        Call::read_rpc(value.to_string().as_bytes())
    }

    fn ask(method: &str, params: Value) -> Result<Call, Fault> {
        rpc(&json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params })).call
    }

    #[test]
    fn what_is_no_request_is_answered_by_its_code_and_its_id() {
        let deep = format!("{}1{}", "[".repeat(70), "]".repeat(70));
        let with =
            |inner: &str| format!(r#"{{"jsonrpc":"2.0","id":"a","method":"GetTask","params":{inner}}}"#);
        for (text, id, code) in [
            ("".to_owned(), Value::Null, -32700),
            ("{".to_owned(), Value::Null, -32700),
            (r#"{"id":1,"id":2}"#.to_owned(), Value::Null, -32700),
            ("[".repeat(100_000), Value::Null, -32700),
            ("[]".to_owned(), Value::Null, -32600),
            ("7".to_owned(), Value::Null, -32600),
            ("{}".to_owned(), Value::Null, -32600),
            (r#"{"jsonrpc":"2.0","id":null,"method":"GetTask"}"#.to_owned(), Value::Null, -32600),
            (r#"{"jsonrpc":"2.0","id":1.5,"method":"GetTask"}"#.to_owned(), Value::Null, -32600),
            (r#"{"jsonrpc":"1.0","id":7,"method":"GetTask"}"#.to_owned(), json!(7), -32600),
            (r#"{"jsonrpc":"2.0","id":7}"#.to_owned(), json!(7), -32600),
            (r#"{"jsonrpc":"2.0","id":7,"method":"message/send"}"#.to_owned(), json!(7), -32601),
            (with("[]"), json!("a"), -32602),
            (with("{}"), json!("a"), -32602),
            (with(&format!(r#"{{"id":"t","x":{deep}}}"#)), Value::Null, -32600),
            (with(&format!(r#"{{"id":"{}"}}"#, "a".repeat(A2A_REQUEST_BYTES_MAX))), Value::Null, -32600),
            (with(r#"{"id":"t","tenant":"x"}"#), json!("a"), -32602),
            (with(r#"{"id":"t","historyLength":-1}"#), json!("a"), -32602),
        ] {
            let asked = Call::read_rpc(text.as_bytes());
            let found = asked.call.map_err(|fault| fault.rpc_code());
            let shown = text.get(..80).unwrap_or(&text);
            assert_eq!((found, asked.id), (Err(code), id), "{shown}");
        }
    }

    #[test]
    fn every_method_is_read() {
        let message = json!({ "messageId": "m", "role": "ROLE_USER", "parts": [{ "text": "a" }] });
        let send = |configuration: Value| {
            ask("SendMessage", json!({ "message": message, "configuration": configuration }))
        };
        let Ok(Call::SendMessage(sent)) = send(json!({ "returnImmediately": true, "historyLength": "3" }))
        else {
            panic!("it is read");
        };
        assert_eq!((sent.wait, sent.history_length), (Wait::No, Some(3)));
        assert_eq!(
            send(json!({ "taskPushNotificationConfig": {} })),
            Err(Fault::PushNotificationNotSupported)
        );
        assert!(matches!(send(Value::Null), Ok(Call::SendMessage(sent)) if sent.wait == Wait::UntilDone));
        let mut of_agent = message.clone();
        of_agent["role"] = json!("ROLE_AGENT");
        assert!(matches!(ask("SendMessage", json!({ "message": of_agent })), Err(Fault::Params(_))));
        assert!(matches!(
            ask("SendStreamingMessage", json!({ "message": message })),
            Ok(Call::SendStreamingMessage(_))
        ));
        for method in [
            "CreateTaskPushNotificationConfig",
            "GetTaskPushNotificationConfig",
            "ListTaskPushNotificationConfigs",
            "DeleteTaskPushNotificationConfig",
        ] {
            assert_eq!(ask(method, json!({})), Ok(Call::PushNotifications), "{method}");
        }
        assert_eq!(ask("GetExtendedAgentCard", json!({})), Ok(Call::GetExtendedAgentCard));
        let id = || "t".to_owned();
        assert_eq!(
            ask("GetTask", json!({ "id": "t" })),
            Ok(Call::GetTask { id: id(), history_length: None })
        );
        assert_eq!(ask("CancelTask", json!({ "id": "t" })), Ok(Call::CancelTask { id: id() }));
        assert_eq!(ask("SubscribeToTask", json!({ "id": "t" })), Ok(Call::SubscribeToTask { id: id() }));
    }

    #[test]
    fn a_list_has_pages_of_one_to_a_hundred() {
        let list = |params| match ask("ListTasks", params) {
            Ok(Call::ListTasks(listing)) => Ok(listing),
            Ok(other) => panic!("{other:?}"),
            Err(fault) => Err(fault.rpc_code()),
        };
        let all = list(json!({})).unwrap();
        assert_eq!((all.page_size, all.state, all.artifacts), (50, None, Artifacts::LeftOut));
        let some = list(json!({
            "status": "TASK_STATE_WORKING", "pageSize": 100, "includeArtifacts": true,
            "statusTimestampAfter": "1970-01-01T00:00:01Z",
        }));
        let some = some.unwrap();
        assert_eq!((some.state, some.artifacts), (Some(State::Working), Artifacts::Shown));
        assert_eq!(some.changed_after, Some(Time::from_seconds(1)));
        for bad in [
            json!({ "pageSize": 0 }),
            json!({ "pageSize": 101 }),
            json!({ "pageSize": -1 }),
            json!({ "pageSize": 1.5 }),
            json!({ "status": "WORKING" }),
            json!({ "statusTimestampAfter": "yesterday" }),
            json!({ "includeArtifacts": "yes" }),
        ] {
            assert_eq!(list(bad.clone()), Err(-32602), "{bad}");
        }
    }
}
