//! Choosing among merchants' candidates, here and by rules alone: what breaks a constraint falls out, whatever its merchant says.

use super::Answered;
use protocols::act::cid::transfer::{Candidate, Constraints};
use protocols::act::{AmountNumber, AmountText};
use serde::Serialize;
use std::cmp::Ordering;

/// What a buyer wants of every candidate.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// What no candidate may break, as it was told to the merchants.
    pub constraints: Constraints,
    /// What they were not told of, or cannot be trusted with.
    pub avoid: Vec<Avoid>,
}

/// A time of day that a detail of an item must not lie in, such as a departure at night.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Avoid {
    /// The detail's name.
    pub detail: String,
    /// The first minute of the day, local to whatever the detail says.
    pub from_minute: u32,
    /// The last one; before the first where midnight lies between.
    pub until_minute: u32,
}

/// One candidate, and why it fell out.
#[derive(Clone, Debug, Serialize)]
pub struct Compared {
    /// Its merchant's address.
    pub merchant: String,
    /// The item.
    pub item: String,
    /// What it would cost altogether.
    pub total: String,
    /// Of what.
    pub currency: String,
    /// Why it fell out; none where it is still there.
    pub out: Option<&'static str>,
}

/// What came of comparing.
#[derive(Clone, Debug)]
pub struct Decision {
    /// Everything that was looked at, in the order of the answers.
    pub compared: Vec<Compared>,
    /// The best: which answer, and which of its candidates.
    pub chosen: Option<(usize, Candidate)>,
}

/// Compares what merchants answered: the cheapest that keeps every constraint, the sooner one of two, then in the order asked.
pub fn compare(answers: &[Answered], wish: &Wish) -> Decision {
    let mut compared = Vec::new();
    let mut chosen: Option<(usize, Candidate)> = None;
    for (place, answered) in answers.iter().enumerate() {
        let Ok((merchant, response)) = &answered.answer else { continue };
        for candidate in &response.candidates {
            let out = broken(candidate, &merchant.payee.to_string(), wish);
            compared.push(Compared {
                merchant: answered.base.to_string(),
                item: candidate.item.item_id.as_str().to_owned(),
                total: candidate.total_amount.as_str().to_owned(),
                currency: candidate.currency.as_str().to_owned(),
                out,
            });
            let is_better = |(_, best): &(usize, Candidate)| order(candidate, best) == Ordering::Less;
            if out.is_none() && chosen.as_ref().is_none_or(is_better) {
                chosen = Some((place, candidate.clone()));
            }
        }
    }
    Decision { compared, chosen }
}

fn order(one: &Candidate, other: &Candidate) -> Ordering {
    let price = |candidate: &Candidate| candidate.total_amount.minor(18).unwrap_or(u128::MAX);
    let time = |candidate: &Candidate| candidate.delivery_seconds.unwrap_or(u64::MAX);
    price(one).cmp(&price(other)).then_with(|| time(one).cmp(&time(other)))
}

/// Why a candidate falls out.
fn broken(candidate: &Candidate, merchant: &str, wish: &Wish) -> Option<&'static str> {
    let constraints = &wish.constraints;
    if candidate.item.orderable().is_err() {
        return Some("it has no price, or no currency");
    }
    if !adds_up(candidate) {
        return Some("its sums do not add up");
    }
    if constraints.currency.as_ref().is_some_and(|currency| *currency != candidate.currency) {
        return Some("it is in another currency");
    }
    let total = AmountNumber::of_text(&candidate.total_amount);
    if constraints.max_amount.is_some_and(|most| total.is_none_or(|total| most < total)) {
        return Some("it costs more than the limit");
    }
    let is_in =
        |list: &Vec<protocols::act::Identifier>, name: &str| list.iter().any(|it| it.as_str() == name);
    let kind = candidate.item.category.as_str();
    let allowed = |list: &Option<Vec<_>>, name| list.as_ref().is_none_or(|list| is_in(list, name));
    let forbidden = |list: &Option<Vec<_>>, name| list.as_ref().is_some_and(|list| is_in(list, name));
    if !allowed(&constraints.allowed_categories, kind) || forbidden(&constraints.forbidden_categories, kind) {
        return Some("its category is not allowed");
    }
    if !allowed(&constraints.allowed_merchants, merchant)
        || forbidden(&constraints.forbidden_merchants, merchant)
    {
        return Some("its merchant is not allowed");
    }
    let is_late = |most: u64| candidate.delivery_seconds.is_none_or(|takes| most < takes);
    if constraints.max_delivery_seconds.is_some_and(is_late) {
        return Some("it comes too late");
    }
    if wish.avoid.iter().any(|avoid| avoid.hits(candidate)) {
        return Some("its time of day is to be avoided");
    }
    None
}

