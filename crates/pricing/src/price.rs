//! The one function from usage to money, and what a call can come to at most.

use crate::catalogue::Model;
use crate::class::{Class, Side};
use crate::usage::Usage;
use book::{Nanos, NanosPerUnit};

/// One line of a price: so many units of a class, at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// What was counted.
    pub class: Class,
    /// How much of it.
    pub units: u64,
    /// What one unit costs.
    pub rate: NanosPerUnit,
    /// What they cost together.
    pub cost: Nanos,
}

/// What a call costs, line by line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    /// A line for each class of which anything was counted.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: Nanos,
}

/// How far a call can go before it has been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// The most units of input, of all classes together.
    pub input: u64,
    /// The most units of output, of all classes together.
    pub output: u64,
}

impl Model {
    /// What `usage` costs. Exact: the price of two calls is the sum of their prices.
    pub fn price(&self, usage: &Usage) -> Price {
        let rates = self.rates_at(usage.of_side(Side::Input));
        let lines = Class::ALL.into_iter().filter_map(|class| {
            let (units, rate) = (usage.of(class), rates.of(class));
            (units != 0).then(|| Line { class, units, rate, cost: rate.price(units) })
        });
        let lines: Vec<Line> = lines.collect();
        let total = lines.iter().try_fold(Nanos::ZERO, |sum, line| sum.checked_add(line.cost));
        // UNITS_MAX × 2^64 × 10 classes is below 2^128.
        Price { lines, total: total.expect("ten lines fit in 128 bits") }
    }

    /// The most a call within `reach` can cost, whatever its units turn out to be: every band it can get into, the
    /// dearest class of each side. Nothing that [`Model::price`] gives for such a call is more.
    pub fn at_most(&self, reach: Reach) -> Nanos {
        let cost = self.bands().filter(|(from, ..)| *from <= reach.input).map(|(_, last, rates)| {
            let dearest = |side: Side| {
                let of_side = Class::ALL.into_iter().filter(|class| class.side() == side);
                of_side.map(|class| rates.of(class).0).max().map_or(NanosPerUnit(0), NanosPerUnit)
            };
            let units = [(Side::Call, 1), (Side::Input, reach.input.min(last)), (Side::Output, reach.output)];
            let costs = units.map(|(side, units)| dearest(side).price(units));
            costs.into_iter().try_fold(Nanos::ZERO, Nanos::checked_add).unwrap_or(Nanos::new(u128::MAX))
        });
        cost.max().unwrap_or_default()
    }
}
