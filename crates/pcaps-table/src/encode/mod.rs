//! From columns of numbers to Parquet's column chunks.
//!
//! The pages are made here, and not by the library's writers of columns: those look every value up by its hash and
//! compare it as it is, while rows have small numbers for all of it. That is most of the time that an export takes, and it
//! leaves their code out of the program. The library writes all that is around the pages.

mod bounds;
mod packing;

use std::io::Write;
use std::ops::Range;

use bytes::Bytes;
use parquet::basic::{BoundaryOrder, Compression, Encoding, PageType, Type as Physical, ZstdLevel};
use parquet::bloom_filter::Sbbf;
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::errors::Result;
use parquet::file::metadata::{
    ColumnChunkMetaData, ColumnIndexBuilder, OffsetIndexBuilder, PageEncodingStats,
};
use parquet::file::writer::{SerializedFileWriter, SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;
use pcaps_file::protocol_name;
use zstd::bulk::Compressor;

use crate::rows::{MAX_ROWS, Rows};
use crate::schema::{Coding, ColumnType, Presence, SPECIFICATIONS, Specification};
use bounds::Bounds;

/// How many rows a page has: the least that engines read of a column.
const PAGE_ROWS: usize = 1 << 14;

/// How hard zstd tries. More makes files smaller by little, and takes longer by much.
const ZSTD_LEVEL: i32 = 1;

/// Of how many addresses that a filter does not have it says that it may.
const BLOOM_ERRORS: f64 = 0.01;

/// Numbers below this have a place each in the table of those that have come up.
const SMALL: u32 = 1 << 16;

/// What has not come up.
const NONE: u32 = u32::MAX;

/// The text that is the same in all rows of a column.
pub(crate) struct Constants<'a> {
    pub(crate) file: &'a str,
    pub(crate) colo: Option<&'a str>,
}

/// Writes row groups. It keeps its buffers.
pub(crate) struct Encoder {
    compressor: Compressor<'static>,
    /// The numbers of a column where it has a value, and then their places in the dictionary.
    values: Vec<u32>,
    wide: Vec<i64>,
    /// The place in the dictionary of each number that has come up.
    places: Vec<u32>,
    /// The numbers in the dictionary.
    dictionary: Vec<u32>,
    page: Vec<u8>,
    levels: [Option<Levels>; Presence::BITS],
}

/// Where a column has values, page by page.
#[derive(Clone, Default)]
struct Levels {
    /// How many values each page has, and its levels as they are written.
    pages: Vec<(usize, Vec<u8>)>,
}

/// A page: its rows, and where its values are among all of the column's.
struct Piece {
    rows: usize,
    values: Range<usize>,
    /// The least and the largest of the numbers, before they become places.
    bounds: Option<(u32, u32)>,
}

/// How the values of a column are written.
enum Values<'a> {
    /// By their places in a dictionary, which is this page.
    Dictionary { page: Vec<u8>, texts: Option<Texts> },
    /// As they are.
    Plain,
    /// By their differences.
    Differences,
    /// One text for all, which is the page of the dictionary too.
    Constant { page: Vec<u8>, text: &'a [u8] },
}

/// The texts of a dictionary, to compare.
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// What they begin with, as a number that is compared at once.
    begin: Vec<u128>,
}

