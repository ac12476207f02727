//! The model of silence (protocol rules 9 and 11 to 14): what holds with all rules, and what each rule is for.

mod holds;
mod limits;
mod without;
