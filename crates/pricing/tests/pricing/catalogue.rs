//! Catalogues: what is refused, and which one is in force.

use crate::shop;
use jiff::Timestamp;
use pricing::{Catalogue, CatalogueFault, History, SealFault, Sealed};
use serde_json::{Value, json};

type Change = (&'static str, &'static str, fn(&mut Value));

#[test]
fn a_catalogue_that_could_be_read_two_ways_is_refused() {
    let rows: &[Change] = &[
        ("unknown member", "unknown field", |it| it["discount"] = json!(1)),
        ("unknown class", "unknown variant", |it| it["models"][0]["prices"]["thought"] = json!("1")),
        ("asset", "asset `CNY`", |it| it["asset"] = json!("CNY")),
        ("asset's scale", "asset `CNY/02`", |it| it["asset"] = json!("CNY/02")),
        ("no models", "1 to 1000 models", |it| it["models"] = json!([])),
        ("model twice", "`small` comes twice", |it| it["models"][1]["name"] = json!("small")),
        ("no price for output", "no price for `output`", |it| {
            it["models"][0]["prices"] = json!({ "input": "2" });
        }),
        ("price is a number", "expected a string", |it| it["models"][0]["prices"]["input"] = json!(2)),
        ("price too fine", "finer than a billionth", |it| {
            it["models"][0]["prices"]["input"] = json!("0.000001");
        }),
        ("bands fall", "bands do not rise", |it| it["models"][1]["bands"][0]["input_from"] = json!(0)),
        ("no input", "at least one", |it| it["models"][0]["input_max"] = json!(0)),
    ];
    assert!(Catalogue::read(&shop::catalogue_text(1, "2026-11-01T00:00:00Z")).is_ok());
    for (what, why, change) in rows {
        let mut text = shop::catalogue_text(1, "2026-11-01T00:00:00Z");
        change(&mut text);
        let fault = Catalogue::read(&text).expect_err(what).to_string();
        assert!(fault.contains(why), "{what}: {fault}");
    }
}

#[test]
fn the_catalogue_in_force_is_the_last_that_began() {
    let mut history = History::default();
    for (version, from) in
        [(1, "2026-11-01T00:00:00Z"), (2, "2026-12-01T00:00:00Z"), (5, "2026-12-01T00:00:00Z")]
    {
        history.add(shop::catalogue(version, from)).unwrap();
    }
    let rows = [
        ("2026-10-31T23:59:59Z", None),
        ("2026-11-01T00:00:00Z", Some(1)),
        ("2026-11-30T23:59:59.999999999Z", Some(1)),
        ("2026-12-01T00:00:00Z", Some(5)),
        ("2030-01-01T00:00:00Z", Some(5)),
    ];
    for (at, version) in rows {
        let at: Timestamp = at.parse().unwrap();
        assert_eq!(history.in_force(at).map(|found| found.body().version()), version, "{at}");
    }
    for (version, from) in [(5, "2027-01-01T00:00:00Z"), (6, "2026-11-30T00:00:00Z")] {
        let refused = history.add(shop::catalogue(version, from));
        assert!(matches!(refused, Err(CatalogueFault::Content(_))), "{version} from {from}");
    }
}

#[test]
fn a_price_that_is_altered_is_not_the_sellers() {
    let sealed = shop::catalogue(1, "2026-11-01T00:00:00Z");
    let text = sealed.to_value();
    let open = |text: &Value| Sealed::<Catalogue>::open(text.to_string().as_bytes(), shop::keys);
    assert_eq!(open(&text).unwrap().name(), sealed.name());

    let mut cheaper = text.clone();
    cheaper["body"]["models"][0]["prices"]["input"] = json!("1");
    assert_eq!(open(&cheaper).unwrap_err(), SealFault::BadSignature);
    let mut elsewhere = text.clone();
    elsewhere["key_id"] = json!("key_other");
    assert_eq!(open(&elsewhere).unwrap_err(), SealFault::UnknownKey("key_other".to_owned()));
    // The order of members and the white space between them are not signed.
    let spaced = serde_json::to_string_pretty(&text).unwrap();
    assert_eq!(Sealed::<Catalogue>::open(spaced.as_bytes(), shop::keys).unwrap().name(), sealed.name());
}
