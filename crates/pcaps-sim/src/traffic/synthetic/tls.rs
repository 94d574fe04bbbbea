//! TLS 1.3 as it looks from outside: two hellos that can be read, then records that cannot.

use fastrand::Rng;

/// The most that one record carries, in bytes.
const RECORD: usize = 16_384;

/// The record that ends the readable part.
const CHANGE_CIPHER_SPEC: [u8; 6] = [20, 3, 3, 0, 1, 1];

/// A client's first record, which names the server in the clear, padded to a round number of bytes.
pub(super) fn client_hello(rng: &mut Rng, name: &str, session: &[u8]) -> Vec<u8> {
    let mut extensions = client_extensions(rng, name, b"\x00\x0c\x02h2\x08http/1.1");
    let padding = 508_usize.saturating_sub(extensions.len() + 83);
    extension(&mut extensions, 21, &vec![0; padding]);
    record(22, 1, &client_message(rng, session, &extensions))
}

/// A client's first message over QUIC (RFC 9001, section 8), which has no session, and its connection id.
pub(super) fn quic_client_hello(rng: &mut Rng, name: &str, id: &[u8]) -> Vec<u8> {
    let mut extensions = client_extensions(rng, name, b"\x00\x03\x02h3");
    // Idle for 30 s at most, datagrams of 1,472 bytes, 1 MiB in all and of each stream, 100 streams.
    let mut parameters = vec![1, 4, 0x80, 0, 0x75, 0x30, 3, 2, 0x45, 0xC0];
    for which in 4..=7 {
        parameters.extend([which, 4, 0x80, 0x10, 0, 0]);
    }
    parameters.extend([8, 2, 0x40, 100, 9, 2, 0x40, 100]);
    parameters.extend([15, u8::try_from(id.len()).unwrap_or_default()]);
    parameters.extend_from_slice(id);
    extension(&mut extensions, 57, &parameters);
    client_message(rng, &[], &extensions)
}

fn client_extensions(rng: &mut Rng, name: &str, protocols: &[u8]) -> Vec<u8> {
    let mut extensions = Vec::new();
    let host = sized16(&[&[0][..], &sized16(name.as_bytes())].concat());
    extension(&mut extensions, 0, &host);
    extension(&mut extensions, 23, &[]);
    extension(&mut extensions, 10, &[0, 6, 0, 29, 0, 23, 0, 24]);
    extension(&mut extensions, 11, &[1, 0]);
    extension(&mut extensions, 16, protocols);
    extension(
        &mut extensions,
        13,
        &[0, 12, 4, 3, 8, 4, 4, 1, 5, 3, 8, 5, 8, 6],
    );
    extension(&mut extensions, 43, &[4, 3, 4, 3, 3]);
    extension(&mut extensions, 45, &[1, 1]);
    extension(
        &mut extensions,
        51,
        &sized16(&[&[0, 29, 0, 32][..], &noise(rng, 32)].concat()),
    );
    extensions
}

fn client_message(rng: &mut Rng, session: &[u8], extensions: &[u8]) -> Vec<u8> {
    let mut hello = vec![3, 3];
    hello.extend(noise(rng, 32));
    hello.extend(sized8(session));
    hello.extend([0, 6, 19, 1, 19, 2, 19, 3, 1, 0]);
    hello.extend(sized16(extensions));
    handshake(1, &hello)
}

/// The server's first message, which repeats the client's session.
pub(super) fn server_hello(rng: &mut Rng, session: &[u8]) -> Vec<u8> {
    let mut extensions = Vec::new();
    extension(&mut extensions, 43, &[3, 4]);
    extension(
        &mut extensions,
        51,
        &[&[0, 29, 0, 32][..], &noise(rng, 32)].concat(),
    );
    let mut hello = vec![3, 3];
    hello.extend(noise(rng, 32));
    hello.extend(sized8(session));
    hello.extend([19, 1, 0]);
    hello.extend(sized16(&extensions));
    handshake(2, &hello)
}

/// The server's first flight: its hello, and its certificate where nobody can read it.
pub(super) fn server_flight(rng: &mut Rng, session: &[u8]) -> Vec<u8> {
    let mut flight = record(22, 3, &server_hello(rng, session));
    flight.extend(CHANGE_CIPHER_SPEC);
    let certificate = rng.usize(2_100..4_200);
    flight.extend(sealed(rng, certificate));
    flight
}

/// The client's last word of the handshake.
pub(super) fn client_finished(rng: &mut Rng) -> Vec<u8> {
    let mut flight = CHANGE_CIPHER_SPEC.to_vec();
    flight.extend(sealed(rng, 53));
    flight
}

/// Records that carry `len` bytes which nobody can read.
pub(super) fn sealed(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut records = Vec::with_capacity(len + 5 * len.div_ceil(RECORD));
    let mut left = len;
    while left > 0 {
        let part = left.min(RECORD);
        records.extend([23, 3, 3]);
        records.extend(u16::try_from(part).unwrap_or(u16::MAX).to_be_bytes());
        let begin = records.len();
        records.resize(begin + part, 0);
        fill(rng, &mut records[begin..]);
        left -= part;
    }
    records
}

/// `len` chance bytes.
pub(super) fn noise(rng: &mut Rng, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    fill(rng, &mut bytes);
    bytes
}

/// Fills with chance bytes, eight at a time: `Rng::fill` copies each eight through a call, which
/// doubles the time that traffic takes to make.
fn fill(rng: &mut Rng, bytes: &mut [u8]) {
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for word in words {
        *word = rng.u64(..).to_le_bytes();
    }
    rest.fill_with(|| rng.u8(..));
}

fn record(kind: u8, minor: u8, body: &[u8]) -> Vec<u8> {
    let mut record = Vec::with_capacity(body.len() + 5);
    record.extend([kind, 3, minor]);
    record.extend(len16(body));
    record.extend_from_slice(body);
    record
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0];
    message.extend(sized16(body));
    message
}

fn extension(into: &mut Vec<u8>, kind: u8, body: &[u8]) {
    into.extend([0, kind]);
    into.extend(sized16(body));
}

/// `body`, shorter than 256 bytes, behind its length in one.
fn sized8(body: &[u8]) -> Vec<u8> {
    [&[u8::try_from(body.len()).unwrap_or_default()], body].concat()
}

/// `body` behind its length in two bytes.
fn sized16(body: &[u8]) -> Vec<u8> {
    [&len16(body)[..], body].concat()
}

/// The length of something that is made here, and always shorter than 64 KiB.
fn len16(body: &[u8]) -> [u8; 2] {
    u16::try_from(body.len()).unwrap_or(u16::MAX).to_be_bytes()
}
