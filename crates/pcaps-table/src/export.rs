//! From a capture file to files of the table.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::sync::Arc;

use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{WriterProperties, WriterPropertiesPtr};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::TypePtr;
use pcaps_file::Reader;

use crate::encode::{Constants, Encoder};
use crate::error::{Error, Repr};
use crate::partition::{CaptureName, Partition};
use crate::rows::Rows;
use crate::schema::{self, Column, SCHEMA_VERSION};

/// How many files are written at the same time. One that has waited longest is ended when another one is needed.
const OPEN: usize = 8;

/// How many row groups a file has at most. What is known of each stays in memory until the file ends, and so does its end
/// in that of who reads it.
const GROUPS: usize = 32;

/// How many files one capture may be in: those of more than a year. Who keeps them lists all.
const MAX_FILES: usize = 10_000;

/// What is exported.
#[derive(Clone, Debug)]
pub struct Source {
    /// What it is called in the column `file`.
    pub name: String,
    /// Which capture it is of.
    pub capture: CaptureName,
    /// The data centre, for the column `colo`.
    pub colo: Option<String>,
}

/// One file of the table, of one input.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Part {
    /// The folder that it belongs in.
    pub partition: Partition,
    /// Which of the input's files in that folder it is, from 0.
    pub number: u32,
    /// How many rows it has: of one that is being created 0.
    pub rows: u64,
}

/// Where the files of the table go.
pub trait Place {
    /// What a file is written to.
    type Output: Write + Send;

    /// Begins a file.
    ///
    /// # Errors
    ///
    /// When it cannot be made: that ends the export.
    fn create(&mut self, part: &Part) -> io::Result<Self::Output>;

    /// Takes a file that is whole.
    ///
    /// # Errors
    ///
    /// When it cannot be kept: that ends the export.
    fn finish(&mut self, part: Part, output: Self::Output) -> io::Result<()>;

