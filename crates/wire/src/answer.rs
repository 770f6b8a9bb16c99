//! The answer to a change that makes or changes one thing: what, and where it stands in the journal.

crate::account::answers! {
    /// It is so now.
    pub struct Done {
        /// What was made or changed, or the id of the change.
        pub id: String,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// The owner has to say. Nothing was spent.
    pub struct Asked {
        /// The id of the payment, hold or meter; also the name of the question.
        pub id: String,
        /// `asked`.
        pub status: String,
        /// Why the owner is asked: a code from the closed list.
        pub ask: String,
        /// What exactly would be approved.
        pub digest: crate::id::Digest,
        /// The rule that asks.
        pub rule: crate::problem::Rule,
        /// What to do: ask the owner, then send the same purchase under a new id with `approval`.
        pub next_action: crate::problem::NextAction,
        /// The place in the journal.
        pub entry: u64,
        /// Whether this answers a request that was answered before.
        pub repeated: bool,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
