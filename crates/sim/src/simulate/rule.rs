//! Limits, amounts and purchases at random: mostly what an honest owner or agent would say, of every kind there is.

use crate::seed::Chance;
use crate::world::World;
use book::{
    AgentId, Amount, Code, Limit, MandateId, PayeeId, Payees, Period, Purchase, Share, Split, Time, Trigger,
    WalletId, Window, Zone,
};
use evidence::Hash;

/// Zones whose days are longer and shorter than others, at other times.
const ZONES: &[&str] = &[
    "Asia/Shanghai",
    "America/New_York",
    "Europe/Berlin",
    "Asia/Beirut",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Pacific/Kiritimati",
];

const CATEGORIES: &[&str] = &["food", "data", "compute", "games"];

/// The two assets of a simulation: one in small amounts, and one beyond what a float can count.
pub(super) const COARSE: &str = "CNY";
/// See [`COARSE`].
pub(super) const FINE: &str = "WEI";

pub(super) fn code(text: &str) -> Code {
    Code::new(text).expect("spelled from the alphabet")
}

pub(super) fn amount(minor: u128) -> Amount {
    Amount::new(minor).expect("below the maximum")
}

/// The digest of one of the things that are sold.
pub(super) fn item(chance: &mut Chance) -> Hash {
    Hash([chance.below(3) as u8; 32])
}

pub(super) fn category(chance: &mut Chance) -> Code {
    code(chance.pick(CATEGORIES).copied().unwrap_or("food"))
}

/// What one payment may come to, or so many of them.
pub(super) fn price(chance: &mut Chance, asset: Code, times: u128) -> Amount {
    let one = if asset.as_str() == FINE {
        10_000_000_000_000_000 + u128::from(chance.below(1_000_000_000_000_000_000))
    } else {
        u128::from(chance.weigh(&[(1, 1u64), (4, 100), (4, 1_000), (1, 20_000)]))
    };
    amount(((u128::from(chance.below(u64::MAX)) * one) >> 64) * times + 1)
}

fn window(chance: &mut Chance) -> Window {
    if chance.one_in(2) {
        let longest = chance.weigh(&[(1, 60), (2, 3_600), (2, 86_400), (1, 30 * 86_400)]);
        return Window::Rolling { seconds: chance.between(1, longest) as u32 };
    }
    let period = chance.weigh(&[(3, Period::Day), (1, Period::Week), (1, Period::Month)]);
    let zone = chance.pick(ZONES).and_then(|name| Zone::new(name)).expect("the zones are in the database");
    Window::Calendar { period, zone }
}

/// Limits as an owner would set them: few, and of any kind.
pub(super) fn limits(chance: &mut Chance, world: &World, asset: Code, now: Time) -> Vec<Limit> {
    let count = chance.weigh(&[(1, 0), (3, 1), (4, 2), (2, 3), (1, 5)]);
    (0..count).map(|_| limit(chance, world, asset, now)).collect()
}

fn limit(chance: &mut Chance, world: &World, asset: Code, now: Time) -> Limit {
    let times = u128::from(chance.between(2, 100));
    match chance.below(44) {
        0..=4 => Limit::PerPayment { max: price(chance, asset, 3) },
        5..=9 => Limit::Total { max: price(chance, asset, times) },
        10..=12 => Limit::Uses { max: chance.between(1, 80) },
        13..=22 => Limit::Window { window: window(chance), max: price(chance, asset, times) },
        23..=27 => Limit::Velocity { window: window(chance), max: chance.between(1, 15) as u32 },
        28 => Limit::PayeesAllowed { payees: payees(chance, world, 4) },
        29 => Limit::PayeesDenied { payees: payees(chance, world, 1) },
        30 => Limit::CategoriesAllowed {
            categories: vec![category(chance), category(chance), category(chance)],
        },
        31 => Limit::CategoriesDenied { categories: vec![category(chance)] },
        32..=33 => {
            let from = Time(now.0 - chance.below(3_600_000_000_000));
            Limit::Validity { from, until: from.after(chance.between(1, 30 * 86_400_000_000_000)) }
        }
        34..=35 => Limit::AskAbove { amount: price(chance, asset, 1) },
        36..=37 => Limit::AskFirstContact,
        38 => Limit::AskAlways,
        39..=40 => Limit::PerPayment { max: price(chance, asset, 20) },
        41..=42 if !world.payees.is_empty() => Limit::PriceAtMost {
            trigger: Box::new(Trigger {
                payee: chance.pick(&world.payees).map(|row| row.id).unwrap_or_default(),
                item: item(chance),
                max: price(chance, asset, 1),
                within_seconds: chance.weigh(&[(1, 60), (1, 3_600), (1, 86_400)]),
            }),
        },
        _ if chance.one_in(4) => Limit::Unknown { constraint: Box::new(Hash(chance.bytes())) },
        _ => Limit::AskAbove { amount: price(chance, asset, 3) },
    }
}

fn payees(chance: &mut Chance, world: &World, most: u64) -> Vec<PayeeId> {
    let count = chance.between(1, most);
    (0..count).filter_map(|_| chance.pick(&world.payees).map(|row| row.id)).collect()
}

/// What an agent would buy from `wallet`; under a mandate of its own more often than not.
pub(super) fn purchase(
    chance: &mut Chance,
    world: &World,
    wallet: WalletId,
    asset: Code,
    agent: Option<AgentId>,
) -> Option<Purchase> {
    let mandates: Vec<MandateId> =
        world.mandates.iter().filter(|row| Some(row.agent) == agent).map(|row| row.id).collect();
    let mandate = chance.pick_late(&mandates, 3).copied().filter(|_| !chance.one_in(5));
    let to: Vec<PayeeId> = world.payees.iter().filter(|row| row.asset == asset).map(|row| row.id).collect();
    let to = match chance.below(5) {
        0 if 1 < to.len() => split(chance, &to)?,
        _ => Payees::One(*chance.pick(&to)?),
    };
    let category = chance.one_in(4).then(|| category(chance));
    let reference = chance.one_in(2).then(|| item(chance));
    let amount = price(chance, asset, 1);
    Some(Purchase { wallet, mandate, to, amount, asset, category, reference, approval: None })
}

fn split(chance: &mut Chance, payees: &[PayeeId]) -> Option<Payees> {
    let mut left = payees.to_vec();
    let count = chance.between(1, left.len().min(4) as u64);
    let mut shares = Vec::new();
    for _ in 0..count {
        let payee = left.remove(chance.place(left.len()));
        shares.push(Share { payee, weight: chance.between(1, 60) as u32 });
    }
    let whole = shares.iter().map(|share| share.weight).sum();
    Some(Payees::Split(Split { whole, shares }))
}
