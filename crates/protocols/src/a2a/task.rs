//! A task: what came of a message, where it stands, and each step of it as an event.

use super::fields::{Fields, Violation, put, put_list, put_members};
use super::message::{Message, Part};
use crate::limits::{
    A2A_ARTIFACTS_MAX, A2A_HISTORY_MAX, A2A_ID_BYTES_MAX, A2A_PARTS_MAX, A2A_TEXT_BYTES_MAX,
};
use crate::rfc3339;
use book::Time;
use serde_json::{Map, Value, json};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It was taken.
    Submitted,
    /// It is being done.
    Working,
    /// Done.
    Completed,
    /// Tried, and not done.
    Failed,
    /// Given up by whoever wanted it.
    Canceled,
    /// It waits for something from whoever wanted it, such as money.
    InputRequired,
    /// The agent does not do it.
    Rejected,
    /// It waits until somebody shows who they are.
    AuthRequired,
}

/// Where a task stands, since when, and what the agent says to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    pub state: State,
    pub message: Option<Message>,
    pub timestamp: Option<Time>,
}

/// Something that a task made.
#[derive(Clone, Debug, PartialEq)]
pub struct Artifact {
    pub artifact_id: String,
    pub name: Option<String>,
    pub description: Option<String>,
    pub parts: Vec<Part>,
    pub metadata: Map<String, Value>,
}

/// A task.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub id: String,
    pub context_id: String,
    pub status: Status,
    pub artifacts: Vec<Artifact>,
    /// What was said, the oldest first.
    pub history: Vec<Message>,
    pub metadata: Map<String, Value>,
}

/// A step of a task, as it is streamed.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// The whole task: how every stream begins.
    Task(Task),
    /// It stands somewhere else.
    Status { task_id: String, context_id: String, status: Status },
    /// It made something, all at once.
    Artifact { task_id: String, context_id: String, artifact: Artifact },
}

impl State {
    /// Every state.
    pub const ALL: [State; 8] = [
        State::Submitted,
        State::Working,
        State::Completed,
        State::Failed,
        State::Canceled,
        State::InputRequired,
        State::Rejected,
        State::AuthRequired,
    ];

    /// Its name in A2A.
    pub fn as_str(self) -> &'static str {
        match self {
            State::Submitted => "TASK_STATE_SUBMITTED",
            State::Working => "TASK_STATE_WORKING",
            State::Completed => "TASK_STATE_COMPLETED",
            State::Failed => "TASK_STATE_FAILED",
            State::Canceled => "TASK_STATE_CANCELED",
            State::InputRequired => "TASK_STATE_INPUT_REQUIRED",
            State::Rejected => "TASK_STATE_REJECTED",
            State::AuthRequired => "TASK_STATE_AUTH_REQUIRED",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<State> {
        State::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        match self {
            State::Completed | State::Failed | State::Canceled | State::Rejected => true,
            State::Submitted | State::Working | State::InputRequired | State::AuthRequired => false,
        }
    }

    /// Whether whoever wanted it is to say something.
    pub fn is_waiting(self) -> bool {
        matches!(self, State::InputRequired | State::AuthRequired)
    }
}

impl Status {
    pub(super) fn read(path: String, value: Value) -> Result<Status, Violation> {
        let mut fields = Fields::open(path, value)?;
        let state = fields.needed("state")?;
        let state = state.as_str().and_then(State::parse);
        let state = state.ok_or_else(|| fields.wrong("state", "is no state of a task"))?;
        let message = fields.take("message");
        let message = message.map(|message| Message::read(fields.at("message"), message)).transpose()?;
        let timestamp = match fields.text("timestamp", A2A_ID_BYTES_MAX)? {
            Some(text) => {
                Some(read_time(&text).ok_or_else(|| fields.wrong("timestamp", "is no time in UTC"))?)
            }
            None => None,
        };
        Ok(Status { state, message, timestamp })
    }

    /// The status as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("state".to_owned(), self.state.as_str().into());
        put(&mut members, "message", self.message.as_ref().map(Message::to_json));
        put(&mut members, "timestamp", self.timestamp.map(rfc3339::format_millis));
        Value::Object(members)
    }
}

impl Artifact {
    fn read(path: String, value: Value) -> Result<Artifact, Violation> {
        let mut fields = Fields::open(path, value)?;
        Ok(Artifact {
            artifact_id: fields.needed_text("artifactId", A2A_ID_BYTES_MAX)?,
            name: fields.text("name", A2A_TEXT_BYTES_MAX)?,
            description: fields.text("description", A2A_TEXT_BYTES_MAX)?,
            parts: fields.each("parts", A2A_PARTS_MAX, Part::read)?,
            metadata: fields.members("metadata")?,
        })
    }

