//! What is written is read again by the library's own reader, and is what the packets were.

use std::collections::BTreeMap;
use std::io;

use parquet::basic::{Encoding, LogicalType, TimeUnit};
use parquet::bloom_filter::Sbbf;
use parquet::file::metadata::RowGroupMetaData;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::file::serialized_reader::ReadOptionsBuilder;
use parquet::record::{Field, Row};
use pcaps_file::{LinkType, Packet, Reader, Timestamp, Writer, WriterOptions, dissect};
use pcaps_table::{CaptureName, Error, Exported, Part, Place, Source, TableSchema, export};
use proptest::prelude::*;

/// Keeps the files in memory.
#[derive(Default)]
struct Memory(BTreeMap<String, Vec<u8>>);

impl Place for Memory {
    type Output = Vec<u8>;

    fn create(&mut self, _: &Part) -> io::Result<Vec<u8>> {
        Ok(Vec::new())
    }

    fn finish(&mut self, part: Part, output: Vec<u8>) -> io::Result<()> {
        let name = format!("{}/{}", part.partition, part.number);
        assert!(self.0.insert(name, output).is_none());
        Ok(())
    }
}

fn exported(
    capture: &[u8],
    colo: Option<&str>,
) -> (Result<Exported, Error>, BTreeMap<String, Vec<u8>>) {
    let source = Source {
        name: "edge.pcap".to_owned(),
        capture: CaptureName::of_file("edge.pcap"),
        colo: colo.map(str::to_owned),
    };
    let mut memory = Memory::default();
    let mut reader = Reader::new(capture, "edge.pcap").unwrap();
    (export(&mut reader, &source, &mut memory), memory.0)
}

type RowMap = BTreeMap<String, Field>;

fn rows(file: &[u8]) -> Vec<RowMap> {
    let reader = SerializedFileReader::new(bytes::Bytes::copy_from_slice(file)).unwrap();
    let map = |row: Row| -> RowMap {
        let columns = row.get_column_iter();
        columns
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    };
    reader
        .get_row_iter(None)
        .unwrap()
        .map(|it| map(it.unwrap()))
        .collect()
}

fn number(field: &Field) -> Option<i64> {
    match field {
        Field::Int(it) => Some((*it).into()),
        Field::Long(it) | Field::TimestampMicros(it) => Some(*it),
        Field::Null => None,
        other => panic!("{other} is no number"),
    }
}

fn text(field: &Field) -> Option<&str> {
    match field {
        Field::Str(it) => Some(it),
        Field::Null => None,
        other => panic!("{other} is no text"),
    }
}

/// A packet: nanoseconds, length on the wire, bytes.
type Made = (u64, u32, Vec<u8>);

fn capture(packets: &[Made]) -> Vec<u8> {
    let options = WriterOptions {
        nanoseconds: true,
        ..WriterOptions::new(LinkType::RAW)
    };
    let mut writer = Writer::new(Vec::new(), options).unwrap();
    for (nanos, original_len, bytes) in packets {
        let packet = Packet {
            timestamp: Timestamp::from_nanos(*nanos),
            link_type: LinkType::RAW,
            original_len: *original_len,
            bytes,
        };
        writer.write(&packet).unwrap();
    }
    writer.finish().unwrap()
}

