//! Whether a cart fills what was asked for: each requirement to its last item, and nothing beside.
//!
//! An item may be acceptable for several requirements, so taking them in any order can go wrong. It is a flow from
//! requirements to items, and the cart fits when the greatest one takes all of both.

use super::constraint::Requirement;
use std::collections::{BTreeMap, VecDeque};

/// The items of a cart, each with how many of it.
pub(super) type Cart<'a> = BTreeMap<&'a str, u64>;

/// Whether the cart fills the requirements exactly.
pub(super) fn fills(cart: &Cart<'_>, requirements: &[Requirement]) -> bool {
    let sum = |mut quantities: Box<dyn Iterator<Item = u64> + '_>| {
        quantities.try_fold(0u64, |sum, quantity| sum.checked_add(quantity))
    };
    let asked = sum(Box::new(requirements.iter().map(|requirement| requirement.quantity)));
    let bought = sum(Box::new(cart.values().copied()));
    // As many as were asked for, so what fills every requirement uses up the cart.
    asked.is_some() && asked == bought && Flow::new(cart, requirements).fills_all()
}

/// How much of each item goes into each requirement so far.
struct Flow {
    /// Which items a requirement takes.
    takes: Vec<Vec<usize>>,
    /// What a requirement still lacks.
    lacks: Vec<u64>,
    /// What is left of an item.
    left: Vec<u64>,
    /// What requirement and item have agreed on.
    given: BTreeMap<(usize, usize), u64>,
}

/// A requirement that is to get something, and how a search came there: from which requirement, over which item.
type Steps = BTreeMap<usize, (usize, usize)>;

impl Flow {
    fn new(cart: &Cart<'_>, requirements: &[Requirement]) -> Flow {
        let places: BTreeMap<&str, usize> = cart.keys().copied().zip(0..).collect();
        let takes = |requirement: &Requirement| {
            let place = |item: &super::constraint::Item| places.get(item.id.as_str()).copied();
            requirement.acceptable.iter().filter_map(place).collect()
        };
        Flow {
            takes: requirements.iter().map(takes).collect(),
            lacks: requirements.iter().map(|requirement| requirement.quantity).collect(),
            left: cart.values().copied().collect(),
            given: BTreeMap::new(),
        }
    }

    fn fills_all(mut self) -> bool {
        (0..self.lacks.len()).all(|requirement| {
            while 0 < self.lack(requirement) {
                if !self.give(requirement) {
                    return false;
                }
            }
            true
        })
    }

    /// Gives `hungry` as much as one shortest way brings: over items that others let go of and get back elsewhere.
    fn give(&mut self, hungry: usize) -> bool {
        let mut steps = Steps::new();
        let mut waiting = VecDeque::from([hungry]);
        while let Some(requirement) = waiting.pop_front() {
            for &item in self.takes.get(requirement).into_iter().flatten() {
                if 0 < self.left.get(item).copied().unwrap_or_default() {
                    self.move_along(hungry, requirement, item, &steps);
                    return true;
                }
                for holder in 0..self.takes.len() {
                    let holds = 0 < self.given.get(&(holder, item)).copied().unwrap_or_default();
                    if holds && holder != hungry && !steps.contains_key(&holder) {
                        steps.insert(holder, (requirement, item));
                        waiting.push_back(holder);
                    }
                }
            }
        }
        false
    }

    /// Takes what is left of `item` into `requirement`, whose other item goes one step towards `hungry`, and so on.
    fn move_along(&mut self, hungry: usize, requirement: usize, item: usize, steps: &Steps) {
        let mut amount = self.lack(hungry).min(self.left.get(item).copied().unwrap_or_default());
        let mut at = requirement;
        while let Some(&(next, held)) = steps.get(&at) {
            amount = amount.min(self.given.get(&(at, held)).copied().unwrap_or_default());
            at = next;
        }
        if let Some(left) = self.left.get_mut(item) {
            *left -= amount;
        }
        *self.given.entry((requirement, item)).or_default() += amount;
        let mut at = requirement;
        while let Some(&(next, held)) = steps.get(&at) {
            *self.given.entry((at, held)).or_default() -= amount;
            *self.given.entry((next, held)).or_default() += amount;
            at = next;
        }
        if let Some(lack) = self.lacks.get_mut(hungry) {
            *lack -= amount;
        }
    }