fn adds_up(candidate: &Candidate) -> bool {
    let minor = |amount: &AmountText| amount.minor(18);
    let sum = || {
        let price = minor(candidate.item.price.as_ref()?)?;
        let options = candidate.item.options.iter().flatten();
        let goods = price.checked_mul(u128::from(candidate.quantity))?;
        let more = minor(&candidate.shipping_fee)?.checked_add(minor(&candidate.tax_amount)?)?;
        let sum = goods.checked_sub(minor(&candidate.discount_amount)?)?.checked_add(more)?;
        // Where every choice costs more, the cheapest is counted in.
        let mut extra = options.map(|option| {
            let extras = option.values.iter().map(|value| value.extra.as_ref().map_or(Some(0), minor));
            extras.min().flatten()
        });
        let extra = extra.try_fold(0_u128, |sum, extra| sum.checked_add(extra?))?;
        sum.checked_add(extra.checked_mul(u128::from(candidate.quantity))?)
    };
    sum().is_some_and(|sum| Some(sum) == minor(&candidate.total_amount))
}

impl Avoid {
    /// Reads a rule like `departs=22:00-05:59`.
    pub fn parse(text: &str) -> Option<Avoid> {
        let (detail, times) = text.split_once('=')?;
        let (from, until) = times.split_once('-')?;
        if detail.is_empty() {
            return None;
        }
        Some(Avoid { detail: detail.to_owned(), from_minute: minute(from)?, until_minute: minute(until)? })
    }

    /// Whether a candidate lies in the time, or does not say when it is.
    fn hits(&self, candidate: &Candidate) -> bool {
        let mut details = candidate.item.details.iter().flatten();
        let Some(detail) = details.find(|detail| detail.name.as_str() == self.detail) else { return true };
        let text = detail.value.as_str();
        let time = text.split_once('T').map_or(text, |(_, time)| time);
        let Some(at) = time.get(..5).and_then(minute) else { return true };
        if self.from_minute <= self.until_minute {
            (self.from_minute..=self.until_minute).contains(&at)
        } else {
            self.from_minute <= at || at <= self.until_minute
        }
    }
}

