//! The summary as programs see it. The names of the fields are a promise: see [`Summary`].

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::{Finding, FlowTally, LayerTally, PortTally, Summary, Talker, Tally, rules};
use crate::dissect::TcpFlags;

/// How many flows, talkers and ports are listed, by packets and by bytes.
const LISTED: usize = 100;
/// How many findings of a kind are listed.
const OF_KIND: usize = 25;

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Summary")
)]
struct View {
    /// How many packets there are.
    packets: u64,
    /// How many bytes the file has of them.
    bytes_captured: u64,
    /// How many bytes they had on the wire.
    bytes_on_wire: u64,
    /// Captured bytes of the longest packet.
    largest_captured: u32,
    /// Length of the shortest packet on the wire.
    smallest_on_wire: Option<u32>,
    /// Length of the longest packet on the wire.
    largest_on_wire: Option<u32>,
    /// Time of the earliest packet, RFC 3339.
    first_time: Option<String>,
    /// Time of the latest packet, RFC 3339.
    last_time: Option<String>,
    /// Seconds between the two.
    duration_seconds: Option<f64>,
    /// Packets over time.
    timeline: TimelineView,
    /// Packets by their length on the wire.
    sizes: Vec<SizeView>,
    /// Headers as they follow one another, by link type.
    link_types: Vec<LinkTypeView>,
    /// What is above the innermost IP header, most packets first.
    protocols: Vec<ProtocolView>,
    /// Packets without a whole IP header.
    not_ip: TallyView,
    /// Packets with an IP header in a tunnel.
    tunnelled: TallyView,
    /// Packets of TCP with a flag, and any others.
    tcp_flags: TcpFlagsView,
    /// How many flows there are.
    flow_count: u64,
    /// Whether their number and figures are exact.
    flows_exact: bool,
    /// The 100 with most packets and the 100 with most bytes, most packets first.
    flows: Vec<FlowView>,
    /// How many addresses there are.
    talker_count: u64,
    /// Whether their number and figures are exact.
    talkers_exact: bool,
    /// The 100 with most packets and the 100 with most bytes, most packets first.
    talkers: Vec<TalkerView>,
    /// How many ports there are, of TCP, UDP and SCTP each.
    port_count: u64,
    /// The 100 with most packets and the 100 with most bytes, most packets first.
    ports: Vec<PortView>,
    /// How many findings there are.
    finding_count: u64,
    /// How many of each kind there are: only some are in the list.
    finding_counts: BTreeMap<&'static str, u64>,
    /// What looks like an attack: by kind, and of each the heaviest 25.
    findings: Vec<FindingView>,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Tally")
)]
struct TallyView {
    packets: u64,
    bytes_on_wire: u64,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Timeline")
)]
struct TimelineView {
    /// How long a step is.
    step_seconds: f64,
    /// The steps that have packets.
    steps: Vec<StepView>,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Step")
)]
struct StepView {
    /// When it begins, RFC 3339.
    time: String,
    #[serde(flatten)]
    tally: TallyView,
    tcp: TallyView,
    udp: TallyView,
    /// Of either version of IP.
    icmp: TallyView,
    /// What is none of these, packets without IP included.
    other: TallyView,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Size")
)]
struct SizeView {
    /// From this length on.
    from: u32,
    /// To this one, included; null for the last.
    to: Option<u32>,
    packets: u64,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "LinkType")
)]
struct LinkTypeView {
    /// Its number in tcpdump's registry.
    number: u16,
    #[serde(flatten)]
    layer: LayerView,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Layer")
)]
struct LayerView {
    /// What it is called.
    name: String,
    #[serde(flatten)]
    tally: TallyView,
    /// The headers within, most packets first.
    layers: Vec<LayerView>,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Protocol")
)]
struct ProtocolView {
    /// Its number in IANA's registry.
    number: u8,
    /// What it is called.
    name: String,
    #[serde(flatten)]
    tally: TallyView,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "TcpFlags")
)]
struct TcpFlagsView {
    /// SYN, without ACK.
    syn: u64,
    syn_ack: u64,
    fin: u64,
    rst: u64,
    psh: u64,
    ack: u64,
    urg: u64,
    /// No flag at all.
    none: u64,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Flow")
)]
struct FlowView {
    /// Its number in IANA's registry.
    protocol: u8,
    /// What the protocol is called.
    name: String,
    #[serde(flatten)]
    tally: TallyView,
    /// The end with the higher port.
    a: EndView,
    /// The other end.
    b: EndView,
    /// How many more packets there may have been.
    packets_missed_at_most: u64,
    /// How many more bytes there may have been.
    bytes_missed_at_most: u64,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "End")
)]
struct EndView {
    address: IpAddr,
    /// Null where there are none.
    port: Option<u16>,
    #[serde(flatten)]
    sent: TallyView,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Talker")
)]
struct TalkerView {
    address: IpAddr,
    #[serde(flatten)]
    tally: TallyView,
    sent: TallyView,
    received: TallyView,
    /// How many more packets there may have been.
    packets_missed_at_most: u64,
    /// How many more bytes there may have been.
    bytes_missed_at_most: u64,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Port")
)]
struct PortView {
    /// Its number in IANA's registry.
    protocol: u8,
    /// What the protocol is called.
    name: String,
    port: u16,
    #[serde(flatten)]
    tally: TallyView,
    sent: TallyView,
    received: TallyView,
}

