//! Packet filters: the common part of tcpdump's filter language, as a tree, and as a program that runs over packets.
//!
//! [`parse`] reads an expression; every part of the tree knows where in the text it stands, so that a
//! program that can express only some of the language points at what it cannot. [`Program`] is the expression ready to
//! run, for one link type.
//!
//! # The language
//!
//! | primitive | matches |
//! |---|---|
//! | `host A`, `src host A`, `dst A`, `src or dst A`, `src and dst A` | an address, IPv4 (in IP, ARP and RARP) or IPv6 |
//! | `ip host A`, `arp host A`, `rarp host A`; the same with `net` | an address in that header only |
//! | `net A/len`, `net A mask M`, `net 192.168` | the addresses of a network |
//! | `port N`, `dst port https`, `tcp port 443` | a port, of TCP, UDP and SCTP or of the one named |
//! | `portrange A-B` | a range of ports, both ends included |
//! | `tcp`, `udp`, `icmp`, `icmp6`, `igmp`, `igrp`, `pim`, `vrrp`, `gre`, `esp`, `ah`, `sctp` | a protocol above IP |
//! | `proto N`, `ip proto tcp`, `ip6 proto 58` | a protocol above IP, by number or name |
//! | `ip`, `ip6`, `arp`, `rarp`, `ether proto N` | what a frame carries |
//! | `ether host M`, `ether src M`, `ether dst M` | an Ethernet address |
//! | `broadcast`, `multicast`, `ip multicast`, `ip6 multicast` | what goes to many |
//! | `vlan`, `vlan N` | a VLAN tag; **every test after it in the text** looks behind the tag |
//! | `less N`, `greater N` | at most, at least so many bytes |
//! | `tcp[13] & 2 != 0`, `ip[2:2] > 576`, `len == 64` | how two numbers compare |
//!
//! A number is decimal, hexadecimal (`0x1fff`), a name that tcpdump knows (`tcpflags`, `tcp-syn`, `icmptype`,
//! `icmp-echo`, `icmp6-neighborsolicit`, …), `len`, or bytes of a header: `header[offset]` or `header[offset:size]` with
//! a size of 1, 2 or 4, where the header is `ether`, `ip`, `ip6`, `arp`, `rarp`, `tcp`, `udp`, `sctp`, `icmp`, `icmp6`,
//! `igmp`, `igrp`, `pim` or `vrrp`. Numbers make others with `+ - * / % & | ^ << >>`, and compare with `= == != < <= > >=`.
//!
//! Tests combine with `and` (`&&`), `or` (`||`), `not` (`!`) and parentheses. As in tcpdump `not` binds
//! tightest, `and` and `or` bind **equally** and group from the left, and a value alone repeats the
//! qualifiers before it: `tcp port 80 or 443` is `tcp port 80 or tcp port 443`. It repeats those before a
//! parenthesis behind it too, never those inside. An empty expression matches everything.
//!
//! Unlike tcpdump it resolves no names of hosts, knows a few names of ports only (and takes them for their number, of
//! any protocol), takes no number with leading zeros (tcpdump: octal), no mask with gaps, takes `gre` and `proto tcp`
//! (without a backslash), and ignores the case of its words.
//!
//! # What it matches
//!
//! A [`Program`] takes the packets that libpcap's programs take, tested against tcpdump 4.99 with libpcap 1.10, on
//! Ethernet, raw IP, BSD loopback and both versions of Linux cooked capture. Some of that may surprise:
//!
//! - A test that looks behind the last captured byte, or divides by zero, leaves the packet out at once, **also under
//!   `not`**.
//! - A later fragment of IPv4 has no ports and no `tcp[…]`. Ports in IPv6 are found right behind its fixed header only,
//!   a protocol there also behind a fragment header, and `tcp[…]` is of IPv4.
//! - VLAN tags are stepped over only behind `vlan`, and nothing looks into tunnels.
//! - On the right of an operator, bytes of a header do not require that header: `len - tcp[12] > 4` looks at packets
//!   that are no TCP too.
//!
//! Where it differs: on BSD loopback the address family may be in either byte order and may be Linux's, because a
//! packet does not tell where it was captured. Other link types, for which libpcap may have rules, are an error, unless
//! the expression needs none.

mod ast;
mod error;
mod lex;
mod lower;
mod names;
mod parse;
mod print;
mod program;
mod qualifiers;
mod value;

pub use ast::{
    Direction, Expr, Header, IpVersion, Net, Network, Operator, Primitive, Relation, Span, Spanned,
    Value,
};
pub use error::Error;
pub use parse::parse;
pub use program::Program;
