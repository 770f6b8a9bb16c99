//! EVM chains, where the server settles payments on some: what it states of them with its key, and that it looks by itself at
//! what is pending there.

use crate::bills::credential_key_id;
use crate::state::App;
use evidence::base64url;
use tokio::task::JoinSet;

/// What is signed before a statement, so that no other signature by the same key can be taken for one.
const STATEMENT_PREFIX: &str = "toll:evm-settlement/1\n";

/// Looks at what is pending on each chain, for as long as the server runs.
pub async fn run(app: App) {
    let chains: Vec<_> = app.evm.iter().flat_map(evm::Facilitator::served).map(|(chain, ..)| chain).collect();
    let mut watching = JoinSet::new();
    for chain in chains {
        let app = app.clone();
        watching.spawn(async move {
            let Some(facilitator) = &app.evm else { return };
            facilitator.watch(chain, &|statement: &str| sign(&app, statement)).await;
        });
    }
    while watching.join_next().await.is_some() {}
}

/// Signs a statement: the name of the key, and the signature.
pub(crate) fn sign(app: &App, statement: &str) -> (String, String) {
    let signature = app.credential_key.sign(format!("{STATEMENT_PREFIX}{statement}").as_bytes());
    (credential_key_id(app).as_str().to_owned(), base64url::encode(signature.as_bytes()))
}
