//! What a bank is told to pay: ISO 20022, `pain.001.001.09`, one order for many payouts from one account.
//!
//! The name of the order and of each payout stand in it, so that a bank that is handed it twice, and whoever reads the
//! bank's statement, can tell.

use crate::currency::is_currency;
use crate::limits::{ACCOUNT_BYTES_MAX, BANK_NAME_CHARS_MAX, ORDER_DECIMALS_MAX};
use crate::ubl::decimal;
use crate::xml::Xml;

const ROOT: &str = "Document";
const NAMESPACE: &str = "xmlns=\"urn:iso:std:iso:20022:tech:xsd:pain.001.001.09\"";
/// What stands for a bank that is not named, as banks agreed.
const NO_BANK: &str = "NOTPROVIDED";

/// Why something is no bank account, or no order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoOrder {
    /// The member that is wrong.
    pub member: &'static str,
    /// What it should be.
    pub what: &'static str,
}

impl std::fmt::Display for NoOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what)
    }
}

impl std::error::Error for NoOrder {}

/// The number of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Number {
    /// An IBAN, without spaces.
    Iban(String),
    /// Any other, as its bank writes it, without spaces.
    Other(String),
}

impl Number {
    /// As text.
    pub fn text(&self) -> &str {
        match self {
            Number::Iban(text) | Number::Other(text) => text,
        }
    }
}

/// An account at a bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankAccount {
    /// Whose it is, as its bank knows the holder.
    pub holder: String,
    /// Its number.
    pub number: Number,
    /// The bank, by its BIC.
    pub bic: Option<String>,
}

impl BankAccount {
    /// An account with its parts as people write them: spaces within numbers are left out, letters become large.
    ///
    /// # Errors
    /// [`NoOrder`] where a part is none.
    pub fn new(
        holder: &str,
        iban: Option<&str>,
        number: Option<&str>,
        bic: Option<&str>,
    ) -> Result<BankAccount, NoOrder> {
        let holder = holder.trim();
        let is_name = (1..=BANK_NAME_CHARS_MAX).contains(&holder.chars().count());
        unless(
            is_name && !holder.chars().any(char::is_control),
            "holder",
            "the holder has a name of at most 70 characters",
        )?;
        let number = match (iban.map(plain), number.map(plain)) {
            (Some(iban), None) => {
                unless(is_iban(&iban), "iban", "this is no IBAN: its check digits do not fit")?;
                Number::Iban(iban)
            }
            (None, Some(number)) => {
                let fits = (4..=ACCOUNT_BYTES_MAX).contains(&number.len());
                let plain = number.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
                unless(fits && plain, "number", "an account's number has 4 to 34 letters, digits and `-`")?;
                Number::Other(number)
            }
            (Some(_), Some(_)) | (None, None) => {
                return Err(NoOrder {
                    member: "iban",
                    what: "an account has either an IBAN or another number",
                });
            }
        };
        let bic = bic.map(plain);
        let is_bic = |bic: &String| {
            matches!(bic.len(), 8 | 11)
                && bic.bytes().all(|it| it.is_ascii_uppercase() || it.is_ascii_digit())
                && bic.bytes().skip(4).take(2).all(|it| it.is_ascii_uppercase())
        };
        unless(bic.as_ref().is_none_or(is_bic), "bic", "a BIC has 8 or 11 letters and digits")?;
        Ok(BankAccount { holder: holder.to_owned(), number, bic })
    }

    /// Its number, of which only the last four characters are shown.
    pub fn masked(&self) -> String {
        let text = self.number.text();
        let shown: String = text.chars().skip(text.chars().count().saturating_sub(4)).collect();
        format!("•••• {shown}")
    }
}

/// One payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderLine {
    /// Its name: the reference from end to end.
    pub id: String,
    /// Whither.
    pub to: BankAccount,
    /// How much, in smallest units.
    pub minor: u128,
}

/// Payouts that a bank is told to make together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name.
    pub id: String,
    /// When it was made: a date and a time as XML has them.
    pub made_at: String,
    /// On which day the bank is to pay: `2026-11-23`.
    pub on: String,
    /// Whence.
    pub from: BankAccount,
    /// A currency of ISO 4217.
    pub currency: String,
    /// Its decimals.
    pub scale: u8,
    /// The payouts, at least one.
    pub lines: Vec<OrderLine>,
}

