//! Other words for the same: whether a sentence that somebody else wrote says what the owner's own said, no less and no
//! number more.

use crate::atom::{Kind, atoms};
use crate::decimal::Decimal;
use crate::draft::Draft;
use crate::lexer::lex;
use crate::reading::{Meaning, Trigger};
use jiff::civil::DateTime;

/// Why other words are not the owner's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfaithful {
    /// They name a number, a moment or somebody that the owner did not.
    #[error("they say `{0}`, which was not said before")]
    Invented(String),
    /// They leave out something that the owner's words settle.
    #[error("they leave out `{0}`")]
    Lost(String),
}

/// Checks that `other` may be shown to the owner as other words for `own`: each number, moment and name in it stands in
/// the owner's words, and each term that those settle is settled the same.
///
/// What neither of them settles is for the owner to compare: she is shown both, and asked.
///
/// # Errors
/// [`Unfaithful`], with the words in question.
pub fn check_faithful(own: &Draft, other: &Draft) -> Result<(), Unfaithful> {
    let numbers: Vec<Decimal> = own.texts().iter().flat_map(|text| numbers(text)).collect();
    let said = own.texts().join("\n").to_lowercase();
    let meanings = |draft: &Draft| -> Vec<Meaning> {
        draft.readings().iter().map(|reading| reading.meaning.clone()).collect()
    };
    let (own_meanings, other_meanings) = (meanings(own), meanings(other));

    for reading in other.readings() {
        let is_said = match claim(&reading.meaning) {
            Claim::Number(number) => numbers.contains(&number),
            Claim::Count(count) => Decimal::new(count.into(), 0).is_some_and(|it| numbers.contains(&it)),
            Claim::Name(name) => said.contains(&name.to_lowercase()),
            Claim::Moment => own_meanings.contains(&reading.meaning),
            Claim::Free => true,
        };
        if !is_said && !own_meanings.contains(&reading.meaning) {
            return Err(Unfaithful::Invented(other.words(reading.whole).to_owned()));
        }
    }
    for reading in own.readings() {
        let meaning = &reading.meaning;
        let is_kept = if let Meaning::Most(most) = meaning {
            // The owner did not say of what, so saying it is what other words are for.
            let says = |other: &Meaning| matches!(claim(other), Claim::Number(number) if number == *most);
            other_meanings.iter().any(says)
        } else {
            is_loose(meaning) || other_meanings.contains(meaning)
        };
        if !is_kept {
            return Err(Unfaithful::Lost(own.words(reading.whole).to_owned()));
        }
    }
    Ok(())
}

/// Whether a meaning is about the goods alone, and settles nothing.
fn is_loose(meaning: &Meaning) -> bool {
    use Meaning::{About, Goal, LeftOut, OneErrand, Wish};
    matches!(meaning, Goal | About(_) | OneErrand | Wish(_) | LeftOut)
}

/// What a meaning says that must not be made up.
enum Claim<'a> {
    Number(Decimal),
    Count(u32),
    Name(&'a str),
    Moment,
    /// Nothing that widens: it restricts, or says what is bought.
    Free,
}

fn claim(meaning: &Meaning) -> Claim<'_> {
    match meaning {
        Meaning::PerPayment(number)
        | Meaning::PerPaymentMin(number)
        | Meaning::Total(number)
        | Meaning::InWindow(_, number)
        | Meaning::Most(number)
        | Meaning::AskAbove(number)
        | Meaning::Tolerance(number)
        | Meaning::Trigger(Trigger::AtOrBelow(number) | Trigger::AtOrAbove(number)) => Claim::Number(*number),
        Meaning::Uses(count) | Meaning::Velocity(_, count) | Meaning::Pieces(count) => Claim::Count(*count),
        Meaning::PayeeAllowed(name) | Meaning::PayeeDenied(name) | Meaning::DeliverTo(name) => {
            Claim::Name(name)
        }
        Meaning::From(_)
        | Meaning::Until(_)
        | Meaning::DeliverBy(_)
        | Meaning::NotBefore(_)
        | Meaning::NotAfter(_)
        | Meaning::OpenEnded
        | Meaning::TriggerAction(_)
        | Meaning::Mode(_)
        | Meaning::OnDeviation(_)
        | Meaning::OnFailure(_)
        | Meaning::Currency(_) => Claim::Moment,
        Meaning::OneErrand
        | Meaning::AskAlways
        | Meaning::AskFirstContact
        | Meaning::CategoryAllowed(_)
        | Meaning::CategoryDenied(_)
        | Meaning::About(_)
        | Meaning::Wish(_)
        | Meaning::Goal
        | Meaning::LeftOut => Claim::Free,
    }
}

