//! From text to tree, by recursive descent.

use super::ast::{Direction, Expr, IpVersion, Primitive, Span, Spanned};
use super::error::ParseError;
use super::lex::{Kind, Token, lex};
use super::qualifiers::{Qualifiers, Type};
use super::value;
use crate::protocol;

/// How deep parentheses and `not` may nest, and how deep the tree may be.
const MAX_DEPTH: usize = 100;

/// What tcpdump has and this language has not.
const ELSEWHERE: &[&str] = &[
    "arp",
    "rarp",
    "ether",
    "wlan",
    "link",
    "vlan",
    "mpls",
    "pppoed",
    "pppoes",
    "geneve",
    "vxlan",
    "broadcast",
    "multicast",
    "gateway",
    "protochain",
    "inbound",
    "outbound",
    "len",
    "ifname",
];

/// Parses a filter expression.
///
/// See the [module](super) for the language.
///
/// # Errors
///
/// If it is not an expression of the language, or nests deeper than a hundred levels.
///
/// # Examples
///
/// ```
/// use pcaps_file::filter::{Direction, Expr, Primitive, parse};
///
/// let Expr::And(parts) = parse("udp and dst port domain")? else {
///     panic!("expected a conjunction");
/// };
/// let Expr::Primitive(port) = &parts[1] else {
///     panic!("expected a primitive");
/// };
/// let direction = Direction::Destination;
/// assert_eq!(port.value, Primitive::Port { direction, protocol: None, port: 53 });
/// assert_eq!((port.span.start, port.span.end), (8, 23));
/// # Ok::<(), pcaps_file::filter::ParseError>(())
/// ```
pub fn parse(input: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser {
        tokens: lex(input),
        at: 0,
        end: input.len(),
        last: None,
    };
    if parser.tokens.is_empty() {
        return Ok(Expr::All);
    }
    let node = parser.expression(0, Only::Anything)?;
    match parser.peek() {
        None => Ok(node.expr),
        Some(token) => Err(parser.left_over(token)),
    }
}

struct Parser<'a> {
    tokens: Vec<Token<'a>>,
    /// The next token.
    at: usize,
    /// The length of the input.
    end: usize,
    /// What a value alone repeats: the qualifiers of the primitive before it, if it had a value.
    last: Option<Qualifiers>,
}

/// What may stand in an expression: after `port (` only values do.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    Anything,
    Values,
}

/// A piece of the tree.
struct Node {
    expr: Expr,
    /// With its parentheses.
    span: Span,
    height: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn peek_kind(&self) -> Option<Kind> {
        self.peek().map(|token| token.kind)
    }

    /// Takes the next token if it is this word.
    fn take(&mut self, word: &str) -> bool {
        let is_it = self.peek().is_some_and(|token| token.is(word));
        self.at += usize::from(is_it);
        is_it
    }

    /// The end of the input, as a place.
    fn end(&self) -> Span {
        Span {
            start: self.end,
            end: self.end,
        }
    }

    /// The place of the next token.
    fn here(&self) -> Span {
        self.peek().map_or(self.end(), |token| token.span)
    }

    /// Operands with `and` and `or` between them, which bind equally, from the left.
    fn expression(&mut self, depth: usize, only: Only) -> Result<Node, ParseError> {
        let mut left = self.operand(depth, only)?;
        while let Some(kind @ (Kind::And | Kind::Or)) = self.peek_kind() {
            let operator = self.here();
            self.at += 1;
            let right = self.operand(depth, only)?;
            left = join(kind, left, right);
            if left.height > MAX_DEPTH {
                return Err(too_deep(operator));
            }
        }
        Ok(left)
    }

