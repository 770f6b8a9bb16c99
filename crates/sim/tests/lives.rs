//! A few lives, and that one seed always decides the same.

use sim::simulate::run;

#[test]
fn a_seed_decides_everything() {
    let twice = [(); 2].map(|()| run(7, None).expect("nothing is wrong in this life"));
    assert_eq!(twice[0], twice[1]);
    let other = run(8, None).expect("nothing is wrong in this life");
    assert_ne!(twice[0].root, other.root);
}

#[test]
fn every_fault_and_every_kind_of_command_comes_up() {
    let mut tally = sim::simulate::Tally::default();
    for seed in 100..110 {
        tally.add(&run(seed, None).expect("nothing is wrong in this life").tally);
    }
    let missing = |counts: &std::collections::BTreeMap<&str, u64>, kinds: &[&str]| {
        kinds.iter().filter(|kind| !counts.contains_key(**kind)).count()
    };
    let operations = [
        "pay",
        "hold",
        "capture",
        "void",
        "expire",
        "refund",
        "charge",
        "close-meter",
        "approve",
        "issue-invoice",
        "issue-credit-note",
    ];
    assert_eq!(missing(&tally.operations, &operations), 0, "{:?}", tally.operations);
    let verdicts = [
        "paid",
        "invoiced",
        "credited",
        "captured",
        "charged",
        "settled",
        "refunded",
        "repeated",
        "id_reused",
        "nonce_used",
    ];
    assert_eq!(missing(&tally.verdicts, &verdicts), 0, "{:?}", tally.verdicts);
    let faults = [
        "disk full",
        "clock back",
        "clock forward",
        "second leader",
        "crash before the answers",
        "snapshot damaged",
        "restart from a snapshot",
    ];
    assert_eq!(missing(&tally.faults, &faults), 0, "{:?}", tally.faults);
    assert_eq!(tally.storms, 2);
}
