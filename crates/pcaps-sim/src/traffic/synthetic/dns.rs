//! Questions to name servers and their answers (RFC 1035).

use fastrand::Rng;

use super::{
    conversation::Way,
    network::{self, NAMES, Service},
    slice::Slice,
};

/// What is asked for.
#[derive(Clone, Copy, Debug)]
enum Kind {
    A = 1,
    Mx = 15,
    Txt = 16,
    Aaaa = 28,
}

/// Where the question's name begins, as a compressed name.
const NAME: [u8; 2] = [0xC0, 12];

/// Of what an answer says: an answer from the zone's own server, or from a resolver.
const AUTHORITATIVE: [u8; 2] = [0x85, 0x00];
const RECURSIVE: [u8; 2] = [0x81, 0x80];

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

    let query = message(id, [1, 0], &question, &[]);
    let reply = message(id, flags, &question, &answers);
    let asked = slice.moment();
    let answered = asked + between.delay.server + think;
    slice.push(asked, between.udp(Way::Up, &query));
    slice.push(answered, between.udp(Way::Down, &reply));
}

fn question(name: &str, kind: Kind) -> Vec<u8> {
    let mut question = Vec::new();
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).unwrap_or_default());
        question.extend(label.as_bytes());
    }
    question.extend([0, 0, kind as u8, 0, 1]);
    question
}

/// The resource records of an answer.
fn answers(rng: &mut Rng, kind: Kind) -> Vec<Vec<u8>> {
    let count = match kind {
        Kind::A | Kind::Aaaa => rng.u8(1..=3),
        Kind::Mx => 2,
        Kind::Txt => 1,
    };
    (0..count)
        .map(|index| {
            let value = match kind {
                Kind::A => vec![203, 0, 113, 10 + index],
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
                Kind::Txt => {
                    let text = b"v=spf1 ip4:203.0.113.0/24 ip6:2001:db8:203::/48 -all";
                    let mut value = vec![u8::try_from(text.len()).unwrap_or_default()];
                    value.extend(text);
                    value
                }
            };
            let mut record = NAME.to_vec();
            record.extend([0, kind as u8, 0, 1, 0, 0, 1, 44, 0]);
            record.push(u8::try_from(value.len()).unwrap_or_default());
            record.extend(value);
            record
        })
        .collect()
}

/// A message with one question, and the record that says it speaks EDNS.
fn message(id: [u8; 2], flags: [u8; 2], question: &[u8], answers: &[Vec<u8>]) -> Vec<u8> {
    let count = u8::try_from(answers.len()).unwrap_or_default();
    let mut message = Vec::with_capacity(512);
    message.extend(id);
    message.extend(flags);
    message.extend([0, 1, 0, count, 0, 0, 0, 1]);
    message.extend_from_slice(question);
    message.extend(answers.iter().flatten());
    message.extend([0, 0, 41, 0x04, 0xD0, 0, 0, 0, 0, 0, 0]);
    message
}
