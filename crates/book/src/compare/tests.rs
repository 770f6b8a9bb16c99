//! That narrower is narrower: whatever was spent, new limits say no more than the old ones do.

use super::*;
use crate::calendar::Zone;
use crate::limit::{Opinion, PayeeFacts, Policy, Spending, Usage};
use crate::table::Slot;
use crate::wallet::remember;
use evidence::Hash;
use proptest::prelude::*;
use proptest::sample::select;

const DAY: u64 = 86_400_000_000_000;

fn amount(minor: u64) -> Amount {
    Amount::new(minor.into()).unwrap()
}

fn payee(number: u8) -> PayeeId {
    PayeeId(crate::id::Id([number; 16]))
}

fn code(number: u8) -> Code {
    Code::new(&format!("code{number}")).unwrap()
}

fn window() -> impl Strategy<Value = Window> {
    let zone = || select(vec!["UTC", "Europe/Berlin"]).prop_map(|name| Zone::new(name).unwrap());
    let period = || select(vec![Period::Day, Period::Week, Period::Month]);
    prop_oneof![
        select(vec![3_600u32, 4 * 3_600, 90_000]).prop_map(|seconds| Window::Rolling { seconds }),
        (period(), zone()).prop_map(|(period, zone)| Window::Calendar { period, zone }),
    ]
}

fn limit() -> impl Strategy<Value = Limit> {
    let max = || (0..40u64).prop_map(amount);
    let payees = || proptest::collection::vec((0..4u8).prop_map(payee), 0..4);
    let codes = || proptest::collection::vec((0..3u8).prop_map(code), 0..3);
    prop_oneof![
        max().prop_map(|max| Limit::PerPayment { max }),
        max().prop_map(|max| Limit::Total { max }),
        (0..6u64).prop_map(|max| Limit::Uses { max }),
        (window(), max()).prop_map(|(window, max)| Limit::Window { window, max }),
        (window(), 0..6u32).prop_map(|(window, max)| Limit::Velocity { window, max }),
        payees().prop_map(|payees| Limit::PayeesAllowed { payees }),
        payees().prop_map(|payees| Limit::PayeesDenied { payees }),
        codes().prop_map(|categories| Limit::CategoriesAllowed { categories }),
        codes().prop_map(|categories| Limit::CategoriesDenied { categories }),
        (0..6u64, 1..6u64).prop_map(|(from, days)| Limit::Validity {
            from: Time(from * DAY),
            until: Time((from + days) * DAY)
        }),
        max().prop_map(|amount| Limit::AskAbove { amount }),
        Just(Limit::AskFirstContact),
        Just(Limit::AskAlways),
        (0..2u8).prop_map(|n| Limit::Unknown { constraint: Box::new(Hash([n; 32])) }),
    ]
}

/// Two sets of limits; more often than not the second was made from the first by tightening, adding and leaving out.
fn pair() -> impl Strategy<Value = (Vec<Limit>, Vec<Limit>)> {
    let set = || proptest::collection::vec(limit(), 0..4);
    prop_oneof![
        1 => (set(), set()),
        4 => (set(), proptest::collection::vec(any::<u8>(), 4), proptest::collection::vec(limit(), 0..2)).prop_map(
            |(before, turns, added)| {
                let kept = before.iter().zip(turns).filter(|(_, turn)| *turn > 30);
                let tightened = kept.map(|(limit, turn)| tighten(limit, turn));
                let after = tightened.chain(added).collect();
                (before, after)
            }
        ),
    ]
}

fn tighten(limit: &Limit, turn: u8) -> Limit {
    let less = |max: &Amount| max.saturating_sub(amount(u64::from(turn % 3)));
    match limit {
        Limit::PerPayment { max } if turn.is_multiple_of(5) => Limit::Total { max: less(max) },
        Limit::PerPayment { max } => Limit::PerPayment { max: less(max) },
        Limit::Total { max } => Limit::Total { max: less(max) },
        Limit::Uses { max } => Limit::Uses { max: max.saturating_sub(u64::from(turn % 3)) },
        Limit::Window { max, .. } if turn.is_multiple_of(5) => Limit::Total { max: less(max) },
        Limit::Window { window: Window::Calendar { zone, .. }, max } if turn.is_multiple_of(2) => {
            Limit::Window { window: Window::Calendar { period: Period::Month, zone: *zone }, max: less(max) }
        }
        Limit::Window { window: Window::Rolling { seconds }, max } => {
            let seconds = seconds * u32::from(1 + turn % 3);
            Limit::Window { window: Window::Rolling { seconds }, max: less(max) }
        }
        Limit::AskAbove { amount } => Limit::AskAbove { amount: less(amount) },
        Limit::PayeesAllowed { payees } => {
            Limit::PayeesAllowed { payees: payees[payees.len() / 2..].to_vec() }
        }
        limit @ (Limit::Window { .. }
        | Limit::Velocity { .. }
        | Limit::PayeesDenied { .. }
        | Limit::CategoriesAllowed { .. }
        | Limit::CategoriesDenied { .. }
        | Limit::Validity { .. }
        | Limit::AskFirstContact
        | Limit::AskAlways
        | Limit::Unknown { .. }
        | Limit::PriceAtMost { .. }) => limit.clone(),
    }
}

