//! The words of the pages: every text in every language, with the same places for values in it, and no text that is
//! missing or that nobody asks for.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Map, Value};

use super::{Browser, Language, Screen};
use crate::harness::Andon;

/// The catalogs as the page's own modules give them when every language was chosen once: `{he: {key: text or forms}, …}`.
const CATALOGS: &str = "
    const i18n = await import('/assets/shared/i18n.js');
    for (const words of arguments[0]) await import(words);
    for (const code of arguments[1]) {
        i18n.setLang(code);
        while (i18n.lang.value !== code) await new Promise((resolve) => setTimeout(resolve, 20));
    }
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
    let catalogs = browser
        .async_script(CATALOGS, vec![serde_json::json!(WORDS), serde_json::json!(Language::ALL.map(Language::code))])
        .await;

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

/// What a script asks for: a key, or keys that it puts together from these pieces and what stands between them.
#[derive(Debug, PartialEq, Eq)]
struct Asked(Vec<String>);

impl Asked {
    fn of(text: &str) -> Self {
        let mut pieces = text.split("${");
        let first = pieces.next().unwrap_or_default().to_owned();
        // What is put in may hold braces of its own; none that we have does.
        let others = pieces.map(|piece| piece.split_once('}').map_or("", |(_, rest)| rest).to_owned());
        Self(std::iter::once(first).chain(others).collect())
    }

    fn fits(&self, key: &str) -> bool {
        let [first, others @ ..] = &self.0[..] else { return false };
        key.strip_prefix(first.as_str()).is_some_and(|rest| follows(rest, others))
    }
}

/// Whether `rest` is made of these pieces, each after at least one character other than a dot.
fn follows(rest: &str, pieces: &[String]) -> bool {
    let [piece, others @ ..] = pieces else { return rest.is_empty() };
    let middles = rest.char_indices().take_while(|(_, c)| *c != '.').map(|(at, c)| at + c.len_utf8());
    middles.into_iter().any(|end| rest[end..].strip_prefix(piece.as_str()).is_some_and(|rest| follows(rest, others)))
}

/// The lines of a script that are no comments.
fn code(script: &str) -> String {
    let is_comment = |line: &&str| ["//", "/*", "*"].iter().any(|mark| line.trim_start().starts_with(mark));
    script.lines().filter(|line| !is_comment(line)).map(|line| format!("{line}\n")).collect()
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
            Some(Asked::of(rest[1..].split_once(quote)?.0))
        })
        .collect()
}

/// Every text that looks like keys being put together, wherever it goes: `` `page.part.${}` ``.
fn put_together(script: &str) -> Vec<Asked> {
    let texts = script.split('`').filter(|text| {
        let start = text.split("${").next().unwrap_or_default();
        text.contains("${")
            && start.contains('.')
            && start.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'))
    });
    texts.map(Asked::of).collect()
}

/// The text of every script of the pages that holds no words itself.
fn scripts() -> Vec<(String, String)> {
    fn gather(directory: &Path, into: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(directory).expect("a readable directory") {
            let path = entry.expect("a readable entry").path();
            if path.is_dir() && !path.ends_with("vendor") && !path.ends_with("i18n") {
                gather(&path, into);
            } else if path.extension().is_some_and(|extension| extension == "js") {
                into.push((path.display().to_string(), code(&std::fs::read_to_string(&path).expect("text"))));
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
    let mut wanted = Vec::new();
    for (path, script) in scripts {
        for asked in asked(script) {
            if !catalog.keys().any(|key| asked.fits(key)) {
                wrong.push(format!("{path} asks for {asked:?}"));
            }
            wanted.push(asked);
        }
        wanted.extend(put_together(script));
    }
    // A key may also be handed on as a text of its own.
    let named = |key: &str| scripts.iter().any(|(_, script)| script.contains(&format!("'{key}'")));
    let is_used = |key: &str| wanted.iter().any(|asked| asked.fits(key)) || named(key);
    wrong.extend(catalog.keys().filter(|key| !is_used(key)).map(|key| format!("nobody asks for {key}")));
    wrong
}

#[test]
fn what_scripts_ask_for_is_found() {
    let script = code(
        "// t('no')\nhtml`${t('a.b', {n: 1})} ${t(`a.${x}.c`)}`;\n /** t('no') */ set('no'); this.t('no'); t(key);\n\
         const key = `p.${code}`;",
    );
    assert_eq!(asked(&script), [Asked::of("a.b"), Asked::of("a.${}.c")]);
    assert_eq!(put_together(&script), [Asked::of("a.${}.c"), Asked::of("p.${}")]);
    for (fits, asked, key) in [
        (true, "a.${}.c", "a.b.c"),
        (true, "a.${}.${}", "a.b.c"),
        (true, "a.b_${}", "a.b_c"),
        (false, "a.${}", "a.b.c"),
        (false, "a.${}", "a."),
        (false, "a.b", "a.b.c"),
    ] {
        assert_eq!(Asked::of(asked).fits(key), fits, "{asked} {key}");
    }
    let catalog = serde_json::json!({"a.b": "", "a.x.c": "", "p.x": "", "of.a.list": "", "nobody": ""});
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