impl Encoder {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self {
            compressor: Compressor::new(ZSTD_LEVEL)?,
            values: Vec::with_capacity(MAX_ROWS),
            wide: Vec::new(),
            places: vec![NONE; SMALL as usize],
            dictionary: Vec::new(),
            page: Vec::new(),
            levels: std::array::from_fn(|_| None),
        })
    }

    /// Writes some of the rows as a row group.
    pub(crate) fn write<W: Write + Send>(
        &mut self,
        rows: &Rows,
        range: &Range<usize>,
        constants: &Constants<'_>,
        file: &mut SerializedFileWriter<W>,
    ) -> Result<()> {
        self.levels = std::array::from_fn(|_| None);
        let columns = file.schema_descr().columns().to_vec();
        let mut group = file.next_row_group()?;
        for (specification, descriptor) in SPECIFICATIONS.iter().zip(columns) {
            let (bytes, closed) = self.column(rows, range, constants, specification, descriptor)?;
            group.append_column(&bytes, closed)?;
        }
        group.close()?;
        Ok(())
    }

    fn column(
        &mut self,
        rows: &Rows,
        range: &Range<usize>,
        constants: &Constants<'_>,
        it: &Specification,
        descriptor: ColumnDescPtr,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let constant = match (it.coding, it.presence) {
            (Coding::Constant, Presence::COLO) => constants.colo,
            (Coding::Constant, _) => Some(constants.file),
            _ => None,
        };
        self.find_levels(rows, range, it, constant.is_some());
        let pieces = self.gather(rows, range, it);
        let values = match constant {
            Some(text) => {
                let mut page = Vec::new();
                put_text(text.as_bytes(), &mut page);
                Values::Constant {
                    page,
                    text: text.as_bytes(),
                }
            }
            None => self.choose(rows, it, &pieces),
        };
        let bloom_filter = match &values {
            Values::Dictionary {
                texts: Some(texts), ..
            } if it.coding == Coding::Address => Some(texts.bloom_filter()?),
            _ => None,
        };
        self.chunk(it, descriptor, &pieces, &values, bloom_filter)
    }

    /// Which rows have values.
    fn find_levels(
        &mut self,
        rows: &Rows,
        range: &Range<usize>,
        it: &Specification,
        has_constant: bool,
    ) {
        let bit = it.presence.0;
        let place = bit.trailing_zeros() as usize;
        let Some(levels @ None) = self.levels.get_mut(place) else {
            return;
        };
        let present = rows.present.get(range.clone()).unwrap_or_default();
        let mut found = Levels::default();
        for page in present.chunks(PAGE_ROWS) {
            let count = if it.coding == Coding::Constant {
                if has_constant { page.len() } else { 0 }
            } else {
                page.iter().filter(|it| *it & bit != 0).count()
            };
            let mut bytes = vec![0; 4];
            if count == 0 || count == page.len() {
                packing::equal(u32::from(count > 0), page.len(), 1, &mut bytes);
            } else {
                self.values.clear();
                self.values
                    .extend(page.iter().map(|it| u32::from(it & bit != 0)));
                packing::hybrid(&self.values, 1, &mut bytes);
            }
            // Some kilobytes at most.
            let len = u32::try_from(bytes.len() - 4).unwrap_or(u32::MAX);
            bytes[..4].copy_from_slice(&len.to_le_bytes());
            found.pages.push((count, bytes));
        }
        *levels = Some(found);
    }

    fn levels(&self, it: &Specification) -> Option<&Levels> {
        let place = it.presence.0.trailing_zeros() as usize;
        self.levels.get(place)?.as_ref()
    }

    /// Takes the numbers of a column where it has values.
    fn gather(&mut self, rows: &Rows, range: &Range<usize>, it: &Specification) -> Vec<Piece> {
        let mut counts = Vec::new();
        if let Some(levels) = self.levels(it) {
            counts.extend(levels.pages.iter().map(|(count, _)| *count));
        }
        self.values.clear();
        self.wide.clear();
        let numbers = rows.columns.get(it.column as usize);
        let numbers = numbers
            .and_then(|it| it.get(range.clone()))
            .unwrap_or_default();
        let present = rows.present.get(range.clone()).unwrap_or_default();
        let mut pieces = Vec::new();
        let mut at = 0;
        for (page, begin) in (0..range.len()).step_by(PAGE_ROWS).enumerate() {
            let place = begin..range.len().min(begin + PAGE_ROWS);
            let count = counts.get(page).copied().unwrap_or(place.len());
            let here = numbers.get(place.clone()).unwrap_or_default();
            if count == place.len() {
                self.values.extend_from_slice(here);
            } else if count > 0 {
                let present = present.get(place.clone()).unwrap_or_default();
                compact(here, present, it.presence.0, &mut self.values);
            }
            let values = self.values.get(at..).unwrap_or_default();
            pieces.push(Piece {
                rows: place.len(),
                values: at..at + count,
                bounds: least_and_most(values),
            });
            at += count;
        }
        match it.coding {
            Coding::Time => {
                let times = rows.times.get(range.clone()).unwrap_or_default();
                self.wide.extend_from_slice(times);
            }
            Coding::Frame => {
                // Frames are counted from 1, and no file has as many as would not fit.
                let first = i64::try_from(rows.first_frame).unwrap_or(i64::MAX);
                let frames = self
                    .values
                    .iter()
                    .map(|it| first.saturating_add((*it).into()));
                self.wide.extend(frames);
            }
            Coding::Sequence => self
                .wide
                .extend(self.values.iter().map(|it| i64::from(*it))),
            _ => {}
        }
        pieces
    }

    /// How the values are written; what is in the dictionary then, and their places in it.
    fn choose(&mut self, rows: &Rows, it: &Specification, pieces: &[Piece]) -> Values<'static> {
        let most = pieces.iter().filter_map(|it| it.bounds).map(|it| it.1);
        let most = most.max();
        match it.coding {
            Coding::Time | Coding::Frame | Coding::Sequence => Values::Differences,
            Coding::Flag => Values::Plain,
            Coding::Number if most.is_some_and(|it| it >= SMALL) => {
                self.wide
                    .extend(self.values.iter().map(|it| i64::from(*it)));
                match it.kind {
                    ColumnType::Int64 => Values::Differences,
                    _ => Values::Plain,
                }
            }
            _ => {
                self.find_places(most.map_or(0, |it| it as usize + 1));
                if it.coding == Coding::Number {
                    return Values::Dictionary {
                        page: self.numbers(it.physical()),
                        texts: None,
                    };
                }
                let (page, texts) = self.texts(rows, it.coding);
                Values::Dictionary {
                    page,
                    texts: Some(texts),
                }
            }
        }
    }

    /// Puts the place in the dictionary where the value was. Values are below `end`.
    fn find_places(&mut self, end: usize) {
        if self.places.len() < end {
            self.places.resize(end, NONE);
        }
        // Where they are is looked up once, and not for each value.
        let (places, dictionary) = (self.places.as_mut_slice(), &mut self.dictionary);
        dictionary.clear();
        for value in &mut self.values {
            let Some(place) = places.get_mut(*value as usize) else {
                continue;
            };
            if *place == NONE {
                // There are no more than rows.
                *place = count_of(dictionary.len());
                dictionary.push(*value);
            }
            *value = *place;
        }
        for value in dictionary {
            if let Some(place) = places.get_mut(*value as usize) {
                *place = NONE;
            }
        }
    }

    /// The dictionary of numbers, as a page.
    fn numbers(&self, physical: Physical) -> Vec<u8> {
        let mut page = Vec::new();
        for value in &self.dictionary {
            page.extend(value.to_le_bytes());
            if physical == Physical::INT64 {
                page.extend([0; 4]);
            }
        }
        page
    }

    /// The dictionary of texts, as a page, and to compare.
    fn texts(&self, rows: &Rows, coding: Coding) -> (Vec<u8>, Texts) {
        let mut page = Vec::new();
        let mut texts = Texts {
            bytes: Vec::new(),
            ends: Vec::with_capacity(self.dictionary.len()),
            begin: Vec::with_capacity(self.dictionary.len()),
        };
        for value in &self.dictionary {
            match coding {
                Coding::Address => rows.addresses.text(*value, &mut texts.bytes),
                Coding::Name => rows.names.text(*value, &mut texts.bytes),
                _ => {
                    // Numbers of protocols have eight bits.
                    let name = protocol_name(u8::try_from(*value).unwrap_or(u8::MAX));
                    texts.bytes.extend_from_slice(name.as_bytes());
                }
            }
            put_text(texts.end(), &mut page);
        }
        (page, texts)
    }

    fn chunk(
        &mut self,
        it: &Specification,
        descriptor: ColumnDescPtr,
        pieces: &[Piece],
        values: &Values<'_>,
        bloom_filter: Option<Sbbf>,
    ) -> Result<(Bytes, ColumnCloseResult)> {
        let physical = it.physical();
        let has_values = pieces.iter().any(|it| !it.values.is_empty());
        let mut chunk = Chunk::new(it);
        let mut written = TrackedWrite::new(Vec::new());
        let mut pages = SerializedPageWriter::new(&mut written);
        let (encoding, dictionary) = match values {
            Values::Dictionary { page, .. } | Values::Constant { page, .. } if has_values => {
                (Encoding::RLE_DICTIONARY, Some(page))
            }
            Values::Differences if has_values => (Encoding::DELTA_BINARY_PACKED, None),
            _ => (Encoding::PLAIN, None),
        };
        if let Some(page) = dictionary {
            let count = match values {
                Values::Constant { .. } => 1,
                _ => self.dictionary.len(),
            };
            let compressed = Page::DictionaryPage {
                buf: self.compressor.compress(page)?.into(),
                num_values: count_of(count),
                encoding: Encoding::PLAIN,
                is_sorted: false,
            };
            let spec = pages.write_page(CompressedPage::new(compressed, page.len()))?;
            chunk.add_dictionary(&spec);
        }
        let width = packing::width(count_of(self.dictionary.len().saturating_sub(1)));
        for (number, piece) in pieces.iter().enumerate() {
            self.page.clear();
            let levels = self.levels(it).and_then(|it| it.pages.get(number));
            if let Some((_, levels)) = levels.cloned() {
                self.page.extend(levels);
            }
            let bounds = self.put_values(it, piece, values, width);
            let compressed = Page::DataPage {
                buf: self.compressor.compress(&self.page)?.into(),
                num_values: count_of(piece.rows),
                encoding,
                def_level_encoding: Encoding::RLE,
                rep_level_encoding: Encoding::RLE,
                statistics: None,
            };
            let spec = pages.write_page(CompressedPage::new(compressed, self.page.len()))?;
            chunk.add(&spec, piece, bounds, physical);
        }
        pages.close()?;
        let bytes = Bytes::from(written.into_inner()?);
        let closed = chunk.close(descriptor, encoding, dictionary.is_some(), bloom_filter)?;
        Ok((bytes, closed))
    }

    /// Puts the values of a page behind its levels, and says which are the least and the largest of them.
    fn put_values(
        &mut self,
        it: &Specification,
        piece: &Piece,
        values: &Values<'_>,
        width: u8,
    ) -> Option<Bounds> {
        if piece.values.is_empty() {
            // Its encoding is that of the other pages, whose readers expect how it begins, even without values.
            match values {
                Values::Dictionary { .. } if !self.dictionary.is_empty() => self.page.push(width),
                Values::Differences if !self.wide.is_empty() => {
                    packing::differences(&[], &mut self.page);
                }
                _ => {}
            }
            return None;
        }
        let places = self.values.get(piece.values.clone()).unwrap_or_default();
        let wide = self.wide.get(piece.values.clone()).unwrap_or_default();
        let numbers = piece.bounds;
        let numbers = numbers.map(|(least, most)| Bounds::Numbers(least.into(), most.into()));
        match values {
            Values::Constant { text, .. } => {
                self.page.push(1);
                packing::equal(0, piece.values.len(), 1, &mut self.page);
                Some(Bounds::Texts(text.to_vec(), text.to_vec()))
            }
            Values::Dictionary { texts, .. } => {
                self.page.push(width);
                packing::hybrid(places, width, &mut self.page);
                match texts {
                    Some(texts) => texts.bounds(places),
                    None => numbers,
                }
            }
            Values::Differences => {
                packing::differences(wide, &mut self.page);
                least_and_most(wide).map(|(least, most)| Bounds::Numbers(least, most))
            }
            Values::Plain if it.coding == Coding::Flag => {
                let bits = |it: &[u32]| {
                    it.iter()
                        .rev()
                        .fold(0, |bits, it| bits << 1 | it.to_le_bytes()[0])
                };
                self.page.extend(places.chunks(8).map(bits));
                numbers
            }
            Values::Plain => {
                self.page
                    .extend(places.iter().flat_map(|it| it.to_le_bytes()));
                numbers
            }
        }
    }
}

