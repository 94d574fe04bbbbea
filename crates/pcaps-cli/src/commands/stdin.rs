//! Values that are read from standard input, because a command line is for all to see.

use std::io::{self, Read as _};

use pcaps::Secret;

use crate::failure::{Exit, Failure};

/// More than any challenge or URI has.
const LIMIT: u64 = 64 * 1024;

/// The value, or standard input without the blanks around it if the value is `-`. Call it before signals are caught:
/// reading waits for as long as it takes.
pub(super) fn or(value: String, what: &str) -> Result<Secret, Failure> {
    if value != "-" {
        return Ok(value.into());
    }
    let mut text = String::new();
    io::stdin()
        .lock()
        .take(LIMIT + 1)
        .read_to_string(&mut text)
        .map_err(|error| {
            Failure::new(
                Exit::Other,
                format!("cannot read {what} from standard input: {error}"),
            )
        })?;
    if text.len() as u64 > LIMIT {
        return Err(Failure::usage(format!(
            "standard input is too long for {what}"
        )));
    }
    let text = text.trim();
    if text.is_empty() {
        return Err(Failure::usage(format!(
            "standard input is empty: it should hold {what}"
        )));
    }
    Ok(text.into())
}
