//! What a capture holds, in one screen.

mod answers;
mod bounded;
mod counters;
mod distinct;
mod family;
mod few;
mod finding;
mod flows;
mod hierarchy;
mod openings;
mod peers;
mod ports;
mod rules;
mod sizes;
mod sparkline;
mod tally;
mod text;
mod threads;
mod timeline;
mod view;

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Duration;

use crate::dissect::{Headers, Outermost, TcpFlags};
use crate::error::Error;
use crate::ip::{Address, Ends};
use crate::layers::Layers;
use crate::link::Network;
use crate::packet::{LinkType, Packet, Timestamp};
use crate::protocol;
use crate::reader::Reader;
use counters::{Counter, union_of_top};
use family::{Family, Sums};
pub use finding::{Finding, FindingKind};
use flows::Flow;
use hierarchy::{Above, Hierarchy, Kind};
use ports::Ports;
use sizes::Sizes;
pub use tally::{
    FlowTally, LayerTally, PortTally, ProtocolTally, SizeTally, StepTally, Talker, Tally,
};
use timeline::{Bucket, Timeline};

/// The sum of a capture's packets: how many, when, which protocols, between whom.
///
/// Of tunnels (GRE, IP in IP) the innermost packet is what counts, as far as it was captured.
///
/// Memory is bounded whatever the packets are, to about 20 MB, and twice that while a long file is read: two threads
/// share it. What does not fit is approximate, and said to be:
///
/// - Packets, bytes, times, sizes, protocols, flags of TCP and ports are exact. (Of headers, the first 1,024
///   sequences are, or fewer if some are longer than eight; packets with others are counted with their link type only.)
/// - Up to 14,336 flows, and as many addresses, of IPv4 and as many of IPv6 are counted exactly. Beyond, the rare ones
///   are forgotten again: what is told of the others are lower bounds, each with the most that it may lack, and none
///   with more than 1/4,096 of all packets or bytes gets lost. Which of the rare ones are told is a matter of chance.
///   How many there are is then an estimate, within about 1 % (its standard deviation).
/// - The timeline has 240 stretches at most: the longer the capture, the longer they are.
/// - What findings rest on is exact up to 3,584 addresses, addresses and ports that were asked for connections, or addresses
///   that asked; beyond, the lightest are forgotten again, and new addresses count once they are heavier than those.
///
/// `Display` is a table for people. `Serialize` is one object for programs, with these fields, which
/// stay as they are (new ones may come):
///
/// | field | type | meaning |
/// |---|---|---|
/// | `packets` | integer | packets |
/// | `bytes_captured` | integer | bytes in the file |
/// | `bytes_on_wire` | integer | bytes of the same packets on the wire |
/// | `largest_captured` | integer | captured bytes of the longest packet |
/// | `smallest_on_wire`, `largest_on_wire` | integer or null | lengths of the shortest and longest packet on the wire |
/// | `first_time`, `last_time` | string or null | earliest and latest packet, RFC 3339; null without packets |
/// | `duration_seconds` | number or null | between them |
/// | `timeline` | object | `step_seconds`, and `steps`: those with packets, each `time` (its begin), `packets`, `bytes_on_wire`, and the same of `tcp`, `udp`, `icmp` (both versions) and `other` |
/// | `sizes` | array | lengths on the wire: `from`, `to` (null for the last), `packets` |
/// | `link_types` | array | `number`, `name`, `packets`, `bytes_on_wire`, `layers`; by number |
/// | `layers` | array | the headers within, most packets first: `name`, `packets`, `bytes_on_wire`, `layers` |
/// | `protocols` | array | above the innermost IP header: `number`, `name`, `packets`, `bytes_on_wire`; most packets first |
/// | `not_ip` | object | `packets`, `bytes_on_wire` of packets without a whole IP header |
/// | `tunnelled` | object | the same, of packets with an IP header in a tunnel |
/// | `tcp_flags` | object | packets: `syn` (without ACK), `syn_ack`, `fin`, `rst`, `psh`, `ack`, `urg` (each with any others), `none` |
/// | `flow_count`, `flows_exact` | integer, boolean | how many flows; whether that and the figures below are exact |
/// | `flows` | array | `protocol`, `name`, `packets`, `bytes_on_wire`, `a` and `b` (each `address`, `port` or null, and the `packets` and `bytes_on_wire` that it sent), `packets_missed_at_most`, `bytes_missed_at_most` |
/// | `talker_count`, `talkers_exact` | integer, boolean | how many addresses; whether that and the figures below are exact |
/// | `talkers` | array | `address`, `packets`, `bytes_on_wire`, `sent` and `received` (each `packets`, `bytes_on_wire`), `packets_missed_at_most`, `bytes_missed_at_most` |
/// | `port_count` | integer | how many ports, of TCP, UDP and SCTP each |
/// | `ports` | array | `protocol`, `name`, `port`, `packets`, `bytes_on_wire`, `sent` and `received` |
/// | `finding_count` | integer | how many findings there are |
/// | `finding_counts` | object | how many there are of each `kind` that there is |
/// | `findings` | array | what looks like an attack, of each kind the heaviest 25: `kind` (as of [`FindingKind`]), `address`, `port` or null, `text`, and `figures`: names and integers, as of [`Finding`] |
///
/// `flows`, `talkers` and `ports` have those 100 with most packets and those 100 with most bytes, most packets first.
/// A flow is two addresses, a protocol and two ports, in both directions; `a` is the end with the higher port.
/// Fragments after the first have no ports, and are a flow of their own. Of a talker or a port, `packets` is what it
/// sent and what it received: what it sent to itself counts twice, as in Wireshark's list of endpoints.
///
/// # Examples
///
/// A torn file still has its summary:
///
/// ```no_run
/// use pcaps_file::{Reader, Summary};
///
/// # fn main() -> Result<(), pcaps_file::Error> {
/// let mut summary = Summary::default();
/// let ended = summary.add_all(&mut Reader::open("capture.pcap")?);
/// println!("{summary}");
/// if let Err(error) = ended {
///     eprintln!("warning: {error}");
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Summary {
    bytes_captured: u64,
    largest_captured: u32,
    /// The earliest and the latest; without packets the former is after the latter.
    times: (Timestamp, Timestamp),
    /// Without what came since its last step began, which is counted anyway.
    timeline: Timeline,
    /// What there was then.
    told: Bucket,
    sizes: Sizes,
    hierarchy: Hierarchy,
    /// Packets by the flags of TCP.
    tcp_flags: Box<[u64; 256]>,
    v4: Family<u32>,
    v6: Family<u128>,
    /// What went through flows that are no longer counted.
    ports: Ports,
}

