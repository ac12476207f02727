//! What the process tells about itself: log lines on stderr, Prometheus metrics on an address of their own.

mod metrics;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::config::LogSettings;
pub use metrics::serve as serve_metrics;

/// Put before the person's own filter, which can override it: ractor opens an INFO span for every actor, and there
/// is one actor per active session. What async-nats says of its connection `andon_nats` says once more, with its role.
const QUIET: &str = "ractor=warn,async_nats=warn";

/// Checks a tracing filter without installing it.
///
/// # Errors
/// What it must be.
pub fn check_filter(text: &str) -> Result<String, String> {
    EnvFilter::builder()
        .parse(text)
        .map(|_| text.to_owned())
        .map_err(|error| format!("must be a tracing filter such as info,engine=debug: {error}"))
}

/// Whether the log format is JSON.
///
/// # Errors
/// What it must be.
pub fn is_json(text: &str) -> Result<bool, String> {
    match text {
        "json" => Ok(true),
        "text" => Ok(false),
        _ => Err("must be text or json".into()),
    }
}

/// Sends log lines to stderr from now on; stdout belongs to what a command was asked for.
///
/// # Errors
/// The filter cannot be parsed, or the process logs already.
pub fn init(settings: &LogSettings) -> anyhow::Result<()> {
    let filter = EnvFilter::builder().parse(format!("{QUIET},{}", settings.filter))?;
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_span_events(FmtSpan::NONE);
    let installed = if settings.json {
        lines.json().flatten_event(true).try_init()
    } else {
        let colours = std::io::IsTerminal::is_terminal(&std::io::stderr());
        lines.with_ansi(colours).try_init()
    };
    installed.map_err(anyhow::Error::from_boxed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_checked_before_anything_starts() {
        assert!(check_filter("info,engine=debug").is_ok());
        assert!(check_filter("engine=loud").is_err());
    }

    #[test]
    fn only_two_formats_exist() {
        assert_eq!(is_json("json"), Ok(true));
        assert!(is_json("xml").is_err());
    }
}
