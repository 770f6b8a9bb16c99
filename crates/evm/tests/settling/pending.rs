//! What was sent and is in no block yet: what replaces it, when, and that whichever of them a chain takes, it is our own payment,
//! paid once and told once; and what is looked at though nobody asks.

use crate::stage::{ANOTHER, Does, NOW, PRICE, Stage, VALID_SECONDS, said, settle};
use evm::Refused;
use evm::store::{Key, Sent, State, Store};
use evm::transaction::{Settler, Transaction, transfer};
use protocols::evm::number::{Address, hex};
use protocols::evm::{Ask, Reason};

/// Something was sent, and waits for a block.
async fn waiting(name: &str) -> (Stage, evm::Facilitator) {
    let stage = Stage::open(name).await;
    stage.now(|world| world.does = Does::Keeps);
    let facilitator = stage.start();
    stage.asked_and_left(&facilitator).await;
    (stage, facilitator)
}

/// It was replaced, for gas has become dearer.
async fn replaced(name: &str) -> (Stage, evm::Facilitator) {
    let (stage, facilitator) = waiting(name).await;
    stage.now(|world| world.goes_on(2, 30, 100));
    stage.round(&facilitator).await.expect("the node answers");
    assert_eq!(stage.named().len(), 2);
    (stage, facilitator)
}

#[tokio::test]
async fn what_pays_too_little_is_replaced_in_its_place_and_paid_once() {
    let (stage, facilitator) = waiting("replaced").await;
    stage.round(&facilitator).await.unwrap();
    assert_eq!(stage.named().len(), 1, "it may still be taken");
    stage.now(|world| world.goes_on(2, 30, 100));
    for _ in 0..2 {
        stage.round(&facilitator).await.unwrap();
    }
    let [first, second] = stage.named()[..] else { panic!("it was not replaced once") };
    stage.now(|world| {
        let (was, by) = (world.read(first), world.read(second));
        assert_eq!((was.tip_wei, was.fee_wei, by.tip_wei, by.fee_wei), (1, 15, 2, 202));
        assert_eq!(by, Transaction { tip_wei: 2, fee_wei: 202, ..was });
        world.mine(second);
    });
    let settled = settle(&facilitator, &stage.ask).await.unwrap();
    assert_eq!(settled.transaction, second);
    let again = Refused { reason: Reason::Used, transaction: Some(second) };
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), again);
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn it_is_replaced_when_blocks_have_passed_it_by_and_more_pay_would_help() {
    for (at, (blocks, seconds, base_fee, before, fee)) in [
        (2, 30, 100, 0, Some(202)),
        (2, 29, 100, 0, None),
        (1, 30, 100, 0, None),
        // It pays enough and is not taken: nobody knows why, and a little more may help.
        (2, 30, 7, 0, Some(17)),
        // There is another before it, so more would not help; but it will, once that is gone.
        (2, 30, 7, 1, None),
        (2, 30, 100, 1, Some(202)),
        // Up to what is allowed, and not a wei more.
        (2, 30, 999, 0, Some(1_000)),
        (2, 30, 1_000, 0, None),
    ]
    .into_iter()
    .enumerate()
    {
        let stage = Stage::open(&format!("due{at}")).await;
        stage.now(|world| (world.does, world.others) = (Does::Keeps, before));
        let facilitator = stage.start();
        stage.asked_and_left(&facilitator).await;
        stage.now(|world| {
            world.others = 0;
            world.goes_on(blocks, seconds, base_fee);
        });
        stage.round(&facilitator).await.unwrap();
        let replaced = stage.named().get(1).copied();
        stage.now(|world| assert_eq!(replaced.map(|hash| world.read(hash).fee_wei), fee, "{at}"));
        assert_eq!(stage.state(), Some(State::Sent), "what waits has not failed");
    }
}

