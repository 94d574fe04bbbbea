//! Tests in a flat list, each with the one that comes next, run over a packet.

use super::ast::{Expr, Operator, Relation};
use super::error::Error;
use super::lower::lower;
use crate::packet::LinkType;

/// A filter that is ready to run over packets of one link type.
///
/// It takes the packets that tcpdump takes with the same expression, as the [module](super) says in detail.
///
/// # Examples
///
/// ```
/// use pcaps_file::filter::{Program, parse};
/// use pcaps_file::{LinkType, Reader};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let expression = parse("udp port 53 and ip[8] < 64")?;
/// let program = Program::new(&expression, LinkType::ETHERNET)?;
/// # let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dns.pcap");
/// let mut reader = Reader::open(file)?;
/// let mut matched = 0;
/// while let Some(packet) = reader.next_packet()? {
///     matched += usize::from(program.matches(packet.bytes, packet.original_len));
/// }
/// assert!(matched > 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    steps: Vec<Step>,
    first: usize,
}

/// A test, and the step that follows each outcome.
#[derive(Clone, Debug)]
struct Step {
    test: Test,
    yes: usize,
    no: usize,
}

/// In place of a step: the packet is taken.
const TAKE: usize = usize::MAX;
/// In place of a step: the packet is left.
const LEAVE: usize = usize::MAX - 1;

/// Tests and how they combine, in the order in which they are made.
#[derive(Debug)]
pub(super) enum Tree {
    /// Whatever the packet.
    Always(bool),
    Test(Test),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

/// A test of a packet.
#[derive(Clone, Debug)]
pub(super) enum Test {
    /// Some bytes, those bits of them that the mask has.
    Bytes {
        place: Place,
        size: u8,
        mask: u32,
        relation: Relation,
        value: u32,
    },
    /// Bytes at a fixed place, of which those bits that the mask has are these: most tests are this one.
    Fixed {
        at: u32,
        size: u8,
        mask: u32,
        value: u32,
    },
    /// Two numbers.
    Numbers(Box<(Number, Relation, Number)>),
}

/// Where bytes are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// So many bytes from the packet's first.
    At(u32),
    /// So many bytes from the end of the IPv4 header that begins at `ip`.
    BehindIpv4 { ip: u32, offset: u32 },
}

/// A number that a packet makes.
#[derive(Clone, Debug)]
pub(super) enum Number {
    Known(u32),
    Len,
    Bytes {
        place: Place,
        size: u8,
    },
    /// Bytes at an offset, itself a number, from a place.
    BytesAt {
        from: Place,
        offset: Box<Number>,
        size: u8,
    },
    Negate(Box<Number>),
    Binary(Box<Number>, Operator, Box<Number>),
}

impl Program {
    /// Makes an expression ready for packets of this link type.
    ///
    /// # Errors
    ///
    /// If the expression tests something that packets of this link type cannot have (a VLAN tag or an Ethernet address
    /// where there is no Ethernet), or if the headers of this link type are not known here and the expression needs
    /// them. The error shows the place in the text that the expression was parsed from.
    pub fn new(expression: &Expr, link_type: LinkType) -> Result<Self, Error> {
        let tree = lower(expression, link_type)?;
        let mut program = Self {
            steps: Vec::new(),
            first: TAKE,
        };
        program.first = program.add(tree, TAKE, LEAVE);
        Ok(program)
    }

    /// Adds the steps of a tree, the last ones first, and gives the one to begin with.
    fn add(&mut self, tree: Tree, yes: usize, no: usize) -> usize {
        match tree {
            Tree::Always(true) => yes,
            Tree::Always(false) => no,
            Tree::Not(inner) => self.add(*inner, no, yes),
            Tree::And(parts) => {
                let parts = parts.into_iter().rev();
                parts.fold(yes, |next, part| self.add(part, next, no))
            }
            Tree::Or(parts) => {
                let parts = parts.into_iter().rev();
                parts.fold(no, |next, part| self.add(part, yes, next))
            }
            Tree::Test(test) => {
                self.steps.push(Step { test, yes, no });
                self.steps.len() - 1
            }
        }
    }