/// An IP packet, mostly.
fn packet() -> impl Strategy<Value = Vec<u8>> {
    let noise = prop::collection::vec(any::<u8>(), 0..60);
    let v4 = (
        prop::sample::select(vec![1_u8, 6, 17, 17, 47, 4, 50]),
        any::<[u8; 2]>(),
        prop::sample::select(vec![0_u16, 0, 0, 0x2000, 0x00b9]),
        noise.clone(),
    );
    let v4 = v4.prop_map(|(protocol, [source, ttl], fragment, payload)| {
        let mut bytes = vec![0x45, 0, 0, 0, 0, 7, 0, 0, ttl, protocol, 0, 0];
        bytes[6..8].copy_from_slice(&fragment.to_be_bytes());
        bytes.extend([192, 0, 2, source, 198, 51, 100, 2]);
        bytes.extend(payload);
        let len = u16::try_from(bytes.len()).unwrap();
        bytes[2..4].copy_from_slice(&len.to_be_bytes());
        bytes
    });
    let dns = prop::sample::select(vec!["a", "example", "xn--e"]).prop_map(|label| {
        let mut question = vec![
            0,
            1,
            1,
            0,
            0,
            1,
            0,
            0,
            0,
            0,
            0,
            0,
            u8::try_from(label.len()).unwrap(),
        ];
        question.extend(label.as_bytes());
        question.extend([0, 0, 28, 0, 1]);
        let len = u16::try_from(question.len() + 8).unwrap();
        let mut bytes = vec![0x60, 0, 0, 0, 0, 0, 17, 64];
        bytes[4..6].copy_from_slice(&len.to_be_bytes());
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
        bytes.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        bytes.extend([0xc0, 0, 0, 53]);
        bytes.extend(len.to_be_bytes());
        bytes.extend([0, 0]);
        bytes.extend(question);
        bytes
    });
    prop_oneof![1 => noise, 4 => v4, 1 => dns]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_are_what_the_packets_were(
        packets in prop::collection::vec((0..20_000_000_000_000_u64, 0..3_000_u32, packet()), 0..200),
        ordered in any::<bool>(),
    ) {
        let mut packets = packets;
        if ordered {
            packets.sort_by_key(|it| it.0);
        }
        let (result, files) = exported(&capture(&packets), Some("ord02"));
        let result = result.unwrap();
        prop_assert_eq!(result.rows, packets.len() as u64);
        prop_assert!(result.error.is_none());
        let mut seen = 0;
        for (name, file) in &files {
            let rows = rows(file);
            let times: Vec<_> = rows.iter().map(|it| number(&it["ts"]).unwrap()).collect();
            prop_assert!(times.is_sorted());
            for row in &rows {
                seen += 1;
                let frame = number(&row["frame_number"]).unwrap();
                let (nanos, original_len, bytes) = &packets[usize::try_from(frame).unwrap() - 1];
                let time = number(&row["ts"]).unwrap() * 1_000 + number(&row["ts_ns"]).unwrap();
                prop_assert_eq!(time, i64::try_from(*nanos).unwrap());
                let hour = nanos / 3_600_000_000_000;
                prop_assert_eq!(name, &format!("capture_id=edge/date=1970-01-01/hour={hour}/0"));
                prop_assert_eq!(number(&row["captured_len"]), Some(i64::try_from(bytes.len()).unwrap()));
                let original_len = i64::from(*original_len).max(i64::try_from(bytes.len()).unwrap());
                prop_assert_eq!(number(&row["original_len"]), Some(original_len));
                prop_assert_eq!(number(&row["link_type"]), Some(101));
                prop_assert_eq!((text(&row["file"]), text(&row["colo"])), (Some("edge.pcap"), Some("ord02")));
                let outer = dissect(LinkType::RAW, bytes);
                let found = outer.inner;
                let is = |column: &str, it: Option<std::net::IpAddr>| {
                    text(&row[column]) == it.map(|it| it.to_string()).as_deref()
                };
                let source = found.map(|it| it.source).or(outer.source);
                prop_assert!(is("src_addr", source));
                let destination = found.map(|it| it.destination).or(outer.destination);
                prop_assert!(is("dst_addr", destination));
                let protocol = found.map(|it| it.protocol).or(outer.protocol);
                prop_assert_eq!(number(&row["protocol"]), protocol.map(i64::from));
                let name = protocol.map(pcaps_file::protocol_name);
                prop_assert_eq!(text(&row["protocol_name"]), name.as_deref());
                let ports = found.map_or([outer.source_port, outer.destination_port], |it| [it.source_port, it.destination_port]);
                prop_assert_eq!(["src_port", "dst_port"].map(|it| number(&row[it])), ports.map(|it| it.map(i64::from)));
                let is_tunnel = outer.inner.is_some();
                prop_assert_eq!(number(&row["tunnels"]).is_some_and(|it| it > 0), is_tunnel);
                let source = outer.source.filter(|_| is_tunnel);
                prop_assert!(is("outer_src_addr", source));
            }
        }
        prop_assert_eq!(seen, packets.len());
    }
}

