//! The four layers a value can come from, laid over each other: flags, environment, `andon.toml`, defaults.
//!
//! Values stay text until `config.rs` parses them. Figment's own environment provider guesses types, and so would
//! turn the password `007` into the number 7.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use figment::providers::{Format, Toml};
use figment::value::{Dict, Map, Value};
use figment::{Figment, Metadata, Profile, Provider};

use super::keys::{self, CONFIG_VARIABLE, Key};

/// The configuration file that is read when none is named.
const DEFAULT_FILE: &str = "andon.toml";

/// One setting as it stands after all layers, still text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The value as written; list items are joined by commas.
    pub text: String,
    /// Where it stands, for a person: `flag --http-addr`, `ANDON_HTTP_ADDR`, `andon.toml`, `default`.
    pub source: String,
}

/// All layers, and what is wrong with them as such.
#[derive(Debug)]
pub struct Layers {
    figment: Figment,
    /// Unknown names and unreadable files, one sentence each.
    pub problems: Vec<String>,
    /// What deserves a word but stops nothing.
    pub warnings: Vec<String>,
}

/// A layer of plain texts: the defaults, the environment or the flags.
struct Texts {
    name: &'static str,
    values: BTreeMap<&'static str, String>,
}

impl Provider for Texts {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> figment::Result<Map<Profile, Dict>> {
        let dict = self.values.iter().map(|(name, text)| ((*name).to_owned(), Value::from(text.clone()))).collect();
        Ok(Map::from([(Profile::Default, dict)]))
    }
}

const DEFAULTS: &str = "default";
const ENVIRONMENT: &str = "environment";
const FLAGS: &str = "flag";

impl Layers {
    /// Lays `flags` over `environment` over the file over the defaults. `file` is the path from `--config`.
    pub fn gather(
        flags: BTreeMap<&'static str, String>,
        file: Option<PathBuf>,
        environment: impl Iterator<Item = (OsString, OsString)>,
    ) -> Self {
        let mut problems = Vec::new();
        let mut warnings = Vec::new();
        let mut values = BTreeMap::new();
        let mut named_file = file;
        for (variable, value) in environment {
            let Some(variable) = variable.to_str().filter(|name| name.starts_with("ANDON_")) else {
                continue;
            };
            let Some(value) = value.to_str() else {
                problems.push(format!("{variable}: is not valid UTF-8"));
                continue;
            };
            if variable == CONFIG_VARIABLE {
                named_file.get_or_insert_with(|| PathBuf::from(value));
            } else if let Some(key) = keys::ALL.iter().find(|key| key.variable() == variable) {
                values.insert(key.name, value.to_owned());
            } else {
                warnings.push(format!("{variable} is set but is no setting of andon"));
            }
        }
        let toml = file_layer(named_file.as_deref(), &mut problems);
        let defaults = keys::ALL.iter().filter_map(|key| Some((key.name, key.default?.to_owned()))).collect();
        let mut figment = Figment::from(layer(DEFAULTS, defaults));
        if let Some(toml) = toml {
            figment = figment.merge(toml);
        }
        let figment = figment.merge(layer(ENVIRONMENT, values)).merge(layer(FLAGS, flags));
        Self { figment, problems, warnings }
    }

    /// The value of `key` after all layers, or `None` when no layer has it or it is blank.
    ///
    /// # Errors
    /// A sentence when the file holds something that cannot be one text, such as a table.
    pub fn find(&self, key: &Key) -> Result<Option<Found>, String> {
        let Ok(value) = self.figment.find_value(key.name) else {
            return Ok(None);
        };
        let source = self.source(key, &value);
        let text =
            as_text(&value).ok_or_else(|| format!("{} (from {source}): must be text, a number or a list", key.name))?;
        let text = text.trim().to_owned();
        Ok((!text.is_empty()).then_some(Found { text, source }))
    }

    fn source(&self, key: &Key, value: &Value) -> String {
        let metadata = self.figment.get_metadata(value.tag());
        match metadata.map(|metadata| metadata.name.as_ref()) {
            Some(FLAGS) => format!("flag --{}", key.flag()),
            Some(ENVIRONMENT) => key.variable(),
            Some(DEFAULTS) | None => DEFAULTS.to_owned(),
            Some(_) => metadata
                .and_then(|metadata| metadata.source.as_ref())
                .map_or_else(|| DEFAULT_FILE.to_owned(), ToString::to_string),
        }
    }
}

fn layer(name: &'static str, values: BTreeMap<&'static str, String>) -> Texts {
    Texts { name, values }
}

/// Reads the file, if there is one, and reports each name in it that is no setting: a typo would otherwise silently
/// leave the default in force.
fn file_layer(named: Option<&Path>, problems: &mut Vec<String>) -> Option<figment::providers::Data<Toml>> {
    let path = named.unwrap_or(Path::new(DEFAULT_FILE));
    if named.is_none() && !path.exists() {
        return None;
    }
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) => {
            problems.push(format!("{}: cannot be read: {error}", path.display()));
            return None;
        }
    };
    match toml::from_str::<toml::Table>(&text) {
        Ok(table) => {
            let unknown = table.keys().filter(|name| !keys::ALL.iter().any(|key| key.name == name.as_str()));
            problems.extend(
                unknown
                    .map(|name| format!("{name} (from {}): is no setting; `andon config` lists them", path.display())),
            );
            Some(Toml::file_exact(path))
        }
        Err(error) => {
            problems.push(format!("{}: is not valid TOML: {}", path.display(), error.message()));
            None
        }
    }
}

fn as_text(value: &Value) -> Option<String> {
    match value {
        Value::String(_, text) => Some(text.clone()),
        Value::Char(_, letter) => Some(letter.to_string()),
        Value::Bool(_, truth) => Some(truth.to_string()),
        Value::Num(_, _) => {
            let whole = value.to_i128().map(|n| n.to_string()).or_else(|| value.to_u128().map(|n| n.to_string()));
            whole.or_else(|| value.to_num()?.to_f64().map(|n| n.to_string()))
        }
        Value::Array(_, items) => {
            let items: Option<Vec<_>> = items.iter().map(as_text).collect();
            items.map(|items| items.join(","))
        }
        Value::Empty(..) | Value::Dict(..) => None,
    }
}
