//! MessagePack as the JSON that the schemas describe.

use serde_json::{Map, Value};

use crate::codec::{self, CodecError};

/// Bytes of a UUID. No other byte string of a message has this length: the ring has a multiple of 32.
const UUID_BYTES: usize = 16;

/// A message as JSON: UUIDs as hyphenated text, other bytes as base64.
///
/// # Errors
/// The bytes are no MessagePack.
pub fn render(bytes: &[u8]) -> Result<Value, CodecError> {
    codec::decode::<rmpv::Value>(bytes).map(json)
}

fn json(value: rmpv::Value) -> Value {
    match value {
        rmpv::Value::Nil | rmpv::Value::Ext(..) => Value::Null,
        rmpv::Value::Boolean(value) => value.into(),
        rmpv::Value::Integer(value) => match value.as_u64() {
            Some(value) => value.into(),
            None => value.as_i64().into(),
        },
        rmpv::Value::F32(value) => value.into(),
        rmpv::Value::F64(value) => value.into(),
        rmpv::Value::String(text) => text.into_str().unwrap_or_default().into(),
        rmpv::Value::Binary(bytes) => match <[u8; UUID_BYTES]>::try_from(bytes.as_slice()) {
            Ok(id) => uuid::Uuid::from_bytes(id).to_string().into(),
            Err(_) => base64(&bytes).into(),
        },
        rmpv::Value::Array(items) => items.into_iter().map(json).collect(),
        rmpv::Value::Map(entries) => Value::Object(entries.into_iter().map(entry).collect::<Map<_, _>>()),
    }
}

/// Keys are text in every message; another one is shown as what it is, and fits no schema.
fn entry((key, value): (rmpv::Value, rmpv::Value)) -> (String, Value) {
    (key.as_str().map_or_else(|| key.to_string(), str::to_owned), json(value))
}

/// RFC 4648, padded.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let group = |chunk: &[u8]| {
        let bits = (0..3).fold(0_u32, |bits, at| bits << 8 | u32::from(chunk.get(at).copied().unwrap_or(0)));
        let letter = |at: usize| char::from(ALPHABET[(bits >> (18 - 6 * at)) as usize & 63]);
        [0, 1, 2, 3].map(|at| if at <= chunk.len() { letter(at) } else { '=' })
    };
    bytes.chunks(3).flat_map(group).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_base64_as_in_the_rfc() {
        let texts = ["", "f", "fo", "foo", "foob", "fooba", "foobar"];
        let encoded = ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"];
        assert_eq!(texts.map(|text| base64(text.as_bytes())), encoded);
    }

    #[test]
    fn a_uuid_is_text_and_a_negative_number_stays_one() {
        let id = uuid::Uuid::from_u128(7);
        let bytes = codec::encode(&(id, -5_i64, u64::MAX, None::<u8>)).unwrap();
        assert_eq!(render(&bytes).unwrap(), serde_json::json!([id.to_string(), -5, u64::MAX, null]));
        assert!(render(&bytes[..3]).is_err());
    }
}
