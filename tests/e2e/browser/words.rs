//! The words of the pages: every text in every language, with the same places for values in it, and no text that is
//! missing or that nobody asks for.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Browser, Language, Screen};
use crate::harness::Andon;

/// The catalogs as the page's own modules give them, flat: `{he: {key: text or forms}, …}`.
const CATALOGS: &str = "
    const i18n = await import('/assets/shared/i18n.js');
    for (const words of arguments[0]) await import(words);
    return i18n.catalogs;";

/// Where each page registers its words.
const WORDS: [&str; 2] = ["/assets/worker/i18n.js", "/assets/admin/i18n.js"];

#[tokio::test]
async fn every_text_is_there_in_every_language() {
    // given
    let andon = Andon::up().await;
    let browser = Browser::at(&andon.place.http_url(), Screen::Desktop, Language::En).await;
    browser.go("/login").await;

    // when
    let catalogs = browser.async_script(CATALOGS, vec![serde_json::json!(WORDS)]).await;

    // then
    let english = catalogs["en"].as_object().expect("a catalog");
    assert!(english.len() > 100, "only {} texts were found", english.len());
    let mut wrong = Vec::new();
    for language in Language::ALL.map(Language::code) {
        let catalog = catalogs[language].as_object().expect("a catalog");
        wrong.extend(catalog.keys().filter(|key| !english.contains_key(*key)).map(|key| format!("en lacks {key}")));
        for (key, text) in english {
            match catalog.get(key) {
                None => wrong.push(format!("{language} lacks {key}")),
                Some(own) => wrong.extend(compared(language, key, text, own)),
            }
        }
    }
    wrong.extend(unmatched(english, &scripts()));
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    browser.close().await;
}

/// What is wrong with one text beside its English.
fn compared(language: &str, key: &str, english: &Value, own: &Value) -> Option<String> {
    let empty = forms(own).iter().any(|form| form.trim().is_empty());
    // A form for one may say the number in words; the form for all others says it.
    let told = |entry: &Value| forms(entry).last().map(|form| values(form).map(str::to_owned).collect::<BTreeSet<_>>());
    let plural = |entry: &Value| entry.is_object();
    if empty {
        Some(format!("{language} {key} is empty"))
    } else if told(english) != told(own) {
        Some(format!("{language} {key} has other values than in English: {own}"))
    } else if plural(own) && own["other"].as_str().is_none() {
        Some(format!("{language} {key} has no form for all other numbers: {own}"))
    } else if plural(own) && language == "ru" && !["one", "few", "many"].iter().all(|form| own[form].is_string()) {
        Some(format!("{language} {key} lacks a form that Russian needs: {own}"))
    } else {
        None
    }
}

/// Its texts, the one for all other numbers last.
fn forms(entry: &Value) -> Vec<&str> {
    match entry {
        Value::String(text) => vec![text],
        Value::Object(forms) => {
            let named = forms.iter().filter(|(name, _)| *name != "other").filter_map(|(_, form)| form.as_str());
            named.chain(forms.get("other").and_then(Value::as_str)).collect()
        }
        _ => vec![""],
    }
}

/// The names in braces.
fn values(text: &str) -> impl Iterator<Item = &str> {
    text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name)
}

/// What a script asks for: a key, or how the keys begin and end that it puts together.
#[derive(Debug, PartialEq, Eq)]
enum Asked {
    Key(String),
    Like(String, String),
}

impl Asked {
    fn fits(&self, key: &str) -> bool {
        match self {
            Self::Key(asked) => asked == key,
            Self::Like(start, end) => {
                let middle = key.strip_prefix(start.as_str()).and_then(|rest| rest.strip_suffix(end.as_str()));
                middle.is_some_and(|middle| !middle.is_empty() && !middle.contains('.'))
            }
        }
    }
}

/// Every `t('…')` and `` t(`…${}…`) `` of a script.
fn asked(script: &str) -> Vec<Asked> {
    let calls = script.match_indices("t(").filter(|(at, _)| {
        let before = script[..*at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '.'))
    });
    calls
        .filter_map(|(at, found)| {
            let rest = &script[at + found.len()..];
            let quote = rest.chars().next().filter(|c| matches!(c, '\'' | '`'))?;
            let (text, _) = rest[1..].split_once(quote)?;
            match (text.split_once("${"), text.rsplit_once('}')) {
                (Some((start, _)), Some((_, end))) => Some(Asked::Like(start.to_owned(), end.to_owned())),
                _ => Some(Asked::Key(text.to_owned())),
            }
        })
        .collect()
}

/// The text of every script of the pages that holds no words itself.
fn scripts() -> Vec<(String, String)> {
    fn gather(directory: &Path, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() && !path.ends_with("vendor") && !path.ends_with("i18n") {
                gather(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "js") {
                into.push((path.display().to_string(), std::fs::read_to_string(&path).expect("text")));
            }
        }
    }
    let mut scripts = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("gateway/web"), &mut scripts);
    scripts
}

/// What is wrong between the texts that there are and those that scripts ask for.
fn unmatched(catalog: &Map<String, Value>, scripts: &[(String, String)]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut patterns = Vec::new();
    for (path, script) in scripts {
        for asked in asked(script) {
            if !catalog.keys().any(|key| asked.fits(key)) {
                wrong.push(format!("{path} asks for {asked:?}"));
            }
            patterns.push(asked);
        }
    }
    // A key may also be handed on as a text of its own.
    let named = |key: &str| scripts.iter().any(|(_, script)| script.contains(&format!("'{key}'")));
    let is_used = |key: &str| patterns.iter().any(|asked| asked.fits(key)) || named(key);
    wrong.extend(catalog.keys().filter(|key| !is_used(key)).map(|key| format!("nobody asks for {key}")));
    wrong
}

#[test]
fn what_scripts_ask_for_is_found() {
    let key = |text: &str| Asked::Key(text.to_owned());
    let like = |start: &str, end: &str| Asked::Like(start.to_owned(), end.to_owned());
    let script = "html`${t('a.b', {n: 1})} ${t(`a.${x}.c`)}`; set('no'); this.t('no'); t(key);";
    assert_eq!(asked(script), [key("a.b"), like("a.", ".c")]);
    assert!(like("a.", ".c").fits("a.b.c") && !like("a.", "").fits("a.b.c") && !like("a.", "").fits("a."));
    let catalog = serde_json::json!({"a.b": "", "a.x.c": "", "of.a.list": "", "nobody": ""});
    let scripts = [("x.js".to_owned(), format!("{script} const KEYS = ['of.a.list'];"))];
    let catalog = catalog.as_object().expect("an object");
    assert_eq!(unmatched(catalog, &scripts), ["nobody asks for nobody"]);
    assert_eq!(unmatched(&Map::new(), &scripts).len(), 2);
}

#[test]
fn texts_that_differ_are_seen() {
    let of = |language, english: &str, own: Value| compared(language, "k", &Value::from(english), &own).is_some();
    assert!(!of("he", "left: {n}", "{n}".into()));
    assert!(of("he", "left: {n}", "left".into()));
    assert!(of("he", "left", " ".into()));
    assert!(of("ru", "{n} left", serde_json::json!({"one": "{n}", "other": "{n}"})));
    assert!(!of("ru", "{n} left", serde_json::json!({"one": "one", "few": "{n}", "many": "{n}", "other": "{n}"})));
    assert!(of("en", "{n} left", serde_json::json!({"one": "{n}"})));
}