fn least_and_most<T: Copy + Ord>(values: &[T]) -> Option<(T, T)> {
    let first = *values.first()?;
    let wider = |(least, most): (T, T), it: &T| (least.min(*it), most.max(*it));
    Some(values.iter().fold((first, first), wider))
}

impl Texts {
    /// Ends the text whose bytes were added last, and gives it.
    fn end(&mut self) -> &[u8] {
        let begin = self.ends.last().copied().unwrap_or_default();
        self.ends.push(self.bytes.len());
        let text = self.bytes.get(begin..).unwrap_or_default();
        let mut first = [0; 16];
        let len = text.len().min(16);
        first[..len].copy_from_slice(&text[..len]);
        self.begin.push(u128::from_be_bytes(first));
        text
    }

    fn get(&self, place: u32) -> &[u8] {
        let place = place as usize;
        let begin = place.checked_sub(1).and_then(|it| self.ends.get(it));
        let end = self.ends.get(place).copied().unwrap_or_default();
        let begin = begin.copied().unwrap_or_default();
        self.bytes.get(begin..end).unwrap_or_default()
    }

    fn bounds(&self, places: &[u32]) -> Option<Bounds> {
        let begin = |place: &u32| self.begin.get(*place as usize).copied();
        // What they begin with mostly decides: the whole texts only where it does not.
        let begins = places.iter().filter_map(begin);
        let both = begins.fold((u128::MAX, 0), |(least, most), it| {
            (least.min(it), most.max(it))
        });
        let of = |decides: u128| {
            let places = places.iter().filter(move |it| begin(it) == Some(decides));
            places.map(|it| self.get(*it))
        };
        let (least, most) = (of(both.0).min()?, of(both.1).max()?);
        Some(Bounds::Texts(least.to_vec(), most.to_vec()))
    }

