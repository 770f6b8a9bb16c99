//! Every sentence of the console, in both languages, side by side.

mod market;
mod quotas;
mod selling;

pub use market::Market;
pub use quotas::Quotas;
pub use selling::Selling;

use engine::views::Kind;

/// A language of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Lang {
    /// The language of a code, such as `zh-CN;q=0.8`.
    pub fn of(code: &str) -> Option<Lang> {
        match code.trim().get(..2) {
            Some("en") => Some(Lang::English),
            Some("zh") => Some(Lang::Chinese),
            Some(_) | None => None,
        }
    }

    /// Its code in HTML.
    pub fn code(self) -> &'static str {
        match self {
            Lang::English => "en",
            Lang::Chinese => "zh-CN",
        }
    }

    /// Its code where it is remembered, and where intents are drawn up in it.
    pub fn tag(self) -> &'static str {
        match self {
            Lang::English => "en",
            Lang::Chinese => "zh",
        }
    }

    /// The other one.
    pub fn other(self) -> Lang {
        match self {
            Lang::English => Lang::Chinese,
            Lang::Chinese => Lang::English,
        }
    }

    /// Every sentence in it.
    pub fn words(self) -> &'static Words {
        match self {
            Lang::English => &ENGLISH,
            Lang::Chinese => &CHINESE,
        }
    }

    /// Every sentence for sellers in it.
    pub fn selling(self) -> &'static Selling {
        match self {
            Lang::English => &selling::ENGLISH,
            Lang::Chinese => &selling::CHINESE,
        }
    }

    /// Every sentence about the market in it.
    pub fn market(self) -> &'static Market {
        match self {
            Lang::English => &market::ENGLISH,
            Lang::Chinese => &market::CHINESE,
        }
    }

    /// Every sentence about prepaid quotas in it.
    pub fn quotas(self) -> &'static Quotas {
        match self {
            Lang::English => &quotas::ENGLISH,
            Lang::Chinese => &quotas::CHINESE,
        }
    }
}

/// Declares sentences; `{}` is where something is put in.
macro_rules! words {
    ($(#[$doc:meta])* $words:ident: $($name:ident $english:literal $chinese:literal)*) => {
        $(#[$doc])*
        #[derive(Debug)]
        #[allow(missing_docs)]
        pub struct $words { $(pub $name: &'static str,)* }

        pub(super) static ENGLISH: $words = $words { $($name: $english,)* };
        pub(super) static CHINESE: $words = $words { $($name: $chinese,)* };

        #[cfg(test)]
        pub(super) const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($name), $english, $chinese),)*];
    };
}

use words;

impl Words {
    /// A sentence with something put in.
    pub fn say(&self, sentence: &str, what: impl std::fmt::Display) -> String {
        sentence.replacen("{}", &what.to_string(), 1)
    }

    /// A sentence with two things put in.
    pub fn say_two(
        &self,
        sentence: &str,
        first: impl std::fmt::Display,
        second: impl std::fmt::Display,
    ) -> String {
        let (before, after) = sentence.split_once("{}").unwrap_or((sentence, ""));
        format!("{before}{first}{}", after.replacen("{}", &second.to_string(), 1))
    }
}

impl Words {
    /// What somebody did that moved no money.
    pub fn deed(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::OpenBook => self.deed_open_book,
            Kind::RegisterAsset => self.deed_register_asset,
            Kind::RegisterOwner => self.deed_register_owner,
            Kind::EnrolKey => self.deed_enrol_key,
            Kind::RevokeKey => self.deed_revoke_key,
            Kind::OpenWallet => self.deed_open_wallet,
            Kind::OpenSubAccount => self.deed_open_sub_account,
            Kind::CloseWallet => self.deed_close_wallet,
            Kind::RegisterPayee => self.deed_register_payee,
            Kind::EnrolAgent => self.deed_enrol_agent,
            Kind::SetLimits => self.deed_set_limits,
            Kind::GrantMandate => self.deed_grant_mandate,
            Kind::Delegate => self.deed_delegate,
            Kind::Freeze => self.deed_freeze,
            Kind::Unfreeze => self.deed_unfreeze,
            Kind::Revoke => self.deed_revoke,
            Kind::Approve => self.deed_approve,
            Kind::ApproveAlike => self.deed_approve_alike,
            Kind::Refuse => self.deed_refuse,
            Kind::Transfer => self.moved,
            Kind::Pay | Kind::PayLink => self.paid,
            Kind::OpenLink => self.deed_open_link,
            Kind::CloseLink => self.deed_close_link,
            Kind::Subscribe => self.deed_subscribe,
            Kind::Renew => self.deed_renew,
            Kind::ChangePlan => self.deed_change_plan,
            Kind::CancelSubscription => self.deed_cancel_subscription,
            Kind::PlaceHold | Kind::OpenMeter | Kind::OpenChannel | Kind::PlaceEscrow => self.was_held,
            Kind::Dispute => self.deed_dispute,
            Kind::IssueInvoice => self.deed_issue_invoice,
            Kind::IssueCreditNote => self.deed_issue_credit_note,
            Kind::SetDestination => self.deed_set_destination,
            Kind::RequestPayout => self.deed_request_payout,
            Kind::AdvancePayout => self.deed_advance_payout,
            Kind::Capture | Kind::CloseMeter => self.captured,
            Kind::Void => self.released,
            Kind::Expire => self.deed_expire,
            Kind::Refund => self.refunded,
            Kind::Charge | Kind::Claim => self.deed_charge,
            Kind::Redeem => self.deed_redeem,
            Kind::Observe => self.deed_observe,
            Kind::GrantQuota => self.deed_grant_quota,
            Kind::Deduct => self.deed_deduct,
            Kind::Restore => self.deed_restore,
            Kind::Allot => self.deed_allot,
            Kind::Reclaim => self.deed_reclaim,
            Kind::Present => self.deed_present,
        }
    }
}

