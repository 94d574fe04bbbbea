//! Captures as people read them.

use pcaps::Capture;
use serde_json::{Map, Value};

use super::{
    table::table,
    text::{Pairs, count, duration, place, size, time},
};

/// One capture, a field a line.
pub(crate) fn capture(capture: &Capture) -> String {
    let mut pairs = Pairs::new();
    pairs.line_if("id", Some(capture.id().as_str()));
    pairs.line_if("type", Some(capture.kind().as_str()));
    pairs.line_if("status", Some(capture.status()));
    pairs.line_if("error", capture.error_message());
    pairs.line_if("submitted", capture.submitted().map(|it| it.to_string()));
    pairs.line_if("time limit", capture.time_limit().map(duration));
    pairs.line_if("packet limit", capture.packet_limit().map(count));
    pairs.line_if("byte limit", capture.byte_limit().map(size));
    pairs.line_if("ending at", capture.ending_at().map(|it| it.to_string()));
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
    pairs.line_if("stopped", capture.stop_requested().map(|it| it.to_string()));
    pairs.finish()
}

/// Captures, one a row.
pub(crate) fn captures(captures: &[Capture]) -> String {
    let rows: Vec<_> = captures
        .iter()
        .map(|it| {
            [
                it.id().to_string(),
                it.kind().as_str().to_owned(),
                it.status().to_owned(),
                it.submitted().map(time).unwrap_or_default(),
                limits(it),
                filter(it),
                it.colo().unwrap_or_default().to_owned(),
                it.destination().map(|it| place(&it)).unwrap_or_default(),
            ]
        })
        .collect();
    table(
        [
            "ID",
            "TYPE",
            "STATUS",
            "SUBMITTED",
            "LIMITS",
            "FILTER",
            "COLO",
            "BUCKET",
        ],
        &rows,
    )
}

fn limits(capture: &Capture) -> String {
    let limits = [
        capture.time_limit().map(duration),
        capture.packet_limit().map(|it| format!("{it} packets")),
        capture.byte_limit().map(size),
    ];
    limits.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// A capture's filter, in the words that would ask for it again; empty for every packet.
fn filter(capture: &Capture) -> String {
    match serde_json::to_value(capture) {
        Ok(Value::Object(fields)) => match fields.get("filter_v1") {
            Some(Value::Object(parts)) => words(parts),
            _ => String::new(),
        },
        _ => String::new(),
    }
}

/// The parts of a filter in the order in which they are shown.
const ORDER: [&str; 5] = [
    "protocol",
    "source_address",
    "source_port",
    "destination_address",
    "destination_port",
];

fn words(parts: &Map<String, Value>) -> String {
    let known = |name: &str, value: &str| {
        Some(match name {
            "protocol" => match value {
                "1" => "icmp".to_owned(),
                "2" => "igmp".to_owned(),
                "6" => "tcp".to_owned(),
                "17" => "udp".to_owned(),
                "47" => "gre".to_owned(),
                "50" => "esp".to_owned(),
                "51" => "ah".to_owned(),
                "58" => "icmp6".to_owned(),
                "132" => "sctp".to_owned(),
                _ => format!("proto {value}"),
            },
            "source_address" => format!("src host {value}"),
            "source_port" => format!("src port {value}"),
            "destination_address" => format!("dst host {value}"),
            "destination_port" => format!("dst port {value}"),
            _ => return None,
        })
    };
    let others = parts
        .keys()
        .map(String::as_str)
        .filter(|it| !ORDER.contains(it));
    let mut words = Vec::new();
    for name in ORDER.into_iter().chain(others) {
        let value = match parts.get(name) {
            None | Some(Value::Null) => continue,
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
        };
        if !value.is_empty() {
            words.push(known(name, &value).unwrap_or_else(|| format!("{name}={value}")));
        }
    }
    words.join(" and ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn shown(parts: Value) -> String {
        let Value::Object(parts) = parts else {
            panic!()
        };
        words(&parts)
    }

    #[test]
    fn filters_are_shown_in_the_words_that_ask_for_them() {
        let dns =
            shown(json!({"destination_port": 53, "protocol": 17, "source_address": "192.0.2.1"}));
        assert_eq!(dns, "udp and src host 192.0.2.1 and dst port 53");
        dns.parse::<pcaps::Filter>().unwrap();
        assert_eq!(shown(json!({"protocol": 200})), "proto 200");
        assert_eq!(shown(json!({})), "");
        assert_eq!(
            shown(json!({"source_address": "", "source_port": null})),
            ""
        );
    }

    #[test]
    fn parts_from_the_future_are_shown_as_they_are() {
        assert_eq!(shown(json!({"vlan": 7, "protocol": 6})), "tcp and vlan=7");
    }
}
