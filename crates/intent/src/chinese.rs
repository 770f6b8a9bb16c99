//! The Chinese vocabulary, simplified and without spaces. A new word is one more entry of a row.

use crate::sense::{CurrencyWord, DayPart, DayWord, LengthUnit, Period, Sense, Unit, Which, Window};

const DAY: Sense = Sense::Window(Window::Calendar(Period::Day));
const WEEK: Sense = Sense::Window(Window::Calendar(Period::Week));
const MONTH: Sense = Sense::Window(Window::Calendar(Period::Month));
const HOUR: Sense = Sense::Window(Window::Rolling { seconds: 3_600 });

pub(crate) const PHRASES: &[(Sense, &str)] = &[
    (
        Sense::Cap,
        "最多 | 不超过 | 不超 | 不能超过 | 不要超过 | 别超过 | 不得超过 | 不可超过 | 不许超过 | \
        不可以超过 | 最高 | 上限 | 上限为 | 上限是 | 限额 | 预算 | 预算是 | 预算在 | 控制在 | \
        至多 | 顶多 | 不高于 | 不大于 | 不多于 | 封顶 | 以内 | 之内 | 以下 | 内 | 最大 | 额度 | \
        限制在 | 别花超过 | 最多花 | 不能高于 | 不要高于 | 最多只能花 | 预算不超过 | 限",
    ),
    (Sense::Floor, "至少 | 不少于 | 不低于 | 最少 | 最低 | 起步"),
    (Sense::Below, "低于 | 少于 | 小于 | 便宜于"),
    (Sense::Above, "超过 | 高于 | 大于 | 超出 | 多于 | 以上 | 如果超过 | 要是超过 | 超了"),
    (
        Sense::Each,
        "/次 | /笔 | /单 | /杯 | /个 | 每次 | 每笔 | 单笔 | 单次 | 每单 | 每回 | 每一次 | 每一笔 | 一笔 | 每个订单 | 每杯 | \
        每张 | 每份 | 每件 | 每个 | 每瓶 | 每本 | 每束 | 每台 | 每笔付款 | 每晚 | 每餐 | 每顿 | \
        一顿 | 单价 | 每笔交易 | 单笔交易 | 每人次 | 一单",
    ),
    (
        Sense::Total,
        "总共 | 一共 | 总计 | 总额 | 合计 | 总数 | 加起来 | 总预算 | 总金额 | 总限额 | 总的 | \
        全部加起来 | 总价 | 总花费 | 累计 | 共",
    ),
    (DAY, "/天 | /日 | 每天 | 每日 | 一天 | 每一天 | 单日 | 日限额 | 一日 | 天天 | 当天"),
    (WEEK, "/周 | 每周 | 每星期 | 每礼拜 | 一周 | 一星期 | 一个星期 | 每个星期 | 每一周"),
    (MONTH, "/月 | 每月 | 每个月 | 一个月 | 每一个月 | 单月 | 月限额"),
    (HOUR, "每小时 | 每个小时 | 一小时 | 一个小时"),
    (
        Sense::WindowUnknown,
        "每年 | 一年 | 每季度 | 每个季度 | 工作日 | 每个工作日 | 每天早上 | 每天晚上 | 每隔一天 | \
        每分钟 | 每周末 | 每两天 | 每季 | 每早 | 每晚上 | 每逢",
    ),
    (Sense::AnyOf, "每"),
    (Sense::Any, "任意 | 任何 | 任意连续 | 任何连续 | 连续 | 随便哪个"),
    (
        Sense::Filler,
        "的 | 了 | 请 | 我 | 你 | 帮我 | 给我 | 替我 | 为我 | 可以 | 能 | 要 | 想 | 是 | 为 | \
        在线 | 就 | 都 | 吧 | 啊 | 呢 | 钱 | 这个 | 那个 | 它 | 他 | 她 | 这 | 那 | 东西 | 花费 | \
        消费 | 金额 | 打 | 让 | 智能体 | 代理 | 助手 | 允许 | 给 | 再 | 并 | 也 | 得 | 把 | 会 | 麻烦 | \
        一下 | 付 | 支付 | 付款 | 个 | 想要 | 需要 | 只要 | 用 | 时 | 的时候 | 时候 | 期间 | 地 | \
        着 | 我要 | 我想 | 现在 | 马上 | 帮忙 | 呀 | 哦 | 中 | 里 | 设 | 设置 | 规则 | 订单 | 在 | \
        费用 | 有 | 位 | 应该 | 一些 | 用于 | 等 | 点儿 | 款 | 商品 | 价 | 您 | 咱 | 做",
    ),
    (Sense::Go, "去"),
    (Sense::And, "和 | 以及 | 跟 | 与 | 还有 | 并且 | 而且"),
    (Sense::Or, "或 | 或者 | 或是"),
    (Sense::To, "到 | 至"),
    (Sense::From, "从 | 自 | 自从"),
    (Sense::Until, "截止到 | 直到 | 截至 | 截止 | 有效期到 | 有效期至 | 最晚 | 不晚于 | 到期日"),
    (Sense::Before, "之前 | 前 | 以前"),
    (Sense::After, "之后 | 以后 | 后 | 起 | 开始"),
    (Sense::NotBefore, "不早于 | 不要早于 | 别早于 | 不能早于"),
    (Sense::NotAfter, "不要晚于 | 别晚于"),
    (Sense::Within, "未来 | 接下来 | 今后 | 接下来的 | 未来的 | 往后 | 最近的"),
    (Sense::Valid, "有效期 | 有效 | 期限 | 有效期为 | 有效期是 | 为期"),
    (Sense::OpenEnded, "直到我喊停 | 直到我取消 | 长期有效 | 没有期限 | 不设期限 | 直到我叫停"),
    (
        Sense::OnlyFrom,
        "只在 | 只从 | 只能在 | 只能从 | 仅在 | 仅限 | 只去 | 只可以在 | 只许在 | 只准在 | 只限 | \
        只付给 | 只能付给 | 只找 | 只用 | 只允许在 | 只能去 | 仅从",
    ),
    (
        Sense::NotFrom,
        "不要在 | 不在 | 别在 | 不从 | 不要从 | 别从 | 不去 | 别去 | 禁止在 | 不能在 | 不许在 | \
        不准在 | 不要去 | 别付给 | 不要付给 | 不能从 | 除了在 | 不用 | 别用",
    ),
    (Sense::At, "找"),
    (
        Sense::Only,
        "只买 | 只能买 | 只用于 | 只能用于 | 只限于 | 仅用于 | 仅限于 | 只可以买 | 只点 | 只订 | \
        只要买 | 限购 | 只许买 | 只准买 | 只能点 | 仅 | 只 | 只能",
    ),
    (
        Sense::No,
        "不要 | 不买 | 别买 | 禁止 | 避开 | 避免 | 不含 | 不能买 | 除了 | 不包括 | 排除 | 不要买 | \
        不许买 | 不准买 | 禁止买 | 禁止购买 | 除外 | 别点 | 不点 | 别 | 不得买 | 勿买 | 不可以买 | \
        不能是 | 不要是 | 不订 | 不能用于 | 不用于 | 不得用于",
    ),
    (
        Sense::Buy,
        "买 | 就买 | 购买 | 下单 | 入手 | 点 | 订 | 预订 | 预定 | 来 | 就下单 | 买入 | 要买 | 抢 | \
        叫 | 点单 | 点一下 | 就帮我买 | 就入手 | 采购 | 就购买 | 送 | 买下 | 订购 | 再买",
    ),
    (
        Sense::Ask,
        "问我 | 先问我 | 要问我 | 需要我确认 | 让我确认 | 找我确认 | 经我同意 | 要我同意 | 我确认 | \
        要我确认 | 需要我同意 | 先让我确认 | 征求我 | 跟我确认 | 和我确认 | 要先问我 | \
        先跟我确认 | 我来确认 | 要经我确认 | 需经我确认 | 必须问我 | 必须先问我 | 先征求我同意 | \
        由我确认 | 都要问我 | 请示我 | 都问我 | 得问我 | 得先问我 | 先问我一声 | 问我一声 | \
        需要问我 | 再问我",
    ),
    (
        Sense::Always,
        "总是 | 每次都 | 每次都要 | 每笔都 | 每笔都要 | 任何时候都 | 每一次都 | 每次付款都要 | \
        每次付款前 | 付款前 | 买之前 | 下单前 | 每次买之前 | 每次下单前 | 付钱前",
    ),
    (
        Sense::FirstContact,
        "新商家 | 没买过的商家 | 没用过的商家 | 陌生商家 | 陌生的商家 | 没去过的店 | 新的商家 | \
        第一次买的商家 | 新店 | 没买过的店",
    ),
    (Sense::If, "如果 | 要是 | 当 | 一旦 | 假如 | 若 | 等 | 等到 | 只要是 | 倘若 | 万一"),
    (Sense::Then, "那么 | 则 | 再"),
    (
        Sense::Falls,
        "跌到 | 降到 | 跌破 | 降至 | 跌至 | 掉到 | 便宜到 | 跌到了 | 降到了 | 低到 | 降价到 | \
        回落到 | 降到了 | 跌下 | 价格到",
    ),
    (Sense::Rises, "涨到 | 涨过 | 涨破 | 升到 | 涨至"),
    (Sense::Price, "价格 | 价钱 | 股价 | 售价"),
    (
        Sense::Notify,
        "通知我 | 提醒我 | 告诉我 | 叫我 | 喊我 | 就通知我 | 就提醒我 | 就告诉我 | 通知 | \
        通知我一声 | 跟我说 | 发消息给我",
    ),
    (Sense::Auto, "自动 | 直接 | 自动就 | 立即 | 立刻"),
    (Sense::Retry, "重试 | 再试 | 重新尝试 | 重新支付"),
    (
        Sense::Fails,
        "付款失败 | 支付失败 | 失败 | 扣款失败 | 如果失败 | 如果付款失败 | 如果支付失败 | 失败了 | \
        付款失败时 | 支付失败后 | 付款失败后 | 失败后 | 支付不成功 | 付不了款 | 要是失败 | \
        失败的话 | 付款失败的话 | 付款失败了",
    ),
    (Sense::Cancel, "取消 | 放弃 | 作罢 | 就取消 | 取消订单 | 就算了 | 算了"),
    (Sense::Pause, "暂停 | 就暂停 | 先停 | 停下来"),
    (
        Sense::Deviation,
        "浮动 | 价格浮动 | 偏差 | 价差 | 价格变化 | 波动 | 价格变动 | 价格波动 | 价格偏差 | 涨价 | \
        价格上浮 | 差价 | 价格偏离 | 偏离 | 变价 | 价格变了 | 上下浮动 | 上浮 | 价格差异",
    ),
    (Sense::Once, "一次 | 一回 | 只一次 | 仅一次 | 一次性"),
    (Sense::Twice, "两次 | 两回 | 两笔"),
    (
        Sense::Deliver,
        "送到 | 送达 | 到货 | 送来 | 配送 | 送货 | 到达 | 送过来 | 送至 | 交付 | 寄到 | 配送到 | \
        送上门 | 收到货 | 要送到 | 必须送到",
    ),
    (Sense::Place, "公司 | 办公室 | 家 | 家里 | 我家 | 学校 | 宿舍 | 单位 | 公司前台"),
    (Sense::Freely, "你看着办 | 自行决定 | 你自己决定 | 由你决定 | 你来定 | 你自己看着办 | 自己决定"),
    (
        Sense::Roughly,
        "大概 | 大约 | 差不多 | 约 | 将近 | 接近 | 左右 | 上下 | 出头 | 上百 | 近 | 估计 | 好几 | \
        数 | 第 | 上千 | 大致",
    ),
    (
        Sense::Vague,
        "多一点 | 少一点 | 一点 | 视情况 | 看情况 | 特殊情况 | 必要时 | 酌情 | 适当 | 灵活 | 便宜 | 便宜点 | 便宜的 | 便宜点的 | 几次 | 几百 | 几十 | 几千 | 几块 | 几个 | 几天 | \
        几杯 | 几万 | 改天 | 过几天 | 有空 | 尽快 | 合适的价格 | 合理 | 合理的价格 | 不太贵 | \
        别太贵 | 不要太贵 | 随便 | 价格合适 | 过阵子 | 以后再说 | 多少 | 一点点 | 几 | 少量 | \
        适量 | 回头 | 有时候 | 偶尔 | 经常 | 一阵子 | 一段时间 | 若干 | 些许 | 性价比高 | 实惠 | \
        不贵 | 太贵 | 哪天 | 某天 | 好价 | 低价 | 有机会 | 半 | 翻倍 | 几周 | 几个月 | 几块钱 | \
        几元 | 稍微 | 尽量 | 多点 | 少点 | 好价钱 | 市场价 | 差不多的价格",
    ),
    (
        Sense::Override,
        "忽略 | 无视 | 无限 | 不限 | 不设上限 | 没有上限 | 取消限制 | 解除限制 | 绕过 | 跳过确认 | \
        无需确认 | 不用确认 | 不用问我 | 别问我 | 不要问我 | 多少钱都行 | 多少钱都可以 | \
        提高限额 | 提高额度 | 系统提示 | 不设限 | 无上限 | 不受限制 | 上限取消 | 取消上限 | \
        取消限额 | 取消所有限制 | 之前的限制 | 之前的规则 | 不需要确认 | 不必问我 | 不惜代价 | \
        花光 | 全部余额 | 所有的钱 | 所有余额 | 随便花 | 管理员 | 开发者模式 | 关闭限制 | 不限额 | \
        不限金额 | 不限次数 | 无限制 | 无限额 | 免确认 | 以上规则 | 覆盖 | 作废 | 解除 | 放开 | \
        不用我确认 | 无须确认 | 不管多少钱 | 任意金额 | 价格不限 | 免密 | 不计成本 | 忘记 | 忘掉 | \
        新指令",
    ),
    (
        Sense::Restricts,
        "加 | 别处 | 任何地方 | 到处 | 不 | 别的 | 勿 | 禁 | 除 | 除非 | 否则 | 必须 | 务必 | 超 | 每 | 只 | 仅 | 不然 | 没有 | \
        未 | 以免 | 不过 | 但 | 但是 | 条件 | 限制 | 规定 | 取消 | 停止 | 打折 | 折 | 优惠 | \
        退款 | 转账 | 转给 | 拒绝 | 不可 | 不能 | 不得 | 不许 | 不准 | 倍 | 减 | 满 | 元 | 块 | \
        毛 | 角 | 分 | 周末 | 定金 | 押金 | 首次 | 最后 | 余额 | 人均 | 之间 | 少 | 多 | 亿 | 万 | \
        千 | 百 | 十",
    ),
    (Sense::LeaveOut, "忽略它 | 去掉 | 不用管 | 算了吧 | 删掉 | 忽略这句 | 不管它 | 去掉这句"),
    (Sense::Yes, "是的 | 对 | 是 | 没错 | 对的"),
    (Sense::Merchant, "商家 | 店 | 店铺 | 商户 | 卖家 | 是商家"),
    (
        Sense::Product,
        "商品名 | 名称的一部分 | 地点 | 地方 | 是地点 | 对商品的要求 | 商品的一部分 | \
        商品名称的一部分",
    ),
    (Sense::When(DayWord::Today), "今天 | 今日 | 今天之内 | 今天内"),
    (Sense::When(DayWord::Tonight), "今晚 | 今天晚上 | 今夜"),
    (Sense::When(DayWord::Tomorrow), "明天 | 明日"),
    (Sense::When(DayWord::AfterTomorrow), "后天"),
    (Sense::When(DayWord::ThisWeek), "本周 | 这周 | 这个星期 | 这星期 | 本周内 | 这个礼拜 | 这周内 | 这一周"),
    (Sense::When(DayWord::NextWeek), "下周 | 下个星期 | 下星期 | 下礼拜 | 下周内"),
    (Sense::When(DayWord::ThisMonth), "本月 | 这个月 | 本月内 | 这个月内 | 当月"),
    (Sense::When(DayWord::NextMonth), "下个月 | 下月 | 下个月内"),
    (Sense::When(DayWord::ThisYear), "今年 | 今年内"),
    (Sense::When(DayWord::ThisWeekend), "这周末 | 这个周末 | 本周末 | 周末"),
    (Sense::When(DayWord::NextWeekend), "下周末 | 下个周末"),
    (Sense::When(DayWord::EndOfMonth), "月底 | 本月底 | 这个月底 | 月末 | 本月末"),
    (Sense::When(DayWord::EndOfNextMonth), "下月底 | 下个月底"),
    (Sense::When(DayWord::EndOfYear), "年底 | 今年底 | 年末 | 今年年底"),
    (Sense::DayPart(DayPart::Morning), "上午 | 早上 | 早晨 | 凌晨 | 清晨"),
    (Sense::DayPart(DayPart::Noon), "中午"),
    (Sense::DayPart(DayPart::Evening), "下午 | 晚上 | 傍晚 | 夜里 | 夜间"),
    // Words that hold a character which means something else by itself.
    (
        Sense::Plain,
        "不锈钢 | 别墅 | 特别 | 级别 | 性别 | 个别 | 三明治 | 百度 | 万达 | 四川 | 九寨沟 | 三亚 | \
        五一 | 六一 | 国庆 | 元旦 | 元宵 | 千万 | 十分 | 一定 | 统一 | 一样 | 一直 | 一般 | 一起 | \
        三里屯 | 前台 | 内衣 | 内存 | 分享 | 部分 | 充分 | 分期 | 一种 | 多少糖 | 少糖 | 半糖 | \
        三分糖 | 五分糖 | 七分糖 | 少冰 | 去冰 | 不要糖 | 不加糖 | 不要冰 | 不加冰 | 不要香菜 | \
        不加香菜 | 不放香菜 | 不要辣 | 不辣 | 不要葱 | 不放葱 | 微辣 | 多冰 | 全糖 | 无糖 | 加冰 | \
        常温 | 大杯 | 中杯 | 小杯 | 热的 | 最便宜 | 最便宜的 | 百货 | 七喜 | 四季 | 双十一 | \
        角色 | 毛衣 | 毛巾 | 元气森林 | 块状 | 点心 | 餐点 | 地点 | 到底 | 周边 | 天气 | 天然 | \
        年货 | 月饼 | 月子 | 日历 | 开始 | 半成品 | 百合 | 康乃馨 | 一次性餐具 | 第一 | 万能 | \
        千层 | 百香果 | 八宝粥 | 五谷 | 多肉 | 多功能 | 最新 | 一线 | 二手 | 三星 | 十三香 | \
        多媒体 | 多味 | 限量 | 台灯 | 台历 | 杯子 | 瓶子 | 本子 | 双肩包 | 盒子 | 无限极 | \
        直接买 | 饿了么 | 支付宝 | 微信 | 微信支付",
    ),
];

