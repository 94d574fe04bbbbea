//! The values of primitives: addresses, networks, ports, protocols. Errors are messages; the parser
//! knows the place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::ast::{IpVersion, Net};
use crate::protocol;

/// Names of ports that need no list of services to be known.
const PORTS: &[(&str, u16)] = &[
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("domain", 53),
    ("ftp", 21),
    ("ftp-data", 20),
    ("http", 80),
    ("https", 443),
    ("imap", 143),
    ("imaps", 993),
    ("ldap", 389),
    ("ntp", 123),
    ("pop3", 110),
    ("pop3s", 995),
    ("rtsp", 554),
    ("sip", 5060),
    ("smtp", 25),
    ("snmp", 161),
    ("ssh", 22),
    ("syslog", 514),
    ("telnet", 23),
    ("tftp", 69),
];

/// A decimal number. Leading zeros are not taken: tcpdump reads them as octal.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let is_decimal = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let is_octal = text.len() > 1 && text.starts_with('0');
    (is_decimal && !is_octal).then(|| text.parse().ok())?
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

/// The version of IP that an address is of.
pub(super) fn version(address: IpAddr) -> IpVersion {
    match address {
        IpAddr::V4(_) => IpVersion::V4,
        IpAddr::V6(_) => IpVersion::V6,
    }
}

/// The number of `port`, or a well-known name.
pub(super) fn port(text: &str) -> Result<u16, String> {
    if let Some(port) = number(text) {
        return Ok(port);
    }
    if let Some((_, port)) = PORTS
        .iter()
        .find(|(name, _)| text.eq_ignore_ascii_case(name))
    {
        return Ok(*port);
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
