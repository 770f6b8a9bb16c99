//! The tools as clients start them: a process over its standard input and output, killed and started again; and their
//! entry in the configuration of a client.

use crate::books::{Directory, complained, printed, tollbridge};
use crate::dev::Dev;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A server of tools, and its client.
pub(crate) struct Tools {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    asked: u64,
}

impl Tools {
    pub(crate) fn start(words: &[&str]) -> Tools {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tollbridge"))
            .args(["mcp", "serve"])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let to = child.stdin.take().expect("it is a pipe");
        let from = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let mut tools = Tools { child, to, from, asked: 0 };
        let me = json!({"name": "test", "version": "1"});
        let hello = json!({"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": me});
        let welcome = tools.ask("initialize", hello);
        assert_eq!(welcome["result"]["protocolVersion"], "2025-11-25");
        tools.say(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
        tools
    }

    fn say(&mut self, message: &Value) {
        writeln!(self.to, "{message}").expect("it reads");
    }

    fn ask(&mut self, method: &str, params: Value) -> Value {
        self.asked += 1;
        self.say(&json!({"jsonrpc": "2.0", "id": self.asked, "method": method, "params": params}));
        let mut line = String::new();
        self.from.read_line(&mut line).expect("it answers");
        serde_json::from_str(&line).expect("every line is a message")
    }

    pub(crate) fn call(&mut self, name: &str, arguments: Value) -> Value {
        let answer = self.ask("tools/call", json!({"name": name, "arguments": arguments}));
        assert_eq!(answer["result"]["isError"], json!(false), "{answer}");
        answer["result"]["structuredContent"].clone()
    }
}

/// `kill -9`.
impl Drop for Tools {
    fn drop(&mut self) {
        // It may have ended.
        let _ = (self.child.kill(), self.child.wait());
    }
}

#[test]
fn an_agent_buys_once_however_often_its_tools_are_killed() {
    let directory = Directory::new();
    let dev = Dev::anywhere(&format!("{}/dev", directory.text()));
    let key = format!("{}/agent.json", dev.text("directory"));
    let keep = format!("{}/tools", directory.text());
    let words = ["--server", dev.text("server"), "--key", &key, "--keep", &keep, "--local-sellers"];
    let mut tools = Tools::start(&words);
    let listed = tools.ask("tools/list", json!({}));
    assert_eq!(listed["result"]["tools"].as_array().expect("a list").len(), 6);
    let before = tools.call("limits", json!({}))["available"]["amount"].clone();
    let quote = tools.call("quote", json!({"url": dev.page()}));
    let token = json!({"quote": quote["quote"]});
    drop(tools);
    let mut tools = Tools::start(&words);
    let paid = tools.call("pay", token.clone());
    assert_eq!((&paid["status"], &paid["repeated"]), (&json!(200), &json!(false)), "{paid}");
    drop(tools);
    let mut tools = Tools::start(&words);
    let again = tools.call("pay", token.clone());
    assert_eq!((&again["hold"], &again["repeated"]), (&paid["hold"], &json!(true)));
    let after = tools.call("limits", json!({}))["available"]["amount"].clone();
    let minor = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok()).expect("an amount");
    let price = minor(&quote["price"]["amount"]);
    assert_eq!(minor(&before) - minor(&after), price);
    // Without the flag, nothing on this machine is asked.
    drop(tools);
    let mut tools = Tools::start(&words[..6]);
    let refused = tools.ask("tools/call", json!({"name": "quote", "arguments": {"url": dev.page()}}));
    assert_eq!(refused["result"]["structuredContent"]["code"], "address_refused", "{refused}");
}