    /// Whether to go on; asked between packets, some thousand times a second. By default it goes on.
    ///
    /// # Errors
    ///
    /// When nobody waits for the rows any more: that ends the export.
    fn check(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What an export did.
#[derive(Debug)]
#[non_exhaustive]
pub struct Exported {
    /// How many rows were written: one for each packet.
    pub rows: u64,
    /// Why the packets end before the file does. All before it are in the table.
    pub error: Option<pcaps_file::Error>,
}

/// Writes the packets of a capture to the table, in memory that does not grow with it.
///
/// Equal captures give equal files. The rows of each row group are in the order of their times; those of different row groups
/// are in the order of the capture, which need not be that of time.
///
/// # Errors
///
/// When a file cannot be made or written ([`is_io`](Error::is_io)), or there would be more than 10,000 of them, because
/// the packets are of so many hours, or the hours come in turns ([`is_scattered`](Error::is_scattered)). What was finished until then is not all of the capture.
///
/// # Examples
///
/// ```
/// use std::io;
/// use pcaps_file::Reader;
/// use pcaps_table::{CaptureName, Part, Place, Source, export};
///
/// /// Keeps the files in memory.
/// struct Memory(Vec<(String, Vec<u8>)>);
///
/// impl Place for Memory {
///     type Output = Vec<u8>;
///     fn create(&mut self, _: &Part) -> io::Result<Vec<u8>> {
///         Ok(Vec::new())
///     }
///     fn finish(&mut self, part: Part, output: Vec<u8>) -> io::Result<()> {
///         self.0.push((part.partition.to_string(), output));
///         Ok(())
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let capture = include_bytes!("../../pcaps-file/tests/data/dns.pcap");
/// let source = Source {
///     name: "dns.pcap".to_owned(),
///     capture: CaptureName::of_file("dns.pcap"),
///     colo: None,
/// };
/// let mut memory = Memory(Vec::new());
/// let exported = export(&mut Reader::new(&capture[..], "dns.pcap")?, &source, &mut memory)?;
/// assert_eq!(exported.rows, 42);
/// assert_eq!(memory.0[0].0, "capture_id=dns/date=2019-10-23/hour=20");
/// # Ok(())
/// # }
/// ```
pub fn export<R: Read, P: Place>(
    reader: &mut Reader<R>,
    source: &Source,
    place: &mut P,
) -> Result<Exported, Error> {
    /// How many packets there are between two questions whether to go on.
    const CHECKED: u64 = 1 << 12;

    let mut files = Files::new(source, place)?;
    let mut rows = Rows::new();
    let mut count = 0;
    let error = loop {
        match reader.next_packet() {
            Ok(Some(packet)) => {
                rows.push(&packet);
                count += 1;
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
        if rows.is_full() {
            files.write(&mut rows)?;
        }
        if count % CHECKED == 0 {
            files.place.check().map_err(Error::write)?;
        }
    };
    files.write(&mut rows)?;
    files.finish()?;
    Ok(Exported { rows: count, error })
}

/// The files that are being written.
struct Files<'a, P: Place> {
    source: &'a Source,
    place: &'a mut P,
    encoder: Encoder,
    schema: TypePtr,
    properties: WriterPropertiesPtr,
    /// The one that was written to last is the last.
    open: Vec<Open<P::Output>>,
    /// How many files of each hour there have been.
    begun: HashMap<i64, u32>,
    /// How many files there have been.
    count: usize,
}

struct Open<W: Write + Send> {
    hour: i64,
    part: Part,
    groups: usize,
    file: SerializedFileWriter<W>,
}

impl<'a, P: Place> Files<'a, P> {
    fn new(source: &'a Source, place: &'a mut P) -> Result<Self, Error> {
        let said = |key: &str, value: String| KeyValue::new(key.to_owned(), value);
        let by_time = SortingColumn {
            column_idx: Column::Ts as i32,
            descending: false,
            nulls_first: false,
        };
        let properties = WriterProperties::builder()
            .set_created_by(concat!("pcaps version ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_sorting_columns(Some(vec![by_time]))
            .set_key_value_metadata(Some(vec![
                said("pcaps.schema_version", SCHEMA_VERSION.to_string()),
                said("pcaps.capture_id", source.capture.to_string()),
            ]))
            .build();
        Ok(Self {
            source,
            place,
            encoder: Encoder::new()?,
            schema: schema::parquet_type()?,
            properties: Arc::new(properties),
            open: Vec::new(),
            begun: HashMap::new(),
            count: 0,
        })
    }

    /// Writes all rows, and makes room for others.
    fn write(&mut self, rows: &mut Rows) -> Result<(), Error> {
        rows.sort();
        for (hour, range) in rows.hours() {
            self.find(hour)?;
            let constants = Constants {
                file: &self.source.name,
                colo: self.source.colo.as_deref(),
            };
            if let Some(open) = self.open.last_mut() {
                self.encoder
                    .write(rows, &range, &constants, &mut open.file)?;
                open.groups += 1;
                open.part.rows += range.len() as u64;
            }
        }
        rows.clear();
        Ok(())
    }

    /// Makes the file of this hour the last.
    fn find(&mut self, hour: i64) -> Result<(), Error> {
        if let Some(place) = self.open.iter().position(|it| it.hour == hour) {
            let open = self.open.remove(place);
            if open.groups < GROUPS {
                self.open.push(open);
                return Ok(());
            }
            self.end(open)?;
        }
        if self.open.len() == OPEN {
            let longest = self.open.remove(0);
            self.end(longest)?;
        }
        let limit = MAX_FILES;
        if self.count == limit {
            let name = self.source.name.clone();
            return Err(Repr::Scattered { name, limit }.into());
        }
        let begun = self.begun.entry(hour).or_default();
        let part = Part {
            partition: Partition::new(&self.source.capture, hour),
            number: *begun,
            rows: 0,
        };
        *begun += 1;
        self.count += 1;
        let output = self.place.create(&part).map_err(Error::write)?;
        let (schema, properties) = (Arc::clone(&self.schema), Arc::clone(&self.properties));
        let file = SerializedFileWriter::new(output, schema, properties)?;
        self.open.push(Open {
            hour,
            part,
            groups: 0,
            file,
        });
        Ok(())
    }

    fn end(&mut self, open: Open<P::Output>) -> Result<(), Error> {
        let output = open.file.into_inner()?;
        self.place.finish(open.part, output).map_err(Error::write)
    }

    fn finish(mut self) -> Result<(), Error> {
        while !self.open.is_empty() {
            let open = self.open.remove(0);
            self.end(open)?;
        }
        Ok(())
    }
}
