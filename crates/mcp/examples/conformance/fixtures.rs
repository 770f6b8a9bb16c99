//! The suite's tools, prompts and resources.

// The suite still asks for what 2026-07-28 deprecates: samples and logs.
#![allow(deprecated)]

use crate::rounds;
use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ClientCapabilities, CompleteRequestParams,
    CompleteResult, CreateMessageRequestParams, ElicitRequestParams, ErrorData, GetPromptRequestParams,
    GetPromptResponse, GetPromptResult, Implementation, ListPromptsResult, ListResourceTemplatesResult,
    ListResourcesResult, ListToolsResult, LoggingLevel, LoggingMessageNotificationParam,
    PaginatedRequestParams, ProgressNotificationParam, ReadResourceRequestParams, ReadResourceResponse,
    ReadResourceResult, ServerCapabilities, ServerConfig, SetLevelRequestParams, SubscribeRequestParams,
    SubscriptionFilter, UnsubscribeRequestParams,
};
use rmcp::service::{RequestContext, SubscriptionContext, SubscriptionSink};
use rmcp::{RoleServer, ServerHandler};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// One red pixel.
const PIXEL: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==";

/// A sound of no length.
const SILENCE: &str = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAEAfAAABAAgAZGF0YQAAAAA=";

/// What the suite calls.
#[derive(Clone, Default)]
pub(crate) struct Fixtures {
    listeners: Arc<Mutex<Vec<SubscriptionSink>>>,
}

