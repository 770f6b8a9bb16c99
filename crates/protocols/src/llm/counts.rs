//! Counts: what an answer reports, taken apart so that nothing is counted twice.

use crate::limits::{LLM_COUNT_MAX, LLM_ID_BYTES_MAX};
use serde_json::Value;

/// Tokens of input, each in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InputCounts {
    /// Read for the first time.
    pub fresh: u64,
    /// Read from a cache.
    pub cached: u64,
    /// Put into a cache.
    pub cache_write: u64,
    /// Of pictures.
    pub image: u64,
    /// Of sound.
    pub audio: u64,
}

/// Tokens of output, each in one place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutputCounts {
    /// Written.
    pub text: u64,
    /// Thought, and not shown.
    pub reasoning: u64,
    /// Of pictures.
    pub image: u64,
    /// Of sound.
    pub audio: u64,
}

impl InputCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        [self.fresh, self.cached, self.cache_write, self.image, self.audio]
            .into_iter()
            .fold(0, u64::saturating_add)
    }
}

impl OutputCounts {
    /// All of them.
    pub fn total(&self) -> u64 {
        [self.text, self.reasoning, self.image, self.audio].into_iter().fold(0, u64::saturating_add)
    }
}

/// What an answer said, and what arrived of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The input, where it was reported.
    pub input: Option<InputCounts>,
    /// The output, where it was reported, as of the report.
    pub output: Option<OutputCounts>,
    /// How many pieces of content arrived after the output was last reported: it does not count them.
    pub pieces_since: u64,
    /// How many pieces of content arrived: each is a token or more.
    pub pieces: u64,
    /// How many bytes of content arrived, framing not counted.
    pub text_bytes: u64,
    /// Whether the answer said that it is over.
    pub done: bool,
    /// The name that the upstream gave the answer.
    pub id: Option<String>,
}

impl Tally {
    /// Notes that content arrived.
    pub(super) fn arrived(&mut self, text_bytes: usize) {
        if text_bytes == 0 {
            return;
        }
        self.pieces += 1;
        self.pieces_since += 1;
        self.text_bytes = self.text_bytes.saturating_add(text_bytes.try_into().unwrap_or(u64::MAX));
    }

    pub(super) fn reported_output(&mut self, output: OutputCounts) {
        self.output = Some(output);
        self.pieces_since = 0;
    }

    pub(super) fn named(&mut self, id: Option<&Value>) {
        if self.id.is_none() {
            let id = id.and_then(Value::as_str).filter(|id| (1..=LLM_ID_BYTES_MAX).contains(&id.len()));
            self.id = id.map(str::to_owned);
        }
    }

    /// Reads what OpenAI calls `usage`: cached, pictures and sound are parts of the prompt, reasoning and the like of the completion.
    pub(super) fn openai_usage(&mut self, usage: &Value, has_output: HasOutput) {
        let Some((input, output)) = read_openai(usage, has_output) else { return };
        self.input = Some(input);
        self.reported_output(output);
    }

    /// Reads what Anthropic calls `usage`: its kinds of input are apart already. Answers whether there was output in it.
    pub(super) fn anthropic_usage(&mut self, usage: &Value, output: TakeOutput) {
        if let Some(input) = read_anthropic_input(usage, self.input) {
            self.input = Some(input);
        }
        if output == TakeOutput::Yes
            && let Some(Some(text)) = count(usage, "output_tokens")
        {
            // It is cumulative: less than before makes no sense.
            let before = self.output.map_or(0, |output| output.text);
            if before <= text {
                self.reported_output(OutputCounts { text, ..OutputCounts::default() });
            }
        }
    }
}

/// Whether a shape has output that must be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HasOutput {
    Yes,
    /// Embeddings.
    No,
}

/// Whether the output in a report counts; what a stream says at its beginning is about no piece yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TakeOutput {
    Yes,
    No,
}

/// A member that is a count: `None` where it makes no sense, `Some(None)` where it is absent or null.
fn count(of: &Value, name: &str) -> Option<Option<u64>> {
    match of.get(name) {
        None | Some(Value::Null) => Some(None),
        Some(value) => Some(Some(value.as_u64().filter(|count| *count <= LLM_COUNT_MAX)?)),
    }
}

fn read_openai(usage: &Value, has_output: HasOutput) -> Option<(InputCounts, OutputCounts)> {
    let prompt = count(usage, "prompt_tokens")??;
    let completion = match (count(usage, "completion_tokens")?, has_output) {
        (Some(completion), _) => completion,
        (None, HasOutput::No) => 0,
        (None, HasOutput::Yes) => return None,
    };
    if let Some(total) = count(usage, "total_tokens")?
        && prompt.checked_add(completion)? != total
    {
        return None;
    }
    let part = |details: &str, name: &str| match usage.get(details) {
        None | Some(Value::Null) => Some(0),
        Some(details) => Some(count(details, name)?.unwrap_or(0)),
    };
    // Some name the cached part beside the details.
    let cached = part("prompt_tokens_details", "cached_tokens")?;
    let cached = cached.max(count(usage, "prompt_cache_hit_tokens")?.unwrap_or(0));
    let image = part("prompt_tokens_details", "image_tokens")?;
    let audio = part("prompt_tokens_details", "audio_tokens")?;
    let input = InputCounts {
        fresh: prompt.checked_sub(cached)?.checked_sub(image)?.checked_sub(audio)?,
        cached,
        cache_write: 0,
        image,
        audio,
    };
    let reasoning = part("completion_tokens_details", "reasoning_tokens")?;
    let image = part("completion_tokens_details", "image_tokens")?;
    let audio = part("completion_tokens_details", "audio_tokens")?;
    let text = completion.checked_sub(reasoning)?.checked_sub(image)?.checked_sub(audio)?;
    Some((input, OutputCounts { text, reasoning, image, audio }))
}

