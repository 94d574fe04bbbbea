//! The packets that are wanted, in another file.

#[expect(dead_code, reason = "each test file uses its part")]
mod common;

use std::fs;
use std::io::{self, Write};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use common::{DNS, Owned, SECTIONS_BE, read_all};
use pcaps_file::merge::Input;
use pcaps_file::{
    Error, Format, LinkType, Packet, Selected, Timestamp, Writer, WriterOptions, select,
};

fn input(bytes: &[u8]) -> Input {
    Input::reader(io::Cursor::new(bytes.to_vec()), "made here")
}

/// Every packet of the inputs that has an even number of bytes.
fn even(files: &[&[u8]]) -> (Selected, Vec<u8>) {
    even_of(files.iter().map(|it| input(it)))
}

fn even_of(inputs: impl IntoIterator<Item = Input>) -> (Selected, Vec<u8>) {
    let mut output = Vec::new();
    let selected = select(inputs, &mut output, |it| {
        Ok::<_, Error>(it.bytes.len() % 2 == 0)
    });
    (selected.expect("selects"), output)
}

fn expected(files: &[&[u8]]) -> Vec<Owned> {
    let all = files.iter().flat_map(|it| read_all(*it).0);
    all.filter(|it| it.3.len() % 2 == 0).collect()
}

#[test]
fn what_is_wanted_as_it_was() {
    let (selected, output) = even(&[DNS]);
    assert_eq!(selected.format, Format::Pcap);
    assert_eq!(output[..24], DNS[..24]);
    let written = read_all(&*output).0;
    assert_eq!(written, expected(&[DNS]));
    assert_eq!(
        (selected.read, selected.written),
        (42, written.len() as u64)
    );
    assert!(0 < selected.written && selected.written < 42);
}

#[test]
fn what_differs_in_link_type_or_resolution_goes_into_one_file_too() {
    let files = [DNS, SECTIONS_BE, DNS];
    let (selected, output) = even(&files);
    assert_eq!(selected.format, Format::PcapNg);
    assert_eq!(read_all(&*output).0, expected(&files));
    assert_eq!(selected.refused, 0);
}

#[test]
fn what_is_torn_gives_what_comes_before() {
    let torn = &DNS[..DNS.len() - 1];
    let (selected, output) = even(&[torn, DNS]);
    assert_eq!(selected.read, 41 + 42);
    assert_eq!(read_all(&*output).0, expected(&[torn, DNS]));
    let [error] = &selected.errors[..] else {
        panic!("{:?}", selected.errors);
    };
    assert!(error.is_truncated());
}

#[test]
fn nothing_is_written_where_an_input_cannot_be_opened() {
    for second in [Input::path("no/such/file"), input(b"<html>")] {
        let mut output = Vec::new();
        let selected = select([input(DNS), second], &mut output, |_| Ok::<_, Error>(true));
        selected.expect_err("no input");
        assert!(output.is_empty());
    }
}

/// A classic file of some 16 MB, more than one thread looks through, with a packet that is longer than what the threads
/// take at a time.
fn long() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), WriterOptions::new(LinkType::RAW)).expect("a header");
    for number in 0..30_000_u32 {
        let len = if number == 15_000 {
            2 << 20
        } else {
            300 + number % 301
        };
        let packet = Packet {
            timestamp: Timestamp::from_parts(number, 0),
            link_type: LinkType::RAW,
            original_len: len,
            bytes: &vec![0x45; len as usize],
        };
        writer.write(&packet).expect("it fits");
    }
    writer.finish().expect("written")
}

/// In any order in which the two threads come.
#[test]
fn a_long_file_keeps_its_order() {
    let whole = long();
    let torn = &whole[..whole.len() - 1];
    for _ in 0..20 {
        let (selected, output) = even(&[torn, DNS, &whole]);
        assert_eq!(selected.read, 29_999 + 42 + 30_000);
        assert_eq!(selected.errors.len(), 1);
        assert!(read_all(&*output).0 == expected(&[torn, DNS, &whole]));
    }
}

