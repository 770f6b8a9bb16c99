//! Joining: inviting an owner, and connecting a program as an agent.

use crate::account::{NewKey, answers, requests};
use crate::id::{AgentId, WalletId};

requests! {
    /// Invites somebody to become an owner.
    #[derive(Default)]
    pub struct NewInvitation {
        /// How long the link is good: at most 604,800, a week, which is also the default.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        #[cfg_attr(feature = "schema", schema(minimum = 1, maximum = 604800))]
        pub seconds: Option<u64>,
    }

    /// A program that wants to spend from the wallet of whoever was shown the code.
    pub struct NewConnection {
        /// The code on the owner's page.
        #[cfg_attr(feature = "schema", schema(max_length = 16))]
        pub code: String,
        /// What the program is, and on which computer: for the owner to recognize.
        #[cfg_attr(feature = "schema", schema(max_length = 120))]
        pub device: String,
        /// The program's key.
        pub key: NewKey,
    }
}

answers! {
    /// A link for somebody to become an owner with.
    pub struct Invitation {
        /// The path of the link, below the server's public address.
        pub path: String,
        /// When it ends.
        pub expires_at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }

    /// Where a connection stands.
    pub struct Connection {
        /// Its name.
        pub id: String,
        /// `waiting`, `connected` or `refused`.
        pub status: String,
        /// Four words, to be compared with those on the owner's page.
        pub phrase: Vec<String>,
        /// The agent that the program is now.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        pub agent: Option<AgentId>,
        /// The wallet it may spend from, within its owner's rules.
        pub wallet: WalletId,
        /// When the connection is forgotten.
        pub expires_at: String,
        /// Whether real money is meant.
        pub livemode: bool,
    }
}