    /// A primitive, a negation, or an expression in parentheses.
    fn operand(&mut self, depth: usize, only: Only) -> Result<Node, ParseError> {
        let Some(token) = self.peek() else {
            return Err(self.missing(only));
        };
        if depth > MAX_DEPTH {
            return Err(too_deep(token.span));
        }
        match token.kind {
            Kind::Not => {
                self.at += 1;
                let inner = self.operand(depth + 1, only)?;
                let span = token.span.to(inner.span);
                let value = Box::new(inner.expr);
                Ok(Node {
                    expr: Expr::Not(Spanned { value, span }),
                    span,
                    height: inner.height + 1,
                })
            }
            Kind::Open => {
                self.at += 1;
                let before = self.last;
                let inner = self.expression(depth + 1, only)?;
                // As in tcpdump: what the parentheses hold is not repeated behind them.
                self.last = before;
                match self.peek() {
                    Some(close) if close.kind == Kind::Close => {
                        self.at += 1;
                        let span = token.span.to(close.span);
                        Ok(Node { span, ..inner })
                    }
                    Some(other) => Err(self.left_over(other)),
                    None => Err(ParseError::new(
                        token.span,
                        "this parenthesis is not closed: write `)` where it ends",
                    )),
                }
            }
            Kind::Word if only == Only::Values => self.repeated(token),
            Kind::Word => self.primitive(token, depth),
            Kind::And | Kind::Or | Kind::Close => {
                Err(ParseError::new(token.span, self.expected(only)))
            }
            Kind::Sign => Err(sign(token)),
        }
    }

    /// A primitive that begins with `first`.
    fn primitive(&mut self, first: Token<'a>, depth: usize) -> Result<Node, ParseError> {
        if let Some(primitive) = self.length(first)? {
            return Ok(primitive);
        }
        let start = self.at;
        let version = self.version();
        let above = if version.is_none() {
            self.protocol()
        } else {
            None
        };
        let direction = self.direction();
        let of = self.of();
        if self.at == start {
            return self.value_or_unknown(first);
        }
        let (direction, of) = match (direction, of) {
            (None, None) => return Ok(self.bare(first, version, above)),
            // As in `src 192.0.2.1`.
            (direction, of) => (direction, of.unwrap_or(Type::Host)),
        };
        let qualifiers = Qualifiers {
            version,
            protocol: above,
            direction: direction.unwrap_or_default(),
            of,
        };
        let written = Span {
            start: first.span.start,
            end: self
                .tokens
                .get(self.at - 1)
                .map_or(self.end, |last| last.span.end),
        };
        qualifiers
            .check(direction.is_some())
            .map_err(|message| ParseError::new(written, message))?;
        self.last = Some(qualifiers);
        match self.peek() {
            Some(token) if token.kind == Kind::Word => self.value(qualifiers, token, first.span),
            // `port (80 or 443)` and `host not 192.0.2.1`.
            Some(token) if matches!(token.kind, Kind::Open | Kind::Not) => {
                self.operand(depth + 1, Only::Values)
            }
            _ => Err(ParseError::new(self.here(), qualifiers.of.expected())),
        }
    }

    /// `less N` and `greater N`.
    fn length(&mut self, first: Token<'a>) -> Result<Option<Node>, ParseError> {
        let is_less = first.is("less");
        if !is_less && !first.is("greater") {
            return Ok(None);
        }
        self.at += 1;
        let token = self.peek().filter(|token| token.kind == Kind::Word);
        let Some(token) = token else {
            let message = "expected a number of bytes here, as in `less 128`";
            return Err(ParseError::new(self.here(), message));
        };
        let length =
            value::length(token.text).map_err(|message| ParseError::new(token.span, message))?;
        self.at += 1;
        self.last = None;
        let primitive = if is_less {
            Primitive::AtMost(length)
        } else {
            Primitive::AtLeast(length)
        };
        Ok(Some(leaf(primitive, first.span.to(token.span))))
    }

    /// `ip` or `ip6`.
    fn version(&mut self) -> Option<IpVersion> {
        if self.take("ip") {
            Some(IpVersion::V4)
        } else if self.take("ip6") {
            Some(IpVersion::V6)
        } else {
            None
        }
    }

