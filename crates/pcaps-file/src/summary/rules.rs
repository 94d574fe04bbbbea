//! The rules by which traffic looks like an attack. Each is a function of what the summary has counted, and its
//! thresholds are above it.
//!
//! None looks at a rate: a sample is an unknown part of the traffic. What counts is how packets are to each other, and
//! that there are enough of them to tell.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::net::IpAddr;

use super::answers::{Answered, DNS, NTP};
use super::counters::Counter;
use super::family::{Ended, Ends, Family};
use super::few::{Few, hash};
use super::openings::{Asked, Asking};
use super::{Finding, FindingKind, Summary, Tally};
use crate::human;
use crate::ip::Address;

type Figures = BTreeMap<&'static str, u64>;

/// All findings: by kind, and of each the heaviest first.
pub(super) fn findings(summary: &Summary, ends: &Ends) -> Vec<Finding> {
    let whole = Whole {
        all: summary.all,
        addresses: ends.talker_count(),
    };
    let mut found = Vec::new();
    add(&summary.v4, &ends.v4, whole, &mut found);
    add(&summary.v6, &ends.v6, whole, &mut found);
    found.sort_by_cached_key(|(weight, it)| (it.kind, Reverse(*weight), it.address, it.port));
    found.into_iter().map(|(_, it)| it).collect()
}

/// What is known of the whole capture.
#[derive(Clone, Copy)]
struct Whole {
    all: Tally,
    addresses: u64,
}

/// Adds what is found in one version of IP, with its weight among its kind.
fn add<A: Copy + Ord + Hash + Into<Address>>(
    family: &Family<A>,
    ended: &Ended<A>,
    whole: Whole,
    found: &mut Vec<(u64, Finding)>,
) {
    let mut add = |kind, address: A, port, weight, figures: Option<Figures>| {
        found.extend(figures.map(|figures| {
            let address = IpAddr::from(address.into());
            let finding = Finding {
                kind,
                address,
                port,
                figures,
            };
            (weight, finding)
        }));
    };
    for ((address, port), asked) in family.openings.asked.iter() {
        let received = ended.talkers.of(&address);
        let figures = syn_flood(asked, at_most(received.received, received.missed));
        let kind = FindingKind::SynFlood;
        add(kind, address, Some(port), asked.syns, figures);
    }
    for (address, asking) in family.openings.asking.iter() {
        let sent = ended.talkers.of(&address);
        let figures = port_scan(asking, at_most(sent.sent, sent.missed));
        add(FindingKind::PortScan, address, None, asking.syns, figures);
    }
    for ((address, port), answered) in ended.answers.to.iter() {
        let (kind, mean) = match port {
            DNS => (FindingKind::DnsAmplification, DNS_MEAN),
            NTP => (FindingKind::NtpAmplification, NTP_MEAN),
            _ => continue,
        };
        let weight = answered.answers.packets;
        let figures = amplification(answered, mean);
        add(kind, address, Some(port), weight, figures);
    }
    for (address, counter) in ended.talkers.iter() {
        // The flows are only looked through for the few that it can be.
        let peers = |sent| peers(family, address, sent);
        let sent = one_source(counter, whole, || peers(true));
        let weight = counter.sent.packets;
        add(FindingKind::OneSource, address, None, weight, sent);
        if !is_for_many(address.into().into()) {
            let received = one_destination(counter, whole, || peers(false));
            let weight = counter.received.packets;
            add(FindingKind::OneDestination, address, None, weight, received);
        }
    }
}

/// What may have been counted of packets, had none been forgotten.
fn at_most(counted: Tally, missed: Tally) -> u64 {
    counted.packets.saturating_add(missed.packets)
}

/// The fewest SYNs that make a flood.
const FLOOD_SYNS: u64 = 100;
/// One packet that ends a connection for so many SYNs is too many for a flood.
const FLOOD_SYNS_PER_END: u64 = 2;
/// One in so many packets to the address has to be such a SYN: of an ordinary connection one in six or more is.
const FLOOD_SHARE: u64 = 5;

/// Connections are begun, and neither used nor closed.
fn syn_flood(asked: &Asked, received: u64) -> Option<Figures> {
    let &Asked {
        syns,
        ends,
        sources,
    } = asked;
    let is_flood = syns >= FLOOD_SYNS
        && syns >= ends.saturating_mul(FLOOD_SYNS_PER_END)
        && syns.saturating_mul(FLOOD_SHARE) >= received;
    is_flood.then(|| {
        Figures::from([
            ("syns", syns),
            ("ends", ends),
            ("sources", sources.estimate().min(syns)),
            ("received", received),
        ])
    })
}

/// The fewest answers that make an amplification.
const ANSWERS: u64 = 100;
/// So many answers come to one question, at least: who asks gets one to one.
const ANSWERS_PER_QUESTION: u64 = 3;
/// They come from so many servers, at least.
const ANSWERING: u64 = 10;
/// They have so many bytes on average, at least: ordinary answers of DNS have 100 to 300.
const DNS_MEAN: u64 = 500;
/// The same of NTP, where the time of day has 76 (and 14 of Ethernet), and a list of clients 468.
const NTP_MEAN: u64 = 200;

/// Many servers send large answers to one that did not ask.
fn amplification(answered: &Answered, mean: u64) -> Option<Figures> {
    let Answered {
        answers,
        questions,
        sources,
    } = answered;
    let sources = sources.estimate();
    let is_one = answers.packets >= ANSWERS
        && answers.packets >= questions.saturating_mul(ANSWERS_PER_QUESTION)
        && answers.bytes_on_wire >= answers.packets.saturating_mul(mean)
        && sources >= ANSWERING;
    is_one.then(|| {
        Figures::from([
            ("answers", answers.packets),
            ("bytes_on_wire", answers.bytes_on_wire),
            ("questions", *questions),
            ("sources", sources),
        ])
    })
}

