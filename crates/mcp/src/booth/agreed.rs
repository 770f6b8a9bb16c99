//! What the seller agreed to sell: the tools as they were then, on disk. A tool that has become another one since is offered to
//! nobody until the seller agrees again, so that no client ever reads words that the seller did not let pass.

use crate::limits::AGREED_BYTES_MAX;
use evidence::Hash;
use gateway::tools::{Asked, Standing};
use protocols::tools::{PAYMENT, RESPONSE};
use rmcp::model::{MetaObject, Tool};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{PoisonError, RwLock};

/// The file, in the gateway's directory.
const FILE: &str = "tools.json";

/// What members of ours begin with in `_meta`: nobody behind us speaks in our name.
pub(crate) const OURS: [&str; 2] = ["tollbridge/", "x402/"];

/// The member of a tool's `_meta` with its price.
pub(crate) const PRICE: &str = "tollbridge/price";

/// The member of a tool's `_meta` with the digest by which a call can insist on what was listed.
pub(crate) const PIN: &str = "tollbridge/pin";

/// Whether what the server behind has now is agreed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// What was agreed to before stands; where nothing was, this is it.
    Standing,
    /// It is, as it is now.
    Renewed,
}

/// How a tool differs from what was agreed to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there.
    New(String),
    /// Its name is the same, and something else is not.
    Changed(String),
    /// It is not there any more.
    Gone(String),
}

/// What was agreed to cannot be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("`{}`, with what you agreed to: {why}", .path.display())]
pub struct NotAgreed {
    path: PathBuf,
    why: String,
}

/// Who sells, for which money, and where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoldBy<'a> {
    pub(crate) payee: &'a str,
    pub(crate) network: &'a str,
    pub(crate) origin: &'a str,
}

#[derive(Debug)]
pub(crate) struct Agreed {
    tools: BTreeMap<String, Tool>,
    /// What the server behind had when it was last asked.
    now: RwLock<BTreeMap<String, Tool>>,
}

impl Agreed {
    /// What was agreed to, and how what there is differs from it.
    pub(crate) fn open(
        directory: &Path,
        now: Vec<Tool>,
        agreement: Agreement,
    ) -> Result<(Agreed, Vec<Change>), NotAgreed> {
        let path = directory.join(FILE);
        let fail = |why: String| NotAgreed { path: path.clone(), why };
        let now = by_name(now);
        let before = read(&path).map_err(fail)?;
        let changes = before.as_ref().map(|before| compare(before, &now)).unwrap_or_default();
        let tools = match (before, agreement) {
            (Some(before), Agreement::Standing) => before,
            (Some(_), Agreement::Renewed) | (None, Agreement::Standing | Agreement::Renewed) => {
                write(&path, &now).map_err(fail)?;
                now.clone()
            }
        };
        Ok((Agreed { tools, now: RwLock::new(now) }, changes))
    }

    /// Takes note of what the server behind has now, and answers what of it differs from what was agreed to.
    pub(crate) fn seen(&self, now: Vec<Tool>) -> Vec<Change> {
        let now = by_name(now);
        let changes = compare(&self.tools, &now);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = now;
        changes
    }

    /// A tool, if it is what was agreed to.
    pub(crate) fn find(&self, name: &str) -> Option<&Tool> {
        let now = self.now.read().unwrap_or_else(PoisonError::into_inner);
        self.tools.get(name).filter(|tool| now.get(name) == Some(tool))
    }

    /// Whether the seller ever agreed to a tool of this name.
    pub(crate) fn was_agreed(&self, name: &str) -> bool {
        self.tools.contains_key(name)
    }

    /// All that are what was agreed to.
    pub(crate) fn all(&self) -> Vec<&Tool> {
        self.tools.keys().filter_map(|name| self.find(name)).collect()
    }
}

