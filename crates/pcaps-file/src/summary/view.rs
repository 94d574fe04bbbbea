//! The summary as programs see it. The names of the fields are a promise: see [`Summary`].

use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::{FlowTally, LayerTally, PortTally, Summary, Talker, Tally};
use crate::dissect::TcpFlags;
use crate::protocol;

/// How many flows, talkers and ports are listed, by packets and by bytes.
const LISTED: usize = 100;

#[derive(Serialize)]
struct View {
    packets: u64,
    bytes_captured: u64,
    bytes_on_wire: u64,
    largest_captured: u32,
    smallest_on_wire: Option<u32>,
    largest_on_wire: Option<u32>,
    first_time: Option<String>,
    last_time: Option<String>,
    duration_seconds: Option<f64>,
    timeline: TimelineView,
    sizes: Vec<SizeView>,
    link_types: Vec<LinkTypeView>,
    protocols: Vec<ProtocolView>,
    not_ip: TallyView,
    tunnelled: TallyView,
    tcp_flags: TcpFlagsView,
    flow_count: u64,
    flows_exact: bool,
    flows: Vec<FlowView>,
    talker_count: u64,
    talkers_exact: bool,
    talkers: Vec<TalkerView>,
    port_count: u64,
    ports: Vec<PortView>,
}

#[derive(Serialize)]
struct TallyView {
    packets: u64,
    bytes_on_wire: u64,
}

#[derive(Serialize)]
struct TimelineView {
    step_seconds: f64,
    steps: Vec<StepView>,
}

#[derive(Serialize)]
struct StepView {
    time: String,
    #[serde(flatten)]
    tally: TallyView,
}

#[derive(Serialize)]
struct SizeView {
    from: u32,
    to: Option<u32>,
    packets: u64,
}

#[derive(Serialize)]
struct LinkTypeView {
    number: u16,
    #[serde(flatten)]
    layer: LayerView,
}

#[derive(Serialize)]
struct LayerView {
    name: String,
    #[serde(flatten)]
    tally: TallyView,
    layers: Vec<LayerView>,
}

#[derive(Serialize)]
struct ProtocolView {
    number: u8,
    name: String,
    #[serde(flatten)]
    tally: TallyView,
}

#[derive(Serialize)]
struct TcpFlagsView {
    syn: u64,
    syn_ack: u64,
    fin: u64,
    rst: u64,
    psh: u64,
    ack: u64,
    urg: u64,
    none: u64,
}

#[derive(Serialize)]
struct FlowView {
    protocol: u8,
    name: String,
    #[serde(flatten)]
    tally: TallyView,
    a: EndView,
    b: EndView,
    packets_missed_at_most: u64,
    bytes_missed_at_most: u64,
}

#[derive(Serialize)]
struct EndView {
    address: IpAddr,
    port: Option<u16>,
    #[serde(flatten)]
    sent: TallyView,
}

#[derive(Serialize)]
struct TalkerView {
    address: IpAddr,
    #[serde(flatten)]
    tally: TallyView,
    sent: TallyView,
    received: TallyView,
    packets_missed_at_most: u64,
    bytes_missed_at_most: u64,
}

#[derive(Serialize)]
struct PortView {
    protocol: u8,
    name: String,
    port: u16,
    #[serde(flatten)]
    tally: TallyView,
    sent: TallyView,
    received: TallyView,
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
            name: protocol::name(flow.protocol),
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
            name: protocol::name(port.protocol),
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
                .filter(|(_, tally)| tally.packets > 0)
                .map(|(time, tally)| StepView {
                    time: time.to_string(),
                    tally: tally.into(),
                })
                .collect(),
        }
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let ends = self.ends();
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
        };
        view.serialize(serializer)
    }
}
