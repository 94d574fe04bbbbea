//! Values that come again, each with a number.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr};

use foldhash::fast::RandomState;

/// Addresses, numbered in the order in which they come up.
#[derive(Default)]
pub(crate) struct Addresses {
    v4: HashMap<u32, u32, RandomState>,
    v6: HashMap<u128, u32, RandomState>,
    all: Vec<IpAddr>,
}

impl Addresses {
    /// The number of an address.
    pub(crate) fn number(&mut self, address: IpAddr) -> u32 {
        // There is at most one for each row and column.
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let known = match address {
            IpAddr::V4(it) => *self.v4.entry(it.to_bits()).or_insert(next),
            IpAddr::V6(it) => *self.v6.entry(it.to_bits()).or_insert(next),
        };
        if known == next {
            self.all.push(address);
        }
        known
    }

    /// Appends the address of this number, as text.
    pub(crate) fn text(&self, number: u32, to: &mut Vec<u8>) {
        match self.all.get(number as usize) {
            Some(IpAddr::V4(it)) => v4_text(*it, to),
            Some(IpAddr::V6(it)) => {
                // Writing to memory does not fail.
                let _ = write!(to, "{it}");
            }
            None => {}
        }
    }

    pub(crate) fn clear(&mut self) {
        self.v4.clear();
        self.v6.clear();
        self.all.clear();
    }
}

/// Several times as fast as what the standard library does, which matters where every packet has another address.
fn v4_text(address: Ipv4Addr, to: &mut Vec<u8>) {
    for (at, byte) in address.octets().into_iter().enumerate() {
        if at > 0 {
            to.push(b'.');
        }
        if byte >= 100 {
            to.push(b'0' + byte / 100);
        }
        if byte >= 10 {
            to.push(b'0' + byte / 10 % 10);
        }
        to.push(b'0' + byte % 10);
    }
}

/// Names, numbered in the order in which they come up.
#[derive(Default)]
pub(crate) struct Names {
    known: HashMap<Box<[u8]>, u32, RandomState>,
    all: Vec<Box<[u8]>>,
    bytes: usize,
}

impl Names {
    /// The number of a name.
    pub(crate) fn number(&mut self, name: &[u8]) -> u32 {
        if let Some(known) = self.known.get(name) {
            return *known;
        }
        // There is at most one for each row.
        let next = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        if let Entry::Vacant(place) = self.known.entry(name.into()) {
            place.insert(next);
            self.all.push(name.into());
            self.bytes += name.len();
        }
        next
    }

    /// How long they are together.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Appends the name of this number.
    pub(crate) fn text(&self, number: u32, to: &mut Vec<u8>) {
        to.extend(self.all.get(number as usize).into_iter().flatten());
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_as_text() {
        let mut addresses = Addresses::default();
        for text in [
            "0.0.0.0",
            "192.0.2.1",
            "255.255.255.255",
            "10.100.9.99",
            "2001:db8::1",
            "::",
            "::ffff:192.0.2.1",
        ] {
            let number = addresses.number(text.parse().unwrap());
            assert_eq!(number, addresses.number(text.parse().unwrap()));
            let mut found = Vec::new();
            addresses.text(number, &mut found);
            assert_eq!(String::from_utf8(found).unwrap(), text);
        }
        assert_eq!(addresses.all.len(), 7);
    }
}
