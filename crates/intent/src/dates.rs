//! Days, times of day and stretches of time, as people name them, seen from one moment in one zone.

use crate::decimal::Decimal;
use crate::lexer::{Token, TokenKind};
use crate::limits::LENGTH_DAYS_MAX;
use crate::number;
use crate::sense::{DayPart, DayWord, LengthUnit, Sense, Which, phrase};
use jiff::civil::{Date, DateTime, Time};
use jiff::{Span as Length, ToSpan};

/// From its first moment to the first moment after it, on the clocks of the zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) from: DateTime,
    pub(crate) to: DateTime,
    /// Whether it is whole days, so that a time of day may narrow it.
    pub(crate) is_one_day: bool,
}

/// What a name of a day turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Known(Stretch),
    /// More than one day has that name, or none.
    Unclear,
}

impl Stretch {
    pub(crate) fn day(date: Date) -> Option<Stretch> {
        let to = date.tomorrow().ok()?;
        Some(Stretch {
            from: date.to_datetime(Time::midnight()),
            to: to.to_datetime(Time::midnight()),
            is_one_day: true,
        })
    }

    fn days(first: Date, after: Date) -> Stretch {
        let midnight = Time::midnight();
        Stretch { from: first.to_datetime(midnight), to: after.to_datetime(midnight), is_one_day: false }
    }

    /// One moment.
    pub(crate) fn moment(at: DateTime) -> Stretch {
        Stretch { from: at, to: at, is_one_day: false }
    }
}

/// The day or days that a word of the vocabulary names.
pub(crate) fn of_word(word: DayWord, now: DateTime) -> When {
    known(word, now).map_or(When::Unclear, When::Known)
}

fn known(word: DayWord, now: DateTime) -> Option<Stretch> {
    let today = now.date();
    let since_monday = i64::from(today.weekday().to_monday_zero_offset());
    let monday = today.checked_sub(since_monday.days()).ok()?;
    let next_monday = monday.checked_add(7.days()).ok()?;
    let saturday = monday.checked_add(5.days()).ok()?;
    let first = today.first_of_month();
    let next_first = first.checked_add(1.month()).ok()?;
    let after_next_first = first.checked_add(2.months()).ok()?;
    let new_year = today.first_of_year().checked_add(1.year()).ok()?;
    let end = |date: Date| Stretch::moment(date.to_datetime(Time::midnight()));
    Some(match word {
        DayWord::Today => Stretch::day(today)?,
        DayWord::Tonight => Stretch { from: today.at(18, 0, 0, 0), ..Stretch::day(today)? },
        DayWord::Tomorrow => Stretch::day(today.tomorrow().ok()?)?,
        DayWord::AfterTomorrow => Stretch::day(today.checked_add(2.days()).ok()?)?,
        DayWord::ThisWeek => Stretch::days(monday, next_monday),
        DayWord::NextWeek => Stretch::days(next_monday, next_monday.checked_add(7.days()).ok()?),
        DayWord::ThisMonth => Stretch::days(first, next_first),
        DayWord::NextMonth => Stretch::days(next_first, after_next_first),
        DayWord::ThisYear => Stretch::days(today.first_of_year(), new_year),
        DayWord::ThisWeekend => Stretch::days(saturday, next_monday),
        DayWord::NextWeekend => {
            let next_saturday = saturday.checked_add(7.days()).ok()?;
            Stretch::days(next_saturday, next_saturday.checked_add(2.days()).ok()?)
        }
        DayWord::EndOfWeek => end(next_monday),
        DayWord::EndOfMonth => end(next_first),
        DayWord::EndOfNextMonth => end(after_next_first),
        DayWord::EndOfYear => end(new_year),
        DayWord::Weekday(day, which) => Stretch::day(weekday(monday, today, day, which)?)?,
        DayWord::Month(month) => {
            let year = if month < today.month() { today.year().checked_add(1)? } else { today.year() };
            let first = Date::new(year, month, 1).ok()?;
            Stretch::days(first, first.checked_add(1.month()).ok()?)
        }
    })
}

/// `None` where two people could mean two days.
fn weekday(monday: Date, today: Date, day: i8, which: Which) -> Option<Date> {
    let of_this_week = monday.checked_add(i64::from(day).days()).ok()?;
    let of_next_week = of_this_week.checked_add(7.days()).ok()?;
    let coming = if of_this_week <= today { of_next_week } else { of_this_week };
    match which {
        // On a Friday, "Friday" is today or in a week.
        Which::Coming => (of_this_week != today).then_some(coming),
        Which::OfThisWeek | Which::This => (today <= of_this_week).then_some(of_this_week),
        Which::Next => (coming == of_next_week).then_some(of_next_week),
        Which::OfNextWeek => Some(of_next_week),
    }
}

