//! The system's keyring: Keychain, or the Credential Manager. On other systems there is none that is always there, and a
//! file does: what speaks to a desktop's would be a tenth of the program.

#[cfg(any(target_os = "macos", windows))]
pub(super) use system::{find, forget, keep};

#[cfg(not(any(target_os = "macos", windows)))]
pub(super) use none::{find, forget, keep};

/// Whether this system has one.
pub(super) const IS_THERE: bool = cfg!(any(target_os = "macos", windows));

#[cfg(any(target_os = "macos", windows))]
mod system {
    use keyring::{Entry, Error};
    use pcaps::Secret;

    /// What our entries are called.
    const SERVICE: &str = "pcaps";

    pub(in super::super) fn keep(user: &str, token: &Secret) -> Result<(), String> {
        entry(user)?
            .set_password(token.expose())
            .map_err(|it| said(&it))
    }

    pub(in super::super) fn find(user: &str) -> Result<Secret, String> {
        let found = entry(user)?.get_password();
        found.map(Secret::from).map_err(|it| said(&it))
    }

    /// What is not there is forgotten.
    pub(in super::super) fn forget(user: &str) -> Result<(), String> {
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
}

#[cfg(not(any(target_os = "macos", windows)))]
mod none {
    use pcaps::Secret;

    const NONE: &str = "this program knows none on this system";

    pub(in super::super) fn keep(_: &str, _: &Secret) -> Result<(), String> {
        Err(NONE.to_owned())
    }

    /// As by a file that comes from another system.
    pub(in super::super) fn find(_: &str) -> Result<Secret, String> {
        Err(NONE.to_owned())
    }

    #[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
    pub(in super::super) fn forget(_: &str) -> Result<(), String> {
        Ok(())
    }
}
