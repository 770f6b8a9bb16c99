//! Entries of the journal: a few members in words, and the canonical bytes that proofs are about.

crate::account::answers! {
    /// One entry.
    pub struct Entry {
        /// Its place in the journal, counted from 0.
        pub entry: u64,
        /// When it was decided.
        pub at: String,
        /// The id of the command.
        pub id: String,
        /// Who asked: `operator`, `book`, or the id of an owner, agent or payee.
        pub by: String,
        /// What was asked, in a word, such as `pay`.
        pub action: String,
        /// What came of it: `done`, `paid`, `held`, `captured`, `released`, `refunded`, `charged`, `settled`,
        /// `asked` or `denied`.
        pub outcome: String,
        /// Why, where it was denied or asked about: a code from the closed list.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub code: Option<String>,
        /// The canonical bytes in Base64URL: the leaf of the log.
        pub bytes: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// One entry with all that is needed to check it offline.
    pub struct Receipt {
        /// Its place in the journal, counted from 0.
        pub entry: u64,
        /// The canonical bytes in Base64URL.
        pub bytes: String,
        /// The hashes that lead from the entry to the checkpoint's root, in Base64, lowest first.
        pub proof: Vec<String>,
        /// The signed state of the log: a C2SP note.
        pub checkpoint: String,
        /// The key that signed it, as C2SP writes it.
        pub vkey: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