#[tokio::test]
async fn what_waits_for_cheaper_gas_goes_on_once_it_is_cheaper() {
    let (stage, facilitator) = waiting("dear").await;
    for base_fee in [1_000, 2_000] {
        stage.now(|world| world.goes_on(2, 30, base_fee));
        stage.round(&facilitator).await.unwrap();
    }
    assert_eq!(stage.named().len(), 1);
    stage.now(|world| world.goes_on(1, 12, 400));
    stage.round(&facilitator).await.unwrap();
    let [_, second] = stage.named()[..] else { panic!("it was not replaced once") };
    stage.now(|world| world.mine(second));
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap().transaction, second);
}

#[tokio::test]
async fn no_more_than_so_many_are_signed_for_one_settlement() {
    let (stage, facilitator) = waiting("many").await;
    for _ in 0..15 {
        stage.now(|world| world.goes_on(2, 30, 7));
        stage.round(&facilitator).await.unwrap();
    }
    let names = stage.named();
    assert_eq!(names.len(), 12);
    stage.now(|world| {
        for pair in names.windows(2) {
            let (was, by) = (world.read(pair[0]), world.read(pair[1]));
            assert!(was.fee_wei * 9 / 8 <= by.fee_wei);
            assert!(was.tip_wei * 9 / 8 < by.tip_wei);
        }
    });
    assert_eq!(stage.state(), Some(State::Sent), "it waits");
}

#[tokio::test]
async fn nothing_more_is_spent_on_what_is_over_unless_others_wait_behind_it() {
    for is_waited_for in [false, true] {
        let (stage, facilitator) = waiting(&format!("spent{is_waited_for}")).await;
        if is_waited_for {
            wait_behind(&stage);
        }
        stage.now(|world| world.goes_on(100, VALID_SECONDS, 100));
        stage.round(&facilitator).await.unwrap();
        assert_eq!(stage.named().len(), 1 + usize::from(is_waited_for));
        assert_eq!(stage.state(), Some(State::Sent), "the node may still send it to a block");
    }
}

#[tokio::test]
async fn whichever_a_block_takes_is_our_own_payment_after_a_restart_too() {
    for which in [0, 1] {
        for looks in [0, 1] {
            let (stage, facilitator) = replaced(&format!("which{which}{looks}")).await;
            drop(facilitator);
            let taken = stage.named()[which];
            stage.now(|world| world.mine(taken));
            let facilitator = stage.start();
            for _ in 0..looks {
                stage.round(&facilitator).await.unwrap();
                assert_eq!(stage.state(), Some(State::Moved), "nobody was told yet");
            }
            assert_eq!(facilitator.verify(&stage.ask, NOW).await, Ok(()));
            let settled = settle(&facilitator, &stage.ask).await.unwrap();
            assert_eq!(settled.transaction, taken);
            assert!(settled.evidence.statement.contains(&hex(&taken)));
            let again = Refused { reason: Reason::Used, transaction: Some(taken) };
            assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), again);
            assert_eq!((stage.moves(), stage.named().len()), (1, 2));
        }
    }
}

#[tokio::test]
async fn a_payment_by_one_that_was_replaced_is_never_called_anothers() {
    let (stage, facilitator) = replaced("own").await;
    let first = stage.named()[0];
    // The token says that it was used, and by which, before the node has the receipt.
    stage.now(|world| {
        world.mine(first);
        world.hides_receipts = true;
    });
    stage.round(&facilitator).await.unwrap();
    assert_eq!(stage.state(), Some(State::Sent));
    stage.now(|world| world.hides_receipts = false);
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap().transaction, first);
    // Of somebody else's it is said.
    let (stage, facilitator) = replaced("not-own").await;
    stage.now(|world| world.mine(ANOTHER));
    let other = Refused { reason: Reason::Used, transaction: Some(ANOTHER) };
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), other);
}