/// The fewest targets, addresses with ports, that make a scan.
const SCANNED: u64 = 50;
/// One in so many packets from the address has to be a SYN.
const SCAN_SHARE: u64 = 3;

/// An address begins connections with many others, and goes on with hardly any.
fn port_scan(asking: &Asking, sent: u64) -> Option<Figures> {
    let Asking {
        syns,
        targets,
        hosts,
        ports,
    } = asking;
    // Before anything is estimated, for there may be thousands.
    if *syns < SCANNED || syns.saturating_mul(SCAN_SHARE) < sent {
        return None;
    }
    // An estimate may be above what there can be.
    let targets = targets.estimate().min(*syns);
    (targets >= SCANNED).then(|| {
        Figures::from([
            ("syns", *syns),
            ("targets", targets),
            ("hosts", hosts.estimate().min(targets)),
            ("ports", ports.estimate().min(targets)),
            ("sent", sent),
        ])
    })
}

/// The fewest packets of one source, or to one destination.
const ONE_PACKETS: u64 = 1_000;
/// They are one in so many of all packets, or their bytes of all bytes, at least.
const ONE_SHARE: u64 = 2;
/// One packet in the other direction for so many is too many.
const ONE_PER_ANSWER: u64 = 10;
/// There are so many other addresses, at least: in a capture of one conversation each end is the only one.
const ONE_AMONG: u64 = 20;

/// One address sends as much as all others, and is not answered.
fn one_source(counter: &Counter, whole: Whole, peers: impl Fn() -> u64) -> Option<Figures> {
    let is_one = is_most(counter.sent, counter.received, whole) && whole.addresses > ONE_AMONG;
    is_one.then(|| {
        let mut figures = one(counter.sent, counter.received, whole);
        figures.insert("destinations", peers());
        figures
    })
}

/// As much goes to one address as to all others, from many, and it does not answer.
fn one_destination(counter: &Counter, whole: Whole, peers: impl Fn() -> u64) -> Option<Figures> {
    if !is_most(counter.received, counter.sent, whole) {
        return None;
    }
    let sources = peers();
    (sources >= ONE_AMONG).then(|| {
        let mut figures = one(counter.received, counter.sent, whole);
        figures.insert("sources", sources);
        figures
    })
}

fn is_most(tally: Tally, answers: Tally, Whole { all, .. }: Whole) -> bool {
    let is_share = |part: u64, whole| part.saturating_mul(ONE_SHARE) >= whole;
    tally.packets >= ONE_PACKETS
        && tally.packets >= answers.packets.saturating_mul(ONE_PER_ANSWER)
        && (is_share(tally.packets, all.packets)
            || is_share(tally.bytes_on_wire, all.bytes_on_wire))
}

fn one(tally: Tally, answers: Tally, Whole { all, .. }: Whole) -> Figures {
    Figures::from([
        ("packets", tally.packets),
        ("bytes_on_wire", tally.bytes_on_wire),
        ("answers", answers.packets),
        ("all_packets", all.packets),
        ("all_bytes_on_wire", all.bytes_on_wire),
    ])
}

/// Whether an address stands for many hosts: what goes there is no attack on one.
fn is_for_many(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(it) if it.is_broadcast())
}

/// About how many others an address sent something to, or got something from, by the flows that are counted.
fn peers<A: Copy + Ord + Hash>(family: &Family<A>, address: A, sent: bool) -> u64 {
    let mut peers: Few = Few::default();
    for (flow, counter) in family.flows.iter() {
        let [a, b] = flow.addresses();
        let (from_a, from_b) = (counter.sent.packets > 0, counter.received.packets > 0);
        let (a_to_b, b_to_a) = if sent {
            (from_a, from_b)
        } else {
            (from_b, from_a)
        };
        if a == address && a_to_b {
            peers.add(hash(&b));
        }
        if b == address && b_to_a {
            peers.add(hash(&a));
        }
    }
    peers.estimate()
}

/// A rule, for people.
pub(super) fn in_words(kind: FindingKind) -> String {
    let amplification = |mean: u64| {
        format!(
            "at least {ANSWERS} answers to one address, from at least {ANSWERING} servers, of at least {mean} bytes on average, and at least {ANSWERS_PER_QUESTION} for each question that it asked"
        )
    };
    let one = format!("at least {} packets", human::count(ONE_PACKETS));
    let share = human::share(1, ONE_SHARE);
    match kind {
        FindingKind::SynFlood => format!(
            "at least {FLOOD_SYNS} SYNs (without ACK) to one address and port, at least {FLOOD_SYNS_PER_END} for each FIN or RST to it, and at least {} of all packets to the address",
            human::share(1, FLOOD_SHARE)
        ),
        FindingKind::DnsAmplification => amplification(DNS_MEAN),
        FindingKind::NtpAmplification => amplification(NTP_MEAN),
        FindingKind::PortScan => format!(
            "SYNs (without ACK) from one address to at least {SCANNED} addresses or ports, at least {} of all packets from it",
            human::share(1, SCAN_SHARE)
        ),
        FindingKind::OneSource => format!(
            "{one} from one address, at least {share} of all packets or bytes, at least {ONE_PER_ANSWER} for each packet to it, and at least {ONE_AMONG} other addresses"
        ),
        FindingKind::OneDestination => format!(
            "{one} to one address, at least {share} of all packets or bytes, from at least {ONE_AMONG} addresses, and at least {ONE_PER_ANSWER} for each packet from it; no multicast or broadcast"
        ),
    }
}
