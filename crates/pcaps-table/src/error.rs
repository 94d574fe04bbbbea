//! The one error of this crate.

use std::io;

use parquet::errors::ParquetError;

/// Why rows could not be written. What stops the reading of a capture is no error but a part of
/// [`Exported`](crate::Exported).
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] Repr);

#[derive(Debug, thiserror::Error)]
pub(crate) enum Repr {
    #[error("cannot write a file of the table: check the space that is left")]
    Write { source: io::Error },
    #[error("cannot make a file of the table")]
    Encode { source: ParquetError },
    #[error(
        "`{name}` has packets of more than {limit} different hours, and there would be a file for each: correct its times, \
         as with editcap -t, or split it"
    )]
    Scattered { name: String, limit: usize },
}

impl Error {
    pub(crate) fn write(source: io::Error) -> Self {
        Self(Repr::Write { source })
    }

    /// Whether the operating system failed; its own error is the [`source`](std::error::Error::source).
    pub fn is_io(&self) -> bool {
        matches!(self.0, Repr::Write { .. })
    }

    /// Whether the times of the capture are too far apart for a table by hours.
    pub fn is_scattered(&self) -> bool {
        matches!(self.0, Repr::Scattered { .. })
    }
}

impl From<ParquetError> for Error {
    fn from(error: ParquetError) -> Self {
        // What is written fails within the library's error.
        Self(match error {
            ParquetError::External(cause) => match cause.downcast::<io::Error>() {
                Ok(source) => Repr::Write { source: *source },
                Err(cause) => Repr::Encode {
                    source: ParquetError::External(cause),
                },
            },
            source => Repr::Encode { source },
        })
    }
}
