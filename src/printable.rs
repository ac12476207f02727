//! Text from people on its way to a terminal: nothing in it may move the cursor, change colours, or turn the line
//! around.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with everything that a terminal would act upon, or that hides, spelled out: `\n`, `\u{1b}`, `\u{202e}`. A
/// backslash is doubled, so that what was spelled out is told from what somebody wrote.
pub fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(|character| character == '\\' || is_active(character)) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            '\t' => shown.push_str("\\t"),
            '\\' => shown.push_str("\\\\"),
            active if is_active(active) => shown.extend(active.escape_unicode()),
            plain => shown.push(plain),
        }
    }
    Cow::Owned(shown)
}

/// JSON text that means the same, with the same characters spelled out: outside of strings JSON has none of them.
pub fn printable_json(json: String) -> String {
    if !json.contains(is_active) {
        return json;
    }
    let mut shown = String::with_capacity(json.len() + 8);
    for character in json.chars() {
        if is_active(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _written = write!(shown, "\\u{unit:04x}");
            }
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Control characters (C0, DEL, C1), line and paragraph separators, marks that set the direction of text, and
/// characters that have no shape of their own: tags, interlinear marks, the byte order mark.
fn is_active(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_upon_is_spelled_out() {
        for (text, shown) in [
            ("a\u{1b}[2Jb", "a\\u{1b}[2Jb"),
            ("a\u{9b}31mb", "a\\u{9b}31mb"),
            ("two\r\nlines\t", "two\\r\\nlines\\t"),
            ("\u{202e}txt.exe", "\\u{202e}txt.exe"),
            ("\u{2066}x\u{2069}\u{200f}", "\\u{2066}x\\u{2069}\\u{200f}"),
            ("\u{7f}\0", "\\u{7f}\\u{0}"),
            ("back\\slash", "back\\\\slash"),
            ("\u{e0041}", "\\u{e0041}"),
        ] {
            assert_eq!(printable(text), shown, "{text:?}");
        }
    }

    #[test]
    fn ordinary_text_of_any_script_stays_and_is_not_copied() {
        for text in ["Noa Levi", "נועה לוי", "Мария", "50 % (off‑cut)", "👩‍🏭"] {
            assert!(matches!(printable(text), Cow::Borrowed(same) if same == text), "{text}");
        }
    }

    #[test]
    fn json_means_the_same_afterwards() {
        let value = serde_json::json!({"note": "a\u{1b}\u{9b}\u{202e}\u{e0041}\u{2028}\\ \"b\" ж"});
        let shown = printable_json(value.to_string());
        assert!(!shown.contains(is_active), "{shown}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown).expect("JSON"), value);
    }

    proptest::proptest! {
        #[test]
        fn nothing_active_ever_gets_through(text in "\\PC{0,8}[\\x00-\\x1f\u{80}-\u{9f}\u{202a}-\u{202e}]{0,4}\\PC{0,8}") {
            proptest::prop_assert!(!printable(&text).contains(is_active));
            let json = printable_json(serde_json::Value::from(text).to_string());
            proptest::prop_assert!(!json.contains(is_active));
        }
    }
}
