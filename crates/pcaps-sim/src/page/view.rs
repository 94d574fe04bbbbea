//! The page itself. Whatever is put into it is text: maud escapes it.

use jiff::Timestamp;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use pcaps_api::{
    Capture,
    types::{Filter, FullCapture, Ownership, SimpleCapture},
};

use crate::{Request, clock};

/// What is not for the eye: it looks at the page again, and replaces what has changed.
const SCRIPT: &str = include_str!("script.js");

const STYLE: &str = include_str!("style.css");

/// The longest text that is shown whole, in characters. A path may have 64 KiB.
const LONGEST: usize = 300;

/// What there is to be seen at a moment.
pub(super) struct View {
    pub(super) base_url: String,
    pub(super) now: Timestamp,
    /// In a few words.
    pub(super) traffic: String,
    pub(super) accounts: Vec<Shown>,
    /// The newest first.
    pub(super) requests: Vec<Request>,
}

/// An account, as far as it may be seen.
pub(super) struct Shown {
    pub(super) id: String,
    /// The newest first.
    pub(super) captures: Vec<Capture>,
    /// The newest first.
    pub(super) buckets: Vec<Ownership>,
}

/// All of it. The nonce is what lets its own style and script through.
pub(super) fn page(view: &View, nonce: &str) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { "Packet captures, simulated" }
                // Otherwise a browser asks for one.
                link rel="icon" href="data:,";
                noscript { meta http-equiv="refresh" content="2"; }
                style nonce=(nonce) { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Packet captures, simulated" }
                    p { "A stand-in for Cloudflare’s PCAPs API, with packets of its own: no account there is needed." }
                    details {
                        summary { "How to use it" }
                        p {
                            "Point a client at it by its environment: " code { "CLOUDFLARE_BASE_URL" }
                            " is the base URL below, " code { "CLOUDFLARE_ACCOUNT_ID" } " an account’s id, and "
                            code { "CLOUDFLARE_API_TOKEN" } " the token, which is not shown here: " code { "pcaps sim" }
                            " printed it where it was started, with the other two, and in a test it is "
                            code { "Simulator::token" } "."
                        }
                        p { "Then, for example, " code { "pcaps capture 'udp and dst port 53'" } " takes a sample." }
                    }
                }
                p #state role="status" {}
                main {
                    (introduction(view))
                    @for account in &view.accounts {
                        (shown(account))
                    }
                    (requests(&view.requests))
                }
                script nonce=(nonce) { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn introduction(view: &View) -> Markup {
    html! {
        section aria-label="The simulator" {
            dl {
                div { dt { "Time here" } dd { (moment(&clock::text(view.now))) " UTC" } }
                div { dt { "Traffic" } dd { (view.traffic) } }
                div { dt { "Base URL" } dd { code { (view.base_url) } } }
                div { dt { "Description" } dd { a href="/openapi.json" { "openapi.json" } " (OpenAPI 3.0)" } }
            }
        }
    }
}

fn shown(account: &Shown) -> Markup {
    let name = |what: &str| format!("{what}-{}", account.id);
    let (captures, buckets) = (name("captures"), name("buckets"));
    html! {
        section aria-labelledby=(name("account")) {
            h2 id=(name("account")) { "Account " code { (account.id) } }
            h3 id=(captures) { "Captures" }
            (table(&captures, &CAPTURE, account.captures.iter().map(capture), "None yet."))
            h3 id=(buckets) { "Buckets" }
            (table(&buckets, &BUCKET, account.buckets.iter().map(bucket), "None is registered."))
        }
    }
}

/// A table in a box of its own, so that a wide one does not move the page.
fn table(
    label: &str,
    columns: &[&str],
    rows: impl ExactSizeIterator<Item = Markup>,
    nothing: &str,
) -> Markup {
    html! {
        @if rows.len() == 0 {
            p.nothing { (nothing) }
        } @else {
            div.box role="region" aria-labelledby=(label) tabindex="0" {
                table {
                    thead { tr { @for column in columns { th scope="col" { (column) } } } }
                    tbody { @for row in rows { tr { (row) } } }
                }
            }
        }
    }
}

const CAPTURE: [&str; 9] = [
    "Submitted",
    "Status",
    "Type",
    "Packets",
    "Id",
    "Limits",
    "Filter",
    "Data centre",
    "Destination",
];

fn capture(capture: &Capture) -> Markup {
    match capture {
        Capture::Simple(sample) => simple(sample),
        Capture::Full(capture) => full(capture),
        // The simulator makes none.
        _ => html! { td colspan=(CAPTURE.len()) { "of another type" } },
    }
}

fn simple(sample: &SimpleCapture) -> Markup {
    let SimpleCapture {
        filter_v1,
        id,
        offset_time,
        packet_limit,
        status,
        submitted,
        time_limit,
        ..
    } = sample;
    html! {
        td { (moment_of(submitted.as_deref())) }
        td { @if let Some(status) = status { (badge(status.as_str())) } }
        td { "simple" }
        td {}
        td { code { (id.as_deref().unwrap_or_default()) } }
        td.wide {
            (limits(*time_limit, *packet_limit, None))
            @if let Some(until) = offset_time { ", until " (moment(until)) }
        }
        td.wide { (filter(filter_v1.as_ref())) }
        td {}
        td {}
    }
}

fn full(capture: &FullCapture) -> Markup {
    let FullCapture {
        byte_limit,
        colo_name,
        destination_conf,
        error_message,
        filter_v1,
        id,
        packet_limit,
        packets_captured,
        status,
        submitted,
        time_limit,
        ..
    } = capture;
    html! {
        td { (moment_of(submitted.as_deref())) }
        td.wide[error_message.is_some()] {
            @if let Some(status) = status { (badge(status.as_str())) }
            @if let Some(error) = error_message { br; (short(error.expose())) }
        }
        td { "full" }
        td.number { @if let Some(packets) = packets_captured { (grouped(*packets)) } }
        td { code { (id.as_deref().unwrap_or_default()) } }
        td.wide { (limits(*time_limit, *packet_limit, *byte_limit)) }
        td.wide { (filter(filter_v1.as_ref())) }
        td { (colo_name.as_deref().unwrap_or_default()) }
        td { code { (place(destination_conf.as_ref())) } }
    }
}

const BUCKET: [&str; 5] = ["Submitted", "Status", "Destination", "Challenge file", "Id"];

fn bucket(bucket: &Ownership) -> Markup {
    let Ownership {
        destination_conf,
        filename,
        id,
        status,
        submitted,
        ..
    } = bucket;
    html! {
        td { (moment_of(submitted.as_deref())) }
        td { @if let Some(status) = status { (badge(status.as_str())) } }
        td { code { (place(destination_conf.as_ref())) } }
        td { code { (filename.as_deref().unwrap_or_default()) } }
        td { code { (id.as_deref().unwrap_or_default()) } }
    }
}

fn requests(requests: &[Request]) -> Markup {
    let columns = ["Time", "Status", "Operation", "Method", "Path"];
    html! {
        section aria-labelledby="requests" {
            h2 id="requests" { "Requests" }
            (table("requests", &columns, requests.iter().map(request), "None yet."))
        }
    }
}

fn request(request: &Request) -> Markup {
    html! {
        td { (moment(&clock::text(request.at))) }
        td { @match request.status {
            Some(status) => span.badge.failed[status >= 400].success[(200..300).contains(&status)] { (status) },
            None => "no answer yet",
        } }
        td { @if let Some(operation) = request.operation { (operation) } }
        td { (short(&request.method)) }
        td { code { (short(before_query(&request.path))) } }
    }
}

/// A status, told by colour too.
fn badge(status: &str) -> Markup {
    let kind = match status {
        "success" => "success",
        "failed" => "failed",
        _ => "",
    };
    html! { span class={ "badge " (kind) } { (status) } }
}

fn moment_of(text: Option<&str>) -> Markup {
    html! { @if let Some(text) = text { (moment(text)) } }
}

/// A moment to the second. All of it shows when it is pointed at.
fn moment(text: &str) -> Markup {
    let short = text.get(..19).map(|it| it.replacen('T', " ", 1));
    html! { time datetime=(text) title=(text) { (short.as_deref().unwrap_or(text)) } }
}

fn limits(seconds: Option<i64>, packets: Option<i64>, bytes: Option<i64>) -> String {
    let limits = [(seconds, "s"), (packets, "packets"), (bytes, "bytes")];
    let limits = limits.into_iter().filter_map(|(limit, unit)| {
        let limit = grouped(limit?);
        Some(format!("{limit} {unit}"))
    });
    limits.collect::<Vec<_>>().join(", ")
}

/// A filter in tcpdump's language, as the command line reads it.
fn filter(filter: Option<&Filter>) -> Markup {
    let mut parts = Vec::new();
    if let Some(filter) = filter {
        let mut part = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                parts.push(format!("{name} {}", short(&value)));
            }
        };
        let number = |value: Option<i64>| value.map(|it| it.to_string());
        part("proto", number(filter.protocol));
        part("src host", filter.source_address.clone());
        part("src port", number(filter.source_port));
        part("dst host", filter.destination_address.clone());
        part("dst port", number(filter.destination_port));
    }
    html! {
        @if parts.is_empty() { "every packet" } @else { code { (parts.join(" and ")) } }
    }
}

