//! Questions to name servers and their answers (RFC 1035).

use fastrand::Rng;

use super::{
    conversation::{MTU, Way},
    network::{self, NAMES, Service},
    slice::Slice,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    A = 1,
    Ns = 2,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
    RrSig = 46,
    DnsKey = 48,
    Any = 255,
}

/// Where the question's name begins, as a compressed name.
pub(super) const NAME: [u8; 2] = [0xC0, 12];

/// Who may send mail for a zone.
pub(super) const SENDERS: &str = "v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:203::/48 -all";

/// Of what an answer says: an answer from the zone's own server, or from a resolver.
const AUTHORITATIVE: [u8; 2] = [0x85, 0x00];
pub(super) const RECURSIVE: [u8; 2] = [0x81, 0x80];

/// The record that says that EDNS is spoken, with messages of up to 1,232 bytes.
const EDNS: [u8; 11] = [0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0];

/// The same, with up to 4,096 bytes, and signatures wanted.
pub(super) const EDNS_SIGNED: [u8; 11] = [0, 0, 41, 0x10, 0, 0, 0, 0x80, 0, 0, 0];

/// One question and its answer: most to the protected name server, some from protected hosts to a
/// resolver.
pub(super) fn exchange(slice: &mut Slice) {
    let (mut between, flags) = if slice.rng.u8(0..4) == 0 {
        (network::outbound(slice, 53), RECURSIVE)
    } else {
        let between = network::inbound(slice, Service::NameServer, 53);
        (between, AUTHORITATIVE)
    };
    let rng = &mut slice.rng;
    let id = rng.u16(..).to_be_bytes();
    let kind = [Kind::A, Kind::A, Kind::Aaaa, Kind::Mx, Kind::Txt][rng.usize(0..5)];
    let question = question(NAMES[rng.usize(0..NAMES.len())], kind);
    let answers = answers(rng, kind);
    let think = rng.u64(30..4_000);

    let query = message(id, [1, 0], &question, &[], EDNS);
    let reply = message(id, flags, &question, &answers, EDNS);
    let asked = slice.moment();
    let answered = asked + between.delay.server + think;
    slice.push(asked, between.udp(Way::Up, &query));
    slice.push(answered, between.udp(Way::Down, &reply));
}

/// A name that is not compressed.
pub(super) fn name(name: &str) -> Vec<u8> {
    let labels = name.split('.').flat_map(text);
    labels.chain([0]).collect()
}

/// A text of fewer than 256 bytes behind its length.
pub(super) fn text(text: &str) -> Vec<u8> {
    let mut value = vec![u8::try_from(text.len()).unwrap_or_default()];
    value.extend(text.as_bytes());
    value
}

pub(super) fn question(of: &str, kind: Kind) -> Vec<u8> {
    let mut question = name(of);
    question.extend([0, kind as u8, 0, 1]);
    question
}

/// A resource record of the question's name.
pub(super) fn record(kind: Kind, ttl: u32, value: &[u8]) -> Vec<u8> {
    let mut record = NAME.to_vec();
    record.extend([0, kind as u8, 0, 1]);
    record.extend(ttl.to_be_bytes());
    let len = u16::try_from(value.len()).unwrap_or_default();
    record.extend(len.to_be_bytes());
    record.extend_from_slice(value);
    record
}

/// The resource records of an answer.
fn answers(rng: &mut Rng, kind: Kind) -> Vec<Vec<u8>> {
    let value = |index: u8| match kind {
        Kind::Aaaa => {
            let mut address = vec![0x20, 1, 0x0D, 0xB8, 2, 3];
            address.resize(15, 0);
            address.push(10 + index);
            address
        }
        Kind::Mx => {
            let mut exchange = vec![0, 10 * (index + 1), 3];
            exchange.extend([b'm', b'x', b'1' + index]);
            exchange.extend(NAME);
            exchange
        }
        Kind::Txt => text(SENDERS),
        _ => vec![203, 0, 113, 10 + index],
    };
    let count = match kind {
        Kind::Mx => 2,
        Kind::Txt => 1,
        _ => rng.u8(1..=3),
    };
    (0..count)
        .map(|index| record(kind, 300, &value(index)))
        .collect()
}

/// A message with one question, and the record that says it speaks EDNS.
pub(super) fn message(
    id: [u8; 2],
    flags: [u8; 2],
    question: &[u8],
    answers: &[Vec<u8>],
    edns: [u8; 11],
) -> Vec<u8> {
    let count = u8::try_from(answers.len()).unwrap_or_default();
    let mut message = Vec::with_capacity(MTU);
    message.extend(id);
    message.extend(flags);
    message.extend([0, 1, 0, count, 0, 0, 0, 1]);
    message.extend_from_slice(question);
    for answer in answers {
        message.extend_from_slice(answer);
    }
    message.extend(edns);
    message
}
