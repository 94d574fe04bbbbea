//! Why an expression is not a filter, and where.

use super::ast::Span;

/// An expression that is not a filter, or not one for packets of a link type: what is wrong where, and what to write
/// instead.
///
/// ```
/// let input = "tcp port 443 and host example.com";
/// let error = pcaps_file::filter::parse(input).unwrap_err();
/// assert_eq!(
///     error.caret(input),
///     "tcp port 443 and host example.com\n                      ^^^^^^^^^^^"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    span: Span,
    message: String,
}

impl Error {
    pub(super) fn new(span: Span, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
        }
    }

    /// Where in the expression: empty and at its end if something is missing there.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What is wrong, and what to write instead.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// The expression, which must be the one that was parsed, with `^^^` under the place: two lines,
    /// without a line end. Line breaks and other control characters show as spaces.
    pub fn caret(&self, input: &str) -> String {
        self.span.caret(input)
    }
}
