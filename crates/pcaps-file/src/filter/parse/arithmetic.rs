//! Numbers, and comparisons of them.

use super::super::ast::{Header, Operator, Primitive, Relation, Span, Value};
use super::super::error::Error;
use super::super::lex::{Kind, Token};
use super::super::value;
use super::{MAX_DEPTH, MAX_NESTING, Node, Parser, Piece, leaf, too_deep};
use crate::protocol;

/// A number, and where it stands.
pub(super) struct Number {
    pub(super) value: Value,
    /// With its parentheses.
    pub(super) span: Span,
    pub(super) height: usize,
}

/// How tightly the minus before a number binds.
const MINUS: u8 = 6;
/// tcpdump's grammar gives `%` and `^` no rank: their left side is as short as can be, their right side
/// as long.
const UNRANKED: u8 = 7;

fn operator(sign: &str) -> Option<(Operator, u8)> {
    Some(match sign {
        "|" => (Operator::Or, 1),
        "&" => (Operator::And, 2),
        "<<" => (Operator::ShiftLeft, 3),
        ">>" => (Operator::ShiftRight, 3),
        "+" => (Operator::Add, 4),
        "-" => (Operator::Subtract, 4),
        "*" => (Operator::Multiply, 5),
        "/" => (Operator::Divide, 5),
        "%" => (Operator::Remainder, UNRANKED),
        "^" => (Operator::Xor, UNRANKED),
        _ => return None,
    })
}

fn relation(sign: &str) -> Option<Relation> {
    Some(match sign {
        "=" | "==" => Relation::Equal,
        "!=" => Relation::NotEqual,
        "<" => Relation::Less,
        "<=" => Relation::LessOrEqual,
        ">" => Relation::Greater,
        ">=" => Relation::GreaterOrEqual,
        _ => return None,
    })
}

impl<'a> Parser<'a> {
    /// Whether a number begins with the next token, and not a test.
    pub(super) fn is_number(&self, token: Token<'a>) -> bool {
        let next = |after: usize| self.tokens.get(self.at + after);
        if token.is_sign("-") {
            return true;
        }
        if token.kind != Kind::Word {
            return false;
        }
        if next(1).is_some_and(|next| next.is_sign("[")) || is_len(token) {
            return true;
        }
        // As in `80 == tcp[0:2]`; in `port 443 or 80` it is a port.
        if value::constant(token.text).is_none() {
            return false;
        }
        let closing = self.tokens.get(self.at + 1..).unwrap_or_default();
        let after = closing.iter().find(|token| token.kind != Kind::Close);
        after.is_some_and(|token| {
            token.kind == Kind::Sign
                && (operator(token.text).is_some() || relation(token.text).is_some())
        })
    }

    /// A number, with all that is added to it and the like.
    pub(super) fn number(&mut self, depth: usize) -> Result<Number, Error> {
        let left = self.single(depth)?;
        self.arithmetic(left, depth, 0)
    }

    /// What follows `left` and binds at least so tightly.
    pub(super) fn arithmetic(
        &mut self,
        mut left: Number,
        depth: usize,
        at_least: u8,
    ) -> Result<Number, Error> {
        while let Some(token) = self.peek().filter(|token| token.kind == Kind::Sign) {
            let Some((operator, rank)) = operator(token.text).filter(|it| it.1 >= at_least) else {
                break;
            };
            self.at += 1;
            let right = self.single(depth + 1)?;
            let next = if rank == UNRANKED { 0 } else { rank + 1 };
            let right = self.arithmetic(right, depth + 1, next)?;
            check(operator, &right)?;
            left = Number {
                value: Value::Binary(Box::new(left.value), operator, Box::new(right.value)),
                span: left.span.to(right.span),
                height: left.height.max(right.height) + 1,
            };
            if left.height > MAX_DEPTH {
                return Err(too_deep(token.span));
            }
        }
        Ok(left)
    }

