//! The whole draft in plain words: every term, money first.

use crate::decimal::Decimal;
use crate::draft::{Draft, End, Terms};
use crate::reading::{Mode, OnDeviation, OnFailure, Trigger, TriggerAction};
use crate::sense::{Period, Window};
use crate::text::Language;
use jiff::Timestamp;
use jiff::tz::TimeZone;

impl Draft {
    /// Every term in plain words, one to a line, money first, then what is still open.
    ///
    /// The same draft gives the same text.
    pub fn summary(&self, language: Language) -> String {
        let mut lines = Lines { draft: self, terms: &self.terms, language, lines: Vec::new() };
        lines.money();
        lines.counts();
        lines.parties();
        lines.times();
        lines.behaviour();
        lines.purpose();
        for question in &self.questions {
            lines.line("Open: ", &question.text(language), "待确认：", &question.text(language));
        }
        lines.lines.join("\n")
    }
}

/// A moment on the clocks of a zone, with its name: `2026-11-19 00:00 (Asia/Shanghai)`.
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let name = zone.iana_name().unwrap_or("UTC");
    format!("{} ({name})", at.to_zoned(zone.clone()).datetime().strftime("%Y-%m-%d %H:%M"))
}

struct Lines<'a> {
    draft: &'a Draft,
    terms: &'a Terms,
    language: Language,
    lines: Vec<String>,
}

