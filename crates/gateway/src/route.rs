//! Which price a request has: its path is read once, in one way, and whatever servers read in several ways is refused.

use crate::limits::TARGET_BYTES_MAX;
use crate::pricing::Price;
use std::sync::Arc;

/// The path of a request, decoded once and cut at its slashes.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Path(Vec<String>);

/// Why a path is not routed at all: our reading of it might not be the upstream's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// It is not a path.
    #[error("the target is not a path that begins with a slash, or is too long")]
    NotAPath,
    /// A percent sign is not followed by two digits, or the bytes are not UTF-8.
    #[error("the path is not percent-encoded UTF-8")]
    Encoding,
    /// It has an empty segment.
    #[error("the path has two slashes in a row")]
    EmptySegment,
    /// It climbs.
    #[error("the path has a segment `.` or `..`")]
    DotSegment,
    /// It has a character, perhaps encoded, that servers cut paths at.
    #[error("the path has a backslash, an encoded slash, a semicolon or a control character")]
    Ambiguous,
}

impl Path {
    /// Reads a path. One slash at the end makes no difference.
    pub(crate) fn read(text: &str) -> Result<Path, PathFault> {
        let rest = text.strip_prefix('/').ok_or(PathFault::NotAPath)?;
        if TARGET_BYTES_MAX < text.len() {
            return Err(PathFault::NotAPath);
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.is_empty() {
            return if text.len() <= 1 { Ok(Path(Vec::new())) } else { Err(PathFault::EmptySegment) };
        }
        rest.split('/').map(segment).collect::<Result<_, _>>().map(Path)
    }
}

fn segment(text: &str) -> Result<String, PathFault> {
    if text.is_empty() {
        return Err(PathFault::EmptySegment);
    }
    let decoded = decode(text)?;
    if decoded == "." || decoded == ".." {
        return Err(PathFault::DotSegment);
    }
    let lower = decoded.to_ascii_lowercase();
    // What is still encoded after decoding once is meant for whoever decodes twice.
    let twice = ["%2e", "%2f", "%5c", "%3b", "%00"].iter().any(|code| lower.contains(code));
    if twice || decoded.chars().any(|c| c.is_control() || matches!(c, '/' | '\\' | ';')) {
        return Err(PathFault::Ambiguous);
    }
    Ok(decoded)
}

fn decode(text: &str) -> Result<String, PathFault> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let mut digit = || {
            let byte = rest.next().ok_or(PathFault::Encoding)?;
            char::from(byte).to_digit(16).ok_or(PathFault::Encoding)
        };
        let value = digit()? * 16 + digit()?;
        bytes.push(u8::try_from(value).map_err(|_| PathFault::Encoding)?);
    }
    String::from_utf8(bytes).map_err(|_| PathFault::Encoding)
}

/// One segment of a pattern, the most particular kind first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Literal(String),
    Any,
}

/// The paths a route is for: `/a/b`, `/a/{id}`, or `/a/*` for `/a` and everything below.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    parts: Vec<Part>,
    below: bool,
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// A sentence that says what is wrong.
    pub fn parse(text: &str) -> Result<Pattern, String> {
        let (exact, below) = match text.strip_suffix("/*") {
            Some("") => ("/", true),
            Some(above) => (above, true),
            None => (text, false),
        };
        let path = Path::read(exact).map_err(|fault| format!("`{text}`: {fault}"))?;
        let mut parts = Vec::new();
        for segment in path.0 {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            if name.is_none() && segment.contains(['{', '}', '*']) {
                return Err(format!(
                    "`{text}`: `{segment}` is neither a text nor `{{name}}`, and `*` stands alone at the end"
                ));
            }
            parts.push(if name.is_some() { Part::Any } else { Part::Literal(segment) });
        }
        Ok(Pattern { text: text.to_owned(), parts, below })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern is for this path, letters of any case: no upstream that ignores case gives anything away.
    fn fits(&self, path: &Path) -> bool {
        let Path(segments) = path;
        let length_fits =
            segments.len() == self.parts.len() || (self.below && self.parts.len() < segments.len());
        length_fits
            && self.parts.iter().zip(segments).all(|(part, segment)| match part {
                Part::Literal(text) => text.to_lowercase() == segment.to_lowercase(),
                Part::Any => true,
            })
    }

    fn fits_exactly(&self, path: &Path) -> bool {
        let Path(segments) = path;
        self.fits(path)
            && self.parts.iter().zip(segments).all(|(part, segment)| match part {
                Part::Literal(text) => text == segment,
                Part::Any => true,
            })
    }

    /// Smaller is more particular: literals before names, longer before shorter, exact before prefix.
    fn rank(&self) -> (Vec<u8>, bool) {
        let mut kinds: Vec<u8> = self.parts.iter().map(|part| u8::from(*part == Part::Any)).collect();
        kinds.push(2);
        (kinds, self.below)
    }

    /// Whether two patterns are for the same paths.
    pub(crate) fn same_paths(&self, other: &Pattern) -> bool {
        let folded = |pattern: &Pattern| -> Vec<Option<String>> {
            let fold = |part: &Part| match part {
                Part::Literal(text) => Some(text.to_lowercase()),
                Part::Any => None,
            };
            pattern.parts.iter().map(fold).collect()
        };
        self.below == other.below && folded(self) == folded(other)
    }
}

/// A route that costs nothing.
#[derive(Clone, Debug)]
pub struct Free {
    /// In capitals; none for every method.
    pub method: Option<String>,
    /// Which paths.
    pub path: Pattern,
}

