//! From what an answer said, and what arrived of it, to what is charged: exact where it was reported, and otherwise in the
//! buyer's favour and marked.

use pricing::limits::ESTIMATED_BYTES_PER_TOKEN;
use pricing::{Class, Counted, Ended, Reach, Usage};
use protocols::llm::{Call, InputCounts, OutputCounts, Tally};
use serde::{Deserialize, Serialize};

/// What is known of a call before it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Bounds {
    pub(crate) input_max: u64,
    pub(crate) output_max: u64,
    /// What its text comes to where nobody counts it.
    pub(crate) input_estimate: u64,
    /// Whether it came as a stream, in which each piece is a token or more.
    pub(crate) streams: bool,
}

impl Bounds {
    /// How far `call` can go with a model of these bounds.
    pub(crate) fn of(call: &Call, model: &pricing::Model) -> Bounds {
        let text = call.body_bytes.saturating_add(crate::limits::FRAME_TOKENS_MAX);
        let input_max = if call.has_media { model.input_max } else { text.min(model.input_max) };
        let each = call.output_max.unwrap_or(model.output_max);
        let estimate = (call.text_bytes / ESTIMATED_BYTES_PER_TOKEN).saturating_add(call.token_ids);
        Bounds {
            input_max,
            output_max: each.saturating_mul(call.choices).min(pricing::limits::UNITS_MAX),
            input_estimate: estimate.min(input_max),
            streams: call.streams,
        }
    }

    pub(crate) fn reach(&self) -> Reach {
        Reach { input: self.input_max, output: self.output_max }
    }
}

/// How an answer ended for its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arrived {
    /// All that the tally knows arrived.
    All,
    /// The caller left after so many bytes of content, and the rest was read without it.
    Bytes(u64),
}

/// What a call used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reckoned {
    pub(crate) usage: Usage,
    pub(crate) counted: Counted,
    pub(crate) ended: Ended,
    /// Whether something was reported that the call could not reach.
    pub(crate) beyond_reach: bool,
}

/// What is charged for a call; nothing where nothing was delivered.
pub(crate) fn reckon(bounds: &Bounds, tally: &Tally, arrived: Arrived) -> Option<Reckoned> {
    let ended = if tally.done && arrived == Arrived::All { Ended::Done } else { Ended::Cut };
    let delivered = match arrived {
        // An answer without content is one where its service says that it counted something.
        Arrived::All => tally.pieces != 0 || (tally.done && tally.output.is_some()),
        Arrived::Bytes(bytes) => bytes != 0,
    };
    if !delivered {
        return None;
    }
    let reported_input = tally.input.filter(|input| input.total() <= bounds.input_max);
    let reported_output = tally.output.filter(|output| output.total() <= bounds.output_max);
    let beyond_reach = reported_input != tally.input || reported_output != tally.output;
    let estimated_input = InputCounts { fresh: bounds.input_estimate, ..InputCounts::default() };
    let input = reported_input.unwrap_or(estimated_input);
    let (output, is_exact) = match reported_output {
        Some(output) if tally.pieces_since == 0 => (output, true),
        Some(output) => (more_text(output, tally.pieces_since, bounds.output_max), false),
        None => {
            let pieces = if bounds.streams {
                tally.pieces
            } else {
                (tally.text_bytes / ESTIMATED_BYTES_PER_TOKEN).max(tally.pieces)
            };
            (more_text(OutputCounts::default(), pieces, bounds.output_max), false)
        }
    };
    let (output, is_exact) = match arrived {
        Arrived::All => (output, is_exact),
        Arrived::Bytes(bytes) => (share(output, bytes, tally.text_bytes), false),
    };
    let counted = if reported_input.is_some() && is_exact { Counted::Reported } else { Counted::Estimated };
    let usage = Usage::call()
        .with(Class::Input, input.fresh)
        .with(Class::CachedInput, input.cached)
        .with(Class::CacheWrite, input.cache_write)
        .with(Class::ImageInput, input.image)
        .with(Class::AudioInput, input.audio)
        .with(Class::Output, output.text)
        .with(Class::Reasoning, output.reasoning)
        .with(Class::ImageOutput, output.image)
        .with(Class::AudioOutput, output.audio);
    Some(Reckoned { usage, counted, ended, beyond_reach })
}

