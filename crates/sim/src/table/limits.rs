//! Limits as a row writes them: `per-payment 100; day 500 Asia/Shanghai; never M2; ask-above 80`.

use super::names::Names;
use super::words::{self, Words};
use book::{Code, Limit, PayeeId, Period, Time, Trigger, Window, Zone};
use evidence::Hash;

impl Names {
    /// The limits that `words` name, or none.
    pub(super) fn limits(&mut self, words: Option<Words>, now: Time) -> Result<Vec<Limit>, String> {
        let Some(mut words) = words else {
            return Ok(Vec::new());
        };
        let mut limits = Vec::new();
        while words.peek().is_some() {
            limits.push(self.limit(&mut words, now)?);
            match words.peek() {
                Some(";") => drop(words.next("a semicolon")?),
                Some("...") => {
                    // `ask-always ... 33` is 33 of them.
                    words.next("dots")?;
                    let times = words::number::<usize>(&words.next("how many")?)?;
                    let last = limits.last().ok_or("nothing to repeat")?.clone();
                    limits.resize(times, last);
                }
                Some(word) => return Err(format!("`{word}` is not part of this limit")),
                None => {}
            }
        }
        Ok(limits)
    }

    fn limit(&mut self, words: &mut Words, now: Time) -> Result<Limit, String> {
        let kind = words.next("a limit")?;
        let mut max = || words.next("a number");
        Ok(match kind.as_str() {
            "per-payment" => Limit::PerPayment { max: words::amount(&max()?)? },
            "total" => Limit::Total { max: words::amount(&max()?)? },
            "uses" => Limit::Uses { max: words::number(&max()?)? },
            "day" | "week" | "month" => Limit::Window {
                max: words::amount(&max()?)?,
                window: calendar(&kind, &words.next("a zone")?)?,
            },
            "rolling" => Limit::Window {
                window: rolling(&words.next("a duration")?)?,
                max: words::amount(&words.next("a number")?)?,
            },
            "times" => {
                let max = words::number(&max()?)?;
                let window = match words.next("a window")?.as_str() {
                    period @ ("day" | "week" | "month") => calendar(period, &words.next("a zone")?)?,
                    duration => rolling(duration)?,
                };
                Limit::Velocity { window, max }
            }
            "only" => Limit::PayeesAllowed { payees: self.payees(&max()?, now)? },
            "never" => Limit::PayeesDenied { payees: self.payees(&max()?, now)? },
            "only-for" => Limit::CategoriesAllowed { categories: codes(&max()?)? },
            "never-for" => Limit::CategoriesDenied { categories: codes(&max()?)? },
            "valid" => Limit::Validity {
                from: words::time(&words.next("a time")?, now)?,
                until: words::time(&words.next("a time")?, now)?,
            },
            "ask-above" => Limit::AskAbove { amount: words::amount(&max()?)? },
            "ask-first" => Limit::AskFirstContact,
            "ask-always" => Limit::AskAlways,
            "price-at-most" => {
                let payee = PayeeId(self.name(&max()?, now));
                let item = Hash::of(max()?.as_bytes());
                let max = words::amount(&words.next("an amount")?)?;
                let within = words::nanos(&words.next("a duration")?)? / 1_000_000_000;
                let within_seconds = u32::try_from(within).map_err(|_| "too long".to_owned())?;
                Limit::PriceAtMost { trigger: Box::new(Trigger { payee, item, max, within_seconds }) }
            }
            "unknown" => Limit::Unknown { constraint: Box::new(Hash::of(max()?.as_bytes())) },
            _ => return Err(format!("`{kind}` is no limit")),
        })
    }

    /// `M1,M2`, or `M1*257` for one payee so many times.
    fn payees(&mut self, list: &str, now: Time) -> Result<Vec<PayeeId>, String> {
        if list == "nobody" {
            return Ok(Vec::new());
        }
        if let Some((name, times)) = list.split_once('^') {
            let payee = PayeeId(self.name(name, now));
            return Ok(vec![payee; words::number(times)?]);
        }
        Ok(list.split(',').map(|name| PayeeId(self.name(name, now))).collect())
    }
}

fn calendar(period: &str, zone: &str) -> Result<Window, String> {
    let period = match period {
        "day" => Period::Day,
        "week" => Period::Week,
        _ => Period::Month,
    };
    let zone = Zone::new(zone).ok_or_else(|| format!("`{zone}` is no zone"))?;
    Ok(Window::Calendar { period, zone })
}

fn rolling(duration: &str) -> Result<Window, String> {
    let seconds = words::nanos(duration)? / 1_000_000_000;
    let seconds = u32::try_from(seconds).map_err(|_| format!("`{duration}` is too long"))?;
    Ok(Window::Rolling { seconds })
}

fn codes(list: &str) -> Result<Vec<Code>, String> {
    if list == "nothing" {
        return Ok(Vec::new());
    }
    if let Some((text, times)) = list.split_once('^') {
        return Ok(vec![code(text)?; words::number(times)?]);
    }
    list.split(',').map(code).collect()
}

pub(super) fn code(text: &str) -> Result<Code, String> {
    Code::new(text).ok_or_else(|| format!("`{text}` is no code"))
}
