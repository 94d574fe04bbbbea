//! Comparisons of numbers.

use super::super::ast::{Header, Network, Operator, Relation, Span, Value};
use super::super::error::Error;
use super::super::program::{Number, Place, Test, Tree};
use super::{Link, bytes, equal, first_fragment};
use crate::protocol;

/// Its length compares like this.
pub(super) fn len(relation: Relation, len: u32) -> Tree {
    let numbers = (Number::Len, relation, Number::Known(len));
    Tree::Test(Test::Numbers(Box::new(numbers)))
}

impl Link {
    /// Two numbers compare like this. First come the headers that the packet must have.
    pub(super) fn compare(
        &self,
        left: &Value,
        relation: Relation,
        right: &Value,
        span: Span,
    ) -> Result<Tree, Error> {
        let mut parts = Vec::new();
        self.headers(left, span, &mut parts)?;
        self.headers(right, span, &mut parts)?;
        let (left, right) = (self.number(left, span)?, self.number(right, span)?);
        parts.push(test(left, relation, right));
        Ok(Tree::And(parts))
    }

    /// The headers that a number needs. As in libpcap, what stands on the right of an operator needs none.
    fn headers(&self, value: &Value, span: Span, needed: &mut Vec<Tree>) -> Result<(), Error> {
        match value {
            Value::Number(_) | Value::Len => Ok(()),
            Value::Negate(inner) | Value::Binary(inner, ..) => self.headers(inner, span, needed),
            Value::Load { header, offset, .. } => match header {
                Header::Link => self.headers(offset, span, needed),
                Header::Network(network) => {
                    self.headers(offset, span, needed)?;
                    needed.push(self.carries(network.ether_type(), span)?);
                    Ok(())
                }
                Header::Transport(protocol::ICMPV6) => {
                    self.headers(offset, span, needed)?;
                    needed.push(self.carries(Network::Ipv6.ether_type(), span)?);
                    let number = u32::from(protocol::ICMPV6);
                    needed.push(equal(self.payload(span)? + 6, 1, number));
                    Ok(())
                }
                Header::Transport(number) => {
                    needed.push(self.carries(Network::Ipv4.ether_type(), span)?);
                    self.headers(offset, span, needed)?;
                    let ip = self.payload(span)?;
                    needed.push(equal(ip + 9, 1, (*number).into()));
                    needed.push(first_fragment(ip));
                    Ok(())
                }
            },
        }
    }

    fn number(&self, value: &Value, span: Span) -> Result<Number, Error> {
        Ok(match value {
            Value::Number(number) => Number::Known(*number),
            Value::Len => Number::Len,
            Value::Negate(inner) => match self.number(inner, span)? {
                Number::Known(number) => Number::Known(number.wrapping_neg()),
                inner => Number::Negate(Box::new(inner)),
            },
            Value::Binary(left, operator, right) => {
                let (left, right) = (self.number(left, span)?, self.number(right, span)?);
                binary(left, *operator, right)
            }
            Value::Load {
                header,
                offset,
                size,
            } => {
                let from = self.begin(*header, span)?;
                let (offset, size) = (self.number(offset, span)?, *size);
                match (from, offset) {
                    // As libpcap adds what is known: it wraps.
                    (Place::At(at), Number::Known(offset)) => Number::Bytes {
                        place: Place::At(at.wrapping_add(offset)),
                        size,
                    },
                    // Within any packet, so that nothing wraps.
                    (Place::BehindIpv4 { ip, .. }, Number::Known(offset @ ..=0xffff)) => {
                        let place = Place::BehindIpv4 { ip, offset };
                        Number::Bytes { place, size }
                    }
                    (from, offset) => Number::BytesAt {
                        from,
                        offset: Box::new(offset),
                        size,
                    },
                }
            }
        })
    }

    /// Where a header begins.
    fn begin(&self, header: Header, span: Span) -> Result<Place, Error> {
        Ok(match header {
            Header::Link => Place::At(0),
            Header::Network(_) => Place::At(self.payload(span)?),
            Header::Transport(protocol::ICMPV6) => Place::At(self.payload(span)? + 40),
            Header::Transport(_) => Place::BehindIpv4 {
                ip: self.payload(span)?,
                offset: 0,
            },
        })
    }
}

/// What two numbers make, computed now if both are known and it can be.
fn binary(left: Number, operator: Operator, right: Number) -> Number {
    if let (Number::Known(left), Number::Known(right)) = (&left, &right)
        && let Some(known) = operator.apply(*left, *right)
    {
        return Number::Known(known);
    }
    Number::Binary(Box::new(left), operator, Box::new(right))
}

/// The test, in its quicker form where some bits of a few bytes compare with something known.
fn test(left: Number, relation: Relation, right: Number) -> Tree {
    let left = match (left, &right) {
        (Number::Bytes { place, size }, Number::Known(value)) => {
            return bytes(place, size, u32::MAX, relation, *value);
        }
        (Number::Binary(a, Operator::And, b), Number::Known(value)) => match (*a, *b) {
            (Number::Bytes { place, size }, Number::Known(mask)) => {
                return bytes(place, size, mask, relation, *value);
            }
            (a, b) => Number::Binary(Box::new(a), Operator::And, Box::new(b)),
        },
        (left, _) => left,
    };
    Tree::Test(Test::Numbers(Box::new((left, relation, right))))
}
