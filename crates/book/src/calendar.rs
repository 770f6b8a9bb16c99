//! Days, weeks and months in the zone of whoever set a limit, right across changes of its clocks.

use crate::canon::{Canon, Malformed, Reader, canon_enum, integer};
use crate::time::Time;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan, Zoned};
use std::sync::OnceLock;

/// A zone of the IANA database, such as `Asia/Shanghai`. The database is compiled in, so every machine has the same.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Zone(u16);

impl Zone {
    /// The zone named `name`, spelled as in the database, or `None`.
    pub fn new(name: &str) -> Option<Zone> {
        let place = zones().binary_search_by(|(known, _)| known.as_str().cmp(name)).ok()?;
        u16::try_from(place).ok().map(Zone)
    }

    /// The name.
    pub fn name(self) -> &'static str {
        &self.row().0
    }

    fn row(self) -> &'static (String, TimeZone) {
        zones().get(usize::from(self.0)).expect("a zone is made by `new` alone")
    }
}

impl std::fmt::Debug for Zone {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl Canon for Zone {
    fn encode(&self, out: &mut Vec<u8>) {
        integer(u128::try_from(self.name().len()).expect("a length fits"), out);
        out.extend_from_slice(self.name().as_bytes());
    }

    fn decode(input: &mut Reader<'_>) -> Result<Self, Malformed> {
        let length = input.length(64)?;
        let name = std::str::from_utf8(input.bytes(length)?).map_err(|_| Malformed)?;
        Zone::new(name).ok_or(Malformed)
    }
}

/// Every zone with its rules, in the order of the names.
fn zones() -> &'static [(String, TimeZone)] {
    static ZONES: OnceLock<Vec<(String, TimeZone)>> = OnceLock::new();
    ZONES.get_or_init(|| {
        let database = TimeZoneDatabase::bundled();
        let mut zones: Vec<(String, TimeZone)> = database
            .available()
            .filter_map(|name| database.get(name.as_str()).ok().map(|zone| (name.as_str().to_owned(), zone)))
            .collect();
        zones.sort_by(|a, b| a.0.cmp(&b.0));
        zones
    })
}

/// A stretch of the calendar that begins anew by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// From midnight to midnight.
    Day,
    /// From Monday's midnight, as in ISO 8601.
    Week,
    /// From the midnight that begins the first.
    Month,
}

/// When the period that holds `at` ends in `zone`: the first instant of the next one.
///
/// Where the clocks are put forward over midnight, the period ends when the new day begins; where they are put back
/// over it, at the first of the two midnights, so a period never begins twice.
pub(crate) fn period_end(at: Time, period: Period, zone: Zone) -> Time {
    let nanos = i128::from(at.0);
    let end = Timestamp::from_nanosecond(nanos).ok().and_then(|now| {
        let today = now.to_zoned(zone.row().1.clone()).start_of_day().ok()?;
        next_start(&today, period)
    });
    match end.map(|zoned| u64::try_from(zoned.timestamp().as_nanosecond())) {
        Some(Ok(nanos)) if at.0 < nanos => Time(nanos),
        // Beyond the calendar's last year a period lasts for ever: it can only refuse more.
        Some(Ok(_) | Err(_)) | None => Time::MAX,
    }
}

/// How long one period of a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cadence {
    /// So many days of the calendar.
    Days(u16),
    /// So many months of the calendar.
    Months(u16),
}

canon_enum!(Cadence { 1 => Days(it), 2 => Months(it) });

