//! Which packets belong together.

use std::hint::select_unpredictable;

/// A flow, or conversation: two addresses, a protocol and, if it has them, two ports. Both directions are the same
/// flow.
///
/// The end with the higher port comes first: that is mostly the one that asked. Where there are no ports, or they
/// are equal, it is the one with the higher address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Flow<A> {
    a: A,
    b: A,
    /// Both ports, that of `a` above.
    ports: u32,
    /// The protocol, and [`HAS_PORTS`].
    kind: u32,
}

const HAS_PORTS: u32 = 1 << 8;

impl<A: Copy + Ord> Flow<A> {
    /// The flow of a packet between two addresses, and whether the packet came from its second end.
    #[inline]
    pub(super) fn of(
        [source, destination]: [A; 2],
        protocol: u8,
        ports: Option<[u16; 2]>,
    ) -> (Self, bool) {
        let mut kind = u32::from(protocol);
        let [from, to] = match ports {
            Some(ports) => {
                kind |= HAS_PORTS;
                ports.map(u32::from)
            }
            None => [0, 0],
        };
        let is_reply = (from, source) < (to, destination);
        let [a, b] = [
            select_unpredictable(is_reply, destination, source),
            select_unpredictable(is_reply, source, destination),
        ];
        let ports = select_unpredictable(is_reply, to << 16 | from, from << 16 | to);
        (Self { a, b, ports, kind }, is_reply)
    }

    pub(super) fn addresses(&self) -> [A; 2] {
        [self.a, self.b]
    }

    pub(super) fn ports(&self) -> Option<[u16; 2]> {
        let [a, b, c, d] = self.ports.to_be_bytes();
        let has_ports = self.kind & HAS_PORTS != 0;
        has_ports.then_some([u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d])])
    }

    pub(super) fn protocol(&self) -> u8 {
        self.kind.to_le_bytes()[0]
    }

    /// The same, with addresses of another type.
    pub(super) fn map<B>(self, mut address: impl FnMut(A) -> B) -> Flow<B> {
        Flow {
            a: address(self.a),
            b: address(self.b),
            ports: self.ports,
            kind: self.kind,
        }
    }
}