    fn bloom_filter(&self) -> Result<Sbbf> {
        let count = self.ends.len();
        let mut filter = Sbbf::new_with_ndv_fpp(count as u64, BLOOM_ERRORS)?;
        for place in 0..count {
            filter.insert(self.get(count_of(place)));
        }
        Ok(filter)
    }
}

/// What is known of a chunk while its pages are written.
struct Chunk {
    pages: i32,
    rows: u64,
    nulls: u64,
    compressed: u64,
    uncompressed: u64,
    data_offset: Option<u64>,
    bounds: Option<Bounds>,
    /// Those of the last page, and whether none so far was below the one before.
    last: Option<Bounds>,
    is_ascending: bool,
    columns: ColumnIndexBuilder,
    offsets: OffsetIndexBuilder,
}

impl Chunk {
    fn new(it: &Specification) -> Self {
        Self {
            pages: 0,
            rows: 0,
            nulls: 0,
            compressed: 0,
            uncompressed: 0,
            data_offset: None,
            bounds: None,
            last: None,
            is_ascending: true,
            columns: ColumnIndexBuilder::new(it.physical()),
            offsets: OffsetIndexBuilder::new(),
        }
    }

    fn add_dictionary(&mut self, spec: &parquet::column::page::PageWriteSpec) {
        self.compressed += spec.compressed_size as u64;
        self.uncompressed += spec.uncompressed_size as u64;
    }

