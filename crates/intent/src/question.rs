//! Questions: what a draft leaves open, in words, with answers to choose from where there are any.

use crate::money::Currency;
use crate::reading::{Matter, Scope};
use crate::text::{Language, Span};
use std::fmt;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Code {
    /// Words try to lift limits; they may only be left out.
    Override,
    /// No amount bounds the spending.
    CeilingMissing,
    /// A single payment is bounded; all of them together are not.
    TotalMissing,
    /// A day or a month is bounded; for how many is not said.
    EndMissing,
    /// It is not said what to buy.
    GoalMissing,
    /// It is not said what happens when the price is reached.
    ActionMissing,
    /// A word stands for several currencies.
    CurrencyAmbiguous,
    /// Two currencies are named.
    CurrencyConflict,
    /// An amount does not say whether it is a limit.
    AmountRole,
    /// A limit does not say of what, and several readings are possible.
    AmountScope,
    /// An amount is given roughly.
    AmountVague,
    /// A range of amounts.
    AmountUnclear,
    /// Something is meant as an amount and has no one reading, or is finer or larger than the currency.
    AmountUnreadable,
    /// A limit of nothing.
    AmountZero,
    /// An amount over a stretch of time that no mandate counts.
    WindowUnsupported,
    /// A number does not say of what.
    NumberUnclear,
    /// A count is given roughly or cannot be read.
    CountUnclear,
    /// A day has no one reading, or has passed.
    DateUnclear,
    /// A time of day could be in the morning or the evening, or does not say of what.
    TimeUnclear,
    /// It ends before it begins.
    EndBeforeStart,
    /// It ended already.
    EndPast,
    /// Two different values for one thing.
    SaidTwice,
    /// A limit is above one that bounds it.
    LimitAboveLimit,
    /// The line to ask at is above what is allowed at all.
    AskUnreachable,
    /// A merchant is both allowed and refused.
    PayeeConflict,
    /// A category is both allowed and refused.
    CategoryConflict,
    /// A name may be a merchant's or a place's.
    PayeeUnclear,
    /// What is to be avoided, or the only thing wanted, is no category we know.
    ThingUnclear,
    /// A word stands for a price, a number or a time without saying which.
    Vague,
    /// Words that could restrict something were not understood.
    NotUnderstood,
}

/// One thing that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// What is asked.
    pub code: Code,
    /// The words it is about; none where something is missing.
    pub spans: Vec<Span>,
    /// Those words.
    pub quotes: Vec<String>,
    pub(crate) matter: Matter,
}

impl fmt::Display for Code {
    /// As machines read it: `CEILING_MISSING`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = format!("{self:?}");
        for (place, letter) in name.chars().enumerate() {
            if 0 < place && letter.is_ascii_uppercase() {
                f.write_str("_")?;
            }
            write!(f, "{}", letter.to_ascii_uppercase())?;
        }
        Ok(())
    }
}

impl Question {
    /// The question in plain words.
    pub fn text(&self, language: Language) -> String {
        let (english, chinese) = self.code.words();
        match language {
            Language::English => {
                let quotes: Vec<String> = self.quotes.iter().map(|words| format!("“{words}”")).collect();
                english.replace("{}", &quotes.join(" / "))
            }
            Language::Chinese => {
                let quotes: Vec<String> = self.quotes.iter().map(|words| format!("“{words}”")).collect();
                chinese.replace("{}", &quotes.join("、"))
            }
        }
    }

    /// Answers to choose from. Each is one that [`Draft::answer`](crate::Draft::answer) takes; others may be typed.
    pub fn suggestions(&self, language: Language) -> Vec<String> {
        if let Matter::Currencies(currencies) = &self.matter {
            return currencies.iter().map(|currency: &Currency| currency.code().to_owned()).collect();
        }
        let rows = self.code.answers(matches!(self.matter, Matter::Amount(_)));
        let pick = |row: &(&str, &str)| match language {
            Language::English => row.0.to_owned(),
            Language::Chinese => row.1.to_owned(),
        };
        rows.iter().map(pick).collect()
    }

    /// The role an answered amount takes where the answer names none.
    pub(crate) fn scope(&self) -> Scope {
        if let Matter::Scope(scope) = self.matter { scope } else { Scope::Open }
    }
}

type Row = (&'static str, &'static str);

const LEAVE_OUT: &[Row] = &[("leave it out", "去掉")];
const ENDS: &[Row] = &[("for 30 days", "30天内"), ("this month", "本月"), ("until I stop it", "直到我取消")];
const SCOPES: &[Row] = &[("in total", "总共"), ("each", "每次"), ("a day", "每天"), ("a month", "每月")];

