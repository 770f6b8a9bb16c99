//! Times as RFC 3339 writes them, read into nanoseconds without a calendar library.

use book::Time;

const SECOND_NANOS: u64 = 1_000_000_000;
const DAY_SECONDS: i64 = 86_400;

/// Reads a date-time, or nothing if the text is not one or lies outside the years 1970 to 2554.
///
/// Digits of a second behind the ninth are dropped, and a leap second is the second after it.
pub(crate) fn parse(text: &str) -> Option<Time> {
    let bytes = text.as_bytes();
    let (date, rest) = bytes.split_at_checked(11)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T' | b't'] = date else {
        return None;
    };
    let (time, rest) = rest.split_at_checked(8)?;
    let &[h0, h1, b':', i0, i1, b':', s0, s1] = time else {
        return None;
    };

    let (year, month, day) = (number(&[y0, y1, y2, y3])?, number(&[m0, m1])?, number(&[d0, d1])?);
    let (hour, minute, second) = (number(&[h0, h1])?, number(&[i0, i1])?, number(&[s0, s1])?);
    if day < 1 || days_in_month(year, month)? < day || 23 < hour || 59 < minute || 60 < second {
        return None;
    }

    let (nanos, zone) = fraction(rest)?;
    let offset_seconds = offset(zone)?;
    let seconds =
        days_since_1970(year, month, day) * DAY_SECONDS + hour * 3600 + minute * 60 + second - offset_seconds;
    let nanos_whole = u64::try_from(seconds).ok()?.checked_mul(SECOND_NANOS)?;
    nanos_whole.checked_add(nanos).map(Time)
}

/// Writes the second in which `at` lies, in UTC: `2026-09-02T03:30:00Z`.
pub(crate) fn format_seconds(at: Time) -> String {
    let seconds = i64::try_from(at.0 / SECOND_NANOS).expect("2^64 ns are below 2^63 s");
    let (year, month, day) = civil(seconds / DAY_SECONDS);
    let rest = seconds % DAY_SECONDS;
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The same with its milliseconds: `2026-09-02T03:30:00.125Z`.
pub(crate) fn format_millis(at: Time) -> String {
    let seconds = format_seconds(at);
    format!("{}.{:03}Z", seconds.trim_end_matches('Z'), at.0 % SECOND_NANOS / 1_000_000)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
}

/// The nanoseconds of an optional `.digits`, and what follows it.
fn fraction(text: &[u8]) -> Option<(u64, &[u8])> {
    let Some(digits) = text.strip_prefix(b".") else {
        return Some((0, text));
    };
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = digits.split_at(count);
    if digits.is_empty() {
        return None;
    }
    let nanos =
        (0..9).fold(0, |sum, place| sum * 10 + digits.get(place).map_or(0, |digit| u64::from(digit - b'0')));
    Some((nanos, rest))
}

/// The seconds by which a zone is ahead of UTC.
fn offset(zone: &[u8]) -> Option<i64> {
    match *zone {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h0, h1, b':', m0, m1] => {
            let (hours, minutes) = (number(&[h0, h1])?, number(&[m0, m1])?);
            if 23 < hours || 59 < minutes {
                return None;
            }
            let seconds = hours * 3600 + minutes * 60;
            Some(if sign == b'+' { seconds } else { -seconds })
        }
        _ => None,
    }
}

fn days_in_month(year: i64, month: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 if leap => Some(29),
        2 => Some(28),
        _ => None,
    }
}

// Both from Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms": a year is counted from
// March, so the leap day is its last, and 400 years are always 146,097 days.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::{format_millis, format_seconds, parse};
    use book::Time;
    use proptest::prelude::*;

    #[test]
    fn only_date_times_are_read() {
        for (text, seconds, nanos) in [
            ("1970-01-01T00:00:00Z", 0, 0),
            ("2026-09-02T03:30:00Z", 1_788_319_800, 0),
            ("2026-09-02T11:30:00+08:00", 1_788_319_800, 0),
            ("2026-09-01T23:00:00-04:30", 1_788_319_800, 0),
            ("2026-09-02t03:30:00.25z", 1_788_319_800, 250_000_000),
            ("2026-09-02T03:30:00.1234567899Z", 1_788_319_800, 123_456_789),
            ("2024-02-29T00:00:00Z", 1_709_164_800, 0),
            ("2016-12-31T23:59:60Z", 1_483_228_800, 0),
        ] {
            assert_eq!(parse(text), Some(Time(seconds * 1_000_000_000 + nanos)), "`{text}`");
        }
        for text in [
            "",
            "not-a-date",
            "2026-09-02",
            "2026-09-02T03:30Z",
            "2026-09-02 03:30:00Z",
            "2026-09-02T03:30:00",
            "2026-09-02T03:30:00.Z",
            "2026-09-02T03:30:00+0800",
            "2026-09-02T03:30:00+24:00",
            "2026-09-02T24:00:00Z",
            "2026-09-02T03:60:00Z",
            "2026-09-02T03:30:61Z",
            "2026-13-02T03:30:00Z",
            "2026-00-02T03:30:00Z",
            "2026-02-29T03:30:00Z",
            "2026-09-31T03:30:00Z",
            "2026-09-00T03:30:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "2555-01-01T00:00:00Z",
            "2026-09-02T03:30:00Z ",
            "+026-09-02T03:30:00Z",
            "２026-09-02T03:30:00Z",
        ] {
            assert_eq!(parse(text), None, "`{text}`");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_reads_the_same(seconds in 0..18_446_744_072_u64) {
            let at = Time::from_seconds(seconds);
            prop_assert_eq!(parse(&format_seconds(at)), Some(at));
            let later = Time(at.0 + 7_000_000);
            prop_assert_eq!(parse(&format_millis(later)), Some(later));
        }
    }
}