impl Fixtures {
    fn listeners(&self) -> Vec<SubscriptionSink> {
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What is written as JSON here, as the type it is.
pub(crate) fn made<T: DeserializeOwned>(value: Value) -> Result<T, ErrorData> {
    serde_json::from_value(value).map_err(|fault| ErrorData::internal_error(fault.to_string(), None))
}

/// The same for a result, which says that it is whole.
pub(crate) fn whole<T: DeserializeOwned>(mut value: Value) -> Result<T, ErrorData> {
    value["resultType"] = json!("complete");
    made(value)
}

fn said(text: &str) -> Result<CallToolResult, ErrorData> {
    whole(json!({"content": [{"type": "text", "text": text}]}))
}

fn embedded(uri: &str, media_type: &str, text: &str) -> Value {
    json!({"type": "resource", "resource": {"uri": uri, "mimeType": media_type, "text": text}})
}

/// Every tool that the suite calls, with the one argument that some take.
const TOOLS: &[(&str, Option<&str>)] = &[
    ("test_simple_text", None),
    ("test_image_content", None),
    ("test_audio_content", None),
    ("test_embedded_resource", None),
    ("test_multiple_content_types", None),
    ("test_tool_with_logging", None),
    ("test_error_handling", None),
    ("test_tool_with_progress", None),
    ("test_sampling", Some("prompt")),
    ("test_elicitation", Some("message")),
    ("test_elicitation_sep1034_defaults", None),
    ("test_elicitation_sep1330_enums", None),
    ("test_missing_capability", None),
    ("test_streaming_elicitation", None),
    ("test_logging_tool", None),
    ("test_trigger_tool_change", None),
    ("test_trigger_prompt_change", None),
    ("test_input_required_result_elicitation", None),
    ("test_input_required_result_sampling", None),
    ("test_input_required_result_list_roots", None),
    ("test_input_required_result_request_state", None),
    ("test_input_required_result_multiple_inputs", None),
    ("test_input_required_result_multi_round", None),
    ("test_input_required_result_tampered_state", None),
    ("test_input_required_result_capabilities", None),
];

impl ServerHandler for Fixtures {
    fn get_info(&self) -> ServerConfig {
        let can = json!({
            "tools": {"listChanged": true}, "prompts": {"listChanged": true}, "completions": {}, "logging": {},
            "resources": {"subscribe": true, "listChanged": true},
        });
        let can: ServerCapabilities = made(can).expect("capabilities");
        ServerConfig::new(can).with_server_info(Implementation::new("tollbridge-conformance", "1"))
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        let tool = |(name, argument): &(&str, Option<&str>)| {
            let mut takes = json!({"type": "object", "properties": {}});
            if let Some(argument) = argument {
                takes["properties"][argument] = json!({"type": "string"});
                takes["required"] = json!([argument]);
            }
            json!({"name": name, "description": format!("What the suite calls {name}."), "inputSchema": takes})
        };
        whole(
            json!({"tools": TOOLS.iter().map(tool).collect::<Vec<_>>(), "ttlMs": 60_000, "cacheScope": "private"}),
        )
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let argument = |name: &str| -> Result<String, ErrorData> {
            let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name)?.as_str());
            value
                .map(str::to_owned)
                .ok_or_else(|| ErrorData::invalid_params(format!("`{name}` is missing"), None))
        };
        let image = json!({"type": "image", "data": PIXEL, "mimeType": "image/png"});
        let result = match request.name.as_ref() {
            "test_simple_text" => said("This is a simple text response for testing."),
            "test_image_content" => whole(json!({"content": [image]})),
            "test_audio_content" => {
                whole(json!({"content": [{"type": "audio", "data": SILENCE, "mimeType": "audio/wav"}]}))
            }
            "test_embedded_resource" => {
                let text = "This is an embedded resource content.";
                whole(json!({"content": [embedded("test://embedded-resource", "text/plain", text)]}))
            }
            "test_multiple_content_types" => {
                let text = json!({"type": "text", "text": "Multiple content types test:"});
                let data = r#"{"test":"data","value":123}"#;
                let data = embedded("test://mixed-content-resource", "application/json", data);
                whole(json!({"content": [text, image, data]}))
            }
            "test_error_handling" => whole(json!({
                "isError": true,
                "content": [{"type": "text", "text": "This tool intentionally returns an error for testing"}],
            })),
            "test_tool_with_logging" => {
                for words in ["Tool execution started", "Tool processing data", "Tool execution completed"] {
                    log(&context, LoggingLevel::Info, words).await;
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                said("Logged.")
            }
            "test_tool_with_progress" => {
                for progress in [0.0, 50.0, 100.0] {
                    if let Some(token) = context.meta.get_progress_token() {
                        let told = ProgressNotificationParam::new(token, progress).with_total(100.0);
                        // Whether it arrives is what the suite finds out.
                        let _told = context.peer.notify_progress(told).await;
                    }
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                said("Done.")
            }
            "test_logging_tool" => {
                if let Some(level) = context.meta.log_level() {
                    log(&context, level, "as much as was asked for").await;
                }
                said("Logged.")
            }
            "test_missing_capability" => {
                let sampling = context.meta.client_capabilities().and_then(|client| client.sampling);
                match sampling {
                    Some(_) => said("It is there."),
                    None => {
                        let needed: ClientCapabilities = made(json!({"sampling": {}}))?;
                        Err(ErrorData::missing_required_client_capability(needed))
                    }
                }
            }
            "test_trigger_tool_change" => {
                for listener in self.listeners() {
                    let _told = listener.notify_tool_list_changed().await;
                }
                said("Told.")
            }
            "test_trigger_prompt_change" => {
                for listener in self.listeners() {
                    let _told = listener.notify_prompt_list_changed().await;
                }
                said("Told.")
            }
            "test_sampling" => sample(&context, &argument("prompt")?).await,
            "test_elicitation" => {
                let wanted = json!({
                    "type": "object", "required": ["username", "email"],
                    "properties": {
                        "username": {"type": "string", "description": "User's response"},
                        "email": {"type": "string", "description": "User's email address"},
                    },
                });
                elicit(&context, "User response", &argument("message")?, wanted).await
            }
            "test_elicitation_sep1034_defaults" => {
                let wanted = json!({
                    "type": "object",
                    "properties": {
                        "name": {"type": "string", "default": "John Doe"},
                        "age": {"type": "integer", "default": 30},
                        "score": {"type": "number", "default": 95.5},
                        "status": {"type": "string", "enum": ["active", "inactive", "pending"], "default": "active"},
                        "verified": {"type": "boolean", "default": true},
                    },
                });
                elicit(&context, "Elicitation completed", "Your defaults, please", wanted).await
            }
            "test_elicitation_sep1330_enums" => {
                elicit(&context, "Elicitation completed", "Choose, please", choices()).await
            }
            name if name.starts_with("test_input_required_result_")
                || name == "test_streaming_elicitation" =>
            {
                return rounds::tool(&request, &context);
            }
            _ => Err(ErrorData::invalid_params("there is no such tool", None)),
        };
        result.map(CallToolResponse::from)
    }

    async fn list_prompts(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListPromptsResult, ErrorData> {
        let argument = |name: &str| json!({"name": name, "description": "Text.", "required": true});
        whole(json!({
            "prompts": [
                {"name": "test_simple_prompt", "description": "A prompt."},
                {"name": "test_prompt_with_arguments", "description": "A prompt with arguments.",
                    "arguments": [argument("arg1"), argument("arg2")]},
                {"name": "test_prompt_with_embedded_resource", "description": "A prompt with a resource.",
                    "arguments": [argument("resourceUri")]},
                {"name": "test_prompt_with_image", "description": "A prompt with an image."},
                {"name": "test_input_required_result_prompt", "description": "A prompt that asks."},
            ],
            "ttlMs": 60_000, "cacheScope": "private",
        }))
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<GetPromptResponse, ErrorData> {
        let argument = |name: &str| -> String {
            let value = request.arguments.as_ref().and_then(|arguments| arguments.get(name));
            value.map(ToString::to_string).unwrap_or_default().trim_matches('"').to_owned()
        };
        let user = |content: Value| json!({"role": "user", "content": content});
        let text = |text: &str| user(json!({"type": "text", "text": text}));
        let messages = match request.name.as_str() {
            "test_simple_prompt" => vec![text("This is a simple prompt for testing.")],
            "test_prompt_with_arguments" => {
                let (one, two) = (argument("arg1"), argument("arg2"));
                vec![text(&format!("Prompt with arguments: arg1='{one}', arg2='{two}'"))]
            }
            "test_prompt_with_embedded_resource" => {
                let resource = "Embedded resource content for testing.";
                let resource = embedded(&argument("resourceUri"), "text/plain", resource);
                vec![user(resource), text("Please process the embedded resource above.")]
            }
            "test_prompt_with_image" => {
                let image = json!({"type": "image", "data": PIXEL, "mimeType": "image/png"});
                vec![user(image), text("Please analyze the image above.")]
            }
            "test_input_required_result_prompt" => return rounds::prompt(&request),
            _ => return Err(ErrorData::invalid_params("there is no such prompt", None)),
        };
        whole::<GetPromptResult>(json!({ "messages": messages })).map(GetPromptResponse::from)
    }

    async fn list_resources(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourcesResult, ErrorData> {
        let resource = |name: &str, media_type: &str| {
            let uri = format!("test://{name}");
            json!({"uri": uri, "name": name, "description": "A resource.", "mimeType": media_type})
        };
        let all = [
            resource("static-text", "text/plain"),
            resource("static-binary", "image/png"),
            resource("watched-resource", "text/plain"),
        ];
        whole(json!({"resources": all, "ttlMs": 60_000, "cacheScope": "private"}))
    }

    async fn list_resource_templates(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        let template = json!({
            "uriTemplate": "test://template/{id}/data", "name": "template", "description": "A template.",
            "mimeType": "application/json",
        });
        whole(json!({"resourceTemplates": [template], "ttlMs": 60_000, "cacheScope": "private"}))
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let uri = request.uri.as_str();
        let text = |media_type: &str, text: &str| json!({"uri": uri, "mimeType": media_type, "text": text});
        let template = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
        let content = match (uri, template) {
            ("test://static-text", _) => {
                text("text/plain", "This is the content of the static text resource.")
            }
            ("test://static-binary", _) => json!({"uri": uri, "mimeType": "image/png", "blob": PIXEL}),
            ("test://watched-resource", _) => text("text/plain", "Watched."),
            (_, Some(id)) => {
                let data = json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
                text("application/json", &data.to_string())
            }
            _ => {
                return Err(ErrorData::resource_not_found(
                    "there is no such resource",
                    Some(json!({"uri": uri})),
                ));
            }
        };
        let found = json!({"contents": [content], "ttlMs": 60_000, "cacheScope": "private"});
        whole::<ReadResourceResult>(found).map(ReadResourceResponse::from)
    }

    async fn complete(
        &self,
        _request: CompleteRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<CompleteResult, ErrorData> {
        whole(json!({"completion": {"values": ["paris", "park", "party"], "total": 3, "hasMore": false}}))
    }

    async fn set_level(
        &self,
        _request: SetLevelRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn subscribe(
        &self,
        _request: SubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    async fn unsubscribe(
        &self,
        _request: UnsubscribeRequestParams,
        _context: RequestContext<RoleServer>,
    ) -> Result<(), ErrorData> {
        Ok(())
    }

    fn accepted_subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.supported_by(&self.get_info().capabilities))
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        let listener = context.sink().clone();
        self.listeners.lock().unwrap_or_else(PoisonError::into_inner).push(listener);
        context.cancelled().await;
        Ok(())
    }
}

async fn log(context: &RequestContext<RoleServer>, level: LoggingLevel, words: &str) {
    let told = LoggingMessageNotificationParam::new(level, json!(words));
    // Whether it arrives is what the suite finds out.
    let _told = context.peer.notify_logging_message(told).await;
}

async fn sample(context: &RequestContext<RoleServer>, prompt: &str) -> Result<CallToolResult, ErrorData> {
    let asked: CreateMessageRequestParams = made(json!({
        "messages": [{"role": "user", "content": {"type": "text", "text": prompt}}], "maxTokens": 100,
    }))?;
    match context.peer.create_message(asked).await {
        Ok(answer) => said(&format!("LLM response: {}", json!(answer.message.content))),
        Err(fault) => Err(ErrorData::internal_error(fault.to_string(), None)),
    }
}

async fn elicit(
    context: &RequestContext<RoleServer>,
    title: &str,
    message: &str,
    wanted: Value,
) -> Result<CallToolResult, ErrorData> {
    let asked: ElicitRequestParams =
        made(json!({"mode": "form", "message": message, "requestedSchema": wanted}))?;
    match context.peer.create_elicitation(asked).await {
        Ok(answer) => {
            let (action, content) = (json!(answer.action), json!(answer.content));
            said(&format!("{title}: action={}, content={content}", action.as_str().unwrap_or_default()))
        }
        Err(fault) => Err(ErrorData::internal_error(fault.to_string(), None)),
    }
}

/// Every way to write a choice.
fn choices() -> Value {
    let titled = |word: &str| -> Vec<Value> {
        ["First", "Second", "Third"]
            .iter()
            .zip(1..)
            .map(|(place, number)| json!({"const": format!("value{number}"), "title": format!("{place} {word}")}))
            .collect()
    };
    let plain = ["option1", "option2", "option3"];
    json!({
        "type": "object",
        "properties": {
            "untitledSingle": {"type": "string", "enum": plain},
            "titledSingle": {"type": "string", "oneOf": titled("Option")},
            "legacyEnum": {"type": "string", "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["Option One", "Option Two", "Option Three"]},
            "untitledMulti": {"type": "array", "items": {"type": "string", "enum": plain}},
            "titledMulti": {"type": "array", "items": {"anyOf": titled("Choice")}},
        },
    })
}
