//! Bills: each way to be wrong is found, and named.

use crate::shop;
use book::Nanos;
use pricing::{Bill, BillFault, Class, Counted, Ended, Sealed, Usage, UsageRecord};
use serde_json::Value;

fn record(sequence: u64, output: u64) -> UsageRecord {
    let catalogue = shop::catalogue(1, "2026-11-01T00:00:00Z");
    let usage = Usage::call().with(Class::Input, 1_234).with(Class::Output, output);
    let cost = catalogue.body().model("small").expect("the shop sells it").price(&usage).total;
    UsageRecord {
        meter: "hld_meter".to_owned(),
        sequence,
        at: "2026-11-22T10:00:00Z".parse().expect("it is a time"),
        catalogue: catalogue.name().to_owned(),
        model: "small".to_owned(),
        usage,
        counted: Counted::Reported,
        ended: Ended::Done,
        cost,
        request: "digest".to_owned(),
    }
}

fn sealed(record: UsageRecord) -> Value {
    Sealed::sign(record, shop::KEY, &shop::key()).to_value()
}

fn bill(amount: &str, records: Vec<UsageRecord>) -> Bill {
    Bill {
        meter: "hld_meter".to_owned(),
        amount: amount.to_owned(),
        catalogues: vec![shop::catalogue(1, "2026-11-01T00:00:00Z").to_value()],
        records: records.into_iter().map(sealed).collect(),
    }
}

#[test]
fn ten_calls_come_to_forty_eight_fen() {
    let calls = (1..=10).map(|sequence| record(sequence, 5_678)).collect();
    let checked = bill("48", calls).check(shop::keys).unwrap();
    assert_eq!((checked.calls, checked.estimated), (10, 0));
    assert_eq!(checked.exact, Nanos::new(47_892_000_000));
    assert_eq!(checked.amount.minor(), 48);

    let text = serde_json::to_vec(&bill("5", vec![record(1, 5_678)])).unwrap();
    assert_eq!(Bill::read(&text).unwrap().check(shop::keys).unwrap().amount.minor(), 5);
    let estimate = UsageRecord { counted: Counted::Estimated, ..record(3, 0) };
    assert_eq!(bill("0", vec![estimate]).check(shop::keys).unwrap().estimated, 1);
}

#[test]
fn whatever_is_wrong_with_a_bill_is_found() {
    let stray = |change: fn(&mut UsageRecord)| {
        let mut record = record(2, 5_678);
        change(&mut record);
        bill("10", vec![self::record(1, 5_678), record]).check(shop::keys)
    };
    let why = |found: Result<_, BillFault>| match found {
        Err(BillFault::Stray { number: 2, why }) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(stray(|it| it.meter = "hld_other".to_owned())).contains("another meter"));
    assert!(why(stray(|it| it.sequence = 1)).contains("not higher"));
    assert!(why(stray(|it| it.catalogue = "other".to_owned())).contains("not in the bill"));
    assert!(why(stray(|it| it.at = "2026-10-01T00:00:00Z".parse().unwrap())).contains("not in force"));
    assert!(why(stray(|it| it.model = "tiny".to_owned())).contains("no price"));
    let dear = stray(|it| it.cost = it.cost.checked_add(Nanos::new(1)).unwrap());
    assert_eq!(dear, Err(BillFault::Price { number: 2, computed: 4_789_200_000, claimed: 4_789_200_001 }));

    let short = bill("9", vec![record(1, 5_678), record(2, 5_678)]).check(shop::keys);
    assert_eq!(short, Err(BillFault::Sum { computed: "10".to_owned(), claimed: "9".to_owned() }));

    let mut altered = bill("5", vec![record(1, 5_678)]);
    altered.records[0]["body"]["usage"]["output"] = 5_679.into();
    assert!(matches!(altered.check(shop::keys), Err(BillFault::Record { number: 1, .. })));
    let mut altered = bill("5", vec![record(1, 5_678)]);
    altered.catalogues[0]["body"]["models"][0]["prices"]["output"] = "9".into();
    assert!(matches!(altered.check(shop::keys), Err(BillFault::Catalogue { number: 1, .. })));
}
