//! Text from people: what is allowed, and its one normal form.

use unicode_normalization::UnicodeNormalization;

use crate::limits::{IMAGE_URL_MAX_CHARS, JOB_NUMBER_MAX_CHARS};

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It has a control character (category Cc other than line feed and tab in notes).
    #[error("control characters are not allowed")]
    Control,
    /// It is longer than allowed.
    #[error("at most {0} characters are allowed")]
    TooLong(usize),
    /// It is empty or only white space.
    #[error("it must not be empty")]
    Blank,
    /// It is no image address that a page may show.
    #[error("an image address starts with https:// or with a single /")]
    NotAnImageUrl,
}

/// Trimmed text, or `None` when it is blank: null and blank text equal absent, everywhere.
#[must_use]
pub fn present(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty()).then_some(text)
}

/// A line of text: no control characters at all.
///
/// # Errors
/// A control character, or more than `max` characters.
pub fn check_line(text: &str, max: usize) -> Result<(), TextError> {
    check(text, max, |_| false)
}

/// A note: line feeds and tabs are allowed, other control characters are not.
///
/// # Errors
/// Another control character, or more than `max` characters.
pub fn check_note(text: &str, max: usize) -> Result<(), TextError> {
    check(text, max, |character| matches!(character, '\n' | '\t'))
}

fn check(text: &str, max: usize, allowed: impl Fn(char) -> bool) -> Result<(), TextError> {
    if text.chars().any(|character| character.is_control() && !allowed(character)) {
        return Err(TextError::Control);
    }
    // Bytes first: counting characters of a megabyte is work for nothing.
    if text.len() > max * 4 || text.chars().count() > max {
        return Err(TextError::TooLong(max));
    }
    Ok(())
}

/// The address of an image: `https:`, or relative to the site, and nothing that a browser would read as another site
/// (`//host`, `/\host`) or as a script.
///
/// # Errors
/// Another kind of address, white space or a control character, or too long.
pub fn check_image_url(text: &str) -> Result<(), TextError> {
    check_line(text, IMAGE_URL_MAX_CHARS)?;
    let https = text.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://")) && text.len() > 8;
    let on_site = text.starts_with('/') && !text.starts_with("//");
    let plain = !text.contains(|character: char| character.is_whitespace() || character == '\\');
    if plain && (https || on_site) { Ok(()) } else { Err(TextError::NotAnImageUrl) }
}

/// The normal form of a job number: trimmed and in Unicode NFC, so that what looks the same is the same job.
///
/// # Errors
/// Blank, too long, or a control character.
pub fn job_number(text: &str) -> Result<String, TextError> {
    let text = present(text).ok_or(TextError::Blank)?;
    check_line(text, JOB_NUMBER_MAX_CHARS)?;
    let normal: String = text.nfc().collect();
    // Composition can lengthen a few scripts.
    check_line(&normal, JOB_NUMBER_MAX_CHARS)?;
    Ok(normal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn job_numbers_that_look_the_same_are_the_same() {
        assert_eq!(job_number("  caf\u{65}\u{301}-7 ").unwrap(), "caf\u{e9}-7");
    }

    #[test]
    fn an_image_address_is_https_or_on_this_site() {
        for good in ["https://img.example/a.png", "HTTPS://img.example", "/uploads/a.png?x=1"] {
            assert_eq!(check_image_url(good), Ok(()), "{good}");
        }
        for bad in
            ["http://a", "https://", "javascript:alert(1)", "//a/b", "/\\a/b", "a.png", "", "https://a b", "data:,x"]
        {
            assert_eq!(check_image_url(bad), Err(TextError::NotAnImageUrl), "{bad}");
        }
        assert_eq!(check_image_url("/a\u{0}"), Err(TextError::Control));
        assert_eq!(check_image_url(&"/".repeat(2_001)), Err(TextError::TooLong(2_000)));
    }

    #[test]
    fn bad_text_is_refused_by_its_reason() {
        assert_eq!(job_number(" \u{a0} "), Err(TextError::Blank));
        assert_eq!(job_number("a\u{0}b"), Err(TextError::Control));
        assert_eq!(job_number("a\u{1b}[2Jb"), Err(TextError::Control));
        assert_eq!(job_number(&"9".repeat(65)), Err(TextError::TooLong(64)));
        assert_eq!(job_number(&"9".repeat(64)).unwrap().len(), 64);
        assert_eq!(check_note("two\nlines\tok", 20), Ok(()));
        assert_eq!(check_note("cr\rlf", 20), Err(TextError::Control));
        assert_eq!(check_line("two\nlines", 20), Err(TextError::Control));
    }
}
