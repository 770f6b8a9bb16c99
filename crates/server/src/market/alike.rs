//! Names that look alike: what a buyer would take for another seller's service.

use crate::limits::SERVICE_ALIKE_LETTERS_MIN;
use unicode_security::skeleton;

/// What a name looks like: small letters, without what stands between them, each as the plainest letter that looks so.
pub(super) fn look(name: &str) -> String {
    let letters: String = name.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let plain: String = skeleton(&letters.to_lowercase()).collect();
    // Once more: a skeleton's letters may be capital.
    plain.to_lowercase().replace('0', "o").replace('1', "l").replace("rn", "m")
}

/// Whether two looks are the same, or are long and differ by one letter only.
pub(super) fn are_alike(one: &str, other: &str) -> bool {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let shorter = one.len().min(other.len());
    one == other || SERVICE_ALIKE_LETTERS_MIN <= shorter && are_one_letter_apart(&one, &other)
}

/// One letter more, less, or another; or two neighbours in each other's place.
fn are_one_letter_apart(one: &[char], other: &[char]) -> bool {
    if one.len().abs_diff(other.len()) > 1 {
        return false;
    }
    let same_before = one.iter().zip(other).take_while(|(a, b)| a == b).count();
    let (one, other) =
        (one.get(same_before..).unwrap_or_default(), other.get(same_before..).unwrap_or_default());
    match (one, other) {
        ([a, b, one @ ..], [c, d, other @ ..]) if one.len() == other.len() && (a, b) == (d, c) => {
            one == other
        }
        ([_, one @ ..], [_, other @ ..]) if one.len() == other.len() => one == other,
        ([_, one @ ..], other) if one.len() == other.len() => one == other,
        (one, [_, other @ ..]) if one.len() == other.len() => one == other,
        (one, other) => one.is_empty() && other.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_the_same_is_alike() {
        for (one, other, expected) in [
            ("Wen's Maps", "wens-maps", true),
            ("paypal", "pаypal", true), // the second a is Cyrillic
            ("alipay-pay", "a1ipay-pay", true),
            ("modern maps", "modem maps", true),
            ("weather", "weathre", true),
            ("weather", "weathers", true),
            ("weather", "wether", true),
            ("weather", "feather", true),
            ("weather", "whether", false),
            ("maps", "mops", false), // too short for one letter to be a slip
            ("地图服务", "地图服务", true),
            ("weather", "wind", false),
            ("", "", true),
        ] {
            assert_eq!(are_alike(&look(one), &look(other)), expected, "{one} {other}");
            assert_eq!(are_alike(&look(other), &look(one)), expected, "{other} {one}");
        }
    }
}
