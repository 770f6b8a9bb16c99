//! What can be done with nothing but a data directory: verify, replay, entries, export, doctor.

use crate::books::{Directory, complained, printed, shop, tollbridge, vkey};
use engine::FileJournal;
use serde_json::Value;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;

const ENTRIES: u64 = 22;

#[test]
fn a_good_journal_verifies() {
    let directory = Directory::new();
    shop(&directory.0);
    let verified = tollbridge(&["verify", directory.text(), "--vkey", &vkey(), "--json"]);
    assert_eq!(verified.status.code(), Some(0), "{}", complained(&verified));
    let report: Value = serde_json::from_str(&printed(&verified)).expect("it is JSON");
    assert_eq!(report["entries"], ENTRIES);
    assert_eq!(report["checkpoint_size"], ENTRIES);
    assert_eq!(report["outside"][0]["amount"], "9995");
}

#[test]
fn a_flipped_bit_is_found_and_its_entry_named() {
    for wanted in [0, 9, ENTRIES - 1] {
        let directory = Directory::new();
        shop(&directory.0);
        let at = entry_at(&directory.0, wanted) + 30;
        flip(&directory.0.join("journal/journal"), at);
        let verified = tollbridge(&["verify", directory.text(), "--vkey", &vkey()]);
        assert_eq!(verified.status.code(), Some(6));
        let said = complained(&verified);
        assert!(said.contains(&format!("entry {wanted} is damaged")), "{said}");
    }
}

#[test]
fn another_key_or_a_changed_log_does_not_pass() {
    let directory = Directory::new();
    shop(&directory.0);
    let stranger = vkey().replace("cli.test", "cli.tset");
    assert_eq!(tollbridge(&["verify", directory.text(), "--vkey", &stranger]).status.code(), Some(2));
    flip(&directory.0.join("log/0"), 3 * 32 + 5);
    let said = complained(&tollbridge(&["verify", directory.text(), "--vkey", &vkey()]));
    assert!(said.contains("entry 3 is wrong"), "{said}");
    fs::remove_dir_all(directory.0.join("log")).expect("the directory is ours");
    let without = tollbridge(&["verify", directory.text(), "--vkey", &vkey()]);
    assert_eq!(without.status.code(), Some(6), "a log that is gone proves nothing");
}

#[test]
fn a_replay_with_the_same_rules_is_clean() {
    let directory = Directory::new();
    shop(&directory.0);
    let replayed = tollbridge(&["replay", directory.text(), "--against", "--json"]);
    assert_eq!(replayed.status.code(), Some(0), "{}", complained(&replayed));
    let report: Value = serde_json::from_str(&printed(&replayed)).expect("it is JSON");
    assert_eq!((report["replayed"].as_u64(), report["differences"].as_u64()), (Some(ENTRIES), Some(0)));
}

#[test]
fn entries_say_what_moved() {
    let directory = Directory::new();
    shop(&directory.0);
    let shown =
        printed(&tollbridge(&["entries", directory.text(), "--from", "10", "--limit", "3", "--json"]));
    let lines: Vec<Value> =
        shown.lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let places: Vec<u64> = lines.iter().filter_map(|line| line["entry"].as_u64()).collect();
    assert_eq!(places, [10, 11, 12]);
    let moved = |line: &Value| -> Vec<String> {
        let movements = line["movements"].as_array().expect("a list");
        movements.iter().map(|it| it["amount"]["amount"].as_str().expect("text").to_owned()).collect()
    };
    // A payment with a fee of one in a hundred; a split of 2 to 1, whose first share has a fee below one fen; a refusal.
    assert_eq!(moved(&lines[0]), ["400", "4"]);
    assert_eq!(moved(&lines[1]), ["67", "33"]);
    assert_eq!(moved(&lines[2]), Vec::<String>::new());
    assert_eq!(lines[2]["code"], "payment_too_large");
    let people = printed(&tollbridge(&["entries", directory.text(), "--from", "10", "--limit", "1"]));
    assert!(people.contains("4.00 CNY") && people.contains("paid"), "{people}");
}

#[test]
fn the_export_is_accepted_by_an_independent_double_entry_checker() {
    let directory = Directory::new();
    shop(&directory.0);
    let exported = tollbridge(&["export", directory.text(), "--beancount"]);
    assert_eq!(exported.status.code(), Some(0), "{}", complained(&exported));
    let text = printed(&exported);
    // 10,000 came in, 5 went out, the sub-account is empty again, 4 were taken in fees.
    let has = |wanted: &str| text.lines().any(|line| line.contains(" balance ") && line.ends_with(wanted));
    assert!(has("Assets:World  99.95 CNY"), "{text}");
    assert!(has("Income:Fees  -0.04 CNY"), "{text}");
    let file = directory.0.join("book.beancount");
    fs::write(&file, &text).expect("the directory is ours");
    assert!(accepts(&file), "{text}");
    // The checker does check.
    fs::write(&file, text.replacen("4.00 CNY", "4.01 CNY", 1)).expect("the directory is ours");
    assert!(!accepts(&file));
}