/// SYN segments from 100,000 addresses, with a thousand of another to look for.
fn flood() -> Vec<Made> {
    let packet = |number: u32| {
        let [_, b, c, d] = number.to_be_bytes();
        let mut bytes = vec![
            0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, b, c, d, 203, 0, 113, 1,
        ];
        bytes.extend([
            c, d, 1, 187, b, c, d, 9, 0, 0, 0, 0, 0x50, 2, 0xff, 0xff, 0, 0, 0, 0,
        ]);
        (u64::from(number) * 10_000, 40, bytes)
    };
    (0..300_000)
        .map(|it| packet(it % 100_000 + it / 100_000))
        .collect()
}

#[test]
fn row_groups_pages_and_filters_let_engines_skip() {
    let mut packets = flood();
    packets.sort_by_key(|it| it.0);
    let (result, files) = exported(&capture(&packets), None);
    assert_eq!(result.unwrap().rows, 300_000);
    let file = files.values().next().unwrap();
    let options = ReadOptionsBuilder::new().with_page_index().build();
    let file = bytes::Bytes::copy_from_slice(file);
    let reader = SerializedFileReader::new_with_options(file.clone(), options).unwrap();
    let metadata = reader.metadata();
    let sizes: Vec<_> = metadata
        .row_groups()
        .iter()
        .map(RowGroupMetaData::num_rows)
        .collect();
    assert_eq!(sizes, [131_072, 131_072, 37_856]);
    let schema = TableSchema::current();
    let columns = metadata.file_metadata().schema_descr().columns().to_vec();
    let names: Vec<_> = columns.iter().map(|it| it.name()).collect();
    assert_eq!(
        names,
        schema.columns.iter().map(|it| it.name).collect::<Vec<_>>()
    );
    let time = LogicalType::timestamp(true, TimeUnit::MICROS);
    assert_eq!(columns[0].logical_type_ref(), Some(&time));
    let at = |name: &str| names.iter().position(|it| *it == name).unwrap();
    let mut last = i64::MIN;
    for (number, group) in metadata.row_groups().iter().enumerate() {
        assert!(
            group
                .sorting_columns()
                .is_some_and(|it| it[0].column_idx == 0)
        );
        for column in group.columns() {
            assert!(column.statistics().is_some());
            assert!(
                column.offset_index_offset().is_some() && column.column_index_offset().is_some()
            );
        }
        let times = group.column(0).statistics().unwrap();
        let bound = |bytes: Option<&[u8]>| i64::from_le_bytes(bytes.unwrap().try_into().unwrap());
        assert!(last <= bound(times.min_bytes_opt()));
        last = bound(times.max_bytes_opt());
        let source = group.column(at("src_addr"));
        let filter = Sbbf::read_from_column_chunk(source, &file)
            .unwrap()
            .unwrap();
        let bounds = source.statistics().unwrap();
        let mut false_positives = 0;
        for (row, (.., bytes)) in packets.iter().enumerate() {
            let address = format!("{}.{}.{}.{}", bytes[12], bytes[13], bytes[14], bytes[15]);
            if row / 131_072 == number {
                assert!(filter.check(address.as_str()));
                assert!(bounds.min_bytes_opt().unwrap() <= address.as_bytes());
                assert!(bounds.max_bytes_opt().unwrap() >= address.as_bytes());
            }
            false_positives += u32::from(filter.check(format!("172.{address}").as_str()));
        }
        assert!(false_positives < 9_000, "{false_positives}");
        let encodings: Vec<_> = group.column(0).encodings().collect();
        assert!(encodings.contains(&Encoding::DELTA_BINARY_PACKED));
    }
}

#[test]
fn a_torn_file_gives_what_comes_before() {
    let whole = capture(&flood()[..1_000]);
    let (result, files) = exported(&whole[..whole.len() - 1], None);
    let result = result.unwrap();
    assert_eq!(result.rows, 999);
    assert!(result.error.is_some_and(|it| it.is_truncated()));
    assert_eq!(files.values().map(|it| rows(it).len()).sum::<usize>(), 999);
}

#[test]
fn times_without_end_are_refused() {
    let packet = |hour: u64| (hour * 3_600_000_000_000, 1, vec![0]);
    let hours = |count: u64| capture(&(0..count).map(packet).collect::<Vec<_>>());
    assert_eq!(exported(&hours(1_000), None).1.len(), 1_000);
    let (result, _) = exported(&hours(10_001), None);
    assert!(result.unwrap_err().is_scattered());
}

