//! The system's keyring: Keychain, the Credential Manager, or the Secret Service of a desktop.

use keyring::{Entry, Error};
use pcaps::Secret;

/// What our entries are called.
const SERVICE: &str = "pcaps";

pub(super) fn keep(user: &str, token: &Secret) -> Result<(), String> {
    entry(user)?
        .set_password(token.expose())
        .map_err(|it| said(&it))
}

pub(super) fn find(user: &str) -> Result<Secret, String> {
    let found = entry(user)?.get_password();
    found.map(Secret::from).map_err(|it| said(&it))
}

/// What is not there is forgotten.
pub(super) fn forget(user: &str) -> Result<(), String> {
    match entry(user)?.delete_credential() {
        Ok(()) | Err(Error::NoEntry) => Ok(()),
        Err(error) => Err(said(&error)),
    }
}

fn entry(user: &str) -> Result<Entry, String> {
    // Without it the entry would only say that there is no store.
    Entry::store_status().as_ref().map_err(said)?;
    Entry::new(SERVICE, user).map_err(|it| said(&it))
}

/// The error in words. Some variants hold the secret, in their fields: what they print does not.
fn said(error: &Error) -> String {
    match error {
        Error::NoEntry => "there is no such entry in it".to_owned(),
        Error::BadEncoding(_) => "what is in it is no text".to_owned(),
        error => crate::output::one_line(&error.to_string()),
    }
}
