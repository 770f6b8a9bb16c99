//! Why a rule said no or asked, for people. Money first.

use crate::words::Lang;
use book::{Ask, Denial};
use server::codes;
use server::problem::Problem;

/// What a denial means.
pub fn denial(lang: Lang, denial: Denial) -> &'static str {
    match lang {
        Lang::English => codes::denial(denial).detail,
        Lang::Chinese => chinese(denial.code()).unwrap_or(codes::denial(denial).detail),
    }
}

/// Why the owner is asked, in a few words.
pub fn ask(lang: Lang, ask: Ask) -> &'static str {
    match lang {
        Lang::English => codes::ask(ask).title,
        Lang::Chinese => chinese(ask.code()).unwrap_or(codes::ask(ask).title),
    }
}

/// What a problem means.
pub fn problem(lang: Lang, problem: &Problem) -> String {
    let wire = problem.to_wire(None, true);
    match lang {
        Lang::English => wire.detail,
        Lang::Chinese => match chinese(problem.code()) {
            Some(said) => said.to_owned(),
            None => format!("操作没有完成，没有任何改动（{}）。", problem.code()),
        },
    }
}

fn chinese(code: &str) -> Option<&'static str> {
    Some(match code {
        "above_amount" => "金额超过了您要求询问的界限",
        "first_contact" => "首次付款给该商家",
        "ask_always" => "您要求每次都询问",
        "no_rules_yet" => "该智能体还没有规则",
        "payee_unverified" => "没有可信的人为该商家担保",
        "person_required" => "这类付款每次都须由本人确认",
        "forbidden" => "没有任何改动。没有权限这样做。",
        "key_revoked" => "没有任何改动。该密钥已被撤销。",
        "owner_frozen" => "没有花钱。您已冻结一切。",
        "wallet_frozen" => "没有花钱。钱包已冻结。",
        "wallet_closed" => "没有花钱。钱包已关闭。",
        "agent_frozen" => "没有花钱。该智能体已暂停。",
        "agent_revoked" => "没有花钱。该智能体已被结束。",
        "agent_not_registered" => "没有花钱。该智能体不属于这个钱包。",
        "mandate_frozen" => "没有花钱。这条规则已暂停。",
        "mandate_revoked" => "没有花钱。这条规则已结束。",
        "mandate_expired" => "没有花钱。这条规则已过期。",
        "mandate_not_yet_valid" => "没有花钱。这条规则尚未生效。",
        "mandate_mismatch" => "没有花钱。这条规则是给另一个智能体的。",
        "no_rules" => "没有花钱。这条规则没有允许任何付款。",
        "constraint_unknown" => "没有花钱。规则中有本版本不认识的限制。",
        "payment_too_large" => "没有花钱。超过了每笔的上限。",
        "total_exceeded" => "没有花钱。超过了总额上限。",
        "uses_exceeded" => "没有花钱。允许的次数已用完。",
        "window_exceeded" => "没有花钱。超过了这段时间的上限。",
        "velocity_exceeded" => "没有花钱。这段时间内付款太频繁。",
        "outside_validity" => "没有花钱。不在规则的有效时间内。",
        "payee_not_allowed" => "没有花钱。该商家不在允许的名单里。",
        "payee_denied" => "没有花钱。该商家在禁止的名单里。",
        "category_not_allowed" => "没有花钱。该类别不在允许的名单里。",
        "category_denied" => "没有花钱。该类别在禁止的名单里。",
        "payee_closed" => "没有花钱。该商家目前不收款。",
        "asset_mismatch" => "没有花钱。商家收取的是另一种货币。",
        "self_payment" => "没有花钱。付款方和收款方是同一人。",
        "funds_insufficient" => "没有花钱。余额不足。",
        "hold_closed" => "没有改动。这笔预留已经结束。",
        "hold_expired" => "没有改动。这笔预留已经到期。",
        "capture_too_large" => "没有改动。超过了预留的金额。",
        "hold_redeemed" => "没有改动。这笔预留已用于另一次交付。",
        "refund_too_large" => "没有改动。超过了可退的金额。",
        "meter_sequence" => "没有改动。这次计量已经算过。",
        "meter_exceeded" => "没有改动。超过了计量预留的金额。",
        "account_not_empty" => "没有改动。账户里还有钱。",
        "ask_rate_limited" => "没有花钱。等您处理的请求太多了。",
        "approval_pending" => "没有花钱。还在等您答复。",
        "approval_refused" => "没有花钱。您已拒绝。",
        "approval_used" => "没有花钱。这个同意已经用过。",
        "approval_expired" => "没有花钱。这个同意已过期。",
        "approval_mismatch" => "没有花钱。这个同意是给另一笔付款的。",
        "presence_required" => "没有任何改动。需要您用通行密钥确认。",
        "version_conflict" => "没有任何改动。规则刚刚被改过，请重新查看。",
        "revoked" => "没有任何改动。已结束的不能再恢复。",
        "delegation_too_wide" => "没有任何改动。转授的权限不能比原有的更宽。",
        "delegation_too_deep" => "没有任何改动。转授的层数太多。",
        "delegation_circular" => "没有任何改动。不能转授给自己或上级。",
        "trigger_not_met" => "没有花钱。价格还没有降到您说的数目。",
        "out_of_stock" => "没有花钱。商家说没有货了。",
        "observation_stale" => "没有花钱。商家的报价太旧，或还没有报价。",
        "quota_insufficient" => "没有使用额度。剩余额度不够。",
        "quota_expired" => "没有使用额度。额度已过期。",
        "payment_granted" => "没有任何改动。这笔付款已经兑换过额度。",
        "restore_too_large" => "没有任何改动。退回的数量超过了已扣的数量。",
        "subscription_ended" => "没有任何改动。订阅已取消或已结束。",
        "renewal_unapproved" => "没有花钱。智能体订阅时没有问过您，而现在的规则要求先问您。",
        "link_used" => "没有花钱。该链接可支付的次数已用完。",
        "link_expired" => "没有花钱。该链接已过期。",
        "link_closed" => "没有花钱。收款方已关闭该链接。",
        "link_mismatch" => "没有花钱。收款方、币种或用途与链接不符。",
        "link_amount" => "没有花钱。金额不在链接要求的范围内。",
        "link_unknown" => "没有花钱。没有这个付款链接。",
        "hold_disputed" => "没有任何改动。买方已提出异议：现在只有您能付款，只有商家能退回。",
        "hold_not_disputable" => "没有任何改动。这笔预留到期会自动退回，无需提出异议。",
        "bill_total_differs" => "没有开具，也没有占用号码。金额与实收不符。",
        "nothing_to_invoice" => "没有开具，也没有占用号码。其中一笔已全部开具或退款。",
        "destination_unset" => "没有提现。尚未登记银行账户。",
        "destination_mismatch" => "没有提现。现在的收款银行账户是另一个。",
        "destination_cooling" => "没有提现。银行账户登记不足 24 小时，尚未生效。",
        "payout_ended" => "没有任何改动。这笔提现已到账或已退回。",
        "payouts_stopped" => "没有提现。运营方已停止该商家的资金转出。",
        "payout_unknown" => "没有任何改动。没有这笔提现。",
        "payout_sent" => "没有再次发送。这笔提现已交给银行。",
        "nothing_to_credit" => "没有开具，也没有占用号码。没有需要冲减的退款。",
        "already_exists" => "没有任何改动。已经存在。",
        "amount_zero" => "没有任何改动。金额为零。",
        "desk_closed" => "没有任何改动。本服务器目前不能接纳新用户。",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_is_said_in_chinese() {
        let asks = Ask::ALL.iter().map(|code| code.code());
        let denials = Denial::ALL.iter().map(|code| code.code());
        let missing: Vec<&str> = asks.chain(denials).filter(|code| chinese(code).is_none()).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}
