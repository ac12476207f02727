//! The durable consumers made for integrators, who may make none themselves: whoever may create a consumer can also
//! rewrite the filter of another's.

use std::time::Duration;

use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG};
use serde_json::{Value, json};

use crate::{Bus, NatsError, ReadError};

/// The name of the durable on each stream that integrators may read.
pub const INTEGRATOR: &str = "integrator";

const WITHIN: Duration = Duration::from_secs(5);

const DEFINITIONS: [(&str, &str); 2] = [
    (STREAM_LOG, include_str!("../consumers/ANDON.json")),
    (STREAM_DIRECTORY, include_str!("../consumers/ANDON_DIRECTORY.json")),
];

/// Makes them, or brings them back to their definition: a wider filter would show worker codes. Their positions stay.
///
/// # Errors
/// The server does not answer, there is no such stream, or a setting that cannot be changed differs.
pub async fn ensure(bus: &Bus, replicas: usize) -> Result<(), NatsError> {
    for (stream, definition) in DEFINITIONS {
        let mut config: Value = serde_json::from_str(definition).unwrap_or_default();
        config["num_replicas"] = json!(replicas);
        let body = json!({ "stream_name": stream, "config": config, "action": "" });
        let made: Result<Value, ReadError> =
            bus.api(&format!("CONSUMER.CREATE.{stream}.{INTEGRATOR}"), &body, WITHIN).await;
        made.map_err(|source| NatsError::Stream { stream: format!("{stream} (consumer {INTEGRATOR})"), source })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_filter_lets_a_code_or_a_revocation_through() {
        for (stream, definition) in DEFINITIONS {
            let config: Value = serde_json::from_str(definition).unwrap();
            assert_eq!((&config["name"], &config["durable_name"]), (&json!(INTEGRATOR), &json!(INTEGRATOR)));
            let filters = config["filter_subjects"].as_array().unwrap();
            assert!(!filters.is_empty(), "{stream}: no filter is every subject");
            for filter in filters.iter().map(|filter| filter.as_str().unwrap()) {
                let kind = filter.split('.').nth(3).unwrap();
                let wild = filter.contains("directory") && matches!(kind, "*" | ">" | "credential" | "revoked");
                assert!(!wild, "{stream}: {filter}");
            }
        }
    }
}
