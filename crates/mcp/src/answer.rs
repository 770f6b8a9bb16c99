//! What a tool answers: that it was done, that it was not and why, or that the owner has to say.

use crate::untrusted;
use sdk::{Failure, NotBought, PurchaseFault};
use serde_json::{Map, Value, json};
use wire::Problem;

/// What came of a call.
#[derive(Debug)]
pub(crate) enum Reply {
    /// It was done.
    Done(Value),
    /// It was not done.
    Not(Trouble),
    /// Nothing was spent: the owner is asked.
    Owner(Asked),
}

/// What the owner is asked, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The question's name.
    pub(crate) question: String,
    /// The page where the owner answers: never the agent, and never in an argument.
    pub(crate) url: String,
    /// What it costs, in words.
    pub(crate) price: String,
}

/// Why something was not done, for a program that has to decide what to do next.
#[derive(Clone, Debug)]
pub(crate) struct Trouble {
    members: Map<String, Value>,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Call the same tool again with the same arguments.
    Same,
    /// Ask for a new quote.
    Quote,
    /// The owner has to do something.
    Owner,
    /// Give up.
    Stop,
}

impl Next {
    fn as_str(self) -> &'static str {
        match self {
            Next::Same => "same_call",
            Next::Quote => "new_quote",
            Next::Owner => "ask_owner",
            Next::Stop => "stop",
        }
    }
}

impl Trouble {
    pub(crate) fn new(code: &str, next: Next, detail: impl Into<String>) -> Trouble {
        let mut members = Map::new();
        members.insert("code".to_owned(), json!(code));
        members.insert("detail".to_owned(), json!(detail.into()));
        members.insert("next".to_owned(), json!(next.as_str()));
        Trouble { members }
    }

    /// The same, with words of somebody else's.
    fn with_note(mut self, note: &str) -> Trouble {
        self.members.insert(untrusted::TEXT.to_owned(), json!(untrusted::note(note)));
        self
    }

    /// The answer as JSON.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.members)
    }
}

impl From<&Problem> for Trouble {
    fn from(problem: &Problem) -> Trouble {
        let next = match problem.next {
            wire::problem::Next::Stop => Next::Stop,
            wire::problem::Next::SameId => Next::Same,
            wire::problem::Next::NewId => Next::Quote,
            wire::problem::Next::AskOwner => Next::Owner,
        };
        let mut trouble = Trouble::new(&problem.code, next, &problem.detail);
        let more = [
            ("rule", problem.rule.as_ref().map(|rule| json!(rule))),
            ("remaining", problem.remaining.map(|left| json!(left))),
            ("entry", problem.entry.map(|entry| json!(entry))),
        ];
        for (name, value) in more {
            trouble.members.extend(value.map(|value| (name.to_owned(), value)));
        }
        trouble
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Trouble {
        match failure {
            Failure::Refused(problem) => Trouble::from(&*problem),
            Failure::Unreachable(_) => Trouble::new(
                "server_unreachable",
                Next::Same,
                "Nothing was done: the Tollbridge server was not reached.",
            ),
            Failure::Unknown(_) | Failure::Unreadable(_) => Trouble::new(
                "outcome_unknown",
                Next::Same,
                "It may have been done: no answer came. The same call again does nothing twice.",
            ),
        }
    }
}

impl From<PurchaseFault> for Trouble {
    fn from(fault: PurchaseFault) -> Trouble {
        match fault {
            PurchaseFault::InProgress(_) => {
                Trouble::new("in_progress", Next::Same, "This quote is being paid right now.")
            }
            PurchaseFault::TriedTooOften(_) => {
                Trouble::new("tried_too_often", Next::Quote, "Nothing was spent: this was tried too often.")
            }
            PurchaseFault::Disk { .. }
            | PurchaseFault::Damaged(_)
            | PurchaseFault::KeyReused(_)
            | PurchaseFault::KeyLength => kept(&fault),
        }
    }
}

impl From<NotBought> for Trouble {
    fn from(why: NotBought) -> Trouble {
        let refused = |detail: &str| Trouble::new("demand_refused", Next::Quote, detail);
        match why {
            NotBought::Purchase(fault) => fault.into(),
            NotBought::Server(failure) => failure.into(),
            NotBought::Request(_) => Trouble::new(
                "request_malformed",
                Next::Stop,
                "Nothing was spent: such a request is not sent.",
            ),
            NotBought::Seller(why) => Trouble::new(
                "seller_unreachable",
                Next::Same,
                "Nothing was spent: the seller did not answer.",
            )
            .with_note(&why),
            NotBought::Demand(why) => {
                refused("Nothing was spent: the seller's demand is not to be paid.").with_note(&why)
            }
            NotBought::Quote(fault) => refused(
                "Nothing was spent: what the seller promises for the price is not signed or not good.",
            )
            .with_note(&fault.to_string()),
            NotBought::TooDear { .. } => {
                refused("Nothing was spent: the seller asks for more than it quoted.")
            }
            NotBought::PayeeUnknown(_) => refused("Nothing was spent: the seller is not known."),
        }
    }
}

/// Where something of ours cannot be read or kept: the log has the whole of it.
pub(crate) fn kept(fault: &dyn std::fmt::Display) -> Trouble {
    tracing::error!("{fault}");
    Trouble::new(
        "not_kept",
        Next::Stop,
        "What was bought cannot be known or kept on this machine; its owner finds more in the log.",
    )
}

impl From<Trouble> for Reply {
    fn from(trouble: Trouble) -> Reply {
        Reply::Not(trouble)
    }
}
