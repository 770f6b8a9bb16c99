//! What a limit means, in plain words.

use crate::shown::{moment, money};
use crate::visit::Visit;
use crate::words::Lang;
use book::{Amount, Asset, Limit, PayeeId, Period, Window};

/// What limits are said with: the reader's language, zone and names for sellers.
#[derive(Debug)]
pub struct Saying<'a> {
    visit: &'a Visit,
    /// The asset of the wallet.
    pub asset: Asset,
    naming: Naming,
}

/// How sellers are named.
#[derive(Clone, Copy, Debug)]
enum Naming {
    /// As they are called.
    Label,
    /// With the end of their id, too: names are not unique, and what is agreed to says which one is meant.
    Exact,
}

impl<'a> Saying<'a> {
    /// For limits that hold, or held.
    pub fn of(visit: &'a Visit, asset: Asset) -> Saying<'a> {
        Saying { visit, asset, naming: Naming::Label }
    }

    /// For limits that somebody is about to agree to.
    pub fn exactly(visit: &'a Visit, asset: Asset) -> Saying<'a> {
        Saying { visit, asset, naming: Naming::Exact }
    }

    /// What a seller is called.
    pub fn seller(&self, payee: PayeeId) -> String {
        let id = payee.to_string();
        let name = self.visit.seller_called(payee).map_or_else(|_| id.clone(), |name| name.text);
        match self.naming {
            Naming::Label => name,
            Naming::Exact => format!("{name} (…{})", id.get(24..).unwrap_or_default()),
        }
    }

    /// Every limit, one sentence each.
    pub fn all(&self, limits: &[Limit]) -> Vec<String> {
        limits.iter().map(|limit| self.limit(limit)).collect()
    }

    /// One limit.
    pub fn limit(&self, limit: &Limit) -> String {
        let money = |amount: &Amount| money(*amount, self.asset).short;
        let moment = |at: &book::Time| moment(*at, &self.visit.zone, self.visit.lang);
        let sellers = |list: &[PayeeId]| {
            let names: Vec<String> = list.iter().map(|payee| self.seller(*payee)).collect();
            names.join(self.comma())
        };
        let codes = |list: &[book::Code]| {
            let names: Vec<&str> = list.iter().map(book::Code::as_str).collect();
            names.join(self.comma())
        };
        match (self.visit.lang, limit) {
            (Lang::English, Limit::PerPayment { max }) => format!("At most {} per payment", money(max)),
            (Lang::Chinese, Limit::PerPayment { max }) => format!("每笔最多 {}", money(max)),
            (Lang::English, Limit::Total { max }) => format!("At most {} in all", money(max)),
            (Lang::Chinese, Limit::Total { max }) => format!("总共最多 {}", money(max)),
            (Lang::English, Limit::Uses { max: 1 }) => "One payment".to_owned(),
            (Lang::English, Limit::Uses { max }) => format!("At most {max} payments"),
            (Lang::Chinese, Limit::Uses { max }) => format!("最多 {max} 笔付款"),
            (Lang::English, Limit::Window { window, max }) => {
                format!("At most {} {}", money(max), self.window(window))
            }
            (Lang::Chinese, Limit::Window { window, max }) => {
                format!("{}最多 {}", self.window(window), money(max))
            }
            (Lang::English, Limit::Velocity { window, max }) => {
                format!("At most {max} payments {}", self.window(window))
            }
            (Lang::Chinese, Limit::Velocity { window, max }) => {
                format!("{}最多 {max} 笔付款", self.window(window))
            }
            (Lang::English, Limit::PayeesAllowed { payees }) => format!("Only to {}", sellers(payees)),
            (Lang::Chinese, Limit::PayeesAllowed { payees }) => format!("只付给 {}", sellers(payees)),
            (Lang::English, Limit::PayeesDenied { payees }) => format!("Never to {}", sellers(payees)),
            (Lang::Chinese, Limit::PayeesDenied { payees }) => format!("不付给 {}", sellers(payees)),
            (Lang::English, Limit::CategoriesAllowed { categories }) => {
                format!("Only for {}", codes(categories))
            }
            (Lang::Chinese, Limit::CategoriesAllowed { categories }) => {
                format!("只用于 {}", codes(categories))
            }
            (Lang::English, Limit::CategoriesDenied { categories }) => {
                format!("Never for {}", codes(categories))
            }
            (Lang::Chinese, Limit::CategoriesDenied { categories }) => {
                format!("不用于 {}", codes(categories))
            }
            (Lang::English, Limit::Validity { from, until }) => {
                format!("From {} until {}", moment(from), moment(until))
            }
            (Lang::Chinese, Limit::Validity { from, until }) => {
                format!("从 {} 到 {}", moment(from), moment(until))
            }
            (Lang::English, Limit::AskAbove { amount }) => format!("Asks you above {}", money(amount)),
            (Lang::Chinese, Limit::AskAbove { amount }) => format!("超过 {} 时问您", money(amount)),
            (Lang::English, Limit::AskFirstContact) => {
                "Asks you before the first payment to a seller".to_owned()
            }
            (Lang::Chinese, Limit::AskFirstContact) => "首次付款给某商家前问您".to_owned(),
            (Lang::English, Limit::AskAlways) => "Asks you every time".to_owned(),
            (Lang::Chinese, Limit::AskAlways) => "每次都问您".to_owned(),
            (Lang::English, Limit::PriceAtMost { trigger }) => format!(
                "Only once {} says a price of at most {}",
                self.seller(trigger.payee),
                money(&trigger.max)
            ),
            (Lang::Chinese, Limit::PriceAtMost { trigger }) => {
                format!("仅当 {} 报价不超过 {} 时", self.seller(trigger.payee), money(&trigger.max))
            }
            (Lang::English, Limit::Unknown { .. }) => {
                "Something this version does not know: allows nothing".to_owned()
            }
            (Lang::Chinese, Limit::Unknown { .. }) => "本版本不认识的限制：不允许任何付款".to_owned(),
        }
    }

    fn window(&self, window: &Window) -> String {
        match (self.visit.lang, window) {
            (Lang::English, Window::Calendar { period: Period::Day, .. }) => "a day".to_owned(),
            (Lang::English, Window::Calendar { period: Period::Week, .. }) => "a week".to_owned(),
            (Lang::English, Window::Calendar { period: Period::Month, .. }) => "a month".to_owned(),
            (Lang::English, Window::Rolling { seconds }) => format!("in any {}", self.length(*seconds)),
            (Lang::Chinese, Window::Calendar { period: Period::Day, .. }) => "每天".to_owned(),
            (Lang::Chinese, Window::Calendar { period: Period::Week, .. }) => "每周".to_owned(),
            (Lang::Chinese, Window::Calendar { period: Period::Month, .. }) => "每月".to_owned(),
            (Lang::Chinese, Window::Rolling { seconds }) => format!("任意 {} 内", self.length(*seconds)),
        }
    }

    fn length(&self, seconds: u32) -> String {
        let units =
            [(86_400, "day", "天"), (3_600, "hour", "小时"), (60, "minute", "分钟"), (1, "second", "秒")];
        let found = units.into_iter().find(|(length, ..)| seconds.is_multiple_of(*length));
        let (length, english, chinese) = found.unwrap_or((1, "second", "秒"));
        let count = seconds / length;
        match self.visit.lang {
            Lang::English => format!("{count} {english}{}", if count == 1 { "" } else { "s" }),
            Lang::Chinese => format!("{count} {chinese}"),
        }
    }

    fn comma(&self) -> &'static str {
        match self.visit.lang {
            Lang::English => ", ",
            Lang::Chinese => "、",
        }
    }
}
