//! `ADD-IAC-LCM`: four states, who may move them, what time does alone, and what holds during an outage.

use crate::world::*;
use book::Time;
use protocols::act::iac::VerifiedIac;
use protocols::act::lifecycle::{
    Caller, Change, DelegationEvent, IacState, Knowledge, Lifecycle, NotChanged, NotUsable,
    ProvisionalPolicy, Standing, StatusDocument, StatusService,
};

fn iac() -> VerifiedIac {
    verified(&isr_json("BOUNDED"))
}

fn life() -> Lifecycle {
    Lifecycle::issued(&iac())
}

fn stored(state: IacState) -> Lifecycle {
    let window = (at("2026-09-01T00:00:00Z"), at("2026-09-08T00:00:00Z"));
    Lifecycle::stored(window, state, at("2026-09-01T12:00:00Z"))
}

/// The states a credential is in after `from` and each change its caller may make.
fn reached(from: IacState) -> Vec<IacState> {
    let after = |change: &Change| {
        let principal = stored(from).change(*change, Caller::Principal, now());
        principal.ok().map(|made| made.lifecycle.state_at(now()))
    };
    Change::ALL.iter().filter_map(after).collect()
}

#[test]
fn lcm_01_a_credential_is_active_once_issued_and_inside_its_window() {
    assert_eq!(life().state_at(now()), IacState::Active);
    assert_eq!(life().usable(now()), Ok(()));
    let early = at("2026-08-31T23:59:59Z");
    assert_eq!(life().state_at(early), IacState::Active, "kept as active");
    assert_eq!(life().usable(early), Err(NotUsable::NotYetValid), "and refused all the same");
}

#[test]
fn lcm_02_only_the_listed_transitions_exist() {
    use IacState as S;
    assert_eq!(reached(S::Active), [S::Suspended, S::Revoked]);
    assert_eq!(reached(S::Suspended), [S::Active, S::Revoked]);
    let table: Vec<(S, S)> = S::ALL
        .iter()
        .flat_map(|from| S::ALL.iter().map(|to| (*from, *to)))
        .filter(|(from, to)| from.may_become(*to))
        .collect();
    assert_eq!(
        table,
        [
            (S::Active, S::Suspended),
            (S::Active, S::Revoked),
            (S::Active, S::Expired),
            (S::Suspended, S::Active),
            (S::Suspended, S::Revoked),
            (S::Suspended, S::Expired),
        ]
    );
    // Making a change and asking whether it may be made never differ.
    for from in S::ALL {
        for to in reached(*from) {
            assert!(from.may_become(to), "{from} to {to}");
        }
    }
}

#[test]
fn lcm_03_the_two_final_states_are_left_by_nobody() {
    for state in [IacState::Revoked, IacState::Expired] {
        assert!(state.is_final());
        for change in Change::ALL {
            let tried = stored(state).change(*change, Caller::Principal, now());
            assert_eq!(tried, Err(NotChanged::NoSuchTransition { from: state, change: *change }));
        }
        assert_eq!(stored(state).expiry(at("2030-01-01T00:00:00Z")), None);
    }
    let late = at("2030-01-01T00:00:00Z");
    assert_eq!(stored(IacState::Revoked).state_at(late), IacState::Revoked, "not expired on top");
}

#[test]
fn lcm_04_each_change_has_its_callers() {
    use Caller as C;
    for (change, from, callers) in [
        (Change::Suspend, IacState::Active, &[C::Principal, C::RiskSystem][..]),
        (Change::Resume, IacState::Suspended, &[C::Principal, C::RiskSystem]),
        (Change::Revoke, IacState::Active, &[C::Principal, C::DelegatedAgent]),
        (Change::Revoke, IacState::Suspended, &[C::Principal, C::DelegatedAgent]),
    ] {
        for caller in C::ALL {
            let made = stored(from).change(change, *caller, now());
            assert_eq!(made.is_ok(), callers.contains(caller), "{change} by {caller}");
            if !callers.contains(caller) {
                assert_eq!(made, Err(NotChanged::NotAllowed { caller: *caller, change }));
            }
        }
    }
    let stranger = stored(IacState::Revoked).change(Change::Resume, C::Other, now());
    assert!(matches!(stranger, Err(NotChanged::NotAllowed { .. })), "a stranger learns no state");
}