    fn lack(&self, requirement: usize) -> u64 {
        self.lacks.get(requirement).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::fills;
    use crate::ap2::constraint::{Item, Requirement};
    use proptest::prelude::*;

    fn wanted(wanted: &[(&[&str], u64)]) -> Vec<Requirement> {
        let item = |id: &&str| Item { id: (*id).to_owned(), title: String::new() };
        let requirement = |(acceptable, quantity): &(&[&str], u64)| Requirement {
            id: "line".to_owned(),
            acceptable: acceptable.iter().map(item).collect(),
            quantity: *quantity,
        };
        wanted.iter().map(requirement).collect()
    }

    #[test]
    fn a_cart_fits_when_every_requirement_is_filled_and_nothing_is_left() {
        let shoes: &[(&[&str], u64)] = &[(&["red", "blue"], 1), (&["socks"], 1)];
        // Greedy goes wrong here: `b` is the only one that takes `y`.
        let crossed: &[(&[&str], u64)] = &[(&["x", "y"], 2), (&["x"], 2), (&["y", "z"], 3)];
        for (wants, cart, fits) in [
            (shoes, &[("red", 1), ("socks", 1)][..], true),
            (shoes, &[("blue", 1), ("socks", 1)], true),
            (shoes, &[("red", 1), ("blue", 1)], false),
            (shoes, &[("red", 1)], false),
            (shoes, &[("socks", 1)], false),
            (shoes, &[("red", 1), ("blue", 1), ("socks", 1)], false),
            (shoes, &[("red", 1), ("hat", 1)], false),
            (shoes, &[("red", 2)], false),
            (shoes, &[], false),
            (crossed, &[("x", 2), ("y", 5)], true),
            (crossed, &[("x", 3), ("y", 1), ("z", 3)], true),
            (crossed, &[("x", 4), ("y", 1), ("z", 2)], true),
            (crossed, &[("x", 5), ("y", 1), ("z", 1)], false),
            (crossed, &[("x", 1), ("y", 6)], false),
            (crossed, &[("x", 2), ("y", 1), ("z", 4)], false),
            // Nothing acceptable is shown: nothing fits, and no item is a wild card.
            (&[(&[], 1)], &[("x", 1)], false),
        ] {
            let cart = cart.iter().copied().collect();
            assert_eq!(fills(&cart, &wanted(wants)), fits, "{wants:?} {cart:?}");
        }
    }

    /// Tries every way of handing out items one by one.
    fn fills_by_trying(cart: &mut [u64], wants: &mut [(Vec<usize>, u64)]) -> bool {
        let Some(open) = wants.iter().position(|(_, quantity)| 0 < *quantity) else {
            return cart.iter().all(|left| *left == 0);
        };
        wants[open].1 -= 1;
        let found = wants[open].0.clone().into_iter().any(|item| {
            if cart[item] == 0 {
                return false;
            }
            cart[item] -= 1;
            let found = fills_by_trying(cart, wants);
            cart[item] += 1;
            found
        });
        wants[open].1 += 1;
        found
    }

    proptest! {
        #[test]
        fn the_flow_finds_a_way_whenever_there_is_one(
            mut cart in prop::collection::vec(0u64..4, 4),
            wants in prop::collection::vec((prop::collection::btree_set(0usize..4, 0..4), 1u64..4), 1..4),
        ) {
            const IDS: [&str; 4] = ["a", "b", "c", "d"];
            let lists: Vec<(Vec<&str>, u64)> =
                wants.iter().map(|(items, n)| (items.iter().map(|item| IDS[*item]).collect(), *n)).collect();
            let wants_by_id: Vec<(&[&str], u64)> = lists.iter().map(|(ids, n)| (&ids[..], *n)).collect();
            let counted = IDS.into_iter().zip(cart.iter().copied()).filter(|(_, n)| 0 < *n).collect();
            let found = fills(&counted, &wanted(&wants_by_id));
            let mut wants: Vec<(Vec<usize>, u64)> = wants.into_iter().map(|(set, n)| (set.into_iter().collect(), n)).collect();
            prop_assert_eq!(found, fills_by_trying(&mut cart, &mut wants));
        }
    }
}
