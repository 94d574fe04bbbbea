//! Why a capture file gave no more packets, as programs read it.

use schemars::JsonSchema;
use serde::Serialize;

use crate::failure::{Exit, Failure};

/// What a program is told of a file that is torn, damaged or cannot be read.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "FileError")]
pub(crate) struct FileError {
    /// What is wrong.
    message: String,
    /// Where in the file; null when it could not be opened.
    offset: Option<u64>,
    /// The number of the packet that could not be read; null when there is none.
    packet: Option<u64>,
}

impl From<&pcaps_file::Error> for FileError {
    fn from(error: &pcaps_file::Error) -> Self {
        Self {
            message: Failure::because(Exit::Partial, error).message().to_owned(),
            offset: error.offset(),
            packet: error.packet_number(),
        }
    }
}
