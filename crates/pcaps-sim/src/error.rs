//! The one error of starting and setting up a simulator.

use std::{io, net::SocketAddr, path::PathBuf};

/// Why a simulator could not be set up or started.
///
/// Opaque: what to do about it is in its message, and what it was is its [`kind`](Self::kind).
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Repr);

/// What sort of error an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Another program listens at the address.
    AddressInUse,
    /// Listening at the address failed for another reason.
    Listen,
    /// An account id or token that no request could carry.
    Credentials,
    /// The folder that was to hold the buckets cannot be used.
    Folder,
    /// Text that does not name a bucket.
    Destination,
    /// A clock that is to go past the time that pcap files can hold.
    Clock,
    /// There are as many accounts as there can be.
    TooManyAccounts,
    /// Text that does not say where a bucket is to be, or an environment that does not let it be reached.
    Store,
    /// The operating system gave no random bytes.
    Randomness,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Repr {
    #[error(
        "cannot listen at {address}: another program does; end it, or choose another port (0 takes any free one)"
    )]
    AddressInUse {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(
        "cannot listen at {address}: choose an address of this machine and a port that is allowed to you"
    )]
    Listen {
        address: SocketAddr,
        source: io::Error,
    },
    #[error(
        "cannot use this account id: give 1 to 32 letters, digits, hyphens and underscores, 32 hexadecimal \
         characters for example"
    )]
    AccountId,
    #[error(
        "cannot use this token: give at least one character, of the visible ones of ASCII only, and another one for \
         reading"
    )]
    Token,
    #[error("cannot keep buckets in {}: give a folder that can be made and written to", path.display())]
    Folder {
        path: PathBuf,
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    #[error("this does not name a bucket: {reason}")]
    Destination { reason: &'static str },
    #[error(
        "cannot move the clock past 2106-02-07T06:28:15Z: pcap files end there; start the simulator anew"
    )]
    Clock,
    #[error("cannot add an account: there are {limit}, which is the most")]
    TooManyAccounts { limit: usize },
    #[error("this does not name a store for buckets: {reason}")]
    Store { reason: &'static str },
    #[error("cannot make an id or a token: the operating system gives no random bytes")]
    Randomness { source: getrandom::Error },
}

impl Error {
    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self.0 {
            Repr::AddressInUse { .. } => ErrorKind::AddressInUse,
            Repr::Listen { .. } => ErrorKind::Listen,
            Repr::AccountId | Repr::Token => ErrorKind::Credentials,
            Repr::Folder { .. } => ErrorKind::Folder,
            Repr::Destination { .. } => ErrorKind::Destination,
            Repr::Clock => ErrorKind::Clock,
            Repr::TooManyAccounts { .. } => ErrorKind::TooManyAccounts,
            Repr::Store { .. } => ErrorKind::Store,
            Repr::Randomness { .. } => ErrorKind::Randomness,
        }
    }

    /// Whether another program listens at the address.
    pub fn is_address_in_use(&self) -> bool {
        self.kind() == ErrorKind::AddressInUse
    }
}