fn minute(text: &str) -> Option<u32> {
    let (hour, minute) = text.split_once(':')?;
    let number = |text: &str| {
        if text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()) {
            text.parse::<u32>().ok()
        } else {
            None
        }
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shopping::{Merchant, NotServed};
    use protocols::act::cid::CommerceError;
    use protocols::act::cid::transfer::TransferResponse;
    use serde_json::{Value, json};
    use url::Url;
    use wire::PayeeId;

    fn candidate(change: &[(&str, Value)]) -> Value {
        let mut candidate = json!({
            "item": {"item_id": "F3", "name": "Flight", "category": "flight", "price": "780.00", "currency": "CNY",
                "details": [{"name": "departs", "value": "2026-11-24T14:00+08:00"}]},
            "quantity": 1, "shipping_fee": "0.00", "discount_amount": "0.00", "tax_amount": "0.00",
            "total_amount": "780.00", "currency": "CNY", "delivery_seconds": 60,
        });
        for (path, value) in change {
            *candidate.pointer_mut(path).expect("the path is there") = value.clone();
        }
        candidate
    }

    fn answered(candidates: &[Value]) -> Answered {
        let base = Url::parse("https://air.example/").unwrap();
        let payee = PayeeId(5);
        let response = json!({"request_id": "r", "merchant_id": payee.to_string(), "merchant_name": "Air",
            "candidates": candidates, "timestamp": "2026-11-23T00:00:00Z"});
        let response = TransferResponse::from_json(response.to_string().as_bytes()).unwrap();
        let merchant = Merchant { base: base.clone(), payee, name: "Air".to_owned(), declaration: None };
        Answered { base, answer: Ok((merchant, response)) }
    }

    fn wish() -> Wish {
        let text = json!({"max_amount": 800.00, "currency": "CNY", "allowed_categories": ["flight"],
            "allowed_merchants": [PayeeId(5).to_string()], "max_delivery_seconds": 60});
        let request = json!({"request_id": "r", "buyer_agent_id": "a", "intent_context": {}, "constraints": text,
            "response_requirements": {}, "timestamp": "2026-11-23T00:00:00Z", "signature": "AA"});
        let request =
            protocols::act::cid::transfer::TransferRequest::read(request.to_string().as_bytes()).unwrap();
        Wish {
            constraints: request.constraints.unwrap(),
            avoid: vec![Avoid::parse("departs=22:00-05:59").unwrap()],
        }
    }

    #[test]
    fn every_constraint_is_held_here_whatever_the_merchant_says() {
        for (change, out) in [
            (vec![], None),
            (vec![("/total_amount", json!("800.00")), ("/item/price", json!("800.00"))], None),
            (
                vec![("/total_amount", json!("800.01")), ("/item/price", json!("800.01"))],
                Some("it costs more than the limit"),
            ),
            (vec![("/total_amount", json!("780.01"))], Some("its sums do not add up")),
            (vec![("/tax_amount", json!("20.01"))], Some("its sums do not add up")),
            (vec![("/currency", json!("USD"))], Some("it is in another currency")),
            (vec![("/item/category", json!("hotel"))], Some("its category is not allowed")),
            (vec![("/delivery_seconds", json!(61))], Some("it comes too late")),
            (
                vec![("/item/details/0/value", json!("2026-11-24T23:30+08:00"))],
                Some("its time of day is to be avoided"),
            ),
            (
                vec![("/item/details/0/value", json!("2026-11-24T22:00+08:00"))],
                Some("its time of day is to be avoided"),
            ),
            (vec![("/item/details/0/value", json!("05:59"))], Some("its time of day is to be avoided")),
            (vec![("/item/details/0/value", json!("06:00"))], None),
            (vec![("/item/details/0/value", json!("21:59"))], None),
            (vec![("/item/details/0/value", json!("at noon"))], Some("its time of day is to be avoided")),
            (vec![("/item/details/0/name", json!("arrives"))], Some("its time of day is to be avoided")),
        ] {
            let decision = compare(&[answered(&[candidate(&change)])], &wish());
            assert_eq!(decision.compared[0].out, out, "{change:?}");
            assert_eq!(decision.chosen.is_some(), out.is_none(), "{change:?}");
        }
        let mut elsewhere = wish();
        elsewhere.constraints.forbidden_merchants = elsewhere.constraints.allowed_merchants.take();
        let decision = compare(&[answered(&[candidate(&[])])], &elsewhere);
        assert_eq!(decision.compared[0].out, Some("its merchant is not allowed"));
    }

    #[test]
    fn the_cheapest_wins_and_then_the_soonest_though_a_merchant_fails() {
        let priced = |total: &str, seconds: u64, id: &str| {
            candidate(&[
                ("/total_amount", json!(total)),
                ("/item/price", json!(total)),
                ("/delivery_seconds", json!(seconds)),
                ("/item/item_id", json!(id)),
            ])
        };
        let failed = Answered {
            base: Url::parse("https://gone.example/").unwrap(),
            answer: Err(NotServed::Refused(CommerceError::NoMatch, "nothing".to_owned())),
        };
        let answers = [
            answered(&[priced("799.00", 1, "A"), priced("780.00", 60, "B")]),
            failed,
            answered(&[priced("780.00", 50, "C"), priced("780.00", 50, "D")]),
        ];
        let (place, chosen) = compare(&answers, &wish()).chosen.unwrap();
        assert_eq!((place, chosen.item.item_id.as_str()), (2, "C"));
        let none = compare(&answers[1..2], &wish());
        assert!(none.chosen.is_none());
    }
}
