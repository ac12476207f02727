//! Integrators: what they can read, that this is all, and that the examples for them keep a correct table.

mod captured;
mod examples;
mod plant;
mod reader;
mod reads;
mod roles;
mod walls;