#[test]
fn a_clients_configuration_is_shown_written_and_undone() {
    let directory = Directory::new();
    let key = format!("{}/agent.json", directory.text());
    let seed = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
    fs::write(&key, format!("key = \"key_01KAZ0A3C0ET1N8R7P6QGX5W9D\"\nseed = \"{seed}\"\n"))
        .expect("a file");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&key, mode).expect("a file of ours");
    for (client, name, before) in [
        (
            "claude",
            "claude.json",
            "{\n  \"token\": \"t\",\n  \"mcpServers\": {\n    \"other\": {\"command\": \"x\"}\n  }\n}\n",
        ),
        ("cursor", "mcp.json", "{\"mcpServers\":{\"other\":{}}}"),
        ("gemini", "settings.json", "{\"theme\": \"dark\", \"mcpServers\": {\"other\": {}}}"),
        ("vscode", "vscode.json", "{\n\t\"servers\": { \"other\": { } }\n}\n"),
        ("codex", "config.toml", "model = \"m\"\n\n[mcp_servers.other]\ncommand = \"x\"\n"),
    ] {
        let file = format!("{}/{name}", directory.text());
        fs::write(&file, before).expect("a file");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o640);
        fs::set_permissions(&file, mode).expect("a file of ours");
        let place = ["--client", client, "--file", &file];
        let install = [&["mcp", "install", "--key", &key], &place[..]].concat();
        let shown = tollbridge(&install);
        assert_eq!(shown.status.code(), Some(0), "{}", complained(&shown));
        assert!(
            printed(&shown).contains("\n+") && printed(&shown).contains("nothing was written"),
            "{}",
            printed(&shown)
        );
        assert_eq!(fs::read_to_string(&file).expect("it is there"), before);
        let written = tollbridge(&[&install[..], &["--yes"]].concat());
        assert_eq!(written.status.code(), Some(0), "{}", complained(&written));
        let after = fs::read_to_string(&file).expect("it is there");
        assert!(after.contains("tollbridge") && after.contains("agent.json"), "{after}");
        assert!(!after.contains(seed), "{after}");
        let kept = fs::read_to_string(format!("{file}.before-tollbridge-1")).expect("it is kept");
        assert_eq!(kept, before);
        assert_eq!(fs::metadata(&file).expect("it is there").mode() & 0o777, 0o640);
        assert!(printed(&tollbridge(&install)).contains("nothing was changed"));
        let undone = tollbridge(&[&["mcp", "uninstall", "--yes"], &place[..]].concat());
        assert_eq!(undone.status.code(), Some(0), "{}", complained(&undone));
        assert_eq!(fs::read_to_string(&file).expect("it is there"), before, "{client}");
    }
    let odd = format!("{}/odd.json", directory.text());
    fs::write(&odd, "{ // mine\n}").expect("a file");
    let place = ["--client", "cursor", "--file", &odd, "--yes"];
    let refused = tollbridge(&[&["mcp", "install", "--key", &key], &place[..]].concat());
    assert_eq!(refused.status.code(), Some(2));
    assert_eq!(fs::read_to_string(&odd).expect("it is there"), "{ // mine\n}");
}

#[test]
fn nothing_is_served_openly() {
    let directory = Directory::new();
    let key = format!("{}/agent.json", directory.text());
    for (words, why) in [
        (&["mcp", "serve", "--key", &key, "--listen", "0.0.0.0:0"][..], "on this machine only"),
        (&["mcp", "serve", "--listen", "127.0.0.1:0"], "--key <FILE>"),
        (&["mcp", "serve", "--key", &key], "key file"),
    ] {
        let refused = tollbridge(words);
        assert_eq!(refused.status.code(), Some(2), "{words:?}: {}", complained(&refused));
        assert!(complained(&refused).contains(why), "{words:?}: {}", complained(&refused));
    }
    let told = printed(&tollbridge(&["mcp", "tools", "--json", "--tools", "buyer"]));
    let digest: Value = serde_json::from_str(told.lines().last().expect("a digest")).expect("JSON");
    let published = fs::read_to_string("../../docs/mcp.md").expect("the page is there");
    assert!(published.contains(digest["digest"].as_str().expect("text")), "{digest}");
}
