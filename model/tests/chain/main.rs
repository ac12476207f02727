//! The model of a worker's chain (protocol rules 1 to 7): what holds with all rules, and what each rule is for.

mod holds;
mod limits;
mod without;