    /// One number: a known one, the length, bytes, or anything in parentheses or behind a minus.
    fn single(&mut self, depth: usize) -> Result<Number, Error> {
        let Some(token) = self.peek() else {
            return Err(Error::new(self.here(), NUMBER));
        };
        if depth > MAX_NESTING {
            return Err(too_deep(token.span));
        }
        let here = token.span;
        let number = |value| Number {
            value,
            span: here,
            height: 1,
        };
        if token.is_sign("-") {
            self.at += 1;
            let inner = self.single(depth + 1)?;
            let inner = self.arithmetic(inner, depth + 1, MINUS)?;
            if inner.height >= MAX_DEPTH {
                return Err(too_deep(token.span));
            }
            return Ok(Number {
                value: Value::Negate(Box::new(inner.value)),
                span: here.to(inner.span),
                height: inner.height + 1,
            });
        }
        if token.kind == Kind::Open {
            self.at += 1;
            let inner = self.number(depth + 1)?;
            let Some(close) = self.peek().filter(|token| token.kind == Kind::Close) else {
                let message = "this parenthesis is not closed: write `)` where it ends";
                return Err(Error::new(here, message));
            };
            self.at += 1;
            let span = here.to(close.span);
            return Ok(Number { span, ..inner });
        }
        if token.kind != Kind::Word {
            return Err(Error::new(here, NUMBER));
        }
        if self
            .tokens
            .get(self.at + 1)
            .is_some_and(|next| next.is_sign("["))
        {
            return self.load(token, depth);
        }
        self.at += 1;
        if is_len(token) {
            return Ok(number(Value::Len));
        }
        match value::constant(token.text) {
            Some(known) => Ok(number(Value::Number(known))),
            None => Err(Error::new(here, NUMBER)),
        }
    }

    /// `tcp[13]`, `ip[2:2]`.
    fn load(&mut self, word: Token<'a>, depth: usize) -> Result<Number, Error> {
        let Some(header) = self.header().filter(|header| has_bytes(*header)) else {
            let message = format!(
                "no bytes can be taken of `{}`: write `ether`, `ip`, `ip6`, `arp`, `tcp`, `udp`, `icmp` or the like",
                word.text
            );
            return Err(Error::new(word.span, message));
        };
        let open = self.here();
        self.at += 1;
        let offset = self.number(depth + 1)?;
        if offset.height >= MAX_DEPTH {
            return Err(too_deep(word.span));
        }
        let mut size = 1;
        if self.take_sign(":") {
            let token = self.peek();
            size = match token.and_then(|token| value::constant(token.text)) {
                Some(1) => 1,
                Some(2) => 2,
                Some(4) => 4,
                _ => {
                    let message = "expected a number of bytes here: 1, 2 or 4";
                    return Err(Error::new(self.here(), message));
                }
            };
            self.at += 1;
        }
        let end = self.here();
        if !self.take_sign("]") {
            let message = "this bracket is not closed: write `]` where it ends";
            return Err(Error::new(open, message));
        }
        Ok(Number {
            height: offset.height + 1,
            value: Value::Load {
                header,
                offset: Box::new(offset.value),
                size,
            },
            span: word.span.to(end),
        })
    }

    /// A comparison that begins with this number, if it is one.
    pub(super) fn compared(&mut self, left: Number, depth: usize) -> Result<Piece, Error> {
        let sign = self.peek().filter(|token| token.kind == Kind::Sign);
        let Some(relation) = sign.and_then(|token| relation(token.text)) else {
            return Ok(Piece::Number(left));
        };
        self.at += 1;
        let right = self.number(depth + 1)?;
        self.last = None;
        let span = left.span.to(right.span);
        let primitive = Primitive::Compare {
            left: left.value,
            relation,
            right: right.value,
        };
        Ok(Piece::Test(Node {
            height: left.height.max(right.height) + 1,
            ..leaf(primitive, span)
        }))
    }

    /// Something stands where a relation must.
    pub(super) fn not_compared(&self, number: &Number) -> Error {
        let text = self.input.get(number.span.start..number.span.end);
        let text = text.unwrap_or_default();
        let message = "this is a number: compare it, as in";
        Error::new(number.span, format!("{message} `{text} != 0`"))
    }
}

const NUMBER: &str = "expected a number here, as in `13`, `tcp-syn`, `len` or `ip[2:2]`";

fn is_len(token: Token<'_>) -> bool {
    token.is("len") || token.is("length")
}

/// Whether tcpdump can take bytes of it.
fn has_bytes(header: Header) -> bool {
    match header {
        Header::Link | Header::Network(_) => true,
        Header::Transport(number) => {
            !matches!(number, protocol::GRE | protocol::ESP | protocol::AH)
        }
    }
}

/// What tcpdump refuses to compute.
fn check(operator: Operator, right: &Number) -> Result<(), Error> {
    let message = match (operator, &right.value) {
        (Operator::Divide | Operator::Remainder, Value::Number(0)) => "nothing is divided by zero",
        (Operator::ShiftLeft | Operator::ShiftRight, Value::Number(32..)) => {
            "numbers have 32 bits: shift by 31 at most"
        }
        _ => return Ok(()),
    };
    Err(Error::new(right.span, message))
}
