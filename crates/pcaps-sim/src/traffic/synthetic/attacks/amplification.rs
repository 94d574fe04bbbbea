//! A DNS amplification: open resolvers answer, at length, questions that the victim did not ask.

use std::ops::Range;

use fastrand::Rng;

use super::{
    super::{
        conversation::{Addresses, Conversation, Ends, Way},
        dns::{self, Kind},
        network::CLIENT_PORTS,
        slice::{Slice, hash},
        tls::noise,
    },
    AMPLIFIED, Attack, burst, resolver,
};

/// How long it goes on, in seconds.
const SECONDS: Range<u64> = 4..7;

/// Answers in a second of it.
const ANSWERS: Range<u32> = 20..35;

/// How many resolvers are misused.
const RESOLVERS: u64 = 400;

/// The zone that is asked for, because its answers are long.
const ZONE: &str = "example.org";

/// Bytes of a public key or a signature: RSA with 2,048 bits.
const RSA: usize = 256;

/// RSA with SHA-256.
const ALGORITHM: u8 = 8;

/// Adds the second's answers, if the second is one of the attack.
pub(super) fn answers(slice: &mut Slice) {
    let Some(mut burst) = burst(slice, Attack::Amplification, SECONDS) else {
        return;
    };
    let victim_port = burst.rng.u16(CLIENT_PORTS);
    for _ in 0..slice.rng.u32(ANSWERS) {
        // How far away a resolver is, is its own.
        let chance = hash(slice.seed, slice.rng.u64(0..RESOLVERS));
        let hops = u8::try_from(chance >> 59).unwrap_or_default();
        let ends = Ends {
            client: 64,
            server: 58 - hops,
        };
        let ports = [victim_port, 53];
        let addresses = Addresses::V4(AMPLIFIED, resolver(chance));
        let mut between = Conversation::new(&mut slice.rng, addresses, ends, ports);
        let answer = answer(slice);
        let at = slice.moment();
        slice.push(at, between.udp(Way::Down, &answer));
    }
}

/// An answer of more than 1,000 bytes that fits in a packet.
fn answer(slice: &mut Slice) -> Vec<u8> {
    let id = slice.rng.u16(..).to_be_bytes();
    // What is left of an hour in the resolver's cache.
    let ttl = slice.rng.u32(1..=3_600);
    let kind = [Kind::Any, Kind::Any, Kind::Any, Kind::DnsKey, Kind::Txt][slice.rng.usize(0..5)];
    let records = match kind {
        Kind::Txt => texts(ttl),
        Kind::DnsKey => signed_keys(slice, ttl),
        _ => everything(slice, ttl),
    };
    let question = dns::question(ZONE, kind);
    dns::message(id, dns::RECURSIVE, &question, &records, dns::EDNS_SIGNED)
}

/// The zone's keys and who vouches for them.
fn signed_keys(slice: &Slice, ttl: u32) -> Vec<Vec<u8>> {
    // A zone has the same keys whoever is asked.
    let mut rng = Rng::with_seed(hash(slice.seed, Kind::DnsKey as u64));
    let mut keys: Vec<_> = [257, 256, 256]
        .map(|flags| dns::record(Kind::DnsKey, ttl, &key(&mut rng, flags)))
        .into();
    let signature = signature(&mut rng, Kind::DnsKey, slice.second);
    keys.push(dns::record(Kind::RrSig, ttl, &signature));
    keys
}

/// A record of every sort.
fn everything(slice: &Slice, ttl: u32) -> Vec<Vec<u8>> {
    let mut records = signed_keys(slice, ttl);
    // Two keys are enough here.
    records.remove(2);
    let mut rng = Rng::with_seed(hash(slice.seed, Kind::Any as u64));
    let signature = signature(&mut rng, Kind::Ns, slice.second);
    records.push(dns::record(Kind::RrSig, ttl, &signature));
    for host in [b"\x03ns1", b"\x03ns2"] {
        records.push(dns::record(
            Kind::Ns,
            ttl,
            &[&host[..], &dns::NAME].concat(),
        ));
    }
    records.push(dns::record(Kind::A, ttl, &[203, 0, 113, 10]));
    let exchange = [&[0, 10][..], b"\x03mx1", &dns::NAME].concat();
    records.push(dns::record(Kind::Mx, ttl, &exchange));
    records.push(dns::record(Kind::Txt, ttl, &dns::text(dns::SENDERS)));
    records
}

/// Texts as domains gather them: proofs of ownership for many services.
fn texts(ttl: u32) -> Vec<Vec<u8>> {
    let mut rng = Rng::with_seed(u64::from(ALGORITHM));
    (0..12)
        .map(|service| {
            let proof: String = (0..64).map(|_| rng.alphanumeric()).collect();
            let text = format!("service-{service}-site-verification={proof}");
            dns::record(Kind::Txt, ttl, &dns::text(&text))
        })
        .collect()
}

/// The value of a DNSKEY record (RFC 4034, section 2; RFC 3110).
fn key(rng: &mut Rng, flags: u16) -> Vec<u8> {
    let mut value = flags.to_be_bytes().to_vec();
    value.extend([3, ALGORITHM]);
    value.extend([3, 1, 0, 1]); // the exponent 65,537
    value.extend(noise(rng, RSA));
    value
}

/// The value of an RRSIG record (RFC 4034, section 3), from a week before to a week after.
fn signature(rng: &mut Rng, covered: Kind, second: u64) -> Vec<u8> {
    const WEEK: u64 = 7 * 86_400;
    // The last 32 bits: in this protocol they go round.
    let time = |second: u64| second.to_be_bytes().into_iter().skip(4);
    let day = second - second % 86_400;
    let mut value = vec![0, covered as u8, ALGORITHM, 2, 0, 0, 0x0E, 0x10];
    value.extend(time(day.saturating_add(WEEK)));
    value.extend(time(day.saturating_sub(WEEK)));
    value.extend(rng.u16(..).to_be_bytes()); // the key's tag
    value.extend(dns::name(ZONE));
    value.extend(noise(rng, RSA));
    value
}
