//! The filter language.

use std::sync::LazyLock;

use pcaps_file::LinkType;
use pcaps_file::filter::{Expr, Program, Span, Spanned, parse};

use crate::LINK_TYPES;

#[path = "../../tests/common/packets.rs"]
mod packets;

/// Packets of many kinds, as each link type that may have them.
static PACKETS: LazyLock<Vec<(LinkType, Vec<u8>)>> = LazyLock::new(|| {
    let frames = packets::ethernet();
    frames
        .iter()
        .flat_map(|frame| packets::as_every_link_type(frame))
        .collect()
});

/// The tree, with every place forgotten.
fn without_places(expr: &Expr) -> Expr {
    let span = Span::default();
    match expr {
        Expr::All => Expr::All,
        Expr::And(parts) => Expr::And(parts.iter().map(without_places).collect()),
        Expr::Or(parts) => Expr::Or(parts.iter().map(without_places).collect()),
        Expr::Not(inner) => Expr::Not(Spanned {
            value: Box::new(without_places(&inner.value)),
            span,
        }),
        Expr::Primitive(primitive) => Expr::Primitive(Spanned {
            value: primitive.value.clone(),
            span,
        }),
    }
}

/// Runs a filter over a packet, whole and cut in the middle.
pub(crate) fn check(
    program: &Program,
    negation: Option<&Program>,
    bytes: &[u8],
    original_len: u32,
) -> bool {
    let takes = program.matches(bytes, original_len);
    // What looks behind the end takes nothing, so what is taken without some bytes is taken with them.
    let cut = &bytes[..bytes.len() / 2];
    assert!(
        takes || !program.matches(cut, original_len),
        "only if it is cut"
    );
    let refused = negation.is_some_and(|it| it.matches(bytes, original_len));
    assert!(!takes || !refused, "taken, and not taken");
    takes
}

/// The opposite of a filter; everything has none in the language.
pub(crate) fn negation(expr: &Expr) -> Option<Expr> {
    let negation = Expr::Not(Spanned {
        value: Box::new(expr.clone()),
        span: Span::default(),
    });
    (*expr != Expr::All).then_some(negation)
}

/// Whatever the text: an error shows a place in it, and what parses prints, parses to the same again, and takes the same
/// packets then.
pub fn filter(bytes: &[u8]) {
    let Ok(input) = str::from_utf8(bytes) else {
        return;
    };
    let expr = match parse(input) {
        Ok(expr) => expr,
        Err(error) => {
            let Span { start, end, .. } = error.span();
            assert!(input.get(start..end).is_some(), "{start}..{end}");
            assert!(!error.message().is_empty() && error.caret(input).contains('^'));
            return;
        }
    };
    let printed = expr.to_string();
    let again = parse(&printed).unwrap_or_else(|error| panic!("printed as {printed}: {error}"));
    assert_eq!(without_places(&again), without_places(&expr), "{printed}");
    assert_eq!(again.to_string(), printed);
    for link_type in LINK_TYPES {
        let (program, same) = match (
            Program::new(&expr, link_type),
            Program::new(&again, link_type),
        ) {
            (Ok(program), Ok(same)) => (program, same),
            (Err(error), Err(same)) => {
                let Span { start, end, .. } = error.span();
                assert!(input.get(start..end).is_some(), "{start}..{end}");
                assert_eq!(error.message(), same.message());
                continue;
            }
            (program, same) => panic!("{link_type}: {program:?}, printed {same:?}"),
        };
        let negation = negation(&expr).map(|it| Program::new(&it, link_type).expect("as it is"));
        for (of, bytes) in &*PACKETS {
            // Of a link type that has no packets of its own, any will do.
            if *of == link_type || !PACKETS.iter().any(|it| it.0 == link_type) {
                let takes = check(&program, negation.as_ref(), bytes, 80);
                assert_eq!(takes, same.matches(bytes, 80), "{printed}");
            }
        }
    }
}