#[test]
fn lcm_05_time_alone_makes_a_credential_expire() {
    let end = at("2026-09-08T00:00:00Z");
    let before = Time(end.0 - 1);
    for state in [IacState::Active, IacState::Suspended] {
        assert_eq!(stored(state).state_at(before), state);
        assert_eq!(stored(state).expiry(before), None);
        assert_eq!(stored(state).state_at(end), IacState::Expired);
        let made = stored(state).expiry(end).unwrap();
        assert_eq!(made.event, DelegationEvent::Expired);
        assert_eq!(made.lifecycle.expiry(end), None, "reported once");
        assert_eq!(made.lifecycle.changed_at(end), end);
    }
    let late = stored(IacState::Suspended).change(Change::Resume, Caller::Principal, end);
    assert!(late.is_err(), "nothing is resumed after its end");
}

#[test]
fn lcm_06_each_unusable_state_is_a_reason_of_its_own() {
    assert_eq!(stored(IacState::Suspended).usable(now()), Err(NotUsable::Suspended));
    assert_eq!(stored(IacState::Revoked).usable(now()), Err(NotUsable::Revoked));
    assert_eq!(stored(IacState::Expired).usable(now()), Err(NotUsable::Expired));
    let end = at("2026-09-08T00:00:00Z");
    assert_eq!(stored(IacState::Active).usable(end), Err(NotUsable::Expired));
    assert_eq!(stored(IacState::Suspended).usable(end), Err(NotUsable::Expired));
    assert_eq!(stored(IacState::Revoked).usable(end), Err(NotUsable::Revoked));
}

#[test]
fn lcm_07_each_transition_has_one_event() {
    for (from, change, event) in [
        (IacState::Active, Change::Suspend, "act:delegation:delegation-suspended"),
        (IacState::Suspended, Change::Resume, "act:delegation:delegation-resumed"),
        (IacState::Active, Change::Revoke, "act:delegation:delegation-revoked"),
    ] {
        let made = stored(from).change(change, Caller::Principal, now()).unwrap();
        assert_eq!(made.event.as_str(), event);
    }
    assert_eq!(DelegationEvent::Expired.as_str(), "act:delegation:delegation-expired");
}

const DOWN: StatusService = StatusService::Down;

fn policy() -> ProvisionalPolicy {
    ProvisionalPolicy { answer_age_seconds_max: 600, amount_max: amount("20.00") }
}

fn status(status: IacState, changed_at: &str) -> StatusDocument {
    StatusDocument { delegation_id: id(DELEGATION), status, changed_at: utc(changed_at), changed_by: None }
}

fn knowing(answers: &[(IacState, &str, &str)]) -> Knowledge {
    let mut knowledge = Knowledge::nothing(id(DELEGATION));
    for (state, changed_at, heard_at) in answers {
        knowledge.learn(&status(*state, changed_at), at(heard_at));
    }
    knowledge
}

#[test]
fn lcm_08_during_an_outage_a_decision_is_provisional_and_limited() {
    let issued = "2026-08-31T23:58:00Z";
    let known = knowing(&[(IacState::Active, issued, "2026-09-02T03:00:00Z")]);
    let tell = |service, time: &str| known.standing(&iac(), service, &policy(), at(time));
    let provisional = Ok(Standing::Provisional { amount_max: amount("20.00") });
    assert_eq!(tell(StatusService::Answers, "2026-09-02T03:10:00Z"), Ok(Standing::Confirmed));
    assert_eq!(tell(DOWN, "2026-09-02T03:10:00Z"), provisional, "ten minutes old, no older");
    assert_eq!(tell(DOWN, "2026-09-02T03:10:01Z"), Err(NotUsable::Unknown));
    assert_eq!(tell(DOWN, "2026-09-08T00:00:00Z"), Err(NotUsable::Expired), "the window needs no answer");

    let nothing = Knowledge::nothing(id(DELEGATION));
    for service in [StatusService::Answers, DOWN] {
        assert_eq!(nothing.standing(&iac(), service, &policy(), now()), Err(NotUsable::Unknown));
    }
}

