//! The summary as programs see it. The names of the fields are a promise: see [`Summary`].

use std::net::IpAddr;

use serde::{Serialize, Serializer};

use super::{Summary, Tally};

/// How many talkers are listed.
const TALKERS: usize = 100;

#[derive(Serialize)]
struct View {
    packets: u64,
    bytes_captured: u64,
    bytes_on_wire: u64,
    largest_captured: u32,
    first_time: Option<String>,
    last_time: Option<String>,
    duration_seconds: Option<f64>,
    link_types: Vec<LinkTypeView>,
    protocols: Vec<ProtocolView>,
    not_ip: TallyView,
    talkers_exact: bool,
    talkers: Vec<TalkerView>,
}

#[derive(Serialize)]
struct LinkTypeView {
    number: u16,
    name: String,
    packets: u64,
}

#[derive(Serialize)]
struct ProtocolView {
    number: u8,
    name: String,
    #[serde(flatten)]
    tally: TallyView,
}

#[derive(Serialize)]
struct TalkerView {
    address: IpAddr,
    #[serde(flatten)]
    tally: TallyView,
    packets_missed_at_most: u64,
}

#[derive(Serialize)]
struct TallyView {
    packets: u64,
    bytes_on_wire: u64,
}

impl From<Tally> for TallyView {
    fn from(tally: Tally) -> Self {
        Self {
            packets: tally.packets,
            bytes_on_wire: tally.bytes_on_wire,
        }
    }
}

impl Serialize for Summary {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let view = View {
            packets: self.packets(),
            bytes_captured: self.bytes_captured(),
            bytes_on_wire: self.bytes_on_wire(),
            largest_captured: self.largest_captured(),
            first_time: self.first_time().map(|time| time.to_string()),
            last_time: self.last_time().map(|time| time.to_string()),
            duration_seconds: self.duration().map(|duration| duration.as_secs_f64()),
            link_types: self
                .link_types()
                .map(|(link, packets)| LinkTypeView {
                    number: link.0,
                    name: link.to_string(),
                    packets,
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
            talkers_exact: self.talkers_exact(),
            talkers: self
                .talkers(TALKERS)
                .into_iter()
                .map(|talker| TalkerView {
                    address: talker.address,
                    tally: talker.tally.into(),
                    packets_missed_at_most: talker.packets_missed_at_most,
                })
                .collect(),
        };
        view.serialize(serializer)
    }
}