/// Every number that a text spells, whatever it counts.
fn numbers(text: &str) -> Vec<Decimal> {
    let whole = |count: Option<u32>| count.and_then(|count| Decimal::new(count.into(), 0));
    atoms(&lex(text, 0), DateTime::MIN)
        .iter()
        .filter_map(|atom| match &atom.kind {
            Kind::Amount(_) | Kind::Number(_) => atom.kind.value(),
            Kind::Percent(number) => *number,
            Kind::Times(count) | Kind::Pieces(count) => whole(*count),
            Kind::Length(_)
            | Kind::When(_)
            | Kind::Clock(_)
            | Kind::Sense(_)
            | Kind::Quoted
            | Kind::Word
            | Kind::Stop(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draft::{Context, compile};
    use crate::money::Currency;
    use jiff::tz::TimeZone;

    fn read(sentence: &str) -> Draft {
        let context = Context {
            now: "2026-11-22T02:00:00Z".parse().unwrap(),
            zone: TimeZone::UTC,
            currency: Currency::new("CNY").unwrap(),
        };
        compile(sentence, &context).unwrap()
    }

    #[track_caller]
    fn check(own: &str, other: &str, expected: Result<(), &str>) {
        let found = check_faithful(&read(own), &read(other));
        let found = found.map_err(|fault| match fault {
            Unfaithful::Invented(words) => format!("invented {words}"),
            Unfaithful::Lost(words) => format!("lost {words}"),
        });
        assert_eq!(found, expected.map_err(str::to_owned), "{own} | {other}");
    }

    #[test]
    fn other_words_say_no_number_more_and_nothing_less() {
        let own = "my usual coffee, 30 yuan, up to 300 yuan a month";
        check(own, "Buy coffee, at most 30 yuan per payment and at most 300 yuan a month", Ok(()));
        check(own, own, Ok(()));
        check(
            own,
            "Buy coffee, at most 40 yuan per payment and at most 300 yuan a month",
            Err("invented at most 40 yuan per payment"),
        );
        check(own, "Buy coffee, at most 30 yuan per payment", Err("lost up to 300 yuan a month"));
        check(
            own,
            "Buy coffee, at most 30 yuan per payment and at most 300 yuan a day",
            Err("lost up to 300 yuan a month"),
        );
    }

    #[test]
    fn nobody_and_no_moment_is_made_up() {
        let own = "books for school, 200 yuan in total, only from \"Blue Door\", ask me before every payment";
        check(
            own,
            "Buy books, at most 200 yuan in total, only from \"Blue Door\", ask me before every payment",
            Ok(()),
        );
        check(
            own,
            "Buy books, at most 200 yuan in total, only from \"Blue Door\" or \"Red Door\", ask me before every payment",
            Err("invented \"Red Door\""),
        );
        check(
            own,
            "Buy books, at most 200 yuan in total, only from \"Blue Door\"",
            Err("lost ask me before every payment"),
        );
        check(
            own,
            "Buy books, at most 200 yuan in total, only from \"Blue Door\", ask me before every payment, until 2027-01-01",
            Err("invented until 2027-01-01"),
        );
    }
}
