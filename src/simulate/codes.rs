//! Worker codes as they are given on the command line: `1001-1010,2001`.

use std::str::FromStr;

/// More workers than this is a load test: `andon bench` is made for it.
const CODES_MAX: usize = 10_000;

/// At least one code, in the order given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes(Vec<String>);

/// The text names no codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("codes separated by commas, ranges of numbers with a dash: 1001-1010,2001 (at most {CODES_MAX})")]
pub struct NotCodes;

impl Codes {
    /// The codes.
    pub fn into_inner(self) -> Vec<String> {
        self.0
    }
}

impl FromStr for Codes {
    type Err = NotCodes;

    fn from_str(text: &str) -> Result<Self, NotCodes> {
        let mut codes = Vec::new();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            match part.split_once('-').and_then(range) {
                Some((first, last, width)) if first <= last && last - first < CODES_MAX as u64 => {
                    codes.extend((first..=last).map(|code| format!("{code:0width$}")));
                }
                Some(_) => return Err(NotCodes),
                None => codes.push(part.to_owned()),
            }
        }
        if (1..=CODES_MAX).contains(&codes.len()) { Ok(Self(codes)) } else { Err(NotCodes) }
    }
}

/// Two numbers, and how many digits the first one is written with.
fn range((first, last): (&str, &str)) -> Option<(u64, u64, usize)> {
    let number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten();
    Some((number(first)?, number(last)?, first.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_single_or_ranges() {
        let codes = |text: &str| text.parse().map(Codes::into_inner);
        assert_eq!(codes("1001-1003, 2001"), Ok(["1001", "1002", "1003", "2001"].map(str::to_owned).into()));
        assert_eq!(codes("008-010"), Ok(["008", "009", "010"].map(str::to_owned).into()));
        assert_eq!(codes("night-shift"), Ok(vec!["night-shift".to_owned()]));
    }

    #[test]
    fn nothing_backwards_and_nothing_endless() {
        for text in ["", " , ", "9-1", "0-99999999999", "1-10001", "1-9999,1-9999"] {
            assert_eq!(text.parse::<Codes>(), Err(NotCodes), "{text:?}");
        }
    }
}