    fn add(
        &mut self,
        spec: &parquet::column::page::PageWriteSpec,
        piece: &Piece,
        bounds: Option<Bounds>,
        physical: Physical,
    ) {
        let nulls = piece.rows - piece.values.len();
        self.pages += 1;
        self.rows += piece.rows as u64;
        self.nulls += nulls as u64;
        self.add_dictionary(spec);
        self.data_offset.get_or_insert(spec.offset);
        self.offsets.append_row_count(signed(piece.rows as u64));
        // A page has some hundred kilobytes at most.
        let size = i32::try_from(spec.compressed_size).unwrap_or(i32::MAX);
        self.offsets
            .append_offset_and_size(signed(spec.offset), size);
        let [least, most] = bounds
            .as_ref()
            .map(|it| it.bytes(physical))
            .unwrap_or_default();
        let is_null = bounds.is_none();
        self.columns
            .append(is_null, least, most, signed(nulls as u64));
        if let Some(bounds) = bounds {
            if let Some(last) = &self.last {
                self.is_ascending &= last.is_not_above(&bounds);
            }
            self.last = Some(bounds.clone());
            self.bounds = Some(match self.bounds.take() {
                Some(all) => all.and(bounds),
                None => bounds,
            });
        }
    }

    fn close(
        mut self,
        descriptor: ColumnDescPtr,
        encoding: Encoding,
        has_dictionary: bool,
        bloom_filter: Option<Sbbf>,
    ) -> Result<ColumnCloseResult> {
        let physical = descriptor.physical_type();
        let pages = |page_type, encoding, count| PageEncodingStats {
            page_type,
            encoding,
            count,
        };
        let mut encodings = vec![Encoding::RLE, encoding];
        let mut encoded = vec![pages(PageType::DATA_PAGE, encoding, self.pages)];
        if has_dictionary {
            encodings.push(Encoding::PLAIN);
            encoded.insert(0, pages(PageType::DICTIONARY_PAGE, Encoding::PLAIN, 1));
        }
        self.columns.set_boundary_order(if self.is_ascending {
            BoundaryOrder::ASCENDING
        } else {
            BoundaryOrder::UNORDERED
        });
        let metadata = ColumnChunkMetaData::builder(descriptor)
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(ZSTD_LEVEL)?))
            .set_encodings(encodings)
            .set_page_encoding_stats(encoded)
            .set_num_values(signed(self.rows))
            .set_total_compressed_size(signed(self.compressed))
            .set_total_uncompressed_size(signed(self.uncompressed))
            .set_dictionary_page_offset(has_dictionary.then_some(0))
            .set_data_page_offset(signed(self.data_offset.unwrap_or_default()))
            .set_statistics(bounds::statistics(
                physical,
                self.bounds.as_ref(),
                self.nulls,
            ))
            .build()?;
        Ok(ColumnCloseResult {
            bytes_written: self.compressed,
            rows_written: self.rows,
            metadata,
            bloom_filter,
            column_index: Some(self.columns.build()?),
            offset_index: Some(self.offsets.build()),
        })
    }
}

