//! The log protocol (`docs/protocol.md`) as models whose states are visited exhaustively.
//!
//! [`chain`] is about commands: one worker's chain, owners that take over from each other, acknowledgements that do not
//! come, gateways that try again. [`silence`] is about closing a session because nobody is there. Each rule that has a
//! counterexample in `docs/protocol.md` can be left out, and the tests show what happens then.
//!
//! For tests and for reading; nothing of it is part of the product's binary.

pub mod chain;
pub mod explore;
pub mod silence;
pub mod sim;
