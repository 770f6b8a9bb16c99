//! Dates of payments: a day or an instant, as a stretch of time.

use crate::a402::Misshapen;
use crate::limits::AP2_TEXT_BYTES_MAX;
use crate::rfc3339;
use book::Time;

/// A date as it was written: `2026-11-23`, a day in UTC, or an instant with its zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Date {
    text: String,
    /// The stretch it stands for, both ends in it.
    pub first: Time,
    pub last: Time,
}

impl Date {
    /// Reads a date.
    ///
    /// # Errors
    /// [`Misshapen`]: an instant without a zone is one of two dozen.
    pub fn parse(text: impl Into<String>) -> Result<Date, Misshapen> {
        let text = text.into();
        let wrong = || Misshapen::new(&text, "a day like `2026-11-23`, or an instant with its zone");
        if AP2_TEXT_BYTES_MAX < text.len() {
            return Err(wrong());
        }
        let at = |text: &str| rfc3339::parse(text);
        let ends = match at(&text) {
            Some(instant) => Some((instant, instant)),
            None => at(&format!("{text}T00:00:00Z")).zip(at(&format!("{text}T23:59:59.999999999Z"))),
        };
        let (first, last) = ends.ok_or_else(wrong)?;
        Ok(Date { text, first, last })
    }

    /// The date as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use super::Date;

    #[test]
    fn a_day_is_all_of_it_and_an_instant_needs_its_zone() {
        let day = Date::parse("2026-11-23").unwrap();
        assert_eq!(day.last.0 - day.first.0, 86_400 * 1_000_000_000 - 1);
        let noon = Date::parse("2026-11-23T12:00:00Z").unwrap();
        assert!(noon.first == noon.last && day.first < noon.first && noon.last < day.last);
        assert_eq!(Date::parse("2026-11-23T13:00:00+01:00").unwrap().first, noon.first);
        for text in ["", "2026-11-23T12:00:00", "2026-11-31", "2026-11", "tomorrow", "2026-11-23 "] {
            assert!(Date::parse(text).is_err(), "`{text}`");
        }
    }
}
