//! All ways to read a file give the same.

use pcaps_file::{
    Error, ErrorKind, Format, Header, MAX_RECORD_LEN, Packet, PushReader, Pushed, Reader,
    Timestamp, Verifier,
};

/// A packet that owns its bytes: time, link type, original length, bytes.
pub(crate) type Owned = (Timestamp, u16, u32, Vec<u8>);

/// What an error says.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) kind: ErrorKind,
    offset: Option<u64>,
    packet: Option<u64>,
    text: String,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self {
            kind: error.kind(),
            offset: error.offset(),
            packet: error.packet_number(),
            text: error.to_string(),
        }
    }
}

/// What a file gave: what its beginning says, its packets, and why they ended before its end.
#[derive(Debug, PartialEq)]
pub(crate) struct Given {
    pub(crate) header: Option<Header>,
    pub(crate) packets: Vec<Owned>,
    pub(crate) failure: Option<Failure>,
}

pub(crate) const NAME: &str = "the file";

fn owned(packet: &Packet<'_>) -> Owned {
    assert!(packet.original_len as usize >= packet.bytes.len());
    assert!(packet.bytes.len() <= MAX_RECORD_LEN as usize);
    (
        packet.timestamp,
        packet.link_type.0,
        packet.original_len,
        packet.bytes.to_vec(),
    )
}

/// What a [`Reader`] gives. An error must come again.
pub(crate) fn read(file: &[u8], name: &str) -> Given {
    let mut packets = Vec::new();
    let mut reader = match Reader::new(file, name) {
        Ok(reader) => reader,
        Err(error) => {
            return Given {
                header: None,
                packets,
                failure: Some(error.into()),
            };
        }
    };
    let failure = loop {
        match reader.next_packet() {
            Ok(Some(packet)) => packets.push(owned(&packet)),
            Ok(None) => {
                assert!(
                    matches!(reader.next_packet(), Ok(None)),
                    "it goes on after its end"
                );
                break None;
            }
            Err(error) => {
                let failure = Failure::from(error);
                let again = reader.next_packet().expect_err("the same obstacle");
                assert_eq!(Failure::from(again), failure);
                break Some(failure);
            }
        }
    };
    let header = reader.header();
    if header.format == Format::Pcap {
        let link_type = header.link_type.0;
        assert!(packets.iter().all(|it| it.1 == link_type));
    }
    Given {
        header: Some(header),
        packets,
        failure,
    }
}

/// What a [`PushReader`] gives, of pieces of these lengths.
fn push(file: &[u8], mut lens: Lens) -> Given {
    let mut reader = PushReader::new(NAME);
    let mut rest = file;
    let mut packets = Vec::new();
    let failure = loop {
        match reader.next_packet() {
            Ok(Pushed::Packet(packet)) => packets.push(owned(&packet)),
            Ok(Pushed::End) => break None,
            Ok(Pushed::More) if rest.is_empty() => reader.end(),
            Ok(Pushed::More) => {
                let (piece, after) = rest.split_at(lens.next(rest.len()));
                reader.push(piece);
                rest = after;
            }
            Err(error) => break Some(error.into()),
        }
    };
    Given {
        header: reader.header(),
        packets,
        failure,
    }
}

/// What a [`Verifier`] says is what these packets are.
fn verify(file: &[u8], given: &Given, mut lens: Lens) {
    let mut check = Verifier::new(NAME);
    let mut rest = file;
    let mut failed = None;
    while !rest.is_empty() && failed.is_none() {
        let (piece, after) = rest.split_at(lens.next(rest.len()));
        failed = check.push(piece).err();
        rest = after;
    }
    let finished = check.finish();
    let verified = match (finished, failed) {
        (Ok(verified), None) => Ok(verified),
        (Ok(_), Some(failed)) => panic!("it ended well after {failed}"),
        (Err(error), None) => Err(Failure::from(error)),
        (Err(error), Some(failed)) => {
            let failure = Failure::from(error);
            assert_eq!(Failure::from(failed), failure, "the same again");
            Err(failure)
        }
    };
    let times = || given.packets.iter().map(|it| it.0);
    match (verified, &given.failure) {
        (Ok(verified), None) => {
            assert_eq!(Some(verified.header), given.header);
            assert_eq!(verified.packets, given.packets.len() as u64);
            let captured = given.packets.iter().map(|it| it.3.len() as u64);
            assert_eq!(verified.bytes_captured, captured.sum::<u64>());
            let on_wire = given.packets.iter().map(|it| u64::from(it.2));
            assert_eq!(verified.bytes_on_wire, on_wire.sum::<u64>());
            assert_eq!(verified.first_time, times().min());
            assert_eq!(verified.last_time, times().max());
        }
        (Err(failure), Some(expected)) => assert_eq!(failure, *expected),
        (verified, expected) => panic!("verifier: {verified:?}, reader: {expected:?}"),
    }
}

/// Whether what a cut file gives is what the whole one begins with.
pub(crate) fn is_beginning(cut: &Given, whole: &Given) -> bool {
    whole.packets.starts_with(&cut.packets)
}

/// Lengths of pieces, small ones and large ones, the same for the same file.
#[derive(Clone, Copy)]
pub(crate) struct Lens(u64);

impl Lens {
    pub(crate) fn of(file: &[u8]) -> Self {
        let add = |sum: u64, byte: &u8| sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
        Self(file.iter().fold(1, add))
    }

    /// At least 1 and at most `most`, which is more than 0.
    pub(crate) fn next(&mut self, most: usize) -> usize {
        let scale = [7, 90, 2_000, 50_000][self.number() % 4];
        (self.number() % scale + 1).min(most)
    }

    pub(crate) fn number(&mut self) -> usize {
        let step = self.0.wrapping_mul(6_364_136_223_846_793_005);
        self.0 = step.wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize
    }
}

/// Whatever the bytes: reader, push reader and verifier give the same packets and the same error, in pieces of any size,
/// and cut anywhere it gives no other packets.
pub fn readers_agree(file: &[u8]) {
    let given = read(file, NAME);
    let mut lens = Lens::of(file);
    let mut pushed = push(file, lens);
    // Between the file's header and an error the reader has one, and so has the other; before, neither.
    if given.header.is_none() {
        pushed.header = None;
    }
    assert_eq!(pushed, given);
    verify(file, &given, lens);
    if !file.is_empty() {
        let cut = lens.next(file.len());
        let cut = read(&file[..file.len() - cut], NAME);
        assert!(is_beginning(&cut, &given), "cut: {cut:?}, whole: {given:?}");
    }
}
