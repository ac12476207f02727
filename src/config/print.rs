//! `andon config`: every setting as it stands, where it comes from, and no secret.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use super::keys::{self, Key};
use super::layers::Layers;

/// What stands for a secret.
const HIDDEN: &str = "(hidden)";

/// Prints the configuration as it stands on all layers, whether it is valid or not. `flags` holds what stands on the
/// command line, `file` is `--config`.
pub fn print(flags: BTreeMap<&'static str, String>, file: Option<PathBuf>) -> String {
    let layers = Layers::gather(flags, file, std::env::vars_os());
    let problems = layers.problems.iter().chain(&layers.warnings);
    let problems: String = problems.map(|line| format!("# {line}\n")).collect();
    problems + &list(&layers)
}

/// Lists every setting, one a line, as `name = value  # source`: valid TOML, so that it can be kept as a file.
/// Values that are wrong are printed as they stand.
pub(super) fn list(layers: &Layers) -> String {
    let mut out = String::new();
    for key in keys::ALL {
        let line = match layers.find(key) {
            Ok(Some(found)) => {
                let shown = show(key, &found.text);
                format!("{:<24} = {shown:<34} # {}", key.name, found.source)
            }
            Ok(None) => format!("# {:<22} {:<36} # not set: {}", key.name, "", key.help),
            Err(problem) => format!("# {problem}"),
        };
        let _infallible = writeln!(out, "{}", line.trim_end());
    }
    out
}

fn show(key: &Key, text: &str) -> String {
    let shown = if key.secret { hide(text) } else { text.into() };
    toml::Value::String(shown).to_string()
}

/// Hides a secret, but keeps what helps to see which server an address names.
fn hide(text: &str) -> String {
    let Ok(mut url) = url::Url::parse(text) else {
        return HIDDEN.into();
    };
    if url.host().is_none() {
        return HIDDEN.into();
    }
    let hidden = url.password().is_none() || url.set_password(Some("***")).is_ok();
    url.set_query(None);
    if hidden { url.into() } else { HIDDEN.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_keeps_its_host_and_loses_its_password() {
        let shown = hide("postgres://andon:swordfish@db.example/andon?password=swordfish");
        assert_eq!(shown, "postgres://andon:***@db.example/andon");
    }

    #[test]
    fn anything_else_is_hidden_whole() {
        assert_eq!(hide("swordfish"), HIDDEN);
        assert_eq!(hide("mailto:swordfish"), HIDDEN);
    }
}