    /// Whether the filter takes a packet with these bytes, and so many of them on the wire.
    ///
    /// A test that looks behind the last byte ends it: the packet is not taken, also under `not`.
    #[inline]
    #[must_use]
    pub fn matches(&self, bytes: &[u8], original_len: u32) -> bool {
        let mut at = self.first;
        // Every step leads to one that was added before it, so this ends.
        while let Some(step) = self.steps.get(at) {
            match step.test.holds(bytes, original_len) {
                Some(true) => at = step.yes,
                Some(false) => at = step.no,
                None => return false,
            }
        }
        at == TAKE
    }
}

impl Test {
    /// The outcome; `None` when it looks behind the last byte.
    #[inline]
    fn holds(&self, bytes: &[u8], len: u32) -> Option<bool> {
        match self {
            Self::Fixed {
                at,
                size,
                mask,
                value,
            } => Some(load(bytes, u64::from(*at), *size)? & mask == *value),
            Self::Bytes {
                place,
                size,
                mask,
                relation,
                value,
            } => {
                let found = load(bytes, place.find(bytes)?, *size)?;
                Some(relation.holds(found & mask, *value))
            }
            Self::Numbers(numbers) => {
                let (left, relation, right) = &**numbers;
                let left = left.value(bytes, len)?;
                Some(relation.holds(left, right.value(bytes, len)?))
            }
        }
    }
}

impl Relation {
    #[inline]
    fn holds(self, left: u32, right: u32) -> bool {
        match self {
            Self::Equal => left == right,
            Self::NotEqual => left != right,
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
        }
    }
}

impl Place {
    #[inline]
    fn find(self, bytes: &[u8]) -> Option<u64> {
        match self {
            Self::At(at) => Some(at.into()),
            Self::BehindIpv4 { ip, offset } => {
                Some(u64::from(ip) + u64::from(offset) + u64::from(header_len(bytes, ip)?))
            }
        }
    }
}

/// The length of the IPv4 header at `ip`, as it says itself.
#[inline]
fn header_len(bytes: &[u8], ip: u32) -> Option<u32> {
    let first = load(bytes, ip.into(), 1)?;
    Some((first & 0x0f) * 4)
}

#[inline]
fn load(bytes: &[u8], at: u64, size: u8) -> Option<u32> {
    let bytes = bytes.get(usize::try_from(at).ok()?..)?;
    match size {
        1 => bytes.first().map(|&byte| byte.into()),
        2 => bytes
            .first_chunk()
            .map(|&two| u16::from_be_bytes(two).into()),
        _ => bytes.first_chunk().map(|&four| u32::from_be_bytes(four)),
    }
}

impl Number {
    /// The number; `None` when it looks behind the last byte, or divides by zero.
    fn value(&self, bytes: &[u8], len: u32) -> Option<u32> {
        match self {
            Self::Known(number) => Some(*number),
            Self::Len => Some(len),
            Self::Bytes { place, size } => load(bytes, place.find(bytes)?, *size),
            Self::BytesAt { from, offset, size } => {
                let offset = offset.value(bytes, len)?;
                // As BPF adds: what stands in a register wraps, what stands in the instruction does not.
                let at = match *from {
                    Place::At(at) => u64::from(at) + u64::from(offset),
                    Place::BehindIpv4 { ip, .. } => {
                        let offset = offset.wrapping_add(header_len(bytes, ip)?);
                        u64::from(ip) + u64::from(offset)
                    }
                };
                load(bytes, at, *size)
            }
            Self::Negate(inner) => inner.value(bytes, len).map(u32::wrapping_neg),
            Self::Binary(left, operator, right) => {
                let left = left.value(bytes, len)?;
                operator.apply(left, right.value(bytes, len)?)
            }
        }
    }
}

impl Operator {
    /// Of 32-bit numbers that wrap; `None` for a division by zero.
    pub(super) fn apply(self, left: u32, right: u32) -> Option<u32> {
        Some(match self {
            Self::Add => left.wrapping_add(right),
            Self::Subtract => left.wrapping_sub(right),
            Self::Multiply => left.wrapping_mul(right),
            Self::Divide => left.checked_div(right)?,
            Self::Remainder => left.checked_rem(right)?,
            Self::And => left & right,
            Self::Or => left | right,
            Self::Xor => left ^ right,
            Self::ShiftLeft => left.checked_shl(right).unwrap_or(0),
            Self::ShiftRight => left.checked_shr(right).unwrap_or(0),
        })
    }
}
