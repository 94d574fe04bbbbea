//! The values of primitives: addresses, networks, ports, protocols. Errors are messages; the parser
//! knows the place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ast::{IpVersion, Net, Network, Primitive};
use super::names;
use crate::protocol;

/// A number, decimal or hexadecimal. Leading zeros are not taken: tcpdump reads them as octal.
fn number<T: TryFrom<u32>>(text: &str) -> Option<T> {
    let number = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u32::from_str_radix(digits, 16).ok()?
        }
        _ if !is_digits(text) || (text.len() > 1 && text.starts_with('0')) => return None,
        _ => text.parse().ok()?,
    };
    T::try_from(number).ok()
}

/// A number, or a name for one, as `tcp-syn`.
pub(super) fn constant(text: &str) -> Option<u32> {
    number(text).or_else(|| names::constant(text))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// The address of `host`.
pub(super) fn address(text: &str) -> Result<IpAddr, String> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    if let Some((before, _)) = text.split_once('/')
        && before.parse::<IpAddr>().is_ok()
    {
        return Err(format!("`{text}` is a network: write `net {text}`"));
    }
    if is_digits(text) {
        return Err(format!(
            "expected an address, not the number `{text}`: for a port write `port {text}`"
        ));
    }
    if text.contains(':')
        || text
            .bytes()
            .all(|b| b.is_ascii_digit() || b == b'.' || b == b'/')
    {
        return Err(format!(
            "`{text}` is not an address: write all of it, as in `host 192.0.2.1` or `host 2001:db8::1`"
        ));
    }
    Err(format!(
        "`{text}` is a name, and names are not looked up: give the address, as in `host 192.0.2.1`"
    ))
}

/// The network of `net`: with a length, or with what follows `mask`, or with the length that the
/// number of its parts implies.
pub(super) fn net(text: &str, mask: Option<&str>) -> Result<Net, String> {
    let (address, len) = match text.split_once('/') {
        Some((address, len)) => (address, Some(len)),
        None => (text, None),
    };
    let Some((address, implied)) = net_address(address) else {
        return Err(format!(
            "`{text}` is not a network: write its address and length, as in `net 192.0.2.0/24`"
        ));
    };
    let bits = if address.is_ipv4() { 32 } else { 128 };
    let prefix_len = match (len, mask) {
        (None, None) => implied,
        (Some(_), Some(_)) => {
            return Err("a network has a length or a mask: leave out one".to_owned());
        }
        (Some(len), None) => match number::<u8>(len) {
            Some(len) if len <= bits => len,
            _ => {
                return Err(format!(
                    "`/{len}` is not a length: write a number from 0 to {bits}"
                ));
            }
        },
        (None, Some(mask)) => mask_len(mask, address)?,
    };
    let first = first_address(address, prefix_len);
    if first != address {
        return Err(format!(
            "{address} has bits beyond its first {prefix_len}: write `net {first}/{prefix_len}`, or `host` \
             for the address"
        ));
    }
    Ok(Net {
        address,
        prefix_len,
    })
}

/// An address, or the beginning of an IPv4 address (`192.168`), and how many bits that is.
fn net_address(text: &str) -> Option<(IpAddr, u8)> {
    if let Ok(address) = text.parse::<Ipv6Addr>() {
        return Some((address.into(), 128));
    }
    let mut octets = [0; 4];
    let mut bits = 0;
    for part in text.split('.') {
        *octets.get_mut(usize::from(bits / 8))? = number::<u8>(part)?;
        bits += 8;
    }
    Some((octets.into(), bits))
}

fn mask_len(mask: &str, address: IpAddr) -> Result<u8, String> {
    if address.is_ipv6() {
        return Err(
            "an IPv6 network has no mask: write its length, as in `net 2001:db8::/32`".to_owned(),
        );
    }
    let Ok(parsed) = mask.parse::<Ipv4Addr>() else {
        return Err(format!(
            "`{mask}` is not a mask: write one like `255.255.255.0`"
        ));
    };
    let len = parsed.to_bits().leading_ones();
    if parsed.to_bits().count_ones() != len {
        return Err(format!(
            "`{mask}` has ones after a zero: only masks that are a length are taken, as `255.255.0.0` is /16"
        ));
    }
    Ok(u8::try_from(len).unwrap_or(32))
}

