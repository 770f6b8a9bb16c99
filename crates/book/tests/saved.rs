//! Saved books: what comes back decides the same, and anything else does not come back.

#![allow(clippy::unwrap_used)]

use book::{Book, Restoring};
use proptest::prelude::*;
use sim::table::run;
use std::convert::Infallible;
use std::path::Path;

/// A little of everything that a book remembers.
const TOWN: &str = "
    at       2026-11-22T09:00:00Z
    asset    CNY/2
    owner    O1
    wallet   W1 O1 1000                  limits: day 900 Asia/Shanghai; rolling 6h 800; only-for food,toys
    payee    M1 food
    payee    M2 toys fee 6250
    payee    M3 food owner O1
    agent    A1 W1                       limits: ask-above 50; times 90 1d
    sub      S1 W1 A1                    limits: only-for food
    mandate  D1 W1 A1 until +2d          limits: total 300
    transfer X1 W1 S1 100
    pay      P1 A1 W1 D1 M1 10           whatever
    pay      P2 A1 W1 D1 M1=2,M2=1 30    whatever
    pay      P3 A1 W1 D1 M2 60           whatever
    hold     H1 A1 W1 D1 M1 20 until +5h whatever
    hold     H2 A1 W1 D1 M1=2,M2=1 9 until +5h whatever
    capture  H2 7                        whatever
    meter    T1 A1 W1 D1 M1 30 rates 700000000,3 round up until +4h whatever
    charge   T1 #1 7,1                   whatever
    refund   R1 P2 3                     whatever
    redeem   H1 goods                    whatever
    freeze   M3                          whatever
    channel  C1 A1 W1 D1 M1 12 until +4h round half-up whatever
    claim    C1 3000000001               whatever
    escrow   E1 A1 W1 D1 M1 8 until +5d  whatever
    escrow   E2 A1 W1 D1 M1 7 until +5h  whatever
    dispute  E2                          whatever
    invoice  I1 P1                       whatever
    invoice  I2 P2                       whatever
    refund   R2 P2 4                     whatever
    grant-quota Q1 M1 W1 50 for P1       whatever
    allot    Q2 Q1 20 for A1             whatever
    deduct   U1 Q2 7                     whatever
    restore  U1 2                        whatever
    subscribe X2 A1 W1 D1 M1 9 every 3d grace 1d trial +1h   whatever
    subscribe X3 A1 W1 D1 M1 2 every 1d   whatever
    change-plan X4 X3 A1 W1 D1 M1 3 every 1mo   whatever
    link     L1 M1 5 most 9 uses 2         whatever
    pay-link P9 L1 A1 W1 D1 M1 7 says hi   whatever
    destination M1 bank by OP            whatever
    payout   B1 M1 3                     whatever
    payout   B2 M1 2                     whatever
    sent     B2                          whatever
    destination M1 other                 whatever
    advance  +1d
    revoke   D1                          whatever
    present  +9us                        whatever
";

fn pieces(book: &Book) -> Vec<Vec<u8>> {
    let mut pieces = Vec::new();
    let Ok(()) = book.save(|piece| {
        pieces.push(piece.to_vec());
        Ok::<(), Infallible>(())
    });
    pieces
}

fn restored(pieces: &[Vec<u8>]) -> Result<Book, book::Malformed> {
    let mut restoring = Restoring::default();
    pieces.iter().try_for_each(|piece| restoring.take(piece))?;
    restoring.finish()
}

/// The empty book whose secret is 1 and 2, so that what it comes to can be written down.
fn known() -> Book {
    let opening = [0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    restored(&[opening.to_vec()]).unwrap()
}

fn follow(book: &mut Book, entries: &[Vec<u8>]) {
    entries.iter().for_each(|entry| drop(book.replay(entry).unwrap()));
}

#[test]
fn a_saved_book_has_these_bytes() {
    let mut book = known();
    follow(&mut book, &run(TOWN).unwrap().entries);
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let lines = |piece: Vec<u8>| piece.chunks(48).map(hex).collect::<Vec<_>>().join("\n");
    let text = pieces(&book).into_iter().map(lines).collect::<Vec<_>>().join("\n\n") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/saved/town.txt");
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert!(
        golden == text,
        "a saved book is written otherwise: count up the snapshot's version, and UPDATE=1"
    );
}

#[test]
fn pieces_that_are_missing_doubled_swapped_or_cut_are_no_book() {
    let mut book = known();
    follow(&mut book, &run(TOWN).unwrap().entries);
    let whole = pieces(&book);
    assert_eq!(whole.len(), 14, "every table has rows");
    assert_eq!(pieces(&restored(&whole).unwrap()), whole);
    for place in 0..whole.len() {
        let mut wrong = whole.clone();
        wrong.remove(place);
        assert!(restored(&wrong).is_err(), "without piece {place}");
        let mut wrong = whole.clone();
        wrong.insert(place, whole[place].clone());
        assert!(restored(&wrong).is_err(), "piece {place} twice");
        let mut wrong = whole.clone();
        wrong.rotate_left(place);
        assert_eq!(restored(&wrong).is_ok(), place == 0, "beginning with piece {place}");
        let mut wrong = whole.clone();
        wrong[place].pop();
        assert!(restored(&wrong).is_err(), "piece {place} without its last byte");
    }
}

#[test]
fn a_saved_book_forgets_and_repeats_like_the_one_it_was() {
    let entries = run(TOWN).unwrap().entries;
    for cut in 0..=entries.len() {
        let mut book = known();
        follow(&mut book, &entries[..cut]);
        let mut saved = restored(&pieces(&book)).unwrap();
        follow(&mut book, &entries[cut..]);
        follow(&mut saved, &entries[cut..]);
        assert!(pieces(&book) == pieces(&saved), "saved behind entry {cut}");
        for bytes in &entries {
            let command = book::Entry::from_bytes(bytes).unwrap().command;
            if command.by == book::Actor::Book {
                continue;
            }
            let at = book.head().at;
            let (one, other) = (book.decide(at, &command), saved.decide(at, &command));
            assert_eq!(one.decision(), other.decision());
            assert!(matches!(one.decision(), book::Decision::Repeat(_)), "{:?}", one.decision());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Bytes that no book gave, and numbers that are as large as can be: no panic, and no endless memory.
    #[test]
    fn no_bytes_confuse_whoever_puts_a_book_together(
        changes in proptest::collection::vec((0..9usize, 0..9_999usize, change()), 1..9),
    ) {
        let mut wrong = town().clone();
        for (piece, byte, new) in changes {
            let piece = &mut wrong[piece];
            let byte = byte % piece.len();
            piece.splice(byte..=byte, new);
        }
        let _ = restored(&wrong);
    }
}

/// What stands in the place of a byte.
fn change() -> impl Strategy<Value = Vec<u8>> {
    let largest = [vec![0xFF; 4], vec![0x0F]].concat();
    let larger = [vec![0xFF; 9], vec![1]].concat();
    prop_oneof![any::<u8>().prop_map(|byte| vec![byte]), Just(largest), Just(larger)]
}

fn town() -> &'static Vec<Vec<u8>> {
    static PIECES: std::sync::OnceLock<Vec<Vec<u8>>> = std::sync::OnceLock::new();
    PIECES.get_or_init(|| {
        let mut book = known();
        follow(&mut book, &run(TOWN).unwrap().entries);
        pieces(&book)
    })
}
