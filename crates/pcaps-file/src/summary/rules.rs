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
use super::family::{Ended, Sums};
use super::openings::{Asked, Asking, Openings};
use super::peers::Peer;
use super::{Finding, FindingKind, Summary, Tally};
use crate::human;
use crate::ip::Address;

type Figures = BTreeMap<&'static str, u64>;

/// All findings: by kind, and of each the heaviest first.
pub(super) fn findings(summary: &Summary, ends: &Sums) -> Vec<Finding> {
    let whole = Whole {
        all: summary.all(),
        addresses: ends.talker_count(),
        both_ways: ends.v4.peers.both_ways + ends.v6.peers.both_ways,
    };
    let mut found = Vec::new();
    add(&summary.v4.openings, &ends.v4, whole, &mut found);
    add(&summary.v6.openings, &ends.v6, whole, &mut found);
    found.sort_by_cached_key(|(weight, it)| (it.kind, Reverse(*weight), it.address, it.port));
    found.into_iter().map(|(_, it)| it).collect()
}

/// What is known of the whole capture.
#[derive(Clone, Copy)]
struct Whole {
    all: Tally,
    addresses: u64,
    both_ways: u64,
}

/// Adds what is found in one version of IP, with its weight among its kind.
fn add<A: Copy + Ord + Hash + Into<Address>>(
    openings: &Openings<A>,
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
    let peers = |address: &A| ended.peers.of.get(address).copied().unwrap_or_default();
    for ((address, port), asked) in openings.asked.iter() {
        let received = ended.talkers.of(&address);
        let received = at_most(received.received, received.missed);
        let tcp = received.saturating_sub(peers(&address).not_tcp);
        let figures = syn_flood(asked, tcp, whole);
        let kind = FindingKind::SynFlood;
        add(kind, address, Some(port), asked.syns, figures);
    }
    for (address, asking) in openings.asking.iter() {
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
        let figures = amplification(answered, mean, whole);
        add(kind, address, Some(port), weight, figures);
    }
    for &(address, ref counter) in ended.talkers.all() {
        let peer = peers(&address);
        let sent = one_source(counter, whole, &peer);
        let weight = counter.sent.packets;
        add(FindingKind::OneSource, address, None, weight, sent);
        if !is_for_many(address.into().into()) {
            let received = one_destination(counter, whole, &peer);
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
/// RSTs count from fewer sources only: a check hangs up with one, and so does the kernel of each of many bots, when a SYN-ACK
/// comes to an address that asked for none.
const FLOOD_BOTS: u64 = 20;
/// One in so many packets of TCP to the address has to be such a SYN: of an ordinary connection one in six or more is.
const FLOOD_SHARE: u64 = 5;
/// One in so many of all packets, too. Of a flood over all addresses of a /24, the smallest network that is announced, each
/// gets one in 256. An unused address gets SYNs day and night, and in a long capture of a large network more than a hundred.
const FLOOD_OF_ALL: u64 = 500;

/// Connections are begun, and neither used nor closed.
fn syn_flood(asked: &Asked, received: u64, Whole { all, .. }: Whole) -> Option<Figures> {
    let &Asked {
        syns,
        fins,
        resets,
        sources,
    } = asked;
    // Before anything is estimated, for there may be thousands.
    if syns < FLOOD_SYNS || syns.saturating_mul(FLOOD_OF_ALL) < all.packets {
        return None;
    }
    let sources = sources.estimate().min(syns);
    let ends = fins + resets;
    let excused = if sources < FLOOD_BOTS { ends } else { fins };
    let is_flood = syns >= excused.saturating_mul(FLOOD_SYNS_PER_END)
        && syns.saturating_mul(FLOOD_SHARE) >= received;
    is_flood.then(|| {
        Figures::from([
            ("syns", syns),
            ("ends", ends),
            ("resets", resets),
            ("sources", sources),
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
fn amplification(answered: &Answered, mean: u64, whole: Whole) -> Option<Figures> {
    let Answered {
        answers,
        questions,
        sources,
    } = answered;
    let sources = sources.estimate().min(answers.packets);
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
            ("both_ways", whole.both_ways),
            ("all_packets", whole.all.packets),
        ])
    })
}

/// The fewest targets, addresses with ports, that make a scan.
const SCANNED: u64 = 50;
/// One in so many packets has to be of IP, or what there is to tell is elsewhere.
const IP_SHARE: u64 = 10;

/// Whether there is enough that any rule can apply: a scan takes the fewest packets.
pub(super) fn can_tell(summary: &Summary) -> bool {
    let all = summary.all();
    let ip = (all - summary.not_ip()).packets;
    ip >= SCANNED && ip.saturating_mul(IP_SHARE) >= all.packets
}

/// More than one in so many packets from the address has to be a SYN: a check of a load balancer is a SYN, an ACK and a RST.
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
    if *syns < SCANNED || syns.saturating_mul(SCAN_SHARE) <= sent {
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
fn one_source(counter: &Counter, whole: Whole, peer: &Peer) -> Option<Figures> {
    let is_one = is_most(counter.sent, counter.received, whole) && whole.addresses > ONE_AMONG;
    is_one.then(|| {
        let mut figures = one(counter.sent, counter.received, whole);
        let destinations = peer.destinations.estimate();
        figures.insert("destinations", destinations.min(counter.sent.packets));
        figures
    })
}

/// As much goes to one address as to all others, from many, and it does not answer.
fn one_destination(counter: &Counter, whole: Whole, peer: &Peer) -> Option<Figures> {
    if !is_most(counter.received, counter.sent, whole) {
        return None;
    }
    let sources = peer.sources.estimate().min(counter.received.packets);
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

fn one(tally: Tally, answers: Tally, whole: Whole) -> Figures {
    Figures::from([
        ("packets", tally.packets),
        ("bytes_on_wire", tally.bytes_on_wire),
        ("answers", answers.packets),
        ("both_ways", whole.both_ways),
        ("all_packets", whole.all.packets),
        ("all_bytes_on_wire", whole.all.bytes_on_wire),
    ])
}

/// Whether an address stands for many hosts: what goes there is no attack on one.
fn is_for_many(address: IpAddr) -> bool {
    address.is_multicast() || matches!(address, IpAddr::V4(it) if it.is_broadcast())
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
            "at least {FLOOD_SYNS} SYNs (without ACK) to one address and port, at least {FLOOD_SYNS_PER_END} for each FIN to it (or RST, from fewer than {FLOOD_BOTS} sources), at least {} of all TCP packets to the address, and at least {} of all packets",
            human::share(1, FLOOD_SHARE),
            human::share(1, FLOOD_OF_ALL)
        ),
        FindingKind::DnsAmplification => amplification(DNS_MEAN),
        FindingKind::NtpAmplification => amplification(NTP_MEAN),
        FindingKind::PortScan => format!(
            "SYNs (without ACK) from one address to at least {SCANNED} targets (an address with a port), more than {} of all packets from it",
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
