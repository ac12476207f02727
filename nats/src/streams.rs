//! The streams: made from the definitions in `nats/streams`, and checked before anybody trusts them.

use std::time::Duration;

use bus_schemas::subject::{STREAM_DIRECTORY, STREAM_LOG, STREAM_SEEN};
use serde_json::{Value, json};

use crate::{Bus, NatsConfig, NatsError, ReadError, StreamFacts, server::Unfit};

const WITHIN: Duration = Duration::from_secs(5);
/// Share of the storage still free that the log may take, in percent, when nobody says how much.
const LOG_SHARE_PERCENT: u64 = 80;
/// The log when the server does not say what it may store: a test server's.
const LOG_BYTES_UNKNOWN: u64 = 1 << 30;

const DEFINITIONS: [(&str, &str); 3] = [
    (STREAM_LOG, include_str!("../streams/ANDON.json")),
    (STREAM_DIRECTORY, include_str!("../streams/ANDON_DIRECTORY.json")),
    (STREAM_SEEN, include_str!("../streams/ANDON_SEEN.json")),
];

/// Makes the streams that are missing. Existing ones are left as they are: whoever runs them may have made them
/// larger; [`check`] tells what must not be.
///
/// # Errors
/// The server does not answer or refuses a definition.
pub async fn ensure(bus: &Bus, config: &NatsConfig) -> Result<(), NatsError> {
    for (stream, definition) in DEFINITIONS {
        match bus.stream_info(stream, WITHIN).await {
            Ok(_) => {}
            Err(error) if error.is_no_stream() => create(bus, config, stream, definition).await?,
            Err(source) => return Err(NatsError::Stream { stream: stream.to_owned(), source }),
        }
    }
    Ok(())
}

async fn create(bus: &Bus, config: &NatsConfig, stream: &str, definition: &str) -> Result<(), NatsError> {
    let mut body: Value = serde_json::from_str(definition).unwrap_or_default();
    body["num_replicas"] = json!(config.replicas);
    if stream == STREAM_LOG {
        body["max_bytes"] = json!(match config.log_max_bytes {
            Some(bytes) => bytes,
            None => free_bytes(bus).await * LOG_SHARE_PERCENT / 100,
        });
    }
    let made: Result<Value, ReadError> = bus.api(&format!("STREAM.CREATE.{stream}"), &body, WITHIN).await;
    match made {
        Ok(_) => tracing::info!(stream, max_bytes = %body["max_bytes"], "made a stream"),
        Err(ReadError::Refused { code, text }) => {
            return Err(NatsError::Definition { stream: stream.to_owned(), code, text });
        }
        Err(source) => return Err(NatsError::Stream { stream: stream.to_owned(), source }),
    }
    Ok(())
}

/// What the account may still store.
async fn free_bytes(bus: &Bus) -> u64 {
    let account: Result<Value, ReadError> = bus.api("INFO", &Value::Null, WITHIN).await;
    let Ok(account) = account else { return LOG_BYTES_UNKNOWN };
    let used = account["storage"].as_u64().unwrap_or(0);
    match account["limits"]["max_storage"].as_u64() {
        Some(limit) if limit > 0 => limit.saturating_sub(used),
        _ => LOG_BYTES_UNKNOWN,
    }
}

/// Refuses a log that could lose what it acknowledged, naming the setting: storage, `persist_mode`, discard, age
/// limit, replicas, single deletes; and one that has holes.
///
/// # Errors
/// See [`Unfit::Setting`] and [`Unfit::Damaged`]; or the stream cannot be read.
pub async fn check(bus: &Bus, config: &NatsConfig) -> Result<StreamFacts, NatsError> {
    let log = read(bus, STREAM_LOG).await?;
    let directory = read(bus, STREAM_DIRECTORY).await?;
    read(bus, STREAM_SEEN).await?;
    for (stream, facts) in [(STREAM_LOG, &log), (STREAM_DIRECTORY, &directory)] {
        check_settings(stream, &facts.config, config.replicas)?;
        check_whole(stream, facts)?;
    }
    Ok(log)
}

/// Nothing deletes single messages, and retention cuts a prefix: a hole is damage.
fn check_whole(stream: &str, facts: &StreamFacts) -> Result<(), Unfit> {
    let missing = facts.num_deleted.max(facts.lost_messages);
    if missing == 0 && facts.lost_bytes == 0 {
        return Ok(());
    }
    Err(Unfit::Damaged { stream: stream.to_owned(), missing, lost_bytes: facts.lost_bytes })
}

async fn read(bus: &Bus, stream: &str) -> Result<StreamFacts, NatsError> {
    bus.stream_info(stream, WITHIN).await.map_err(|source| NatsError::Stream { stream: stream.to_owned(), source })
}

fn check_settings(stream: &str, is: &Value, replicas: usize) -> Result<(), Unfit> {
    let wanted: [(&'static str, Value, Value); 9] = [
        // Setting, what it must be, what it is when the server leaves it out.
        ("storage", json!("file"), json!("file")),
        ("persist_mode", json!("default"), json!("default")),
        ("discard", json!("new"), json!("old")),
        ("max_age", json!(0), json!(0)),
        ("retention", json!("limits"), json!("limits")),
        ("max_msgs_per_subject", json!(-1), json!(-1)),
        ("deny_delete", json!(true), json!(false)),
        ("allow_atomic", json!(true), json!(false)),
        ("num_replicas", json!(replicas), json!(1)),
    ];
    for (setting, must, left_out) in wanted {
        let found = match is.get(setting) {
            None | Some(Value::Null) => left_out,
            Some(Value::String(text)) if text.is_empty() => left_out,
            Some(value) => value.clone(),
        };
        if found != must {
            return Err(Unfit::Setting {
                stream: stream.to_owned(),
                setting,
                must: must.to_string(),
                is: found.to_string(),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_definitions_pass_the_check() {
        for (stream, definition) in DEFINITIONS.iter().take(2) {
            let definition: Value = serde_json::from_str(definition).unwrap();
            assert_eq!(definition["name"], *stream);
            check_settings(stream, &definition, 1).unwrap();
        }
    }

    #[test]
    fn each_unsafe_setting_is_refused_by_name() {
        for (setting, value) in [
            ("storage", json!("memory")),
            ("persist_mode", json!("async")),
            ("discard", json!("old")),
            ("max_age", json!(86_400_000_000_000_u64)),
            ("retention", json!("interest")),
            ("max_msgs_per_subject", json!(1)),
            ("deny_delete", json!(false)),
            ("allow_atomic", json!(false)),
            ("num_replicas", json!(3)),
        ] {
            let mut definition: Value = serde_json::from_str(DEFINITIONS[0].1).unwrap();
            definition[setting] = value;
            let refused = check_settings("ANDON", &definition, 1).unwrap_err().to_string();
            assert!(refused.contains("ANDON") && refused.contains(setting), "{refused}");
        }
    }

    #[test]
    fn what_the_server_leaves_out_counts_as_its_default() {
        let mut definition: Value = serde_json::from_str(DEFINITIONS[0].1).unwrap();
        definition.as_object_mut().unwrap().remove("discard");
        assert!(check_settings("ANDON", &definition, 1).is_err());
        definition["discard"] = json!("new");
        definition.as_object_mut().unwrap().remove("persist_mode");
        check_settings("ANDON", &definition, 1).unwrap();
    }
}
