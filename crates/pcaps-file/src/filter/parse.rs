//! From text to tree, by recursive descent.

mod arithmetic;
mod primitive;

use super::ast::{Expr, Primitive, Span, Spanned};
use super::error::Error;
use super::lex::{Kind, Token, lex};
use super::qualifiers::Qualifiers;
use super::value;
use arithmetic::Number;

/// How deep the tree may be.
const MAX_DEPTH: usize = 100;
/// How deep the text may nest: as deep as the deepest tree does when it is printed, with a pair of parentheses and a right
/// side for each level.
const MAX_NESTING: usize = 2 * MAX_DEPTH + 2;

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
/// # Ok::<(), pcaps_file::filter::Error>(())
/// ```
pub fn parse(input: &str) -> Result<Expr, Error> {
    let mut parser = Parser {
        input,
        tokens: lex(input),
        at: 0,
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
    input: &'a str,
    tokens: Vec<Token<'a>>,
    /// The next token.
    at: usize,
    /// What a value alone repeats: the qualifiers of the primitive before it, if it had a value.
    last: Option<Qualifiers>,
}

/// What may stand in an expression: after `port (` only values do.
#[derive(Clone, Copy, PartialEq)]
enum Only {
    Anything,
    Values,
}

/// What an operand turns out to be.
enum Piece {
    Test(Node),
    Number(Number),
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
            start: self.input.len(),
            end: self.input.len(),
        }
    }

    /// The place of the next token.
    fn here(&self) -> Span {
        self.peek().map_or(self.end(), |token| token.span)
    }

    /// Takes the next token if it is this sign.
    fn take_sign(&mut self, sign: &str) -> bool {
        let is_it = self.peek().is_some_and(|token| token.is_sign(sign));
        self.at += usize::from(is_it);
        is_it
    }

    /// Operands with `and` and `or` between them, which bind equally, from the left.
    fn expression(&mut self, depth: usize, only: Only) -> Result<Node, Error> {
        let left = self.operand(depth, only)?;
        self.operators(left, depth, only)
    }

    /// What follows the first operand.
    fn operators(&mut self, mut left: Node, depth: usize, only: Only) -> Result<Node, Error> {
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
    fn operand(&mut self, depth: usize, only: Only) -> Result<Node, Error> {
        match self.piece(depth, only)? {
            Piece::Test(node) => Ok(node),
            Piece::Number(number) => Err(self.not_compared(&number)),
        }
    }

    /// An operand, or a number with which nothing has been compared yet.
    fn piece(&mut self, depth: usize, only: Only) -> Result<Piece, Error> {
        let Some(token) = self.peek() else {
            return Err(self.missing(only));
        };
        if depth > MAX_NESTING {
            return Err(too_deep(token.span));
        }
        let node = match token.kind {
            Kind::Not => {
                self.at += 1;
                let inner = self.operand(depth + 1, only)?;
                if inner.height >= MAX_DEPTH {
                    return Err(too_deep(token.span));
                }
                let span = token.span.to(inner.span);
                let value = Box::new(inner.expr);
                Node {
                    expr: Expr::Not(Spanned { value, span }),
                    span,
                    height: inner.height + 1,
                }
            }
            Kind::Open => return self.parentheses(token, depth, only),
            _ if only == Only::Anything && self.is_number(token) => {
                let number = self.number(depth)?;
                return self.compared(number, depth);
            }
            Kind::Word if only == Only::Values => self.repeated(token)?,
            Kind::Word => self.primitive(token, depth)?,
            Kind::And | Kind::Or | Kind::Close => {
                return Err(Error::new(token.span, self.expected(only)));
            }
            Kind::Sign => return Err(sign(token)),
        };
        Ok(Piece::Test(node))
    }

    /// What begins with the parenthesis `open`: an expression, or a number.
    fn parentheses(&mut self, open: Token<'a>, depth: usize, only: Only) -> Result<Piece, Error> {
        self.at += 1;
        let before = self.last;
        let inner = match self.piece(depth + 1, only)? {
            Piece::Number(number) => Piece::Number(number),
            Piece::Test(left) => Piece::Test(self.operators(left, depth + 1, only)?),
        };
        // As in tcpdump: what the parentheses hold is not repeated behind them.
        self.last = before;
        let close = match (self.peek(), &inner) {
            (Some(close), _) if close.kind == Kind::Close => close,
            (None, _) => {
                let message = "this parenthesis is not closed: write `)` where it ends";
                return Err(Error::new(open.span, message));
            }
            (Some(_), Piece::Number(number)) => return Err(self.not_compared(number)),
            (Some(other), Piece::Test(_)) => return Err(self.left_over(other)),
        };
        self.at += 1;
        let span = open.span.to(close.span);
        match inner {
            Piece::Test(node) => Ok(Piece::Test(Node { span, ..node })),
            Piece::Number(number) => {
                let number = self.arithmetic(Number { span, ..number }, depth, 0)?;
                self.compared(number, depth)
            }
        }
    }

    /// Nothing more stands where an operand must.
    fn missing(&self, only: Only) -> Error {
        Error::new(self.end(), self.expected(only))
    }

    fn expected(&self, only: Only) -> String {
        match (only, self.last) {
            (Only::Values, Some(qualifiers)) => qualifiers.of.expected().to_owned(),
            _ => "expected a test here, as in `host 192.0.2.1`, `port 443` or `tcp`".to_owned(),
        }
    }

    /// Something stands where the expression, or an operator, must.
    fn left_over(&self, token: Token<'a>) -> Error {
        let message = match token.kind {
            Kind::Sign => return sign(token),
            Kind::Close => "this parenthesis was not opened: leave it out".to_owned(),
            _ if self.last.is_none() && value::port(token.text).is_ok() => format!(
                "expected `and` or `or` here: for a port write `port {}`",
                token.text
            ),
            _ => format!("expected `and` or `or` here, before `{}`", token.text),
        };
        Error::new(token.span, message)
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

fn too_deep(span: Span) -> Error {
    Error::new(
        span,
        format!("this nests more than {MAX_DEPTH} levels deep: write a simpler expression"),
    )
}

fn sign(token: Token<'_>) -> Error {
    Error::new(
        token.span,
        format!(
            "`{}` makes no sense here: combine tests with `and`, `or` and `not`, and compare as in `tcp[13] & 2 != 0`",
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