/// Whether a bank pays in this: a currency of ISO 4217, of at most five decimals.
///
/// # Errors
/// [`NoOrder`] where it does not.
pub fn check_currency(code: &str, scale: u8) -> Result<(), NoOrder> {
    let is_paid = is_currency(code) && scale <= ORDER_DECIMALS_MAX;
    unless(is_paid, "asset", "a bank pays in a currency of ISO 4217 with at most five decimals")
}

/// The order as the bank reads it.
///
/// # Errors
/// [`NoOrder`] where nothing is to be paid, or in no currency.
pub fn pain001(order: &Order) -> Result<String, NoOrder> {
    check_currency(&order.currency, order.scale)?;
    unless(!order.lines.is_empty(), "payouts", "nothing is to be paid")?;
    let count = order.lines.len().to_string();
    let total = order.lines.iter().try_fold(0u128, |sum, line| sum.checked_add(line.minor));
    let total = total.ok_or(NoOrder { member: "payouts", what: "the sum is too large" })?;
    let total = decimal(total, order.scale);
    let mut xml = Xml::new(ROOT, NAMESPACE);
    xml.begin("CstmrCdtTrfInitn");
    xml.begin("GrpHdr");
    xml.leaf("MsgId", &order.id);
    xml.leaf("CreDtTm", &order.made_at);
    xml.leaf("NbOfTxs", &count);
    xml.leaf("CtrlSum", &total);
    xml.begin("InitgPty");
    xml.leaf("Nm", &order.from.holder);
    xml.end();
    xml.end();
    xml.begin("PmtInf");
    xml.leaf("PmtInfId", &order.id);
    xml.leaf("PmtMtd", "TRF");
    xml.leaf("NbOfTxs", &count);
    xml.leaf("CtrlSum", &total);
    xml.begin("ReqdExctnDt");
    xml.leaf("Dt", &order.on);
    xml.end();
    party(&mut xml, "Dbtr", &order.from);
    account(&mut xml, "DbtrAcct", &order.from);
    agent(&mut xml, "DbtrAgt", order.from.bic.as_deref());
    for line in &order.lines {
        xml.begin("CdtTrfTxInf");
        xml.begin("PmtId");
        xml.leaf("EndToEndId", &line.id);
        xml.end();
        xml.begin("Amt");
        let amount = decimal(line.minor, order.scale);
        xml.leaf_of("InstdAmt", Some(("Ccy", &order.currency)), &amount);
        xml.end();
        if line.to.bic.is_some() {
            agent(&mut xml, "CdtrAgt", line.to.bic.as_deref());
        }
        party(&mut xml, "Cdtr", &line.to);
        account(&mut xml, "CdtrAcct", &line.to);
        xml.begin("RmtInf");
        xml.leaf("Ustrd", &line.id);
        xml.end();
        xml.end();
    }
    Ok(xml.finish())
}

fn party(xml: &mut Xml, name: &'static str, it: &BankAccount) {
    xml.begin(name);
    xml.leaf("Nm", &it.holder);
    xml.end();
}

fn account(xml: &mut Xml, name: &'static str, it: &BankAccount) {
    xml.begin(name);
    xml.begin("Id");
    match &it.number {
        Number::Iban(text) => xml.leaf("IBAN", text),
        Number::Other(text) => {
            xml.begin("Othr");
            xml.leaf("Id", text);
            xml.end();
        }
    }
    xml.end();
    xml.end();
}

fn agent(xml: &mut Xml, name: &'static str, bic: Option<&str>) {
    xml.begin(name);
    xml.begin("FinInstnId");
    match bic {
        Some(bic) => xml.leaf("BICFI", bic),
        None => {
            xml.begin("Othr");
            xml.leaf("Id", NO_BANK);
            xml.end();
        }
    }
    xml.end();
    xml.end();
}

fn unless(holds: bool, member: &'static str, what: &'static str) -> Result<(), NoOrder> {
    if holds { Ok(()) } else { Err(NoOrder { member, what }) }
}

fn plain(text: &str) -> String {
    text.chars().filter(|it| !it.is_whitespace()).flat_map(char::to_uppercase).collect()
}

