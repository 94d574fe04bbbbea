//! Capture filters: the common part of tcpdump's filter language, as a tree.
//!
//! [`parse`] reads an expression; every part of the tree knows where in the text it stands, so that a
//! program that can express only some of the language points at what it cannot.
//!
//! # The language
//!
//! | primitive | matches |
//! |---|---|
//! | `host A`, `src host A`, `dst A`, `src or dst A`, `src and dst A` | an address, IPv4 or IPv6 |
//! | `net A/len`, `net A mask M`, `net 192.168` | the addresses of a network |
//! | `port N`, `dst port https`, `tcp port 443` | a port, of TCP, UDP and SCTP or of the one named |
//! | `portrange A-B` | a range of ports, both ends included |
//! | `tcp`, `udp`, `icmp`, `icmp6`, `igmp`, `gre`, `esp`, `ah`, `sctp`, `proto N`, `ip proto tcp` | a protocol above IP |
//! | `ip`, `ip6` | a version of IP |
//! | `less N`, `greater N` | at most, at least so many bytes |
//!
//! They combine with `and` (`&&`), `or` (`||`), `not` (`!`) and parentheses. As in tcpdump `not` binds
//! tightest, `and` and `or` bind **equally** and group from the left, and a value alone repeats the
//! qualifiers before it: `tcp port 80 or 443` is `tcp port 80 or tcp port 443`. It repeats those before a
//! parenthesis behind it too, never those inside. An empty expression matches everything.
//!
//! Unlike tcpdump it resolves no names of hosts, knows a few names of ports only, reads numbers as decimal
//! only, takes `gre` and `proto tcp` (without a backslash), and ignores the case of its words.

mod ast;
mod error;
mod lex;
mod parse;
mod qualifiers;
mod value;

pub use ast::{Direction, Expr, IpVersion, Net, Primitive, Span, Spanned};
pub use error::ParseError;
pub use parse::parse;