fn first_address(address: IpAddr, prefix_len: u8) -> IpAddr {
    let len = u32::from(prefix_len);
    match address {
        IpAddr::V4(v4) => {
            let beyond = u32::MAX.checked_shr(len).unwrap_or(0);
            Ipv4Addr::from_bits(v4.to_bits() & !beyond).into()
        }
        IpAddr::V6(v6) => {
            let beyond = u128::MAX.checked_shr(len).unwrap_or(0);
            Ipv6Addr::from_bits(v6.to_bits() & !beyond).into()
        }
    }
}

/// The address of `ether host`.
pub(super) fn ethernet(text: &str) -> Result<[u8; 6], String> {
    let mut address = [0; 6];
    let mut parts = text.split([':', '-']);
    for byte in &mut address {
        let digits = parts
            .next()
            .filter(|it| matches!(it.len(), 1 | 2) && it.bytes().all(|b| b.is_ascii_hexdigit()));
        let parsed = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
        *byte = parsed.ok_or_else(|| not_ethernet(text))?;
    }
    match parts.next() {
        None => Ok(address),
        Some(_) => Err(not_ethernet(text)),
    }
}

fn not_ethernet(text: &str) -> String {
    format!("`{text}` is not an Ethernet address: write one like `00:00:5e:00:53:01`")
}

/// What `ether proto` tests.
pub(super) fn ether_type(text: &str) -> Result<Primitive, String> {
    let name = text.strip_prefix('\\').unwrap_or(text);
    let networks = [Network::Ipv4, Network::Ipv6, Network::Arp, Network::Rarp];
    let named = networks
        .iter()
        .find(|network| network.word().eq_ignore_ascii_case(name));
    let number = named.map_or_else(|| number(text), |network| Some(network.ether_type()));
    match number {
        Some(0x0800) => Ok(Primitive::Version(IpVersion::V4)),
        Some(0x86dd) => Ok(Primitive::Version(IpVersion::V6)),
        // Below are lengths, and these two AppleTalk has in a header of its own as well.
        Some(number @ 0x0600..) if !matches!(number, 0x809b | 0x80f3) => {
            Ok(Primitive::EtherType(number))
        }
        _ => Err(format!(
            "`{text}` is not an EtherType that is supported: write one from 0x600 on, or `ip`, `ip6`, `arp` or `rarp`"
        )),
    }
}

/// The number of `port`, or a well-known name.
pub(super) fn port(text: &str) -> Result<u16, String> {
    if let Some(port) = number(text) {
        return Ok(port);
    }
    if let Some(port) = names::port(text) {
        return Ok(port);
    }
    if is_digits(text) {
        return Err(format!(
            "`{text}` is not a port: write a number from 0 to 65535 without leading zeros"
        ));
    }
    if range(text).is_some() {
        return Err(format!(
            "`{text}` is a range of ports: write `portrange {text}`"
        ));
    }
    Err(format!(
        "`{text}` is not a port, nor one of the few names that are known: write its number"
    ))
}

/// The two ends of `portrange`, in order; tcpdump takes them in either.
pub(super) fn port_range(text: &str) -> Result<(u16, u16), String> {
    if let Some((a, b)) = range(text) {
        return Ok((a.min(b), a.max(b)));
    }
    if let Ok(port) = port(text) {
        return Ok((port, port));
    }
    Err(format!(
        "`{text}` is not a range of ports: write two numbers from 0 to 65535, as in `portrange 8000-8080`"
    ))
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (a, b) = text.split_once('-')?;
    Some((number(a)?, number(b)?))
}

/// The number of `proto`, or a name, with or without tcpdump's backslash.
pub(super) fn protocol(text: &str) -> Result<u8, String> {
    if let Some(number) = number(text) {
        return Ok(number);
    }
    let name = text.strip_prefix('\\').unwrap_or(text);
    protocol::number(name).ok_or_else(|| {
        format!(
            "`{text}` is not a protocol: write its number, 0 to 255, or a name like `tcp` or `gre`"
        )
    })
}

/// The number of bytes of `less` and `greater`.
pub(super) fn length(text: &str) -> Result<u32, String> {
    number(text).ok_or_else(|| {
        format!("`{text}` is not a length: write a number of bytes, as in `less 128`")
    })
}
