//! Prices of calls.

use crate::shop;
use book::{Nanos, Rounding};
use pricing::{Class, Model, Reach, Usage};
use proptest::prelude::*;

fn model(name: &str) -> Model {
    shop::catalogue(1, "2026-11-01T00:00:00Z").body().model(name).expect("the shop sells it").clone()
}

/// A model, what a call used, and what that costs.
type Row = (&'static str, &'static [(Class, u64)], u128);

fn usage(counts: &[(Class, u64)]) -> Usage {
    counts.iter().fold(Usage::default(), |usage, (class, units)| usage.with(*class, *units))
}

#[test]
fn the_price_of_a_call_is_exact() {
    use Class::{
        AudioInput, CacheWrite, CachedInput, Call, ImageInput, ImageOutput, Input, Output, Reasoning,
    };
    // In billionths of a fen. Story S12: 1,234 × 0.0002 + 5,678 × 0.0008 = 4.7892 fen; cut after 100: 0.3268.
    let rows: &[Row] = &[
        ("small", &[(Input, 1_234), (Output, 5_678)], 4_789_200_000),
        ("small", &[(Input, 1_234), (Output, 100)], 326_800_000),
        ("small", &[(Input, 12_340), (Output, 56_780)], 47_892_000_000),
        ("small", &[], 0),
        // Without a price of its own, a class costs what it stands beside.
        (
            "small",
            &[(CachedInput, 10), (CacheWrite, 10), (ImageInput, 10), (Reasoning, 10)],
            30 * 200_000 + 10 * 800_000,
        ),
        (
            "large",
            &[(Call, 1), (Input, 100), (CachedInput, 100), (AudioInput, 1), (ImageOutput, 1)],
            100_000_000 + 100 * 900_000 + 100 * 90_000 + 7_000_000 + 21_000_000,
        ),
        // The band goes by all input together, and holds for every unit of the call.
        ("large", &[(Input, 199_999), (Output, 1)], 199_999 * 900_000 + 3_600_000),
        (
            "large",
            &[(Input, 100_000), (CachedInput, 100_000), (Output, 1)],
            100_000 * 1_800_000 + 100_000 * 180_000 + 22_000_000,
        ),
    ];
    for (name, counts, expected) in rows {
        let price = model(name).price(&usage(counts));
        assert_eq!(price.total, Nanos::new(*expected), "{name} {counts:?}");
        let sum = price.lines.iter().fold(0, |sum, line| sum + line.cost.get());
        assert_eq!(sum, *expected, "the lines of {name} {counts:?}");
    }
}

#[test]
fn a_million_calls_come_to_the_exact_sum_and_are_rounded_once() {
    // The sum by class and band, multiplied at the end, is computed without the function under test. Rates in
    // billionths: small, large, large from 200,000 on.
    let rates: [[u128; 10]; 3] = [
        [0, 200_000, 200_000, 200_000, 200_000, 200_000, 800_000, 800_000, 800_000, 800_000],
        [
            100_000_000,
            900_000,
            90_000,
            1_125_000,
            900_000,
            7_000_000,
            3_600_000,
            3_600_000,
            21_000_000,
            3_600_000,
        ],
        [
            100_000_000,
            1_800_000,
            180_000,
            2_250_000,
            1_800_000,
            1_800_000,
            22_000_000,
            22_000_000,
            22_000_000,
            22_000_000,
        ],
    ];
    let (small, large) = (model("small"), model("large"));
    let mut random = 0x5eed_u64;
    let mut draw = |below: u64| {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (random >> 33) % below
    };
    let mut units = [[0u128; 10]; 3];
    let mut sum = Nanos::ZERO;
    for _ in 0..1_000_000 {
        let is_large = draw(2) == 1;
        let mut call = Usage::call();
        let mut input = 0;
        let mut counts = [1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        for (place, class) in Class::ALL.into_iter().enumerate().skip(1) {
            let count = if draw(3) == 0 { draw(90_000) } else { 0 };
            counts[place] = count;
            input += if (1..=5).contains(&place) { count } else { 0 };
            call = call.with(class, count);
        }
        let band = if is_large { 1 + usize::from(200_000 <= input) } else { 0 };
        for (total, count) in units[band].iter_mut().zip(counts) {
            *total += u128::from(count);
        }
        let price = if is_large { large.price(&call) } else { small.price(&call) };
        sum = sum.checked_add(price.total).unwrap();
    }
    let expected: u128 = units
        .iter()
        .zip(rates)
        .flat_map(|(units, rates)| units.iter().zip(rates))
        .map(|(units, rate)| units * rate)
        .sum();
    assert_eq!(sum.get(), expected);
    let (amount, carry) = sum.round(Rounding::HalfUp).unwrap();
    let half = 500_000_000;
    assert!(
        amount.minor() * 1_000_000_000 <= expected + half && expected < amount.minor() * 1_000_000_000 + half
    );
    assert!(carry.get() < half);
}

fn any_usage() -> impl Strategy<Value = Usage> {
    prop::collection::vec(prop_oneof![Just(0), 0u64..300_000], Class::ALL.len() - 1).prop_map(|counts| {
        let classes = Class::ALL.into_iter().skip(1);
        classes.zip(counts).fold(Usage::call(), |usage, (class, units)| usage.with(class, units))
    })
}

proptest! {
    #[test]
    fn no_call_costs_more_than_was_set_aside(usage in any_usage(), more in 0u64..1_000, large: bool) {
        let model = model(if large { "large" } else { "small" });
        let input = usage.of_side(pricing::Side::Input) + more;
        let reach = Reach { input, output: usage.of_side(pricing::Side::Output) };
        prop_assert!(model.price(&usage).total <= model.at_most(reach));
    }

    #[test]
    fn no_band_sets_aside_what_it_cannot_reach(input in 0u64..400_000, output in 0u64..10_000) {
        // Below the second band sound is dearest, and from it on what goes to a cache.
        let model = model("large");
        let call = |class, input| model.price(&Usage::call().with(class, input).with(Class::Output, output)).total;
        let drawn = |input| model.price(&Usage::call().with(Class::AudioInput, input).with(Class::ImageOutput, output)).total;
        let first = drawn(input.min(199_999));
        let most = if input < 200_000 { first } else { first.max(call(Class::CacheWrite, input)) };
        prop_assert_eq!(model.at_most(Reach { input, output }), most);
    }

    #[test]
    fn what_is_set_aside_can_be_reached(input in 0u64..400_000, output in 0u64..10_000) {
        // One class of each side, the dearest, costs exactly the most: nothing is held in vain.
        let model = model("small");
        let usage = Usage::call().with(Class::Input, input).with(Class::Output, output);
        prop_assert_eq!(model.price(&usage).total, model.at_most(Reach { input, output }));
    }
}