/// `output` with `pieces` more of text, as far as the call can reach.
fn more_text(output: OutputCounts, pieces: u64, most: u64) -> OutputCounts {
    let room = most.saturating_sub(output.total());
    OutputCounts { text: output.text.saturating_add(pieces.min(room)), ..output }
}

/// The part of `output` that `arrived` of `all` bytes are: rounded down, and at least one token of something that arrived.
fn share(output: OutputCounts, arrived: u64, all: u64) -> OutputCounts {
    let part = |count: u64| {
        let part = u128::from(count) * u128::from(arrived.min(all)) / u128::from(all.max(1));
        u64::try_from(part).expect("a part of a count is at most the count")
    };
    let shared = OutputCounts {
        text: part(output.text),
        reasoning: part(output.reasoning),
        image: part(output.image),
        audio: part(output.audio),
    };
    if shared.total() == 0 && output.total() != 0 {
        return OutputCounts { text: 1, ..shared };
    }
    shared
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds { input_max: 2_000, output_max: 1_000, input_estimate: 40, streams: true };

    fn input(fresh: u64) -> Option<InputCounts> {
        Some(InputCounts { fresh, ..InputCounts::default() })
    }

    fn output(text: u64) -> Option<OutputCounts> {
        Some(OutputCounts { text, ..OutputCounts::default() })
    }

    fn tally(
        input: Option<InputCounts>,
        output: Option<OutputCounts>,
        pieces: (u64, u64),
        done: bool,
    ) -> Tally {
        let (pieces, pieces_since) = pieces;
        Tally { input, output, pieces, pieces_since, text_bytes: pieces * 4, done, id: None }
    }

    #[test]
    fn what_was_reported_counts_and_everything_else_is_marked() {
        use Counted::{Estimated, Reported};
        // Input, output, who counted.
        type Expected = Option<(u64, u64, Counted)>;
        let rows: &[(Tally, Arrived, Expected)] = &[
            (tally(input(1_234), output(567), (500, 0), true), Arrived::All, Some((1_234, 567, Reported))),
            (tally(input(0), output(0), (500, 0), true), Arrived::All, Some((0, 0, Reported))),
            (tally(None, None, (500, 500), true), Arrived::All, Some((40, 500, Estimated))),
            (tally(None, None, (5_000, 5_000), true), Arrived::All, Some((40, 1_000, Estimated))),
            (tally(input(1_234), None, (100, 100), false), Arrived::All, Some((1_234, 100, Estimated))),
            (tally(input(1_234), output(98), (100, 2), false), Arrived::All, Some((1_234, 100, Estimated))),
            (tally(input(1_234), output(100), (100, 0), false), Arrived::All, Some((1_234, 100, Reported))),
            (tally(input(2_001), output(1_001), (7, 0), true), Arrived::All, Some((40, 7, Estimated))),
            (tally(input(9), None, (0, 0), false), Arrived::All, None),
            (tally(None, None, (0, 0), true), Arrived::All, None),
            (tally(input(9), output(0), (0, 0), true), Arrived::All, Some((9, 0, Reported))),
            (tally(input(9), output(90), (30, 0), true), Arrived::Bytes(40), Some((9, 30, Estimated))),
            (tally(input(9), output(2), (300, 0), true), Arrived::Bytes(1), Some((9, 1, Estimated))),
            (tally(input(9), output(90), (30, 0), true), Arrived::Bytes(0), None),
        ];
        for (tally, arrived, expected) in rows {
            let found = reckon(&BOUNDS, tally, *arrived).map(|found| {
                assert_eq!(found.usage.of(Class::Call), 1);
                (found.usage.of(Class::Input), found.usage.of(Class::Output), found.counted)
            });
            assert_eq!(found, *expected, "{tally:?} {arrived:?}");
        }
    }
}
