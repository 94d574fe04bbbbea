//! What came of a history.

use pcaps::{PastTraffic, PastWindow, WindowState};
use schemars::JsonSchema;
use serde::Serialize;

use super::text::{Pairs, Zone, count, one_line};

/// For programs.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PastView<'a> {
    /// The first moment of the range, RFC 3339.
    from: String,
    /// The moment after the last.
    to: String,
    /// How many packets there are.
    packets: u64,
    /// Whether packets are missing, or may be.
    partial: bool,
    /// What each part of the range was asked for with, in the order of time.
    windows: Vec<View<'a>>,
}

#[derive(Serialize, JsonSchema)]
struct View<'a> {
    /// Its first moment, RFC 3339.
    from: String,
    /// The moment after its last.
    to: String,
    /// How many packets its sample had.
    packets: u64,
    /// `whole`; `overflowed`: it may have more packets than a sample holds, and is one second long; `failed`; or
    /// `not_asked`: the time for it ran out.
    state: &'static str,
    /// Why it failed; null where it did not.
    reason: Option<&'a str>,
}

impl<'a> PastView<'a> {
    pub(crate) fn new(past: &'a PastTraffic) -> Self {
        Self {
            from: past.from.to_string(),
            to: past.to.to_string(),
            packets: past.packets,
            partial: past.is_partial(),
            windows: past.windows.iter().map(View::new).collect(),
        }
    }
}

impl<'a> View<'a> {
    fn new(window: &'a PastWindow) -> Self {
        Self {
            from: window.from.to_string(),
            to: window.to.to_string(),
            packets: window.packets,
            state: state(&window.state),
            reason: match &window.state {
                WindowState::Failed { reason, .. } => Some(reason),
                _ => None,
            },
        }
    }
}

fn state(state: &WindowState) -> &'static str {
    match state {
        WindowState::Whole => "whole",
        WindowState::Overflowed => "overflowed",
        WindowState::Failed { .. } => "failed",
        WindowState::NotAsked => "not_asked",
        _ => "other",
    }
}

/// For people.
pub(crate) fn past(zone: &Zone, past: &PastTraffic) -> String {
    let mut pairs = Pairs::new();
    pairs.line("from", &zone.seconds(past.from));
    pairs.line("to", &zone.seconds(past.to));
    pairs.line("windows", &count(past.windows.len() as u64));
    pairs.finish()
}

/// What is missing, a line for each sort, and for each reason.
pub(crate) fn missing_past(zone: &Zone, past: &PastTraffic) -> Vec<String> {
    let mut lines = Vec::new();
    for (state, says) in [
        (
            WindowState::Overflowed,
            "had more packets than a sample holds, in one second each",
        ),
        (
            WindowState::NotAsked,
            "were not asked for: the time ran out",
        ),
    ] {
        let windows = past.windows.iter().filter(|it| it.state == state);
        if let Some((first, number)) = first_and_number(windows) {
            lines.push(format!(
                "{} of {} windows {says}; the first is from {}",
                count(number),
                count(past.windows.len() as u64),
                zone.seconds(first.from),
            ));
        }
    }
    for window in &past.windows {
        if let WindowState::Failed { reason, .. } = &window.state {
            let (from, to) = (zone.seconds(window.from), zone.seconds(window.to));
            lines.push(format!("from {from} to {to}: {}", one_line(reason)));
        }
    }
    lines
}

fn first_and_number<'a>(
    mut windows: impl Iterator<Item = &'a PastWindow>,
) -> Option<(&'a PastWindow, u64)> {
    let first = windows.next()?;
    Some((first, 1 + windows.count() as u64))
}