pub(crate) const UNITS: &[(Unit, &str)] = &[
    (Unit::Money(CurrencyWord::Yuan), "元 | 块 | 块钱 | 元钱"),
    (Unit::Money(CurrencyWord::Code("CNY")), "人民币 | 元人民币 | 块人民币"),
    (Unit::Money(CurrencyWord::Jiao), "毛 | 毛钱 | 角 | 角钱"),
    (Unit::Money(CurrencyWord::Fen), "分 | 分钱"),
    (Unit::Money(CurrencyWord::Code("USD")), "美元 | 美金"),
    (Unit::Money(CurrencyWord::Code("EUR")), "欧元"),
    (Unit::Money(CurrencyWord::Code("GBP")), "英镑"),
    (Unit::Money(CurrencyWord::Code("HKD")), "港币 | 港元"),
    (Unit::Money(CurrencyWord::Code("JPY")), "日元"),
    (Unit::Money(CurrencyWord::Code("CAD")), "加元"),
    (Unit::Money(CurrencyWord::Code("TWD")), "新台币 | 台币"),
    (Unit::Money(CurrencyWord::Code("KRW")), "韩元"),
    (Unit::Money(CurrencyWord::Code("AUD")), "澳元"),
    (Unit::Money(CurrencyWord::Code("SGD")), "新加坡元"),
    (Unit::Money(CurrencyWord::Dollar), "刀"),
    (Unit::Length(LengthUnit::Minute), "分钟"),
    (Unit::Length(LengthUnit::Hour), "小时 | 个小时 | 个钟头"),
    (Unit::Length(LengthUnit::Day), "天 | 日内"),
    (Unit::Length(LengthUnit::Week), "周 | 个星期 | 星期 | 个礼拜"),
    (Unit::Length(LengthUnit::Month), "个月"),
    (Unit::Length(LengthUnit::Year), "年"),
    (Unit::Times, "次 | 笔 | 单 | 回 | 次付款 | 笔付款 | 笔交易 | 次支付 | 次购买"),
    (
        Unit::Pieces,
        "杯 | 张 | 个 | 份 | 瓶 | 件 | 束 | 本 | 台 | 只 | 双 | 盒 | 箱 | 袋 | 条 | 部 | 支 | 朵 | \
        间 | 晚 | 人 | 位 | 斤 | 公斤 | 副 | 辆 | 包 | 套 | 顿 | 桶 | 罐 | 家 | 款 | 枝",
    ),
    (Unit::Percent, "％ | 个百分点"),
];