/// Takes the numbers whose rows have the bit. There are no jumps in it, because which do is hard to foretell.
fn compact(numbers: &[u32], present: &[u16], bit: u16, to: &mut Vec<u32>) {
    let begin = to.len();
    to.resize(begin + numbers.len() + 1, 0);
    let mut at = begin;
    for (number, present) in numbers.iter().zip(present) {
        to[at] = *number;
        at += usize::from(present & bit != 0);
    }
    to.truncate(at);
}

/// A text in a page of a dictionary: behind its length.
fn put_text(text: &[u8], to: &mut Vec<u8>) {
    to.extend(count_of(text.len()).to_le_bytes());
    to.extend_from_slice(text);
}

/// There are no more than rows of anything, and no text has gigabytes.
fn count_of(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

fn signed(it: u64) -> i64 {
    i64::try_from(it).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_begin_alike_have_bounds() {
        let mut texts = Texts {
            bytes: Vec::new(),
            ends: Vec::new(),
            begin: Vec::new(),
        };
        let all = [
            "2001:db8:1111:2222::9",
            "2001:db8:1111:2222::10",
            "2001:db8:1111:2222::2",
            "192.0.2.1",
            "2001:db8:1111:2222:",
        ];
        for text in all {
            texts.bytes.extend_from_slice(text.as_bytes());
            assert_eq!(texts.end(), text.as_bytes());
        }
        let bounds = |places: &[u32]| match texts.bounds(places) {
            Some(Bounds::Texts(least, most)) => {
                [least, most].map(|it| String::from_utf8(it).unwrap())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(bounds(&[0, 1, 2, 1]), [all[1], all[0]]);
        assert_eq!(bounds(&[2, 4, 3]), [all[3], all[2]]);
        assert_eq!(bounds(&[4, 2]), [all[4], all[2]]);
        assert_eq!(bounds(&[1]), [all[1], all[1]]);
        assert_eq!(texts.bounds(&[]), None);
    }
}
