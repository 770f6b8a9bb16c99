//! What stands on the page beside what the bill says, in both languages.

use crate::bill::{Kind, Language, Tax};
use crate::ubl::percent;

/// Labels.
#[derive(Debug)]
pub(crate) struct Words {
    pub(crate) number: &'static str,
    pub(crate) date: &'static str,
    pub(crate) of: &'static str,
    pub(crate) seller: &'static str,
    pub(crate) buyer: &'static str,
    pub(crate) vat_id: &'static str,
    pub(crate) registration: &'static str,
    pub(crate) what: &'static str,
    pub(crate) tax: &'static str,
    pub(crate) net: &'static str,
    pub(crate) gross: &'static str,
    pub(crate) total_net: &'static str,
    pub(crate) total_tax: &'static str,
    pub(crate) rounding: &'static str,
    pub(crate) paid: &'static str,
    pub(crate) returned: &'static str,
    pub(crate) due: &'static str,
    pub(crate) page: &'static str,
    pub(crate) reverse: &'static str,
    pub(crate) outside: &'static str,
    pub(crate) exempt: &'static str,
}

const ENGLISH: Words = Words {
    number: "Number",
    date: "Date",
    of: "For invoice",
    seller: "From",
    buyer: "To",
    vat_id: "VAT number",
    registration: "Registration",
    what: "Description",
    tax: "Tax",
    net: "Net",
    gross: "Amount",
    total_net: "Net",
    total_tax: "Tax",
    rounding: "Rounding",
    paid: "Paid",
    returned: "Returned",
    due: "Amount due",
    page: "Page",
    reverse: "Reverse charge",
    outside: "Not subject to VAT",
    exempt: "Exempt",
};

const CHINESE: Words = Words {
    number: "编号",
    date: "日期",
    of: "原商业发票",
    seller: "开具方",
    buyer: "收件方",
    vat_id: "税号",
    registration: "注册号",
    what: "内容",
    tax: "税率",
    net: "不含税金额",
    gross: "金额",
    total_net: "不含税合计",
    total_tax: "税额",
    rounding: "尾差",
    paid: "已付",
    returned: "已退",
    due: "应付",
    page: "第",
    reverse: "由购买方缴税",
    outside: "不适用增值税",
    exempt: "免税",
};

impl Words {
    pub(crate) fn of(language: Language) -> &'static Words {
        match language {
            Language::English => &ENGLISH,
            Language::Chinese => &CHINESE,
        }
    }

    /// What a tax is called in a line.
    pub(crate) fn tax_called(&self, tax: &Tax) -> String {
        match tax {
            Tax::Standard { .. } | Tax::Zero => format!("{} %", percent(tax.rate_ppm())),
            Tax::Exempt { .. } => self.exempt.to_owned(),
            Tax::ReverseCharge => self.reverse.to_owned(),
            Tax::Outside => "–".to_owned(),
        }
    }
}

/// What the paper is called.
pub(crate) fn title(kind: &Kind, language: Language) -> &'static str {
    match (kind, language) {
        (Kind::Invoice, Language::English) => "Invoice",
        (Kind::Invoice, Language::Chinese) => "商业发票",
        (Kind::CreditNote { .. }, Language::English) => "Credit note",
        (Kind::CreditNote { .. }, Language::Chinese) => "贷项通知单",
    }
}