/// What happens to what no rule is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unpriced {
    /// It is not sold here.
    Refuse,
    /// It is passed on for nothing.
    Free,
}

/// The rules, and what they say about one request.
#[derive(Debug)]
pub struct Table {
    pub(crate) prices: Vec<Arc<Price>>,
    pub(crate) free: Vec<Free>,
    pub(crate) unpriced: Unpriced,
}

/// What a request has to expect.
#[derive(Debug)]
pub(crate) enum Route {
    /// It costs this.
    Priced(Arc<Price>),
    /// It would cost this as a `GET`: the price is shown, and nothing is ever settled.
    PriceOnly(Arc<Price>),
    /// It costs nothing.
    Free,
    /// Nobody sells it.
    Refused,
    /// The path is sold, by these methods.
    MethodRefused(Vec<String>),
}

impl Table {
    /// The route of a request. Where a price and a free route are equally particular, the price counts.
    pub(crate) fn route(&self, method: &str, path: &Path) -> Route {
        let price = |method: &str| {
            let fits = |price: &&Arc<Price>| price.method == method && price.path.fits(path);
            self.prices.iter().filter(fits).min_by_key(|price| price.path.rank())
        };
        let is_free = |free: &&Free| {
            free.method.as_deref().is_none_or(|free| free == method) && free.path.fits_exactly(path)
        };
        let free = self.free.iter().filter(is_free).map(|free| free.path.rank()).min();
        let shown = (method == "HEAD").then(|| price("GET")).flatten();
        match (price(method).or(shown), free) {
            (Some(price), Some(free)) if free < price.path.rank() => Route::Free,
            (Some(price), _) if price.method == method => Route::Priced(Arc::clone(price)),
            (Some(price), _) => Route::PriceOnly(Arc::clone(price)),
            (None, Some(_)) => Route::Free,
            (None, None) => self.unlisted(path),
        }
    }

    /// A path that is sold by other methods is not given away by this one.
    fn unlisted(&self, path: &Path) -> Route {
        let sold = self.prices.iter().filter(|price| price.path.fits(path));
        let mut methods: Vec<String> = sold.map(|price| price.method.clone()).collect();
        methods.sort_unstable();
        methods.dedup();
        match (methods.is_empty(), self.unpriced) {
            (false, _) => Route::MethodRefused(methods),
            (true, Unpriced::Refuse) => Route::Refused,
            (true, Unpriced::Free) => Route::Free,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_in_one_way_or_not_at_all() {
        use PathFault::{Ambiguous, DotSegment, EmptySegment, Encoding, NotAPath};
        for (text, expected) in [
            ("/", Ok(vec![])),
            ("/a/b", Ok(vec!["a", "b"])),
            ("/a/b/", Ok(vec!["a", "b"])),
            ("/%61/b", Ok(vec!["a", "b"])),
            ("/a%20b", Ok(vec!["a b"])),
            ("/100%25", Ok(vec!["100%"])),
            ("", Err(NotAPath)),
            ("*", Err(NotAPath)),
            ("a", Err(NotAPath)),
            ("//", Err(EmptySegment)),
            ("//a", Err(EmptySegment)),
            ("/a//b", Err(EmptySegment)),
            ("/a//", Err(EmptySegment)),
            ("/./a", Err(DotSegment)),
            ("/a/../b", Err(DotSegment)),
            ("/a/%2e%2E/b", Err(DotSegment)),
            ("/a/.%2e", Err(DotSegment)),
            ("/a%2fb", Err(Ambiguous)),
            ("/a%5Cb", Err(Ambiguous)),
            ("/a\\b", Err(Ambiguous)),
            ("/a%252fb", Err(Ambiguous)),
            ("/a/%252e%252e/b", Err(Ambiguous)),
            ("/a;x=1", Err(Ambiguous)),
            ("/a%3bx", Err(Ambiguous)),
            ("/a%00", Err(Ambiguous)),
            ("/a%0a", Err(Ambiguous)),
            ("/a%", Err(Encoding)),
            ("/a%2", Err(Encoding)),
            ("/a%zz", Err(Encoding)),
            ("/a%ff", Err(Encoding)),
            ("/a%+1", Err(Encoding)),
        ] {
            let read = Path::read(text);
            let expected = expected.map(|parts| Path(parts.into_iter().map(str::to_owned).collect()));
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_pattern_is_for_its_paths_and_no_other() {
        for (pattern, path, fits) in [
            ("/a", "/a", true),
            ("/a", "/a/", true),
            ("/a", "/A", true),
            ("/a", "/a/b", false),
            ("/a", "/ab", false),
            ("/a/{id}", "/a/7", true),
            ("/a/{id}", "/a", false),
            ("/a/{id}", "/a/7/b", false),
            ("/a/{id}/b", "/a/7/b", true),
            ("/a/*", "/a", true),
            ("/a/*", "/a/b/c", true),
            ("/a/*", "/ab", false),
            ("/*", "/", true),
            ("/*", "/x/y", true),
            ("/", "/x", false),
        ] {
            let parsed = Pattern::parse(pattern).unwrap();
            assert_eq!(parsed.fits(&Path::read(path).unwrap()), fits, "{pattern} {path}");
        }
        for pattern in ["", "a", "/a/*/b", "/a*", "/{a}b", "/a//b", "/../a", "/a%2fb"] {
            assert!(Pattern::parse(pattern).is_err(), "{pattern}");
        }
    }
}