/// A moment of a history: so much later, so much, to these payees, for this; and what becomes of it.
#[derive(Clone, Debug)]
struct Moment {
    hours: u64,
    amount: u64,
    payees: Vec<u8>,
    category: Option<u8>,
    /// Whether the owner says yes where she is asked.
    yes: bool,
    /// What of an earlier spending is given back first: which, and how much.
    back: Option<(usize, u64)>,
}

fn moment() -> impl Strategy<Value = Moment> {
    let payees = proptest::collection::vec(0..4u8, 1..3);
    let back = proptest::option::weighted(0.3, (0..8usize, 0..12u64));
    let parts = (
        select(vec![0u64, 1, 5, 13, 24, 26]),
        1..25u64,
        payees,
        proptest::option::of(0..3u8),
        any::<bool>(),
        back,
    );
    parts.prop_map(|(hours, amount, payees, category, yes, back)| Moment {
        hours,
        amount,
        payees,
        category,
        yes,
        back,
    })
}

/// Denied, asked or allowed.
fn freedom(opinion: &Opinion) -> u8 {
    match opinion {
        Opinion::Deny { .. } => 0,
        Opinion::Ask { .. } => 1,
        Opinion::Allow => 2,
    }
}

/// Spends along `history` what `after` lets through, and counts it under both.
fn never_freer(before: &[Limit], after: &[Limit], history: &[Moment]) -> Result<(), TestCaseError> {
    let mut policies = [before, after].map(|limits| Policy::new(limits.to_vec(), Usage::default(), Time(0)));
    let mut contacts = Vec::new();
    let mut spent: Vec<(Time, u64)> = Vec::new();
    let mut at = Time(DAY);
    for moment in history {
        at = at.after(moment.hours * 3_600_000_000_000 + 1);
        if let Some((which, much)) = moment.back
            && let Some((placed_at, left)) = spent.get_mut(which)
        {
            let much = much.min(*left);
            *left -= much;
            let unused = *left == 0;
            policies.iter_mut().for_each(|policy| policy.usage.give_back(*placed_at, amount(much), unused));
            if unused {
                spent.remove(which);
            }
        }
        let facts = |n: &u8| PayeeFacts {
            payee: payee(*n),
            slot: Slot::new((*n).into()),
            category: code(n % 3),
            observed: &[],
        };
        let payees: Vec<PayeeFacts<'_>> = moment.payees.iter().map(facts).collect();
        let (amount, category) = (amount(moment.amount), moment.category.map(code));
        let spending =
            Spending { at, amount, payees: &payees, contacts: &contacts, category, reference: None };
        let [old, new] = [0, 1].map(|which: usize| policies[which].judge(&spending));
        prop_assert!(freedom(&new) <= freedom(&old), "at {at:?}: {new:?} after {old:?}");
        if new == Opinion::Allow || (freedom(&new) == 1 && moment.yes) {
            policies.iter_mut().for_each(|policy| policy.usage.spend(at, amount));
            payees.iter().for_each(|payee| remember(&mut contacts, payee.slot));
            spent.push((at, moment.amount));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60_000))]

    #[test]
    fn what_is_called_narrower_never_lets_more_through(
        (before, after) in pair(),
        history in proptest::collection::vec(moment(), 1..24),
    ) {
        if compare(&before, &after).change().is_no_wider() {
            never_freer(&before, &after, &history)?;
        }
        if compare(&after, &before).change().is_no_wider() {
            never_freer(&after, &before, &history)?;
        }
    }

    #[test]
    fn comparing_the_other_way_round_turns_the_answer_round((before, after) in pair()) {
        let there = compare(&before, &after).change();
        let back = compare(&after, &before).change();
        let turned = match there {
            Change::Narrower => Change::Wider,
            Change::Wider => Change::Narrower,
            Change::Same | Change::Mixed => there,
        };
        prop_assert_eq!(back, turned);
    }
}

