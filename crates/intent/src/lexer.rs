//! Cuts a text into words, single Chinese characters, numbers, signs and stops.

use crate::text::{Span, fold, is_han};

/// One piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: TokenKind,
    pub(crate) span: Span,
    /// As the vocabulary spells it; what is inside the marks, for a quotation.
    pub(crate) text: String,
    /// Whether nothing stands between this piece and the one before.
    pub(crate) glued: bool,
}

impl Token {
    /// Whether the vocabulary may explain this piece: what is quoted is a name, whatever it says.
    pub(crate) fn is_vocabulary(&self) -> bool {
        self.kind != TokenKind::Quoted
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// A word in letters; it may end in digits.
    Word,
    /// One Chinese character.
    Han,
    /// Digits with the points and commas between them; or a digit of another script, which nothing reads.
    Digits,
    /// Year, month and day in digits, with `-` between them.
    Date,
    /// Hours and minutes in digits.
    Clock,
    /// A single mark such as `¥` or `%`.
    Sign,
    /// What ends a clause.
    Stop,
    /// A name between quotation marks.
    Quoted,
}

const QUOTES: &[(char, char)] =
    &[('"', '"'), ('“', '”'), ('「', '」'), ('『', '』'), ('《', '》'), ('\u{201c}', '\u{201d}')];

/// The pieces of `text`, which is the draft's `number`-th.
pub(crate) fn lex(text: &str, number: usize) -> Vec<Token> {
    let letters: Vec<Letter> =
        text.char_indices().map(|(at, plain)| Letter { at, plain, folded: fold(plain) }).collect();
    let mut tokens: Vec<Token> = Vec::new();
    let mut at = 0;
    let mut end_before = usize::MAX;
    while let Some(rest) = letters.get(at..).filter(|rest| !rest.is_empty()) {
        let Some((kind, length)) = piece(rest) else {
            at = at.saturating_add(1);
            continue;
        };
        let end = at.saturating_add(length);
        let from = rest.first().map_or(text.len(), |letter| letter.at);
        let to = letters.get(end).map_or(text.len(), |letter| letter.at);
        let taken = rest.get(..length).unwrap_or(rest);
        let spelled = taken.iter().map(|letter| letter.folded);
        let spelled: String = match kind {
            TokenKind::Quoted => spelled.skip(1).take(length.saturating_sub(2)).collect(),
            TokenKind::Date => {
                spelled.map(|letter| if letter.is_ascii_digit() { letter } else { '-' }).collect()
            }
            TokenKind::Word
            | TokenKind::Han
            | TokenKind::Digits
            | TokenKind::Clock
            | TokenKind::Sign
            | TokenKind::Stop => spelled.collect(),
        };
        let span = Span { text: number, from, to };
        tokens.push(Token { kind, span, text: spelled, glued: end_before == at });
        at = end;
        end_before = end;
    }
    tokens
}

#[derive(Clone, Copy)]
struct Letter {
    at: usize,
    plain: char,
    folded: char,
}

impl Letter {
    fn is_digit(&self) -> bool {
        self.folded.is_ascii_digit()
    }