/// A tool as clients see it: as the server behind describes it, with its price in words and for programs. None where it is
/// not sold.
pub(crate) fn listed(tool: &Tool, standing: &Standing, sold_by: SoldBy<'_>) -> Option<Tool> {
    let mut tool = tool.clone();
    let mut meta = tool.meta.take().unwrap_or_default();
    meta.0.retain(|name, _| !is_ours(name));
    match standing {
        Standing::NotSold => return None,
        Standing::Free => {}
        Standing::Priced(asked) => {
            let said = tool.description.take().unwrap_or_default();
            let said = if said.is_empty() { said } else { format!("{said}\n\n").into() };
            let terms = if asked.terms.is_empty() { String::new() } else { format!(" {}", asked.terms) };
            tool.description = Some(format!("{said}Each call costs {}.{terms}", asked.in_words).into());
            meta.0.insert(PRICE.to_owned(), price(&tool.name, asked, sold_by));
        }
    }
    tool.meta = (!meta.0.is_empty()).then(|| meta.clone());
    if let Standing::Priced(_) = standing {
        let pin = pin(&tool);
        meta.0.insert(PIN.to_owned(), json!(pin));
        tool.meta = Some(meta);
    }
    Some(tool)
}

/// Whether a member of `_meta` is one that we alone write.
pub(crate) fn is_ours(name: &str) -> bool {
    OURS.iter().any(|ours| name.starts_with(ours))
}

/// Takes out of what the server behind says what only we say.
pub(crate) fn without_ours(meta: Option<MetaObject>) -> Option<MetaObject> {
    let mut meta = meta?;
    meta.0.retain(|name, _| !is_ours(name));
    Some(meta).filter(|meta| !meta.0.is_empty())
}

fn price(name: &str, asked: &Asked, SoldBy { payee, network, origin }: SoldBy<'_>) -> Value {
    let path = gateway::tools::path(name).expect("only names with a path are agreed to");
    json!({
        "amount": asked.amount_minor.to_string(), "asset": asked.asset,
        "capture": if asked.is_exact { "exact" } else { "up_to" },
        "in_words": asked.in_words, "payee": payee, "network": network, "resource": format!("{origin}{path}"),
        "pay_with": PAYMENT, "paid_in": RESPONSE,
    })
}

/// The digest of a definition with its price.
fn pin(tool: &Tool) -> String {
    let text = serde_json::to_vec(tool).expect("a tool is JSON");
    Hash::of(&text).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn by_name(tools: Vec<Tool>) -> BTreeMap<String, Tool> {
    let mut by_name = BTreeMap::new();
    let mut twice = Vec::new();
    for tool in tools {
        let name = tool.name.to_string();
        if gateway::tools::path(&name).is_none() {
            tracing::warn!(name, "a tool is left out: its name is none that can be sold");
        } else if by_name.insert(name.clone(), tool).is_some() {
            twice.push(name);
        }
    }
    // Which of two is meant, nobody can say.
    for name in twice {
        tracing::warn!(name, "a tool is left out: there are two of that name");
        by_name.remove(&name);
    }
    by_name
}

fn compare(before: &BTreeMap<String, Tool>, now: &BTreeMap<String, Tool>) -> Vec<Change> {
    let gone = before.keys().filter(|name| !now.contains_key(*name)).cloned().map(Change::Gone);
    let other = now.iter().filter_map(|(name, tool)| match before.get(name) {
        None => Some(Change::New(name.clone())),
        Some(before) if before != tool => Some(Change::Changed(name.clone())),
        Some(_) => None,
    });
    gone.chain(other).collect()
}

fn read(path: &Path) -> Result<Option<BTreeMap<String, Tool>>, String> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(fault) => return Err(fault.to_string()),
    };
    let mut text = Vec::new();
    file.take(AGREED_BYTES_MAX).read_to_end(&mut text).map_err(|fault| fault.to_string())?;
    serde_json::from_slice(&text).map(Some).map_err(|fault| fault.to_string())
}

