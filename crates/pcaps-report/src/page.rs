//! The page itself. Whatever is put into it is text: maud escapes it.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use pcaps_file::{
    Finding, FindingKind, Summary,
    human::{self, count},
};

use crate::{
    Report, ReportedFile,
    pictures::{SHOWN, about, flows, human_count, over_time, pictures},
    tables::{Column, opened, table},
    time::seconds,
};

const STYLE: &str = include_str!("style.css");

/// Nothing but its own style, which is known by its hash: a test says what that is.
const POLICY: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; img-src data:; style-src 'sha256-{hash}'";

/// The hash of the style: a test computes it anew.
const STYLE_HASH: &str = "V6lXRovou+Am+jzqnEcNTDNPxzCIkMr1EWZKJ0+ZBwE=";

/// How many findings of a kind are told in full.
const FINDINGS: usize = 3;
/// How many of a kind are in the table.
const OF_KIND: usize = 25;
/// The longest name that is shown whole, in characters.
const LONGEST: usize = 200;

/// All of it.
pub(crate) fn page(report: &Report) -> Markup {
    let total = &report.total;
    let title = title(&report.files);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY.replace("{hash}", STYLE_HASH));
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { (title) " – packet capture report" }
                // Otherwise a browser asks for one.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p.kicker { "Packet capture report" }
                    h1 { bdi { (title) } }
                    (range(report))
                }
                main {
                    (torn(&report.files))
                    (findings(report))
                    (figures(total))
                    @if total.packets() > 0 {
                        (over_time(report))
                        (pictures(total))
                        (flows(total))
                    }
                    (files(report))
                    (facts(report))
                    (rules())
                }
                footer {
                    p {
                        "Made by pcaps " (env!("CARGO_PKG_VERSION"))
                        " from what is in the " (if report.files.len() == 1 { "file" } else { "files" })
                        ". This page is whole: it loads nothing and runs no script."
                    }
                }
            }
        }
    }
}

/// What is looked at.
fn title(files: &[ReportedFile]) -> String {
    match files {
        [file] => {
            let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
            shown(if name.is_empty() { &file.name } else { name })
        }
        files => format!("{} capture files", count(files.len() as u64)),
    }
}

/// Text from elsewhere, in one line that is not too long. (What changes the direction of text ends with its element.)
fn shown(text: &str) -> String {
    let mut chars = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut short: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

fn range(report: &Report) -> Markup {
    let (total, times) = (&report.total, &report.times);
    html! {
        @if let (Some(first), Some(last), Some(duration)) = (total.first_time(), total.last_time(), total.duration()) {
            p.range {
                (times.range(first, last))
                span.faint { " · " (human::duration(duration)) }
            }
        } @else {
            p.range { "There are no packets in it." }
        }
    }
}

/// What could not be read.
fn torn(files: &[ReportedFile]) -> Markup {
    let torn: Vec<_> = files.iter().filter_map(|it| it.error.as_ref()).collect();
    html! {
        @if !torn.is_empty() {
            section.torn aria-labelledby="torn" {
                h2 #torn { "Not all of it could be read" }
                p { "What follows is of the packets before the place at which reading ended." }
                ul {
                    @for error in torn.iter().take(SHOWN) {
                        li { bdi { (shown(error)) } }
                    }
                    @if torn.len() > SHOWN {
                        li { "and " (count((torn.len() - SHOWN) as u64)) " more: see the list of files" }
                    }
                }
            }
        }
    }
}

fn findings(report: &Report) -> Markup {
    let findings = report.total.findings();
    let is_whole = report.files.iter().all(|it| it.error.is_none());
    html! {
        section aria-labelledby="findings" {
            h2 #findings { "What looks like an attack" }
            @if findings.is_empty() {
                @if !report.total.is_enough_for_findings() {
                    div.finding.unknown {
                        p.headline { "Too little to tell" }
                        p { "There are too few packets of IP for any of the rules below." }
                    }
                } @else if !is_whole {
                    div.finding.unknown {
                        p.headline { "None of the rules applies to what could be read" }
                        p { "What could not be read may be something else." }
                    }
                } @else {
                    div.finding.none {
                        p.headline { "None of the rules below applies" }
                        p { "That is no proof that there was no attack." }
                    }
                }
            } @else {
                div.findings {
                    @for kind in FindingKind::ALL {
                        (of_kind(kind, &findings.iter().filter(|it| it.kind == kind).collect::<Vec<_>>()))
                    }
                }
            }
        }
    }
}

fn of_kind(kind: FindingKind, findings: &[&Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            article.finding {
                h3 {
                    (capitalized(&kind.to_string()))
                    @if findings.len() > 1 { " " span.badge { (count(findings.len() as u64)) } }
                }
                @for finding in findings.iter().take(FINDINGS) {
                    p.headline { (capitalized(&finding.headline())) }
                    p { (capitalized(&finding.reason())) "." }
                }
                @if findings.len() > FINDINGS {
                    p {
                        "And " (count((findings.len() - FINDINGS) as u64)) " more: "
                        @if findings.len() > OF_KIND { "the heaviest " (OF_KIND) " are" } @else { "all are" }
                        " in the table of findings, below."
                    }
                }
                p.faint { "It could also be: " (kind.false_alarms()) "." }
            }
        }
    }
}

/// With a capital letter at its beginning.
fn capitalized(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + chars.as_str()
}

