//! Every rule about sessions, and the actors that live by them.

pub mod session;