    /// A protocol that is a word of its own.
    fn protocol(&mut self) -> Option<u8> {
        const WORDS: &[(&str, u8)] = &[
            ("tcp", protocol::TCP),
            ("udp", protocol::UDP),
            ("sctp", protocol::SCTP),
            ("icmp", protocol::ICMP),
            ("icmp6", protocol::ICMPV6),
            ("igmp", protocol::IGMP),
            ("gre", protocol::GRE),
            ("esp", protocol::ESP),
            ("ah", protocol::AH),
        ];
        let found = WORDS.iter().find(|(word, _)| self.take(word));
        found.map(|(_, number)| *number)
    }

    /// `src`, `dst`, and the two with `and` or `or` between them.
    fn direction(&mut self) -> Option<Direction> {
        let (direction, other) = if self.take("src") {
            (Direction::Source, "dst")
        } else if self.take("dst") {
            (Direction::Destination, "src")
        } else {
            return None;
        };
        let both = match self.peek_kind() {
            Some(Kind::And) => Direction::Both,
            Some(Kind::Or) => Direction::Either,
            _ => return Some(direction),
        };
        self.at += 1;
        if self.take(other) {
            return Some(both);
        }
        self.at -= 1;
        Some(direction)
    }

    fn of(&mut self) -> Option<Type> {
        const WORDS: &[(&str, Type)] = &[
            ("host", Type::Host),
            ("net", Type::Net),
            ("port", Type::Port),
            ("portrange", Type::PortRange),
            ("proto", Type::Protocol),
        ];
        let found = WORDS.iter().find(|(word, _)| self.take(word));
        found.map(|(_, of)| *of)
    }

    /// `ip`, `ip6`, `tcp` and the like, without a value.
    fn bare(&mut self, token: Token<'a>, version: Option<IpVersion>, above: Option<u8>) -> Node {
        self.last = None;
        let primitive = match (version, above) {
            (Some(version), _) => Primitive::Version(version),
            (None, number) => {
                let number = number.unwrap_or_default();
                let version = match number {
                    protocol::ICMP | protocol::IGMP => Some(IpVersion::V4),
                    protocol::ICMPV6 => Some(IpVersion::V6),
                    _ => None,
                };
                Primitive::Protocol { version, number }
            }
        };
        leaf(primitive, token.span)
    }

    /// A word that is no keyword: a value that repeats the qualifiers before it, or nothing known.
    fn value_or_unknown(&mut self, token: Token<'a>) -> Result<Node, ParseError> {
        if ELSEWHERE.iter().any(|word| token.is(word)) {
            let message = format!(
                "`{}` is not supported: only addresses, networks, ports, protocols and lengths can be tested",
                token.text
            );
            return Err(ParseError::new(token.span, message));
        }
        self.repeated(token)
    }

    /// A value that repeats the qualifiers before it.
    fn repeated(&mut self, token: Token<'a>) -> Result<Node, ParseError> {
        match self.last {
            Some(qualifiers) => self.value(qualifiers, token, token.span),
            None => Err(ParseError::new(token.span, unknown(token.text))),
        }
    }

    /// The value `token` of a primitive whose text begins at `start`.
    fn value(
        &mut self,
        qualifiers: Qualifiers,
        token: Token<'a>,
        start: Span,
    ) -> Result<Node, ParseError> {
        self.at += 1;
        let mut end = token.span;
        let Qualifiers {
            version,
            protocol,
            direction,
            of,
        } = qualifiers;
        let primitive = match of {
            Type::Host => {
                value::address(token.text).map(|address| Primitive::Host { direction, address })
            }
            Type::Net => {
                let mask = self.mask()?;
                end = mask.map_or(end, |mask| mask.span);
                value::net(token.text, mask.map(|mask| mask.text))
                    .map(|net| Primitive::Net { direction, net })
            }
            Type::Port => value::port(token.text).map(|port| Primitive::Port {
                direction,
                protocol,
                port,
            }),
            Type::PortRange => {
                value::port_range(token.text).map(|(first, last)| Primitive::PortRange {
                    direction,
                    protocol,
                    first,
                    last,
                })
            }
            Type::Protocol => {
                value::protocol(token.text).map(|number| Primitive::Protocol { version, number })
            }
        };
        let span = token.span.to(end);
        let primitive = primitive.map_err(|message| ParseError::new(span, message))?;
        let address = match primitive {
            Primitive::Host { address, .. } => Some(address),
            Primitive::Net { net, .. } => Some(net.address),
            _ => None,
        };
        if let (Some(asked), Some(address)) = (version, address)
            && asked != value::version(address)
        {
            let message =
                format!("{address} is of the other version of IP: leave out `ip` or `ip6`");
            return Err(ParseError::new(span, message));
        }
        Ok(leaf(primitive, start.to(end)))
    }