/// The numbers that one looks at first.
fn figures(total: &Summary) -> Markup {
    let duration = total.duration().filter(|it| !it.is_zero());
    let mut all = vec![
        ("Packets", human_count(total.packets()), String::new()),
        (
            "On the wire",
            human::size(total.bytes_on_wire()),
            String::new(),
        ),
    ];
    if let Some(duration) = duration {
        let packets = human::rate(total.packets(), duration);
        let bits = human::bit_rate(total.bytes_on_wire(), duration);
        all.push(("On average", bits, format!("{packets} packets/s")));
    }
    if let Some((shortest, longest)) = total.sizes_on_wire() {
        let mean = total.bytes_on_wire() / total.packets().max(1);
        let ends = format!("{} to {}", count(shortest.into()), count(longest.into()));
        all.push(("Mean packet", format!("{} B", count(mean)), ends));
    }
    let talkers = format!(
        "{}{}",
        about(total.talkers_exact()),
        human_count(total.talker_count())
    );
    all.push(("Addresses", talkers, String::new()));
    let flows = format!(
        "{}{}",
        about(total.flows_exact()),
        human_count(total.flow_count())
    );
    all.push(("Flows", flows, String::new()));
    html! {
        section aria-label="At a glance" {
            dl.figures {
                @for (name, value, more) in &all {
                    div {
                        dt { (name) }
                        dd { (value) @if !more.is_empty() { span.faint { (more) } } }
                    }
                }
            }
        }
    }
}

const FILES: [Column; 6] = [
    Column::Text("File"),
    Column::Number("Packets"),
    Column::Number("Bytes on the wire"),
    Column::Text("First packet"),
    Column::Text("Last packet"),
    Column::Text("Not read because"),
];

fn files(report: &Report) -> Markup {
    let times = &report.times;
    let row = |it: &ReportedFile| {
        let time = |it: Option<_>| it.map(|it| times.exact(it)).unwrap_or_default();
        vec![
            shown(&it.name),
            count(it.packets),
            count(it.bytes_on_wire),
            time(it.times.map(|it| it.0)),
            time(it.times.map(|it| it.1)),
            it.error.as_deref().map(shown).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = report.files.iter().map(row).collect();
    html! {
        @if rows.len() > 1 {
            section.card aria-labelledby="files" {
                h2 #files { "Files" }
                (table("files", &FILES, &rows))
            }
        }
    }
}

/// All numbers that are in no other table.
fn facts(report: &Report) -> Markup {
    let (total, times) = (&report.total, &report.times);
    let tunnelled = total.tunnelled();
    let time = |it: Option<_>| it.map(|it| times.exact(it)).unwrap_or_default();
    let (shortest, longest) = total.sizes_on_wire().unwrap_or_default();
    let exact = |it: bool| if it { "exact" } else { "estimated" };
    let facts = [
        ("Packets", count(total.packets())),
        ("Bytes on the wire", count(total.bytes_on_wire())),
        ("Bytes captured", count(total.bytes_captured())),
        ("Shortest packet on the wire, bytes", count(shortest.into())),
        ("Longest packet on the wire, bytes", count(longest.into())),
        (
            "Longest packet captured, bytes",
            count(total.largest_captured().into()),
        ),
        ("First packet", time(total.first_time())),
        ("Last packet", time(total.last_time())),
        (
            "Between them",
            total.duration().map(seconds).unwrap_or_default(),
        ),
        ("Packets in tunnels", count(tunnelled.packets)),
        (
            "Bytes of packets in tunnels",
            count(tunnelled.bytes_on_wire),
        ),
        (
            "Addresses",
            format!(
                "{} ({})",
                count(total.talker_count()),
                exact(total.talkers_exact())
            ),
        ),
        (
            "Flows",
            format!(
                "{} ({})",
                count(total.flow_count()),
                exact(total.flows_exact())
            ),
        ),
        ("Ports", count(total.port_count())),
    ];
    let rows: Vec<_> = facts
        .into_iter()
        .map(|(name, it)| vec![name.to_owned(), it])
        .collect();
    let findings = total.findings();
    let of_kind = |kind| findings.iter().filter(move |it| it.kind == kind);
    let findings: Vec<_> = FindingKind::ALL
        .into_iter()
        .flat_map(|kind| of_kind(kind).take(OF_KIND))
        .map(in_figures)
        .collect();
    html! {
        section.card aria-labelledby="facts" {
            h2 #facts { "All numbers" }
            (opened("totals", &[Column::Text("What"), Column::Number("How much")], &rows))
            @if !findings.is_empty() {
                (opened("findings", &[Column::Text("Looks like"), Column::Text("Rests on")], &findings))
            }
            p.faint {
                "Times are in the zone that they name. Sizes are powers of a thousand. Where a table has what may have \
                 been missed, there were too many of its kind to count all of them exactly."
            }
        }
    }
}

fn in_figures(finding: &Finding) -> Vec<String> {
    let figures: Vec<_> = finding
        .figures
        .iter()
        .map(|(name, it)| format!("{} {}", name.replace('_', " "), count(*it)))
        .collect();
    vec![finding.headline(), figures.join(", ")]
}

fn rules() -> Markup {
    let rows: Vec<_> = FindingKind::ALL
        .into_iter()
        .map(|it| vec![it.to_string(), it.rule(), it.false_alarms().to_owned()])
        .collect();
    html! {
        section.card.rules aria-labelledby="rules" {
            h2 #rules { "How attacks are told" }
            p.faint {
                "By shares and shapes, not by rates: a sample is an unknown part of the traffic. Each rule takes some \
                 innocent traffic for an attack."
            }
            (opened(
                "rules",
                &[Column::Text("Looks like"), Column::Text("When there are"), Column::Text("False alarms")],
                &rows,
            ))
        }
    }
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, prelude::BASE64_STANDARD};
    use sha2::{Digest as _, Sha256};

    use super::*;

    #[test]
    fn the_policy_lets_the_style_through() {
        assert_eq!(STYLE_HASH, BASE64_STANDARD.encode(Sha256::digest(STYLE)));
        assert!(POLICY.contains("'sha256-{hash}'"));
    }
}