impl Code {
    fn answers(self, has_amount: bool) -> &'static [Row] {
        match self {
            Code::Override | Code::Vague | Code::NotUnderstood | Code::TimeUnclear => LEAVE_OUT,
            Code::EndMissing => ENDS,
            Code::AmountScope | Code::WindowUnsupported => SCOPES,
            Code::AmountRole => &[
                ("at most, in total", "最多，总共"),
                ("at most, each", "最多，每次"),
                ("part of what to buy", "商品名称的一部分"),
            ],
            Code::NumberUnclear if has_amount => {
                &[("part of what to buy", "商品名称的一部分"), ("leave it out", "去掉")]
            }
            Code::NumberUnclear => LEAVE_OUT,
            Code::ActionMissing => &[("buy", "购买"), ("notify me", "通知我")],
            Code::PayeeConflict | Code::CategoryConflict => &[("allow", "允许"), ("refuse", "拒绝")],
            Code::PayeeUnclear => &[("a merchant", "商家"), ("a place", "地点")],
            Code::ThingUnclear => {
                &[("a merchant", "商家"), ("a wish", "对商品的要求"), ("leave it out", "去掉")]
            }
            Code::AskUnreachable => LEAVE_OUT,
            Code::CeilingMissing
            | Code::TotalMissing
            | Code::GoalMissing
            | Code::CurrencyAmbiguous
            | Code::CurrencyConflict
            | Code::AmountVague
            | Code::AmountUnclear
            | Code::AmountUnreadable
            | Code::AmountZero
            | Code::CountUnclear
            | Code::DateUnclear
            | Code::EndBeforeStart
            | Code::EndPast
            | Code::SaidTwice
            | Code::LimitAboveLimit => &[],
        }
    }

    /// In English and in Chinese; `{}` is where the words stand that it is about.
    fn words(self) -> Row {
        match self {
            Code::Override => (
                "{} would lift limits. A sentence can only set them. Shall I leave it out?",
                "{}会放开限制，而一句话只能设定限制。要去掉吗？",
            ),
            Code::CeilingMissing => ("How much may be spent at most?", "最多可以花多少钱？"),
            Code::TotalMissing => ("How much may be spent in total?", "总共最多可以花多少钱？"),
            Code::EndMissing => ("Until when does this hold?", "有效到什么时候？"),
            Code::GoalMissing => ("What is to be bought?", "要买什么？"),
            Code::ActionMissing => {
                ("At {}, shall I buy, or tell you first?", "到{}时，直接购买，还是先通知您？")
            }
            Code::CurrencyAmbiguous => ("Which currency is {}?", "{}是哪种货币？"),
            Code::CurrencyConflict => {
                ("{} are different currencies. Which one holds?", "{}是不同的货币。以哪一种为准？")
            }
            Code::AmountRole => ("Is {} the most that may be spent?", "{}是最多可以花的金额吗？"),
            Code::AmountScope => {
                ("Is {} for each payment, or for all of them together?", "{}是每次的上限，还是总共的上限？")
            }
            Code::AmountVague => {
                ("{} is not exact. How much may it be at most?", "{}不够确切。最多可以是多少钱？")
            }
            Code::AmountUnclear => {
                ("{} is a range. How much may it be at most?", "{}是一个范围。最多可以是多少钱？")
            }
            Code::AmountUnreadable => {
                ("I cannot read {} as an amount. How much is it?", "看不懂{}是多少钱。请写明金额。")
            }
            Code::AmountZero => {
                ("{} would allow nothing. How much may it be?", "{}等于什么都不能买。应该是多少钱？")
            }
            Code::WindowUnsupported => {
                ("I cannot count {}. Over which stretch of time?", "无法按{}计算。按什么期间计算？")
            }
            Code::NumberUnclear => ("What does {} say?", "{}是什么意思？"),
            Code::CountUnclear => ("How many times is {}?", "{}是多少次？"),
            Code::DateUnclear => ("Which date is {}?", "{}是哪一天？"),
            Code::TimeUnclear => ("What time is {}, and of what?", "{}是什么时间，指什么？"),
            Code::EndBeforeStart => {
                ("It ends before it begins: {}. When does it end?", "结束早于开始：{}。什么时候结束？")
            }
            Code::EndPast => ("{} has passed. When does it end?", "{}已经过去。什么时候结束？"),
            Code::SaidTwice => ("{} say two different things. Which one holds?", "{}互相矛盾。以哪个为准？"),
            Code::LimitAboveLimit => (
                "{} do not fit together: one limit is above the other. What should they be?",
                "{}不一致：一个上限高于另一个。应该是多少？",
            ),
            Code::AskUnreachable => (
                "{}: payments that large are refused anyway. Above which amount shall I ask?",
                "{}：这么大的付款本来就会被拒绝。超过多少要问您？",
            ),
            Code::PayeeConflict => ("{} is both allowed and refused. Which?", "{}既允许又拒绝。以哪个为准？"),
            Code::CategoryConflict => {
                ("{} is both allowed and refused. Which?", "{}既允许又拒绝。以哪个为准？")
            }
            Code::PayeeUnclear => ("Is {} a merchant or a place?", "{}是商家还是地点？"),
            Code::ThingUnclear => {
                ("What is {}: a merchant, or something about the goods?", "{}指商家，还是对商品的要求？")
            }
            Code::Vague => ("What does {} mean exactly?", "{}具体指什么？"),
            Code::NotUnderstood => {
                ("I did not understand {}. What does it restrict?", "没有看懂{}。它限制什么？")
            }
        }
    }
}
