//! The one form of an account's name.

use bus_schemas::{
    limits::NAME_MAX_CHARS,
    text::{TextError, check_line, present},
};

/// The name, trimmed; letters keep their case and are compared without it.
///
/// # Errors
/// Blank, too long, or a control character.
pub fn normal(name: &str) -> Result<String, TextError> {
    let name = present(name).ok_or(TextError::Blank)?;
    check_line(name, NAME_MAX_CHARS)?;
    Ok(name.to_owned())
}
