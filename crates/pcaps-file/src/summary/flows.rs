//! Which packets belong together.

use crate::ip::{Address, Ip};

/// A flow, or conversation: two addresses, a protocol and, if it has them, two ports. Both directions are the same
/// flow.
///
/// The end with the higher port comes first: that is mostly the one that asked. Where there are no ports, or they
/// are equal, it is the one with the higher address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flow {
    a: u128,
    b: u128,
    /// Both ports, that of `a` above.
    ports: u32,
    /// The protocol, and [`HAS_PORTS`](Self::HAS_PORTS) and [`IS_V6`](Self::IS_V6).
    kind: u32,
}

impl Flow {
    const HAS_PORTS: u32 = 1 << 8;
    const IS_V6: u32 = 1 << 9;

    /// The flow of an IP packet, and whether the packet came from its second end.
    #[inline]
    pub(super) fn of(ip: &Ip<'_>) -> (Self, bool) {
        let (a, b) = (ip.source.bits, ip.destination.bits);
        let mut kind = u32::from(ip.protocol);
        if ip.source.is_v6 {
            kind |= Self::IS_V6;
        }
        let [port_a, port_b] = match ip.ports() {
            Some(ports) => {
                kind |= Self::HAS_PORTS;
                ports.map(u32::from)
            }
            None => [0, 0],
        };
        if (port_a, a) < (port_b, b) {
            let ports = port_b << 16 | port_a;
            (
                Self {
                    a: b,
                    b: a,
                    ports,
                    kind,
                },
                true,
            )
        } else {
            let ports = port_a << 16 | port_b;
            (Self { a, b, ports, kind }, false)
        }
    }

    pub(super) fn addresses(&self) -> [Address; 2] {
        let is_v6 = self.kind & Self::IS_V6 != 0;
        [self.a, self.b].map(|bits| Address { is_v6, bits })
    }

    pub(super) fn ports(&self) -> Option<[u16; 2]> {
        let [a, b, c, d] = self.ports.to_be_bytes();
        let has_ports = self.kind & Self::HAS_PORTS != 0;
        has_ports.then_some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
    }

    pub(super) fn protocol(&self) -> u8 {
        self.kind.to_le_bytes()[0]
    }
}