#[test]
fn hours_that_come_again_have_files_of_their_own() {
    // More hours than files are open, in turns, in a buffer each.
    let packet = |number: u64| {
        let name = format!("{number:0>60}");
        let mut question = vec![0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
        for _ in 0..4 {
            question.push(60);
            question.extend(name.bytes().map(|it| it | 0x80));
        }
        question.extend([0, 0, 1, 0, 1]);
        let len = u16::try_from(question.len() + 8).unwrap().to_be_bytes();
        let mut bytes = vec![
            0x45, 0, 1, 40, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
        ];
        bytes.extend([0xc0, 0, 0, 53]);
        bytes.extend(len);
        bytes.extend([0, 0]);
        bytes.extend(question);
        let total = u16::try_from(bytes.len()).unwrap().to_be_bytes();
        bytes[2..4].copy_from_slice(&total);
        (number % 20 * 3_600_000_000_000 + number, 300, bytes)
    };
    // Names fill the list after some thousand packets.
    let packets: Vec<_> = (0..20_000).map(packet).collect();
    let (result, files) = exported(&capture(&packets), None);
    assert_eq!(result.unwrap().rows, 20_000);
    assert!(
        files.keys().any(|it| it.ends_with("hour=0/1")),
        "{:?}",
        files.keys()
    );
    let mut frames: Vec<_> = files
        .values()
        .flat_map(|it| rows(it))
        .map(|it| number(&it["frame_number"]).unwrap())
        .collect();
    frames.sort_unstable();
    assert!(frames.into_iter().eq(1..=20_000));
}

#[test]
fn a_page_may_lack_what_another_one_has() {
    let tcp = {
        let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1];
        bytes.extend([10, 0, 0, 2, 0, 80, 1, 187, 0, 1, 0, 9, 0, 0, 0, 0, 0x50, 2]);
        bytes.extend([0xff, 0xff, 0, 0, 0, 0]);
        bytes
    };
    let dns = {
        let mut bytes = vec![0x45, 0, 0, 47, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 3];
        bytes.extend([10, 0, 0, 4, 0xc0, 0, 0, 53, 0, 27, 0, 0]);
        bytes.extend([0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, b'a', 0, 0, 28, 0, 1]);
        bytes
    };
    let fragment = {
        let mut bytes = vec![0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 5];
        bytes.extend([10, 0, 0, 6, 0, 1, 0, 2, 0, 8, 0, 0]);
        bytes
    };
    let tunnel = {
        let mut bytes = vec![0x45, 0, 0, 60, 0, 0, 0, 0, 64, 4, 0, 0, 10, 0, 0, 7];
        bytes.extend([10, 0, 0, 8]);
        bytes.extend(&tcp);
        bytes
    };
    let kinds = [tcp, dns, fragment, tunnel];
    // The pages of 16,384 rows that have IP packets: the first one, or the last.
    for page in [0, 2] {
        let bytes = |it: usize| {
            if it / 16_384 == page {
                kinds[it % 4].clone()
            } else {
                vec![0]
            }
        };
        let packets: Vec<_> = (0..40_000).map(|it| (it as u64, 60, bytes(it))).collect();
        let (result, files) = exported(&capture(&packets), None);
        assert_eq!(result.unwrap().rows, 40_000);
        let rows = rows(files.values().next().unwrap());
        assert_eq!(rows.len(), 40_000);
        for (at, row) in rows.iter().enumerate() {
            let is_one = |kinds: &[usize]| at / 16_384 == page && kinds.contains(&(at % 4));
            let seq = number(&row["tcp_seq"]);
            assert_eq!(seq, is_one(&[0, 3]).then_some(0x1_0009), "{at}");
            let name = text(&row["dns_query_name"]);
            assert_eq!(name, is_one(&[1]).then_some("a"), "{at}");
            let id = number(&row["fragment_id"]);
            assert_eq!(id, is_one(&[2]).then_some(7), "{at}");
            let outer = text(&row["outer_src_addr"]);
            assert_eq!(outer, is_one(&[3]).then_some("10.0.0.7"), "{at}");
        }
    }
}
