//! What `pcaps doctor` has found.

use std::fmt::Write as _;

use schemars::JsonSchema;
use serde::Serialize;

use super::text::one_line;

/// How a check went.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    Ok,
    Warning,
    Failed,
}

/// One check.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Check {
    pub(crate) name: &'static str,
    pub(crate) state: State,
    pub(crate) message: String,
    /// What to do.
    pub(crate) advice: Option<String>,
}

/// What a program is told.
#[derive(Serialize, JsonSchema)]
pub(crate) struct Checks<'a> {
    pub(crate) checks: &'a [Check],
}

/// A line for each, and one for what to do.
pub(crate) fn checks(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let state = match check.state {
            State::Ok => "ok",
            State::Warning => "warning",
            State::Failed => "failed",
        };
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{state:<8} {:<14} {}",
            check.name,
            one_line(&check.message)
        );
        if let Some(advice) = &check.advice {
            let _ = writeln!(text, "{:<23} -> {}", "", one_line(advice));
        }
    }
    text
}
