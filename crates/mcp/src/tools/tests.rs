//! What every tool has to be: described, closed, and without a member in which a model could invent money or a name.

use super::*;

/// Members by which a model could say whom to pay, how much, from what or under whose word, if a buyer's tool had them.
const INVENTED: &[&str] = &[
    "amount", "asset", "price", "max", "limit", "currency", "payee", "to", "wallet", "mandate", "approval",
    "id", "key", "confirm", "account", "card", "token", "secret", "payment", "hold",
];

/// What is wrong with a tool's schema; nothing if it is good.
fn wrong(set: ToolSet, name: &str, schema: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    if schema["type"] != "object" || schema["additionalProperties"] != Value::Bool(false) {
        wrong.push("it is open".to_owned());
    }
    let properties = schema["properties"].as_object().expect("properties");
    for (property, text) in properties {
        let is_text = text["type"] == "string";
        let is_bounded = ["pattern", "enum", "maxLength"].iter().any(|bound| !text[bound].is_null());
        if text["description"].as_str().is_none_or(|words| !words.ends_with('.') || words.len() < 10) {
            wrong.push(format!("`{property}` is not described"));
        }
        if is_text && !is_bounded {
            wrong.push(format!("`{property}` has no bound"));
        }
        if !is_text && (text["type"] != "integer" || text["maximum"].is_null()) {
            wrong.push(format!("`{property}` is neither text nor a bounded count"));
        }
        if property == "amount" && text["pattern"] != AMOUNT {
            wrong.push("`amount` is not decimal text".to_owned());
        }
        if property == "amount" && schema["properties"]["asset"]["pattern"] != ASSET {
            wrong.push("`amount` is of no asset".to_owned());
        }
        if property == "quote" && text["pattern"] != QUOTE_TOKEN {
            wrong.push("`quote` is not a quote".to_owned());
        }
        let is_invented = INVENTED.iter().any(|word| property.split('_').any(|part| part == *word));
        if set == ToolSet::Buyer && is_invented {
            wrong.push(format!("a model could invent `{property}`"));
        }
    }
    if name == "pay" && properties.keys().ne(["quote"]) {
        wrong.push("a payment takes something else than a quote".to_owned());
    }
    wrong
}

#[test]
fn no_tool_lets_a_model_invent_money_or_a_name() {
    for text in TEXTS {
        let found = wrong(text.set, text.is_called, &(text.takes)());
        assert!(found.is_empty(), "{}: {found:?}", text.is_called);
        assert!(text.description.is_ascii(), "{}", text.is_called);
    }
}

#[test]
fn the_lint_finds_what_it_is_for() {
    let rows = [
        ("pay", json!({"quote": quote(), "amount": amount("How much it may be.")}), 3),
        ("pay", json!({"quote": {"type": "string", "maxLength": 9, "description": "A quote of mine."}}), 1),
        ("quote", json!({"max_price": {"type": "number", "description": "The most."}}), 3),
        ("quote", json!({"approval": {"type": "string", "description": "Yes, it is allowed."}}), 2),
        ("quote", json!({"url": {"type": "string", "maxLength": 9}}), 1),
    ];
    for (name, properties, expected) in rows {
        let found = wrong(ToolSet::Buyer, name, &object(&[], properties));
        assert_eq!(found.len(), expected, "{found:?}");
    }
    let open = json!({"type": "object", "properties": {}});
    assert_eq!(wrong(ToolSet::Buyer, "limits", &open), ["it is open"]);
}

#[test]
fn a_buyer_has_six_tools_and_none_that_grants_anything() {
    let names: Vec<_> = tools(&[ToolSet::Buyer]).into_iter().map(|tool| tool.name.into_owned()).collect();
    assert_eq!(names, ["quote", "pay", "status", "limits", "request_approval", "report_problem"]);
    assert_eq!(Name::find("refund", &[ToolSet::Buyer]), None);
    assert_eq!(Name::find("refund", &ToolSet::ALL), Some(Name::Refund));
    assert_eq!(Name::Refund.set(), ToolSet::Merchant);
}

/// Whoever pinned the tools is told by this that they changed: then the page has to say the new ones.
#[test]
fn the_digests_are_those_that_were_published() {
    let page = include_str!("../../../../docs/mcp.md");
    for set in ToolSet::ALL {
        let digest = digest(&tools(&[set]));
        assert!(page.contains(&digest), "{set:?} {digest}");
    }
}