#[tokio::test]
async fn whoever_is_killed_between_two_of_them_hands_over_the_newest() {
    let (stage, facilitator) = waiting("killed").await;
    stage.now(|world| {
        world.does = Does::Refuses;
        world.goes_on(2, 30, 100);
    });
    // As if nobody had heard of it: it was written down, and that was all.
    stage.round(&facilitator).await.unwrap();
    drop(facilitator);
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::Keeps);
    stage.round(&facilitator).await.unwrap();
    let [first, second, again] = stage.named()[..] else { panic!("it was not handed over again") };
    assert!(first != second && second == again);
    stage.now(|world| world.mine(second));
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap().transaction, second);
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn what_is_pending_is_looked_at_though_nobody_asks() {
    let (stage, facilitator) = waiting("looked").await;
    drop(facilitator);
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::IsAway);
    assert!(stage.round(&facilitator).await.is_err());
    assert_eq!(stage.state(), Some(State::Sent), "unknown is not failed");
    // The node has lost it, and is handed the same again.
    stage.now(|world| {
        world.pool.clear();
        world.does = Does::Keeps;
    });
    stage.round(&facilitator).await.unwrap();
    let [first, again] = stage.named()[..] else { panic!("it was not handed over again") };
    assert_eq!(first, again);
    stage.now(|world| world.mine(first));
    for _ in 0..2 {
        stage.round(&facilitator).await.unwrap();
    }
    assert_eq!((stage.state(), stage.moves()), (Some(State::Moved), 1));
    assert_eq!(said(&facilitator, &stage.ask).await, Ok(()), "whoever asks first is told");
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Used));
    // What the token has refused is over.
    let (stage, facilitator) = waiting("refused-looked").await;
    let first = stage.named()[0];
    stage.now(|world| world.mined.push((first, false)));
    stage.round(&facilitator).await.unwrap();
    assert_eq!(stage.state(), Some(State::Over));
}

#[tokio::test]
async fn what_is_over_is_given_up_unless_others_wait_behind_its_place() {
    for is_waited_for in [false, true] {
        let (stage, facilitator) = waiting(&format!("late{is_waited_for}")).await;
        if is_waited_for {
            wait_behind(&stage);
        }
        stage.now(|world| {
            world.pool.clear();
            world.goes_on(100, VALID_SECONDS, 7);
        });
        stage.round(&facilitator).await.unwrap();
        let expected = if is_waited_for { State::Sent } else { State::Over };
        assert_eq!(stage.state(), Some(expected));
        assert_eq!(stage.named().len(), 1 + usize::from(is_waited_for));
        if is_waited_for {
            let second = stage.named()[1];
            stage.now(|world| world.mine(second));
            stage.round(&facilitator).await.unwrap();
            assert_eq!((stage.state(), stage.moves()), (Some(State::Over), 0));
        }
    }
}

/// Somebody else's payment was sent with the next place.
fn wait_behind(stage: &Stage) {
    let Ask { requirements, authorization, signature, .. } = &stage.ask;
    let mut other = authorization.clone();
    other.from = Address::from_bytes([5; 20]);
    let (was, _) = Transaction::read(&stage.world.lock().expect("nobody panicked").handed[0])
        .expect("it is a transaction");
    let account_nonce = was.account_nonce + 1;
    let transaction = Transaction { account_nonce, data: transfer(&other, signature), ..was };
    let signed = transaction.sign(&Settler::parse(&"22".repeat(32)).expect("it is a key"));
    let sent = Sent { signed, block: 16, time: NOW };
    let key = Key::of(&requirements.domain, &other);
    let store = Store::open(&stage.file).expect("the file can be read");
    assert!(
        store.begin(&key, (other.to, other.value), account_nonce, &sent).expect("the file can be written")
    );
}

#[tokio::test]
async fn an_authorization_is_not_taken_for_another_under_the_same_nonce() {
    let (stage, facilitator) = waiting("twins").await;
    let twin = stage.for_price(2 * PRICE);
    let first = stage.named()[0];
    let says = |reason| Refused { reason, transaction: Some(first) };
    assert_eq!(facilitator.verify(&twin, NOW).await, Err(says(Reason::Used)));
    assert_eq!(settle(&facilitator, &twin).await.unwrap_err(), says(Reason::Pending));
    stage.now(|world| world.mine(first));
    stage.round(&facilitator).await.unwrap();
    assert_eq!(settle(&facilitator, &twin).await.unwrap_err(), says(Reason::Used));
    assert_eq!(said(&facilitator, &stage.ask).await, Ok(()));
    assert_eq!(stage.moves(), 1);
}
