//! What is counted: each unit of work belongs to exactly one class.

use serde::{Deserialize, Serialize};

/// A kind of counted work. Classes are disjoint: a cached token of input is not counted as [`Class::Input`] too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The call itself, once.
    Call,
    /// Tokens of input that were read for the first time.
    Input,
    /// Tokens of input that came from a cache.
    CachedInput,
    /// Tokens of input that were put into a cache.
    CacheWrite,
    /// Tokens of pictures that were read.
    ImageInput,
    /// Tokens of sound that was heard.
    AudioInput,
    /// Tokens that were written.
    Output,
    /// Tokens of thinking that are not shown.
    Reasoning,
    /// Tokens of pictures that were made.
    ImageOutput,
    /// Tokens of sound that was made.
    AudioOutput,
}

/// On which side of a call a class lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Neither: the call itself.
    Call,
    /// What the caller sends.
    Input,
    /// What comes back.
    Output,
}

impl Class {
    /// Every class, in the order in which bills list them.
    pub const ALL: [Class; 10] = [
        Class::Call,
        Class::Input,
        Class::CachedInput,
        Class::CacheWrite,
        Class::ImageInput,
        Class::AudioInput,
        Class::Output,
        Class::Reasoning,
        Class::ImageOutput,
        Class::AudioOutput,
    ];

    /// The name in catalogues and records.
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::Call => "call",
            Class::Input => "input",
            Class::CachedInput => "cached_input",
            Class::CacheWrite => "cache_write",
            Class::ImageInput => "image_input",
            Class::AudioInput => "audio_input",
            Class::Output => "output",
            Class::Reasoning => "reasoning",
            Class::ImageOutput => "image_output",
            Class::AudioOutput => "audio_output",
        }
    }

    /// The side of the call.
    pub const fn side(self) -> Side {
        match self {
            Class::Call => Side::Call,
            Class::Input | Class::CachedInput | Class::CacheWrite | Class::ImageInput | Class::AudioInput => {
                Side::Input
            }
            Class::Output | Class::Reasoning | Class::ImageOutput | Class::AudioOutput => Side::Output,
        }
    }

    /// How many units a written price is for: a million tokens, one call.
    pub const fn priced_per(self) -> u64 {
        match self {
            Class::Call => 1,
            Class::Input
            | Class::CachedInput
            | Class::CacheWrite
            | Class::ImageInput
            | Class::AudioInput
            | Class::Output
            | Class::Reasoning
            | Class::ImageOutput
            | Class::AudioOutput => 1_000_000,
        }
    }

    /// The class whose price counts where this one has none. A call without a price is free.
    pub const fn stands_in(self) -> Option<Class> {
        match self {
            Class::Call | Class::Input | Class::Output => None,
            Class::CachedInput | Class::CacheWrite | Class::ImageInput | Class::AudioInput => {
                Some(Class::Input)
            }
            Class::Reasoning | Class::ImageOutput | Class::AudioOutput => Some(Class::Output),
        }
    }

    pub(crate) fn place(self) -> usize {
        Class::ALL.iter().position(|class| *class == self).expect("ALL has every class")
    }
}