pub(crate) const CURRENCIES: &[(CurrencyWord, &str)] = &[
    (CurrencyWord::Code("CNY"), "人民币"),
    (CurrencyWord::Code("USD"), "美元 | 美金"),
    (CurrencyWord::Code("EUR"), "欧元"),
    (CurrencyWord::Code("HKD"), "港币 | 港元"),
    (CurrencyWord::Code("JPY"), "日元"),
    (CurrencyWord::Code("GBP"), "英镑"),
    (CurrencyWord::Code("CAD"), "加元"),
];

/// `百分之` comes before the number that it makes a percentage of.
pub(crate) const PERCENT_PREFIX: &str = "百分之";

/// Measure words that stand right after a verb of buying where there is one of the thing: `买杯咖啡`.
pub(crate) const MEASURES: &[&str] =
    &["杯", "张", "份", "瓶", "束", "本", "台", "双", "盒", "件", "副", "部", "辆"];

/// `周五`, `下周五`, `这个星期天` and the others like them.
pub(crate) fn weekdays() -> Vec<(String, Sense)> {
    const DAYS: &[(&str, i8)] =
        &[("一", 0), ("二", 1), ("三", 2), ("四", 3), ("五", 4), ("六", 5), ("日", 6), ("天", 6)];
    const PREFIXES: &[(&str, Option<Which>)] = &[
        ("", Some(Which::OfThisWeek)),
        ("下", Some(Which::OfNextWeek)),
        ("下个", Some(Which::OfNextWeek)),
        ("这", Some(Which::This)),
        ("本", Some(Which::This)),
        ("这个", Some(Which::This)),
        // Every Friday is no window that a mandate counts; nor is it a week and a five.
        ("每", None),
        ("每个", None),
    ];
    let mut rows = Vec::new();
    for (prefix, which) in PREFIXES {
        for week in ["周", "星期", "礼拜"] {
            for (name, day) in DAYS {
                let sense =
                    which.map_or(Sense::WindowUnknown, |which| Sense::When(DayWord::Weekday(*day, which)));
                rows.push((format!("{prefix}{week}{name}"), sense));
            }
        }
    }
    rows
}