/// A bucket and its directory. The query may hold keys.
fn place(conf: Option<&pcaps_api::Secret>) -> String {
    let conf = conf.map(pcaps_api::Secret::expose).unwrap_or_default();
    short(before_query(conf))
}

fn before_query(text: &str) -> &str {
    text.split('?').next().unwrap_or_default()
}

/// A text that may be too long.
fn short(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A number with commas: `1,000,000`.
fn grouped(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>&lt;";

    #[test]
    fn whatever_is_shown_is_text() {
        let hostile = || Some(HOSTILE.to_owned());
        let filter = || {
            Some(Filter {
                source_address: hostile(),
                destination_address: hostile(),
                ..Filter::default()
            })
        };
        let status = || Some(pcaps_api::CaptureStatus::Other(HOSTILE.into()));
        let view = View {
            base_url: HOSTILE.into(),
            now: Timestamp::UNIX_EPOCH,
            traffic: HOSTILE.into(),
            accounts: vec![Shown {
                id: HOSTILE.into(),
                captures: vec![
                    Capture::Simple(SimpleCapture {
                        filter_v1: filter(),
                        id: hostile(),
                        offset_time: hostile(),
                        status: status(),
                        submitted: hostile(),
                        ..SimpleCapture::default()
                    }),
                    Capture::Full(FullCapture {
                        colo_name: hostile(),
                        destination_conf: Some(HOSTILE.into()),
                        error_message: Some(HOSTILE.into()),
                        filter_v1: filter(),
                        id: hostile(),
                        status: status(),
                        submitted: hostile(),
                        ..FullCapture::default()
                    }),
                ],
                buckets: vec![Ownership {
                    destination_conf: Some(HOSTILE.into()),
                    filename: hostile(),
                    id: hostile(),
                    status: Some(pcaps_api::OwnershipStatus::Other(HOSTILE.into())),
                    submitted: hostile(),
                    ..Ownership::default()
                }],
            }],
            requests: Vec::new(),
        };
        let page = page(&view, "nonce").into_string();
        assert!(!page.contains("<script>"), "{page}");
        assert!(!page.contains("<img"), "{page}");
        assert!(!page.contains("\"'"), "{page}");
        assert!(page.matches("&lt;script&gt;").count() > 20, "{page}");
        assert!(page.contains("&amp;lt;"), "{page}");
    }

    #[test]
    fn a_place_has_no_query() {
        let conf = "r2://b/d?account-id=a&secret-access-key=s".into();
        assert_eq!(place(Some(&conf)), "r2://b/d");
        assert_eq!(place(None), "");
    }

    #[test]
    fn long_texts_are_cut() {
        let text = "é".repeat(LONGEST);
        assert_eq!(short(&text), text);
        assert_eq!(short(&format!("{text}a")), format!("{text}…"));
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (-123_456, "-123,456"),
            (1_000_000_000, "1,000,000,000"),
        ] {
            assert_eq!(grouped(number), text);
        }
        let all = limits(Some(86_400), Some(10_000), Some(1_000_000));
        assert_eq!(all, "86,400 s, 10,000 packets, 1,000,000 bytes");
        assert_eq!(limits(Some(1), None, None), "1 s");
    }
}