words! {
    /// The sentences of one language.
    Words:
    brand "Tollbridge" "Tollbridge"
    play_money "Play money: nothing here is real." "体验账本：这里的钱都不是真的。"
    skip "Skip to the content" "跳到正文"
    navigation "Pages" "页面"
    overview "Overview" "概览"
    agents "Agents" "智能体"
    rules "Rules" "规则"
    approvals "Approvals" "待确认"
    activity "Activity" "动态"
    money "Money" "资金"
    account "Account" "账户"
    language "中文" "English"
    language_label "把页面换成中文" "Show this page in English"
    freeze "Freeze" "冻结"
    freeze_label "Freeze everything at once" "立即冻结一切"
    frozen "Everything is frozen. No agent can pay until you unfreeze it." "已全部冻结。解冻之前，任何智能体都不能付款。"
    unfreeze "Unfreeze" "解冻"
    waits "{} waiting for you" "{} 件事等您处理"
    passkey_wait "Confirm with your passkey." "请用通行密钥确认。"
    passkey_failed "The passkey did not answer. Nothing was changed." "通行密钥没有响应。没有任何改动。"
    passkey_missing "This browser has no passkeys here. They need https, or localhost." "此浏览器在这里无法使用通行密钥：需要 https 或 localhost。"
    needs_script "Confirming with a passkey needs JavaScript. Reading and freezing do not." "用通行密钥确认需要 JavaScript；查看和冻结则不需要。"
    from_elsewhere "Nothing was changed. The form did not come from this page; load the page again." "没有任何改动。该表单不是从本页面发出的，请重新加载页面。"
    not_a_form "Nothing was changed. Something in the form is missing or cannot be read." "没有任何改动。表单中有内容缺失或无法识别。"
    not_confirmed "Nothing was changed. Your passkey did not confirm this; go back and try again." "没有任何改动。通行密钥没有确认这项操作，请返回重试。"
    nothing_there "There is nothing here." "这里什么都没有。"
    too_many_tries "Too many tries. Wait a minute." "尝试次数过多，请稍等一分钟。"
    back "Back" "返回"
    stopped_title "That did not work" "操作未完成"

    welcome_title "Let your agents pay, and stay in charge" "让智能体付款，由您做主"
    welcome_text "Say in a sentence what an agent may spend. Watch every decision. Stop everything with one tap." "用一句话说明智能体可以花多少钱，查看每一个决定，一键全部停止。"
    log_in "Log in with a passkey" "用通行密钥登录"
    log_in_title "Log in" "登录"
    invited "New here? You need an invitation link from whoever runs this server." "还没有钱包？请向本服务器的管理者索取邀请链接。"
    lost_passkey "I lost my passkey" "我的通行密钥丢了"
    join_title "Create your wallet" "创建您的钱包"
    join_text "You need no password. This device makes a passkey; your face, finger or PIN unlocks it." "不需要密码。本设备会生成一个通行密钥，用面容、指纹或 PIN 解锁。"
    join_over "This invitation was used, or its time is over. Ask for another one." "该邀请已被使用或已过期，请再索取一个。"
    your_name "What shall we call you?" "怎么称呼您？"
    currency "Currency of the wallet" "钱包的币种"
    create_wallet "Create wallet" "创建钱包"
    code_title "Write down your recovery code" "请抄下恢复码"
    code_text "It lets you back in when every passkey is lost. It is shown this one time, and kept nowhere." "所有通行密钥都丢失时，用它可以重新登录。它只显示这一次，服务器不保存。"
    code_kept "I wrote it down" "我已抄下"
    recover_title "Come back with your recovery code" "用恢复码找回"
    recover_text "Everything is frozen at once, so that nobody spends meanwhile. This device makes a new passkey, and you get a new code." "找回时会立即冻结一切，以免有人趁机花钱。本设备会生成新的通行密钥，您会得到新的恢复码。"
    recovery_code "Recovery code" "恢复码"
    recover "Come back" "找回"

    available "Available" "可用余额"
    held "Held" "已预留"
    held_text "Set aside for purchases under way; it comes back if they do not happen." "为进行中的购买预留；若未成交会自动退回。"
    wallet "Wallet" "钱包"
    sub_account "Sub-account" "子账户"
    left_today "left today" "今日剩余"
    spent_today "spent today" "今日已花"
    no_limit_today "no daily limit" "无每日限额"
    asks_every_time "asks every time" "每次都问"
    latest "Latest" "最新动态"
    all_activity "All activity" "全部动态"
    nothing_yet "Nothing yet." "暂无内容。"
    first_steps "First steps" "第一步"
    first_connect "Connect an agent: a program that shall be able to pay." "连接一个智能体：需要付款的程序。"
    first_rule "Say what it may spend." "说明它可以花多少钱。"

    connect_agent "Connect an agent" "连接智能体"
    connect_text "Run this where the agent runs, within ten minutes:" "请在十分钟内，在智能体所在的电脑上运行："
    connect_code "Code" "配对码"
    connect_wait "When it asks, it appears here by itself. Compare the four words." "它发出请求后会自动出现在这里，请核对四个单词。"
    connect_words "Connect only if the agent shows exactly these four words:" "只有当智能体显示的四个单词与此完全相同时才连接："
    connect "Words are equal: connect" "单词一致：连接"
    connect_no "Not mine" "不是我的"
    connect_wants "“{}” wants to connect" "“{}”请求连接"
    new_code "New code" "新的配对码"
    fingerprint "Key" "密钥"
    key_of "Fingerprint of its key" "密钥指纹"
    pause "Pause" "暂停"
    resume "Resume" "恢复"
    end_agent "End for good" "永久结束"
    paused "paused" "已暂停"
    ended "ended" "已结束"
    active "active" "正常"
    expired "expired" "已过期"
    closed "closed" "已关闭"
    agent_limits "Limits of this agent" "该智能体的限额"
    agent_limits_text "They hold whatever its rules say." "不论规则怎么写，这些限额始终有效。"
    per_payment "Most per payment" "每笔上限"
    per_day "Most per day" "每日上限"
    ask_above "Ask me above" "超过此金额时问我"
    ask_first "Ask me before it pays a seller for the first time" "首次付款给某商家前问我"
    ask_always "Ask me every time" "每次都问我"
    save "Save" "保存"
    no_agents "No agent is connected." "还没有连接智能体。"
    no_limits "No limits of its own." "没有单独的限额。"
    asks_without_rules "Without limits and rules, every payment asks you." "没有限额和规则时，每笔付款都会先问您。"
    spent_in_all "Spent in all" "累计已花"
    its_rules "Its rules" "它的规则"
    since "since {}" "自 {} 起"

    new_rule "New rule" "新规则"
    rule_sentence "What may it spend?" "它可以花多少钱？"
    rule_hint "For example: Book trains to Hangzhou this month, at most 800 in total." "例如：本月订去杭州的火车票，总共最多800元。"
    rule_for "For which agent" "给哪个智能体"
    rule_read "Read it" "解读"
    ready_rules "Ready rules" "现成的规则"
    ready_text "How much it does without you." "它在不问您的情况下可以做多少。"
    level_0 "L0 · You confirm every payment" "L0 · 每笔付款都由您确认"
    level_1 "L1 · Small payments to sellers you have paid before; you confirm the rest" "L1 · 小额付给熟悉的商家，其余由您确认"
    level_2 "L2 · Payments to sellers you have paid before; you confirm new ones" "L2 · 付给熟悉的商家，新商家由您确认"
    level_3 "L3 · One task, until its budget is spent" "L3 · 办一件事，直到预算用完"
    level_4 "L4 · Day after day, within a payment and a day" "L4 · 日复一日，不超过每笔与每日上限"
    level_5 "L5 · Whatever your wallet's own limits allow" "L5 · 只受钱包自身限额约束"
    level "Level" "级别"
    small_amount "Small is up to" "小额不超过"
    in_total "Most in all" "总共上限"
    for_days "For how many days" "有效天数"
    see_it "Show what it would do" "看看会怎样"
    ready_document "Ready rule {} for {} days" "现成规则 {}，有效 {} 天"
    no_rules "No rules yet." "还没有规则。"
    you_said "You said" "您说的"
    agent_said "What “{}” said" "“{}”说的"
    agent_drafted "This draft came from “{}”, not from you. Read it as you would a stranger's." "这份草稿来自“{}”，不是您写的。请像看陌生人的草稿一样细看。"
    agent_answered "“{}” answered questions of this draft. Read it as you would a stranger's." "“{}”替您回答了这份草稿的问题。请像看陌生人的草稿一样细看。"
    open_questions "Before it can be a rule" "成为规则之前"
    answer "Answer" "回答"
    or_type "or type an answer" "或输入回答"
    understood "What it means" "它的意思"
    exact_rule "The exact rule" "精确的规则"
    exact_text "This is what is checked before each payment." "每次付款前都会按此检查。"
    examples "Examples" "举例"
    examples_text "Made-up payments, decided by this rule." "虚构的付款，按此规则判断。"
    try_amount "Try another amount" "换一个金额试试"
    try_it "Try" "试一下"
    rehearsal "On your past payments" "放到过去的付款上"
    rehearsal_text "If only this rule had held for the last {} payments:" "如果最近 {} 笔付款只按此规则判断："
    rehearsal_none "There are no past payments to try it on." "还没有可供试算的付款。"
    would_allow "allowed" "允许"
    would_ask "asked" "询问"
    would_deny "refused" "拒绝"
    compare_narrower "Narrower than the rule it replaces." "比被替换的规则更严格。"
    compare_wider "Wider than the rule it replaces." "比被替换的规则更宽松。"
    compare_same "The same as the rule it replaces." "与被替换的规则相同。"
    compare_mixed "In part wider than the rule it replaces." "部分比被替换的规则更宽松。"
    compare_first "It is this agent's first rule: it gives new permission." "这是该智能体的第一条规则：会给予新的权限。"
    replaces "Replace the rule that holds now" "替换现有规则"
    keep_both "Keep the present rules beside it" "与现有规则并存"
    agree "Agree" "同意"
    agree_text "Nothing is allowed before you agree." "在您同意之前，不会给予任何权限。"
    discard "Discard" "放弃"
    until_date "until {}" "至 {}"
    from_date "from {}" "从 {} 起"
    end_rule "End this rule" "结束此规则"
    pause_rule "Pause" "暂停"
    version "version {}" "第 {} 版"
    clearer "Put it more clearly" "换个更清楚的说法"
    clearer_text "Your words are sent to {}, which suggests clearer ones. You decide whether they are yours." "您的话会发送给{}，由它建议更清楚的说法。是否采用由您决定。"
    clearer_words "Suggested words" "建议的说法"
    clearer_check "Check that nothing is missing. Nothing is allowed before you agree." "请检查有没有遗漏。在您同意之前，什么都不会被允许。"
    no_clearer "There are no clearer words that say the same. Please answer the questions instead." "没有意思相同而更清楚的说法。请直接回答问题。"
    cannot_read "That cannot be read." "无法识别。"
    cannot_hold "This cannot be a rule yet" "还不能成为规则"
    seller_unknown "No seller is called “{}” here. Name one of: {}" "这里没有叫“{}”的商家。可选：{}"
    wrong_currency "The wallet is in {}; say the amounts in it." "钱包币种是 {}，请用该币种写金额。"
    agent_keeps "The agent has to keep this itself; no rule can check it:" "以下内容规则无法检查，需由智能体自行遵守："

    asks "{} asks" "{} 请求付款"
    seller "Seller" "商家"
    known_seller "known, paid {} times" "熟悉，已付款 {} 次"
    new_seller "never paid before" "从未付款过"
    vouched_registry "checked by whoever runs this server" "由本服务器管理者核验"
    vouched_merchant "vouches for itself by signature" "由商家签名证明"
    vouched_owner "added by you" "由您添加"
    vouched_agent "named by an agent" "由智能体提供"
    vouched_untrusted "nobody vouches for it" "无人担保"
    what_for "For" "用途"
    agent_claims "The agent says" "智能体自称"
    agent_claims_text "Its own words; nobody has checked them." "这是它自己的说法，未经核实。"
    asked_because "Asked because" "询问原因"
    rule_asked "Rule" "规则"
    if_refused "If you refuse, nothing is spent and the agent is told." "如果拒绝，不会花钱，智能体会得到通知。"
    refuse "Refuse" "拒绝"
    once "Once" "仅此一次"
    rest_of_today "Rest of today" "今天都可以"
    once_text "Good for exactly this payment, for ten minutes." "仅对这一笔付款有效，十分钟内。"
    rest_text "Until midnight: this agent, this seller, at most this amount each time. Other rules go on." "到午夜为止：该智能体、该商家、每次不超过此金额。其他规则照常。"
    expires_in "The question ends {}." "问题将于 {} 结束。"
    no_questions "Nothing waits for you." "没有等您处理的事。"
    fingerprint_digest "Digest of exactly this" "此内容的摘要"
    answered "Answered" "已处理"
    was_refused_for "{} was refused. Nothing was spent" "{} 的付款被拒绝，没有花钱"
    what_kind "What" "类型"
    was_approved "approved" "已同意"
    was_refused "refused" "已拒绝"
    was_used "approved and paid" "已同意并付款"
    was_expired "time over" "已过期"

    search "Search" "搜索"
    search_label "Seller, agent or reason" "商家、智能体或原因"
    filter_all "Everything" "全部"
    filter_paid "Paid" "已付款"
    filter_refused "Refused" "被拒绝"
    filter_asked "Asked" "询问过"
    filter_changes "Changes" "改动"
    show "Show" "显示"
    older "Older" "更早"
    paid "Paid" "已付款"
    was_held "Held" "已预留"
    captured "Collected" "已收款"
    released "Came back" "已退回"
    refunded "Refunded" "已退款"
    refused_said "Refused. Nothing was spent." "已拒绝，没有花钱。"
    asked_said "Asked you. Nothing was spent." "已询问您，没有花钱。"
    topped_up "Money came in" "资金转入"
    moved "Money moved" "资金划转"
    deed_open_book "Book opened" "账本已开立"
    deed_register_asset "Currency added" "已添加币种"
    deed_register_owner "You joined" "您已加入"
    deed_enrol_key "Key added" "已添加密钥"
    deed_revoke_key "Key ended" "密钥已失效"
    deed_open_wallet "Wallet opened" "钱包已开立"
    deed_open_sub_account "Sub-account opened" "子账户已开立"
    deed_close_wallet "Closed" "已关闭"
    deed_register_payee "Seller added" "已添加商家"
    deed_enrol_agent "Agent connected" "智能体已连接"
    deed_set_limits "Limits changed" "限额已修改"
    deed_grant_mandate "Rule agreed" "规则已同意"
    deed_delegate "Permission passed on" "权限已转授"
    deed_freeze "Paused" "已暂停"
    deed_unfreeze "Resumed" "已恢复"
    deed_freeze_all "Everything frozen" "已全部冻结"
    deed_unfreeze_all "Everything unfrozen" "已全部解冻"
    was_delivered "delivered" "已交付"
    still_left "{} left" "还剩 {}"
    deed_revoke "Ended" "已结束"
    deed_approve "You approved" "您已同意"
    deed_approve_alike "You approved the rest of today" "您已同意今天的同类付款"
    deed_refuse "You refused" "您已拒绝"
    deed_charge "Work counted" "已计量"
    deed_redeem "Delivered" "已交付"
    deed_expire "Its time was up" "已到期"
    deed_observe "Price told" "商家报价"
    deed_grant_quota "Prepaid units received" "收到预付额度"
    deed_deduct "Prepaid units used" "使用预付额度"
    deed_restore "Prepaid units given back" "退回预付额度"
    deed_allot "Prepaid units assigned" "分配预付额度"
    deed_reclaim "Prepaid units taken back" "收回预付额度"
    deed_present "Request" "请求"
    deed_subscribe "Subscribed" "已订阅"
    deed_renew "Renewed" "已续订"
    deed_change_plan "Plan changed" "订阅方案已更改"
    deed_cancel_subscription "Subscription cancelled" "订阅已取消"
    deed_open_link "Payment link opened" "开启付款链接"
    deed_close_link "Payment link closed" "关闭付款链接"
    deed_set_destination "Bank account named" "登记银行账户"
    deed_request_payout "Payout requested" "申请提现"
    deed_advance_payout "Payout went on" "提现有进展"
    deed_dispute "Objected to" "已提出异议"
    pays_by_itself "Paid by itself" "到期自动付款"
    pays_by_itself_text "If you say yes, the seller gets it when the time is up, unless you or the agent object before." "您同意后，到期会自动付给商家，除非您或智能体在此之前提出异议。"
    deed_issue_invoice "Invoice issued" "已开商业发票"
    deed_issue_credit_note "Credit note issued" "已开贷项通知单"
    detail "Details" "详情"
    when "When" "时间"
    amount "Amount" "金额"
    who "Agent" "智能体"
    by_you "you" "您本人"
    by_operator "whoever runs this server" "本服务器管理者"
    by_seller "the seller" "商家"
    by_time "the passing of time" "时间到期"
    why "Why" "原因"
    allowed_by "Allowed by" "依据"
    no_rule_needed "You paid yourself." "您本人付款。"
    delivery "Delivery" "交付"
    delivered "delivered: the seller showed what it delivered" "已交付：商家已出示交付内容"
    not_shown "not shown" "未出示"
    evidence "Evidence" "证据"
    evidence_text "Entry {} of the signed log." "签名日志第 {} 条。"
    receipt "Receipt for anybody to check" "任何人都可核验的回执"
    still_held "still held" "仍预留"
    wrong "Something wrong?" "有问题？"
    wrong_text "Tell what happened. It is kept with the payment, with the time you said it." "请说明情况。它会连同时间与该付款一起保存。"
    wrong_not_delivered "Not delivered" "没有交付"
    wrong_goods "Not what was bought" "与购买内容不符"
    wrong_amount "Too much" "金额过高"
    wrong_not_me "Not me" "不是我授权的"
    wrong_words "In your words" "补充说明"
    wrong_send "Keep it" "保存"
    wrong_kept "You said on {}:" "您在 {} 说："
    pause_this_agent "Pause this agent" "暂停该智能体"
    take_back "Take the held money back" "取回预留的钱"
    odd_text "This text hides or imitates characters." "这段文字含有隐藏或仿冒的字符。"

    top_up "Top up" "充值"
    top_up_test "Play money, from nowhere. At most {} at once." "体验金，凭空而来。每次最多 {}。"
    top_up_live "Money comes in through whoever runs this server." "充值请联系本服务器的管理者。"
    how_much "How much" "金额"
    sub_accounts "Sub-accounts" "子账户"
    sub_text "Money set apart for one agent. It never reaches for more." "为单个智能体单独存放的钱，用完不会动用其他资金。"
    open_sub "Open a sub-account" "开立子账户"
    put_in "Put in" "转入"
    put_back "Put back" "转回"
    close_sub "Close and take everything back" "关闭并取回全部"
    held_list "Held now" "当前预留"
    ends_at "ends {}" "{} 到期"
    statement "Statement" "对账单"
    statement_text "Every movement of this wallet, for a spreadsheet or an accounting program." "该钱包的全部资金变动，可导入表格或记账软件。"
    statement_csv "CSV" "CSV"
    statement_ofx "OFX" "OFX"
    spending "Spending" "支出"
    spending_text "The last 30 days." "最近30天。"
    by_day "By day" "按天"
    by_agent "By agent" "按智能体"
    by_seller_title "By seller" "按商家"

    invoices "Invoices" "商业发票"
    invoices_text "What sellers billed of what you paid." "商家就您的付款开具的商业发票。"
    invoices_sold_text "What you billed of what buyers paid. Your programs issue them, or `tollbridge seller invoice`." "您就买家付款开具的商业发票，由您的程序或 `tollbridge seller invoice` 开具。"
    no_invoices "No invoices yet." "还没有商业发票。"
    credit_notes "Credit notes" "贷项通知单"
    credited_of "{} taken back by credit notes" "已由贷项通知单冲减 {}"
    to_be_credited "{} refunded since: a credit note is due" "此后退款 {}，应开具贷项通知单"
    find_services "Services" "服务市场"
    subscriptions "Subscriptions" "订阅"
    subscriptions_text "What is paid again by itself. The price can only change with a yes from your side." "会自动再次付款的项目。未经您这边同意，价格不会变。"
    no_subscriptions "Nothing is paid by itself." "没有自动付款的项目。"
    every_day "every day" "每天"
    every_days "every {} days" "每 {} 天"
    every_month "every month" "每月"
    every_months "every {} months" "每 {} 个月"
    until_cancelled "renewed until somebody cancels" "自动续订，直到取消"
    renewed_at_most "renewed {} times at most" "最多续订 {} 次"
    never_renewed "not renewed" "不续订"
    free_until "free until {}" "免费至 {}"
    next_renewal "Next renewal: {}" "下次续订：{}"
    paid_until "Paid until {}" "已付至 {}"
    grace_until "Could not be renewed; usable until {}" "未能续订；可用至 {}"
    over_since "Over since {}" "已于 {} 结束"
    from_then_on "From then on: {}" "之后：{}"
    cancel_subscription "Cancel" "取消订阅"
    cancel_text "It stays usable until what is paid is over. Nothing is given back." "已付的期限内仍可使用，不退款。"
    standing_trial "free for now" "试用中"
    standing_active "active" "有效"
    standing_grace "not paid" "待付款"
    standing_cancelled "cancelled" "已取消"
    standing_ended "over" "已结束"
    agreed_with_yes "With your yes this is paid again each time, without asking." "同意后，每期会自动付款，不再询问。"

    passkeys "Passkeys" "通行密钥"
    passkeys_text "Each opens this console. Have two, on different devices." "每个都能打开控制台。建议在不同设备上各留一个。"
    add_passkey "Add a passkey" "添加通行密钥"
    passkey_name "Name of the device" "设备名称"
    remove "Remove" "移除"
    this_session "in use now" "正在使用"
    last_passkey "The only one: it cannot be removed." "仅此一个，不能移除。"
    new_recovery "New recovery code" "新的恢复码"
    new_recovery_text "The old code stops working." "旧恢复码随即失效。"
    settings "Settings" "设置"
    zone_label "Your time zone: days begin there" "您的时区：一天从该时区开始"
    log_out "Log out" "退出登录"
    me "You" "您"
    another_agent "an agent" "一个智能体"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> impl Iterator<Item = &'static (&'static str, &'static str, &'static str)> {
        PAIRS.iter().chain(selling::PAIRS).chain(market::PAIRS).chain(quotas::PAIRS)
    }

    #[test]
    fn both_languages_say_everything_with_the_same_gaps() {
        for (name, english, chinese) in all() {
            assert!(!english.is_empty(), "{name}");
            assert!(!chinese.is_empty(), "{name}");
            assert_eq!(english.matches("{}").count(), chinese.matches("{}").count(), "{name}");
        }
    }

    #[test]
    fn no_page_speaks_of_how_it_works_inside() {
        let words =
            ["nonce", "mandate", "settle", "facilitator", "blockchain", "idempoten", "transaction failed"];
        for (name, english, _) in all() {
            let english = english.to_lowercase();
            assert!(words.iter().all(|word| !english.contains(word)), "{name}: {english}");
        }
    }

    #[test]
    fn the_browsers_language_is_understood() {
        assert_eq!(Lang::of("zh-CN;q=0.8"), Some(Lang::Chinese));
        assert_eq!(Lang::of(" en"), Some(Lang::English));
        assert_eq!(Lang::of("fr"), None);
        assert_eq!(Lang::of("é"), None);
    }
}
