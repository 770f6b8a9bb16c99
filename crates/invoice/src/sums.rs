//! Sums: what of an amount is tax, and how the lines, the breakdown and the totals of EN 16931 come to each other.
//!
//! Amounts were paid with the tax in them. For each rate the net amount is the largest whose tax, rounded half up to the
//! smallest unit, does not bring it above what was paid; so every sum of the standard is exact. Where no net amount comes
//! to what was paid, at most one smallest unit for each rate is left, and stands as rounding (BT-114).

use crate::bill::{Bill, Tax, Wrong};

const MILLION: u128 = 1_000_000;

/// Every sum of a bill, in smallest units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sums {
    /// BT-131 of each line: its net amount.
    pub lines: Vec<u128>,
    /// BG-23: a row for each category and rate, in the order of the lines.
    pub groups: Vec<Group>,
    /// BT-106 and BT-109: all net amounts.
    pub net: u128,
    /// BT-110: all tax.
    pub tax: u128,
    /// BT-112: both.
    pub gross: u128,
    /// BT-113: what was paid, which is everything.
    pub paid: u128,
    /// BT-114: what rounding leaves between the two.
    pub rounding: u128,
}

/// What is taxed alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// BT-118 to BT-120: how.
    pub tax: Tax,
    /// BT-116: the net amount.
    pub net: u128,
    /// BT-117: the tax on it.
    pub amount: u128,
}

impl Sums {
    /// Computes every sum of a bill.
    ///
    /// # Errors
    /// [`Wrong`] where it is none.
    pub fn of(bill: &Bill) -> Result<Sums, Wrong> {
        bill.check()?;
        let mut lines = vec![0; bill.lines.len()];
        let mut groups: Vec<Group> = Vec::new();
        for line in &bill.lines {
            if groups.iter().any(|group| group.tax.is_like(&line.tax)) {
                continue;
            }
            let alike: Vec<usize> = (bill.lines.iter().enumerate())
                .filter(|(_, other)| other.tax.is_like(&line.tax))
                .map(|(place, _)| place)
                .collect();
            let grosses: Vec<u128> =
                alike.iter().filter_map(|place| bill.lines.get(*place)).map(|line| line.gross).collect();
            let gross = grosses.iter().sum();
            let rate = u128::from(line.tax.rate_ppm());
            let net = net_of(gross, rate);
            for (place, share) in alike.iter().zip(shares(net, &grosses, gross)) {
                lines.get_mut(*place).into_iter().for_each(|line| *line = share);
            }
            let tax = joined(bill, &line.tax);
            groups.push(Group { tax, net, amount: tax_on(net, rate) });
        }
        let net = lines.iter().sum();
        let tax = groups.iter().map(|group| group.amount).sum();
        let paid = bill.lines.iter().map(|line| line.gross).sum();
        let gross = net + tax;
        assert!(gross <= paid, "no sum is above what was paid");
        Ok(Sums { lines, groups, net, tax, gross, paid, rounding: paid - gross })
    }
}

/// BR-CO-17: the tax on a net amount, rounded half up.
pub fn tax_on(net: u128, rate_ppm: u128) -> u128 {
    (net * rate_ppm + MILLION / 2) / MILLION
}

/// The largest net amount that comes to no more than `gross` with its tax.
fn net_of(gross: u128, rate_ppm: u128) -> u128 {
    let down = gross * MILLION / (MILLION + rate_ppm);
    // Half a unit of rounding can bring one more in, and never two.
    let up = down + 1;
    if up + tax_on(up, rate_ppm) <= gross { up } else { down }
}

/// Shares of `amount` by `weights`: rounded down, then one more to the largest fractions, earlier ones first.
fn shares(amount: u128, weights: &[u128], whole: u128) -> Vec<u128> {
    let mut parts: Vec<u128> = weights.iter().map(|weight| amount * weight / whole).collect();
    let left = amount - parts.iter().sum::<u128>();
    let mut order: Vec<(usize, u128)> =
        weights.iter().map(|weight| amount * weight % whole).enumerate().collect();
    order.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    let more = usize::try_from(left).unwrap_or(usize::MAX);
    for (place, _) in order.into_iter().take(more) {
        parts.get_mut(place).into_iter().for_each(|part| *part += 1);
    }
    parts
}

/// The tax of a row: exemptions of one bill are one row, with every reason once.
fn joined(bill: &Bill, tax: &Tax) -> Tax {
    let Tax::Exempt { .. } = tax else { return tax.clone() };
    let mut reasons: Vec<&str> = Vec::new();
    for line in &bill.lines {
        if let Tax::Exempt { reason } = &line.tax
            && !reasons.contains(&reason.as_str())
        {
            reasons.push(reason);
        }
    }
    Tax::Exempt { reason: reasons.join("; ") }
}
