//! Reading an answer that came whole, and what both kinds of answers call content.

use super::counts::{HasOutput, TakeOutput, Tally};
use super::shape::{Family, Shape};
use serde_json::Value;

/// Reads an answer that came whole. What is no JSON object says nothing, and is over all the same.
pub fn read_whole(shape: Shape, body: &[u8]) -> Tally {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let mut tally = Tally { done: true, ..Tally::default() };
    tally.named(answer.get("id"));
    match shape.family() {
        Family::OpenAi => {
            for choice in answer.get("choices").and_then(Value::as_array).into_iter().flatten() {
                tally.arrived(delta_bytes(choice));
            }
            for item in answer.get("data").and_then(Value::as_array).into_iter().flatten() {
                // A vector is content, whatever its length.
                tally.arrived(usize::from(item.get("embedding").is_some()));
            }
            let has_output = if shape == Shape::Embeddings { HasOutput::No } else { HasOutput::Yes };
            if let Some(usage) = answer.get("usage") {
                tally.openai_usage(usage, has_output);
            }
        }
        Family::Anthropic => {
            for block in answer.get("content").and_then(Value::as_array).into_iter().flatten() {
                tally.arrived(anthropic_block_bytes(block));
            }
            if let Some(usage) = answer.get("usage") {
                tally.anthropic_usage(usage, TakeOutput::Yes);
            }
        }
    }
    tally
}

/// The bytes of content in a choice of OpenAI's: of `delta` in a stream, of `message` otherwise, or its `text`.
pub(super) fn delta_bytes(choice: &Value) -> usize {
    let body = choice.get("delta").or_else(|| choice.get("message")).unwrap_or(&Value::Null);
    let plain = ["content", "reasoning_content", "reasoning", "refusal"].map(|name| text(body.get(name)));
    let mut bytes = text(choice.get("text")) + plain.iter().sum::<usize>();
    if let Some(sound) = body.get("audio") {
        bytes += text(sound.get("data")) + text(sound.get("transcript"));
    }
    let calls = body.get("tool_calls").and_then(Value::as_array).into_iter().flatten();
    let functions = calls.filter_map(|call| call.get("function")).chain(body.get("function_call"));
    bytes
        + functions
            .map(|function| text(function.get("name")) + text(function.get("arguments")))
            .sum::<usize>()
}

/// The bytes of content in a block of Anthropic's, whole or a delta.
pub(super) fn anthropic_block_bytes(block: &Value) -> usize {
    let plain = ["text", "thinking", "partial_json", "name"].map(|name| text(block.get(name)));
    let input = block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
    plain.iter().sum::<usize>() + input.map_or(0, |input| input.to_string().len())
}

fn text(value: Option<&Value>) -> usize {
    value.and_then(Value::as_str).map_or(0, str::len)
}
