//! The help, word for word, and the exit codes that scripts rely on.

use crate::books::{complained, printed, tollbridge};
use std::fmt::Write;
use std::fs;
use std::path::Path;

const COMMANDS: &[&[&str]] = &[
    &["--help"],
    &["demo", "--help"],
    &["dev", "--help"],
    &["init", "--help"],
    &["serve", "--help"],
    &["gateway", "--help"],
    &["llm", "--help"],
    &["llm", "init", "--help"],
    &["llm", "sign", "--help"],
    &["llm", "serve", "--help"],
    &["llm", "reconcile", "--help"],
    &["llm", "keys", "--help"],
    &["llm", "connect", "--help"],
    &["pay", "--help"],
    &["tab", "call", "--help"],
    &["tab", "close", "--help"],
    &["link", "create", "--help"],
    &["link", "pay", "--help"],
    &["payout", "--help"],
    &["payout", "export", "--help"],
    &["seller", "payout", "--help"],
    &["seller", "payout", "account", "--help"],
    &["owner", "create", "--help"],
    &["wallet", "create", "--help"],
    &["wallet", "fill", "--help"],
    &["agent", "create", "--help"],
    &["mandate", "create", "--help"],
    &["payee", "create", "--help"],
    &["seller", "key", "--help"],
    &["freeze", "--help"],
    &["revoke", "--help"],
    &["clock", "advance", "--help"],
    &["files", "--help"],
    &["log", "rotate-key", "--help"],
    &["verify", "--help"],
    &["replay", "--help"],
    &["entries", "--help"],
    &["export", "--help"],
    &["doctor", "--help"],
    &["explain", "--help"],
    &["bench", "--help"],
    &["bench", "gateway", "--help"],
    &["bench", "vouchers", "--help"],
    &["completions", "--help"],
    &["help", "exit-codes"],
];

/// `UPDATE=1` writes the file anew; the difference is then to be read.
#[test]
fn the_help_is_what_was_reviewed() {
    let mut text = String::new();
    for words in COMMANDS {
        let shown = tollbridge(words);
        assert_eq!(shown.status.code(), Some(0), "{words:?}: {}", complained(&shown));
        writeln!(text, "$ tollbridge {}\n{}", words.join(" "), printed(&shown)).expect("a text takes text");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/help.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().expect("it has one")).expect("the tree can be written");
        fs::write(&path, &text).expect("the tree can be written");
    }
    let reviewed = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, reviewed, "review it, then run with UPDATE=1");
}

#[test]
fn every_command_of_the_help_is_a_command() {
    let help = printed(&tollbridge(&["--help"]));
    let listed = help.split("Commands:\n").nth(1).and_then(|rest| rest.split("\n\n").next()).expect("a list");
    for name in listed.lines().filter_map(|line| line.split_whitespace().next()) {
        assert_eq!(tollbridge(&[name, "--help"]).status.code(), Some(0), "{name}");
        assert_eq!(tollbridge(&["help", name]).status.code(), Some(0), "{name}");
    }
}

#[test]
fn commands_end_with_the_number_that_is_documented() {
    let rows: &[(&[&str], i32)] = &[
        (&["help"], 0),
        (&["help", "exit-codes"], 0),
        (&["help", "nothing"], 2),
        (&["nothing"], 2),
        (&["verify"], 2),
        (&["verify", "/no/such/thing"], 2),
        (&["entries", "/"], 2),
        (&["export", "/"], 2),
        (&["serve", "--data", "/no/such/thing"], 2),
        (&["wallet", "list", "--key", "/no/such/key"], 2),
        (&["clock", "advance", "soon", "--key", "/"], 2),
    ];
    for (words, number) in rows {
        let ended = tollbridge(words);
        assert_eq!(ended.status.code(), Some(*number), "{words:?}: {}", complained(&ended));
    }
}

#[test]
fn a_failure_is_json_for_programs() {
    let ended = tollbridge(&["--json", "verify", "/no/such/thing"]);
    let said: serde_json::Value = serde_json::from_str(&complained(&ended)).expect("it is JSON");
    assert_eq!((said["error"].as_str(), said["exit_code"].as_i64()), (Some("usage"), Some(2)));
    assert_eq!(printed(&ended), "");
}

#[test]
fn completions_are_for_the_shell_that_was_named() {
    for (shell, word) in
        [("bash", "_tollbridge()"), ("zsh", "#compdef tollbridge"), ("fish", "complete -c tollbridge")]
    {
        assert!(printed(&tollbridge(&["completions", shell])).contains(word), "{shell}");
    }
}