    fn is_word(&self) -> bool {
        self.folded.is_alphanumeric() && !is_han(self.folded) || is_mark(self.folded)
    }
}

/// Marks that stand on the letter before them.
fn is_mark(letter: char) -> bool {
    matches!(letter, '\u{300}'..='\u{36f}' | '\u{20d0}'..='\u{20ff}' | '\u{fe0f}')
}

/// What begins here and how many characters it takes; `None` for a space.
fn piece(rest: &[Letter]) -> Option<(TokenKind, usize)> {
    let first = rest.first()?;
    if first.is_digit() {
        return Some(number(rest));
    }
    if is_han(first.folded) {
        return Some((TokenKind::Han, 1));
    }
    // `.5` is a number that nothing reads, rather than a 5.
    if first.folded == '.' && rest.get(1).is_some_and(Letter::is_digit) {
        let length = rest.iter().skip(1).take_while(|letter| letter.is_digit()).count();
        return Some((TokenKind::Digits, length.saturating_add(1)));
    }
    if first.folded.is_numeric() {
        return Some((TokenKind::Digits, 1));
    }
    if first.is_word() {
        return Some((TokenKind::Word, word(rest)));
    }
    if matches!(first.folded, '\n' | '\r') {
        return Some((TokenKind::Stop, 1));
    }
    if first.folded.is_whitespace() {
        return None;
    }
    if let Some((_, close)) = QUOTES.iter().find(|(open, _)| *open == first.plain) {
        let inner = rest.iter().skip(1).position(|letter| letter.plain == *close);
        return Some(
            inner.map_or((TokenKind::Stop, 1), |inner| (TokenKind::Quoted, inner.saturating_add(2))),
        );
    }
    let is_stop = matches!(
        first.folded,
        ',' | ';'
            | '.'
            | '!'
            | '?'
            | ':'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '。'
            | '、'
            | '，'
            | '；'
            | '！'
            | '？'
            | '：'
            | '（'
            | '）'
            | '…'
            | '—'
            | '"'
            | '”'
            | '」'
    );
    Some((if is_stop { TokenKind::Stop } else { TokenKind::Sign }, 1))
}

/// Codes of currencies that people write right before a number: `RMB20`.
const CODES_BEFORE_DIGITS: &[&str] = &["cny", "rmb", "usd", "eur", "hkd", "cad", "us", "hk", "gbp", "jpy"];

/// Letters and digits, with `'` and `-` inside.
fn word(rest: &[Letter]) -> usize {
    let letters: String =
        rest.iter().take_while(|letter| letter.folded.is_ascii_alphabetic()).map(|l| l.folded).collect();
    if CODES_BEFORE_DIGITS.contains(&letters.as_str())
        && rest.get(letters.len()).is_some_and(Letter::is_digit)
    {
        return letters.len();
    }
    let mut length = 0;
    while let Some(letter) = rest.get(length) {
        let goes_on = rest.get(length.saturating_add(1)).is_some_and(Letter::is_word);
        let joins = matches!(letter.folded, '\'' | '-') && goes_on;
        if !letter.is_word() && !joins {
            break;
        }
        length = length.saturating_add(1);
    }
    length
}

fn number(rest: &[Letter]) -> (TokenKind, usize) {
    let digits = |from: usize| rest.iter().skip(from).take_while(|letter| letter.is_digit()).count();
    let mark = |at: usize, marks: &[char]| rest.get(at).map(|l| l.folded).filter(|l| marks.contains(l));
    let first = digits(0);
    let second = digits(first.saturating_add(1));
    let after = first.saturating_add(second).saturating_add(1);
    if first == 4 && (1..=2).contains(&second) {
        let third = digits(after.saturating_add(1));
        let separator = mark(first, &['-', '/', '.']);
        if (1..=2).contains(&third) && separator.is_some() && separator == mark(after, &['-', '/', '.']) {
            return (TokenKind::Date, after.saturating_add(third).saturating_add(1));
        }
    }
    if first <= 2 && second == 2 && mark(first, &[':', '：']).is_some() {
        return (TokenKind::Clock, after);
    }
    let mut length = first;
    // A full-width comma between digits may group them or part two clauses, so the whole becomes a number that
    // nothing reads.
    while mark(length, &[',', '.', '，']).is_some() && 0 < digits(length.saturating_add(1)) {
        length = length.saturating_add(1).saturating_add(digits(length.saturating_add(1)));
    }
    (TokenKind::Digits, length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_are_what_a_reader_sees() {
        for (text, expected) in [
            ("at most 20 yuan.", "at|most|20|yuan|."),
            ("Don’t buy red-eye, G7311", "don't|buy|red-eye|,|g7311"),
            ("1,000.50元，¥２０", "1,000.50|元|，|¥|20"),
            ("1，200元", "1，200|元"),
            ("2026-12-01 to 2026/12/3 18:30", "2026-12-01|to|2026-12-3|18:30"),
            ("from \"每日优鲜\" and 「天天」", "from|每日优鲜|and|天天"),
            ("1.5k 24h US$20 50%", "1.5|k|24|h|us|$|20|50|%"),
            ("12/01 10-20", "12|/|01|10|-|20"),
            ("①②", "①|②"),
            ("RMB20 at .5", "rmb|20|at|.5"),
        ] {
            let texts: Vec<String> = lex(text, 0).into_iter().map(|token| token.text).collect();
            assert_eq!(texts.join("|"), expected, "{text}");
        }
    }

    #[test]
    fn spans_are_where_the_pieces_stand() {
        let text = "只在“瑞幸”买 20元";
        let back: Vec<&str> =
            lex(text, 0).iter().map(|token| text.get(token.span.from..token.span.to).unwrap()).collect();
        assert_eq!(back, ["只", "在", "“瑞幸”", "买", "20", "元"]);
    }
}
