//! A configuration that is wrong is refused, and the error says where.

use gateway::Config;
use gateway::plan::{Plan, Visit};
use std::path::Path;

pub(crate) const GOOD: &str = r#"default = "refuse"
[seller]
server = "http://127.0.0.1:8402"
payee = "pye_01KAZ0A3C0ET1N8R7P6QGX5W9D"
key_file = "seller.toml"
network = "toll:test"
public_url = "http://127.0.0.1:8410"
asset = "CNY/2"
data = "gateway"
[upstream]
url = "http://127.0.0.1:3000"
[[price]]
method = "GET"
path = "/search"
amount = "0.03 CNY"
"#;

#[test]
fn a_wrong_configuration_names_the_line() {
    Config::parse(GOOD, Path::new("")).unwrap();
    let more = |lines: &str| format!("{GOOD}{lines}");
    for (text, line, why) in [
        (GOOD.replace("0.03 CNY", "0.031 CNY"), 15, "whole number"),
        (GOOD.replace("0.03 CNY", "0.03 USD"), 15, "not in `CNY`"),
        (GOOD.replace("0.03 CNY", "0.00 CNY"), 15, "is nothing"),
        (GOOD.replace("0.03 CNY", "-1 CNY"), 15, "not a price"),
        (GOOD.replace("0.03 CNY", "3e-2 CNY"), 15, "not a price"),
        (GOOD.replace("\"GET\"", "\"get\""), 13, "capital"),
        (GOOD.replace("\"GET\"", "\"HEAD\""), 13, "cannot be sold"),
        (GOOD.replace("/search", "/a/*/b"), 14, "neither a text nor"),
        (GOOD.replace("/search", "/a/../b"), 14, "`.` or `..`"),
        (GOOD.replace("CNY/2", "CNY"), 8, "an asset like"),
        (GOOD.replace("toll:test", "toll:moon"), 6, "neither"),
        (GOOD.replace("toll:test", "toll:main"), 3, "`https` only"),
        (GOOD.replace("pye_", "agt_"), 4, "payee"),
        (GOOD.replace(":3000", ":3000/api"), 11, "without a path"),
        (GOOD.replace("data =", "datum ="), 9, "unknown field `datum`"),
        (GOOD.replace("refuse", "allow"), 1, "unknown variant `allow`"),
        (
            more("[[price]]\nmethod = \"GET\"\npath = \"/SEARCH/\"\namount = \"1 CNY\"\n"),
            18,
            "has a price already",
        ),
        (more("[[free]]\npath = \"/search\"\n"), 17, "is free here and costs 0.03 CNY"),
        (more("[[gift]]\n"), 16, "unknown field `gift`"),
        (more("pay_window_seconds = 3\n"), 16, "unknown field"),
    ] {
        let fault = Config::parse(&text, Path::new("")).unwrap_err().to_string();
        assert!(fault.contains(&format!("line {line}")), "{fault}\nexpected line {line}");
        assert!(fault.contains(why), "{fault}\nexpected {why}");
    }
}

#[test]
fn a_tool_is_a_route_by_its_name() {
    let tool = |name: &str, more: &str| {
        GOOD.replace("method = \"GET\"\npath = \"/search\"", &format!("tool = \"{name}\"{more}"))
    };
    for name in ["search", "files/read", "*"] {
        let sold = Config::parse(&tool(name, ""), Path::new("")).unwrap();
        let mut plan = Plan::new(&sold);
        plan.add(&Visit {
            method: "POST".to_owned(),
            target: format!("/tools/{}", name.replace('*', "any")),
            status: 200,
            bytes: None,
            caller: None,
            at: None,
        });
        let earned = plan.routes();
        assert_eq!((earned[0].route.as_str(), earned[0].most_minor), (&*format!("POST /tools/{name}"), 3));
    }
    let more = |lines: &str| format!("{}{lines}", tool("search", ""));
    for (text, line, why) in [
        (tool("a b", ""), 13, "letters, digits"),
        (tool("../a", ""), 13, "letters, digits"),
        (tool("a", "\nmethod = \"POST\""), 13, "without a `method`"),
        (tool("a", "\npath = \"/a\""), 13, "without a `method`"),
        (GOOD.replace("path = \"/search\"\n", ""), 13, "a `path`, a `tool` or a `skill`"),
        (GOOD.replace("method = \"GET\"\n", ""), 13, "names its `method`"),
        (
            more("[[price]]\nmethod = \"POST\"\npath = \"/tools/search\"\namount = \"1 CNY\"\n"),
            17,
            "a price already",
        ),
        (more("[[free]]\ntool = \"search\"\n"), 16, "is free here and costs 0.03 CNY"),
    ] {
        let fault = Config::parse(&text, Path::new("")).unwrap_err().to_string();
        assert!(fault.contains(&format!("line {line}")), "{fault}\nexpected line {line}");
        assert!(fault.contains(why), "{fault}\nexpected {why}");
    }
    let neither = more("[[free]]\n");
    assert!(
        Config::parse(&neither, Path::new(""))
            .unwrap_err()
            .to_string()
            .contains("a `path`, a `tool` or a `skill`")
    );
}

#[test]
fn a_wrong_price_by_voucher_names_the_line() {
    let by = |price: &str, more: &str| format!("{GOOD}by_voucher = \"{price}\"\n{more}");
    let sold = Config::parse(&by("0.00000000001 CNY", ""), Path::new("")).unwrap();
    assert_eq!((sold.vouchers.check_every, sold.vouchers.deposit_minor), (1, None));
    assert!(Config::parse(&by("0.001 CNY", "stream = true\n"), Path::new("")).is_ok(), "for each event");
    let unit = by("0.001 CNY", "")
        .replace("amount = \"0.03 CNY\"", "unit = \"bytes\"\nrate = \"0.01 CNY\"\nat_most = \"0.03 CNY\"");
    for (text, line, why) in [
        (by("0.000000000001 CNY", ""), 16, "finer than a billionth"),
        (by("0.001 USD", ""), 16, "not in `CNY`"),
        (by("0 CNY", ""), 16, "is nothing"),
        (by("1000000000 CNY", ""), 16, "too much"),
        (unit, 18, "one price for each call"),
        (by("0.001 CNY", "[vouchers]\ncheck_every = 0\n"), 18, "check_every is from 1"),
        (by("0.001 CNY", "[vouchers]\nclaim_seconds = 100000\n"), 18, "claim_seconds is from 1"),
        (by("0.001 CNY", "[vouchers]\ndeposit = \"0.001 CNY\"\n"), 18, "whole number"),
        (by("0.001 CNY", "[vouchers]\nsynced = true\n"), 18, "unknown field `synced`"),
    ] {
        let fault = Config::parse(&text, Path::new("")).unwrap_err().to_string();
        assert!(fault.contains(&format!("line {line}")), "{fault}\nexpected line {line}");
        assert!(fault.contains(why), "{fault}\nexpected {why}");
    }
}
