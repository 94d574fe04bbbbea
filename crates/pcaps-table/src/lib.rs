//! Packets as rows of a table: one row for each packet of a capture file, in Parquet files that every engine reads. No
//! network, nothing asynchronous, and memory that does not grow with the file.
//!
//! - [`export`] writes the packets of a capture to a [`Place`], in one or more files for each hour.
//! - [`TableSchema`] says which columns there are, and what they mean.
//! - [`CaptureName`] is what a capture is called in the names of folders.
//!
//! # The files
//!
//! The columns are of types that every engine has: times in microseconds of UTC, numbers with a sign, texts. Row groups have
//! 131,072 rows at most, which are in the order of time, and say so; pages have 16,384, and are packed with zstd. There are
//! statistics of both, and bloom filters for addresses. Which capture, which day and which hour rows are of stands in the names
//! of folders ([`Partition`]), as Hive has it, and not in the files.

mod dns;
mod encode;
mod error;
mod export;
mod list;
mod partition;
mod rows;
mod schema;

pub use error::Error;
pub use export::{Exported, Part, Place, Source, export};
pub use partition::{CaptureName, Partition};
pub use schema::{ColumnSchema, ColumnType, SCHEMA_VERSION, TableSchema};