    /// The artifact as JSON.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("artifactId".to_owned(), self.artifact_id.as_str().into());
        put(&mut members, "name", self.name.as_deref());
        put(&mut members, "description", self.description.as_deref());
        members.insert("parts".to_owned(), self.parts.iter().map(Part::to_json).collect());
        put_members(&mut members, "metadata", &self.metadata);
        Value::Object(members)
    }
}

impl Task {
    /// Reads a task.
    ///
    /// # Errors
    /// [`Violation`], which names the member.
    pub fn read(value: Value) -> Result<Task, Violation> {
        let mut fields = Fields::open("task", value)?;
        let status = fields.needed("status")?;
        Ok(Task {
            id: fields.needed_text("id", A2A_ID_BYTES_MAX)?,
            context_id: fields.text("contextId", A2A_ID_BYTES_MAX)?.unwrap_or_default(),
            status: Status::read(fields.at("status"), status)?,
            artifacts: fields.each("artifacts", A2A_ARTIFACTS_MAX, Artifact::read)?,
            history: fields.each("history", A2A_HISTORY_MAX, Message::read)?,
            metadata: fields.members("metadata")?,
        })
    }

    /// The task as JSON, whole.
    pub fn to_json(&self) -> Value {
        let mut members = Map::new();
        members.insert("id".to_owned(), self.id.as_str().into());
        put(&mut members, "contextId", (!self.context_id.is_empty()).then_some(self.context_id.as_str()));
        members.insert("status".to_owned(), self.status.to_json());
        put_list(&mut members, "artifacts", self.artifacts.iter().map(Artifact::to_json).collect());
        put_list(&mut members, "history", self.history.iter().map(Message::to_json).collect());
        put_members(&mut members, "metadata", &self.metadata);
        Value::Object(members)
    }

    /// The same with the newest so many messages of its history.
    pub fn with_history(mut self, length: Option<u32>) -> Task {
        if let Some(length) = length {
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            self.history.drain(..self.history.len().saturating_sub(length));
        }
        self
    }
}

impl Event {
    /// The event as a stream of A2A has it.
    pub fn to_json(&self) -> Value {
        match self {
            Event::Task(task) => json!({ "task": task.to_json() }),
            Event::Status { task_id, context_id, status } => json!({
                "statusUpdate": { "taskId": task_id, "contextId": context_id, "status": status.to_json() },
            }),
            Event::Artifact { task_id, context_id, artifact } => json!({
                "artifactUpdate": {
                    "taskId": task_id, "contextId": context_id, "artifact": artifact.to_json(), "lastChunk": true,
                },
            }),
        }
    }
}

/// Reads a time that is in UTC, and says so.
pub(super) fn read_time(text: &str) -> Option<Time> {
    rfc3339::parse(text).filter(|_| text.ends_with('Z'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_read_as_it_was_written() {
        let message = json!({ "messageId": "m", "role": "ROLE_AGENT", "parts": [{ "text": "a" }] });
        let text = json!({
            "id": "t", "contextId": "c",
            "status": { "state": "TASK_STATE_INPUT_REQUIRED", "message": message, "timestamp": "2026-11-23T10:00:00.125Z" },
            "artifacts": [{ "artifactId": "a", "name": "n", "parts": [{ "data": { "x": 1 } }], "metadata": { "k": 1 } }],
            "history": [message, message],
            "metadata": { "k": "v" },
        });
        let task = Task::read(text.clone()).unwrap();
        assert_eq!(task.to_json(), text);
        for (length, left) in [(None, 2), (Some(0), 0), (Some(1), 1), (Some(2), 2), (Some(u32::MAX), 2)] {
            assert_eq!(task.clone().with_history(length).history.len(), left, "{length:?}");
        }
        for (pointer, value) in [
            ("/status/state", json!("completed")),
            ("/status/state", json!("TASK_STATE_UNSPECIFIED")),
            ("/status/timestamp", json!("2026-11-23T10:00:00+01:00")),
            ("/id", json!("")),
            ("/artifacts", json!([{}])),
        ] {
            let mut bad = text.clone();
            *bad.pointer_mut(pointer).unwrap() = value;
            assert!(Task::read(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_state_has_one_name_and_ends_waits_or_goes_on() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(state));
            assert!(!(state.is_over() && state.is_waiting()), "{state:?}");
        }
        assert_eq!(State::ALL.into_iter().filter(|state| state.is_over()).count(), 4);
    }
}
