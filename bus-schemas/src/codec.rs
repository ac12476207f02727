//! The encoding: MessagePack maps with named fields, and the schema version in a header.

use serde::{Serialize, de::DeserializeOwned};

/// Major version of every message; part of every subject (`andon.v1.…`).
pub const SCHEMA_MAJOR: u32 = 1;
/// Minor version: goes up with every added optional field.
pub const SCHEMA_MINOR: u32 = 0;
/// The `Andon-Schema` header of what this version writes.
pub const SCHEMA: &str = "1.0";
/// Maps and arrays inside one another: the deepest message has 8. More is hostile, and would take the whole stack: the
/// 1024 that rmp-serde allows need more than a thread has.
const DEPTH_MAX: usize = 64;

/// A message cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    /// Writing failed.
    #[error("cannot be encoded: {0}")]
    Encode(#[from] rmp_serde::encode::Error),
    /// The bytes are no such message.
    #[error("cannot be decoded: {0}")]
    Decode(#[from] rmp_serde::decode::Error),
    /// Bytes follow the message.
    #[error("{0} bytes follow the message")]
    Trailing(usize),
    /// The message is of a version this one cannot read.
    #[error("the message is of schema {theirs}, newer than {SCHEMA}, the newest this version reads: upgrade Andon")]
    Newer {
        /// Its version, as its header says.
        theirs: String,
    },
    /// The `Andon-Schema` header is not `<major>.<minor>`.
    #[error("the header Andon-Schema is {0:?}, not <major>.<minor>")]
    BadSchema(String),
}

/// Writes a message.
///
/// # Errors
/// A type that MessagePack cannot carry; none of this crate's is.
pub fn encode<T: Serialize + ?Sized>(message: &T) -> Result<Vec<u8>, CodecError> {
    rmp_serde::to_vec_named(message).map_err(CodecError::from)
}

/// Reads a message; fields it does not know are ignored.
///
/// # Errors
/// The bytes are no such message, are nested too deep, or bytes follow it.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
    let mut reader = std::io::Cursor::new(bytes);
    let mut deserializer = rmp_serde::Deserializer::new(&mut reader);
    deserializer.set_max_depth(DEPTH_MAX);
    let message = T::deserialize(&mut deserializer)?;
    let rest = bytes.len() - usize::try_from(reader.position()).unwrap_or(bytes.len()).min(bytes.len());
    if rest == 0 { Ok(message) } else { Err(CodecError::Trailing(rest)) }
}

/// A version of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Schema {
    /// Readers of a lower one cannot read it.
    pub major: u32,
    /// Readers of a lower one can, ignoring what they do not know.
    pub minor: u32,
}

impl Schema {
    /// What this version writes.
    pub const CURRENT: Self = Self { major: SCHEMA_MAJOR, minor: SCHEMA_MINOR };

    /// Reads an `Andon-Schema` header.
    ///
    /// # Errors
    /// It is not `<major>.<minor>`.
    pub fn parse(header: &str) -> Result<Self, CodecError> {
        let numbers =
            header.split_once('.').and_then(|(major, minor)| Some((major.parse().ok()?, minor.parse().ok()?)));
        let (major, minor) = numbers.ok_or_else(|| CodecError::BadSchema(header.chars().take(64).collect()))?;
        Ok(Self { major, minor })
    }
}

/// Reads a message whose `Andon-Schema` header is known: one of a newer major version is refused by name.
///
/// # Errors
/// As [`decode`]; a newer major version; a header that is none. A message without the header is of this major version.
pub fn decode_versioned<T: DeserializeOwned>(schema: Option<&str>, bytes: &[u8]) -> Result<T, CodecError> {
    if let Some(header) = schema
        && Schema::parse(header)?.major > SCHEMA_MAJOR
    {
        return Err(CodecError::Newer { theirs: header.to_owned() });
    }
    decode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_major_version_is_refused_by_name_and_a_newer_minor_one_is_read() {
        let bytes = encode(&7_u32).unwrap();
        assert_eq!(decode_versioned::<u32>(Some("1.9"), &bytes).unwrap(), 7);
        assert_eq!(decode_versioned::<u32>(None, &bytes).unwrap(), 7);
        let refused = decode_versioned::<u32>(Some("2.0"), &bytes).unwrap_err().to_string();
        assert!(refused.contains("schema 2.0") && refused.contains("1.0"), "{refused}");
        assert!(matches!(decode_versioned::<u32>(Some("two"), &bytes), Err(CodecError::BadSchema(_))));
    }

    #[test]
    fn bytes_after_the_message_are_refused() {
        let mut bytes = encode(&7_u32).unwrap();
        bytes.push(0);
        assert!(matches!(decode::<u32>(&bytes), Err(CodecError::Trailing(1))));
    }

    #[test]
    fn the_header_says_the_numbers() {
        assert_eq!(SCHEMA, format!("{SCHEMA_MAJOR}.{SCHEMA_MINOR}"));
        assert_eq!(Schema::parse(SCHEMA).unwrap(), Schema::CURRENT);
    }
}