/// The `number`-th edge of a row of periods that begins at `anchor`, at the same time of day in `zone`.
///
/// Every edge is counted from the anchor, so that none drifts: a row that begins on the 31st has edges on the last days of
/// shorter months, and on the 31st again after them. Where the clocks skip the time of day, the edge is as much later;
/// where they repeat it, it is the first of the two.
fn edge(anchor: Time, every: Cadence, zone: Zone, number: u32) -> Time {
    let nanos = i128::from(anchor.0);
    let span = |each: u16| i64::from(each).checked_mul(i64::from(number));
    let local = Timestamp::from_nanosecond(nanos).ok().and_then(|first| {
        let first = first.to_zoned(zone.row().1.clone());
        let span = match every {
            Cadence::Days(days) => jiff::Span::new().try_days(span(days)?).ok()?,
            Cadence::Months(months) => jiff::Span::new().try_months(span(months)?).ok()?,
        };
        first.checked_add(span).ok()
    });
    match local.map(|zoned| u64::try_from(zoned.timestamp().as_nanosecond())) {
        Some(Ok(nanos)) => Time(nanos),
        // Beyond the calendar's last year nothing is renewed any more.
        Some(Err(_)) | None => Time::MAX,
    }
}

/// The edge behind the `number`-th, and its own number. Where a zone once skipped a whole day, two edges are one instant:
/// the later of them is passed over, for there is nothing between them.
pub(crate) fn edge_after(anchor: Time, every: Cadence, zone: Zone, number: u32) -> (u32, Time) {
    let from = edge(anchor, every, zone, number);
    let mut next = number;
    loop {
        next = next.saturating_add(1);
        let at = edge(anchor, every, zone, next);
        if from < at || next == u32::MAX {
            return (next, at);
        }
        if from == Time::MAX {
            return (next, Time::MAX);
        }
    }
}

