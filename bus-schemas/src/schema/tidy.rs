//! What the generator does not know: how bytes are written on the wire, and that descriptions are read outside of Rust.

use serde_json::{Value, json};

/// Makes a generated schema one for readers in other languages.
pub fn tidy(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.get("format") == Some(&json!("uuid")) {
                fields.insert("x-msgpack".to_owned(), json!("bin of 16 bytes"));
            }
            for (name, value) in fields.iter_mut() {
                match value {
                    Value::String(text) if name == "description" => *text = plain(text),
                    value => tidy(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(tidy),
        _ => {}
    }
}

/// Without links into the documentation of Rust, and without line breaks inside a paragraph.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        let Some((words, after)) = link.split_once(']') else {
            plain.push('[');
            rest = link;
            continue;
        };
        // An interval, `[a, b)`, may stand in code; a link in a document of ours names an item.
        let target = after.strip_prefix('(').and_then(|target| target.split_once(')'));
        match target {
            Some((path, after)) if path.contains("::") => {
                plain.push_str(words);
                rest = after;
            }
            _ if words.starts_with('`') && words.ends_with('`') => {
                plain.push_str(words);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain.push_str(rest);
    plain.split("\n\n").map(|paragraph| paragraph.replace('\n', " ")).collect::<Vec<_>>().join("\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_into_rust_become_words() {
        assert_eq!(plain("In [normal form](crate::text::job_number)."), "In normal form.");
        assert_eq!(plain("asks for a [`HeartbeatAck`].\nNow"), "asks for a `HeartbeatAck`. Now");
        assert_eq!(
            plain("one interval: `[started_at_us, ended_at_us)`."),
            "one interval: `[started_at_us, ended_at_us)`."
        );
        assert_eq!(plain("One\ntwo.\n\nThree [of"), "One two.\n\nThree [of");
    }
}
