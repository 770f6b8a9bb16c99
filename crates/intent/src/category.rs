//! Categories of goods: the codes that payees carry, and the words people use for them.

/// A category by its code, of at most 16 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Category(&'static str);

impl Category {
    /// The category with this code, or `None`.
    pub fn new(code: &str) -> Option<Category> {
        TABLE.iter().find(|row| row.code == code).map(|row| Category(row.code))
    }

    /// The code.
    pub fn code(self) -> &'static str {
        self.0
    }

    /// Whether what is bought takes place at a time: a date in the sentence is then when it happens, not when it
    /// is paid.
    pub(crate) fn happens(self) -> bool {
        TABLE.iter().any(|row| row.code == self.0 && row.happens == Happens::AtATime)
    }
}

/// Every word for a category.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Category)> {
    TABLE.iter().flat_map(|row| row.words.split('|').map(|word| (word.trim(), Category(row.code))))
}

struct Row {
    code: &'static str,
    happens: Happens,
    /// Parted by `|`.
    words: &'static str,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Happens {
    AtATime,
    Whenever,
}

const fn row(code: &'static str, words: &'static str) -> Row {
    Row { code, happens: Happens::Whenever, words }
}

const fn event(code: &'static str, words: &'static str) -> Row {
    Row { code, happens: Happens::AtATime, words }
}

/// Every category, most used first.
const TABLE: &[Row] = &[
    row(
        "drink",
        "drinks | drink | coffee | coffees | latte | lattes | tea | milk tea | bubble tea | \
        coconut latte | americano | juice | beverages | 奶茶 | 咖啡 | 拿铁 | 生椰拿铁 | \
        美式 | 饮料 | 饮品 | 果汁 | 茶",
    ),
    row(
        "food",
        "food | lunch | dinner | breakfast | meal | meals | pizza | snacks | takeaway | \
        takeout | sandwich | 外卖 | 午饭 | 午餐 | 晚饭 | 晚餐 | 早餐 | 早饭 | 零食 | \
        披萨 | 三明治 | 盒饭 | 夜宵 | 吃的 | 餐饮",
    ),
    row(
        "groceries",
        "groceries | grocery | vegetables | fruit | fruits | 买菜 | 菜 | 生鲜 | 水果 | \
        蔬菜 | 日用品",
    ),
    row("flowers", "flowers | flower | bouquet | bouquets | roses | 鲜花 | 花束 | 玫瑰 | 花"),
    event(
        "flight",
        "flight | flights | plane ticket | plane tickets | airline tickets | airfare | \
        机票 | 航班 | 飞机票",
    ),
    event(
        "red-eye",
        "red-eye flights | red-eye flight | red-eyes | red-eye | red eye flights | \
        红眼航班 | 红眼",
    ),
    event(
        "train",
        "train | trains | train ticket | train tickets | rail tickets | 高铁 | 高铁票 | \
        火车票 | 火车 | 动车票 | 动车",
    ),
    event("hotel", "hotel | hotels | hotel room | hotel rooms | 酒店 | 宾馆 | 民宿 | 旅馆"),
    event(
        "event",
        "concert | concert tickets | cinema tickets | movie tickets | movie ticket | \
        演唱会门票 | 电影票 | 演唱会 | 门票",
    ),
    row("travel", "travel | trips | 旅行 | 旅游 | 出行"),
    row("taxi", "taxi | taxis | cab | cabs | rides | 打车 | 出租车 | 网约车"),
    row(
        "data",
        "data | map data | data sources | data source | datasets | data feeds | \
        market data | 数据 | 数据源 | 地图数据 | 行情数据",
    ),
    row("api", "api | apis | api calls | search calls | 接口 | 接口调用"),
    row("model", "tokens | model tokens | inference | llm tokens | 大模型 | 算力"),
    row("software", "software | apps | saas | 软件"),
    row("books", "books | book titles | ebooks | novels | 书 | 图书 | 电子书 | 小说"),
    row("clothes", "clothes | clothing | shoes | sneakers | 衣服 | 鞋 | 鞋子 | 球鞋"),
    row(
        "electronics",
        "electronics | phone | phones | headphones | laptop | laptops | 数码 | 手机 | \
        耳机 | 笔记本电脑 | 电脑 | 相机",
    ),
    row("medicine", "medicine | pharmacy | drugs | 药品 | 药"),
    row("alcohol", "alcohol | wine | beer | spirits | 酒水 | 白酒 | 啤酒 | 红酒 | 酒"),
    row("tobacco", "tobacco | cigarettes | vapes | 香烟 | 烟酒 | 烟"),
    row("gambling", "gambling | betting | casinos | lottery | lottery tickets | 赌博 | 彩票 | 博彩"),
    row("games", "games | video games | game top-ups | 游戏 | 游戏充值"),
    row("adult", "adult content | adult sites | 成人内容"),
    row("crypto", "crypto | cryptocurrency | bitcoin | 加密货币 | 比特币 | 虚拟币"),
    row("gift-cards", "gift cards | gift card | vouchers | 礼品卡 | 购物卡"),
    row("subscriptions", "subscriptions | subscription | memberships | 会员 | 订阅 | 自动续费"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_fit_a_mandate_and_words_are_spelled_once() {
        let mut words = BTreeSet::new();
        for row in TABLE {
            assert!(row.code.len() <= 16, "{}", row.code);
        }
        for (word, _) in all() {
            assert!(words.insert(word), "{word}");
        }
    }
}
