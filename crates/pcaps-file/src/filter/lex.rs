//! The words and signs of an expression.

use super::ast::Span;

/// A word or sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: Kind,
    pub(super) text: &'a str,
    pub(super) span: Span,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Any word but the three operators; numbers and addresses too.
    Word,
    And,
    Or,
    Not,
    Open,
    Close,
    /// A sign of arithmetic, a bracket, or something that is no part of the language.
    Sign,
}

/// Signs that end a word.
const SIGNS: &str = "()!&|<>=[]{}+*/%^,;'\"";
/// Signs of two characters.
const PAIRS: [&str; 6] = ["==", "!=", "<=", ">=", "<<", ">>"];

/// Splits an expression. Nothing fails here: what makes no sense is a [`Kind::Sign`].
pub(super) fn lex(input: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = input;
    // Within brackets a colon stands before a size; elsewhere it is a part of addresses.
    let mut brackets = 0_usize;
    while let Some(first) = rest.chars().next() {
        let is_end = |c: char| c.is_whitespace() || SIGNS.contains(c) || (c == ':' && brackets > 0);
        let (kind, len) = if first.is_whitespace() {
            rest = rest.get(first.len_utf8()..).unwrap_or_default();
            continue;
        } else if rest.starts_with("&&") {
            (Kind::And, 2)
        } else if rest.starts_with("||") {
            (Kind::Or, 2)
        } else if PAIRS.iter().any(|pair| rest.starts_with(pair)) {
            (Kind::Sign, 2)
        } else if is_end(first) || first == '-' {
            let kind = match first {
                '(' => Kind::Open,
                ')' => Kind::Close,
                '!' => Kind::Not,
                _ => Kind::Sign,
            };
            (kind, first.len_utf8())
        } else {
            (Kind::Word, rest.find(is_end).unwrap_or(rest.len()))
        };
        match first {
            '[' => brackets += 1,
            ']' => brackets = brackets.saturating_sub(1),
            _ => {}
        }
        let (text, after) = rest.split_at(len);
        let start = input.len() - rest.len();
        let end = start + len;
        let kind = match kind {
            Kind::Word if text.eq_ignore_ascii_case("and") => Kind::And,
            Kind::Word if text.eq_ignore_ascii_case("or") => Kind::Or,
            Kind::Word if text.eq_ignore_ascii_case("not") => Kind::Not,
            kind => kind,
        };
        tokens.push(Token {
            kind,
            text,
            span: Span { start, end },
        });
        rest = after;
    }
    tokens
}

impl Token<'_> {
    /// Whether it is this word, in any case.
    pub(super) fn is(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(word)
    }

    /// Whether it is this sign.
    pub(super) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }
}
