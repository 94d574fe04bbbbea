//! Colours, where they help: states, and what errors and warnings begin with. The streams take them out again where
//! nobody sees them.

use std::borrow::Cow;

use anstyle::{AnsiColor, Style};

const GOOD: Style = AnsiColor::Green.on_default();
const BAD: Style = AnsiColor::Red.on_default();
const UNDER_WAY: Style = AnsiColor::Yellow.on_default();

/// How the state of a capture or a bucket is shown, if it is one that is known.
fn style_of(state: &str) -> Option<Style> {
    match state {
        "success" | "complete" => Some(GOOD),
        "failed" => Some(BAD),
        "pending" | "running" | "conversion_pending" | "conversion_running" => Some(UNDER_WAY),
        _ => None,
    }
}

/// The state of a capture or a bucket.
pub(super) fn state(text: &str) -> Cow<'_, str> {
    style_of(text).map_or(text.into(), |style| painted(style, text).into())
}

/// A line that may be an error or a warning.
pub(super) fn label(text: &str) -> Cow<'_, str> {
    let labels = [("error:", BAD.bold()), ("warning:", UNDER_WAY.bold())];
    let found = labels.into_iter().find_map(|(label, style)| {
        let rest = text.strip_prefix(label)?;
        Some(painted(style, label) + rest)
    });
    found.map_or(text.into(), Into::into)
}

fn painted(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_and_labels_have_colours() {
        assert_eq!(state("success"), "\u{1b}[32msuccess\u{1b}[0m");
        assert_eq!(state("resting"), "resting");
        assert_eq!(label("error: no"), "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m no");
        assert_eq!(label("note: an error: no"), "note: an error: no");
    }
}
