//! Texts as people send them: where a stretch of one lies, and which characters may not be in one.

use crate::limits::SENTENCE_CHARS_MAX;

/// A language that questions and summaries are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

/// A stretch of one of a draft's texts, in bytes; both ends lie between characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Which text: 0 is the sentence, `n` the `n`-th answer.
    pub text: usize,
    /// The first byte.
    pub from: usize,
    /// The first byte after it.
    pub to: usize,
}

impl Span {
    /// From the beginning of `self` to the end of `last`, which lies after it in the same text.
    pub(crate) fn through(self, last: Span) -> Span {
        Span { text: self.text, from: self.from.min(last.from), to: self.to.max(last.to) }
    }
}

/// Why a text was not read at all. Nothing is drafted from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It says nothing.
    Empty,
    /// It is longer than [`SENTENCE_CHARS_MAX`] characters.
    TooLong,
    /// It holds a character that does not show, or that turns the direction of what shows: the person who agrees
    /// would read another sentence than the one that is compiled.
    Hidden {
        /// Where, in bytes.
        at: usize,
    },
    /// The draft has no such question open.
    NotAsked,
    /// The text says something else than what was asked, or more than that.
    NotAnAnswer,
    /// The draft has taken as many answers as it may.
    TooManyAnswers,
}

impl Refusal {
    /// The reason in one sentence.
    pub fn text(self, language: Language) -> &'static str {
        let (english, chinese) = match self {
            Refusal::Empty => ("The text is empty.", "没有内容。"),
            Refusal::TooLong => ("The text is too long.", "内容太长。"),
            Refusal::Hidden { .. } => (
                "The text holds characters that do not show. Please type it again.",
                "内容里有看不见的字符，请重新输入。",
            ),
            Refusal::NotAsked => ("This question is not open.", "这个问题不在待回答之列。"),
            Refusal::NotAnAnswer => ("That does not answer the question.", "这没有回答所问的问题。"),
            Refusal::TooManyAnswers => {
                ("Too many answers. Please start again.", "回答次数太多，请重新开始。")
            }
        };
        match language {
            Language::English => english,
            Language::Chinese => chinese,
        }
    }
}

/// Whether a text can be read.
pub(crate) fn check(text: &str) -> Result<(), Refusal> {
    if text.chars().nth(SENTENCE_CHARS_MAX).is_some() {
        return Err(Refusal::TooLong);
    }
    if let Some(at) = hidden_letter(text) {
        return Err(Refusal::Hidden { at });
    }
    if !text.chars().any(char::is_alphanumeric) {
        return Err(Refusal::Empty);
    }
    Ok(())
}

/// Where in a text, in bytes, the first character is that does not show, or changes how others show.
pub fn hidden_letter(text: &str) -> Option<usize> {
    text.char_indices().find(|(_, letter)| is_hidden(*letter)).map(|(at, _)| at)
}

/// Whether a character does not show, or changes how others show.
fn is_hidden(letter: char) -> bool {
    let is_space = matches!(letter, '\n' | '\r' | '\t');
    (letter.is_control() && !is_space)
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0e}' | '\u{feff}' | '\u{ffa0}'
            | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The language most of a text's letters are in.
pub(crate) fn language(text: &str) -> Language {
    let han = text.chars().filter(|letter| is_han(*letter)).count();
    let latin =
        text.split(|letter: char| !letter.is_ascii_alphabetic()).filter(|word| !word.is_empty()).count();
    if latin < han { Language::Chinese } else { Language::English }
}

/// Whether a character is one of the Chinese script's.
pub(crate) fn is_han(letter: char) -> bool {
    matches!(letter, '\u{3007}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// A character as the vocabulary spells it: half width, lower case, simplified.
pub(crate) fn fold(letter: char) -> char {
    match letter {
        '\u{3000}' | '\u{a0}' => ' ',
        '￥' => '¥',
        '’' | '‘' | '＇' => '\'',
        '，' | '；' | '：' | '！' | '？' | '（' | '）' => letter,
        '\u{ff01}'..='\u{ff5e}' => half_width(letter),
        'A'..='Z' => letter.to_ascii_lowercase(),
        '\0'..='\u{7f}' => letter,
        _ => simplified(letter),
    }
}

fn simplified(letter: char) -> char {
    let pair = SIMPLIFIED.split(' ').find(|pair| pair.starts_with(letter));
    pair.and_then(|pair| pair.chars().nth(1)).unwrap_or(letter)
}

fn half_width(letter: char) -> char {
    let code = u32::from(letter).saturating_sub(0xfee0);
    char::from_u32(code).map_or(letter, |plain| plain.to_ascii_lowercase())
}

/// Traditional and formal spellings of the characters that the vocabulary knows, each with the one it stands for.
const SIMPLIFIED: &str = "\
    買买 錢钱 塊块 萬万 億亿 兩两 個个 從从 過过 後后 間间 \
    問问 單单 筆笔 總总 達达 週周 點点 鐘钟 號号 請请 幫帮 \
    給给 禮礼 開开 別别 與与 這这 漲涨 額额 預预 訂订 購购 \
    機机 內内 無无 視视 歐欧 圓元 圆元 試试 敗败 動动 價价 \
    許许 於于 時时 來来 張张 幣币 數数 為为 們们 會会 將将 \
    確确 認认 經经 顯显 鮮鲜 飲饮 館馆 車车 書书 電电 東东 \
    絕绝 對对 僅仅 壹一 贰二 貳二 叁三 參三 肆四 伍五 陆六 \
    陸六 柒七 捌八 玖九 拾十 佰百 仟千 〇零";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_show_is_refused() {
        for (text, expected) in [
            ("at most 20", Ok(())),
            ("买奶茶\n最多20元", Ok(())),
            ("☕\u{fe0f} at most 20", Ok(())),
            ("", Err(Refusal::Empty)),
            (" ,. ", Err(Refusal::Empty)),
            ("at\u{200b} most", Err(Refusal::Hidden { at: 2 })),
            ("at most \u{202e}02", Err(Refusal::Hidden { at: 8 })),
            ("at most 2\u{e0030}", Err(Refusal::Hidden { at: 9 })),
            ("\u{feff}at most", Err(Refusal::Hidden { at: 0 })),
            ("at\u{0}most", Err(Refusal::Hidden { at: 2 })),
        ] {
            assert_eq!(check(text), expected, "{text:?}");
        }
        assert_eq!(check(&"a".repeat(SENTENCE_CHARS_MAX)), Ok(()));
        assert_eq!(check(&"a".repeat(SENTENCE_CHARS_MAX + 1)), Err(Refusal::TooLong));
    }

    #[test]
    fn spellings_fold_to_one() {
        let folded: String = "ＡＢ１２￥買貳，Ｋ．".chars().map(fold).collect();
        assert_eq!(folded, "ab12¥买二，k.");
    }
}