/// The date written at `at`, and the token after it: `2026-12-01`, `Dec 1st`, `1 December 2026`, `12月1日`, `15号`.
pub(crate) fn date(tokens: &[Token], at: usize, now: DateTime) -> Option<(When, usize)> {
    let token = tokens.get(at)?;
    let found = match token.kind {
        TokenKind::Date => (iso(&token.text), at.saturating_add(1)),
        TokenKind::Word => month_first(tokens, at, now)?,
        TokenKind::Digits => day_first(tokens, at, now).or_else(|| in_chinese(tokens, at, now))?,
        TokenKind::Han => in_chinese(tokens, at, now)?,
        TokenKind::Clock | TokenKind::Sign | TokenKind::Stop | TokenKind::Quoted => return None,
    };
    Some((found.0.and_then(Stretch::day).map_or(When::Unclear, When::Known), found.1))
}

fn iso(text: &str) -> Option<Date> {
    let mut parts = text.split('-');
    let date =
        Date::new(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    date.ok()
}

/// A day of a month; without a year it is the next one, and `None` where this year's has passed.
fn dated(year: Option<i16>, month: i8, day: i8, today: Date) -> Option<Date> {
    let date = Date::new(year.unwrap_or(today.year()), month, day).ok()?;
    (year.is_some() || today <= date).then_some(date)
}

fn month_word(tokens: &[Token], at: usize) -> Option<i8> {
    if tokens.get(at).is_some_and(|token| token.text == "may") {
        return Some(5);
    }
    match phrase(tokens, at) {
        Some((Sense::When(DayWord::Month(month)), _)) => Some(month),
        _ => None,
    }
}

fn ordinal(tokens: &[Token], at: usize) -> Option<(i8, usize)> {
    let token = tokens.get(at).filter(|token| token.kind == TokenKind::Digits)?;
    let day: i8 = token.text.parse().ok().filter(|day| (1..=31).contains(day))?;
    let next = at.saturating_add(1);
    let suffix =
        tokens.get(next).is_some_and(|t| t.glued && matches!(t.text.as_str(), "st" | "nd" | "rd" | "th"));
    Some((day, if suffix { next.saturating_add(1) } else { next }))
}

fn year(tokens: &[Token], at: usize) -> (Option<i16>, usize) {
    let comma = tokens.get(at).is_some_and(|token| token.text == ",");
    let place = if comma { at.saturating_add(1) } else { at };
    let token = tokens.get(place).filter(|token| token.kind == TokenKind::Digits && token.text.len() == 4);
    match token.and_then(|token| token.text.parse().ok()).filter(|year| (2000..2100).contains(year)) {
        Some(year) => (Some(year), place.saturating_add(1)),
        None => (None, at),
    }
}

fn month_first(tokens: &[Token], at: usize, now: DateTime) -> Option<(Option<Date>, usize)> {
    let month = month_word(tokens, at)?;
    let (day, next) = ordinal(tokens, at.saturating_add(1))?;
    let (year, next) = year(tokens, next);
    Some((dated(year, month, day, now.date()), next))
}

fn day_first(tokens: &[Token], at: usize, now: DateTime) -> Option<(Option<Date>, usize)> {
    let (day, next) = ordinal(tokens, at)?;
    let of = tokens.get(next).is_some_and(|token| token.text == "of");
    let place = if of { next.saturating_add(1) } else { next };
    if let Some(month) = month_word(tokens, place) {
        let (year, next) = year(tokens, place.saturating_add(1));
        return Some((dated(year, month, day, now.date()), next));
    }
    // "the 15th": the next day with that number.
    let has_suffix = next != at.saturating_add(1);
    has_suffix.then(|| (day_of_month(day, now.date()), next))
}

fn day_of_month(day: i8, today: Date) -> Option<Date> {
    let this = Date::new(today.year(), today.month(), day).ok()?;
    if today <= this {
        return Some(this);
    }
    let next = today.first_of_month().checked_add(1.month()).ok()?;
    Date::new(next.year(), next.month(), day).ok()
}

fn in_chinese(tokens: &[Token], at: usize, now: DateTime) -> Option<(Option<Date>, usize)> {
    let (number, next) = small(tokens, at)?;
    let is =
        |place: usize, texts: &[&str]| tokens.get(place).is_some_and(|t| texts.contains(&t.text.as_str()));
    let (year, at) = match i16::try_from(number).ok().filter(|year| (2000..2100).contains(year)) {
        Some(year) if is(next, &["年"]) => (Some(year), next.saturating_add(1)),
        _ => (None, at),
    };
    let (number, next) = small(tokens, at)?;
    if is(next, &["号"]) && year.is_none() {
        return Some((day_of_month(i8::try_from(number).ok()?, now.date()), next.saturating_add(1)));
    }
    let month = i8::try_from(number).ok().filter(|month| is(next, &["月"]) && (1..=12).contains(month))?;
    let (day, next) = small(tokens, next.saturating_add(1))?;
    let day = i8::try_from(day).ok()?;
    is(next, &["日", "号"]).then(|| (dated(year, month, day, now.date()), next.saturating_add(1)))
}

fn small(tokens: &[Token], at: usize) -> Option<(u32, usize)> {
    let numeral = number::read(tokens, at)?;
    Some((numeral.value?.count(9_999)?, numeral.next))
}

/// A time of day, or `None` where it could be in the morning or in the evening; and the token after it.
pub(crate) fn clock(tokens: &[Token], at: usize) -> Option<(Option<Time>, usize)> {
    let (part, at) = match phrase(tokens, at) {
        Some((Sense::DayPart(part), next)) => (Some(part), next),
        _ => (None, at),
    };
    let token = tokens.get(at)?;
    let is_written_out = token.kind == TokenKind::Clock;
    let (hour, minute, next, is_clock) = if is_written_out {
        let (hour, minute) = token.text.split_once([':', '：'])?;
        (hour.parse().ok()?, minute.parse().ok()?, at.saturating_add(1), true)
    } else {
        let (hour, next) = small(tokens, at)?;
        let hour = i8::try_from(hour).ok()?;
        if tokens.get(next).is_some_and(|token| token.text == "点") {
            let (minute, next) = chinese_minutes(tokens, next.saturating_add(1));
            (hour, minute, next, true)
        } else {
            (hour, 0, next, false)
        }
    };
    let after = tokens.get(next).map(|token| token.text.as_str());
    let (part, next) = match after {
        Some("am") => (Some(DayPart::Morning), next.saturating_add(1)),
        Some("pm") => (Some(DayPart::Evening), next.saturating_add(1)),
        Some("o'clock") => (part, next.saturating_add(1)),
        Some(_) | None if is_clock => (part, next),
        Some(_) | None => return None,
    };
    let hour24 = match part {
        Some(DayPart::Morning) => (hour <= 12).then_some(if hour == 12 { 0 } else { hour }),
        Some(DayPart::Noon) => Some(if hour < 3 { hour.saturating_add(12) } else { hour }),
        Some(DayPart::Evening) => Some(if hour < 12 { hour.saturating_add(12) } else { hour }),
        None => (is_written_out || 12 < hour).then_some(hour),
    };
    Some((hour24.and_then(|hour| Time::new(hour, minute, 0, 0).ok()), next))
}

fn chinese_minutes(tokens: &[Token], at: usize) -> (i8, usize) {
    if tokens.get(at).is_some_and(|token| token.text == "半") {
        return (30, at.saturating_add(1));
    }
    match small(tokens, at).and_then(|(minute, next)| Some((i8::try_from(minute).ok()?, next))) {
        Some((minute, next)) if tokens.get(next).is_some_and(|token| token.text == "分") => {
            (minute, next.saturating_add(1))
        }
        Some((1, next)) if tokens.get(next).is_some_and(|token| token.text == "刻") => {
            (15, next.saturating_add(1))
        }
        Some(_) | None => (0, at),
    }
}

/// A count of a unit of time, or `None` beyond ten years.
pub(crate) fn length(count: Decimal, unit: LengthUnit) -> Option<Length> {
    let days = match unit {
        LengthUnit::Minute | LengthUnit::Hour => 1,
        LengthUnit::Day => 1,
        LengthUnit::Week => 7,
        LengthUnit::Month => 31,
        LengthUnit::Year => 366,
    };
    let count = count
        .count(LENGTH_DAYS_MAX)
        .filter(|count| 0 < *count && count.saturating_mul(days) <= LENGTH_DAYS_MAX)?;
    let count = i64::from(count);
    Some(match unit {
        LengthUnit::Minute => count.minutes(),
        LengthUnit::Hour => count.hours(),
        LengthUnit::Day => count.days(),
        LengthUnit::Week => count.weeks(),
        LengthUnit::Month => count.months(),
        LengthUnit::Year => count.years(),
    })
}

/// The seconds of a length that always lasts as long: hours, and days and weeks of 24 hours.
pub(crate) fn seconds(length: Length) -> Option<u32> {
    if length.get_months() != 0 || length.get_years() != 0 {
        return None;
    }
    let days = i64::from(length.get_days()).checked_add(i64::from(length.get_weeks()).checked_mul(7)?)?;
    let hours = i64::from(length.get_hours()).checked_add(days.checked_mul(24)?)?;
    let minutes = length.get_minutes().checked_add(hours.checked_mul(60)?)?;
    u32::try_from(minutes.checked_mul(60)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lexer::lex;

    // A Wednesday.
    const NOW: DateTime = DateTime::constant(2026, 11, 18, 10, 30, 0, 0);

    #[test]
    fn dates_are_the_days_they_name() {
        for (text, expected) in [
            ("2026-12-01", "2026-12-01"),
            ("2026/2/3", "2026-02-03"),
            ("2026-02-30", "unclear"),
            ("Dec 1st", "2026-12-01"),
            ("December 1, 2027", "2027-12-01"),
            ("1 December", "2026-12-01"),
            ("November 1", "unclear"),
            ("3rd of January 2027", "2027-01-03"),
            ("the", "none"),
            ("15th", "2026-12-15"),
            ("20th", "2026-11-20"),
            ("12月1日", "2026-12-01"),
            ("2027年1月2号", "2027-01-02"),
            ("15号", "2026-12-15"),
            ("十二月一日", "2026-12-01"),
            ("3月", "none"),
            ("20", "none"),
            ("May 5", "unclear"),
            ("may", "none"),
        ] {
            let found = match date(&lex(text, 0), 0, NOW) {
                None => "none".to_owned(),
                Some((When::Unclear, _)) => "unclear".to_owned(),
                Some((When::Known(stretch), _)) => stretch.from.date().to_string(),
            };
            assert_eq!(found, expected, "{text}");
        }
    }

    #[test]
    fn words_for_days_settle_only_where_everybody_means_the_same() {
        use DayWord::Weekday;
        for (word, expected) in [
            (DayWord::Tomorrow, Some("2026-11-19T00:00:00 2026-11-20T00:00:00")),
            (DayWord::ThisWeek, Some("2026-11-16T00:00:00 2026-11-23T00:00:00")),
            (DayWord::EndOfMonth, Some("2026-12-01T00:00:00 2026-12-01T00:00:00")),
            (DayWord::NextMonth, Some("2026-12-01T00:00:00 2027-01-01T00:00:00")),
            (Weekday(4, Which::Coming), Some("2026-11-20T00:00:00 2026-11-21T00:00:00")),
            (Weekday(0, Which::Coming), Some("2026-11-23T00:00:00 2026-11-24T00:00:00")),
            (Weekday(2, Which::Coming), None),
            (Weekday(2, Which::This), Some("2026-11-18T00:00:00 2026-11-19T00:00:00")),
            (Weekday(0, Which::OfThisWeek), None),
            (Weekday(4, Which::Next), None),
            (Weekday(0, Which::Next), Some("2026-11-23T00:00:00 2026-11-24T00:00:00")),
            (Weekday(4, Which::OfNextWeek), Some("2026-11-27T00:00:00 2026-11-28T00:00:00")),
        ] {
            let found = known(word, NOW).map(|stretch| format!("{} {}", stretch.from, stretch.to));
            assert_eq!(found.as_deref(), expected, "{word:?}");
        }
    }

    #[test]
    fn times_of_day_say_which_half() {
        for (text, expected) in [
            ("18:30", "18:30:00"),
            ("6 pm", "18:00:00"),
            ("8am", "08:00:00"),
            ("12 am", "00:00:00"),
            ("6 o'clock", "unclear"),
            ("下午6点", "18:00:00"),
            ("晚上八点半", "20:30:00"),
            ("18点", "18:00:00"),
            ("6点", "unclear"),
            ("早上8点15分", "08:15:00"),
            ("25:00", "unclear"),
            ("6", "none"),
            ("6 yuan", "none"),
        ] {
            let found = match clock(&lex(text, 0), 0) {
                None => "none".to_owned(),
                Some((None, _)) => "unclear".to_owned(),
                Some((Some(time), _)) => time.to_string(),
            };
            assert_eq!(found, expected, "{text}");
        }
    }
}
