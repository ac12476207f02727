//! The pages in a real Chromium, on the real gateway.

mod away;
mod barriers;
mod board;
mod console;
mod device;
mod driver;
mod floor;
mod flows;
mod hands;
mod hostile;
mod lan;
mod shells;
mod shift;
mod supervisor;
mod words;

pub use console::Console;
pub use device::{Browser, Language, Screen};