/// Reads the input; what a later report leaves out stays as it was.
fn read_anthropic_input(usage: &Value, before: Option<InputCounts>) -> Option<InputCounts> {
    let fresh = count(usage, "input_tokens")?;
    let cached = count(usage, "cache_read_input_tokens")?;
    let cache_write = count(usage, "cache_creation_input_tokens")?;
    let old = match (before, fresh) {
        (Some(before), _) => before,
        (None, Some(_)) => InputCounts::default(),
        (None, None) => return None,
    };
    Some(InputCounts {
        fresh: fresh.unwrap_or(old.fresh),
        cached: cached.unwrap_or(old.cached),
        cache_write: cache_write.unwrap_or(old.cache_write),
        image: 0,
        audio: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Fresh, cached, picture, sound; text, reasoning, picture, sound.
    type Parts = Option<[u64; 8]>;

    #[test]
    fn the_parts_of_openai_are_taken_apart_or_nothing_was_reported() {
        let rows: &[(Value, Parts)] = &[
            (
                json!({"prompt_tokens": 12, "completion_tokens": 7, "total_tokens": 19}),
                Some([12, 0, 0, 0, 7, 0, 0, 0]),
            ),
            (json!({"prompt_tokens": 0, "completion_tokens": 0}), Some([0; 8])),
            (
                json!({"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150,
                   "prompt_tokens_details": {"cached_tokens": 60, "audio_tokens": 10, "image_tokens": 5},
                   "completion_tokens_details": {"reasoning_tokens": 30, "audio_tokens": 4, "rejected_prediction_tokens": 2}}),
                Some([25, 60, 5, 10, 16, 30, 0, 4]),
            ),
            (
                json!({"prompt_tokens": 10, "completion_tokens": 1, "prompt_cache_hit_tokens": 8, "prompt_cache_miss_tokens": 2}),
                Some([2, 8, 0, 0, 1, 0, 0, 0]),
            ),
            (
                json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": null}),
                Some([9, 0, 0, 0, 1, 0, 0, 0]),
            ),
            (json!({"prompt_tokens": 9}), None),
            (json!({"completion_tokens": 9}), None),
            (json!({"prompt_tokens": -1, "completion_tokens": 1}), None),
            (json!({"prompt_tokens": 1.5, "completion_tokens": 1}), None),
            (json!({"prompt_tokens": "1", "completion_tokens": 1}), None),
            (json!({"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 3}), None),
            (json!({"prompt_tokens": 1, "completion_tokens": 1_000_000_000_001_u64}), None),
            (
                json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": 10}}),
                None,
            ),
            (
                json!({"prompt_tokens": 9, "completion_tokens": 1, "prompt_tokens_details": {"cached_tokens": -1}}),
                None,
            ),
            (
                json!({"prompt_tokens": 9, "completion_tokens": 1, "completion_tokens_details": {"reasoning_tokens": 2}}),
                None,
            ),
            (json!(null), None),
            (json!([]), None),
        ];
        for (usage, expected) in rows {
            let found = read_openai(usage, HasOutput::Yes).map(|(input, output)| {
                [
                    input.fresh,
                    input.cached,
                    input.image,
                    input.audio,
                    output.text,
                    output.reasoning,
                    output.image,
                    output.audio,
                ]
            });
            assert_eq!(found, *expected, "{usage}");
        }
        let huge: Value =
            serde_json::from_str(r#"{"prompt_tokens": 99999999999999999999, "completion_tokens": 1}"#)
                .unwrap();
        assert_eq!(read_openai(&huge, HasOutput::Yes), None);
        let embedding = json!({"prompt_tokens": 8, "total_tokens": 8});
        assert!(read_openai(&embedding, HasOutput::No).is_some());
    }

    #[test]
    fn the_parts_of_anthropic_stand_beside_each_other() {
        let mut tally = Tally::default();
        let start = json!({"input_tokens": 5, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20, "output_tokens": 1});
        tally.anthropic_usage(&start, TakeOutput::No);
        let input = InputCounts { fresh: 5, cached: 100, cache_write: 20, ..InputCounts::default() };
        assert_eq!((tally.input, tally.output), (Some(input), None));
        tally.anthropic_usage(&json!({"output_tokens": 7}), TakeOutput::Yes);
        tally.anthropic_usage(&json!({"output_tokens": 3}), TakeOutput::Yes);
        tally.anthropic_usage(&json!({"output_tokens": -3}), TakeOutput::Yes);
        tally.anthropic_usage(&json!({"input_tokens": -3}), TakeOutput::Yes);
        assert_eq!((tally.input, tally.output.map(|output| output.text)), (Some(input), Some(7)));
    }
}