/// Each line: old limits, new limits, what that is, and the dimension that says so.
#[test]
fn one_change_at_a_time() {
    let per_payment = |max| Limit::PerPayment { max: amount(max) };
    let total = |max| Limit::Total { max: amount(max) };
    let uses = |max| Limit::Uses { max };
    let only = |numbers: &[u8]| Limit::PayeesAllowed { payees: numbers.iter().copied().map(payee).collect() };
    let never = |numbers: &[u8]| Limit::PayeesDenied { payees: numbers.iter().copied().map(payee).collect() };
    let rolling = |seconds| Window::Rolling { seconds };
    let spent = |window, max| Limit::Window { window, max: amount(max) };
    let times = |window, max| Limit::Velocity { window, max };
    let zone = |name| Zone::new(name).unwrap();
    let calendar = |period, name| Window::Calendar { period, zone: zone(name) };
    let above = |line| Limit::AskAbove { amount: amount(line) };
    let valid = |from, until| Limit::Validity { from: Time(from), until: Time(until) };
    let unknown = |n| Limit::Unknown { constraint: Box::new(Hash([n; 32])) };
    use Change::{Mixed, Narrower, Same, Wider};
    for (before, after, change) in [
        (vec![], vec![], Same),
        (vec![], vec![per_payment(5)], Narrower),
        (vec![per_payment(5)], vec![], Wider),
        (vec![per_payment(5)], vec![per_payment(4)], Narrower),
        (vec![per_payment(5)], vec![per_payment(6)], Wider),
        (vec![per_payment(5)], vec![per_payment(6), per_payment(5)], Same),
        (vec![per_payment(5)], vec![total(5)], Narrower),
        (vec![per_payment(5)], vec![total(6)], Mixed),
        (vec![per_payment(5), total(9)], vec![per_payment(4), total(10)], Mixed),
        (vec![total(9)], vec![uses(1)], Mixed),
        (vec![total(9)], vec![spent(rolling(60), 9)], Wider),
        (vec![spent(rolling(60), 9)], vec![total(9)], Narrower),
        (vec![spent(rolling(60), 9)], vec![spent(rolling(61), 9)], Narrower),
        (vec![spent(rolling(60), 9)], vec![spent(rolling(59), 9)], Wider),
        (vec![spent(rolling(60), 9)], vec![spent(rolling(59), 8)], Mixed),
        (
            vec![spent(calendar(Period::Day, "UTC"), 9)],
            vec![spent(calendar(Period::Month, "UTC"), 9)],
            Narrower,
        ),
        (
            vec![spent(calendar(Period::Week, "UTC"), 9)],
            vec![spent(calendar(Period::Month, "UTC"), 9)],
            Mixed,
        ),
        (
            vec![spent(calendar(Period::Day, "UTC"), 9)],
            vec![spent(calendar(Period::Day, "Asia/Tokyo"), 9)],
            Mixed,
        ),
        (vec![spent(calendar(Period::Day, "UTC"), 9)], vec![spent(rolling(90_000), 9)], Mixed),
        (vec![times(rolling(60), 3)], vec![times(rolling(90), 3)], Narrower),
        (vec![times(rolling(60), 3)], vec![uses(3)], Mixed),
        (vec![only(&[1, 2])], vec![only(&[1])], Narrower),
        (vec![only(&[1, 2])], vec![only(&[1, 3])], Mixed),
        (vec![only(&[1, 2])], vec![only(&[1, 2, 3]), never(&[3])], Same),
        (vec![only(&[1])], vec![never(&[2])], Wider),
        (vec![never(&[2])], vec![only(&[1])], Narrower),
        (vec![never(&[2])], vec![never(&[1, 2])], Narrower),
        (vec![never(&[2]), never(&[1])], vec![never(&[1, 2])], Same),
        (vec![never(&[2])], vec![only(&[2])], Mixed),
        (vec![valid(1, 9)], vec![valid(2, 9)], Narrower),
        (vec![valid(1, 9)], vec![valid(2, 10)], Mixed),
        (vec![above(5)], vec![above(4)], Narrower),
        (vec![above(5)], vec![Limit::AskAlways], Narrower),
        (vec![above(5)], vec![per_payment(5)], Narrower),
        (vec![Limit::AskAlways], vec![above(0)], Same),
        (vec![Limit::AskFirstContact], vec![Limit::AskAlways], Narrower),
        (vec![Limit::AskFirstContact], vec![above(1)], Mixed),
        (vec![unknown(1)], vec![unknown(2)], Mixed),
        (vec![unknown(1)], vec![unknown(1), unknown(2)], Narrower),
    ] {
        assert_eq!(compare(&before, &after).change(), change, "{before:?} -> {after:?}");
    }
}

#[test]
fn a_comparison_names_the_limits_that_make_it_so() {
    let before = [Limit::AskFirstContact, Limit::PerPayment { max: amount(5) }, Limit::Uses { max: 3 }];
    let after = [Limit::PerPayment { max: amount(4) }, Limit::AskFirstContact];
    let differences = compare(&before, &after).differences;
    let named: Vec<_> =
        differences.iter().map(|it| (it.dimension, it.change, &it.before[..], &it.after[..])).collect();
    assert_eq!(
        named,
        [
            (Dimension::PerPayment, Change::Narrower, &[1u8][..], &[0u8][..]),
            (Dimension::Uses, Change::Wider, &[2], &[]),
        ]
    );
    assert_eq!(compare(&before, &after).change(), Change::Mixed);
}
