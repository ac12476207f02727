//! Values of a TOML table with the lines they stand on, and what is wrong with them.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::BadRow;

/// Where lines begin, and the problems found so far.
pub(super) struct Page {
    starts: Vec<usize>,
    pub(super) problems: Vec<BadRow>,
}

impl Page {
    pub(super) fn new(text: &str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { starts, problems: Vec::new() }
    }

    /// The line, from 1, that this byte stands on.
    pub(super) fn line(&self, at: usize) -> usize {
        self.starts.partition_point(|start| *start <= at)
    }

    pub(super) fn bad(&mut self, span: &Range<usize>, problem: impl Into<String>) {
        let line = self.line(span.start);
        self.problems.push(BadRow { line, problem: problem.into() });
    }

    /// The tables of `[[name]]`, each with its place.
    pub(super) fn rows<'t, 'i>(&mut self, table: &'t DeTable<'i>, name: &str) -> Vec<(&'t DeTable<'i>, Range<usize>)> {
        let Some((_, value)) = find(table, name) else { return Vec::new() };
        let DeValue::Array(values) = value.get_ref() else {
            self.bad(&value.span(), format!("write [[{name}]] above each {name}"));
            return Vec::new();
        };
        let mut rows = Vec::new();
        for value in values.iter() {
            match value.get_ref() {
                DeValue::Table(row) => rows.push((row, value.span())),
                other => self.bad(&value.span(), format!("{name} must be a table, not {}", other.type_str())),
            }
        }
        rows
    }
}

/// One table being read: each key is asked for once, and what nobody asked for is a mistake.
pub(super) struct Fields<'p, 't, 'i> {
    page: &'p mut Page,
    table: &'t DeTable<'i>,
    span: Range<usize>,
    asked: Vec<&'static str>,
}

impl<'p, 't, 'i> Fields<'p, 't, 'i> {
    pub(super) fn new(page: &'p mut Page, table: &'t DeTable<'i>, span: Range<usize>) -> Self {
        Self { page, table, span, asked: Vec::new() }
    }

    pub(super) fn page(&mut self) -> &mut Page {
        self.page
    }

    fn value(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.asked.push(key);
        find(self.table, key).map(|(_, value)| value)
    }

    fn mistyped(&mut self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        let problem = format!("{key} must be {wanted}, not {}", value.get_ref().type_str());
        self.page.bad(&value.span(), problem);
    }

    /// A problem with the value of this key, or with the row when the key is absent.
    pub(super) fn bad(&mut self, key: &str, problem: impl Into<String>) {
        let span = find(self.table, key).map_or_else(|| self.span.clone(), |(_, value)| value.span());
        self.page.bad(&span, problem);
    }

    /// Trimmed text; blank equals absent.
    pub(super) fn text(&mut self, key: &'static str) -> Option<String> {
        let value = self.value(key)?;
        match value.get_ref().as_str() {
            Some(text) => bus_schemas::text::present(text).map(str::to_owned),
            None => {
                self.mistyped(key, "text", value);
                None
            }
        }
    }

    pub(super) fn needed_text(&mut self, key: &'static str) -> Option<String> {
        let problems = self.page.problems.len();
        let text = self.text(key);
        if text.is_none() && self.page.problems.len() == problems {
            self.bad(key, format!("{key} is missing"));
        }
        text
    }

    pub(super) fn flag(&mut self, key: &'static str, otherwise: bool) -> bool {
        let Some(value) = self.value(key) else { return otherwise };
        value.get_ref().as_bool().unwrap_or_else(|| {
            self.mistyped(key, "true or false", value);
            otherwise
        })
    }

    pub(super) fn whole(&mut self, key: &'static str) -> Option<i64> {
        let value = self.value(key)?;
        let Some(number) = value.get_ref().as_integer() else {
            self.mistyped(key, "a whole number", value);
            return None;
        };
        let read = i64::from_str_radix(number.as_str(), number.radix()).ok();
        if read.is_none() {
            self.page.bad(&value.span(), format!("{key} is too large"));
        }
        read
    }

    pub(super) fn texts(&mut self, key: &'static str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(values) = value.get_ref().as_array() else {
            self.mistyped(key, "a list of texts", value);
            return Vec::new();
        };
        let mut texts = Vec::new();
        for value in values.iter() {
            match value.get_ref().as_str() {
                Some(text) => texts.push(text.trim().to_owned()),
                None => self.mistyped(key, "a list of texts", value),
            }
        }
        texts
    }

    /// One of the names of an enum, as its records write it.
    pub(super) fn one_of<T: serde::de::DeserializeOwned>(
        &mut self,
        key: &'static str,
        names: &str,
        otherwise: Option<T>,
    ) -> Option<T> {
        let text = match otherwise {
            Some(_) => self.text(key),
            None => self.needed_text(key),
        };
        let Some(text) = text else { return otherwise };
        let read = serde_json::from_value(serde_json::Value::String(text.clone())).ok();
        if read.is_none() {
            self.bad(key, format!("{key} {text:?} is none of {names}"));
        }
        read
    }

    pub(super) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&mut self, key: &'static str) -> Option<T> {
        let text = self.text(key)?;
        match text.parse() {
            Ok(parsed) => Some(parsed),
            Err(error) => {
                self.bad(key, format!("{key} {text:?}: {error}"));
                None
            }
        }
    }

    /// The inner `[[rows]]` of this table.
    pub(super) fn rows(&mut self, key: &'static str) -> Vec<(&'t DeTable<'i>, Range<usize>)> {
        self.asked.push(key);
        self.page.rows(self.table, key)
    }

    /// Ends the reading: keys nobody asked for are mistakes, most often typing mistakes.
    pub(super) fn end(self) {
        for (key, _) in self.table.iter() {
            if !self.asked.contains(&key.get_ref().as_ref()) {
                let problem = format!("{:?} is not known here; known are {}", key.get_ref(), self.asked.join(", "));
                self.page.bad(&key.span(), problem);
            }
        }
    }
}

fn find<'t, 'i>(
    table: &'t DeTable<'i>,
    name: &str,
) -> Option<(&'t Spanned<std::borrow::Cow<'i, str>>, &'t Spanned<DeValue<'i>>)> {
    table.iter().find(|(key, _)| key.get_ref() == name)
}