/// ISO 13616: the remainder of the number by 97, with the first four characters behind the others, is 1.
fn is_iban(text: &str) -> bool {
    let (Some(head), Some(tail)) = (text.get(..4), text.get(4..)) else { return false };
    let is_head = head.bytes().take(2).all(|it| it.is_ascii_uppercase())
        && head.bytes().skip(2).all(|it| it.is_ascii_digit());
    if !is_head || !(15..=ACCOUNT_BYTES_MAX).contains(&text.len()) {
        return false;
    }
    let mut rest = 0u32;
    for it in tail.chars().chain(head.chars()) {
        let Some(digit) = it.to_digit(36).filter(|_| it.is_ascii_digit() || it.is_ascii_uppercase()) else {
            return false;
        };
        rest = (rest * if digit < 10 { 10 } else { 100 } + digit) % 97;
    }
    rest == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shop() -> BankAccount {
        BankAccount::new("Mulberry & Sons", Some("DE89 3704 0044 0532 0130 00"), None, Some("cobadeffxxx"))
            .unwrap()
    }

    #[test]
    fn an_account_is_read_as_people_write_it() {
        assert_eq!(shop().number, Number::Iban("DE89370400440532013000".to_owned()));
        assert_eq!(shop().masked(), "•••• 3000");
        assert_eq!(shop().bic.as_deref(), Some("COBADEFFXXX"));
        let other = BankAccount::new("小明", None, Some("6222 0212 3456 7890"), None).unwrap();
        assert_eq!(other.masked(), "•••• 7890");
    }

    #[test]
    fn what_is_no_account_is_refused() {
        let new = |holder, iban, number, bic| BankAccount::new(holder, iban, number, bic).unwrap_err().member;
        assert_eq!(new("A", Some("DE88370400440532013000"), None, None), "iban");
        assert_eq!(new("A", Some("DE89"), None, None), "iban");
        assert_eq!(new("A", Some("德89370400440532013000"), None, None), "iban");
        assert_eq!(new("A", None, None, None), "iban");
        assert_eq!(new("A", Some("DE89370400440532013000"), Some("1234"), None), "iban");
        assert_eq!(new("A", None, Some("123"), None), "number");
        assert_eq!(new("A", None, Some("12<34"), None), "number");
        assert_eq!(new(" ", None, Some("1234"), None), "holder");
        assert_eq!(new("A\n", None, Some("12\u{7}34"), None), "number");
        assert_eq!(new("A", None, Some("1234"), Some("COBA")), "bic");
        assert_eq!(new("A", None, Some("1234"), Some("COBA11FF")), "bic");
    }

    #[test]
    fn an_order_says_what_goes_where() {
        let to = BankAccount::new("小明", None, Some("6222021234567890"), None).unwrap();
        let lines = vec![
            OrderLine { id: "pyo_1".to_owned(), to: shop(), minor: 720_000 },
            OrderLine { id: "pyo_2".to_owned(), to, minor: 5 },
        ];
        let order = Order {
            id: "pob_1".to_owned(),
            made_at: "2026-11-23T08:00:00Z".to_owned(),
            on: "2026-11-24".to_owned(),
            from: BankAccount::new("Operator", Some("GB82WEST12345698765432"), None, None).unwrap(),
            currency: "EUR".to_owned(),
            scale: 2,
            lines,
        };
        let xml = pain001(&order).unwrap();
        assert_eq!(xml.matches("<CtrlSum>7200.05</CtrlSum>").count(), 2, "{xml}");
        assert_eq!(xml.matches("<NbOfTxs>2</NbOfTxs>").count(), 2);
        assert!(xml.contains("<InstdAmt Ccy=\"EUR\">7200.00</InstdAmt>"), "{xml}");
        assert!(xml.contains("<InstdAmt Ccy=\"EUR\">0.05</InstdAmt>"));
        assert!(xml.contains("<Nm>Mulberry &amp; Sons</Nm>"));
        assert!(xml.contains("<EndToEndId>pyo_2</EndToEndId>"));
        assert_eq!(
            pain001(&Order { currency: "USDC".to_owned(), ..order.clone() }).unwrap_err().member,
            "asset"
        );
        assert_eq!(pain001(&Order { scale: 6, ..order.clone() }).unwrap_err().member, "asset");
        assert_eq!(pain001(&Order { lines: Vec::new(), ..order }).unwrap_err().member, "payouts");
    }
}