fn next_start(today: &Zoned, period: Period) -> Option<Zoned> {
    let date = today.date();
    let next = match period {
        Period::Day => date.checked_add(1.day()),
        Period::Week => {
            date.checked_add(i64::from(7i8.saturating_sub(date.weekday().to_monday_zero_offset())).days())
        }
        Period::Month => date.first_of_month().checked_add(1.month()),
    };
    next.ok()?.to_zoned(today.time_zone().clone()).ok()?.start_of_day().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        Time(u64::try_from(text.parse::<Timestamp>().unwrap().as_nanosecond()).unwrap())
    }

    #[test]
    fn periods_end_where_the_owner_expects() {
        let rows = [
            ("2026-11-22T15:59:59Z", Period::Day, "Asia/Shanghai", "2026-11-22T16:00:00Z"),
            ("2026-11-22T16:00:00Z", Period::Day, "Asia/Shanghai", "2026-11-23T16:00:00Z"),
            ("2026-03-29T00:30:00Z", Period::Day, "Europe/Berlin", "2026-03-29T22:00:00Z"),
            ("2026-10-25T00:30:00Z", Period::Day, "Europe/Berlin", "2026-10-25T23:00:00Z"),
            ("2026-11-22T00:00:00Z", Period::Week, "UTC", "2026-11-23T00:00:00Z"),
            ("2026-11-23T00:00:00Z", Period::Week, "UTC", "2026-11-30T00:00:00Z"),
            ("2028-02-29T12:00:00Z", Period::Day, "UTC", "2028-03-01T00:00:00Z"),
            ("2028-02-29T12:00:00Z", Period::Month, "UTC", "2028-03-01T00:00:00Z"),
            ("2026-01-31T23:00:00Z", Period::Month, "America/New_York", "2026-02-01T05:00:00Z"),
            // Midnight does not exist on this day: the clocks jump from 23:59:59 to 01:00:00.
            ("2026-03-28T12:00:00Z", Period::Day, "Asia/Beirut", "2026-03-28T22:00:00Z"),
        ];
        for (now, period, zone, end) in rows {
            assert_eq!(
                period_end(at(now), period, Zone::new(zone).unwrap()),
                at(end),
                "{now} {period:?} {zone}"
            );
        }
    }

    #[test]
    fn no_day_of_six_years_begins_twice_or_not_at_all() {
        for zone in
            ["Europe/Berlin", "America/New_York", "Asia/Beirut", "America/Santiago", "Australia/Lord_Howe"]
        {
            let zone = Zone::new(zone).unwrap();
            let (mut now, end) = (at("2025-01-01T12:00:00Z"), at("2031-01-01T12:00:00Z"));
            while now < end {
                let next = period_end(now, Period::Day, zone);
                let hours = (period_end(next, Period::Day, zone).0 - next.0) / 1_800_000_000_000;
                assert!((45..=51).contains(&hours), "{zone:?} {next:?} lasts {hours} half hours");
                assert_eq!(period_end(Time(next.0 - 1), Period::Day, zone), next);
                now = next;
            }
        }
    }

    #[test]
    fn edges_are_counted_from_the_anchor() {
        let rows: [(&str, Cadence, &str, &[&str]); 5] = [
            (
                "2027-01-31T09:30:00Z",
                Cadence::Months(1),
                "UTC",
                &["2027-02-28T09:30:00Z", "2027-03-31T09:30:00Z", "2027-04-30T09:30:00Z"],
            ),
            ("2028-01-31T16:30:00Z", Cadence::Months(1), "Asia/Shanghai", &["2028-02-29T16:30:00Z"]),
            (
                "2028-02-29T00:00:00Z",
                Cadence::Months(12),
                "UTC",
                &["2029-02-28T00:00:00Z", "2030-02-28T00:00:00Z"],
            ),
            // The clocks go forward on 28 March: the same time of day comes an hour sooner, and does not exist once.
            (
                "2027-03-27T01:30:00Z",
                Cadence::Days(1),
                "Europe/Berlin",
                &["2027-03-28T01:30:00Z", "2027-03-29T00:30:00Z"],
            ),
            (
                "2027-10-30T00:30:00Z",
                Cadence::Days(1),
                "Europe/Berlin",
                &["2027-10-31T00:30:00Z", "2027-11-01T01:30:00Z"],
            ),
        ];
        for (anchor, every, zone, edges) in rows {
            let zone = Zone::new(zone).unwrap();
            let mut number = 0;
            for expected in edges {
                let (next, found) = edge_after(at(anchor), every, zone, number);
                assert_eq!(found, at(expected), "{anchor} {every:?} {zone:?} {next}");
                number = next;
            }
        }
    }

    /// R-I7: whatever the zone, each period begins where the one before it ends, and lasts.
    #[test]
    fn ten_years_of_periods_in_every_zone_have_no_gap_and_no_repeat() {
        // Also over days that Samoa and Tokelau never had, and a midnight that a change of clocks skips.
        let anchors = ["2011-12-29T22:30:00Z", "2026-01-31T15:45:00Z", "2027-03-13T10:30:00Z"];
        for (name, _) in zones() {
            let zone = Zone::new(name).unwrap();
            for anchor in anchors.map(at) {
                for (every, periods, shortest, longest) in
                    [(Cadence::Months(1), 120, 27, 32), (Cadence::Days(30), 122, 29, 31)]
                {
                    let (mut number, mut from) = (0, anchor);
                    for _ in 0..periods {
                        let (next, until) = edge_after(anchor, every, zone, number);
                        let days = (until.0 - from.0) / 86_400_000_000_000;
                        assert!(
                            (shortest..=longest).contains(&days),
                            "{name} {every:?} {from:?} lasts {days}"
                        );
                        (number, from) = (next, until);
                    }
                    assert_eq!(from, edge(anchor, every, zone, number));
                }
            }
        }
    }

    /// A day that a zone never had is not a period.
    #[test]
    fn a_day_that_never_was_is_passed_over() {
        let (anchor, zone) = (at("2011-12-29T22:00:00Z"), Zone::new("Pacific/Apia").unwrap());
        let (second, until) = edge_after(anchor, Cadence::Days(1), zone, 0);
        assert_eq!((second, until), (1, at("2011-12-30T22:00:00Z")));
        assert_eq!(edge_after(anchor, Cadence::Days(1), zone, 1), (3, at("2011-12-31T22:00:00Z")));
    }

    #[test]
    fn unknown_zones_are_unknown() {
        assert!(Zone::new("Mars/Olympus").is_none());
        assert!(Zone::new("asia/shanghai").is_none());
    }
}