/// Replaces the file whole. When this returns, it survives power loss.
fn write(path: &Path, tools: &BTreeMap<String, Tool>) -> Result<(), String> {
    let text = serde_json::to_vec_pretty(tools).map_err(|fault| fault.to_string())?;
    if u64::try_from(text.len()).is_ok_and(|bytes| AGREED_BYTES_MAX <= bytes) {
        return Err(format!("the tools take more than {AGREED_BYTES_MAX} bytes"));
    }
    sdk::replace_file(path, &text).map_err(|fault| fault.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(value: Value) -> Tool {
        serde_json::from_value(value).unwrap()
    }

    fn named(name: &str, words: &str) -> Tool {
        tool(json!({"name": name, "description": words, "inputSchema": {"type": "object"}}))
    }

    #[test]
    fn only_what_is_as_it_was_is_agreed_to() {
        let directory = std::env::temp_dir().join(format!("tollbridge-agreed-{:x}", rand::random::<u64>()));
        std::fs::create_dir(&directory).unwrap();
        let before = vec![
            named("same", "a"),
            named("other", "a"),
            named("gone", "a"),
            named("twice", "a"),
            named("twice", "a"),
        ];
        let (_, changes) = Agreed::open(&directory, before, Agreement::Standing).unwrap();
        assert_eq!(changes, [], "what there is at first is agreed to");
        let schema = json!({"name": "other", "description": "a", "inputSchema": {"type": "object", "required": ["key"]}});
        let now = || vec![named("same", "a"), tool(schema.clone()), named("new", "a"), named("a b", "a")];
        let names = |agreed: &Agreed| -> Vec<String> {
            agreed.all().iter().map(|tool| tool.name.to_string()).collect()
        };
        let (agreed, changes) = Agreed::open(&directory, now(), Agreement::Standing).unwrap();
        let [gone, new, other] =
            [Change::Gone("gone".into()), Change::New("new".into()), Change::Changed("other".into())];
        assert_eq!(changes, [gone, new, other]);
        assert_eq!(names(&agreed), ["same"], "neither two of one name nor one without a path was ever there");
        assert_eq!(
            (agreed.was_agreed("other"), agreed.was_agreed("new"), agreed.was_agreed("twice")),
            (true, false, false)
        );
        // It comes and goes: what is as it was is sold again.
        assert_eq!(agreed.seen(vec![named("same", "b"), named("other", "a")]).len(), 2);
        assert_eq!(names(&agreed), ["other"]);
        let (agreed, _) = Agreed::open(&directory, now(), Agreement::Renewed).unwrap();
        assert_eq!(names(&agreed), ["new", "other", "same"]);
        std::fs::write(directory.join(FILE), "[]").unwrap();
        assert!(
            Agreed::open(&directory, now(), Agreement::Standing).is_err(),
            "what is not ours is not believed"
        );
        std::fs::remove_dir_all(&directory).unwrap();
    }

    #[test]
    fn a_price_is_part_of_what_is_pinned() {
        let sold_by = SoldBy { payee: "pye_1", network: "toll:test", origin: "http://a" };
        let asked = |minor: u128, is_exact: bool| {
            let in_words = format!("{minor} fen");
            Standing::Priced(Asked {
                amount_minor: minor,
                asset: "CNY/2".into(),
                is_exact,
                in_words,
                terms: String::new(),
            })
        };
        let bare = tool(
            json!({"name": "t", "inputSchema": {}, "_meta": {"tollbridge/price": 0, "x402/payment": 0, "a": 1}}),
        );
        let pin = |tool: &Tool, standing: &Standing| {
            let listed = listed(tool, standing, sold_by).unwrap();
            listed.meta.unwrap().get(PIN).cloned().unwrap()
        };
        let three = listed(&bare, &asked(3, true), sold_by).unwrap();
        assert_eq!(three.description.as_deref(), Some("Each call costs 3 fen."));
        let meta = serde_json::to_value(three.meta).unwrap();
        assert_eq!(
            (&meta["a"], &meta["tollbridge/price"]["resource"]),
            (&json!(1), &json!("http://a/tools/t"))
        );
        assert_eq!(meta.get("x402/payment"), None);
        assert_eq!(pin(&bare, &asked(3, true)), pin(&bare, &asked(3, true)));
        assert_ne!(pin(&bare, &asked(3, true)), pin(&bare, &asked(4, true)));
        assert_ne!(pin(&bare, &asked(3, true)), pin(&bare, &asked(3, false)));
        assert_ne!(pin(&bare, &asked(3, true)), pin(&named("t", "x"), &asked(3, true)));
        assert_eq!(listed(&bare, &Standing::NotSold, sold_by), None);
        assert_eq!(listed(&named("t", "x"), &Standing::Free, sold_by), Some(named("t", "x")));
    }
}