impl Default for Summary {
    fn default() -> Self {
        Self {
            bytes_captured: 0,
            largest_captured: 0,
            times: (Timestamp::from_nanos(u64::MAX), Timestamp::default()),
            timeline: Timeline::default(),
            told: Bucket::default(),
            sizes: Sizes::default(),
            hierarchy: Hierarchy::default(),
            tcp_flags: Box::new([0; 256]),
            v4: Family::default(),
            v6: Family::default(),
            ports: Ports::default(),
        }
    }
}

impl Summary {
    /// Sums up all packets of the file at `path`.
    ///
    /// # Errors
    ///
    /// When the file cannot be opened, or is not a whole capture file.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read(&mut Reader::open(path)?)
    }

    /// Sums up all packets of `reader`.
    ///
    /// # Errors
    ///
    /// What the reader meets. What was summed up to there is lost: see [`add_all`](Summary::add_all).
    pub fn read<R: Read + Send>(reader: &mut Reader<R>) -> Result<Self, Error> {
        let mut summary = Self::default();
        summary.add_all(reader)?;
        Ok(summary)
    }

    /// Adds all packets of `reader`. Call it for several files to sum them up together.
    ///
    /// # Errors
    ///
    /// What the reader meets. The packets before it are added, so that a torn file has a summary too.
    pub fn add_all<R: Read + Send>(&mut self, reader: &mut Reader<R>) -> Result<(), Error> {
        threads::add_all(self, reader)
    }

    /// Adds one packet.
    pub fn add(&mut self, packet: &Packet<'_>) {
        self.add_one(packet);
    }

    /// The same, as part of a loop over packets.
    #[expect(
        clippy::inline_always,
        reason = "a packet that is handed on to a function goes through memory"
    )]
    #[inline(always)]
    fn add_one(&mut self, packet: &Packet<'_>) {
        let len = packet.original_len;
        let time = packet.timestamp;
        if self.timeline.is_elsewhere(time) {
            self.begin_step(time);
        }
        let captured = u32::try_from(packet.bytes.len()).unwrap_or(u32::MAX);
        self.bytes_captured = self.bytes_captured.saturating_add(u64::from(captured));
        self.largest_captured = self.largest_captured.max(captured);
        let (first, last) = self.times;
        self.times = (first.min(time), last.max(time));
        self.sizes.add(len);
        match Outermost::of(packet.link_type, packet.bytes) {
            Outermost::All(headers) => self.add_headers(&headers, len),
            Outermost::Tunnel(network, layers) => self.add_inside(network, layers, len),
        }
    }

    /// Adds the headers of a packet that may be a tunnel's. It stands on its own because few are: headers that could be of
    /// either go through memory.
    #[inline(never)]
    fn add_inside(&mut self, network: Network<'_>, layers: Layers, len: u32) {
        self.add_headers(&Headers::inside(network, layers), len);
    }

    #[expect(clippy::inline_always, reason = "as above")]
    #[inline(always)]
    fn add_headers(&mut self, headers: &Headers<'_>, len: u32) {
        self.hierarchy.add(Kind::of(headers), len);
        let Some(ip) = &headers.ip else {
            return;
        };
        let flags = ip.tcp_flags();
        if let Some(flags) = flags
            && let Some(packets) = self.tcp_flags.get_mut(usize::from(flags.0))
        {
            *packets += 1;
        }
        let ports = ip.ports();
        let gone = &mut self.ports;
        match ip.ends {
            Ends::V4(ends) => {
                let flow = Flow::of(Ends::v4(ends), ip.protocol, ports);
                self.v4.add(flow, len, gone);
            }
            Ends::V6(ends) => {
                let flow = Flow::of(Ends::v6(ends), ip.protocol, ports);
                self.v6.add(flow, len, gone);
            }
        }
        if let Some(flags) = flags
            && openings::is_one(flags)
            && let Some([_, to]) = ports
        {
            self.add_opening(flags, ip.ends, to);
        }
    }

    /// Ends a step of the timeline, and goes to that of another time.
    #[cold]
    fn begin_step(&mut self, time: Timestamp) {
        self.end_step();
        self.timeline.reach(time);
    }

    /// Gives the timeline what came since it was told last.
    fn end_step(&mut self) {
        let all = self.by_class();
        self.timeline.add(all.since(self.told));
        self.told = all;
    }

    /// All packets, as a step of the timeline tells them apart.
    fn by_class(&self) -> Bucket {
        let mut all = Bucket::default();
        for (above, tally) in self.hierarchy.above() {
            let class = match above.protocol() {
                Some(protocol::TCP) => &mut all.tcp,
                Some(protocol::UDP) => &mut all.udp,
                Some(protocol::ICMP | protocol::ICMPV6) => &mut all.icmp,
                _ => &mut all.other,
            };
            *class += tally;
        }
        all
    }

    /// The timeline, with all that came.
    fn whole_timeline(&self) -> Timeline {
        let mut timeline = self.timeline.clone();
        timeline.add(self.by_class().since(self.told));
        timeline
    }

    /// Adds a packet with which a connection begins or ends. Not within [`add`](Self::add), because few are.
    #[inline(never)]
    fn add_opening(&mut self, flags: TcpFlags, ends: Ends<'_>, to: u16) {
        match ends {
            Ends::V4(ends) => self.v4.openings.add(flags, Ends::v4(ends), to),
            Ends::V6(ends) => self.v6.openings.add(flags, Ends::v6(ends), to),
        }
    }

    /// Adds what another summary holds, as if its packets had been added here.
    pub fn merge(&mut self, other: &Self) {
        self.end_step();
        self.timeline.merge(&other.whole_timeline());
        self.bytes_captured = self.bytes_captured.saturating_add(other.bytes_captured);
        self.largest_captured = self.largest_captured.max(other.largest_captured);
        let (first, last) = self.times;
        self.times = (first.min(other.times.0), last.max(other.times.1));
        self.sizes.merge(&other.sizes);
        self.hierarchy.merge(&other.hierarchy);
        self.told = self.by_class();
        for (ours, theirs) in self.tcp_flags.iter_mut().zip(other.tcp_flags.iter()) {
            *ours += *theirs;
        }
        self.ports.merge(&other.ports);
        self.v4.merge(&other.v4, &mut self.ports);
        self.v6.merge(&other.v6, &mut self.ports);
    }

    /// The sums over all flows, also those that are counted now.
    fn ends(&self) -> Sums {
        Sums::of(&self.v4, &self.v6, &self.ports)
    }

    /// All packets.
    fn all(&self) -> Tally {
        self.hierarchy.sum_of(|_| true)
    }

    /// How many packets.
    pub fn packets(&self) -> u64 {
        self.all().packets
    }

    /// How many bytes the file holds of them.
    pub fn bytes_captured(&self) -> u64 {
        self.bytes_captured
    }

    /// How many bytes they had on the wire.
    pub fn bytes_on_wire(&self) -> u64 {
        self.all().bytes_on_wire
    }

    /// The captured bytes of the longest packet.
    pub fn largest_captured(&self) -> u32 {
        self.largest_captured
    }

    /// The earliest and the latest time; `None` without packets.
    fn times(&self) -> Option<(Timestamp, Timestamp)> {
        let (first, last) = self.times;
        (first <= last).then_some(self.times)
    }

    /// The earliest packet's time, which need not be the first one's; `None` without packets.
    pub fn first_time(&self) -> Option<Timestamp> {
        self.times().map(|(first, _)| first)
    }

    /// The latest packet's time; `None` without packets.
    pub fn last_time(&self) -> Option<Timestamp> {
        self.times().map(|(_, last)| last)
    }

    /// From the earliest to the latest packet; `None` without packets.
    pub fn duration(&self) -> Option<Duration> {
        self.times()
            .map(|(first, last)| Duration::from_nanos(last.as_nanos() - first.as_nanos()))
    }

    /// The lengths on the wire of the shortest and the longest packet, in bytes; `None` without packets.
    pub fn sizes_on_wire(&self) -> Option<(u32, u32)> {
        self.times().map(|_| self.sizes.ends)
    }

    /// How many packets had which length on the wire, in Wireshark's ranges.
    pub fn sizes(&self) -> Vec<SizeTally> {
        self.sizes.ranges().collect()
    }

    /// How long the stretches of time of [`timeline`](Summary::timeline) are.
    pub fn timeline_step(&self) -> Duration {
        self.timeline.bucket()
    }

    /// When how much came: stretches of time of equal length without gaps, 240 at most.
    pub fn timeline(&self) -> Vec<StepTally> {
        self.whole_timeline().steps().collect()
    }

    /// The link types, by number, and their packets' headers.
    pub fn layers(&self) -> Vec<(LinkType, LayerTally)> {
        self.hierarchy.trees()
    }

    /// The protocols above (the innermost) IP, most packets first, then most bytes, then the lower number.
    pub fn protocols(&self) -> Vec<ProtocolTally> {
        let mut sums = BTreeMap::<u8, Tally>::new();
        for (above, tally) in self.hierarchy.above() {
            if let Some(number) = above.protocol().filter(|_| tally.packets > 0) {
                *sums.entry(number).or_default() += tally;
            }
        }
        let tally = |(number, tally)| ProtocolTally {
            number,
            name: protocol::name(number),
            tally,
        };
        let mut protocols: Vec<_> = sums.into_iter().map(tally).collect();
        // Stable: equal ones stay in the order of their numbers.
        protocols.sort_by_key(|protocol| Reverse(protocol.tally.key()));
        protocols
    }

    /// The packets in which no whole IP header was found.
    pub fn not_ip(&self) -> Tally {
        self.hierarchy.sum_of(|it| it.protocol().is_none())
    }

    /// The packets that have an IP header in a tunnel.
    pub fn tunnelled(&self) -> Tally {
        self.hierarchy.sum_of(Above::is_tunnelled)
    }

    /// The packets of TCP that have all of these flags `set`, and none of those that are `clear`.
    pub fn tcp_packets(&self, set: TcpFlags, clear: TcpFlags) -> u64 {
        (0..=u8::MAX)
            .zip(self.tcp_flags.iter())
            .filter(|(flags, _)| flags & set.0 == set.0 && flags & clear.0 == 0)
            .map(|(_, packets)| packets)
            .sum()
    }

    /// The `most` flows with most packets, and the `most` with most bytes, in one list: most packets first.
    pub fn flows(&self, most: usize) -> Vec<FlowTally> {
        let v4 = self.v4.flows.all().iter();
        let v4 = v4.map(|&(flow, it)| (flow.map(Address::from), it));
        let v6 = self.v6.flows.all().iter();
        let v6 = v6.map(|&(flow, it)| (flow.map(Address::from), it));
        let flow = |(flow, counter): (Flow<Address>, Counter)| {
            let [a, b] = flow.addresses().map(Into::into);
            let ports = flow.ports();
            FlowTally {
                protocol: flow.protocol(),
                a: (a, ports.map(|[port, _]| port)),
                b: (b, ports.map(|[_, port]| port)),
                from_a: counter.sent,
                from_b: counter.received,
                missed_at_most: counter.missed,
            }
        };
        let top = union_of_top(v4.chain(v6), most, Counter::total);
        top.into_iter().map(flow).collect()
    }

    /// What looks like an attack, by the rules of [`FindingKind`]: by kind, and of each the heaviest first.
    ///
    /// ```
    /// let summary = pcaps_file::Summary::default();
    /// assert!(summary.findings().is_empty(), "there are no packets");
    /// ```
    pub fn findings(&self) -> Vec<Finding> {
        rules::findings(self, &self.ends())
    }

    /// Whether there are enough packets of IP that no [`findings`](Self::findings) means something: fifty, and one in ten.
    ///
    /// ```
    /// let summary = pcaps_file::Summary::default();
    /// assert!(!summary.is_enough_for_findings(), "there are no packets");
    /// ```
    pub fn is_enough_for_findings(&self) -> bool {
        rules::can_tell(self)
    }

    /// How many flows there are: an estimate if [`flows_exact`](Summary::flows_exact) says so.
    pub fn flow_count(&self) -> u64 {
        self.v4.flows.count() + self.v6.flows.count()
    }

    /// Whether the figures of all flows are exact: there were few enough of them.
    pub fn flows_exact(&self) -> bool {
        self.v4.flows.is_exact() && self.v6.flows.is_exact()
    }

    /// The `most` addresses with most packets, and the `most` with most bytes, in one list: most packets first, then
    /// most bytes, then the lower address.
    pub fn talkers(&self, most: usize) -> Vec<Talker> {
        self.ends().top_talkers(most)
    }

    /// Whether the figures of all addresses are exact: there were few enough of them.
    pub fn talkers_exact(&self) -> bool {
        self.ends().talkers_exact()
    }

    /// How many addresses there are: an estimate if [`talkers_exact`](Summary::talkers_exact) says so.
    pub fn talker_count(&self) -> u64 {
        self.ends().talker_count()
    }

    /// How many ports there are, of TCP, UDP and SCTP each.
    pub fn port_count(&self) -> u64 {
        self.ends().ports.count()
    }

    /// The `most` ports with most packets, and the `most` with most bytes, in one list: most packets first.
    pub fn ports(&self, most: usize) -> Vec<PortTally> {
        self.ends().ports.top(most)
    }
}