    /// What follows `mask`, if that follows.
    fn mask(&mut self) -> Result<Option<Token<'a>>, ParseError> {
        if !self.take("mask") {
            return Ok(None);
        }
        match self.peek() {
            Some(token) if token.kind == Kind::Word => {
                self.at += 1;
                Ok(Some(token))
            }
            _ => Err(ParseError::new(
                self.here(),
                "expected a mask here, as in `net 192.0.2.0 mask 255.255.255.0`",
            )),
        }
    }

    /// Nothing more stands where an operand must.
    fn missing(&self, only: Only) -> ParseError {
        ParseError::new(self.end(), self.expected(only))
    }

    fn expected(&self, only: Only) -> String {
        match (only, self.last) {
            (Only::Values, Some(qualifiers)) => qualifiers.of.expected().to_owned(),
            _ => "expected a test here, as in `host 192.0.2.1`, `port 443` or `tcp`".to_owned(),
        }
    }

    /// Something stands where the expression, or an operator, must.
    fn left_over(&self, token: Token<'a>) -> ParseError {
        let message = match token.kind {
            Kind::Sign => return sign(token),
            Kind::Close => "this parenthesis was not opened: leave it out".to_owned(),
            _ if self.last.is_none() && value::port(token.text).is_ok() => format!(
                "expected `and` or `or` here: for a port write `port {}`",
                token.text
            ),
            _ => format!("expected `and` or `or` here, before `{}`", token.text),
        };
        ParseError::new(token.span, message)
    }
}

fn leaf(value: Primitive, span: Span) -> Node {
    Node {
        expr: Expr::Primitive(Spanned { value, span }),
        span,
        height: 1,
    }
}

/// Joins two operands; `a and b and c` becomes one list.
fn join(kind: Kind, left: Node, right: Node) -> Node {
    let span = left.span.to(right.span);
    let (mut parts, height) = match (kind, left.expr) {
        (Kind::And, Expr::And(parts)) | (Kind::Or, Expr::Or(parts)) => {
            (parts, left.height.max(right.height + 1))
        }
        (_, expr) => (vec![expr], left.height.max(right.height) + 1),
    };
    parts.push(right.expr);
    let expr = match kind {
        Kind::And => Expr::And(parts),
        _ => Expr::Or(parts),
    };
    Node { expr, span, height }
}

fn too_deep(span: Span) -> ParseError {
    ParseError::new(
        span,
        format!("this nests more than {MAX_DEPTH} levels deep: write a simpler expression"),
    )
}

fn sign(token: Token<'_>) -> ParseError {
    ParseError::new(
        token.span,
        format!(
            "`{}` is not supported: values in packets cannot be compared, combine tests with `and`, `or` \
             and `not`",
            token.text
        ),
    )
}

fn unknown(text: &str) -> String {
    if text.parse::<std::net::IpAddr>().is_ok() {
        return format!("expected a test here: for an address write `host {text}`");
    }
    if text.contains('/') && value::net(text, None).is_ok() {
        return format!("expected a test here: for a network write `net {text}`");
    }
    if value::port(text).is_ok() {
        return format!("expected a test here: for a port write `port {text}`");
    }
    format!("`{text}` is not known: expected a test like `host 192.0.2.1`, `port 443` or `tcp`")
}
