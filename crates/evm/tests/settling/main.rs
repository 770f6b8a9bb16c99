//! Settling against a node that does as it is told: what is said, to whom, and how often money moves, whatever happens
//! between us and the chain. A real node has the same asked of it in `cargo xtask lane evm`.

mod pending;
mod stage;

use evm::Refused;
use protocols::evm::number::{Address, Chain, hex};
use protocols::evm::{Reason, Requirements};
use stage::{ANOTHER, Does, NOW, PRICE, Stage, VALID_SECONDS, said, settle};

#[tokio::test]
async fn it_is_paid_once_and_only_one_is_told_so() {
    let stage = Stage::open("once").await;
    let facilitator = stage.start();
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Ok(()));
    assert_eq!(stage.moves(), 0);
    let settled = settle(&facilitator, &stage.ask).await.unwrap();
    assert_eq!(settled.evidence.signature, format!("signed {}", settled.evidence.statement));
    assert!(settled.evidence.statement.contains(&hex(&settled.transaction)));
    let again = Refused { reason: Reason::Used, transaction: Some(settled.transaction) };
    for facilitator in [facilitator, stage.start()] {
        assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), again);
        assert_eq!(facilitator.verify(&stage.ask, NOW).await, Err(again));
    }
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn eight_at_once_are_one() {
    let stage = Stage::open("eight").await;
    let facilitator = stage.start();
    let all = futures_util::future::join_all((0..8).map(|_| said(&facilitator, &stage.ask))).await;
    assert_eq!(all.iter().filter(|said| said.is_ok()).count(), 1, "{all:?}");
    assert!(all.iter().all(|said| matches!(said, Ok(()) | Err(Reason::Used))), "{all:?}");
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn what_nobody_knows_is_not_called_failed() {
    let stage = Stage::open("unknown").await;
    stage.now(|world| world.does = Does::IsAway);
    let facilitator = stage.start();
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Err(Reason::VerifyUnknown.into()));
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), Reason::SettleUnknown.into());
    stage.now(|world| world.does = Does::Refuses);
    let pending = settle(&facilitator, &stage.ask).await.unwrap_err();
    assert_eq!(pending.reason, Reason::Pending);
    // Whoever is killed here finds what was about to be sent, and sends just that.
    drop(facilitator);
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::IsAway);
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), pending, "it may have been sent");
    stage.now(|world| world.does = Does::Takes);
    assert_eq!(facilitator.verify(&stage.ask, NOW).await, Ok(()));
    assert_eq!(Some(settle(&facilitator, &stage.ask).await.unwrap().transaction), pending.transaction);
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn money_that_another_transaction_has_moved_is_not_called_unmoved() {
    let stage = Stage::open("overtaken").await;
    stage.now(|world| world.does = Does::IsOvertaken);
    let said = settle(&stage.start(), &stage.ask).await.unwrap_err();
    assert_eq!(said, Refused { reason: Reason::Used, transaction: Some(ANOTHER) });
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn an_answer_that_is_lost_loses_no_payment() {
    let stage = Stage::open("lost").await;
    stage.now(|world| world.does = Does::TakesSilently);
    assert_eq!(said(&stage.start(), &stage.ask).await, Ok(()));
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn only_our_own_transaction_counts() {
    let stage = Stage::open("other").await;
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::Refuses);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Pending));
    stage.now(|world| world.mined.push(([9; 32], true)));
    let other = Refused { reason: Reason::Used, transaction: Some([9; 32]) };
    assert_eq!(settle(&facilitator, &stage.ask).await.unwrap_err(), other);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Used));
    assert_eq!(stage.moves(), 1);
}

#[tokio::test]
async fn what_can_move_nothing_any_more_is_over_and_may_begin_again() {
    let stage = Stage::open("over").await;
    let facilitator = stage.start();
    stage.now(|world| world.does = Does::Refuses);
    let pending = settle(&facilitator, &stage.ask).await.unwrap_err();
    // Its place went to another transaction of the account.
    stage.now(|world| (world.others, world.does) = (1, Does::Reverts));
    let reverted = settle(&facilitator, &stage.ask).await.unwrap_err();
    assert_eq!(reverted.reason, Reason::Failed);
    assert_ne!(reverted.transaction, pending.transaction);
    stage.now(|world| world.does = Does::Refuses);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Pending));
    // The chain's clock is what ends it, whatever ours says.
    stage.now(|world| world.timestamp = NOW + VALID_SECONDS);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Simulation));
    assert_eq!(stage.moves(), 0);
}

#[tokio::test]
async fn nothing_is_sent_for_what_the_chain_would_refuse_or_the_operator_does_not_serve() {
    let stage = Stage::open("refused").await;
    let facilitator = stage.start();
    let another = Address::from_bytes([8; 20]);
    let asking = |change: &dyn Fn(&mut Requirements)| {
        let mut ask = stage.ask.clone();
        change(&mut ask.requirements);
        ask.accepted = ask.requirements.clone();
        ask
    };
    for (ask, reason) in [
        (asking(&|asked| asked.domain.chain = Chain::new(1).unwrap()), Reason::Network),
        (asking(&|asked| asked.domain.token = another), Reason::Token),
        (asking(&|asked| asked.domain.name = "USDC".to_owned()), Reason::Name),
        (asking(&|asked| asked.domain.version = "1".to_owned()), Reason::TokenVersion),
        (asking(&|asked| asked.pay_to = another), Reason::Recipient),
        (asking(&|asked| asked.amount = (PRICE - 1).into()), Reason::Value),
    ] {
        assert_eq!(facilitator.verify(&ask, NOW).await, Err(reason.into()));
        assert_eq!(said(&facilitator, &ask).await, Err(reason));
    }
    for (now, reason) in [(NOW + 591, Reason::ValidBefore), (NOW - 361, Reason::ValidBefore)] {
        assert_eq!(facilitator.verify(&stage.ask, now).await, Err(reason.into()));
    }
    stage.now(|world| world.balance = PRICE - 1);
    assert_eq!(said(&facilitator, &stage.ask).await, Err(Reason::Balance));
    stage.now(|world| world.balance = PRICE);
    stage.now(|world| world.domain.version = "1".to_owned());
    // A token that signs otherwise than the operator says is not served.
    assert_eq!(said(&stage.start(), &stage.ask).await, Err(Reason::SettleUnknown));
    assert!(stage.world.lock().unwrap().mined.is_empty());
}
