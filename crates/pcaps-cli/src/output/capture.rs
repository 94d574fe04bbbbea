//! Captures as people read them.

use pcaps::Capture;
use serde_json::Value;

use super::{
    table::{Column, table},
    text::{Pairs, Zone, count, duration, place, size},
};

const COLUMNS: [Column<'static>; 8] = [
    Column::whole("ID"),
    Column::whole("TYPE"),
    Column::states("STATUS"),
    Column::broken("SUBMITTED", 10),
    Column::broken("LIMITS", 8).dispensable(2),
    Column::broken("FILTER", 14),
    Column::whole("COLO").dispensable(1),
    Column::broken("BUCKET", 20).dispensable(3),
];

/// One capture, a field a line.
pub(crate) fn capture(zone: &Zone, capture: &Capture) -> String {
    let mut pairs = Pairs::new();
    pairs.line_if("id", Some(capture.id().as_str()));
    pairs.line_if("type", Some(capture.kind().as_str()));
    pairs.state("status", capture.status());
    pairs.line_if("error", capture.error_message());
    pairs.line_if("submitted", capture.submitted().map(|it| zone.exact(it)));
    pairs.line_if("time limit", capture.time_limit().map(duration));
    pairs.line_if("packet limit", capture.packet_limit().map(count));
    pairs.line_if("byte limit", capture.byte_limit().map(size));
    pairs.line_if("ending at", capture.ending_at().map(|it| zone.exact(it)));
    pairs.line_if(
        "filter",
        match filter(capture) {
            none if none.is_empty() => capture.filter().map(|_| "every packet".to_owned()),
            filter => Some(filter),
        },
    );
    pairs.line_if("colo", capture.colo());
    pairs.line_if("bucket", capture.destination().map(|it| place(&it)));
    pairs.line_if(
        "captured",
        capture
            .packets_captured()
            .map(|it| format!("{} packets", count(it))),
    );
    pairs.line_if("stopped", capture.stop_requested().map(|it| zone.exact(it)));
    pairs.finish()
}

/// Captures, one a row.
pub(crate) fn captures(zone: &Zone, captures: &[Capture]) -> String {
    let rows: Vec<_> = captures
        .iter()
        .map(|it| {
            [
                it.id().to_string(),
                it.kind().as_str().to_owned(),
                it.status().to_owned(),
                it.submitted()
                    .map(|it| zone.seconds(it))
                    .unwrap_or_default(),
                limits(it),
                filter(it),
                it.colo().unwrap_or_default().to_owned(),
                it.destination().map(|it| place(&it)).unwrap_or_default(),
            ]
        })
        .collect();
    table(&COLUMNS, &rows)
}

fn limits(capture: &Capture) -> String {
    let limits = [
        capture.time_limit().map(duration),
        capture.packet_limit().map(|it| format!("{it} packets")),
        capture.byte_limit().map(size),
    ];
    limits.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A capture's filter, in the words that would ask for it again; empty for every packet. One that holds what this
/// version does not know is shown as the service gave it.
fn filter(capture: &Capture) -> String {
    if let Some(filter) = capture.filter() {
        return filter.to_string();
    }
    let given = serde_json::to_value(capture).unwrap_or_default();
    match &given["filter_v1"] {
        Value::Null => String::new(),
        filter => filter.to_string(),
    }
}
