//! The words of the pages: every text in every language, with the same places for values in it.

use std::collections::BTreeSet;

use serde_json::Value;

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