#[test]
fn lcm_08_no_outage_undoes_what_is_known() {
    let issued = "2026-08-31T23:58:00Z";
    for (state, refused) in [
        (IacState::Suspended, NotUsable::Suspended),
        (IacState::Revoked, NotUsable::Revoked),
        (IacState::Expired, NotUsable::Expired),
    ] {
        let known = knowing(&[
            (IacState::Active, issued, "2026-09-02T03:00:00Z"),
            (state, "2026-09-02T03:05:00Z", "2026-09-02T03:06:00Z"),
            (IacState::Active, issued, "2026-09-02T03:07:00Z"), // an old answer that comes late
        ]);
        for service in [StatusService::Answers, DOWN] {
            assert_eq!(known.standing(&iac(), service, &policy(), now()), Err(refused), "{state}");
        }
    }
    let resumed = [
        (IacState::Suspended, "2026-09-02T03:05:00Z", "2026-09-02T03:06:00Z"),
        (IacState::Active, "2026-09-02T03:08:00Z", "2026-09-02T03:09:00Z"),
    ];
    let standing = knowing(&resumed).standing(&iac(), StatusService::Answers, &policy(), now());
    assert_eq!(standing, Ok(Standing::Confirmed));
    let mut revived = knowing(&[(IacState::Revoked, issued, "2026-09-02T03:00:00Z")]);
    revived.learn(&status(IacState::Active, "2026-09-02T03:08:00Z"), now());
    let standing = revived.standing(&iac(), StatusService::Answers, &policy(), now());
    assert_eq!(standing, Err(NotUsable::Revoked), "final is final, whatever is answered later");
}

#[test]
fn lcm_08_an_answer_about_another_credential_teaches_nothing() {
    let mut known = Knowledge::nothing(id("urn:other"));
    known.learn(&status(IacState::Active, "2026-08-31T23:58:00Z"), now());
    assert_eq!(known, Knowledge::nothing(id("urn:other")));
    let standing = known.standing(&iac(), StatusService::Answers, &policy(), now());
    assert_eq!(standing, Err(NotUsable::Unknown));
}

#[test]
fn the_status_document_says_the_state_of_now() {
    let suspended = life().change(Change::Suspend, Caller::RiskSystem, at("2026-09-03T10:00:00Z")).unwrap();
    let tell = |time: &str| {
        StatusDocument::of(id(DELEGATION), &suspended.lifecycle, Some(id(ANA)), at(time)).to_json()
    };
    let expected = format!(
        r#"{{"delegation_id":"{DELEGATION}","status":"Suspended","changed_at":"2026-09-03T10:00:00Z","changed_by":"{ANA}"}}"#
    );
    assert_eq!(tell("2026-09-04T00:00:00Z"), expected);
    let expected = format!(
        r#"{{"delegation_id":"{DELEGATION}","status":"Expired","changed_at":"2026-09-08T00:00:00Z"}}"#
    );
    assert_eq!(tell("2026-09-09T00:00:00Z"), expected);

    let more = expected.replace("}", r#","ttl":60}"#);
    let read = StatusDocument::from_json(more.as_bytes()).unwrap();
    assert_eq!(read.status, IacState::Expired, "an answer may say more than we know");
    for state in ["active", "ACTIVE", "Gone"] {
        assert!(StatusDocument::from_json(expected.replace("Expired", state).as_bytes()).is_err());
    }
}