#[derive(Serialize)]
#[cfg_attr(
    feature = "schemars",
    derive(schemars::JsonSchema),
    schemars(rename = "Finding")
)]
struct FindingView {
    /// What it looks like, such as `syn_flood`; there may be more kinds later.
    kind: &'static str,
    /// Who is attacked; of a port scan and of one source, who attacks.
    address: IpAddr,
    /// The port that is attacked, or that the answers of an amplification come from.
    port: Option<u16>,
    /// All of it in one sentence, for people.
    text: String,
    /// What it rests on, by name.
    figures: BTreeMap<&'static str, u64>,
}

impl From<Finding> for FindingView {
    fn from(finding: Finding) -> Self {
        Self {
            text: finding.to_string(),
            kind: finding.kind.as_str(),
            address: finding.address,
            port: finding.port,
            figures: finding.figures,
        }
    }
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> Self {
        Self {
            packets: tally.packets,
            bytes_on_wire: tally.bytes_on_wire,
        }
    }
}

impl From<LayerTally> for LayerView {
    fn from(layer: LayerTally) -> Self {
        Self {
            name: layer.name,
            tally: layer.tally.into(),
            layers: layer.inside.into_iter().map(Self::from).collect(),
        }
    }
}

impl From<FlowTally> for FlowView {
    fn from(flow: FlowTally) -> Self {
        let end = |(address, port), sent: Tally| EndView {
            address,
            port,
            sent: sent.into(),
        };
        Self {
            protocol: flow.protocol,
            name: flow.protocol_name(),
            tally: flow.tally().into(),
            a: end(flow.a, flow.from_a),
            b: end(flow.b, flow.from_b),
            packets_missed_at_most: flow.missed_at_most.packets,
            bytes_missed_at_most: flow.missed_at_most.bytes_on_wire,
        }
    }
}

impl From<Talker> for TalkerView {
    fn from(talker: Talker) -> Self {
        Self {
            address: talker.address,
            tally: talker.tally().into(),
            sent: talker.sent.into(),
            received: talker.received.into(),
            packets_missed_at_most: talker.missed_at_most.packets,
            bytes_missed_at_most: talker.missed_at_most.bytes_on_wire,
        }
    }
}

impl From<PortTally> for PortView {
    fn from(port: PortTally) -> Self {
        Self {
            protocol: port.protocol,
            name: port.protocol_name(),
            port: port.port,
            tally: port.tally().into(),
            sent: port.sent.into(),
            received: port.received.into(),
        }
    }
}

