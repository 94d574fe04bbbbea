//! Which packets a capture takes.

use std::net::IpAddr;

use pcaps_file::{Dissection, dissect};

use crate::traffic::TrafficPacket;

/// What a packet has to be. Everything that is there must match; of nothing, every packet does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Criteria {
    pub(crate) source: Option<IpAddr>,
    pub(crate) destination: Option<IpAddr>,
    pub(crate) source_port: Option<u16>,
    pub(crate) destination_port: Option<u16>,
    pub(crate) protocol: Option<u8>,
}

impl Criteria {
    /// Whether a packet is taken.
    pub(super) fn take(&self, packet: &TrafficPacket) -> bool {
        *self == Self::default() || self.match_found(&dissect(packet.link_type, &packet.bytes))
    }

    /// Whether a packet is taken that was dissected already.
    pub(super) fn match_found(&self, found: &Dissection) -> bool {
        fn fits<T: Copy + PartialEq>(wanted: Option<T>, found: Option<T>) -> bool {
            wanted.is_none() || wanted == found
        }
        fits(self.source, found.source)
            && fits(self.destination, found.destination)
            && fits(self.source_port, found.source_port)
            && fits(self.destination_port, found.destination_port)
            && fits(self.protocol, found.protocol)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use pcaps_file::{LinkType, Timestamp};

    use super::*;

    /// A question to a name server over UDP.
    fn question() -> TrafficPacket {
        let bytes: &[u8] = &[
            0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 192, 0, 2, 1, 192, 0, 2, 53, // IPv4
            0xc0, 0, 0, 53, 0, 8, 0, 0, // UDP
        ];
        TrafficPacket {
            timestamp: Timestamp::from_nanos(0),
            link_type: LinkType::RAW,
            original_len: 28,
            bytes: Bytes::from_static(bytes),
        }
    }

    fn all() -> Criteria {
        Criteria {
            source: Some([192, 0, 2, 1].into()),
            destination: Some([192, 0, 2, 53].into()),
            source_port: Some(0xc000),
            destination_port: Some(53),
            protocol: Some(17),
        }
    }

    #[test]
    fn every_field_must_match() {
        assert!(all().take(&question()));
        for other in [
            Criteria {
                source: Some([192, 0, 2, 2].into()),
                ..all()
            },
            Criteria {
                destination: Some([192, 0, 2, 2].into()),
                ..all()
            },
            Criteria {
                source_port: Some(1),
                ..all()
            },
            Criteria {
                destination_port: Some(1),
                ..all()
            },
            Criteria {
                protocol: Some(6),
                ..all()
            },
        ] {
            assert!(!other.take(&question()), "{other:?}");
        }
    }

    #[test]
    fn nothing_matches_everything() {
        let noise = TrafficPacket {
            bytes: Bytes::from_static(b"noise"),
            ..question()
        };
        assert!(Criteria::default().take(&noise));
        assert!(Criteria::default().take(&question()));
        assert!(!all().take(&noise));
    }
}
