//! The types whose schema serde's attributes do not tell.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::{CommandId, Ring, StatusCode, limits::COMMAND_ID_MAX_CHARS};

macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(CommandId, "CommandId", {
    "type": "string",
    "pattern": "^[!-~]+$",
    "minLength": 1,
    "maxLength": COMMAND_ID_MAX_CHARS,
    "description": "Names a command, so that it is safe to repeat: visible ASCII, unique per worker.",
});
schema!(StatusCode, "StatusCode", {
    "type": "string",
    "pattern": "^[a-z0-9_]{1,32}$",
    "description": "The code of a status. Statuses are data; only their machine class has a meaning.",
});
schema!(Ring, "Ring", {
    "type": "string",
    "contentEncoding": "base64",
    "x-msgpack": "bin of 0 to 1024 bytes",
    "description": "The last 32 accepted commands of a worker, for the engine alone: 32 bytes each.",
});
