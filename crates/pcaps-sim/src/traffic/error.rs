//! What can go wrong with a traffic source.

use std::path::{Path, PathBuf};

use pcaps_file::LinkType;

/// Why a capture file cannot be replayed.
///
/// Opaque: ask for its [`kind`](Self::kind). What the file's reader had to say, if it had, is the
/// [`source`](std::error::Error::source).
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(Repr);

/// What sort of error an [`Error`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file cannot be opened or read, is no capture, or is cut short.
    Unreadable,
    /// The file holds packets of more than one link type.
    MixedLinkTypes,
    /// The file's packets do not fit in the memory set aside for them.
    TooLarge,
}

#[derive(Debug, thiserror::Error)]
enum Repr {
    #[error("cannot replay {}", path.display())]
    Unreadable {
        path: PathBuf,
        source: pcaps_file::Error,
    },
    #[error(
        "cannot replay {}: it holds packets of two link types, {first} and {other}, and a capture \
         has only one; split it by link type",
        path.display()
    )]
    MixedLinkTypes {
        path: PathBuf,
        first: LinkType,
        other: LinkType,
    },
    #[error(
        "cannot replay {}: its packets take more than {limit} bytes of memory; replay a part of it",
        path.display()
    )]
    TooLarge { path: PathBuf, limit: usize },
}

impl Error {
    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        match self.0 {
            Repr::Unreadable { .. } => ErrorKind::Unreadable,
            Repr::MixedLinkTypes { .. } => ErrorKind::MixedLinkTypes,
            Repr::TooLarge { .. } => ErrorKind::TooLarge,
        }
    }

    pub(super) fn unreadable(path: &Path, source: pcaps_file::Error) -> Self {
        let path = path.to_owned();
        Self(Repr::Unreadable { path, source })
    }

    pub(super) fn mixed_link_types(path: &Path, first: LinkType, other: LinkType) -> Self {
        let path = path.to_owned();
        Self(Repr::MixedLinkTypes { path, first, other })
    }

    pub(super) fn too_large(path: &Path, limit: usize) -> Self {
        let path = path.to_owned();
        Self(Repr::TooLarge { path, limit })
    }
}
