//! The pages in a real Chromium, on the real gateway.

mod barriers;
mod console;
mod device;
mod driver;
mod lan;
mod shells;
mod words;

pub use console::Console;
pub use device::{Browser, Language, Screen};