/// The same of files, which threads read at several places.
#[test]
fn a_long_file_on_disk_keeps_its_order() {
    let whole = long();
    let torn = &whole[..whole.len() - 1];
    let folder = tempfile::tempdir().expect("a folder");
    let paths = [("torn", torn), ("dns", DNS), ("whole", &whole)].map(|(name, file)| {
        let path = folder.path().join(name);
        fs::write(&path, file).expect("room");
        path
    });
    for _ in 0..20 {
        let (selected, output) = even_of(paths.clone().map(Input::path));
        assert_eq!(selected.read, 29_999 + 42 + 30_000);
        let [error] = &*selected.errors else {
            panic!("{:?}", selected.errors);
        };
        assert_eq!(error.packet_number(), Some(30_000));
        assert!(read_all(&*output).0 == expected(&[torn, DNS, &whole]));
    }
}

/// Whatever the other thread has found further on.
#[test]
fn what_fails_ends_with_what_comes_before() {
    let file = long();
    for last in [0, 5, 14_999, 15_000, 20_000, 29_999] {
        let mut output = Vec::new();
        let failed = select([input(&file)], &mut output, |packet| {
            if packet.timestamp >= Timestamp::from_parts(last, 0) {
                return Err(Failed::Wanted(packet.timestamp));
            }
            Ok(packet.bytes.len() % 2 == 0)
        });
        let failed = failed.map(|_| ()).expect_err("it fails");
        assert!(matches!(failed, Failed::Wanted(at) if at == Timestamp::from_parts(last, 0)));
        // It ends where it ended: nothing is said of what was written.
        let before = read_all(&*output).0;
        assert!(expected(&[&file]).starts_with(&before));
    }
}

#[derive(Debug)]
enum Failed {
    Wanted(Timestamp),
    File,
}

impl From<Error> for Failed {
    fn from(_: Error) -> Self {
        Self::File
    }
}

/// Neither thread waits for ever for the other.
#[test]
fn a_panic_goes_on() {
    let file = long();
    for last in [10, 25_000] {
        let (asked, panicked) = (AtomicU32::new(0), AtomicBool::new(false));
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| {
            select([input(&file)], Vec::new(), |packet| {
                asked.fetch_add(u32::from(panicked.load(Relaxed)), Relaxed);
                let is_last = packet.timestamp == Timestamp::from_parts(last, 0);
                panicked.fetch_or(is_last, Relaxed);
                assert!(!is_last, "on purpose");
                Ok::<_, Error>(true)
            })
        }));
        ended.map(|_| ()).expect_err("it panics");
        // The other thread ends the piece that it is at.
        let asked = asked.load(Relaxed);
        assert!(asked < 5_000, "{asked}");
    }
}

/// A disk with room for so many bytes.
struct Disk(usize);

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.min(bytes.len()) {
            0 => Err(io::ErrorKind::StorageFull.into()),
            count => {
                self.0 -= count;
                Ok(count)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The thread that writes fails, and the one that reads is told, whether it goes on for long or has ended.
#[test]
fn a_full_disk_is_told() {
    let many = [&DNS[..24], &DNS[24..].repeat(1_000)].concat();
    for (file, room) in [(DNS, 0), (DNS, DNS.len() - 1), (&many, 0), (&many, 600_000)] {
        let selected = select([input(file)], Disk(room), |_| Ok::<_, Error>(true));
        let error = selected.expect_err("no room");
        assert!(error.is_io(), "{error}");
        let source = std::error::Error::source(&error).expect("has a source");
        let source: &io::Error = source.downcast_ref().expect("is of the disk");
        assert_eq!(source.kind(), io::ErrorKind::StorageFull, "{source}");
    }
    let fits = select([input(DNS)], Disk(DNS.len()), |_| Ok::<_, Error>(true));
    assert_eq!(fits.expect("fits").written, 42);
}
