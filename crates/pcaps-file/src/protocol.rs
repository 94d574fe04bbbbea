//! Numbers of protocols above IP, and their names, from IANA's registry (58 there: `IPv6-ICMP`).

pub(crate) const ICMP: u8 = 1;
pub(crate) const IGMP: u8 = 2;
pub(crate) const IPV4: u8 = 4;
pub(crate) const TCP: u8 = 6;
pub(crate) const IGRP: u8 = 9;
pub(crate) const UDP: u8 = 17;
pub(crate) const IPV6: u8 = 41;
pub(crate) const GRE: u8 = 47;
pub(crate) const ESP: u8 = 50;
pub(crate) const AH: u8 = 51;
pub(crate) const ICMPV6: u8 = 58;
pub(crate) const PIM: u8 = 103;
pub(crate) const VRRP: u8 = 112;
pub(crate) const SCTP: u8 = 132;

/// Number, IANA's name, and the names that a filter may use.
const NAMES: &[(u8, &str, &[&str])] = &[
    (0, "HOPOPT", &["hopopt"]),
    (ICMP, "ICMP", &["icmp"]),
    (IGMP, "IGMP", &["igmp"]),
    (IPV4, "IPv4", &["ipip", "ipencap"]),
    (TCP, "TCP", &["tcp"]),
    (8, "EGP", &["egp"]),
    (IGRP, "IGP", &["igp", "igrp"]),
    (UDP, "UDP", &["udp"]),
    (27, "RDP", &["rdp"]),
    (33, "DCCP", &["dccp"]),
    (IPV6, "IPv6", &["ipv6"]),
    (43, "IPv6-Route", &["ipv6-route"]),
    (44, "IPv6-Frag", &["ipv6-frag"]),
    (46, "RSVP", &["rsvp"]),
    (GRE, "GRE", &["gre"]),
    (ESP, "ESP", &["esp"]),
    (AH, "AH", &["ah"]),
    (ICMPV6, "ICMPv6", &["icmp6", "ipv6-icmp"]),
    (59, "IPv6-NoNxt", &["ipv6-nonxt"]),
    (60, "IPv6-Opts", &["ipv6-opts"]),
    (88, "EIGRP", &["eigrp"]),
    (89, "OSPFIGP", &["ospf"]),
    (94, "IPIP", &[]),
    (97, "ETHERIP", &["etherip"]),
    (PIM, "PIM", &["pim"]),
    (108, "IPComp", &["ipcomp"]),
    (VRRP, "VRRP", &["vrrp"]),
    (115, "L2TP", &["l2tp"]),
    (SCTP, "SCTP", &["sctp"]),
    (136, "UDPLite", &["udplite"]),
    (137, "MPLS-in-IP", &["mpls-in-ip"]),
];

/// The words of tcpdump's language that are a protocol by themselves, and `gre`.
const WORDS: &[(&str, u8)] = &[
    ("tcp", TCP),
    ("udp", UDP),
    ("sctp", SCTP),
    ("icmp", ICMP),
    ("icmp6", ICMPV6),
    ("igmp", IGMP),
    ("igrp", IGRP),
    ("pim", PIM),
    ("vrrp", VRRP),
    ("gre", GRE),
    ("esp", ESP),
    ("ah", AH),
];

/// The word of the filter language that is this protocol by itself.
pub(crate) fn word(number: u8) -> Option<&'static str> {
    let found = WORDS.iter().find(|(_, n)| *n == number);
    found.map(|(word, _)| *word)
}

/// The protocol that a word of the filter language is by itself.
pub(crate) fn of_word(word: &str) -> Option<u8> {
    let found = WORDS.iter().find(|(w, _)| w.eq_ignore_ascii_case(word));
    found.map(|(_, number)| *number)
}

/// IANA's name of a protocol above IP, such as `TCP`, or `protocol N` for a number that has none here.
///
/// ```
/// assert_eq!(pcaps_file::protocol_name(17), "UDP");
/// assert_eq!(pcaps_file::protocol_name(253), "protocol 253");
/// ```
pub fn name(number: u8) -> String {
    match NAMES.iter().find(|(n, ..)| *n == number) {
        Some((_, name, _)) => (*name).to_owned(),
        None => format!("protocol {number}"),
    }
}

/// The number of a protocol that a filter names.
pub(crate) fn number(name: &str) -> Option<u8> {
    let is_it = |names: &[&str]| names.iter().any(|n| n.eq_ignore_ascii_case(name));
    NAMES
        .iter()
        .find(|(_, _, names)| is_it(names))
        .map(|(number, ..)| *number)
}
