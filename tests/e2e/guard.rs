//! What keeps people out who do not belong, and mistakes from doing harm: attacks on a running system, over real
//! sockets, each bounded in number and time.

mod accounts;
mod bad_input;
mod close_all;
mod ending;
mod hall;
mod hostile_text;
mod locked;
mod logins;
mod origins;
mod raw;
mod slow;
mod sockets;
mod storm;
mod strangers;
