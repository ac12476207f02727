//! Messages that cannot be projected: kept whole, with the reason, and alarmed about. The rest flows.

use andon_nats::StoredMessage;
use serde_json::{Map, Value};
use sqlx::{Postgres, Transaction};

use crate::{convert, measures, projection::WriteError};

/// Characters of an error that are kept: it may repeat what the message says.
const ERROR_MAX_CHARS: usize = 1_000;

/// A message that cannot be projected.
#[derive(Debug)]
pub struct Quarantined<'a> {
    /// The message.
    pub message: &'a StoredMessage,
    /// Why.
    pub error: String,
}

/// Writes them; one that is there already stays as it is.
pub async fn write(
    transaction: &mut Transaction<'_, Postgres>,
    stream: &str,
    quarantined: &[Quarantined<'_>],
) -> Result<(), WriteError> {
    // One by one: they are rare, and each may be large.
    for Quarantined { message, error } in quarantined {
        sqlx::query(
            "INSERT INTO quarantine (stream, seq, subject, headers, payload, error, at) \
             VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
        )
        .bind(stream)
        .bind(convert::number("seq", message.seq)?)
        .bind(without_nul(&message.subject))
        .bind(headers(message))
        .bind(&message.payload[..])
        .bind(without_nul(&error.chars().take(ERROR_MAX_CHARS).collect::<String>()))
        .bind(convert::time("time of storing", message.time_us)?)
        .execute(&mut **transaction)
        .await?;
    }
    Ok(())
}

/// Says so, once they are committed.
pub fn alarm(stream: &'static str, quarantined: &[Quarantined<'_>]) {
    for Quarantined { message, error } in quarantined {
        measures::quarantined(stream);
        tracing::error!(
            stream,
            seq = message.seq,
            subject = message.subject.escape_debug().to_string(),
            %error,
            "a message cannot be projected: it is kept in the table quarantine"
        );
    }
}

fn headers(message: &StoredMessage) -> Value {
    let mut headers = Map::new();
    for (name, values) in message.headers.iter() {
        let values = values.iter().map(|value| Value::String(without_nul(value.as_str()))).collect();
        headers.insert(without_nul(name.as_ref()), Value::Array(values));
    }
    Value::Object(headers)
}

/// Postgres has no character 0 in text.
fn without_nul(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}