impl Lines<'_> {
    fn line(&mut self, english: &str, english_value: &str, chinese: &str, chinese_value: &str) {
        self.lines.push(match self.language {
            Language::English => format!("{english}{english_value}"),
            Language::Chinese => format!("{chinese}{chinese_value}"),
        });
    }

    fn both(&mut self, english: &str, chinese: &str, value: &str) {
        self.line(english, value, chinese, value);
    }

    fn sum(&self, amount: Decimal) -> String {
        match self.terms.currency {
            Some(currency) => currency.written(amount),
            None => amount.to_string(),
        }
    }

    fn moment(&self, at: Timestamp) -> String {
        moment(at, self.draft.zone())
    }

    fn window(&self, window: Window) -> String {
        let (english, chinese) = match window {
            Window::Calendar(Period::Day) => ("a day".to_owned(), "每天".to_owned()),
            Window::Calendar(Period::Week) => ("a week".to_owned(), "每周".to_owned()),
            Window::Calendar(Period::Month) => ("a month".to_owned(), "每月".to_owned()),
            Window::Rolling { seconds } => match (seconds.checked_rem(3_600), seconds.checked_div(3_600)) {
                (Some(0), Some(hours)) => (format!("in any {hours} hours"), format!("任意{hours}小时内")),
                _ => (format!("in any {seconds} seconds"), format!("任意{seconds}秒内")),
            },
        };
        match self.language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }

    fn money(&mut self) {
        if let Some(total) = self.terms.total {
            let sum = self.sum(total);
            self.both("In total at most ", "总共最多 ", &sum);
        }
        if let Some(each) = self.terms.per_payment {
            let sum = self.sum(each);
            self.both("Each payment at most ", "每次最多 ", &sum);
        }
        for (window, amount) in &self.terms.windows {
            let (sum, window) = (self.sum(*amount), self.window(*window));
            self.line("At most ", &format!("{sum} {window}"), "", &format!("{window}最多 {sum}"));
        }
        if let Some(least) = self.terms.per_payment_min {
            let sum = self.sum(least);
            self.both("Each payment at least ", "每次至少 ", &sum);
        }
        if let Some(line) = self.terms.ask_above {
            let sum = self.sum(line);
            self.line("Ask before any payment above ", &sum, "单笔超过 ", &format!("{sum} 先询问"));
        }
        if let Some(trigger) = self.terms.trigger {
            let sum = self.sum(trigger.price());
            match trigger {
                Trigger::AtOrBelow(_) => {
                    self.line("When the price is at or below ", &sum, "价格不高于 ", &format!("{sum} 时"))
                }
                Trigger::AtOrAbove(_) => {
                    self.line("When the price is at or above ", &sum, "价格不低于 ", &format!("{sum} 时"))
                }
            }
            match self.terms.trigger_action {
                Some(TriggerAction::Buy) => self.line("Then: buy", "", "届时：直接购买", ""),
                Some(TriggerAction::NotifyAndConfirm) => {
                    self.line("Then: notify, and wait for confirmation", "", "届时：通知并等待确认", "");
                }
                None => {}
            }
        }
    }

    fn counts(&mut self) {
        if let Some(uses) = self.terms.uses {
            self.line("Payments: at most ", &uses.to_string(), "付款次数：最多 ", &format!("{uses} 次"));
        }
        for (window, count) in &self.terms.velocities {
            let window = self.window(*window);
            self.line(
                "Payments: at most ",
                &format!("{count} {window}"),
                "付款次数：",
                &format!("{window}最多 {count} 次"),
            );
        }
        if let Some(pieces) = self.terms.pieces {
            self.both("Pieces: ", "数量：", &pieces.to_string());
        }
        if self.terms.ask_always {
            self.line("Ask before every payment", "", "每次付款前先询问", "");
        }
        if self.terms.ask_first_contact {
            self.line("Ask before paying a merchant for the first time", "", "首次向商家付款前先询问", "");
        }
    }

    fn list(&mut self, english: &str, chinese: &str, names: &[String]) {
        if !names.is_empty() {
            self.line(english, &names.join(", "), chinese, &names.join("、"));
        }
    }

    fn parties(&mut self) {
        let codes = |categories: &[crate::Category]| {
            categories.iter().map(|c| c.code().to_owned()).collect::<Vec<String>>()
        };
        let terms = self.terms;
        self.list("Only from: ", "只限商家：", &terms.payees_allowed);
        self.list("Never from: ", "禁止商家：", &terms.payees_denied);
        self.list("Only categories: ", "只限类别：", &codes(&terms.categories_allowed));
        self.list("Never categories: ", "禁止类别：", &codes(&terms.categories_denied));
        self.list("The agent is also told: ", "另外告知智能体：", &terms.wishes);
    }

    fn times(&mut self) {
        if let Some(from) = self.terms.from {
            let moment = self.moment(from);
            self.both("From ", "开始：", &moment);
        }
        match self.terms.end {
            End::At(end) => {
                let moment = self.moment(end);
                self.both("Until ", "截止：", &moment);
            }
            End::Open => self.line("Until you end it", "", "有效至您取消为止", ""),
            End::Unsaid => {}
        }
        if let Some(time) = self.terms.not_before {
            self.both("Takes place no earlier than ", "时间不早于 ", &time.strftime("%H:%M").to_string());
        }
        if let Some(time) = self.terms.not_after {
            self.both("Takes place no later than ", "时间不晚于 ", &time.strftime("%H:%M").to_string());
        }
    }

    fn behaviour(&mut self) {
        if let Some(percent) = self.terms.tolerance {
            self.line(
                "The price may differ by at most ",
                &format!("{percent} %"),
                "价格偏差最多 ",
                &format!("{percent}%"),
            );
        }
        match self.terms.on_deviation {
            Some(OnDeviation::PauseAndNotify) => {
                self.line("If it differs more: pause and notify", "", "超出偏差：暂停并通知", "")
            }
            Some(OnDeviation::AutoCancel) => {
                self.line("If it differs more: cancel", "", "超出偏差：自动取消", "")
            }
            None => {}
        }
        match self.terms.on_failure {
            Some(OnFailure::Retry(count)) => {
                self.line(
                    "If a payment fails: try again, at most ",
                    &format!("{count} times"),
                    "付款失败：最多重试 ",
                    &format!("{count} 次"),
                );
            }
            Some(OnFailure::Cancel) => self.line("If a payment fails: cancel", "", "付款失败：取消", ""),
            None => {}
        }
        if let Some(by) = self.terms.deliver_by {
            let moment = self.moment(by);
            self.both("Delivered by ", "送达时间不晚于 ", &moment);
        }
        if let Some(place) = self.terms.deliver_to.clone() {
            self.both("Delivered to: ", "送到：", &place);
        }
    }

    fn purpose(&mut self) {
        if let Some(goal) = self.terms.goal.clone() {
            self.both("To buy: ", "要买：", &goal);
        }
        match self.terms.mode {
            Some(Mode::Specified) => self.line("One fixed purchase", "", "单次指定购买", ""),
            Some(Mode::Bounded) => {
                self.line("The agent chooses within these limits", "", "智能体在以上限制内自行选择", "")
            }
            None => {}
        }
    }
}
