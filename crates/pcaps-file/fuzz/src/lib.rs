//! What must hold of `pcaps-file` whatever the bytes are: one function for each fuzz target. They panic when it does
//! not.

#![forbid(unsafe_code)]

mod files;
mod filter;
mod merge;
mod packed;
mod packet;

pub use files::readers_agree;
pub use filter::filter;
pub use merge::{SEPARATOR, merge};
pub use packed::packed;
pub use packet::packet;

use pcaps_file::LinkType;

/// Every link type that something is known of, and one of which nothing is.
pub const LINK_TYPES: [LinkType; 11] = [
    LinkType::NULL,
    LinkType::ETHERNET,
    LinkType(12),
    LinkType(14),
    LinkType::RAW,
    LinkType::LOOP,
    LinkType::LINUX_SLL,
    LinkType::IPV4,
    LinkType::IPV6,
    LinkType::LINUX_SLL2,
    LinkType(147),
];