impl TcpFlagsView {
    fn of(summary: &Summary) -> Self {
        let with = |set| summary.tcp_packets(set, TcpFlags::default());
        Self {
            syn: summary.tcp_packets(TcpFlags::SYN, TcpFlags::ACK),
            syn_ack: with(TcpFlags(TcpFlags::SYN.0 | TcpFlags::ACK.0)),
            fin: with(TcpFlags::FIN),
            rst: with(TcpFlags::RST),
            psh: with(TcpFlags::PSH),
            ack: with(TcpFlags::ACK),
            urg: with(TcpFlags::URG),
            none: summary.tcp_packets(TcpFlags::default(), TcpFlags(u8::MAX)),
        }
    }
}

impl TimelineView {
    fn of(summary: &Summary) -> Self {
        let steps = summary.timeline().into_iter();
        Self {
            step_seconds: summary.timeline_step().as_secs_f64(),
            steps: steps
                .filter(|step| step.tally().packets > 0)
                .map(|step| StepView {
                    time: step.time.to_string(),
                    tally: step.tally().into(),
                    tcp: step.tcp.into(),
                    udp: step.udp.into(),
                    icmp: step.icmp.into(),
                    other: step.other.into(),
                })
                .collect(),
        }
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ends = self.ends();
        let mut findings = rules::findings(self, &ends);
        let finding_count = findings.len() as u64;
        let mut finding_counts = BTreeMap::new();
        findings.retain(|it| {
            let count = finding_counts.entry(it.kind.as_str()).or_insert(0);
            *count += 1;
            *count <= OF_KIND as u64
        });
        let view = View {
            packets: self.packets(),
            bytes_captured: self.bytes_captured(),
            bytes_on_wire: self.bytes_on_wire(),
            largest_captured: self.largest_captured(),
            smallest_on_wire: self.sizes_on_wire().map(|(smallest, _)| smallest),
            largest_on_wire: self.sizes_on_wire().map(|(_, largest)| largest),
            first_time: self.first_time().map(|time| time.to_string()),
            last_time: self.last_time().map(|time| time.to_string()),
            duration_seconds: self.duration().map(|duration| duration.as_secs_f64()),
            timeline: TimelineView::of(self),
            sizes: self
                .sizes()
                .into_iter()
                .map(|size| SizeView {
                    from: size.from,
                    to: size.to,
                    packets: size.packets,
                })
                .collect(),
            link_types: self
                .layers()
                .into_iter()
                .map(|(link, layer)| LinkTypeView {
                    number: link.0,
                    layer: layer.into(),
                })
                .collect(),
            protocols: self
                .protocols()
                .into_iter()
                .map(|protocol| ProtocolView {
                    number: protocol.number,
                    name: protocol.name,
                    tally: protocol.tally.into(),
                })
                .collect(),
            not_ip: self.not_ip().into(),
            tunnelled: self.tunnelled().into(),
            tcp_flags: TcpFlagsView::of(self),
            flow_count: self.flow_count(),
            flows_exact: self.flows_exact(),
            flows: self.flows(LISTED).into_iter().map(Into::into).collect(),
            talker_count: ends.talker_count(),
            talkers_exact: ends.talkers_exact(),
            talkers: ends
                .top_talkers(LISTED)
                .into_iter()
                .map(Into::into)
                .collect(),
            port_count: ends.ports.count(),
            ports: ends.ports.top(LISTED).into_iter().map(Into::into).collect(),
            finding_count,
            finding_counts,
            findings: findings.into_iter().map(Into::into).collect(),
        };
        view.serialize(serializer)
    }
}

#[cfg(feature = "schemars")]
impl schemars::JsonSchema for Summary {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        View::schema_name()
    }

    fn schema_id() -> std::borrow::Cow<'static, str> {
        View::schema_id()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        View::json_schema(generator)
    }
}