#[test]
fn the_doctor_examines_a_copy_without_keys() {
    let directory = Directory::new();
    shop(&directory.0);
    let examined = tollbridge(&["doctor", directory.text(), "--json"]);
    assert_eq!(examined.status.code(), Some(0), "{}", printed(&examined));
    let checks: Vec<Value> =
        printed(&examined).lines().map(|line| serde_json::from_str(line).expect("it is JSON")).collect();
    let names: Vec<&str> = checks.iter().filter_map(|check| check["check"].as_str()).collect();
    assert_eq!(names, ["journal", "checkpoint", "clock", "keys", "disk", "sync", "scheduling"]);
    flip(&directory.0.join("journal/journal"), entry_at(&directory.0, 4) + 30);
    assert_eq!(tollbridge(&["doctor", directory.text()]).status.code(), Some(6));
}

/// Where entry `seq` begins in the journal's file.
fn entry_at(directory: &Path, seq: u64) -> u64 {
    let journal = FileJournal::read(&directory.join("journal")).expect("the journal is whole");
    let mut frame_at = 64;
    for frame in journal.frames(book::Seq(0), 1_000).expect("frames can be read") {
        let mut at = frame_at + 64 + 4;
        for (found, bytes) in frame.entries() {
            if found.0 == seq {
                return at;
            }
            at += 4 + bytes.len() as u64;
        }
        frame_at += frame.bytes().len() as u64;
    }
    panic!("there is no entry {seq}");
}

fn flip(path: &Path, at: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("the file is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("the file is long enough");
    file.write_all_at(&[byte[0] ^ 0x10], at).expect("the file can be written");
}

/// What `bean-check` of the Beancount project says; `cargo xtask test` installs it.
fn accepts(file: &Path) -> bool {
    let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/venv/bin/bean-check");
    let checked = Command::new(&program).arg("--no-cache").arg(file).output();
    let checked =
        checked.unwrap_or_else(|fault| panic!("`{}`: {fault}; run `cargo xtask test`", program.display()));
    checked.status.success()
}

#[test]
fn a_credential_is_verified_with_nothing_but_the_keys() {
    use evidence::{SigningKey, base64url};
    use protocols::act::Identifier;
    use protocols::act::iac::{IacKey, IacReferences, Risk, Selection, SourceDigest, UnsignedIac};
    use protocols::act::intent::{ConfirmedIsr, InputModes};
    let rules = r#"{"intent_id":"int-1","conversation_history":{"user_intent_raw":"maps"},"delegation_mode":"BOUNDED",
        "validity_start_time":"2026-01-01T00:00:00Z","validity_end_time":"2099-01-01T00:00:00Z",
        "max_total_amount":300.00,"currency":"CNY","agent_id":"agt_A","user_confirmation_method":"PASSKEY",
        "user_confirmation_timestamp":"2026-01-01T00:00:00Z"}"#;
    let rules = ConfirmedIsr::from_record(rules.as_bytes(), &InputModes::default()).expect("rules");
    let name = |text: &str| Identifier::parse(text).expect("a name");
    let selection = Selection {
        delegation_id: name("mdt_D"),
        delegator_identity: name("own_O"),
        source_isr_digest: SourceDigest::Include,
    };
    let signing = SigningKey::es256(&[7; 32]).expect("a key");
    let point = signing.public().bytes().to_vec();
    let key = IacKey::of_service(name("k1"), signing).expect("a key for credentials");
    let now = book::Time::from_seconds(1_780_000_000);
    let iac = UnsignedIac::select(&rules, selection);
    let token = key.issue(&iac, &IacReferences::default(), Risk::Ordinary, now).expect("issued");
    let keys = |kid: &str| {
        let (x, y) = (base64url::encode(&point[1..33]), base64url::encode(&point[33..]));
        serde_json::json!({"keys": [{"kid": kid, "kty": "EC", "crv": "P-256", "x": x, "y": y, "alg": "ES256", "use": "sig"}]})
    };
    let directory = Directory::new();
    let file = |name: &str, text: &str| {
        let path = directory.0.join(name);
        std::fs::write(&path, text).expect("the directory is ours");
        path.to_str().expect("a path is a text").to_owned()
    };
    let good = file("good.jwt", &token);
    let (head, rest) = token.split_at(token.len() - 40);
    let forged =
        file("forged.jwt", &format!("{head}{}{}", if rest.starts_with('A') { "B" } else { "A" }, &rest[1..]));
    let (known, unknown) =
        (file("keys.json", &keys("k1").to_string()), file("others.json", &keys("k2").to_string()));
    let seen = tollbridge(&["verify", &good, "--jwks", &known]);
    assert_eq!(seen.status.code(), Some(0), "{}", complained(&seen));
    assert!(printed(&seen).contains("at most 300.00 CNY in all, BOUNDED"), "{}", printed(&seen));
    for (credential, keys) in [(&forged, &known), (&good, &unknown)] {
        let seen = tollbridge(&["verify", credential, "--jwks", keys]);
        assert_eq!(seen.status.code(), Some(6), "{}", complained(&seen));
    }
}
